/* compose_list.c: lists of Compose that are more than lists.
 *
 * In: nodes as they were written. Out: the same said in one way, so that two of them can be merged by name, and the keys by which entries replace each other. Keys are
 * texts that are looked at and thrown away: whether an entry means anything is decided when it is decoded. */
#include "spec/compose_list.h"

#include "spec/base/arena.h"

static struct yaml_node *node_like(struct arena *a, const struct yaml_node *at, enum yaml_kind kind)
{
    struct yaml_node *n = ARENA_NEW(a, struct yaml_node);

    *n = (struct yaml_node){
        .kind = kind, .line = at->line, .column = at->column, .tag = at->tag, .file = at->file};
    return n;
}

/* ---- one way to write it ---- */

static size_t pair_index(const struct yaml_node *map, const char *key)
{
    size_t i = 0;

    while (i < map->n && strcmp(map->pairs[i].key, key) != 0)
        i++;
    return i;
}

const struct yaml_node *compose_pairs(struct compose_fill *f, const struct yaml_node *v)
{
    struct arena *a = f->c->arena;

    if (v->kind != YAML_LIST)
        return v;
    struct yaml_node *map = node_like(a, v, YAML_MAP);

    map->pairs = ARENA_ARRAY(a, v->n, struct yaml_pair);
    for (size_t i = 0; i < v->n; i++) {
        const struct yaml_node *item = v->items[i];
        const char *sign = item->text ? strchr(item->text, '=') : NULL;

        if (item->broken)
            continue;
        if (!item->text || sign == item->text || !*item->text)
            return v; /* the decoder says what is wrong with it */
        struct yaml_node *value = node_like(a, item, sign ? YAML_STRING : YAML_NULL);
        const char *key =
            sign ? arena_strndup(a, item->text, (size_t)(sign - item->text)) : item->text;
        size_t at = pair_index(map, key);

        value->text = sign ? sign + 1 : "";
        map->pairs[at] = (struct yaml_pair){key, item->line, item->column, value};
        map->n += at == map->n;
    }
    return map;
}

static void push_host(struct arena *a, const struct yaml_node *at, const char *host,
                      const char *address, struct yaml_node *list, size_t *cap)
{
    struct yaml_node *item = node_like(a, at, YAML_STRING);

    item->tag = NULL;
    item->text = arena_printf(a, "%s=%s", host, address);
    list->items = arena_grow(a, list->items, list->n, cap, sizeof(list->items[0]));
    list->items[list->n++] = item;
}

const struct yaml_node *compose_hosts(struct compose_fill *f, const struct yaml_node *v)
{
    struct arena *a = f->c->arena;
    struct yaml_node *list = node_like(a, v, YAML_LIST);
    size_t cap = 0;

    if (v->kind != YAML_LIST && v->kind != YAML_MAP)
        return v;
    for (size_t i = 0; i < v->n; i++) {
        const struct yaml_node *item = v->kind == YAML_LIST ? v->items[i] : v->pairs[i].value;
        const char *text = item->text;
        size_t n = text ? strcspn(text, "=") : 0;

        if (v->kind == YAML_LIST && text) {
            n = text[n] ? n : strcspn(text, ":");
            if (!text[n])
                return v;
            push_host(a, item, arena_strndup(a, text, n), text + n + 1, list, &cap);
        } else if (v->kind == YAML_MAP && text) {
            push_host(a, item, v->pairs[i].key, text, list, &cap);
        } else if (v->kind == YAML_MAP && item->kind == YAML_LIST) {
            for (size_t k = 0; k < item->n; k++) {
                if (!item->items[k]->text)
                    return v;
                push_host(a, item->items[k], v->pairs[i].key, item->items[k]->text, list, &cap);
            }
        } else {
            return v;
        }
    }
    return list;
}

const struct yaml_node *compose_texts(struct compose_fill *f, const struct yaml_node *v)
{
    struct arena *a = f->c->arena;

    if (!v->text || v->kind == YAML_NULL)
        return v;
    struct yaml_node *list = node_like(a, v, YAML_LIST), *item = node_like(a, v, v->kind);

    item->tag = NULL;
    item->text = v->text;
    list->items = ARENA_NEW(a, struct yaml_node *);
    list->items[0] = item;
    list->n = 1;
    return list;
}

/* ---- keys ---- */

static const char *member(const struct yaml_node *item, const char *key)
{
    const struct yaml_node *v = yaml_get(item, key);

    return v && v->text && *v->text ? v->text : NULL;
}

/* /data/ and /data are one place. */
static const char *trimmed(struct arena *a, const char *path)
{
    size_t n = path ? strlen(path) : 0;

    while (n > 1 && path[n - 1] == '/')
        n--;
    return path ? arena_strndup(a, path, n) : NULL;
}

const char *compose_key_text(struct arena *a, const struct yaml_node *item)
{
    (void)a;
    return item->text;
}

const char *compose_key_volume(struct arena *a, const struct yaml_node *item)
{
    const char *colon = item->text ? strchr(item->text, ':') : NULL;

    if (item->kind == YAML_MAP)
        return trimmed(a, member(item, "target"));
    if (!item->text || !colon)
        return trimmed(a, item->text);
    return trimmed(a, arena_strndup(a, colon + 1, strcspn(colon + 1, ":")));
}

