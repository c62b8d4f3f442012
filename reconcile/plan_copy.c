/* plan_copy.c: one app's part of a plan, copied so that it shares nothing with the original.
 *
 * In: a plan_app whose texts live in a pass's arena or in files. Out: an equal one, whole, in another arena; a run may live
 * longer than the pass that decided it. */
#include <string.h>

#include "reconcile/plan.h"
#include "spec/base/arena.h"

static struct strv copy_strv(const struct strv *l, struct arena *a)
{
    struct strv copy = {0};

    for (size_t i = 0; i < l->n; i++)
        strv_push(a, &copy, arena_strdup(a, l->v[i]));
    return copy;
}

static struct change copy_change(const struct change *c, struct arena *a)
{
    return (struct change){arena_strdup(a, c->field), arena_strdup(a, c->want),
                           arena_strdup(a, c->have)};
}

static const struct kvs *copy_kvs(const struct kvs *l, struct arena *a)
{
    struct kvs *copy = l ? ARENA_NEW(a, struct kvs) : NULL;

    for (size_t i = 0; l && i < l->n; i++)
        kvs_set(a, copy, arena_strdup(a, l->v[i].key), arena_strdup(a, l->v[i].value));
    return copy;
}

static const struct ulimit *copy_ulimits(const struct ulimit *v, size_t n, struct arena *a)
{
    struct ulimit *copy = ARENA_ARRAY(a, n, struct ulimit);

    for (size_t i = 0; i < n; i++)
        copy[i] = (struct ulimit){arena_strdup(a, v[i].name), v[i].soft, v[i].hard};
    return copy;
}

static const struct build_order *copy_build(const struct build_order *b, struct arena *a)
{
    struct build_order *copy = ARENA_NEW(a, struct build_order);
    const struct kvs *args = copy_kvs(&b->args, a), *labels = copy_kvs(&b->labels, a);

    *copy = (struct build_order){
        .path = arena_strdup(a, b->path),
        .sub = arena_strdup(a, b->sub),
        .dockerfile = arena_strdup(a, b->dockerfile),
        .dockerfile_text = arena_strdup(a, b->dockerfile_text),
        .digest = arena_strdup(a, b->digest),
        .fingerprint = arena_strdup(a, b->fingerprint),
        .target = arena_strdup(a, b->target),
        .network = arena_strdup(a, b->network),
        .args = *args,
        .labels = *labels,
        .cache_from = copy_strv(&b->cache_from, a),
        .tags = copy_strv(&b->tags, a),
        .extra_hosts = *copy_kvs(&b->extra_hosts, a),
        .shm_bytes = b->shm_bytes,
        .ulimits = copy_ulimits(b->ulimits, b->n_ulimits, a),
        .n_ulimits = b->n_ulimits,
        .no_cache = b->no_cache,
        .builder = arena_strdup(a, b->builder),
        .files = *copy_kvs(&b->files, a),
        .needs_buildkit = b->needs_buildkit,
        .limits = b->limits,
    };
    return copy;
}

static const struct confined_path *copy_confined(const struct confined_path *v, size_t n,
                                                 struct arena *a)
{
    struct confined_path *copy = ARENA_ARRAY(a, n, struct confined_path);

    for (size_t i = 0; i < n; i++)
        copy[i] = (struct confined_path){.path = arena_strdup(a, v[i].path),
                                         .folder = arena_strdup(a, v[i].folder),
                                         .engine = v[i].engine};
    return copy;
}

static void copy_op(struct op *op, struct arena *a)
{
    op->object = arena_strdup(a, op->object);
    op->name = arena_strdup(a, op->name);
    op->network = arena_strdup(a, op->network);
    op->body = arena_strdup(a, op->body);
    op->image = arena_strdup(a, op->image);
    op->image_id = arena_strdup(a, op->image_id);
    op->hash = arena_strdup(a, op->hash);
    op->platform = arena_strdup(a, op->platform);
    op->owner = arena_strdup(a, op->owner);
    op->birth = copy_kvs(op->birth, a);
    op->confined = copy_confined(op->confined, op->n_confined, a);
    if (op->build)
        op->build = copy_build(op->build, a);
}

static void copy_action(struct action *act, struct arena *a)
{
    const struct change *changes = act->changes;
    const uint32_t *needs = act->needs;

    act->subject = arena_strdup(a, act->subject);
    act->cause = arena_strdup(a, act->cause);
    act->reserves = arena_strdup(a, act->reserves);
    act->changes = ARENA_ARRAY(a, act->n_changes, struct change);
    for (size_t i = 0; i < act->n_changes; i++)
        act->changes[i] = copy_change(&changes[i], a);
    act->needs = ARENA_ARRAY(a, act->n_needs, uint32_t);
    for (size_t i = 0; i < act->n_needs; i++)
        act->needs[i] = needs[i];
    copy_op(&act->op, a);
}

struct plan_app *plan_app_copy(const struct plan_app *app, struct arena *a)
{
    struct plan_app *copy = ARENA_NEW(a, struct plan_app);

    *copy = *app;
    copy->name = arena_strdup(a, app->name);
    copy->why = arena_strdup(a, app->why);
    copy->origin = arena_strdup(a, app->origin);
    copy->digest = arena_strdup(a, app->digest);
    copy->notes = copy_strv(&app->notes, a);
    copy->differences = ARENA_ARRAY(a, app->n_differences, struct difference);
    for (size_t i = 0; i < app->n_differences; i++) {
        const struct difference *d = &app->differences[i];
        copy->differences[i] = *d;
        copy->differences[i].object = arena_strdup(a, d->object);
        copy->differences[i].change = copy_change(&d->change, a);
        copy->differences[i].cause = arena_strdup(a, d->cause);
        copy->differences[i].service = arena_strdup(a, d->service);
        copy->differences[i].event = arena_strdup(a, d->event);
    }
    copy->actions = ARENA_ARRAY(a, app->n_actions, struct action);
    for (size_t i = 0; i < app->n_actions; i++) {
        copy->actions[i] = app->actions[i];
        copy_action(&copy->actions[i], a);
    }
    return copy;
}
