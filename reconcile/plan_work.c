/* plan_work.c: the planner's tools: appending actions and differences, and finding things by app, network or key.
 *
 * In: a plan's input. Out: sorted indexes over what is observed, and growing lists in the plan's arena. Every lookup is a
 * binary search and every index is made once per plan, so that planning many apps costs n log n.
 * It takes no decision. */
#include "reconcile/plan_work.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "reconcile/action_table.h"
#include "reconcile/deeds.h"
#include "spec/base/arena.h"

/* ---- building ---- */

uint32_t act_add(struct app_work *p, enum action_kind kind, const char *subject, const char *cause)
{
    struct plan_app *out = p->out;

    out->actions = arena_grow(p->w->arena, out->actions, out->n_actions, &p->cap_actions,
                              sizeof(out->actions[0]));
    out->actions[out->n_actions] = (struct action){
        .kind = kind,
        .subject = subject,
        .cause = cause,
        .op = {.kind = action_row(kind)->op, .grace_s = -1},
    };
    return (uint32_t)out->n_actions++;
}

struct action *act_at(struct app_work *p, uint32_t action)
{
    assert(action < p->out->n_actions);
    return &p->out->actions[action];
}

void act_need(struct app_work *p, uint32_t action, uint32_t need)
{
    struct action *a = act_at(p, action);
    size_t n = a->n_needs;

    if (need == NO_ACTION)
        return;
    assert(need < action);
    for (size_t i = n < 16 ? 0 : n - 16; i < n; i++)
        if (a->needs[i] == need)
            return;
    if (n == 0 || (n >= 4 && (n & (n - 1)) == 0)) {
        uint32_t *grown = ARENA_ARRAY(p->w->arena, n ? 2 * n : 4, uint32_t);
        if (n)
            memcpy(grown, a->needs, n * sizeof(grown[0]));
        a->needs = grown;
    }
    a->needs[a->n_needs++] = need;
}

void act_need_all(struct app_work *p, uint32_t action, const uint32_t *needs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        act_need(p, action, needs[i]);
}

uint32_t act_container(struct app_work *p, enum action_kind kind, const char *object,
                       const char *label, const char *cause)
{
    uint32_t i = act_add(p, kind, label, cause);

    act_at(p, i)->op.object = object;
    return i;
}

void diff_add(struct app_work *p, enum drift_kind kind, const char *object, struct change change,
              const char *cause)
{
    struct plan_app *out = p->out;

    out->differences = arena_grow(p->w->arena, out->differences, out->n_differences,
                                  &p->cap_differences, sizeof(out->differences[0]));
    out->differences[out->n_differences++] =
        (struct difference){.kind = kind, .object = object, .change = change, .cause = cause};
}

void note_add(struct app_work *p, const char *note)
{
    if (!strv_has(&p->out->notes, note))
        strv_push(p->w->arena, &p->out->notes, note);
}

void app_refuse(struct app_work *p, enum app_state state, const char *why)
{
    if (p->blocked)
        return;
    p->blocked = why;
    p->refused_state = state;
}

bool app_holds(const struct app_work *p, const struct obs_container *c)
{
    return owner_is(p->w, c->owner) && c->app && strcmp(c->app, p->name) == 0;
}

/* ---- indexes ---- */

static int compare_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int compare_networks(const void *va, const void *vb)
{
    const struct obs_network *a = *(const struct obs_network *const *)va;
    const struct obs_network *b = *(const struct obs_network *const *)vb;
    int by = compare_text(a->app, b->app);

    if (!by)
        by = compare_text(a->name, b->name);
    return by ? by : compare_text(a->id, b->id);
}

static int compare_volumes(const void *va, const void *vb)
{
    const struct obs_volume *a = *(const struct obs_volume *const *)va;
    const struct obs_volume *b = *(const struct obs_volume *const *)vb;
    int by = compare_text(a->app, b->app);

    return by ? by : compare_text(a->name, b->name);
}

static int compare_attached(const void *va, const void *vb)
{
    const struct attached *a = va, *b = vb;
    int by = compare_text(a->network_id, b->network_id);

    return by ? by : compare_text(a->container->name, b->container->name);
}

bool owner_is(const struct plan_work *w, const char *owner)
{
    return owner && strcmp(owner, w->owner) == 0;
}

