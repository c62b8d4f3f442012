/* policy.c: judges what a confined app asks of the host.
 *
 * In: a complete app with every default applied, where it came from, the rules of the agent's configuration. Out: nothing, or an error for each thing that is refused:
 * the key, its place, why, and the line that would allow it. It judges by the letters of paths; whether links lie in them is asked where a container is made, because
 * links can change between the two (`confined` of a service). */
#include "spec/policy.h"

#include <string.h>

#include "spec/base/arena.h"
#include "spec/defaults.h"
#include "spec/desired.h"
#include "spec/desired_route.h"

struct judge {
    const struct settings *settings;
    const struct want_app *app;
    const struct service *service; /* being judged, or NULL */
    struct arena *arena;
    struct diag_list *diags;
    const char *first;              /* refusal */
    const struct policy_rule *used; /* the rule that allowed the last thing asked */
};

/* ---- paths ---- */

bool path_within(const char *folder, const char *path)
{
    size_t n = strlen(folder);

    while (n > 0 && folder[n - 1] == '/')
        n--;
    return strncmp(folder, path, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* Where engines and what they stand on listen, and keep what is everybody's. */
static const char *const engine_places[] = {
    "/run/docker.sock",     "/run/docker",         "/run/containerd",     "/run/podman",
    "/var/run/docker.sock", "/var/run/docker",     "/var/run/containerd", "/var/run/podman",
    "/var/lib/docker",      "/var/lib/containerd",
};

static bool reaches_engine(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(engine_places); i++)
        if (path_within(engine_places[i], path) || path_within(path, engine_places[i]))
            return true;
    return false;
}

/* ---- places ---- */

/* Of the first of these keys that the service wrote, else of the service itself. */
static struct place place_of(const struct judge *j, const char *key, const char *other)
{
    const struct service *s = j->service;

    for (size_t i = 0; i < s->n_places; i++)
        if (strcmp(s->places[i].key, key) == 0 || (other && strcmp(s->places[i].key, other) == 0))
            return s->places[i].at;
    return s->at;
}

/* ---- rules ---- */

static bool rule_covers(const struct policy_rule *r, const char *word, const char *value)
{
    if (strcmp(r->word, word) != 0)
        return false;
    if (!r->value)
        return true;
    if (!value)
        return false;
    return r->value[0] == '/' ? path_within(r->value, value) : strcmp(r->value, value) == 0;
}

static bool allowed(struct judge *j, const char *word, const char *value)
{
    const struct policy *p = &j->settings->policy;

    for (size_t i = 0; i < p->n; i++) {
        const struct policy_rule *r = &p->v[i];

        if ((strcmp(r->app, "*") == 0 || strcmp(r->app, j->app->name) == 0) &&
            rule_covers(r, word, value)) {
            j->used = r;
            return true;
        }
    }
    return false;
}

static const char *author(const struct want_app *app)
{
    return app->from == ORIGIN_BUNDLE ? "an archive" : "an upload";
}

/* A word of YAML's flow style, quoted where it must be. */
static const char *flow_word(const char *word, const char *value, struct arena *a)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-/:";
    CLEANUP(str_release) struct str s = STR_INIT;
    const char *text = value ? arena_printf(a, "%s:%s", word, value) : word;

    if (strspn(text, plain) == strlen(text) && text[strlen(text) - 1] != ':')
        return text;
    str_add(&s, "'");
    for (; *text; text++)
        str_addf(&s, *text == '\'' ? "''" : "%c", *text);
    str_add(&s, "'");
    return arena_strdup(a, str_text(&s));
}

static void refuse(struct judge *j, struct place at, const char *hint, const char *what)
{
    struct arena *a = j->arena;

    diag_add(j->diags, DIAG_ERROR, at, NULL, NULL, hint, "the app \"%s\": %s", j->app->name, what);
    if (!j->first)
        j->first =
            at.line ? arena_printf(a, "%s (%s:%d:%d); %s", what, at.file, at.line, at.column, hint)
                    : arena_printf(a, "%s; %s", what, hint);
}

/* Written by who names the archive, not in it. */
static bool is_trusted(const struct want_app *app, struct place at)
{
    return app->trusted && at.file && strcmp(app->trusted, at.file) == 0;
}

/* One thing that reaches the host. key is how the user wrote it. Returns whether it is allowed. */
static bool ask(struct judge *j, const char *word, const char *value, const char *key,
                struct place at)
{
    const struct policy_word *w = policy_word_find(word, strlen(word));
    struct arena *a = j->arena;

