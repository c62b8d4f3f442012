/* The agent's listeners over real sockets: who is answered and how, what is refused, slow and many clients, and leaving in the middle of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "agent/web.h"
#include "agent/web_host.h"
#include "agent/web_page.h"
#include "scratch.h"
#include "spec/base/arena.h"

#define GET(path, host) "GET " path " HTTP/1.1\r\nHost: " host "\r\n\r\n"

struct world {
    struct web *web;
    int port;
};

/* ---- sockets ---- */

static int free_port(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_ANY)}};
    socklen_t n = sizeof(sa);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (bind(fd, (struct sockaddr *)&sa, n) != 0 ||
        getsockname(fd, (struct sockaddr *)&sa, &n) != 0)
        abort();
    (void)close(fd);
    return ntohs(sa.sin_port);
}

static _Atomic time_t patience_s = 20;

static int dial(const char *address, int port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval limit = {.tv_sec = patience_s};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)inet_pton(AF_INET, address, &sa.sin_addr);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* All that comes until the end of the connection. */
static void hear(int fd, struct str *out)
{
    char buf[4096];
    ssize_t n;

    while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
        str_addn(out, buf, (size_t)n);
    (void)close(fd);
}

static void ask_bytes(const char *address, int port, const char *bytes, size_t n, struct str *out)
{
    int fd = dial(address, port);

    str_clear(out);
    if (fd < 0)
        return;
    (void)send(fd, bytes, n, MSG_NOSIGNAL);
    hear(fd, out);
}

static void ask(const struct world *w, const char *text, struct str *out)
{
    ask_bytes("127.0.0.1", w->port, text, strlen(text), out);
}

static int status_of(const struct str *reply)
{
    return strncmp(str_text(reply), "HTTP/1.1 ", 9) == 0 ? atoi(str_text(reply) + 9) : 0;
}

static int status(const struct world *w, const char *text)
{
    CLEANUP(str_release) struct str reply = STR_INIT;

    ask(w, text, &reply);
    return status_of(&reply);
}

static const char *body_of(const struct str *reply)
{
    const char *end = strstr(str_text(reply), "\r\n\r\n");

    return end ? end + 4 : "";
}

/* The length that is said is that of the body, unless there is none. */
static bool whole(const struct str *reply)
{
    const char *said = strstr(str_text(reply), "Content-Length: ");

    return said && atol(said + 16) == (long)strlen(body_of(reply));
}

static int setup(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    struct err e = {0};

    w->web = web_new(NULL);
    w->port = free_port();
    if (web_open(w->web, "127.0.0.1", w->port, &e) != 0)
        return -1;
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    web_free(w->web);
    free(w);
    return 0;
}

/* ---- what is answered ---- */

/* Traefik asks for it in the words of the visitor, whose request may have had any host. */
static void test_unavailable(void **state)
{
    CLEANUP(str_release) struct str r = STR_INIT;
    const struct world *w = *state;

    ask(w, GET("/.well-known/evenkeel/unavailable", "localhost"), &r);
    assert_int_equal(status_of(&r), 503);
    assert_non_null(strstr(str_text(&r), "\r\nRetry-After: 5\r\n"));
    assert_non_null(strstr(body_of(&r), "503: the app that has this address does not answer"));
    ask(w,
        "GET /.well-known/evenkeel/unavailable HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n"
        "Content-Length: 0\r\n\r\n",
        &r);
    assert_int_equal(status_of(&r), 503);
    assert_non_null(strstr(body_of(&r), "<h1>This app does not answer just now</h1>"));
    assert_non_null(strstr(str_text(&r), "style-src 'sha256-"));
}

