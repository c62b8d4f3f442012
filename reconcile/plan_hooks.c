/* plan_hooks.c: post_start after every start, whoever made it, and pre_stop before every stop that is ours.
 *
 * In: judged places, and a plan whose starts and stops are in it. Out: the actions that run hooks, in their places. What follows a start
 * waits for its hooks: they are a part of it, and one that fails is a start that failed. A hook before a stop never keeps the stop from
 * happening. What hooks an app has is told by its file; when that is gone, by the label that its containers were given.
 * What is being adopted was started by somebody else, who ran its hooks. */
#include "reconcile/plan_hooks.h"

#include <string.h>

#include "reconcile/plan_judge.h"
#include "spec/base/arena.h"
#include "spec/hook.h"
#include "spec/labels.h"

/* ---- after a start ---- */

void hooks_judge(struct app_work *p, struct replica *r)
{
    const struct obs_container *c = r->keeper;
    const struct obs_hook *ran = observed_hook(p->w->seen, c);

    if (r->service->spec->post_start.n == 0 || c->adopted)
        return;
    if (!ran || ran->state == HOOKS_RUNNING) {
        r->hooks = judge_differ(
            p, r, DRIFT_PENDING, (struct change){HOOK_POST_START, "run", ran ? "begun" : "not run"},
            ran ? "post_start was interrupted" : "was started, and post_start has not run since");
        return;
    }
    if (ran->state == HOOKS_FAILED && r->condition != COND_ILL) {
        r->condition = COND_ILL;
        r->ill = arena_printf(p->w->arena, "is not as it should be after its start: %s",
                              ran->error ? ran->error : "post_start failed");
    }
}

uint32_t hooks_follow(struct app_work *p, struct replica *r, uint32_t start)
{
    const char *body = hooks_json(&r->service->spec->post_start, p->w->arena);

    if (!body || r->unpause)
        return start;
    uint32_t i = act_container(p, ACT_HOOKS, r->object, r->label,
                               start == NO_ACTION ? r->cause : "it belongs to its start");

    act_at(p, i)->op.name = HOOK_POST_START;
    act_at(p, i)->op.body = body;
    act_need(p, i, start);
    return i;
}

/* What the container was born with; NULL: nothing, or nobody can tell. */
static const char *remembered(const struct app_work *p, const struct obs_container *c,
                              const char *kind)
{
    const struct hooks_of of = {p->name, c->service ? c->service : "",
                                p->w->desired->settings->files_key};

    return hooks_noted(&of, kvs_get(&c->labels, LABEL_HOOKS), kind, p->w->arena);
}

/* Its own hooks, not those of the one that failed. */
void hooks_put_back(struct app_work *p, struct replica *r, uint32_t start)
{
    const char *body = remembered(p, r->former, HOOK_POST_START);

    if (!body)
        return;
    uint32_t i = act_container(p, ACT_HOOKS, r->former->id, container_label(p->w, r->former),
                               "it belongs to its start");

    act_at(p, i)->op.name = HOOK_POST_START;
    act_at(p, i)->op.body = body;
    act_need(p, i, start);
    act_at(p, i)->when = WHEN_PUT_BACK;
    act_at(p, i)->optional = true;
}

/* ---- before a stop ---- */

static const struct obs_container *container_by_id(const struct app_work *p, const char *id)
{
    for (size_t i = 0; i < p->n_mine; i++)
        if (strcmp(p->mine[i]->id, id) == 0)
            return p->mine[i];
    return NULL;
}

static const char *hooks_before_stop(const struct app_work *p, const struct obs_container *c)
{
    size_t s = p->want && c->service ? service_index(p->want, c->service) : 0;

    if (p->want && c->service && s < p->want->n_services)
        return hooks_json(&p->want->services[s].spec->pre_stop, p->w->arena);
    return remembered(p, c, HOOK_PRE_STOP);
}

/* What is run before this action, or NULL. What is stopped because it never got well has nothing to take leave of. */
static const char *before(const struct app_work *p, const struct action *a)
{
    const struct obs_container *c;

    if ((a->kind != ACT_STOP && a->kind != ACT_RESTART) || a->when != WHEN_OK)
        return NULL;
    c = container_by_id(p, a->op.object);
    return c && c->state == CS_RUNNING ? hooks_before_stop(p, c) : NULL;
}

/* moved[i] is where action i goes; the hook of i stands just before it. */
static size_t find_room(const struct app_work *p, const char **hooks, uint32_t *moved)
{
    size_t n = 0;

    for (size_t i = 0; i < p->out->n_actions; i++) {
        hooks[i] = before(p, &p->out->actions[i]);
        n += hooks[i] != NULL;
        moved[i] = (uint32_t)(i + n);
    }
    return n;
}

/* It needs what the stop needs, and the stop needs it. */
static void put_before(struct app_work *p, uint32_t at, const char *hooks)
{
    struct action *stop = &p->out->actions[at], *hook = stop - 1;

    *hook = (struct action){
        .kind = ACT_HOOKS,
        .subject = stop->subject,
        .cause = stop->cause,
        .optional = true,
        .needs = stop->needs,
        .n_needs = stop->n_needs,
        .op = {.kind = OP_HOOKS,
               .object = stop->op.object,
               .name = HOOK_PRE_STOP,
               .body = hooks,
               .grace_s = -1},
    };
    stop->needs = ARENA_ARRAY(p->w->arena, hook->n_needs + 1, uint32_t);
    for (size_t i = 0; i < hook->n_needs; i++)
        stop->needs[i] = hook->needs[i];
    stop->n_needs = hook->n_needs;
    stop->needs[stop->n_needs++] = at - 1;
}

void hooks_weave(struct app_work *p)
{
    struct plan_app *out = p->out;
    const char **hooks = ARENA_ARRAY(p->w->arena, out->n_actions, const char *);
    uint32_t *moved = ARENA_ARRAY(p->w->arena, out->n_actions, uint32_t);
    size_t n = out->n_actions, more = find_room(p, hooks, moved);

    if (more == 0)
        return;
    struct action *all = ARENA_ARRAY(p->w->arena, n + more, struct action);

    for (size_t i = 0; i < n; i++) {
        struct action *a = &all[moved[i]];

        *a = out->actions[i];
        for (size_t k = 0; k < a->n_needs; k++)
            a->needs[k] = moved[a->needs[k]];
    }
    out->actions = all;
    out->n_actions = n + more;
    p->cap_actions = n + more;
    for (size_t i = 0; i < n; i++)
        if (hooks[i])
            put_before(p, moved[i], hooks[i]);
}
