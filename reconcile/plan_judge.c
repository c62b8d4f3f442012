/* plan_judge.c: looks at every place for a container and says how it is and what it lacks.
 *
 * In: an app's wants and its containers, joined by service and index. Out: struct replica for each place: which container
 * stays (the keeper), what is wrong with it in words, and flags for what is to be done. A hash that differs is a change of
 * our mind (pending); a stopped, paused, renamed, disconnected or vanished container is somebody's hand (found).
 * It makes no action; plan_service.c turns flags into actions. */
#include <stdlib.h>
#include <string.h>

#include "drivers/engine_encode.h"
#include "drivers/engine_encode_net.h"
#include "reconcile/plan_work.h"
#include "spec/base/arena.h"

/* ---- which of the containers in a place is the one that is wanted ---- */

/* A container that shares the namespaces of another is only good as long as that one is the same. */
static bool shares_are_fresh(const struct app_work *p, const struct want_service *s,
                             const struct obs_container *c)
{
    const char *names[3];
    size_t n = service_shares(p->want, s->spec, names);

    for (size_t i = 0; i < n; i++) {
        size_t at = service_index(p->want, names[i]);

        if (at == p->want->n_services || p->want->services[at].n_containers == 0)
            continue;
        const struct replica *with = &p->replicas[p->first[at]];
        if (with->make || (with->keeper && with->keeper->created_ms > c->created_ms))
            return false;
    }
    return true;
}

/* The engine keeps volumes that are in use; one that is gone all the same took its data along. */
static const char *missing_volume(struct app_work *p, const struct want_service *s)
{
    for (size_t i = 0; i < s->spec->n_mounts; i++) {
        const struct mount *m = &s->spec->mounts[i];
        const struct volume_work *v =
            m->kind == MOUNT_VOLUME && m->source ? volume_by_key(p, m->source) : NULL;

        if (v && !v->exists)
            return v->want->name;
    }
    return NULL;
}

static bool hash_is_wanted(const struct replica *r, const struct obs_container *c)
{
    const struct want_container *want = r->want;
    char hash[SHA256_HEX];

    if (!c->hash)
        return false;
    if (want->hash[0])
        return strcmp(want->hash, c->hash) == 0;
    /* The engine lost the image, or its name. What was made from that very reference is still what is wanted. */
    if (!want->body || !c->image || !c->image_id || strcmp(c->image, r->service->image) != 0)
        return false;
    engine_encode_hash(want->body, c->image_id, hash);
    return strcmp(hash, c->hash) == 0;
}

static bool is_wanted(struct app_work *p, const struct replica *r, const struct obs_container *c)
{
    return c->state != CS_DEAD && hash_is_wanted(r, c) && shares_are_fresh(p, r->service, c) &&
           !missing_volume(p, r->service);
}

static int state_rank(enum container_state s)
{
    switch (s) {
    case CS_RUNNING: return 0;
    case CS_PAUSED: return 1;
    case CS_RESTARTING: return 2;
    case CS_EXITED: return 3;
    case CS_CREATED: return 4;
    case CS_DEAD: return 5;
    case CS_REMOVING: return 6;
    }
    return 7;
}

/* Negative if a is the better one: wanted, then running, then older. */
static int compare_candidates(bool a_wanted, const struct obs_container *a, bool b_wanted,
                              const struct obs_container *b)
{
    if (a_wanted != b_wanted)
        return a_wanted ? -1 : 1;
    if (a->state != b->state)
        return state_rank(a->state) - state_rank(b->state);
    if (a->created_ms != b->created_ms)
        return a->created_ms < b->created_ms ? -1 : 1;
    return strcmp(a->name, b->name);
}

/* Best first; a handful at most, so by insertion. Those that are being removed are dropped from the end. */
static void sort_candidates(struct app_work *p, struct replica *r)
{
    bool *wanted = ARENA_ARRAY(p->w->arena, r->n_have, bool);

    for (size_t i = 0; i < r->n_have; i++) {
        const struct obs_container *c = r->have[i];
        bool w = is_wanted(p, r, c) && c->state != CS_REMOVING;
        size_t at = i;

        for (; at > 0 && compare_candidates(w, c, wanted[at - 1], r->have[at - 1]) < 0; at--) {
            r->have[at] = r->have[at - 1];
            wanted[at] = wanted[at - 1];
        }
        r->have[at] = c;
        wanted[at] = w;
    }
    r->keeper = r->n_have > 0 && wanted[0] ? r->have[0] : NULL;
}

static void drop_leaving(struct replica *r, bool *ret_leaving)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n_have; i++) {
        if (r->have[i]->state == CS_REMOVING)
            *ret_leaving = true;
        else
            r->have[n++] = r->have[i];
    }
    r->n_have = n;
}

