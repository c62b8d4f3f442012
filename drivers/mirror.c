/* mirror.c: the objects known of one engine, in four tables sorted by key.
 *
 * In: changes, each the finished result of one look. Out: snapshots for passes, and quick answers for the driver
 * itself (whose app is network X, who publishes port Y).
 * An object is replaced whole or not at all, and nothing is patched in place: so a snapshot only points to the objects, and each stays
 * until no table and no snapshot has it any more. All passes between two changes see one snapshot.
 * It asks nothing of the engine. */
#include "drivers/mirror.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/mirror_pack.h"
#include "spec/base/arena.h"

enum { KINDS = MIRROR_IMAGE + 1 };

enum entry_state { ENTRY_KNOWN, ENTRY_GONE /* in changes only */, ENTRY_KEPT /* likewise */ };

struct entry {
    size_t refs; /* of tables and snapshots */
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

struct snapshot {
    size_t refs;         /* the mirror's, and one for each arena that it was shown in */
    pthread_t thread;    /* whose counting this is: there is no lock */
    struct arena *arena; /* it and its arrays */
    struct entry **entries;
    size_t n;
    struct observed *seen;
};

struct mirror {
    struct table tables[KINDS];
    struct snapshot *now; /* NULL: nobody has asked since the last change */
    char *engine_version, *api_version, *platform;
};

struct mirror_change {
    bool everything;
    struct table tables[KINDS];
};

static void entry_drop(struct entry *e)
{
    if (e && --e->refs == 0)
        free(e);
}

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
        entry_drop(t->v[at]);
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

/* Out of the table, which hands its share over; NULL if it was not there. */
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
        entry_drop(t->v[i]);
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

    e->refs = 1;
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

    e->refs = 1;
    e->kind = kind;
    e->state = state;
    e->key = memcpy(e + 1, key, n);
    return e;
}

/* ---- what passes see ---- */

static void snapshot_drop(void *what)
{
    struct snapshot *s = what;

    assert(pthread_equal(s->thread, pthread_self()));
    if (--s->refs > 0)
        return;
    for (size_t i = 0; i < s->n; i++)
        entry_drop(s->entries[i]);
    arena_free(s->arena);
}

/* What is known is about to be something else. */
static void outdate(struct mirror *m)
{
    if (m->now)
        snapshot_drop(TAKE(m->now));
}

static void hold(struct snapshot *s, struct entry *e)
{
    e->refs++;
    s->entries[s->n++] = e;
}

static void show_all(struct snapshot *s, const struct table *t, struct observed *o)
{
    struct arena *a = s->arena;

    o->containers = ARENA_ARRAY(a, t[MIRROR_CONTAINER].n, struct obs_container);
    o->networks = ARENA_ARRAY(a, t[MIRROR_NETWORK].n, struct obs_network);
    o->volumes = ARENA_ARRAY(a, t[MIRROR_VOLUME].n, struct obs_volume);
    o->images = ARENA_ARRAY(a, t[MIRROR_IMAGE].n, struct obs_image);
    for (size_t k = 0; k < KINDS; k++)
        for (size_t i = 0; i < t[k].n; i++) {
            struct entry *e = t[k].v[i];

            hold(s, e);
            switch (e->kind) {
            case MIRROR_CONTAINER: o->containers[o->n_containers++] = e->as.container; break;
            case MIRROR_NETWORK: o->networks[o->n_networks++] = e->as.network; break;
            case MIRROR_VOLUME: o->volumes[o->n_volumes++] = e->as.volume; break;
            case MIRROR_IMAGE: o->images[o->n_images++] = e->as.image; break;
            }
        }
}

static struct snapshot *snapshot_new(const struct mirror *m)
{
    struct arena *a = arena_new();
    struct snapshot *s = ARENA_NEW(a, struct snapshot);
    size_t n = 0;

    for (size_t k = 0; k < KINDS; k++)
        n += m->tables[k].n;
    s->arena = a;
    s->refs = 1;
    s->thread = pthread_self();
    s->entries = ARENA_ARRAY(a, n, struct entry *);
    s->seen = ARENA_NEW(a, struct observed);
    s->seen->engine_version = arena_strdup(a, m->engine_version);
    s->seen->api_version = arena_strdup(a, m->api_version);
    s->seen->platform = arena_strdup(a, m->platform);
    show_all(s, m->tables, s->seen);
    observed_order(s->seen, a);
    return s;
}

const struct observed *mirror_observed(struct mirror *m, struct arena *a)
{
    if (!m->now)
        m->now = snapshot_new(m);
    m->now->refs++;
    arena_keep(a, snapshot_drop, m->now);
    return m->now->seen;
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
        entry_drop(table_take(was, e->key));
        entry_drop(e);
        return;
    case ENTRY_KEPT:
        if (was != to)
            old = table_take(was, e->key);
        if (old)
            table_put(to, old);
        entry_drop(e);
        return;
    }
}

void mirror_commit(struct mirror *m, struct mirror_change *ch)
{
    for (size_t i = 0; i < KINDS; i++) {
        struct table *found = &ch->tables[i], *known = &m->tables[i], fresh = {0};
        struct table *to = ch->everything ? &fresh : known;

        if (ch->everything || found->n > 0)
            outdate(m);
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
    outdate(m);
    for (size_t i = 0; i < KINDS; i++)
        table_release(&m->tables[i]);
    free(m->engine_version);
    free(m->api_version);
    free(m->platform);
    free(m);
}

void mirror_set_engine(struct mirror *m, const char *engine_version, const char *api_version)
{
    outdate(m);
    free(m->engine_version);
    free(m->api_version);
    m->engine_version = xstrdup(engine_version);
    m->api_version = xstrdup(api_version);
    mirror_set_platform(m, NULL); /* it may be another engine */
}

void mirror_set_platform(struct mirror *m, const char *platform)
{
    outdate(m);
    free(m->platform);
    m->platform = xstrdup(platform);
}

const char *mirror_platform(const struct mirror *m)
{
    return m->platform;
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
