/* plan_service.c: flags into actions, for the places of an app that is to run.
 *
 * In: judged replicas. Out: actions in five movements, so that every prerequisite has a smaller index: make what is missing beside
 * what runs; stop what nobody wants; then service by service stop the old, start the new, wait, remove the old; last give
 * names. The old one is touched only when its successor stands ready, and is put back when that fails.
 * It decides nothing about whether; only about how and in which order. */
#include "reconcile/plan_service.h"

#include <string.h>

#include "drivers/engine_encode.h"
#include "drivers/engine_encode_net.h"
#include "reconcile/plan_health.h"
#include "reconcile/plan_hooks.h"
#include "reconcile/plan_infra.h"
#include "reconcile/plan_judge.h"
#include "reconcile/plan_order.h"
#include "reconcile/plan_route.h"
#include "spec/base/arena.h"
#include "spec/labels.h"

enum {
    SETTLE_MS =
        500, /* a replacement without a health check must stay up so long before the old one goes */
};

static bool acts(const struct replica *r)
{
    return !r->blocked &&
           (r->make || r->start || r->unpause || r->restart || r->rename || r->clear ||
            r->connect.n || r->disconnect.n || r->reconnect.n || r->update || r->hooks);
}

/* ---- first: make what is missing, beside what runs ---- */

void service_prepared(struct app_work *p, struct replica *r, uint32_t action)
{
    size_t n = r->n_prepared;

    if (n == 0 || (n >= 4 && (n & (n - 1)) == 0)) {
        uint32_t *grown = ARENA_ARRAY(p->w->arena, n ? 2 * n : 4, uint32_t);
        if (n)
            memcpy(grown, r->prepared, n * sizeof(grown[0]));
        r->prepared = grown;
    }
    r->prepared[r->n_prepared++] = action;
}

/* NAME while nobody has it, else NAME.next-HASH6; of the hash, as many digits further on as it takes to be unique. */
static const char *name_to_make(struct app_work *p, const struct replica *r)
{
    const struct want_container *want = r->want;
    const struct observed *seen = p->w->seen;
    char digits[SHA256_HEX];

    if (!observed_container(seen, want->name))
        return want->name;
    if (want->hash[0])
        memcpy(digits, want->hash, sizeof(digits));
    else
        sha256_hex(want->body, strlen(want->body), digits);
    for (size_t at = 0; at + 6 < SHA256_HEX; at++) {
        const char *name = arena_printf(p->w->arena, "%s.next-%.6s", want->name, digits + at);
        if (!observed_container(seen, name))
            return name;
    }
    return want->name;
}

/* The actions after which the volumes it mounts exist; ret has room for all its mounts. */
static void mounted_volumes(struct app_work *p, const struct replica *r, uint32_t *ret)
{
    for (size_t i = 0; i < r->service->spec->n_mounts; i++) {
        const struct mount *m = &r->service->spec->mounts[i];
        struct volume_work *v =
            m->kind == MOUNT_VOLUME && m->source ? volume_by_key(p, m->source) : NULL;

        ret[i] = v ? infra_volume(p, v) : NO_ACTION;
    }
}

/* The names of those whose namespaces it shares stand in its body: they must be in place. */
static void need_shared(struct app_work *p, const struct replica *r, uint32_t create)
{
    const char *names[3];
    size_t n = service_shares(p->want, r->service->spec, names);

    for (size_t i = 0; i < n; i++) {
        size_t at = service_index(p->want, names[i]);

        if (at == p->want->n_services || p->want->services[at].n_containers == 0)
            continue;
        const struct replica *with = &p->replicas[p->first[at]];

        act_need(p, create, with->up);
        act_need(p, create, with->settled);
    }
}

static struct network_work *first_network(struct app_work *p, const struct replica *r)
{
    const struct attach *first = engine_encode_first_attach(r->want);

    return first ? network_by_key(p, first->network) : NULL;
}

/* As far as is known. */
static bool wants_volume_at(struct app_work *p, const struct replica *r, const char *place)
{
    const char *is = health_image_says(p, r, arena_printf(p->w->arena, "volumes.%s", place));

    for (size_t i = 0; i < r->service->spec->n_mounts; i++)
        if (strcmp(r->service->spec->mounts[i].target, place) == 0)
            return r->service->spec->mounts[i].kind == MOUNT_VOLUME &&
                   !r->service->spec->mounts[i].source;
    return is && strcmp(is, "volume") == 0;
}

