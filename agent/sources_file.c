/* sources_file.c: one file of a root.
 *
 * In: what a walk found under a name, and the former version. Out: "same", a new version (parsed, or with the one
 * reason why it cannot be read), or "being written: ask again".
 *
 * Half a file is never taken. What can be known about a writer: the kernel refuses a read lease on a file that
 * somebody has open for writing; so a file without a writer is whole, be it renamed into place, unpacked or copied.
 * Two cases stay: an empty young file (created, not yet written), and a known file changed in place a moment ago
 * by a writer that opens it again and again (`echo >>`); both are given time to settle. Where leases are not to be had
 * (foreign owner, network file systems) a young file is whole if it was touched after its last write, as a rename does.
 * Times alone cannot tell: write and rename within one clock tick leave equal times. Nothing waits over 2 s. */
#include "agent/sources_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drivers/fsx.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/limits.h"
#include "spec/policy.h"

enum {
    YOUNG_MS = 100,       /* changed in place: quiet for so long */
    YOUNG_EMPTY_MS = 200, /* empty: quiet for so long */
    TICK_MS = 20,         /* two changes within it may bear one time (10 ms at 100 Hz) */
    TRIES = 20,           /* of reading a file that changes meanwhile, once patience is over */
};

static int64_t ms_of(const struct timespec *t)
{
    return (int64_t)t->tv_sec * 1000 + t->tv_nsec / 1000000;
}

static int64_t wall_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return ms_of(&now);
}

/* A time in the future is a wrong clock, not youth. */
static bool younger(const struct timespec *t, int64_t ms)
{
    int64_t age = wall_ms() - ms_of(t);

    return age >= 0 && age < ms;
}

/* ---- is it whole? ---- */

enum writer { WRITER_NONE, WRITER_OPEN, WRITER_UNKNOWN };

static enum writer writer_of(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    enum writer w = WRITER_UNKNOWN;

    if (fd < 0)
        return w;
    /* Somebody who opens the file for writing in the instant that we hold the lease has us told by a signal; the
     * usual one would end the process, this one is ignored unless asked for. */
    if (fcntl(fd, F_SETSIG, SIGURG) == 0) {
        if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0)
            w = WRITER_NONE;
        else if (errno == EAGAIN)
            w = WRITER_OPEN;
        if (w == WRITER_NONE)
            (void)fcntl(fd, F_SETLEASE, F_UNLCK);
    }
    (void)close(fd);
    return w;
}

/* Touched after its last write: renamed, linked, given a mode. */
static bool touched_later(const struct file_print *p)
{
    int64_t ns = ((int64_t)p->ctime.tv_sec - p->mtime.tv_sec) * 1000000000 + p->ctime.tv_nsec -
                 p->mtime.tv_nsec;

    return ns >= 1000000;
}

static bool is_whole(const char *path, const struct file_print *now,
                     const struct file_print *before)
{
    if (!S_ISREG(now->mode))
        return true;
    if (now->size == 0 && younger(&now->mtime, YOUNG_EMPTY_MS))
        return false;
    /* Who has it open does not matter for what was written long ago, and asking takes five calls a file. */
    if (!younger(&now->mtime, SOURCE_PATIENCE_MS))
        return true;
    enum writer w = writer_of(path);

    if (w == WRITER_OPEN)
        return false;
    if (!younger(&now->mtime, YOUNG_MS) || touched_later(now))
        return true;
    bool in_place = before && before->dev == now->dev && before->ino == now->ino;

    return w == WRITER_NONE && !in_place;
}

/* ---- does it still say that? ---- */

static bool racy_print(const struct stat *st)
{
    return younger(&st->st_mtim, TICK_MS) || younger(&st->st_ctim, TICK_MS);
}

