/* engine_fields.c: the table of everything that a spec can set on a container, and comparing by it.
 *
 * In: create bodies, inspect replies and images as JSON. Out: sorted key/value lists under the names that people write, and their
 * differences. A body and an inspect reply name their members alike, so one row serves all three; what an engine adds or
 * changes by itself is told by the row's default and flags, and nowhere else.
 *
 * Source: Docker Engine API 1.41 .. 1.52, ContainerCreate and ContainerInspect; moby daemon/commit.go merge() and
 * daemon/daemon_unix.go for what it does to what was sent. */
#include "drivers/engine_fields.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "drivers/engine_field_table.h"
#include "spec/base/arena.h"
#include "spec/base/attr.h"
#include "spec/base/js.h"

/* clang-format off */
static const struct field_row rows[] = {
    {"annotations", HOST, "Annotations", field_read_map, UNABLE, NULL, NULL},
    {"auto_remove", HOST, "AutoRemove", field_read_yes, 0, NULL, NULL},
    {"blkio_config.device_read_bps", HOST, "BlkioDeviceReadBps", field_read_json, 0, NULL, NULL},
    {"blkio_config.device_read_iops", HOST, "BlkioDeviceReadIOps", field_read_json, 0, NULL, NULL},
    {"blkio_config.device_write_bps", HOST, "BlkioDeviceWriteBps", field_read_json, 0, NULL, NULL},
    {"blkio_config.device_write_iops", HOST, "BlkioDeviceWriteIOps", field_read_json, 0, NULL, NULL},
    {"blkio_config.weight_device", HOST, "BlkioWeightDevice", field_read_json, UNABLE, NULL, NULL},
    {"blkio_weight", HOST, "BlkioWeight", field_read_number, LIVE | UNABLE, NULL, NULL},
    {"cap_add", HOST, "CapAdd", field_read_capabilities, 0, NULL, NULL},
    {"cap_drop", HOST, "CapDrop", field_read_capabilities, 0, NULL, NULL},
    {"cgroup", HOST, "CgroupnsMode", field_read_text, SILENT, NULL, NULL},
    {"cgroup_parent", HOST, "CgroupParent", field_read_text, 0, NULL, NULL},
    {"command", CONFIG, "Cmd", field_read_list, IMAGE, NULL, NULL},
    {"cpu_period", HOST, "CpuPeriod", field_read_number, LIVE, "100000", NULL},
    {"cpu_quota", HOST, "CpuQuota", field_read_positive, LIVE, NULL, NULL},
    {"cpu_rt_period", HOST, "CpuRealtimePeriod", field_read_number, LIVE | UNABLE, NULL, NULL},
    {"cpu_rt_runtime", HOST, "CpuRealtimeRuntime", field_read_number, LIVE | UNABLE, NULL, NULL},
    {"cpu_shares", HOST, "CpuShares", field_read_number, LIVE | UNABLE, NULL, NULL},
    {"cpus", HOST, "NanoCpus", field_read_cpus, LIVE, NULL, NULL},
    {"cpuset", HOST, "CpusetCpus", field_read_text, LIVE | UNABLE, NULL, NULL},
    {"cpuset_mems", HOST, "CpusetMems", field_read_text, LIVE, NULL, NULL},
    {"device_cgroup_rules", HOST, "DeviceCgroupRules", field_read_set, 0, NULL, NULL},
    {"devices", HOST, "Devices", field_read_devices, 0, NULL, NULL},
    {"dns", HOST, "Dns", field_read_addresses, 0, NULL, NULL},
    {"dns_opt", HOST, "DnsOptions", field_read_list, 0, NULL, NULL},
    {"dns_search", HOST, "DnsSearch", field_read_list, 0, NULL, NULL},
    {"domainname", CONFIG, "Domainname", field_read_text, SILENT, NULL, NULL},
    {"entrypoint", CONFIG, "Entrypoint", field_read_list, IMAGE, NULL, NULL},
    {"environment", CONFIG, "Env", field_read_environment, IMAGE, NULL, NULL},
    {"expose", CONFIG, "ExposedPorts", field_read_exposed, IMAGE, NULL, NULL},
    {"extra_hosts", HOST, "ExtraHosts", field_read_extra_hosts, 0, NULL, NULL},
    {"gpus", HOST, "DeviceRequests", field_read_requests, 0, NULL, NULL},
    {"group_add", HOST, "GroupAdd", field_read_set, 0, NULL, NULL},
    {"healthcheck.interval", CONFIG, "Healthcheck.Interval", field_read_duration, IMAGE, NULL, NULL},
    {"healthcheck.retries", CONFIG, "Healthcheck.Retries", field_read_number, IMAGE, NULL, NULL},
    {"healthcheck.start_interval", CONFIG, "Healthcheck.StartInterval", field_read_duration, IMAGE | UNABLE, NULL, NULL},
    {"healthcheck.start_period", CONFIG, "Healthcheck.StartPeriod", field_read_duration, IMAGE, NULL, NULL},
    {"healthcheck.test", CONFIG, "Healthcheck.Test", field_read_list, IMAGE, NULL, NULL},
    {"healthcheck.timeout", CONFIG, "Healthcheck.Timeout", field_read_duration, IMAGE, NULL, NULL},
    {"hostname", CONFIG, "Hostname", field_read_hostname, SILENT, NULL, NULL},
    {"init", HOST, "Init", field_read_tri, 0, NULL, NULL},
    {"ipc", HOST, "IpcMode", field_read_text, SILENT | OTHER, "private", NULL},
    {"labels", CONFIG, "Labels", field_read_labels, IMAGE, NULL, NULL},
    {"links", HOST, "Links", field_read_list, 0, NULL, NULL},
    {"logging.driver", HOST, "LogConfig.Type", field_read_text, SILENT, "json-file", NULL},
    {"logging.options", HOST, "LogConfig.Config", field_read_map, SILENT, NULL, NULL},
    {"mac_address", CONFIG, "MacAddress", field_read_mac, SILENT | UNABLE, NULL, NULL}, /* not reported from API 1.52 on */
    {"mem_limit", HOST, "Memory", field_read_bytes, LIVE | UNABLE, NULL, NULL},
    {"mem_reservation", HOST, "MemoryReservation", field_read_bytes, LIVE | UNABLE, NULL, NULL},
    {"mem_swappiness", HOST, "MemorySwappiness", field_read_swappiness, UNABLE, NULL, NULL},
    {"memswap_limit", HOST, "MemorySwap", field_read_swap, LIVE | UNABLE, NULL, "unlimited"},
    {"network_mode", HOST, "NetworkMode", field_read_network_mode, OTHER, "bridge", NULL},
    {"networks", CONFIG, NULL, field_read_networks, LIVE | SILENT, NULL, NULL},
    {"oom_kill_disable", HOST, "OomKillDisable", field_read_yes, UNABLE, NULL, NULL},
    {"oom_score_adj", HOST, "OomScoreAdj", field_read_number, 0, NULL, NULL},
    {"pid", HOST, "PidMode", field_read_text, OTHER, NULL, NULL},
    {"pids_limit", HOST, "PidsLimit", field_read_positive, LIVE, NULL, NULL},
    {"ports", HOST, "PortBindings", field_read_ports, 0, NULL, NULL},
    {"privileged", HOST, "Privileged", field_read_yes, 0, NULL, NULL},
    {"publish_all_ports", HOST, "PublishAllPorts", field_read_yes, 0, NULL, NULL},
    {"read_only", HOST, "ReadonlyRootfs", field_read_yes, 0, NULL, NULL},
    {"restart", HOST, "RestartPolicy", field_read_restart, LIVE, "no", NULL},
    {"runtime", HOST, "Runtime", field_read_text, SILENT, "runc", NULL},
    {"security_opt", HOST, "SecurityOpt", field_read_security, 0, NULL, NULL},
    {"shm_size", HOST, "ShmSize", field_read_bytes, SILENT, "64M", NULL},
    {"stdin_open", CONFIG, "OpenStdin", field_read_yes, 0, NULL, NULL},
    {"stop_grace_period", CONFIG, "StopTimeout", field_read_seconds, 0, "10s", NULL},
    {"stop_signal", CONFIG, "StopSignal", field_read_text, IMAGE, "SIGTERM", NULL},
    {"storage_opt", HOST, "StorageOpt", field_read_map, 0, NULL, NULL},
    {"sysctls", HOST, "Sysctls", field_read_map, 0, NULL, NULL},
    {"tty", CONFIG, "Tty", field_read_yes, 0, NULL, NULL},
    {"ulimits", HOST, "Ulimits", field_read_ulimits, SILENT, NULL, NULL},
    {"user", CONFIG, "User", field_read_text, IMAGE, NULL, NULL},
    {"userns_mode", HOST, "UsernsMode", field_read_text, 0, NULL, NULL},
    {"uts", HOST, "UTSMode", field_read_text, 0, NULL, NULL},
    {"volumes", CONFIG, NULL, field_read_volumes, IMAGE, NULL, NULL},
    {"volumes_from", HOST, "VolumesFrom", field_read_list, 0, NULL, NULL},
    {"working_dir", CONFIG, "WorkingDir", field_read_path, IMAGE, NULL, NULL},
};
/* clang-format on */

