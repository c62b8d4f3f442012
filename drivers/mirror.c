/* mirror.c: the objects known of one engine, in four tables sorted by key.
 *
 * In: changes, each the finished result of one look. Out: frozen copies for passes, and quick answers for the driver
 * itself (whose app is network X, who publishes port Y).
 * An object is replaced whole or not at all; nothing is patched in place, and nothing that a pass holds points in here.
 * It asks nothing of the engine. */
#include "drivers/mirror.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/mirror_pack.h"
#include "spec/base/arena.h"

enum { KINDS = MIRROR_IMAGE + 1 };

enum entry_state { ENTRY_KNOWN, ENTRY_GONE /* in changes only */, ENTRY_KEPT /* likewise */ };

struct entry {
    enum entry_state state;
    enum mirror_kind kind;
    const char *key;
    uint64_t listed;
    size_t bytes; /* of a copy of the object's texts and arrays */
    union {
        struct obs_container container;
        struct obs_network network;
        struct obs_volume volume;
        struct obs_image image;
    } as;
};

struct table {
    struct entry **v; /* sorted by key */
    size_t n, cap;
};

struct mirror {
    struct table tables[KINDS];
    char *engine_version, *api_version, *platform;
};

struct mirror_change {
    bool everything;
    struct table tables[KINDS];
};

/* ---- tables ---- */

