/* plan_removal.c: apps that are to stop or to go, and the brakes on removal.
 *
 * In: what the engine holds for us by its labels, and the files that were read. Out: the stopping or removal of one app; for all
 * apps that no file holds, whether they are removed, frozen (their file or root cannot be read, so nobody knows) or held
 * (so many at once that it looks like an accident).
 * It never removes a volume: what becomes of those is plan_quarantine.c's business. */
#include "reconcile/plan_removal.h"

#include <stdlib.h>
#include <string.h>

#include "reconcile/plan_infra.h"
#include "reconcile/plan_quarantine.h"
#include "reconcile/plan_route.h"
#include "spec/base/arena.h"

/* ---- one app: stop it ---- */

static size_t rank_of(const struct app_work *p, const struct obs_container *c)
{
    size_t s = p->want && c->service ? service_index(p->want, c->service) : 0;

    return p->want && c->service && s < p->want->n_services ? p->want->services[s].order : 0;
}

static bool service_depends_on(const struct service *s, const char *on)
{
    for (size_t i = 0; i < s->n_depends; i++)
        if (strcmp(s->depends[i].service, on) == 0)
            return true;
    return false;
}

static bool depends_on(const struct app_work *p, const char *service, const char *on)
{
    size_t at = service ? service_index(p->want, service) : p->want->n_services;

    return at < p->want->n_services && service_depends_on(p->want->services[at].spec, on);
}

static bool has_dependants(const struct app_work *p, const char *service)
{
    for (size_t i = 0; p->want && service && i < p->want->n_services; i++)
        if (service_depends_on(p->want->services[i].spec, service))
            return true;
    return false;
}

struct leaving {
    const struct obs_container *c;
    size_t rank;
};

/* Dependants first; where nobody knows dependencies any more, by name. */
static int compare_leaving(const void *va, const void *vb)
{
    const struct leaving *a = va, *b = vb;

    if (a->rank != b->rank)
        return a->rank > b->rank ? -1 : 1;
    return strcmp(a->c->name, b->c->name);
}

/* Stop all that runs, dependants before what they depend on. ret[i] is the stop of p->mine[i]. */
static void stop_all(struct app_work *p, const char *cause, uint32_t *ret)
{
    struct leaving *order = ARENA_ARRAY(p->w->arena, p->n_mine, struct leaving);

    for (size_t i = 0; i < p->n_mine; i++)
        order[i] = (struct leaving){p->mine[i], rank_of(p, p->mine[i])};
    if (p->n_mine > 1)
        qsort(order, p->n_mine, sizeof(order[0]), compare_leaving);
    for (size_t i = 0; i < p->n_mine; i++) {
        const struct obs_container *c = order[i].c;
        uint32_t stop = NO_ACTION;

        p->mine[i] = c;
        uint32_t alone = route_leave_all(p, c, NULL, 0);

        if (container_runs(c))
            stop = act_container(p, ACT_STOP, c->id, container_label(p->w, c), cause);
        if (stop != NO_ACTION)
            act_need_all(p, stop, (uint32_t[2]){p->unrouted, alone}, 2);
        ret[i] = stop;
        if (stop == NO_ACTION || !has_dependants(p, c->service))
            continue;
        for (size_t k = 0; k < i; k++)
            if (depends_on(p, p->mine[k]->service, c->service))
                act_need(p, stop, ret[k]);
    }
}

void removal_stop_app(struct app_work *p)
{
    uint32_t *stops = ARENA_ARRAY(p->w->arena, p->n_mine, uint32_t);

    for (size_t i = 0; i < p->n_mine; i++)
        if (container_runs(p->mine[i]))
            diff_add(p, DRIFT_PENDING, container_label(p->w, p->mine[i]),
                     (struct change){"state", "stopped", container_state_name(p->mine[i]->state)},
                     "stop asked for");
    p->unrouted = route_stop(p);
    stop_all(p, "stop asked for", stops);
}

/* ---- one app: remove it ---- */