    if (is_trusted(j->app, at) || allowed(j, word, value))
        return true;
    const char *what =
        arena_printf(a, "`%s%s%s` is refused to an app out of %s: %s", key, value ? ": " : "",
                     value ? value : "", author(j->app), w->reach);
    const char *hint = arena_printf(
        a, "to allow it, write into the agent's configuration: `policy: {allow: {%s: [%s]}}`",
        j->app->name, flow_word(word, value, a));

    refuse(j, at, hint, what);
    return false;
}

static void ask_key(struct judge *j, bool asked, const char *word, const char *value)
{
    if (asked)
        (void)ask(j, word, value, word, place_of(j, word, NULL));
}

static void ask_each(struct judge *j, const char *word, const struct kvs *l)
{
    for (size_t i = 0; i < l->n; i++)
        (void)ask(j, word, l->v[i].key, word, place_of(j, word, NULL));
}

/* ---- namespaces ---- */

static bool is_own_container(const struct want_app *app, const char *name)
{
    for (size_t i = 0; i < app->n_services; i++)
        for (size_t k = 0; k < app->services[i].n_containers; k++)
            if (strcmp(app->services[i].containers[k].name, name) == 0)
                return true;
    return false;
}

/* Modes that lead out of the app. `bridge` is the network of whoever did not ask for one of their own. */
static bool leads_out(const struct judge *j, const char *mode)
{
    if (!mode)
        return false;
    if (strncmp(mode, "container:", 10) == 0)
        return !is_own_container(j->app, mode + 10);
    return strcmp(mode, "host") == 0 || strcmp(mode, "bridge") == 0;
}

static void judge_namespaces(struct judge *j)
{
    const struct service *s = j->service;
    const struct {
        const char *key, *mode;
    } rows[] = {{"cgroup", s->cgroup},
                {"ipc", s->ipc},
                {"network_mode", s->network_mode},
                {"pid", s->pid},
                {"userns_mode", s->userns},
                {"uts", s->uts}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ask_key(j, leads_out(j, rows[i].mode), rows[i].key, rows[i].mode);
}

/* ---- privileges ---- */

static bool is_harmless_option(const char *opt)
{
    return strcmp(opt, "no-new-privileges") == 0 || strcmp(opt, "no-new-privileges:true") == 0 ||
           strcmp(opt, "no-new-privileges=true") == 0 || strcmp(opt, "seccomp=builtin") == 0;
}

static bool keeps_privileges(const struct service *s)
{
    for (size_t i = 0; i < s->security_opt.n; i++)
        if (strncmp(s->security_opt.v[i], "no-new-privileges", 17) == 0)
            return is_harmless_option(s->security_opt.v[i]);
    return false;
}

static void judge_hooks(struct judge *j, const char *key, const struct hooks *h)
{
    for (size_t i = 0; i < h->n; i++)
        if (h->v[i].privileged == TRI_YES)
            (void)ask(j, "privileged", NULL, arena_printf(j->arena, "%s[%zu].privileged", key, i),
                      h->v[i].at);
}

static void judge_privileges(struct judge *j)
{
    const struct service *s = j->service;

    ask_key(j, s->privileged == TRI_YES, "privileged", NULL);
    judge_hooks(j, "post_start", &s->post_start);
    judge_hooks(j, "pre_stop", &s->pre_stop);
    for (size_t i = 0; i < s->cap_add.n; i++)
        if (!defaults_service_cap(s->cap_add.v[i]))
            (void)ask(j, "cap_add", s->cap_add.v[i], "cap_add", place_of(j, "cap_add", "security"));
    if (s->profile == PROFILE_DOCKER)
        (void)ask(j, "profile", "docker", "security.profile", place_of(j, "security", NULL));
    if (!keeps_privileges(s) && s->privileged != TRI_YES)
        (void)ask(j, "no_new_privileges", NULL, "no_new_privileges: false",
                  place_of(j, "security_opt", "security"));
    for (size_t i = 0; i < s->security_opt.n; i++)
        if (strncmp(s->security_opt.v[i], "no-new-privileges", 17) != 0 &&
            !is_harmless_option(s->security_opt.v[i]))
            (void)ask(j, "security_opt", s->security_opt.v[i], "security_opt",
                      place_of(j, "security_opt", NULL));
}

static void judge_ulimits(struct judge *j, const struct ulimit *v, size_t n, const char *key,
                          struct place at)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(v[i].name, "rtprio") == 0 || strcmp(v[i].name, "nice") == 0 ||
            strcmp(v[i].name, "rttime") == 0)
            (void)ask(j, "ulimits", v[i].name, key, at);
}

