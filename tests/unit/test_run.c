/* A run: what it starts, in which order, what it skips, and how it ends. The driver is a script in this file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "reconcile/run.h"
#include "spec/base/arena.h"

enum { MOST = 16 };

struct ticket {
    const struct op *op;
    op_done_fn *done;
    void *user;
    bool open, cancelled;
};

struct env {
    struct driver driver;
    struct ticket tickets[MOST]; /* in the order of submission */
    size_t n_tickets;
    struct action actions[MOST];
    uint32_t needs[MOST][4];
    struct plan_app part;
    struct run *run;
    bool over, free_in_over;
    enum run_end how;
    char failure[400];
    struct str told; /* "start 0\nend 0 ok\n" ... */
    struct recorder recorder;
    int64_t clock;
};

static struct env *current; /* run_options.now_ms takes no argument */

/* ---- the script ---- */

static struct ticket *script_submit(struct driver *d, const struct op *op, op_done_fn *done,
                                    op_progress_fn *progress, void *user)
{
    struct env *x = (struct env *)(void *)d;

    (void)progress;
    assert_true(x->n_tickets < MOST);
    x->tickets[x->n_tickets] = (struct ticket){op, done, user, true, false};
    return &x->tickets[x->n_tickets++];
}

static void script_cancel(struct driver *d, struct ticket *t)
{
    (void)d;
    assert_true(t->open);
    t->cancelled = true;
}

static const struct driver_ops script = {
    .name = "script", .submit = script_submit, .cancel = script_cancel};

static size_t number_of(const struct env *x, const struct action *a)
{
    return (size_t)(a - run_part(x->run)->actions);
}

static void told_started(void *ctx, const struct run *r, const struct action *a)
{
    struct env *x = ctx;

    (void)r;
    str_addf(&x->told, "+%zu ", number_of(x, a));
}

static void told_ended(void *ctx, const struct run *r, const struct action *a,
                       const struct op_result *result, int64_t took_ms)
{
    struct env *x = ctx;
    const char *how = result->err.kind == ERR_NONE ? "" : result->err.kind == ERR_STALE ? "s" : "!";

    (void)r;
    str_addf(&x->told, "-%zu%s ", number_of(x, a), how);
    if (took_ms)
        str_addf(&x->told, "(%d) ", (int)took_ms);
}

static void told_run_ended(void *ctx, const struct run *r, enum run_end how,
                           const struct err *first_failure)
{
    struct env *x = ctx;

    (void)r;
    (void)how;
    (void)first_failure;
    str_add(&x->told, "over");
}

static void run_is_over(void *user, struct run *r, enum run_end how,
                        const struct err *first_failure)
{
    struct env *x = user;

    assert_false(x->over);
    x->over = true;
    x->how = how;
    (void)snprintf(x->failure, sizeof(x->failure), "%s", first_failure ? first_failure->msg : "");
    if (x->free_in_over) {
        run_free(r);
        x->run = NULL;
    }
}

static int64_t script_clock(void)
{
    return current->clock;
}

static int setup(void **state)
{
    struct env *x = xcalloc(1, sizeof(*x));

    current = x;
    x->driver.ops = &script;
    x->part = (struct plan_app){.name = "blog", .digest = "d", .actions = x->actions};
    x->recorder = (struct recorder){.action_started = told_started,
                                    .action_ended = told_ended,
                                    .run_ended = told_run_ended,
                                    .ctx = x};
    *state = x;
    return 0;
}

static int teardown(void **state)
{
    struct env *x = *state;

    run_free(x->run);
    str_release(&x->told);
    free(x);
    return 0;
}

/* ---- saying what the part is ---- */

static size_t add(struct env *x, enum action_kind kind, int n_needs, ...)
{
    size_t i = x->part.n_actions++;
    va_list ap;

    va_start(ap, n_needs);
    for (int k = 0; k < n_needs; k++)
        x->needs[i][k] = (uint32_t)va_arg(ap, int);
    va_end(ap);
    x->actions[i] = (struct action){.kind = kind,
                                    .subject = "container blog-app-1",
                                    .cause = "test",
                                    .needs = x->needs[i],
                                    .n_needs = (size_t)n_needs};
    x->actions[i].op.object = "blog-app-1";
    return i;
}

static void start(struct env *x)
{
    struct run_options o = {.id = 7,
                            .driver = &x->driver,
                            .recorders = &x->recorder,
                            .n_recorders = 1,
                            .now_ms = script_clock,
                            .over = run_is_over,
                            .user = x};

    x->run = run_new(&x->part, &o);
    run_start(x->run);
}