/* Still the text that was parsed? Asked when the last change was too close to the last look to show in the times. */
static bool text_same(const char *path, size_t max, const char *text, size_t n, bool *racy)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct err e = {0};
    const char *now;
    struct stat st;
    size_t now_n;

    if (fsx_read(path, max, a, &now, &now_n, &st, &e) != 0 || now_n != n ||
        memcmp(now, text, n) != 0)
        return false;
    *racy = racy_print(&st);
    return true;
}

static bool file_same(const struct found *f, struct source_file *former, const char *path)
{
    return former && !former->denied && former->found.link == f->link &&
           file_print_eq(&former->found.target, &f->target) &&
           (!f->link || file_print_eq(&former->found.link_print, &f->link_print)) &&
           (!former->racy || bundle_name(f->path) ||
            text_same(path, LIMIT_SPEC_BYTES, former->text, former->n, &former->racy));
}

/* st NULL: it is not there. */
static bool dep_is(struct source_dep *d, const struct stat *st)
{
    if (!st)
        return !d->present;
    const struct file_print now = file_print_of(st);

    return d->present && file_print_eq(&now, &d->print) &&
           (!d->racy || text_same(d->path, LIMIT_ENV_FILE_BYTES, d->text, d->n, &d->racy));
}

static bool dep_same(struct source_dep *d)
{
    struct stat st;

    return dep_is(d, stat(d->path, &st) == 0 ? &st : NULL);
}

/* Of 1 000 Compose files in a folder each asks for the same .env, and for an override that is not there. */
static bool deps_same(const struct found *f, const struct source_place *at,
                      struct source_file *former)
{
    for (size_t i = 0; i < former->n_deps; i++) {
        struct source_dep *d = &former->deps[i];
        struct stat st;

        if (!d->present && scan_lacks(f, at->dir, d->path))
            continue;
        if (!dep_is(d, scan_stat(f->in, d->path, &st) == 0 ? &st : NULL))
            return false;
    }
    return true;
}

/* ---- reading what a spec names ---- */

struct loading {
    struct source_file *file;
    struct source_file *former;
    const char *within; /* nothing outside this folder is read; NULL: anything is */
    const char *dir;    /* of the file */
    int64_t waited_ms;
    bool unsettled;
};

static struct source_dep *dep_find(struct source_file *f, const char *path)
{
    for (size_t i = 0; f && i < f->n_deps; i++)
        if (strcmp(f->deps[i].path, path) == 0)
            return &f->deps[i];
    return NULL;
}

/* The text, once it holds still. */
static int read_steady(const char *path, size_t max, bool patient, struct arena *a,
                       const char **ret_text, size_t *ret_n, struct stat *ret_st, struct err *e)
{
    for (int try = 1;; try++) {
        if (fsx_read(path, max, a, ret_text, ret_n, ret_st, e) == 0)
            return 0;
        if (e->kind != ERR_RETRY || patient || try == TRIES)
            return -1;
    }
}

static struct source_dep *dep_add(struct source_file *f, const char *path)
{
    f->deps = arena_grow(f->arena, f->deps, f->n_deps, &f->cap_deps, sizeof(f->deps[0]));
    f->deps[f->n_deps] = (struct source_dep){.path = arena_strdup(f->arena, path)};
    return &f->deps[f->n_deps++];
}

/* By the letters, and where the links in it lead to. */
static bool is_outside(const struct loading *l, const char *path)
{
    if (!l->within)
        return false;
    char *within = realpath(l->within, NULL), *real = realpath(path, NULL);
    bool outside =
        !path_within(l->within, path) || (real && (!within || !path_within(within, real)));

    free(within);
    free(real);
    return outside;
}

static int refuse_outside(const char *path, struct err *e)
{
    return err_set(e, ERR_DENIED, "%s is not among the uploads, and uploads read nothing else",
                   path);
}

