/* plan_service.h: the actions of an app that is to run. */
#ifndef EK_PLAN_SERVICE_H
#define EK_PLAN_SERVICE_H

#include "reconcile/plan_work.h"

/* After judging, ordering and infra_replace_networks. */
void service_plan(struct app_work *p);
/* This must be done before the old one in this place is touched. */
void service_prepared(struct app_work *p, struct replica *r, uint32_t action);

#endif
