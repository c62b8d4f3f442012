/* yaml.c: bytes in, a tree of nodes with places out.
 *
 * libyaml's events are turned into nodes by recursive descent; the depth bound makes recursion safe and stops the
 * scanner before its cost, quadratic in the nesting, is felt. What YAML leaves to its user is decided here: types,
 * tags, anchors, merge keys, duplicates. Aliases share their node, but each use counts as if it were copied, so a
 * file that would explode when walked is refused while it is read.
 * Mistakes that leave the structure readable (duplicates, tags, aliases) are all collected; broken syntax and
 * bounds end the reading. Next door: events and complaints in yaml_events.c, kinds and tags in yaml_node.c.
 * It refuses complex keys, unknown tags, cycles, NUL, and whatever is over a bound of limits.h. */
#include "spec/yaml.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "spec/base/arena.h"
#include "spec/base/str.h"
#include "spec/limits.h"
#include "spec/yaml_events.h"
#include "spec/yaml_node.h"

struct anchor {
    const char *name;
    struct yaml_node *node;
    size_t nodes; /* in its tree, aliases expanded */
    int height;   /* levels below the node itself */
    bool open;    /* still being read: an alias to it would be a cycle */
};

struct key_ref {
    const char *key;
    size_t at; /* in the pairs of the map */
};

/* Items and pairs of all open collections lie on two stacks and move to arrays of their own when theirs closes. */
struct reader {
    struct yaml_events in;
    struct arena *arena;
    struct anchor *anchors;
    size_t n_anchors, cap_anchors;
    struct yaml_node **items;
    size_t n_items, cap_items;
    struct yaml_pair *pairs;
    size_t n_pairs, cap_pairs;
    struct key_ref *refs;
    size_t cap_refs;
    size_t nodes; /* aliases expanded */
    int deepest;
    struct yaml_node *broken; /* stands for what was already complained about */
};

static struct yaml_node *read_node(struct reader *r, int depth);

static struct place place_of(const struct reader *r, int line, int column)
{
    return (struct place){r->in.file.name, line, column};
}

/* ---- nodes ---- */

/* A new node for the current event, or NULL when a bound is reached and reading must end. */
static struct yaml_node *new_node(struct reader *r, enum yaml_kind kind, int depth)
{
    struct place at = yaml_events_here(&r->in);

    if (depth > LIMIT_YAML_DEPTH) {
        yaml_events_complain(&r->in, at, NULL, "nested more than %d deep", LIMIT_YAML_DEPTH);
        return NULL;
    }
    if (++r->nodes > LIMIT_YAML_NODES) {
        yaml_events_complain(&r->in, at, NULL, "more than %d values in one file", LIMIT_YAML_NODES);
        return NULL;
    }
    if (depth > r->deepest)
        r->deepest = depth;
    struct yaml_node *node = ARENA_NEW(r->arena, struct yaml_node);

    *node = (struct yaml_node){.kind = kind, .line = at.line, .column = at.column};
    return node;
}

static void set_tag(struct reader *r, struct yaml_node *node, const yaml_char_t *tag)
{
    if (!tag || yaml_node_set_tag(node, (const char *)tag) == 0)
        return;
    yaml_events_complain(
        &r->in, place_of(r, node->line, node->column),
        "only !reset, !override and YAML's own !!str, !!int and so on are known here",
        "the tag \"%s\" does not fit this value", (const char *)tag);
}

/* Remember that node has a name, if it has. Returns 0 with its slot (or SIZE_MAX), -1 when a bound is reached. */
static int open_anchor(struct reader *r, const yaml_char_t *name, struct yaml_node *node,
                       size_t *slot)
{
    *slot = SIZE_MAX;
    if (!name)
        return 0;
    if (r->n_anchors >= LIMIT_YAML_ANCHORS) {
        yaml_events_complain(&r->in, place_of(r, node->line, node->column), NULL,
                             "more than %d anchors in one document", LIMIT_YAML_ANCHORS);
        return -1;
    }
    r->anchors =
        arena_grow(r->arena, r->anchors, r->n_anchors, &r->cap_anchors, sizeof(*r->anchors));
    /* A name may be given again: the new slot hides the old one, which may still be open. */
    *slot = r->n_anchors++;
    r->anchors[*slot] = (struct anchor){
        .name = arena_strdup(r->arena, (const char *)name),
        .node = node,
        .nodes = 1,
        .open = true,
    };
    return 0;
}