/* Index of key, or of where it would be. */
static size_t place_of(const struct table *t, const char *key, bool *ret_found)
{
    size_t from = 0, to = t->n;

    *ret_found = false;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int by = strcmp(t->v[middle]->key, key);
        if (by == 0) {
            *ret_found = true;
            return middle;
        }
        if (by < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static struct entry *table_find(const struct table *t, const char *key)
{
    bool found;
    size_t at = place_of(t, key, &found);

    return found ? t->v[at] : NULL;
}

static void table_put(struct table *t, struct entry *e)
{
    bool found;
    size_t at = place_of(t, e->key, &found);

    if (found) {
        free(t->v[at]);
        t->v[at] = e;
        return;
    }
    if (t->n == t->cap) {
        t->cap = t->cap ? 2 * t->cap : 16;
        t->v = xrealloc(t->v, t->cap * sizeof(struct entry *));
    }
    memmove(&t->v[at + 1], &t->v[at], (t->n - at) * sizeof(struct entry *));
    t->v[at] = e;
    t->n++;
}

/* Out of the table, not freed; NULL if it was not there. */
static struct entry *table_take(struct table *t, const char *key)
{
    bool found;
    size_t at = place_of(t, key, &found);

    if (!found)
        return NULL;
    struct entry *e = t->v[at];

    t->n--;
    memmove(&t->v[at], &t->v[at + 1], (t->n - at) * sizeof(struct entry *));
    return e;
}

static void table_release(struct table *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->v[i]);
    free(t->v);
    *t = (struct table){0};
}

/* ---- entries ---- */

static const char *pack_object(struct pack *p, enum mirror_kind kind, const void *from,
                               struct entry *to)
{
    switch (kind) {
    case MIRROR_CONTAINER: pack_container(p, from, &to->as.container); return to->as.container.id;
    case MIRROR_NETWORK: pack_network(p, from, &to->as.network); return to->as.network.id;
    case MIRROR_VOLUME: pack_volume(p, from, &to->as.volume); return to->as.volume.name;
    case MIRROR_IMAGE: pack_image(p, from, &to->as.image); return to->as.image.ref;
    }
    return NULL;
}

/* The entry's own block ends with the copies of all its texts and arrays. */
static struct entry *entry_of(enum mirror_kind kind, const void *object, uint64_t listed)
{
    struct entry scratch;
    struct pack p = {0};

    (void)pack_object(&p, kind, object, &scratch);
    struct entry *e = xcalloc(1, sizeof(*e) + p.bytes);

    e->kind = kind;
    e->listed = listed;
    e->bytes = p.bytes;
    p = (struct pack){.at = (char *)(e + 1)};
    e->key = pack_object(&p, kind, object, e);
    assert(e->key && p.bytes == e->bytes);
    return e;
}

static struct entry *entry_mark(enum mirror_kind kind, const char *key, enum entry_state state)
{
    size_t n = strlen(key) + 1;
    struct entry *e = xcalloc(1, sizeof(*e) + n);

    e->kind = kind;
    e->state = state;
    e->key = memcpy(e + 1, key, n);
    return e;
}

/* ---- changes ---- */

struct mirror_change *mirror_change_new(bool everything)
{
    struct mirror_change *ch = xcalloc(1, sizeof(*ch));

    ch->everything = everything;
    return ch;
}

void mirror_change_free(struct mirror_change *ch)
{
    if (!ch)
        return;
    for (size_t i = 0; i < KINDS; i++)
        table_release(&ch->tables[i]);
    free(ch);
}

static void change_put(struct mirror_change *ch, struct entry *e)
{
    table_put(&ch->tables[e->kind], e);
}

void mirror_change_container(struct mirror_change *ch, const struct obs_container *c,
                             uint64_t listed)
{
    change_put(ch, entry_of(MIRROR_CONTAINER, c, listed));
}

void mirror_change_network(struct mirror_change *ch, const struct obs_network *n)
{
    change_put(ch, entry_of(MIRROR_NETWORK, n, 0));
}

void mirror_change_volume(struct mirror_change *ch, const struct obs_volume *v)
{
    change_put(ch, entry_of(MIRROR_VOLUME, v, 0));
}

void mirror_change_image(struct mirror_change *ch, const struct obs_image *i)
{
    change_put(ch, entry_of(MIRROR_IMAGE, i, 0));
}

void mirror_change_gone(struct mirror_change *ch, enum mirror_kind kind, const char *key)
{
    change_put(ch, entry_mark(kind, key, ENTRY_GONE));
}

void mirror_change_keep(struct mirror_change *ch, enum mirror_kind kind, const char *key)
{
    change_put(ch, entry_mark(kind, key, ENTRY_KEPT));
}

/* One entry of a change meets the table as it was; it lands in `to`, which is that table or its successor. */
static void commit_entry(struct table *was, struct table *to, struct entry *e)
{
    struct entry *old = NULL;

    switch (e->state) {
    case ENTRY_KNOWN: table_put(to, e); return;
    case ENTRY_GONE:
        free(table_take(was, e->key));
        free(e);
        return;
    case ENTRY_KEPT:
        if (was != to)
            old = table_take(was, e->key);
        if (old)
            table_put(to, old);
        free(e);
        return;
    }
}

void mirror_commit(struct mirror *m, struct mirror_change *ch)
{
    for (size_t i = 0; i < KINDS; i++) {
        struct table *found = &ch->tables[i], *known = &m->tables[i], fresh = {0};
        struct table *to = ch->everything ? &fresh : known;

        for (size_t k = 0; k < found->n; k++)
            commit_entry(known, to, found->v[k]);
        found->n = 0;
        if (ch->everything) {
            table_release(known);
            *known = fresh;
        }
    }
    mirror_change_free(ch);
}

/* ---- the mirror ---- */

struct mirror *mirror_new(void)
{
    return xcalloc(1, sizeof(struct mirror));
}

void mirror_free(struct mirror *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < KINDS; i++)
        table_release(&m->tables[i]);
    free(m->engine_version);
    free(m->api_version);
    free(m->platform);
    free(m);
}

void mirror_set_engine(struct mirror *m, const char *engine_version, const char *api_version)
{
    free(m->engine_version);
    free(m->api_version);
    m->engine_version = xstrdup(engine_version);
    m->api_version = xstrdup(api_version);
    mirror_set_platform(m, NULL); /* it may be another engine */
}

void mirror_set_platform(struct mirror *m, const char *platform)
{
    free(m->platform);
    m->platform = xstrdup(platform);
}

const char *mirror_platform(const struct mirror *m)
{
    return m->platform;
}

/* A pack over n bytes of the arena, for one object. */
static struct pack pack_in(struct arena *a, const struct entry *e)
{
    return (struct pack){.at = arena_alloc(a, e->bytes)};
}

struct observed *mirror_freeze(const struct mirror *m, struct arena *a)
{
    struct observed *o = ARENA_NEW(a, struct observed);
    const struct table *t = m->tables;