/* Whoever serves beside the keeper, or served last. */
static const struct obs_container *pick_former(const struct replica *r)
{
    const struct obs_container *last = NULL;

    for (size_t i = r->keeper ? 1 : 0; i < r->n_have; i++) {
        const struct obs_container *c = r->have[i];

        if (container_runs(c))
            return c;
        if (c->state == CS_EXITED && (!last || c->started_ms > last->started_ms))
            last = c;
    }
    return last;
}

/* ---- words ---- */

static void differ(struct app_work *p, struct replica *r, enum drift_kind kind,
                   struct change change, const char *cause)
{
    const char *object = arena_printf(p->w->arena, "container %s", r->want->name);

    diff_add(p, kind, object, change, cause);
    if (!r->cause)
        r->cause = cause;
    if (r->kind != DRIFT_PENDING)
        r->kind = kind;
}

/* "gone (destroy at 10:00:03)", or as much of it as is known. */
static const char *by_hand(struct app_work *p, const struct replica *r, const char *what,
                           const char *otherwise)
{
    const char *event = handmade(p->w, r->want->name);

    return arena_printf(p->w->arena, "%s (%s)", what, event ? event : otherwise);
}

/* The diary says that exactly this was up under this name, and that we did not take it down. */
static bool was_up_as(const struct app_work *p, const struct replica *r, const char *name)
{
    const struct history *h = p->w->in->history;
    const char *last = h ? kvs_get(&h->last_hash, name) : NULL;
    const char *hash = r->keeper ? r->keeper->hash : r->want->hash;

    return last && (!hash[0] || strcmp(last, hash) == 0);
}

static bool was_up(const struct app_work *p, const struct replica *r)
{
    return was_up_as(p, r, r->want->name);
}

/* ---- a place without the container that is wanted ---- */

/* Only what we once brought up can have been taken away; without a diary nobody knows, and a deployment that was interrupted
 * must go on even under drift: report. */
static void judge_missing(struct app_work *p, struct replica *r)
{
    bool found = was_up(p, r) || handmade(p->w, r->want->name);
    struct change change = {"state", "running", NULL};

    r->condition = COND_ABSENT;
    differ(p, r, found ? DRIFT_FOUND : DRIFT_PENDING, change,
           found ? by_hand(p, r, "gone", "removed by hand")
                 : arena_printf(p->w->arena, "%s: new", place_words(p, &r->service->spec->at)));
}

static void judge_outdated(struct app_work *p, struct replica *r)
{
    const struct obs_container *old = r->former ? r->former : r->have[0];
    const char *volume = missing_volume(p, r->service), *object;

    r->condition = container_runs(old) ? COND_FINE : COND_DOWN;
    r->kind = DRIFT_PENDING;
    if (hash_is_wanted(r, old)) {
        struct change change = {"state", "made again", container_state_name(old->state)};
        differ(p, r, DRIFT_PENDING, change,
               old->state == CS_DEAD ? "dead: the engine could not remove it completely"
               : volume              ? arena_printf(p->w->arena, "its volume %s is gone", volume)
                                     : "what it shares the network of is made again");
        return;
    }
    diff_container(p, r, old);
    object = arena_printf(p->w->arena, "container %s", r->want->name);
    for (size_t i = 0; i < r->n_changes; i++)
        diff_add(p, DRIFT_PENDING, object, r->changes[i], r->cause);
}

static void judge_to_make(struct app_work *p, struct replica *r)
{
    const struct obs_image *image = observed_image(p->w->seen, r->service->image);

    r->make = true;
    r->start = true;
    r->clear = r->n_have > 0;
    if (r->n_have > 0)
        judge_outdated(p, r);
    else
        judge_missing(p, r);
    if ((!image || !image->id) && r->service->spec->pull == PULL_NEVER)
        r->blocked =
            arena_printf(p->w->arena, "image %s is not on the engine and pull_policy is never",
                         r->service->image);
}

/* ---- the keeper's state ---- */

static bool restart_is_due(const struct app_work *p, const struct obs_container *c)
{
    int64_t asked = p->want->restarted_at_ms;

    return asked > 0 && asked <= p->w->in->now_ms && c->started_ms > 0 && c->started_ms < asked;
}

static const char *restart_words(struct app_work *p)
{
    CLEANUP(str_release) struct str s = STR_INIT;

    str_add(&s, "restart asked for at ");
    str_add_time(&s, p->want->restarted_at_ms);
    return arena_strdup(p->w->arena, str_text(&s));
}

