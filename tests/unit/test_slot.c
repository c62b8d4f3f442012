/* What the conductor remembers of an app: verdicts, repetition, and what forgives a failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/slot.h"
#include "reconcile/run.h"
#include "spec/base/arena.h"

struct env {
    struct slots slots;
    struct slot *s;
    struct action actions[1];
    struct plan_app pa;
};

static int setup(void **state)
{
    struct env *x = xcalloc(1, sizeof(*x));
    x->s = slots_get(&x->slots, NULL, "blog");
    x->actions[0] = (struct action){
        .kind = ACT_START, .subject = "container blog-app-1", .cause = "stopped by hand"};
    x->pa = (struct plan_app){.name = "blog",
                              .digest = "d1",
                              .state = APP_OUT_OF_SYNC,
                              .actions = x->actions,
                              .n_actions = 1};
    *state = x;
    return 0;
}

static int teardown(void **state)
{
    struct env *x = *state;
    slots_release(&x->slots, NULL);
    free(x);
    return 0;
}

/* Ends a run of x->pa without an engine: the slot only asks a run for its part. */
static void run_ends_of(struct env *x, enum run_end how, enum err_kind kind, const char *why)
{
    struct err e = {.kind = kind};
    struct run_options o = {0};
    struct run *r = run_new(&x->pa, &o);
    (void)snprintf(e.msg, sizeof(e.msg), "%s", why ? why : "");
    slot_run_over(x->s, r, how, &e, 1000);
    run_free(r);
}

static void run_ends(struct env *x, enum run_end how, const char *why)
{
    run_ends_of(x, how, why ? ERR_USER : ERR_NONE, why);
}

/* Three kills by hand in two seconds are healed three times; a controller that never stops is not fought for ever. */
static void test_done_again_by_hand(void **state)
{
    struct env *x = *state;
    struct difference d = {.object = "container a-app-1", .event = "kill"};
    int healed = 0;

    x->pa.differences = &d;
    x->pa.n_differences = 1;
    for (; healed < 100; healed++) {
        slot_planned(x->s, &x->pa);
        if (x->s->blocked)
            break;
        run_ends(x, RUN_DONE, NULL);
    }
    assert_in_range(healed, 5, 50);
}

static void test_same_plan_twice_blocks(void **state)
{
    struct env *x = *state;
    const char *why = NULL;
    for (int i = 0; i < 2; i++) {
        slot_planned(x->s, &x->pa);
        assert_false(x->s->blocked);
        run_ends(x, RUN_DONE, NULL);
    }
    slot_planned(x->s, &x->pa);
    assert_true(x->s->blocked);
    assert_int_equal(slot_verdict(x->s, &why), APP_DEGRADED);
    assert_non_null(strstr(why, "does not settle"));
}

/* A limit that somebody else sets again and again: after two tries it is told, by name, and left until there is something else to do. */
static void test_fields_that_will_not_settle(void **state)
{
    struct env *x = *state;
    struct difference found[] = {
        {.kind = DRIFT_FOUND,
         .object = "container blog-app-1",
         .change = {"labels.x", NULL, "y"},
         .left = LEFT_IGNORED},
        {.kind = DRIFT_FOUND, .object = "container blog-app-1", .change = {"cpus", "0.5", "1"}},
        {.kind = DRIFT_FOUND,
         .object = "container blog-app-1",
         .change = {"mem_limit", "512M", "1G"}},
    };
    const char *why = NULL;
    x->actions[0].kind = ACT_UPDATE;
    x->actions[0].op.body = "{\"Memory\":536870912}";
    x->pa.differences = found;
    x->pa.n_differences = 3;
    for (int i = 0; i < 2; i++) {
        slot_planned(x->s, &x->pa);
        assert_false(x->s->blocked);
        run_ends(x, RUN_DONE, NULL);
    }
    slot_planned(x->s, &x->pa);
    assert_true(x->s->blocked);
    (void)slot_verdict(x->s, &why);
    assert_non_null(strstr(why, "(container blog-app-1: cpus, mem_limit)"));
    x->actions[0].op.body = "{\"NanoCpus\":500000000}"; /* another repair is another try */
    slot_planned(x->s, &x->pa);
    assert_false(x->s->blocked);
}

