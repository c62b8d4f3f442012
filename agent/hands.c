/* hands.c: who did it: the engine's events that change what is ours, kept until all is well again.
 *
 * Comes in: a happening that is not of our own doing. Goes out: notes in the memo, and in the diary, so that a plan made beside the agent, or
 * after it, can name event and time. Refuses events that change nothing we compare. */
#include "agent/hands.h"

#include "agent/core.h"
#include "agent/memo.h"
#include "agent/store.h"
#include "drivers/driver.h"
#include "drivers/observed.h"
#include "reconcile/deeds.h"
#include "reconcile/run.h"
#include "spec/base/arena.h"
#include "spec/desired.h"

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
    CLEANUP(str_release) struct str key = STR_INIT;
    deeds_key(object, action, &key);
    memo_hand(d->memo, d->app, object, action, d->ms);
    const char *what = memo_hand_of(d->memo, str_text(&key));
    if (what && d->store)
        store_hand(d->store, d->app, str_text(&key), what);
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

/* Every file that could hold an app was read, so that what is not wanted is wanted by nobody. */
static bool all_is_read(const struct desired *d)
{
    for (size_t i = 0; i < d->n_roots; i++)
        if (!d->roots[i].readable)
            return false;
    for (size_t i = 0; i < d->n_files; i++)
        if (d->files[i]->broken)
            return false;
    for (size_t i = 0; i < d->n_apps; i++)
        if (want_app_unread(&d->apps[i]))
            return false;
    return true;
}

static bool has_place(const struct desired *d, const char *container)
{
    for (size_t i = 0; i < d->n_apps; i++)
        for (size_t s = 0; s < d->apps[i].n_services; s++) {
            const struct want_service *service = &d->apps[i].services[s];
            for (size_t c = 0; c < service->n_containers; c++)
                if (strcmp(service->containers[c].name, container) == 0)
                    return true;
        }
    return false;
}

void hands_forget(struct memo *m, struct store *s, const struct desired *d,
                  const struct observed *o, struct arena *a)
{
    struct strv apps = {0}, containers = {0};
    if (!all_is_read(d))
        return;
    memo_hand_apps(m, a, &apps);
    for (size_t i = 0; i < apps.n; i++) {
        size_t from, to;
        observed_app_range(o, apps.v[i], &from, &to);
        if (from == to && !desired_app(d, apps.v[i]) && memo_settled(m, apps.v[i]) && s)
            store_hands_gone(s, apps.v[i]);
    }
    memo_containers(m, a, &containers);
    for (size_t i = 0; i < containers.n; i++) {
        const char *name = containers.v[i];
        if (!observed_container(o, name) && !has_place(d, name) && memo_hash(m, name, NULL) && s)
            store_last_hash(s, name, NULL);
    }
}

bool hands_left_any(const struct plan_app *pa)
{
    for (size_t i = 0; i < pa->n_differences; i++)
        if (pa->differences[i].kind == DRIFT_FOUND)
            return true;
    return false;
}
