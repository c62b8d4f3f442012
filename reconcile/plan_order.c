/* plan_order.c: what must come before what, between the places of one app.
 *
 * In: judged replicas in the order of their services' dependencies, and the actions made so far. Out: prerequisites: of
 * depends_on and shared namespaces, of container names and of host ports that one gives up and another takes. Whoever waits
 * for something that will not come is blocked before anything is touched.
 * It makes no action; the order of services itself was settled by desired_build. */
#include "reconcile/plan_order.h"

#include <stdlib.h>
#include <string.h>

#include "reconcile/plan_ports.h"
#include "spec/base/arena.h"

static bool will_start(const struct replica *r)
{
    return !r->blocked && (r->make || r->start || r->unpause || r->restart);
}

/* ---- depends_on ---- */

/* Why what `r` waits for will not come, or NULL. */
static const char *will_not_come(const struct replica *on)
{
    if (on->blocked)
        return on->blocked;
    if (will_start(on) || on->condition == COND_COMPLETED)
        return NULL;
    if (on->keeper && container_runs(on->keeper) && on->keeper->state != CS_PAUSED)
        return NULL;
    return on->ill ? on->ill : "is not running";
}

static bool block_by(struct app_work *p, struct replica *r, const char *service)
{
    size_t at = service_index(p->want, service);

    if (at == p->want->n_services)
        return false;
    for (size_t k = 0; k < p->want->services[at].n_containers; k++) {
        const struct replica *on = &p->replicas[p->first[at] + k];
        const char *why = on == r ? NULL : will_not_come(on);

        if (!why)
            continue;
        r->blocked = on->blocked
                         ? arena_printf(p->w->arena, "waits for %s: %s", service, on->blocked)
                         : arena_printf(p->w->arena, "waits for %s, which %s", service, why);
        return true;
    }
    return false;
}

static void block(struct app_work *p, struct replica *r)
{
    const struct service *s = r->service->spec;
    const char *shared[3];
    size_t n = service_shares(p->want, s, shared);

    for (size_t i = 0; i < n; i++)
        if (block_by(p, r, shared[i]))
            return;
    for (size_t i = 0; i < s->n_depends; i++)
        if (s->depends[i].required != TRI_NO && block_by(p, r, s->depends[i].service))
            return;
}

static void leave_word(struct app_work *p, const struct dependency *d)
{
    size_t at = service_index(p->want, d->service);
    bool must = d->required != TRI_NO;

    for (size_t k = 0; at < p->want->n_services && k < p->want->services[at].n_containers; k++) {
        struct replica *on = &p->replicas[p->first[at] + k];

        on->want_well |= d->condition == DEPEND_HEALTHY;
        on->must_well |= d->condition == DEPEND_HEALTHY && must;
        on->want_done |= d->condition == DEPEND_COMPLETED;
        on->must_done |= d->condition == DEPEND_COMPLETED && must;
    }
}

void order_services(struct app_work *p)
{
    for (size_t i = 0; i < p->n_replicas; i++) {
        struct replica *r = &p->replicas[i];

        if (will_start(r))
            block(p, r);
    }
    for (size_t i = 0; i < p->n_replicas; i++)
        for (size_t d = 0;
             will_start(&p->replicas[i]) && d < p->replicas[i].service->spec->n_depends; d++)
            leave_word(p, &p->replicas[i].service->spec->depends[d]);
}

static uint32_t dependency_met(const struct replica *on, const struct dependency *d)
{
    switch (d->condition) {
    case DEPEND_STARTED: return d->required == TRI_NO ? NO_ACTION : on->up;
    case DEPEND_HEALTHY: return on->well;
    case DEPEND_COMPLETED: return on->done;
    }
    return NO_ACTION;
}

void order_needs(struct app_work *p, const struct replica *r, uint32_t action)
{
    const struct service *s = r->service->spec;

    for (size_t i = 0; i < s->n_depends; i++) {
        size_t at = service_index(p->want, s->depends[i].service);

        for (size_t k = 0; at < p->want->n_services && k < p->want->services[at].n_containers; k++)
            act_need(p, action, dependency_met(&p->replicas[p->first[at] + k], &s->depends[i]));
    }
}

/* ---- names ---- */

void order_free_name(struct app_work *p, const char *name, uint32_t action)
{
    p->freed = arena_grow(p->w->arena, p->freed, p->n_freed, &p->cap_freed, sizeof(p->freed[0]));
    p->freed[p->n_freed++] = (struct freed){name, action};
}

uint32_t order_name_freed(const struct app_work *p, const char *name)
{
    for (size_t i = p->n_freed; i-- > 0;)
        if (strcmp(p->freed[i].name, name) == 0)
            return p->freed[i].action;
    return NO_ACTION;
}

/* ---- host ports ---- */

static int compare_holds(const void *va, const void *vb)
{
    const struct port_hold *a = va, *b = vb;

    if (a->port->published != b->port->published)
        return a->port->published < b->port->published ? -1 : 1;
    return (a->stop > b->stop) - (a->stop < b->stop);
}

void order_free_ports(struct app_work *p, const struct obs_container *c, const struct replica *by,
                      uint32_t stop)
{
    for (size_t i = 0; i < c->n_ports; i++) {
        p->holds =
            arena_grow(p->w->arena, p->holds, p->n_holds, &p->cap_holds, sizeof(p->holds[0]));
        p->holds[p->n_holds++] = (struct port_hold){&c->ports[i], by, stop};
    }
}

void order_sort_ports(struct app_work *p)
{
    if (p->n_holds > 1)
        qsort(p->holds, p->n_holds, sizeof(p->holds[0]), compare_holds);
}

void order_need_ports(struct app_work *p, const struct replica *r, uint32_t action)
{
    const struct service *s = r->service->spec;

    for (size_t i = 0; i < s->n_ports && p->n_holds > 0; i++) {
        const struct port *want = &s->ports[i];
        size_t lo = 0, hi = p->n_holds;

        while (lo < hi) {
            size_t mid = lo + (hi - lo) / 2;
            if (p->holds[mid].port->published < want->published)
                lo = mid + 1;
            else
                hi = mid;
        }
        for (; lo < p->n_holds && p->holds[lo].port->published == want->published; lo++) {
            const struct port_hold *h = &p->holds[lo];

            if (!ports_meet(want, h->port))
                continue;
            act_need(p, action, h->stop);
            /* Until the new one there has proved itself, the old one may have to come back and needs its port. */
            if (h->by && h->by != r) {
                act_need(p, action, h->by->up);
                act_need(p, action, h->by->well);
            }
        }
    }
}

static bool wants_port(const struct service *s, const struct obs_port *held)
{
    for (size_t i = 0; i < s->n_ports; i++)
        if (ports_meet(&s->ports[i], held))
            return true;
    return false;
}

bool order_awaits_port(const struct replica *r, const struct obs_container *c,
                       const struct replica *other)
{
    if (other == r || !will_start(other))
        return false;
    for (size_t k = 0; k < c->n_ports; k++)
        if (c->ports[k].published != 0 && wants_port(other->service->spec, &c->ports[k]))
            return true;
    return false;
}
