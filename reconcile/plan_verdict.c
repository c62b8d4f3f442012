/* plan_verdict.c: one word and one sentence about an app, as it is before anything is done.
 *
 * In: an app after the other rooms: its places, differences, actions and whatever forbids them. Out: state, why, and when
 * the verdict changes by itself. The worst that a person should know comes first; a sentence names the object and the
 * reason. */
#include "reconcile/plan_verdict.h"

#include <string.h>

#include "drivers/engine_needs.h"
#include "reconcile/advice.h"
#include "reconcile/plan_route.h"
#include "spec/base/arena.h"
#include "spec/defaults.h"

static const char *until(struct app_work *p, const char *what, int64_t ms)
{
    CLEANUP(str_release) struct str s = STR_INIT;

    if (ms == 0)
        return what;
    str_addf(&s, "%s until ", what);
    str_add_time(&s, ms);
    return arena_strdup(p->w->arena, str_text(&s));
}

static void say(struct app_work *p, enum app_state state, const char *why)
{
    p->out->state = state;
    p->out->why = why;
}

/* "container blog-web-1: environment.TZ changed, and 2 more" */
static const char *first_difference(struct app_work *p)
{
    const struct plan_app *out = p->out;
    const char *object = NULL, *cause = NULL, *last = NULL;
    size_t more = 0;

    for (size_t i = 0; i < out->n_differences; i++) {
        const struct difference *d = &out->differences[i];

        if (d->left == LEFT_IGNORED)
            continue;
        if (!object) {
            object = d->object;
            cause = d->cause;
        } else if (strcmp(d->object, last) != 0) {
            more++;
        }
        last = d->object;
    }
    if (!object)
        return "something is left to be done";
    return more ? arena_printf(p->w->arena, "%s: %s; and %zu more", object, cause, more)
                : arena_printf(p->w->arena, "%s: %s", object, cause);
}

static const struct replica *first_of(const struct app_work *p, enum condition condition)
{
    for (size_t i = 0; i < p->n_replicas; i++)
        if (p->replicas[i].condition == condition)
            return &p->replicas[i];
    return NULL;
}

static const struct replica *first_blocked(const struct app_work *p)
{
    for (size_t i = 0; i < p->n_replicas; i++)
        if (p->replicas[i].blocked)
            return &p->replicas[i];
    return NULL;
}

static bool all_completed(const struct app_work *p)
{
    for (size_t i = 0; i < p->n_replicas; i++)
        if (p->replicas[i].condition != COND_COMPLETED)
            return false;
    return p->n_replicas > 0;
}

static const char *about(struct app_work *p, const struct replica *r, const char *what)
{
    return arena_printf(p->w->arena, "container %s %s", r->want->name, what);
}

static void wake_at(struct app_work *p, int64_t ms)
{
    if (ms > p->w->in->now_ms && (p->out->wake_ms == 0 || ms < p->out->wake_ms))
        p->out->wake_ms = ms;
}

/* With what to write, where the engine itself says what it died of. */
static const char *ill_words(struct app_work *p, const struct replica *r)
{
    CLEANUP(str_release) struct str text = STR_INIT;

    str_add(&text, about(p, r, r->ill));
    if (r->keeper && r->keeper->oom_killed) {
        str_add(&text, "; ");
        (void)advice_on_memory(r->service->spec, &text);
    }
    return arena_strdup(p->w->arena, str_text(&text));
}

static const char *not_brought_up(struct app_work *p, const struct replica *r)
{
    return about(p, r, arena_printf(p->w->arena, "is not brought up: %s", r->blocked));
}

static void verdict_unhurried(struct app_work *p)
{
    const struct replica *ill = first_of(p, COND_ILL), *starting = first_of(p, COND_STARTING);
    const struct replica *blocked = first_blocked(p);
    enum app_state route_state;
    int64_t until_ms;
    const char *route = route_trouble(p, &route_state, &until_ms);

    wake_at(p, until_ms);
    if (ill)
        say(p, APP_DEGRADED, ill_words(p, ill));
    else if (blocked && blocked->source_pending)
        say(p, APP_PROGRESSING,
            about(p, blocked, arena_printf(p->w->arena, "waits: %s", blocked->blocked)));
    else if (blocked && blocked->condition != COND_STARTING)
        say(p, APP_DEGRADED, not_brought_up(p, blocked));
    else if (starting)
        say(p, APP_PROGRESSING, about(p, starting, starting->ill));
    else if (route)
        say(p, route_state, route);
    else if (p->left)
        say(p, APP_OUT_OF_SYNC, p->left);
    else if (p->reported_only)
        say(p, APP_OUT_OF_SYNC,
            arena_printf(p->w->arena, "%s (drift: report)", first_difference(p)));
    else if (all_completed(p))
        say(p, APP_COMPLETED, "every service ended well");
    else
        say(p, APP_SYNCED, NULL);
}

