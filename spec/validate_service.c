/* validate_service.c: the rules across the fields of one service.
 *
 * In: a decoded service and the mapping it came from. Out: diagnostics. What the engine would only say at create or start, in
 * its own words and for one container at a time, is said here with file and line. */
#include "spec/validate_service.h"

#include <inttypes.h>

#include "spec/base/arena.h"
#include "spec/decode.h"
#include "spec/draft.h"

/* Error at a key of the service, or at the service when the value came from elsewhere (deploy, security). */
#define SAY(key, hint, ...)                                                                        \
    decode_say(c, DIAG_ERROR, decode_key_place(c, d->node, key), hint, __VA_ARGS__)

static bool more_than_one(const struct service *s)
{
    return s->replicas.set && s->replicas.v > 1;
}

static bool shares_namespace(const char *mode)
{
    return mode && (strncmp(mode, "container:", 10) == 0 || strncmp(mode, "service:", 8) == 0);
}

static void require_image(struct decode_ctx *c, const struct service_draft *d)
{
    const struct yaml_node *said = yaml_get(d->node, "image");

    if (d->s.image && d->s.build.set)
        SAY("image", "leave out `image`: what is built is named after app and service",
            "both `image` and a source");
    if (d->s.image || d->s.build.set || d->node->kind != YAML_MAP || d->node->broken ||
        (said && said->kind != YAML_NULL) || yaml_get(d->node, "source") ||
        yaml_get(d->node, "build"))
        return;
    decode_say(c, DIAG_ERROR, d->s.at,
               "example: image: nginx:1.27-alpine, or source: {path: ./app}", "`image` is missing");
}

/* An engine keeps one platform of an image. */
static void choose_platform(struct decode_ctx *c, struct service_draft *d)
{
    const struct strv *all = &d->s.build.platforms;

    if (all->n == 0)
        return;
    if (d->s.platform && !strv_has(all, d->s.platform))
        SAY("build", "they must hold what `platform` says", "`platforms` has no %s", d->s.platform);
    else if (!d->s.platform && all->n > 1)
        SAY("build", arena_printf(c->arena, "write `platform: %s` beside `build`", all->v[0]),
            "an engine builds for one of its `platforms`, and nothing says which");
    else if (!d->s.platform)
        d->s.platform = all->v[0];
}

static void check_pull(struct decode_ctx *c, const struct service_draft *d)
{
    const struct service *s = &d->s;

    if (s->pull == PULL_REFRESH && (!s->pull_every_ns.set || s->pull_every_ns.v <= 0))
        SAY("pull_policy", "write `pull_refresh_after: 24h` too, or `pull_policy: daily`",
            "`pull_policy: refresh` needs a time");
    if (s->pull != PULL_REFRESH && s->pull_every_ns.set)
        SAY("pull_refresh_after", "write `pull_policy: refresh` too",
            "`pull_refresh_after` means something for `pull_policy: refresh` only");
}

static void check_memory(struct decode_ctx *c, const struct service_draft *d)
{
    const struct service *s = &d->s;

    if (s->memswap_limit.set && s->memswap_limit.v > 0 && s->mem_limit.set &&
        s->memswap_limit.v < s->mem_limit.v)
        SAY("memswap_limit", "it counts memory and swap together",
            "`memswap_limit` is below `mem_limit`");
    if (s->mem_reservation.set && s->mem_limit.set && s->mem_limit.v > 0 &&
        s->mem_reservation.v > s->mem_limit.v)
        SAY("mem_reservation", NULL, "`mem_reservation` is above `mem_limit`");
}

static void check_cpus(struct decode_ctx *c, const struct service_draft *d)
{
    const struct service *s = &d->s;
    bool quota = s->cpu_quota_us.set || s->cpu_period_us.set;

    if (quota && s->nano_cpus.set)
        SAY(s->cpu_quota_us.set ? "cpu_quota" : "cpu_period", "leave one of the two out",
            "`cpus` says the same as `cpu_quota` and `cpu_period`; the engine takes one of them");
    if (s->cpu_rt_runtime_us.set && s->cpu_rt_period_us.set &&
        s->cpu_rt_runtime_us.v > s->cpu_rt_period_us.v)
        SAY("cpu_rt_runtime", NULL, "`cpu_rt_runtime` is above `cpu_rt_period`");
}

static void check_restart(struct decode_ctx *c, const struct service_draft *d)
{
    if (d->s.restart_max.set && d->s.restart != RESTART_ON_FAILURE)
        SAY("deploy", "write `condition: on-failure` too",
            "`max_attempts` means something for `on-failure` only");
}

