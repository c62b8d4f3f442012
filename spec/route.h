/* route.h: hosts, paths, rules and priorities: what a user's text may do to the router, in one place.
 *
 * Priorities (larger wins; Traefik takes up to the largest int less 1000): a route with a host 10000 + length of its path; with a host
 * that begins with `*.` 5000 + length; without a host 100 + length, `/` 2; the platform's own pages 30, /traefik (blocked) 50, everything else 1. So
 * the longer of two nested paths wins whoever wrote it, and `priority:` of a route, which orders the routes of one app only, is no number of
 * Traefik's: the route that yields gets the other's rule as an exception. */
#ifndef EK_ROUTE_H
#define EK_ROUTE_H

#include <stdbool.h>

#include "spec/app_route.h"

struct arena;

enum {
    ROUTE_PRIORITY_CATCH_ALL = 1,
    ROUTE_PRIORITY_ROOT = 2, /* an app at `/` without a host */
    ROUTE_PRIORITY_PAGES = 30,
    ROUTE_PRIORITY_BLOCKED = 50,
    ROUTE_PRIORITY_PATH = 100,
    ROUTE_PRIORITY_WILDCARD = 5000,
    ROUTE_PRIORITY_HOST = 10000,
};

/* What is wrong with a text, and what to write; both NULL when nothing is. In the arena. */
struct route_fault {
    const char *what, *hint;
};

/* The normal form, in the arena, or NULL with ret filled. Hosts: a name of letters, digits and `-` in labels of at most 63, in lower case;
 * `*.` may stand before the first dot. Refused: ports, addresses, a dot at the end, underscores, everything outside of ASCII. */
const char *route_host(const char *text, struct arena *a, struct route_fault *ret);
/* Paths: segments of letters, digits and -._~@:+,= ; a slash at the end is taken away. Refused: percent-encodings, `.` and `..`, empty segments,
 * everything else. Upper case is kept: paths differ by it. */
const char *route_path(const char *text, struct arena *a, struct route_fault *ret);

/* The reserved first segment of a path ("admin") when no app may have it without a host; else NULL. */
const char *route_reserved(const char *path);

/* "Host(`a.b`) && (Path(`/x`) || PathPrefix(`/x/`))", without what yields to other routes of the app. In the arena. */
const char *route_rule(const char *host, const char *path, struct arena *a);
int route_priority(const char *host, const char *path);
/* Is there a request that both match? */
bool route_meet(const struct route *x, const struct route *y);
/* Equal for two routes exactly when they claim the same: "HOST/PATH", for messages too. In the arena. */
const char *route_key(const struct route *r, struct arena *a);

#endif
