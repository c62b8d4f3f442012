/* sources_scan.c: walks roots.
 *
 * In: the path of a root. Out: one entry for each file with a name we take, with the fingerprint of what it is now,
 * and one entry with trouble for each folder whose files cannot be known (then nobody may conclude that they are gone).
 * Each folder is walked once, by device and inode: that ends circles of links, and a root inside another root gives
 * nothing twice. Real folders come before linked ones, so that a file goes by its real name where it has one.
 * It opens folders, never files: nothing here can wait on a FIFO. */
#include "agent/sources_scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/sources.h"
#include "spec/base/arena.h"
#include "spec/limits.h"

struct waiting_link {
    const char *path;
    unsigned depth;
};

struct walk {
    struct scan *scan;
    size_t root;
    const char *root_path;
    size_t counted; /* files and folders of this root */
    bool over_limit;
    bool linked;                /* walking what links lead to */
    struct waiting_link *links; /* to folders, walked when the real ones are done */
    size_t n_links, cap_links;
};

struct file_print file_print_of(const struct stat *st)
{
    return (struct file_print){
        .dev = st->st_dev,
        .ino = st->st_ino,
        .mode = st->st_mode & S_IFMT,
        .size = st->st_size,
        .mtime = st->st_mtim,
        .ctime = st->st_ctim,
    };
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool file_print_eq(const struct file_print *a, const struct file_print *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->mode == b->mode && a->size == b->size &&
           same_time(&a->mtime, &b->mtime) && same_time(&a->ctime, &b->ctime);
}

/* ---- folders seen ---- */

static struct seen_folder *seen_slot(struct seen_folder *v, size_t size, dev_t dev, ino_t ino)
{
    uint64_t h = ((uint64_t)ino ^ ((uint64_t)dev << 32)) * UINT64_C(0x9e3779b97f4a7c15);
    size_t i = (size_t)(h >> 32) & (size - 1);

    while (v[i].ino != 0 && (v[i].ino != ino || v[i].dev != dev))
        i = (i + 1) & (size - 1);
    return &v[i];
}

/* True the first time. Inode 0 is nobody's. */
static bool see_folder(struct scan *s, const struct stat *st)
{
    if (2 * (s->n_seen + 1) > s->seen_size) {
        size_t size = s->seen_size ? 2 * s->seen_size : 64;
        struct seen_folder *bigger = ARENA_ARRAY(s->arena, size, struct seen_folder);

        for (size_t i = 0; i < s->seen_size; i++)
            if (s->seen[i].ino != 0)
                *seen_slot(bigger, size, s->seen[i].dev, s->seen[i].ino) = s->seen[i];
        s->seen = bigger;
        s->seen_size = size;
    }
    struct seen_folder *slot = seen_slot(s->seen, s->seen_size, st->st_dev, st->st_ino);

    if (slot->ino != 0)
        return false;
    *slot = (struct seen_folder){.dev = st->st_dev, .ino = st->st_ino};
    s->n_seen++;
    return true;
}

/* ---- entries ---- */

static struct found *add_found(struct walk *w, const char *path)
{
    struct scan *s = w->scan;

