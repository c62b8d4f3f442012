/* test_conductor.c: when the conductor looks, and for whom, on a driver whose looks end when the test says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/conductor.h"
#include "spec/base/arena.h"
#include "tests/unit/scratch.h"

/* ---- a driver that only listens ---- */

struct deaf {
    struct driver driver;
    happening_fn *happened;
    look_done_fn *done;
    void *follower, *looker;
    int looks, everything; /* asked for so far */
    op_done_fn *op_done;   /* of the operation under way */
    void *op_user;
    int ops; /* begun so far */
};

static void deaf_look(struct driver *d, const struct look *scope, look_done_fn *done, void *user)
{
    struct deaf *x = (struct deaf *)d;

    assert_null(x->done); /* one at a time */
    x->looks++;
    x->everything += scope->everything;
    x->done = done;
    x->looker = user;
}

static const struct observed *deaf_observed(struct driver *d, struct arena *a)
{
    (void)d;
    return ARENA_NEW(a, struct observed);
}

static void deaf_follow(struct driver *d, happening_fn *happened, void *user)
{
    struct deaf *x = (struct deaf *)d;

    x->happened = happened;
    x->follower = user;
}

/* One at a time is enough here: what is refused is not what is tested. */
static struct ticket *deaf_submit(struct driver *d, const struct op *op, op_done_fn *done,
                                  op_progress_fn *progress, void *user)
{
    struct deaf *x = (struct deaf *)d;

    (void)op;
    (void)progress;
    assert_null(x->op_done);
    x->op_done = done;
    x->op_user = user;
    x->ops++;
    return NULL;
}

static const struct driver_ops deaf_ops = {.name = "deaf",
                                           .submit = deaf_submit,
                                           .look = deaf_look,
                                           .observed = deaf_observed,
                                           .follow = deaf_follow};

/* ---- a conductor over two apps that want nothing ---- */

struct fixture {
    struct options options;
    struct core core;
    struct deaf deaf;
    struct conductor *conductor;
    const char *root;
    char planned[256]; /* apps whose verdict was told, in order */
    char passes[256];  /* apps of each pass */
};

static void told(void *ctx, const char *app, enum app_state state, const char *why)
{
    struct fixture *f = ctx;
    size_t n = strlen(f->planned);

    (void)state;
    (void)why;
    (void)snprintf(f->planned + n, sizeof(f->planned) - n, "%s ", app);
}

static void looked(void *ctx, const struct core_pass *pass)
{
    struct fixture *f = ctx;

    for (size_t i = 0; i < pass->plan->n_apps; i++) {
        size_t n = strlen(f->passes);

        (void)snprintf(f->passes + n, sizeof(f->passes) - n, "%s%s", i ? "+" : "",
                       pass->plan->apps[i].name);
    }
    size_t n = strlen(f->passes);

    (void)snprintf(f->passes + n, sizeof(f->passes) - n, " ");
}

static int set_up(void **state)
{
    static const char spec[] = "app: %s\nimage: nginx:1.27\nstate: stopped\n";
    struct fixture *f = calloc(1, sizeof(*f));
    struct err e = {0};
    char text[128];

    if (!f || scratch_setup(state) != 0)
        return -1;
    f->root = *state;
    (void)snprintf(text, sizeof(text), spec, "a");
    put("a.yaml", text);
    (void)snprintf(text, sizeof(text), spec, "b");
    put("b.yaml", text);
    age("a.yaml", 10000);
    age("b.yaml", 10000);
    f->options =
        (struct options){.roots = {&f->root, 1},
                         .state = f->root,
                         .settings = {.owner = "default", .pool = "10.0.0.0/8", .pool_prefix = 26}};
    f->deaf.driver.ops = &deaf_ops;
    if (core_open(&f->core, &f->options, CORE_FILES, &e) < 0)
        return -1;
    f->core.http = http_new(&(struct http_target){.url = "unix:///nowhere"}, &e);
    f->core.driver = &f->deaf.driver;
    (void)core_scan(&f->core, NULL);
    core_desire(&f->core);
    f->conductor = conductor_new(
        &(struct conductor_options){.core = &f->core, .told = told, .looked = looked, .ctx = f});
    conductor_start(f->conductor);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    void *root = (void *)(uintptr_t)f->root;

    conductor_free(f->conductor);
    f->core.driver = NULL;
    core_close(&f->core);
    (void)scratch_teardown(&root);
    free(f);
    return 0;
}

/* Let what was scheduled happen. */
static void turn(struct fixture *f)
{
    struct err e = {0};

    for (int i = 0; i < 5; i++)
        assert_int_equal(http_poll(f->core.http, NULL, 0, 1, &e), 0);
}

