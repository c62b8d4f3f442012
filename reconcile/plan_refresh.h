/* plan_refresh.h: images that are pulled again after a while (pull_policy: daily, weekly, every_DURATION, refresh). */
#ifndef EK_PLAN_REFRESH_H
#define EK_PLAN_REFRESH_H

#include "reconcile/plan_work.h"

/* Its image is there, and its last pull is too old. */
bool refresh_due(const struct app_work *p, const struct want_service *s);
/* Pulls what is due though nobody is to be made; notes when the next is. */
void refresh_plan(struct app_work *p);

#endif