/* The i-th action must be in flight; end it. */
static void end(struct env *x, size_t i, enum err_kind kind)
{
    for (size_t t = 0; t < x->n_tickets; t++) {
        struct ticket *k = &x->tickets[t];

        if (!k->open || k->op != &run_part(x->run)->actions[i].op)
            continue;
        struct op_result result = {.err = {.kind = kind}};

        (void)snprintf(result.err.msg, sizeof(result.err.msg), "%s", kind ? "it broke" : "");
        k->open = false;
        k->done(k->user, &result);
        return;
    }
    fail_msg("action %zu is not in flight", i);
}

static void expect(struct env *x, const char *told)
{
    assert_string_equal(str_text(&x->told), told);
    str_clear(&x->told);
}

/* ---- tests ---- */

static void test_nothing_to_do(void **state)
{
    struct env *x = *state;

    start(x);
    assert_true(x->over);
    assert_int_equal(x->how, RUN_DONE);
    expect(x, "over");
}

static void test_order_and_parallel(void **state)
{
    struct env *x = *state;

    add(x, ACT_PULL, 0);
    add(x, ACT_NETWORK_CREATE, 0);
    add(x, ACT_CREATE, 2, 0, 1);
    add(x, ACT_START, 1, 2);
    start(x);
    expect(x, "+0 +1 ");
    x->clock = 5;
    end(x, 1, ERR_NONE);
    expect(x, "-1 (5) ");
    end(x, 0, ERR_NONE);
    expect(x, "-0 (5) +2 ");
    end(x, 2, ERR_NONE);
    expect(x, "-2 +3 ");
    assert_false(x->over);
    end(x, 3, ERR_NONE);
    expect(x, "-3 over");
    assert_int_equal(x->how, RUN_DONE);
    assert_int_equal(run_id(x->run), 7);
    assert_string_equal(run_app(x->run), "blog");
}

static void test_failure_stops_only_what_needs_it(void **state)
{
    struct env *x = *state;

    add(x, ACT_CREATE, 0);
    add(x, ACT_CREATE, 0);
    add(x, ACT_START, 1, 0);
    add(x, ACT_WAIT_RUNNING, 1, 2);
    add(x, ACT_START, 1, 1);
    start(x);
    expect(x, "+0 +1 ");
    end(x, 0, ERR_CONFLICT);
    expect(x, "-0! -2s -3s ");
    end(x, 1, ERR_NONE);
    expect(x, "-1 +4 ");
    end(x, 4, ERR_NONE);
    expect(x, "-4 over");
    assert_int_equal(x->how, RUN_FAILED);
    assert_string_equal(x->failure, "create container blog-app-1: it broke");
}

static void test_first_failure_is_told(void **state)
{
    struct env *x = *state;

    add(x, ACT_STOP, 0);
    add(x, ACT_CREATE, 0);
    start(x);
    end(x, 1, ERR_RETRY);
    end(x, 0, ERR_RETRY);
    assert_string_equal(x->failure, "create container blog-app-1: it broke");
}

/* stop old, start new, wait; and the way back */
static void add_replacement(struct env *x)
{
    add(x, ACT_STOP, 0);            /* 0 */
    add(x, ACT_PULL, 0);            /* 1: something else that the start needs */
    add(x, ACT_START, 2, 0, 1);     /* 2 */
    add(x, ACT_WAIT_RUNNING, 1, 2); /* 3 */
    x->actions[add(x, ACT_STOP, 2, 3, 2)].when = WHEN_FAILED;     /* 4 */
    x->actions[add(x, ACT_START, 3, 3, 2, 4)].when = WHEN_FAILED; /* 5 */
    x->actions[add(x, ACT_START, 2, 2, 0)].when = WHEN_FAILED;    /* 6: the start's own way back */
    add(x, ACT_REMOVE, 1, 3);                                     /* 7 */
}

static void test_way_back_is_not_called_for(void **state)
{
    struct env *x = *state;

    add_replacement(x);
    start(x);
    end(x, 0, ERR_NONE);
    end(x, 1, ERR_NONE);
    end(x, 2, ERR_NONE);
    expect(x, "+0 +1 -0 -1 +2 -2 +3 ");
    end(x, 3, ERR_NONE);
    end(x, 7, ERR_NONE);
    expect(x, "-3 +7 -7 over"); /* 4, 5 and 6 are not even told */
    assert_int_equal(x->how, RUN_DONE);
    assert_false(run_action_done(x->run, 5));
    assert_true(run_action_done(x->run, 7));
}