static const struct anchor *find_anchor(const struct reader *r, const char *name)
{
    for (size_t i = r->n_anchors; i-- > 0;)
        if (strcmp(r->anchors[i].name, name) == 0)
            return &r->anchors[i];
    return NULL;
}

static struct yaml_node *read_alias(struct reader *r, int depth)
{
    const char *name = (const char *)r->in.now.data.alias.anchor;
    const struct anchor *to = find_anchor(r, name);

    if (!to || to->open) {
        yaml_events_complain(
            &r->in, yaml_events_here(&r->in),
            to ? NULL : "an anchor (&name) must come before its aliases",
            to ? "the alias *%s stands inside what it refers to" : "unknown alias *%s", name);
        return r->broken;
    }
    r->nodes += to->nodes;
    if (r->nodes > LIMIT_YAML_NODES) {
        yaml_events_complain(&r->in, yaml_events_here(&r->in),
                             "aliases multiply what they refer to",
                             "more than %d values when aliases are expanded", LIMIT_YAML_NODES);
        return NULL;
    }
    if (depth + to->height > LIMIT_YAML_DEPTH) {
        yaml_events_complain(&r->in, yaml_events_here(&r->in), NULL,
                             "nested more than %d deep when aliases are expanded",
                             LIMIT_YAML_DEPTH);
        return NULL;
    }
    if (depth + to->height > r->deepest)
        r->deepest = depth + to->height;
    return to->node;
}

static struct yaml_node *read_scalar(struct reader *r, int depth)
{
    struct yaml_node *node = new_node(r, YAML_STRING, depth);
    const char *value = (const char *)r->in.now.data.scalar.value;
    size_t n = r->in.now.data.scalar.length, slot;

