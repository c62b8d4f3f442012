/* plan.c: the planner from the outside: which apps there are, which room of the planner each goes through, and in which order.
 *
 * In: desired and observed state, history, reservations, the time. Out: for each app its verdict, its differences and its
 * actions. Both sides are sorted by name and joined in one walk, so the same input gives the same bytes.
 * It makes no call and reads no clock; an app that goes wrong spoils no other. */
#include "reconcile/plan.h"
#include "reconcile/drift_note.h"
#include "reconcile/adopt.h"
#include "reconcile/plan_hooks.h"
#include "reconcile/plan_infra.h"
#include "reconcile/plan_judge.h"
#include "reconcile/plan_order.h"

#include <stdlib.h>
#include <string.h>

#include "reconcile/plan_ports.h"
#include "reconcile/plan_quarantine.h"
#include "reconcile/plan_refresh.h"
#include "reconcile/plan_removal.h"
#include "reconcile/plan_route.h"
#include "reconcile/plan_service.h"
#include "reconcile/plan_verdict.h"
#include "reconcile/plan_work.h"
#include "spec/base/arena.h"

/* ---- one app ---- */

static void gather_containers(struct app_work *p)
{
    const struct observed *seen = p->w->seen;
    size_t from, to;

    observed_app_range(seen, p->name, &from, &to);
    p->mine = ARENA_ARRAY(p->w->arena, to - from, const struct obs_container *);
    for (size_t i = from; i < to; i++)
        if (owner_is(p->w, seen->containers[i].owner))
            p->mine[p->n_mine++] = &seen->containers[i];
    for (size_t i = 0; i < p->n_mine; i++)
        p->out->containers_running += p->mine[i]->state == CS_RUNNING;
}

static void forget_actions(struct app_work *p)
{
    p->out->n_actions = 0;
}

/* What the rooms found, said even if nothing is done about it. */
static void plan_running(struct app_work *p)
{
    infra_judge(p);
    judge_app(p);
    if (p->blocked || p->want->held)
        return;
    ports_judge(p);
    order_services(p);
    infra_replace_networks(p);
    route_begin(p);
    service_plan(p);
    refresh_plan(p);
    route_end(p);
    infra_sweep_networks(p);
    note_defaults(p);
    if (p->blocked) /* found out on the way: no subnet left */
        forget_actions(p);
}

static void plan_wanted(struct app_work *p)
{
    const struct want_app *app = p->want;

    p->out->origin = app->origin;
    p->out->digest = app->digest;
    for (size_t i = 0; i < app->overrides.n; i++)
        note_add(p, app->overrides.v[i]);
    if (app->invalid_input || app->refused) {
        verdict_app(p);
        drift_note(p);
        return;
    }
    for (size_t i = 0; i < app->n_services && app->state == WISH_RUNNING; i++)
        p->out->containers_wanted += app->services[i].n_containers;
    switch (app->state) {
    case WISH_RUNNING: plan_running(p); break;
    case WISH_STOPPED: removal_stop_app(p); break;
    case WISH_REMOVED:
        p->out->removal = true;
        removal_app(p, "removal asked for");
        break;
    }
    if (app->state != WISH_REMOVED && !p->blocked)
        quarantine_plan(p);
    if (app->held)
        forget_actions(p);
    verdict_app(p);
    drift_note(p);
}

static void plan_orphan(struct app_work *p, const struct orphan *o)
{
    struct arena *a = p->w->arena;

    p->out->origin = o->origin;
    p->out->digest = "";
    p->out->removal = !o->frozen;
    if (o->frozen) {
        p->out->state = APP_FROZEN;
        p->out->why = o->frozen;
        return;
    }
    if (o->volumes_only && !o->asked) {
        p->out->removal = false;
        quarantine_plan(p);
        p->out->state = APP_OUT_OF_SYNC;
        p->out->why = "it was removed; something is due for its volumes";
        return;
    }
    removal_app(p, o->asked  ? "removal asked for"
                   : o->root ? arena_printf(a, "no file of %s holds it any more", o->root)
                             : "no file holds it any more");
    p->out->state = APP_OUT_OF_SYNC;
    p->out->why = o->asked ? "its removal was asked for" : "no file holds it any more";
    drift_note(p);
    if (o->held) {
        forget_actions(p);
        p->out->state = APP_HELD;
        p->out->why = arena_printf(a,
                                   "its removal is held: so many at once may be an accident; "
                                   "\"evenkeel apply --confirm-removals %s\" releases it",
                                   o->held);
    } else if (p->out->n_actions == 0) {
        p->out->state = p->out->notes.n ? APP_DEGRADED : APP_PROGRESSING;
        p->out->why = p->out->notes.n ? p->out->notes.v[0] : "the engine is removing it";
    }
}

