/* plan_attach.c: the networks a container is on and the name it has, against what is wanted.
 *
 * In: a place with its keeper. Out: which networks to join and to leave, whether it is to be renamed, and the words. A network of
 * somebody else's that a hand connected is reported and left; a name that somebody else holds stops the whole app. */
#include <string.h>

#include "drivers/engine_encode_net.h"
#include "reconcile/adopt.h"
#include "reconcile/plan_judge.h"
#include "spec/base/arena.h"
#include "spec/labels.h"

static const struct obs_attach *attach_named(const struct obs_container *c, const char *network)
{
    for (size_t i = 0; i < c->n_networks; i++)
        if (strcmp(c->networks[i].network_name, network) == 0)
            return &c->networks[i];
    return NULL;
}

static void judge_wanted_networks(struct app_work *p, struct replica *r)
{
    const struct attach *wanted, *first = engine_encode_first_attach(r->want);
    size_t n;

    service_attachments(r->service->spec, &wanted, &n);
    for (size_t i = 0; i < n; i++) {
        const struct network_work *net = network_by_key(p, wanted[i].network);
        const struct obs_attach *on = net ? attach_named(r->keeper, net->want->name) : NULL;
        bool born_there = first && strcmp(first->network, wanted[i].network) == 0;

        if (!net ||
            (on && net->have &&
             (!on->network_id || !*on->network_id || strcmp(on->network_id, net->have->id) == 0)))
            continue;
        /* Only the network it was born on is part of the hash; of the others nobody can tell whether the file or a
         * hand changed, unless the event was seen. A network that is missing altogether may be one that we were
         * just making again. */
        const char *field = arena_printf(p->w->arena, "networks.%s", net->want->name);
        bool event = handmade(p->w, r->want->name, field) ||
                     handmade_end(p->w, arena_printf(p->w->arena, "network %s", net->want->name));
        bool found = event || (born_there && net->have);

        if (judge_differ(p, r, found ? DRIFT_FOUND : DRIFT_PENDING,
                         (struct change){field, "connected", NULL},
                         found ? judge_by_hand(p, r, field, "not connected", "disconnected by hand")
                         : born_there ? "its network is gone"
                                      : arena_printf(p->w->arena, "%s: networks changed",
                                                     place_words(p, &r->service->spec->at))))
            strv_push(p->w->arena, &r->connect, net->want->name);
    }
}

static bool wants_network(struct app_work *p, const struct replica *r, const char *name)
{
    const struct attach *wanted;
    size_t n;

    service_attachments(r->service->spec, &wanted, &n);
    for (size_t i = 0; i < n; i++) {
        const struct network_work *net = network_by_key(p, wanted[i].network);
        if (strcmp(net ? net->want->name : wanted[i].network, name) == 0)
            return true;
    }
    return false;
}

static bool network_is_apps(const struct app_work *p, const struct obs_attach *on)
{
    size_t from, to;

    networks_of_app(p->w, p->name, &from, &to);
    for (size_t i = from; i < to; i++)
        if (on->network_id && strcmp(p->w->networks[i]->id, on->network_id) == 0)
            return true;
    return false;
}

static void judge_extra_networks(struct app_work *p, struct replica *r)
{
    struct arena *a = p->w->arena;

    /* Traefik is on the networks of the apps it routes to, and they see to that. */
    if (r->service->spec->network_mode || p->want->builtin)
        return;
    for (size_t i = 0; i < r->keeper->n_networks; i++) {
        const struct obs_attach *on = &r->keeper->networks[i];
        const char *field = arena_printf(a, "networks.%s", on->network_name);
        struct change change = {field, NULL, "connected"};

        if (wants_network(p, r, on->network_name))
            continue;
        if (network_is_apps(p, on)) {
            bool found = handmade(p->w, r->want->name, field) != NULL;
            if (judge_differ(p, r, found ? DRIFT_FOUND : DRIFT_PENDING, change,
                             found ? judge_by_hand(p, r, field, "connected by hand", "")
                                   : arena_printf(a, "%s: networks changed",
                                                  place_words(p, &r->service->spec->at))))
                strv_push(a, &r->disconnect, on->network_id);
            continue;
        }
        diff_add(p, DRIFT_FOUND, arena_printf(a, "container %s", r->want->name), change,
                 "connected by hand; left as it is");
        p->out->differences[p->out->n_differences - 1].left =
            judge_ignores(p, field) ? LEFT_IGNORED : LEFT_FOREIGN;
    }
}

void attach_judge_networks(struct app_work *p, struct replica *r)
{
    judge_wanted_networks(p, r);
    judge_extra_networks(p, r);
}

void attach_judge_name(struct app_work *p, struct replica *r)
{
    const char *name = r->want->name, *have = r->keeper->name;
    bool ours =
        strncmp(have, name, strlen(name)) == 0 && strncmp(have + strlen(name), ".next-", 6) == 0;

    if (strcmp(name, have) == 0)
        return;
    /* A name is no part of the hash. If it was up under this one before, the file changed. */
    bool file = !ours && !handmade(p->w, name, "name") && judge_was_up_as(p, r, have);
    const char *adopted = r->keeper->adopted;

    r->rename = judge_differ(
        p, r, ours || file || adopted ? DRIFT_PENDING : DRIFT_FOUND,
        (struct change){"name", name, have},
        adopted ? arena_printf(p->w->arena, "adopted from the Compose project %s", adopted)
        : ours  ? "its replacement was not finished"
        : file  ? arena_printf(p->w->arena, "%s: container_name changed",
                               place_words(p, &r->service->spec->at))
                : judge_by_hand(p, r, "name", "renamed", "by hand"));
}

/* Somebody else's container has the name that is needed here. */
void attach_judge_squatter(struct app_work *p, const struct replica *r)
{
    struct arena *a = p->w->arena;
    const struct obs_container *holder = observed_container(p->w->seen, r->want->name);

    if (!holder || (!r->make && !r->rename) || app_holds(p, holder))
        return;
    const char *whose =
        owner_is(p->w, holder->owner) && holder->app ? arena_printf(a, "of app %s", holder->app)
        : holder->owner ? arena_printf(a, "of the evenkeel agent \"%s\"", holder->owner)
                        : arena_printf(a, "that is not ours (image %s)", holder->image);
    const char *adopt = holder->owner ? NULL : adopt_words(p->name, &holder->labels, a);

    if (adopt) {
        const char *project = kvs_get(&holder->labels, LABEL_COMPOSE_PROJECT);

        app_refuse(p, APP_REFUSED,
                   arena_printf(a,
                                "container name %s is taken by the Compose project %s; stop it "
                                "(`docker compose -p %s down`), or take it over with `%s`",
                                r->want->name, project, project, adopt));
        return;
    }

    app_refuse(p, APP_REFUSED,
               arena_printf(a, "container name %s is taken by a container %s; remove or rename it",
                            r->want->name, whose));
}