static void end_look(struct fixture *f)
{
    look_done_fn *done = f->deaf.done;

    assert_non_null(done);
    f->deaf.done = NULL;
    done(f->deaf.looker, &(struct err){.kind = ERR_NONE});
    turn(f);
}

static void happen(struct fixture *f, enum engine_happening what, const char *app)
{
    f->deaf.happened(
        f->deaf.follower,
        &(struct happening){.what = what, .app = app, .object = "container x", .action = "die"});
}

/* The engine answers an error, or nothing in time, while its events flow on. */
static void test_a_failed_look_is_tried_again(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};

    happen(f, ENGINE_UP, NULL);
    turn(f);
    look_done_fn *done = f->deaf.done;
    f->deaf.done = NULL;
    done(f->deaf.looker, &(struct err){.kind = ERR_RETRY, .msg = "timed out"});
    turn(f);
    assert_false(conductor_idle(f->conductor));
    for (int i = 0; i < 100 && f->deaf.looks < 2; i++)
        assert_int_equal(http_poll(f->core.http, NULL, 0, 100, &e), 0);
    assert_int_equal(f->deaf.looks, 2);
    assert_int_equal(f->deaf.everything, 2);
    end_look(f);
    assert_string_equal(f->planned, "a b ");
    assert_true(conductor_idle(f->conductor));
}

static void settle_first(struct fixture *f)
{
    happen(f, ENGINE_UP, NULL);
    turn(f);
    assert_int_equal(f->deaf.looks, 1);
    assert_int_equal(f->deaf.everything, 1);
    end_look(f);
    assert_int_equal(f->deaf.looks, 1);
    assert_string_equal(f->planned, "a b ");
}

static void test_an_event_costs_one_look_and_no_list(void **state)
{
    struct fixture *f = *state;

    settle_first(f);
    happen(f, ENGINE_CHANGED, "a");
    happen(f, ENGINE_CHANGED, "a");
    turn(f);
    assert_int_equal(f->deaf.looks, 2);
    assert_int_equal(f->deaf.everything, 1);
    end_look(f);
    assert_int_equal(f->deaf.looks, 2);
    assert_true(conductor_idle(f->conductor));
}

/* The look's calls may have been answered before the event: what it tells of is not in there. */
static void test_an_event_during_a_look_is_looked_at(void **state)
{
    struct fixture *f = *state;

    settle_first(f);
    happen(f, ENGINE_CHANGED, "a");
    turn(f);
    assert_int_equal(f->deaf.looks, 2);
    happen(f, ENGINE_CHANGED, "b");
    end_look(f);
    assert_int_equal(f->deaf.looks, 3);
    end_look(f);
    assert_int_equal(f->deaf.looks, 3);
    assert_true(conductor_idle(f->conductor));
}

static void test_an_event_of_an_unknown_app_during_a_full_look_is_looked_at(void **state)
{
    struct fixture *f = *state;

    settle_first(f);
    conductor_look_again(f->conductor);
    turn(f);
    assert_int_equal(f->deaf.everything, 2);
    happen(f, ENGINE_CHANGED, "orphan");
    end_look(f);
    assert_int_equal(f->deaf.looks, 3);
    assert_int_equal(f->deaf.everything, 2);
    end_look(f);
    assert_int_equal(f->deaf.looks, 3);
}

/* As the agent does when the watcher says so. */
static void change_file(struct fixture *f, const char *name, const char *text)
{
    put(name, text);
    age(name, 5000);
    assert_true(core_scan(&f->core, NULL));
    core_desire(&f->core);
    conductor_files_changed(f->conductor);
}

static void test_files_that_change_during_a_look_are_planned_again(void **state)
{
    struct fixture *f = *state;

    settle_first(f);
    happen(f, ENGINE_CHANGED, "a");
    turn(f);
    change_file(f, "b.yaml", "app: b\nimage: nginx:1.28\nstate: stopped\n");
    end_look(f);
    assert_int_equal(f->deaf.looks, 3);
    assert_string_equal(f->passes, "a+b a ");
    end_look(f);
    assert_string_equal(f->passes, "a+b a b ");
    assert_true(conductor_idle(f->conductor));
}

static void test_only_who_changed_is_planned(void **state)
{
    struct fixture *f = *state;

    settle_first(f);
    change_file(f, "b.yaml", "app: b\nimage: nginx:1.28\nstate: stopped\n");
    turn(f);
    end_look(f);
    change_file(f, "c.yaml", "app: c\nimage: nginx:1.28\nstate: stopped\n");
    turn(f);
    end_look(f);
    assert_string_equal(f->passes, "a+b b c ");
    assert_true(conductor_idle(f->conductor));
}

