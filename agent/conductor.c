/* Keeps every app converging. The loop of level-triggered work: something is dirty -> look -> plan -> runs -> over -> dirty.
 *
 * Comes in: "the files changed", the engine's happenings, runs that end, timers. Goes out: runs started and superseded, verdicts
 * told. Refuses to decide what an app needs (the planner does) and to touch the engine itself (runs do). */
#include "agent/conductor.h"

#include <stdarg.h>

#include "agent/hands.h"
#include "agent/last_words.h"
#include "agent/ranges.h"
#include "agent/slot.h"
#include "reconcile/adopt.h"
#include "reconcile/backoff.h"
#include "reconcile/plan_scope.h"
#include "reconcile/plan_urgent.h"
#include "reconcile/run.h"
#include "spec/base/arena.h"

struct conductor {
    struct conductor_options o;
    struct core *core;
    struct slots slots;
    char *ingress; /* the builtin app */
    struct arena *pass_arena;
    struct ranges *ranges; /* subnets that the engine would not give */
    int64_t ranges_ms;     /* since when, monotonic */
    struct arena *marks_arena;
    struct plan_marks marks; /* of the desired state that was last worked with */
    bool files_changed;      /* whose wants differ is to be found out */
    bool all_dirty;          /* plan every app at the next pass */
    bool all_due;            /* the look under way is for every app */
    bool look_everything;    /* the next look lists everything */
    bool look_cold;          /* ... and inspects everything that is ours */
    bool looking, engine_up, stopped, looked;
    bool away_said;
    char *away;      /* why the engine cannot be reached */
    char *held_said; /* what was last said about held removals */
    struct http_timer *soon, *wake, *retry, *chance;
    unsigned failed_looks; /* in a row */
    int64_t wake_at;
    uint64_t last_run; /* ids grow, also over a restart */
    size_t runs;
    struct last_words words;
    int64_t ran_ms; /* when the last run was over, monotonic */
    unsigned asked_again;
};

#define RANGES_AGE_MS (10 * 60 * 1000)
#define ASK_AGAIN_MAX 3
#define FAILED_LOOKS_MAX 5 /* more do not make the pause longer: 16 s */
#define ECHO_MS 500        /* events this soon after a run are its own */
#define MEND_MS 1000       /* at most so often, should it not help */

static void schedule(struct conductor *c);

static void PRINTF_LIKE(4, 5)
    say(struct conductor *c, enum log_level level, const char *app, const char *fmt, ...)
{
    if (!c->o.said)
        return;
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    c->o.said(c->o.ctx, (int)level, app, text);
}

/* ---- verdicts ---- */

static bool concerns(const struct conductor *c, const char *app)
{
    return c->o.only.n == 0 || strv_has(&c->o.only, app) || strcmp(app, c->ingress) == 0;
}

static void tell(struct conductor *c, struct slot *s)
{
    const char *why;
    enum app_state state = slot_verdict(s, &why);
    if (s->listening)
        return; /* told together with the last words */
    if (slot_told(s, state, why) && c->o.told)
        c->o.told(c->o.ctx, s->app, state, why);
}

/* ---- runs ---- */

static void slot_timer(void *user)
{
    struct slot *s = user;
    s->timer = NULL;
    s->dirty = true;
    schedule(s->conductor);
}

static void wait_for(struct conductor *c, struct slot *s, int64_t ms)
{
    http_timer_cancel(c->core->http, s->timer);
    s->timer = http_after(c->core->http, ms, slot_timer, s);
}

static void run_over(void *user, struct run *r, enum run_end how, const struct err *failure)
{
    struct slot *s = user;
    struct conductor *c = s->conductor;
    c->runs--;
    c->ran_ms = core_monotonic_ms();
    memo_run_over(c->core->memo, r, c->o.store);
    ranges_learn(c->ranges, r);
    if (!s->mending)
        slot_run_over(s, r, how, failure, core_monotonic_ms());
    if (!s->mending && how == RUN_FAILED)
        last_words_of_run(&c->words, s, r);
    s->mending = false;
    s->overtaken = c->looking;
    s->run = NULL;
    run_free(r);
    s->dirty = true;
    slots_wake_refused(&c->slots, s, how == RUN_DONE);
    if (strcmp(s->app, c->ingress) == 0)
        c->all_dirty =
            true; /* Traefik is another one: routes wait for it, networks are to be joined */
    if (how == RUN_FAILED) /* after the others the next pass knows better than the last one */
        tell(c, s);
    schedule(c);
}

