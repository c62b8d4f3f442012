/* How much of the world goes into a saved pass.
 *
 * Comes in: a finished pass. Goes out: either all there is, or what concerns the apps of its scope: their files, sources, secrets and objects, and Traefik. Where the
 * plan makes networks, the others' are there too, as nobody's, for their subnets are taken; where it starts something, so is whatever others run, for its ports.
 * It claims nothing about the plan that follows from a part: saved.c makes that plan and compares it. */
#include "agent/saved_part.h"

#include <stdlib.h>

#include "spec/base/arena.h"

/* ---- sorted names ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool holds(const struct strv *sorted, const char *text)
{
    return text && sorted->n > 0 &&
           bsearch(&text, sorted->v, sorted->n, sizeof(sorted->v[0]), by_text);
}

static struct kvs only(const struct kvs *from, const struct strv *keys, struct arena *a)
{
    struct kvs l = {0};

    for (size_t i = 0; i < from->n; i++)
        if (holds(keys, from->v[i].key))
            kvs_set(a, &l, from->v[i].key, from->v[i].value);
    return l;
}

/* ---- all ---- */

void saved_part_all(const struct core *c, const struct core_pass *p, struct saved_part *ret)
{
    *ret = (struct saved_part){.everything = true,
                               .incumbents = c->incumbents,
                               .history = *p->input.history,
                               .set = *c->set,
                               .observed = p->input.observed};
}

/* ---- what a plan reads of others ---- */

struct taking {
    const struct core *core;
    const struct core_pass *pass;
    struct arena *a;
    struct saved_part *part;
    bool makes_networks, starts;
    struct strv names;                     /* of containers; sorted when all are known */
    struct strv networks, volumes, images; /* names and references; likewise */
};

static bool concerns_others(enum action_kind kind)
{
    return kind != ACT_ROUTE_WRITE && kind != ACT_ROUTE_SEE && kind != ACT_DRAIN;
}

static void judge_actions(struct taking *t)
{
    const struct plan *plan = t->pass->plan;

    for (size_t i = 0; i < plan->n_apps; i++)
        for (size_t k = 0; k < plan->apps[i].n_actions; k++) {
            enum action_kind kind = plan->apps[i].actions[k].kind;

            t->makes_networks |= kind == ACT_NETWORK_CREATE;
            t->starts |= concerns_others(kind);
        }
}

/* ---- wanted ---- */

static void take_service(struct taking *t, const struct want_service *s)
{
    if (s->image)
        strv_push(t->a, &t->images, s->image);
    for (size_t i = 0; i < s->n_containers; i++)
        strv_push(t->a, &t->names, s->containers[i].name);
    if (!s->facts)
        return;
    strv_push(t->a, &t->part->facts, s->facts->key);
    for (size_t i = 0; i < s->facts->images.n; i++)
        strv_push(t->a, &t->images, s->facts->images.v[i]);
}

static void take_wanted(struct taking *t)
{
    const struct desired *d = t->pass->input.desired;

    for (size_t i = 0; i < t->part->apps.n; i++) {
        const struct want_app *app = desired_app(d, t->part->apps.v[i]);

        if (!app)
            continue;
        strv_push(t->a, &t->part->files, app->origin);
        for (size_t k = 0; k < app->n_services; k++)
            take_service(t, &app->services[k]);
        for (size_t k = 0; k < app->n_networks; k++)
            strv_push(t->a, &t->networks, app->networks[k].name);
        for (size_t k = 0; k < app->n_volumes; k++)
            strv_push(t->a, &t->volumes, app->volumes[k].name);
    }
    strv_sort(&t->part->facts);
    strv_sort(&t->volumes);
    strv_sort(&t->images);
}

static void take_overrides(struct taking *t)
{
    const struct spec_set *set = sources_set(t->core->sources);

    for (size_t i = 0; i < set->n_overrides; i++) {
        const struct spec_file *f = set->overrides[i];
        bool concerned = f->n_documents == 0;

        for (size_t k = 0; k < f->n_documents; k++)
            concerned |= !f->documents[k].name || holds(&t->part->apps, f->documents[k].name);
        if (concerned)
            strv_push(t->a, &t->part->files, arena_printf(t->a, "%s//%s", f->root, f->path));
    }
    strv_sort(&t->part->files);
}

