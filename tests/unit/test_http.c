/* test_http.c: requests against a server that splits, stalls, floods and hangs up; the bound of 16; cancelling; timers; the words for an
 * engine that is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/http.h"
#include "drivers/http_timer.h"
#include "spec/base/arena.h"
#include "spec/base/str.h"
#include "spec/limits.h"
#include "tests/unit/little_server.h"

/* ---- the server: what to do stands in the path ---- */

static bool flood(struct little_call *c)
{
    static char block[1024 * 1024];

    memset(block, 'x', sizeof(block));
    if (!little_stream(c, 200))
        return false;
    for (int i = 0; i < LIMIT_REPLY_BYTES / (1024 * 1024) + 2; i++)
        if (!little_chunk(c, block, sizeof(block)))
            return false;
    return false;
}

/* One byte at a time: status line, headers, chunk sizes and all. */
static bool split(struct little_call *c)
{
    static const char reply[] =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-Kept: yes\r\n"
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";

    for (size_t i = 0; i < sizeof(reply) - 1; i++) {
        if (!little_write(c, reply + i, 1))
            return false;
        if (i % 7 == 0)
            usleep(200);
    }
    return true;
}

static bool handle(struct little_call *c)
{
    const char *what = strncmp(c->path, "/v1.", 4) == 0 ? strchr(c->path + 1, '/') : c->path;

    if (strcmp(what, "/hello") == 0)
        return little_answer(c, 200, "X-Kept: yes\r\n", "hello world");
    if (strcmp(what, "/missing") == 0)
        return little_answer(c, 404, "", "{\"message\":\"gone\"}");
    if (strcmp(what, "/split") == 0)
        return split(c);
    if (strcmp(what, "/head") == 0)
        return little_answer(c, 200, "", c->head);
    if (strcmp(what, "/body") == 0)
        return little_answer(c, 201, "", c->body);
    if (strcmp(what, "/nap") == 0) {
        usleep(3000);
        return little_answer(c, 200, "", "slept");
    }
    if (strcmp(what, "/stall") == 0)
        return little_hang(c);
    if (strcmp(what, "/short") == 0) {
        static const char part[] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this";
        (void)little_write(c, part, sizeof(part) - 1);
        return false;
    }
    if (strcmp(what, "/garbage") == 0) {
        (void)little_write(c, "SSH-2.0-OpenSSH\r\n", 17);
        return false;
    }
    if (strcmp(what, "/nothing") == 0)
        return false;
    if (strcmp(what, "/flood") == 0)
        return flood(c);
    if (strcmp(what, "/open") == 0)
        return little_stream(c, 200) && little_hang(c);
    if (strcmp(what, "/lines") == 0)
        return little_stream(c, 200) && little_text(c, "one\n") && little_text(c, "two\n") &&
               little_chunk(c, "", 0);
    if (strcmp(what, "/lines-stall") == 0)
        return little_stream(c, 200) && little_text(c, "one\n") && little_hang(c);
    return little_answer(c, 500, "", "unknown path");
}

/* ---- the other side ---- */

struct got {
    int done, opened, pieces;
    struct err err;
    int status;
    struct str body;
    char kept[32];
    bool say_stop;
    struct http *h;
    struct http_call *cancel; /* from inside the callback */
};

struct fixture {
    struct little *server;
    struct http *h;
    struct got got[128];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct err e;

    f->server = little_start(handle, NULL);
    f->h = http_new(&(struct http_target){.url = f->server->url}, &e);
    assert_non_null(f->h);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    http_free(f->h);
    little_stop(f->server);
    for (size_t i = 0; i < ARRAY_LEN(f->got); i++)
        str_release(&f->got[i].body);
    free(f);
    return 0;
}

static void on_done(void *user, const struct http_reply *reply)
{
    struct got *g = user;
    const char *kept = http_header(reply, "x-kept");

    g->done++;
    g->err = reply->err;
    g->status = reply->status;
    if (reply->body && !g->opened)
        str_addn(&g->body, reply->body, reply->n);
    if (kept)
        (void)snprintf(g->kept, sizeof(g->kept), "%s", kept);
    if (g->cancel)
        http_cancel(g->h, g->cancel);
}

