/* sources.c: roots on disk in, one consistent set of parsed files out.
 *
 * Each scan walks the roots (sources_scan.c), joins what it found with what it knew, both sorted, and has each file
 * that differs looked at (sources_file.c). A file that is being written keeps its former version. So does, for a moment,
 * one that is gone: editors and `git checkout` take a file away before they put the new one there, and what is away
 * must not be taken for removed. A name that turns up in another file ends that moment: it moved.
 * It refuses to fail: a root or file that cannot be read is a broken file with a diagnostic in the set. */
#include "agent/sources.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "agent/sources_file.h"
#include "agent/sources_scan.h"
#include "drivers/fsx.h"
#include "spec/base/arena.h"

struct source_wait { /* since when a path is being written; sorted like found */
    size_t root;
    char *path;
    int64_t since_ms;
};

struct sources {
    struct arena *arena; /* places */
    struct source_place *places;
    bool *was_file; /* the root is a file */
    size_t n_roots; /* without the overrides, which come last in places */
    size_t n_places;
    struct source_file **files; /* sorted by root, then path */
    size_t n_files;
    struct source_wait *waits;
    size_t n_waits;
    struct arena *linked_arena;
    struct strv linked; /* of the last scan */
    bool scanned;
    uint64_t serial; /* of the last file that was read */
    struct spec_root *spec_roots;
    int64_t *back_since_ms; /* by root: when it became readable again; 0: it always was */
    const struct spec_file **spec_files; /* roots' files, then the overrides' */
    struct spec_set set;
};

static int64_t monotonic_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool sources_takes(const char *name)
{
    size_t n = strlen(name);

    if (n == 0 || name[0] == '.')
        return false;
    return (n > 5 && strcmp(name + n - 5, ".yaml") == 0) ||
           (n > 4 && strcmp(name + n - 4, ".yml") == 0) || bundle_name(name);
}

/* ---- places ---- */

/* "apps/" -> "apps", "/" and "" stay */
static char *without_slashes(const char *path, struct arena *a)
{
    size_t n = strlen(path);

    while (n > 1 && path[n - 1] == '/')
        n--;
    return arena_strndup(a, path, n);
}

static void set_place(struct sources *s, size_t i, const char *typed)
{
    struct source_place *p = &s->places[i];

    p->root = fsx_absolute(typed, s->arena);
    p->root_name = without_slashes(typed, s->arena);
    s->spec_roots[i].path = p->root;
}

/* What stands before the path of a file depends on whether the root is a file, which may change. */
static void place_as(struct sources *s, size_t i, bool is_file)
{
    struct source_place *p = &s->places[i];
    const char *slash = strrchr(is_file ? p->root : p->root_name, '/');

    if (p->dir && s->was_file[i] == is_file)
        return;
    s->was_file[i] = is_file;
    if (is_file) {
        const char *typed_slash = strrchr(p->root_name, '/');

        p->dir =
            slash == p->root ? "/" : arena_strndup(s->arena, p->root, (size_t)(slash - p->root));
        p->display = typed_slash ? arena_strndup(s->arena, p->root_name,
                                                 (size_t)(typed_slash - p->root_name) + 1)
                                 : "";
        return;
    }
    p->dir = p->root;
    if (strcmp(p->root_name, ".") == 0)
        p->display = "";
    else
        p->display =
            strcmp(p->root_name, "/") == 0 ? "/" : arena_printf(s->arena, "%s/", p->root_name);
}

struct sources *sources_new(const char *const *roots, size_t n_roots, const char *overrides)
{
    struct sources *s = xcalloc(1, sizeof(*s));

    s->arena = arena_new();
    s->linked_arena = arena_new();
    s->n_roots = n_roots;
    s->n_places = n_roots + (overrides ? 1 : 0);
    s->places = ARENA_ARRAY(s->arena, s->n_places, struct source_place);
    s->was_file = ARENA_ARRAY(s->arena, s->n_places, bool);
    s->spec_roots = ARENA_ARRAY(s->arena, s->n_places, struct spec_root);
    s->back_since_ms = ARENA_ARRAY(s->arena, s->n_places, int64_t);
    for (size_t i = 0; i < n_roots; i++)
        set_place(s, i, roots[i]);
    if (overrides)
        set_place(s, n_roots, overrides);
    s->set.roots = s->spec_roots;
    s->set.n_roots = n_roots;
    return s;
}