static void start_run(struct conductor *c, struct slot *s, const struct plan_app *pa)
{
    uint64_t id = (uint64_t)core_now_ms() * 1000;
    c->last_run = id > c->last_run ? id : c->last_run + 1;
    struct run_options ro = {
        .id = c->last_run,
        .driver = c->core->driver,
        .recorders = c->o.recorders,
        .n_recorders = c->o.n_recorders,
        .now_ms = core_monotonic_ms,
        .over = run_over,
        .user = s,
    };
    s->run = run_new(pa, &ro);
    c->runs++;
    tell(c, s);
    run_start(s->run);
}

/* While the rest of the plan waits: whoever cannot take requests leaves the router, whoever can comes back. */
static void mend(struct conductor *c, struct slot *s, const struct plan_app *pa)
{
    const struct plan_app *part = plan_urgent(pa, c->pass_arena);
    int64_t since = core_monotonic_ms() - s->mended_ms;
    if (!part)
        return;
    if (s->mended_ms > 0 && since < MEND_MS) {
        wait_for(c, s, MEND_MS - since);
        return;
    }
    s->mended_ms = core_monotonic_ms();
    s->mending = true;
    start_run(c, s, part);
}

/* One app of a fresh plan: supersede, wait, or start. */
static void consider(struct conductor *c, const struct plan_app *pa)
{
    struct slot *s = slots_get(&c->slots, c, pa->name);
    slot_planned(s, pa);
    if (s->run) {
        if (slot_run_is_stale(s, pa))
            run_supersede(s->run);
        tell(c, s);
        return;
    }
    if (pa->n_actions == 0) {
        if (pa->wake_ms > 0)
            wait_for(c, s, pa->wake_ms > core_now_ms() ? pa->wake_ms - core_now_ms() + 10 : 10);
        tell(c, s);
        return;
    }
    if (c->stopped || !c->engine_up) {
        tell(c, s);
        return;
    }
    bool given_up = s->blocked || (c->o.once && s->failures > 0);
    int64_t left = s->not_before_ms - core_monotonic_ms();
    if (given_up || left > 0) {
        if (!given_up)
            wait_for(c, s, left);
        mend(c, s, pa);
        tell(c, s);
        return;
    }
    start_run(c, s, pa);
}

/* ---- a pass ---- */

/* A copy of ours that somebody runs has our labels, and no place. */
static bool has_place(const struct want_app *app, const char *container)
{
    for (size_t s = 0; app && s < app->n_services; s++)
        for (size_t i = 0; i < app->services[s].n_containers; i++)
            if (strcmp(app->services[s].containers[i].name, container) == 0)
                return true;
    return false;
}

static void learn(struct conductor *c, const struct core_pass *p)
{
    const struct observed *o = p->input.observed;
    for (size_t i = 0; i < p->plan->n_apps; i++) {
        const struct plan_app *pa = &p->plan->apps[i];
        if (pa->n_actions > 0 || (pa->state != APP_SYNCED && pa->state != APP_COMPLETED))
            continue;
        /* What is left though it differs keeps its cause. */
        if (!hands_left_any(pa) && memo_settled(c->core->memo, pa->name) && c->o.store)
            store_hands_gone(c->o.store, pa->name);
        const struct want_app *want = desired_app(p->input.desired, pa->name);
        size_t from, to;
        observed_app_range(o, pa->name, &from, &to);
        for (; from < to; from++)
            if (o->containers[from].hash && has_place(want, o->containers[from].name) &&
                memo_hash(c->core->memo, o->containers[from].name, o->containers[from].hash) &&
                c->o.store)
                store_last_hash(c->o.store, o->containers[from].name, o->containers[from].hash);
    }
}

static void say_held(struct conductor *c, const struct plan *plan)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    plan_held_words(plan, &text);
    if (c->held_said && strcmp(c->held_said, str_text(&text)) == 0)
        return;
    free(c->held_said);
    c->held_said = xstrdup(str_text(&text));
    if (text.len > 0)
        say(c, LOG_WARNING, NULL, "%s", str_text(&text));
}

static void set_wake(struct conductor *c, int64_t at_ms);

/* Whoever is asked for, and the Traefik that routes to them. */
static void only_apps(const struct conductor *c, struct arena *a, struct strv *ret)
{
    for (size_t i = 0; i < c->o.only.n; i++)
        strv_push(a, ret, c->o.only.v[i]);
    if (ret->n > 0)
        strv_push(a, ret, c->ingress);
}

