/* forms_drift.c: what is to be done about changes by hand: `heal`, `report`, or `{mode: report, ignore: [fields]}`.
 *
 * In: the value of `drift:`. Out: a drift_rule; without a mode it says nothing of it, so that the agent's own stays in force. Fields are named as `evenkeel drift` names them, which is as a service spells them; a
 * part behind a point means one element (`labels.x`). It refuses names that no difference will ever have, because a rule with a
 * slip in it would be obeyed by leaving nothing alone. */
#include "spec/forms.h"

#include <string.h>

#include "spec/app.h"
#include "spec/base/arena.h"
#include "spec/decode.h"

/* What differences are called that no key of a service is; and what is in a file that `configs` or `secrets` mount, while where it is mounted is told under `volumes`. */
static const char *const others[] = {"auto_remove", "blkio_weight", "configs",
                                     "cpuset_mems", "name",         "publish_all_ports",
                                     "secrets",     "state",        "volumes_from"};

/* Another spelling of a key is no name: differences are called by the key itself. */
static bool can_differ(const struct field *f)
{
    return f->status == FIELD_SUPPORTED && !f->alias_of;
}

static bool is_field(const char *text, size_t n, struct arena *a)
{
    const char *first = arena_strndup(a, text, n);
    const struct field *f = field_find(&fields_service, first);

    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (strcmp(others[i], first) == 0)
            return true;
    return f && can_differ(f);
}

static const char *nearest(struct decode_ctx *c, const char *text)
{
    const struct field *f = field_find(&fields_service, text);
    const char *names[256];
    size_t n = 0;

    if (f && f->status == FIELD_SUPPORTED && f->alias_of)
        return arena_printf(c->arena, "it is another way to write %s", f->alias_of);
    for (size_t i = 0; i < fields_service.n && n < ARRAY_LEN(names); i++)
        if (can_differ(&fields_service.fields[i]))
            names[n++] = fields_service.fields[i].name;
    for (size_t i = 0; i < ARRAY_LEN(others) && n < ARRAY_LEN(names); i++)
        names[n++] = others[i];
    const char *near = str_nearest(text, names, n);

    return near ? arena_printf(c->arena, "did you mean \"%s\"?", near)
                : "fields are called as `evenkeel drift` calls them: mem_limit, labels, labels.x";
}

static void decode_ignore(struct decode_ctx *c, const struct yaml_node *v, struct strv *ret)
{
    struct strv all = {0};

    if (!decode_is(c, v, YAML_LIST, "a list of fields"))
        return;
    for (size_t i = 0; i < v->n; i++) {
        decode_enter_index(c, i);
        const char *text = decode_text(c, v->items[i], "the name of a field");

        if (text && is_field(text, strcspn(text, "."), c->arena))
            strv_push(c->arena, &all, text);
        else if (text)
            decode_error(c, v->items[i], nearest(c, text), "\"%s\" is no field that can differ",
                         text);
        decode_leave(c);
    }
    strv_sort(&all);
    for (size_t i = 0; i < all.n; i++)
        if (i == 0 || strcmp(all.v[i - 1], all.v[i]) != 0)
            strv_push(c->arena, ret, all.v[i]);
}

static enum drift_mode decode_mode(struct decode_ctx *c, const char *name,
                                   const struct yaml_node *v)
{
    static const struct choice words[] = {
        {"heal", DRIFT_HEAL}, {"report", DRIFT_REPORT}, {NULL, 0}};
    const struct field row = {.name = name, .form = &form_choice, .choices = words};
    int mode = DRIFT_UNSET;

    form_choice.decode(c, &row, v, &mode);
    return (enum drift_mode)mode;
}

static void decode_rule(struct decode_ctx *c, const struct yaml_node *v, struct drift_rule *rule)
{
    for (size_t i = 0; i < v->n; i++) {
        const struct yaml_pair *pair = &v->pairs[i];
        bool mode = strcmp(pair->key, "mode") == 0;

        if (!mode && strcmp(pair->key, "ignore") != 0) {
            decode_say(c, DIAG_ERROR, decode_pair_place(c, pair),
                       "write `drift: heal`, `drift: report` or "
                       "`drift: {mode: report, ignore: [mem_limit]}`",
                       "unknown key \"%s\"", pair->key);
            continue;
        }
        decode_enter(c, pair->key);
        if (mode)
            rule->mode = decode_mode(c, pair->key, pair->value);
        else
            decode_ignore(c, pair->value, &rule->ignore);
        decode_leave(c);
    }
}

static void decode_form_drift(struct decode_ctx *c, const struct field *f,
                              const struct yaml_node *v, void *out)
{
    struct drift_rule rule = {.set = true};

    if (v->kind == YAML_MAP)
        decode_rule(c, v, &rule);
    else
        rule.mode = decode_mode(c, f->name, v);
    *(struct drift_rule *)out = rule;
}

static bool show_form_drift(const struct field *f, const void *value, struct str *out)
{
    const struct drift_rule *rule = value;
    const char *mode = rule->mode == DRIFT_REPORT ? "report" : "heal";

    if (!rule->set)
        return false;
    if (rule->mode != DRIFT_UNSET && rule->ignore.n == 0) {
        str_add(out, mode);
        return true;
    }
    str_add(out, "{");
    if (rule->mode != DRIFT_UNSET)
        str_addf(out, "mode: %s, ", mode);
    str_add(out, "ignore: ");
    if (!show_strv(f, &rule->ignore, out))
        str_add(out, "[]");
    str_add(out, "}");
    return true;
}

const struct form form_drift = {
    "heal, report or {mode: heal or report, ignore: [fields]}", decode_form_drift, show_form_drift,
    "{\"anyOf\": [{\"enum\": [\"heal\", \"report\"]}, {\"type\": \"object\", "
    "\"additionalProperties\": false, \"properties\": {\"mode\": {\"enum\": [\"heal\", "
    "\"report\"]}, \"ignore\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}}}}]}"};
