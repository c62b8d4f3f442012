/* plan_judge.c: looks at every place for a container and says how it is and what it lacks.
 *
 * In: an app's wants and its containers, joined by service and index. Out: struct replica for each place: which container
 * stays (the keeper), what is wrong with it in words, and flags for what is to be done. A hash that differs is a change of
 * our mind (pending); a stopped, paused, renamed, disconnected or vanished container is somebody's hand (found).
 * It makes no action; plan_service.c turns flags into actions. */
#include "reconcile/plan_judge.h"

#include <stdlib.h>
#include <string.h>

#include "drivers/engine_needs.h"
#include "reconcile/diff.h"
#include "reconcile/drift_fields.h"
#include "reconcile/plan_hooks.h"
#include "reconcile/plan_infra.h"
#include "spec/base/arena.h"
#include "spec/labels.h"

#define CALM_MS 10000

/* ---- words ---- */

static bool names_field(const struct app_work *p, const char *field)
{
    const struct strv *l = &p->want->drift_ignore;

    for (size_t i = 0; i < l->n; i++) {
        size_t n = strlen(l->v[i]);

        if (strncmp(field, l->v[i], n) == 0 && (!field[n] || field[n] == '.'))
            return true;
    }
    return false;
}

/* The engine checks memory and swap against each other, so one cannot be put right and the other left. */
bool judge_ignores(const struct app_work *p, const char *field)
{
    bool either = strcmp(field, "mem_limit") == 0 || strcmp(field, "memswap_limit") == 0;

    return either ? names_field(p, "mem_limit") || names_field(p, "memswap_limit")
                  : names_field(p, field);
}

/* What is done here has the cause of what asks for it, not of what is only said. */
static void take_cause(struct replica *r, enum drift_kind kind, bool left, const char *cause)
{
    if (!r->cause || (r->cause_is_left && !left)) {
        r->cause = cause;
        r->cause_is_left = left;
    }
    if (r->kind != DRIFT_PENDING)
        r->kind = kind;
}

static struct difference *note(struct app_work *p, const struct replica *r, enum drift_kind kind,
                               struct change change, const char *cause)
{
    diff_add(p, kind, arena_printf(p->w->arena, "container %s", r->want->name), change, cause);
    return &p->out->differences[p->out->n_differences - 1];
}

/* judge_differ() of what no rule can leave alone. */
static bool differ_for_good(struct app_work *p, struct replica *r, enum drift_kind kind,
                            struct change change, const char *cause)
{
    bool left = kind == DRIFT_FOUND && judge_reports(p);

    note(p, r, kind, change, cause)->left = left ? LEFT_REPORT : LEFT_NOT;
    take_cause(r, kind, left, cause);
    return !left;
}

bool judge_differ(struct app_work *p, struct replica *r, enum drift_kind kind, struct change change,
                  const char *cause)
{
    if (kind != DRIFT_FOUND || !judge_ignores(p, change.field))
        return differ_for_good(p, r, kind, change, cause);
    note(p, r, kind, change, cause)->left = LEFT_IGNORED;
    return false;
}

const char *judge_by_hand(struct app_work *p, const struct replica *r, const char *field,
                          const char *what, const char *otherwise)
{
    const char *event = handmade(p->w, r->want->name, field);

    if (event || (p->w->in->history && p->w->in->history->watched))
        return arena_printf(p->w->arena, "%s (%s)", what, event ? event : otherwise);
    return arena_printf(p->w->arena, "%s (%s, while no agent watched)", what, otherwise);
}

const char *judge_cause_of(const struct app_work *p, const struct replica *r, const char *field)
{
    const char *object = arena_printf(p->w->arena, "container %s", r->want->name);

    for (size_t i = 0; !r->make && i < p->out->n_differences; i++) {
        const struct difference *d = &p->out->differences[i];

        if (strcmp(d->change.field, field) == 0 && strcmp(d->object, object) == 0)
            return d->cause;
    }
    return r->cause;
}