const struct field_row *engine_field_row(size_t i)
{
    return i < ARRAY_LEN(rows) ? &rows[i] : NULL;
}

struct part { /* of a key: its first n letters */
    const char *text;
    size_t n;
};

static int compare_part(const void *part, const void *row)
{
    const struct part *p = part;
    const char *name = ((const struct field_row *)row)->name;
    int order = strncmp(p->text, name, p->n);

    return order != 0 ? order : name[p->n] == '\0' ? 0 : -1;
}

/* The rows are sorted by name. The row of "mem_limit", or of an element: "environment.TZ", "logging.options.max-size". */
static const struct field_row *row_of(const char *key)
{
    for (size_t n = strcspn(key, "."); n > 0; n += 1 + strcspn(key + n + 1, ".")) {
        const struct part part = {key, n};
        const struct field_row *row =
            bsearch(&part, rows, ARRAY_LEN(rows), sizeof(rows[0]), compare_part);

        if (row || key[n] == '\0')
            return row;
    }
    return NULL;
}

static bool is_default(const struct field_row *row, const char *value)
{
    return row && row->engine_default && strcmp(row->engine_default, value) == 0;
}

/* ---- reading ---- */

static struct kvs read_rows(const struct field_view *v, unsigned flags, struct arena *a)
{
    struct field_sink sink = {.arena = a};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct field_row *row = &rows[i];
        const json_t *place = row->where == HOST ? v->host : v->config;

