/* plan_hooks.h: lifecycle hooks in a plan: what is run after a start, and before a stop. */
#ifndef EK_PLAN_HOOKS_H
#define EK_PLAN_HOOKS_H

#include "reconcile/plan_work.h"

/* The keeper runs and is to stay: did post_start? */
void hooks_judge(struct app_work *p, struct replica *r);
/* post_start after that start (NO_ACTION: it runs already). The action after which it counts as started: start itself without hooks. */
uint32_t hooks_follow(struct app_work *p, struct replica *r, uint32_t start);
/* ... of the former, after a start that puts it back. */
void hooks_put_back(struct app_work *p, struct replica *r, uint32_t start);
/* pre_stop before every stop and restart of the finished plan. */
void hooks_weave(struct app_work *p);

#endif
