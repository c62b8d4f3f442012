/* confine.c: looks at the folders of the host that a confined app mounts.
 *
 * In: paths with the folder that was allowed. Out: fine, or why not. It opens nothing for reading: descriptors with O_PATH, resolved by the kernel below the
 * folder without following links. The folder itself may be a link: its name is the configuration's. */
#include "drivers/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "spec/policy.h"

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

/* What of path lies below folder. */
static const char *rest_of(const char *folder, const char *path)
{
    const char *rest = path + strlen(folder);

    while (*rest == '/')
        rest++;
    return *rest ? rest : ".";
}

/* The path that the descriptor has, or "" where the kernel does not say. */
static void real_path(int fd, char *ret, size_t size)
{
    char link[64];

    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, ret, size - 1);

    ret[n > 0 ? n : 0] = '\0';
}

static bool holds_socket(int fd, const char *socket)
{
    char mine[PATH_MAX], theirs[PATH_MAX];

    real_path(fd, mine, sizeof(mine));
    return *mine && realpath(socket, theirs) && path_within(mine, theirs);
}

static int check_one(const struct confined_path *c, const char *socket, struct err *e)
{
    CLEANUP(close_fd) int folder = open(c->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    CLEANUP(close_fd) int fd = -1;
    struct open_how how = {.flags = O_PATH | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    struct stat st;

    if (folder < 0 && errno == ENOTDIR && strcmp(c->folder, c->path) == 0)
        fd = open(c->path, O_PATH | O_NOFOLLOW | O_CLOEXEC); /* allowed is this one file */
    else if (folder >= 0)
        fd = (int)syscall(SYS_openat2, folder, rest_of(c->folder, c->path), &how, sizeof(how));
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0 && (errno == ELOOP || errno == EXDEV))
        return err_set(e, ERR_DENIED,
                       "%s passes a link below %s, which is what the agent's `policy:` allows; "
                       "name the place that the link leads to, if that is allowed",
                       c->path, c->folder);
    if (fd < 0 || fstat(fd, &st) != 0)
        return err_errno(e, errno, "cannot look at %s before it is mounted", c->path);
    if (c->engine)
        return 0;
    if (S_ISSOCK(st.st_mode) || S_ISLNK(st.st_mode))
        return err_set(e, ERR_DENIED, "%s is a %s, and only folders and files are allowed", c->path,
                       S_ISSOCK(st.st_mode) ? "socket" : "link");
    if (holds_socket(fd, socket))
        return err_set(e, ERR_DENIED,
                       "%s holds the engine's socket %s, and who talks to the engine owns the host "
                       "(word `docker.sock` of the agent's `policy:`)",
                       c->path, socket);
    return 0;
}

int confine_check(const struct confined_path *v, size_t n, const char *engine, struct err *e)
{
    if (n > 0 && strncmp(engine, "unix://", 7) != 0)
        return err_set(e, ERR_DENIED,
                       "%s is a folder of the engine's host, and this one cannot look whether "
                       "links in it lead out of what is allowed",
                       v[0].path);
    for (size_t i = 0; i < n; i++)
        if (check_one(&v[i], engine + 7, e) != 0)
            return -1;
    return 0;
}
