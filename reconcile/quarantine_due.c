/* quarantine_due.c: when a volume in quarantine returns, ends, or goes on waiting.
 *
 * In: one record, and the input of a plan: the files, the engine, the time. Out: the one step that is due, with its reason. It is
 * in doubt for keeping: a file that cannot be read, a container that cannot be asked, a label that differs each keep the
 * volume. */
#include "reconcile/quarantine_due.h"

#include <string.h>

#include "spec/base/arena.h"

const struct want_app *quarantine_declarer(const struct desired *d, const char *volume)
{
    for (size_t i = 0; i < d->n_apps; i++)
        for (size_t k = 0; k < d->apps[i].n_volumes && d->apps[i].state != WISH_REMOVED; k++)
            if (strcmp(d->apps[i].volumes[k].name, volume) == 0)
                return &d->apps[i];
    return NULL;
}

const struct quarantine_record *quarantine_record_of(const struct observed *o, const char *volume)
{
    for (size_t i = 0; i < o->n_quarantine; i++)
        if (strcmp(o->quarantine[i].volume, volume) == 0)
            return &o->quarantine[i];
    return NULL;
}

const struct obs_container *quarantine_user(const struct observed *o, const char *volume)
{
    for (size_t i = 0; i < o->n_containers; i++)
        if (strv_has(&o->containers[i].volumes, volume))
            return &o->containers[i];
    return NULL;
}

static bool same_text(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* What was not read and may declare it, or NULL. */
static const char *unread(const struct desired *d, struct arena *a)
{
    for (size_t i = 0; i < d->n_roots; i++)
        if (!d->roots[i].readable)
            return arena_printf(a, "%s cannot be read, and may hold an app that declares it",
                                d->roots[i].path);
    for (size_t i = 0; i < d->n_files; i++)
        if (d->files[i]->broken)
            return arena_printf(a, "%s has errors, and may hold an app that declares it",
                                d->files[i]->name);
    for (size_t i = 0; i < d->n_apps; i++)
        if (d->apps[i].invalid_input)
            return arena_printf(a, "app %s has errors, and may declare it", d->apps[i].name);
    return NULL;
}

static struct quarantine_due stays(const struct quarantine_record *r, const char *why)
{
    return (struct quarantine_due){QUARANTINE_STAYS, r->app, why};
}

/* Its time is over, or its end was asked for. */
static struct quarantine_due ends(const struct plan_input *in, const struct quarantine_record *r,
                                  struct arena *a)
{
    const struct obs_container *user = quarantine_user(in->observed, r->volume);
    const char *not_read = r->purge ? NULL : unread(in->desired, a);
    CLEANUP(str_release) struct str over = STR_INIT;

    if (user)
        return stays(r, arena_printf(a, "container %s uses it", user->name));
    if (not_read)
        return stays(r, not_read);
    if (r->purge)
        return (struct quarantine_due){QUARANTINE_ENDS, r->app,
                                       arena_printf(a, "its deletion was asked for%s%s",
                                                    r->by ? ", by " : "", r->by ? r->by : "")};
    str_add(&over, "in quarantine since ");
    str_add_time(&over, r->since_ms);
    str_add(&over, ", to be had back until ");
    str_add_time(&over, r->until_ms);
    return (struct quarantine_due){QUARANTINE_ENDS, r->app, arena_strdup(a, str_text(&over))};
}

struct quarantine_due quarantine_due(const struct plan_input *in, const struct quarantine_record *r,
                                     struct arena *a)
{
    const struct obs_volume *v = observed_volume(in->observed, r->volume);

    if (r->problem)
        return stays(r, arena_printf(a, "its record cannot be read: %s", r->problem));
    if (!same_text(r->owner, in->desired->settings->owner))
        return stays(r, arena_printf(a, "the agent \"%s\" put it there", r->owner));

    const struct want_app *declares = quarantine_declarer(in->desired, r->volume);

    if (declares)
        return (struct quarantine_due){QUARANTINE_RETURNS, declares->name, "declared again"};
    if (!v)
        return (struct quarantine_due){QUARANTINE_LAPSES, r->app, "the volume is gone"};
    if (!same_text(v->owner, r->owner) || !same_text(v->app, r->app))
        return (struct quarantine_due){QUARANTINE_LAPSES, r->app,
                                       "another volume has that name by now; it stays"};
    if (r->until_ms > in->now_ms && !r->purge)
        return stays(r, NULL);
    return ends(in, r, a);
}
