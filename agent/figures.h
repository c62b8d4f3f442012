/* figures.h: what the agent has counted since it started, for /metrics.
 *
 * The loop counts, threads of the listeners read; each call is short and takes a lock. */
#ifndef EK_FIGURES_H
#define EK_FIGURES_H

#include "reconcile/recorder.h"
#include "spec/base/str.h"

struct figures;

struct figures *figures_new(void);
void figures_free(struct figures *f); /* NULL is fine */

/* A pass was planned; everything: of all apps, so those that it does not name are gone. */
void figures_pass(struct figures *f, const struct plan *plan, bool everything, int64_t took_us);
/* Calls to the engine that were finished since start. */
void figures_engine_calls(struct figures *f, uint64_t n);
/* Counts runs, actions and builds. f must outlive every run; NULL: counts nothing. */
struct recorder figures_recorder(struct figures *f);

/* In the text format of Prometheus (exposition format 0.0.4). */
void figures_write(struct figures *f, struct str *out);

#endif