static void waits_free(struct source_wait *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(v[i].path);
    free(v);
}

void sources_free(struct sources *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_files; i++)
        source_file_free(s->files[i]);
    free(s->files);
    free(s->spec_files);
    waits_free(s->waits, s->n_waits);
    arena_free(s->linked_arena);
    arena_free(s->arena);
    free(s);
}

/* ---- joining what was found with what was known ---- */

struct join {
    struct sources *s;
    int64_t now_ms;
    bool changed, unsettled;
    struct source_file **files; /* the new list; room for found + known */
    size_t n_files;
    bool *fresh; /* files[i] was loaded in this scan */
    struct source_wait *waits;
    size_t n_waits, cap_waits;
    struct source_file **dead; /* freed when the set no longer shows them */
    size_t n_dead;
};

static int cmp_at(size_t root_a, const char *path_a, size_t root_b, const char *path_b)
{
    if (root_a != root_b)
        return root_a < root_b ? -1 : 1;
    return strcmp(path_a, path_b);
}

static int cmp_wait(const void *key, const void *member)
{
    const struct found *f = key;
    const struct source_wait *w = member;

    return cmp_at(f->root, f->path, w->root, w->path);
}

static const struct source_wait *wait_find(const struct sources *s, const struct found *f)
{
    if (s->n_waits == 0)
        return NULL;
    return bsearch(f, s->waits, s->n_waits, sizeof(s->waits[0]), cmp_wait);
}

static void wait_add(struct join *j, const struct found *f, int64_t since_ms)
{
    if (j->n_waits == j->cap_waits) {
        j->cap_waits = j->cap_waits ? 2 * j->cap_waits : 8;
        j->waits = xrealloc(j->waits, j->cap_waits * sizeof(j->waits[0]));
    }
    j->waits[j->n_waits++] = (struct source_wait){f->root, xstrdup(f->path), since_ms};
    j->unsettled = true;
}

static void keep(struct join *j, struct source_file *f, bool fresh)
{
    j->fresh[j->n_files] = fresh;
    j->files[j->n_files++] = f;
}

static void join_found(struct join *j, const struct found *f, struct source_file *former)
{
    const struct source_wait *wait = wait_find(j->s, f);
    int64_t since = wait                              ? wait->since_ms
                    : former && former->gone_since_ms ? former->gone_since_ms
                                                      : j->now_ms;
    struct source_file *file = NULL;

    if (former)
        former->gone_since_ms = 0;
    switch (source_file_look(f, &j->s->places[f->root], former, j->now_ms - since, &file)) {
    case SOURCE_SAME: keep(j, former, false); return;
    case SOURCE_UNSETTLED:
        wait_add(j, f, since);
        keep(j, former ? former : file, false);
        j->changed |= !former;
        return;
    case SOURCE_NEW: break;
    }
    file->spec.serial = ++j->s->serial;
    j->changed = true;
    keep(j, file, true);
    if (former)
        j->dead[j->n_dead++] = former;
}

/* Not found any more. What never was a file (trouble of a folder, a place kept) goes at once, so do the files of a root that
 * cannot be read. */
static void join_gone(struct join *j, struct source_file *former)
{
    bool was_file = !former->found.pending && (!former->found.trouble || former->found.link);
    bool override = former->found.root == j->s->n_roots;
    bool readable = override || j->s->spec_roots[former->found.root].readable;
    int64_t grace_ms = override ? SOURCE_OVERRIDE_GONE_MS : SOURCE_GONE_MS;

    if (former->gone_since_ms == 0)
        former->gone_since_ms = j->now_ms;
    if (was_file && readable && j->now_ms - former->gone_since_ms < grace_ms) {
        keep(j, former, false);
        return;
    }
    j->changed = true;
    j->dead[j->n_dead++] = former;
}

