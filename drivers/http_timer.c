/* http_timer.c: a binary heap of one-shot timers.
 *
 * In: moments on the monotonic clock, as milliseconds. Out: callbacks, in order of their moments and, where these are
 * equal, of their making. A timer set by a callback waits for the next round even if it is due at once, so that one that
 * sets itself anew with 0 ms cannot starve the loop.
 * It reads no clock. */
#include "drivers/http_timer.h"

#include <stdbool.h>

#include "spec/base/arena.h"

struct http_timer {
    int64_t due_ms;
    uint64_t age;
    size_t at; /* its index in the heap */
    http_timer_fn *fn;
    void *user;
};

static bool before(const struct http_timer *a, const struct http_timer *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->age < b->age;
}

static void put(struct http_timers *l, size_t at, struct http_timer *t)
{
    l->v[at] = t;
    t->at = at;
}

static void rise(struct http_timers *l, struct http_timer *t)
{
    size_t at = t->at;

    for (; at > 0 && before(t, l->v[(at - 1) / 2]); at = (at - 1) / 2)
        put(l, at, l->v[(at - 1) / 2]);
    put(l, at, t);
}

static void sink(struct http_timers *l, struct http_timer *t)
{
    size_t at = t->at;

    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= l->n)
            break;
        if (child + 1 < l->n && before(l->v[child + 1], l->v[child]))
            child++;
        if (!before(l->v[child], t))
            break;
        put(l, at, l->v[child]);
        at = child;
    }
    put(l, at, t);
}

struct http_timer *http_timers_add(struct http_timers *l, int64_t due_ms, http_timer_fn *fn,
                                   void *user)
{
    struct http_timer *t = xcalloc(1, sizeof(*t));

    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 16;
        l->v = xrealloc(l->v, l->cap * sizeof(struct http_timer *));
    }
    *t =
        (struct http_timer){.due_ms = due_ms, .age = l->made++, .at = l->n, .fn = fn, .user = user};
    l->n++;
    rise(l, t);
    return t;
}

static void take_out(struct http_timers *l, struct http_timer *t)
{
    struct http_timer *last = l->v[--l->n];

    if (last == t)
        return;
    put(l, t->at, last);
    rise(l, last);
    sink(l, last);
}

void http_timers_remove(struct http_timers *l, struct http_timer *t)
{
    if (!t)
        return;
    take_out(l, t);
    free(t);
}

int64_t http_timers_next(const struct http_timers *l)
{
    return l->n ? l->v[0]->due_ms : -1;
}

size_t http_timers_run(struct http_timers *l, int64_t now_ms)
{
    uint64_t before_this_round = l->made;
    size_t ran = 0;

    /* One set meanwhile may be due first; what waits behind it then runs a round later, which is soon enough. */
    while (l->n && l->v[0]->due_ms <= now_ms && l->v[0]->age < before_this_round) {
        struct http_timer *t = l->v[0];
        take_out(l, t);
        t->fn(t->user);
        free(t);
        ran++;
    }
    return ran;
}

void http_timers_release(struct http_timers *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i]);
    free(l->v);
    *l = (struct http_timers){0};
}