/* What else is to be done is no reason to keep quiet about what cannot be done. */
static void verdict_to_act(struct app_work *p)
{
    const struct replica *blocked = first_blocked(p);

    say(p, p->n_mine == 0 && p->n_replicas > 0 ? APP_MISSING : APP_OUT_OF_SYNC,
        first_difference(p));
    if (blocked && !blocked->source_pending && blocked->condition != COND_STARTING)
        note_add(p, not_brought_up(p, blocked));
}

static void verdict_running(struct app_work *p)
{
    if (p->blocked)
        say(p, p->refused_state, p->blocked);
    else if (p->out->n_actions > 0)
        verdict_to_act(p);
    else
        verdict_unhurried(p);
}

/* ---- defaults ---- */

static void add_default(struct str *out, const char *what, bool narrower)
{
    if (narrower)
        str_addf(out, "%s%s", out->len ? ", " : "", what);
}

static void note_service(struct app_work *p, const struct want_service *s)
{
    const struct service *spec = s->spec;
    CLEANUP(str_release) struct str text = STR_INIT;

    add_default(&text, spec->profile == PROFILE_SERVICE ? "profile service" : "profile hardened",
                strv_has(&spec->cap_drop, "ALL"));
    add_default(&text, "mem_limit 512M", spec->mem_limit.v == DEFAULT_MEMORY_BYTES);
    add_default(&text, "cpus 0.5", spec->nano_cpus.v == DEFAULT_NANO_CPUS);
    add_default(&text, "pids_limit 100", spec->pids_limit.v == DEFAULT_PIDS);
    if (text.len)
        note_add(p, arena_printf(p->w->arena, "%s: narrower than Docker's defaults: %s", s->name,
                                 str_text(&text)));
}

static void note_dockerfile(struct app_work *p, const struct want_service *s)
{
    const struct context_facts *f = s->facts;
    struct arena *a = p->w->arena;

    if (f->made_for)
        note_add(p, arena_printf(a,
                                 "%s: brings no Dockerfile, so one is made for %s; `evenkeel "
                                 "convert --dockerfile %s/%s` writes it out",
                                 s->name, f->made_for, p->name, s->name));
    if (f->builder)
        note_add(p, arena_printf(a, "%s: pack builds it with %s", s->name, f->builder));
    else if (f->tool)
        note_add(p, arena_printf(a,
                                 "%s: %s makes its Dockerfile; `evenkeel convert --dockerfile "
                                 "%s/%s` writes it out",
                                 s->name, f->tool, p->name, s->name));
    for (size_t i = 0; i < f->notes.n; i++)
        note_add(p, arena_printf(a, "%s: %s", s->name, f->notes.v[i]));
}

void note_defaults(struct app_work *p)
{
    for (size_t i = 0; i < p->n_replicas; i++) {
        const struct replica *r = &p->replicas[i];
        const char *without =
            r->make && r->want->index == 1
                ? engine_goes_without(r->want, p->w->seen->api_version, p->w->arena)
                : NULL;

        if (without)
            note_add(p, arena_printf(p->w->arena, "%s: %s", r->service->name, without));
    }
    for (size_t i = 0; i < p->n_replicas; i++)
        if (p->replicas[i].condition == COND_ABSENT && p->replicas[i].kind == DRIFT_PENDING &&
            p->replicas[i].want->index == 1)
            note_service(p, p->replicas[i].service);
    for (size_t i = 0; i < p->n_replicas; i++)
        if (p->replicas[i].condition == COND_ABSENT && p->replicas[i].want->index == 1 &&
            p->replicas[i].service->facts)
            note_dockerfile(p, p->replicas[i].service);
}

/* ---- the verdict ---- */

void verdict_app(struct app_work *p)
{
    const struct want_app *app = p->want;

    if (app->held && app->held_until_ms)
        wake_at(p, app->held_until_ms);
    for (size_t i = 0; i < p->n_replicas; i++)
        wake_at(p, p->replicas[i].calm_ms);
    wake_at(p, app->restarted_at_ms);
    if (app->invalid_input) {
        say(p, APP_FROZEN,
            arena_printf(p->w->arena, "its file %s has errors; what runs is left as it is",
                         app->at.file ? app->at.file : app->file));
        return;
    }
    if (app->refused) {
        say(p, APP_REFUSED, app->refused);
        return;
    }
    if (app->held) {
        say(p, APP_HELD, until(p, "held on request", app->held_until_ms));
        return;
    }
    switch (app->state) {
    case WISH_RUNNING: verdict_running(p); return;
    case WISH_STOPPED:
        say(p, p->out->n_actions ? APP_OUT_OF_SYNC : APP_STOPPED,
            p->out->n_actions ? "a stop was asked for" : "stopped on request");
        return;
    case WISH_REMOVED:
        say(p, p->out->n_actions ? APP_OUT_OF_SYNC : APP_STOPPED,
            p->out->n_actions ? "its removal was asked for" : "removed on request");
        return;
    }
}
