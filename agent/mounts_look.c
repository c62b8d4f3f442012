/* Are the configs and secrets that containers mount still what was put there?
 *
 * Comes in: the files that desired state names, with digests, owners and modes. Goes out: those that somebody changed, and when. Content is known again by device, inode, size and times, so that a
 * file is read once; what changed so lately that the clock of the file system may not tell is read again. Says nothing of what is in them, changes nothing. */
#include "agent/mounts_look.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "agent/mounts.h"
#include "drivers/fsx.h"
#include "spec/base/arena.h"
#include "spec/limits.h"

#define YOUNG_MS 50 /* a file system's clock moves in steps of at most 10 ms */

struct known_file {
    char *path;
    bool there, young, changed;
    struct stat st;
    char digest[SHA256_HEX]; /* that it was compared with */
};

struct mounts_look {
    struct known_file *v; /* sorted by path */
    size_t n;
};

struct mounts_look *mounts_look_new(void)
{
    return xcalloc(1, sizeof(struct mounts_look));
}

static void forget(struct mounts_look *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i].path);
    free(l->v);
    *l = (struct mounts_look){0};
}

void mounts_look_free(struct mounts_look *l)
{
    if (l)
        forget(l);
    free(l);
}

/* ---- the same file as before ---- */

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Who changes owner, mode or names changes st_ctim, too. */
static bool same_stat(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           same_time(&a->st_mtim, &b->st_mtim) && same_time(&a->st_ctim, &b->st_ctim);
}

static int64_t changed_ms(const struct stat *st)
{
    return (int64_t)st->st_ctim.tv_sec * 1000 + st->st_ctim.tv_nsec / 1000000;
}

static bool is_young(const struct stat *st)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    int64_t age = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - changed_ms(st);

    return age < YOUNG_MS;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct known_file *)a)->path, ((const struct known_file *)b)->path);
}

static const struct known_file *known(const struct mounts_look *l, const char *path)
{
    const struct known_file key = {.path = (char *)(uintptr_t)path};

    return l->n ? bsearch(&key, l->v, l->n, sizeof(l->v[0]), by_path) : NULL;
}

/* ---- one file ---- */

/* -1: nobody here can tell. */
static int has_digest(const char *path, const char *digest)
{
    struct arena *a = arena_new();
    char is[SHA256_HEX];
    struct err e = {0};
    const char *text;
    size_t n;
    int rc = fsx_read(path, LIMIT_SECRET_BYTES, a, &text, &n, NULL, &e);

    if (rc == 0) {
        sha256_hex(text, n, is);
        OPENSSL_cleanse((char *)(uintptr_t)text, n);
        rc = strcmp(is, digest) == 0;
    }
    arena_free(a);
    return rc;
}

static bool is_changed(const struct mounts_look *l, const struct want_file *f,
                       const struct stat *st, bool *ret_young)
{
    const struct known_file *before = known(l, f->path);

    *ret_young = is_young(st);
    if (before && before->there && !before->young && same_stat(&before->st, st) &&
        strcmp(before->digest, f->digest) == 0)
        return before->changed;
    if (st->st_size > LIMIT_SECRET_BYTES)
        return true;
    int same = has_digest(f->path, f->digest);

    *ret_young |= same < 0; /* asked again at the next look */
    return same == 0;
}

static bool has_access(const struct stat *st, const struct placed_file *s)
{
    return st->st_uid == (uid_t)s->uid && st->st_gid == (gid_t)s->gid &&
           (st->st_mode & 07777) == (mode_t)s->mode;
}

/* False: it is in order, or nobody can tell. */
static bool in_trouble(const struct known_file *k, const struct want_file *f,
                       const struct observed *o, struct obs_file *ret)
{
    *ret = (struct obs_file){.path = f->path};
    if (!k->there) {
        ret->trouble = FILE_MISSING;
        return mounts_mounted(o, f->path);
    }
    ret->since_ms = changed_ms(&k->st);
    ret->trouble = !S_ISREG(k->st.st_mode)            ? FILE_KIND
                   : k->changed && k->st.st_nlink > 1 ? FILE_LINKED
                   : k->changed                       ? FILE_CHANGED
                                                      : FILE_ACCESS;
    return ret->trouble != FILE_ACCESS || !has_access(&k->st, f->spec);
}

/* False: the folder cannot be entered. */
static bool look_at(const struct mounts_look *l, const struct want_file *f, struct known_file *ret)
{
    *ret = (struct known_file){0};
    ret->there = lstat(f->path, &ret->st) == 0;
    if (!ret->there && errno != ENOENT)
        return false;
    if (ret->there && S_ISREG(ret->st.st_mode))
        ret->changed = is_changed(l, f, &ret->st, &ret->young);
    (void)snprintf(ret->digest, sizeof(ret->digest), "%s", f->digest);
    ret->path = xstrdup(f->path);
    return true;
}

/* ---- all of them ---- */

static size_t count(const struct desired *d)
{
    size_t n = 0;

    for (size_t i = 0; i < d->n_apps; i++)
        n += d->apps[i].refused ? 0 : d->apps[i].n_placed;
    return n;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct obs_file *)a)->path, ((const struct obs_file *)b)->path);
}

void mounts_look(struct mounts_look *l, const struct desired *d, const struct observed *o,
                 struct arena *a, struct obs_file **ret, size_t *ret_n)
{
    size_t all = count(d);
    struct mounts_look now = {.v = all ? xcalloc(all, sizeof(now.v[0])) : NULL};

    *ret = ARENA_ARRAY(a, all, struct obs_file);
    *ret_n = 0;
    for (size_t i = 0; i < d->n_apps; i++)
        for (size_t k = 0; !d->apps[i].refused && k < d->apps[i].n_placed; k++) {
            const struct want_file *f = &d->apps[i].placed[k];

            if (f->digest && look_at(l, f, &now.v[now.n]))
                *ret_n += in_trouble(&now.v[now.n++], f, o, &(*ret)[*ret_n]);
        }
    if (now.n > 1)
        qsort(now.v, now.n, sizeof(now.v[0]), by_path);
    if (*ret_n > 1)
        qsort(*ret, *ret_n, sizeof(**ret), by_name);
    forget(l);
    *l = now;
}

bool mounts_look_news(const struct mounts_look *l)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct known_file *k = &l->v[i];
        struct stat st;
        bool there = lstat(k->path, &st) == 0;

        if (there != k->there || (there && (k->young || !same_stat(&st, &k->st))))
            return true;
    }
    return false;
}
