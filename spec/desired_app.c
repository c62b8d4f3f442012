/* desired_app.c: from what a user wrote about one app to every object the engine should have for it.
 *
 * In: a decoded app, the override in force, the agent's settings. Out: containers, networks and volumes with their names, labels
 * and defaults, in an order that depends on nothing but their names, and a digest of all that shapes them. Where the file
 * lies shapes nothing: it is only noted at birth. */
#include "spec/desired_app.h"

#include <inttypes.h>

#include "spec/base/arena.h"
#include "spec/defaults.h"
#include "spec/desired_files.h"
#include "spec/desired_route.h"
#include "spec/forms.h"
#include "spec/hook.h"
#include "spec/labels.h"
#include "spec/route_labels.h"

/* ---- services ---- */

static struct want_service *wanted_service(const struct want_app *app, const char *name)
{
    size_t lo = 0, hi = app->n_services;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(app->services[mid].name, name);

        if (order == 0)
            return &app->services[mid];
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

static bool completes(const struct app *a, const char *name)
{
    for (size_t i = 0; i < a->n_services; i++)
        for (size_t k = 0; k < a->services[i].n_depends; k++)
            if (a->services[i].depends[k].condition == DEPEND_COMPLETED &&
                strcmp(a->services[i].depends[k].service, name) == 0)
                return true;
    return false;
}

static bool any_completes(const struct app *a)
{
    for (size_t i = 0; i < a->n_services; i++)
        for (size_t k = 0; k < a->services[i].n_depends; k++)
            if (a->services[i].depends[k].condition == DEPEND_COMPLETED)
                return true;
    return false;
}

/* `service:NAME` is our language, `container:NAME` the engine's. The other container must be there first, and when it is
 * replaced its namespace goes with it. */
static void share_namespace(const struct app *app, const char *prefix, const char **mode,
                            struct arena *a, struct service *s)
{
    const char *name = *mode && strncmp(*mode, "service:", 8) == 0 ? *mode + 8 : NULL;
    const char *container = NULL;

    if (!name)
        return;
    for (size_t i = 0; i < app->n_services; i++)
        if (strcmp(app->services[i].name, name) == 0)
            container = app->services[i].container_name;
    *mode = container ? arena_printf(a, "container:%s", container)
                      : arena_printf(a, "container:%s-%s-1", prefix, name);
    struct dependency *more = ARENA_ARRAY(a, s->n_depends + 1, struct dependency);
    bool known = false;

    for (size_t i = 0; i < s->n_depends; i++) {
        more[i] = s->depends[i];
        if (strcmp(more[i].service, name) == 0) {
            more[i].restart = TRI_YES;
            known = true;
        }
    }
    if (!known)
        more[s->n_depends++] =
            (struct dependency){.at = s->at, .service = name, .restart = TRI_YES};
    s->depends = more;
}

static void join_default_network(struct arena *a, struct service *s)
{
    if (s->n_networks > 0 || s->network_mode)
        return;
    s->networks = ARENA_NEW(a, struct attach);
    s->networks[0] = (struct attach){.at = s->at, .network = "default"};
    s->n_networks = 1;
}

/* A build that nobody has looked at yet is being looked at. */
static const struct context_facts *facts_of(const struct app_source *src, const struct service *s,
                                            struct arena *a)
{
    if (!s->build.set)
        return NULL;
    const char *key = facts_key(s, a);
    const struct context_facts *known = facts_find(src->set->facts, src->set->n_facts, key);

    if (known)
        return known;
    struct context_facts *working = ARENA_NEW(a, struct context_facts);

    *working = (struct context_facts){.key = key, .state = FACTS_WORKING};
    return working;
}

/* What names of objects begin with: of one that was a Compose project before, with the project's name. */
static const char *name_prefix(const struct want_app *app)
{
    return app->adopt ? app->adopt : app->name;
}

static void place_service(const struct app_source *src, const struct want_app *app, struct arena *a,
                          struct service *s)
{
    share_namespace(src->app, name_prefix(app), &s->network_mode, a, s);
    share_namespace(src->app, name_prefix(app), &s->pid, a, s);
    share_namespace(src->app, name_prefix(app), &s->ipc, a, s);
    join_default_network(a, s);
}

static void build_service(const struct app_source *src, const struct want_app *app,
                          const struct service *s, bool one_shot, struct arena *a,
                          struct want_service *ret)
{
    struct service *full = ARENA_NEW(a, struct service), *plain = NULL;

