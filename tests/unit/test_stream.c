/* Connections that stay open, over socket pairs: who hears what, what is missed and given again, who is dropped; and taking a connection from its server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/stream.h"
#include "agent/stream_ring.h"
#include "agent/web_hand.h"

enum { PATIENCE_MS = 10000 };

static const char *const blog_name[] = {"blog"}, *const shop_name[] = {"shop"};
static const struct strv blog = {(const char **)blog_name, 1}, shop = {(const char **)shop_name, 1};

/* ---- what a client gets ---- */

/* Until it holds the words, or the end comes. False: neither. */
static bool hear(int fd, const char *words, struct str *out)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char buf[4096];

    while (!words || !strstr(str_text(out), words)) {
        if (poll(&p, 1, PATIENCE_MS) <= 0)
            return false;
        ssize_t n = recv(fd, buf, sizeof(buf), 0);

        if (n <= 0)
            return words == NULL;
        str_addn(out, buf, (size_t)n);
    }
    return true;
}

static int join(struct stream *s, const struct stream_want *w, uint64_t *ret_id)
{
    struct stream_client *c = stream_client_new(s, w);
    int pair[2];

    assert_non_null(c);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    if (ret_id)
        *ret_id = stream_client_id(c);
    stream_begin(c, pair[0]);
    return pair[1];
}

static void tell_app(struct stream *s, const char *app, const char *json)
{
    stream_tell(
        s,
        &(struct stream_event){
            .type = "app", .app = app, .need = ROLE_VIEWER, .json = json, .text = "text of it\n"});
}

static void tell_audit(struct stream *s)
{
    stream_tell(
        s, &(struct stream_event){
               .type = "audit", .app = "blog", .need = ROLE_ADMIN, .json = "{\"by\":\"anna\"}"});
}

static void test_who_hears_what(void **state)
{
    static const struct {
        enum role role;
        const struct strv *only, *apps;
        bool blog, shop, host, audit;
    } cases[] = {
        {ROLE_VIEWER, NULL, NULL, true, true, true, false},
        {ROLE_ADMIN, NULL, NULL, true, true, true, true},
        {ROLE_DEPLOYER, &blog, NULL, true, false, false, false},
        {ROLE_VIEWER, NULL, &shop, false, true, false, false},
        {ROLE_VIEWER, &blog, &shop, false, false, false, false},
        {ROLE_ADMIN, NULL, &blog, true, false, false, true},
    };
    struct stream *s = stream_new(&(struct stream_rules){0});
    int fds[ARRAY_LEN(cases)];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(str_release) struct str hello = STR_INIT;

        fds[i] = join(s,
                      &(struct stream_want){.kind = STREAM_EVENTS,
                                            .sse = true,
                                            .role = cases[i].role,
                                            .only = cases[i].only,
                                            .apps = cases[i].apps},
                      NULL);
        assert_true(hear(fds[i], "{\"missed\":false}\n\n", &hello));
    }
    tell_app(s, "blog", "{\"app\":\"blog\"}");
    tell_app(s, "shop", "{\"app\":\"shop\"}");
    tell_app(s, "blogs", "{\"app\":\"blogs\"}");
    tell_app(s, NULL, "{\"host\":1}");
    tell_audit(s);
    stream_free(s);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(str_release) struct str out = STR_INIT;

        assert_true(hear(fds[i], NULL, &out));
        assert_int_equal(strstr(str_text(&out), "{\"app\":\"blog\"}") != NULL, cases[i].blog);
        assert_int_equal(strstr(str_text(&out), "{\"app\":\"shop\"}") != NULL, cases[i].shop);
        assert_int_equal(strstr(str_text(&out), "{\"host\":1}") != NULL, cases[i].host);
        assert_int_equal(strstr(str_text(&out), "anna") != NULL, cases[i].audit);
        (void)close(fds[i]);
    }
}

/* ---- coming back ---- */

