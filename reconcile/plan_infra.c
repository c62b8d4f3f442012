/* plan_infra.c: what containers stand on: networks, volumes and images of one app.
 *
 * In: the app's wants and what the engine has. Out: which existing object is used for each want, what is missing (added to
 * the plan only when a container asks for it), networks that must be made again or are no longer wanted, and a clear
 * refusal where a name belongs to somebody else or an external object does not exist.
 * It never removes a volume, and never touches an object that does not carry our labels. */
#include "reconcile/plan_infra.h"

#include <string.h>

#include "drivers/engine_encode.h"
#include "drivers/engine_encode_net.h"
#include "reconcile/adopt.h"
#include "reconcile/plan_judge.h"
#include "reconcile/plan_refresh.h"
#include "reconcile/plan_route.h"
#include "spec/base/arena.h"
#include "spec/labels.h"

/* ---- networks: which one is meant ---- */

static bool is_on(const struct app_work *p, const char *network_id)
{
    for (size_t i = 0; i < p->n_mine; i++)
        for (size_t k = 0; k < p->mine[i]->n_networks; k++) {
            const char *id = p->mine[i]->networks[k].network_id;
            if (id && strcmp(id, network_id) == 0)
                return true;
        }
    return false;
}

/* Of several with one name (old engines allow that) ours, and of ours the one in use. */
static const struct obs_network *pick_network(const struct app_work *p, const char *name,
                                              const struct obs_network **ret_stranger)
{
    const struct observed *o = p->w->seen;
    const struct obs_network *n = observed_network(o, name), *best = NULL;

    *ret_stranger = NULL;
    for (; n && n < o->networks + o->n_networks && strcmp(n->name, name) == 0; n++) {
        if (!owner_is(p->w, n->owner))
            *ret_stranger = n;
        else if (!best || (!is_on(p, best->id) && is_on(p, n->id)))
            best = n;
    }
    return best;
}

static const char *owner_words(struct plan_work *w, const char *owner)
{
    return owner ? arena_printf(w->arena, "belongs to the evenkeel agent \"%s\"", owner)
                 : "was not made by evenkeel";
}

static bool has_subnet(const struct obs_network *n, const char *subnet)
{
    struct subnet want, have;

    if (subnet_parse(subnet, &want) < 0)
        return strv_has(&n->subnets, subnet);
    for (size_t i = 0; i < n->subnets.n; i++)
        if (subnet_parse(n->subnets.v[i], &have) == 0 && have.first == want.first &&
            have.last == want.last)
            return true;
    return false;
}

/* How our own network differs from what is wanted now, or NULL. */
static const char *network_mismatch(struct plan_work *w, const struct network *spec,
                                    const struct obs_network *have)
{
    const char *driver = spec && spec->driver ? spec->driver : "bridge";
    bool internal = spec && spec->internal == TRI_YES;

    if (have->driver && strcmp(have->driver, driver) != 0)
        return arena_printf(w->arena, "driver: %s -> %s", have->driver, driver);
    if (have->internal != internal)
        return internal ? "internal: false -> true" : "internal: true -> false";
    for (size_t i = 0; spec && have->subnets.n && i < spec->n_pools; i++)
        if (spec->pools[i].subnet && !has_subnet(have, spec->pools[i].subnet))
            return arena_printf(w->arena, "subnet: %s -> %s", have->subnets.v[0],
                                spec->pools[i].subnet);
    return NULL;
}

/* The one that apps share with a Traefik that somebody else runs: no app's own, and made by whoever comes first. */
static bool is_shared(const struct plan_work *w, const struct want_network *n)
{
    const struct ingress_settings *g = &w->desired->settings->ingress;

    return g->mode == INGRESS_EXTERNAL && n->external && strcmp(n->name, g->network) == 0;
}

