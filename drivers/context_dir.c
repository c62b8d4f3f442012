/* A directory as a build context: a walk that never follows a link and never leaves the folder.
 *
 * Comes in: an absolute folder. Goes out: its entries, their content, and the cheap fingerprint that says whether anything changed at all. .dockerignore is honoured during the
 * walk, so an ignored node_modules costs nothing. Devices and FIFOs are refused by name; sockets are left out, as Docker does. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "drivers/context_parts.h"
#include "drivers/fsx.h"
#include "spec/base/arena.h"
#include "spec/dockerignore.h"
#include "spec/limits.h"

struct dir { /* what a directory context keeps */
    int top; /* descriptor of the folder */
    int fd;  /* of the open file, or -1 */
    int64_t left;
    size_t item;
};

typedef int seen_fn(void *user, const char *path, const struct stat *st, int dirfd, const char *name, struct err *e);

struct walk {
    const char *shown; /* the folder, for messages */
    const struct dockerignore *ignore;
    const char *dockerfile;
    seen_fn *seen;
    void *user;
    size_t entries;
    int limit;
    struct str path;
};

static bool walk_needs(const struct walk *w, const char *path)
{
    return strcmp(path, w->dockerfile) == 0 || strcmp(path, ".dockerignore") == 0;
}

/* The folder of the Dockerfile must be walked even where it is ignored. */
static bool walk_may_skip(const struct walk *w, const char *path)
{
    size_t n = strlen(path);
    return !dockerignore_may_return(w->ignore, path) && !(strncmp(w->dockerfile, path, n) == 0 && w->dockerfile[n] == '/');
}

static int walk_dir(struct walk *w, int fd, int depth, struct err *e);

static int walk_one(struct walk *w, int fd, const char *name, int depth, struct err *e)
{
    struct stat st;
    size_t len = w->path.len;
    int rc = 0;
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : err_errno(e, errno, "%s/%s%s", w->shown, str_text(&w->path), name);
    str_addf(&w->path, "%s%s", len ? "/" : "", name);
    const char *path = str_text(&w->path);
    bool out = w->ignore && dockerignore_excludes(w->ignore, path) && !walk_needs(w, path);
    bool enter = S_ISDIR(st.st_mode) && !(out && walk_may_skip(w, path));
    if (!out && !S_ISSOCK(st.st_mode)) {
        if (++w->entries > (size_t)w->limit)
            rc = err_set(e, ERR_USER, "%s: more than %d entries; a .dockerignore can leave some out", w->shown, w->limit);
        else
            rc = w->seen(w->user, path, &st, fd, name, e);
    }
    if (rc == 0 && enter) {
        int sub = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        rc = sub < 0 ? err_errno(e, errno, "%s/%s", w->shown, path) : walk_dir(w, sub, depth + 1, e);
    }
    w->path.len = len;
    w->path.buf[len] = '\0';
    return rc;
}

static int walk_dir(struct walk *w, int fd, int depth, struct err *e)
{
    DIR *d = fdopendir(fd);
    int rc = 0;
    if (!d) {
        (void)close(fd);
        return err_errno(e, errno, "%s/%s", w->shown, str_text(&w->path));
    }
    if (depth > LIMIT_CONTEXT_DEPTH * 2)
        rc = err_set(e, ERR_USER, "%s/%.200s lies too deep", w->shown, str_text(&w->path));
    while (rc == 0) {
        errno = 0;
        struct dirent *x = readdir(d);
        if (!x) {
            if (errno)
                rc = err_errno(e, errno, "%s/%s", w->shown, str_text(&w->path));
            break;
        }
        if (strcmp(x->d_name, ".") != 0 && strcmp(x->d_name, "..") != 0)
            rc = walk_one(w, dirfd(d), x->d_name, depth, e);
    }
    (void)closedir(d);
    return rc;
}

/* ---- the folder and its ignore file ---- */

static const char *folder_of(const struct context_where *where, struct arena *a)
{
    return where->sub && *where->sub ? fsx_join(where->path, where->sub, a) : where->path;
}

static int read_ignore(const struct context_where *where, const char *folder, struct arena *a,
                       struct dockerignore **ret, struct err *e)
{
    const char *dockerfile = where->dockerfile ? where->dockerfile : "Dockerfile", *text;
    const char *names[] = {arena_printf(a, "%s.dockerignore", dockerfile), ".dockerignore"};
    *ret = NULL;
    for (size_t i = 0; where->use_ignore && i < ARRAY_LEN(names); i++) {
        size_t n;
        struct err why = {0};
        if (fsx_read(fsx_join(folder, names[i], a), LIMIT_SPEC_BYTES, a, &text, &n, NULL, &why) < 0) {
            if (why.kind == ERR_MISSING)
                continue;
            *e = why;
            return -1;
        }
        *ret = dockerignore_parse(text, n, a, e);
        return *ret ? 0 : err_wrap(e, "%s/%s", folder, names[i]);
    }
    return 0;
}

static int walk_from(const struct context_where *where, struct arena *a, seen_fn *seen, void *user, int *ret_fd,
                     struct err *e)
{
    const char *folder = folder_of(where, a);
    struct dockerignore *ignore;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, errno, "%s", folder);
    int top = dup(fd);
    if (top < 0 || read_ignore(where, folder, a, &ignore, e) < 0) {
        (void)close(fd);
        if (top >= 0)
            (void)close(top);
        return e->kind ? -1 : err_errno(e, errno, "%s", folder);
    }
    struct walk w = {
        .shown = folder,
        .ignore = ignore,
        .dockerfile = where->dockerfile ? where->dockerfile : "Dockerfile",
        .seen = seen,
        .user = user,
        .limit = where->limits.entries ? where->limits.entries : LIMIT_CONTEXT_ENTRIES,
    };
    int rc = walk_dir(&w, fd, 0, e);
    str_release(&w.path);
    if (rc < 0 || !ret_fd)
        (void)close(top);
    else
        *ret_fd = top;
    return rc;
}