static void test_healthz(void **state)
{
    CLEANUP(str_release) struct str r = STR_INIT;
    const struct world *w = *state;

    ask(w, GET("/healthz", "localhost"), &r);
    assert_int_equal(status_of(&r), 200);
    assert_string_equal(body_of(&r), "ok\n");
    assert_true(whole(&r));
    assert_non_null(strstr(str_text(&r), "\r\nServer: evenkeel\r\n"));
    assert_non_null(strstr(str_text(&r), "\r\nX-Content-Type-Options: nosniff\r\n"));
    assert_non_null(strstr(str_text(&r), "\r\nContent-Security-Policy: default-src 'none'"));
    assert_null(strcasestr(str_text(&r), "civetweb"));
    ask(w, "HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", &r);
    assert_int_equal(status_of(&r), 200);
    assert_non_null(strstr(str_text(&r), "Content-Length: 3\r\n"));
    assert_string_equal(body_of(&r), "");
    ask(w, GET("/healthz?x=1", "localhost"), &r);
    assert_int_equal(status_of(&r), 200);
    ask(w, "POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", &r);
    assert_int_equal(status_of(&r), 405);
    assert_non_null(strstr(str_text(&r), "\r\nAllow: GET, HEAD\r\n"));
}

/* A spelling that only some would read as /healthz is not /healthz. */
static void test_paths(void **state)
{
    const struct world *w = *state;

    assert_int_equal(status(w, GET("/healthzz", "localhost")), 404);
    assert_int_equal(status(w, GET("/healthz/", "localhost")), 404);
    assert_int_equal(status(w, GET("/health%7A", "localhost")), 404);
    assert_int_equal(status(w, GET("/healthz%00", "localhost")), 404);
    assert_int_equal(status(w, GET("/HEALTHZ", "localhost")), 404);
    assert_int_equal(status(w, GET("/etc/passwd", "localhost")), 404);
    assert_int_equal(status(w, GET("/%2e%2e/%2e%2e/etc/passwd", "localhost")), 404);
    assert_int_equal(status(w, GET("/../../etc/passwd", "localhost")), 404);
}

static void test_nothing_here(void **state)
{
    CLEANUP(str_release) struct str r = STR_INIT, policy = STR_INIT;
    const struct world *w = *state;

    ask(w, GET("/blog", "localhost"), &r);
    assert_int_equal(status_of(&r), 404);
    assert_non_null(strstr(str_text(&r), "Content-Type: text/plain; charset=utf-8\r\n"));
    assert_non_null(strstr(body_of(&r), "nothing answers at localhost/blog\n"));
    assert_true(whole(&r));
    ask(w,
        "GET /<script>alert(1)</script>'\"& HTTP/1.1\r\nHost: localhost\r\nAccept: "
        "text/html\r\n\r\n",
        &r);
    assert_int_equal(status_of(&r), 404);
    assert_non_null(strstr(str_text(&r), "Content-Type: text/html; charset=utf-8\r\n"));
    assert_null(strstr(body_of(&r), "<script"));
    assert_non_null(
        strstr(body_of(&r), "localhost/&lt;script&gt;alert(1)&lt;/script&gt;&#39;&quot;&amp;<"));
    web_page_policy(&policy, false);
    assert_non_null(strstr(str_text(&policy), "style-src 'sha256-"));
    assert_null(strstr(str_text(&policy), "unsafe"));
    assert_non_null(strstr(str_text(&r), str_text(&policy)));
    assert_true(whole(&r));
    /* and in a page of text no terminal is steered */
    ask(w, "GET /\x1b[31m\xe2\x80\xae\xff HTTP/1.1\r\nHost: localhost\r\n\r\n", &r);
    assert_null(strchr(str_text(&r), '\x1b'));
    assert_null(strstr(str_text(&r), "\xe2\x80\xae"));
}

static void test_preflight(void **state)
{
    CLEANUP(str_release) struct str r = STR_INIT;

    ask(*state,
        "OPTIONS /healthz HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n"
        "Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: x-a\r\n\r\n",
        &r);
    assert_int_equal(status_of(&r), 405);
    assert_null(strcasestr(str_text(&r), "access-control"));
}