static void test_way_back_after_the_wait(void **state)
{
    struct env *x = *state;

    add_replacement(x);
    start(x);
    end(x, 0, ERR_NONE);
    end(x, 1, ERR_NONE);
    end(x, 2, ERR_NONE);
    str_clear(&x->told);
    end(x, 3, ERR_USER);
    expect(x, "-3! +4 -7s ");
    end(x, 4, ERR_RETRY); /* even if the new one cannot be stopped the old one is started */
    expect(x, "-4! +5 ");
    end(x, 5, ERR_NONE);
    expect(x, "-5 over");
    assert_int_equal(x->how, RUN_FAILED);
    assert_string_equal(x->failure, "wait for container blog-app-1 to stay up: it broke");
    assert_true(run_action_done(x->run, 5));
}

static void test_way_back_when_the_turn_never_came(void **state)
{
    struct env *x = *state;

    add_replacement(x);
    start(x);
    end(x, 0, ERR_NONE);
    str_clear(&x->told);
    end(x, 1, ERR_RETRY); /* the start is skipped, but the old one was stopped */
    expect(x, "-1! -2s -3s +6 -7s ");
    end(x, 6, ERR_NONE);
    expect(x, "-6 over");
}

static void test_no_way_back_from_nothing(void **state)
{
    struct env *x = *state;

    add_replacement(x);
    start(x);
    end(x, 1, ERR_RETRY);
    str_clear(&x->told);
    end(x, 0, ERR_RETRY); /* the old one was not stopped */
    expect(x, "-0! -2s -3s -7s over");
}

/* The new one failed; if the old one cannot start any more, the new one is started again rather than removed. */
static void test_put_back_or_take_what_there_is(void **state)
{
    for (int old_starts = 0; old_starts < 2; old_starts++) {
        struct env *x = *state;

        add(x, ACT_WAIT_HEALTHY, 0);                               /* 0 */
        x->actions[add(x, ACT_START, 1, 0)].when = WHEN_FAILED;    /* 1: the old one */
        x->actions[add(x, ACT_REMOVE, 1, 1)].when = WHEN_PUT_BACK; /* 2: the new one */
        x->actions[add(x, ACT_START, 1, 1)].when = WHEN_FAILED;    /* 3: the new one */
        start(x);
        end(x, 0, ERR_USER);
        end(x, 1, old_starts ? ERR_NONE : ERR_MISSING);
        end(x, old_starts ? 2 : 3, ERR_NONE);
        expect(x, old_starts ? "+0 -0! +1 -1 +2 -2 over" : "+0 -0! +1 -1! +3 -3 over");
        teardown(state);
        setup(state);
    }
}

static void test_put_back_is_silent_when_all_is_well(void **state)
{
    struct env *x = *state;

    add(x, ACT_WAIT_HEALTHY, 0);
    x->actions[add(x, ACT_START, 1, 0)].when = WHEN_FAILED;
    x->actions[add(x, ACT_REMOVE, 1, 1)].when = WHEN_PUT_BACK;
    x->actions[add(x, ACT_START, 1, 1)].when = WHEN_FAILED;
    start(x);
    end(x, 0, ERR_NONE);
    expect(x, "+0 -0 over");
    assert_int_equal(x->how, RUN_DONE);
}

static void test_optional_failure_is_only_noted(void **state)
{
    struct env *x = *state;

    x->actions[add(x, ACT_WAIT_HEALTHY, 0)].optional = true;
    add(x, ACT_START, 1, 0);
    start(x);
    end(x, 0, ERR_USER);
    expect(x, "+0 -0! +1 ");
    end(x, 1, ERR_NONE);
    assert_int_equal(x->how, RUN_DONE);
}

static void test_optional_skipped_is_only_noted(void **state)
{
    struct env *x = *state;

    add(x, ACT_START, 0);
    x->actions[add(x, ACT_WAIT_HEALTHY, 1, 0)].optional = true;
    add(x, ACT_START, 1, 1);
    start(x);
    end(x, 0, ERR_USER);
    expect(x, "+0 -0! -1s +2 ");
    end(x, 2, ERR_NONE);
    assert_int_equal(x->how, RUN_FAILED); /* for the first start */
}

static void test_keep_needs_no_engine(void **state)
{
    struct env *x = *state;

    add(x, ACT_KEEP, 0);
    add(x, ACT_KEEP, 1, 0);
    start(x);
    assert_int_equal(x->n_tickets, 0);
    expect(x, "+0 -0 +1 -1 over");
    assert_int_equal(x->how, RUN_DONE);
}

static void test_superseded(void **state)
{
    struct env *x = *state;

    add(x, ACT_PULL, 0);
    add(x, ACT_STOP, 0);
    add(x, ACT_WAIT_HEALTHY, 0);
    add(x, ACT_START, 1, 1);
    start(x);
    str_clear(&x->told);
    run_supersede(x->run);
    run_supersede(x->run);
    assert_true(x->tickets[0].cancelled);
    assert_false(x->tickets[1].cancelled); /* half a stop helps nobody */
    assert_true(x->tickets[2].cancelled);
    end(x, 0, ERR_STALE);
    end(x, 2, ERR_STALE);
    assert_false(x->over);
    end(x, 1, ERR_NONE);
    expect(x, "-0s -2s -1 over");
    assert_int_equal(x->how, RUN_SUPERSEDED);
    assert_string_equal(x->failure, "");
}

