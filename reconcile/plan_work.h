/* plan_work.h: the planner's workbench, shared by the plan_*.c rooms and by nobody else.
 *
 * One struct plan_work per plan_build, one struct app_work per app in it. Everything lives in the plan's arena; a room reads
 * what earlier rooms filled in and appends actions and differences to the app. */
#ifndef EK_PLAN_WORK_H
#define EK_PLAN_WORK_H

#include "reconcile/plan.h"
#include "reconcile/plan_replica.h"
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
    const char *ingress_name;    /* of the builtin app */
    const struct survey *survey; /* of the apps that nobody wants */
    struct held_port *held;      /* made when first asked for */
    size_t n_held;
    bool held_known;
    uint64_t able; /* engine_fields_able() of all containers; made when first asked for */
    bool able_known;
    const struct quarantine_due *due; /* of seen->quarantine; made when first asked for */
};

struct survey;

struct held_port { /* sorted by port */
    const struct obs_port *port;
    const struct obs_container *container;
};

struct port_hold { /* a host port that is free after an action; sorted by port */
    const struct obs_port *port;
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
    struct file_work *files;       /* plan_file.c; of those that are not in order */
    size_t n_files;
    struct pulled *pulls;
    size_t n_pulls, cap_pulls;
    struct freed *freed;
    size_t n_freed, cap_freed;
    struct port_hold *holds;
    size_t n_holds, cap_holds;
    struct route_work *route;     /* plan_route.c; NULL: not begun */
    uint32_t unrouted;            /* what everything else of a removal or stop waits for */
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
/* Running, paused or between two restarts: it must be stopped. */
bool container_runs(const struct obs_container *c);
const char *container_label(const struct plan_work *w, const struct obs_container *c);
/* Why nobody wants it: "apps/shop.yaml:2: no service cron any more". */
const char *leftover_cause(const struct app_work *p, const struct obs_container *c);
/* "apps/blog.yaml:4", or the app's own place when `at` is none. */
const char *place_words(const struct app_work *p, const struct place *at);
/* The event by which a hand changed this field of the container (deeds.h), or NULL. */
const char *handmade(const struct plan_work *w, const char *container, const char *field);
/* ... by which it removed an object: "network blog_default". */
const char *handmade_end(const struct plan_work *w, const char *object);
/* n_services when not there */
size_t service_index(const struct want_app *app, const char *service);
struct network_work *network_by_key(struct app_work *p, const char *key);
struct volume_work *volume_by_key(struct app_work *p, const char *key);
/* Networks that a container of the service is to be on (at least its app's default, unless network_mode says otherwise). */
void service_attachments(const struct service *s, const struct attach **ret, size_t *ret_n);
/* Services of the app in whose namespaces this one lives: network_mode, pid and ipc "container:NAME" (what desired_build makes of
 * "service:NAME"); n <= 3. */
size_t service_shares(const struct want_app *app, const struct service *s, const char *ret[3]);

#endif
