/* A directory as a build context: a walk that never follows a link and never leaves the folder.
 *
 * Comes in: an open folder. Goes out: its entries, their content, and the cheap fingerprint that says whether anything changed at all.
 * .dockerignore is honoured during the walk, so an ignored node_modules costs nothing. Devices and FIFOs are refused by name; sockets are
 * left out, as Docker does. A file that is no longer the one that was listed is never read: not even where a folder above it was
 * exchanged for a link. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "drivers/context_parts.h"
#include "drivers/fsx.h"
#include "spec/base/arena.h"
#include "spec/dockerignore.h"
#include "spec/limits.h"

#define VISITS_PER_ENTRY                                                                           \
    20                    /* an exception in .dockerignore makes us look into what it leaves out */
#define TARGET_BYTES 4096 /* PATH_MAX: no link is longer */

/* ---- the walk ---- */

struct found {
    const char *path;
    struct stat st;
    int folder; /* descriptor; with name for what stat does not say */
    const char *name;
    bool ignored; /* .dockerignore excludes it, but it is needed */
};

struct walk {
    const struct context_where *where;
    const struct dockerignore *ignore; /* NULL: none */
    int (*see)(void *user, const struct found *f, struct err *e);
    void *user;
    int entries, visits;
    struct str path;
    struct str names; /* of the folders on the way down, each with its NUL */
    uint32_t *order;  /* where in it each of them begins: sorted, folder by folder */
    size_t n_order, cap_order;
};

static int walk_dir(struct walk *w, int fd, int depth, struct err *e);

/* The folder of the Dockerfile must be walked even where it is left out. */
static bool may_skip(const struct walk *w, const char *path)
{
    size_t n = strlen(path);

    return !dockerignore_may_return(w->ignore, path) &&
           !(strncmp(w->where->dockerfile, path, n) == 0 && w->where->dockerfile[n] == '/');
}

static int too_many(const struct walk *w, struct err *e)
{
    return err_set(e, ERR_USER, "%s: more than %d entries; .dockerignore can leave some out",
                   w->where->path, w->where->limits.entries);
}

static int count(struct walk *w, bool out, struct err *e)
{
    int limit = w->where->limits.entries;

    w->entries += !out;
    return w->entries > limit || ++w->visits / VISITS_PER_ENTRY > limit ? too_many(w, e) : 0;
}

/* w->path is complete. */
static int walk_found(struct walk *w, struct found *f, int depth, struct err *e)
{
    bool excluded = w->ignore && dockerignore_excludes(w->ignore, f->path);
    bool out = excluded && !context_needs(w->where, f->path);
    int fd;

    f->ignored = excluded && !out;

    if (S_ISSOCK(f->st.st_mode))
        return 0;
    if (count(w, out, e) < 0 || (!out && w->see(w->user, f, e) < 0))
        return -1;
    if (!S_ISDIR(f->st.st_mode) || (out && may_skip(w, f->path)))
        return 0;
    fd = openat(f->folder, f->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, errno, "%s/%s", w->where->path, f->path);
    return walk_dir(w, fd, depth + 1, e);
}

/* The name is one of w->names, which may move once a folder below is listed. */
static int walk_one(struct walk *w, int fd, const char *name, int depth, struct err *e)
{
    struct found f = {.folder = fd, .name = name};
    size_t len = w->path.len;
    int rc;

    if (len > 0)
        str_addc(&w->path, '/');
    str_add(&w->path, name);
    f.path = str_text(&w->path);
    if (fstatat(fd, name, &f.st, AT_SYMLINK_NOFOLLOW) == 0)
        rc = walk_found(w, &f, depth, e);
    else if (errno == ENOENT)
        rc = 0; /* gone since it was listed */
    else
        rc = err_errno(e, errno, "%s/%s", w->where->path, f.path);
    w->path.len = len;
    w->path.buf[len] = '\0';
    return rc;
}

static void push_name(struct walk *w, const char *name)
{
    if (w->n_order == w->cap_order) {
        w->cap_order = w->cap_order ? 2 * w->cap_order : 256;
        w->order = xrealloc(w->order, w->cap_order * sizeof(*w->order));
    }
    w->order[w->n_order++] = (uint32_t)w->names.len;
    str_addn(&w->names, name, strlen(name) + 1);
}

static int by_name(const void *va, const void *vb, void *names)
{
    const uint32_t *a = va, *b = vb;

    return strcmp((const char *)names + *a, (const char *)names + *b);
}

