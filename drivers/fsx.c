/* fsx.c: files, safely.
 *
 * In: paths and bytes. Out: the whole text of a regular file with the stat of what was read, or a file that was
 * replaced as a whole: written beside the old one under a hidden name, synced, renamed, and the folder synced, so
 * that after a power cut there is the old text or the new, never a piece.
 * It refuses to read what is not a regular file (looked at before it is opened: opening a FIFO waits, opening a
 * device may do things), more than the caller's bound, and a text that changed while it was read. */
#include "drivers/fsx.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "spec/base/arena.h"
#include "spec/base/str.h"

/* For CLEANUP; keeps errno, so that a failure can be told after the descriptor is gone. */
static void closep(int *fd)
{
    int keep = errno;

    if (*fd >= 0)
        (void)close(*fd);
    errno = keep;
}

static const char *kind_name(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR: return "a directory";
    case S_IFIFO: return "a FIFO";
    case S_IFSOCK: return "a socket";
    case S_IFCHR: return "a character device";
    case S_IFBLK: return "a block device";
    default: return "not a regular file";
    }
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static int check_kind(const char *path, const struct stat *st, size_t max, struct err *e)
{
    if (!S_ISREG(st->st_mode))
        return err_set(e, ERR_USER, "%s is %s, not a file", path, kind_name(st->st_mode));
    if ((uintmax_t)st->st_size > max)
        return err_set(e, ERR_USER, "%s is larger than %zu bytes", path, max);
    return 0;
}

/* Everything up to the end, at most max bytes and one more to see that there is more. */
static ssize_t read_up_to(int fd, char *buf, size_t max)
{
    size_t n = 0;

    while (n < max) {
        ssize_t got = read(fd, buf + n, max - n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        n += (size_t)got;
    }
    return (ssize_t)n;
}

int fsx_read(const char *path, size_t max, struct arena *a, const char **ret_text, size_t *ret_n,
             struct stat *ret_st, struct err *e)
{
    CLEANUP(closep) int fd = -1;
    struct stat before, after;

    if (stat(path, &before) != 0)
        return err_errno(e, errno, "cannot read %s", path);
    if (check_kind(path, &before, max, e) != 0)
        return -1;
    /* O_NONBLOCK: it may have become a FIFO since. */
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &before) != 0)
        return err_errno(e, errno, "cannot read %s", path);
    if (check_kind(path, &before, max, e) != 0)
        return -1;

    size_t size = (size_t)before.st_size;
    char *text = arena_alloc(a, size + 1);
    ssize_t n = read_up_to(fd, text, size + 1);

    if (n < 0 || fstat(fd, &after) != 0)
        return err_errno(e, errno, "cannot read %s", path);
    /* Files below /proc and /sys claim to be empty and are not; they are nobody's text either. */
    if ((size_t)n != size || before.st_size != after.st_size ||
        !same_time(&before.st_mtim, &after.st_mtim))
        return err_set(e, ERR_RETRY, "%s changed while it was read", path);
    text[n] = '\0';
    *ret_text = text;
    *ret_n = (size_t)n;
    if (ret_st)
        *ret_st = after;
    return 0;
}

/* The folder that holds path, in the arena-less buffer of a str. */
static void folder_of(const char *path, struct str *ret)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        str_add(ret, ".");
    else if (slash == path)
        str_add(ret, "/");
    else
        str_addn(ret, path, (size_t)(slash - path));
}

static int sync_folder(const char *folder, struct err *e)
{
    CLEANUP(closep) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return err_errno(e, errno, "cannot open %s", folder);
    /* Some file systems cannot sync a folder and say EINVAL; there is nothing better to be had there. */
    if (fsync(fd) != 0 && errno != EINVAL)
        return err_errno(e, errno, "cannot sync %s", folder);
    return 0;
}

static int write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, bytes, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -1;
        bytes += done;
        n -= (size_t)done;
    }
    return 0;
}

