/* plan_ports.h: host ports that somebody outside the app holds. */
#ifndef EK_PLAN_PORTS_H
#define EK_PLAN_PORTS_H

#include "reconcile/plan_work.h"

/* Who is to start and needs a host port that its holder is not about to give up is blocked, before anything of it is touched; who
 * needs one that is about to be given up is told how long to wait for it (port_wait_ms). */
void ports_judge(struct app_work *p);
/* True if the port that is asked for and the one that is held cannot both be had. */
bool ports_meet(const struct port *want, const struct obs_port *held);

#endif
