/* drift.c: the differences of a plan that are somebody else's doing, as one list.
 *
 * In: a plan. Out: items that borrow from it, whether they count, and their JSON by schemas/drift.schema.json. What is secret was
 * masked when the differences were made. It judges nothing. */
#include "reconcile/drift.h"

#include "reconcile/plan_json.h"
#include "spec/base/arena.h"
#include "spec/base/attr.h"

size_t drift_items(const struct plan *p, struct arena *a, struct drift_item **ret)
{
    struct drift_item *items = NULL;
    size_t n = 0, cap = 0;

    for (size_t i = 0; i < p->n_apps; i++) {
        const struct plan_app *app = &p->apps[i];

        for (size_t k = 0; k < app->n_differences; k++) {
            if (app->differences[k].kind != DRIFT_FOUND)
                continue;
            items = arena_grow(a, items, n, &cap, sizeof(*items));
            items[n++] =
                (struct drift_item){app->name, app->state, app->origin, &app->differences[k]};
        }
    }
    *ret = items;
    return n;
}

bool drift_counts(const struct drift_item *item)
{
    return item->found->left != LEFT_IGNORED;
}

size_t drift_count(const struct drift_item *items, size_t n)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += drift_counts(&items[i]);
    return count;
}

static json_t *item_to_json(const struct drift_item *item)
{
    json_t *v = plan_difference_json(item->found);

    (void)json_object_del(v, "kind");
    (void)json_object_set_new(v, "app", json_string(item->app));
    (void)json_object_set_new(v, "state", json_string(app_state_name(item->state)));
    if (item->origin)
        (void)json_object_set_new(v, "origin", json_string(item->origin));
    return v;
}

json_t *drift_to_json(const struct drift_item *items, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(list, item_to_json(&items[i]));
    return json_pack("{s:o, s:I}", "drift", list, "count", (json_int_t)drift_count(items, n));
}
