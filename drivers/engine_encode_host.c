/* engine_encode_host.c: how a container stands on its host: limits, privileges, mounts, ports.
 *
 * In: a wanted container with every default applied. Out: the HostConfig of its create body, deterministic: whatever has no
 * order of its own is sorted. It applies no defaults and judges nothing; both have happened before.
 *
 * Source: Docker Engine API 1.41 .. 1.52, ContainerCreate, HostConfig. */
#include "drivers/engine_encode_host.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine_encode_device.h"
#include "drivers/engine_encode_net.h"
#include "drivers/engine_put.h"
#include "spec/base/arena.h"
#include "spec/base/attr.h"
#include "spec/forms.h"

/* ---- members that are one value of the service ---- */

struct plain {
    const char *name;
    size_t offset; /* in struct service */
};
#define OF(member) offsetof(struct service, member)

/* clang-format off */
static const struct plain texts[] = {
    {"CgroupParent", OF(cgroup_parent)},
    {"CgroupnsMode", OF(cgroup)},
    {"CpusetCpus", OF(cpuset)},
    {"Runtime", OF(runtime)},
    {"UTSMode", OF(uts)},
    {"UsernsMode", OF(userns)},
};
static const struct plain numbers[] = { /* 0 is the engine's own default for each of them */
    {"CpuPeriod", OF(cpu_period_us)},
    {"CpuQuota", OF(cpu_quota_us)},
    {"CpuRealtimePeriod", OF(cpu_rt_period_us)},
    {"CpuRealtimeRuntime", OF(cpu_rt_runtime_us)},
    {"CpuShares", OF(cpu_shares)},
    {"Memory", OF(mem_limit)},
    {"MemoryReservation", OF(mem_reservation)},
    {"MemorySwap", OF(memswap_limit)},
    {"NanoCpus", OF(nano_cpus)},
    {"OomScoreAdj", OF(oom_score_adj)},
    {"ShmSize", OF(shm_size)},
};
static const struct plain lists[] = { /* order matters: servers and domains are asked in turn */
    {"Dns", OF(dns)},
    {"DnsOptions", OF(dns_opt)},
    {"DnsSearch", OF(dns_search)},
};
static const struct plain sets[] = {
    {"DeviceCgroupRules", OF(device_cgroup_rules)},
    {"GroupAdd", OF(group_add)},
};
static const struct plain maps[] = {
    {"Annotations", OF(annotations)}, /* API 1.43; older engines pass it by */
    {"StorageOpt", OF(storage_opt)},
    {"Sysctls", OF(sysctls)},
};
/* clang-format on */

static const void *value_of(const struct service *spec, const struct plain *row)
{
    return (const char *)spec + row->offset;
}

static void put_plain(json_t *host, const struct service *spec, struct arena *a)
{
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        engine_put_text(host, texts[i].name, *(const char *const *)value_of(spec, &texts[i]));
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        engine_put_num(host, numbers[i].name, *(const struct num *)value_of(spec, &numbers[i]));
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        engine_put_list(host, lists[i].name, value_of(spec, &lists[i]));
    for (size_t i = 0; i < ARRAY_LEN(sets); i++)
        engine_put_set(host, sets[i].name, value_of(spec, &sets[i]), a);
    for (size_t i = 0; i < ARRAY_LEN(maps); i++)
        engine_put_map(host, maps[i].name, value_of(spec, &maps[i]));
}

/* ---- privileges and limits ---- */

/* One spelling for "cap_net_admin", "NET_ADMIN" and "CAP_NET_ADMIN": the engine takes all three. */
static void put_capabilities(json_t *host, const char *key, const struct strv *names,
                             struct arena *a)
{
    struct strv plain = {0};

    for (size_t i = 0; i < names->n; i++) {
        char *name = arena_strdup(a, names->v[i]);

        for (char *c = name; *c; c++)
            *c = (char)toupper((unsigned char)*c);
        strv_push(a, &plain, strncmp(name, "CAP_", 4) == 0 ? name + 4 : name);
    }
    engine_put_set(host, key, &plain, a);
}

/* The engine wants the profile itself where a person names its file. */
static void put_security(json_t *host, const struct service *spec, struct arena *a)
{
    struct strv options = {0};

    for (size_t i = 0; i < spec->security_opt.n; i++) {
        const char *option = spec->security_opt.v[i];

        strv_push(a, &options,
                  spec->seccomp && seccomp_file(option)
                      ? arena_printf(a, "seccomp=%s", spec->seccomp)
                      : option);
    }
    engine_put_set(host, "SecurityOpt", &options, a);
}

