/* recorder.h: who wants to know what a run does: the diary, the terminal, the log, the event stream. Every member may be NULL. */
#ifndef EK_RECORDER_H
#define EK_RECORDER_H

#include "reconcile/plan.h"

struct run;

enum run_end { RUN_DONE, RUN_FAILED, RUN_SUPERSEDED };

struct recorder {
    void (*run_started)(void *ctx, const struct run *r, const struct plan_app *part);
    void (*action_started)(void *ctx, const struct run *r, const struct action *a);
    void (*action_progress)(void *ctx, const struct run *r, const struct action *a,
                            const char *text, double fraction);
    /* result->err.kind ERR_NONE on success; skipped actions are never started and end with ERR_STALE. What is kept for
     * failures (not WHEN_OK) and was not called for is not told at all. */
    void (*action_ended)(void *ctx, const struct run *r, const struct action *a,
                         const struct op_result *result, int64_t took_ms);
    void (*run_ended)(void *ctx, const struct run *r, enum run_end how,
                      const struct err *first_failure);
    void *ctx;
};

#endif