static void join_all(struct join *j, const struct scan *scan)
{
    struct sources *s = j->s;
    size_t known = 0, found = 0;

    while (known < s->n_files || found < scan->n) {
        struct source_file *former = known < s->n_files ? s->files[known] : NULL;
        const struct found *f = found < scan->n ? &scan->v[found] : NULL;
        int order = !former ? 1
                    : !f    ? -1
                            : cmp_at(former->found.root, former->found.path, f->root, f->path);

        /* A second entry under one name (a root in trouble twice) adds nothing. */
        if (f && found > 0 && cmp_at(f[-1].root, f[-1].path, f->root, f->path) == 0) {
            found++;
            continue;
        }
        if (order < 0)
            join_gone(j, former);
        else
            join_found(j, f, order == 0 ? former : NULL);
        known += order <= 0;
        found += order >= 0;
    }
}

static bool holds_name(const struct source_file *f, const char *name)
{
    for (size_t i = 0; i < f->spec.n_documents; i++)
        if (f->spec.documents[i].name && strcmp(f->spec.documents[i].name, name) == 0)
            return true;
    return false;
}

static bool moved(const struct join *j, const struct source_file *gone)
{
    for (size_t i = 0; i < j->n_files; i++) {
        if (!j->fresh[i])
            continue;
        for (size_t k = 0; k < gone->spec.n_documents; k++)
            if (gone->spec.documents[k].name &&
                holds_name(j->files[i], gone->spec.documents[k].name))
                return true;
    }
    return false;
}

/* A file that is gone and whose app turned up elsewhere has moved: no need to wait whether it comes back. */
static void join_moved(struct join *j)
{
    size_t n = 0;

    for (size_t i = 0; i < j->n_files; i++) {
        struct source_file *f = j->files[i];

        if (f->gone_since_ms != 0 && moved(j, f)) {
            j->dead[j->n_dead++] = f;
            j->changed = true;
            continue;
        }
        j->unsettled |= f->gone_since_ms != 0;
        j->fresh[n] = j->fresh[i];
        j->files[n++] = f;
    }
    j->n_files = n;
}

static void publish(struct sources *s)
{
    size_t n = 0;

    s->spec_files = xrealloc(s->spec_files, (s->n_files + 1) * sizeof(s->spec_files[0]));
    for (size_t i = 0; i < s->n_files; i++) {
        s->spec_files[i] = &s->files[i]->spec;
        n += s->files[i]->found.root < s->n_roots;
    }
    s->set.files = s->spec_files;
    s->set.n_files = n;
    s->set.overrides = s->spec_files + n;
    s->set.n_overrides = s->n_files - n;
}

/* Walk all roots. A root that comes back (deleted and cloned anew, say) is not complete at once. */
static void look_at_roots(struct join *j, struct scan *scan)
{
    struct sources *s = j->s;

    for (size_t i = 0; i < s->n_places; i++) {
        bool overrides = i == s->n_roots;
        size_t before = scan->n;
        bool readable = scan_root(scan, i, s->places[i].root, overrides);

        place_as(s, i,
                 readable && scan->n == before + 1 && !scan->v[before].trouble &&
                     scan->v[before].is_root);
        if (overrides)
            continue;
        if (readable && !s->spec_roots[i].readable && s->scanned)
            s->back_since_ms[i] = j->now_ms;
        if (readable && s->back_since_ms[i] != 0 &&
            j->now_ms - s->back_since_ms[i] < SOURCE_GONE_MS) {
            scan_add_pending(scan, i);
            j->unsettled = true;
        }
        j->changed |= s->spec_roots[i].readable != readable;
        s->spec_roots[i].readable = readable;
    }
    scan_sort(scan);
}

static void keep_linked(struct sources *s, const struct strv *linked)
{
    arena_clear(s->linked_arena);
    s->linked = (struct strv){0};
    for (size_t i = 0; i < linked->n; i++)
        strv_push(s->linked_arena, &s->linked, arena_strdup(s->linked_arena, linked->v[i]));
}

static bool scan_once(struct sources *s, bool *ret_unstable)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct scan scan = {.arena = a};
    struct join j = {.s = s, .now_ms = monotonic_ms(), .changed = !s->scanned};

    look_at_roots(&j, &scan);
    keep_linked(s, &scan.linked);
    j.files = xcalloc(s->n_files + scan.n + 1, sizeof(j.files[0]));
    j.fresh = xcalloc(s->n_files + scan.n + 1, sizeof(j.fresh[0]));
    j.dead = xcalloc(s->n_files + 1, sizeof(j.dead[0]));
    join_all(&j, &scan);
    join_moved(&j);

    free(s->files);
    s->files = j.files;
    s->n_files = j.n_files;
    waits_free(s->waits, s->n_waits);
    s->waits = j.waits;
    s->n_waits = j.n_waits;
    s->scanned = true;
    if (j.changed)
        publish(s);
    for (size_t i = 0; i < j.n_dead; i++)
        source_file_free(j.dead[i]);
    free(j.dead);
    free(j.fresh);
    *ret_unstable = j.unsettled;
    return j.changed;
}

