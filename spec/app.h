/* app.h: what a file decodes into. One struct per thing a user can write; no behaviour.
 *
 * Everything lives in the arena of the file it came from and is never changed once decoded. An absent value is
 * distinguishable from a zero one: NULL strings, `set` numbers, TRI_UNSET booleans, `set` lists. Field meanings are
 * those of the Compose Specification unless the comment says otherwise. */
#ifndef EK_APP_H
#define EK_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/app_route.h"
#include "spec/base/err.h"
#include "spec/base/str.h"
#include "spec/value.h"

struct command { /* `set` with n == 0 clears the image's value */
    struct strv argv;
    bool set;
};

enum app_wish { WISH_RUNNING = 0, WISH_STOPPED, WISH_REMOVED };
enum volumes_wish { VOLUMES_KEEP = 0, VOLUMES_QUARANTINE };
enum drift_mode { DRIFT_UNSET = 0, DRIFT_HEAL, DRIFT_REPORT };
struct drift_rule {
    bool set; /* there is one; the mode may be left to whoever is asked next all the same */
    enum drift_mode mode; /* UNSET beside ignore, unless it is given */
    struct strv
        ignore; /* fields, by the names that `evenkeel drift` gives them: "mem_limit", "labels", "labels.x"; sorted, unique */
};
enum pull_policy { PULL_MISSING = 0, PULL_ALWAYS, PULL_NEVER, PULL_REFRESH };
enum restart_policy {
    RESTART_UNSET = 0,
    RESTART_NO,
    RESTART_ALWAYS,
    RESTART_ON_FAILURE,
    RESTART_UNLESS_STOPPED
};
enum profile { PROFILE_UNSET = 0, PROFILE_HARDENED, PROFILE_SERVICE, PROFILE_DOCKER };
enum defaults_kind { DEFAULTS_APP = 0, DEFAULTS_COMPOSE }; /* which of the tables in defaults.h */
enum mount_kind { MOUNT_VOLUME = 0, MOUNT_BIND, MOUNT_TMPFS };
enum depend_on { DEPEND_STARTED = 0, DEPEND_HEALTHY, DEPEND_COMPLETED };

struct port {
    struct place at;
    const char *host_ip; /* NULL: all */
    int published;       /* 0: the engine chooses; ranges are expanded into one entry each */
    int target;
    const char *protocol; /* tcp, udp, sctp */
};

/* A file that the agent puts beside the others of its state, for one mount: a config or a secret. Exactly one of secret, path and content is given. */
struct placed_file {
    const char *secret;  /* name in the store of secrets */
    bool own_only;       /* the app's own secret, never the common one of that name */
    const char *path;    /* absolute; what it holds is known by digest alone */
    const char *content; /* the text itself */
    const char *digest;  /* SHA-256 of path's content or of content; NULL for a secret */
    int64_t uid, gid, mode;
};

struct mount {
    struct place at;
    enum mount_kind kind;
    const char *
        source; /* volume key, or absolute host path (made absolute against the file's folder); NULL: anonymous/tmpfs */
    const char *target;
    enum tri read_only;
    const char *propagation; /* bind */
    enum tri
        create_host_path; /* bind; unset means yes for the short form, no for the long one, as in Compose */
    enum tri nocopy;     /* volume */
    const char *subpath; /* volume */
    struct num tmpfs_bytes, tmpfs_mode;
    const struct placed_file
        *file; /* bind: source is NULL until desired state says where the file is; or NULL */
    const char *tmpfs_options; /* further mount options as written: "uid=1000,exec"; or NULL */
};

struct healthcheck {
    bool set;
    enum tri disable;
    struct command test; /* argv[0] is CMD, CMD-SHELL or NONE */
    struct num interval_ns, timeout_ns, start_period_ns, start_interval_ns, retries;
};

struct ulimit {
    const char *name;
    int64_t soft, hard;
};

struct device {
    const char *host, *container, *permissions; /* permissions default "rwm" */
};