/* Anonymous volumes go along from the container that served last: which of them the new one takes hangs on its image, which may not be there yet. */
static const struct kvs *carried(struct app_work *p, const struct replica *r)
{
    const struct obs_container *old = r->former ? r->former : r->n_have > 0 ? r->have[0] : NULL;

    if (!old || old->anonymous.n == 0)
        return NULL;
    for (size_t i = 0; i < old->anonymous.n; i++)
        if (wants_volume_at(p, r, old->anonymous.v[i].key))
            note_add(p,
                     arena_printf(p->w->arena,
                                  "%s: volume %.12s... at %s goes along to the new container",
                                  old->name, old->anonymous.v[i].value, old->anonymous.v[i].key));
    return &old->anonymous;
}

static uint32_t create(struct app_work *p, struct replica *r)
{
    struct network_work *first = first_network(p, r);
    uint32_t pull = infra_pull(p, r->service);
    uint32_t network = first ? infra_network(p, first) : NO_ACTION;
    uint32_t *volumes = ARENA_ARRAY(p->w->arena, r->service->spec->n_mounts, uint32_t);

    mounted_volumes(p, r, volumes);
    r->object = name_to_make(p, r);
    r->label = arena_printf(p->w->arena, "container %s", r->object);
    uint32_t i = act_add(p, ACT_CREATE, r->label, r->cause);

    act_need(p, i, pull);
    act_need(p, i, network);
    act_need_all(p, i, volumes, r->service->spec->n_mounts);
    need_shared(p, r, i);
    act_need_all(p, i, r->prepared, r->n_prepared); /* files that it mounts */
    struct action *act = act_at(p, i);

    act->changes = r->changes;
    act->n_changes = r->n_changes;
    act->op.name = r->object;
    act->op.body = r->want->body;
    act->op.image = r->service->image;
    act->op.platform = r->service->spec->platform;
    act->op.birth = &r->want->birth;
    act->op.carried = carried(p, r);
    act->op.confined = r->service->confined;
    act->op.n_confined = r->service->n_confined;
    for (size_t k = 0; k < r->n_have; k++)
        act->op.asks_ports |= container_runs(r->have[k]);
    if (p->w->desired->settings->ingress.mode == INGRESS_EXTERNAL)
        act->op.no_label = LABEL_TRAEFIK;
    /* A pull may bring another image under the same name: then only the driver knows id and hash. */
    if (pull == NO_ACTION && r->want->hash[0]) {
        act->op.image_id = r->want->sealed_for;
        act->op.hash = r->want->hash;
    }
    return i;
}

static void connect(struct app_work *p, struct replica *r, const struct attach *at,
                    struct network_work *n, uint32_t after)
{
    uint32_t network = infra_network(p, n);
    uint32_t i = act_container(p, ACT_NETWORK_CONNECT, r->object, r->label,
                               judge_cause_of_network(p, r, n->want->name));
    struct action *act = act_at(p, i);

    act->op.network = n->have ? n->have->id : n->want->name;
    act->op.name = n->want->name;
    act->op.body = engine_encode_connect(r->object, r->want, at, p->w->arena);
    act_need(p, i, network);
    act_need(p, i, after);
    service_prepared(p, r, i);
}

static const char *network_name(const struct app_work *p, const char *id)
{
    const struct observed *o = p->w->seen;

    for (size_t i = 0; i < o->n_networks; i++)
        if (strcmp(o->networks[i].id, id) == 0)
            return o->networks[i].name;
    return id;
}

/* A new one is born on its first network and joins the others; one that stays joins what it lacks, then leaves what it should. */
static void connect_all(struct app_work *p, struct replica *r, uint32_t created)
{
    const struct network_work *first = first_network(p, r);
    const struct attach *wanted;
    size_t n;

    service_attachments(r->service->spec, &wanted, &n);
    for (size_t i = 0; i < n; i++) {
        struct network_work *net = network_by_key(p, wanted[i].network);

        if (net && (r->make ? net != first : strv_has(&r->connect, net->want->name)))
            connect(p, r, &wanted[i], net, created);
    }
    for (size_t i = 0; !r->make && i < r->disconnect.n; i++) {
        uint32_t off = act_container(p, ACT_NETWORK_DISCONNECT, r->object, r->label, r->cause);
        act_at(p, off)->op.network = r->disconnect.v[i];
        act_at(p, off)->op.name = network_name(p, r->disconnect.v[i]);
        act_need_all(p, off, r->prepared, r->n_prepared);
    }
}