static void judge_kernel(struct judge *j)
{
    const struct service *s = j->service;

    ask_each(j, "annotations", &s->annotations);
    ask_each(j, "sysctls", &s->sysctls);
    ask_key(j, s->cgroup_parent != NULL, "cgroup_parent", NULL);
    ask_key(j, (s->cpu_rt_runtime_us.set && s->cpu_rt_runtime_us.v != 0), "cpu_rt_runtime", NULL);
    for (size_t i = 0; i < s->external_links.n; i++)
        ask_key(
            j, true, "external_links",
            arena_strndup(j->arena, s->external_links.v[i], strcspn(s->external_links.v[i], ":")));
    for (size_t i = 0; i < s->n_gpus; i++)
        if (!allowed(j, s->gpus[i].of_devices ? "devices" : "gpus", NULL))
            ask_key(j, true, s->gpus[i].of_devices ? "devices" : "gpus", NULL);
    for (size_t i = 0; i < s->n_networks; i++)
        if (s->networks[i].driver_opts.n > 0)
            (void)ask(j, "driver_opts", NULL,
                      arena_printf(j->arena, "networks.%s.driver_opts", s->networks[i].network),
                      s->networks[i].at);
    ask_key(j, s->runtime != NULL, "runtime", s->runtime);
    ask_key(j, s->device_cgroup_rules.n > 0, "device_cgroup_rules", NULL);
    for (size_t i = 0; i < s->n_devices; i++)
        ask_key(j, true, "devices", s->devices[i].host);
    judge_ulimits(j, s->ulimits, s->n_ulimits, "ulimits", place_of(j, "ulimits", NULL));
    ask_key(j, s->oom_kill_disable == TRI_YES, "oom_kill_disable", NULL);
    ask_key(j, s->oom_score_adj.set && s->oom_score_adj.v < 0, "oom_score_adj", NULL);
    if (s->logging.driver && strcmp(s->logging.driver, "json-file") != 0 &&
        strcmp(s->logging.driver, "local") != 0 && strcmp(s->logging.driver, "none") != 0)
        ask_key(j, true, "logging", s->logging.driver);
}

/* ---- files of the host ---- */

static void confine(struct judge *j, struct want_service *s, const struct mount *m, bool engine)
{
    struct confined_path *v = ARENA_ARRAY(j->arena, s->n_confined + 1, struct confined_path);

    for (size_t i = 0; i < s->n_confined; i++)
        v[i] = s->confined[i];
    v[s->n_confined++] = (struct confined_path){
        .path = m->source,
        .folder = j->used->value ? j->used->value : "/",
        .engine = engine,
    };
    s->confined = v;
}

static bool moves_mounts_out(const char *propagation)
{
    return propagation &&
           (strcmp(propagation, "shared") == 0 || strcmp(propagation, "rshared") == 0);
}

/* Inside a folder that the app can write to, it could put a link in the place of what is mounted, which the engine follows at the next start. */
static bool can_be_moved(const struct judge *j, const char *source)
{
    for (size_t i = 0; i < j->app->n_services; i++) {
        const struct service *s = j->app->services[i].spec;

        for (size_t k = 0; k < s->n_mounts; k++) {
            const struct mount *o = &s->mounts[k];

            if (o->kind == MOUNT_BIND && !o->file && o->read_only != TRI_YES &&
                strcmp(o->source, source) != 0 && path_within(o->source, source))
                return true;
        }
    }
    return false;
}

static void judge_mounts(struct judge *j, struct want_service *s)
{
    for (size_t i = 0; i < s->spec->n_mounts; i++) {
        const struct mount *m = &s->spec->mounts[i];

        if (m->file && m->file->secret && !m->file->own_only && !is_trusted(j->app, m->at))
            (void)ask(j, "secrets", m->file->secret, "secrets", m->at);
        /* The agent reads it for the app, and may read more than any container. */
        if (m->file && m->file->path)
            (void)ask(j, "volumes", m->file->path, "file", m->at);
        if (m->kind != MOUNT_BIND || m->file || is_trusted(j->app, m->at))
            continue;
        if (j->app->from == ORIGIN_BUNDLE && path_within(BUNDLE_FOLDER, m->source)) {
            refuse(j, m->at,
                   "a named volume keeps data; what the image needs, its Dockerfile copies",
                   arena_printf(j->arena, "`volumes: %s` is in the archive, and not on the host",
                                m->source));
            continue;
        }
        if (moves_mounts_out(m->propagation))
            (void)ask(j, "propagation", m->propagation, "propagation", m->at);
        bool engine = false;

        if (reaches_engine(m->source))
            engine = ask(j, "docker.sock", NULL, arena_printf(j->arena, "volumes: %s", m->source),
                         m->at);
        else if (allowed(j, "docker.sock", NULL))
            engine = true;
        /* Who was given the engine's socket by name need not be given its path too. */
        size_t len = strlen(m->source);

        if (engine && len > 5 && strcmp(m->source + len - 5, ".sock") == 0 &&
            reaches_engine(m->source))
            continue;
        if (can_be_moved(j, m->source)) {
            refuse(j, m->at, "mount the outer folder alone, or read-only",
                   arena_printf(j->arena,
                                "`volumes: %s` lies in a folder that this app may write to",
                                m->source));
            continue;
        }
        if (ask(j, "volumes", m->source, "volumes", m->at))
            confine(j, s, m, engine);
    }
}