/* ---- listing ---- */

static int list_one(void *user, const char *path, const struct stat *st, int dirfd, const char *name, struct err *e)
{
    struct context *c = user;
    if (S_ISREG(st->st_mode))
        return context_add(c, path, 'f', st->st_mode & 0111, st->st_size, NULL, NULL, e);
    if (S_ISDIR(st->st_mode))
        return context_add(c, path, 'd', false, 0, NULL, NULL, e);
    if (S_ISLNK(st->st_mode)) {
        char target[LIMIT_CONTEXT_PATH * 4];
        ssize_t n = readlinkat(dirfd, name, target, sizeof(target) - 1);
        if (n < 0)
            return err_errno(e, errno, "%s/%s", c->where.path, path);
        target[n] = '\0';
        return context_add(c, path, 'l', false, 0, target, NULL, e);
    }
    return err_set(e, ERR_USER, "%s: \"%.200s\" is a device or a FIFO; leave it out with .dockerignore", c->where.path, path);
}

/* ---- content ---- */

static int dir_open(struct context *c, size_t item, struct err *e)
{
    struct dir *d = c->own;
    const struct context_entry *x = &c->items[item].e;
    struct stat st;
    d->fd = openat(d->top, x->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (d->fd < 0)
        return err_errno(e, errno, "%s/%s", c->where.path, x->path);
    if (fstat(d->fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size != x->bytes) {
        (void)close(d->fd);
        d->fd = -1;
        return err_set(e, ERR_RETRY, "%s/%s changed while it was being read", c->where.path, x->path);
    }
    d->left = x->bytes;
    d->item = item;
    return 0;
}

static long dir_read(struct context *c, void *buf, size_t n, struct err *e)
{
    struct dir *d = c->own;
    size_t want = (int64_t)n < d->left ? n : (size_t)d->left;
    if (want == 0)
        return 0;
    ssize_t got = read(d->fd, buf, want);
    if (got < 0)
        return err_errno(e, errno, "%s/%s", c->where.path, c->items[d->item].e.path);
    if (got == 0)
        return err_set(e, ERR_RETRY, "%s/%s changed while it was being read", c->where.path, c->items[d->item].e.path);
    d->left -= got;
    return got;
}

static void dir_close(struct context *c)
{
    struct dir *d = c->own;
    if (d->fd >= 0)
        (void)close(d->fd);
    d->fd = -1;
}

static int dir_each(struct context *c, int (*piece)(void *user, size_t item, const void *bytes, size_t n), void *user,
                    struct err *e)
{
    char *buf = xcalloc(1, 65536);
    int rc = 0;
    for (size_t i = 0; i < c->n && rc == 0; i++) {
        long got = 0;
        if (c->items[i].e.type != 'f')
            continue;
        rc = dir_open(c, i, e);
        while (rc == 0 && (got = dir_read(c, buf, 65536, e)) > 0)
            rc = piece(user, i, buf, (size_t)got);
        if (got < 0)
            rc = -1;
        if (rc == 0)
            rc = piece(user, i, NULL, 0);
        dir_close(c);
    }
    free(buf);
    return rc;
}

static void dir_free(struct context *c)
{
    struct dir *d = c->own;
    dir_close(c);
    if (d->top >= 0)
        (void)close(d->top);
    free(d);
}

static const struct context_source dir_source = {dir_open, dir_read, dir_close, dir_each, dir_free};

int context_open_dir(struct context *c, struct err *e)
{
    struct dir *d = xcalloc(1, sizeof(*d));
    d->top = d->fd = -1;
    c->own = d;
    c->source = &dir_source;
    if (walk_from(&c->where, c->arena, list_one, c, &d->top, e) < 0)
        return -1;
    return context_seal(c, false, e);
}

/* ---- the fingerprint ---- */

struct print {
    struct strv lines;
    struct arena *arena;
};

static int print_one(void *user, const char *path, const struct stat *st, int dirfd, const char *name, struct err *e)
{
    struct print *p = user;
    (void)dirfd, (void)name, (void)e;
    bool dir = S_ISDIR(st->st_mode); /* a directory's own times say nothing about what counts */
    strv_push(p->arena, &p->lines,
              arena_printf(p->arena, "%s %o %lld %lld.%09ld %llu", path, st->st_mode, dir ? 0LL : (long long)st->st_size,
                           dir ? 0LL : (long long)st->st_mtim.tv_sec, dir ? 0L : st->st_mtim.tv_nsec,
                           (unsigned long long)st->st_ino));
    return 0;
}

int context_dir_fingerprint(const struct context_where *where, char ret[SHA256_HEX], struct err *e)
{
    struct print p = {.arena = arena_new()};
    CLEANUP(str_release) struct str text = STR_INIT;
    int rc = walk_from(where, p.arena, print_one, &p, NULL, e);
    if (rc == 0) {
        strv_sort(&p.lines);
        for (size_t i = 0; i < p.lines.n; i++)
            str_addf(&text, "%s\n", p.lines.v[i]);
        sha256_hex(str_text(&text), text.len, ret);
    }
    arena_free(p.arena);
    return rc;
}
