/* run.c: carries out one app's part of a plan, without opinions.
 *
 * In: the part (copied), a driver, and who wants to be told. Out: operations submitted as soon as everything they need is
 * over, one end for each action, and one end of the whole. Driven by the driver's callbacks; between them it does
 * nothing and holds nothing but its arena.
 * An action whose prerequisite failed is skipped, and with it what needs it; one that was kept for a failure runs only
 * then. It refuses to decide: no retry, no judgement of errors, no order but the plan's. */
#include "reconcile/run.h"

#include <assert.h>
#include <stdlib.h>

#include "spec/base/arena.h"

enum step_state { STEP_WAITING, STEP_FLYING, STEP_DONE, STEP_FAILED, STEP_CANCELLED, STEP_SKIPPED };

struct step {
    struct run *run;
    const struct action *action;
    enum step_state state;
    size_t open;         /* prerequisites not yet over */
    uint32_t *followers; /* steps that need this one */
    size_t n_followers;
    struct ticket *ticket;
    int64_t started_ms;
    bool range_refused;
};

struct run {
    struct arena *arena;
    const struct plan_app *part;
    struct run_options options;
    struct step *steps; /* one per action */
    uint32_t *ready; /* a heap of steps whose prerequisites are all over, the least index on top */
    size_t n_ready, flying;
    bool started, superseded, over;
    struct err failure; /* the first */
    struct run_failure first;
};

/* ---- what is ready: lower indices first, so that a driver that takes operations in order does what a person would ---- */

static void ready_swap(struct run *r, size_t i, size_t j)
{
    uint32_t held = r->ready[i];

    r->ready[i] = r->ready[j];
    r->ready[j] = held;
}

static void ready_push(struct run *r, uint32_t step)
{
    size_t i = r->n_ready++;

    r->ready[i] = step;
    for (; i > 0 && r->ready[i] < r->ready[(i - 1) / 2]; i = (i - 1) / 2)
        ready_swap(r, i, (i - 1) / 2);
}

static uint32_t ready_pop(struct run *r)
{
    uint32_t top = r->ready[0];
    size_t i = 0;

    r->ready[0] = r->ready[--r->n_ready];
    for (;;) {
        size_t least = i;

        for (size_t c = 2 * i + 1; c <= 2 * i + 2 && c < r->n_ready; c++)
            if (r->ready[c] < r->ready[least])
                least = c;
        if (least == i)
            return top;
        ready_swap(r, i, least);
        i = least;
    }
}

/* ---- who is told ---- */

static int64_t clock_of(const struct run *r)
{
    return r->options.now_ms ? r->options.now_ms() : 0;
}

static void tell_ended(const struct step *s, const struct op_result *result)
{
    const struct run *r = s->run;
    int64_t took = s->state == STEP_SKIPPED ? 0 : clock_of(r) - s->started_ms;

    for (size_t i = 0; i < r->options.n_recorders; i++) {
        const struct recorder *to = &r->options.recorders[i];
        if (to->action_ended)
            to->action_ended(to->ctx, r, s->action, result, took);
    }
}

static void tell_started(const struct step *s)
{
    const struct run *r = s->run;

    for (size_t i = 0; i < r->options.n_recorders; i++) {
        const struct recorder *to = &r->options.recorders[i];
        if (to->action_started)
            to->action_started(to->ctx, r, s->action);
    }
}

static void step_progress(void *user, const char *text, double fraction)
{
    const struct step *s = user;
    const struct run *r = s->run;

    for (size_t i = 0; i < r->options.n_recorders; i++) {
        const struct recorder *to = &r->options.recorders[i];
        if (to->action_progress)
            to->action_progress(to->ctx, r, s->action, text, fraction);
    }
}

/* ---- one step ---- */

static bool went_well(const struct step *s)
{
    return s->state == STEP_DONE || (s->action->optional && s->state != STEP_WAITING);
}