static bool on_data(void *user, const char *bytes, size_t n)
{
    struct got *g = user;

    if (n == 0)
        g->opened++;
    else
        g->pieces++;
    str_addn(&g->body, bytes, n);
    if (g->cancel)
        http_cancel(g->h, g->cancel);
    return !(g->say_stop && n > 0);
}

static struct http_call *get(struct fixture *f, const char *path, struct got *g)
{
    g->h = f->h;
    return http_send(
        f->h, &(struct http_request){.method = "GET", .path = path, .done = on_done, .user = g});
}

static struct http_call *get_stream(struct fixture *f, const char *path, int64_t silence_ms,
                                    struct got *g)
{
    g->h = f->h;
    return http_send(f->h, &(struct http_request){.method = "GET",
                                                  .path = path,
                                                  .stream = true,
                                                  .timeout_ms = silence_ms,
                                                  .data = on_data,
                                                  .done = on_done,
                                                  .user = g});
}

static void run(struct fixture *f, const struct got *g, int done)
{
    int64_t end = http_now_ms() + 20000;

    while (g->done < done && http_now_ms() < end)
        assert_int_equal(http_poll(f->h, NULL, 0, 100, NULL), 0);
    assert_int_equal(g->done, done);
}

/* ---- single calls ---- */

static void answers(void **state)
{
    struct fixture *f = *state;
    struct got *g = f->got;

    (void)get(f, "/hello", &g[0]);
    assert_int_equal(g[0].done, 0); /* never from inside http_send */
    run(f, &g[0], 1);
    assert_int_equal(g[0].err.kind, ERR_NONE);
    assert_int_equal(g[0].status, 200);
    assert_string_equal(str_text(&g[0].body), "hello world");
    assert_string_equal(g[0].kept, "yes");

    (void)get(f, "/missing", &g[1]);
    run(f, &g[1], 1);
    assert_int_equal(g[1].err.kind, ERR_NONE); /* a status is no failure of the transport */
    assert_int_equal(g[1].status, 404);
    assert_string_equal(str_text(&g[1].body), "{\"message\":\"gone\"}");

    (void)get(f, "/split", &g[2]);
    run(f, &g[2], 1);
    assert_int_equal(g[2].status, 200);
    assert_string_equal(str_text(&g[2].body), "hello world");
    assert_string_equal(g[2].kept, "yes");
    assert_int_equal(http_calls(f->h), 3);
    assert_int_equal(little_conns(f->server), 1); /* kept alive */
}