/* A container on the network that does not leave in this plan, or NULL. */
static const struct obs_container *stays_on(struct app_work *p, const struct obs_network *n)
{
    size_t from, to;

    attached_range(p->w, n->id, &from, &to);
    for (size_t i = from; i < to; i++)
        if (!app_holds(p, p->w->attached[i].container) &&
            !route_is_ingress(p->w, p->w->attached[i].container))
            return p->w->attached[i].container;
    return NULL;
}

/* When its containers are gone and Traefik has left it. */
static void remove_network(struct app_work *p, const struct obs_network *n, const char *cause,
                           const uint32_t *gone)
{
    size_t k = p->n_mine;
    uint32_t *after = ARENA_ARRAY(p->w->arena, k + 1, uint32_t);

    if (k)
        memcpy(after, gone, k * sizeof(after[0]));
    after[k] = route_left_network(p, n);
    infra_remove_network(p, n, cause, after, k + 1);
}

void removal_app(struct app_work *p, const char *cause)
{
    struct plan_work *w = p->w;
    uint32_t *gone = ARENA_ARRAY(w->arena, p->n_mine, uint32_t);
    size_t from, to;

    p->unrouted = route_remove(p, cause);
    stop_all(p, cause, gone);
    for (size_t i = 0; i < p->n_mine; i++) {
        const struct obs_container *c = p->mine[i];
        const char *label = container_label(w, c);
        uint32_t stop = gone[i];

        gone[i] = NO_ACTION;
        if (c->state == CS_REMOVING)
            continue;
        diff_add(p, DRIFT_PENDING, label,
                 (struct change){"state", NULL, container_state_name(c->state)}, cause);
        gone[i] = act_container(p, ACT_REMOVE, c->id, label, cause);
        act_need(p, gone[i], stop);
        act_need(p, gone[i], p->unrouted);
    }
    route_leave_networks(p, p->unrouted);
    networks_of_app(w, p->name, &from, &to);
    for (size_t i = from; i < to; i++) {
        const struct obs_container *other = stays_on(p, w->networks[i]);

        if (other)
            note_add(p, arena_printf(w->arena, "network %s stays: container %s is on it",
                                     w->networks[i]->name, other->name));
        else
            remove_network(p, w->networks[i], cause, gone);
    }
    quarantine_leave(p, cause, gone, p->n_mine);
    quarantine_plan(p);
}

/* ---- law 6: may an app that no file holds be removed? ---- */

struct origin {
    const char *text, *root, *file;
};

static bool split_origin(const char *text, struct arena *a, struct origin *ret)
{
    const char *at = text ? strstr(text, "//") : NULL;

    if (!at)
        return false;
    *ret = (struct origin){text, arena_strndup(a, text, (size_t)(at - text)), at + 2};
    return true;
}

static const struct spec_root *find_root(const struct desired *d, const char *path)
{
    for (size_t i = 0; i < d->n_roots; i++)
        if (strcmp(d->roots[i].path, path) == 0)
            return &d->roots[i];
    return NULL;
}

/* The origin itself if that is broken, else any other broken file of its root. */
static const struct spec_file *broken_file(const struct survey *s, const struct origin *o)
{
    const struct spec_file *any = NULL;

    for (size_t i = 0; i < s->n_broken; i++) {
        if (strcmp(s->broken[i]->root, o->root) != 0)
            continue;
        if (strcmp(s->broken[i]->path, o->file) == 0)
            return s->broken[i];
        if (!any)
            any = s->broken[i];
    }
    return any;
}

/* Why an app of this origin must be left alone, or NULL. */
static const char *why_frozen(const struct plan_work *w, const struct survey *s,
                              const struct origin *o, const char *app)
{
    const struct spec_root *root = find_root(w->desired, o->root);

    if (!root)
        return arena_printf(
            w->arena, "its root %s is no longer configured; \"evenkeel remove %s\" removes it",
            o->root, app);
    if (!root->readable)
        return arena_printf(w->arena, "its root %s is missing or cannot be read", o->root);
    const struct spec_file *broken = broken_file(s, o);

    if (!broken)
        return NULL;
    return strcmp(broken->path, o->file) == 0
               ? arena_printf(w->arena, "its file %s has errors", broken->name)
               : arena_printf(w->arena, "%s has errors, and may be the file that holds it",
                              broken->name);
}

