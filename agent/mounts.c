/* Configs and secrets on their way into containers.
 *
 * Comes in: the files that desired state names, with digests, and the places their contents are at: the store of secrets, a file of the host, the spec itself. Goes out: files under STATE/mounts. A
 * content that is not the one the digest is of is never written: then desired state is older than the file, and is built again. Values are wiped from memory as soon as they are on disk. */
#include "agent/mounts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "agent/secrets.h"
#include "drivers/fsx.h"
#include "spec/base/arena.h"
#include "spec/limits.h"

#define KEY_BYTES 32
#define KEEP_S 86400

static const char *folder(const char *state, struct arena *a)
{
    return fsx_join(state, "mounts", a);
}

static int make_folder(const char *dir, struct err *e)
{
    if (fsx_mkdirs(dir, 0711, e) < 0)
        return -1;
    return chmod(dir, 0711) == 0 ? 0 : err_errno(e, errno, "cannot change %s", dir);
}

/* ---- the key ---- */

static const char *make_key(const char *dir, const char *path, struct arena *a)
{
    unsigned char bytes[KEY_BYTES];
    char text[2 * KEY_BYTES + 1];
    struct err e = {0};

    if (RAND_bytes(bytes, sizeof(bytes)) != 1 || make_folder(dir, &e) < 0)
        return NULL;
    for (size_t i = 0; i < sizeof(bytes); i++)
        (void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return fsx_replace(path, text, sizeof(text) - 1, 0600, &e) == 0 ? arena_strdup(a, text) : NULL;
}

const char *mounts_key(const char *state, bool make, struct arena *a)
{
    const char *dir = folder(state, a), *path = fsx_join(dir, ".key", a), *text;
    struct err e = {0};
    size_t n;

    if (fsx_read(path, LIMIT_SECRET_BYTES, a, &text, &n, NULL, &e) == 0 && n > 0)
        return text;
    return make && e.kind == ERR_MISSING ? make_key(dir, path, a) : NULL;
}

/* ---- one file ---- */

static int read_content(const char *state, const struct want_file *f, struct arena *a,
                        const char **ret, size_t *ret_n, struct err *e)
{
    if (f->secret)
        return secrets_read(state, f->secret, a, ret, ret_n, e);
    if (f->spec->path)
        return fsx_read(f->spec->path, LIMIT_SECRET_BYTES, a, ret, ret_n, NULL, e);
    *ret = arena_strdup(a, f->spec->content);
    *ret_n = strlen(*ret);
    return 0;
}

static int give(int fd, const struct placed_file *s)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -1;
    if ((st.st_uid != (uid_t)s->uid || st.st_gid != (gid_t)s->gid) &&
        fchown(fd, (uid_t)s->uid, (gid_t)s->gid) < 0)
        return -1;
    return fchmod(fd, (mode_t)s->mode);
}

static int write_all(int fd, const char *text, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t some = pwrite(fd, text + at, n - at, (off_t)at);

        if (some < 0 && errno != EINTR)
            return -1;
        at += some > 0 ? (size_t)some : 0;
    }
    return ftruncate(fd, (off_t)n);
}

/* Containers have the file itself, not its name: what is renamed into its place they would see after a restart only. A file of several names is
 * not ours alone. False: it takes another file; ret_rc is what became of the writing. */
static bool write_in_place(const struct want_file *f, const char *text, size_t n, int *ret_rc,
                           struct err *e)
{
    struct stat st;
    int fd = open(f->path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool own = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1;

    if (own)
        *ret_rc = write_all(fd, text, n) < 0 || give(fd, f->spec) < 0 || fsync(fd) < 0
                      ? err_errno(e, errno, "cannot write %s", f->path)
                      : 0;
    if (fd >= 0)
        (void)close(fd);
    return own;
}

/* Its own name comes last: what is there has the right owner and mode. */
static int write_new(const struct want_file *f, const char *text, size_t n, struct arena *a,
                     struct err *e)
{
    const struct placed_file *s = f->spec;
    const char *new = arena_printf(a, "%s.new", f->path);
    bool others = (uid_t)s->uid != geteuid() || (gid_t)s->gid != getegid();