static void what_is_sent(void **state)
{
    struct fixture *f = *state;
    struct got *g = f->got;
    struct http_request r = {
        .method = "POST", .path = "/body", .body = "{\"a\":1}", .done = on_done};

    http_set_version(f->h, "v1.45");
    r.user = &g[0];
    (void)http_send(f->h, &r);
    run(f, &g[0], 1);
    assert_int_equal(g[0].status, 201);
    assert_string_equal(str_text(&g[0].body), "{\"a\":1}");

    r.path = "/head";
    r.header = "X-Registry-Auth: abc";
    r.user = &g[1];
    (void)http_send(f->h, &r);
    run(f, &g[1], 1);
    const char *head = str_text(&g[1].body);

    assert_non_null(strstr(head, "POST /v1.45/head HTTP/1.1\r\n"));
    assert_non_null(strstr(head, "\r\nX-Registry-Auth: abc\r\n"));
    assert_non_null(strstr(head, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(head, "\r\nContent-Length: 7\r\n"));
    assert_null(strcasestr(head, "\r\nExpect:"));

    (void)http_send(f->h, &(struct http_request){.method = "DELETE",
                                                 .path = "/head",
                                                 .unversioned = true,
                                                 .done = on_done,
                                                 .user = &g[2]});
    (void)http_send(f->h, &(struct http_request){
                              .method = "POST", .path = "/head", .done = on_done, .user = &g[3]});
    (void)http_send(f->h, &(struct http_request){
                              .method = "HEAD", .path = "/hello", .done = on_done, .user = &g[4]});
    run(f, &g[2], 1);
    run(f, &g[3], 1);
    run(f, &g[4], 1);
    assert_non_null(strstr(str_text(&g[2].body), "DELETE /head HTTP/1.1\r\n"));
    assert_non_null(strstr(str_text(&g[3].body), "POST /v1.45/head HTTP/1.1\r\n"));
    assert_non_null(strstr(str_text(&g[3].body), "\r\nContent-Length: 0\r\n"));
    assert_null(strcasestr(str_text(&g[3].body), "\r\nContent-Type:"));
    assert_int_equal(g[4].status, 200);
    assert_string_equal(str_text(&g[4].body), "");
}

static void ignores_proxies(void **state)
{
    struct fixture *f = *state;

    setenv("http_proxy", "http://127.0.0.1:9", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:9", 1);
    (void)get(f, "/hello", &f->got[0]);
    run(f, &f->got[0], 1);
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
    assert_int_equal(f->got[0].status, 200);
}

static void broken_answers(void **state)
{
    static const struct {
        const char *path, *says;
    } cases[] = {
        {"/short", "closed the connection"},
        {"/nothing", "closed the connection"},
        {"/garbage", "GET /garbage to the engine at unix://"},
        {"/flood", "larger than 64 MiB"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct got *g = &f->got[i];
        (void)get(f, cases[i].path, g);
        run(f, g, 1);
        assert_int_equal(g->err.kind, ERR_RETRY);
        if (!strstr(g->err.msg, cases[i].says))
            fail_msg("%s: %s", cases[i].path, g->err.msg);
    }
}

static void time_out(void **state)
{
    struct fixture *f = *state;
    struct got *g = f->got;
    int64_t since = http_now_ms();

    (void)http_send(
        f->h,
        &(struct http_request){
            .method = "GET", .path = "/stall", .timeout_ms = 150, .done = on_done, .user = g});
    run(f, g, 1);
    assert_int_equal(g->err.kind, ERR_RETRY);
    assert_non_null(strstr(g->err.msg, "GET /stall"));
    assert_non_null(strstr(g->err.msg, "did not answer"));
    assert_in_range(http_now_ms() - since, 140, 1000);
}

/* The engine was restarted between two calls: the kept connection is dead, and nobody is told. */
static void survives_restart(void **state)
{
    struct fixture *f = *state;

    (void)get(f, "/hello", &f->got[0]);
    run(f, &f->got[0], 1);
    little_cut(f->server);
    little_listen(f->server);
    (void)get(f, "/hello", &f->got[1]);
    run(f, &f->got[1], 1);
    assert_int_equal(f->got[1].err.kind, ERR_NONE);
    assert_int_equal(f->got[1].status, 200);
}

/* ---- many calls ---- */

static void sixteen_at_a_time(void **state)
{
    struct fixture *f = *state;
    int done = 0;

    for (size_t i = 0; i < 100; i++)
        (void)get(f, "/nap", &f->got[i]);
    for (int64_t end = http_now_ms() + 20000; done < 100 && http_now_ms() < end;) {
        assert_int_equal(http_poll(f->h, NULL, 0, 100, NULL), 0);
        done = 0;
        for (size_t i = 0; i < 100; i++) {
            done += f->got[i].done;
            assert_true(f->got[i].done <= 1);
        }
    }
    assert_int_equal(done, 100);
    for (size_t i = 0; i < 100; i++)
        assert_string_equal(str_text(&f->got[i].body), "slept");
    assert_int_equal(f->server->most_at_once, 16);
    assert_true(little_conns(f->server) <= 20);
}

/* Streams and slow calls leave the sixteen places alone; a queue behind full places does not hold them up. */
static void uncounted(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < 20; i++)
        (void)get_stream(f, "/open", 0, &f->got[i]);
    for (size_t i = 20; i < 40; i++)
        (void)http_send(f->h, &(struct http_request){.method = "GET",
                                                     .path = "/stall",
                                                     .slow = true,
                                                     .timeout_ms = 20000,
                                                     .done = on_done,
                                                     .user = &f->got[i]});
    (void)get(f, "/hello", &f->got[40]);
    run(f, &f->got[40], 1);
    assert_int_equal(f->got[40].status, 200);
    for (size_t i = 50; i < 70; i++)
        (void)get(f, "/stall", &f->got[i]);
    (void)get_stream(f, "/lines", 0, &f->got[70]);
    run(f, &f->got[70], 1);
    assert_string_equal(str_text(&f->got[70].body), "one\ntwo\n");
}

/* ---- streams ---- */

static void streams(void **state)
{
    struct fixture *f = *state;
    struct got *g = f->got;

    (void)get_stream(f, "/lines", 0, &g[0]);
    run(f, &g[0], 1);
    assert_int_equal(g[0].err.kind, ERR_NONE);
    assert_int_equal(g[0].opened, 1);
    assert_string_equal(str_text(&g[0].body), "one\ntwo\n");

    /* It stands before anything is said. */
    struct http_call *open = get_stream(f, "/open", 0, &g[1]);

    for (int i = 0; i < 100 && !g[1].opened; i++)
        (void)http_poll(f->h, NULL, 0, 50, NULL);
    assert_int_equal(g[1].opened, 1);
    assert_int_equal(g[1].pieces, 0);
    http_drop(f->h, open);

    g[2].say_stop = true;
    (void)get_stream(f, "/lines", 0, &g[2]);
    run(f, &g[2], 1);
    assert_int_equal(g[2].err.kind, ERR_STALE);
    assert_int_equal(g[2].pieces, 1);

    (void)get_stream(f, "/missing", 0, &g[3]);
    run(f, &g[3], 1);
    assert_int_equal(g[3].opened, 0);
    assert_int_equal(g[3].status, 404);
    assert_string_equal(str_text(&g[3].body), "{\"message\":\"gone\"}");
    assert_int_equal(g[1].done, 0);
}

static void silence(void **state)
{
    struct fixture *f = *state;
    struct got *g = f->got;
    int64_t since = http_now_ms();

    (void)get_stream(f, "/lines-stall", 200, &g[0]);
    (void)get_stream(f, "/stall", 200, &g[1]);
    run(f, &g[0], 1);
    run(f, &g[1], 1);
    assert_int_equal(g[0].err.kind, ERR_RETRY);
    assert_non_null(strstr(g[0].err.msg, "nothing heard"));
    assert_int_equal(g[0].pieces, 1);
    assert_int_equal(g[1].err.kind, ERR_RETRY);
    assert_in_range(http_now_ms() - since, 190, 2000);
}

/* ---- cancelling ---- */

static void cancelling(void **state)
{
    struct fixture *f = *state;
    struct got *g = f->got;
    struct http_call *calls[20];

    for (size_t i = 0; i < 20; i++)
        calls[i] = get(f, "/stall", &g[i]);
    (void)http_poll(f->h, NULL, 0, 20, NULL);
    http_cancel(f->h, calls[0]);  /* running */
    http_cancel(f->h, calls[19]); /* waiting for room */
    http_cancel(f->h, calls[19]); /* twice is once */
    assert_int_equal(g[0].done + g[19].done, 0);
    run(f, &g[0], 1);
    run(f, &g[19], 1);
    assert_int_equal(g[0].err.kind, ERR_STALE);
    assert_int_equal(g[19].err.kind, ERR_STALE);

    /* Dropped ones are never heard of again, and their places are free. */
    for (size_t i = 1; i < 19; i++)
        http_drop(f->h, calls[i]);
    for (size_t i = 20; i < 40; i++)
        (void)get(f, "/hello", &g[i]);
    run(f, &g[39], 1);
    for (size_t i = 1; i < 19; i++)
        assert_int_equal(g[i].done, 0);
}

static void cancelling_inside(void **state)
{
    struct fixture *f = *state;
    struct got *g = f->got;
    struct http_call *other = get(f, "/stall", &g[1]);

    /* Another one, from a finished call's callback. */
    g[0].cancel = other;
    (void)get(f, "/hello", &g[0]);
    run(f, &g[1], 1);
    assert_int_equal(g[1].err.kind, ERR_STALE);
    assert_int_equal(g[0].status, 200);

    /* Itself, from inside its own data: nothing more is given to it. */
    g[2].cancel = get_stream(f, "/lines", 0, &g[2]);
    run(f, &g[2], 1);
    assert_int_equal(g[2].err.kind, ERR_STALE);
    assert_int_equal(g[2].pieces, 0);
    assert_int_equal(g[2].opened, 1);
}

static void drop_in_data(void *user, const struct http_reply *reply)
{
    (void)user;
    (void)reply;
    fail_msg("a dropped call has no callback");
}

static bool drop_itself(void *user, const char *bytes, size_t n)
{
    struct got *g = user;

    (void)bytes;
    (void)n;
    g->pieces++;
    http_drop(g->h, g->cancel);
    return true;
}

static void dropping_inside(void **state)
{
    struct fixture *f = *state;
    struct got *g = f->got;

    g->h = f->h;
    g->cancel = http_send(f->h, &(struct http_request){.method = "GET",
                                                       .path = "/lines",
                                                       .stream = true,
                                                       .data = drop_itself,
                                                       .done = drop_in_data,
                                                       .user = g});
    for (int i = 0; i < 10; i++)
        (void)http_poll(f->h, NULL, 0, 20, NULL);
    assert_int_equal(g->pieces, 1);
}

static void free_with_calls_open(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < 30; i++)
        (void)get(f, "/stall", &f->got[i]);
    (void)get_stream(f, "/open", 1000, &f->got[30]);
    (void)http_poll(f->h, NULL, 0, 20, NULL);
    http_cancel(f->h, get(f, "/hello", &f->got[31]));
    http_free(f->h);
    f->h = NULL;
    for (size_t i = 0; i < 32; i++)
        assert_int_equal(f->got[i].done, 0);
}

/* ---- timers, extra descriptors, waking ---- */

struct ring {
    struct http *h;
    char order[64];
    int again;
    struct http_timer *victim;
};

static void note_a(void *user)
{
    struct ring *r = user;
    size_t n = strlen(r->order);
    r->order[n] = 'a';
}

static void note_b(void *user)
{
    struct ring *r = user;
    size_t n = strlen(r->order);

    r->order[n] = 'b';
    http_timer_cancel(r->h, r->victim);
    r->victim = NULL;
}

static void note_again(void *user)
{
    struct ring *r = user;

    r->again++;
    (void)http_after(r->h, 0, note_again, r);
}

static void timers(void **state)
{
    struct fixture *f = *state;
    struct ring r = {.h = f->h};
    int64_t since = http_now_ms();

    (void)http_after(f->h, 60, note_a, &r);
    (void)http_after(f->h, 30, note_b, &r);
    r.victim = http_after(f->h, 31, note_a, &r);
    http_timer_cancel(f->h, NULL);
    while (strlen(r.order) < 2 && http_now_ms() - since < 2000)
        (void)http_poll(f->h, NULL, 0, -1, NULL);
    assert_string_equal(r.order, "ba");
    assert_in_range(http_now_ms() - since, 60, 500);

    /* One that sets itself anew runs once a round. */
    (void)http_after(f->h, 0, note_again, &r);
    (void)http_poll(f->h, NULL, 0, -1, NULL);
    assert_int_equal(r.again, 1);
    (void)http_poll(f->h, NULL, 0, -1, NULL);
    assert_int_equal(r.again, 2);
}

static void many_timers(void **state)
{
    struct http_timers l = {0};
    struct ring r = {0};
    struct http_timer *t[1000];

    (void)state;
    for (size_t i = 0; i < 1000; i++)
        t[i] = http_timers_add(&l, (int64_t)(i * 7919 % 1000), note_again, &r);
    for (size_t i = 0; i < 1000; i += 2)
        http_timers_remove(&l, t[i]);
    for (int64_t last = -1; l.n > 0;) {
        int64_t next = http_timers_next(&l);
        assert_true(next > last);
        last = next;
        struct http_timer *first = l.v[0];
        http_timers_remove(&l, first);
    }
    assert_int_equal(http_timers_next(&l), -1);
    http_timers_release(&l);
}

static void *wake_later(void *user)
{
    usleep(30000);
    http_wake(user);
    return NULL;
}

static void descriptors_and_waking(void **state)
{
    struct fixture *f = *state;
    int ends[2];
    pthread_t thread;

    assert_int_equal(pipe(ends), 0);
    struct curl_waitfd extra = {.fd = ends[0], .events = CURL_WAIT_POLLIN};

    assert_int_equal(http_poll(f->h, &extra, 1, 10, NULL), 0);
    assert_int_equal(extra.revents, 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(http_poll(f->h, &extra, 1, -1, NULL), 0);
    assert_true(extra.revents & CURL_WAIT_POLLIN);
    (void)close(ends[0]);
    (void)close(ends[1]);

    int64_t since = http_now_ms();

    assert_int_equal(pthread_create(&thread, NULL, wake_later, f->h), 0);
    assert_int_equal(http_poll(f->h, NULL, 0, 5000, NULL), 0);
    assert_true(http_now_ms() - since < 2000);
    (void)pthread_join(thread, NULL);
}

/* ---- where the engine is ---- */

static void addresses(void **state)
{
    static const struct {
        const char *url;
        bool good;
    } cases[] = {
        {"unix:///var/run/docker.sock", true},
        {"tcp://host", true},
        {"tcp://host:2375/", true},
        {"tcp://[::1]:2375", true},
        {"https://host:2376", true},
        {"unix://relative", false},
        {"unix:///"
         "a2345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
         "0"
         "12345678901234567890",
         false},
        {"tcp://", false},
        {"tcp:///", false},
        {"tcp://[::1", false},
        {"tcp://host:1/path", false},
        {"tcp://user@host", false},
        {"ssh://host", false},
        {"/var/run/docker.sock", false},
        {"", false},
    };
    struct err e;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http *h = http_new(&(struct http_target){.url = cases[i].url}, &e);
        if ((h != NULL) != cases[i].good)
            fail_msg("%s: %s", cases[i].url, h ? "taken" : e.msg);
        if (h)
            assert_string_equal(http_where(h), cases[i].url);
        else
            assert_int_equal(e.kind, ERR_USER);
        http_free(h);
    }
    assert_null(http_new(
        &(struct http_target){.url = "https://h", .cert_path = "/nowhere", .tls_verify = true},
        &e));
    assert_non_null(strstr(e.msg, "/nowhere/ca.pem"));
}

static void not_there(void **state)
{
    struct fixture *f = *state;
    struct got *g = f->got;

    little_cut(f->server); /* the file stays, nobody listens */
    (void)get(f, "/hello", &g[0]);
    run(f, &g[0], 1);
    assert_int_equal(g[0].err.kind, ERR_RETRY);
    assert_non_null(strstr(g[0].err.msg, "nobody listens"));
    assert_non_null(strstr(g[0].err.msg, f->server->path));
    assert_non_null(strstr(g[0].err.msg, "systemctl start docker"));

    assert_int_equal(chmod(f->server->folder, 0), 0);
    if (geteuid() == 0)
        assert_int_equal(seteuid(65534), 0);
    (void)get(f, "/hello", &g[1]);
    run(f, &g[1], 1);
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(f->server->folder, 0700), 0);
    assert_int_equal(g[1].err.kind, ERR_RETRY);
    assert_non_null(strstr(g[1].err.msg, "no permission"));
    assert_non_null(strstr(g[1].err.msg, "group docker"));

    assert_int_equal(unlink(f->server->path), 0);
    (void)get(f, "/hello", &g[2]);
    run(f, &g[2], 1);
    assert_int_equal(g[2].err.kind, ERR_RETRY);
    assert_non_null(strstr(g[2].err.msg, "does not exist"));
    little_listen(f->server);
    (void)get(f, "/hello", &g[3]);
    run(f, &g[3], 1);
    assert_int_equal(g[3].status, 200);
}