static void check_network_mode(struct decode_ctx *c, const struct service_draft *d)
{
    const struct service *s = &d->s;
    const char *mode = s->network_mode;

    if (!mode)
        return;
    if (s->n_links || s->external_links.n)
        SAY(s->n_links ? "links" : "external_links", NULL,
            "links mean something on networks of the app only, not with `network_mode: %s`", mode);
    if (s->n_networks > 0)
        SAY("network_mode", "leave one of the two out",
            "`network_mode` and `networks` exclude each other");
    if (s->n_ports > 0 && strcmp(mode, "bridge") != 0)
        SAY("ports", strcmp(mode, "host") == 0 ? "its ports are the host's ports already" : NULL,
            "ports cannot be published with `network_mode: %s`", mode);
    if (shares_namespace(mode) && s->hostname)
        SAY("hostname", NULL, "the host name belongs to the container whose network is shared");
    if (shares_namespace(mode) && (s->dns.n || s->extra_hosts.n))
        SAY(s->dns.n ? "dns" : "extra_hosts", NULL,
            "name resolution belongs to the container whose network is shared");
    if (s->mac_address && strcmp(mode, "bridge") != 0)
        SAY("mac_address", NULL, "a MAC address cannot be set with `network_mode: %s`", mode);
    for (size_t i = 0; strcmp(mode, "host") == 0 && i < s->sysctls.n; i++)
        if (strncmp(s->sysctls.v[i].key, "net.", 4) == 0)
            SAY("sysctls", "set it on the host", "`%s` cannot be set with `network_mode: host`",
                s->sysctls.v[i].key);
}

static void check_namespaces(struct decode_ctx *c, const struct service_draft *d)
{
    const struct service *s = &d->s;

    if (s->uts && (s->hostname || s->domainname))
        SAY("uts", "leave one of the two out", "`hostname` cannot be set with `uts: host`");
    if (s->shm_size.set && s->ipc && (strcmp(s->ipc, "host") == 0 || shares_namespace(s->ipc)))
        SAY("shm_size", NULL, "the size of /dev/shm cannot be set with `ipc: %s`", s->ipc);
}

static void check_replicas(struct decode_ctx *c, const struct service_draft *d)
{
    const struct service *s = &d->s;

    if (!more_than_one(s))
        return;
    if (s->container_name)
        SAY("container_name", "leave `container_name` out",
            "%" PRId64 " containers cannot share one name", s->replicas.v);
    if (s->mac_address)
        SAY("mac_address", NULL, "%" PRId64 " containers cannot share one MAC address",
            s->replicas.v);
    for (size_t i = 0; i < s->n_ports; i++)
        if (s->ports[i].published)
            decode_say(c, DIAG_ERROR, s->ports[i].at, "give the container's port alone",
                       "%" PRId64 " containers cannot share the host's port %d", s->replicas.v,
                       s->ports[i].published);
    for (size_t i = 0; i < s->n_networks; i++)
        if (s->networks[i].ipv4 || s->networks[i].ipv6 || s->networks[i].mac_address ||
            s->networks[i].link_local_ips.n)
            decode_say(c, DIAG_ERROR, s->networks[i].at, NULL,
                       "%" PRId64 " containers cannot share one address", s->replicas.v);
}

static int cmp_mount(const void *a, const void *b)
{
    const struct mount *x = *(const struct mount *const *)a, *y = *(const struct mount *const *)b;
    int order = strcmp(x->target, y->target);

    return order ? order : (x > y) - (x < y); /* in the order of the file */
}

static void check_mounts(struct decode_ctx *c, const struct service_draft *d)
{
    const struct service *s = &d->s;
    const struct mount **v = ARENA_ARRAY(c->arena, s->n_mounts, const struct mount *);

    for (size_t i = 0; i < s->n_mounts; i++)
        v[i] = &s->mounts[i];
    if (s->n_mounts > 1)
        qsort(v, s->n_mounts, sizeof(v[0]), cmp_mount);
    for (size_t i = 1; i < s->n_mounts; i++)
        if (strcmp(v[i - 1]->target, v[i]->target) == 0)
            decode_say(c, DIAG_ERROR, v[i]->at,
                       arena_printf(c->arena, "the first is in line %d", v[i - 1]->at.line),
                       "%s is mounted twice", v[i]->target);
}

static void check_health(struct decode_ctx *c, const struct service_draft *d)
{
    const struct healthcheck *h = &d->s.health;
    bool none = h->test.set && strcmp(h->test.argv.v[0], "NONE") == 0;

    if (h->disable == TRI_YES && h->test.set && !none)
        SAY("healthcheck", "leave one of the two out",
            "`disable: true` and a `test` exclude each other");
}

static void check_caps(struct decode_ctx *c, const struct service_draft *d)
{
    for (size_t i = 0; i < d->s.cap_add.n; i++)
        if (strcmp(d->s.cap_add.v[i], "ALL") != 0 && strv_has(&d->s.cap_drop, d->s.cap_add.v[i]))
            SAY("cap_drop", NULL, "%s is both added and dropped", d->s.cap_add.v[i]);
}

void validate_service(struct decode_ctx *c, struct service_draft *d)
{
    require_image(c, d);
    choose_platform(c, d);
    check_pull(c, d);
    check_memory(c, d);
    check_cpus(c, d);
    check_restart(c, d);
    check_network_mode(c, d);
    check_namespaces(c, d);
    check_replicas(c, d);
    check_mounts(c, d);
    check_health(c, d);
    check_caps(c, d);
}
