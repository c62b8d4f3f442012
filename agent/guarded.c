/* Small JSON files of STATE with several writers.
 *
 * Comes in: a path and a value. Goes out: the value that is there. Writers take turns by a lock on a file beside it, since the file itself is replaced; readers need none: they see the old
 * file or the new one. It refuses to read half a file, and to take a broken one for an empty one. */
#include "agent/guarded.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <unistd.h>

#include "drivers/fsx.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/base/str.h"
#include "spec/limits.h"

/* No F_OFD_SETLKW: it has no end, and a command that somebody stopped with Ctrl-Z would stop the agent with it. */
int guarded_lock_fd(int fd, const char *path, struct err *e)
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int64_t waited_ms = 0, step_ms = 1;

    while (fcntl(fd, F_OFD_SETLK, &l) != 0) {
        if (errno != EAGAIN && errno != EACCES && errno != EINTR)
            return err_errno(e, errno, "cannot lock %s", path);
        if (waited_ms >= GUARDED_WAIT_MS)
            return err_set(e, ERR_RETRY,
                           "another process has kept %s locked for %d s; is an `evenkeel` command "
                           "suspended?",
                           path, GUARDED_WAIT_MS / 1000);
        (void)nanosleep(&(struct timespec){.tv_nsec = step_ms * 1000000}, NULL);
        waited_ms += step_ms;
        step_ms = step_ms < 16 ? step_ms * 2 : 16;
    }
    return 0;
}

int guarded_lock(const char *path, struct err *e)
{
    CLEANUP(str_release) struct str lock = STR_INIT, folder = STR_INIT;
    const char *slash = strrchr(path, '/');

    if (slash && slash > path) {
        str_addn(&folder, path, (size_t)(slash - path));
        if (fsx_mkdirs(str_text(&folder), 0700, e) < 0)
            return -1;
    }
    str_addf(&lock, "%s.lock", path);
    int fd = open(str_text(&lock), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return err_errno(e, errno, "cannot open %s", str_text(&lock));
    if (guarded_lock_fd(fd, path, e) < 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

void guarded_unlock(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

bool guarded_changed(const char *path, const struct stat *known, struct stat *ret)
{
    struct stat st;

    if (stat(path, &st) != 0)
        st = (struct stat){0};
    *ret = st;
    return st.st_ino != known->st_ino || st.st_dev != known->st_dev ||
           st.st_size != known->st_size || st.st_ctim.tv_sec != known->st_ctim.tv_sec ||
           st.st_ctim.tv_nsec != known->st_ctim.tv_nsec;
}

int guarded_read(const char *path, json_t **ret, struct stat *ret_st, struct err *e)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct err why = {0};
    const char *text;
    struct stat st;
    size_t n;

    if (fsx_read(path, LIMIT_DOOR_FILE_BYTES, a, &text, &n, &st, &why) < 0) {
        if (why.kind != ERR_MISSING)
            return err_set(e, why.kind, "%s", why.msg);
        *ret = NULL;
        *ret_st = (struct stat){0};
        return 0;
    }
    json_auto_t *v = js_parse(text, n, e);

    OPENSSL_cleanse((char *)(uintptr_t)text, n);
    if (!v)
        return err_wrap(e, "%s", path);
    if (!json_is_object(v))
        return err_set(e, ERR_USER, "%s is not a JSON object; put back a copy of it", path);
    *ret = json_incref(v);
    *ret_st = st;
    return 0;
}

int guarded_write(const char *path, const json_t *v, struct err *e)
{
    CLEANUP(str_release) struct str out = STR_INIT;

    js_pretty(v, &out);
    int rc = fsx_replace(path, out.buf, out.len, 0600, e);

    OPENSSL_cleanse(out.buf, out.len);
    return rc;
}