static void judge_network(struct app_work *p, struct network_work *n)
{
    struct plan_work *w = p->w;
    const struct obs_network *stranger, *ours = pick_network(p, n->want->name, &stranger);

    if (n->want->external) {
        n->have = ours ? ours : stranger;
        if (!n->have && !is_shared(w, n->want))
            app_refuse(p, APP_DEGRADED,
                       arena_printf(w->arena,
                                    "external network %s does not exist; create it, or drop "
                                    "\"external: true\" to have it made",
                                    n->want->name));
        return;
    }
    const char *adopt = !ours && stranger && !stranger->owner
                            ? adopt_words(p->name, &stranger->labels, w->arena)
                            : NULL;

    if (adopt && !p->want->adopt) {
        const char *project = kvs_get(&stranger->labels, LABEL_COMPOSE_PROJECT);

        app_refuse(p, APP_REFUSED,
                   arena_printf(w->arena,
                                "network %s is of the Compose project %s; stop it (`docker compose "
                                "-p %s down`), or take it over with `%s`",
                                n->want->name, project, project, adopt));
        return;
    }
    if (!ours && stranger) {
        app_refuse(p, APP_REFUSED,
                   arena_printf(w->arena,
                                "network %s exists and %s; remove it, or declare it "
                                "\"external: true\"",
                                n->want->name, owner_words(w, stranger->owner)));
        return;
    }
    n->have = ours;
    n->mismatch = ours ? network_mismatch(w, n->want->spec, ours) : NULL;
    if (!n->mismatch)
        return;
    n->wrong = ours;
    diff_add(p, DRIFT_PENDING, arena_printf(w->arena, "network %s", n->want->name),
             (struct change){"configuration", n->mismatch, NULL}, "must be made again");
}

/* ---- volumes ---- */

/* Of the Compose project that the app takes over. */
static bool is_adopted(const struct app_work *p, const struct obs_volume *have)
{
    const char *project = kvs_get(&have->labels, LABEL_COMPOSE_PROJECT);

    return !have->owner && project && p->want->adopt && strcmp(project, p->want->adopt) == 0;
}

/* Who may not name what is external may not come by it under `name:` either, nor by what another app has left. */
static bool others_volume(const struct app_work *p, const struct volume_work *v,
                          const struct obs_volume *have)
{
    const struct want_app *app = p->want;
    const char *file = v->want->spec->at.file;

    if (app->from == ORIGIN_ROOT || (app->trusted && file && strcmp(app->trusted, file) == 0))
        return false;
    return !(owner_is(p->w, have->owner) && have->app && strcmp(have->app, p->name) == 0);
}

static void judge_volume(struct app_work *p, struct volume_work *v)
{
    struct plan_work *w = p->w;
    const struct obs_volume *have = observed_volume(w->seen, v->want->name);

    v->exists = have != NULL;
    if (!have && v->want->external)
        app_refuse(p, APP_DEGRADED,
                   arena_printf(w->arena,
                                "external volume %s does not exist; create it, or drop "
                                "\"external: true\" to have it made",
                                v->want->name));
    if (have && is_adopted(p, have)) {
        note_add(p, arena_printf(w->arena,
                                 "volume %s is of the Compose project %s; used as it is, and never "
                                 "removed with the app",
                                 v->want->name, p->want->adopt));
        return;
    }
    if (have && !v->want->external && others_volume(p, v, have)) {
        app_refuse(p, APP_REFUSED,
                   arena_printf(w->arena,
                                "volume %s is not of this app; declare it \"external: true\" and "
                                "allow `external:%s` in `policy:`",
                                v->want->name, v->want->name));
        return;
    }
    if (!have || v->want->external || owner_is(w, have->owner))
        return;
    if (have->owner)
        app_refuse(p, APP_REFUSED,
                   arena_printf(w->arena,
                                "volume %s %s; name another, or declare it \"external: true\"",
                                v->want->name, owner_words(w, have->owner)));
    else
        note_add(p, arena_printf(w->arena, "volume %s was not made by evenkeel; used as it is",
                                 v->want->name));
}

void infra_judge(struct app_work *p)
{
    const struct want_app *app = p->want;

    p->networks = ARENA_ARRAY(p->w->arena, app->n_networks, struct network_work);
    p->volumes = ARENA_ARRAY(p->w->arena, app->n_volumes, struct volume_work);
    for (size_t i = 0; i < app->n_networks; i++) {
        p->networks[i] = (struct network_work){.want = &app->networks[i], .created = NO_ACTION};
        judge_network(p, &p->networks[i]);
    }
    for (size_t i = 0; i < app->n_volumes; i++) {
        p->volumes[i] = (struct volume_work){.want = &app->volumes[i], .created = NO_ACTION};
        judge_volume(p, &p->volumes[i]);
    }
}

/* ---- what is made on demand ---- */