/* What to write stands with the failure, and with last words, for as long as these do. */
static void test_advice_stands_with_what_it_is_about(void **state)
{
    struct env *x = *state;
    const char *why = NULL;
    slot_planned(x->s, &x->pa);
    slot_advise(x->s, "no failure, no advice");
    assert_null(x->s->failure);
    run_ends(x, RUN_FAILED, "ended with code 1");
    slot_advise(x->s, "");
    slot_advise(x->s, "write `mem_limit: 1G`");
    assert_int_equal(slot_verdict(x->s, &why), APP_DEGRADED);
    assert_string_equal(why, "ended with code 1; write `mem_limit: 1G`");
    x->pa = (struct plan_app){
        .name = "blog", .digest = "d1", .state = APP_DEGRADED, .why = "it is restarting"};
    slot_planned(x->s, &x->pa);
    slot_set_tail(x->s, "chown: EPERM", "write `cap_add`");
    assert_int_equal(slot_verdict(x->s, &why), APP_DEGRADED);
    assert_string_equal(why, "it is restarting; its last lines: chown: EPERM; write `cap_add`");
    x->pa.state = APP_SYNCED;
    x->pa.why = NULL;
    slot_planned(x->s, &x->pa);
    (void)slot_verdict(x->s, &why);
    assert_true(!why || !strstr(why, "cap_add"));
}

static void test_empty_plan_between_is_no_repetition(void **state)
{
    struct env *x = *state;
    struct plan_app settled = {.name = "blog", .digest = "d1", .state = APP_SYNCED};
    for (int i = 0; i < 5; i++) {
        slot_planned(x->s, &x->pa);
        run_ends(x, RUN_DONE, NULL);
        slot_planned(x->s, &settled);
    }
    slot_planned(x->s, &x->pa);
    assert_false(x->s->blocked);
}

static void test_changed_digest_forgives(void **state)
{
    struct env *x = *state;
    slot_planned(x->s, &x->pa);
    run_ends(x, RUN_FAILED, "no such image");
    run_ends(x, RUN_FAILED, "no such image");
    assert_int_equal(x->s->failures, 2);
    assert_true(x->s->not_before_ms > 1000);
    x->pa.digest = "d2";
    slot_planned(x->s, &x->pa);
    assert_int_equal(x->s->failures, 0);
    assert_int_equal(x->s->not_before_ms, 0);
    assert_null(x->s->failure);
}

static void test_failure_is_the_verdict(void **state)
{
    struct env *x = *state;
    const char *why = NULL;
    slot_planned(x->s, &x->pa);
    assert_int_equal(slot_verdict(x->s, &why), APP_OUT_OF_SYNC);
    run_ends(x, RUN_FAILED, "port 8080 is taken");
    slot_planned(x->s, &x->pa);
    assert_int_equal(slot_verdict(x->s, &why), APP_DEGRADED);
    assert_string_equal(why, "port 8080 is taken");
}

static void test_another_plan_unblocks(void **state)
{
    struct env *x = *state;
    for (int i = 0; i < 3; i++) {
        slot_planned(x->s, &x->pa);
        run_ends(x, RUN_DONE, NULL);
    }
    assert_true(x->s->blocked);
    x->actions[0].kind = ACT_CREATE;
    slot_planned(x->s, &x->pa);
    assert_false(x->s->blocked);
}

/* The plan after what ran before was put back need not be the one that failed; until it is tried, the reason stands. */
static void test_another_plan_does_not_hide_the_reason(void **state)
{
    struct env *x = *state;
    const char *why = NULL;
    x->actions[0].when = WHEN_OK;
    slot_planned(x->s, &x->pa);
    run_ends(x, RUN_FAILED, "port 8080 is taken");
    x->s->blocked = true; /* as after a replacement that was put back */
    slot_planned(x->s, &x->pa);
    x->actions[0].kind = ACT_CREATE;
    slot_planned(x->s, &x->pa);
    assert_false(x->s->blocked);
    assert_int_equal(slot_verdict(x->s, &why), APP_DEGRADED);
    assert_string_equal(why, "port 8080 is taken");
    int64_t first = x->s->not_before_ms;
    run_ends(x, RUN_FAILED, "port 8080 is taken"); /* again: the pause grows */
    assert_true(x->s->not_before_ms > first);
    run_ends(x, RUN_DONE, NULL);
    assert_null(x->s->failure);
}

static void test_told_once(void **state)
{
    struct env *x = *state;
    assert_true(slot_told(x->s, APP_SYNCED, NULL));
    assert_false(slot_told(x->s, APP_SYNCED, NULL));
    assert_true(slot_told(x->s, APP_DEGRADED, "exit 1"));
    assert_false(slot_told(x->s, APP_DEGRADED, "exit 1"));
    assert_false(
        slot_told(x->s, APP_DEGRADED, "exit 2")); /* restarts are counted up all the time */
    assert_true(slot_told(x->s, APP_DEGRADED, "out of memory"));
    assert_true(slot_told(x->s, APP_HELD, "3 of 9"));
    assert_true(slot_told(x->s, APP_HELD, "4 of 9"));
}

