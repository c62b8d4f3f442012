/* compose_config_values.c: nodes and values of a printed Compose file.
 *
 * In: values as they were written. Out: new nodes in Compose's own forms: pairs as mappings, words as lists, sizes in bytes, durations as Go prints them. Texts that are none of these stay as they
 * are; who decoded them has said so. */
#include "spec/app.h"
#include "spec/base/arena.h"
#include "spec/compose_config_parts.h"
#include "spec/compose_list.h"
#include "spec/forms.h"

/* ---- building nodes ---- */

struct yaml_node *config_node(struct config_run *g, enum yaml_kind kind, const char *text)
{
    struct yaml_node *v = ARENA_NEW(g->c.arena, struct yaml_node);

    *v = (struct yaml_node){.kind = kind, .text = text ? text : ""};
    return v;
}

struct yaml_node *config_map(struct config_run *g, size_t room)
{
    struct yaml_node *v = config_node(g, YAML_MAP, NULL);

    v->pairs = ARENA_ARRAY(g->c.arena, room + 1, struct yaml_pair);
    return v;
}

struct yaml_node *config_list(struct config_run *g, size_t room)
{
    struct yaml_node *v = config_node(g, YAML_LIST, NULL);

    v->items = ARENA_ARRAY(g->c.arena, room + 1, struct yaml_node *);
    return v;
}

void config_put(struct yaml_node *map, const char *key, const struct yaml_node *value)
{
    if (!value)
        return;
    for (size_t i = 0; i < map->n; i++) {
        if (strcmp(map->pairs[i].key, key) == 0) {
            map->pairs[i].value = (struct yaml_node *)value;
            return;
        }
    }
    map->pairs[map->n++] = (struct yaml_pair){.key = key, .value = (struct yaml_node *)value};
}

void config_put_text(struct config_run *g, struct yaml_node *map, const char *key, const char *text)
{
    if (text)
        config_put(map, key, config_node(g, YAML_STRING, text));
}

void config_put_true(struct config_run *g, struct yaml_node *map, const char *key, bool yes)
{
    if (yes)
        config_put(map, key, config_node(g, YAML_BOOL, "true"));
}

void config_push(struct yaml_node *list, const struct yaml_node *item)
{
    list->items[list->n++] = (struct yaml_node *)item;
}

const struct yaml_node *config_strings(struct config_run *g, const struct strv *l)
{
    struct yaml_node *list = config_list(g, l->n);

    for (size_t i = 0; i < l->n; i++)
        config_push(list, config_node(g, YAML_STRING, l->v[i]));
    return list;
}

const struct yaml_node *config_members(struct config_run *g, const struct yaml_node *v,
                                       const struct config_rule *rules, size_t n)
{
    if (v->kind != YAML_MAP)
        return v;
    struct yaml_node *map = config_map(g, v->n + n);

    for (size_t i = 0; i < v->n; i++) {
        const struct yaml_pair *p = &v->pairs[i];
        const struct yaml_node *value = p->value;

        for (size_t k = 0; k < n; k++)
            if (strcmp(rules[k].key, p->key) == 0 && value->kind != YAML_NULL)
                value = rules[k].rewrite ? rules[k].rewrite(g, value) : NULL;
        config_put(map, p->key, value);
    }
    return map;
}

/* ---- values ---- */

const struct yaml_node *config_bytes(struct config_run *g, const struct yaml_node *v)
{
    int64_t n;

    if (!v->text || parse_bytes(v->text, &n) < 0)
        return v;
    return config_node(g, YAML_STRING, arena_printf(g->c.arena, "%lld", (long long)n));
}

const struct yaml_node *config_text(struct config_run *g, const struct yaml_node *v)
{
    return v->text ? config_node(g, YAML_STRING, v->text) : v;
}

/* As Go prints durations: 1m30s, 500ms, 2h0m0s. */
const struct yaml_node *config_duration(struct config_run *g, const struct yaml_node *v)
{
    struct arena *a = g->c.arena;
    int64_t ns;

    if (!v->text || parse_duration_ns(v->text, &ns) < 0)
        return v;
    const struct {
        int64_t unit;
        const char *name;
    } small[] = {{1000000, "ms"}, {1000, "µs"}, {1, "ns"}};

    for (size_t i = 0; ns > 0 && ns < 1000000000 && i < ARRAY_LEN(small); i++)
        if (ns >= small[i].unit)
            return config_node(
                g, YAML_STRING,
                arena_printf(a, "%.9g%s", (double)ns / (double)small[i].unit, small[i].name));
    int64_t s = ns / 1000000000, rest = ns % 1000000000;
    const char *seconds = arena_printf(a, "%.9g", (double)(s % 60) + (double)rest / 1e9);
    const char *text = s >= 3600 ? arena_printf(a, "%lldh%lldm%ss", (long long)(s / 3600),
                                                (long long)(s / 60 % 60), seconds)
                       : s >= 60 ? arena_printf(a, "%lldm%ss", (long long)(s / 60), seconds)
                                 : arena_printf(a, "%ss", seconds);

    return config_node(g, YAML_STRING, text);
}

const struct yaml_node *config_path(struct config_run *g, const struct yaml_node *v)
{
    return v->text ? config_node(g, YAML_STRING, decode_path(&g->c, v, v->text)) : v;
}

/* A label without a value is empty. */
const struct yaml_node *config_labels(struct config_run *g, const struct yaml_node *v)
{
    const struct yaml_node *all = config_pairs(g, v);

    for (size_t i = 0; all->kind == YAML_MAP && i < all->n; i++)
        if (all->pairs[i].value->kind == YAML_NULL)
            all->pairs[i].value = config_node(g, YAML_STRING, "");
    return all;
}

/* Texts whatever they look like: 5 is "5". */
const struct yaml_node *config_pairs(struct config_run *g, const struct yaml_node *v)
{
    v = compose_pairs(&g->fill, v);
    if (v->kind != YAML_MAP)
        return v;
    struct yaml_node *map = config_map(g, v->n);

    for (size_t i = 0; i < v->n; i++)
        config_put(map, v->pairs[i].key,
                   v->pairs[i].value->kind == YAML_NULL ? v->pairs[i].value
                                                        : config_text(g, v->pairs[i].value));
    return map;
}

const struct yaml_node *config_texts(struct config_run *g, const struct yaml_node *v)
{
    v = compose_texts(&g->fill, v);
    if (v->kind != YAML_LIST)
        return v;
    struct yaml_node *list = config_list(g, v->n);

    for (size_t i = 0; i < v->n; i++)
        config_push(list, config_text(g, v->items[i]));
    return list;
}

const struct yaml_node *config_hosts(struct config_run *g, const struct yaml_node *v)
{
    return compose_hosts(&g->fill, v);
}

const struct yaml_node *config_words(struct config_run *g, const struct yaml_node *v)
{
    struct command argv = {0};

    form_command.decode(&g->c, field_find(&fields_service, "command"), v, &argv);
    return argv.set ? config_strings(g, &argv.argv) : v;
}

/* A list of names, or a mapping: a mapping. */
const struct yaml_node *config_names(struct config_run *g, const struct yaml_node *v,
                                     const struct yaml_node *(*one)(struct config_run *g,
                                                                    const struct yaml_node *v))
{
    struct yaml_node *map = config_map(g, v->n);

    for (size_t i = 0; i < v->n; i++) {
        const char *key = v->kind == YAML_MAP ? v->pairs[i].key : v->items[i]->text;

        config_put(map, key, one(g, v->kind == YAML_MAP ? v->pairs[i].value : NULL));
    }
    return map;
}