static int compare_ulimits(const void *va, const void *vb)
{
    return strcmp(((const struct ulimit *)va)->name, ((const struct ulimit *)vb)->name);
}

static json_t *ulimits(const struct service *spec, struct arena *a)
{
    struct ulimit *sorted = ARENA_ARRAY(a, spec->n_ulimits, struct ulimit);
    json_t *list = json_array();

    for (size_t i = 0; i < spec->n_ulimits; i++)
        sorted[i] = spec->ulimits[i];
    if (spec->n_ulimits > 1)
        qsort(sorted, spec->n_ulimits, sizeof(*sorted), compare_ulimits);
    for (size_t i = 0; i < spec->n_ulimits; i++) {
        json_t *one = json_object();

        engine_put_text(one, "Name", sorted[i].name);
        engine_put_new(one, "Soft", json_integer(sorted[i].soft));
        engine_put_new(one, "Hard", json_integer(sorted[i].hard));
        (void)json_array_append_new(list, one);
    }
    return list;
}

static int compare_devices(const void *va, const void *vb)
{
    const struct device *a = va, *b = vb;
    int by = strcmp(a->container, b->container);

    return by ? by : strcmp(a->host, b->host);
}

static json_t *devices(const struct service *spec, struct arena *a)
{
    struct device *sorted = ARENA_ARRAY(a, spec->n_devices, struct device);
    json_t *list = json_array();

    for (size_t i = 0; i < spec->n_devices; i++) {
        sorted[i] = spec->devices[i];
        if (!sorted[i].container)
            sorted[i].container = sorted[i].host;
        if (!sorted[i].permissions)
            sorted[i].permissions = "rwm";
    }
    if (spec->n_devices > 1)
        qsort(sorted, spec->n_devices, sizeof(*sorted), compare_devices);
    for (size_t i = 0; i < spec->n_devices; i++) {
        json_t *one = json_object();

        engine_put_text(one, "PathOnHost", sorted[i].host);
        engine_put_text(one, "PathInContainer", sorted[i].container);
        engine_put_text(one, "CgroupPermissions", sorted[i].permissions);
        (void)json_array_append_new(list, one);
    }
    return list;
}

static void put_restart(json_t *host, const struct service *spec)
{
    static const char *const names[] = {
        [RESTART_NO] = "no",
        [RESTART_ALWAYS] = "always",
        [RESTART_ON_FAILURE] = "on-failure",
        [RESTART_UNLESS_STOPPED] = "unless-stopped",
    };
    json_t *policy = json_object();

    if (spec->restart != RESTART_UNSET)
        engine_put_text(policy, "Name", names[spec->restart]);
    if (spec->restart == RESTART_ON_FAILURE)
        engine_put_num(policy, "MaximumRetryCount", spec->restart_max);
    engine_put_new(host, "RestartPolicy", policy);
}

/* ---- mounts ---- */

static const char *volume_name(const struct want_app *app, const char *key)
{
    for (size_t i = 0; key && i < app->n_volumes; i++)
        if (strcmp(app->volumes[i].key, key) == 0)
            return app->volumes[i].name;
    return key;
}

/* A bind of the short form makes a missing folder, like Compose's. The engine does that only for Binds (for Mounts it has an
 * option from API 1.42 on, and 20.10 refuses the create); Binds cannot say a path with a colon. */
static bool goes_to_binds(const struct mount *m)
{
    return m->kind == MOUNT_BIND && m->create_host_path == TRI_YES && m->source &&
           !strchr(m->source, ':') && !strchr(m->target, ':');
}

/* Mounts know the size and the mode of a tmpfs, and no further option. */
static bool goes_to_tmpfs(const struct mount *m)
{
    return m->kind == MOUNT_TMPFS && m->tmpfs_options && *m->tmpfs_options;
}

static const char *tmpfs_text(const struct mount *m, struct arena *a)
{
    CLEANUP(str_release) struct str s = STR_INIT;

    if (m->tmpfs_bytes.set && m->tmpfs_bytes.v > 0)
        str_addf(&s, "size=%" PRId64 ",", m->tmpfs_bytes.v);
    if (m->tmpfs_mode.set && m->tmpfs_mode.v > 0)
        str_addf(&s, "mode=%" PRIo64 ",", m->tmpfs_mode.v);
    if (m->read_only == TRI_YES)
        str_add(&s, "ro,");
    str_add(&s, m->tmpfs_options);
    return arena_strndup(a, str_text(&s), s.len);
}

