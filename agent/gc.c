/* Images of old builds, collected.
 *
 * Comes in: an opened core. Goes out: what is due is told and removed, one at a time, so that the engine has time for others; what is in use now is remembered.
 * Decides nothing itself (gc_due.c does). Refuses to go on when the last uses are there but cannot be read. */
#include "agent/gc.h"

#include "agent/packing.h"
#include "agent/store.h"
#include "drivers/docker.h"
#include "drivers/engine_images.h"
#include "reconcile/bind.h"
#include "spec/base/arena.h"
#include "spec/labels.h"

struct gc {
    struct gc_options o;
    struct arena *arena;
    struct gc_due due;
    size_t next;
    struct packing_left *left; /* items from due.n_items - n_left on */
    size_t n_left;
    struct gc_report report;
};

void gc_free(struct gc *g)
{
    if (!g)
        return;
    for (size_t i = 0; i < g->n_left; i++)
        packing_left_over(&g->left[i], false);
    arena_free(g->arena);
    free(g);
}

static void finish(struct gc *g, const struct err *e)
{
    g->o.over(g->o.user, &g->report, e);
    gc_free(g);
}

static void remove_next(struct gc *g);

/* NULL: the item is an image that we built. */
static struct packing_left *left_of(const struct gc *g, size_t item)
{
    size_t first = g->due.n_items - g->n_left;

    return item >= first && item < g->due.n_items ? &g->left[item - first] : NULL;
}

/* What pack had begun, as items behind the others. */
static void add_left(struct gc *g)
{
    size_t n = g->due.n_items;

    g->n_left = (size_t)packing_find_left(g->o.core->options->state, g->arena, &g->left);
    struct gc_item *items = ARENA_ARRAY(g->arena, n + g->n_left + 1, struct gc_item);

    if (n > 0)
        memcpy(items, g->due.items, n * sizeof(*items));
    for (size_t i = 0; i < g->n_left; i++)
        items[n + i] = (struct gc_item){.ref = g->left[i].image,
                                        .id = "",
                                        .app = g->left[i].app,
                                        .service = g->left[i].service,
                                        .why = "left by a pack that was cut off"};
    g->due.items = items;
    g->due.n_items = n + g->n_left;
}

static void on_removed(void *user, const struct op_result *result)
{
    struct gc *g = user;
    struct packing_left *left = left_of(g, g->next);

    if (left)
        packing_left_over(left, result->err.kind == ERR_NONE);
    const struct gc_item *item = &g->due.items[g->next++];

    if (result->err.kind == ERR_NONE) {
        g->report.removed++;
        g->report.bytes += item->bytes;
        if (g->o.store)
            store_image_gone(g->o.store, item->ref);
    } else if (result->err.kind == ERR_CONFLICT) {
        g->report.in_use++;
    } else {
        finish(g, &result->err);
        return;
    }
    g->o.each(g->o.user, item, &result->err);
    remove_next(g);
}

static void remove_next(struct gc *g)
{
    struct err none = {0};

    for (; g->o.dry_run && g->next < g->due.n_items; g->next++) {
        g->report.removed++;
        g->report.bytes += g->due.items[g->next].bytes;
        g->o.each(g->o.user, &g->due.items[g->next], &none);
    }
    while (left_of(g, g->next) && !packing_left_take(left_of(g, g->next)))
        g->next++; /* somebody packs again */
    if (g->next < g->due.n_items)
        docker_image_remove(g->o.core->driver, g->due.items[g->next].ref, on_removed, g);
    else
        finish(g, &none);
}

