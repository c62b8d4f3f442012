/* plan.h: the pure heart. Desired, observed and a few plain inputs in; what to do, why, and each app's verdict out.
 *
 * plan_build makes no call, reads no clock, and gives the same bytes for the same input. */
#ifndef EK_PLAN_H
#define EK_PLAN_H

#include <jansson.h>

#include "drivers/observed.h"
#include "reconcile/action.h"
#include "spec/desired.h"

enum app_state { /* design section 9; the words are a promise */
                 APP_SYNCED,
                 APP_OUT_OF_SYNC, /* there is something to do */
                 APP_PROGRESSING, /* it is being done, or a health check has not decided yet */
                 APP_DEGRADED, /* it was done and is not well: unhealthy, restarting, exited, failed */
                 APP_MISSING,   /* to be done, and none of its containers exist */
                 APP_FROZEN,    /* left as it is: its file or root cannot be read */
                 APP_HELD,      /* left as it is: `hold`, or its removal is held */
                 APP_STOPPED,   /* stopped on request */
                 APP_COMPLETED, /* every service is one-shot and ended well */
                 APP_REFUSED,   /* a name, port or container name is claimed by another */
};

enum drift_kind {
    DRIFT_NONE,
    DRIFT_PENDING /* we changed our mind */,
    DRIFT_FOUND /* somebody else did */
};

enum drift_repair {                 /* what puts a difference right, should it be put right */
                    REPAIR_NONE,    /* nothing that evenkeel does by itself */
                    REPAIR_START,   /* start, unpause, restart */
                    REPAIR_UPDATE,  /* in place: POST /containers/ID/update */
                    REPAIR_NETWORK, /* in place: network connect, disconnect */
                    REPAIR_RENAME,  /* in place */
                    REPAIR_REPLACE, /* a new container takes its place */
                    REPAIR_CREATE,  /* it is gone and made again */
                    REPAIR_REMOVE,  /* it is surplus */
                    REPAIR_ROUTE,   /* a route file is written */
                    REPAIR_WRITE,   /* in place: a config or secret is written anew */
};

enum drift_left {               /* why a difference stays */
                  LEFT_NOT,     /* it does not: it is put right */
                  LEFT_REPORT,  /* `drift: report` */
                  LEFT_IGNORED, /* `drift: {ignore: [...]}`: no drift at all, only told */
                  LEFT_HELD,    /* `hold`, or the app is Frozen, Refused or its removal held */
                  LEFT_FOREIGN, /* somebody else's object: never touched */
                  LEFT_BLOCKED, /* it cannot be done now; the app's `why` says what it waits for */
};

struct difference {
    enum drift_kind kind;
    const char *object; /* "container blog-app-1" */
    struct change change;
    const char *cause; /* in plain words, event and time included */
    /* filled for all of an app at once, when it is judged (drift_note.h) */
    const char *service; /* of a container of ours; NULL: the app's */
    const char
        *event;      /* the engine's event that changed it by hand: "update"; NULL: none was seen */
    int64_t when_ms; /* of the event; 0: not known */
    enum drift_repair repair;
    enum drift_left left;
};

struct plan_app {
    const char *name;
    enum app_state state; /* before anything is done */
    const char *why;      /* one sentence; NULL when Synced */
    const char *origin;   /* ROOT//FILE or NULL */
    const char *digest;   /* of the desired app; "" when it is being removed */
    bool removal;
    struct strv notes; /* overrides in force, narrowed defaults, volumes kept */
    struct difference *differences;
    size_t n_differences;
    struct action *actions; /* in a topological order */
    size_t n_actions;
    size_t containers_wanted, containers_running;
    int64_t wake_ms; /* time at which the verdict changes by itself; 0 never */
};

struct held_removals { /* design law 6 */
    const char *root;
    struct strv apps;
    size_t of;        /* apps that the engine holds from this root */
    const char *hash; /* 12 hex digits; confirms exactly this set */
};

struct plan {
    struct plan_app *apps; /* sorted by name */
    size_t n_apps;
    struct held_removals *held;
    size_t n_held;
    struct strv
        released; /* apps whose removal was confirmed and is not over: the next pass wants them in its input */
};

/* What happened before, from the diary. Everything may be empty: it changes words and kinds of differences and avoids repeating what failed, never what the
 * plan converges to. */
struct history {
    struct kvs last_hash; /* container name -> hash that we last brought up there */
    struct kvs
        handmade; /* deeds_key() -> "destroy at 2026-11-22T10:00:03Z": the event that changed it by hand */
    bool watched; /* an agent has been watching since before the look */
};

struct plan_input {
    const struct desired *desired; /* bound (bind.h) */
    const struct observed *observed;
    const struct history *history; /* may be NULL */
    struct strv
        scope; /* only these apps; n == 0: all. Removals that are held are computed over all in any case */
    struct strv reserved_subnets; /* of runs in flight */
    struct strv host_routes;      /* "10.0.0.0/8", of the host */
    const char *
        confirmed_removals; /* hash from `apply --confirm-removals`, or NULL: releases exactly that set */
    struct strv
        released; /* apps released before; without it the rest of a set would be held while it goes app by app */
    int64_t now_ms;
};

struct plan *plan_build(const struct plan_input *in, struct arena *a);
const struct plan_app *plan_app(const struct plan *p, const char *name);
/* The hash of a set of removals, in the arena. */
const char *held_removals_hash(const char *root, const struct strv *apps, struct arena *a);
/* 0 actions in all apps and nothing held */
bool plan_empty(const struct plan *p);
/* A copy that shares nothing with the original: what a run takes along. */
struct plan_app *plan_app_copy(const struct plan_app *app, struct arena *a);

const char *app_state_name(enum app_state s); /* "Synced", "OutOfSync", ... */
/* The words in JSON: "start", "update", "network", ...; "no", "report", "ignore", "hold", "foreign", "blocked". */
const char *drift_repair_name(enum drift_repair r);
const char *drift_left_name(enum drift_left l);

/* Renderings. Text is for people (colour: ANSI); JSON follows schemas/plan.schema.json; dot is Graphviz. */
struct plan_style {
    bool colour, verbose /* also apps with nothing to do */;
};
void plan_print(const struct plan *p, const struct plan_style *style, struct str *out);
/* What is held, in one line; nothing if nothing is. */
void plan_held_words(const struct plan *p, struct str *out);
json_t *plan_to_json(const struct plan *p);
void plan_to_dot(const struct plan *p, struct str *out);

#endif