/* Listen, accept nobody, and fill the backlog; returns how many connections that took. */
static int fill_backlog(struct little *s, int fillers[64])
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    bool full = false;
    int n = 0;

    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", s->path);
    (void)unlink(s->path);
    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(s->fd, 0), 0);
    while (!full && n < 64) {
        fillers[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        full = connect(fillers[n++], (struct sockaddr *)&a, sizeof(a)) < 0 && errno == EAGAIN;
    }
    assert_true(full);
    return n;
}

/* A full backlog is no refusal: the call is tried again until somebody accepts it. */
static void full_backlog(void **state)
{
    struct fixture *f = *state;
    int fillers[64], n;
    int64_t since;

    little_cut(f->server);
    n = fill_backlog(f->server, fillers);
    (void)get(f, "/hello", &f->got[0]);
    struct http_call *given_up = get(f, "/hello", &f->got[1]);

    since = http_now_ms();
    while (http_now_ms() - since < 60)
        (void)http_poll(f->h, NULL, 0, 10, NULL);
    if (f->got[0].done)
        fail_msg("%s", f->got[0].err.msg);
    assert_int_equal(f->got[0].done + f->got[1].done, 0);
    http_cancel(f->h, given_up);
    run(f, &f->got[1], 1);
    assert_int_equal(f->got[1].err.kind, ERR_STALE);
    assert_int_equal(pthread_create(&f->server->accepting, NULL, little_accept, f->server), 0);
    run(f, &f->got[0], 1);
    assert_int_equal(f->got[0].status, 200);
    while (n > 0)
        (void)close(fillers[--n]);

    /* For ever is too long. */
    little_cut(f->server);
    n = fill_backlog(f->server, fillers);
    (void)get(f, "/hello", &f->got[2]);
    run(f, &f->got[2], 1);
    assert_int_equal(f->got[2].err.kind, ERR_RETRY);
    assert_non_null(strstr(f->got[2].err.msg, "too busy"));
    while (n > 0)
        (void)close(fillers[--n]);
    (void)close(f->server->fd);
    little_listen(f->server);
}

