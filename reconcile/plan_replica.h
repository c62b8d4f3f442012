/* plan_replica.h: one place for a container, service and index: what is wanted there, what stands there, what is to be done about
 * it, and which actions that has become. */
#ifndef EK_PLAN_REPLICA_H
#define EK_PLAN_REPLICA_H

#include "drivers/observed.h"
#include "reconcile/plan.h"
#include "spec/desired.h"

/* How well one container does, as far as its verdict goes. */
enum condition {
    COND_FINE,
    COND_ABSENT,    /* to be made */
    COND_DOWN,      /* exists and does not run */
    COND_STARTING,  /* runs; its health check has not decided, or the engine is busy removing it */
    COND_ILL,       /* unhealthy, crash loop, or ended badly and left so */
    COND_COMPLETED, /* one-shot, ended well */
};

/* One place for a container: service and index, what is wanted there and what is there. */
struct replica {
    const struct want_container *want;
    const struct want_service *service;
    const struct obs_container *
        *have; /* ours in this place, the best first; those being removed left out */
    size_t n_have;
    const struct obs_container *keeper; /* have[0] if it is what is wanted, else NULL */
    const struct obs_container
        *former; /* serves, or served last: put back when the new one fails; or NULL */
    enum condition condition;
    const char *ill; /* COND_ILL, COND_STARTING: why, in words */
    int64_t calm_ms; /* COND_ILL: when it is fine if nothing more happens; 0: not by itself */

    /* what is to be done; all false: nothing */
    bool make, start, unpause, restart, rename, clear /* remove what is not the keeper */;
    bool want_well, want_done;       /* somebody who starts waits for its health, for its end */
    bool must_well, must_done;       /* ... and does not start without */
    struct strv connect, disconnect; /* network names */
    struct strv reconnect;           /* ... that it is on otherwise than it should be */
    bool hooks;                      /* it runs, and post_start has not run in it since its start */
    const char *update;              /* what the engine is to change in place; NULL: nothing */
    enum drift_kind kind;            /* pending wins over found */
    const char *cause;
    bool cause_is_left;  /* ... of something that is only said: drift: report */
    const char *blocked; /* nothing can be done now, because */
    int64_t
        port_wait_ms; /* its start may wait so long for a host port that another app gives up; 0: none */
    bool
        source_pending; /* ... which ends by itself: its source is read, its base images are pulled */
    struct change *changes;
    size_t n_changes, cap_changes;

    /* actions made so far */
    bool is_prepared;
    const char *object; /* the keeper's id, or the name under which it is made */
    const char *label;  /* "container blog-web-1.next-ab12cd" */
    uint32_t *prepared; /* what must be done before the old one is touched */
    size_t n_prepared;
    uint32_t *stops;     /* per have[]: its stop, or NO_ACTION */
    uint32_t up;         /* it is started, and known to stay up where that is waited for */
    uint32_t well, done; /* waits for health, for its end */
    uint32_t settled;    /* it has its name */
    /* where the route file stands in the plan so far */
    const char *server,
        *server_name;       /* in the pool: as route_pool has it, and for people; NULL: none */
    const char *was_server; /* of the former, when the plan begins; or NULL */
    bool leaves_last;       /* it is stopped though nobody else is in the pool */
};

#endif
