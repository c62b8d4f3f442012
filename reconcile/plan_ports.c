/* plan_ports.c: host ports that somebody outside the app holds.
 *
 * In: judged replicas, and everything that runs on the engine. Out: a block with the holder's name, where the port will not
 * become free by our own doing (a stranger's container, an app that is left as it is), so that the old version goes on
 * serving; or the time that a start may wait for it, where the holder is an app of ours that gives it up or goes: two apps may
 * exchange their ports. Claims among the files were settled by desired_build: of two apps that want one port one is refused.
 * Programs of the host are not seen from here; the engine refuses those. */
#include "reconcile/plan_ports.h"

#include <stdlib.h>
#include <string.h>

#include "reconcile/plan_removal.h"
#include "spec/base/arena.h"

enum {
    GRACE_MS = 10000, /* the engine's own, between the stop signal and the kill */
    SLACK_MS = 20000, /* until another run has come to that stop */
};
#define NS_PER_MS INT64_C(1000000)

/* ---- who holds what ---- */

static int compare_held(const void *va, const void *vb)
{
    const struct held_port *a = va, *b = vb;

    if (a->port->published != b->port->published)
        return a->port->published < b->port->published ? -1 : 1;
    return strcmp(a->container->name, b->container->name);
}

static void index_held(struct plan_work *w)
{
    const struct observed *o = w->seen;
    size_t n = 0;

    for (size_t i = 0; i < o->n_containers; i++)
        n += o->containers[i].n_ports;
    w->held = ARENA_ARRAY(w->arena, n, struct held_port);
    w->held_known = true;
    for (size_t i = 0; i < o->n_containers; i++)
        for (size_t k = 0; container_runs(&o->containers[i]) && k < o->containers[i].n_ports; k++)
            w->held[w->n_held++] =
                (struct held_port){&o->containers[i].ports[k], &o->containers[i]};
    if (w->n_held > 1)
        qsort(w->held, w->n_held, sizeof(w->held[0]), compare_held);
}

static bool any_address(const char *ip)
{
    return !ip || !*ip || strcmp(ip, "0.0.0.0") == 0 || strcmp(ip, "::") == 0;
}

bool ports_meet(const struct port *want, const struct obs_port *held)
{
    return want->published != 0 && want->published == held->published &&
           strcmp(want->protocol ? want->protocol : "tcp",
                  held->protocol ? held->protocol : "tcp") == 0 &&
           (any_address(want->host_ip) || any_address(held->host_ip) ||
            strcmp(want->host_ip, held->host_ip) == 0);
}

/* The first container outside the app that holds the port, or NULL. */
static const struct obs_container *holder_of(struct app_work *p, const struct port *want)
{
    struct plan_work *w = p->w;
    size_t lo = 0, hi;

    if (!w->held_known)
        index_held(w);
    hi = w->n_held;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (w->held[mid].port->published < want->published)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < w->n_held && w->held[lo].port->published == want->published; lo++)
        if (ports_meet(want, w->held[lo].port) && !app_holds(p, w->held[lo].container))
            return w->held[lo].container;
    return NULL;
}

/* ---- will it be given up? ---- */

static int compare_orphan(const void *key, const void *member)
{
    return strcmp(key, ((const struct orphan *)member)->name);
}

/* Why a container of ours stays as it is, or NULL: its app gives the port up, or goes. */
static const char *why_it_stays(const struct plan_work *w, const struct obs_container *c)
{
    const struct want_app *app = c->app ? desired_app(w->desired, c->app) : NULL;

    if (app && app->invalid_input)
        return "whose file has errors";
    if (app && app->refused)
        return "which is refused and left as it is";
    if (app && app->held)
        return "which is held";
    if (app || !c->app)
        return NULL;
    const struct orphan *o = w->survey->n ? bsearch(c->app, w->survey->v, w->survey->n,
                                                    sizeof(w->survey->v[0]), compare_orphan)
                                          : NULL;

    return o && o->frozen ? "which is frozen" : o && o->held ? "whose removal is held" : NULL;
}

static int64_t gives_up_within_ms(const struct obs_container *c)
{
    const char *grace = kvs_get(&c->fields, "stop_grace_period");
    int64_t ns;

    return SLACK_MS +
           (grace && parse_duration_ns(grace, &ns) == 0 ? ns / NS_PER_MS : (int64_t)GRACE_MS);
}

static void judge_port(struct app_work *p, struct replica *r, const struct port *want)
{
    const struct plan_work *w = p->w;
    const struct obs_container *c = holder_of(p, want);
    bool ours = c && owner_is(w, c->owner);
    const char *stays = ours ? why_it_stays(w, c) : NULL;

    if (!c)
        return;
    if (!ours)
        r->blocked = arena_printf(
            w->arena, "port %d is already taken by container %s, which evenkeel did not make",
            want->published, c->name);
    else if (stays)
        r->blocked = arena_printf(w->arena, "port %d is held by container %s of app %s, %s",
                                  want->published, c->name, c->app, stays);
    else if (gives_up_within_ms(c) > r->port_wait_ms)
        r->port_wait_ms = gives_up_within_ms(c);
}

void ports_judge(struct app_work *p)
{
    for (size_t i = 0; i < p->n_replicas; i++) {
        struct replica *r = &p->replicas[i];
        const struct service *s = r->service->spec;

        for (size_t k = 0; (r->make || r->start) && !r->blocked && k < s->n_ports; k++)
            judge_port(p, r, &s->ports[k]);
    }
}
