/* hands.c: who did it: the engine's events that change what is ours, kept until all is well again.
 *
 * Comes in: a happening that is not of our own doing. Goes out: notes in the memo, and in the diary, so that a plan made beside the agent, or
 * after it, can name event and time. Refuses events that change nothing we compare. */
#include "agent/hands.h"

#include "agent/core.h"
#include "agent/memo.h"
#include "agent/store.h"
#include "drivers/driver.h"
#include "reconcile/run.h"

struct deed {
    struct memo *memo;
    struct store *store;
    const struct run *run;
    const char *app;
    int64_t ms;
};

static void keep(const struct deed *d, const char *object, const char *action)
{
    if (d->run && (!memo_touched(d->memo, object, d->ms) || run_removes(d->run, object)))
        return;
    memo_hand(d->memo, d->app, object, action, d->ms);
    const char *what = memo_hand_of(d->memo, object);
    if (what && d->store)
        store_hand(d->store, d->app, object, what);
}

void hands_note(struct memo *m, struct store *s, const struct happening *h, const struct run *run)
{
    const struct deed d = {m, s, run, h->app, h->time_ms ? h->time_ms : core_now_ms()};
    CLEANUP(str_release) struct str object = STR_INIT, action = STR_INIT;
    bool network = strncmp(h->object, "network ", 8) == 0;
    if (!h->container || network)
        keep(&d, h->object, h->action);
    if (!h->container)
        return;
    str_addf(&object, "container %s", h->container);
    str_add(&action, h->action);
    if (network)
        str_addf(&action, " %s %s", strcmp(h->action, "connect") == 0 ? "to" : "from", h->object);
    keep(&d, str_text(&object), str_text(&action));
}

bool hands_left_any(const struct plan_app *pa)
{
    for (size_t i = 0; i < pa->n_differences; i++)
        if (pa->differences[i].kind == DRIFT_FOUND)
            return true;
    return false;
}
