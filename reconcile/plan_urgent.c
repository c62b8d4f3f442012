/* plan_urgent.c: picks out of an app's plan what can be done about its routes at once.
 *
 * In: the part of a plan that waits out a back-off, or is not tried again. Out: its writes of the route file that need no container to be
 * started or stopped first, with the networks Traefik joins for them.
 * It makes up nothing: each action is one of the plan's, in its order. */
#include "reconcile/plan_urgent.h"

#include "reconcile/plan.h"
#include "spec/base/arena.h"

static bool is_ready(const struct action *act, const uint32_t *place)
{
    for (size_t i = 0; i < act->n_needs; i++)
        if (place[act->needs[i]] == UINT32_MAX)
            return false;
    return act->when == WHEN_OK;
}

struct plan_app *plan_urgent(const struct plan_app *app, struct arena *a)
{
    struct plan_app *part = plan_app_copy(app, a);
    uint32_t *place =
        ARENA_ARRAY(a, app->n_actions, uint32_t); /* in the part; UINT32_MAX: left out */
    bool any = false;

    part->n_actions = 0;
    for (size_t i = 0; i < app->n_actions; i++) {
        struct action *act = &part->actions[i];
        bool of_routes = act->kind == ACT_ROUTE_WRITE || act->kind == ACT_NETWORK_CONNECT;

        place[i] = UINT32_MAX;
        if (!of_routes || !is_ready(act, place))
            continue;
        for (size_t k = 0; k < act->n_needs; k++)
            act->needs[k] = place[act->needs[k]];
        place[i] = (uint32_t)part->n_actions;
        any |= act->kind == ACT_ROUTE_WRITE;
        part->actions[part->n_actions++] = *act;
    }
    return any ? part : NULL;
}
