/* plan_removal.h: which of the apps on the engine nobody wants any more, and whether they may go (design law 6). */
#ifndef EK_PLAN_REMOVAL_H
#define EK_PLAN_REMOVAL_H

#include <stdbool.h>
#include <stddef.h>

struct app_work;
struct plan;
struct plan_work;
struct spec_file;

struct orphan { /* one app that the engine holds for us */
    const char *name;
    const char *root, *origin; /* of its labels; of its file, when a file holds it; or NULL */
    bool wanted;               /* a file holds it */
    bool asked;                /* its removal was asked for in words */
    bool removal;              /* no file holds it, and every file that could was read */
    bool volumes_only;         /* of it the engine has nothing but volumes in quarantine */
    const char *frozen;        /* why it is left alone, or NULL */
    bool released;             /* its removal was confirmed before, and is not over */
    const char *held;          /* hash of the held set it belongs to, or NULL */
};

struct survey { /* sorted by name */
    struct orphan *v;
    size_t n;
    const struct spec_file **broken; /* files with errors */
    size_t n_broken;
};

void removal_survey(struct plan_work *w, struct survey *ret);
/* Mark what is held and fill plan->held. */
void removal_hold(struct plan_work *w, struct survey *s, struct plan *plan);
/* One app that is to stop: dependants first; everything stays. */
void removal_stop_app(struct app_work *p);
/* One app that is to go: stop and remove containers, then its networks; volumes stay, and that is said. */
void removal_app(struct app_work *p, const char *cause);

#endif
