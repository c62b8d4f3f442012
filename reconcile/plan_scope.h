/* plan_scope.h: for which apps a new desired state makes a new plan necessary.
 *
 * The plan of an app follows from its own wants and its own objects, except where something is left to be done about it: then other apps may be in its way (a
 * port, a name, a subnet, removals that are held). So after a change of files these are planned again: apps whose mark
 * differs, apps that are new or gone, and apps that are not at rest. For all others the plan would be the one they have. */
#ifndef EK_PLAN_SCOPE_H
#define EK_PLAN_SCOPE_H

#include "reconcile/plan.h"

struct plan_mark { /* of everything that the planner reads of one wanted app */
    const char *app;
    char sign[SHA256_HEX];
};

struct plan_marks {
    struct plan_mark *v; /* sorted by app */
    size_t n;
};

/* In the arena, and borrows nothing. */
void plan_marks_of(const struct desired *d, struct arena *a, struct plan_marks *ret);
/* Names of the apps whose marks differ, or that only one of both has; sorted, borrowed from both. */
void plan_marks_differ(const struct plan_marks *before, const struct plan_marks *now,
                       struct arena *a, struct strv *ret);
/* Nothing is to be done about it, nothing is wrong with it, and no time changes that. */
bool plan_at_rest(const struct plan_app *app);

#endif
