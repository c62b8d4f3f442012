/* plan_urgent.h: the part of an app's plan that no back-off may delay: whoever cannot take requests leaves the router, whoever can comes back. */
#ifndef EK_PLAN_URGENT_H
#define EK_PLAN_URGENT_H

struct arena;
struct plan_app;

/* A copy, in the arena, with only those writes of the route file that wait for nothing but Traefik's joining of networks; NULL when there is none. Nothing is
 * started, stopped or removed by it. */
struct plan_app *plan_urgent(const struct plan_app *app, struct arena *a);

#endif
