/* compose_merge.c: one Compose file over another, as trees.
 *
 * In: two trees with their variables filled in. Out: a third that shares their nodes. The rules are one table of paths; whatever it does not name follows from what kind
 * of value it is. It knows no service and no network, and it complains only where a list meets a mapping. */
#include "spec/compose_merge.h"

#include "spec/base/arena.h"
#include "spec/compose_list.h"

enum rule {
    RULE_KIND = 0, /* by the kinds of both */
    RULE_REPLACE,
    RULE_PAIRS,   /* KEY=VALUE, or a mapping */
    RULE_HOSTS,   /* HOST:ADDRESS, or a mapping; a host may have several */
    RULE_LIST,    /* a text or a list; one entry per key */
    RULE_BUILD,   /* a folder, or a mapping */
    RULE_LOGGING, /* options are a driver's */
    RULE_ULIMIT,  /* a number, or a mapping */
};

struct row {
    const char *path;
    enum rule rule;
    compose_key_fn *key; /* RULE_LIST */
};

// clang-format off
#define S "services.*."
static const struct row rows[] = {
    {"networks.*.ipam.config", RULE_LIST, compose_key_subnet},
    {"networks.*.labels", RULE_PAIRS, NULL},
    {S "annotations", RULE_PAIRS, NULL},
    {S "build", RULE_BUILD, NULL},
    {S "build.additional_contexts", RULE_PAIRS, NULL},
    {S "build.args", RULE_PAIRS, NULL},
    {S "build.extra_hosts", RULE_HOSTS, NULL},
    {S "build.labels", RULE_PAIRS, NULL},
    {S "cap_add", RULE_LIST, compose_key_text},
    {S "cap_drop", RULE_LIST, compose_key_text},
    {S "command", RULE_REPLACE, NULL},
    {S "configs", RULE_LIST, compose_key_config},
    {S "depends_on", RULE_PAIRS, NULL},
    {S "deploy.labels", RULE_PAIRS, NULL},
    {S "devices", RULE_LIST, compose_key_device},
    {S "dns", RULE_LIST, compose_key_text},
    {S "dns_opt", RULE_LIST, compose_key_text},
    {S "dns_search", RULE_LIST, compose_key_text},
    {S "entrypoint", RULE_REPLACE, NULL},
    {S "env_file", RULE_LIST, compose_key_path},
    {S "environment", RULE_PAIRS, NULL},
    {S "expose", RULE_LIST, compose_key_text},
    {S "extra_hosts", RULE_HOSTS, NULL},
    {S "group_add", RULE_LIST, compose_key_text},
    {S "healthcheck.test", RULE_REPLACE, NULL},
    {S "label_file", RULE_LIST, compose_key_text},
    {S "labels", RULE_PAIRS, NULL},
    {S "links", RULE_LIST, compose_key_text},
    {S "logging", RULE_LOGGING, NULL},
    {S "networks", RULE_PAIRS, NULL},
    {S "networks.*.aliases", RULE_LIST, compose_key_text},
    {S "ports", RULE_LIST, compose_key_port},
    {S "profiles", RULE_LIST, compose_key_text},
    {S "secrets", RULE_LIST, compose_key_secret},
    {S "security_opt", RULE_LIST, compose_key_text},
    {S "sysctls", RULE_PAIRS, NULL},
    {S "tmpfs", RULE_LIST, compose_key_text},
    {S "ulimits.*", RULE_ULIMIT, NULL},
    {S "volumes", RULE_LIST, compose_key_volume},
    {S "x-evenkeel.route", RULE_REPLACE, NULL},
    {"volumes.*.labels", RULE_PAIRS, NULL},
};
#undef S
// clang-format on

/* Where in the document a merge has come to. */
struct trail {
    const struct trail *up;
    const char *key;
};

static const struct yaml_node *merge(struct compose_fill *f, const struct trail *t,
                                     const struct yaml_node *base, const struct yaml_node *over);

/* Does the path end where t is? Compared from its last word back. */
static bool path_fits(const char *path, const struct trail *t)
{
    const char *end = path + strlen(path);

    for (; t; t = t->up) {
        const char *word = end;

        if (end < path)
            return false;
        while (word > path && word[-1] != '.')
            word--;
        size_t n = (size_t)(end - word);

        if (!(n == 1 && *word == '*') && (strlen(t->key) != n || strncmp(t->key, word, n) != 0))
            return false;
        end = word - 1;
    }
    return end < path;
}

