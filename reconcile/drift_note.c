/* drift_note.c: what each difference of an app is about, who did it when, how it is put right, and why it may stay.
 *
 * In: an app with its places judged, its actions made and its verdict spoken. Out: the rest of every struct difference. It takes no
 * decision: it reads those that were taken off flags and modes, so that reports need not know how they came about. */
#include "reconcile/drift_note.h"

#include <string.h>

#include "drivers/engine_update.h"
#include "reconcile/plan_judge.h"
#include "reconcile/plan_work.h"
#include "spec/base/arena.h"

/* clang-format off */
static const char *const repair_words[] = {
    [REPAIR_NONE] = "none",
    [REPAIR_START] = "start",
    [REPAIR_UPDATE] = "update",
    [REPAIR_NETWORK] = "network",
    [REPAIR_RENAME] = "rename",
    [REPAIR_REPLACE] = "replace",
    [REPAIR_CREATE] = "create",
    [REPAIR_REMOVE] = "remove",
    [REPAIR_ROUTE] = "route",
    [REPAIR_WRITE] = "write",
};
static const char *const left_words[] = {
    [LEFT_NOT] = "no",
    [LEFT_REPORT] = "report",
    [LEFT_IGNORED] = "ignore",
    [LEFT_HELD] = "hold",
    [LEFT_FOREIGN] = "foreign",
    [LEFT_BLOCKED] = "blocked",
};
/* clang-format on */
_Static_assert(ARRAY_LEN(repair_words) == REPAIR_WRITE + 1, "every repair has a word");
_Static_assert(ARRAY_LEN(left_words) == LEFT_BLOCKED + 1, "every reason has a word");

const char *drift_repair_name(enum drift_repair r)
{
    return (size_t)r < ARRAY_LEN(repair_words) ? repair_words[r] : "none";
}

const char *drift_left_name(enum drift_left l)
{
    return (size_t)l < ARRAY_LEN(left_words) ? left_words[l] : "no";
}

/* "container NAME" -> NAME; NULL: another kind of object. */
static const char *container_of(const char *object)
{
    static const char prefix[] = "container ";

    return strncmp(object, prefix, sizeof(prefix) - 1) == 0 ? object + sizeof(prefix) - 1 : NULL;
}

static const struct replica *place_named(const struct app_work *p, const char *container)
{
    for (size_t i = 0; container && i < p->n_replicas; i++)
        if (strcmp(p->replicas[i].want->name, container) == 0)
            return &p->replicas[i];
    return NULL;
}

/* "update at 2026-11-22T10:00:00Z" */
static void note_event(struct app_work *p, const char *container, struct difference *d)
{
    const char *hand =
        container ? handmade(p->w, container, d->change.field) : handmade_end(p->w, d->object);
    const char *at = hand ? strstr(hand, " at ") : NULL;
    int64_t ms;

    if (!at)
        return;
    d->event = arena_strndup(p->w->arena, hand, (size_t)(at - hand));
    if (parse_time_ms(at + 4, &ms) == 0)
        d->when_ms = ms;
}

static enum drift_repair repair_of_place(const struct replica *r, const struct change *change)
{
    const struct field_difference d = {change->field, change->want, change->have};
    const char *field = change->field;

    if (strcmp(field, "state") == 0)
        return r->keeper ? REPAIR_START : r->n_have ? REPAIR_REPLACE : REPAIR_CREATE;
    if (!r->keeper)
        return r->n_have ? REPAIR_REPLACE : REPAIR_CREATE;
    if (strcmp(field, "name") == 0)
        return REPAIR_RENAME;
    if (strcmp(field, "containers") == 0)
        return REPAIR_REMOVE;
    if (strncmp(field, "networks.", 9) == 0)
        return REPAIR_NETWORK;
    return engine_update_can(&d) ? REPAIR_UPDATE : REPAIR_REPLACE;
}

static enum drift_repair repair_of(const struct difference *d, const struct replica *r)
{
    if (r)
        return repair_of_place(r, &d->change);
    if (strncmp(d->object, "route", 5) == 0)
        return REPAIR_ROUTE;
    if (strncmp(d->object, "file ", 5) == 0)
        return REPAIR_WRITE;
    if (!d->change.want)
        return REPAIR_REMOVE;
    return d->change.have ? REPAIR_REPLACE : REPAIR_CREATE;
}

static bool stands_still(const struct app_work *p)
{
    return p->want && (p->want->held || p->want->invalid_input || p->want->refused || p->blocked);
}

static enum drift_left left_of(const struct app_work *p, const struct difference *d,
                               const struct replica *r)
{
    if (d->left != LEFT_NOT && d->left != LEFT_REPORT)
        return d->left;
    if (stands_still(p) || p->out->state == APP_HELD || p->out->state == APP_FROZEN)
        return LEFT_HELD;
    if (d->left != LEFT_NOT)
        return d->left;
    return r && r->blocked ? LEFT_BLOCKED : LEFT_NOT;
}

void drift_note(struct app_work *p)
{
    for (size_t i = 0; i < p->out->n_differences; i++) {
        struct difference *d = &p->out->differences[i];
        const char *container = container_of(d->object);
        const struct replica *r = place_named(p, container);

        d->service = r ? r->service->name : NULL;
        if (d->kind == DRIFT_FOUND)
            note_event(p, container, d);
        d->repair = repair_of(d, r);
        d->left = left_of(p, d, r);
    }
}