bool sources_scan(struct sources *s, bool *unstable)
{
    bool again = false, changed = scan_once(s, &again);

    if (unstable) {
        *unstable = again;
        return changed;
    }
    for (int64_t end = monotonic_ms() + SOURCE_PATIENCE_MS + SOURCE_GONE_MS;
         again && monotonic_ms() < end;) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        changed |= scan_once(s, &again);
    }
    return changed;
}

const struct spec_set *sources_set(const struct sources *s)
{
    return &s->set;
}

/* ---- what else is read ---- */

static bool below_root(const struct sources *s, const char *folder)
{
    for (size_t i = 0; i < s->n_places; i++) {
        const char *dir = s->places[i].dir ? s->places[i].dir : s->places[i].root;
        size_t n = strlen(dir);

        if (strncmp(folder, dir, n) == 0 &&
            (folder[n] == '/' || !folder[n] || strcmp(dir, "/") == 0))
            return true;
    }
    return false;
}

static void add_folder(const struct sources *s, const char *path, bool is_folder, struct arena *a,
                       struct kvs *folders)
{
    char *real = realpath(path, NULL);
    const char *where = real ? real : path, *slash = strrchr(where, '/');

    if (!is_folder && slash)
        where = slash == where ? "/" : arena_strndup(a, where, (size_t)(slash - where));
    else
        where = arena_strdup(a, where);
    free(real);
    if (!below_root(s, where))
        kvs_set(a, folders, where, "");
}

void sources_extra_folders(const struct sources *s, struct arena *a, struct strv *ret)
{
    struct kvs folders = {0};

    for (size_t i = 0; i < s->n_files; i++) {
        const struct source_file *f = s->files[i];

        /* Both the folder that the name is in and the one it leads to: either may change. */
        for (size_t k = 0; k < f->n_deps; k++) {
            const char *slash = strrchr(f->deps[k].path, '/');

            add_folder(s, f->deps[k].path, false, a, &folders);
            if (slash && slash != f->deps[k].path)
                add_folder(s, arena_strndup(a, f->deps[k].path, (size_t)(slash - f->deps[k].path)),
                           true, a, &folders);
        }
        if (f->found.link)
            add_folder(s, fsx_join(s->places[f->found.root].dir, f->found.path, a), false, a,
                       &folders);
    }
    for (size_t i = 0; i < s->linked.n; i++)
        add_folder(s, s->linked.v[i], true, a, &folders);
    for (size_t i = 0; i < folders.n; i++)
        strv_push(a, ret, folders.v[i].key);
}

void sources_each_text(const struct sources *s, sources_takes_fn *takes, sources_text_fn *fn,
                       void *user)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct kvs told = {0};

    for (size_t i = 0; i < s->n_files; i++) {
        const struct source_file *f = s->files[i];

        if (!takes(user, f->spec.root, f->found.path))
            continue;
        fn(user, f->spec.root, f->found.path, f->text, f->n);
        for (size_t k = 0; k < f->n_deps; k++) {
            const struct source_dep *d = &f->deps[k];

            if (!d->text || kvs_get(&told, d->path))
                continue;
            kvs_set(a, &told, d->path, "");
            fn(user, NULL, d->path, d->text, d->n);
        }
    }
}

void sources_each_digest(const struct sources *s, sources_takes_fn *takes, sources_digest_fn *fn,
                         void *user)
{
    for (size_t i = 0; i < s->n_files; i++)
        for (size_t k = 0; k < s->files[i]->n_deps; k++)
            if (s->files[i]->deps[k].digest &&
                takes(user, s->files[i]->spec.root, s->files[i]->found.path))
                fn(user, s->files[i]->deps[k].path, s->files[i]->deps[k].digest);
}