/* Take one origin label into account; *last is the one before it, to skip repetitions. */
static void orphan_origin(struct plan_work *w, const struct survey *s, struct orphan *o,
                          const char *text, const char **last)
{
    struct origin origin;

    if (text && *last && strcmp(text, *last) == 0)
        return;
    *last = text;
    if (!split_origin(text, w->arena, &origin)) {
        if (!o->frozen)
            o->frozen = arena_printf(
                w->arena, "its origin is unknown; \"evenkeel remove %s\" removes it", o->name);
        return;
    }
    if (!o->root) {
        o->root = origin.root;
        o->origin = origin.text;
    }
    const char *why = why_frozen(w, s, &origin, o->name);

    if (why && !o->frozen)
        o->frozen = why;
}

/* All origins written on its objects must agree to it. */
static void judge_orphan(struct plan_work *w, const struct survey *s, struct orphan *o)
{
    const char *last = NULL;
    size_t from, to;

    /* No file ever held it: it goes when nothing is routed. */
    if (strcmp(o->name, w->ingress_name) == 0)
        return;
    observed_app_range(w->seen, o->name, &from, &to);
    for (size_t i = from; i < to; i++) {
        const struct obs_container *c = &w->seen->containers[i];

        if (owner_is(w, c->owner))
            orphan_origin(w, s, o, c->origin, &last);
    }
    networks_of_app(w, o->name, &from, &to);
    /* A network may lack the note where a container bears it. */
    for (size_t i = from; i < to; i++)
        if (w->networks[i]->origin || !o->origin)
            orphan_origin(w, s, o, w->networks[i]->origin, &last);
}

/* ---- who is on the engine ---- */

static int compare_names(const void *va, const void *vb)
{
    return strcmp(*(const char *const *)va, *(const char *const *)vb);
}

/* Names of apps the engine holds for us, by containers or networks; volumes alone do not count. Sorted, unique. */
static void held_by_engine(const struct plan_work *w, struct strv *ret)
{
    const struct observed *o = w->seen;
    const char *last = NULL;
    struct strv all = {0};

    for (size_t i = 0; i < o->n_containers && o->containers[i].app; i++) {
        const struct obs_container *c = &o->containers[i];

        if (!owner_is(w, c->owner) || (last && strcmp(last, c->app) == 0))
            continue;
        last = c->app;
        strv_push(w->arena, &all, last);
    }
    for (size_t i = 0; i < w->n_networks; i++)
        strv_push(w->arena, &all, w->networks[i]->app);
    for (size_t i = 0; i < o->n_routes; i++)
        if (strcmp(o->routes[i].app, w->ingress_name) != 0 &&
            strcmp(o->routes[i].app, INGRESS_PLATFORM) != 0)
            strv_push(w->arena, &all, o->routes[i].app);
    sort_rows((void *)all.v, all.n, sizeof(all.v[0]), compare_names);
    for (size_t i = 0; i < all.n; i++)
        if (i == 0 || strcmp(all.v[i - 1], all.v[i]) != 0)
            strv_push(w->arena, ret, all.v[i]);
}

/* Those of which only volumes are left, and for which something is due; they are added to names, too. */
static struct strv add_volumes_only(struct plan_work *w, struct strv *names)
{
    struct strv more = {0}, only = {0};

    quarantine_apps(w, &more);
    for (size_t i = 0; i < more.n; i++)
        if (!strv_has(names, more.v[i]))
            strv_push(w->arena, &only, more.v[i]);
    for (size_t i = 0; i < only.n; i++)
        strv_push(w->arena, names, only.v[i]);
    if (only.n > 0)
        strv_sort(names);
    return only;
}