/* What containers have, whoever's they are, and what desired state wants, base images included. */
static void list_busy(struct gc *g, struct strv *ret)
{
    struct core *c = g->o.core;
    const struct observed *seen = c->driver->ops->observed(c->driver, g->arena);

    for (size_t i = 0; i < seen->n_containers; i++) {
        if (seen->containers[i].image_id)
            strv_push(g->arena, ret, seen->containers[i].image_id);
        if (seen->containers[i].image)
            strv_push(g->arena, ret, seen->containers[i].image);
    }
    core_desire(c);
    struct strv wanted = {0};

    core_images(c, g->arena, &wanted);
    for (size_t i = 0; i < wanted.n; i++) {
        const struct obs_image *x = observed_image(seen, wanted.v[i]);

        strv_push(g->arena, ret, wanted.v[i]);
        if (x && x->id)
            strv_push(g->arena, ret, x->id);
    }
}

/* Whose images may be gone back to. What could not be read, or was not read yet, may hold any app. */
static void list_living(struct gc *g, struct gc_input *in)
{
    struct core *c = g->o.core;
    const struct observed *seen = c->driver->ops->observed(c->driver, g->arena);
    const struct desired *d = c->desired;

    in->living_known = !c->bundle_unread && !contexts_busy(c->contexts);
    for (size_t i = 0; i < d->n_roots; i++)
        in->living_known &= d->roots[i].readable;
    for (size_t i = 0; i < d->n_files; i++)
        in->living_known &= !d->files[i]->broken;
    for (size_t i = 0; i < d->n_apps; i++) {
        const struct want_app *app = &d->apps[i];

        if (app->invalid_input)
            strv_push(g->arena, &in->living, app->name);
        for (size_t k = 0; k < app->n_services; k++)
            strv_push(g->arena, &in->living,
                      arena_printf(g->arena, "%s/%s", app->name, app->services[k].name));
    }
    for (size_t i = 0; i < seen->n_containers; i++) {
        const struct obs_container *x = &seen->containers[i];

        if (x->app && x->owner && strcmp(x->owner, c->options->settings.owner) == 0)
            strv_push(g->arena, &in->living, x->app);
    }
}

static const struct gc_image *images_of(const struct engine_image *v, size_t n, struct arena *a)
{
    struct gc_image *images = ARENA_ARRAY(a, n ? n : 1, struct gc_image);

    for (size_t i = 0; i < n; i++) {
        images[i] = (struct gc_image){
            .id = arena_strdup(a, v[i].id),
            .app = arena_strdup(a, kvs_get(&v[i].labels, LABEL_BUILD_APP)),
            .service = arena_strdup(a, kvs_get(&v[i].labels, LABEL_BUILD_SERVICE)),
            .created_ms = v[i].created_ms,
            .bytes = v[i].bytes,
        };
        for (size_t k = 0; k < v[i].tags.n; k++)
            strv_push(a, &images[i].tags, arena_strdup(a, v[i].tags.v[k]));
        for (size_t k = 0; k < v[i].digests.n; k++)
            strv_push(a, &images[i].digests, arena_strdup(a, v[i].digests.v[k]));
    }
    return images;
}

static void on_listed(void *user, const struct engine_image *v, size_t n, const struct err *failure)
{
    struct gc *g = user;
    struct gc_input in = {.now_ms = core_now_ms(), .n_images = n};
    struct err e = *failure;

    if (e.kind == ERR_NONE &&
        store_image_uses(g->o.core->options->state, g->arena, &in.used, &e) < 0 &&
        e.kind == ERR_MISSING)
        e = (struct err){0}; /* no diary yet */
    if (e.kind != ERR_NONE) {
        finish(g, &e);
        return;
    }
    in.images = images_of(v, n, g->arena);
    list_busy(g, &in.busy);
    list_living(g, &in);
    gc_due(&in, g->arena, &g->due);
    add_left(g);
    g->report.kept = g->due.kept;
    for (size_t i = 0; i < g->due.in_use.n && g->o.store; i++)
        store_image_used(g->o.store, in.now_ms, g->due.in_use.v[i]);
    remove_next(g);
}

struct gc *gc_begin(const struct gc_options *o)
{
    struct gc *g = xcalloc(1, sizeof(*g));

    g->o = *o;
    g->arena = arena_new();
    docker_images(o->core->driver, o->core->options->settings.owner, on_listed, g);
    return g;
}