/* The value of the last "id: " line. */
static void last_id(const struct str *out, char ret[64])
{
    const char *at = str_text(out), *found = NULL;

    while ((at = strstr(at, "id: ")) != NULL)
        found = at += 4;
    assert_non_null(found);
    (void)snprintf(ret, 64, "%.*s", (int)strcspn(found, "\n"), found);
}

static void test_missed_events_come_again(void **state)
{
    struct stream *s = stream_new(&(struct stream_rules){0});
    struct stream_want w = {.kind = STREAM_EVENTS, .sse = true, .role = ROLE_VIEWER};
    CLEANUP(str_release) struct str first = STR_INIT, again = STR_INIT, foreign = STR_INIT;
    char id[64];
    int fd = join(s, &w, NULL);

    (void)state;
    assert_true(hear(fd, "hello", &first));
    tell_app(s, "blog", "{\"n\":1}");
    assert_true(hear(fd, "{\"n\":1}\n\n", &first));
    last_id(&first, id);
    (void)close(fd);
    tell_app(s, "blog", "{\"n\":2}");
    tell_app(s, "shop", "{\"n\":3}");
    w.last_event_id = id;
    fd = join(s, &w, NULL);
    assert_true(hear(fd, "{\"n\":3}", &again));
    assert_non_null(strstr(str_text(&again), "{\"missed\":false}"));
    assert_non_null(strstr(str_text(&again), "{\"n\":2}"));
    assert_null(strstr(str_text(&again), "{\"n\":1}"));
    (void)close(fd);
    w.last_event_id = "000000000000-1"; /* of an agent before this one */
    fd = join(s, &w, NULL);
    assert_true(hear(fd, "\"missed\":", &foreign));
    assert_true(hear(fd, "}", &foreign));
    assert_non_null(strstr(str_text(&foreign), "{\"missed\":true}"));
    assert_null(strstr(str_text(&foreign), "{\"n\":2}"));
    (void)close(fd);
    stream_free(s);
}

static void test_ring_is_bounded(void **state)
{
    struct stream_ring r;
    uint64_t number = 77;
    char id[64], big[2000];

    (void)state;
    stream_ring_init(&r, 0xabc);
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    for (int i = 0; i < 3 * STREAM_RING_EVENTS; i++)
        (void)stream_ring_add(&r, &(struct stream_event){.type = "app", .json = "{}"});
    assert_int_equal(r.next - r.first, STREAM_RING_EVENTS);
    for (int i = 0; i < STREAM_RING_EVENTS; i++)
        (void)stream_ring_add(&r, &(struct stream_event){.type = "app", .json = big});
    assert_true(r.bytes <= STREAM_RING_BYTES);
    assert_true(r.next - r.first < STREAM_RING_EVENTS);
    (void)snprintf(id, sizeof(id), "000000000abc-%llu", (unsigned long long)r.first - 1);
    assert_true(stream_ring_from(&r, id, &number));
    assert_int_equal(number, r.first - 1);
    static const char *const none[] = {"",
                                       "000000000abc-1",
                                       "000000000abd-4000",
                                       "000000000abc",
                                       "000000000abc-99999",
                                       "000000000abc--1",
                                       "x"};
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        number = 77;
        assert_false(stream_ring_from(&r, none[i], &number));
        assert_int_equal(number, 77);
    }
    stream_ring_release(&r);
}

/* ---- lines and ends ---- */