static const struct row *row_for(const struct trail *t)
{
    static const struct row by_kind = {"", RULE_KIND, NULL};

    for (size_t i = 0; t && i < ARRAY_LEN(rows); i++)
        if (path_fits(rows[i].path, t))
            return &rows[i];
    return &by_kind;
}

/* ---- trees ---- */

struct yaml_node *compose_map_like(struct compose_fill *f, const struct yaml_node *v, size_t n)
{
    struct yaml_node *map = ARENA_NEW(f->c->arena, struct yaml_node);

    (void)compose_room(f, v, n, 0);
    *map = *v;
    map->kind = YAML_MAP;
    map->text = NULL;
    map->pairs = ARENA_ARRAY(f->c->arena, n, struct yaml_pair);
    map->n = 0;
    return map;
}

const struct yaml_node *compose_without(struct compose_fill *f, const struct yaml_node *map,
                                        const char *key)
{
    struct yaml_node *copy = compose_map_like(f, map, map->n);

    for (size_t i = 0; i < map->n; i++)
        if (strcmp(map->pairs[i].key, key) != 0)
            copy->pairs[copy->n++] = map->pairs[i];
    return copy;
}

const struct yaml_node *compose_with(struct compose_fill *f, const struct yaml_node *map,
                                     const char *key, const struct yaml_node *value)
{
    struct yaml_node *copy = compose_map_like(f, map, map->n + 1);
    bool found = false;

    for (size_t i = 0; i < map->n; i++) {
        copy->pairs[copy->n] = map->pairs[i];
        if (strcmp(map->pairs[i].key, key) == 0) {
            copy->pairs[copy->n].value = (struct yaml_node *)value;
            found = true;
        }
        copy->n++;
    }
    if (!found)
        copy->pairs[copy->n++] =
            (struct yaml_pair){key, value->line, value->column, (struct yaml_node *)value};
    return copy;
}

static bool has_tag(const struct yaml_node *v, const char *tag)
{
    return v->tag && strcmp(v->tag, tag) == 0;
}

static bool has_tags(const struct yaml_node *v)
{
    bool has = v->tag != NULL;

    for (size_t i = 0; !has && i < v->n; i++)
        has = has_tags(v->kind == YAML_MAP ? v->pairs[i].value : v->items[i]);
    return has;
}

const struct yaml_node *compose_strip(struct compose_fill *f, const struct yaml_node *v)
{
    struct yaml_node *copy;

    if (!has_tags(v))
        return v;
    copy = ARENA_NEW(f->c->arena, struct yaml_node);
    *copy = *v;
    copy->tag = NULL;
    copy->n = 0;
    if (v->kind == YAML_MAP)
        copy->pairs = ARENA_ARRAY(f->c->arena, v->n, struct yaml_pair);
    else if (v->kind == YAML_LIST)
        copy->items = ARENA_ARRAY(f->c->arena, v->n, struct yaml_node *);
    for (size_t i = 0; i < v->n; i++) {
        const struct yaml_node *x = v->kind == YAML_MAP ? v->pairs[i].value : v->items[i];

        if (has_tag(x, "!reset"))
            continue;
        if (v->kind == YAML_MAP) {
            copy->pairs[copy->n] = v->pairs[i];
            copy->pairs[copy->n++].value = (struct yaml_node *)compose_strip(f, x);
        } else {
            copy->items[copy->n++] = (struct yaml_node *)compose_strip(f, x);
        }
    }
    return copy;
}

/* ---- mappings ---- */

struct key_at {
    const char *key;
    size_t at;
};

static int cmp_key(const void *a, const void *b)
{
    return strcmp(((const struct key_at *)a)->key, ((const struct key_at *)b)->key);
}

/* The user's own extension fields mean nothing to us, so the last one stands whole. */
static bool is_extension(const char *key)
{
    return strncmp(key, "x-", 2) == 0 && strcmp(key, "x-evenkeel") != 0;
}

static void merge_pair(struct compose_fill *f, const struct trail *t, struct yaml_pair *base,
                       const struct yaml_pair *over)
{
    const struct trail here = {t, over->key};
    const struct yaml_node *value;

    if (is_extension(over->key)) {
        *base = *over;
        return;
    }
    decode_enter(f->c, over->key);
    value = merge(f, &here, base->value, over->value);
    decode_leave(f->c);
    /* A key stays with its value, so that both name one file. */
    if (value == over->value || value->file != base->value->file)
        *base = *over;
    base->value = (struct yaml_node *)value;
}

