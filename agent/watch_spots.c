/* watch_spots.c: which folders must be watched.
 *
 * In: roots and single folders as they are on disk now. Out: one entry per folder with the events that matter there:
 * all of them inside a root; in the folders above only the fate of the folder itself (so that a busy /tmp wakes
 * nobody); where the path goes through a symbolic link or ends too early, the one name that would change that.
 * Links to folders inside a root are not followed here: sources names what they lead to. */
#include "agent/watch_spots.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spec/base/arena.h"
#include "spec/limits.h"

#define MASK_SELF (IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define MASK_NAMES (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)
#define MASK_TEXTS (IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB)

static bool ends(const char *name, const char *tail)
{
    size_t n = strlen(name), t = strlen(tail);

    return n >= t && strcmp(name + n - t, tail) == 0;
}

bool spots_junk(const char *name)
{
    return ends(name, "~") || ends(name, ".tmp") || ends(name, ".swp") || ends(name, ".swx") ||
           strcmp(name, "4913") == 0 || strncmp(name, ".#", 2) == 0;
}

bool spots_ignored_folder(const char *name)
{
    return name[0] == '.' || ends(name, "~") || ends(name, ".tmp");
}

/* ---- one spot per folder ---- */

static size_t *slot_of(size_t *slots, size_t n_slots, const struct watch_spot *v, dev_t dev,
                       ino_t ino)
{
    uint64_t h = ((uint64_t)ino ^ ((uint64_t)dev << 32)) * UINT64_C(0x9e3779b97f4a7c15);
    size_t i = (size_t)(h >> 32) & (n_slots - 1);

    while (slots[i] != 0 && (v[slots[i] - 1].ino != ino || v[slots[i] - 1].dev != dev))
        i = (i + 1) & (n_slots - 1);
    return &slots[i];
}

static void grow_slots(struct watch_spots *s)
{
    size_t n = s->n_slots ? 2 * s->n_slots : 64;
    size_t *bigger = ARENA_ARRAY(s->arena, n, size_t);

    for (size_t i = 0; i < s->n; i++)
        *slot_of(bigger, n, s->v, s->v[i].dev, s->v[i].ino) = i + 1;
    s->slots = bigger;
    s->n_slots = n;
}

/* The spot of a folder, new or known; NULL when there are too many. */
static struct watch_spot *spot_of(struct watch_spots *s, const char *path, const struct stat *st)
{
    if (2 * (s->n + 1) > s->n_slots)
        grow_slots(s);
    size_t *slot = slot_of(s->slots, s->n_slots, s->v, st->st_dev, st->st_ino);
    size_t n = strlen(path);

    if (*slot != 0)
        return &s->v[*slot - 1];
    if (s->n >= LIMIT_ROOT_FILES) {
        s->full = true;
        return NULL;
    }
    s->v = arena_grow(s->arena, s->v, s->n, &s->cap, sizeof(s->v[0]));
    s->v[s->n] = (struct watch_spot){
        .path = arena_printf(s->arena, "%s%s", path, n > 0 && path[n - 1] == '/' ? "" : "/"),
        .dev = st->st_dev,
        .ino = st->st_ino,
        .mask = MASK_SELF,
    };
    *slot = ++s->n;
    return &s->v[s->n - 1];
}

static void want_self(struct watch_spots *s, const char *path)
{
    struct stat st;

    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        (void)spot_of(s, path, &st);
}

static void want_name(struct watch_spots *s, const char *folder, const char *name, uint32_t mask)
{
    struct watch_spot *spot;
    struct stat st;

    if (stat(folder, &st) != 0 || !S_ISDIR(st.st_mode))
        return;
    spot = spot_of(s, folder, &st);
    if (!spot)
        return;
    spot->mask |= mask;
    if (!strv_has(&spot->names, name))
        strv_push(s->arena, &spot->names, arena_strdup(s->arena, name));
}

/* False if it was there with all its names already. */
static bool want_all(struct watch_spots *s, const char *path, const struct stat *st)
{
    struct watch_spot *spot = spot_of(s, path, st);

    if (!spot || spot->all)
        return false;
    spot->mask |= MASK_NAMES | MASK_TEXTS;
    spot->all = true;
    return true;
}

/* ---- roots ---- */

/* fd is taken over. */
static void add_tree(struct watch_spots *s, int fd, const char *path, unsigned depth)
{
    const struct dirent *d;
    struct stat st;
    DIR *dir;

    if (fstat(fd, &st) != 0 || !want_all(s, path, &st) || depth >= LIMIT_ROOT_DEPTH ||
        !(dir = fdopendir(fd))) {
        (void)close(fd);
        return;
    }
    while (!s->full && (d = readdir(dir))) {
        int inner;

        if ((d->d_type != DT_DIR && d->d_type != DT_UNKNOWN) || spots_ignored_folder(d->d_name))
            continue;
        inner = openat(fd, d->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (inner >= 0)
            add_tree(s, inner,
                     arena_printf(s->arena, "%s%s%s", path, ends(path, "/") ? "" : "/", d->d_name),
                     depth + 1);
    }
    (void)closedir(dir);
}

/* What may not be entered or listed cannot be watched either: the folder above tells when that changes. */
static void want_access(struct watch_spots *s, const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash && slash[1])
        want_name(s, slash == path ? "/" : arena_strndup(s->arena, path, (size_t)(slash - path)),
                  slash + 1, MASK_NAMES | IN_ATTRIB);
}

/* Everything on the way to path. True if path is there. */
static bool add_way(struct watch_spots *s, const char *path)
{
    const char *folder = "/";

    for (const char *at = path; *at == '/' && at[1];) {
        const char *end = strchrnul(at + 1, '/');
        const char *name = arena_strndup(s->arena, at + 1, (size_t)(end - at) - 1);
        const char *upto = arena_strndup(s->arena, path, (size_t)(end - path));
        struct stat st;
        bool there = lstat(upto, &st) == 0;

        if (!there && errno == EACCES)
            want_access(s, folder);
        if (!there || S_ISLNK(st.st_mode))
            want_name(s, folder, name, MASK_NAMES);
        if (!there || stat(upto, &st) != 0)
            return false;
        if (*end)
            want_self(s, upto);
        folder = upto;
        at = end;
    }
    return true;
}

void spots_add_root(struct watch_spots *s, const char *path)
{
    const char *slash = strrchr(path, '/');
    struct stat st;

    if (!add_way(s, path) || stat(path, &st) != 0)
        return;
    if (!S_ISDIR(st.st_mode)) {
        want_name(s, slash == path ? "/" : arena_strndup(s->arena, path, (size_t)(slash - path)),
                  slash + 1, MASK_NAMES | MASK_TEXTS);
        return;
    }
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0)
        add_tree(s, fd, path, 0);
    else
        want_access(s, path);
}

void spots_add_folder(struct watch_spots *s, const char *path)
{
    struct stat st;

    if (add_way(s, path) && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        (void)want_all(s, path, &st);
}

bool spots_same(const struct watch_spots *a, const struct watch_spots *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        const struct watch_spot *x = &a->v[i], *y = &b->v[i];

        if (x->dev != y->dev || x->ino != y->ino || x->mask != y->mask || x->all != y->all ||
            strcmp(x->path, y->path) != 0 || !strv_eq(&x->names, &y->names))
            return false;
    }
    return true;
}
