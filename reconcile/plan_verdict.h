/* plan_verdict.h: one word and one sentence about an app. */
#ifndef EK_PLAN_VERDICT_H
#define EK_PLAN_VERDICT_H

#include "reconcile/plan_work.h"

/* Fills state, why and wake_ms from what the other rooms found. */
void verdict_app(struct app_work *p);
/* Notes, for what is made for the first time, where a default is narrower than Docker's. */
void note_defaults(struct app_work *p);

#endif
