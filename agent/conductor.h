/* conductor.h: keeps every app converging: decides when to look, plans what is dirty, starts one run per app, supersedes runs whose app changed,
 * waits out back-offs. Used by `apply` (until settled) and by the agent (for ever). Loop thread only; driven by callbacks.
 *
 * An app is dirty when its files, its objects in the engine or its clock may have changed. A pass plans the dirty apps in
 * milliseconds; a run in flight is left alone unless the app's digest changed (design law 5). */
#ifndef EK_CONDUCTOR_H
#define EK_CONDUCTOR_H

#include "agent/core.h"
#include "agent/store.h"
#include "reconcile/recorder.h"

struct conductor;

struct conductor_options {
    struct core *core;
    const struct recorder *recorders;
    size_t n_recorders;
    struct strv only; /* `apply APP...`: plan only these; n == 0: all */
    bool once;        /* apply: a failed app is not tried again */
    /* The verdict of an app changed (or is first known). May be NULL. */
    void (*told)(void *ctx, const char *app, enum app_state state, const char *why);
    /* Something worth a log line that belongs to no run: engine away or back, removals held, a diagnostic. May be NULL. */
    void (*said)(void *ctx, int level /* enum log_level */, const char *app, const char *text);
    /* Desired state was built anew for a reason of its own: its diagnostics may be others. May be NULL. */
    void (*desired)(void *ctx);
    /* A pass was made of this, whether it decided anything or not. May be NULL. */
    void (*looked)(void *ctx, const struct core_pass *pass);
    /* A pass decided something: for the diary. May be NULL. */
    void (*passed)(void *ctx, const struct core_pass *pass);
    struct store *store; /* told what was last brought up under each container name; may be NULL */
    void *ctx;
};

struct conductor *conductor_new(const struct conductor_options *o);
void conductor_free(struct conductor *c); /* no run may be in flight */

/* Start: follow the engine's events; the first look comes when they flow. */
void conductor_start(struct conductor *c);
/* The files may have changed: scan, and plan what follows. */
void conductor_files_changed(struct conductor *c);
/* Something that any app's plan may hang on changed, and no file of an app: what is in quarantine, a confirmed removal. */
void conductor_plan_all(struct conductor *c);
/* Look at everything in the engine again (the slow look, SIGHUP). */
void conductor_look_again(struct conductor *c);
/* Start nothing more, supersede what is in flight. */
void conductor_stop(struct conductor *c);
/* No look, no run and nothing dirty that could be worked on now. */
bool conductor_idle(const struct conductor *c);
/* The engine was looked at at least once. */
bool conductor_looked(const struct conductor *c);
/* Its verdict is of the files as they were read last: no run of it is in flight, and no look or plan of it is due. */
bool conductor_settled(const struct conductor *c, const char *app);
bool conductor_busy(const struct conductor *c, const char *app); /* a run of it is in flight */
size_t conductor_runs(
    const struct conductor *c); /* and last words being fetched: what is in flight */

struct conductor_summary {
    size_t apps, synced, failed, held, progressing, other;
    const char *engine_trouble; /* the engine was never reached: why; else NULL */
};
struct conductor_summary conductor_sum(const struct conductor *c);
/* Each app's latest verdict, in order of name. */
typedef void conductor_app_fn(void *user, const char *app, enum app_state state, const char *why);
void conductor_each(const struct conductor *c, conductor_app_fn *fn, void *user);

#endif