static bool somebody_awaits_its_end(const struct app_work *p, const char *service)
{
    for (size_t i = 0; i < p->want->n_services; i++) {
        const struct service *s = p->want->services[i].spec;

        for (size_t d = 0; d < s->n_depends; d++)
            if (s->depends[d].condition == DEPEND_COMPLETED &&
                strcmp(s->depends[d].service, service) == 0)
                return true;
    }
    return false;
}

static const char *exit_words(struct app_work *p, const struct obs_container *c)
{
    if (c->error && *c->error)
        return arena_printf(p->w->arena, "did not start: %s", c->error);
    if (c->oom_killed)
        return arena_printf(p->w->arena, "ran out of memory (exit code %d)", c->exit_code);
    return arena_printf(p->w->arena, "exited with code %d", c->exit_code);
}

/* True if the container ended for good by its restart policy; fills condition and words. */
static bool ended_for_good(struct app_work *p, struct replica *r)
{
    const struct obs_container *c = r->keeper;
    const struct service *spec = r->service->spec;
    bool failure_only = spec->restart == RESTART_ON_FAILURE;

    if (c->error && *c->error)
        return false; /* it never ran */
    if (c->exit_code == 0 && (spec->restart == RESTART_NO || failure_only ||
                              somebody_awaits_its_end(p, r->service->name))) {
        r->condition = COND_COMPLETED;
        return true;
    }
    bool given_up = failure_only && spec->restart_max.set && spec->restart_max.v > 0 &&
                    c->restart_count >= spec->restart_max.v;

    if (spec->restart != RESTART_NO && !given_up)
        return false;
    r->condition = COND_ILL;
    r->ill = given_up ? arena_printf(p->w->arena, "%s after %d restarts (restart: on-failure:%d)",
                                     exit_words(p, c), c->restart_count, (int)spec->restart_max.v)
                      : arena_printf(p->w->arena, "%s (restart: no)", exit_words(p, c));
    return true;
}

static void judge_exited(struct app_work *p, struct replica *r)
{
    const struct obs_container *c = r->keeper;
    struct change change = {"state", "running", container_state_name(c->state)};

    if (restart_is_due(p, c)) {
        r->start = true;
        r->condition = COND_DOWN;
        differ(p, r, DRIFT_PENDING, change, restart_words(p));
        return;
    }
    if (ended_for_good(p, r))
        return;
    r->start = true;
    r->condition = COND_DOWN;
    const char *event = handmade(p->w, r->want->name);
    enum drift_kind kind = event || was_up(p, r) ? DRIFT_FOUND : DRIFT_PENDING;

    differ(p, r, kind, change,
           event ? arena_printf(p->w->arena, "stopped by hand (%s)", event) : exit_words(p, c));
}

static void judge_created(struct app_work *p, struct replica *r)
{
    const struct obs_container *c = r->keeper;

    r->start = true;
    r->condition = COND_DOWN;
    differ(p, r, DRIFT_PENDING, (struct change){"state", "running", "created"},
           c->error && *c->error ? exit_words(p, c) : "made but not started yet");
}

/* `depends_on: {x: {restart: true}}`, and x is newer than what runs here. */
static const char *renewed_dependency(const struct app_work *p, const struct replica *r)
{
    const struct service *s = r->service->spec;

    for (size_t i = 0; i < s->n_depends; i++) {
        size_t at = service_index(p->want, s->depends[i].service);

        if (s->depends[i].restart != TRI_YES || at == p->want->n_services)
            continue;
        for (size_t k = 0; k < p->want->services[at].n_containers; k++) {
            const struct replica *on = &p->replicas[p->first[at] + k];

            if (on->make || (on->keeper && r->keeper->started_ms > 0 &&
                             on->keeper->created_ms > r->keeper->started_ms))
                return s->depends[i].service;
        }
    }
    return NULL;
}

static void judge_running(struct app_work *p, struct replica *r)
{
    const struct obs_container *c = r->keeper;

    r->condition = c->health == HEALTH_UNHEALTHY  ? COND_ILL
                   : c->health == HEALTH_STARTING ? COND_STARTING
                                                  : COND_FINE;
    r->ill = c->health == HEALTH_UNHEALTHY  ? "is unhealthy"
             : c->health == HEALTH_STARTING ? "is not healthy yet"
                                            : NULL;
    bool due = restart_is_due(p, c);
    const char *renewed = due ? NULL : renewed_dependency(p, r);

    if (!due && !renewed)
        return;
    r->restart = true;
    differ(p, r, DRIFT_PENDING, (struct change){"state", "restarted", "running"},
           due ? restart_words(p)
               : arena_printf(p->w->arena, "what it depends on (%s) is made again", renewed));
}

