/* What every verb stands on.
 *
 * Comes in: options. Goes out: desired state from the files, knowledge of the engine, and plans made of both. Decides nothing
 * itself: the planner decides, the conductor carries out. */
#include "agent/core.h"

#include <time.h>
#include <unistd.h>

#include "agent/bundle_open.h"
#include "agent/confirm.h"
#include "agent/log.h"
#include "agent/mounts.h"
#include "agent/store.h"
#include "drivers/docker.h"
#include "drivers/fsx.h"
#include "drivers/hostnet.h"
#include "drivers/hook_folder.h"
#include "drivers/pull_log.h"
#include "drivers/quarantine_folder.h"
#include "drivers/router.h"
#include "reconcile/adopt.h"
#include "reconcile/bind.h"
#include "spec/base/arena.h"

static int64_t clock_ms(clockid_t id)
{
    struct timespec t;
    (void)clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t core_now_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

int64_t core_monotonic_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

static bool manages_ingress(const struct options *o)
{
    return o->settings.ingress.mode == INGRESS_MANAGED && o->settings.ingress.dir;
}

static int open_engine(struct core *c, const struct options *o, struct err *e)
{
    struct http_target target = {.url = o->docker,
                                 .cert_path = o->docker_certs,
                                 .tls = o->docker_tls,
                                 .tls_verify = o->docker_tls};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    c->http = http_new(&target, e);
    if (!c->http)
        return -1;
    c->driver = docker_new(c->http, cores > 0 ? (int)cores : 1, o->auth_dir, e);
    c->router = router_new(c->http, fsx_join(o->state, "ingress", c->routes_arena));
    if (c->driver)
        docker_use_router(c->driver, c->router, o->settings.owner, c->ingress_app);
    c->quarantine = quarantine_folder_new(fsx_join(o->state, "quarantine", c->routes_arena));
    if (c->driver)
        docker_use_quarantine(c->driver, c->quarantine);
    c->hooks = hook_folder_new(fsx_join(o->state, "hooks", c->routes_arena));
    if (c->driver)
        docker_use_hooks(c->driver, c->hooks);
    c->pulls = pull_log_new(fsx_join(o->state, "pulls.json", c->routes_arena));
    if (c->driver)
        docker_use_pulls(c->driver, c->pulls);
    c->contexts = contexts_new(c->http);
    contexts_limits(c->contexts, &o->settings.build_limits);
    contexts_memory(c->contexts, fsx_join(o->state, "digests", c->routes_arena));
    if (!c->driver)
        return -1;
    return 0;
}

int core_open(struct core *c, const struct options *o, unsigned needs, struct err *e)
{
    *c = (struct core){.options = o, .stale = true};
    c->memo = memo_new();
    c->desired_arena = arena_new();
    c->routes_arena = arena_new();
    c->released_arena = arena_new();
    c->ingress_app = ingress_app_name(o->settings.owner, c->routes_arena);
    (void)core_read_released(c);
    if (needs & CORE_FILES) {
        const char *overrides = fsx_join(o->state, "overrides", c->routes_arena);
        c->sources = sources_new(o->roots.v, o->roots.n, overrides);
        c->built = desired_memo_new();
        c->secrets = secrets_new(o->state);
        c->route_files = ingress_routes_new(o->state);
    }
    if (needs & CORE_ENGINE) {
        hostnet_routes(c->routes_arena, &c->host_routes);
        return open_engine(c, o, e);
    }
    return 0;
}

void core_open_gateway(struct core *c)
{
    c->places = true;
    c->stale = true;
    if (c->router && manages_ingress(c->options))
        c->gateway = gateway_new(c->options->state, c->router);
}

void core_close(struct core *c)
{
    gateway_free(c->gateway);
    free(c->places_said);
    if (c->driver)
        c->driver->ops->free(c->driver);
    router_free(c->router);
    quarantine_folder_free(c->quarantine);
    hook_folder_free(c->hooks);
    pull_log_free(c->pulls);
    contexts_free(c->contexts);
    ingress_routes_free(c->route_files);
    http_free(c->http);
    sources_free(c->sources);
    secrets_free(c->secrets);
    memo_free(c->memo);
    desired_memo_free(c->built);
    arena_free(c->desired_arena);
    arena_free(c->routes_arena);
    arena_free(c->released_arena);
}

bool core_read_released(struct core *c)
{
    struct arena *a = arena_new();
    struct strv now = {0}, names = {0};
    confirm_read(c->options->state, a, &now, &names);
    bool same = now.n == c->released.n;
    for (size_t i = 0; same && i < now.n; i++)
        same = strcmp(now.v[i], c->released.v[i]) == 0;
    arena_free(c->released_arena);
    c->released_arena = a;
    c->released = now;
    c->released_names = names;
    return !same;
}

bool core_read_quarantine(struct core *c)
{
    return c->quarantine && quarantine_folder_news(c->quarantine);
}

bool core_volumes_leave(const struct core *c)
{
    return (c->quarantine && !quarantine_folder_empty(c->quarantine)) ||
           (c->desired && c->desired->leaving.n > 0);
}

void core_settle_released(struct core *c, const struct plan *plan)
{
    bool left = plan->released.n > 0;
    if (c->releasing && !left) {
        confirm_forget(c->options->state, &c->released_names);
        (void)core_read_released(c);
    }
    c->releasing = left;
}

void core_load_history(struct core *c)
{
    struct arena *a = arena_new();
    struct kvs hashes = {0}, what = {0}, apps = {0};
    struct err ignored = {0};
    if (store_last_hashes(c->options->state, a, &hashes, &ignored) == 0)
        memo_load(c->memo, &hashes);
    if (store_hands(c->options->state, a, &what, &apps, &ignored) == 0)
        memo_load_hands(c->memo, &what, &apps);
    arena_free(a);
}

bool core_scan(struct core *c, bool *unstable)
{
    bool changed = sources_scan(c->sources, unstable);
    changed |= secrets_scan(c->secrets);
    if (changed) {
        c->stale = true;
        c->desired = NULL; /* it borrowed from files that are gone now */
    }
    if (c->contexts)
        contexts_recheck(c->contexts);
    return c->stale;
}

/* What the engine was last seen to have; nothing where there is none. */
static const struct observed *seen(const struct core *c, struct arena *a)
{
    static const struct observed nothing;
    return c->driver ? c->driver->ops->observed(c->driver, a) : &nothing;
}

/* Who runs each app now: app -> origin, copied into the arena. */
static struct kvs incumbents(const struct core *c, const struct observed *o, struct arena *a)
{
    struct kvs l = {0};
    for (size_t i = 0; i < o->n_containers; i++) {
        const struct obs_container *x = &o->containers[i];
        if (x->app && x->origin && x->owner && strcmp(x->owner, c->options->settings.owner) == 0)
            kvs_set(a, &l, arena_strdup(a, x->app), arena_strdup(a, x->origin));
    }
    return l;
}

/* Apps that have a route file, sorted; the platform's own file is nobody's. */
static struct strv routed(const struct observed *o, struct arena *a)
{
    struct strv l = {0};
    for (size_t i = 0; i < o->n_routes; i++)
        if (strcmp(o->routes[i].app, INGRESS_PLATFORM) != 0)
            strv_push(a, &l, arena_strdup(a, o->routes[i].app));
    return l;
}

bool core_collect(struct core *c)
{
    if (!c->contexts || !contexts_collect(c->contexts))
        return false;
    c->stale = true;
    c->desired = NULL; /* it borrowed from facts that are replaced now */
    return true;
}

/* An archive without a spec is the app of its name, and its facts say what is wrong with it. What had one is not known when it cannot
 * be read, like a file that does not parse: whoever runs from it stays. */
static bool held_apps_of_its_own(const struct core *c, const struct spec_file *f)
{
    const char *origin = arena_printf(c->desired_arena, "%s//%s", f->root, f->path);
    for (size_t i = 0; i < c->incumbents.n; i++)
        if (strcmp(c->incumbents.v[i].value, origin) == 0 &&
            (f->n_documents == 0 || strcmp(c->incumbents.v[i].key, f->documents[0].app->name) != 0))
            return true;
    return false;
}

static const struct bundle_spec *known_bundle(void *ctx, const char *path)
{
    return contexts_bundle_spec(ctx, path);
}

/* As if the file were there already. */
static void add_trial(const struct core *c, struct spec_set *set)
{
    const struct spec_file *x = c->trial;
    const struct spec_file **files =
        ARENA_ARRAY(c->desired_arena, set->n_files + 1, const struct spec_file *);
    size_t n = 0;
    bool placed = false;
    for (size_t i = 0; i < set->n_files; i++) {
        int order = strcmp(set->files[i]->root, x->root) == 0 ? strcmp(set->files[i]->path, x->path)
                                                              : 1; /* its root is the first one */
        if (order >= 0 && !placed) {
            files[n++] = x;
            placed = true;
        }
        if (order != 0)
            files[n++] = set->files[i];
    }
    if (!placed)
        files[n++] = x;
    set->files = files;
    set->n_files = n;
}

static void open_bundles(struct core *c, struct spec_set *set)
{
    struct arena *a = c->desired_arena;
    const struct spec_file **files = ARENA_ARRAY(a, set->n_files + 1, const struct spec_file *);
    c->bundles = (struct strv){0};
    for (size_t i = 0; i < set->n_files; i++) {
        files[i] = set->files[i];
        if (files[i]->bundle)
            strv_push(a, &c->bundles, files[i]->bundle);
        bundle_sources(set, &c->options->settings, files[i], a, &c->bundles);
    }
    contexts_want_bundles(c->contexts, &c->bundles);
    c->bundle_unread = false;
    for (size_t i = 0; i < set->n_files; i++) {
        const char *path = files[i]->bundle;
        const char *error = path ? contexts_bundle_error(c->contexts, path) : NULL;
        c->bundle_unread |= error != NULL;
        files[i] = path ? bundle_open(files[i], contexts_bundle_spec(c->contexts, path),
                                      error && held_apps_of_its_own(c, files[i]) ? error : NULL, a)
                        : bundle_join(files[i], known_bundle, c->contexts, a);
    }
    set->files = files;
}

/* Their texts are copied: a scan replaces them. */
static void add_secrets(struct core *c, struct spec_set *set)
{
    struct arena *a = c->desired_arena;
    const struct secret *v = secrets_list(c->secrets, &set->n_secrets);
    struct secret_facts *facts = ARENA_ARRAY(a, set->n_secrets + 1, struct secret_facts);
    for (size_t i = 0; i < set->n_secrets; i++)
        facts[i] = (struct secret_facts){.name = arena_strdup(a, v[i].name),
                                         .digest = arena_strdup(a, v[i].digest),
                                         .problem = arena_strdup(a, v[i].problem),
                                         .pair = *v[i].pair ? arena_strdup(a, v[i].pair) : NULL,
                                         .not_after_ms = v[i].not_after_ms};
    set->secrets = facts;
    set->secrets_known = !secrets_trouble(c->secrets);
}

/* Who serves a route keeps it, as far as it is known by now. */
static void add_served(struct core *c, struct spec_set *set)
{
    struct arena *a = c->desired_arena;
    const struct kvs *served = ingress_routes_served(c->route_files);
    for (size_t i = 0; i < served->n; i++)
        kvs_set(a, &set->served, arena_strdup(a, served->v[i].key),
                arena_strdup(a, served->v[i].value));
}

static void build_desired(struct core *c)
{
    arena_clear(c->desired_arena);
    struct arena *scratch = arena_new();
    const struct observed *o = seen(c, scratch);
    c->incumbents = incumbents(c, o, c->desired_arena);
    c->routed = routed(o, c->desired_arena);
    arena_free(scratch);
    struct spec_set *set = ARENA_NEW(c->desired_arena, struct spec_set);
    *set = *sources_set(c->sources);
    set->routed = c->routed;
    set->memo = c->built;
    if (c->trial)
        add_trial(c, set);
    if (c->contexts) {
        open_bundles(c, set);
        set->facts = contexts_facts(c->contexts, &set->n_facts);
    }
    add_secrets(c, set);
    add_served(c, set);
    c->set = set;
    gateway_stale(c->gateway);
    struct settings *settings = ARENA_NEW(c->desired_arena, struct settings);
    *settings = c->options->settings;
    settings->files_dir = fsx_join(c->options->state, "mounts", c->desired_arena);
    settings->files_key = mounts_key(c->options->state, c->places, c->desired_arena);
    c->desired = desired_build(set, settings, &c->incumbents, core_now_ms(), c->desired_arena);
    if (c->contexts)
        contexts_want(c->contexts, c->desired);
    c->stale = false;
}

/* Who runs already decides only where something is claimed twice (which is told in diags) or may be held by a file that
 * cannot be read. */
static bool incumbents_matter(const struct desired *d)
{
    if (!d || d->diags.n > 0)
        return true;
    for (size_t i = 0; i < d->n_roots; i++)
        if (!d->roots[i].readable)
            return true;
    for (size_t i = 0; i < d->n_files; i++)
        if (d->files[i]->broken)
            return true;
    return false;
}

/* Who serves which route decides in the same cases: otherwise no route file need be looked at. */
void core_desire(struct core *c)
{
    if (!c->stale && c->desired)
        return;
    build_desired(c);
    if (incumbents_matter(c->desired) && ingress_routes_scan(c->route_files))
        build_desired(c);
}

bool core_learn_incumbents(struct core *c)
{
    if (!incumbents_matter(c->desired) && !c->bundle_unread)
        return false;
    struct arena *a = arena_new();
    struct kvs now = incumbents(c, seen(c, a), a);
    bool same = now.n == c->incumbents.n;
    for (size_t i = 0; same && i < now.n; i++)
        same = strcmp(now.v[i].key, c->incumbents.v[i].key) == 0 &&
               strcmp(now.v[i].value, c->incumbents.v[i].value) == 0;
    arena_free(a);
    c->stale |= !same;
    return !same;
}

/* Apps that are routed anyway decide nothing by their files. */
static bool routed_anyway(const struct desired *d, const char *app)
{
    const struct want_app *want = desired_app(d, app);
    return want && want->routed && want->state != WISH_REMOVED;
}

static size_t strays(const struct desired *d, const struct strv *from, const struct strv *not_in)
{
    size_t n = 0;
    for (size_t i = 0; i < from->n; i++)
        n += !routed_anyway(d, from->v[i]) && !strv_has(not_in, from->v[i]);
    return n;
}

bool core_learn_routed(struct core *c)
{
    if (!c->desired)
        return false;
    struct arena *a = arena_new();
    struct strv now = routed(seen(c, a), a);
    bool other = strays(c->desired, &now, &c->routed) + strays(c->desired, &c->routed, &now) > 0;
    arena_free(a);
    /* What was claimed twice may be free now: it is told in diags. */
    other |= c->desired->diags.n > 0 && ingress_routes_scan(c->route_files);
    c->stale |= other;
    return other;
}

/* What is built is named after its base images, as far as they are known. */
static bool builds_any(const struct core *c)
{
    size_t n = 0;
    if (c->contexts)
        (void)contexts_facts(c->contexts, &n);
    return n > 0;
}

static void name_builds(struct core *c)
{
    if (!builds_any(c))
        return;
    struct arena *scratch = arena_new();
    bind_builds(c->desired, c->driver->ops->observed(c->driver, scratch), c->desired_arena);
    arena_free(scratch);
}

void core_images(struct core *c, struct arena *a, struct strv *ret)
{
    name_builds(c);
    bind_wanted_images(c->desired, a, ret);
}

bool core_images_unknown(struct core *c)
{
    if (!builds_any(c) || !c->desired)
        return false; /* then a look asks about all at once */
    struct arena *a = arena_new();
    struct strv wanted = {0};
    bool unknown = false;
    core_images(c, a, &wanted);
    const struct observed *o = c->driver->ops->observed(c->driver, a);
    for (size_t i = 0; i < wanted.n && !unknown; i++)
        unknown = !observed_image(o, wanted.v[i]);
    arena_free(a);
    return unknown;
}

const struct observed *core_observed(const struct core *c, struct arena *a)
{
    const struct observed *o = c->driver->ops->observed(c->driver, a);
    return c->desired ? adopt_view(c->desired, o, a) : o;
}

bool core_wants_platform(const struct core *c)
{
    return c->contexts && contexts_ask_platform(c->contexts);
}

void core_learn_platform(struct core *c)
{
    if (!core_wants_platform(c))
        return;
    struct arena *a = arena_new();
    contexts_platform(c->contexts, c->driver->ops->observed(c->driver, a)->platform);
    arena_free(a);
}

void core_scope(struct core *c, struct arena *a, struct look *ret)
{
    ret->owner = c->options->settings.owner;
    ret->platform = core_wants_platform(c);
    if (!c->desired)
        return;
    core_images(c, a, &ret->images);
    adopt_projects(c->desired, a, &ret->projects);
}

struct waiting {
    bool over;
    struct err err;
};

static void look_over(void *user, const struct err *e)
{
    struct waiting *w = user;
    w->over = true;
    w->err = *e;
}

static int wait_for_look(struct core *c, const struct waiting *w, struct err *e)
{
    while (!w->over)
        if (http_poll(c->http, NULL, 0, -1, e) < 0)
            return -1;
    if (w->err.kind == ERR_NONE)
        return 0;
    *e = w->err;
    return -1;
}

static int look(struct core *c, bool everything, bool inspect_owned, struct err *e)
{
    struct waiting w = {0};
    struct arena *a = arena_new();
    struct look scope = {.everything = everything, .inspect_owned = inspect_owned};
    core_scope(c, a, &scope);
    c->driver->ops->look(c->driver, &scope, look_over, &w);
    int rc = wait_for_look(c, &w, e);
    arena_free(a);
    core_learn_platform(c);
    return rc;
}

/* The first call agrees on a version; what is asked after its answer goes out with the turn after that. */
static int let_lists_go_out(struct core *c, const struct waiting *w, struct err *e)
{
    uint64_t before = http_calls(c->http);
    while (!w->over && http_calls(c->http) == before)
        if (http_poll(c->http, NULL, 0, -1, e) < 0)
            return -1;
    return http_poll(c->http, NULL, 0, 0, e);
}

/* For verbs that look once: until every source is read. */
static void wait_for_sources(struct core *c)
{
    core_desire(c);
    while (contexts_busy(c->contexts)) {
        if (!contexts_wait(c->contexts))
            continue;
        c->stale = true;
        core_desire(c); /* may want more: a spec was found in an archive */
    }
}

void core_gather_files(struct core *c)
{
    if (!c->contexts)
        c->contexts = contexts_new(NULL);
    contexts_limits(c->contexts, &c->options->settings.build_limits);
    (void)core_scan(c, NULL);
    wait_for_sources(c);
}

/* The names of what is built come one look after their base images. */
static int look_for_images(struct core *c, struct err *e)
{
    wait_for_sources(c);
    int rc = look(c, false, false, e);
    for (int i = 0; rc == 0 && i < 3 && (contexts_busy(c->contexts) || core_images_unknown(c));
         i++) {
        wait_for_sources(c); /* those that wanted to know the engine's platform */
        rc = look(c, false, false, e);
    }
    return rc;
}

int core_gather(struct core *c, bool inspect_owned, struct err *e)
{
    static const struct observed nothing;
    struct waiting w = {0};
    struct look scope = {
        .everything = true, .inspect_owned = inspect_owned, .owner = c->options->settings.owner};
    c->driver->ops->look(c->driver, &scope, look_over, &w);
    if (let_lists_go_out(c, &w, e) < 0)
        return -1;
    (void)core_scan(c, NULL);
    core_desire(c);
    bind_images(c->desired, &nothing, c->desired_arena);
    if (wait_for_look(c, &w, e) < 0)
        return -1;
    (void)core_learn_incumbents(c);
    (void)core_learn_routed(c);
    return look_for_images(c, e);
}

int core_look(struct core *c, bool inspect_owned, struct err *e)
{
    if (look(c, true, inspect_owned, e) < 0)
        return -1;
    if (!c->desired)
        return 0;
    (void)core_learn_incumbents(c);
    (void)core_learn_routed(c);
    return look_for_images(c, e);
}

/* A container whose file is missing is not made; the engine says so again. */
static void keep_mounts(struct core *c, const struct observed *o)
{
    struct err e = {0};
    if (!c->places)
        return;
    if (mounts_keep(c->options->state, c->desired, o, &e) == 0) {
        free(TAKE(c->places_said));
    } else if (e.kind == ERR_RETRY) {
        c->stale = true;
    } else if (!c->places_said || strcmp(c->places_said, e.msg) != 0) {
        free(c->places_said);
        c->places_said = xstrdup(e.msg);
        log_line(LOG_WARNING, NULL, "a config or secret cannot be put in place: %s", e.msg);
    }
}

void core_plan(struct core *c, const struct strv *scope, const struct strv *reserved,
               const char *confirm, struct arena *a, struct core_pass *ret)
{
    struct timespec begun, over;
    struct history *h = ARENA_NEW(a, struct history);
    (void)clock_gettime(CLOCK_MONOTONIC, &begun);
    *h = memo_history(c->memo, a);
    const struct observed *o = c->driver->ops->observed(c->driver, a);
    core_desire(c);
    gateway_keep(c->gateway, c->desired);
    keep_mounts(c, o);
    static const struct strv all;
    bind_scope(c->desired, scope ? scope : &all, o, c->desired_arena);
    *ret = (struct core_pass){.input = {
                                  .desired = c->desired,
                                  .observed = adopt_view(c->desired, o, a),
                                  .history = h,
                                  .host_routes = c->host_routes,
                                  .confirmed_removals = confirm,
                                  .released = c->released,
                                  .now_ms = core_now_ms(),
                              }};
    if (scope)
        ret->input.scope = *scope;
    if (reserved)
        ret->input.reserved_subnets = *reserved;
    ret->plan = plan_build(&ret->input, a);
    (void)clock_gettime(CLOCK_MONOTONIC, &over);
    ret->took_us =
        (int64_t)(over.tv_sec - begun.tv_sec) * 1000000 + (over.tv_nsec - begun.tv_nsec) / 1000;
}
