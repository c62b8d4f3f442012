/* slot.h: what the conductor remembers of one app between passes: its run, its failures, its verdict. Small and on the heap; plans come and go. */
#ifndef EK_SLOT_H
#define EK_SLOT_H

#include "drivers/http.h"
#include "reconcile/plan.h"
#include "reconcile/run.h"

struct conductor;
struct conductor_summary;

struct slot {
    char *app;
    struct conductor *conductor;
    struct run *run;     /* in flight, or NULL */
    bool dirty, planned; /* planned: at least one pass had it */
    bool at_rest;        /* after its last plan; see plan_scope.h */
    bool due;            /* the look under way, and the pass after it, are for this app */
    bool overtaken;    /* its run ended while a look was under way: what that brings may be older */
    bool mending;      /* the run is only what plan_urgent picked */
    bool conflict;     /* the last failure: another container held what it needs */
    bool listening;    /* its culprit's last words are being fetched */
    bool blocked;      /* not tried again until its digest or its plan changes */
    unsigned failures; /* in a row */
    unsigned repeats;  /* of the same plan after it was carried out */
    int64_t not_before_ms, tried_ms; /* monotonic */
    int64_t chance_ms;               /* of its last second chance; 0: none yet */
    int64_t mended_ms;               /* when that was tried last, monotonic */
    struct http_timer *timer;
    char digest[SHA256_HEX];
    char sign[SHA256_HEX];       /* of the last plan with actions */
    char block_sign[SHA256_HEX]; /* of the plan that is blocked */
    char done_sign
        [SHA256_HEX]; /* of the last plan that was carried out to the end without an empty one since */
    enum app_state planned_state;
    char *planned_why;
    char *tail;          /* last lines of the container that explains a Degraded verdict, or NULL */
    char *tail_of;       /* its id: they are fetched once */
    char *tail_advice;   /* what to do about them, "" for nothing known; or NULL */
    char *whole_why;     /* planned_why and tail together */
    char *failure;       /* why the last run failed; NULL: it did not */
    bool engine_failure; /* ... because the engine was away */
    enum app_state told_state;
    char *told_why;
    bool told;
};

struct slots {
    struct slot **v; /* sorted by name; slots never move */
    size_t n, cap;
};

struct slot *slots_find(const struct slots *l, const char *app);
struct slot *slots_get(struct slots *l, struct conductor *c, const char *app);
/* Drop the apps that a plan of this scope (n == 0: of everything) no longer names, that have no run and of which nothing new was heard. */
void slots_sweep(struct slots *l, struct http *http, const struct plan *plan,
                 const struct strv *scope);
void slots_release(struct slots *l, struct http *http);
/* Something foreign changed: what failed may work now; tried again at most every few seconds. Returns after how many milliseconds to ask
 * again for those whose turn is not yet, or 0. */
int64_t slots_second_chance(struct slots *l, int64_t now_ms);
/* Subnets that runs in flight will take or have taken; borrowed from them. */
void slots_reserved(const struct slots *l, struct arena *a, struct strv *ret);
/* Its run ended while this look was under way, so by its plan that run would be done again. The next look is due already. */
bool slots_overtaken(const struct slots *l, const char *app);
/* A run of ours is over: it may have given up names or ports. Who was refused for them is planned again, and if it was carried out
 * so is who lost a try to another container. */
void slots_wake_refused(struct slots *l, const struct slot *by, bool done);
/* Files changed: whoever is not at rest may be affected by another app's change. */
void slots_mark_restless(struct slots *l);
/* Counts the verdicts of all that were planned. */
void slots_sum(const struct slots *l, struct conductor_summary *sum);
/* A pass with this app would start a run: worth saving. */
bool slots_would_start(const struct slots *l, const struct plan_app *pa);

/* Note a fresh plan of the app: a changed digest forgives failures, an empty plan ends repetition, a plan that repeats without effect blocks. */
void slot_planned(struct slot *s, const struct plan_app *pa);
void slot_run_over(struct slot *s, const struct run *r, enum run_end how, const struct err *failure,
                   int64_t now_ms);
bool slot_run_is_stale(const struct slot *s, const struct plan_app *pa);
/* The last words of a container, and what to do about them (or ""); the verdict carries them while the app is Degraded. */
void slot_set_tail(struct slot *s, const char *text, const char *advice);
/* What to do about the failure of its last run, said with it. */
void slot_advise(struct slot *s, const char *advice);
/* The engine is back: failures that were its own are forgotten. */
void slot_forgive(struct slot *s);

/* It was planned, and neither a run nor a plan of it is due; looking: a look is under way. */
bool slot_settled(const struct slot *s, bool looking);

/* The word for people: the plan's, overlaid by a run in flight or a failure. ret_why is borrowed or NULL. */
enum app_state slot_verdict(const struct slot *s, const char **ret_why);
/* True if this differs from what was told last by more than a number (restarts are counted up all the time); remembers it. */
bool slot_told(struct slot *s, enum app_state state, const char *why);

#endif