static void judge_restarting(struct app_work *p, struct replica *r)
{
    const struct obs_container *c = r->keeper;

    r->condition = COND_ILL;
    r->ill = arena_printf(p->w->arena,
                          "is restarting again and again (%d restarts, last exit code %d%s)",
                          c->restart_count, c->exit_code, c->oom_killed ? ", out of memory" : "");
    if (!restart_is_due(p, c))
        return;
    r->restart = true;
    differ(p, r, DRIFT_PENDING, (struct change){"state", "restarted", "restarting"},
           restart_words(p));
}

static void judge_state(struct app_work *p, struct replica *r)
{
    switch (r->keeper->state) {
    case CS_RUNNING: judge_running(p, r); break;
    case CS_RESTARTING: judge_restarting(p, r); break;
    case CS_CREATED: judge_created(p, r); break;
    case CS_PAUSED:
        r->unpause = true;
        r->condition = COND_DOWN;
        differ(p, r, DRIFT_FOUND, (struct change){"state", "running", "paused"},
               by_hand(p, r, "paused", "by hand"));
        break;
    case CS_EXITED:
    case CS_DEAD:
    case CS_REMOVING: judge_exited(p, r); break;
    }
}

/* ---- the keeper's networks and name ---- */

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
        bool event = handmade(p->w, r->want->name) != NULL;
        bool found = event || (born_there && net->have);

        strv_push(p->w->arena, &r->connect, net->want->name);
        differ(p, r, found ? DRIFT_FOUND : DRIFT_PENDING,
               (struct change){arena_printf(p->w->arena, "networks.%s", net->want->name),
                               "connected", NULL},
               found        ? by_hand(p, r, "not connected", "disconnected by hand")
               : born_there ? "its network is gone"
                            : arena_printf(p->w->arena, "%s: networks changed",
                                           place_words(p, &r->service->spec->at)));
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

    if (r->service->spec->network_mode)
        return;
    for (size_t i = 0; i < r->keeper->n_networks; i++) {
        const struct obs_attach *on = &r->keeper->networks[i];
        const char *field = arena_printf(a, "networks.%s", on->network_name);
        struct change change = {field, NULL, "connected"};

        if (wants_network(p, r, on->network_name))
            continue;
        if (network_is_apps(p, on)) {
            bool found = handmade(p->w, r->want->name) != NULL;
            strv_push(a, &r->disconnect, on->network_id);
            differ(p, r, found ? DRIFT_FOUND : DRIFT_PENDING, change,
                   found ? by_hand(p, r, "connected by hand", "")
                         : arena_printf(a, "%s: networks changed",
                                        place_words(p, &r->service->spec->at)));
            continue;
        }
        diff_add(p, DRIFT_FOUND, arena_printf(a, "container %s", r->want->name), change,
                 "connected by hand; left as it is");
    }
}

static void judge_name(struct app_work *p, struct replica *r)
{
    const char *name = r->want->name, *have = r->keeper->name;
    bool ours =
        strncmp(have, name, strlen(name)) == 0 && strncmp(have + strlen(name), ".next-", 6) == 0;

    if (strcmp(name, have) == 0)
        return;
    r->rename = true;
    /* A name is no part of the hash. If it was up under this one before, the file changed. */
    bool file = !ours && !handmade(p->w, name) && was_up_as(p, r, have);

    differ(p, r, ours || file ? DRIFT_PENDING : DRIFT_FOUND, (struct change){"name", name, have},
           ours   ? "its replacement was not finished"
           : file ? arena_printf(p->w->arena, "%s: container_name changed",
                                 place_words(p, &r->service->spec->at))
                  : by_hand(p, r, "renamed", "by hand"));
}

/* Somebody else's container has the name that is needed here. */
static void judge_squatter(struct app_work *p, const struct replica *r)
{
    struct arena *a = p->w->arena;
    const struct obs_container *holder = observed_container(p->w->seen, r->want->name);

    if (!holder || (!r->make && !r->rename) || app_holds(p, holder))
        return;
    const char *whose =
        owner_is(p->w, holder->owner) && holder->app ? arena_printf(a, "of app %s", holder->app)
        : holder->owner ? arena_printf(a, "of the evenkeel agent \"%s\"", holder->owner)
                        : arena_printf(a, "that is not ours (image %s)", holder->image);

    app_refuse(p, APP_REFUSED,
               arena_printf(a, "container name %s is taken by a container %s; remove or rename it",
                            r->want->name, whose));
}

/* ---- one place ---- */

