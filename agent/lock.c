/* One agent or apply at a time per state directory: an open-file-description lock on STATE/agent.lock, with the pid and what it is as
 * its text.
 *
 * The kernel drops the lock with the process, so a killed agent leaves nothing behind to clean up. The text is for people, and for
 * an agent that starts while an apply is at work; whether somebody holds the lock is asked of the kernel. */
#include "agent/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "drivers/fsx.h"
#include "spec/base/arena.h"
#include "spec/base/str.h"

static int lock_open(const char *state_dir, int flags)
{
    CLEANUP(str_release) struct str path = STR_INIT;
    str_addf(&path, "%s/agent.lock", state_dir);
    return open(str_text(&path), flags | O_CLOEXEC, 0600);
}

static int lock_try(int fd, int command, struct flock *l)
{
    *l = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, command, l);
}

static struct lock_owner lock_text(int fd)
{
    char text[32] = "";
    struct lock_owner owner = {0};
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    int64_t pid = 0;
    if (n > 0) {
        char *role = text + strcspn(text, " \n");
        if (strcmp(role, " apply\n") == 0)
            owner.role = LOCK_APPLY;
        *role = '\0';
        (void)parse_int64(text, 1, INT32_MAX, &pid);
    }
    owner.pid = (pid_t)pid;
    return owner;
}

int lock_take(const char *state_dir, enum lock_role role, struct err *e)
{
    struct flock l;
    if (fsx_mkdirs(state_dir, 0700, e) < 0)
        return err_wrap(e, "state directory");
    int fd = lock_open(state_dir, O_RDWR | O_CREAT);
    if (fd < 0)
        return err_errno(
            e, errno,
            "cannot open %s/agent.lock; the agent needs a state directory that it can write",
            state_dir);
    if (lock_try(fd, F_OFD_SETLK, &l) < 0) {
        struct lock_owner other = lock_text(fd);
        (void)close(fd);
        return err_set(e, ERR_CONFLICT,
                       "another %s (pid %d) works with the state directory %s; give "
                       "this one its own --state",
                       other.role == LOCK_APPLY ? "apply" : "agent", (int)other.pid, state_dir);
    }
    if (ftruncate(fd, 0) == 0)
        (void)dprintf(fd, "%d %s\n", (int)getpid(), role == LOCK_APPLY ? "apply" : "agent");
    return fd;
}

struct lock_owner lock_owner(const char *state_dir)
{
    struct lock_owner owner = {0};
    struct flock l;
    int fd = lock_open(state_dir, O_RDWR);
    if (fd < 0)
        fd = lock_open(state_dir, O_RDONLY);
    if (fd < 0)
        return owner;
    /* a read lock is enough to ask, and possible on a descriptor without write access */
    l = (struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK)
        owner = lock_text(fd);
    (void)close(fd);
    return owner;
}

pid_t lock_holder(const char *state_dir)
{
    return lock_owner(state_dir).pid;
}