    if (!node || open_anchor(r, r->in.now.data.scalar.anchor, node, &slot) < 0)
        return NULL;
    if (slot != SIZE_MAX)
        r->anchors[slot].open = false;
    if (n > LIMIT_TEXT) {
        yaml_events_complain(&r->in, place_of(r, node->line, node->column), NULL,
                             "a text of more than %d bytes", LIMIT_TEXT);
        return NULL;
    }
    if (memchr(value, '\0', n))
        yaml_events_complain(&r->in, place_of(r, node->line, node->column), NULL,
                             "a text cannot hold a NUL character");
    node->text = arena_strndup(r->arena, value, n);
    if (r->in.now.data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        node->kind = yaml_scalar_kind(node->text);
    set_tag(r, node, r->in.now.data.scalar.tag);
    yaml_scalar_settle(node);
    return node;
}

/* ---- lists ---- */

static int over_list_limit(struct reader *r, size_t n)
{
    if (n < LIMIT_LIST)
        return 0;
    yaml_events_complain(&r->in, yaml_events_here(&r->in), NULL,
                         "more than %d entries in one list or mapping", LIMIT_LIST);
    return -1;
}

static int read_items(struct reader *r, struct yaml_node *list, int depth)
{
    size_t base = r->n_items;

    for (;;) {
        if (yaml_events_next(&r->in) < 0)
            return -1;
        if (r->in.now.type == YAML_SEQUENCE_END_EVENT)
            break;
        struct yaml_node *item =
            over_list_limit(r, r->n_items - base) < 0 ? NULL : read_node(r, depth + 1);
        if (!item)
            return -1;
        r->items = arena_grow(r->arena, r->items, r->n_items, &r->cap_items, sizeof(*r->items));
        r->items[r->n_items++] = item;
    }
    list->n = r->n_items - base;
    list->items = ARENA_ARRAY(r->arena, list->n, struct yaml_node *);
    if (list->n)
        memcpy(list->items, r->items + base, list->n * sizeof(*list->items));
    r->n_items = base;
    return 0;
}

/* ---- maps ---- */

static void push_pair(struct reader *r, struct yaml_pair pair)
{
    r->pairs = arena_grow(r->arena, r->pairs, r->n_pairs, &r->cap_pairs, sizeof(*r->pairs));
    r->pairs[r->n_pairs++] = pair;
}

/* Append the pairs of what stands behind `<<`; which of them count is decided afterwards. */
static void push_merged(struct reader *r, const struct yaml_node *from, bool in_list)
{
    if (from == r->broken)
        return;
    if (from->kind == YAML_LIST && !in_list) {
        for (size_t i = 0; i < from->n; i++)
            push_merged(r, from->items[i], true);
    } else if (from->kind == YAML_MAP) {
        for (size_t i = 0; i < from->n; i++)
            push_pair(r, from->pairs[i]);
    } else {
        yaml_events_complain(&r->in, place_of(r, from->line, from->column),
                             "write <<: *name or <<: [*one, *other]",
                             "only mappings can be merged, this is %s", yaml_kind_name(from->kind));
    }
}

static int cmp_ref(const void *a, const void *b)
{
    const struct key_ref *x = a, *y = b;
    int by_key = strcmp(x->key, y->key);

    return by_key != 0 ? by_key : (x->at > y->at) - (x->at < y->at);
}

/* Of n pairs with own ones first the first of each key stays. A second own one is a mistake, a merged one gives
 * way, in the order in which they were merged. Found by sorting: a stranger chooses the keys, and every other
 * way has inputs for which it is slow. */
static void drop_repeated(struct reader *r, struct yaml_pair *pairs, size_t n, size_t own)
{
    while (r->cap_refs < n)
        r->refs = arena_grow(r->arena, r->refs, r->cap_refs, &r->cap_refs, sizeof(*r->refs));
    for (size_t i = 0; i < n; i++)
        r->refs[i] = (struct key_ref){pairs[i].key, i};
    qsort(r->refs, n, sizeof(*r->refs), cmp_ref);
    for (size_t i = 1, first = 0; i < n; i++) {
        if (strcmp(r->refs[first].key, r->refs[i].key) != 0) {
            first = i;
            continue;
        }
        struct yaml_pair *again = &pairs[r->refs[i].at];
        const struct yaml_pair *before = &pairs[r->refs[first].at];

        if (r->refs[i].at < own)
            yaml_events_complain(&r->in, place_of(r, again->line, again->column),
                                 arena_printf(r->arena, "it stands on line %d, column %d already",
                                              before->line, before->column),
                                 "duplicate key \"%s\"", again->key);
        again->key = NULL;
    }
}

/* Move the pairs from base on into the map. */
static int close_map(struct reader *r, struct yaml_node *map, size_t base,
                     const struct yaml_node *merge)
{
    size_t own = r->n_pairs - base;

    if (merge)
        push_merged(r, merge, false);
    size_t n = r->n_pairs - base;

    if (n > 1)
        drop_repeated(r, r->pairs + base, n, own);
    map->pairs = ARENA_ARRAY(r->arena, n, struct yaml_pair);
    for (size_t i = 0; i < n; i++)
        if (r->pairs[base + i].key)
            map->pairs[map->n++] = r->pairs[base + i];
    r->n_pairs = base;
    return over_list_limit(r, map->n ? map->n - 1 : 0);
}

/* Is the current event an unquoted `<<`? Some programs write YAML's own tag for it in front. */
static bool at_merge_key(const struct reader *r)
{
    if (r->in.now.type != YAML_SCALAR_EVENT ||
        r->in.now.data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    const char *tag = (const char *)r->in.now.data.scalar.tag;

    return strcmp((const char *)r->in.now.data.scalar.value, "<<") == 0 &&
           (!tag || strcmp(tag, "tag:yaml.org,2002:merge") == 0);
}

/* One key and its value. */
static int read_pair(struct reader *r, int depth)
{
    struct place at = yaml_events_here(&r->in);
    struct yaml_pair pair = {.line = at.line, .column = at.column};
    const struct yaml_node *key = read_node(r, depth + 1);

    if (!key || yaml_events_next(&r->in) < 0)
        return -1;
    pair.value = read_node(r, depth + 1);
    if (!pair.value)
        return -1;
    if (key == r->broken)
        return 0;
    if (!key->text || key->tag || key->kind == YAML_NULL) {
        yaml_events_complain(&r->in, at, NULL, "a key must be plain text, this is %s%s",
                             yaml_kind_name(key->kind), key->tag ? " with a tag" : "");
        return 0;
    }
    pair.key = key->text;
    push_pair(r, pair);
    return 0;
}

static int read_pairs(struct reader *r, struct yaml_node *map, int depth)
{
    const struct yaml_node *merge = NULL;
    size_t base = r->n_pairs;

    for (;;) {
        if (yaml_events_next(&r->in) < 0)
            return -1;
        if (r->in.now.type == YAML_MAPPING_END_EVENT)
            return close_map(r, map, base, merge);
        if (over_list_limit(r, r->n_pairs - base) < 0)
            return -1;
        if (!at_merge_key(r)) {
            if (read_pair(r, depth) < 0)
                return -1;
            continue;
        }
        if (merge)
            yaml_events_complain(&r->in, yaml_events_here(&r->in),
                                 "merge several with <<: [*one, *other]; the first wins",
                                 "duplicate key \"<<\"");
        if (yaml_events_next(&r->in) < 0)
            return -1;
        merge = read_node(r, depth + 1);
        if (!merge)
            return -1;
    }
}

/* ---- any node ---- */

/* The current event opens a list or a map. */
static struct yaml_node *read_collection(struct reader *r, int depth)
{
    bool is_map = r->in.now.type == YAML_MAPPING_START_EVENT;
    struct yaml_node *node = new_node(r, is_map ? YAML_MAP : YAML_LIST, depth);
    const yaml_char_t *name =
        is_map ? r->in.now.data.mapping_start.anchor : r->in.now.data.sequence_start.anchor;
    const yaml_char_t *tag =
        is_map ? r->in.now.data.mapping_start.tag : r->in.now.data.sequence_start.tag;
    size_t slot, nodes = r->nodes;
    int deepest = r->deepest;

    if (!node || open_anchor(r, name, node, &slot) < 0)
        return NULL;
    set_tag(r, node, tag);
    r->deepest = depth;
    if ((is_map ? read_pairs(r, node, depth) : read_items(r, node, depth)) < 0)
        return NULL;
    if (slot != SIZE_MAX) {
        struct anchor *a = &r->anchors[slot];
        a->nodes = r->nodes - nodes + 1;
        a->height = r->deepest - depth;
        a->open = false;
    }
    if (deepest > r->deepest)
        r->deepest = deepest;
    return node;
}

/* The node that begins with the current event. NULL means stop: the complaint is made. */
static struct yaml_node *read_node(struct reader *r, int depth)
{
    if (r->in.now.type == YAML_ALIAS_EVENT)
        return read_alias(r, depth);
    if (r->in.now.type == YAML_SCALAR_EVENT)
        return read_scalar(r, depth);
    return read_collection(r, depth);
}

/* ---- documents ---- */

static bool at_nothing(const struct reader *r)
{
    return r->in.now.type == YAML_SCALAR_EVENT && r->in.now.data.scalar.length == 0 &&
           r->in.now.data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           !r->in.now.data.scalar.anchor && !r->in.now.data.scalar.tag;
}

static int read_documents(struct reader *r)
{
    struct yaml_node **documents = NULL;
    size_t n = 0, cap = 0;

    for (;;) {
        if (yaml_events_next(&r->in) < 0)
            return -1;
        if (r->in.now.type == YAML_STREAM_END_EVENT)
            break;
        if (r->in.now.type != YAML_DOCUMENT_START_EVENT)
            continue;
        r->n_anchors = 0; /* anchors end with their document */
        if (yaml_events_next(&r->in) < 0)
            return -1;
        if (at_nothing(r))
            continue;
        if (n == LIMIT_YAML_DOCUMENTS) {
            yaml_events_complain(&r->in, yaml_events_here(&r->in), NULL,
                                 "more than %d documents in one file", LIMIT_YAML_DOCUMENTS);
            return -1;
        }
        struct yaml_node *root = read_node(r, 1);
        if (!root)
            return -1;
        documents = arena_grow(r->arena, documents, n, &cap, sizeof(*documents));
        documents[n++] = root;
    }
    r->in.file.documents = documents;
    r->in.file.n_documents = n;
    return 0;
}

int yaml_parse(const char *name, const char *text, size_t n, struct arena *a,
               struct diag_list *diags, struct yaml_file *ret)
{
    struct reader r = {.arena = a};

    if (yaml_events_open(&r.in, name, text, n, a, diags) < 0)
        return -1;
    r.broken = ARENA_NEW(a, struct yaml_node);
    r.broken->text = "";
    int rc = read_documents(&r);

    yaml_events_close(&r.in);
    if (rc < 0 || r.in.failed)
        return -1;
    *ret = r.in.file;
    return 0;
}