static const char *bind_text(const struct mount *m, struct arena *a)
{
    bool read_only = m->read_only == TRI_YES;

    return arena_printf(a, "%s:%s%s%s%s%s", m->source, m->target,
                        read_only || m->propagation ? ":" : "", read_only ? "ro" : "",
                        read_only && m->propagation ? "," : "",
                        m->propagation ? m->propagation : "");
}

static json_t *mount_object(const struct want_app *app, const struct mount *m)
{
    static const char *const types[] = {
        [MOUNT_VOLUME] = "volume", [MOUNT_BIND] = "bind", [MOUNT_TMPFS] = "tmpfs"};
    json_t *v = json_object(), *options = json_object();

    engine_put_text(v, "Type", types[m->kind]);
    engine_put_text(v, "Target", m->target);
    engine_put_yes(v, "ReadOnly", m->read_only);
    switch (m->kind) {
    case MOUNT_VOLUME:
        engine_put_text(v, "Source", volume_name(app, m->source));
        engine_put_yes(options, "NoCopy", m->nocopy);
        engine_put_text(options, "Subpath", m->subpath);
        engine_put_new(v, "VolumeOptions", options);
        break;
    case MOUNT_BIND:
        engine_put_text(v, "Source", m->source);
        engine_put_text(options, "Propagation", m->propagation);
        if (m->create_host_path == TRI_YES)
            engine_put_yes(options, "CreateMountpoint", TRI_YES);
        engine_put_new(v, "BindOptions", options);
        break;
    case MOUNT_TMPFS:
        engine_put_num(options, "SizeBytes", m->tmpfs_bytes);
        engine_put_num(options, "Mode", m->tmpfs_mode);
        engine_put_new(v, "TmpfsOptions", options);
        break;
    }
    return v;
}

static int compare_mounts(const void *va, const void *vb)
{
    const struct mount *a = *(const struct mount *const *)va, *b = *(const struct mount *const *)vb;

    return strcmp(a->target, b->target);
}

static void put_mounts(json_t *host, const struct want_container *c, struct arena *a)
{
    const struct service *spec = c->service->spec;
    const struct mount **sorted = ARENA_ARRAY(a, spec->n_mounts, const struct mount *);
    json_t *mounts = json_array(), *tmpfs = json_object();
    struct strv binds = {0};

    for (size_t i = 0; i < spec->n_mounts; i++)
        sorted[i] = &spec->mounts[i];
    if (spec->n_mounts > 1)
        qsort(sorted, spec->n_mounts, sizeof(struct mount *), compare_mounts);
    for (size_t i = 0; i < spec->n_mounts; i++) {
        if (goes_to_binds(sorted[i]))
            strv_push(a, &binds, bind_text(sorted[i], a));
        else if (goes_to_tmpfs(sorted[i]))
            engine_put_text(tmpfs, sorted[i]->target, tmpfs_text(sorted[i], a));
        else
            (void)json_array_append_new(mounts, mount_object(c->app, sorted[i]));
    }
    engine_put_list(host, "Binds", &binds);
    engine_put_new(host, "Tmpfs", tmpfs);
    engine_put_new(host, "Mounts", mounts);
}

/* ---- ports ---- */

static const char *port_key(int target, const char *protocol, struct arena *a)
{
    return arena_printf(a, "%d/%s", target, protocol ? protocol : "tcp");
}

static int compare_ports(const void *va, const void *vb)
{
    const struct port *a = *(const struct port *const *)va, *b = *(const struct port *const *)vb;
    int by = strcmp(a->host_ip ? a->host_ip : "", b->host_ip ? b->host_ip : "");

    return by ? by : a->published - b->published;
}

static json_t *port_bindings(const struct service *spec, struct arena *a)
{
    const struct port **sorted = ARENA_ARRAY(a, spec->n_ports, const struct port *);
    json_t *bindings = json_object();

    for (size_t i = 0; i < spec->n_ports; i++)
        sorted[i] = &spec->ports[i];
    if (spec->n_ports > 1)
        qsort(sorted, spec->n_ports, sizeof(struct port *), compare_ports);
    for (size_t i = 0; i < spec->n_ports; i++) {
        const struct port *p = sorted[i];
        const char *key = port_key(p->target, p->protocol, a);
        json_t *list = json_object_get(bindings, key), *one = json_object();

        if (!list) {
            list = json_array();
            (void)json_object_set_new(bindings, key, list);
        }
        engine_put_text(one, "HostIp", p->host_ip);
        /* Empty, not absent: the engine then chooses a port. */
        engine_put_new(one, "HostPort",
                       json_string(p->published ? arena_printf(a, "%d", p->published) : ""));
        (void)json_array_append_new(list, one);
    }
    return bindings;
}