/* On it otherwise than it should be: off and on again. */
static void reconnect(struct app_work *p, struct replica *r)
{
    const struct attach *wanted;
    size_t n;

    service_attachments(r->service->spec, &wanted, &n);
    for (size_t i = 0; i < n; i++) {
        struct network_work *net = network_by_key(p, wanted[i].network);

        if (!net || !net->have || !strv_has(&r->reconnect, net->want->name))
            continue;
        uint32_t off = act_container(p, ACT_NETWORK_DISCONNECT, r->object, r->label,
                                     judge_cause_of_network(p, r, net->want->name));

        act_at(p, off)->op.network = net->have->id;
        act_at(p, off)->op.name = net->want->name;
        connect(p, r, &wanted[i], net, off);
    }
}

static void update(struct app_work *p, struct replica *r)
{
    const char *cause = judge_cause_of(p, r, r->changes[0].field);
    uint32_t i = act_container(p, ACT_UPDATE, r->object, r->label, cause);
    struct action *act = act_at(p, i);

    act->op.body = r->update;
    act->changes = r->changes;
    act->n_changes = r->n_changes;
    service_prepared(p, r, i);
}

static void prepare(struct app_work *p, struct replica *r)
{
    uint32_t created = NO_ACTION;

    r->is_prepared = true;
    if (r->make) {
        created = create(p, r);
        service_prepared(p, r, created);
        route_join_all(p, r, created);
    }
    connect_all(p, r, created);
    if (!r->make && r->reconnect.n > 0)
        reconnect(p, r);
    if (!r->make && r->update)
        update(p, r);
}

/* ---- second: stop what nobody wants, and what holds a port that another place needs ---- */

static void clear_leftovers(struct app_work *p)
{
    for (size_t i = 0; i < p->n_leftovers; i++) {
        const struct obs_container *c = p->leftovers[i];
        const char *label = container_label(p->w, c), *cause = leftover_cause(p, c);
        uint32_t stop = NO_ACTION, out = route_gone(p, c);

        if (container_runs(c)) {
            stop = act_container(p, ACT_STOP, c->id, label, cause);
            act_need(p, stop, out);
        }
        order_free_ports(p, c, NULL, stop);
        uint32_t gone = act_container(p, ACT_REMOVE, c->id, label, cause);

        act_need(p, gone, stop);
        order_free_name(p, c->name, gone);
    }
}

static bool is_surplus(const struct replica *r, size_t i)
{
    return r->clear && r->have[i] != r->keeper;
}

static const char *old_cause(const struct app_work *p, const struct replica *r,
                             const struct obs_container *c)
{
    if (r->keeper && c->hash && r->keeper->hash && strcmp(c->hash, r->keeper->hash) == 0)
        return "a second one in its place";
    return r->label ? arena_printf(p->w->arena, "replaced by %s", r->label) : r->cause;
}

static uint32_t stop_old(struct app_work *p, struct replica *r, size_t i)
{
    const struct obs_container *c = r->have[i];
    uint32_t alone = route_leave_all(p, c, r->prepared, r->n_prepared);
    uint32_t stop = act_container(p, ACT_STOP, c->id, container_label(p->w, c), old_cause(p, r, c));

    act_need_all(p, stop, r->prepared, r->n_prepared);
    act_need(p, stop, alone);
    r->stops[i] = stop;
    return stop;
}

/* Only when all who want its ports stand ready, too. (One that is to live in the namespace of the very service that waits for its port
 * cannot be made before.) */
static void stop_early(struct app_work *p, struct replica *r, size_t i)
{
    for (size_t k = 0; k < p->n_replicas; k++) {
        const struct replica *other = &p->replicas[k];

        if (!order_awaits_port(r, r->have[i], other))
            continue;
        if (r->stops[i] == NO_ACTION) {
            uint32_t out = route_leave(p, r, i, false, NO_ACTION);

            order_free_ports(p, r->have[i], r, stop_old(p, r, i));
            act_need(p, r->stops[i], out);
            route_left(p, r, r->stops[i]);
        }
        act_need_all(p, r->stops[i], other->prepared, other->n_prepared);
    }
}

