/* What the containers of an app use now.
 *
 * Comes in: an app's name, or none. Goes out: JSON, once the engine has measured for a second or two; meanwhile the loop does other things. Refuses more than a few at once: each costs the engine a call a
 * container. */
#include "agent/conductor.h"
#include "agent/core.h"
#include "agent/door_parts.h"
#include "agent/problem.h"
#include "agent/stats.h"
#include "spec/base/arena.h"

enum { ANSWER_MS = 12000, AT_ONCE = 4 };

static void measured(void *user, const struct stats *s)
{
    struct desk_call *c = user;
    struct err none = {0};

    *(const struct stats **)c->out = s;
    desk_answered(c, &none);
}

static enum desk_end measure(struct desk_call *c, const struct desk_world *w, struct err *e)
{
    static const struct stats nothing;

    if (!conductor_looked(w->conductor)) {
        (void)err_set(e, ERR_RETRY, "the engine was not seen yet");
        return DESK_DONE;
    }
    *(const struct stats **)c->out = &nothing;
    return stats_begin(w->core, c->in, c->a, measured, c) ? DESK_LATER : DESK_DONE;
}

static void ask_stats(struct door_call *c, const struct strv *apps, struct web_reply *ret)
{
    struct desk_call *ask = desk_call_new(c->door->desk, measure);
    struct strv *in = ARENA_NEW(ask->a, struct strv);
    const struct stats **out = ARENA_NEW(ask->a, const struct stats *);
    struct err e = {0};

    for (size_t i = 0; i < apps->n; i++)
        strv_push(ask->a, in, arena_strdup(ask->a, apps->v[i]));
    ask->in = in;
    ask->out = out;
    if (desk_ask(ask, ANSWER_MS, &e) < 0)
        problem_error(ret, &e, NULL);
    else
        door_reply_json(ret, 200, stats_to_json(*out));
    desk_drop(ask);
}

void door_stats(struct door_call *c, struct web_reply *ret)
{
    struct strv apps = {0};

    if (*c->v.app) {
        if (!door_facts_app(c->facts, c->v.app)) {
            problem_reply(ret, 404, arena_printf(c->a, "there is no app \"%s\"", c->v.app),
                          "GET /api/v1/apps lists them");
            return;
        }
        strv_push(c->a, &apps, c->v.app);
    } else if (c->v.filtered) {
        apps = *c->caller.apps;
    }
    if (atomic_fetch_add(&c->door->measuring, 1) >= AT_ONCE)
        problem_reply(ret, 503, "others are asking for figures just now", "ask again in a moment");
    else
        ask_stats(c, &apps, ret);
    (void)atomic_fetch_sub(&c->door->measuring, 1);
}