static void test_lines_and_end(void **state)
{
    struct stream *s = stream_new(&(struct stream_rules){0});
    CLEANUP(str_release)
    struct str text = STR_INIT, cut = STR_INIT, sse = STR_INIT, bare = STR_INIT;
    struct stream_want w = {.kind = STREAM_LOGS, .chunked = true, .role = ROLE_VIEWER};
    uint64_t id;
    int fd = join(s, &w, &id);

    (void)state;
    assert_true(stream_say(s, id, "one\n"));
    stream_end(s, id, NULL, false);
    assert_true(hear(fd, NULL, &text));
    assert_string_equal(str_text(&text), "4\r\none\n\r\n0\r\n\r\n");
    (void)close(fd);

    fd = join(s, &w, &id);
    assert_true(stream_say(s, id, "failed: so\n"));
    stream_end(s, id, NULL, true);
    assert_true(hear(fd, NULL, &cut));
    assert_string_equal(str_text(&cut), "b\r\nfailed: so\n\r\n");
    (void)close(fd);

    w.sse = true;
    fd = join(s, &w, &id);
    assert_true(stream_say(s, id, "a\nb\n"));
    stream_end(s, id, NULL, false);
    assert_true(hear(fd, NULL, &sse));
    assert_non_null(strstr(str_text(&sse), "data: a\n\ndata: b\n\n"));
    assert_non_null(strstr(str_text(&sse), "event: end\n"));
    (void)close(fd);

    w.sse = w.chunked = false;
    fd = join(s, &w, &id);
    assert_true(stream_say(s, id, "bare\n"));
    stream_end(s, id, NULL, false);
    assert_true(hear(fd, NULL, &bare));
    assert_string_equal(str_text(&bare), "bare\n");
    (void)close(fd);
    stream_free(s);
}

/* Said between the beginning and the hand-over, which takes as long as the head of the reply does. */
static void test_said_before_its_socket_is_there(void **state)
{
    struct stream *s = stream_new(&(struct stream_rules){0});
    CLEANUP(str_release) struct str out = STR_INIT;
    struct strv apps = blog;
    int pair[2];

    (void)state;
    tell_app(s, "blog", "{\"n\":1}"); /* before: not its business */
    while (stream_last(s) < 1)
        (void)usleep(1000);
    uint64_t after = stream_last(s);

    tell_app(s, "blog", "{\"n\":2}");
    struct stream_client *c = stream_client_new(
        s, &(struct stream_want){
               .kind = STREAM_WAIT, .role = ROLE_DEPLOYER, .apps = &apps, .after = after});
    uint64_t id = stream_client_id(c);

    stream_tell(s, &(struct stream_event){.app = "blog", .need = ROLE_VIEWER, .text = "built\n"});
    stream_tell(s, &(struct stream_event){.app = "shop", .need = ROLE_VIEWER, .text = "other\n"});
    assert_true(stream_say(s, id, "ok: blog is Synced\n"));
    stream_end(s, id, NULL, false);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    stream_begin(c, pair[0]);
    assert_true(hear(pair[1], NULL, &out));
    assert_string_equal(str_text(&out), "text of it\nbuilt\nok: blog is Synced\n");
    (void)close(pair[1]);
    stream_free(s);
}

static _Atomic uint64_t gone_id;
static atomic_int bad_credential;

static void note_gone(void *ctx, uint64_t client)
{
    (void)ctx;
    atomic_store(&gone_id, client);
}

static bool still_good(void *ctx, const char *credential)
{
    (void)ctx;
    return strcmp(credential, "t0bad") != 0 || !atomic_load(&bad_credential);
}

static void test_deadline(void **state)
{
    struct stream *s = stream_new(&(struct stream_rules){.gone = note_gone});
    CLEANUP(str_release) struct str out = STR_INIT;
    struct strv apps = blog;
    uint64_t id;
    int fd = join(s,
                  &(struct stream_want){.kind = STREAM_WAIT,
                                        .chunked = true,
                                        .role = ROLE_DEPLOYER,
                                        .apps = &apps,
                                        .deadline_ms = 50},
                  &id);

    (void)state;
    assert_true(hear(fd, NULL, &out));
    assert_non_null(strstr(str_text(&out), "failed: it is not done yet"));
    assert_null(strstr(str_text(&out), "0\r\n\r\n"));
    for (int i = 0; i < 1000 && atomic_load(&gone_id) != id; i++)
        (void)usleep(1000);
    assert_int_equal(atomic_load(&gone_id), id);
    (void)close(fd);
    stream_free(s);
}

