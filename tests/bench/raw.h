/* raw.h: the engine's API without evenkeel: chains of calls, several in flight. What every figure is compared with. */
#ifndef EK_BENCH_RAW_H
#define EK_BENCH_RAW_H

#include <stddef.h>

struct bench;
struct http;
struct str;

struct raw_step {
    const char *method, *path, *body; /* path with its version; body NULL: none */
};

enum { RAW_STEPS = 3 };
struct raw_chain { /* one after another */
    struct raw_step steps[RAW_STEPS];
    size_t n;
};

struct http *raw_connect(const struct bench *b); /* new connections */

/* Runs all chains, at most in_flight at once, and returns when the last reply is there. Dies when a status is 400 or above (404
 * and 409 for DELETE are fine). */
void raw_run(struct http *h, const struct raw_chain *chains, size_t n, size_t in_flight);
/* One call; the body goes to ret, which may be NULL. Returns the status. */
int raw_call(struct http *h, const char *method, const char *path, const char *body,
             struct str *ret);

/* Removes every container, network and volume that evenkeel or this program made. */
void raw_wipe(struct bench *b);

#endif
