/* ingress_routes.h: what STATE/ingress/routes tells desired state: which apps have a route file, and what those files claim. */
#ifndef EK_INGRESS_ROUTES_H
#define EK_INGRESS_ROUTES_H

#include <stdbool.h>

#include "spec/base/str.h"

struct ingress_routes;

struct ingress_routes *ingress_routes_new(const char *state);
void ingress_routes_free(struct ingress_routes *r); /* NULL is fine */
/* Read the folder again if it has changed (one stat if not); reads only files that differ. True if it had. */
bool ingress_routes_scan(struct ingress_routes *r);
/* Sorted names of apps; and route_key() -> app. Valid until the next scan that returns true. */
const struct strv *ingress_routes_apps(const struct ingress_routes *r);
const struct kvs *ingress_routes_served(const struct ingress_routes *r);

#endif
