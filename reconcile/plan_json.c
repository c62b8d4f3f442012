/* plan_json.c: a plan as one JSON document, by schemas/plan.schema.json.
 *
 * In: a plan. Out: a new json_t. Create bodies stay out of it, because they hold environment values; what differs is told
 * field by field, masked where it may be secret. Absent values are absent members. */
#include "drivers/op.h"
#include "reconcile/plan_json.h"
#include "spec/base/js.h"

static void set_text(json_t *object, const char *key, const char *text)
{
    if (!text)
        return;
    json_t *v = json_string(text);

    if (!v) { /* not UTF-8 */
        CLEANUP(str_release) struct str s = STR_INIT;
        str_add_escaped(&s, text);
        v = json_string(str_text(&s));
    }
    (void)json_object_set_new(object, key, v);
}

static json_t *change_to_json(const struct change *c)
{
    json_t *v = json_object();

    set_text(v, "field", c->field);
    set_text(v, "want", c->want);
    set_text(v, "have", c->have);
    return v;
}

static const char *kind_of_difference(enum drift_kind kind)
{
    switch (kind) {
    case DRIFT_NONE: return "none";
    case DRIFT_PENDING: return "pending";
    case DRIFT_FOUND: return "found";
    }
    return "none";
}

json_t *plan_difference_json(const struct difference *d)
{
    json_t *v = change_to_json(&d->change);

    set_text(v, "kind", kind_of_difference(d->kind));
    set_text(v, "object", d->object);
    set_text(v, "cause", d->cause);
    set_text(v, "service", d->service);
    set_text(v, "event", d->event);
    if (d->when_ms) {
        CLEANUP(str_release) struct str when = STR_INIT;
        str_add_time(&when, d->when_ms);
        set_text(v, "when", str_text(&when));
    }
    set_text(v, "repair", drift_repair_name(d->repair));
    set_text(v, "left", drift_left_name(d->left));
    return v;
}

static json_t *action_to_json(const struct action *a, size_t index)
{
    CLEANUP(str_release) struct str what = STR_INIT;
    json_t *v = json_object(), *needs = json_array(), *changes = json_array();

    action_print(a, &what);
    (void)json_object_set_new(v, "index", json_integer((json_int_t)index));
    set_text(v, "kind", action_kind_name(a->kind));
    set_text(v, "subject", a->subject);
    set_text(v, "text", str_text(&what));
    set_text(v, "cause", a->cause);
    set_text(v, "object", a->op.object);
    set_text(v, "name", a->op.name);
    set_text(v, "network", a->op.network);
    set_text(v, "image", a->op.image);
    set_text(v, "subnet", a->reserves);
    if (a->when != WHEN_OK)
        (void)json_object_set_new(v, "only_after_failure", json_true());
    if (a->optional)
        (void)json_object_set_new(v, "optional", json_true());
    for (size_t i = 0; i < a->n_needs; i++)
        (void)json_array_append_new(needs, json_integer(a->needs[i]));
    (void)json_object_set_new(v, "needs", needs);
    for (size_t i = 0; i < a->n_changes; i++)
        (void)json_array_append_new(changes, change_to_json(&a->changes[i]));
    if (a->n_changes)
        (void)json_object_set_new(v, "changes", changes);
    else
        json_decref(changes);
    return v;
}

static json_t *app_to_json(const struct plan_app *app)
{
    json_t *v = json_object(), *differences = json_array(), *actions = json_array();

    set_text(v, "name", app->name);
    set_text(v, "state", app_state_name(app->state));
    set_text(v, "why", app->why);
    set_text(v, "origin", app->origin);
    if (app->removal)
        (void)json_object_set_new(v, "removal", json_true());
    (void)json_object_set_new(v, "containers",
                              json_pack("{s:I, s:I}", "wanted", (json_int_t)app->containers_wanted,
                                        "running", (json_int_t)app->containers_running));
    (void)json_object_set_new(v, "notes", js_from_strv(&app->notes));
    for (size_t i = 0; i < app->n_differences; i++)
        (void)json_array_append_new(differences, plan_difference_json(&app->differences[i]));
    (void)json_object_set_new(v, "differences", differences);
    for (size_t i = 0; i < app->n_actions; i++)
        (void)json_array_append_new(actions, action_to_json(&app->actions[i], i));
    (void)json_object_set_new(v, "actions", actions);
    if (app->wake_ms) {
        CLEANUP(str_release) struct str when = STR_INIT;
        str_add_time(&when, app->wake_ms);
        set_text(v, "changes_at", str_text(&when));
    }
    return v;
}

static json_t *held_to_json(const struct held_removals *h)
{
    json_t *v = json_object();

    set_text(v, "root", h->root);
    (void)json_object_set_new(v, "apps", js_from_strv(&h->apps));
    (void)json_object_set_new(v, "of", json_integer((json_int_t)h->of));
    set_text(v, "hash", h->hash);
    return v;
}

json_t *plan_to_json(const struct plan *p)
{
    json_t *apps = json_array(), *held = json_array();

    for (size_t i = 0; i < p->n_apps; i++)
        (void)json_array_append_new(apps, app_to_json(&p->apps[i]));
    for (size_t i = 0; i < p->n_held; i++)
        (void)json_array_append_new(held, held_to_json(&p->held[i]));
    return json_pack("{s:o, s:o, s:b}", "apps", apps, "held", held, "empty", plan_empty(p));
}