static void stop_port_holders(struct app_work *p)
{
    if (want_app_unread(p->want))
        return;
    for (size_t i = 0; i < p->n_replicas; i++) {
        struct replica *r = &p->replicas[i];

        for (size_t k = 0; acts(r) && k < r->n_have; k++)
            if (is_surplus(r, k) && container_runs(r->have[k]) && r->have[k]->n_ports > 0)
                stop_early(p, r, k);
    }
}

/* ---- third: service by service ---- */

/* Stop what still serves in this place; each such stop, and the start, waits for what the service depends on and for the
 * replica before it. */
static void stop_rest(struct app_work *p, struct replica *r, uint32_t before)
{
    bool starts = r->make || r->start;

    for (size_t i = 0; i < r->n_have; i++) {
        if (!is_surplus(r, i) || !container_runs(r->have[i]) || r->stops[i] != NO_ACTION)
            continue;
        uint32_t out = route_leave(p, r, i, !starts, before), stop = stop_old(p, r, i);

        act_need(p, stop, before);
        act_need(p, stop, out);
        route_left(p, r, stop);
        if (starts)
            order_needs(p, r, stop);
    }
}

static uint32_t begin(struct app_work *p, struct replica *r, uint32_t before)
{
    enum action_kind kind = r->restart ? ACT_RESTART : r->unpause ? ACT_UNPAUSE : ACT_START;
    uint32_t out = r->restart ? route_leave(p, r, 0, false, before) : NO_ACTION;
    uint32_t i = act_container(p, kind, r->object, r->label, r->cause);

    act_need_all(p, i, r->prepared, r->n_prepared);
    act_need_all(p, i, r->stops, r->n_have);
    act_need(p, i, before);
    act_need(p, i, out);
    order_needs(p, r, i);
    order_need_ports(p, r, i);
    act_at(p, i)->op.port_wait_ms = r->port_wait_ms;
    return i;
}

/* It is not enough that it was started: something depends on it being well. */
static uint32_t wait_for(struct app_work *p, const struct replica *r, enum action_kind kind,
                         const char *cause)
{
    uint32_t i = act_container(p, kind, r->object, r->label, cause);
    struct action *act = act_at(p, i);

    if (kind == ACT_WAIT_HEALTHY)
        act->op.deadline_ms = health_verdict_ms(p, r);
    if (kind == ACT_WAIT_RUNNING)
        act->op.settle_ms = SETTLE_MS;
    act_need(p, i, r->up);
    return i;
}

/* begun: the action after which there is something to put back; see WHEN_FAILED. */
static uint32_t if_failed(struct app_work *p, enum action_kind kind, const char *object,
                          const char *label, const uint32_t failed[2], uint32_t after)
{
    uint32_t i = act_container(p, kind, object, label, "if that fails");

    act_at(p, i)->when = WHEN_FAILED;
    act_need(p, i, failed[0]);
    act_need(p, i, failed[1]);
    act_need(p, i, after);
    return i;
}

static void put_back_start(struct app_work *p, struct replica *r, uint32_t start)
{
    hooks_put_back(p, r, start);
    route_put_back(p, r, start);
}

/* Stop-first: from the moment the old one is stopped, every way to fail ends with it running again. The new one is stopped
 * even if its start failed, for it may run all the same (a lost reply) and hold port and volume. If the old one cannot start
 * any more, a new one that is not well is still better than none. */