    o->engine_version = arena_strdup(a, m->engine_version);
    o->api_version = arena_strdup(a, m->api_version);
    o->platform = arena_strdup(a, m->platform);
    o->n_containers = t[MIRROR_CONTAINER].n;
    o->n_networks = t[MIRROR_NETWORK].n;
    o->n_volumes = t[MIRROR_VOLUME].n;
    o->n_images = t[MIRROR_IMAGE].n;
    o->containers = ARENA_ARRAY(a, o->n_containers, struct obs_container);
    o->networks = ARENA_ARRAY(a, o->n_networks, struct obs_network);
    o->volumes = ARENA_ARRAY(a, o->n_volumes, struct obs_volume);
    o->images = ARENA_ARRAY(a, o->n_images, struct obs_image);
    for (size_t i = 0; i < o->n_containers; i++) {
        struct pack p = pack_in(a, t[MIRROR_CONTAINER].v[i]);
        pack_container(&p, &t[MIRROR_CONTAINER].v[i]->as.container, &o->containers[i]);
    }
    for (size_t i = 0; i < o->n_networks; i++) {
        struct pack p = pack_in(a, t[MIRROR_NETWORK].v[i]);
        pack_network(&p, &t[MIRROR_NETWORK].v[i]->as.network, &o->networks[i]);
    }
    for (size_t i = 0; i < o->n_volumes; i++) {
        struct pack p = pack_in(a, t[MIRROR_VOLUME].v[i]);
        pack_volume(&p, &t[MIRROR_VOLUME].v[i]->as.volume, &o->volumes[i]);
    }
    for (size_t i = 0; i < o->n_images; i++) {
        struct pack p = pack_in(a, t[MIRROR_IMAGE].v[i]);
        pack_image(&p, &t[MIRROR_IMAGE].v[i]->as.image, &o->images[i]);
    }
    observed_seal(o, a);
    return o;
}

/* ---- answers ---- */

const struct obs_container *mirror_container(const struct mirror *m, const char *id_or_name)
{
    const struct table *t = &m->tables[MIRROR_CONTAINER];
    const struct entry *e = table_find(t, id_or_name);

    for (size_t i = 0; !e && i < t->n; i++)
        if (t->v[i]->as.container.name && strcmp(t->v[i]->as.container.name, id_or_name) == 0)
            e = t->v[i];
    return e ? &e->as.container : NULL;
}

const struct obs_network *mirror_network(const struct mirror *m, const char *id_or_name)
{
    const struct table *t = &m->tables[MIRROR_NETWORK];
    const struct entry *e = table_find(t, id_or_name);

    for (size_t i = 0; !e && i < t->n; i++)
        if (t->v[i]->as.network.name && strcmp(t->v[i]->as.network.name, id_or_name) == 0)
            e = t->v[i];
    return e ? &e->as.network : NULL;
}

const struct obs_volume *mirror_volume(const struct mirror *m, const char *name)
{
    const struct entry *e = table_find(&m->tables[MIRROR_VOLUME], name);

    return e ? &e->as.volume : NULL;
}

const struct obs_image *mirror_image(const struct mirror *m, const char *ref)
{
    const struct entry *e = table_find(&m->tables[MIRROR_IMAGE], ref);

    return e ? &e->as.image : NULL;
}

const struct obs_container *mirror_container_at(const struct mirror *m, size_t i)
{
    const struct table *t = &m->tables[MIRROR_CONTAINER];

    return i < t->n ? &t->v[i]->as.container : NULL;
}

const struct obs_image *mirror_image_at(const struct mirror *m, size_t i)
{
    const struct table *t = &m->tables[MIRROR_IMAGE];

    return i < t->n ? &t->v[i]->as.image : NULL;
}

uint64_t mirror_listed(const struct mirror *m, const char *container_id)
{
    const struct entry *e = table_find(&m->tables[MIRROR_CONTAINER], container_id);

    return e ? e->listed : 0;
}

size_t mirror_bytes(const struct mirror *m)
{
    size_t bytes = 0;

    for (size_t i = 0; i < KINDS; i++) {
        bytes += m->tables[i].cap * sizeof(struct entry *);
        for (size_t k = 0; k < m->tables[i].n; k++)
            bytes += sizeof(struct entry) + m->tables[i].v[k]->bytes;
    }
    return bytes;
}