/* Devices that a driver of the engine hands out (DeviceRequests). */
struct gpu {
    struct place at;
    const char *driver; /* NULL: the first that has the capabilities */
    struct num count;   /* -1: all; unset beside ids */
    struct strv ids, capabilities;
    struct kvs options;
    bool of_devices; /* named by CDI under `devices` */
};

struct blkio_device {
    const char *path;
    struct num rate; /* bytes or operations a second; or the weight */
};

struct blkio_list {
    struct blkio_device *v;
    size_t n;
};

struct blkio {
    struct num weight;
    struct blkio_list weight_device, read_bps, read_iops, write_bps, write_iops;
};

struct link { /* another name for a service */
    struct place at;
    const char *service, *alias;
};

struct dependency {
    struct place at;
    const char *service;
    enum depend_on condition;
    enum tri required, restart;
};

struct attach { /* one entry of a service's `networks:` */
    struct place at;
    const char *network; /* key */
    struct strv aliases;
    const char *ipv4, *ipv6, *mac_address, *interface_name;
    struct strv link_local_ips;
    struct kvs driver_opts;
    struct num priority, gw_priority;
    bool nameless; /* the service's name is no name of it there; no user writes this */
};

struct exec_hook { /* a command in the container, after its start or before its stop */
    struct place at;
    struct command command;
    const char *user, *working_dir; /* NULL: the container's */
    struct kvs environment;         /* beside the container's */
    enum tri privileged;
    struct num timeout_ns; /* unset: HOOK_TIMEOUT_MS (hook.h) */
};

struct hooks {
    struct exec_hook *v; /* one after the other, in the order of the file */
    size_t n;
};

struct logging {
    const char *driver;
    struct kvs options;
    bool set;
};

struct build_limits {                /* of one context; 0: the default of limits.h */
    int64_t total_bytes, file_bytes; /* unpacked; one file */
    int entries, path_bytes, depth, ratio;
    int64_t time_ms; /* to read it */
};

#define BUILDPACKS_BUILDER "paketobuildpacks/builder-jammy-base"

struct build { /* `source:` or Compose's `build:`, one model */
    struct place at;
    bool set;
    const char *bundle; /* absolute path of an archive, or NULL */
    const char *
        path; /* without a bundle: absolute path of a directory; with one: a folder inside it, or NULL */
    const char *dockerfile, *dockerfile_inline, *target, *network;
    const char *strategy; /* NULL: auto */
    struct place strategy_at;
    struct kvs extra_hosts; /* host -> ip, several joined by "," */
    struct num shm_size;
    struct ulimit *ulimits;
    size_t n_ulimits;
    struct strv tags, platforms; /* platforms: as written; service.platform is what counts */
    enum tri no_cache;
    const char *builder; /* strategy buildpacks: its builder image; NULL: BUILDPACKS_BUILDER */
    struct kvs args, labels;
    struct strv cache_from;
};

/* Where one of its keys stands, for messages after decoding. */
struct key_place {
    const char *key;
    struct place at;
};