/* The archives that the files stand for or name. */
static void take_bundles(struct taking *t)
{
    const struct desired *d = t->pass->input.desired;

    for (size_t i = 0; i < d->n_files; i++) {
        const struct spec_file *f = d->files[i];

        if (!saved_part_has_file(t->part, f->root, f->path))
            continue;
        if (f->bundle)
            strv_push(t->a, &t->part->bundles, f->bundle);
        for (size_t k = 0; k < f->n_documents; k++)
            for (size_t b = 0; b < f->documents[k].bundles.n; b++)
                strv_push(t->a, &t->part->bundles, f->documents[k].bundles.v[b]);
    }
    strv_sort(&t->part->bundles);
}

/* "NAME" is everybody's, "APP/NAME" that app's. */
static void take_set(struct taking *t)
{
    const struct spec_set *all = t->core->set;
    struct spec_set *set = &t->part->set;
    struct secret_facts *secrets = ARENA_ARRAY(t->a, all->n_secrets + 1, struct secret_facts);

    for (size_t i = 0; i < all->n_secrets; i++) {
        const char *name = all->secrets[i].name, *slash = strchr(name, '/');

        if (!slash || holds(&t->part->apps, arena_strndup(t->a, name, (size_t)(slash - name))))
            secrets[set->n_secrets++] = all->secrets[i];
    }
    set->secrets = secrets;
    set->secrets_known = all->secrets_known;
    for (size_t i = 0; i < all->routed.n; i++)
        if (holds(&t->part->apps, all->routed.v[i]))
            strv_push(t->a, &set->routed, all->routed.v[i]);
    for (size_t i = 0; i < all->served.n; i++)
        if (holds(&t->part->apps, all->served.v[i].value))
            kvs_set(t->a, &set->served, all->served.v[i].key, all->served.v[i].value);
}

/* ---- observed ---- */

static bool is_ours(const struct taking *t, const char *owner)
{
    return owner && strcmp(owner, t->core->options->settings.owner) == 0;
}

static bool is_taken(const struct taking *t, const char *app)
{
    return holds(&t->part->apps, app) || (app && strcmp(app, t->core->ingress_app) == 0);
}

static void take_containers(struct taking *t, const struct observed *from, struct observed *to)
{
    to->containers = ARENA_ARRAY(t->a, from->n_containers, struct obs_container);
    for (size_t i = 0; i < from->n_containers; i++) {
        const struct obs_container *c = &from->containers[i];

        if (!(is_ours(t, c->owner) ? is_taken(t, c->app) : t->starts))
            continue;
        to->containers[to->n_containers++] = *c;
        if (!holds(&t->part->apps, c->app))
            continue;
        strv_push(t->a, &t->names, c->name);
        for (size_t k = 0; k < c->n_networks; k++)
            strv_push(t->a, &t->networks, c->networks[k].network_name);
    }
    strv_sort(&t->names);
    strv_sort(&t->networks);
}

/* Traefik is on a network of each routed app. */
static void trim_traefik(struct taking *t, struct observed *o)
{
    for (size_t i = 0; i < o->n_containers; i++) {
        struct obs_container *c = &o->containers[i];
        struct obs_attach *kept = ARENA_ARRAY(t->a, c->n_networks, struct obs_attach);
        size_t n = 0;

        if (!c->app || strcmp(c->app, t->core->ingress_app) != 0)
            continue;
        for (size_t k = 0; k < c->n_networks; k++)
            if (holds(&t->networks, c->networks[k].network_name))
                kept[n++] = c->networks[k];
        c->networks = kept;
        c->n_networks = n;
    }
}

