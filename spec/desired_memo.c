/* desired_memo.c: apps as they were built from documents that have not changed since.
 *
 * In: the source of an app, known by the serials of its files. Out: the app, as desired_app_build() makes it: a copy of the one made
 * before, or a new one. What later rooms write on an app is taken off the copy: containers forget what they were bound to.
 * It remembers nothing that depends on more than the two documents: no builds, no secrets. */
#include "spec/desired_memo.h"

#include <stdlib.h>

#include "spec/base/arena.h"
#include "spec/desired.h"

#define LOST_MOST 16 /* and half of what there is: then all is built anew, and lies close again */

struct memo_key {
    uint64_t file, override; /* serials; override 0: none */
    const struct document *doc;
    const struct override *over;
};

/* What was built together lies together, and goes when the last of it goes: an arena for each app would be mostly air. */
struct batch {
    struct arena *arena;
    size_t apps;
};

struct memo_app {
    const char *name; /* its own copy: the document's is gone when the document is */
    struct memo_key key;
    struct batch *batch;
    struct want_app app;
    bool asked; /* in this build */
};

struct desired_memo {
    struct memo_app **v; /* sorted by name */
    size_t n, cap;
    struct batch *now; /* of this build; NULL: nothing was built yet */
    size_t lost;       /* apps that left batches in which others stay */
};

struct desired_memo *desired_memo_new(void)
{
    return xcalloc(1, sizeof(struct desired_memo));
}

static void app_free(struct desired_memo *m, struct memo_app *x)
{
    m->lost++;
    if (--x->batch->apps == 0 && x->batch != m->now) {
        arena_free(x->batch->arena);
        free(x->batch);
        m->lost--;
    }
    free(x);
}

static void forget_all(struct desired_memo *m)
{
    for (size_t i = 0; i < m->n; i++)
        app_free(m, m->v[i]);
    m->n = m->lost = 0;
}

void desired_memo_free(struct desired_memo *m)
{
    if (!m)
        return;
    forget_all(m);
    free(m->v);
    free(m);
}

void desired_memo_begin(struct desired_memo *m)
{
    if (m && m->lost > LOST_MOST + m->n / 2)
        forget_all(m);
}

/* Where an app is, or would be. */
static size_t place_of(const struct desired_memo *m, const char *name, bool *ret_found)
{
    size_t lo = 0, hi = m->n;

    *ret_found = false;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(m->v[mid]->name, name);

        if (order == 0) {
            *ret_found = true;
            return mid;
        }
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static void drop(struct desired_memo *m, size_t at)
{
    app_free(m, m->v[at]);
    memmove(&m->v[at], &m->v[at + 1], (--m->n - at) * sizeof(m->v[0]));
}

static struct memo_app *insert(struct desired_memo *m, size_t at, const char *name)
{
    struct memo_app *x = xcalloc(1, sizeof(*x));

    if (m->n == m->cap) {
        m->cap = m->cap ? 2 * m->cap : 16;
        m->v = xrealloc(m->v, m->cap * sizeof(m->v[0]));
    }
    memmove(&m->v[at + 1], &m->v[at], (m->n++ - at) * sizeof(m->v[0]));
    m->v[at] = x;
    if (!m->now) {
        m->now = xcalloc(1, sizeof(*m->now));
        m->now->arena = arena_new();
    }
    x->batch = m->now;
    x->batch->apps++;
    x->name = arena_strdup(x->batch->arena, name);
    return x;
}

static bool same_key(const struct memo_key *a, const struct memo_key *b)
{
    return a->file == b->file && a->override == b->override && a->doc == b->doc &&
           a->over == b->over;
}

/* False: its files are not known by serials, or more than they shape it. */
static bool can_be_kept(const struct memo_key *key, const struct app *app)
{
    if (key->file == 0 || (key->over && key->override == 0))
        return false;
    for (size_t i = 0; i < app->n_services; i++) {
        const struct service *s = &app->services[i];

        if (s->build.set)
            return false;
        for (size_t k = 0; k < s->n_mounts; k++)
            if (s->mounts[k].file)
                return false;
        for (size_t k = 0; k < s->n_routes; k++)
            if (s->routes[k].cert || s->routes[k].key || s->routes[k].mw.basic_auth)
                return false;
    }
    return true;
}

/* Its containers point back to it, and are bound anew. */
static void copy_out(const struct memo_app *x, struct want_app *ret)
{
    *ret = x->app;
    for (size_t i = 0; i < ret->n_services; i++)
        for (size_t k = 0; k < ret->services[i].n_containers; k++) {
            struct want_container *c = &ret->services[i].containers[k];

            c->app = ret;
            c->body = c->sealed_for = NULL;
            c->fields = (struct kvs){0};
            c->hash[0] = '\0';
        }
}

void desired_memo_app(struct desired_memo *m, const struct app_source *src,
                      const struct document *doc, const struct spec_file *override_file,
                      struct arena *a, struct str *scratch, struct want_app *ret)
{
    const struct memo_key key = {.file = src->file->serial,
                                 .override = override_file ? override_file->serial : 0,
                                 .doc = doc,
                                 .over = src->override};
    bool found = false;
    size_t at = m ? place_of(m, src->app->name, &found) : 0;

    if (found && same_key(&m->v[at]->key, &key)) {
        m->v[at]->asked = true;
        copy_out(m->v[at], ret);
        return;
    }
    if (found)
        drop(m, at);
    if (!m || !can_be_kept(&key, src->app)) {
        desired_app_build(src, a, scratch, ret);
        return;
    }
    struct memo_app *x = insert(m, at, src->app->name);

    x->key = key;
    x->asked = true;
    desired_app_build(src, x->batch->arena, scratch, &x->app);
    copy_out(x, ret);
}

void desired_memo_end(struct desired_memo *m)
{
    size_t kept = 0;

    if (!m)
        return;
    m->now = NULL; /* no batch is empty: what this build put into it, it asked for */
    for (size_t i = 0; i < m->n; i++) {
        struct memo_app *x = m->v[i];

        if (x->asked) {
            x->asked = false;
            m->v[kept++] = x;
        } else {
            app_free(m, x);
        }
    }
    m->n = kept;
}