const char *judge_cause_of_network(const struct app_work *p, const struct replica *r,
                                   const char *network)
{
    return judge_cause_of(p, r, arena_printf(p->w->arena, "networks.%s", network));
}

bool judge_was_up_as(const struct app_work *p, const struct replica *r, const char *name)
{
    const struct history *h = p->w->in->history;
    const char *last = h ? kvs_get(&h->last_hash, name) : NULL;
    const char *hash = r->keeper ? r->keeper->hash : r->want->hash;

    return last && (!hash || !hash[0] || strcmp(last, hash) == 0);
}

static bool was_up(const struct app_work *p, const struct replica *r)
{
    return judge_was_up_as(p, r, r->want->name);
}

/* ---- a place without the container that is wanted ---- */

/* What was up under this name was another: whoever took that away said nothing of this one. */
static bool is_another_now(const struct app_work *p, const struct replica *r)
{
    const struct history *h = p->w->in->history;
    const char *last = h ? kvs_get(&h->last_hash, r->want->name) : NULL;

    return last && r->want->hash[0] && strcmp(last, r->want->hash) != 0;
}

/* Only what we once brought up can have been taken away; without a diary nobody knows, and a deployment that was interrupted
 * must go on even under drift: report. `ignore: [state]` is about how a container is, not about whether there is one. */
static void judge_missing(struct app_work *p, struct replica *r)
{
    bool found = !is_another_now(p, r) && (was_up(p, r) || handmade(p->w, r->want->name, "state"));
    struct change change = {"state", "running", NULL};

    r->condition = COND_ABSENT;
    (void)differ_for_good(
        p, r, found ? DRIFT_FOUND : DRIFT_PENDING, change,
        found ? judge_by_hand(p, r, "state", "gone", "removed by hand")
              : arena_printf(p->w->arena, "%s: new", place_words(p, &r->service->spec->at)));
}

static void judge_outdated(struct app_work *p, struct replica *r)
{
    const struct obs_container *old = r->former ? r->former : r->have[0];
    const char *volume = pick_missing_volume(p, r->service), *hopeless = pick_hopeless(old);
    const char *object;

    r->condition = container_runs(old) ? COND_FINE : COND_DOWN;
    if (pick_hash_is_wanted(p, r, old)) {
        struct change change = {"state", "made again", container_state_name(old->state)};
        if (!hopeless && !volume && drift_fields_replace(p, r, old)) {
            drift_fields_explain(p, r, old);
            return;
        }
        (void)judge_differ(p, r, DRIFT_PENDING, change,
                           hopeless ? hopeless
                           : volume ? arena_printf(p->w->arena, "its volume %s is gone", volume)
                                    : "what it shares the network of is made again");
        return;
    }
    r->kind = DRIFT_PENDING;
    diff_container(p, r, old);
    object = arena_printf(p->w->arena, "container %s", r->want->name);
    for (size_t i = 0; i < r->n_changes; i++)
        diff_add(p, DRIFT_PENDING, object, r->changes[i], r->cause);
}

/* What is built can be made once its source was read and what it stands on is there. */
static void judge_source(struct app_work *p, struct replica *r)
{
    const struct context_facts *f = r->service->facts;

    switch (f->state) {
    case FACTS_WORKING:
        r->blocked = "its source is being read";
        r->source_pending = true;
        return;
    case FACTS_FAILED:
        r->blocked =
            f->tool ? arena_printf(p->w->arena, "its source cannot be built: %s: strategy %s: %s",
                                   place_words(p, &r->service->spec->build.strategy_at), f->tool,
                                   f->error)
                    : arena_printf(p->w->arena, "its source cannot be built: %s", f->error);
        return;
    case FACTS_READY:
        if (infra_bases_missing(p, r->service)) {
            r->blocked = "the images it is built on are pulled first";
            r->source_pending = true;
        }
        return;
    }
}

