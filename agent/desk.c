/* Questions of listener threads to the loop.
 *
 * Comes in: a function and what it is about. Goes out: its answer, once the loop had a moment. A question has two owners, who asks and the desk: whoever is last frees it, so an answer that comes after
 * its asker has gone is simply nobody's. */
#include "agent/desk.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "agent/core.h"
#include "drivers/http.h"
#include "spec/base/arena.h"

enum { AGAIN_MS = 20 };

struct desk {
    struct desk_world world;
    bool open;
    int bell;
    struct http_watch *watch;
    struct http_timer *again;
    pthread_mutex_t lock; /* guards all of this, and state and err of each call */
    pthread_cond_t answered;
    struct desk_own *first;
};

enum state { ASKED, UNDER_WAY, ANSWERED };

struct desk_own {
    struct desk_call call; /* first */
    struct desk *desk;
    desk_fn *fn;
    enum state state;
    struct err err;
    bool listed;
    atomic_int owners;
    struct desk_own *next;
};

static void unref(struct desk_own *x)
{
    if (atomic_fetch_sub(&x->owners, 1) != 1)
        return;
    arena_free(x->call.a);
    free(x);
}

static void unlist(struct desk_own *x)
{
    struct desk_own **at = &x->desk->first;

    while (*at && *at != x)
        at = &(*at)->next;
    if (*at)
        *at = x->next;
    x->listed = false;
}

/* ---- on the loop ---- */

static struct desk_own *next_asked(struct desk *d)
{
    (void)pthread_mutex_lock(&d->lock);
    struct desk_own *x = d->first;

    while (x && x->state != ASKED)
        x = x->next;
    if (x)
        x->state = UNDER_WAY;
    (void)pthread_mutex_unlock(&d->lock);
    return x;
}

static void put_back(struct desk_own *x)
{
    (void)pthread_mutex_lock(&x->desk->lock);
    x->state = ASKED;
    (void)pthread_mutex_unlock(&x->desk->lock);
}

void desk_answered(struct desk_call *c, const struct err *e)
{
    struct desk_own *x = c->own;
    struct desk *d = x->desk;

    (void)pthread_mutex_lock(&d->lock);
    bool mine = x->listed;

    if (mine) {
        x->err = *e;
        x->state = ANSWERED;
        unlist(x);
        (void)pthread_cond_broadcast(&d->answered);
    }
    (void)pthread_mutex_unlock(&d->lock);
    if (mine)
        unref(x);
}

static void serve(void *user);

static void serve_again(void *user)
{
    struct desk *d = user;

    d->again = NULL;
    serve(d);
}

static void serve(void *user)
{
    struct desk *d = user;
    struct desk_own *again[64];
    size_t n_again = 0;
    uint64_t rings;

    while (read(d->bell, &rings, sizeof(rings)) < 0 && errno == EINTR)
        ;
    for (struct desk_own *x; n_again < ARRAY_LEN(again) && (x = next_asked(d));) {
        struct err e = {0};

        if (atomic_load(&x->owners) == 1) { /* its asker has gone */
            desk_answered(&x->call, &e);
            continue;
        }
        switch (x->fn(&x->call, &d->world, &e)) {
        case DESK_DONE: desk_answered(&x->call, &e); break;
        case DESK_LATER: break;
        case DESK_AGAIN: again[n_again++] = x; break;
        }
    }
    for (size_t i = 0; i < n_again; i++)
        put_back(again[i]);
    if (n_again > 0 && !d->again)
        d->again = http_after(d->world.core->http, AGAIN_MS, serve_again, d);
}

int desk_open(struct desk *d, const struct desk_world *w, struct err *e)
{
    d->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (d->bell < 0)
        return err_errno(e, errno, "eventfd");
    d->world = *w;
    d->watch = http_watch(w->core->http, d->bell, serve, d);
    (void)pthread_mutex_lock(&d->lock);
    d->open = true;
    (void)pthread_mutex_unlock(&d->lock);
    return 0;
}

void desk_close(struct desk *d)
{
    (void)pthread_mutex_lock(&d->lock);
    bool was = d->open;

    d->open = false;
    for (struct desk_own *x = d->first; x; x = x->next)
        if (x->state != ANSWERED) {
            (void)err_set(&x->err, ERR_RETRY, "the agent is leaving");
            x->state = ANSWERED;
        }
    (void)pthread_cond_broadcast(&d->answered);
    (void)pthread_mutex_unlock(&d->lock);
    if (!was)
        return;
    http_unwatch(d->world.core->http, TAKE(d->watch));
    http_timer_cancel(d->world.core->http, TAKE(d->again));
}

/* ---- on other threads ---- */

struct desk_call *desk_call_new(struct desk *d, desk_fn *fn)
{
    struct desk_own *x = xcalloc(1, sizeof(*x));

    x->call.a = arena_new();
    x->call.own = x;
    x->desk = d;
    x->fn = fn;
    atomic_store(&x->owners, 1);
    return &x->call;
}

static int put(struct desk_own *x, struct err *e)
{
    struct desk *d = x->desk;
    struct desk_own **at = &d->first;
    static const uint64_t one = 1;

    if (!d->open)
        return err_set(e, ERR_RETRY, "the agent is starting or leaving");
    while (*at)
        at = &(*at)->next;
    *at = x;
    x->listed = true;
    (void)atomic_fetch_add(&x->owners, 1);
    (void)!write(d->bell, &one, sizeof(one)); /* full: it rings already */
    return 0;
}

int desk_ask(struct desk_call *c, int timeout_ms, struct err *e)
{
    struct desk_own *x = c->own;
    struct desk *d = x->desk;
    struct timespec until;
    int rc;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_mutex_lock(&d->lock);
    rc = put(x, e);
    while (rc == 0 && x->state != ANSWERED)
        if (pthread_cond_timedwait(&d->answered, &d->lock, &until) == ETIMEDOUT)
            break;
    if (rc == 0 && x->state != ANSWERED)
        rc = err_set(e, ERR_RETRY, "the agent is busy: ask again in a moment");
    else if (rc == 0 && x->err.kind != ERR_NONE) {
        *e = x->err;
        rc = -1;
    }
    (void)pthread_mutex_unlock(&d->lock);
    return rc;
}

void desk_drop(struct desk_call *c)
{
    if (c)
        unref(c->own);
}

/* ---- opening ---- */

struct desk *desk_new(void)
{
    struct desk *d = xcalloc(1, sizeof(*d));
    pthread_condattr_t attr;

    d->bell = -1;
    (void)pthread_mutex_init(&d->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&d->answered, &attr);
    (void)pthread_condattr_destroy(&attr);
    return d;
}

void desk_free(struct desk *d)
{
    if (!d)
        return;
    while (d->first) {
        struct desk_own *x = d->first;

        d->first = x->next;
        unref(x);
    }
    if (d->bell >= 0)
        (void)close(d->bell);
    (void)pthread_cond_destroy(&d->answered);
    (void)pthread_mutex_destroy(&d->lock);
    free(d);
}
