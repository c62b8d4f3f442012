/* Questions of other threads to the loop: answered at once, later, on the second try, too late, and while everybody leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include <stdatomic.h>

#include "agent/core.h"
#include "agent/desk.h"
#include "spec/base/arena.h"

struct world {
    struct core core;
    struct desk *desk;
    int tries;
    struct desk_call *kept;
};

static struct world w;

static int setup(void **state)
{
    static const struct http_target target = {.url = "unix:///nonexistent/docker.sock"};
    struct err e = {0};

    (void)state;
    w = (struct world){.desk = desk_new()};
    w.core.http = http_new(&target, &e);
    return w.core.http ? desk_open(w.desk, &(struct desk_world){.core = &w.core}, &e) : -1;
}

static int teardown(void **state)
{
    (void)state;
    desk_close(w.desk);
    http_free(w.core.http);
    desk_free(w.desk);
    return 0;
}

/* ---- what may run on the loop ---- */

static enum desk_end twice(struct desk_call *c, const struct desk_world *world, struct err *e)
{
    (void)e;
    assert_ptr_equal(world->core, &w.core);
    *(int *)c->out = 2 * *(int *)c->in;
    return DESK_DONE;
}

static enum desk_end refuse(struct desk_call *c, const struct desk_world *world, struct err *e)
{
    (void)c, (void)world;
    (void)err_set(e, ERR_CONFLICT, "not so");
    return DESK_DONE;
}

static enum desk_end third_time(struct desk_call *c, const struct desk_world *world, struct err *e)
{
    return ++w.tries < 3 ? DESK_AGAIN : twice(c, world, e);
}

static void late(void *user)
{
    struct desk_call *c = user;
    struct err none = {0};

    *(int *)c->out = 7;
    desk_answered(c, &none);
}

static enum desk_end later(struct desk_call *c, const struct desk_world *world, struct err *e)
{
    (void)e;
    (void)http_after(world->core->http, 30, late, c);
    return DESK_LATER;
}

static enum desk_end keep(struct desk_call *c, const struct desk_world *world, struct err *e)
{
    (void)world, (void)e;
    w.kept = c;
    return DESK_LATER;
}

/* ---- who asks ---- */

struct asker {
    desk_fn *fn;
    int timeout_ms, got, rc;
    struct err err;
    atomic_bool over;
};

static void *ask(void *user)
{
    struct asker *x = user;
    struct desk_call *c = desk_call_new(w.desk, x->fn);

    c->in = ARENA_NEW(c->a, int);
    c->out = ARENA_NEW(c->a, int);
    *(int *)c->in = 21;
    x->rc = desk_ask(c, x->timeout_ms, &x->err);
    if (x->rc == 0)
        x->got = *(int *)c->out;
    desk_drop(c);
    atomic_store(&x->over, true);
    return NULL;
}

static void turn_until(atomic_bool *over)
{
    struct err e = {0};

    while (!atomic_load(over))
        assert_int_equal(http_poll(w.core.http, NULL, 0, 10, &e), 0);
}

static struct asker asked(desk_fn *fn, int timeout_ms)
{
    struct asker x = {.fn = fn, .timeout_ms = timeout_ms};
    pthread_t t;

    assert_int_equal(pthread_create(&t, NULL, ask, &x), 0);
    turn_until(&x.over);
    (void)pthread_join(t, NULL);
    return x;
}

/* ---- tests ---- */

static void test_answers(void **state)
{
    (void)state;
    assert_int_equal(asked(twice, 5000).got, 42);
    assert_int_equal(asked(later, 5000).got, 7);
    assert_int_equal(asked(third_time, 5000).got, 42);
    assert_int_equal(w.tries, 3);
    struct asker x = asked(refuse, 5000);

    assert_int_equal(x.rc, -1);
    assert_int_equal(x.err.kind, ERR_CONFLICT);
    assert_string_equal(x.err.msg, "not so");
}

/* Its asker has gone: the answer is nobody's, and nobody's memory is touched. */
static void test_too_late(void **state)
{
    struct err none = {0};
    struct asker x = asked(keep, 20);

    (void)state;
    assert_int_equal(x.rc, -1);
    assert_int_equal(x.err.kind, ERR_RETRY);
    assert_non_null(w.kept);
    desk_answered(w.kept, &none);
}

static void test_many_at_once(void **state)
{
    struct asker v[16];
    pthread_t t[16];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(v); i++) {
        v[i] = (struct asker){.fn = i % 2 ? twice : later, .timeout_ms = 5000};
        assert_int_equal(pthread_create(&t[i], NULL, ask, &v[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(v); i++) {
        turn_until(&v[i].over);
        (void)pthread_join(t[i], NULL);
        assert_int_equal(v[i].got, i % 2 ? 42 : 7);
    }
}

static void test_leaving(void **state)
{
    struct asker x = {.fn = keep, .timeout_ms = 60000};
    struct err e = {0};
    pthread_t t;

    (void)state;
    assert_int_equal(pthread_create(&t, NULL, ask, &x), 0);
    while (!w.kept)
        assert_int_equal(http_poll(w.core.http, NULL, 0, 10, &e), 0);
    desk_close(w.desk);
    (void)pthread_join(t, NULL);
    assert_int_equal(x.rc, -1);
    assert_int_equal(x.err.kind, ERR_RETRY);
    x = (struct asker){.fn = twice, .timeout_ms = 60000};
    (void)ask(&x); /* nobody is there any more */
    assert_int_equal(x.rc, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_late, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_leaving, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
