/* route_middlewares.h: what happens to a request of one route, as pairs of Traefik's keys and values, for files and labels alike. */
#ifndef EK_ROUTE_MIDDLEWARES_H
#define EK_ROUTE_MIDDLEWARES_H

#include <stddef.h>

#include "spec/base/str.h"

struct arena;
struct want_route;

enum route_value { RV_TEXT, RV_NUMBER, RV_FLAG, RV_LIST };

/* "ipAllowList.sourceRange" = value(s). Headers are keys of users and stand apart from the path: "headers.customRequestHeaders", key "X-A". */
struct route_option {
    const char *path; /* Traefik's names, at most two, with a dot between */
    const char *key;  /* of a header, or NULL */
    enum route_value kind;
    const char *value; /* but for RV_LIST */
    struct strv values;
};

struct route_middleware {
    const char *kind; /* ours, for its name: "strip" */
    struct route_option *options;
    size_t n_options;
};

enum { ROUTE_MIDDLEWARES = 9, ROUTE_RETRIES = 3 };

/* In the order in which requests pass them (route_file.h). ret has room for ROUTE_MIDDLEWARES. Returns how many there are. users_file: where the container of Traefik
 * has the htpasswd file, or NULL when the route asks for none. */
size_t route_middlewares(const struct want_route *r, const char *users_file, struct arena *a,
                         struct route_middleware *ret);

/* The name of the sticky cookie. */
const char *route_cookie(const struct want_route *r, struct arena *a);

#endif
