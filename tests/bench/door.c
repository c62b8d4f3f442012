/* door.c: the door under load: clients that only listen, and the list of apps asked for at a steady rate.
 *
 * In: an agent with many stopped apps, a token of its own. Out: memory with 500 listeners at rest, the time until all of them heard of a change, and how long the slowest of a hundred answers takes
 * while apps come up. All clients are sockets of this one thread. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/tokens.h"
#include "spec/base/arena.h"
#include "spec/base/str.h"
#include "tests/bench/bench.h"
#include "tests/bench/process.h"
#include "tests/bench/table.h"

enum { LISTENERS = 500, APPS = 300, RATE = 200, PORT = 5001, WORDS = 256, COMING = 20 };

struct desk {
    struct bench *b;
    const char *root, *state, *token;
    pid_t agent;
};

struct client {
    int fd;
    char last[WORDS]; /* of what came, enough to find words that came in pieces */
    size_t n;
    double began;
};

/* ---- sockets ---- */

static int dial(void)
{
    struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0) {
        if (fd >= 0)
            (void)close(fd);
        return -1;
    }
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void ask(const struct desk *d, struct client *c, const char *path)
{
    CLEANUP(str_release) struct str text = STR_INIT;

    *c = (struct client){.fd = dial(), .began = bench_now_ms()};
    str_addf(&text, "GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", path,
             d->token);
    if (c->fd < 0 || send(c->fd, text.buf, text.len, MSG_NOSIGNAL) != (ssize_t)text.len)
        bench_die("the agent cannot be asked: %s", strerror(errno));
}

/* False: the end. */
static bool take(struct client *c)
{
    char buf[16384];
    ssize_t n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT);

    if (n <= 0)
        return n < 0 && errno == EAGAIN;
    size_t keep = (size_t)n < WORDS / 2 ? (size_t)n : WORDS / 2;

    if (c->n + keep >= WORDS) {
        memmove(c->last, c->last + c->n - WORDS / 2 + 1, WORDS / 2 - 1);
        c->n = WORDS / 2 - 1;
    }
    memcpy(c->last + c->n, buf + (size_t)n - keep, keep);
    c->n += keep;
    c->last[c->n] = '\0';
    return true;
}

/* Until each had these words; the times of the first and the last go to ret. */
static void all_hear(struct client *v, size_t n, const char *words, double ret[2])
{
    struct pollfd *p = xcalloc(n, sizeof(*p));
    size_t had = 0;
    double end = bench_now_ms() + 60000;

    for (size_t i = 0; i < n; i++)
        p[i] = (struct pollfd){.fd = v[i].fd, .events = POLLIN};
    while (had < n) {
        if (poll(p, n, 1000) < 0 || bench_now_ms() > end)
            bench_die("%zu of %zu listeners heard \"%s\"", had, n, words);
        for (size_t i = 0; i < n; i++) {
            if (!(p[i].revents & POLLIN))
                continue;
            if (!take(&v[i]))
                bench_die("a listener was dropped");
            if (!strstr(v[i].last, words))
                continue;
            ret[1] = bench_now_ms();
            if (had++ == 0)
                ret[0] = ret[1];
            p[i].fd = -1;
        }
    }
    free(p);
}

/* ---- the world ---- */

static const char *spec(const struct desk *d, const char *name, const char *more)
{
    return arena_printf(d->b->arena,
                        "app: %s\nimage: " BENCH_IMAGE
                        "\ncommand: [sleep, \"100000\"]\nstop_signal: SIGKILL\n"
                        "network_mode: none\n%s",
                        name, more);
}

static void write_app(const struct desk *d, const char *name, const char *more)
{
    (void)bench_write(d->b, arena_printf(d->b->arena, "%s/%s.yaml", d->root, name),
                      spec(d, name, more));
}

