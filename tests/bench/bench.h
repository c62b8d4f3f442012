/* bench.h: what all measurements share: the engine, the program under test, a folder, and the table they write into.
 *
 * Every measurement compares evenkeel with the same calls made directly, in one run, turn by turn. All of it dies with
 * a message when something does not work at all: a benchmark has no use for half a result. */
#ifndef EK_BENCH_H
#define EK_BENCH_H

#include <stdbool.h>
#include <stddef.h>

#include "spec/base/attr.h"

struct arena;
struct http;
struct recipe;
struct seen;
struct table;

struct bench {
    const char *engine;   /* unix:///…/docker.sock */
    const char *socket;   /* the same as a path */
    const char *evenkeel; /* the program under test */
    const char *work;     /* a folder of its own */
    bool quick;
    struct arena *arena;
    struct http *http; /* for direct calls */
    struct seen *seen; /* the engine's events as this program sees them; polled by the same http */
    struct table *table;
    struct recipe *recipe; /* NULL until measure_requests learned it */
};

#define BENCH_IMAGE "busybox:stable"
#define BENCH_OWNER "bench"

void bench_die(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn));
void bench_say(const char *fmt, ...) PRINTF_LIKE(1, 2); /* progress, on standard error */
double bench_now_ms(void);                              /* CLOCK_MONOTONIC */

/* ---- the measurements, in this order ---- */
void measure_requests(
    struct bench *b);                 /* what an event or a changed spec costs; learns the recipe */
void measure_change(struct bench *b); /* a spec renamed into place; a container removed by hand */
void measure_cold(struct bench *b);   /* many apps at once */
void measure_looks(struct bench *b);  /* nothing to do; the agent at rest */
void measure_builds(struct bench *b); /* bundles and folders become images, or are known */
void measure_planner(struct bench *b); /* in process */
void measure_files(struct bench *b);   /* from texts to a plan */
void measure_compose(struct bench *b); /* one compose.yaml, by Compose and by evenkeel */
void measure_fields(struct bench *b);  /* comparing 300 containers field by field, in process */
void measure_ingress(struct bench *b); /* routes, until Traefik serves them */
void measure_rejoin(struct bench *b);  /* a Traefik that has to join many networks anew */
void measure_door(struct bench *b);    /* listeners, lists, uploads and logins, over HTTP */

#endif
