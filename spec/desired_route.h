/* desired_route.h: the routes of one app with everything filled in: names, rules, priorities, secrets, addresses. */
#ifndef EK_DESIRED_ROUTE_H
#define EK_DESIRED_ROUTE_H

struct app_source;
struct arena;
struct service;
struct str;
struct want_app;

/* Key of the network that routed services share with a Traefik of somebody else's (external mode); no user's key begins with a dot. */
#define INGRESS_NETWORK_KEY ".ingress"

/* Before networks are gathered: in external mode a routed service joins the shared network as well. */
void desired_route_join(const struct app_source *src, struct arena *a, struct service *s);

/* Fills routes of every service, and routed, addresses and secrets of app. Services must be in place. */
void desired_route_build(const struct app_source *src, struct arena *a, struct want_app *app);

/* What of the routes the services' own text does not tell, for the digest. */
void desired_route_digest(const struct want_app *app, struct str *out);

#endif