static void test_hosts(void **state)
{
    CLEANUP(str_release) struct str r = STR_INIT;
    const struct world *w = *state;
    static const char *const own[] = {"localhost",    "LOCALHOST:5001", "127.0.0.1",
                                      "127.9.9.9:80", "[::1]",          "[0:0:0:0:0:0:0:1]:5001",
                                      "localhost."};
    static const char *const others[] = {"evil.example",  "localhost.evil.example",
                                         "203.0.113.9",   "127.0.0.1.evil.example",
                                         "[2001:db8::1]", "localhostt"};
    static const char *const wrong[] = {"",       "a b",      "a/b",  "a:b",      "a:99999", ".a",
                                        "a..b",   "<script>", "[::1", "[1]",      "a\"b",    "a@b",
                                        "[::1]x", "\xc3\xa4", "a,b",  "http://a", "a:-1",    ":80"};
    const char *names[] = {"shop.example.org", "*.example.net"};

    for (size_t i = 0; i < ARRAY_LEN(own) + ARRAY_LEN(others) + ARRAY_LEN(wrong); i++) {
        CLEANUP(str_release) struct str text = STR_INIT;
        bool mine = i < ARRAY_LEN(own), theirs = !mine && i < ARRAY_LEN(own) + ARRAY_LEN(others);
        const char *host = mine     ? own[i]
                           : theirs ? others[i - ARRAY_LEN(own)]
                                    : wrong[i - ARRAY_LEN(own) - ARRAY_LEN(others)];

        str_addf(&text, "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", host);
        ask(w, str_text(&text), &r);
        if (status_of(&r) != (mine ? 200 : theirs ? 421 : 400))
            fail_msg("Host: %s: %s", host, str_text(&r));
        assert_null(strstr(str_text(&r), "<script"));
    }
    web_hosts(w->web, &(struct strv){.v = names, .n = 2});
    assert_int_equal(status(w, GET("/healthz", "shop.example.org")), 200);
    assert_int_equal(status(w, GET("/healthz", "a.example.net")), 200);
    assert_int_equal(status(w, GET("/healthz", "a.b.example.net")), 421);
    assert_int_equal(status(w, GET("/healthz", "example.net")), 421);
    assert_int_equal(status(w, GET("/healthz", ".example.net")), 400);
    assert_int_equal(status(w, "GET /healthz HTTP/1.1\r\n\r\n"), 400);
    assert_int_equal(status(w, "GET /healthz HTTP/1.0\r\n\r\n"), 400);
    assert_int_equal(
        status(w, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nhost: localhost\r\n\r\n"), 400);
}

static void test_own_addresses(void **state)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(9)};
    char host[WEB_HOST], address[INET_ADDRSTRLEN] = "";
    socklen_t n = sizeof(sa);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    (void)state;
    (void)inet_pton(AF_INET, "203.0.113.1", &sa.sin_addr);
    if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 &&
        getsockname(fd, (struct sockaddr *)&sa, &n) == 0 &&
        inet_ntop(AF_INET, &sa.sin_addr, address, sizeof(address)))
        assert_true(web_host_own(address)); /* what it speaks to the world with */
    (void)close(fd);
    assert_int_equal(gethostname(host, sizeof(host)), 0);
    assert_true(web_host_own(host));
    assert_false(web_host_own(""));
}

/* ---- what is refused ---- */

