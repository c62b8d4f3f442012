/* proxy.h: a witness between evenkeel and the engine: passes every byte on, and writes down each request.
 *
 * It can also say an event of its own into the streams of events that pass through it, which is the cheapest way to make an
 * agent work. It has a thread of its own; all functions may be called from any other. */
#ifndef EK_BENCH_PROXY_H
#define EK_BENCH_PROXY_H

#include <stddef.h>

struct arena;
struct proxy;

struct proxied { /* texts in the arena given */
    const char *method, *path,
        *body;    /* path as sent, with its version; body "" when there is none */
    double at_ms; /* bench_now_ms when all of it, or its head before chunks, was there */
};

/* Listens at a unix socket of this path. */
struct proxy *proxy_new(const char *listen_at, const char *engine_socket);
void proxy_free(struct proxy *p);
/* Requests so far. */
size_t proxy_count(struct proxy *p);
struct proxied proxy_request(struct proxy *p, size_t i, struct arena *a);
/* Forget all requests; the next has number 0. */
void proxy_clear(struct proxy *p);
/* One line of JSON into every stream of events. */
void proxy_say(struct proxy *p, const char *event);

#endif