/* All its prerequisites are over: is it to be done? */
static bool called_for(const struct run *r, const struct step *s)
{
    const struct action *a = s->action;

    if (a->when == WHEN_FAILED) {
        enum step_state first = r->steps[a->needs[0]].state;
        return first == STEP_FAILED || (first == STEP_SKIPPED && a->n_needs > 1 &&
                                        r->steps[a->needs[1]].state == STEP_DONE);
    }
    for (size_t i = 0; i < a->n_needs; i++)
        if (!went_well(&r->steps[a->needs[i]]))
            return false;
    return true;
}

/* Its followers have one thing less to wait for. */
static void step_over(struct step *s, enum step_state state)
{
    struct run *r = s->run;

    s->state = state;
    for (size_t i = 0; i < s->n_followers; i++)
        if (--r->steps[s->followers[i]].open == 0)
            ready_push(r, s->followers[i]);
}

static void step_skip(struct step *s)
{
    struct op_result result = {.exit_code = 0};

    step_over(s, STEP_SKIPPED);
    if (s->action->when != WHEN_OK || s->run->superseded)
        return;
    (void)err_set(&result.err, ERR_STALE, "skipped: what it needs did not succeed");
    tell_ended(s, &result);
}

static void run_go_on(struct run *r);

static void step_end(struct step *s, const struct op_result *result)
{
    struct run *r = s->run;
    bool failed = result->err.kind != ERR_NONE;
    bool cancelled = r->superseded && result->err.kind == ERR_STALE;

    if (failed && !cancelled && !s->action->optional && r->failure.kind == ERR_NONE) {
        r->failure = result->err;
        CLEANUP(str_release) struct str what = STR_INIT;
        action_print(s->action, &what);
        (void)err_wrap(&r->failure, "%s", str_text(&what));
        r->first = (struct run_failure){
            .action = s->action,
            .words = result->log_tail ? arena_strdup(r->arena, result->log_tail) : NULL,
            .out_of_memory = result->out_of_memory,
        };
    }
    s->range_refused = failed && result->range_refused;
    step_over(s, cancelled ? STEP_CANCELLED : failed ? STEP_FAILED : STEP_DONE);
    tell_ended(s, result);
}

static void step_done(void *user, const struct op_result *result)
{
    struct step *s = user;
    struct run *r = s->run;

    assert(s->state == STEP_FLYING);
    s->ticket = NULL;
    r->flying--;
    step_end(s, result);
    run_go_on(r);
}

static void step_begin(struct step *s)
{
    struct run *r = s->run;

    tell_started(s);
    s->started_ms = clock_of(r);
    if (s->action->kind == ACT_KEEP) {
        step_end(s, &(struct op_result){.exit_code = 0});
        return;
    }
    s->state = STEP_FLYING;
    r->flying++;
    s->ticket = r->options.driver->ops->submit(r->options.driver, &s->action->op, step_done,
                                               step_progress, s);
}

/* ---- the whole ---- */

static void run_finish(struct run *r)
{
    enum run_end how = r->superseded                 ? RUN_SUPERSEDED
                       : r->failure.kind == ERR_NONE ? RUN_DONE
                                                     : RUN_FAILED;
    const struct err *failure = r->failure.kind == ERR_NONE ? NULL : &r->failure;

    r->over = true;
    for (size_t i = 0; i < r->options.n_recorders; i++) {
        const struct recorder *to = &r->options.recorders[i];
        if (to->run_ended)
            to->run_ended(to->ctx, r, how, failure);
    }
    if (r->options.over)
        r->options.over(r->options.user, r, how, failure); /* r may be gone now */
}

/* Start whatever can be started; end the run when nothing is left. */
static void run_go_on(struct run *r)
{
    while (r->n_ready > 0) {
        struct step *s = &r->steps[ready_pop(r)];
        bool too_late = r->superseded && s->action->when == WHEN_OK;

        if (!too_late && called_for(r, s))
            step_begin(s);
        else
            step_skip(s);
    }
    if (r->flying == 0 && !r->over)
        run_finish(r);
}

