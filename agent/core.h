/* core.h: what every verb stands on: the files, the engine, and the one function that turns both into a plan.
 *
 * A pass in order: sources_scan, desired_build, look, bind, plan_build. Everything happens on the loop thread. */
#ifndef EK_CORE_H
#define EK_CORE_H

#include "agent/contexts.h"
#include "agent/gateway.h"
#include "agent/ingress_routes.h"
#include "agent/memo.h"
#include "agent/options.h"
#include "agent/secrets.h"
#include "agent/sources.h"
#include "drivers/driver.h"
#include "drivers/http.h"
#include "reconcile/plan.h"
#include "spec/desired_memo.h"

struct core {
    const struct options *options;
    struct sources *sources;
    struct secrets *secrets;   /* NULL when opened without files */
    struct http *http;         /* NULL when opened without an engine */
    struct driver *driver;     /* likewise */
    struct router *router;     /* the managed Traefik's files and API; likewise */
    struct pull_log *pulls;    /* when images were pulled; likewise */
    struct hook_folder *hooks; /* what became of lifecycle hooks; likewise */
    struct quarantine_folder
        *quarantine;           /* records of volumes; NULL when opened without an engine */
    struct memo *memo;         /* history for the planner */
    struct contexts *contexts; /* sources of what is built; NULL without an engine */
    struct arena *desired_arena;
    struct desired_memo *built; /* apps of former desired states, where nothing changed */
    struct desired *desired;    /* NULL before core_desire; rebuilt when stale */
    const struct spec_file *
        trial; /* stands in for the file at its place, or is one more; for who only plans; NULL: none */
    const struct spec_set *set; /* that it was built from; in desired_arena */
    struct kvs incumbents;      /* that it was built with; in desired_arena */
    struct strv routed; /* apps with a route file that it was built with; in desired_arena */
    struct ingress_routes *route_files; /* what they claim; NULL when opened without files */
    struct gateway *gateway;            /* NULL: who only looks; core_open_gateway */
    const char *ingress_app;            /* name of the builtin app; in routes_arena */
    bool places;       /* who converges: configs and secrets are put in place before each plan */
    char *places_said; /* what was told last of what could not be */
    bool stale;
    struct strv bundles; /* archives whose specs matter, in desired_arena */
    bool bundle_unread;  /* what a bundle in a root stands for depends on who runs from it */
    struct strv host_routes;
    struct arena *routes_arena;
    struct strv released; /* apps whose removal was confirmed (confirm.h); in released_arena */
    struct strv released_names; /* of the files that say so */
    struct arena *released_arena;
    bool releasing; /* some of them were still there at the last plan */
};

enum core_needs { CORE_FILES = 1, CORE_ENGINE = 2 };

int core_open(struct core *c, const struct options *o, unsigned needs, struct err *e);
void core_close(struct core *c);

/* For who converges: from now on each plan finds in place what containers mount of configs and secrets, and, where Traefik is managed, what that needs besides its routes. */
void core_open_gateway(struct core *c);
/* What was last brought up, from the diary if there is one: it tells what was changed by hand from what is new. */
void core_load_history(struct core *c);
/* Read the files again. True if desired state must be built anew (core_desire does it). */
bool core_scan(struct core *c, bool *unstable);
/* Read the releases of held removals again. True if there are other ones. */
bool core_read_released(struct core *c);
/* Read the records of volumes in quarantine again. True if there are other ones. */
bool core_read_quarantine(struct core *c);
/* True if volumes are in quarantine or asked to go there: any file may then decide about apps that are not its own. */
bool core_volumes_leave(const struct core *c);
/* After a plan of which all apps were carried out: forget the releases once nothing of them is left. */
void core_settle_released(struct core *c, const struct plan *plan);
/* Build desired state if it is stale; incumbents come from what the driver knows. */
void core_desire(struct core *c);
/* After the first look, when it is known who runs already: true if that was not what desired state was built with and may
 * change it; it is stale then, and may name images that nobody has asked about. */
bool core_learn_incumbents(struct core *c);
/* After a look: true if route files of apps that no file routes came or went; desired state is stale then, since Traefik may be
 * needed for them, or no more. */
bool core_learn_routed(struct core *c);
/* Look, and wait for it by running the loop. For verbs that look once. */
int core_look(struct core *c, bool inspect_owned, struct err *e);
/* Scan, desire and look for the first time: the files are read while the engine puts its lists together. */
int core_gather(struct core *c, bool inspect_owned, struct err *e);
/* Without an engine: scan, desire, and wait until every source of what is built was read. */
void core_gather_files(struct core *c);
/* References that a look must ask about; what is built gets its name from what is known of its base images. */
/* Whom and what a look is about: all but how deep it goes. */
void core_scope(struct core *c, struct arena *a, struct look *ret);
/* What the engine has, with what apps adopt seen as theirs (reconcile/adopt.h). */
const struct observed *core_observed(const struct core *c, struct arena *a);
void core_images(struct core *c, struct arena *a, struct strv *ret);
/* True if the engine's platform must be known, for a Dockerfile that names its base images after it: for the scope of a look. */
bool core_wants_platform(const struct core *c);
/* Tell the sources, after a look, what platform the engine is; some may then be read again. */
void core_learn_platform(struct core *c);
/* True if some of them were never asked about: the name of what is built follows from its base images, so another look is due. */
bool core_images_unknown(struct core *c);
/* Take over what was read of sources since. True if desired state must be built anew. */
bool core_collect(struct core *c);

struct core_pass { /* one finished pass; lives in its arena */
    struct plan_input input;
    const struct plan *plan;
    int64_t took_us; /* to bind and plan */
};
/* Freeze, bind, plan. scope n == 0: all apps. confirm: hash or NULL. */
void core_plan(struct core *c, const struct strv *scope, const struct strv *reserved,
               const char *confirm, struct arena *a, struct core_pass *ret);

int64_t core_now_ms(void);
int64_t core_monotonic_ms(void);

#endif
