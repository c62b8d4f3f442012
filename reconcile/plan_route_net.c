/* plan_route_net.c: which networks the managed Traefik is on.
 *
 * In: routed apps, their networks, Traefik's container. Out: connects and disconnects of that container in the plans of the apps, and
 * those of a new one in its own. Traefik is on the networks of routed apps only, so that apps do not share one.
 * It never decides whether a network is made or removed. */
#include "reconcile/plan_route.h"

#include <string.h>

#include "drivers/engine_encode.h"
#include "drivers/engine_encode_net.h"
#include "reconcile/plan_infra.h"
#include "reconcile/plan_route_work.h"
#include "reconcile/plan_service.h"
#include "spec/base/arena.h"

/* ---- Traefik ---- */

bool route_is_ingress(const struct plan_work *w, const struct obs_container *c)
{
    return owner_is(w, c->owner) && c->app && strcmp(c->app, w->ingress_name) == 0;
}

static bool better(const struct obs_container *c, const struct obs_container *than)
{
    bool runs = c->state == CS_RUNNING;

    if (!than || runs != (than->state == CS_RUNNING))
        return !than || runs;
    return c->created_ms > than->created_ms;
}

const struct obs_container *route_ingress(struct plan_work *w, bool runs)
{
    const struct obs_container *best = NULL;
    size_t from, to;

    observed_app_range(w->seen, w->ingress_name, &from, &to);
    for (size_t i = from; i < to; i++) {
        const struct obs_container *c = &w->seen->containers[i];

        if (owner_is(w, c->owner) && c->service && strcmp(c->service, INGRESS_SERVICE) == 0 &&
            c->state != CS_REMOVING && c->state != CS_DEAD && better(c, best))
            best = c;
    }
    return runs && best && best->state != CS_RUNNING ? NULL : best;
}

static bool is_on(const struct obs_container *c, const struct obs_network *n)
{
    for (size_t i = 0; i < c->n_networks; i++) {
        const char *id = c->networks[i].network_id;

        if (id && *id ? strcmp(id, n->id) == 0 : strcmp(c->networks[i].network_name, n->name) == 0)
            return true;
    }
    return false;
}

/* ---- an app's networks ---- */

const char *route_network_key(const struct app_work *p, const struct want_service *s)
{
    static const char prefix[] = "container:";
    const char *mode = s->spec->network_mode;

    for (size_t i = 0; mode && i < p->want->n_services; i++) {
        const struct want_service *with = &p->want->services[i];

        if (strncmp(mode, prefix, sizeof(prefix) - 1) == 0 && with != s && with->n_containers > 0 &&
            !with->spec->network_mode &&
            strcmp(with->containers[0].name, mode + sizeof(prefix) - 1) == 0)
            return route_network_key(p, with);
    }
    if (mode || s->n_containers == 0)
        return NULL;
    const struct attach *first = engine_encode_first_attach(&s->containers[0]);

    return first ? first->network : NULL;
}

static void join(struct app_work *p, struct network_work *n, const struct obs_container *c)
{
    struct route_work *w = p->route;
    const char *name = n->want->name;

    diff_add(p, DRIFT_PENDING, container_label(p->w, c),
             (struct change){arena_printf(p->w->arena, "networks.%s", name), "connected", NULL},
             "routes lead there");
    uint32_t i =
        act_container(p, ACT_NETWORK_CONNECT, c->id, container_label(p->w, c), "routes lead there");
    struct action *act = act_at(p, i);

    act->op.network = n->have ? n->have->id : name;
    act->op.name = name;
    act->op.body = engine_encode_join(c->id, p->w->arena);
    act_need(p, i, n->created);
    w->joins = arena_grow(p->w->arena, w->joins, w->n_joins, &w->cap_joins, sizeof(w->joins[0]));
    w->joins[w->n_joins++] = i;
}

void route_join_networks(struct app_work *p)
{
    const struct obs_container *c = route_ingress(p->w, true);

    for (size_t i = 0; c && i < p->want->n_services; i++) {
        const struct want_service *s = &p->want->services[i];
        const char *key = s->n_routes > 0 ? route_network_key(p, s) : NULL;
        struct network_work *n = key ? network_by_key(p, key) : NULL;

        if (!n || p->route->joined_network[n - p->networks] || !(n->have || n->planned))
            continue;
        p->route->joined_network[n - p->networks] = true;
        if (!n->have || !is_on(c, n->have))
            join(p, n, c);
    }
}

static bool needed(const struct app_work *p, const struct obs_network *n)
{
    for (size_t i = 0; p->route->on && i < p->want->n_services; i++) {
        const struct want_service *s = &p->want->services[i];
        const char *key = s->n_routes > 0 ? route_network_key(p, s) : NULL;
        const struct network_work *k = NULL;

        for (size_t x = 0; key && x < p->want->n_networks; x++)
            if (strcmp(p->want->networks[x].key, key) == 0)
                k = &p->networks[x];
        if (k && (k->have == n || k->wrong == n))
            return true;
    }
    return false;
}