static void test_lengths(void **state)
{
    const struct world *w = *state;
    static const struct {
        const char *headers;
        int status;
    } rows[] = {
        {"Content-Length: 0\r\n", 404},
        {"Content-Length: 5\r\n\r\nhello", 413},
        {"Content-Length: 99999999999999999999\r\n", 413},
        {"Content-Length: 5x\r\n", 400},
        {"Content-Length: -1\r\n", 400},
        {"Content-Length: +5\r\n", 400},
        {"Content-Length:\r\n", 400},
        {"Content-Length: 5\r\nContent-Length: 5\r\n", 400},
        {"Content-Length: 0\r\ncontent-length: 7\r\n", 400},
        {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", 400},
        {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400},
        {"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 400},
        {"Transfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n0\r\n", 413},
        {"Transfer-Encoding: gzip, chunked\r\n", 400},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(str_release) struct str text = STR_INIT, r = STR_INIT;

        str_addf(&text, "POST /x HTTP/1.1\r\nHost: localhost\r\n%s\r\n", rows[i].headers);
        ask(w, str_text(&text), &r);
        if (status_of(&r) != rows[i].status)
            fail_msg("%s: %s", rows[i].headers, str_text(&r));
    }
    assert_int_equal(status(w, GET("/healthz", "localhost")), 200);
}

/* A body that never comes, or comes byte by byte, holds no thread. */
static void test_unsent_bodies(void **state)
{
    const struct world *w = *state;
    double before = clock_ms();

    for (int i = 0; i < 3 * WEB_THREADS; i++)
        assert_int_equal(
            status(w, "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nab"),
            413);
    assert_true(clock_ms() - before < WEB_TIMEOUT_MS);
}

static void test_malformed(void **state)
{
    const struct world *w = *state;
    CLEANUP(str_release) struct str big = STR_INIT, many = STR_INIT, r = STR_INIT;
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    static const char nul[] = "GET /health\0z HTTP/1.1\r\nHost: localhost\r\n\r\n";
    static const char *const texts[] = {
        "\r\n\r\n",
        "GET\r\n\r\n",
        "GET /\r\n\r\n",
        "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost localhost\r\n\r\n",
        "TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "\x16\x03\x01\x02\x01\x01\r\n\r\n",
        preface,
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        ask(w, texts[i], &r);
        if (status_of(&r) >= 200 && status_of(&r) < 400)
            fail_msg("%s: %s", texts[i], str_text(&r));
        assert_null(strcasestr(str_text(&r), "civetweb"));
    }
    ask_bytes("127.0.0.1", w->port, nul, sizeof(nul) - 1, &r);
    assert_int_not_equal(status_of(&r), 200);
    str_add(&big, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ");
    for (int i = 0; i < 2 * WEB_HEAD_BYTES; i++)
        str_addc(&big, 'a');
    str_add(&big, "\r\n\r\n");
    ask(w, str_text(&big), &r); /* the reply may be lost with what was not read */
    assert_true(status_of(&r) == 0 || status_of(&r) == 400);
    str_add(&many, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n");
    for (int i = 0; i < 200; i++)
        str_addf(&many, "X-%d: 1\r\n", i);
    str_add(&many, "\r\n");
    assert_int_equal(status(w, str_text(&many)), 400);
    assert_int_equal(status(w, GET("/healthz", "localhost")), 200);
}

/* A protocol change is not offered, whatever is asked for. */
static void test_upgrade(void **state)
{
    CLEANUP(str_release) struct str r = STR_INIT;

    ask(*state,
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        &r);
    assert_int_equal(status_of(&r), 200);
    assert_null(strstr(str_text(&r), "101"));
}

/* ---- slow, many, leaving ---- */

static void test_slow(void **state)
{
    const struct world *w = *state;
    int slow[WEB_THREADS];
    double before = clock_ms();

    for (size_t i = 0; i < ARRAY_LEN(slow); i++) {
        slow[i] = dial("127.0.0.1", w->port);
        assert_true(slow[i] >= 0);
        assert_int_equal(send(slow[i], "GET /hea", 8, MSG_NOSIGNAL), 8);
    }
    assert_int_equal(status(w, GET("/healthz", "localhost")), 200);
    assert_true(clock_ms() - before < WEB_TIMEOUT_MS + 5000);
    for (size_t i = 0; i < ARRAY_LEN(slow); i++) {
        CLEANUP(str_release) struct str r = STR_INIT;

        hear(slow[i], &r);
        assert_int_equal(status_of(&r), 400);
    }
}

struct crowd {
    const struct world *w;
    atomic_int good, refused, none, broken;
    atomic_bool stop;
};

static void *one_of_many(void *arg)
{
    struct crowd *c = arg;

    for (int i = 0; i < 20 || (i < 100000 && !atomic_load(&c->stop)); i++) {
        CLEANUP(str_release) struct str r = STR_INIT;

        ask(c->w, GET("/healthz", "localhost"), &r);
        if (r.len == 0)
            (void)atomic_fetch_add(&c->none, 1);
        else if (!whole(&r))
            (void)atomic_fetch_add(&c->broken, 1);
        else if (status_of(&r) == 200)
            (void)atomic_fetch_add(&c->good, 1);
        else
            (void)atomic_fetch_add(&c->refused, 1);
        if (atomic_load(&c->stop) && i > 20)
            break;
    }
    return NULL;
}

static void test_many(void **state)
{
    struct crowd c = {.w = *state, .stop = true};
    pthread_t t[50];

    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        assert_int_equal(pthread_create(&t[i], NULL, one_of_many, &c), 0);
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        assert_int_equal(pthread_join(t[i], NULL), 0);
    assert_int_equal(c.none + c.broken + c.refused, 0);
    assert_true(c.good >= 1000);
}

/* Facts change under the readers' eyes. */
static void test_publishing(void **state)
{
    const struct world *w = *state;
    struct crowd c = {.w = w};
    pthread_t t[4];
    const char *names[] = {"a.example.org", "b.example.org"};

    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        assert_int_equal(pthread_create(&t[i], NULL, one_of_many, &c), 0);
    for (size_t i = 0; i < 2000; i++)
        web_hosts(w->web, &(struct strv){.v = names, .n = i % 3});
    atomic_store(&c.stop, true);
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        assert_int_equal(pthread_join(t[i], NULL), 0);
    assert_int_equal(c.none + c.broken + c.refused, 0);
}

static void test_leaving(void **state)
{
    struct world *w = *state;
    struct crowd c = {.w = w};
    pthread_t t[8];
    int slow = dial("127.0.0.1", w->port);
    struct err e = {0};

    assert_int_equal(send(slow, "GET /hea", 8, MSG_NOSIGNAL), 8);
    patience_s =
        1; /* who was let in and not yet heard would be hung up on by the end of the process */
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        assert_int_equal(pthread_create(&t[i], NULL, one_of_many, &c), 0);
    while (atomic_load(&c.good) < 100)
        pause_ms(1);
    double before = clock_ms();

    web_leave(w->web);
    assert_true(clock_ms() - before < 200);
    assert_int_equal(web_open(w->web, "127.0.0.1", w->port, &e), -1);
    web_free(w->web);
    assert_true(clock_ms() - before < 6000);
    atomic_store(&c.stop, true);
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        assert_int_equal(pthread_join(t[i], NULL), 0);
    patience_s = 20;
    assert_int_equal(c.broken, 0);
    (void)close(slow);
    w->web = web_new(NULL);
    assert_int_equal(web_open(w->web, "127.0.0.1", w->port, &e), 0); /* the port is free again */
}

/* Without clients it is over at once, although civetweb looks up only every two seconds. */
static void test_leaving_at_rest(void **state)
{
    struct world *w = *state;
    double before = clock_ms();

    web_free(w->web);
    assert_true(clock_ms() - before < 1000);
    w->web = NULL;
}

/* ---- places ---- */

static void test_taken_port(void **state)
{
    const struct world *w = *state;
    struct web *other = web_new(NULL);
    char self[64];
    struct err e = {0};

    (void)snprintf(self, sizeof(self), "by test_web (pid %d)", (int)getpid());
    assert_int_equal(web_open(other, "127.0.0.1", w->port, &e), -1);
    assert_int_equal(e.kind, ERR_RETRY);
    assert_non_null(strstr(e.msg, "is taken"));
    if (!strstr(e.msg, self))
        fail_msg("%s", e.msg);
    assert_int_equal(web_open(other, "203.0.113.1", w->port, &e), -1);
    assert_non_null(strstr(e.msg, "no address 203.0.113.1"));
    assert_int_equal(web_open(other, "127.0.0.2", w->port, &e), 0);
    web_free(other);
}

static void test_platform(void **state)
{
    CLEANUP(str_release) struct str r = STR_INIT;
    const struct world *w = *state;
    static const char any[] = GET("/", "nobody.example.org");
    struct err e = {0};

    assert_null(web_platform_url(w->web));
    assert_int_equal(web_platform(w->web, "127.0.0.2", w->port, "127.0.0.0/8", "127.0.0.1", &e), 0);
    assert_non_null(strstr(web_platform_url(w->web), "http://127.0.0.2:"));
    ask_bytes("127.0.0.2", w->port, any, sizeof(any) - 1, &r);
    assert_int_equal(status_of(&r), 404);
    assert_non_null(strstr(body_of(&r), "nothing answers at nobody.example.org/"));
    assert_non_null(strstr(body_of(&r), "route: blog.example.org"));
    /* somebody else on that network */
    assert_int_equal(web_platform(w->web, "127.0.0.2", w->port, "127.0.0.0/8", "127.0.0.9", &e), 0);
    ask_bytes("127.0.0.2", w->port, any, sizeof(any) - 1, &r);
    assert_int_equal(status_of(&r), 403);
    assert_int_equal(web_platform(w->web, "127.0.0.2", w->port, "127.0.0.0/8", NULL, &e), 0);
    ask_bytes("127.0.0.2", w->port, any, sizeof(any) - 1, &r);
    assert_int_equal(status_of(&r), 403);
    /* the one for people goes on as it was */
    assert_int_equal(status(w, GET("/healthz", "localhost")), 200);
    assert_int_equal(web_platform(w->web, NULL, 0, NULL, NULL, &e), 0);
    assert_null(web_platform_url(w->web));
    pause_ms(300);
    assert_int_equal(dial("127.0.0.2", w->port), -1);
}

/* Connections from another network are closed before a thread is spent on them. */
static void test_platform_subnet(void **state)
{
    CLEANUP(str_release) struct str r = STR_INIT;
    const struct world *w = *state;
    static const char any[] = GET("/", "localhost");
    struct err e = {0};

    assert_int_equal(web_platform(w->web, "127.0.0.3", w->port, "10.0.0.0/8", "127.0.0.1", &e), 0);
    ask_bytes("127.0.0.3", w->port, any, sizeof(any) - 1, &r);
    assert_int_equal(r.len, 0);
}

/* A listener on all addresses takes the platform's part. */
static void test_platform_covered(void **state)
{
    CLEANUP(str_release) struct str r = STR_INIT;
    struct web *web = web_new(NULL);
    int port = free_port();
    static const char any[] = GET("/", "nobody.example.org");
    struct err e = {0};

    (void)state;
    assert_int_equal(web_open(web, "0.0.0.0", port, &e), 0);
    assert_int_equal(web_platform(web, "127.0.0.1", port, "127.0.0.0/8", "127.0.0.9", &e), 0);
    assert_non_null(web_platform_url(web));
    ask_bytes("127.0.0.1", port, any, sizeof(any) - 1, &r);
    assert_int_equal(status_of(&r), 421);
    assert_int_equal(web_platform(web, "127.0.0.1", port, "127.0.0.0/8", "127.0.0.1", &e), 0);
    ask_bytes("127.0.0.1", port, any, sizeof(any) - 1, &r);
    assert_int_equal(status_of(&r), 404);
    web_free(web);
}

static void test_escaping(void **state)
{
    CLEANUP(str_release) struct str out = STR_INIT;

    (void)state;
    web_page_escape(&out, "<a href=\"x\" id='y'>&\x01\x7f\xff", 100);
    assert_string_equal(str_text(&out),
                        "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;\\x01\\x7f\\xff");
    str_clear(&out);
    web_page_escape(&out, "ab\xc3\xa4z", 3); /* not half a letter */
    assert_string_equal(str_text(&out), "ab...");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_healthz),
        TEST(test_unavailable),
        TEST(test_paths),
        TEST(test_nothing_here),
        TEST(test_preflight),
        TEST(test_hosts),
        cmocka_unit_test(test_own_addresses),
        TEST(test_lengths),
        TEST(test_unsent_bodies),
        TEST(test_malformed),
        TEST(test_upgrade),
        TEST(test_slow),
        TEST(test_many),
        TEST(test_publishing),
        TEST(test_leaving),
        TEST(test_leaving_at_rest),
        TEST(test_taken_port),
        TEST(test_platform),
        TEST(test_platform_subnet),
        cmocka_unit_test(test_platform_covered),
        cmocka_unit_test(test_escaping),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
