/* defaults.c: hardening, limits and logs for services that do not say otherwise.
 *
 * In: a service as written, the agent's settings. Out: the service as it will be created. Narrower than the engine's own
 * defaults on purpose; every value can be widened by its own key. It changes nothing that the user wrote. */
#include "spec/defaults.h"

#include "spec/base/arena.h"
#include "spec/desired.h"

/* ---- capabilities ---- */

/* What root entrypoints of the usual images need to become somebody else. */
static const char *const hardened_caps[] = {"NET_BIND_SERVICE"};
static const char *const service_caps[] = {
    "CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID"};

bool defaults_service_cap(const char *cap)
{
    for (size_t i = 0; i < ARRAY_LEN(service_caps); i++)
        if (strcmp(service_caps[i], cap) == 0)
            return true;
    return false;
}

static void narrow(const struct service *s, const char *const *caps, size_t n, struct arena *a,
                   struct service *ret)
{
    struct strv add = {0}, drop = {0};

    for (size_t i = 0; i < n; i++)
        if (!strv_has(&s->cap_drop, caps[i]) && !strv_has(&s->cap_drop, "ALL"))
            strv_push(a, &add, caps[i]);
    for (size_t i = 0; i < s->cap_add.n; i++)
        if (!strv_has(&add, s->cap_add.v[i]))
            strv_push(a, &add, s->cap_add.v[i]);
    strv_sort(&add);
    strv_push(a, &drop, "ALL");
    ret->cap_add = add;
    ret->cap_drop = drop;
}

static void apply_profile(const struct service *s, struct arena *a, struct service *ret)
{
    if (ret->profile == PROFILE_UNSET)
        ret->profile = s->defaults == DEFAULTS_COMPOSE ? PROFILE_SERVICE : PROFILE_HARDENED;
    /* Dropping everything from a container that was given everything would only look safe. */
    if (s->privileged == TRI_YES || strv_has(&s->cap_add, "ALL"))
        return;
    switch (ret->profile) {
    case PROFILE_UNSET:
    case PROFILE_HARDENED: narrow(s, hardened_caps, ARRAY_LEN(hardened_caps), a, ret); return;
    case PROFILE_SERVICE: narrow(s, service_caps, ARRAY_LEN(service_caps), a, ret); return;
    case PROFILE_DOCKER: return;
    }
}

static bool is_no_new_privileges(const char *opt)
{
    static const char name[] = "no-new-privileges";

    return strncmp(opt, name, sizeof(name) - 1) == 0;
}

/* security_opt carries it from here on; what the user wrote there goes first. */
static void apply_no_new_privileges(const struct service *s, struct arena *a, struct service *ret)
{
    struct strv opts = {0};
    bool said = false;

    for (size_t i = 0; i < s->security_opt.n; i++) {
        said |= is_no_new_privileges(s->security_opt.v[i]);
        strv_push(a, &opts, s->security_opt.v[i]);
    }
    if (!said && (s->no_new_privileges == TRI_YES ||
                  (s->no_new_privileges == TRI_UNSET && s->privileged != TRI_YES)))
        strv_push(a, &opts, "no-new-privileges:true");
    ret->security_opt = opts;
}

/* ---- limits ---- */

static struct num otherwise(struct num said, struct num setting, int64_t fallback)
{
    if (said.set)
        return said;
    return setting.set ? setting : (struct num){fallback, true};
}

/* 0 switches a limit off, in a spec and in the settings alike. */
static void switch_off(struct num *n)
{
    if (n->set && n->v <= 0)
        *n = (struct num){0};
}

static void apply_memory(const struct settings *settings, const struct service *s,
                         struct service *ret)
{
    bool free = s->defaults == DEFAULTS_COMPOSE || s->n_gpus > 0;

    ret->mem_limit = otherwise(s->mem_limit, settings->mem_limit, free ? 0 : DEFAULT_MEMORY_BYTES);
    /* A default must not contradict what was written beside it. */
    if (!s->mem_limit.set && ret->mem_limit.v > 0) {
        if (s->mem_reservation.set && s->mem_reservation.v > ret->mem_limit.v)
            ret->mem_limit.v = s->mem_reservation.v;
        if (s->memswap_limit.set && s->memswap_limit.v > 0 && s->memswap_limit.v < ret->mem_limit.v)
            ret->mem_limit.v = s->memswap_limit.v;
    }
    switch_off(&ret->mem_limit);
    if (!ret->mem_limit.set)
        ret->memswap_limit = (struct num){0};
    else if (!s->memswap_limit.set || s->memswap_limit.v == 0)
        ret->memswap_limit = ret->mem_limit;
}

/* Then /dev/shm is not its own. */
static bool shares_ipc(const struct service *s)
{
    return s->ipc && strcmp(s->ipc, "private") != 0 && strcmp(s->ipc, "shareable") != 0;
}

static void apply_limits(const struct settings *settings, const struct service *s,
                         struct service *ret)
{
    bool compose = s->defaults == DEFAULTS_COMPOSE, gpus = s->n_gpus > 0;
    /* The engine takes one of the two ways to say it. */
    bool quota = s->cpu_quota_us.set || s->cpu_period_us.set;

    apply_memory(settings, s, ret);
    if (!quota)
        ret->nano_cpus =
            otherwise(s->nano_cpus, settings->nano_cpus, compose || gpus ? 0 : DEFAULT_NANO_CPUS);
    switch_off(&ret->nano_cpus);
    ret->pids_limit = otherwise(s->pids_limit, settings->pids_limit,
                                gpus      ? DEFAULT_GPU_PIDS
                                : compose ? DEFAULT_COMPOSE_PIDS
                                          : DEFAULT_PIDS);
    switch_off(&ret->pids_limit);
    if (gpus && !s->shm_size.set && !shares_ipc(s))
        ret->shm_size = (struct num){DEFAULT_GPU_SHM_BYTES, true};
}

/* ---- logs ---- */

static void apply_logging(const struct service *s, struct arena *a, struct service *ret)
{
    struct kvs options = {0};

    if (s->logging.driver && strcmp(s->logging.driver, "json-file") != 0)
        return;
    kvs_set(a, &options, "max-file", DEFAULT_LOG_FILES);
    kvs_set(a, &options, "max-size", DEFAULT_LOG_SIZE);
    for (size_t i = 0; i < s->logging.options.n; i++)
        kvs_set(a, &options, s->logging.options.v[i].key, s->logging.options.v[i].value);
    ret->logging = (struct logging){.driver = "json-file", .options = options, .set = true};
}

void defaults_apply(const struct settings *settings, const struct service *s, bool one_shot,
                    struct arena *a, struct service *ret)
{
    struct service out = *s;

    apply_profile(s, a, &out);
    apply_no_new_privileges(s, a, &out);
    apply_limits(settings, s, &out);
    apply_logging(s, a, &out);
    if (s->restart == RESTART_UNSET)
        out.restart = one_shot ? RESTART_NO : RESTART_UNLESS_STOPPED;
    if (!s->replicas.set)
        out.replicas = (struct num){1, true};
    *ret = out;
}

void defaults_plain(const struct service *s, struct arena *a, struct service *ret)
{
    struct service out = *s;

    if (s->profile != PROFILE_UNSET)
        apply_profile(s, a, &out);
    if (s->no_new_privileges == TRI_YES)
        apply_no_new_privileges(s, a, &out);
    switch_off(&out.mem_limit);
    switch_off(&out.nano_cpus);
    switch_off(&out.pids_limit);
    *ret = out;
}
