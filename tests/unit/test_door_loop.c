/* test_door_loop.c: what requests have the loop do, without an engine: whose log is read again, and wishes of clients that went before them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/core.h"
#include "agent/door_facts.h"
#include "agent/door_loop.h"
#include "agent/stream.h"
#include "spec/base/arena.h"

struct world {
    struct driver driver; /* first */
    struct options options;
    struct core core;
    struct stream *stream;
    struct door_loop *loop;
    struct obs_container container;
    struct observed seen;
    int asked; /* for logs */
    op_done_fn *done;
    void *user;
};

static const struct observed *observed(struct driver *d, struct arena *a)
{
    (void)a;
    return &((struct world *)(void *)d)->seen;
}

static struct ticket *logs(struct driver *d, const struct logs *want, log_line_fn *line,
                           op_done_fn *done, void *user)
{
    struct world *w = (struct world *)(void *)d;

    (void)want, (void)line;
    w->asked++;
    w->done = done;
    w->user = user;
    return (struct ticket *)(void *)w;
}

static void cancel(struct driver *d, struct ticket *t)
{
    (void)d, (void)t;
}

static const struct driver_ops ops = {.observed = observed, .logs = logs, .cancel = cancel};

static void stir(void *ctx)
{
    (void)ctx;
}

static int set_up(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    struct err e = {0};

    w->driver.ops = &ops;
    w->options.settings.owner = "me";
    w->container = (struct obs_container){
        .id = "1", .name = "blog-app-1", .app = "blog", .owner = "me", .state = CS_RUNNING};
    w->container.started_ms = 1000;
    w->seen = (struct observed){.containers = &w->container, .n_containers = 1};
    w->core = (struct core){.options = &w->options, .driver = &w->driver};
    w->core.http = http_new(&(struct http_target){.url = "unix:///nowhere/docker.sock"}, &e);
    w->stream = stream_new(&(struct stream_rules){0});
    w->loop = door_loop_new(w->stream, &w->core, stir, NULL);
    *state = w;
    return w->core.http && w->stream && w->loop ? 0 : -1;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    door_loop_free(w->loop);
    stream_free(w->stream);
    http_free(w->core.http);
    free(w);
    return 0;
}

static void turn(struct world *w)
{
    struct err e = {0};

    assert_int_equal(http_poll(w->core.http, NULL, 0, 100, &e), 0);
}

static void ends(struct world *w, enum err_kind kind)
{
    struct op_result how = {0};
    op_done_fn *done = w->done;

    if (kind != ERR_NONE)
        (void)err_set(&how.err, kind, "so");
    done(w->user, &how);
}

static void look_again(struct world *w)
{
    struct door_facts f = {0};

    door_loop_known(w->loop, &f);
}

/* Its driver keeps no log, so that what is read of it ends at once: asking again at every look would never end. */
static void a_log_that_ends_is_not_asked_for_again(void **state)
{
    struct world *w = *state;

    door_loop_logs(w->loop, &(struct door_loop_logs){.client = 1, .app = "blog", .follow = true});
    turn(w);
    assert_int_equal(w->asked, 1);
    ends(w, ERR_NONE);
    for (int i = 0; i < 10; i++)
        look_again(w);
    assert_int_equal(w->asked, 1);
    w->container.started_ms = 2000; /* it was started again */
    look_again(w);
    assert_int_equal(w->asked, 2);
    for (int i = 0; i < 20; i++) { /* the engine is away, for a while */
        ends(w, ERR_RETRY);
        look_again(w);
    }
    assert_in_range(w->asked, 4, 12);
}

static void a_wish_of_who_is_gone_is_none(void **state)
{
    struct world *w = *state;

    door_loop_gone(w->loop, 7);
    door_loop_wait(w->loop, 7, "blog", 0);
    door_loop_gone(w->loop, 8);
    door_loop_logs(w->loop, &(struct door_loop_logs){.client = 8, .app = "blog", .follow = true});
    turn(w);
    assert_false(door_loop_waits(w->loop));
    assert_int_equal(w->asked, 0);
    door_loop_wait(w->loop, 9, "blog", 0);
    turn(w);
    assert_true(door_loop_waits(w->loop));
    door_loop_gone(w->loop, 9);
    turn(w);
    assert_false(door_loop_waits(w->loop));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_log_that_ends_is_not_asked_for_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wish_of_who_is_gone_is_none, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
