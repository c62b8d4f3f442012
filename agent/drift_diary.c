/* drift_diary.c: drift from its first sight to its end.
 *
 * Comes in: plans. Goes out: a call and a row for each difference that was not there before, an end for each that is there no more. The
 * same object, field and values are the same drift, however many passes see it and whichever process. It looks at nothing itself, and only at apps
 * that a plan is about. */
#include "agent/drift_diary.h"

#include <stdlib.h>

#include "spec/base/arena.h"

#define OPEN_MAX 10000

struct open_drift {
    uint64_t id;
    char *app, *key;
    bool seen;
};

struct drift_diary {
    struct store *store;
    drift_began_fn *began;
    void *ctx;
    struct open_drift *v; /* in no order: there are few */
    size_t n, cap;
    uint64_t last_id;
};

static void add_open(struct drift_diary *d, uint64_t id, const char *app, const char *key)
{
    if (d->n == d->cap) {
        d->cap = d->cap ? 2 * d->cap : 16;
        d->v = xrealloc(d->v, d->cap * sizeof(d->v[0]));
    }
    d->v[d->n++] = (struct open_drift){id, xstrdup(app), xstrdup(key), false};
}

static void key_of(const char *object, const struct change *c, struct str *out)
{
    str_addf(out, "%s\n%s\n%s\n%s", object, c->field, c->want ? c->want : "\x01",
             c->have ? c->have : "\x01");
}

static void take_over(void *user, const struct store_drift *row)
{
    struct drift_diary *d = user;
    CLEANUP(str_release) struct str key = STR_INIT;

    key_of(row->object, &(struct change){row->field, row->want, row->have}, &key);
    add_open(d, row->id, row->app, str_text(&key));
    if (row->id > d->last_id)
        d->last_id = row->id;
}

struct drift_diary *drift_diary_new(struct store *store, const char *state_dir,
                                    drift_began_fn *began, void *ctx)
{
    struct drift_diary *d = xcalloc(1, sizeof(*d));
    struct err none = {0};

    d->store = store;
    d->began = began;
    d->ctx = ctx;
    if (store)
        (void)store_drifts(state_dir, NULL, true, OPEN_MAX, take_over, d, &none);
    return d;
}

void drift_diary_free(struct drift_diary *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->n; i++) {
        free(d->v[i].app);
        free(d->v[i].key);
    }
    free(d->v);
    free(d);
}

static struct open_drift *find_open(struct drift_diary *d, const char *app, const char *key)
{
    for (size_t i = 0; i < d->n; i++)
        if (strcmp(d->v[i].app, app) == 0 && strcmp(d->v[i].key, key) == 0)
            return &d->v[i];
    return NULL;
}

/* True if it was not there before. */
static bool see(struct drift_diary *d, const struct drift_item *item, int64_t now_ms)
{
    const struct difference *x = item->found;
    CLEANUP(str_release) struct str key = STR_INIT;

    key_of(x->object, &x->change, &key);
    struct open_drift *open = find_open(d, item->app, str_text(&key));

    if (open) {
        open->seen = true;
        return false;
    }
    if (d->n >= OPEN_MAX)
        return false;
    uint64_t id = (uint64_t)now_ms * 1000;

    d->last_id = id > d->last_id ? id : d->last_id + 1;
    add_open(d, d->last_id, item->app, str_text(&key));
    d->v[d->n - 1].seen = true;
    store_drift_began(d->store, &(struct store_drift){.id = d->last_id,
                                                      .ms = now_ms,
                                                      .when_ms = x->when_ms,
                                                      .app = item->app,
                                                      .object = x->object,
                                                      .field = x->change.field,
                                                      .want = x->change.want,
                                                      .have = x->change.have,
                                                      .cause = x->cause,
                                                      .event = x->event});
    return true;
}

/* items are in the order of their apps. */
static void tell(struct drift_diary *d, const struct drift_item *items, size_t n, int64_t now_ms)
{
    for (size_t from = 0, to; d->began && from < n; from = to) {
        for (to = from + 1; to < n && strcmp(items[to].app, items[from].app) == 0;)
            to++;
        d->began(d->ctx, items + from, to - from, now_ms);
    }
}

void drift_diary_pass(struct drift_diary *d, const struct plan *plan, const struct strv *scope,
                      int64_t now_ms, drift_busy_fn *busy)
{
    struct arena *a = arena_new();
    struct drift_item *items;
    size_t n = drift_items(plan, a, &items), fresh = 0;

    for (size_t i = 0; i < d->n; i++)
        d->v[i].seen = false;
    for (size_t i = 0; i < n; i++)
        if (drift_counts(&items[i]) && !(busy && busy(d->ctx, items[i].app)))
            if (see(d, &items[i], now_ms))
                items[fresh++] = items[i];
    tell(d, items, fresh, now_ms);
    for (size_t i = 0; i < d->n;) {
        struct open_drift *x = &d->v[i];

        if (x->seen || (scope->n > 0 && !strv_has(scope, x->app)) ||
            (busy && busy(d->ctx, x->app))) {
            i++;
            continue;
        }
        store_drift_ended(d->store, x->id, now_ms);
        free(x->app);
        free(x->key);
        *x = d->v[--d->n];
    }
    arena_free(a);
}