/* A comment, a file that is none of ours: nobody's plan can be another. */
static void test_files_that_change_nothing_cost_no_look(void **state)
{
    struct fixture *f = *state;

    settle_first(f);
    change_file(f, "b.yaml", "# the same\napp: b\nimage: nginx:1.27\nstate: stopped\n");
    turn(f);
    assert_int_equal(f->deaf.looks, 1);
    assert_true(conductor_idle(f->conductor));
}

/* It claims what the other gives up; its own file stays as it was. */
static void test_who_is_refused_is_planned_along(void **state)
{
    struct fixture *f = *state;

    put("b.yaml", "app: b\nimage: nginx:1.27\ncontainer_name: front\nstate: stopped\n");
    put("a.yaml", "app: a\nimage: nginx:1.27\ncontainer_name: front\nstate: stopped\n");
    age("a.yaml", 9000);
    age("b.yaml", 9000);
    assert_true(core_scan(&f->core, NULL));
    core_desire(&f->core);
    settle_first(f);
    change_file(f, "a.yaml", "app: a\nimage: nginx:1.27\nstate: stopped\n");
    turn(f);
    end_look(f);
    assert_string_equal(f->passes, "a+b a+b ");
}

/* What was taken up for a look that served another purpose is not lost. */
static void test_who_waits_for_another_look_stays_due(void **state)
{
    struct fixture *f = *state;

    settle_first(f);
    happen(f, ENGINE_CHANGED, "a");
    turn(f);
    f->core.stale = true;
    end_look(f);
    assert_int_equal(f->deaf.looks, 3);
    assert_string_equal(f->passes, "a+b ");
    end_look(f);
    assert_string_equal(f->passes, "a+b a ");
    assert_true(conductor_idle(f->conductor));
}

static void end_ops(struct fixture *f)
{
    while (f->deaf.op_done) {
        op_done_fn *done = f->deaf.op_done;

        f->deaf.op_done = NULL;
        done(f->deaf.op_user, &(struct op_result){.id = "x"});
        turn(f);
    }
}

/* An answer that is older than what was done meanwhile must not have it done again. */
static void test_a_run_that_ends_during_a_look_is_not_planned_by_it(void **state)
{
    struct fixture *f = *state;

    settle_first(f);
    change_file(f, "b.yaml", "app: b\nimage: nginx:1.28\nnetwork_mode: none\n");
    turn(f);
    for (int i = 0; i < 5 && f->deaf.ops == 0; i++)
        end_look(f);
    assert_int_equal(f->deaf.ops, 1);
    conductor_look_again(f->conductor);
    turn(f);
    assert_non_null(f->deaf.done);
    end_ops(f);
    int ops = f->deaf.ops, looks = f->deaf.looks;
    assert_true(ops > 1);
    end_look(f);
    assert_int_equal(f->deaf.ops, ops);
    assert_int_equal(f->deaf.looks, looks + 1);
    end_look(f); /* this one began after the run */
    assert_true(f->deaf.ops > ops);
    end_ops(f);
}

/* The files have been looked at anew, and what they want is not known yet. */
static void test_a_run_fails_while_its_file_changes(void **state)
{
    struct fixture *f = *state;

    settle_first(f);
    change_file(f, "b.yaml", "app: b\nimage: nginx:1.28\nnetwork_mode: none\n");
    turn(f);
    for (int i = 0; i < 5 && f->deaf.ops == 0; i++)
        end_look(f);
    put("b.yaml", "app: b\nimage: nginx:1.29\nnetwork_mode: none\n");
    age("b.yaml", 4000);
    assert_true(core_scan(&f->core, NULL));
    assert_null(f->core.desired);
    op_done_fn *done = f->deaf.op_done;

    assert_non_null(done);
    f->deaf.op_done = NULL;
    done(f->deaf.op_user,
         &(struct op_result){.err = {.kind = ERR_RETRY, .msg = "no space left on device"}});
    turn(f);
    core_desire(&f->core);
    conductor_files_changed(f->conductor);
    turn(f);
    assert_non_null(f->deaf.done); /* it goes on */
    end_look(f);
    end_ops(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_event_costs_one_look_and_no_list, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_failed_look_is_tried_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_event_during_a_look_is_looked_at, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            test_an_event_of_an_unknown_app_during_a_full_look_is_looked_at, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_files_that_change_during_a_look_are_planned_again,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_only_who_changed_is_planned, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_files_that_change_nothing_cost_no_look, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_who_is_refused_is_planned_along, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_run_that_ends_during_a_look_is_not_planned_by_it,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_run_fails_while_its_file_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_waits_for_another_look_stays_due, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