static void open_desk(struct desk *d, struct bench *b)
{
    struct tokens *t;
    struct err e = {0};
    struct token wanted = {.name = "bench", .by = "bench", .scope = ROLE_ADMIN};
    char text[TOKENS_TEXT];

    *d = (struct desk){.b = b, .root = bench_path(b, "door"), .state = bench_path(b, "door.state")};
    bench_mkdir(d->root);
    bench_mkdir(d->state);
    if (tokens_open(d->state, &t, &e) < 0 || tokens_create(t, &wanted, 1, text, &e) < 0)
        bench_die("no token: %s", e.msg);
    tokens_free(t);
    d->token = arena_strdup(b->arena, text);
    for (int i = 0; i < APPS; i++)
        write_app(d, arena_printf(b->arena, "st%03d", i), "state: stopped\n");
    d->agent = process_start(b, "agent", d->root, d->state, b->engine);
    for (int i = 0, fd = -1; i < 200 && (fd = dial()) < 0; i++)
        bench_pause(b, 50);
    process_quiet(b, d->agent, 2000);
}

/* ---- listeners ---- */

static void measure_listeners(struct desk *d)
{
    struct client *v = xcalloc(LISTENERS, sizeof(*v));
    struct bench *b = d->b;
    double at[2];

    for (size_t i = 0; i < LISTENERS; i++)
        ask(d, &v[i], "/api/v1/events");
    all_hear(v, LISTENERS, "event: hello", at);
    bench_pause(b, 3000); /* what the beginning took goes back */
    table_bound(b->table, "500 listeners at rest: RssAnon", "MB",
                process_usage(d->agent).anon_kb / 1024, 48);
    write_app(d, "change", "");
    all_hear(v, LISTENERS, "\"app\":\"change\"", at);
    table_bound(b->table, "500 listeners: from the first to the last that hears of a change", "ms",
                at[1] - at[0], 250);
    for (size_t i = 0; i < LISTENERS; i++)
        (void)close(v[i].fd);
    free(v);
}

/* ---- the list, at a rate ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

struct load {
    struct client v[RATE * 2]; /* under way */
    size_t n;
    double *took;
    size_t done;
};

static void finish_some(struct load *l, int ms)
{
    struct pollfd p[RATE * 2];

    for (size_t i = 0; i < l->n; i++)
        p[i] = (struct pollfd){.fd = l->v[i].fd, .events = POLLIN};
    if (poll(p, l->n, ms) <= 0)
        return;
    for (size_t i = l->n; i-- > 0;) {
        if (!p[i].revents || take(&l->v[i]))
            continue;
        l->took[l->done++] = bench_now_ms() - l->v[i].began;
        (void)close(l->v[i].fd);
        l->v[i] = l->v[--l->n];
    }
}

static void measure_list(struct desk *d)
{
    struct bench *b = d->b;
    size_t all = RATE * (b->quick ? 3 : 15), sent = 0;
    struct load *l = xcalloc(1, sizeof(*l));

    l->took = xcalloc(all, sizeof(double));
    for (int i = 0; i < COMING; i++)
        write_app(d, arena_printf(b->arena, "up%03d", i), "");
    for (double begun = bench_now_ms(); l->done < all;) {
        double due = begun + (double)sent * 1000 / RATE, now = bench_now_ms();

        if (sent < all && now >= due) {
            if (l->n == ARRAY_LEN(l->v))
                bench_die("%zu requests wait for an answer", l->n);
            ask(d, &l->v[l->n], "/api/v1/apps");
            l->v[l->n++].began = due; /* who comes late has waited */
            sent++;
        }
        finish_some(l, sent < all && now >= due ? 0 : 1);
    }
    qsort(l->took, all, sizeof(double), by_value);
    table_bound(b->table, "list of 300 apps, 200/s, 20 apps coming up: p99", "ms",
                l->took[all * 99 / 100], 20);
    table_note(b->table, "  median", "ms", l->took[all / 2]);
    free(l->took);
    free(l);
}

void measure_door(struct bench *b)
{
    struct desk d;

    open_desk(&d, b);
    measure_listeners(&d);
    measure_list(&d);
    process_stop(b, d.agent);
}