static void expose(json_t *ports, int from, int to, const char *protocol, struct arena *a)
{
    for (int port = from; port <= to; port++)
        (void)json_object_set_new(ports, port_key(port, protocol, a), json_object());
}

/* "80", "80/udp", "8000-8010/tcp" */
static void expose_text(json_t *ports, const char *text, struct arena *a)
{
    char *s = arena_strdup(a, text), *slash = strchr(s, '/');
    int64_t from, to;

    if (slash)
        *slash = '\0';
    char *dash = strchr(s, '-');

    if (dash)
        *dash = '\0';
    if (parse_int64(s, 1, 65535, &from) < 0 || parse_int64(dash ? dash + 1 : s, 1, 65535, &to) < 0)
        return; /* not a port: refused long before */
    expose(ports, (int)from, (int)to, slash ? slash + 1 : "tcp", a);
}

json_t *engine_encode_exposed(const struct service *spec, struct arena *a)
{
    json_t *ports = json_object();

    for (size_t i = 0; i < spec->n_ports; i++)
        expose(ports, spec->ports[i].target, spec->ports[i].target, spec->ports[i].protocol, a);
    for (size_t i = 0; i < spec->expose.n; i++)
        expose_text(ports, spec->expose.v[i], a);
    return ports;
}

/* ---- the rest ---- */

/* "host" -> "ip,ip" as one entry per address. */
static void put_extra_hosts(json_t *host, const struct kvs *hosts, struct arena *a)
{
    struct strv entries = {0};

    for (size_t i = 0; i < hosts->n; i++) {
        char *rest = arena_strdup(a, hosts->v[i].value), *more = NULL;

        for (char *ip = strtok_r(rest, ",", &more); ip; ip = strtok_r(NULL, ",", &more))
            strv_push(a, &entries, arena_printf(a, "%s:%s", hosts->v[i].key, ip));
    }
    engine_put_list(host, "ExtraHosts", &entries);
}

static void put_logging(json_t *host, const struct logging *logging)
{
    json_t *log = json_object();

    if (logging->set) {
        engine_put_text(log, "Type", logging->driver);
        engine_put_map(log, "Config", &logging->options);
    }
    engine_put_new(host, "LogConfig", log);
}

json_t *engine_encode_host(const struct want_container *c, struct arena *a)
{
    const struct service *spec = c->service->spec;
    json_t *host = json_object();

    put_plain(host, spec, a);
    put_capabilities(host, "CapAdd", &spec->cap_add, a);
    put_capabilities(host, "CapDrop", &spec->cap_drop, a);
    put_security(host, spec, a);
    engine_put_yes(host, "Privileged", spec->privileged);
    engine_put_yes(host, "ReadonlyRootfs", spec->read_only);
    engine_put_tri(host, "Init", spec->init);
    engine_put_tri(host, "OomKillDisable", spec->oom_kill_disable);
    /* 0 and -1 both mean no limit; engines differ in what they keep, so neither is sent. */
    if (spec->pids_limit.set && spec->pids_limit.v > 0)
        engine_put_num(host, "PidsLimit", spec->pids_limit);
    engine_put_new(host, "Ulimits", ulimits(spec, a));
    if (spec->mem_swappiness.set) /* 0 is a wish: never */
        engine_put_new(host, "MemorySwappiness", json_integer(spec->mem_swappiness.v));
    engine_put_blkio(host, &spec->blkio, a);
    engine_put_new(host, "DeviceRequests", engine_put_gpus(spec));
    engine_put_new(host, "Devices", devices(spec, a));
    put_restart(host, spec);
    put_mounts(host, c, a);
    engine_put_new(host, "PortBindings", port_bindings(spec, a));
    put_extra_hosts(host, &spec->extra_hosts, a);
    put_logging(host, &spec->logging);
    engine_put_text(host, "NetworkMode", engine_encode_network_mode(c, a));
    engine_put_text(host, "PidMode", engine_encode_namespace(c->app, spec->pid, a));
    engine_put_text(host, "IpcMode", engine_encode_namespace(c->app, spec->ipc, a));
    return host;
}
