/* compose_config.c: an app as one Compose file that needs no other.
 *
 * In: a decoded document, with the tree that it was decoded from. Out: a tree in Compose's own long forms. How a value is read is asked of the same forms that decode it,
 * so what is printed is what was understood. It complains about nothing: what is wrong was told when the document was decoded. */
#include "spec/compose_config.h"

#include "spec/base/arena.h"
#include "spec/compose_config_parts.h"
#include "spec/compose_list.h"
#include "spec/decode.h"
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

static const struct yaml_node *pairs_of(struct config_run *g, const struct kvs *l)
{
    struct yaml_node *map = config_map(g, l->n);

    for (size_t i = 0; i < l->n; i++)
        config_put_text(g, map, l->v[i].key, l->v[i].value);
    return map;
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

/* ---- the document ---- */

static const struct service *service_of(const struct app *app, const char *name)
{
    for (size_t i = 0; i < app->n_services; i++)
        if (strcmp(app->services[i].name, name) == 0)
            return &app->services[i];
    return NULL;
}

/* Keys that Compose does not have stand under x-evenkeel. */
static const struct yaml_node *service(struct config_run *g, const struct yaml_node *v,
                                       const struct service *s)
{
    struct yaml_node *map = config_map(g, v->n + 3), *own = config_map(g, v->n);

    for (size_t i = 0; i < v->n; i++) {
        const char *key = v->pairs[i].key;
        const struct field *f = field_find(&fields_service, key);
        const struct yaml_node *value = v->pairs[i].value;

        if (f && f->platform)
            config_put(own, key, value);
        else if (value->kind != YAML_NULL && strcmp(key, "env_file") != 0)
            config_put(map, key, config_service_value(g, key, value));
        else if (strcmp(key, "x-evenkeel") != 0 && strcmp(key, "env_file") != 0)
            config_put(map, key, value);
    }
    if (s && s->environment.n + s->environment_inherit.n > 0) {
        struct kvs env = {0};

        for (size_t i = 0; i < s->environment.n; i++)
            kvs_set(g->c.arena, &env, s->environment.v[i].key, s->environment.v[i].value);
        struct yaml_node *all = config_map(g, env.n + s->environment_inherit.n);

        *all = *pairs_of(g, &env);
        config_put(map, "environment", all);
    }
    config_implied(g, map);
    if (own->n > 0)
        config_put(map, "x-evenkeel", own);
    return map;
}

static const struct yaml_node *doubled(struct config_run *g, const struct yaml_node *v)
{
    struct yaml_node *copy = ARENA_NEW(g->c.arena, struct yaml_node);

    *copy = *v;
    if (v->kind == YAML_MAP) {
        copy->pairs = ARENA_ARRAY(g->c.arena, v->n + 1, struct yaml_pair);
        for (size_t i = 0; i < v->n; i++)
            copy->pairs[i] = (struct yaml_pair){
                .key = v->pairs[i].key, .value = (struct yaml_node *)doubled(g, v->pairs[i].value)};
    } else if (v->kind == YAML_LIST) {
        copy->items = ARENA_ARRAY(g->c.arena, v->n + 1, struct yaml_node *);
        for (size_t i = 0; i < v->n; i++)
            copy->items[i] = (struct yaml_node *)doubled(g, v->items[i]);
    } else if (v->text && strchr(v->text, '$')) {
        CLEANUP(str_release) struct str text = STR_INIT;

        for (const char *s = v->text; *s; s++)
            str_add(&text, *s == '$' ? "$$" : (char[2]){*s, '\0'});
        copy->text = arena_strdup(g->c.arena, str_text(&text));
    }
    return copy;
}

/* What the engine's object is called. */
static const struct yaml_node *declared(struct config_run *g, const char *key,
                                        const struct yaml_node *v, bool named)
{
    static const struct config_rule rules[] = {
        {"driver_opts", config_pairs}, {"labels", config_labels}, {"file", config_path}};
    const struct yaml_node *was =
        v && v->kind == YAML_MAP ? config_members(g, v, rules, ARRAY_LEN(rules)) : config_map(g, 0);
    const struct yaml_node *external = yaml_get(was, "external");
    struct yaml_node *map = config_map(g, was->n + 1);

    for (size_t i = 0; i < was->n; i++)
        config_put(map, was->pairs[i].key, was->pairs[i].value);
    if (!yaml_get(map, "name") && named)
        config_put_text(g, map, "name",
                        external && external->text && strcmp(external->text, "true") == 0
                            ? key
                            : arena_printf(g->c.arena, "%s_%s", g->name, key));
    return map;
}

/* The entries of a section that some service uses, and those that nobody had to declare. */
static void section(struct config_run *g, const char *key, const struct strv *used,
                    struct yaml_node *to)
{
    const struct yaml_node *all = yaml_get(g->tree, key);
    struct yaml_node *map = config_map(g, used->n);

    for (size_t i = 0; i < used->n; i++)
        if (!yaml_get(map, used->v[i]))
            config_put(map, used->v[i],
                       declared(g, used->v[i], all ? yaml_get(all, used->v[i]) : NULL, true));
    if (map->n > 0)
        config_put(to, key, map);
}

static void mark(struct config_run *g, struct strv *used, const char *name)
{
    if (name && *name && !strv_has(used, name))
        strv_push(g->c.arena, used, name);
}

static void mark_sources(struct config_run *g, const struct yaml_node *v, const char *key,
                         struct strv *used)
{
    const struct yaml_node *list = yaml_get(v, key);

    for (size_t i = 0; list && list->kind == YAML_LIST && i < list->n; i++) {
        const struct yaml_node *source = yaml_get(list->items[i], "source"),
                               *type = yaml_get(list->items[i], "type");

        if (source && (!type || strcmp(type->text, "volume") == 0))
            mark(g, used, source->text);
    }
}

static void mark_used(struct config_run *g, const struct yaml_node *v, struct config_used *used)
{
    const struct yaml_node *networks = yaml_get(v, "networks"), *build = yaml_get(v, "build");

    for (size_t i = 0; networks && networks->kind == YAML_MAP && i < networks->n; i++)
        mark(g, &used->networks, networks->pairs[i].key);
    mark_sources(g, v, "volumes", &used->volumes);
    mark_sources(g, v, "secrets", &used->secrets);
    mark_sources(g, v, "configs", &used->configs);
    if (build)
        mark_sources(g, build, "secrets", &used->secrets);
}

static const struct yaml_node *with_default_network(struct config_run *g, const struct yaml_node *v)
{
    const struct yaml_node *networks = yaml_get(v, "networks");
    struct yaml_node *map = config_map(g, v->n + 1), *one = config_map(g, 1);

    if (yaml_get(v, "network_mode") || (networks && networks->n > 0))
        return v;
    for (size_t i = 0; i < v->n; i++)
        config_put(map, v->pairs[i].key, v->pairs[i].value);
    config_put(one, "default", config_node(g, YAML_NULL, NULL));
    config_put(map, "networks", one);
    return map;
}

static void services(struct config_run *g, const struct app *app, struct config_used *used,
                     struct yaml_node *to)
{
    const struct yaml_node *all = yaml_get(g->tree, "services");
    struct yaml_node *map = config_map(g, all ? all->n : 1);

    for (size_t i = 0; all && i < all->n; i++) {
        const char *name = all->pairs[i].key;
        const struct yaml_node *v =
            with_default_network(g, service(g, all->pairs[i].value, service_of(app, name)));

        mark_used(g, v, used);
        config_put(map, name, v);
    }
    config_put(to, "services", map);
}

static bool is_section(const char *key)
{
    static const char *const keys[] = {"configs",  "name",    "networks", "secrets",
                                       "services", "version", "volumes"};

    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return false;
}

/* An `app:` document as a Compose file: a flat one has the service "app", the app's own keys go under x-evenkeel. */
static const struct yaml_node *as_compose(struct config_run *g, const struct document *d)
{
    const struct yaml_node *v = d->tree;
    struct yaml_node *top = config_map(g, v->n + 2), *own = config_map(g, v->n);
    struct yaml_node *flat = config_map(g, v->n);

    for (size_t i = 0; i < v->n; i++) {
        const char *key = v->pairs[i].key;

        if (strcmp(key, "app") == 0)
            continue;
        if (field_find(&fields_compose_app, key))
            config_put(own, key, v->pairs[i].value);
        else if (d->app->flat && field_find(&fields_service, key))
            config_put(flat, key, v->pairs[i].value);
        else
            config_put(top, key, v->pairs[i].value);
    }
    if (d->app->flat) {
        struct yaml_node *one = config_map(g, 1), *volumes = config_map(g, d->app->n_volumes);

        for (size_t i = 0; i < d->app->n_volumes; i++)
            config_put(volumes, d->app->volumes[i].key, config_node(g, YAML_NULL, NULL));
        config_put(one, "app", flat);
        config_put(top, "services", one);
        config_put(top, "volumes", volumes);
    }
    if (own->n > 0)
        config_put(top, "x-evenkeel", own);
    return top;
}

const struct yaml_node *compose_config(const struct document *d, const char *dir, struct arena *a)
{
    struct config_run *g = ARENA_NEW(a, struct config_run);
    struct diag_list *silent = ARENA_NEW(a, struct diag_list);
    struct config_used used = {0};

    if (!d->app || !d->tree)
        return NULL;
    diag_init(silent, a);
    g->file = (struct yaml_file){.name = "", .dir = dir};
    g->c = (struct decode_ctx){.arena = a,
                               .diags = silent,
                               .file = &g->file,
                               .dir = dir,
                               .compose = true,
                               .plain_dollars = d->kind == DOC_COMPOSE,
                               .reads = &g->reads};
    g->fill.c = &g->c;
    g->name = d->app->name;
    g->tree = d->kind == DOC_COMPOSE ? d->tree : as_compose(g, d);
    struct yaml_node *top = config_map(g, g->tree->n + 6);

    config_put_text(g, top, "name", g->name);
    services(g, d->app, &used, top);
    section(g, "networks", &used.networks, top);
    section(g, "volumes", &used.volumes, top);
    section(g, "configs", &used.configs, top);
    section(g, "secrets", &used.secrets, top);
    for (size_t i = 0; i < g->tree->n; i++)
        if (!is_section(g->tree->pairs[i].key))
            config_put(top, g->tree->pairs[i].key, g->tree->pairs[i].value);
    return d->kind == DOC_COMPOSE ? doubled(g, top) : top;
}
