/* Names of images that pack is making.
 *
 * Comes in: builds as they begin and end. Goes out: one small file a build while it lives, and those of the dead for the collection. Does not remove images itself. */
#include "agent/packing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/log.h"
#include "drivers/docker.h"
#include "drivers/fsx.h"
#include "reconcile/plan.h"
#include "reconcile/run.h"
#include "spec/base/arena.h"
#include "spec/labels.h"

enum { IMAGE_MOST = 512 };

#define TRIES 20 /* a collection holds a record for as long as it reads it */

struct record {
    struct record *next;
    const struct action *action;
    char *path;
    int fd;
};

struct packing {
    char *dir;
    struct record *open;
};

/* ---- records of the living ---- */

/* Is what was opened still what has this name? Its remover may have come between open and lock; then the lock says nothing of who works under this name now. */
static bool is_there_still(int fd, const char *path)
{
    struct stat mine, there;

    return fstat(fd, &mine) == 0 && lstat(path, &there) == 0 && mine.st_ino == there.st_ino &&
           mine.st_dev == there.st_dev;
}

static int open_record(const char *path, struct err *e)
{
    for (int try = 0; try < TRIES; try++) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

        if (fd < 0)
            return err_errno(e, errno, "%s", path);
        if (flock(fd, LOCK_EX | LOCK_NB) == 0 && is_there_still(fd, path))
            return fd;
        (void)close(fd);
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return err_set(e, ERR_RETRY, "%s is locked", path);
}

static int write_record(const char *dir, const char *path, const char *image, struct err *e)
{
    if (fsx_mkdirs(dir, 0700, e) < 0)
        return -1;
    int fd = open_record(path, e);

    if (fd < 0)
        return -1;
    if (ftruncate(fd, 0) < 0 || write(fd, image, strlen(image)) != (ssize_t)strlen(image) ||
        fsync(fd) < 0) {
        (void)err_errno(e, errno, "%s", path);
        (void)close(fd);
        return -1;
    }
    return fd;
}

static void packing_started(void *ctx, const struct run *r, const struct action *a)
{
    struct packing *p = ctx;
    const struct build_order *o = a->kind == ACT_BUILD ? a->op.build : NULL;
    const char *service = o ? kvs_get(&o->labels, LABEL_BUILD_SERVICE) : NULL;
    CLEANUP(arena_freep) struct arena *scratch = NULL;
    struct err e = {0};

    if (!service || !o->builder)
        return;
    scratch = arena_new();
    const char *path = arena_printf(scratch, "%s/%s.%s", p->dir, run_app(r), service);
    int fd = write_record(p->dir, path, docker_packing_image(a->op.object, scratch), &e);

    if (fd < 0) {
        log_line(LOG_WARNING, run_app(r),
                 "what pack makes cannot be written down, so it may stay if this is killed: %s",
                 e.msg);
        return;
    }
    struct record *x = xcalloc(1, sizeof(*x));

    *x = (struct record){.next = p->open, .action = a, .path = xstrdup(path), .fd = fd};
    p->open = x;
}

static void forget(struct record *x, bool done)
{
    if (done)
        (void)unlink(x->path); /* else the collection tries again */
    (void)close(x->fd);
    free(x->path);
    free(x);
}

static void packing_ended(void *ctx, const struct run *r, const struct action *a,
                          const struct op_result *result, int64_t took_ms)
{
    struct packing *p = ctx;
    struct record **at = &p->open;

    (void)r;
    (void)took_ms;
    while (*at && (*at)->action != a)
        at = &(*at)->next;
    if (!*at)
        return;
    struct record *x = *at;

    *at = x->next;
    forget(x, result->err.kind == ERR_NONE);
}

struct packing *packing_new(const char *state_dir)
{
    struct packing *p = xcalloc(1, sizeof(*p));
    CLEANUP(str_release) struct str dir = STR_INIT;

    str_addf(&dir, "%s/packing", state_dir);
    p->dir = str_steal(&dir);
    return p;
}

void packing_free(struct packing *p)
{
    if (!p)
        return;
    while (p->open) {
        struct record *x = p->open;

        p->open = x->next;
        forget(x, false);
    }
    free(p->dir);
    free(p);
}

struct recorder packing_recorder(struct packing *p)
{
    return (struct recorder){
        .action_started = packing_started, .action_ended = packing_ended, .ctx = p};
}

/* ---- those of the dead ---- */

static bool is_record(const struct dirent *x)
{
    return x->d_name[0] != '.' && strchr(x->d_name, '.');
}

/* Only names that pack is given: nothing that somebody wrote there can have another image removed. */
static bool is_packing_image(const char *image)
{
    static const char first[] = "evenkeel/", last[] = ":packing";
    size_t n = strlen(image);

    return strncmp(image, first, strlen(first)) == 0 && n > strlen(last) &&
           strcmp(image + n - strlen(last), last) == 0;
}

bool packing_left_take(struct packing_left *x)
{
    x->fd = open(x->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (x->fd >= 0 && flock(x->fd, LOCK_EX | LOCK_NB) == 0 && is_there_still(x->fd, x->path))
        return true;
    if (x->fd >= 0)
        (void)close(x->fd);
    x->fd = -1;
    return false;
}

/* False: it is alive, or no record. */
static bool find(const char *dir, const char *name, struct arena *a, struct packing_left *ret)
{
    const char *dot = strchr(name, '.');
    char image[IMAGE_MOST + 1] = "";

    *ret = (struct packing_left){.app = arena_strndup(a, name, (size_t)(dot - name)),
                                 .service = arena_strdup(a, dot + 1),
                                 .path = arena_printf(a, "%s/%s", dir, name)};
    if (!packing_left_take(ret))
        return false;
    bool good = read(ret->fd, image, IMAGE_MOST) > 0 && is_packing_image(image);

    packing_left_over(ret, !good); /* what can be none is in nobody's way */
    ret->image = arena_strdup(a, image);
    return good;
}

int packing_find_left(const char *state_dir, struct arena *a, struct packing_left **ret)
{
    const char *dir = arena_printf(a, "%s/packing", state_dir);
    struct strv names = {0};
    DIR *d = opendir(dir);
    int n = 0;

    for (const struct dirent *x; d && (x = readdir(d));)
        if (is_record(x))
            strv_push(a, &names, arena_strdup(a, x->d_name));
    if (d)
        (void)closedir(d);
    strv_sort(&names);
    *ret = ARENA_ARRAY(a, names.n ? names.n : 1, struct packing_left);
    for (size_t i = 0; i < names.n; i++)
        n += find(dir, names.v[i], a, &(*ret)[n]);
    return n;
}

void packing_left_over(struct packing_left *x, bool done)
{
    if (x->fd < 0)
        return;
    if (done)
        (void)unlink(x->path);
    (void)close(x->fd);
    x->fd = -1;
}