/* Sorted, since the order of readdir may change with files that do not count. */
static int list_names(struct walk *w, DIR *d, struct err *e)
{
    size_t first = w->n_order;
    const struct dirent *x;

    while ((errno = 0, x = readdir(d))) {
        if (strcmp(x->d_name, ".") == 0 || strcmp(x->d_name, "..") == 0)
            continue;
        if (w->n_order / VISITS_PER_ENTRY > (size_t)w->where->limits.entries)
            return too_many(w, e);
        push_name(w, x->d_name);
    }
    if (errno)
        return err_errno(e, errno, "%s/%s", w->where->path, str_text(&w->path));
    if (w->n_order > first)
        qsort_r(&w->order[first], w->n_order - first, sizeof(*w->order), by_name, w->names.buf);
    return 0;
}

/* Takes the descriptor. */
static int walk_dir(struct walk *w, int fd, int depth, struct err *e)
{
    DIR *d = fdopendir(fd);
    size_t first = w->n_order, bytes = w->names.len;
    int rc;

    if (!d) {
        (void)close(fd);
        return err_errno(e, errno, "%s/%s", w->where->path, str_text(&w->path));
    }
    if (depth >= w->where->limits.depth * 2) /* only what is left out can lie so deep */
        rc = err_set(e, ERR_USER, "%s/%.200s lies too deep", w->where->path, str_text(&w->path));
    else
        rc = list_names(w, d, e);
    size_t end = w->n_order;

    for (size_t i = first; i < end && rc == 0; i++)
        rc = walk_one(w, fd, w->names.buf + w->order[i], depth, e);
    w->n_order = first;
    w->names.len = bytes;
    (void)closedir(d);
    return rc;
}

/* ---- the folder and its ignore file ---- */

