/* plan_route.h: the file by which the managed Traefik routes to an app: when it is written, and with which servers.
 *
 * The rooms that stop and start containers say so here: who is about to be stopped leaves the pool first if another can take over, who is
 * started and well joins it. Each write holds the whole file, so writes of one app stand in one chain. All of it does nothing for an
 * app without routes, or when no Traefik is managed. */
#ifndef EK_PLAN_ROUTE_H
#define EK_PLAN_ROUTE_H

#include "reconcile/plan_work.h"

/* After judging, before anything is stopped: who serves now, and a write if the file says otherwise. */
void route_begin(struct app_work *p);
/* have[i] of this place is about to be stopped (or, as its keeper, restarted), once the place is prepared and `before` is done: takes it out of the pool
 * first, unless nobody else would be left. Returns the action after which nothing goes there any more, or NO_ACTION. successor: the keeper
 * takes its place now. */
uint32_t route_leave(struct app_work *p, struct replica *r, size_t i, bool successor,
                     uint32_t before);
/* The same for a container in a place that nobody wants any more. */
uint32_t route_gone(struct app_work *p, const struct obs_container *c);
/* It was stopped although nobody else is left: answer 503 instead of asking it in vain. */
void route_left(struct app_work *p, struct replica *r, uint32_t stop);
/* After this action the place's container serves. Written with the next write, or by route_flush. */
void route_join(struct app_work *p, struct replica *r, uint32_t after);
void route_flush(struct app_work *p);
/* The former is started again: it is in the pool as before. on: the start, a WHEN_FAILED action. */
void route_put_back(struct app_work *p, struct replica *r, uint32_t on);
/* After everything: what is left to write, and the wait until it is live. */
void route_end(struct app_work *p);

/* An app that is to stop: nobody serves. Returns what its stops wait for, or NO_ACTION. */
uint32_t route_stop(struct app_work *p);
/* An app that is to go: its file first. Returns what everything else waits for, or NO_ACTION. */
uint32_t route_remove(struct app_work *p, const char *cause);

/* What keeps a route from being live, though nothing is left to be done about it; NULL: nothing. *ret_state: Progressing or Degraded; *ret_until_ms: when
 * that changes by itself, 0 never. */
const char *route_trouble(struct app_work *p, enum app_state *ret_state, int64_t *ret_until_ms);

/* ---- Traefik's networks (plan_route_net.c) ---- */

/* Whose containers belong to the managed Traefik. */
bool route_is_ingress(const struct plan_work *w, const struct obs_container *c);
/* The builtin app's container that runs (else one that exists), or NULL; runs: only one that runs. */
const struct obs_container *route_ingress(struct plan_work *w, bool runs);
/* The key of the network by which Traefik reaches a service, or NULL: none. */
const char *route_network_key(const struct app_work *p, const struct want_service *s);
/* Traefik, if it runs, joins the networks of the app's routed services that exist or are about to: appends to p->route->joins. (One that is
 * about to start has joined them in its own plan.) */
void route_join_networks(struct app_work *p);
/* Traefik leaves those networks of the app that it needs no more, after this. */
void route_leave_networks(struct app_work *p, uint32_t after);
/* The action by which Traefik leaves this network in this plan, or NO_ACTION. */
uint32_t route_left_network(const struct app_work *p, const struct obs_network *n);
/* A container of Traefik's that is to be made joins the networks of all routed apps that exist. */
void route_join_all(struct app_work *p, struct replica *r, uint32_t created);

/* A container of Traefik's that is about to be stopped leaves the apps' networks first, after these. Returns the last of that, or NO_ACTION. */
uint32_t route_leave_all(struct app_work *p, const struct obs_container *c, const uint32_t *needs,
                         size_t n);

#endif