/* An upload builds from the archives that were sent for it: the folder that they lie in holds those of all others, and their specs. */
static bool is_own_source(const struct want_app *app, const struct build *b, const char *path)
{
    size_t n = strlen(app->own);

    if (app->from != ORIGIN_UPLOAD)
        return path_within(app->own, path);
    return b->bundle && strncmp(path, app->own, n) == 0 && !strchr(path + n, '/');
}

static void judge_build(struct judge *j)
{
    const struct build *b = &j->service->build;
    const char *path = b->bundle ? b->bundle : b->path;

    if (!b->set)
        return;
    if (b->network && strcmp(b->network, "host") == 0)
        (void)ask(j, "build_network", "host", "build.network", b->at);
    for (size_t i = 0; i < b->tags.n; i++)
        (void)ask(j, "build_tags", b->tags.v[i], "build.tags", b->at);
    judge_ulimits(j, b->ulimits, b->n_ulimits, "build.ulimits", b->at);
    if (path && !is_own_source(j->app, b, path))
        (void)ask(j, "source", path, "source", b->at);
}

/* ---- networks and volumes ---- */

static void judge_networks(struct judge *j)
{
    for (size_t i = 0; i < j->app->n_networks; i++) {
        const struct network *n = j->app->networks[i].spec;
        const char *key = arena_printf(j->arena, "networks.%s", n->key);

        if (strcmp(n->key, INGRESS_NETWORK_KEY) == 0)
            continue; /* the agent's own doing */
        if (n->external == TRI_YES)
            (void)ask(j, "external", j->app->networks[i].name, key, n->at);
        if (n->driver && strcmp(n->driver, "bridge") != 0)
            (void)ask(j, "driver", n->driver, key, n->at);
        if (n->driver_opts.n > 0)
            (void)ask(j, "driver_opts", NULL, arena_printf(j->arena, "%s.driver_opts", key), n->at);
        if (n->n_pools > 0 || n->ipam_driver || n->ipam_options.n > 0)
            (void)ask(j, "ipam", NULL, arena_printf(j->arena, "%s.ipam", key), n->at);
    }
}

static void judge_volumes(struct judge *j)
{
    for (size_t i = 0; i < j->app->n_volumes; i++) {
        const struct volume *v = j->app->volumes[i].spec;
        const char *key = arena_printf(j->arena, "volumes.%s", v->key);
        const char *device = kvs_get(&v->driver_opts, "device");

        if (v->external == TRI_YES)
            (void)ask(j, "external", j->app->volumes[i].name, key, v->at);
        if (v->driver && strcmp(v->driver, "local") != 0)
            (void)ask(j, "driver", v->driver, key, v->at);
        if (v->driver_opts.n > 0)
            (void)ask(j, "driver_opts", NULL, arena_printf(j->arena, "%s.driver_opts", key), v->at);
        if (device && device[0] == '/' && reaches_engine(device))
            (void)ask(j, "docker.sock", NULL, arena_printf(j->arena, "%s: %s", key, device), v->at);
    }
}

/* ---- the whole app ---- */

const char *policy_refused(const struct settings *settings, struct want_app *app, struct arena *a,
                           struct diag_list *diags)
{
    struct judge j = {.settings = settings, .app = app, .arena = a, .diags = diags};

    if (app->from == ORIGIN_ROOT || app->builtin)
        return NULL;
    if (app->adopt)
        (void)ask(&j, "adopt", app->adopt, "adopt", app->adopt_at);
    for (size_t i = 0; i < app->n_services; i++) {
        j.service = app->services[i].spec;
        /* A remembered app has those of its last time. */
        app->services[i].confined = NULL;
        app->services[i].n_confined = 0;
        judge_privileges(&j);
        judge_namespaces(&j);
        judge_kernel(&j);
        judge_mounts(&j, &app->services[i]);
        judge_build(&j);
    }
    judge_networks(&j);
    judge_volumes(&j);
    return j.first;
}