/* The file changes while the old one is being stopped: it serves again until the next plan, which may have to pull first. */
static void test_superseded_while_the_old_one_stops(void **state)
{
    struct env *x = *state;

    add_replacement(x);
    start(x);
    end(x, 1, ERR_NONE);
    str_clear(&x->told);
    run_supersede(x->run);
    end(x, 0, ERR_NONE);
    expect(x, "-0 +6 ");
    end(x, 6, ERR_NONE);
    expect(x, "-6 over");
    assert_int_equal(x->how, RUN_SUPERSEDED);
}

/* It runs and is being waited for: the next plan goes on with the trial, or replaces it. */
static void test_superseded_during_the_trial(void **state)
{
    struct env *x = *state;

    add_replacement(x);
    start(x);
    end(x, 0, ERR_NONE);
    end(x, 1, ERR_NONE);
    end(x, 2, ERR_NONE);
    str_clear(&x->told);
    run_supersede(x->run);
    end(x, 3, ERR_STALE);
    expect(x, "-3s over");
    assert_int_equal(x->how, RUN_SUPERSEDED);
}

static void test_freed_when_over(void **state)
{
    struct env *x = *state;

    x->free_in_over = true;
    add(x, ACT_START, 0);
    start(x);
    end(x, 0, ERR_NONE);
    assert_true(x->over);
    assert_null(x->run);
}

/* What it has taken stays reserved to its end: what others know of the engine may be older. */
static void test_reserved_subnets(void **state)
{
    struct env *x = *state;
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct strv l = {0};

    x->actions[add(x, ACT_NETWORK_CREATE, 0)].reserves = "10.213.0.0/26";
    x->actions[add(x, ACT_NETWORK_CREATE, 0)].reserves = "10.213.0.64/26";
    x->actions[add(x, ACT_NETWORK_CREATE, 1, 1)].reserves = "10.213.0.128/26";
    add(x, ACT_START, 1, 0);
    start(x);
    run_reserved(x->run, a, &l);
    assert_int_equal(l.n, 3);
    end(x, 0, ERR_NONE);
    end(x, 1, ERR_CONFLICT); /* and with it the third */
    l = (struct strv){0};
    run_reserved(x->run, a, &l);
    assert_int_equal(l.n, 1);
    assert_string_equal(l.v[0], "10.213.0.0/26");
    end(x, 3, ERR_NONE);
}

/* A run outlives the pass that planned it. */
static void test_shares_nothing_with_the_plan(void **state)
{
    struct env *x = *state;
    char name[] = "blog", object[] = "blog-app-1", key[] = "k", value[] = "v";
    struct kv birth_v[] = {{key, value}};
    struct kvs birth = {birth_v, 1};

    add(x, ACT_CREATE, 0);
    x->part.name = name;
    x->actions[0].op.object = object;
    x->actions[0].op.birth = &birth;
    start(x);
    memset(name, 'x', 4);
    memset(object, 'x', 4);
    memset(value, 'x', 1);
    x->actions[0].kind = ACT_REMOVE;
    assert_string_equal(run_app(x->run), "blog");
    assert_string_equal(x->tickets[0].op->object, "blog-app-1");
    assert_string_equal(x->tickets[0].op->birth->v[0].value, "v");
    assert_int_equal(run_part(x->run)->actions[0].kind, ACT_CREATE);
    end(x, 0, ERR_NONE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_to_do),
        TEST(test_order_and_parallel),
        TEST(test_failure_stops_only_what_needs_it),
        TEST(test_first_failure_is_told),
        TEST(test_way_back_is_not_called_for),
        TEST(test_way_back_after_the_wait),
        TEST(test_way_back_when_the_turn_never_came),
        TEST(test_no_way_back_from_nothing),
        TEST(test_put_back_or_take_what_there_is),
        TEST(test_put_back_is_silent_when_all_is_well),
        TEST(test_optional_failure_is_only_noted),
        TEST(test_optional_skipped_is_only_noted),
        TEST(test_keep_needs_no_engine),
        TEST(test_superseded),
        TEST(test_superseded_while_the_old_one_stops),
        TEST(test_superseded_during_the_trial),
        TEST(test_freed_when_over),
        TEST(test_reserved_subnets),
        TEST(test_shares_nothing_with_the_plan),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