static void test_a_revoked_credential_ends_it(void **state)
{
    struct stream *s = stream_new(&(struct stream_rules){.good = still_good});
    CLEANUP(str_release) struct str bad = STR_INIT, good = STR_INIT;
    struct stream_want w = {
        .kind = STREAM_EVENTS, .sse = true, .role = ROLE_VIEWER, .credential = "t0bad"};
    int fd = join(s, &w, NULL);

    (void)state;
    w.credential = "t0good";
    int other = join(s, &w, NULL);

    assert_true(hear(fd, "hello", &bad));
    assert_true(hear(other, "hello", &good));
    atomic_store(&bad_credential, 1);
    stream_check(s);
    assert_true(hear(fd, NULL, &bad));
    tell_app(s, "blog", "{\"n\":1}");
    assert_true(hear(other, "{\"n\":1}", &good));
    (void)close(fd);
    (void)close(other);
    stream_free(s);
}

/* ---- too much at once ---- */

static atomic_int holding; /* 1: the stream's thread is to wait; 2: it does */

static bool hold_on(void *ctx, const char *credential)
{
    (void)ctx, (void)credential;
    while (atomic_load(&holding) > 0) {
        atomic_store(&holding, 2);
        (void)usleep(1000);
    }
    return true;
}

/* Its inbox being full, the thread never sees some of what is told. Who listened must be able to know, and a last word is never lost. */
static void test_what_is_lost_is_owned_up_to(void **state)
{
    struct stream *s = stream_new(&(struct stream_rules){.good = hold_on});
    CLEANUP(str_release) struct str first = STR_INIT, again = STR_INIT, last = STR_INIT;
    struct stream_want w = {
        .kind = STREAM_EVENTS, .sse = true, .role = ROLE_VIEWER, .credential = "t0one"};
    uint64_t waiter;
    struct strv apps = blog;
    char id[64], *big = calloc(1, 1 << 20);
    int fd = join(s, &w, NULL);
    int waits =
        join(s, &(struct stream_want){.kind = STREAM_WAIT, .role = ROLE_DEPLOYER, .apps = &apps},
             &waiter);

    (void)state;
    assert_true(hear(fd, "hello", &first));
    tell_app(s, "blog", "{\"n\":1}");
    assert_true(hear(fd, "{\"n\":1}\n\n", &first));
    last_id(&first, id);
    atomic_store(&holding, 1);
    stream_check(s);
    while (atomic_load(&holding) != 2)
        (void)usleep(1000);
    assert_non_null(big);
    memset(big, 'x', (1 << 20) - 1);
    for (int i = 0; i < 10; i++) /* not for this listener, so that it is not too slow for it */
        stream_tell(s, &(struct stream_event){.type = "audit", .need = ROLE_ADMIN, .json = big});
    tell_app(s, "shop", "{\"n\":2}");
    assert_false(stream_say(s, waiter, "no room\n"));
    stream_end(s, waiter, "ok: blog is Synced\n", false);
    atomic_store(&holding, 0);
    assert_true(hear(waits, NULL, &last));
    assert_non_null(strstr(str_text(&last), "ok: blog is Synced\n"));
    assert_true(hear(fd, NULL, &first));
    assert_null(strstr(str_text(&first), "{\"n\":2}"));
    (void)close(fd);
    (void)close(waits);
    w.last_event_id = id;
    fd = join(s, &w, NULL);
    assert_true(hear(fd, "\"missed\":true", &again));
    (void)close(fd);
    free(big);
    stream_free(s);
}