/* A Traefik that reads labels cannot tell ours from those that the container inherits. */
static void judge_image_labels(struct app_work *p, struct replica *r, const struct obs_image *image)
{
    bool external = p->w->desired->settings->ingress.mode == INGRESS_EXTERNAL;
    const char *found = external && image ? obs_image_label(image, LABEL_TRAEFIK) : NULL;

    if (found)
        r->blocked = arena_printf(p->w->arena, IMAGE_LABEL_REFUSED, r->service->image, found);
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
    if (r->service->facts)
        judge_source(p, r);
    else if ((!image || !image->id) && r->service->spec->pull == PULL_NEVER)
        r->blocked =
            arena_printf(p->w->arena, "image %s is not on the engine and pull_policy is never",
                         r->service->image);
    if (!r->blocked)
        judge_image_labels(p, r, image);
    if (!r->blocked)
        r->blocked = engine_needs(r->want, p->w->seen->api_version, p->w->arena);
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

static const char *exit_words(struct app_work *p, const struct obs_container *c)
{
    if (c->error && *c->error)
        return arena_printf(p->w->arena, "did not start: %s", c->error);
    if (c->oom_killed)
        return arena_printf(p->w->arena, "ran out of memory (exit code %d)", c->exit_code);
    return arena_printf(p->w->arena, "exited with code %d", c->exit_code);
}

static bool gave_up(const struct service *spec, const struct obs_container *c)
{
    return spec->restart == RESTART_ON_FAILURE && spec->restart_max.set &&
           spec->restart_max.v > 0 && c->restart_count >= spec->restart_max.v;
}

bool judge_ended_for_good(const struct service *spec, const struct obs_container *c)
{
    bool never_ran = c->error && *c->error;
    bool well = c->exit_code == 0 && spec->restart == RESTART_ON_FAILURE;

    return c->state == CS_EXITED && !never_ran &&
           (spec->restart == RESTART_NO || well || gave_up(spec, c));
}

/* True if the container ended for good by its restart policy; fills condition and words. */
static bool ended_for_good(struct app_work *p, struct replica *r)
{
    const struct obs_container *c = r->keeper;
    const struct service *spec = r->service->spec;

    if (!judge_ended_for_good(spec, c))
        return false;
    if (c->exit_code == 0) {
        r->condition = COND_COMPLETED;
        return true;
    }
    bool given_up = gave_up(spec, c);

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
        (void)judge_differ(p, r, DRIFT_PENDING, change, restart_words(p));
        return;
    }
    if (ended_for_good(p, r))
        return;
    r->condition = COND_DOWN;
    const char *event = handmade(p->w, r->want->name, "state");
    enum drift_kind kind = event || was_up(p, r) ? DRIFT_FOUND : DRIFT_PENDING;

    r->start = judge_differ(p, r, kind, change,
                            event ? arena_printf(p->w->arena, "stopped by hand (%s)", event)
                                  : exit_words(p, c));
}