static void link_steps(struct run *r)
{
    const struct plan_app *part = r->part;

    for (size_t i = 0; i < part->n_actions; i++) {
        const struct action *a = &part->actions[i];

        assert(a->when == WHEN_OK || a->n_needs > 0);
        for (size_t n = 0; n < a->n_needs; n++) {
            assert(a->needs[n] < i);
            r->steps[a->needs[n]].n_followers++;
        }
    }
    for (size_t i = 0; i < part->n_actions; i++) {
        struct step *s = &r->steps[i];

        s->run = r;
        s->action = &part->actions[i];
        s->followers = ARENA_ARRAY(r->arena, s->n_followers, uint32_t);
        s->n_followers = 0;
        s->open = s->action->n_needs;
        if (s->open == 0)
            ready_push(r, (uint32_t)i);
        for (size_t n = 0; n < s->action->n_needs; n++) {
            struct step *before = &r->steps[s->action->needs[n]];
            before->followers[before->n_followers++] = (uint32_t)i;
        }
    }
}

struct run *run_new(const struct plan_app *part, const struct run_options *options)
{
    struct arena *a = arena_new();
    struct run *r = ARENA_NEW(a, struct run);

    r->arena = a;
    r->part = plan_app_copy(part, a);
    r->options = *options;
    r->steps = ARENA_ARRAY(a, part->n_actions, struct step);
    r->ready = ARENA_ARRAY(a, part->n_actions, uint32_t);
    link_steps(r);
    return r;
}

void run_start(struct run *r)
{
    assert(!r->started);
    r->started = true;
    for (size_t i = 0; i < r->options.n_recorders; i++) {
        const struct recorder *to = &r->options.recorders[i];
        if (to->run_started)
            to->run_started(to->ctx, r, r->part);
    }
    run_go_on(r);
}

void run_supersede(struct run *r)
{
    if (r->superseded || r->over)
        return;
    r->superseded = true;
    for (size_t i = 0; i < r->part->n_actions; i++) {
        struct step *s = &r->steps[i];
        enum action_kind kind = s->action->kind;
        bool idle = kind == ACT_PULL || kind == ACT_BUILD || kind == ACT_WAIT_RUNNING ||
                    kind == ACT_WAIT_HEALTHY || kind == ACT_WAIT_EXIT || kind == ACT_ROUTE_SEE ||
                    kind == ACT_DRAIN || kind == ACT_HOOKS /* which is gone on with */;

        if (s->state == STEP_FLYING && idle)
            r->options.driver->ops->cancel(r->options.driver, s->ticket);
    }
}

void run_free(struct run *r)
{
    if (!r)
        return;
    assert(r->over || !r->started);
    arena_free(r->arena);
}

const struct run_failure *run_first_failure(const struct run *r)
{
    return r->first.action ? &r->first : NULL;
}

const struct plan_app *run_part(const struct run *r)
{
    return r->part;
}

const char *run_app(const struct run *r)
{
    return r->part->name;
}

uint64_t run_id(const struct run *r)
{
    return r->options.id;
}

void run_reserved(const struct run *r, struct arena *a, struct strv *ret)
{
    for (size_t i = 0; i < r->part->n_actions; i++) {
        const struct step *s = &r->steps[i];

        if (s->action->reserves && s->state != STEP_FAILED && s->state != STEP_SKIPPED)
            strv_push(a, ret, s->action->reserves);
    }
}

void run_refused(const struct run *r, struct arena *a, struct strv *ret)
{
    for (size_t i = 0; i < r->part->n_actions; i++)
        if (r->steps[i].range_refused && r->steps[i].action->reserves)
            strv_push(a, ret, r->steps[i].action->reserves);
}

bool run_action_done(const struct run *r, size_t action)
{
    return r->steps[action].state == STEP_DONE;
}

bool run_removes(const struct run *r, const char *subject)
{
    const struct plan_app *part = run_part(r);

    for (size_t i = 0; i < part->n_actions; i++)
        if (part->actions[i].kind == ACT_REMOVE && strcmp(part->actions[i].subject, subject) == 0)
            return true;
    return false;
}
