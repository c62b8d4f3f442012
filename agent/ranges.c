/* ranges.c: a short list of subnets that the engine would not give.
 *
 * In: runs that are over. Out: the subnets to be left alone by the next plans. It asks nobody and decides nothing; that a list shows no
 * network with such a subnet is the engine's affair. */
#include "agent/ranges.h"

#include <stdlib.h>

#include "reconcile/run.h"
#include "spec/base/arena.h"

/* More ghosts than that are rather something that passes; then all is tried again. */
enum { RANGES_MOST = 64 };

struct ranges {
    struct arena *arena;
    struct strv list;
};

struct ranges *ranges_new(void)
{
    struct ranges *r = xcalloc(1, sizeof(*r));

    r->arena = arena_new();
    return r;
}

void ranges_free(struct ranges *r)
{
    if (!r)
        return;
    arena_free(r->arena);
    free(r);
}

void ranges_learn(struct ranges *r, const struct run *run)
{
    struct arena *a = arena_new();
    struct strv refused = {0};

    run_refused(run, a, &refused);
    if (r->list.n + refused.n > RANGES_MOST)
        ranges_forget(r);
    for (size_t i = 0; i < refused.n; i++)
        if (!strv_has(&r->list, refused.v[i]))
            strv_push(r->arena, &r->list, arena_strdup(r->arena, refused.v[i]));
    arena_free(a);
}

void ranges_list(const struct ranges *r, struct arena *a, struct strv *ret)
{
    for (size_t i = 0; i < r->list.n; i++)
        strv_push(a, ret, arena_strdup(a, r->list.v[i]));
}

void ranges_forget(struct ranges *r)
{
    arena_clear(r->arena);
    r->list = (struct strv){0};
}