static int load_dep(void *ctx, const char *path, struct arena *a, const char **ret_text,
                    size_t *ret_n, struct err *e)
{
    struct loading *l = ctx;

    if (is_outside(l, path))
        return refuse_outside(path, e);
    struct source_dep *before = dep_find(l->former, path), *known = dep_find(l->file, path);
    struct source_dep *dep = known ? known : dep_add(l->file, path);
    struct stat st;

    if (stat(path, &st) != 0) {
        l->unsettled |= before && before->present && l->waited_ms < SOURCE_GONE_MS;
        return err_errno(e, errno, "cannot read %s", path);
    }
    dep->present = true;
    dep->print = file_print_of(&st);
    bool patient = l->waited_ms < SOURCE_PATIENCE_MS;

    if (patient && !(before && dep_same(before)) &&
        !is_whole(path, &dep->print, before ? &before->print : NULL))
        l->unsettled = true;
    if (read_steady(path, LIMIT_ENV_FILE_BYTES, patient, a, &dep->text, &dep->n, &st, e) != 0) {
        l->unsettled |= patient && e->kind == ERR_RETRY;
        return -1;
    }
    dep->print = file_print_of(&st);
    dep->racy = racy_print(&st);
    *ret_text = dep->text;
    *ret_n = dep->n;
    return 0;
}

/* A root may hold a link to a folder of specs, which then have their own files there. */
static const char *leads_dep(void *ctx, const char *folder, const char *path, struct arena *a)
{
    const struct loading *l = ctx;
    CLEANUP(xfreep) char *real = realpath(path, NULL);

    if (!real || strcmp(real, path) == 0)
        return NULL;
    CLEANUP(xfreep) char *root = realpath(folder, NULL);
    CLEANUP(xfreep) char *own = realpath(l->dir, NULL);

    if ((root && path_within(root, real)) || (own && path_within(own, real)))
        return NULL;
    return arena_strdup(a, real);
}

/* Its digest alone is kept, so that what it holds is in no saved pass. */
static int digest_dep(void *ctx, const char *path, struct arena *a, const char **ret_digest,
                      struct err *e)
{
    struct loading *l = ctx;

    if (is_outside(l, path))
        return refuse_outside(path, e);
    struct source_dep *before = dep_find(l->former, path), *known = dep_find(l->file, path);
    struct source_dep *dep = known ? known : dep_add(l->file, path);
    bool patient = l->waited_ms < SOURCE_PATIENCE_MS;
    char digest[SHA256_HEX];
    const char *text;
    struct stat st;
    size_t n;

    if (stat(path, &st) != 0) {
        l->unsettled |= before && before->present && l->waited_ms < SOURCE_GONE_MS;
        return err_errno(e, errno, "cannot read %s", path);
    }
    dep->present = true;
    dep->print = file_print_of(&st);
    if (S_ISDIR(st.st_mode)) {
        dep->digest = "";
        *ret_digest = NULL;
        return 0;
    }
    if (patient && !(before && dep_same(before)) &&
        !is_whole(path, &dep->print, before ? &before->print : NULL))
        l->unsettled = true;
    CLEANUP(arena_freep) struct arena *own = arena_new();

    if (read_steady(path, LIMIT_SECRET_BYTES, patient, own, &text, &n, &st, e) != 0) {
        l->unsettled |= patient && e->kind == ERR_RETRY;
        return -1;
    }
    sha256_hex(text, n, digest);
    explicit_bzero((char *)(uintptr_t)text, n);
    dep->print = file_print_of(&st);
    dep->racy = racy_print(&st);
    dep->digest = *ret_digest = arena_strdup(a, digest);
    return 0;
}

/* ---- versions ---- */

static struct source_file *file_new(const struct found *f, const struct source_place *at)
{
    struct arena *a = arena_new();
    struct source_file *file = ARENA_NEW(a, struct source_file);

    file->arena = a;
    file->found = *f;
    file->found.in = NULL;
    file->found.path = arena_strdup(a, f->path);
    file->found.trouble = arena_strdup(a, f->trouble);
    file->found.hint = arena_strdup(a, f->hint);
    file->spec.root = arena_strdup(a, at->root);
    file->spec.path = file->found.path;
    file->spec.name =
        *f->path ? arena_printf(a, "%s%s", at->display, f->path) : arena_strdup(a, at->root_name);
    diag_init(&file->spec.diags, a);
    return file;
}

