/* plan_service.h: the actions of an app that is to run. */
#ifndef EK_PLAN_SERVICE_H
#define EK_PLAN_SERVICE_H

#include "reconcile/plan_work.h"

/* After judging, ordering and infra_replace_networks. */
void service_plan(struct app_work *p);

#endif