    s->v = arena_grow(s->arena, s->v, s->n, &s->cap, sizeof(s->v[0]));
    s->v[s->n] = (struct found){.root = w->root, .path = path, .in = s};
    return &s->v[s->n++];
}

static void add_trouble(struct walk *w, const char *path, const char *what, const char *hint)
{
    struct found *f = add_found(w, path);

    f->trouble = what;
    f->hint = hint;
    w->scan->cut = true;
}

static void add_unlisted(struct walk *w, const char *path, int why)
{
    char text[128];

    add_trouble(w, path,
                arena_printf(w->scan->arena, "cannot list this directory: %s",
                             strerror_r(why, text, sizeof(text))),
                why == EACCES ? "let the agent's user read and enter it; until then its apps are "
                                "left as they are"
                              : "until this is repaired its apps are left as they are");
}

/* False, once with a word about it, when the root holds more than we are willing to look at. */
static bool count_one(struct walk *w)
{
    if (w->counted++ < LIMIT_ROOT_FILES)
        return true;
    if (!w->over_limit)
        add_trouble(w, "",
                    arena_printf(w->scan->arena, "holds more than %d files and directories",
                                 LIMIT_ROOT_FILES),
                    "use a directory of its own for specs; the rest was not read, and no app is "
                    "removed while that is so");
    w->over_limit = true;
    return false;
}

static const char *below(struct walk *w, const char *folder, const char *name)
{
    return *folder ? arena_printf(w->scan->arena, "%s/%s", folder, name)
                   : arena_strdup(w->scan->arena, name);
}

static void link_trouble(struct walk *w, const char *path, const struct stat *link, int why)
{
    struct found *f = add_found(w, path);
    char text[128];

    f->link = true;
    f->link_print = file_print_of(link);
    f->hint = "correct the link or remove it";
    if (why == ENOENT)
        f->trouble = "is a symbolic link to something that does not exist";
    else if (why == ELOOP)
        f->trouble = "is a symbolic link that leads in a circle";
    else
        f->trouble = arena_printf(w->scan->arena, "is a symbolic link that cannot be followed: %s",
                                  strerror_r(why, text, sizeof(text)));
}

static void visit_link(struct walk *w, int fd, const char *folder, const char *name, unsigned depth)
{
    struct stat link, target;

    if (fstatat(fd, name, &link, AT_SYMLINK_NOFOLLOW) != 0)
        return; /* gone meanwhile */
    if (fstatat(fd, name, &target, 0) != 0) {
        if (sources_takes(name) && count_one(w))
            link_trouble(w, below(w, folder, name), &link, errno);
        return;
    }
    if (S_ISDIR(target.st_mode)) {
        w->links =
            arena_grow(w->scan->arena, w->links, w->n_links, &w->cap_links, sizeof(w->links[0]));
        w->links[w->n_links++] = (struct waiting_link){below(w, folder, name), depth};
        return;
    }
    if (!sources_takes(name) || !count_one(w))
        return;
    struct found *f = add_found(w, below(w, folder, name));

    f->link = true;
    f->link_print = file_print_of(&link);
    f->target = file_print_of(&target);
}

static void visit_file(struct walk *w, int fd, const char *folder, const char *name)
{
    struct stat st;

    if (!sources_takes(name) || fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    /* Already there as a root of its own. */
    for (size_t i = 0; i < w->scan->n_root_files; i++)
        if (w->scan->root_files[i].ino == st.st_ino && w->scan->root_files[i].dev == st.st_dev)
            return;
    if (count_one(w))
        add_found(w, below(w, folder, name))->target = file_print_of(&st);
}

static bool ignored_folder(const char *name)
{
    size_t n = strlen(name);

    return name[0] == '.' || name[n - 1] == '~' || (n >= 4 && strcmp(name + n - 4, ".tmp") == 0);
}

static unsigned char kind_of(int fd, const struct dirent *d)
{
    struct stat st;

    if (d->d_type != DT_UNKNOWN)
        return d->d_type;
    if (fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return DT_UNKNOWN;
    return S_ISDIR(st.st_mode) ? DT_DIR : S_ISLNK(st.st_mode) ? DT_LNK : DT_REG;
}

static bool walk_folder(struct walk *w, int fd, const char *folder, unsigned depth);

static void visit_folder(struct walk *w, int fd, const char *folder, const char *name,
                         unsigned depth)
{
    int inner = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (inner < 0) {
        if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
            add_unlisted(w, below(w, folder, name), errno);
        return;
    }
    (void)walk_folder(w, inner, below(w, folder, name), depth);
}

/* Takes over fd. False if the folder could not be listed. */
static bool walk_folder(struct walk *w, int fd, const char *folder, unsigned depth)
{
    struct stat st;
    DIR *dir = NULL;

    if (fstat(fd, &st) == 0 && !see_folder(w->scan, &st)) {
        (void)close(fd);
        return true;
    }
    if (w->linked)
        strv_push(w->scan->arena, &w->scan->linked,
                  arena_printf(w->scan->arena, "%s/%s", w->root_path, folder));
    if (depth > LIMIT_ROOT_DEPTH) {
        (void)close(fd);
        add_trouble(
            w, folder,
            arena_printf(w->scan->arena, "lies more than %d directories deep", LIMIT_ROOT_DEPTH),
            "move it up; its apps are left as they are");
        return true;
    }
    dir = fdopendir(fd);
    if (!dir) {
        add_unlisted(w, folder, errno);
        (void)close(fd);
        return false;
    }
    const struct dirent *d;

    errno = 0;
    while (!w->over_limit && (d = readdir(dir))) {
        unsigned char kind = kind_of(fd, d);

        if (ignored_folder(d->d_name))
            continue;
        if (kind == DT_DIR && count_one(w))
            visit_folder(w, fd, folder, d->d_name, depth + 1);
        else if (kind == DT_LNK)
            visit_link(w, fd, folder, d->d_name, depth + 1);
        else if (kind != DT_DIR && kind != DT_UNKNOWN)
            visit_file(w, fd, folder, d->d_name);
        errno = 0;
    }
    int why = errno;

    if (why != 0)
        add_unlisted(w, folder, why);
    (void)closedir(dir);
    return why == 0;
}

static int cmp_links(const void *a, const void *b)
{
    return strcmp(((const struct waiting_link *)a)->path, ((const struct waiting_link *)b)->path);
}

/* Linked folders, round by round: what links inside them lead to comes in the next round. */
static void walk_links(struct walk *w, int root_fd)
{
    w->linked = true;
    while (w->n_links > 0 && !w->over_limit) {
        struct waiting_link *round = w->links;
        size_t n = w->n_links;

        w->links = NULL;
        w->n_links = w->cap_links = 0;
        qsort(round, n, sizeof(round[0]), cmp_links);
        for (size_t i = 0; i < n; i++) {
            int fd = openat(root_fd, round[i].path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

            if (fd < 0) {
                if (errno != ENOENT && errno != ENOTDIR)
                    add_unlisted(w, round[i].path, errno);
                continue;
            }
            (void)walk_folder(w, fd, round[i].path, round[i].depth);
        }
    }
}

static void root_trouble(struct walk *w, int why)
{
    if (why == ENOENT)
        add_trouble(w, "", "does not exist",
                    "create it or correct the path; until then its apps are left as they are");
    else
        add_unlisted(w, "", why);
}

/* A root that is a file; nothing if an earlier root holds it. */
static void add_root_file(struct walk *w, const struct stat *st)
{
    struct scan *s = w->scan;
    const char *slash = strrchr(w->root_path, '/');
    struct stat link;

    for (size_t i = 0; i < s->n; i++)
        if (s->v[i].target.ino == st->st_ino && s->v[i].target.dev == st->st_dev)
            return;
    s->root_files = arena_grow(s->arena, s->root_files, s->n_root_files, &s->cap_root_files,
                               sizeof(s->root_files[0]));
    s->root_files[s->n_root_files++] = (struct seen_folder){st->st_dev, st->st_ino};
    struct found *f = add_found(w, arena_strdup(s->arena, slash ? slash + 1 : w->root_path));

    f->is_root = true;
    f->target = file_print_of(st);
    f->link = lstat(w->root_path, &link) == 0 && S_ISLNK(link.st_mode);
    if (f->link)
        f->link_print = file_print_of(&link);
}

bool scan_root(struct scan *s, size_t index, const char *path, bool may_be_missing)
{
    struct walk w = {.scan = s, .root = index, .root_path = path};
    struct stat st;
    int fd;

    if (stat(path, &st) != 0) {
        if (!may_be_missing || errno != ENOENT)
            root_trouble(&w, errno);
        return false;
    }
    if (!S_ISDIR(st.st_mode)) {
        add_root_file(&w, &st);
        return true;
    }
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        if (!may_be_missing || errno != ENOENT)
            root_trouble(&w, errno);
        return false;
    }
    /* The walk closes its descriptor; the links need the root once more. */
    int root_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    bool listed = walk_folder(&w, fd, "", 0);

    if (root_fd >= 0) {
        walk_links(&w, root_fd);
        (void)close(root_fd);
    }
    return listed;
}

void scan_add_pending(struct scan *s, size_t index)
{
    struct walk w = {.scan = s, .root = index};

    add_found(&w, "")->pending = true;
}

static int cmp_found(const void *a, const void *b)
{
    const struct found *x = a, *y = b;

    if (x->root != y->root)
        return x->root < y->root ? -1 : 1;
    return strcmp(x->path, y->path);
}

void scan_sort(struct scan *s)
{
    if (s->n > 1)
        qsort(s->v, s->n, sizeof(s->v[0]), cmp_found);
}

/* ---- questions about what was walked ---- */

int scan_stat(struct scan *s, const char *path, struct stat *ret)
{
    for (size_t i = 0; i < SCAN_STATS; i++)
        if (s->stats[i].path && strcmp(s->stats[i].path, path) == 0) {
            *ret = s->stats[i].st;
            return 0;
        }
    if (stat(path, ret) != 0)
        return -1;
    s->stats[s->next_stat++ % SCAN_STATS] =
        (struct seen_stat){.path = arena_strdup(s->arena, path), .st = *ret};
    return 0;
}

/* path below dir, if it lies in the folder of f; else NULL. */
static const char *beside(const struct found *f, const char *dir, const char *path)
{
    size_t n = strlen(dir);
    const char *slash = strrchr(f->path, '/');
    size_t folder = slash ? (size_t)(slash + 1 - f->path) : 0;

    if (strncmp(path, dir, n) != 0 || path[n] != '/' ||
        strncmp(path + n + 1, f->path, folder) != 0 || strchr(path + n + 1 + folder, '/'))
        return NULL;
    return path + n + 1;
}

enum { NEAR = 8 };

/* What is called nearly like f stands near it. */
static bool holds_near(const struct found *f, const struct found *key)
{
    const struct scan *s = f->in;
    size_t at = (size_t)(f - s->v);
    int order = cmp_found(key, f);

    for (size_t i = 0; i < NEAR && order != 0; i++) {
        if (order < 0 ? at == 0 : at + 1 == s->n)
            return false;
        at = order < 0 ? at - 1 : at + 1;
        int next = cmp_found(key, &s->v[at]);

        if (next != 0 && (next < 0) != (order < 0))
            return false;
        order = next;
    }
    return order == 0 || bsearch(key, s->v, s->n, sizeof(s->v[0]), cmp_found);
}

bool scan_lacks(const struct found *f, const char *dir, const char *path)
{
    const struct scan *s = f->in;
    const char *name = s && !s->cut && s->n_root_files == 0 ? beside(f, dir, path) : NULL;
    const char *slash = name ? strrchr(name, '/') : NULL;

    if (!name || !sources_takes(slash ? slash + 1 : name))
        return false;
    const struct found key = {.root = f->root, .path = name};

    return !holds_near(f, &key);
}
