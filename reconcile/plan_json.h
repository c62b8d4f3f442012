/* plan_json.h: the part of a plan's JSON that drift's has in common with it. */
#ifndef EK_PLAN_JSON_H
#define EK_PLAN_JSON_H

#include <jansson.h>

#include "reconcile/plan.h"

/* One difference by schemas/plan.schema.json. New reference. */
json_t *plan_difference_json(const struct difference *d);

#endif
