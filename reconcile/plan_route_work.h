/* plan_route_work.h: where the route file of one app stands while its plan is made. For plan_route.c and plan_route_net.c. */
#ifndef EK_PLAN_ROUTE_WORK_H
#define EK_PLAN_ROUTE_WORK_H

#include "reconcile/plan_work.h"

struct route_work {
    bool on;                      /* it has routes, and Traefik is ours to manage */
    const struct obs_route *have; /* NULL: no file */
    bool replacing;               /* a place of a routed service waits for its successor */
    bool same;                    /* the file is as it should be now */
    bool joined;                  /* somebody joined since the last write */
    const char *cause;            /* of the next write */
    uint32_t *after;              /* what the next write waits for */
    size_t n_after, cap_after;
    uint32_t written, seen,
        drained;          /* the last of each; NO_ACTION: none, or none since the last write */
    uint32_t first_drain; /* after which nobody who left with the first write is asked */
    struct strv before;   /* servers by name, as last written: for people */
    uint32_t *joins;      /* of Traefik, to the networks of the app */
    size_t n_joins, cap_joins;
    bool *joined_network; /* as want->networks */
};

#endif