        if ((row->flags & flags) == flags)
            row->read(&sink, v, row->name, row->member ? js_at(place, row->member) : NULL);
    }
    return field_sink_sorted(&sink);
}

static struct kvs without_defaults(const struct kvs *all, struct arena *a)
{
    struct kvs kept = {0};

    for (size_t i = 0; i < all->n; i++)
        if (!is_default(row_of(all->v[i].key), all->v[i].value))
            kvs_set(a, &kept, all->v[i].key, all->v[i].value);
    return kept;
}

struct kvs engine_fields_of_body(const json_t *body, struct arena *a)
{
    struct field_view v = {
        .config = body,
        .host = js_at(body, "HostConfig"),
        .networks = js_at(body, "NetworkingConfig.EndpointsConfig"),
        .id = "",
    };

    return read_rows(&v, 0, a);
}

struct kvs engine_fields_of_inspect(const json_t *inspect, struct arena *a)
{
    struct field_view v = {
        .config = js_at(inspect, "Config"),
        .host = js_at(inspect, "HostConfig"),
        .networks = js_at(inspect, "NetworkSettings.Networks"),
        .id = js_str(inspect, "Id", ""),
    };
    struct kvs all = read_rows(&v, 0, a);

    return without_defaults(&all, a);
}

struct kvs engine_fields_of_image(const json_t *image, struct arena *a)
{
    struct field_view v = {.config = js_at(image, "Config"), .id = ""};

    return read_rows(&v, IMAGE, a);
}

/* ---- comparing ---- */

struct kvs engine_fields_expected(const struct kvs *body, const struct kvs *image, struct arena *a)
{
    bool own_entrypoint = kvs_get(body, "entrypoint") != NULL;
    struct kvs all = {0}, kept = {0};
    size_t i = 0, j = 0;

    while (i < image->n || j < body->n) {
        int by = i == image->n ? 1 : j == body->n ? -1 : strcmp(image->v[i].key, body->v[j].key);
        const struct kv *from = by < 0 ? &image->v[i] : &body->v[j];
        bool dropped = by < 0 && own_entrypoint && strcmp(from->key, "command") == 0;

        if (!dropped)
            kvs_set(a, &all, from->key, from->value);
        i += by <= 0;
        j += by >= 0;
    }
    for (i = 0; i < all.n; i++) {
        const struct field_row *row = row_of(all.v[i].key);

        /* A default that the daemon may have set otherwise is a wish of its own. [] is an entrypoint that was cleared. */
        if (row && !(row->flags & SILENT) && is_default(row, all.v[i].value))
            continue;
        if (row && row->read == field_read_list && strcmp(all.v[i].value, "[]") == 0)
            continue;
        kvs_set(a, &kept, all.v[i].key, all.v[i].value);
    }
    return kept;
}

static bool another_container(const char *mode)
{
    return strncmp(mode, "container:", 10) == 0;
}

/* What the kernel cannot do is told apart from what a hand took away by what the engine reports elsewhere. */
static bool unable(const struct field_row *row, uint64_t able)
{
    return (row->flags & UNABLE) &&
           !((row->flags & LIVE) && (able & UINT64_C(1) << (row - rows) % 64));
}

static bool explained(const struct field_row *row, const char *want, const char *have,
                      uint64_t able)
{
    if (!row)
        return false;
    if (have && row->without && strcmp(have, row->without) == 0)
        return unable(row, able);
    if (!want)
        return row->flags & SILENT;
    if (!have)
        return unable(row, able) || is_default(row, want);
    return (row->flags & OTHER) && another_container(want) && another_container(have);
}