static void pass(struct conductor *c)
{
    struct arena *a = c->pass_arena;
    struct strv scope = {0}, reserved = {0}; /* copies: the sweep below frees slots */
    struct core_pass p;
    arena_clear(a);
    if (!c->all_due)
        for (size_t i = 0; i < c->slots.n; i++)
            if (c->slots.v[i]->due)
                strv_push(a, &scope, arena_strdup(a, c->slots.v[i]->app));
    if (c->all_due)
        only_apps(c, a, &scope);
    else if (scope.n == 0)
        return;
    slots_reserved(&c->slots, a, &reserved);
    ranges_list(c->ranges, a, &reserved);
    core_plan(c->core, &scope, &reserved, NULL, a, &p);
    if (c->o.looked)
        c->o.looked(c->o.ctx, &p);
    bool decided = false;
    for (size_t i = 0; i < p.plan->n_apps; i++)
        decided |= p.plan->apps[i].n_actions > 0 && slots_would_start(&c->slots, &p.plan->apps[i]);
    if (decided && c->o.passed)
        c->o.passed(c->o.ctx, &p);
    say_held(c, p.plan);
    for (size_t i = 0; i < p.plan->n_apps; i++) {
        if (!concerns(c, p.plan->apps[i].name) || slots_overtaken(&c->slots, p.plan->apps[i].name))
            continue;
        if (!c->stopped)
            last_words_ask(&c->words, &p.plan->apps[i], p.input.observed);
        consider(c, &p.plan->apps[i]);
    }
    /* last: the input borrows what these two change */
    core_settle_released(c->core, p.plan);
    learn(c, &p);
    hands_forget(c->core->memo, c->o.store, p.input.desired, p.input.observed, a);
    memo_watch(c->core->memo);
    slots_sweep(&c->slots, c->core->http, p.plan, &scope);
    set_wake(c, c->core->desired->next_change_ms);
}

/* ---- looking ---- */

/* What is dirty now is what the look is for. What becomes dirty while it is under way may have changed after its calls were
 * answered, so it stays dirty for the next. */
static void take_up(struct conductor *c)
{
    c->all_due = c->all_dirty;
    c->all_dirty = false;
    for (size_t i = 0; i < c->slots.n; i++) {
        c->slots.v[i]->due = c->slots.v[i]->dirty;
        c->slots.v[i]->dirty = c->slots.v[i]->overtaken = false;
    }
}

/* Not planned yet after all. */
static void put_back(struct conductor *c)
{
    c->files_changed = true;
    c->all_dirty |= c->all_due;
    for (size_t i = 0; i < c->slots.n; i++)
        c->slots.v[i]->dirty |= c->slots.v[i]->due;
}

static void retry(void *user)
{
    struct conductor *c = user;
    c->retry = NULL;
    schedule(c);
}

static void looked(void *user, const struct err *e)
{
    struct conductor *c = user;
    c->looking = false;
    if (e->kind != ERR_NONE) {
        c->look_everything = c->look_cold = c->all_dirty = true;
        /* An engine that went away says so when it is back; but a call can fail while the events flow. */
        c->failed_looks += c->failed_looks < FAILED_LOOKS_MAX;
        if (!c->retry && !c->stopped)
            c->retry = http_after(c->core->http,
                                  backoff_ms(c->failed_looks, (uint32_t)(uintptr_t)c), retry, c);
        if (e->kind != ERR_RETRY && e->kind != ERR_STALE) {
            free(c->away);
            c->away = xstrdup(e->msg);
            say(c, LOG_ERROR, NULL, "%s", e->msg);
        }
        return;
    }
    bool first = !c->looked;
    c->looked = true;
    core_learn_platform(c->core);
    c->failed_looks = 0;
    /* Who runs already keeps what is claimed twice: known only now, and it may take other images to ask about. */
    bool again = first && core_learn_incumbents(c->core);
    /* Sources were read meanwhile, or what is built is named after base images that were only now heard of. */
    again |= c->core->stale || core_learn_routed(c->core);
    bool renamed = c->asked_again < ASK_AGAIN_MAX && core_images_unknown(c->core);
    c->asked_again = again || renamed ? c->asked_again + 1 : 0;
    c->all_dirty |= renamed;
    if (again || renamed)
        put_back(c);
    else if (!c->stopped)
        pass(c);
    schedule(c);
}

static bool anything_dirty(const struct conductor *c)
{
    if (c->all_dirty || c->look_everything || c->files_changed)
        return true;
    for (size_t i = 0; i < c->slots.n; i++)
        if (c->slots.v[i]->dirty)
            return true;
    return false;
}