static const char *placed(struct arena *a, const struct yaml_node *item, const char *folder)
{
    const char *path = item->text;

    if (item->kind == YAML_MAP)
        path = member(item, "target") ? member(item, "target") : member(item, "source");
    return !path || *path == '/' ? path : arena_printf(a, "%s/%s", folder, path);
}

const char *compose_key_secret(struct arena *a, const struct yaml_node *item)
{
    return placed(a, item, "/run/secrets");
}

const char *compose_key_config(struct arena *a, const struct yaml_node *item)
{
    return placed(a, item, "");
}

static const char *port_key(struct arena *a, const char *ip, const char *published,
                            const char *target, const char *protocol)
{
    if (ip && strcmp(ip, "0.0.0.0") == 0)
        ip = NULL;
    return arena_printf(a, "%s %s %s/%s", ip ? ip : "", published ? published : "", target,
                        protocol ? protocol : "tcp");
}

/* [[IP:][PUBLISHED]:]TARGET[/PROTOCOL]; an IPv6 address stands in brackets. */
const char *compose_key_port(struct arena *a, const struct yaml_node *item)
{
    const char *ip = NULL, *published = NULL, *protocol = NULL;

    if (item->kind == YAML_MAP)
        return member(item, "target")
                   ? port_key(a, member(item, "host_ip"), member(item, "published"),
                              member(item, "target"), member(item, "protocol"))
                   : NULL;
    if (!item->text)
        return NULL;
    char *rest = arena_strdup(a, item->text), *slash = strchr(rest, '/');

    if (slash) {
        *slash = '\0';
        protocol = slash + 1;
    }
    char *colon = strrchr(rest, ':');
    const char *target = colon ? colon + 1 : rest;

    if (colon) {
        *colon = '\0';
        colon = strrchr(rest, ':');
        published = colon ? colon + 1 : rest;
        if (colon)
            *colon = '\0';
        ip = colon ? rest : NULL;
    }
    if (ip && *ip == '[' && strlen(ip) > 2)
        ip = arena_strndup(a, ip + 1, strlen(ip) - 2);
    return port_key(a, ip, published, target, protocol);
}

const char *compose_key_device(struct arena *a, const struct yaml_node *item)
{
    const char *colon = item->text ? strchr(item->text, ':') : NULL;

    if (item->kind == YAML_MAP)
        return member(item, "target") ? member(item, "target") : member(item, "source");
    if (colon && colon[1] == '/')
        return arena_strndup(a, colon + 1, strcspn(colon + 1, ":"));
    return colon ? arena_strndup(a, item->text, (size_t)(colon - item->text)) : item->text;
}

const char *compose_key_path(struct arena *a, const struct yaml_node *item)
{
    (void)a;
    return item->kind == YAML_MAP ? member(item, "path") : item->text;
}

const char *compose_key_subnet(struct arena *a, const struct yaml_node *item)
{
    (void)a;
    return member(item, "subnet");
}

/* ---- one after the other ---- */

struct keyed {
    const char *key;
    size_t at;
};

static int cmp_keyed(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    int order = strcmp(x->key, y->key);

    return order ? order : (x->at > y->at) - (x->at < y->at);
}

/* Of entries with one key the last stands, where the first stood. Sorted, because a stranger chooses the keys. */
static void drop_repeated(struct arena *a, struct yaml_node *list, compose_key_fn *key)
{
    struct keyed *k = ARENA_ARRAY(a, list->n, struct keyed);
    size_t n = 0, kept = 0;

    for (size_t i = 0; i < list->n; i++) {
        const char *text = key(a, list->items[i]);

        if (text)
            k[n++] = (struct keyed){text, i};
    }
    if (n > 1)
        qsort(k, n, sizeof(k[0]), cmp_keyed);
    for (size_t i = 1, first = 0; i < n; i++) {
        if (strcmp(k[first].key, k[i].key) != 0) {
            first = i;
            continue;
        }
        list->items[k[first].at] = list->items[k[i].at];
        list->items[k[i].at] = NULL;
    }
    for (size_t i = 0; i < list->n; i++)
        if (list->items[i])
            list->items[kept++] = list->items[i];
    list->n = kept;
}

const struct yaml_node *compose_append(struct compose_fill *f, const struct yaml_node *base,
                                       const struct yaml_node *over, compose_key_fn *key)
{
    struct arena *a = f->c->arena;
    struct yaml_node *list = node_like(a, base, YAML_LIST);

    (void)compose_room(f, over, base->n + over->n, 0);
    list->tag = over->tag;
    list->items = ARENA_ARRAY(a, base->n + over->n, struct yaml_node *);
    for (size_t i = 0; i < base->n; i++)
        list->items[list->n++] = base->items[i];
    for (size_t i = 0; i < over->n; i++)
        list->items[list->n++] = over->items[i];
    if (key && list->n > 1)
        drop_repeated(a, list, key);
    return list;
}