static bool is_twice(const char *swap, const char *memory)
{
    int64_t a, b;

    return memory && parse_bytes(swap, &a) == 0 && parse_bytes(memory, &b) == 0 && a / 2 == b &&
           a % 2 == 0;
}

/* Swap that nobody asks for is twice the memory, be it the memory that is wanted or the one that a hand set; where no limit of memory is
 * wanted, it goes with the one that is had. */
static bool swap_follows(const struct kvs *want, const struct kvs *have,
                         const struct field_difference *d)
{
    const char *memory = kvs_get(want, "mem_limit");

    if (d->want || strcmp(d->key, "memswap_limit") != 0)
        return false;
    return !memory || is_twice(d->have, memory) || is_twice(d->have, kvs_get(have, "mem_limit"));
}

uint64_t engine_fields_able(const struct kvs *have)
{
    uint64_t able = 0;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct field_row *row = &rows[i];
        bool asks = (row->flags & (LIVE | UNABLE)) == (LIVE | UNABLE);
        const char *value = asks ? kvs_get(have, row->name) : NULL;

        if (value && !(row->without && strcmp(row->without, value) == 0))
            able |= UINT64_C(1) << i % 64;
    }
    return able;
}

size_t engine_fields_join(const struct kvs *want, const struct kvs *have, uint64_t able,
                          struct arena *a, struct field_difference **ret)
{
    struct field_difference *found = NULL;
    size_t n = 0, cap = 0, i = 0, j = 0;

    while (i < want->n || j < have->n) {
        int by = i == want->n ? 1 : j == have->n ? -1 : strcmp(want->v[i].key, have->v[j].key);
        struct field_difference d = {
            .key = by <= 0 ? want->v[i].key : have->v[j].key,
            .want = by <= 0 ? want->v[i].value : NULL,
            .have = by >= 0 ? have->v[j].value : NULL,
        };

        i += by <= 0;
        j += by >= 0;
        if (by == 0 && strcmp(d.want, d.have) == 0)
            continue;
        if (!explained(row_of(d.key), d.want, d.have, able) && !swap_follows(want, have, &d)) {
            found = arena_grow(a, found, n, &cap, sizeof(*found));
            found[n++] = d;
        }
    }
    *ret = found;
    return n;
}

size_t engine_fields_differ(const struct kvs *body, const struct kvs *image, const struct kvs *have,
                            struct arena *a, struct field_difference **ret)
{
    struct kvs want = engine_fields_expected(body, image, a);

    return engine_fields_join(&want, have, 0, a, ret);
}

enum field_repair engine_field_repair(const char *key)
{
    const struct field_row *row = row_of(key);

    if (!row || !(row->flags & LIVE))
        return FIELD_REPLACE;
    return row->where == HOST ? FIELD_UPDATE : FIELD_NETWORK;
}

bool engine_field_known(const char *key)
{
    return row_of(key) != NULL;
}

bool engine_field_live(const char *key)
{
    const struct field_row *row = row_of(key);

    return row && (row->flags & LIVE);
}

/* ---- secrets ---- */

static bool word_is_secret(const char *word, size_t n)
{
    static const char *const anywhere[] = {"password", "passwd",     "passphrase", "secret",
                                           "token",    "credential", "private",    "basicauth"};
    static const char *const alone[] = {"pass", "pwd",  "pw",   "auth", "url",   "uri",
                                        "dsn",  "keys", "salt", "cert", "cookie"};

    for (size_t i = 0; i < ARRAY_LEN(anywhere); i++)
        for (size_t at = 0, m = strlen(anywhere[i]); at + m <= n; at++)
            if (strncasecmp(word + at, anywhere[i], m) == 0)
                return true;
    for (size_t i = 0; i < ARRAY_LEN(alone); i++)
        if (strlen(alone[i]) == n && strncasecmp(word, alone[i], n) == 0)
            return true;
    return n >= 3 && strncasecmp(word + n - 3, "key", 3) == 0; /* KEY, APIKEY */
}

bool engine_field_secret(const char *key)
{
    static const char *const prefixes[] = {"environment.", "labels.", "logging.options.",
                                           "annotations."};
    const char *name = NULL;

    for (size_t i = 0; i < ARRAY_LEN(prefixes) && !name; i++)
        if (strncmp(key, prefixes[i], strlen(prefixes[i])) == 0)
            name = key + strlen(prefixes[i]);
    while (name && *name) {
        size_t n = strcspn(name, "_-./");

        if (word_is_secret(name, n))
            return true;
        name += n;
        name += *name != '\0';
    }
    return false;
}
