/* plan_work.h: the planner's workbench, shared by the plan_*.c rooms and by nobody else.
 *
 * One struct plan_work per plan_build, one struct app_work per app in it. Everything lives in the plan's arena; a room reads
 * what earlier rooms filled in and appends actions and differences to the app. */
#ifndef EK_PLAN_WORK_H
#define EK_PLAN_WORK_H

#include "reconcile/plan.h"
#include "reconcile/plan_subnets.h"

#define NO_ACTION UINT32_MAX

struct attached { /* one container on one network, sorted by network id */
    const char *network_id;
    const struct obs_container *container;
};

struct plan_work {
    const struct plan_input *in;
    const struct desired *desired;
    const struct observed *seen;
    const char *owner;
    struct arena *arena;
    struct subnet_pool pool;
    const struct obs_network **networks; /* ours, sorted by app, then name */
    size_t n_networks;
    const struct obs_volume **volumes; /* ours, sorted by app, then name */
    size_t n_volumes;
    struct attached *attached; /* made when first asked for */
    size_t n_attached;
};

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

    /* what is to be done; all false: nothing */
    bool make, start, unpause, restart, rename, clear /* remove what is not the keeper */;
    bool want_well, want_done;       /* somebody who starts waits for its health, for its end */
    bool must_well, must_done;       /* ... and does not start without */
    struct strv connect, disconnect; /* network names */
    enum drift_kind kind;            /* pending wins over found */
    const char *cause;
    const char *blocked; /* nothing can be done now, because */
    bool source_pending;  /* ... which ends by itself: its source is read, its base images are pulled */
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
};

struct port_hold { /* a host port that is free after an action; sorted by port, protocol */
    int port;
    const char *protocol, *host_ip;
    const struct replica *by; /* whose old container holds it; NULL: one that nobody wants */
    uint32_t stop;
};

struct network_work {
    const struct want_network *want;
    const struct obs_network *have;  /* the one to be used; NULL: to be made */
    const struct obs_network *wrong; /* ours, but to be made again */
    const char *mismatch;            /* in words, with wrong */
    uint32_t created;
    bool planned;
};

struct volume_work {
    const struct want_volume *want;
    bool exists;
    uint32_t created;
};

struct freed { /* a container name and the action after which it is free */
    const char *name;
    uint32_t action;
};

struct pulled {
    const char *ref, *platform;
    uint32_t action;
};

struct app_work {
    struct plan_work *w;
    const struct want_app *want; /* NULL: nothing wants it any more */
    const char *name;
    struct plan_app *out;
    size_t cap_actions, cap_differences;
    const struct obs_container **mine; /* sorted by service, index, name */
    size_t n_mine;
    struct replica *replicas; /* services in the order of their dependencies, then index */
    size_t n_replicas;
    size_t *first; /* per want->services[i]: its first replica; their number is n_containers */
    const struct obs_container **leftovers; /* in places that nobody wants any more */
    size_t n_leftovers;
    struct network_work *networks; /* as want->networks */
    struct volume_work *volumes;   /* as want->volumes */
    struct pulled *pulls;
    size_t n_pulls, cap_pulls;
    struct freed *freed;
    size_t n_freed, cap_freed;
    struct port_hold *holds;
    size_t n_holds, cap_holds;
    enum app_state refused_state; /* with blocked */
    const char *blocked;          /* nothing at all can be done, because */
    bool reported_only;           /* something differs and is left, because of drift: report */
    const char *left;             /* something differs and is left, because ...; or NULL */
};

/* Note why nothing at all can be done; the first reason stays. */
void app_refuse(struct app_work *p, enum app_state state, const char *why);
bool app_holds(const struct app_work *p, const struct obs_container *c); /* ours, and of this app */

/* ---- building (plan_work.c) ---- */

/* Append an action; its op.kind follows from kind, grace is the container's own. Texts are borrowed. */
uint32_t act_add(struct app_work *p, enum action_kind kind, const char *subject, const char *cause);
struct action *act_at(struct app_work *p, uint32_t action);
/* need NO_ACTION is ignored. */
void act_need(struct app_work *p, uint32_t action, uint32_t need);
void act_need_all(struct app_work *p, uint32_t action, const uint32_t *needs, size_t n);
/* An action on an existing or planned container: object is its id or name, label its subject. */
uint32_t act_container(struct app_work *p, enum action_kind kind, const char *object,
                       const char *label, const char *cause);

