/* observed.h: what the engine has, as plain sorted values, and its JSON form (golden tests, saved passes).
 *
 * Immutable once made. Foreign objects are in it too (their names, ports and subnets are taken), marked by owner == NULL or
 * another owner; nobody touches those. */
#ifndef EK_OBSERVED_H
#define EK_OBSERVED_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/base/str.h"
#include "spec/quarantine.h"

struct arena;
struct err;

enum container_state {
    CS_CREATED,
    CS_RUNNING,
    CS_PAUSED,
    CS_RESTARTING,
    CS_REMOVING,
    CS_EXITED,
    CS_DEAD
};
enum health { HEALTH_NONE, HEALTH_STARTING, HEALTH_HEALTHY, HEALTH_UNHEALTHY };

struct obs_attach {
    const char *network_id, *network_name;
    struct strv aliases;
    const char *
        address; /* IPv4, while it runs; else "" or NULL. Not part of a saved pass: nothing is planned by it */
};

struct obs_port { /* published ones only */
    const char *host_ip;
    int published, target;
    const char *protocol;
};

struct obs_container {
    const char *id, *name; /* name without the slash */
    const char *image, *image_id;
    enum container_state state;
    enum health health;
    int exit_code, restart_count;
    bool oom_killed;
    /* false: known from a list only; exit_code, restart_count, times and fields are then unknown */
    bool inspected;
    int64_t created_ms, started_ms, finished_ms;
    const char *error; /* the engine's State.Error, or NULL */
    struct kvs labels;
    const char *owner, *app, *service, *hash, *origin; /* borrowed from labels; NULL when absent */
    const char *adopted; /* the Compose project that made it, and not we (adopt.h); or NULL */
    int index;           /* 0 when absent */
    struct obs_attach *networks; /* sorted by name */
    size_t n_networks;
    struct obs_port *ports; /* sorted */
    size_t n_ports;
    struct strv volumes; /* that it mounts, by name, those the engine named among them; sorted */
    struct kvs fields;   /* live fields under users' names (engine_fields.h) */
};

struct obs_network {
    const char *id, *name, *driver;
    bool internal;
    struct strv subnets;
    const char *gateway; /* of the first IPv4 subnet: the host as its containers see it; or NULL */
    struct kvs labels;
    const char *owner, *app, *origin, *key;
};

struct obs_volume {
    const char *name, *driver;
    struct kvs labels;
    const char *owner, *app, *key;
};

struct obs_image {
    const char *ref;     /* as asked for */
    const char *id;      /* NULL: the engine does not have it */
    struct kvs fields;   /* what its configuration would put into a container (engine_fields.h) */
    struct strv exposed; /* "80/tcp" */
    int64_t pulled_ms, tried_ms; /* when we pulled it last, and last tried to; 0: not known */
};

enum route_state {
    ROUTE_WRITTEN, /* the file is there; the router has not been seen to have taken it */
    ROUTE_LIVE,    /* the router routes by this very file */
    ROUTE_FAILED,  /* the router has taken it and refuses a part of it; error says why */
};

#define INGRESS_PLATFORM                                                                           \
    "evenkeel" /* stands for an app: its route file holds the platform's own routes */

struct obs_route { /* one file of the managed router (drivers/router.h) */
    const char *app;
    const char *digest; /* 12 hex digits of its marker; "": unreadable, or changed by hand */
    enum route_state state;
    const char *error;   /* ROUTE_FAILED: the router's own words; or NULL */
    struct strv servers; /* hosts of its servers' addresses, sorted: containers' short ids */
    int64_t since_ms;    /* when it was written, or the router began anew; 0: not known */
};

enum hook_state { HOOKS_RUNNING, HOOKS_DONE, HOOKS_FAILED };

struct
    obs_hook { /* what became of post_start after a start; of containers without it, and of starts it did not run after, there is none */
    const char *container; /* id */
    int64_t started_ms;    /* of that start */
    enum hook_state state;
    const char *error; /* HOOKS_FAILED: why, in words */
};

struct observed {
    const char *engine_version, *api_version;
    const char *platform; /* "linux/amd64"; NULL: nobody asked yet */
    /* sorted by app, service, index, name; foreign ones (no app) last */
    struct obs_container *containers;
    size_t n_containers;
    struct obs_network *networks; /* sorted by name, id */
    size_t n_networks;
    struct obs_volume *volumes; /* sorted by name */
    size_t n_volumes;
    struct obs_image *images; /* sorted by ref; only those somebody asked about */
    size_t n_images;
    struct obs_route *routes; /* sorted by app */
    size_t n_routes;
    struct quarantine_record *quarantine; /* sorted by volume */
    size_t n_quarantine;
    struct obs_hook *hooks; /* sorted by container */
    size_t n_hooks;
    const struct obs_container **by_name; /* all containers, sorted by name */
};

/* Fill the borrowed label fields of one object. */
void obs_container_identify(struct obs_container *c);
void obs_network_identify(struct obs_network *n);
void obs_volume_identify(struct obs_volume *v);

/* One container whole: its label fields, its lists in order. */
void obs_container_seal(struct obs_container *c);
/* Sort objects that are each in order by themselves, and fill by_name. */
void observed_order(struct observed *o, struct arena *a);
/* Sort everything and fill by_name and the borrowed label fields. Call once after filling the arrays. */
void observed_seal(struct observed *o, struct arena *a);

const struct obs_container *observed_container(const struct observed *o, const char *name);
/* Of networks the first of that name; 20.10 can hold several. */
const struct obs_network *observed_network(const struct observed *o, const char *name);
const struct obs_volume *observed_volume(const struct observed *o, const char *name);
/* NULL: there is no such file. */
const struct obs_route *observed_route(const struct observed *o, const char *app);
/* NULL: never asked. */
const struct obs_image *observed_image(const struct observed *o, const char *ref);
/* Of this very start of the container; NULL: there is none. */
const struct obs_hook *observed_hook(const struct observed *o, const struct obs_container *c);
/* The first label of the image that begins with prefix, or NULL. Containers inherit it. */
const char *obs_image_label(const struct obs_image *image, const char *prefix);
#define IMAGE_LABEL_REFUSED                                                                        \
    "image %s carries the label %s, by which its container could claim routes of others; build "   \
    "it without, or have Traefik managed (ingress: managed)"
/* Half-open range [*ret_from, *ret_to) of the containers of one app, whatever their owner. */
void observed_app_range(const struct observed *o, const char *app, size_t *ret_from,
                        size_t *ret_to);

const char *container_state_name(enum container_state s); /* the engine's words: "running" */
int container_state_parse(const char *word, enum container_state *ret);
/* What a container is called in its networks for as long as it exists: the first 12 digits of its id; of an id that is no 64 hex digits
 * (of the engine in memory) 12 digits of its hash. In the arena. */
const char *container_short_id(const char *id, struct arena *a);
const char *route_state_name(enum route_state s); /* "written", "live", "failed" */
int route_state_parse(const char *word, enum route_state *ret);
const char *health_name(enum health h); /* "none", "starting", ... */
int health_parse(const char *word, enum health *ret);

json_t *observed_to_json(const struct observed *o);
/* Lenient about absent members (a golden case names only what matters), strict about unknown ones. */
struct observed *observed_from_json(const json_t *v, struct arena *a, struct err *e);

#endif