static void test_second_chance_is_bounded(void **state)
{
    struct env *x = *state;
    slot_planned(x->s, &x->pa);
    run_ends(x, RUN_FAILED, "port taken"); /* tried at 1000 */
    assert_int_equal(slots_second_chance(&x->slots, 2000), 2000);
    assert_false(x->s->dirty);
    assert_int_equal(slots_second_chance(&x->slots, 60000), 0);
    assert_true(x->s->dirty);
    assert_int_equal(x->s->not_before_ms, 0);
    x->s->dirty = false;
    assert_int_equal(slots_second_chance(&x->slots, 60500), 2500);
    assert_false(x->s->dirty);
}

static void test_refused_are_woken(void **state)
{
    struct env *x = *state;
    x->pa.state = APP_REFUSED;
    x->pa.n_actions = 0;
    slot_planned(x->s, &x->pa);
    slots_wake_refused(&x->slots, NULL, false);
    assert_true(x->s->dirty);
    x->s->dirty = false;
    x->pa.state = APP_SYNCED;
    slot_planned(x->s, &x->pa);
    slots_wake_refused(&x->slots, NULL, false);
    assert_false(x->s->dirty);
}

/* Two apps that keep taking a port from each other must not wake each other all the time. */
static void test_who_lost_is_woken_by_a_success_only(void **state)
{
    struct env *x = *state;
    slot_planned(x->s, &x->pa);
    run_ends_of(x, RUN_FAILED, ERR_CONFLICT, "port 8080 is taken");
    slots_wake_refused(&x->slots, NULL, false);
    assert_false(x->s->dirty);
    slots_wake_refused(&x->slots, x->s, true);
    assert_false(x->s->dirty);
    assert_true(x->s->not_before_ms > 1000);
    slots_wake_refused(&x->slots, NULL, true);
    assert_true(x->s->dirty);
    assert_int_equal(x->s->not_before_ms, 0);
}

static void test_frozen_run_is_finished(void **state)
{
    struct env *x = *state;
    struct run_options o = {0};
    slot_planned(x->s, &x->pa);
    x->s->run = run_new(&x->pa, &o);
    struct plan_app frozen = {.name = "blog", .digest = "", .state = APP_FROZEN};
    struct plan_app changed = {.name = "blog", .digest = "d2", .state = APP_OUT_OF_SYNC};
    assert_false(slot_run_is_stale(x->s, &frozen));
    assert_true(slot_run_is_stale(x->s, &changed));
    assert_false(slot_run_is_stale(x->s, &x->pa));
    run_free(x->s->run);
    x->s->run = NULL;
}

static void test_sorted_and_swept(void **state)
{
    struct env *x = *state;
    static const char *const names[] = {"zoo", "abc", "mid", "blog"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        (void)slots_get(&x->slots, NULL, names[i]);
    assert_int_equal(x->slots.n, 4);
    for (size_t i = 1; i < x->slots.n; i++)
        assert_true(strcmp(x->slots.v[i - 1]->app, x->slots.v[i]->app) < 0);
    struct plan_app left = {.name = "mid"};
    struct plan plan = {.apps = &left, .n_apps = 1};
    struct strv scope = {0};
    static const char *one[] = {"zoo"};
    slots_sweep(&x->slots, NULL, &plan, &(struct strv){one, 1});
    assert_int_equal(x->slots.n, 3);
    slots_sweep(&x->slots, NULL, &plan, &scope);
    assert_int_equal(x->slots.n, 1);
    assert_non_null(slots_find(&x->slots, "mid"));
    assert_null(slots_find(&x->slots, "blog"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_done_again_by_hand, setup, teardown),
        cmocka_unit_test_setup_teardown(test_same_plan_twice_blocks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fields_that_will_not_settle, setup, teardown),
        cmocka_unit_test_setup_teardown(test_advice_stands_with_what_it_is_about, setup, teardown),
        cmocka_unit_test_setup_teardown(test_empty_plan_between_is_no_repetition, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changed_digest_forgives, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failure_is_the_verdict, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_plan_unblocks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_plan_does_not_hide_the_reason, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_told_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_second_chance_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_are_woken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_lost_is_woken_by_a_success_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_frozen_run_is_finished, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sorted_and_swept, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