/* A subnet that a spec asks for by name may be taken by a network that was there first. */
static const struct obs_network *overlapping(const struct app_work *p, const char *subnet,
                                             const struct obs_network *but)
{
    const struct observed *o = p->w->seen;
    struct subnet want, have;

    if (subnet_parse(subnet, &want) < 0)
        return NULL;
    for (size_t i = 0; i < o->n_networks; i++)
        for (size_t s = 0; s < o->networks[i].subnets.n; s++)
            if (&o->networks[i] != but && subnet_parse(o->networks[i].subnets.v[s], &have) == 0 &&
                have.first <= want.last && have.last >= want.first)
                return &o->networks[i];
    return NULL;
}

/* Its own, one from the pool, or NULL: the driver's business. Refuses the app when there is none to be had. */
static const char *choose_subnet(struct app_work *p, const struct network_work *n)
{
    struct plan_work *w = p->w;
    const struct network *spec = n->want->spec;
    const struct settings *settings = w->desired->settings;

    for (size_t i = 0; spec && i < spec->n_pools; i++) {
        const char *own = spec->pools[i].subnet;
        const struct obs_network *other = own ? overlapping(p, own, n->wrong) : NULL;

        if (other)
            app_refuse(p, APP_DEGRADED,
                       arena_printf(w->arena, "subnet %s of network %s overlaps network %s (%s)",
                                    own, n->want->name, other->name, other->subnets.v[0]));
    }
    if (spec && spec->n_pools > 0 && spec->pools[0].subnet)
        return spec->pools[0].subnet;
    if (spec && spec->driver && strcmp(spec->driver, "bridge") != 0)
        return NULL;
    const char *subnet = subnet_pool_pick(&w->pool);

    if (!subnet)
        app_refuse(p, APP_DEGRADED,
                   arena_printf(w->arena,
                                "no free subnet of size /%d left in %s for network %s; set "
                                "network.pool in the agent's configuration",
                                settings->pool_prefix, settings->pool, n->want->name));
    return subnet;
}

/* Exactly what uses it now was up before: it was there. Of its networks that holds for the one that its hash knows. */
static bool used_before(struct app_work *p, const char *key, bool volume)
{
    for (size_t i = 0; i < p->n_replicas; i++) {
        const struct replica *r = &p->replicas[i];
        const struct service *s = r->service->spec;
        const struct attach *first = volume ? NULL : engine_encode_first_attach(r->want);

        if (!judge_was_up_as(p, r, r->want->name))
            continue;
        if (first && strcmp(first->network, key) == 0)
            return true;
        for (size_t k = 0; volume && k < s->n_mounts; k++)
            if (s->mounts[k].kind == MOUNT_VOLUME && s->mounts[k].source &&
                strcmp(s->mounts[k].source, key) == 0)
                return true;
    }
    return false;
}

/* "gone (destroy at ...)", or NULL: it is new. */
static const char *gone_words(struct app_work *p, const char *object, bool known)
{
    const char *event = handmade_end(p->w, object);

    if (event)
        return arena_printf(p->w->arena, "gone (%s)", event);
    return known ? "gone (removed by hand)" : NULL;
}

/* A container of ours still names it. */
static bool knew_network(const struct app_work *p, const char *name)
{
    for (size_t i = 0; i < p->n_mine; i++)
        for (size_t k = 0; k < p->mine[i]->n_networks; k++)
            if (strcmp(p->mine[i]->networks[k].network_name, name) == 0)
                return true;
    return false;
}

uint32_t infra_network(struct app_work *p, struct network_work *n)
{
    struct arena *a = p->w->arena;

    if (n->planned || n->have)
        return n->created;
    n->planned = true;
    const char *label = arena_printf(a, "network %s", n->want->name);
    bool known = knew_network(p, n->want->name) || used_before(p, n->want->key, false);
    const char *gone = n->wrong ? NULL : gone_words(p, label, known);
    const char *cause =
        n->wrong ? n->mismatch
        : gone
            ? gone
            : arena_printf(a, "%s: new", place_words(p, n->want->spec ? &n->want->spec->at : NULL));
    const char *subnet = choose_subnet(p, n);

    if (!n->wrong)
        diff_add(p, gone ? DRIFT_FOUND : DRIFT_PENDING, label,
                 (struct change){"state", "present", NULL}, cause);
    n->created = act_add(p, ACT_NETWORK_CREATE, label, cause);
    struct action *act = act_at(p, n->created);

    act->op.name = n->want->name;
    struct want_network want = *n->want;

    if (is_shared(p->w, &want))
        kvs_set(a, &want.labels, LABEL_OWNER, p->w->owner);
    act->op.body = engine_encode_network(&want, subnet, a);
    act->reserves = subnet;
    return n->created;
}