/* The same server behind a port. */
static void over_tcp(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    char url[64];
    struct err e;

    little_cut(f->server);
    f->server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(f->server->fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(f->server->fd, 8), 0);
    assert_int_equal(getsockname(f->server->fd, (struct sockaddr *)&a, &n), 0);
    assert_int_equal(pthread_create(&f->server->accepting, NULL, little_accept, f->server), 0);
    http_free(f->h);
    (void)snprintf(url, sizeof(url), "tcp://127.0.0.1:%d", ntohs(a.sin_port));
    f->h = http_new(&(struct http_target){.url = url}, &e);
    assert_non_null(f->h);
    (void)get(f, "/hello", &f->got[0]);
    run(f, &f->got[0], 1);
    assert_int_equal(f->got[0].status, 200);
}

#define HTTP_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(answers),
        HTTP_TEST(what_is_sent),
        HTTP_TEST(ignores_proxies),
        HTTP_TEST(broken_answers),
        HTTP_TEST(time_out),
        HTTP_TEST(survives_restart),
        HTTP_TEST(sixteen_at_a_time),
        HTTP_TEST(uncounted),
        HTTP_TEST(streams),
        HTTP_TEST(silence),
        HTTP_TEST(cancelling),
        HTTP_TEST(cancelling_inside),
        HTTP_TEST(dropping_inside),
        HTTP_TEST(free_with_calls_open),
        HTTP_TEST(timers),
        cmocka_unit_test(many_timers),
        HTTP_TEST(descriptors_and_waking),
        cmocka_unit_test(addresses),
        HTTP_TEST(not_there),
        HTTP_TEST(full_backlog),
        HTTP_TEST(over_tcp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
