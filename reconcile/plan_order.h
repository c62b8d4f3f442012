/* plan_order.h: what must come before what, between the places of one app. */
#ifndef EK_PLAN_ORDER_H
#define EK_PLAN_ORDER_H

#include "reconcile/plan_work.h"

/* Who waits for something that will not come is blocked, and so is who waits for them; who waits for something that will come
 * leaves word of it (want_well, want_done). */
void order_services(struct app_work *p);
/* The action waits for what its service depends on. */
void order_needs(struct app_work *p, const struct replica *r, uint32_t action);
/* After `action` the name is free; the action after which it is, or NO_ACTION. */
void order_free_name(struct app_work *p, const char *name, uint32_t action);
uint32_t order_name_freed(const struct app_work *p, const char *name);
/* After `stop` the container's host ports are free. by: the place it stands in, or NULL. */
void order_free_ports(struct app_work *p, const struct obs_container *c, const struct replica *by,
                      uint32_t stop);
void order_sort_ports(struct app_work *p); /* between the last free and the first need */
void order_need_ports(struct app_work *p, const struct replica *r, uint32_t action);
/* True if `other` is about to start and needs a host port that c, in place r, holds. */
bool order_awaits_port(const struct replica *r, const struct obs_container *c,
                       const struct replica *other);

#endif