int fsx_replace_through(const char *temp_folder, const char *path, const void *bytes, size_t n,
                        mode_t mode, struct err *e)
{
    CLEANUP(str_release) struct str folder = STR_INIT, temp = STR_INIT;
    CLEANUP(closep) int fd = -1;

    folder_of(path, &folder);
    str_addf(&temp, "%s/.evenkeel-XXXXXX.tmp", temp_folder);
    fd = mkostemps(temp.buf, (int)strlen(".tmp"), O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, errno, "cannot write in %s", temp_folder);
    if (write_all(fd, bytes, n) != 0 || fchmod(fd, mode) != 0 || fsync(fd) != 0) {
        int why = errno;

        (void)unlink(temp.buf);
        return err_errno(e, why, "cannot write %s", path);
    }
    /* Closed before it gets its name: a reader may take an open writer for an unfinished file. */
    closep(&fd);
    fd = -1;
    if (rename(temp.buf, path) != 0) {
        int why = errno;

        (void)unlink(temp.buf);
        return err_errno(e, why, "cannot replace %s", path);
    }
    return sync_folder(str_text(&folder), e);
}

int fsx_replace(const char *path, const void *bytes, size_t n, mode_t mode, struct err *e)
{
    CLEANUP(str_release) struct str folder = STR_INIT;

    /* Hidden and in the same folder: no scan takes it, and the rename stays within one file system. */
    folder_of(path, &folder);
    return fsx_replace_through(str_text(&folder), path, bytes, n, mode, e);
}

int fsx_remove(const char *path, struct err *e)
{
    CLEANUP(str_release) struct str folder = STR_INIT;

    if (unlink(path) != 0) {
        if (errno == ENOENT)
            return 0;
        return err_errno(e, errno, "cannot remove %s", path);
    }
    folder_of(path, &folder);
    return sync_folder(str_text(&folder), e);
}

int fsx_mkdirs(const char *path, mode_t mode, struct err *e)
{
    CLEANUP(str_release) struct str part = STR_INIT;
    struct stat st;

    if (stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return 0;
        return err_set(e, ERR_CONFLICT, "%s is %s, not a directory", path, kind_name(st.st_mode));
    }
    for (const char *at = path; *at;) {
        const char *end = strchrnul(at + 1, '/');

        str_addn(&part, at, (size_t)(end - at));
        at = end;
        if (mkdir(str_text(&part), mode) != 0 && errno != EEXIST)
            return err_errno(e, errno, "cannot make %s", str_text(&part));
    }
    if (stat(path, &st) != 0)
        return err_errno(e, errno, "cannot make %s", path);
    if (!S_ISDIR(st.st_mode))
        return err_set(e, ERR_CONFLICT, "%s is %s, not a directory", path, kind_name(st.st_mode));
    return 0;
}

/* Append the parts of path to an absolute text without final slash ("" is the root), folding as it goes. */
static void fold(struct str *out, const char *path)
{
    while (*path) {
        const char *end = strchrnul(path, '/');
        size_t n = (size_t)(end - path);

        if (n == 2 && memcmp(path, "..", 2) == 0) {
            const char *slash = out->len > 0 ? strrchr(out->buf, '/') : NULL;

            if (slash) {
                out->len = (size_t)(slash - out->buf);
                out->buf[out->len] = '\0';
            }
        } else if (n > 0 && !(n == 1 && path[0] == '.')) {
            str_addc(out, '/');
            str_addn(out, path, n);
        }
        path = *end ? end + 1 : end;
    }
}

const char *fsx_absolute(const char *path, struct arena *a)
{
    CLEANUP(str_release) struct str out = STR_INIT;
    char cwd[PATH_MAX];

    /* A working directory that was removed under us: "/" gives a path that is at least not there. */
    if (path[0] != '/' && getcwd(cwd, sizeof(cwd)))
        fold(&out, cwd);
    fold(&out, path);
    return arena_strdup(a, out.len > 0 ? out.buf : "/");
}

const char *fsx_join(const char *dir, const char *name, struct arena *a)
{
    size_t n = strlen(dir);
    bool slash = n > 0 && dir[n - 1] == '/';

    return arena_printf(a, "%s%s%s", dir, slash ? "" : "/", name);
}
