/* pacer.h: requests to a server on this machine at a steady rate, each on a connection of its own, from a thread of its own.
 *
 * Who is late has waited: a request's time begins when it was due, not when it was sent, so that a server that makes its askers wait cannot look quick. */
#ifndef EK_BENCH_PACER_H
#define EK_BENCH_PACER_H

#include <stdbool.h>
#include <stddef.h>

struct pacer;
struct str;

struct pace {
    int port;    /* of 127.0.0.1 */
    size_t rate; /* a second; 0: all of `most` at once */
    size_t most; /* then it is over; 0: when pacer_end says so */
    bool spread; /* each from another address (127.1.x.y) */
    void (*write)(void *ctx, size_t i, struct str *out); /* request number i; on the thread */
    void *ctx;
};

struct paced {
    double *took_ms; /* sorted; to be freed */
    size_t n;        /* that were answered in full */
    size_t good;     /* of them with a 2xx */
    size_t lost;     /* that were not: no connection, no status line, nothing within a minute */
};

struct pacer *pacer_start(const struct pace *p);
/* Are all of `most` answered? */
bool pacer_done(const struct pacer *p);
/* Nothing more is sent; waits for what is under way, and frees p. */
struct paced pacer_end(struct pacer *p);
/* The time that this share of them did not exceed: 0.99 is p99. 0 when nothing was answered. */
double paced_share(const struct paced *p, double share);

#endif
