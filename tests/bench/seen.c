/* seen.c: an event stream of the benchmark's own, so that both sides are timed by the same clock and the same witness.
 *
 * In: GET /events of one http. Out: a growing list of (time, type, action, name). It decodes nothing else. */
#include "tests/bench/seen.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/http.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/base/str.h"
#include "tests/bench/bench.h"

#define PATIENCE_MS 600000

struct event {
    double at_ms;
    char type[16], action[40], name[100];
};

struct seen {
    struct http *http;
    struct str line;
    struct event *events;
    size_t n, cap;
    bool stands;
};

static void take_line(struct seen *s, double now)
{
    json_t *v = js_parse(s->line.buf, s->line.len, NULL);

    if (s->n == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 1024;
        s->events = xrealloc(s->events, s->cap * sizeof(struct event));
    }
    struct event *e = &s->events[s->n++];

    e->at_ms = now;
    (void)snprintf(e->type, sizeof(e->type), "%s", js_str(v, "Type", ""));
    (void)snprintf(e->action, sizeof(e->action), "%s", js_str(v, "Action", ""));
    (void)snprintf(e->name, sizeof(e->name), "%s", js_str(v, "Actor.Attributes.name", ""));
    json_decref(v);
}

static bool on_data(void *user, const char *bytes, size_t n)
{
    struct seen *s = user;
    double now = bench_now_ms();

    s->stands = true;
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != '\n') {
            str_addc(&s->line, bytes[i]);
            continue;
        }
        take_line(s, now);
        str_clear(&s->line);
    }
    return true;
}

static void on_end(void *user, const struct http_reply *reply)
{
    (void)user;
    bench_die("the stream of events ended: %s", reply->err.kind ? reply->err.msg : "by the engine");
}

static void turn(struct seen *s, int most_ms)
{
    struct err e = {0};

    if (http_poll(s->http, NULL, 0, most_ms, &e) < 0)
        bench_die("%s", e.msg);
}

struct seen *seen_new(struct http *h)
{
    struct seen *s = xcalloc(1, sizeof(*s));

    s->http = h;
    (void)http_send(h, &(struct http_request){.method = "GET",
                                              .path = "/events",
                                              .unversioned = true,
                                              .stream = true,
                                              .data = on_data,
                                              .done = on_end,
                                              .user = s});
    while (!s->stands)
        turn(s, 1000);
    return s;
}

void seen_free(struct seen *s)
{
    if (!s)
        return;
    str_release(&s->line);
    free(s->events);
    free(s);
}

size_t seen_mark(const struct seen *s)
{
    return s->n;
}

double seen_find(const struct seen *s, size_t mark, const char *type, const char *action,
                 const char *name, size_t count)
{
    for (size_t i = mark; i < s->n; i++) {
        const struct event *e = &s->events[i];
        if (strcmp(e->type, type) == 0 && strcmp(e->action, action) == 0 &&
            strncmp(e->name, name, strlen(name)) == 0 && --count == 0)
            return e->at_ms;
    }
    return -1;
}

double seen_wait(struct seen *s, size_t mark, const char *type, const char *action,
                 const char *name, size_t count)
{
    double end = bench_now_ms() + PATIENCE_MS, at;

    while ((at = seen_find(s, mark, type, action, name, count)) < 0) {
        if (bench_now_ms() > end)
            bench_die("waited in vain for %zu x %s %s of %s", count, type, action, name);
        turn(s, 1000);
    }
    return at;
}
