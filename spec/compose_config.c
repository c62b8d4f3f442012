/* compose_config.c: an app as one Compose file that needs no other.
 *
 * In: a decoded document, with the tree that it was decoded from. Out: a tree in Compose's own long forms. How a value is read is asked of the same forms that decode it,
 * so what is printed is what was understood. It complains about nothing: what is wrong was told when the document was decoded. */
#include "spec/compose_config.h"

#include "spec/base/arena.h"
#include "spec/compose_config_parts.h"
#include "spec/decode.h"
#include "spec/defaults.h"
#include "spec/desired.h"
#include "spec/forms.h"

/* ---- the document ---- */

static const struct yaml_node *pairs_of(struct config_run *g, const struct kvs *l)
{
    struct yaml_node *map = config_map(g, l->n);

    for (size_t i = 0; i < l->n; i++)
        config_put_text(g, map, l->v[i].key, l->v[i].value);
    return map;
}

static const struct service *service_of(const struct app *app, const char *name)
{
    for (size_t i = 0; i < app->n_services; i++)
        if (strcmp(app->services[i].name, name) == 0)
            return &app->services[i];
    return NULL;
}

/* Its places, from wherever the file is read. */
static const struct yaml_node *source(struct config_run *g, const struct yaml_node *v)
{
    static const struct config_rule rules[] = {{"bundle", config_path}, {"path", config_path}};

    return config_members(g, v, rules, yaml_get(v, "bundle") ? 1 : 2);
}

/* Keys that Compose does not have stand under x-evenkeel. */
/* What an `app:` document's service has without saying so, and a Compose file's has not. */
static void say_defaults(struct config_run *g, const struct service *s, struct yaml_node *map,
                         struct yaml_node *own)
{
    static const struct settings none;
    const struct yaml_node *was = yaml_get(own, "security");
    struct yaml_node *security = config_map(g, (was ? was->n : 0) + 1);
    struct service whole;

    defaults_apply(&none, s, false, g->c.arena, &whole);
    for (size_t i = 0; was && was->kind == YAML_MAP && i < was->n; i++)
        config_put(security, was->pairs[i].key, was->pairs[i].value);
    if (s->profile == PROFILE_UNSET) {
        config_put_text(g, security, "profile", "hardened");
        config_put(own, "security", security);
    }
    if (!s->mem_limit.set)
        config_put_text(g, map, "mem_limit",
                        arena_printf(g->c.arena, "%lld",
                                     whole.mem_limit.set ? (long long)whole.mem_limit.v : 0LL));
    if (!s->nano_cpus.set)
        config_put(
            map, "cpus",
            config_node(g, YAML_FLOAT,
                        arena_printf(g->c.arena, "%g",
                                     whole.nano_cpus.set ? (double)whole.nano_cpus.v / 1e9 : 0.0)));
    if (!s->pids_limit.set)
        config_put(
            map, "pids_limit",
            config_node(g, YAML_INT,
                        arena_printf(g->c.arena, "%lld",
                                     whole.pids_limit.set ? (long long)whole.pids_limit.v : -1LL)));
}

static const struct yaml_node *service(struct config_run *g, const struct yaml_node *v,
                                       const struct service *s)
{
    struct yaml_node *map = config_map(g, v->n + 6), *own = config_map(g, v->n + 1);

    for (size_t i = 0; i < v->n; i++) {
        const char *key = v->pairs[i].key;
        const struct field *f = field_find(&fields_service, key);
        const struct yaml_node *value = v->pairs[i].value;

        if (f && f->platform)
            config_put(own, key, strcmp(key, "source") == 0 ? source(g, value) : value);
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
    if (s && s->defaults == DEFAULTS_APP)
        say_defaults(g, s, map, own);
    if (own->n > 0)
        config_put(map, "x-evenkeel", own);
    return map;
}

static const char *doubled(struct config_run *g, const char *text)
{
    CLEANUP(str_release) struct str out = STR_INIT;

    for (const char *s = text; *s; s++)
        str_add(&out, *s == '$' ? "$$" : (char[2]){*s, '\0'});
    return arena_strdup(g->c.arena, str_text(&out));
}

static const char *halved(struct config_run *g, const char *text)
{
    char *out = arena_strdup(g->c.arena, text), *to = out;

    for (const char *s = out; *s; s++) {
        *to++ = *s;
        if (s[0] == '$' && s[1] == '$')
            s++;
    }
    *to = '\0';
    return out;
}

/* A copy with every text rewritten that has a `$`. */
static const struct yaml_node *with_dollars(struct config_run *g, const struct yaml_node *v,
                                            const char *(*rewrite)(struct config_run *g,
                                                                   const char *text))
{
    struct yaml_node *copy = ARENA_NEW(g->c.arena, struct yaml_node);

    *copy = *v;
    if (v->kind == YAML_MAP) {
        copy->pairs = ARENA_ARRAY(g->c.arena, v->n + 1, struct yaml_pair);
        for (size_t i = 0; i < v->n; i++)
            copy->pairs[i] = (struct yaml_pair){
                .key = v->pairs[i].key,
                .value = (struct yaml_node *)with_dollars(g, v->pairs[i].value, rewrite)};
    } else if (v->kind == YAML_LIST) {
        copy->items = ARENA_ARRAY(g->c.arena, v->n + 1, struct yaml_node *);
        for (size_t i = 0; i < v->n; i++)
            copy->items[i] = (struct yaml_node *)with_dollars(g, v->items[i], rewrite);
    } else if (v->text && strchr(v->text, '$')) {
        copy->text = rewrite(g, v->text);
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

/* The secrets that a flat app names: each stands in the store. */
static struct yaml_node *flat_secrets(struct config_run *g, const struct yaml_node *flat)
{
    const struct yaml_node *uses = yaml_get(flat, "secrets");
    size_t n = uses && uses->kind == YAML_LIST ? uses->n : 0;
    struct yaml_node *all = config_map(g, n);

    for (size_t i = 0; i < n; i++) {
        const struct yaml_node *one = uses->items[i],
                               *name = one->kind == YAML_MAP ? yaml_get(one, "source") : one;
        struct yaml_node *entry = config_map(g, 1);

        if (!name || !name->text || yaml_get(all, name->text))
            continue;
        config_put_true(g, entry, "external", true);
        config_put(all, name->text, entry);
    }
    return all;
}

/* An `app:` document as a Compose file: a flat one has the service "app", the app's own keys go under x-evenkeel. */
static const struct yaml_node *as_compose(struct config_run *g, const struct document *d)
{
    /* Two dollars are one there, too; in a Compose file's tree they are one already. */
    const struct yaml_node *v = with_dollars(g, d->tree, halved);
    struct yaml_node *top = config_map(g, v->n + 3), *own = config_map(g, v->n);
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
        config_put(top, "secrets", flat_secrets(g, flat));
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
    /* Of nodes that bear no file of their own; complaints, which nobody hears, want lines. */
    (void)yaml_parse("", "{}", 2, a, silent, &g->file);
    g->file.dir = dir;
    g->c = (struct decode_ctx){.arena = a,
                               .diags = silent,
                               .file = &g->file,
                               .dir = dir,
                               .compose = true,
                               .plain_dollars = true,
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
    return with_dollars(g, top, doubled);
}