static void judge_created(struct app_work *p, struct replica *r)
{
    const struct obs_container *c = r->keeper;

    r->start = true;
    r->condition = COND_DOWN;
    (void)judge_differ(p, r, DRIFT_PENDING, (struct change){"state", "running", "created"},
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

/* Between two crashes it runs, too: it is well again when it has run for as long as the engine itself takes for a sign of health. */
static bool is_shaken(const struct app_work *p, const struct obs_container *c)
{
    return c->restart_count > 0 && c->started_ms > 0 && p->w->in->now_ms - c->started_ms < CALM_MS;
}

static void judge_shaken(struct app_work *p, struct replica *r)
{
    const struct obs_container *c = r->keeper;

    r->condition = COND_ILL;
    r->calm_ms = c->started_ms + CALM_MS;
    r->ill = c->restart_count == 1
                 ? "has ended by itself and was started again by the engine"
                 : arena_printf(p->w->arena, "is restarting again and again (%d restarts)",
                                c->restart_count);
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
    if (r->condition != COND_ILL && is_shaken(p, c))
        judge_shaken(p, r);
    bool due = restart_is_due(p, c);
    const char *renewed = due ? NULL : renewed_dependency(p, r);

    if (!due && !renewed) {
        hooks_judge(p, r);
        return;
    }
    r->restart = true;
    (void)judge_differ(
        p, r, DRIFT_PENDING, (struct change){"state", "restarted", "running"},
        due ? restart_words(p)
            : arena_printf(p->w->arena, "what it depends on (%s) is made again", renewed));
}

static void judge_restarting(struct app_work *p, struct replica *r)
{
    const struct obs_container *c = r->keeper;

    r->condition = COND_ILL;
    r->ill = arena_printf(p->w->arena,
                          "is restarting again and again (%d restart%s, last exit code %d%s)",
                          c->restart_count, c->restart_count == 1 ? "" : "s", c->exit_code,
                          c->oom_killed ? ", out of memory" : "");
    if (!restart_is_due(p, c))
        return;
    r->restart = true;
    (void)judge_differ(p, r, DRIFT_PENDING, (struct change){"state", "restarted", "restarting"},
                       restart_words(p));
}

static void judge_state(struct app_work *p, struct replica *r)
{
    switch (r->keeper->state) {
    case CS_RUNNING: judge_running(p, r); break;
    case CS_RESTARTING: judge_restarting(p, r); break;
    case CS_CREATED: judge_created(p, r); break;
    case CS_PAUSED:
        r->condition = COND_DOWN;
        r->unpause = judge_differ(p, r, DRIFT_FOUND, (struct change){"state", "running", "paused"},
                                  judge_by_hand(p, r, "state", "paused", "by hand"));
        break;
    case CS_EXITED:
    case CS_DEAD:
    case CS_REMOVING: judge_exited(p, r); break;
    }
}

/* ---- one place ---- */

static void judge_keeper(struct app_work *p, struct replica *r)
{
    judge_state(p, r);
    r->clear = r->n_have > 1;
    if (r->clear)
        (void)judge_differ(
            p, r, DRIFT_PENDING,
            (struct change){"containers", "1", arena_printf(p->w->arena, "%zu", r->n_have)},
            "what it replaces is still there");
    bool over = !r->start && !r->cause_is_left && r->keeper->state == CS_EXITED;

    if (!over)
        attach_judge_networks(p, r);
    attach_judge_name(p, r);
    drift_fields_judge(p, r);
    r->object = r->keeper->id;
    r->label = container_label(p->w, r->keeper);
}

static enum drift_mode mode_of(const struct app_work *p)
{
    enum drift_mode mode = p->want->drift;

    return mode != DRIFT_UNSET ? mode : p->w->desired->settings->drift;
}

bool judge_reports(const struct app_work *p)
{
    return mode_of(p) == DRIFT_REPORT;
}

/* drift: report. What a hand did is said, not undone: judge_differ() kept it from all but the making of what is gone. */
static void leave_as_it_is(struct app_work *p, struct replica *r)
{
    if (r->kind != DRIFT_FOUND || !judge_reports(p))
        return;
    p->reported_only = true;
    r->make = r->start = r->clear = false;
}

static void judge_replica(struct app_work *p, struct replica *r)
{
    bool leaving = false;

    r->up = r->well = r->done = r->settled = NO_ACTION;
    pick_container(p, r, &leaving);
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
    attach_judge_squatter(p, r);
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
    bool known = !want_app_unread(p->want); /* else nothing of it is too much */

    p->leftovers = ARENA_ARRAY(p->w->arena, p->n_mine, const struct obs_container *);
    for (size_t i = 0; i < p->n_mine; i++) {
        struct replica *r = place_of(p, p->mine[i]);

        if (!r) {
            if (known && p->mine[i]->state != CS_REMOVING)
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
