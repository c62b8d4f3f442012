/* plan_quarantine.c: volumes of apps that were removed, as actions.
 *
 * In: the wish that volumes leave with their app, records, the engine's volumes. Out: a record for each volume that leaves, written when nothing
 * of the app is left; the end of records of volumes that return; deletions whose time has come, and after each the end of its record. A
 * volume is deleted by a record and by nothing else, and what is not ours is not even recorded. */
#include "reconcile/plan_quarantine.h"

#include <string.h>

#include "reconcile/plan_work.h"
#include "reconcile/quarantine_due.h"
#include "spec/base/arena.h"

static const char *volume_label(const struct app_work *p, const char *volume)
{
    return arena_printf(p->w->arena, "volume %s", volume);
}

static const char *record_text(const struct quarantine_record *r, struct arena *a)
{
    CLEANUP(str_release) struct str text = STR_INIT;

    quarantine_print(r, &text);
    return arena_strdup(a, str_text(&text));
}

static const char *time_words(int64_t ms, struct arena *a)
{
    CLEANUP(str_release) struct str text = STR_INIT;

    str_add_time(&text, ms);
    return arena_strdup(a, str_text(&text));
}

/* What is due for each record: asked for by every app, so made once. */
static const struct quarantine_due *due_of(struct plan_work *w)
{
    const struct observed *o = w->seen;

    if (w->due || o->n_quarantine == 0)
        return w->due;
    struct quarantine_due *due = ARENA_ARRAY(w->arena, o->n_quarantine, struct quarantine_due);

    for (size_t i = 0; i < o->n_quarantine; i++)
        due[i] = quarantine_due(w->in, &o->quarantine[i], w->arena);
    w->due = due;
    return due;
}

/* ---- in ---- */

static void record_volume(struct app_work *p, const char *volume, const char *cause,
                          const uint32_t *gone, size_t n)
{
    const struct plan_work *w = p->w;
    const char *by = kvs_get(&w->desired->leaving, p->name);
    int64_t keep = w->desired->settings->quarantine_ms;
    const struct quarantine_record r = {
        .volume = volume,
        .owner = w->owner,
        .app = p->name,
        .why = cause,
        .by = by && *by ? by : NULL,
        .since_ms = w->in->now_ms,
        .until_ms = w->in->now_ms + (keep > 0 ? keep : QUARANTINE_DEFAULT_MS),
    };
    uint32_t at = act_add(p, ACT_VOLUME_QUARANTINE, volume_label(p, volume),
                          arena_printf(w->arena, "%s; it can be had back until %s", cause,
                                       time_words(r.until_ms, w->arena)));
    struct action *act = act_at(p, at);

    act->op.object = volume;
    act->op.body = record_text(&r, w->arena);
    act_need_all(p, at, gone, n);
}

/* declarer NULL: nobody else wants it. */
static void keep_volume(struct app_work *p, const char *volume, const struct want_app *declarer)
{
    note_add(p, declarer ? arena_printf(p->w->arena, "volume %s stays: app %s declares it", volume,
                                        declarer->name)
                         : arena_printf(p->w->arena, "volume %s stays", volume));
    if (p->out->n_actions > 0)
        (void)act_add(p, ACT_KEEP, volume_label(p, volume), "volumes outlive their app");
}

void quarantine_leave(struct app_work *p, const char *cause, const uint32_t *gone, size_t n)
{
    const struct plan_work *w = p->w;
    bool leave = kvs_get(&w->desired->leaving, p->name) != NULL;
    size_t from, to;

    volumes_of_app(w, p->name, &from, &to);
    for (size_t i = from; i < to; i++) {
        const char *name = w->volumes[i]->name;
        const struct quarantine_record *r = quarantine_record_of(w->seen, name);

        if (r)
            note_add(p, r->problem ? arena_printf(w->arena, "volume %s stays: %s", name, r->problem)
                                   : arena_printf(w->arena, "volume %s is in quarantine until %s",
                                                  name, time_words(r->until_ms, w->arena)));
        else if (leave && !quarantine_declarer(w->desired, name))
            record_volume(p, name, cause, gone, n);
        else
            keep_volume(p, name, leave ? quarantine_declarer(w->desired, name) : NULL);
    }
}

/* ---- out ---- */

static uint32_t release(struct app_work *p, const char *volume, const char *cause)
{
    uint32_t at = act_add(p, ACT_VOLUME_RELEASE, volume_label(p, volume), cause);

    act_at(p, at)->op.object = volume;
    return at;
}

static void end_volume(struct app_work *p, const struct quarantine_record *r, const char *cause)
{
    uint32_t at = act_add(p, ACT_VOLUME_REMOVE, volume_label(p, r->volume), cause);
    struct action *act = act_at(p, at);

    act->op.object = r->volume;
    act->op.owner = r->owner;
    act->op.body = record_text(r, p->w->arena);
    act_need(p, release(p, r->volume, "the volume is deleted"), at);
}

void quarantine_plan(struct app_work *p)
{
    const struct observed *o = p->w->seen;
    const struct quarantine_due *due = due_of(p->w);

    for (size_t i = 0; i < o->n_quarantine; i++) {
        const struct quarantine_record *r = &o->quarantine[i];

        if (!due[i].app || strcmp(due[i].app, p->name) != 0)
            continue;
        switch (due[i].step) {
        case QUARANTINE_STAYS: break;
        case QUARANTINE_RETURNS:
        case QUARANTINE_LAPSES: (void)release(p, r->volume, due[i].why); break;
        case QUARANTINE_ENDS: end_volume(p, r, due[i].why); break;
        }
    }
}

/* ---- whose plan ---- */

static bool has_unrecorded(const struct plan_work *w, const char *app)
{
    size_t from, to;

    volumes_of_app(w, app, &from, &to);
    for (size_t i = from; i < to; i++)
        if (!quarantine_record_of(w->seen, w->volumes[i]->name) &&
            !quarantine_declarer(w->desired, w->volumes[i]->name))
            return true;
    return false;
}

void quarantine_apps(struct plan_work *w, struct strv *ret)
{
    const struct quarantine_due *due = due_of(w);
    struct strv all = {0};

    for (size_t i = 0; i < w->seen->n_quarantine; i++)
        if (due[i].step != QUARANTINE_STAYS && !desired_app(w->desired, due[i].app))
            strv_push(w->arena, &all, due[i].app);
    for (size_t i = 0; i < w->desired->removed.n; i++)
        if (kvs_get(&w->desired->leaving, w->desired->removed.v[i]) &&
            has_unrecorded(w, w->desired->removed.v[i]))
            strv_push(w->arena, &all, w->desired->removed.v[i]);
    strv_sort(&all);
    for (size_t i = 0; i < all.n; i++)
        if (i == 0 || strcmp(all.v[i - 1], all.v[i]) != 0)
            strv_push(w->arena, ret, all.v[i]);
}
