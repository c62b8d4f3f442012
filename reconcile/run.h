/* run.h: carries out one app's part of a plan. No opinions: fires what is ready, waits for any to finish, skips what depends on
 * a failure, fires what was kept for a failure. Driven by the driver's callbacks; never blocks.
 *
 * A run has its own arena with its own copy of the plan, so it may outlive the pass, the desired state and the files. */
#ifndef EK_RUN_H
#define EK_RUN_H

#include "drivers/driver.h"
#include "reconcile/plan.h"
#include "reconcile/recorder.h"

struct run;
typedef void run_over_fn(void *user, struct run *r, enum run_end how,
                         const struct err *first_failure);

struct run_failure {
    const struct action *action;
    const char *words; /* the last lines of the container that it was about, or NULL */
    bool out_of_memory;
};

struct run_options {
    uint64_t
        id; /* unique in the process (and the diary); given, since pure code has nothing to count with */
    struct driver *driver;
    const struct recorder *recorders;
    size_t n_recorders;
    int64_t (*now_ms)(void); /* for durations only */
    run_over_fn *over;       /* once, at the end; the run may be freed there */
    void *user;
};

struct run *run_new(const struct plan_app *part, const struct run_options *options);
void run_start(
    struct run *r); /* over may come before this returns only if there is nothing to do */
/* Start nothing more, except what puts back a container that was stopped for a successor that now does not get its turn: between two
 * plans the old version serves. What is in flight finishes (waits, pulls and builds are cancelled; whoever is on trial stays on it). over
 * follows when the last of it has. */
void run_supersede(struct run *r);
void run_free(struct run *r); /* only after over, or never started */

const struct plan_app *run_part(const struct run *r);
const char *run_app(const struct run *r);
uint64_t run_id(const struct run *r);
/* True if the action of this index (into run_part's actions) was carried out and succeeded. */
bool run_action_done(const struct run *r, size_t action);
/* The first that failed and was not optional; NULL: none did. Borrowed until the run is freed. */
const struct run_failure *run_first_failure(const struct run *r);
/* Subnets that it asked for and that the engine would not give, since something of its own that no list shows has them; borrowed until it
 * ends. */
void run_refused(const struct run *r, struct arena *a, struct strv *ret);
/* One of its actions takes this away: "container blog-app-1". */
bool run_removes(const struct run *r, const char *subject);
/* Subnets that its actions will take or have taken (what is known of the engine may be older than the run); borrowed until it
 * ends. */
void run_reserved(const struct run *r, struct arena *a, struct strv *ret);

#endif
