/* How long a client may take to send a body.
 *
 * Comes in: bodies that begin, bytes that came. Goes out: the end of what comes in on connections that are too slow. The connection is looked for only when it is late, under the lock, while the
 * thread that answers it still has it: so it is never somebody else's. It refuses to wake for bodies that come in time. */
#include "agent/web_patience.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <time.h>

#include "agent/core.h"
#include "agent/web_hand.h"
#include "spec/base/arena.h"

enum { STACK_BYTES = 64 << 10 };

struct web_patience {
    pthread_mutex_t lock; /* guards all of it */
    pthread_cond_t sooner;
    pthread_t thread;
    bool stop;
    int64_t wake_ms; /* when the thread looks again; INT64_MAX: when it is called */
    struct web_wait *v[WEB_PATIENCE_MOST];
    size_t n;
};

static void end_late(const struct web_wait *w)
{
    int fd = web_hand_find(w->peer, w->peer_port, w->own_port);

    if (fd >= 0)
        (void)shutdown(fd, SHUT_RD);
}

/* Ends who is late; when the next one will be. */
static int64_t look(struct web_patience *p, int64_t now_ms)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < p->n; i++) {
        struct web_wait *w = p->v[i];

        if (w->late_ms <= now_ms) {
            end_late(w);
            w->late_ms = INT64_MAX; /* once */
        }
        if (w->late_ms < next)
            next = w->late_ms;
    }
    return next;
}

static void *watch(void *arg)
{
    struct web_patience *p = arg;

    (void)pthread_mutex_lock(&p->lock);
    while (!p->stop) {
        p->wake_ms = look(p, core_monotonic_ms());
        if (p->wake_ms == INT64_MAX) {
            (void)pthread_cond_wait(&p->sooner, &p->lock);
            continue;
        }
        const struct timespec until = {.tv_sec = p->wake_ms / 1000,
                                       .tv_nsec = (p->wake_ms % 1000) * 1000000};

        (void)pthread_cond_clockwait(&p->sooner, &p->lock, CLOCK_MONOTONIC, &until);
    }
    (void)pthread_mutex_unlock(&p->lock);
    return NULL;
}

struct web_patience *web_patience_new(void)
{
    struct web_patience *p = xcalloc(1, sizeof(*p));
    pthread_attr_t attr;

    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->sooner, NULL);
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
    p->wake_ms = INT64_MAX;
    int rc = pthread_create(&p->thread, &attr, watch, p);

    (void)pthread_attr_destroy(&attr);
    if (rc == 0)
        return p;
    (void)pthread_cond_destroy(&p->sooner);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
    return NULL;
}

void web_patience_free(struct web_patience *p)
{
    if (!p)
        return;
    (void)pthread_mutex_lock(&p->lock);
    p->stop = true;
    (void)pthread_cond_signal(&p->sooner);
    (void)pthread_mutex_unlock(&p->lock);
    (void)pthread_join(p->thread, NULL);
    (void)pthread_cond_destroy(&p->sooner);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}

void web_patience_begin(struct web_patience *p, struct web_wait *w)
{
    w->place = WEB_PATIENCE_MOST;
    if (!p)
        return; /* there was no thread to be had */
    (void)pthread_mutex_lock(&p->lock);
    w->begun_ms = core_monotonic_ms();
    w->late_ms = w->begun_ms + WEB_PATIENCE_MS;
    if (p->n < WEB_PATIENCE_MOST) {
        w->place = p->n;
        p->v[p->n++] = w;
        if (w->late_ms < p->wake_ms)
            (void)pthread_cond_signal(&p->sooner);
    }
    (void)pthread_mutex_unlock(&p->lock);
}

void web_patience_came(struct web_patience *p, struct web_wait *w, int64_t bytes)
{
    if (!p)
        return;
    (void)pthread_mutex_lock(&p->lock);
    if (w->late_ms != INT64_MAX)
        w->late_ms = w->begun_ms + WEB_PATIENCE_MS + bytes / WEB_PATIENCE_RATE;
    (void)pthread_mutex_unlock(&p->lock);
}

void web_patience_hurry(struct web_patience *p, struct web_wait *w, int64_t ms)
{
    if (!p)
        return;
    (void)pthread_mutex_lock(&p->lock);
    int64_t late_ms = core_monotonic_ms() + ms;

    if (late_ms < w->late_ms)
        w->late_ms = late_ms;
    if (w->late_ms < p->wake_ms)
        (void)pthread_cond_signal(&p->sooner);
    (void)pthread_mutex_unlock(&p->lock);
}

void web_patience_end(struct web_patience *p, struct web_wait *w)
{
    if (!p)
        return;
    (void)pthread_mutex_lock(&p->lock);
    if (w->place < p->n) {
        p->v[w->place] = p->v[--p->n];
        p->v[w->place]->place = w->place;
    }
    w->place = WEB_PATIENCE_MOST;
    (void)pthread_mutex_unlock(&p->lock);
}
