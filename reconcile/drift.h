/* drift.h: what somebody else changed, app by app, as a list: what `evenkeel drift` and every report of it are made from.
 *
 * A view of a plan, which it borrows from: nothing here is found out anew. Pure. */
#ifndef EK_DRIFT_H
#define EK_DRIFT_H

#include <jansson.h>

#include "reconcile/plan.h"

struct drift_item {
    const char *app;
    enum app_state state; /* the app's verdict */
    const char *origin;   /* ROOT//FILE of the app, or NULL */
    const struct difference
        *found; /* kind DRIFT_FOUND: object, field, want, have, cause, event, time, repair, left */
};

/* Everything of a plan that is DRIFT_FOUND, in the plan's order (by app, then object and field as they were judged); what is
 * ignored included. Returns the number; *ret is in the arena. */
size_t drift_items(const struct plan *p, struct arena *a, struct drift_item **ret);
/* Whether it counts: `evenkeel drift` exits 2 if one does. What is ignored does not. */
bool drift_counts(const struct drift_item *item);
size_t drift_count(const struct drift_item *items, size_t n);

/* By schemas/drift.schema.json. New reference. */
json_t *drift_to_json(const struct drift_item *items, size_t n);

#endif
