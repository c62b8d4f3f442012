/* plan_health.h: a place's health check, the spec's own or its image's. */
#ifndef EK_PLAN_HEALTH_H
#define EK_PLAN_HEALTH_H

#include "reconcile/plan_work.h"

/* What the image says about a field of the container, or NULL. */
const char *health_image_says(const struct app_work *p, const struct replica *r, const char *field);
/* The spec's own health check, or the one that the image brings along. */
bool health_is_checked(const struct app_work *p, const struct replica *r);
/* Milliseconds from the start after which the engine has judged in any case. */
int64_t health_verdict_ms(const struct app_work *p, const struct replica *r);

#endif