static const struct yaml_node *merge_maps(struct compose_fill *f, const struct trail *t,
                                          const struct yaml_node *base,
                                          const struct yaml_node *over)
{
    struct yaml_node *map = compose_map_like(f, base, base->n + over->n);
    struct key_at *keys = ARENA_ARRAY(f->c->arena, base->n, struct key_at);

    map->tag = over->tag;
    for (size_t i = 0; i < base->n; i++) {
        map->pairs[map->n++] = base->pairs[i];
        keys[i] = (struct key_at){base->pairs[i].key, i};
    }
    if (base->n > 1)
        qsort(keys, base->n, sizeof(keys[0]), cmp_key);
    for (size_t i = 0; i < over->n; i++) {
        const struct key_at want = {over->pairs[i].key, 0};
        const struct key_at *found =
            base->n ? bsearch(&want, keys, base->n, sizeof(want), cmp_key) : NULL;

        if (found)
            merge_pair(f, t, &map->pairs[found->at], &over->pairs[i]);
        else
            map->pairs[map->n++] = over->pairs[i];
    }
    return map;
}

/* ---- special cases ---- */

/* `build: ./x` is short for `build: {context: ./x}`. */
static const struct yaml_node *build_map(struct compose_fill *f, const struct yaml_node *v)
{
    if (!v->text)
        return v;
    struct yaml_node *map = compose_map_like(f, v, 1);

    map->pairs[map->n++] = (struct yaml_pair){"context", v->line, v->column, (struct yaml_node *)v};
    return map;
}

static bool same_driver(const struct yaml_node *base, const struct yaml_node *over)
{
    const struct yaml_node *x = yaml_get(base, "driver"), *y = yaml_get(over, "driver");

    return !x || !y || !x->text || !y->text || strcmp(x->text, y->text) == 0;
}

static const struct yaml_node *merge_kinds(struct compose_fill *f, const struct trail *t,
                                           compose_key_fn *key, const struct yaml_node *base,
                                           const struct yaml_node *over)
{
    if (base->kind == YAML_MAP && over->kind == YAML_MAP)
        return merge_maps(f, t, base, over);
    if (base->kind == YAML_LIST && over->kind == YAML_LIST)
        return compose_append(f, base, over, key);
    if ((base->text != NULL) == (over->text != NULL) && base->text)
        return over;
    if (over->broken)
        return over;
    const struct place was = decode_place(f->c, base);

    decode_error(f->c, over,
                 arena_printf(f->c->arena,
                              "or write !override before it, to replace what %s:%d has", was.file,
                              was.line),
                 "must be %s like the value it is merged with, not %s", yaml_kind_name(base->kind),
                 yaml_kind_name(over->kind));
    struct yaml_node *broken = ARENA_NEW(f->c->arena, struct yaml_node);

    *broken = *over;
    broken->broken = true;
    return broken;
}

static const struct yaml_node *merge(struct compose_fill *f, const struct trail *t,
                                     const struct yaml_node *base, const struct yaml_node *over)
{
    const struct row *row = row_for(t);

    if (over->tag || base->kind == YAML_NULL || has_tag(base, "!reset"))
        return over;
    if (over->kind == YAML_NULL)
        return base;
    switch (row->rule) {
    case RULE_KIND: break;
    case RULE_REPLACE: return over;
    case RULE_PAIRS:
        base = compose_pairs(f, base);
        over = compose_pairs(f, over);
        break;
    case RULE_HOSTS:
        base = compose_hosts(f, base);
        over = compose_hosts(f, over);
        return merge_kinds(f, t, compose_key_text, base, over);
    case RULE_LIST:
        base = compose_texts(f, base);
        over = compose_texts(f, over);
        break;
    case RULE_BUILD:
        base = build_map(f, base);
        over = build_map(f, over);
        break;
    case RULE_LOGGING:
        if (!same_driver(base, over))
            return over;
        break;
    case RULE_ULIMIT:
        if (base->kind != YAML_MAP || over->kind != YAML_MAP)
            return over;
        break;
    }
    return merge_kinds(f, t, row->key, base, over);
}

const struct yaml_node *compose_merge(struct compose_fill *f, const struct yaml_node *base,
                                      const struct yaml_node *over)
{
    return merge(f, NULL, base, over);
}

const struct yaml_node *compose_merge_service(struct compose_fill *f, const char *name,
                                              const struct yaml_node *base,
                                              const struct yaml_node *over)
{
    const struct trail services = {NULL, "services"}, here = {&services, name};
    struct yaml_node *ret = ARENA_NEW(f->c->arena, struct yaml_node);

    *ret = *merge(f, &here, base, over);
    ret->line = over->line;
    ret->column = over->column;
    ret->file = over->file;
    ret->tag = over->tag;
    return ret;
}