static void index_ours(struct plan_work *w)
{
    const struct observed *o = w->seen;

    w->networks = ARENA_ARRAY(w->arena, o->n_networks, const struct obs_network *);
    for (size_t i = 0; i < o->n_networks; i++)
        if (o->networks[i].app && owner_is(w, o->networks[i].owner))
            w->networks[w->n_networks++] = &o->networks[i];
    sort_rows((void *)w->networks, w->n_networks, sizeof(w->networks[0]), compare_networks);
    w->volumes = ARENA_ARRAY(w->arena, o->n_volumes, const struct obs_volume *);
    for (size_t i = 0; i < o->n_volumes; i++)
        if (o->volumes[i].app && owner_is(w, o->volumes[i].owner))
            w->volumes[w->n_volumes++] = &o->volumes[i];
    sort_rows((void *)w->volumes, w->n_volumes, sizeof(w->volumes[0]), compare_volumes);
}

static void take_asked_for(struct plan_work *w, const struct network *spec)
{
    for (size_t i = 0; spec && i < spec->n_pools; i++)
        if (spec->pools[i].subnet)
            subnet_pool_take(&w->pool, spec->pools[i].subnet);
}

static void fill_pool(struct plan_work *w)
{
    const struct plan_input *in = w->in;
    const struct settings *settings = w->desired->settings;

    subnet_pool_init(&w->pool, settings->pool, settings->pool_prefix, w->arena);
    for (size_t i = 0; i < w->seen->n_networks; i++)
        for (size_t s = 0; s < w->seen->networks[i].subnets.n; s++)
            subnet_pool_take(&w->pool, w->seen->networks[i].subnets.v[s]);
    for (size_t i = 0; i < in->reserved_subnets.n; i++)
        subnet_pool_take(&w->pool, in->reserved_subnets.v[i]);
    for (size_t i = 0; i < in->host_routes.n; i++)
        subnet_pool_take(&w->pool, in->host_routes.v[i]);
    /* What a spec asks for by name is never handed to another, whoever is planned first. */
    for (size_t i = 0; i < w->desired->n_apps; i++) {
        const struct want_app *app = &w->desired->apps[i];
        for (size_t n = 0; n < app->n_networks; n++)
            take_asked_for(w, app->networks[n].spec);
    }
}

void plan_work_init(struct plan_work *w, const struct plan_input *in, struct arena *a)
{
    *w = (struct plan_work){
        .in = in,
        .desired = in->desired,
        .seen = in->observed,
        .owner = in->desired->settings->owner,
        .arena = a,
        .ingress_name = ingress_app_name(in->desired->settings->owner, a),
    };
    index_ours(w);
    fill_pool(w);
}