struct service {
    struct place at;
    const struct key_place *places; /* of every key it wrote */
    size_t n_places;
    const char *name; /* "app" in a flat app */
    const char *image;
    struct command command, entrypoint;
    struct kvs environment; /* env_file already merged in, environment winning */
    struct strv
        environment_inherit; /* `- KEY` without value: named here, passed to nothing (an agent has no user's shell) */
    struct strv env_files; /* absolute paths, for the watcher */
    struct port *ports;
    size_t n_ports;
    struct strv expose;
    struct mount *mounts; /* volumes: and tmpfs: */
    size_t n_mounts;
    struct kvs labels, annotations, extra_hosts /* host -> ip, several joined by "," */, sysctls;
    const char *user, *working_dir, *hostname, *domainname, *stop_signal, *platform, *runtime,
        *cgroup_parent;
    const char *pid, *ipc, *uts, *userns, *network_mode, *cgroup, *mac_address, *container_name;
    enum tri read_only, init, privileged, tty, stdin_open, oom_kill_disable;
    enum tri
        no_new_privileges; /* security: {no_new_privileges:}; security_opt carries it once defaults are applied */
    struct strv dns, dns_search, dns_opt, cap_add, cap_drop, security_opt, group_add,
        device_cgroup_rules;
    struct healthcheck health;
    enum restart_policy restart;
    struct num restart_max; /* on-failure:N */
    struct num stop_grace_ns;
    struct hooks post_start, pre_stop;
    struct num mem_limit, mem_reservation, memswap_limit, shm_size, nano_cpus, cpu_shares,
        pids_limit, oom_score_adj;
    struct num cpu_period_us, cpu_quota_us, cpu_rt_period_us, cpu_rt_runtime_us, mem_swappiness;
    const char *cpuset;
    struct blkio blkio;
    struct logging logging;
    struct ulimit *ulimits;
    size_t n_ulimits;
    struct device *devices;
    size_t n_devices;
    struct gpu *gpus;
    size_t n_gpus;
    struct link *links;
    size_t n_links;
    struct strv external_links; /* CONTAINER:ALIAS */
    struct kvs storage_opt;
    struct attach
        *networks; /* n == 0: the app's default network, unless network_mode says otherwise */
    size_t n_networks;
    struct dependency *depends;
    size_t n_depends;
    enum pull_policy pull;
    struct num pull_every_ns; /* PULL_REFRESH: how old a pull may be */
    struct build build;
    const char *start, *requirements; /* for sources without a Dockerfile */
    struct num port;                  /* it listens on; unset: the image's one EXPOSE, else 8000 */
    struct route *routes;             /* in the order of the file */
    size_t n_routes;
    struct num replicas;
    enum profile profile; /* security: {profile:} */
    enum defaults_kind defaults;
};

struct ipam_pool {
    const char *subnet, *gateway, *ip_range; /* subnet NULL: one of the agent's */
    struct kvs aux_addresses;
};

struct network { /* top-level networks:, or one that a flat app's list declares */
    struct place at;
    const char *key, *name; /* name: NULL unless the file gives one */
    const char *driver;
    struct kvs driver_opts, labels;
    enum tri external, internal, attachable, enable_ipv4, enable_ipv6;
    struct ipam_pool *pools;
    size_t n_pools;
    const char *ipam_driver;
    struct kvs ipam_options;
};

struct volume {
    struct place at;
    const char *key, *name;
    const char *driver;
    struct kvs driver_opts, labels;
    enum tri external;
};

/* A Compose project whose containers and networks the app takes over. */
struct adoption {
    const char *project; /* "": the one that is called like the app; NULL: none */
    struct place at;
};

struct app {
    struct place at; /* of its `app:` value */
    const char *name;
    bool flat;
    struct service *services; /* sorted by name */
    size_t n_services;
    struct network *networks; /* sorted by key */
    size_t n_networks;
    struct volume *volumes; /* sorted by key */
    size_t n_volumes;
    const char *archive; /* absolute path of the one that its text stood in, or NULL */
    const char *over; /* of the file that named the archive, and added words of its own; or NULL */
    const char *compose_project; /* NULL: ek-APP */
    const char *own_project;     /* what Compose calls it; NULL: like the app */
    struct adoption adopt;
    enum app_wish state;
    struct drift_rule drift;
    int64_t restarted_at_ms; /* 0: never asked */
    struct kvs variables; /* filled in while it was read -> the file each came from; "": built in */
};

struct override {
    struct place at;
    const char *name;
    bool has_state, hold;
    enum volumes_wish volumes; /* of an app that is to be removed */
    enum app_wish state;
    struct drift_rule drift;
    int64_t restarted_at_ms, until_ms; /* 0: not given; until ends `hold` and nothing else */
    const char *revision, *by;
};

#endif