static void test_one_credential_does_not_take_all_places(void **state)
{
    struct stream *s = stream_new(&(struct stream_rules){0});
    static const char *const names[] = {"t0a", "t0b", "t0c", "t0d"};
    struct strv apps = blog;

    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(names); k++) {
        for (int i = 0; i < STREAM_WAIT_EACH; i++)
            assert_true(stream_reserve(s, names[k]));
        assert_false(stream_reserve(s, names[k]));
    }
    assert_false(stream_reserve(s, "t0e")); /* all are taken now */
    stream_unreserve(s, "t0a");
    assert_false(stream_reserve(s, "t0b"));
    assert_true(stream_reserve(s, "t0e"));
    stream_unreserve(s, "t0e");
    assert_true(stream_reserve(s, "t0a"));
    /* A place that was reserved is the client's, and free again when that is gone. */
    struct stream_client *c = stream_client_new(s, &(struct stream_want){.kind = STREAM_WAIT,
                                                                         .role = ROLE_DEPLOYER,
                                                                         .apps = &apps,
                                                                         .credential = "t0a",
                                                                         .reserved = true});

    assert_non_null(c);
    assert_false(stream_reserve(s, "t0a"));
    stream_client_drop(c);
    for (int i = 0; i < 1000 && !stream_reserve(s, "t0a"); i++)
        (void)usleep(1000);
    assert_false(stream_reserve(s, "t0a"));
    for (size_t k = 0; k < ARRAY_LEN(names); k++)
        for (int i = 0; i < STREAM_WAIT_EACH; i++)
            stream_unreserve(s, names[k]);
    stream_free(s);
}

/* ---- slow and many ---- */

static void test_who_takes_nothing_is_dropped(void **state)
{
    struct stream *s = stream_new(&(struct stream_rules){.beat_ms = 30, .stuck_ms = 100});
    struct stream_want w = {.kind = STREAM_EVENTS, .sse = true, .role = ROLE_VIEWER};
    CLEANUP(str_release) struct str quick = STR_INIT, slow = STR_INIT;
    char big[8000];
    int stuck = join(s, &w, NULL), fine = join(s, &w, NULL);

    (void)state;
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    for (int i = 0; i < 100; i++) { /* 800 KB: more than the socket and we keep */
        tell_app(s, "blog", big);
        if (i % 8 == 7) {
            char words[32];

            (void)snprintf(words, sizeof(words), "-%d\n", i + 1);
            assert_true(hear(fine, words, &quick));
        }
    }
    for (int i = 0; i < 200 && stream_heard(s); i++) {
        struct pollfd p = {.fd = stuck, .events = 0};

        if (poll(&p, 1, 50) > 0 && (p.revents & POLLHUP))
            break;
    }
    assert_true(hear(stuck, NULL, &slow));
    assert_true(slow.len < 100 * sizeof(big));
    tell_app(s, "blog", "{\"last\":1}");
    assert_true(hear(fine, "{\"last\":1}", &quick)); /* nobody else suffered */
    assert_true(hear(fine, "\n:\n\n", &quick) || strstr(str_text(&quick), ":\n\n"));
    (void)close(stuck);
    (void)close(fine);
    stream_free(s);
}

static void test_a_log_that_comes_too_fast_loses_lines(void **state)
{
    struct stream *s = stream_new(&(struct stream_rules){0});
    CLEANUP(str_release) struct str out = STR_INIT;
    char line[1000];
    uint64_t id;
    int fd = join(s, &(struct stream_want){.kind = STREAM_LOGS, .role = ROLE_VIEWER}, &id);

    (void)state;
    memset(line, 'y', sizeof(line) - 1);
    line[sizeof(line) - 2] = '\n';
    line[sizeof(line) - 1] = '\0';
    for (int i = 0; i < 3000; i++)
        (void)stream_say(s, id, line);
    (void)usleep(100000);
    assert_true(hear(fd, "lines are left out", &out));
    assert_true(stream_say(s, id, "after\n"));
    assert_true(hear(fd, "after\n", &out));
    assert_true(out.len < 2000 * sizeof(line));
    (void)close(fd);
    stream_free(s);
}