    defaults_apply(src->settings, s, one_shot, a, full);
    place_service(src, app, a, full);
    desired_route_join(src, a, full);
    if (app->adopt) {
        plain = ARENA_NEW(a, struct service);
        defaults_plain(s, a, plain);
        place_service(src, app, a, plain);
    }
    *ret = (struct want_service){.name = s->name,
                                 .spec = full,
                                 .plain = plain,
                                 .image = s->image ? image_reference(s->image, a) : NULL,
                                 .facts = facts_of(src, s, a),
                                 .order = SIZE_MAX};
}

/* Where files for its mounts lie is known now. */
static void share_files(struct want_service *s, struct arena *a)
{
    struct service *plain = ARENA_NEW(a, struct service);

    *plain = *s->plain;
    plain->mounts = s->spec->mounts;
    plain->n_mounts = s->spec->n_mounts;
    s->plain = plain;
}

static void put_in_order(const struct want_app *app, struct want_service *s, size_t *next)
{
    if (s->order != SIZE_MAX)
        return;
    s->order = 0; /* a circle, which validate.c refuses, would otherwise not end */
    for (size_t i = 0; i < s->spec->n_depends; i++) {
        struct want_service *first = wanted_service(app, s->spec->depends[i].service);

        if (first)
            put_in_order(app, first, next);
    }
    s->order = (*next)++;
}

static void build_services(const struct app_source *src, struct arena *a, struct want_app *ret)
{
    const struct app *app = src->app;
    bool one_shots = any_completes(app);
    size_t next = 0;

    ret->services = ARENA_ARRAY(a, app->n_services, struct want_service);
    ret->n_services = app->n_services;
    for (size_t i = 0; i < app->n_services; i++)
        build_service(src, ret, &app->services[i],
                      one_shots && completes(app, app->services[i].name), a, &ret->services[i]);
    desired_files_build(src, a, ret);
    for (size_t i = 0; ret->adopt && i < ret->n_services; i++)
        share_files(&ret->services[i], a);
    for (size_t i = 0; i < ret->n_services; i++)
        put_in_order(ret, &ret->services[i], &next);
}

/* ---- networks and volumes ---- */

static int cmp_want_network(const void *a, const void *b)
{
    return strcmp(((const struct want_network *)a)->name, ((const struct want_network *)b)->name);
}

static int cmp_want_volume(const void *a, const void *b)
{
    return strcmp(((const struct want_volume *)a)->name, ((const struct want_volume *)b)->name);
}

static int cmp_network_key(const void *a, const void *b)
{
    return strcmp(((const struct network *)a)->key, ((const struct network *)b)->key);
}

static int cmp_volume_key(const void *a, const void *b)
{
    return strcmp(((const struct volume *)a)->key, ((const struct volume *)b)->key);
}

/* Which of the declared keys the services use; keys are sorted. used has one more place, for a default network that is not declared. */
static void mark_networks(const struct app *app, const struct want_app *ret, bool *used)
{
    for (size_t i = 0; i < ret->n_services; i++)
        for (size_t k = 0; k < ret->services[i].spec->n_networks; k++) {
            const struct network want = {.key = ret->services[i].spec->networks[k].network};
            const struct network *n =
                app->n_networks
                    ? bsearch(&want, app->networks, app->n_networks, sizeof(want), cmp_network_key)
                    : NULL;

            if (n || strcmp(want.key, "default") == 0)
                used[n ? (size_t)(n - app->networks) : app->n_networks] = true;
        }
}

static void mark_volumes(const struct app *app, const struct want_app *ret, bool *used)
{
    for (size_t i = 0; i < ret->n_services; i++)
        for (size_t k = 0; k < ret->services[i].spec->n_mounts; k++) {
            const struct mount *m = &ret->services[i].spec->mounts[k];
            const struct volume want = {.key = m->source};
            const struct volume *v = NULL;

            if (m->kind == MOUNT_VOLUME && m->source && app->n_volumes)
                v = bsearch(&want, app->volumes, app->n_volumes, sizeof(want), cmp_volume_key);
            if (v)
                used[v - app->volumes] = true;
        }
}

static void add_network(const struct network *n, struct arena *a, struct want_app *ret)
{
    bool external = n->external == TRI_YES;
    const char *name = n->name    ? n->name
                       : external ? n->key
                                  : arena_printf(a, "%s_%s", name_prefix(ret), n->key);

    ret->networks[ret->n_networks++] =
        (struct want_network){.key = n->key, .name = name, .spec = n, .external = external};
}

/* The network of an ingress that is not ours to run is there already, or is made by whoever needs it first; either way it is no app's. */
static void join_ingress(const struct app_source *src, struct arena *a, struct want_app *ret)
{
    for (size_t i = 0; i < ret->n_services; i++) {
        const struct service *s = ret->services[i].spec;
        const struct attach *last = s->n_networks ? &s->networks[s->n_networks - 1] : NULL;

        if (!last || strcmp(last->network, INGRESS_NETWORK_KEY) != 0)
            continue;
        struct network *n = ARENA_NEW(a, struct network);

        *n = (struct network){.at = last->at,
                              .key = INGRESS_NETWORK_KEY,
                              .name = src->settings->ingress.network,
                              .external = TRI_YES};
        add_network(n, a, ret);
        return;
    }
}

static void build_networks(const struct app_source *src, struct arena *a, struct want_app *ret)
{
    const struct app *app = src->app;
    bool *used = ARENA_ARRAY(a, app->n_networks + 1, bool);

    mark_networks(app, ret, used);
    ret->networks = ARENA_ARRAY(a, app->n_networks + 2, struct want_network);
    for (size_t i = 0; i < app->n_networks; i++)
        if (used[i])
            add_network(&app->networks[i], a, ret);
    if (used[app->n_networks]) {
        struct network *n = ARENA_NEW(a, struct network);

        *n = (struct network){.at = app->at, .key = "default"};
        add_network(n, a, ret);
    }
    join_ingress(src, a, ret);
    if (ret->n_networks > 1)
        qsort(ret->networks, ret->n_networks, sizeof(ret->networks[0]), cmp_want_network);
}

static void build_volumes(const struct app *app, struct arena *a, struct want_app *ret)
{
    bool *used = ARENA_ARRAY(a, app->n_volumes, bool);

    mark_volumes(app, ret, used);
    ret->volumes = ARENA_ARRAY(a, app->n_volumes, struct want_volume);
    for (size_t i = 0; i < app->n_volumes; i++) {
        const struct volume *v = &app->volumes[i];
        bool external = v->external == TRI_YES;

        if (used[i])
            ret->volumes[ret->n_volumes++] = (struct want_volume){
                .key = v->key,
                .name = v->name    ? v->name
                        : external ? v->key
                                   : arena_printf(a, "%s_%s", name_prefix(ret), v->key),
                .spec = v,
                .external = external,
            };
    }
    if (ret->n_volumes > 1)
        qsort(ret->volumes, ret->n_volumes, sizeof(ret->volumes[0]), cmp_want_volume);
}

/* ---- digest ---- */

static const char *const wish_words[] = {"running", "stopped", "removed"};
static const char *const drift_words[] = {"unset", "heal", "report"};

/* Each service's own digest goes into config_hashes, for the label that Compose's tools look for. */
static void digest_app(struct want_app *ret, struct str *text, char (*config_hashes)[SHA256_HEX])
{
    str_clear(text);
    str_addf(text, "%s %s %s %" PRId64 "\n", ret->name, wish_words[ret->state],
             drift_words[ret->drift], ret->restarted_at_ms);
    if (ret->adopt)
        str_addf(text, "adopt %s\n", ret->adopt);
    for (size_t i = 0; i < ret->drift_ignore.n; i++)
        str_addf(text, "ignore %s\n", ret->drift_ignore.v[i]);
    for (size_t i = 0; i < ret->n_services; i++) {
        size_t from = text->len;

        str_addf(text, "service %s\n", ret->services[i].name);
        show_table(&fields_service, ret->services[i].spec, "", text);
        if (ret->services[i].facts && ret->services[i].facts->digest)
            str_addf(text, "content: %s\n", ret->services[i].facts->digest);
        sha256_hex(text->buf + from, text->len - from, config_hashes[i]);
    }
    for (size_t i = 0; i < ret->n_networks; i++) {
        str_addf(text, "network %s %s\n", ret->networks[i].key, ret->networks[i].name);
        show_table(&fields_network, ret->networks[i].spec, "", text);
    }
    for (size_t i = 0; i < ret->n_volumes; i++) {
        str_addf(text, "volume %s %s\n", ret->volumes[i].key, ret->volumes[i].name);
        show_table(&fields_volume, ret->volumes[i].spec, "", text);
    }
    desired_route_digest(ret, text);
    sha256_hex(str_text(text), text->len, ret->digest);
}

/* ---- labels ---- */

/* What all objects of an app have in common. */
struct label_kit {
    const char *owner, *app, *project, *revision, *config_files, *files_key;
    const struct ingress_settings *ingress;
    struct arena *arena;
};

static void put_all(struct arena *a, struct kvs *to, const struct kvs *from)
{
    for (size_t i = 0; i < from->n; i++)
        kvs_set(a, to, from->v[i].key, from->v[i].value);
}

static struct kvs birth_notes(const struct label_kit *kit, const struct want_app *app,
                              const char *config_hash)
{
    struct kvs notes = {0};

    if (config_hash) {
        kvs_set(kit->arena, &notes, LABEL_COMPOSE_HASH, config_hash);
        kvs_set(kit->arena, &notes, LABEL_COMPOSE_FILES, kit->config_files);
    }
    kvs_set(kit->arena, &notes, LABEL_ORIGIN, app->origin);
    kvs_set(kit->arena, &notes, LABEL_REVISION, kit->revision);
    return notes;
}

/* What follows a start is a part of what a container is, like its command. */
static void put_post_start(const struct label_kit *kit, const struct hooks *h, struct kvs *labels)
{
    const char *json = hooks_json(h, kit->arena);
    char hex[SHA256_HEX];

    if (!json)
        return;
    sha256_hex(json, strlen(json), hex);
    kvs_set(kit->arena, labels, LABEL_POST_START, arena_strndup(kit->arena, hex, 12));
}

static struct kvs container_labels(const struct label_kit *kit, const struct want_app *app,
                                   const struct want_service *s, const char *index)
{
    struct kvs labels = {0};

    kvs_set(kit->arena, &labels, LABEL_COMPOSE_NUMBER, index);
    kvs_set(kit->arena, &labels, LABEL_COMPOSE_ONEOFF, "False");
    kvs_set(kit->arena, &labels, LABEL_COMPOSE_PROJECT, kit->project);
    kvs_set(kit->arena, &labels, LABEL_COMPOSE_SERVICE, s->name);
    kvs_set(kit->arena, &labels, LABEL_APP, kit->app);
    kvs_set(kit->arena, &labels, LABEL_INDEX, index);
    kvs_set(kit->arena, &labels, LABEL_OWNER, kit->owner);
    kvs_set(kit->arena, &labels, LABEL_SERVICE, s->name);
    put_all(kit->arena, &labels, &s->spec->labels);
    put_post_start(kit, &s->spec->post_start, &labels);
    if (kit->ingress->mode == INGRESS_EXTERNAL)
        route_labels(app, s, kit->ingress, kit->arena, &labels);
    return labels;
}

static void build_containers(const struct label_kit *kit, const struct want_app *app,
                             struct want_service *s, const char *config_hash)
{
    struct kvs birth = birth_notes(kit, app, arena_strdup(kit->arena, config_hash));
    const struct hooks_of of = {kit->app, s->name, kit->files_key};
    const char *note = hooks_note(&of, &s->spec->post_start, &s->spec->pre_stop, kit->arena);

