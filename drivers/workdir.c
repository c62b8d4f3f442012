/* Private temporary folders that do not outlive their use, nor for long their user.
 *
 * Comes in: nothing. Goes out: an empty folder, locked for as long as it is in use. A lock ends with its process however that ends, so what has none is a leftover, and
 * the next who needs such a folder removes it. Never follows a link, never touches what another user owns. */
#include "drivers/workdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/fsx.h"
#include "spec/base/arena.h"

#define PREFIX "evenkeel-work-"

enum {
    NEWBORN_S = 60, /* between its making and its lock */
    REMOVE_FDS = 16,
};

struct workdir {
    struct arena *arena;
    const char *path;
    int fd; /* holds the lock */
};

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    (void)remove(path);
    return 0; /* go on: what can go goes */
}

static void remove_all(const char *path)
{
    (void)nftw(path, remove_one, REMOVE_FDS, FTW_DEPTH | FTW_PHYS);
}

static int lock(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

static bool is_leftover(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
           time(NULL) - st.st_mtim.tv_sec > NEWBORN_S;
}

static void sweep(const char *base, struct arena *a)
{
    DIR *d = opendir(base);

    for (const struct dirent *x; d && (x = readdir(d));) {
        if (strncmp(x->d_name, PREFIX, strlen(PREFIX)) != 0)
            continue;
        const char *path = fsx_join(base, x->d_name, a);
        int fd = lock(path);

        if (fd < 0)
            continue;
        if (is_leftover(fd))
            remove_all(path);
        (void)close(fd);
    }
    if (d)
        (void)closedir(d);
}

struct workdir *workdir_new(struct err *e)
{
    const char *base = getenv("TMPDIR");
    struct workdir *w = xcalloc(1, sizeof(*w));

    w->arena = arena_new();
    w->fd = -1;
    if (!base || *base != '/')
        base = "/var/tmp";
    sweep(base, w->arena);
    char *path = arena_printf(w->arena, "%s/" PREFIX "XXXXXX", base);

    if (mkdtemp(path))
        w->path = path;
    if (w->path)
        w->fd = lock(path);
    if (w->fd < 0) {
        (void)err_errno(e, errno, "making a temporary folder below %s", base);
        workdir_free(w);
        return NULL;
    }
    return w;
}

void workdir_free(struct workdir *w)
{
    if (!w)
        return;
    if (w->path)
        remove_all(w->path);
    if (w->fd >= 0)
        (void)close(w->fd);
    arena_free(w->arena);
    free(w);
}

const char *workdir_path(const struct workdir *w)
{
    return w->path;
}