static void test_places(void **state)
{
    struct stream *s = stream_new(&(struct stream_rules){0});
    struct stream_want w = {.kind = STREAM_LOGS, .role = ROLE_VIEWER};
    struct stream_client *c[STREAM_LOGS_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(c); i++)
        assert_non_null(c[i] = stream_client_new(s, &w));
    assert_null(stream_client_new(s, &w));
    w.kind = STREAM_EVENTS; /* has its own */
    struct stream_client *other = stream_client_new(s, &w);

    assert_non_null(other);
    for (size_t i = 0; i < ARRAY_LEN(c); i++)
        stream_client_drop(c[i]);
    stream_client_drop(other);
    w.kind = STREAM_LOGS;
    struct stream_client *again = NULL;

    for (int i = 0; i < 1000 && !(again = stream_client_new(s, &w)); i++)
        (void)usleep(1000);
    assert_non_null(again);
    stream_client_drop(again);
    stream_free(s);
}

/* As fast as they come, from several threads, while clients come and go. */
static void *tell_many(void *arg)
{
    for (int i = 0; i < 500; i++)
        tell_app(arg, i % 2 ? "blog" : "shop", "{\"many\":1}");
    return NULL;
}

static void test_many_threads(void **state)
{
    struct stream *s = stream_new(&(struct stream_rules){.beat_ms = 5});
    struct stream_want w = {.kind = STREAM_EVENTS, .sse = true, .role = ROLE_VIEWER, .apps = &blog};
    pthread_t t[3];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        assert_int_equal(pthread_create(&t[i], NULL, tell_many, s), 0);
    for (int i = 0; i < 60; i++) {
        CLEANUP(str_release) struct str out = STR_INIT;
        int fd = join(s, &w, NULL);

        if (i % 3 != 0)
            assert_true(hear(fd, "hello", &out));
        (void)close(fd);
    }
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        (void)pthread_join(t[i], NULL);
    stream_free(s);
}

/* ---- taking a connection ---- */

static int listener_on(int *ret_port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof(sa);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&sa, n), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
    *ret_port = ntohs(sa.sin_port);
    return fd;
}

static void test_hand(void **state)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof(sa);
    char buf[8];
    int port, server = listener_on(&port);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    sa.sin_port = htons((uint16_t)port);
    assert_int_equal(connect(client, (struct sockaddr *)&sa, n), 0);
    int theirs = accept(server, NULL, NULL);

    assert_int_equal(getsockname(client, (struct sockaddr *)&sa, &n), 0);
    int peer_port = ntohs(sa.sin_port);

    assert_int_equal(web_hand_find("127.0.0.1", peer_port, port), theirs);
    assert_int_equal(web_hand_find("127.0.0.2", peer_port, port), -1);
    assert_int_equal(web_hand_find("127.0.0.1", peer_port, port + 1), -1);
    assert_int_equal(web_hand_find("x", peer_port, port), -1);
    int own = web_hand_take(theirs);

    assert_true(own >= 0 && own != theirs);
    (void)shutdown(theirs, SHUT_WR); /* as the server ends a connection */
    assert_int_equal(close(theirs), 0);
    assert_int_equal(send(own, "still", 5, MSG_NOSIGNAL), 5);
    assert_int_equal(recv(client, buf, sizeof(buf), 0), 5);
    assert_memory_equal(buf, "still", 5);
    assert_int_equal(web_hand_take(-1), -1);
    (void)close(own);
    (void)close(client);
    (void)close(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_hears_what),
        cmocka_unit_test(test_missed_events_come_again),
        cmocka_unit_test(test_ring_is_bounded),
        cmocka_unit_test(test_lines_and_end),
        cmocka_unit_test(test_said_before_its_socket_is_there),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_a_revoked_credential_ends_it),
        cmocka_unit_test(test_who_takes_nothing_is_dropped),
        cmocka_unit_test(test_a_log_that_comes_too_fast_loses_lines),
        cmocka_unit_test(test_what_is_lost_is_owned_up_to),
        cmocka_unit_test(test_one_credential_does_not_take_all_places),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_many_threads),
        cmocka_unit_test(test_hand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