void route_leave_networks(struct app_work *p, uint32_t after)
{
    const struct obs_container *c = route_ingress(p->w, false);
    size_t from, to;

    if (strcmp(p->name, p->w->ingress_name) == 0)
        return;
    networks_of_app(p->w, p->name, &from, &to);
    for (size_t i = from; c && i < to; i++) {
        const struct obs_network *n = p->w->networks[i];

        if (!is_on(c, n) || needed(p, n))
            continue;
        diff_add(
            p, DRIFT_PENDING, container_label(p->w, c),
            (struct change){arena_printf(p->w->arena, "networks.%s", n->name), NULL, "connected"},
            "no route leads there any more");
        uint32_t off = act_container(p, ACT_NETWORK_DISCONNECT, c->id, container_label(p->w, c),
                                     "no route leads there any more");

        act_at(p, off)->op.network = n->id;
        act_at(p, off)->op.name = n->name;
        act_need(p, off, after);
    }
}

uint32_t route_left_network(const struct app_work *p, const struct obs_network *n)
{
    for (size_t i = 0; i < p->out->n_actions; i++) {
        const struct action *a = &p->out->actions[i];

        if (a->kind == ACT_NETWORK_DISCONNECT && strcmp(a->op.network, n->id) == 0)
            return (uint32_t)i;
    }
    return NO_ACTION;
}

/* ---- a Traefik that is to be made ---- */

/* One after the other and before it starts: measured, the engine is slower at several at once, and slower still while it runs. */
static void join_one(struct app_work *p, struct replica *r, const struct obs_network *n,
                     uint32_t *last, struct strv *done)
{
    if (strv_has(done, n->id))
        return;
    strv_push(p->w->arena, done, n->id);
    uint32_t i = act_container(p, ACT_NETWORK_CONNECT, r->object, r->label, "routes lead there");
    struct action *act = act_at(p, i);

    act->op.network = n->id;
    act->op.name = n->name;
    act->op.body = engine_encode_join(r->object, p->w->arena);
    act_need(p, i, *last);
    *last = i;
    service_prepared(p, r, i);
}

/* The networks by which the routed services of an app are reached, as far as they exist. */
static void join_app(struct app_work *p, struct replica *r, const struct want_app *app,
                     uint32_t *last, struct strv *done)
{
    struct app_work other = {.w = p->w, .want = app, .name = app->name};

    for (size_t i = 0; i < app->n_services; i++) {
        const struct want_service *s = &app->services[i];
        const char *key = s->n_routes > 0 ? route_network_key(&other, s) : NULL;

        for (size_t k = 0; key && k < app->n_networks; k++) {
            const struct obs_network *n = strcmp(app->networks[k].key, key) == 0
                                              ? observed_network(p->w->seen, app->networks[k].name)
                                              : NULL;
            if (n && (app->networks[k].external || owner_is(p->w, n->owner)))
                join_one(p, r, n, last, done);
        }
    }
}

void route_join_all(struct app_work *p, struct replica *r, uint32_t created)
{
    const struct desired *d = p->w->desired;
    const struct observed *o = p->w->seen;
    struct strv done = {0};

    if (!p->want->builtin)
        return;
    for (size_t i = 0; i < d->n_apps; i++)
        if (!d->apps[i].builtin && d->apps[i].state == WISH_RUNNING)
            join_app(p, r, &d->apps[i], &created, &done);
    /* Apps that are left as they are have nothing but their file to tell that they are routed. */
    for (size_t i = 0; i < o->n_routes; i++) {
        const struct want_app *want = desired_app(d, o->routes[i].app);
        size_t from, to;

        if (want && !want->invalid_input)
            continue;
        networks_of_app(p->w, o->routes[i].app, &from, &to);
        for (; from < to; from++)
            if (strcmp(o->routes[i].app, p->name) != 0)
                join_one(p, r, p->w->networks[from], &created, &done);
    }
}

/* Stopped with all its networks it would take a quarter of a second for each: the engine hands its ports from one to the next. */
uint32_t route_leave_all(struct app_work *p, const struct obs_container *c, const uint32_t *needs,
                         size_t n)
{
    bool is_traefik = route_is_ingress(p->w, c) && container_runs(c);
    uint32_t last = NO_ACTION;

    for (size_t i = 0; is_traefik && i < c->n_networks; i++) {
        const struct obs_network *on = observed_network(p->w->seen, c->networks[i].network_name);

        if (!on || (on->app && strcmp(on->app, p->w->ingress_name) == 0))
            continue;
        uint32_t off = act_container(p, ACT_NETWORK_DISCONNECT, c->id, container_label(p->w, c),
                                     "its end is quicker without");

        act_at(p, off)->op.network = on->id;
        act_at(p, off)->op.name = on->name;
        act_at(p, off)->optional = true;
        act_need_all(p, off, needs, n);
        act_need(p, off, last);
        last = off;
    }
    return last;
}