void removal_survey(struct plan_work *w, struct survey *ret)
{
    struct strv names = {0};

    held_by_engine(w, &names);
    const struct strv only = add_volumes_only(w, &names);

    ret->v = ARENA_ARRAY(w->arena, names.n, struct orphan);
    ret->n = ret->n_broken = 0;
    ret->broken = ARENA_ARRAY(w->arena, w->desired->n_files, const struct spec_file *);
    for (size_t i = 0; i < w->desired->n_files; i++)
        if (w->desired->files[i]->broken)
            ret->broken[ret->n_broken++] = w->desired->files[i];
    for (size_t i = 0; i < names.n; i++) {
        struct orphan *o = &ret->v[ret->n++];
        const struct want_app *want = desired_app(w->desired, names.v[i]);

        *o = (struct orphan){.name = names.v[i],
                             .wanted = want != NULL,
                             .volumes_only = strv_has(&only, names.v[i])};
        o->asked = strv_has(&w->desired->removed, o->name) || (want && want->state == WISH_REMOVED);
        if (want)
            o->root = want->root; /* it moved, whatever its labels say */
        else
            judge_orphan(w, ret, o);
        if (o->asked)
            o->frozen = NULL; /* explicit words need no file */
        o->removal = !o->wanted && !o->asked && !o->frozen && !o->volumes_only;
    }
}

/* ---- so many at once ---- */

static int compare_root(const void *va, const void *vb)
{
    const struct orphan *a = *(const struct orphan *const *)va;
    const struct orphan *b = *(const struct orphan *const *)vb;
    int by = strcmp(a->root ? a->root : "", b->root ? b->root : "");

    return by ? by : strcmp(a->name, b->name);
}

const char *held_removals_hash(const char *root, const struct strv *apps, struct arena *a)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    char hex[SHA256_HEX];

    str_add(&text, root);
    for (size_t i = 0; i < apps->n; i++)
        str_addf(&text, "\n%s", apps->v[i]);
    sha256_hex(str_text(&text), text.len, hex);
    return arena_strndup(a, hex, 12);
}

/* One root's apps: hold its removals, if they are too many and nobody confirmed just these. What was confirmed before and is on its
 * way out counts no more. */
static void hold_root(struct plan_work *w, struct orphan **v, size_t n, struct plan *plan)
{
    struct held_removals held = {.root = v[0]->root, .of = n};

    for (size_t i = 0; i < n; i++)
        if (v[i]->released) {
            strv_push(w->arena, &plan->released, v[i]->name);
            held.of--;
        } else if (v[i]->removal) {
            strv_push(w->arena, &held.apps, v[i]->name);
        }
    size_t gone = held.apps.n;
    bool many = (gone >= 3 && gone * 3 > held.of) || (gone >= 2 && gone == held.of);

    if (!many)
        return;
    held.hash = held_removals_hash(held.root, &held.apps, w->arena);
    if (w->in->confirmed_removals && strcmp(w->in->confirmed_removals, held.hash) == 0) {
        for (size_t i = 0; i < gone; i++)
            strv_push(w->arena, &plan->released, held.apps.v[i]);
        return;
    }
    for (size_t i = 0; i < n; i++)
        if (v[i]->removal && !v[i]->released)
            v[i]->held = held.hash;
    plan->held[plan->n_held++] = held;
}

/* Both lists sorted: one walk. */
static void mark_released(const struct plan_work *w, struct survey *s)
{
    struct strv names = {0};

    for (size_t i = 0; i < w->in->released.n; i++)
        strv_push(w->arena, &names, w->in->released.v[i]);
    strv_sort(&names);
    for (size_t i = 0, k = 0; i < s->n && k < names.n;) {
        int by = strcmp(s->v[i].name, names.v[k]);

        if (by == 0)
            s->v[i].released = s->v[i].removal;
        i += by <= 0;
        k += by > 0;
    }
}

void removal_hold(struct plan_work *w, struct survey *s, struct plan *plan)
{
    mark_released(w, s);
    struct orphan **v = ARENA_ARRAY(w->arena, s->n, struct orphan *);

    for (size_t i = 0; i < s->n; i++)
        v[i] = &s->v[i];
    if (s->n > 1)
        qsort(v, s->n, sizeof(v[0]), compare_root);
    plan->held = ARENA_ARRAY(w->arena, s->n, struct held_removals);
    for (size_t from = 0, to; from < s->n; from = to) {
        for (to = from + 1;
             to < s->n && v[from]->root && v[to]->root && strcmp(v[from]->root, v[to]->root) == 0;)
            to++;
        if (v[from]->root)
            hold_root(w, v + from, to - from, plan);
    }
}