/* ---- all of them ---- */

/* Names come in order and the scope is sorted: *at only moves forward. */
static bool in_scope(const struct strv *scope, const char *name, size_t *at)
{
    while (*at < scope->n && strcmp(scope->v[*at], name) < 0)
        ++*at;
    return scope->n == 0 || (*at < scope->n && strcmp(scope->v[*at], name) == 0);
}

static struct strv sorted_scope(const struct plan_input *in, struct arena *a)
{
    struct strv scope = {0};

    for (size_t i = 0; i < in->scope.n; i++)
        strv_push(a, &scope, in->scope.v[i]);
    strv_sort(&scope);
    return scope;
}

static void plan_one(struct plan_work *w, struct plan *plan, const char *name,
                     const struct want_app *want, const struct orphan *orphan)
{
    struct plan_app *out = &plan->apps[plan->n_apps];
    struct app_work p = {.w = w, .want = want, .name = name, .out = out, .unrouted = NO_ACTION};

    plan->n_apps++;
    *out = (struct plan_app){.name = name, .digest = ""};
    gather_containers(&p);
    if (want)
        plan_wanted(&p);
    else
        plan_orphan(&p, orphan);
    hooks_weave(&p);
}

struct plan *plan_build(const struct plan_input *given, struct arena *a)
{
    const struct desired *d = given->desired;
    struct plan_input input = *given;
    const struct plan_input *in = &input;
    struct plan *plan = ARENA_NEW(a, struct plan);
    struct plan_work w;
    struct survey survey;

    input.observed = adopt_view(d, given->observed, a);
    plan_work_init(&w, in, a);
    removal_survey(&w, &survey);
    removal_hold(&w, &survey, plan);
    w.survey = &survey;
    plan->apps = ARENA_ARRAY(a, d->n_apps + survey.n, struct plan_app);
    const struct strv scope = sorted_scope(in, a);
    size_t i = 0, k = 0, at = 0;

    while (i < d->n_apps || k < survey.n) {
        int by = i == d->n_apps  ? 1
                 : k == survey.n ? -1
                                 : strcmp(d->apps[i].name, survey.v[k].name);

        const char *name = by <= 0 ? d->apps[i].name : survey.v[k].name;

        if (in_scope(&scope, name, &at))
            plan_one(&w, plan, name, by <= 0 ? &d->apps[i] : NULL, by <= 0 ? NULL : &survey.v[k]);
        i += by <= 0;
        k += by >= 0;
    }
    return plan;
}

/* ---- questions ---- */

const struct plan_app *plan_app(const struct plan *p, const char *name)
{
    size_t lo = 0, hi = p->n_apps;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (strcmp(p->apps[mid].name, name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < p->n_apps && strcmp(p->apps[lo].name, name) == 0 ? &p->apps[lo] : NULL;
}

bool plan_empty(const struct plan *p)
{
    for (size_t i = 0; i < p->n_apps; i++)
        if (p->apps[i].n_actions > 0)
            return false;
    return p->n_held == 0;
}

/* clang-format off */
static const char *const state_names[] = {
    [APP_SYNCED] = "Synced",
    [APP_OUT_OF_SYNC] = "OutOfSync",
    [APP_PROGRESSING] = "Progressing",
    [APP_DEGRADED] = "Degraded",
    [APP_MISSING] = "Missing",
    [APP_FROZEN] = "Frozen",
    [APP_HELD] = "Held",
    [APP_STOPPED] = "Stopped",
    [APP_COMPLETED] = "Completed",
    [APP_REFUSED] = "Refused",
};
/* clang-format on */
_Static_assert(ARRAY_LEN(state_names) == APP_REFUSED + 1, "every state has a word");

const char *app_state_name(enum app_state s)
{
    return (size_t)s < ARRAY_LEN(state_names) && state_names[s] ? state_names[s] : "Unknown";
}