    if (fsx_replace(new, text, n, 0600, e) < 0)
        return -1;
    if ((others && chown(new, (uid_t)s->uid, (gid_t)s->gid) < 0) ||
        chmod(new, (mode_t)s->mode) < 0 || rename(new, f->path) < 0) {
        (void)err_errno(e, errno, "cannot give %s to user %ld, group %ld", new, (long)s->uid,
                        (long)s->gid);
        (void)unlink(new);
        return -1;
    }
    return 0;
}

static int write_file(const struct want_file *f, const char *text, size_t n, struct arena *a,
                      struct err *e)
{
    int rc;

    if (write_in_place(f, text, n, &rc, e))
        return rc;
    if (rmdir(f->path) < 0 && errno != ENOTDIR && errno != ENOENT)
        return err_errno(e, errno, "%s is to be a file; take away what is there", f->path);
    return write_new(f, text, n, a, e);
}

int mounts_put(const char *state, const struct want_file *f, struct err *e)
{
    struct arena *a = arena_new();
    char digest[SHA256_HEX];
    const char *text;
    size_t n;
    int rc = make_folder(folder(state, a), e) < 0 ? -1 : read_content(state, f, a, &text, &n, e);

    if (rc == 0) {
        sha256_hex(text, n, digest);
        if (!f->digest || strcmp(digest, f->digest) != 0)
            rc = err_set(e, ERR_RETRY, "%s changes just now",
                         f->secret       ? f->secret
                         : f->spec->path ? f->spec->path
                                         : "a config");
        else
            rc = write_file(f, text, n, a, e);
        OPENSSL_cleanse((char *)(uintptr_t)text, n);
    }
    arena_free(a);
    return rc;
}

/* ---- all of them ---- */

static bool wanted(const struct desired *d, const char *path)
{
    for (size_t i = 0; i < d->n_apps; i++)
        for (size_t k = 0; k < d->apps[i].n_placed; k++)
            if (strcmp(d->apps[i].placed[k].path, path) == 0)
                return true;
    return false;
}

bool mounts_mounted(const struct observed *o, const char *path)
{
    for (size_t i = 0; i < o->n_containers; i++)
        for (size_t k = 0; k < o->containers[i].fields.n; k++)
            if (strstr(o->containers[i].fields.v[k].value, path))
                return true;
    return false;
}

/* While some container of ours is known by its list entry alone nobody can tell what it mounts. */
static bool all_known(const struct desired *d, const struct observed *o)
{
    for (size_t i = 0; i < o->n_containers; i++)
        if (!o->containers[i].inspected && o->containers[i].owner &&
            strcmp(o->containers[i].owner, d->settings->owner) == 0)
            return false;
    return true;
}

static void sweep(const char *dir, const struct desired *d, const struct observed *o,
                  struct arena *a)
{
    DIR *list = all_known(d, o) ? opendir(dir) : NULL;
    const struct dirent *entry;

    while (list && (entry = readdir(list))) {
        const char *path = fsx_join(dir, entry->d_name, a);
        struct stat st;

        if (entry->d_name[0] != '.' && lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
            st.st_ctim.tv_sec < time(NULL) - KEEP_S && !wanted(d, path) && !mounts_mounted(o, path))
            (void)unlink(path);
    }
    if (list)
        (void)closedir(list);
}

/* Of what a container mounts somebody took it away: that is told, and the plan says what becomes of it. */
static bool to_be_put(const struct observed *o, const char *path)
{
    struct stat st;

    return lstat(path, &st) < 0 && errno == ENOENT && !mounts_mounted(o, path);
}

int mounts_keep(const char *state, const struct desired *d, const struct observed *o, struct err *e)
{
    struct arena *a = arena_new();
    struct err first = {0};

    for (size_t i = 0; i < d->n_apps; i++) {
        for (size_t k = 0; !d->apps[i].refused && k < d->apps[i].n_placed; k++) {
            const struct want_file *f = &d->apps[i].placed[k];
            struct err why = {0};

            if (!to_be_put(o, f->path))
                continue;
            if (mounts_put(state, f, &why) < 0 && first.kind == ERR_NONE)
                (void)err_set(&first, why.kind, "app %s: %s", d->apps[i].name, why.msg);
        }
    }
    sweep(folder(state, a), d, o, a);
    arena_free(a);
    if (first.kind == ERR_NONE)
        return 0;
    *e = first;
    return -1;
}