/* `sub` below an open folder; no link on the way, it could lead out. Returns a new descriptor. */
static int open_sub(const struct context_where *where, int folder, struct err *e)
{
    CLEANUP(str_release) struct str name = STR_INIT;
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (const char *at = where->sub; fd >= 0 && *at;) {
        size_t n = strcspn(at, "/");
        int up = fd;

        str_clear(&name);
        str_addn(&name, at, n);
        fd = openat(up, str_text(&name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        (void)close(up);
        at += n + (at[n] == '/');
    }
    if (fd < 0)
        return err_errno(e, errno, "%s: the folder \"%.100s\"", where->path, where->sub);
    return fd;
}

static int read_ignore(const struct context_where *where, struct arena *a,
                       const struct dockerignore **ret, struct err *e)
{
    const char *folder = *where->sub ? fsx_join(where->path, where->sub, a) : where->path, *text;
    const char *const names[] = {arena_printf(a, "%s.dockerignore", where->dockerfile),
                                 ".dockerignore"};

    *ret = NULL;
    for (size_t i = 0; where->use_ignore && i < ARRAY_LEN(names); i++) {
        const char *path = fsx_join(folder, names[i], a);
        struct err why = {0};
        size_t n;

        if (fsx_read(path, LIMIT_SPEC_BYTES, a, &text, &n, NULL, &why) == 0) {
            *ret = dockerignore_parse(text, n, a, e);
            return *ret ? 0 : err_wrap(e, "%s", path);
        }
        if (why.kind != ERR_MISSING)
            return err_set(e, why.kind, "%s", why.msg);
    }
    return 0;
}

/* Returns the descriptor of the folder that was walked, or -1. */
static int walk_where(struct walk *w, int folder, struct arena *a, struct err *e)
{
    int fd, again, rc;

    if (read_ignore(w->where, a, &w->ignore, e) < 0)
        return -1;
    fd = open_sub(w->where, folder, e);
    if (fd < 0)
        return -1;
    again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    rc = again < 0 ? err_errno(e, errno, "%s", w->where->path) : walk_dir(w, again, 0, e);
    str_release(&w->path);
    str_release(&w->names);
    free(w->order);
    if (rc == 0)
        return fd;
    (void)close(fd);
    return -1;
}

/* ---- listing ---- */

static int list_one(void *user, const struct found *f, struct err *e)
{
    struct context *c = user;
    struct context_entry x = {.path = f->path};
    char target[TARGET_BYTES + 1];
    struct item *it;
    ssize_t n;

    if (S_ISREG(f->st.st_mode)) {
        x.type = 'f';
        x.executable = f->st.st_mode & 0111;
        x.bytes = f->st.st_size;
    } else if (S_ISDIR(f->st.st_mode)) {
        x.type = 'd';
    } else if (S_ISLNK(f->st.st_mode)) {
        n = readlinkat(f->folder, f->name, target, sizeof(target) - 1);
        if (n < 0)
            return err_errno(e, errno, "%s/%s", c->where.path, f->path);
        target[n] = '\0';
        x.type = 'l';
        x.target = target;
    } else {
        return context_refuse(c, f->path, e,
                              "it is a device or a FIFO, no file; .dockerignore can leave it out");
    }
    if (context_add(c, &x, &it, e) < 0)
        return -1;
    it->at.stamp = context_stamp(&f->st);
    it->ignored = f->ignored;
    return 0;
}

/* ---- content ---- */

struct dir { /* what a directory context keeps */
    int top; /* descriptor of the folder */
    int fd;  /* of the open file, or -1 */
    int64_t left;
    const struct item *x;
};

static int changed(const struct context *c, const struct item *x, struct err *e)
{
    return err_set(e, ERR_RETRY, "%s/%s changed while it was being read", c->where.path, x->e.path);
}

static bool is_as_listed(const struct dir *d)
{
    struct stat st;

    if (fstat(d->fd, &st) < 0 || !S_ISREG(st.st_mode))
        return false;
    struct stamp now = context_stamp(&st);

    return context_stamp_eq(&now, &d->x->at.stamp);
}

static void dir_close(struct context *c)
{
    struct dir *d = c->own;

    if (d->fd >= 0)
        (void)close(d->fd);
    d->fd = -1;
}

static int dir_open(struct context *c, const struct item *x, struct err *e)
{
    struct dir *d = c->own;

    d->fd = openat(d->top, x->e.path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (d->fd < 0)
        return errno == ENOENT || errno == ELOOP || errno == ENOTDIR
                   ? changed(c, x, e)
                   : err_errno(e, errno, "%s/%s", c->where.path, x->e.path);
    d->left = x->e.bytes;
    d->x = x;
    if (is_as_listed(d))
        return 0;
    dir_close(c);
    return changed(c, x, e);
}

static long dir_read(struct context *c, void *buf, size_t n, struct err *e)
{
    struct dir *d = c->own;
    size_t want = (int64_t)n < d->left ? n : (size_t)d->left;
    ssize_t got;

    if (want == 0)
        return is_as_listed(d) ? 0 : changed(c, d->x, e);
    got = read(d->fd, buf, want);
    if (got < 0)
        return err_errno(e, errno, "%s/%s", c->where.path, d->x->e.path);
    if (got == 0)
        return changed(c, d->x, e);
    d->left -= got;
    return got;
}

static void dir_free(struct context *c)
{
    struct dir *d = c->own;

    dir_close(c);
    if (d->top >= 0)
        (void)close(d->top);
    free(d);
}

static void *dir_twin(const struct context *c)
{
    const struct dir *d = c->own;
    struct dir *twin = xcalloc(1, sizeof(*twin));

    twin->fd = -1;
    twin->top = fcntl(d->top, F_DUPFD_CLOEXEC, 0);
    if (twin->top >= 0)
        return twin;
    free(twin);
    return NULL;
}

static const struct context_source dir_source = {dir_open, dir_read, dir_close, dir_free, dir_twin};

int context_open_dir(struct context *c, struct err *e)
{
    struct walk w = {.where = &c->where, .see = list_one, .user = c};
    struct dir *d = xcalloc(1, sizeof(*d));

    d->fd = -1;
    c->own = d;
    c->source = &dir_source;
    d->top = walk_where(&w, c->fd, c->arena, e);
    return d->top < 0 ? -1 : context_seal(c, e);
}

/* ---- the fingerprint ---- */

static int print_one(void *user, const struct found *f, struct err *e)
{
    struct print *p = user;

    (void)e;
    str_addn(&p->text, f->path, strlen(f->path) + 1);
    if (S_ISDIR(f->st.st_mode)) /* its own times say nothing about what counts */
        str_addc(&p->text, 'd');
    else
        context_print_stat(p, &f->st);
    return 0;
}

int context_dir_fingerprint(const struct context_where *where, int fd, struct print *p,
                            struct err *e)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct walk w = {.where = where, .see = print_one, .user = p};
    int top = walk_where(&w, fd, a, e);

    if (top < 0)
        return -1;
    (void)close(top);
    return 0;
}