static void take_networks(struct taking *t, const struct observed *from, struct observed *to)
{
    to->networks = ARENA_ARRAY(t->a, from->n_networks, struct obs_network);
    for (size_t i = 0; i < from->n_networks; i++) {
        const struct obs_network *n = &from->networks[i];
        bool taken = holds(&t->networks, n->name) || (is_ours(t, n->owner) && is_taken(t, n->app));

        if (!taken && !t->makes_networks)
            continue;
        struct obs_network *x = &to->networks[to->n_networks++];

        *x = *n;
        if (taken)
            continue;
        x->owner = x->app = NULL; /* an app that is not in here would be one to remove */
        x->labels = (struct kvs){0};
    }
}

static void take_rest(struct taking *t, const struct observed *from, struct observed *to)
{
    to->volumes = ARENA_ARRAY(t->a, from->n_volumes, struct obs_volume);
    to->images = ARENA_ARRAY(t->a, from->n_images, struct obs_image);
    to->routes = ARENA_ARRAY(t->a, from->n_routes, struct obs_route);
    for (size_t i = 0; i < from->n_volumes; i++)
        if (holds(&t->volumes, from->volumes[i].name) ||
            (is_ours(t, from->volumes[i].owner) && is_taken(t, from->volumes[i].app)))
            to->volumes[to->n_volumes++] = from->volumes[i];
    for (size_t i = 0; i < from->n_images; i++)
        if (holds(&t->images, from->images[i].ref))
            to->images[to->n_images++] = from->images[i];
    for (size_t i = 0; i < from->n_routes; i++)
        if (is_taken(t, from->routes[i].app))
            to->routes[to->n_routes++] = from->routes[i];
}

static void take_observed(struct taking *t)
{
    const struct observed *from = t->pass->input.observed;
    struct observed *to = ARENA_NEW(t->a, struct observed);

    *to = (struct observed){.engine_version = from->engine_version,
                            .api_version = from->api_version,
                            .platform = from->platform,
                            .files = from->files,
                            .n_files = from->n_files};
    take_containers(t, from, to);
    trim_traefik(t, to);
    take_networks(t, from, to);
    take_rest(t, from, to);
    t->part->observed = to;
}

/* ---- the part ---- */

static bool worth_it(const struct core *c, const struct core_pass *p)
{
    const struct strv *scope = &p->input.scope;

    return scope->n > 0 && scope->n * 2 < p->input.desired->n_apps && p->plan->n_held == 0 &&
           p->plan->released.n == 0 && !p->input.confirmed_removals &&
           !strv_has(scope, c->ingress_app);
}

bool saved_part_scope(const struct core *c, const struct core_pass *p, struct arena *a,
                      struct saved_part *ret)
{
    struct saved_part part = {0};
    struct taking t = {.core = c, .pass = p, .a = a, .part = &part};

    if (!worth_it(c, p))
        return false;
    for (size_t i = 0; i < p->input.scope.n; i++)
        strv_push(a, &part.apps, p->input.scope.v[i]);
    strv_sort(&part.apps);
    judge_actions(&t);
    take_wanted(&t);
    take_overrides(&t);
    take_bundles(&t);
    take_set(&t);
    take_observed(&t);
    part.incumbents = only(&c->incumbents, &part.apps, a);
    part.history.last_hash = only(&p->input.history->last_hash, &t.names, a);
    part.history.handmade = p->input.history->handmade;
    part.history.watched = p->input.history->watched;
    *ret = part;
    return true;
}

/* "ROOT//PATH" */
static bool is_origin(const char *origin, const char *root, const char *path)
{
    size_t n = strlen(root);

    return strncmp(origin, root, n) == 0 && strncmp(origin + n, "//", 2) == 0 &&
           strcmp(origin + n + 2, path) == 0;
}

bool saved_part_has_file(const struct saved_part *part, const char *root, const char *path)
{
    if (part->everything)
        return true;
    for (size_t i = 0; i < part->files.n; i++)
        if (is_origin(part->files.v[i], root, path))
            return true;
    return false;
}

bool saved_part_has_bundle(const struct saved_part *part, const char *path)
{
    return part->everything || holds(&part->bundles, path);
}

bool saved_part_has_facts(const struct saved_part *part, const char *key)
{
    return part->everything || holds(&part->facts, key);
}
