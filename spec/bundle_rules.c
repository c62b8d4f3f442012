/* bundle_rules.c: the rules for specs inside archives, which may come from people who are not trusted with the host.
 *
 * In: a decoded app whose text stood in an archive. Out: errors for whatever would reach the host: its files, devices, namespaces, kernel. Names of
 * keys only; what an archive may do otherwise is the defaults' business. */
#include "spec/bundle_rules.h"

#include "spec/base/arena.h"
#include "spec/decode.h"
#include "spec/document.h"
#include "spec/draft.h"

/* Compose's `build: ./folder` is a folder of the archive that the file stands in. */
static void build_inside(const struct decode_ctx *c, struct build *b)
{
    size_t n = strlen(c->dir);

    if (!c->compose || !b->set || b->bundle || !b->path || strncmp(b->path, c->dir, n) != 0 ||
        (b->path[n] && b->path[n] != '/'))
        return;
    b->bundle = c->loader->bundle;
    b->path = b->path[n] && b->path[n + 1] ? b->path + n + 1 : NULL;
}

void bundle_default_source(const struct decode_ctx *c, struct app_draft *d)
{
    if (!c->loader || !c->loader->bundle)
        return;
    for (size_t i = 0; i < d->n_services; i++) {
        struct service *s = &d->services[i].s;

        build_inside(c, &s->build);
        if (!s->image && !s->build.set)
            s->build = (struct build){.set = true, .at = s->at, .bundle = c->loader->bundle};
    }
}

static void refuse(struct decode_ctx *c, const struct service_draft *d, const char *key)
{
    decode_say(c, DIAG_ERROR, decode_key_place(c, d->node, key),
               "a spec of your own, outside the archive, may",
               "a spec inside an archive must not use `%s`: it reaches the host", key);
}

static bool is_host(const char *mode)
{
    return mode && (strcmp(mode, "host") == 0 || strncmp(mode, "container:", 10) == 0);
}

static void refuse_mounts(struct decode_ctx *c, const struct service_draft *d)
{
    for (size_t i = 0; i < d->s.n_mounts; i++)
        if (d->s.mounts[i].kind == MOUNT_BIND && !d->s.mounts[i].file &&
            !(c->over && strcmp(d->s.mounts[i].at.file, c->over->at.file) == 0))
            decode_say(c, DIAG_ERROR, d->s.mounts[i].at, "a named volume keeps data",
                       "a spec inside an archive must not mount folders of the host");
}

static void service_rules(struct decode_ctx *c, const struct service_draft *d)
{
    const struct service *s = &d->s;
    const struct {
        const char *key;
        bool asked;
    } rows[] = {
        {"cap_add", s->cap_add.n > 0},
        {"cgroup_parent", s->cgroup_parent != NULL},
        {"cpu_rt_runtime", s->cpu_rt_runtime_us.set},
        {"device_cgroup_rules", s->device_cgroup_rules.n > 0},
        {"devices", s->n_devices > 0},
        {"external_links", s->external_links.n > 0},
        {"gpus", s->n_gpus > 0},
        {"ipc", is_host(s->ipc)},
        {"network_mode", is_host(s->network_mode)},
        {"oom_kill_disable", s->oom_kill_disable == TRI_YES},
        {"oom_score_adj", s->oom_score_adj.set && s->oom_score_adj.v < 0},
        {"pid", is_host(s->pid)},
        {"privileged", s->privileged == TRI_YES},
        {"runtime", s->runtime != NULL},
        {"security", s->no_new_privileges == TRI_NO || s->profile == PROFILE_DOCKER},
        {"security_opt", s->security_opt.n > 0},
        {"sysctls", s->sysctls.n > 0},
        {"userns_mode", is_host(s->userns)},
        {"uts", is_host(s->uts)},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].asked)
            refuse(c, d, rows[i].key);
    if (s->build.network && strcmp(s->build.network, "host") == 0)
        decode_say(c, DIAG_ERROR, s->build.at, NULL,
                   "a spec inside an archive must not build with the host's network");
    if (s->build.set && (!s->build.bundle || strcmp(s->build.bundle, c->loader->bundle) != 0))
        decode_say(c, DIAG_ERROR, s->build.at, "leave `source` out: it is built from the archive",
                   "a spec inside an archive must not name another source");
    refuse_mounts(c, d);
}

void bundle_rules(struct decode_ctx *c, const struct app_draft *d)
{
    if (!c->loader || !c->loader->bundle)
        return;
    for (size_t i = 0; i < d->n_services; i++)
        service_rules(c, &d->services[i]);
    for (size_t i = 0; i < d->a.n_volumes; i++)
        if (d->a.volumes[i].driver_opts.n > 0 || d->a.volumes[i].external == TRI_YES)
            decode_say(c, DIAG_ERROR, d->a.volumes[i].at, NULL,
                       "a spec inside an archive must not use volumes with options, or of others");
    for (size_t i = 0; i < d->a.n_networks; i++)
        if (d->a.networks[i].driver_opts.n > 0 || d->a.networks[i].external == TRI_YES)
            decode_say(c, DIAG_ERROR, d->a.networks[i].at, NULL,
                       "a spec inside an archive must not use networks with options, or of others");
}