    if (note)
        kvs_set(kit->arena, &birth, LABEL_HOOKS, note);
    if (kit->ingress->mode == INGRESS_MANAGED)
        route_labels(app, s, kit->ingress, kit->arena, &birth);
    s->n_containers = (size_t)s->spec->replicas.v;
    s->containers = ARENA_ARRAY(kit->arena, s->n_containers, struct want_container);
    for (size_t i = 0; i < s->n_containers; i++) {
        const char *index = arena_printf(kit->arena, "%zu", i + 1);

        s->containers[i] = (struct want_container){
            .app = app,
            .service = s,
            .index = (int)i + 1,
            .name = s->spec->container_name
                        ? s->spec->container_name
                        : arena_printf(kit->arena, "%s-%s-%s", name_prefix(app), s->name, index),
            .labels = container_labels(kit, app, s, index),
            .birth = birth,
        };
    }
}

static void label_networks(const struct label_kit *kit, struct want_app *app)
{
    for (size_t i = 0; i < app->n_networks; i++) {
        struct want_network *n = &app->networks[i];

        if (n->external)
            continue;
        kvs_set(kit->arena, &n->labels, LABEL_COMPOSE_NETWORK, n->key);
        kvs_set(kit->arena, &n->labels, LABEL_COMPOSE_PROJECT, kit->project);
        kvs_set(kit->arena, &n->labels, LABEL_APP, kit->app);
        kvs_set(kit->arena, &n->labels, LABEL_KEY, n->key);
        kvs_set(kit->arena, &n->labels, LABEL_OWNER, kit->owner);
        put_all(kit->arena, &n->labels, &n->spec->labels);
        n->birth = birth_notes(kit, app, NULL);
    }
}

/* Never with Compose's labels: `docker compose down -v` beside the spec must not find them. */
static void label_volumes(const struct label_kit *kit, struct want_app *app)
{
    for (size_t i = 0; i < app->n_volumes; i++) {
        struct want_volume *v = &app->volumes[i];

        if (v->external)
            continue;
        kvs_set(kit->arena, &v->labels, LABEL_APP, kit->app);
        kvs_set(kit->arena, &v->labels, LABEL_KEY, v->key);
        kvs_set(kit->arena, &v->labels, LABEL_OWNER, kit->owner);
        put_all(kit->arena, &v->labels, &v->spec->labels);
        v->birth = birth_notes(kit, app, NULL);
    }
}

static void put_labels(const struct app_source *src, struct arena *a,
                       char (*config_hashes)[SHA256_HEX], struct want_app *ret)
{
    const struct label_kit kit = {
        .owner = src->settings->owner,
        .app = ret->name,
        .project = src->app->compose_project ? src->app->compose_project
                                             : arena_printf(a, "ek-%s", ret->name),
        .revision = arena_strndup(a, ret->digest, 12),
        .config_files = arena_printf(a, "%s/%s", ret->root, ret->file),
        .files_key = src->settings->files_key,
        .ingress = &src->settings->ingress,
        .arena = a,
    };

    for (size_t i = 0; i < ret->n_services; i++)
        build_containers(&kit, ret, &ret->services[i], config_hashes[i]);
    label_networks(&kit, ret);
    label_volumes(&kit, ret);
}

static void merge_override(const struct app_source *src, struct want_app *ret)
{
    const struct override *o = src->override;

    ret->state = o && o->has_state ? o->state : src->app->state;
    const struct drift_rule *rule = o && o->drift.set ? &o->drift : &src->app->drift;

    ret->drift = rule->mode ? rule->mode : src->app->drift.mode;
    ret->drift_ignore = rule->ignore;
    if (ret->drift == DRIFT_UNSET)
        ret->drift = src->settings->drift ? src->settings->drift : DRIFT_HEAL;
    ret->restarted_at_ms = src->app->restarted_at_ms;
    if (o && o->restarted_at_ms > ret->restarted_at_ms)
        ret->restarted_at_ms = o->restarted_at_ms;
}

/* What is in the folder of uploads came over the network, whoever put it there. */
static void judge_origin(const struct app_source *src, struct arena *a, struct want_app *ret)
{
    static const char folder[] = UPLOADS_FOLDER "/";
    const struct spec_file *f = src->file;

    if (src->app->archive) {
        ret->from = ORIGIN_BUNDLE;
        ret->own = src->app->archive;
        ret->trusted = src->app->over;
    }
    if (src->set->n_roots > 0 && strcmp(f->root, src->set->roots[0].path) == 0 &&
        strncmp(f->path, folder, sizeof(folder) - 1) == 0) {
        ret->from = ORIGIN_UPLOAD;
        ret->trusted = NULL;
        const char *mine =
            arena_printf(a, "%s/" UPLOADS_FOLDER "/" UPLOADED_FOLDER "%s.", f->root, ret->name);

        if (!ret->own || strncmp(ret->own, mine, strlen(mine)) != 0)
            ret->own = mine;
    }
}

static void judge_adoption(const struct app *app, struct want_app *ret)
{
    const char *own = app->own_project ? app->own_project : app->name;

    if (!app->adopt.project)
        return;
    ret->adopt = *app->adopt.project ? app->adopt.project : own;
    ret->adopt_at = app->adopt.at;
}

void desired_app_build(const struct app_source *src, struct arena *a, struct str *scratch,
                       struct want_app *ret)
{
    char(*config_hashes)[SHA256_HEX] = arena_array(a, src->app->n_services + 1, SHA256_HEX);

    ret->name = src->app->name;
    ret->at = src->app->at;
    ret->root = src->file->root;
    ret->file = src->file->path;
    ret->origin = arena_printf(a, "%s//%s", src->file->root, src->file->path);
    judge_origin(src, a, ret);
    judge_adoption(src->app, ret);
    ret->variables = src->app->variables;
    merge_override(src, ret);
    build_services(src, a, ret);
    build_networks(src, a, ret);
    desired_route_build(src, a, ret);
    build_volumes(src->app, a, ret);
    digest_app(ret, scratch, config_hashes);
    put_labels(src, a, config_hashes, ret);
}