void source_file_free(struct source_file *f)
{
    if (f)
        arena_free(f->arena);
}

/* Stands for a file that cannot be read yet. */
static struct source_file *file_pending(const struct found *f, const struct source_place *at)
{
    struct source_file *file = file_new(f, at);

    file->found.pending = true;
    file->denied = true;
    file->spec.broken = true;
    return file;
}

static struct source_file *file_broken(const struct found *f, const struct source_place *at,
                                       const char *what, const char *hint)
{
    struct source_file *file = file_new(f, at);

    file->trouble = arena_strdup(file->arena, what);
    file->spec.broken = true;
    diag_add(&file->spec.diags, DIAG_ERROR, (struct place){.file = file->spec.name}, NULL, NULL,
             hint, "%s", what);
    return file;
}

/* A broken version, unless the former one was broken in the same way. */
static enum source_look broken(const struct found *f, const struct source_place *at,
                               struct source_file *former, const char *what, const char *hint,
                               struct source_file **ret)
{
    if (former && former->trouble && strcmp(former->trouble, what) == 0) {
        const char *path = former->found.path, *trouble = former->found.trouble;
        const char *old_hint = former->found.hint;

        former->found = *f;
        former->found.in = NULL;
        former->found.path = path;
        former->found.trouble = trouble;
        former->found.hint = old_hint;
        return SOURCE_SAME;
    }
    *ret = file_broken(f, at, what, hint);
    return SOURCE_NEW;
}

/* Why this is nothing to read, or NULL. */
static const char *kind_trouble(const struct found *f, const char **ret_hint)
{
    *ret_hint = "remove it, or give it a name that does not end in .yaml or .yml";
    switch (f->target.mode & S_IFMT) {
    case S_IFREG: break;
    case S_IFIFO: return "is a FIFO, not a file";
    case S_IFSOCK: return "is a socket, not a file";
    case S_IFCHR: return "is a character device, not a file";
    case S_IFBLK: return "is a block device, not a file";
    default: return "is not a file";
    }
    if (f->target.size > LIMIT_SPEC_BYTES && !bundle_name(f->path)) {
        *ret_hint = "split it into several files";
        return "is larger than 1 MiB";
    }
    return NULL;
}

static const char *text_trouble(const char *text, size_t n, const char **ret_hint)
{
    if (n >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0)) {
        *ret_hint = "save it as UTF-8";
        return "is UTF-16, not UTF-8";
    }
    if (memchr(text, '\0', n)) {
        *ret_hint = "remove it, or give it a name that does not end in .yaml or .yml";
        return "is binary, not text (it holds NUL bytes)";
    }
    return NULL;
}

static const char *dir_of(const char *path, struct arena *a)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return ".";
    return slash == path ? "/" : arena_strndup(a, path, (size_t)(slash - path));
}

static enum source_look parse(struct source_file *file, const struct source_place *at,
                              const char *path, struct loading *l, struct source_file **ret)
{
    struct loader loader = {.read = load_dep, .digest = digest_dep, .leads = leads_dep, .ctx = l};
    if (bundle_name(file->found.path))
        loader.bundle = arena_strdup(file->arena, path);
    struct arena *a = file->arena;

    l->dir = dir_of(path, a);
    if (at->uploads && path_within(at->uploads, path))
        l->within = at->uploads;
    document_parse(file->spec.root, file->found.path, file->spec.name, l->dir, file->text, file->n,
                   &loader, a, &file->spec);
    if (l->unsettled) {
        source_file_free(file);
        return SOURCE_UNSETTLED;
    }
    *ret = file;
    return SOURCE_NEW;
}

/* The file cannot be read, for a reason that may go away without a trace in its times. */
static enum source_look unreadable(const struct found *f, const struct source_place *at,
                                   struct source_file *former, const struct err *e,
                                   struct source_file **ret)
{
    bool denied = e->kind == ERR_DENIED;
    enum source_look answer;