/* One app's file changed: the others need no new plan, except where they wait for something that it may give up. */
static void mark_changed(struct conductor *c)
{
    struct arena *a = arena_new();
    struct plan_marks now;
    struct strv differ = {0};
    plan_marks_of(c->core->desired, a, &now);
    plan_marks_differ(&c->marks, &now, a, &differ);
    for (size_t i = 0; i < differ.n; i++)
        if (concerns(c, differ.v[i]))
            slots_get(&c->slots, c, differ.v[i])->dirty = true;
    slots_mark_restless(&c->slots);
    arena_free(c->marks_arena);
    c->marks_arena = a;
    c->marks = now;
    c->files_changed = false;
}

static void work(void *user)
{
    struct conductor *c = user;
    c->soon = NULL;
    if (c->looking || c->stopped || !c->engine_up || !anything_dirty(c))
        return;
    bool anew = c->core->stale;
    core_desire(c->core);
    if (anew && c->o.desired)
        c->o.desired(c->o.ctx);
    if (anew || c->files_changed)
        mark_changed(c);
    if (!anything_dirty(c))
        return;
    struct arena *a = arena_new();
    struct look scope = {.everything = c->look_everything, .inspect_owned = c->look_cold};
    core_scope(c->core, a, &scope);
    c->look_everything = c->look_cold = false;
    take_up(c);
    c->looking = true;
    c->core->driver->ops->look(c->core->driver, &scope, looked, c);
    arena_free(a);
}

/* Work happens from the loop, never from inside a callback of a driver or a run. */
static void schedule(struct conductor *c)
{
    if (!c->soon && !c->looking && !c->stopped)
        c->soon = http_after(c->core->http, 0, work, c);
}

static void woken(void *user)
{
    struct conductor *c = user;
    c->wake = NULL;
    c->wake_at = 0;
    c->core->stale = true; /* a hold ended by itself */
    c->all_dirty = true;
    schedule(c);
}

static void set_wake(struct conductor *c, int64_t at_ms)
{
    if (at_ms == c->wake_at)
        return;
    http_timer_cancel(c->core->http, c->wake);
    c->wake = NULL;
    c->wake_at = at_ms;
    if (at_ms > 0) {
        int64_t left = at_ms - core_now_ms();
        c->wake = http_after(c->core->http, left > 0 ? left + 5 : 5, woken, c);
    }
}

/* ---- what the engine says ---- */

static void engine_is_up(struct conductor *c)
{
    if (c->away_said)
        say(c, LOG_INFO, NULL, "the engine is back");
    c->away_said = false;
    free(c->away);
    c->away = NULL;
    c->engine_up = true;
    c->all_dirty = c->look_everything = true;
    c->look_cold = !c->looked;
    ranges_forget(c->ranges);
    for (size_t i = 0; i < c->slots.n; i++)
        slot_forgive(c->slots.v[i]);
    schedule(c);
}

static void engine_is_away(struct conductor *c, const char *why)
{
    c->engine_up = false;
    free(c->away);
    c->away = xstrdup(why ? why : "the engine cannot be reached");
    if (!c->away_said)
        say(c, LOG_WARNING, NULL, "%s; waiting for it, nothing is changed meanwhile", c->away);
    c->away_said = true;
}

static void second_chance(struct conductor *c);

static void chance_timer(void *user)
{
    struct conductor *c = user;
    c->chance = NULL;
    second_chance(c);
    if (anything_dirty(c))
        schedule(c);
}

/* What is too early now has its turn later: the last of several events may be the one that counts. */
static void second_chance(struct conductor *c)
{
    int64_t left = slots_second_chance(&c->slots, core_monotonic_ms());
    if (left > 0 && !c->chance && !c->stopped)
        c->chance = http_after(c->core->http, left, chance_timer, c);
}

/* Apps have Traefik join and leave their networks; seen from here that looks like a hand's work. True: nothing more to be done about the event. */
static bool traefik_moved(struct conductor *c, const struct happening *h)
{
    bool moved = h->app && h->action && strcmp(h->app, c->ingress) == 0 &&
                 (strcmp(h->action, "connect") == 0 || strcmp(h->action, "disconnect") == 0);
    if (moved && c->runs == 0 && core_monotonic_ms() - c->ran_ms > ECHO_MS) {
        c->all_dirty = true; /* whose network it was is theirs to find out */
        schedule(c);
    }
    return moved;
}

/* A hand's deed comes as several events: a run may have begun by the first. Else what happens during a run is its own doing, and right after it an echo. */
static void note_hand(struct conductor *c, const struct slot *s, const struct happening *h)
{
    bool running = s && s->run, echo = s && core_monotonic_ms() - s->tried_ms < ECHO_MS;
    if (h->object && h->action && (running || !echo))
        hands_note(c->core->memo, c->o.store, h, running ? s->run : NULL);
}