uint32_t infra_volume(struct app_work *p, struct volume_work *v)
{
    struct arena *a = p->w->arena;

    if (v->exists || v->created != NO_ACTION)
        return v->created;
    const char *label = arena_printf(a, "volume %s", v->want->name);

    const struct volume *spec = v->want->spec;
    const char *gone = gone_words(p, label, used_before(p, v->want->key, true));
    const char *cause =
        gone ? gone : arena_printf(a, "%s: new", place_words(p, spec ? &spec->at : NULL));

    diff_add(p, gone ? DRIFT_FOUND : DRIFT_PENDING, label,
             (struct change){"state", "present", NULL}, cause);
    v->created = act_add(p, ACT_VOLUME_CREATE, label, cause);
    struct action *act = act_at(p, v->created);

    act->op.name = v->want->name;
    act->op.body = engine_encode_volume(v->want, a);
    return v->created;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* The action that brings an image, once for all who need it. */
static uint32_t bring(struct app_work *p, enum action_kind kind, const char *ref,
                      const char *platform, const char *cause)
{
    for (size_t i = 0; i < p->n_pulls; i++)
        if (strcmp(p->pulls[i].ref, ref) == 0 && same_text(p->pulls[i].platform, platform))
            return p->pulls[i].action;
    uint32_t i = act_add(p, kind, arena_printf(p->w->arena, "image %s", ref), cause);

    act_at(p, i)->op.object = ref;
    act_at(p, i)->op.platform = platform;
    p->pulls = arena_grow(p->w->arena, p->pulls, p->n_pulls, &p->cap_pulls, sizeof(p->pulls[0]));
    p->pulls[p->n_pulls++] = (struct pulled){ref, platform, i};
    return i;
}

static uint32_t infra_build(struct app_work *p, const struct want_service *s)
{
    const struct obs_image *image = observed_image(p->w->seen, s->image);
    const struct build *b = &s->spec->build;
    struct arena *a = p->w->arena;

    if (image && image->id)
        return NO_ACTION;
    uint32_t i =
        bring(p, ACT_BUILD, s->image, s->spec->platform,
              s->facts->tool ? arena_printf(a, "its source is new; built with %s", s->facts->tool)
              : s->facts->made_for
                  ? arena_printf(a, "its source is new; Dockerfile made for %s", s->facts->made_for)
                  : "its source is new");

    if (act_at(p, i)->op.build)
        return i;
    struct build_order *order = ARENA_NEW(a, struct build_order);

    *order = (struct build_order){
        .path = b->bundle ? b->bundle : b->path,
        .sub = b->bundle ? b->path : NULL,
        .dockerfile = s->facts->dockerfile,
        .dockerfile_text = s->facts->dockerfile_text,
        .digest = s->facts->digest,
        .fingerprint = s->facts->fingerprint,
        .target = b->target,
        .network = b->network,
        .builder = s->facts->builder,
        .files = s->facts->files,
        .cache_from = b->cache_from,
        .tags = b->tags,
        .extra_hosts = b->extra_hosts,
        .shm_bytes = b->shm_size.set ? b->shm_size.v : 0,
        .ulimits = b->ulimits,
        .n_ulimits = b->n_ulimits,
        .no_cache = b->no_cache == TRI_YES,
        .needs_buildkit = s->facts->needs_buildkit,
        .limits = p->w->in->desired->settings->build_limits,
    };
    for (size_t k = 0; k < s->facts->args.n; k++)
        kvs_set(a, &order->args, s->facts->args.v[k].key, s->facts->args.v[k].value);
    for (size_t k = 0; k < b->args.n; k++)
        kvs_set(a, &order->args, b->args.v[k].key, b->args.v[k].value);
    for (size_t k = 0; k < b->labels.n; k++)
        kvs_set(a, &order->labels, b->labels.v[k].key, b->labels.v[k].value);
    kvs_set(a, &order->labels, LABEL_BUILD_OWNER, p->w->owner);
    kvs_set(a, &order->labels, LABEL_BUILD_APP, p->name);
    kvs_set(a, &order->labels, LABEL_BUILD_SERVICE, s->name);
    act_at(p, i)->op.build = order;
    act_at(p, i)->op.deadline_ms = p->w->in->desired->settings->build_timeout_ms;
    return i;
}

uint32_t infra_pull(struct app_work *p, const struct want_service *s)
{
    const struct obs_image *image = observed_image(p->w->seen, s->image);
    bool absent = !image || !image->id;

    if (s->facts)
        return infra_build(p, s);
    bool again = !absent && refresh_due(p, s);

    if (!absent && !again && s->spec->pull != PULL_ALWAYS)
        return NO_ACTION;
    uint32_t i = bring(p, ACT_PULL, s->image, s->spec->platform,
                       absent  ? "the engine does not have it"
                       : again ? "its last pull is too old"
                               : "pull_policy: always");

    act_at(p, i)->optional = again; /* the one that is there serves all the same */
    return i;
}

bool infra_bases_missing(const struct app_work *p, const struct want_service *s)
{
    for (size_t i = 0; s->facts->state == FACTS_READY && i < s->facts->images.n; i++) {
        const struct obs_image *base = observed_image(p->w->seen, s->facts->images.v[i]);

        if (!base || !base->id)
            return true;
    }
    return false;
}

void infra_pull_bases(struct app_work *p, const struct want_service *s)
{
    for (size_t i = 0; s->facts->state == FACTS_READY && i < s->facts->images.n; i++) {
        const char *ref = s->facts->images.v[i];
        const char *its = i < s->facts->platforms.n ? s->facts->platforms.v[i] : "";
        const struct obs_image *base = observed_image(p->w->seen, ref);

        if (base && !base->id) /* one that nobody asked about yet is asked about first */
            (void)bring(p, ACT_PULL, ref, *its ? its : s->spec->platform,
                        "what is built stands on it");
    }
}

/* ---- networks that are made again, live: containers stay up and change over ---- */

/* A container on the network that is not the app's, or NULL. */
static const struct obs_container *stranger_on(struct app_work *p, const char *network_id)
{
    size_t from, to;

    attached_range(p->w, network_id, &from, &to);
    for (size_t i = from; i < to; i++)
        if (!app_holds(p, p->w->attached[i].container) &&
            !route_is_ingress(p->w, p->w->attached[i].container))
            return p->w->attached[i].container;
    return NULL;
}

static uint32_t remove_wrong(struct app_work *p, const struct network_work *n)
{
    struct plan_work *w = p->w;
    const char *label = arena_printf(w->arena, "network %s", n->want->name);
    size_t from, to, first = p->out->n_actions;

    attached_range(w, n->wrong->id, &from, &to);
    for (size_t i = from; i < to; i++) {
        const struct obs_container *c = w->attached[i].container;
        uint32_t off = act_container(p, ACT_NETWORK_DISCONNECT, c->id, container_label(w, c),
                                     "the network is made again");
        act_at(p, off)->op.network = n->wrong->id;
        act_at(p, off)->op.name = n->wrong->name;
    }
    size_t end = p->out->n_actions;
    uint32_t gone = act_container(p, ACT_NETWORK_REMOVE, n->wrong->id, label, n->mismatch);

    for (size_t i = first; i < end; i++)
        act_need(p, gone, (uint32_t)i);
    return gone;
}

static bool attaches(const struct app_work *p, const struct replica *r,
                     const struct network_work *n, const struct attach **ret)
{
    const struct attach *wanted;
    size_t n_wanted;

    service_attachments(r->service->spec, &wanted, &n_wanted);
    for (size_t i = 0; i < n_wanted; i++)
        if (strcmp(wanted[i].network, n->want->key) == 0) {
            *ret = &wanted[i];
            return true;
        }
    (void)p;
    return false;
}

/* Whoever goes on running, for now or for good, changes over to the new network. */
static void reconnect(struct app_work *p, struct network_work *n)
{
    struct arena *a = p->w->arena;

    for (size_t i = 0; i < p->n_replicas; i++) {
        struct replica *r = &p->replicas[i];
        const struct attach *at;

        if (!attaches(p, r, n, &at))
            continue;
        if (r->keeper && !strv_has(&r->connect, n->want->name)) {
            strv_push(a, &r->connect, n->want->name);
            r->kind = DRIFT_PENDING;
            if (!r->cause || r->cause_is_left)
                r->cause = n->mismatch;
        }
        if (!r->former)
            continue;
        uint32_t on = act_container(p, ACT_NETWORK_CONNECT, r->former->id,
                                    container_label(p->w, r->former), n->mismatch);
        struct action *act = act_at(p, on);

        act->op.network = act->op.name = n->want->name;
        act->op.body = engine_encode_connect(r->former->id, r->want, at, a);
        act_need(p, on, n->created);
    }
}

void infra_replace_networks(struct app_work *p)
{
    for (size_t i = 0; i < p->want->n_networks; i++) {
        struct network_work *n = &p->networks[i];
        const struct obs_container *stranger = n->wrong ? stranger_on(p, n->wrong->id) : NULL;

        if (!n->wrong)
            continue;
        if (stranger) {
            p->left = arena_printf(p->w->arena,
                                   "network %s is not made again (%s) while container %s is on it",
                                   n->want->name, n->mismatch, stranger->name);
            continue;
        }
        uint32_t gone = remove_wrong(p, n);

        n->have = NULL;
        (void)infra_network(p, n);
        act_need(p, n->created, gone);
        reconnect(p, n);
    }
}

/* ---- networks that nobody wants any more ---- */

static bool wanted_network(const struct app_work *p, const struct obs_network *n)
{
    for (size_t i = 0; i < p->want->n_networks; i++) {
        const struct network_work *k = &p->networks[i];

        if (k->have == n || k->wrong == n)
            return true;
    }
    return false;
}

/* The action after which the container is off the network; NO_ACTION when there is none. */
static uint32_t leaves(const struct app_work *p, const struct obs_container *c,
                       const struct obs_network *n)
{
    for (size_t i = 0; i < p->out->n_actions; i++) {
        const struct action *a = &p->out->actions[i];
        bool off = a->kind == ACT_NETWORK_DISCONNECT && strcmp(a->op.network, n->id) == 0;

        if (a->when == WHEN_OK && (a->kind == ACT_REMOVE || off) &&
            strcmp(a->op.object, c->id) == 0)
            return (uint32_t)i;
    }
    return NO_ACTION;
}

static bool is_twin(const struct app_work *p, const struct obs_network *n)
{
    for (size_t i = 0; i < p->want->n_networks; i++)
        if (strcmp(p->want->networks[i].name, n->name) == 0)
            return true;
    return false;
}

static void sweep(struct app_work *p, const struct obs_network *n)
{
    const char *cause =
        is_twin(p, n) ? "a second one of its name"
                      : arena_printf(p->w->arena, "%s: no longer wanted", place_words(p, NULL));
    struct plan_work *w = p->w;
    size_t from, to, k = 0;

    attached_range(w, n->id, &from, &to);
    uint32_t *after = ARENA_ARRAY(w->arena, to - from, uint32_t);

    for (size_t i = from; i < to; i++) {
        const struct obs_container *c = w->attached[i].container;
        bool ours = app_holds(p, c) || route_is_ingress(w, c);
        uint32_t off = ours ? leaves(p, c, n) : NO_ACTION;

        if (off == NO_ACTION) {
            note_add(p, arena_printf(w->arena, "network %s stays: container %s is on it", n->name,
                                     c->name));
            return;
        }
        after[k++] = off;
    }
    diff_add(p, DRIFT_PENDING, arena_printf(w->arena, "network %s", n->name),
             (struct change){"state", NULL, "present"}, cause);
    infra_remove_network(p, n, cause, after, k);
}

void infra_sweep_networks(struct app_work *p)
{
    size_t from, to;

    if (p->want && want_app_unread(p->want))
        return;
    networks_of_app(p->w, p->name, &from, &to);
    for (size_t i = from; i < to; i++)
        if (!wanted_network(p, p->w->networks[i]))
            sweep(p, p->w->networks[i]);
}

void infra_remove_network(struct app_work *p, const struct obs_network *n, const char *cause,
                          const uint32_t *after, size_t n_after)
{
    const char *label = arena_printf(p->w->arena, "network %s", n->name);
    uint32_t gone = act_container(p, ACT_NETWORK_REMOVE, n->id, label, cause);

    act_at(p, gone)->optional = true;
    act_need_all(p, gone, after, n_after);
}