    if (e->kind == ERR_RETRY || e->kind == ERR_MISSING)
        return SOURCE_UNSETTLED;
    answer = broken(f, at, former, denied ? "cannot be read: permission denied" : e->msg,
                    denied ? "let the agent's user read it" : NULL, ret);
    if (answer == SOURCE_NEW)
        (*ret)->denied = true;
    return answer;
}

/* An archive stands for an app; what is in it is read by a worker, not here. */
static enum source_look stand_for(struct source_file *file, const struct source_place *at,
                                  const char *path, struct source_file **ret)
{
    struct loading l = {.file = file};

    file->text = bundle_text(path, file->arena);
    if (!file->text) {
        file->text = "";
        file->spec.bundle = arena_strdup(file->arena, path);
        diag_add(&file->spec.diags, DIAG_WARNING, (struct place){.file = file->spec.name}, NULL,
                 NULL, "rename it (a-z, 0-9 and '-'), or write a spec with `source: {bundle: ...}`",
                 "its name cannot be the name of an app, so it is none by itself");
        *ret = file;
        return SOURCE_NEW;
    }
    file->n = strlen(file->text);
    return parse(file, at, path, &l, ret);
}

/* What nearly all files of a root are at nearly every look, told by what the walk knows already. */
static bool plainly_same(const struct found *f, const struct source_place *at,
                         struct source_file *former)
{
    const char *hint;

    return former && !former->denied && !former->racy && !f->trouble && !f->link &&
           !former->found.link && !kind_trouble(f, &hint) &&
           file_print_eq(&former->found.target, &f->target) && deps_same(f, at, former);
}

static enum source_look look(const struct found *f, const struct source_place *at,
                             struct source_file *former, int64_t waited_ms,
                             struct source_file **ret)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    bool patient = waited_ms < SOURCE_PATIENCE_MS;
    const char *path = fsx_join(at->dir, f->path, scratch), *hint = f->hint;
    const char *what = f->trouble ? f->trouble : kind_trouble(f, &hint);
    struct found now = *f;
    struct err e = {0};
    struct stat st;

    if (what)
        return broken(f, at, former, what, hint, ret);
    bool same = file_same(f, former, path);

    if (same && deps_same(f, at, former))
        return SOURCE_SAME;
    if (patient && !same && !is_whole(path, &f->target, former ? &former->found.target : NULL))
        return SOURCE_UNSETTLED;

    struct source_file *file = file_new(f, at);

    if (bundle_name(f->path))
        return stand_for(file, at, path, ret);
    if (read_steady(path, LIMIT_SPEC_BYTES, patient, file->arena, &file->text, &file->n, &st, &e) !=
        0) {
        source_file_free(file);
        return unreadable(f, at, former, &e, ret);
    }
    now.target = file->found.target = file_print_of(&st);
    file->racy = racy_print(&st);
    what = text_trouble(file->text, file->n, &hint);
    if (what) {
        source_file_free(file);
        return broken(&now, at, former, what, hint, ret);
    }
    return parse(file, at, path,
                 &(struct loading){.file = file, .former = former, .waited_ms = waited_ms}, ret);
}

enum source_look source_file_look(const struct found *f, const struct source_place *at,
                                  struct source_file *former, int64_t waited_ms,
                                  struct source_file **ret)
{
    bool was_pending = former && former->found.pending;

    if (f->pending && was_pending)
        return SOURCE_SAME;
    if (f->pending) {
        *ret = file_pending(f, at);
        return SOURCE_NEW;
    }
    if (!was_pending && plainly_same(f, at, former))
        return SOURCE_SAME;
    /* What was only a place kept is no former version. */
    enum source_look answer = look(f, at, was_pending ? NULL : former, waited_ms, ret);

    if (answer == SOURCE_UNSETTLED && !former)
        *ret = file_pending(f, at);
    return answer;
}