static void object_changed(struct conductor *c, const struct happening *h)
{
    struct slot *s = h->app ? slots_find(&c->slots, h->app) : NULL;
    if (s && s->run) {
        note_hand(c, s, h);
        return; /* our own doing, most likely; the app is looked at when the run is over */
    }
    if (traefik_moved(c, h))
        return;
    if (h->app) {
        note_hand(c, s, h);
        if (!s)
            s = slots_get(&c->slots, c, h->app);
        s->dirty = true;
    } else if (h->object && strncmp(h->object, "image ", 6) == 0) {
        c->all_dirty = true;
    } else {
        second_chance(c);
    }
    if (anything_dirty(c))
        schedule(c);
}

static void happened(void *user, const struct happening *h)
{
    struct conductor *c = user;
    struct happening known = *h;
    if (!h->app && c->core->desired)
        known.app = adopt_app_of(c->core->desired, h->project);
    switch (h->what) {
    case ENGINE_UP: engine_is_up(c); return;
    case ENGINE_AWAY: engine_is_away(c, h->text); return;
    case ENGINE_CHANGED: object_changed(c, &known); return;
    }
}

/* ---- the door ---- */

struct conductor *conductor_new(const struct conductor_options *o)
{
    struct conductor *c = xcalloc(1, sizeof(*c));
    c->o = *o;
    c->core = o->core;
    c->words =
        (struct last_words){.core = o->core, .slots = &c->slots, .conductor = c, .heard = tell};
    c->pass_arena = arena_new();
    c->ranges = ranges_new();
    c->marks_arena = arena_new();
    c->ingress = xstrdup(ingress_app_name(o->core->options->settings.owner, c->pass_arena));
    return c;
}

void conductor_free(struct conductor *c)
{
    if (!c)
        return;
    http_timer_cancel(c->core->http, c->soon);
    http_timer_cancel(c->core->http, c->wake);
    http_timer_cancel(c->core->http, c->retry);
    http_timer_cancel(c->core->http, c->chance);
    slots_release(&c->slots, c->core->http);
    arena_free(c->pass_arena);
    ranges_free(c->ranges);
    arena_free(c->marks_arena);
    free(c->away);
    free(c->held_said);
    free(c->ingress);
    free(c);
}

void conductor_start(struct conductor *c)
{
    c->all_dirty = c->look_everything = c->look_cold = c->files_changed = true;
    c->core->driver->ops->follow(c->core->driver, happened, c);
}

void conductor_files_changed(struct conductor *c)
{
    c->files_changed = true;
    schedule(c);
}

void conductor_plan_all(struct conductor *c)
{
    c->all_dirty = true;
    schedule(c);
}

void conductor_look_again(struct conductor *c)
{
    int64_t now = core_monotonic_ms();
    if (now - c->ranges_ms >
        RANGES_AGE_MS) { /* another's network may have been in the way, and is gone */
        ranges_forget(c->ranges);
        c->ranges_ms = now;
    }
    c->all_dirty = c->look_everything = true;
    schedule(c);
}

void conductor_stop(struct conductor *c)
{
    c->stopped = true;
    for (size_t i = 0; i < c->slots.n; i++)
        if (c->slots.v[i]->run)
            run_supersede(c->slots.v[i]->run);
}

bool conductor_idle(const struct conductor *c)
{
    return c->runs == 0 && c->words.asked == 0 && !c->looking && !c->soon &&
           (c->stopped || !anything_dirty(c));
}

bool conductor_looked(const struct conductor *c)
{
    return c->looked;
}

bool conductor_busy(const struct conductor *c, const char *app)
{
    const struct slot *s = slots_find(&c->slots, app);
    return s && (s->run || s->overtaken);
}

bool conductor_settled(const struct conductor *c, const char *app)
{
    const struct slot *s = slots_find(&c->slots, app);
    bool due = c->files_changed || c->all_dirty || c->core->stale || (c->looking && c->all_due);
    return s && !due && slot_settled(s, c->looking);
}

size_t conductor_runs(const struct conductor *c)
{
    return c->runs + c->words.asked;
}

struct conductor_summary conductor_sum(const struct conductor *c)
{
    struct conductor_summary sum = {.engine_trouble = c->looked ? NULL : c->away};
    slots_sum(&c->slots, &sum);
    return sum;
}

void conductor_each(const struct conductor *c, conductor_app_fn *fn, void *user)
{
    for (size_t i = 0; i < c->slots.n; i++) {
        const char *why;
        if (!c->slots.v[i]->planned)
            continue;
        enum app_state state = slot_verdict(c->slots.v[i], &why);
        fn(user, c->slots.v[i]->app, state, why);
    }
}