static void judge_keeper(struct app_work *p, struct replica *r)
{
    judge_state(p, r);
    r->clear = r->n_have > 1;
    if (r->clear)
        differ(p, r, DRIFT_PENDING,
               (struct change){"containers", "1", arena_printf(p->w->arena, "%zu", r->n_have)},
               "what it replaces is still there");
    bool over = !r->start && r->keeper->state == CS_EXITED;

    if (!over) {
        judge_wanted_networks(p, r);
        judge_extra_networks(p, r);
    }
    judge_name(p, r);
    r->object = r->keeper->id;
    r->label = container_label(p->w, r->keeper);
}

static enum drift_mode mode_of(const struct app_work *p)
{
    enum drift_mode mode = p->want->drift;

    return mode != DRIFT_UNSET ? mode : p->w->desired->settings->drift;
}

/* drift: report. What a hand did is said, not undone. */
static void leave_as_it_is(struct app_work *p, struct replica *r)
{
    if (r->kind != DRIFT_FOUND || mode_of(p) != DRIFT_REPORT)
        return;
    p->reported_only = true;
    r->make = r->start = r->unpause = r->restart = r->rename = r->clear = false;
    r->connect = r->disconnect = (struct strv){0};
}

static void judge_replica(struct app_work *p, struct replica *r)
{
    bool leaving = false;

    r->up = r->well = r->done = r->settled = NO_ACTION;
    drop_leaving(r, &leaving);
    sort_candidates(p, r);
    r->former = pick_former(r);
    if (leaving && r->n_have == 0) {
        r->condition = COND_STARTING;
        r->ill = "is being removed by the engine";
        r->blocked = r->ill;
        return;
    }
    if (r->keeper)
        judge_keeper(p, r);
    else
        judge_to_make(p, r);
    leave_as_it_is(p, r);
    judge_squatter(p, r);
}

/* ---- all places: join wants and containers by service and index ---- */

static int compare_order(const void *va, const void *vb)
{
    const struct want_service *a = *(const struct want_service *const *)va;
    const struct want_service *b = *(const struct want_service *const *)vb;

    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    return strcmp(a->name, b->name);
}

static void make_places(struct app_work *p)
{
    const struct want_app *app = p->want;
    struct arena *a = p->w->arena;
    const struct want_service **order =
        ARENA_ARRAY(a, app->n_services, const struct want_service *);
    size_t n = 0;

    for (size_t i = 0; i < app->n_services; i++) {
        order[i] = &app->services[i];
        n += app->services[i].n_containers;
    }
    if (app->n_services > 1)
        qsort(order, app->n_services, sizeof(order[0]), compare_order);
    p->replicas = ARENA_ARRAY(a, n, struct replica);
    p->first = ARENA_ARRAY(a, app->n_services, size_t);
    for (size_t i = 0; i < app->n_services; i++) {
        const struct want_service *s = order[i];

        p->first[s - app->services] = p->n_replicas;
        for (size_t c = 0; c < s->n_containers; c++)
            p->replicas[p->n_replicas++] =
                (struct replica){.want = &s->containers[c], .service = s};
    }
}

/* The place of a container, or NULL: nobody wants it. */
static struct replica *place_of(struct app_work *p, const struct obs_container *c)
{
    size_t s = service_index(p->want, c->service ? c->service : "");

    if (s == p->want->n_services || c->index < 1 ||
        (size_t)c->index > p->want->services[s].n_containers)
        return NULL;
    return &p->replicas[p->first[s] + (size_t)c->index - 1];
}

static void join_containers(struct app_work *p)
{
    p->leftovers = ARENA_ARRAY(p->w->arena, p->n_mine, const struct obs_container *);
    for (size_t i = 0; i < p->n_mine; i++) {
        struct replica *r = place_of(p, p->mine[i]);

        if (!r) {
            if (p->mine[i]->state != CS_REMOVING)
                p->leftovers[p->n_leftovers++] = p->mine[i];
            continue;
        }
        /* Those of one place stand side by side in p->mine. */
        if (r->n_have == 0)
            r->have = &p->mine[i];
        r->n_have++;
    }
}

static void judge_leftovers(struct app_work *p)
{
    for (size_t i = 0; i < p->n_leftovers; i++) {
        const struct obs_container *c = p->leftovers[i];
        struct change change = {"state", NULL, container_state_name(c->state)};

        diff_add(p, DRIFT_PENDING, container_label(p->w, c), change, leftover_cause(p, c));
    }
}

void judge_app(struct app_work *p)
{
    make_places(p);
    join_containers(p);
    for (size_t i = 0; i < p->n_replicas; i++)
        judge_replica(p, &p->replicas[i]);
    judge_leftovers(p);
}