static void put_back(struct app_work *p, struct replica *r, uint32_t start, uint32_t wait)
{
    const char *label = container_label(p->w, r->former);
    uint32_t stop = NO_ACTION;

    for (size_t k = 0; k < r->n_have; k++)
        if (r->have[k] == r->former)
            stop = r->stops[k];
    const uint32_t guarded[][2] = {{stop, NO_ACTION}, {start, stop}, {wait, start}};

    if (stop != NO_ACTION)
        put_back_start(p, r, if_failed(p, ACT_START, r->former->id, label, guarded[0], NO_ACTION));
    for (size_t k = 1; k < ARRAY_LEN(guarded); k++) {
        if (guarded[k][0] == NO_ACTION)
            continue;
        uint32_t off = if_failed(p, ACT_STOP, r->object, r->label, guarded[k], NO_ACTION);
        uint32_t on = if_failed(p, ACT_START, r->former->id, label, guarded[k], off);
        uint32_t gone =
            if_failed(p, ACT_REMOVE, r->object, r->label, (uint32_t[2]){on, NO_ACTION}, NO_ACTION);

        act_at(p, gone)->when = WHEN_PUT_BACK;
        act_at(p, gone)->op.drop_volumes = true; /* as new as it is, and it never served */
        put_back_start(p, r, on);
        (void)if_failed(p, ACT_START, r->object, r->label, (uint32_t[2]){on, NO_ACTION}, NO_ACTION);
    }
}

static bool one_shot(const struct service *s)
{
    return s->restart == RESTART_NO || s->restart == RESTART_ON_FAILURE;
}

static void wait_where_needed(struct app_work *p, struct replica *r, bool started)
{
    bool health = health_is_checked(p, r);
    bool healthy = r->keeper && r->keeper->health == HEALTH_HEALTHY && !started;
    /* A replacement is on trial, and so is one whose trial was interrupted. */
    bool trial = r->former && r->clear &&
                 (started || !container_runs(r->former) || r->condition != COND_FINE);
    bool ended = r->condition == COND_COMPLETED && !started;

    if ((trial && health && !ended) || (r->want_well && !healthy)) {
        r->well = wait_for(p, r, ACT_WAIT_HEALTHY,
                           trial ? "before the old one is removed" : "others wait for it");
        act_at(p, r->well)->optional = !trial && !r->must_well;
    } else if (trial && !one_shot(r->service->spec)) {
        r->up = wait_for(p, r, ACT_WAIT_RUNNING, "before the old one is removed");
    }
    if (r->want_done && !ended) {
        r->done = wait_for(p, r, ACT_WAIT_EXIT, "others wait for its end");
        act_at(p, r->done)->optional = !r->must_done;
    }
}

static void remove_old(struct app_work *p, struct replica *r, uint32_t proven)
{
    for (size_t i = 0; i < r->n_have; i++) {
        const struct obs_container *c = r->have[i];

        if (!is_surplus(r, i))
            continue;
        uint32_t gone =
            act_container(p, ACT_REMOVE, c->id, container_label(p->w, c), old_cause(p, r, c));

        act_need(p, gone, proven);
        act_need(p, gone, r->stops[i]);
        order_free_name(p, c->name, gone);
    }
}

static void give_name(struct app_work *p, struct replica *r)
{
    const char *name = r->want->name;
    uint32_t freed = order_name_freed(p, name);

    if (r->settled != NO_ACTION || !r->object || r->blocked || !(r->make || r->rename) ||
        strcmp(r->make ? r->object : r->keeper->name, name) == 0 ||
        (freed == NO_ACTION && observed_container(p->w->seen, name)))
        return;
    r->settled = act_container(p, ACT_RENAME, r->object, r->label, "its name is free");
    act_at(p, r->settled)->op.name = name;
    act_need(p, r->settled, freed);
    act_need(p, r->settled, r->up);
    act_need(p, r->settled, r->well);
    act_need(p, r->settled, r->done);
    if (r->make)
        act_need_all(p, r->settled, r->prepared, r->n_prepared);
    else
        order_free_name(p, r->keeper->name, r->settled);
}

/* The wait that proves it, or NO_ACTION. */
static uint32_t proof(const struct replica *r, uint32_t start)
{
    return r->well != NO_ACTION ? r->well : r->up != start ? r->up : NO_ACTION;
}

/* Without a health check it takes requests as soon as it is up; with one, when a wait has seen it healthy, or at the event. */
static void joins(struct app_work *p, struct replica *r, bool starts, uint32_t proven)
{
    if (r->well != NO_ACTION || (starts && !health_is_checked(p, r)))
        route_join(p, r, proven);
}