/* The first of n sorted things whose app is not before (or, past it, is behind) app. */
static size_t bound(const void *v, size_t n, const char *(*app_of)(const void *v, size_t i),
                    const char *app, bool past)
{
    size_t lo = 0, hi = n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int by = compare_text(app_of(v, mid), app);

        if (by < 0 || (past && by == 0))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static const char *app_of_network(const void *v, size_t i)
{
    return ((const struct obs_network *const *)v)[i]->app;
}

static const char *app_of_volume(const void *v, size_t i)
{
    return ((const struct obs_volume *const *)v)[i]->app;
}

static const char *network_of_attached(const void *v, size_t i)
{
    return ((const struct attached *)v)[i].network_id;
}

void networks_of_app(const struct plan_work *w, const char *app, size_t *ret_from, size_t *ret_to)
{
    *ret_from = bound(w->networks, w->n_networks, app_of_network, app, false);
    *ret_to = bound(w->networks, w->n_networks, app_of_network, app, true);
}

void volumes_of_app(const struct plan_work *w, const char *app, size_t *ret_from, size_t *ret_to)
{
    *ret_from = bound(w->volumes, w->n_volumes, app_of_volume, app, false);
    *ret_to = bound(w->volumes, w->n_volumes, app_of_volume, app, true);
}

static void index_attached(struct plan_work *w)
{
    const struct observed *o = w->seen;
    size_t n = 0;

    for (size_t i = 0; i < o->n_containers; i++)
        n += o->containers[i].n_networks;
    w->attached = ARENA_ARRAY(w->arena, n, struct attached);
    for (size_t i = 0; i < o->n_containers; i++) {
        const struct obs_container *c = &o->containers[i];

        for (size_t k = 0; k < c->n_networks; k++) {
            const char *id = c->networks[k].network_id;
            const struct obs_network *by_name = observed_network(o, c->networks[k].network_name);

            /* Before its first start a container knows its network by name only. */
            if ((!id || !*id) && by_name)
                id = by_name->id;
            w->attached[w->n_attached++] = (struct attached){id, c};
        }
    }
    if (n > 1)
        qsort(w->attached, n, sizeof(w->attached[0]), compare_attached);
}

void attached_range(struct plan_work *w, const char *network_id, size_t *ret_from, size_t *ret_to)
{
    if (!w->attached)
        index_attached(w);
    *ret_from = bound(w->attached, w->n_attached, network_of_attached, network_id, false);
    *ret_to = bound(w->attached, w->n_attached, network_of_attached, network_id, true);
}

/* ---- small questions ---- */

bool container_runs(const struct obs_container *c)
{
    return c->state == CS_RUNNING || c->state == CS_PAUSED || c->state == CS_RESTARTING;
}

const char *container_label(const struct plan_work *w, const struct obs_container *c)
{
    return arena_printf(w->arena, "container %s", c->name);
}

const char *place_words(const struct app_work *p, const struct place *at)
{
    const struct want_app *app = p->want;

    if (!at || !at->file)
        at = &app->at;
    const char *file = at->file ? at->file : app->file;

    if (!file)
        return "the spec";
    return at->line > 0 ? arena_printf(p->w->arena, "%s:%d", file, at->line) : file;
}

const char *leftover_cause(const struct app_work *p, const struct obs_container *c)
{
    size_t at = service_index(p->want, c->service ? c->service : "");

    if (at == p->want->n_services)
        return arena_printf(p->w->arena, "%s: no service %s any more", place_words(p, NULL),
                            c->service ? c->service : "of that name");
    const struct want_service *s = &p->want->services[at];

    return arena_printf(p->w->arena, "%s: scaled to %zu", place_words(p, &s->spec->at),
                        s->n_containers);
}

const char *handmade_end(const struct plan_work *w, const char *object)
{
    const struct history *h = w->in->history;

    return h && h->handmade.n > 0 ? deeds_end(&h->handmade, object) : NULL;
}

const char *handmade(const struct plan_work *w, const char *container, const char *field)
{
    const struct history *h = w->in->history;

    return h && h->handmade.n > 0 ? deeds_of(&h->handmade, container, field) : NULL;
}

size_t service_index(const struct want_app *app, const char *service)
{
    size_t lo = 0, hi = app->n_services;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (strcmp(app->services[mid].name, service) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < app->n_services && strcmp(app->services[lo].name, service) == 0 ? lo
                                                                                : app->n_services;
}

struct network_work *network_by_key(struct app_work *p, const char *key)
{
    for (size_t i = 0; i < p->want->n_networks; i++)
        if (strcmp(p->want->networks[i].key, key) == 0)
            return &p->networks[i];
    return NULL;
}

struct volume_work *volume_by_key(struct app_work *p, const char *key)
{
    for (size_t i = 0; i < p->want->n_volumes; i++)
        if (strcmp(p->want->volumes[i].key, key) == 0)
            return &p->volumes[i];
    return NULL;
}

void service_attachments(const struct service *s, const struct attach **ret, size_t *ret_n)
{
    static const struct attach implicit = {.network = "default"};

    *ret = s->n_networks ? s->networks : &implicit;
    *ret_n = s->network_mode ? 0 : s->n_networks ? s->n_networks : 1;
}

static const char *service_of_container(const struct want_app *app, const char *name)
{
    for (size_t i = 0; i < app->n_services; i++)
        for (size_t k = 0; k < app->services[i].n_containers; k++)
            if (strcmp(app->services[i].containers[k].name, name) == 0)
                return app->services[i].name;
    return NULL;
}

size_t service_shares(const struct want_app *app, const struct service *s, const char *ret[3])
{
    static const char prefix[] = "container:";
    const char *modes[] = {s->network_mode, s->pid, s->ipc};
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        const char *service = modes[i] && strncmp(modes[i], prefix, sizeof(prefix) - 1) == 0
                                  ? service_of_container(app, modes[i] + sizeof(prefix) - 1)
                                  : NULL;
        if (service)
            ret[n++] = service;
    }
    return n;
}