void diff_add(struct app_work *p, enum drift_kind kind, const char *object, struct change change,
              const char *cause);
void note_add(struct app_work *p, const char *note);

/* ---- looking up ---- */

void plan_work_init(struct plan_work *w, const struct plan_input *in, struct arena *a);
bool owner_is(const struct plan_work *w, const char *owner);
/* Half-open ranges of w->networks and w->volumes. */
void networks_of_app(const struct plan_work *w, const char *app, size_t *ret_from, size_t *ret_to);
void volumes_of_app(const struct plan_work *w, const char *app, size_t *ret_from, size_t *ret_to);
/* Containers on a network, by its id: half-open range of w->attached. */
void attached_range(struct plan_work *w, const char *network_id, size_t *ret_from, size_t *ret_to);
bool container_runs(const struct obs_container
                        *c); /* running, paused or between two restarts: it must be stopped */
const char *container_label(const struct plan_work *w, const struct obs_container *c);
/* Why nobody wants it: "apps/shop.yaml:2: no service cron any more". */
const char *leftover_cause(const struct app_work *p, const struct obs_container *c);
/* "apps/blog.yaml:4", or the app's own place when `at` is none. */
const char *place_words(const struct app_work *p, const struct place *at);
/* What the history says a hand did to this container, or NULL. */
const char *handmade(const struct plan_work *w, const char *container);
size_t service_index(const struct want_app *app,
                     const char *service); /* n_services when not there */
struct network_work *network_by_key(struct app_work *p, const char *key);
struct volume_work *volume_by_key(struct app_work *p, const char *key);
/* Networks that a container of the service is to be on (at least its app's default, unless network_mode says otherwise). */
void service_attachments(const struct service *s, const struct attach **ret, size_t *ret_n);
/* Services of the app in whose namespaces this one lives: network_mode, pid and ipc "container:NAME" (what desired_build makes of
 * "service:NAME"); n <= 3. */
size_t service_shares(const struct want_app *app, const struct service *s, const char *ret[3]);

/* ---- the rooms ---- */

/* plan_judge.c: fill replicas and leftovers; say what differs and what is to be done, in words and flags. */
void judge_app(struct app_work *p);
/* diff.c: the fields in which the container differs from what is wanted in its place. */
void diff_container(struct app_work *p, struct replica *r, const struct obs_container *c);

/* plan_infra.c: networks, volumes, images. judge first; the ensure functions add what is missing on demand and return the
 * action after which it is there (NO_ACTION: it is). */
void infra_judge(struct app_work *p);
void infra_replace_networks(struct app_work *p);
uint32_t infra_network(struct app_work *p, struct network_work *n);
uint32_t infra_volume(struct app_work *p, struct volume_work *v);
uint32_t infra_pull(struct app_work *p, const struct want_service *s);
/* What is built stands on base images. They are pulled first; only then can its tag be told, and the next plan goes on. */
bool infra_bases_missing(const struct app_work *p, const struct want_service *s);
void infra_pull_bases(struct app_work *p, const struct want_service *s);
void infra_sweep_networks(struct app_work *p);
/* Remove a network of ours once these are done; a KEEP and a note if strangers are on it. */
void infra_remove_network(struct app_work *p, const struct obs_network *n, const char *cause,
                          const uint32_t *after, size_t n_after);

/* plan_service.c: the actions of an app that is to run. */
void service_plan(struct app_work *p);

/* plan_order.c: what must come before what. */
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

/* plan_removal.c: apps that are to stop or to go (design law 6). */
void removal_stop_app(struct app_work *p);
void removal_app(struct app_work *p, const char *cause);

/* plan_verdict.c: the app's state and why; and, for what is made for the first time, where a default is narrower than Docker's. */
void note_defaults(struct app_work *p);
void verdict_app(struct app_work *p);

#endif