static void plan_replica(struct app_work *p, struct replica *r, uint32_t before)
{
    bool starts = r->make || r->start || r->unpause || r->restart;
    uint32_t start = NO_ACTION;

    if (!r->is_prepared)
        prepare(p, r);
    if (starts) {
        stop_rest(p, r, before);
        start = begin(p, r, before);
        r->up = hooks_follow(p, r, start);
        wait_where_needed(p, r, true);
    } else {
        r->up = r->hooks ? hooks_follow(p, r, NO_ACTION) : r->up;
        wait_where_needed(p, r, false);
        stop_rest(p, r, proof(r, NO_ACTION));
    }
    uint32_t wait = proof(r, start);

    if (r->former && r->clear && !r->restart && !r->unpause && (starts || wait != NO_ACTION))
        put_back(p, r, start, wait);
    remove_old(p, r, wait != NO_ACTION ? wait : r->up);
    joins(p, r, starts, wait != NO_ACTION ? wait : r->up);
    give_name(p, r);
}

/* Replicas of one service whose old version runs are replaced one by one. */
static bool interrupts(const struct replica *r)
{
    if (r->restart)
        return true;
    for (size_t i = 0; r->clear && i < r->n_have; i++)
        if (r->have[i] != r->keeper && container_runs(r->have[i]))
            return true;
    return false;
}

static bool shares_something(const struct app_work *p, const struct replica *r)
{
    const char *names[3];

    return service_shares(p->want, r->service->spec, names) > 0;
}

/* Names that pass from one place to another: whoever holds a name that somebody else is to have gives it up first. */
static void give_up_names(struct app_work *p)
{
    for (size_t i = 0; i < p->n_replicas; i++) {
        struct replica *r = &p->replicas[i];

        if (!r->rename || r->blocked || !r->keeper || r->settled != NO_ACTION ||
            order_name_freed(p, r->want->name) != NO_ACTION)
            continue;
        for (size_t k = 0; k < p->n_replicas; k++) {
            struct replica *other = &p->replicas[k];

            if (other == r || other->blocked || !(other->rename || other->make) ||
                strcmp(other->want->name, r->keeper->name) != 0)
                continue;
            uint32_t off =
                act_container(p, ACT_RENAME, r->object, r->label, "another is to have its name");

            act_at(p, off)->op.name =
                arena_printf(p->w->arena, "%s.next-%.6s", r->want->name, r->want->hash);
            order_free_name(p, r->keeper->name, off);
            r->up = r->up == NO_ACTION ? off : r->up;
        }
    }
}

/* A name given up by one may be what the next one waits for. */
static void give_names(struct app_work *p)
{
    size_t before;

    do {
        before = p->out->n_actions;
        for (size_t i = 0; i < p->n_replicas; i++)
            if (acts(&p->replicas[i]))
                give_name(p, &p->replicas[i]);
    } while (p->out->n_actions > before);
}

static void no_stops_yet(struct app_work *p, struct replica *r)
{
    r->stops = ARENA_ARRAY(p->w->arena, r->n_have, uint32_t);
    for (size_t i = 0; i < r->n_have; i++)
        r->stops[i] = NO_ACTION;
}

void service_plan(struct app_work *p)
{
    uint32_t before = NO_ACTION;

    for (size_t i = 0; i < p->n_replicas; i++)
        if (p->replicas[i].source_pending)
            infra_pull_bases(p, p->replicas[i].service);
    for (size_t i = 0; i < p->n_replicas; i++)
        no_stops_yet(p, &p->replicas[i]);
    for (size_t i = 0; i < p->n_replicas; i++)
        if (acts(&p->replicas[i]) && !shares_something(p, &p->replicas[i]))
            prepare(p, &p->replicas[i]);
    clear_leftovers(p);
    stop_port_holders(p);
    order_sort_ports(p);
    for (size_t i = 0; i < p->n_replicas; i++) {
        struct replica *r = &p->replicas[i];

        if (i == 0 || p->replicas[i - 1].service != r->service)
            before = NO_ACTION;
        if (acts(r)) {
            bool in_turn = interrupts(r);

            plan_replica(p, r, in_turn ? before : NO_ACTION);
            if (in_turn)
                before = r->well != NO_ACTION ? r->well : r->up;
        } else if (!r->blocked && r->keeper && (r->want_well || r->want_done)) {
            wait_where_needed(p, r, false);
            joins(p, r, false, r->well);
        }
        if (i + 1 == p->n_replicas || p->replicas[i + 1].service != r->service)
            route_flush(p);
    }
    give_up_names(p);
    give_names(p);
}
