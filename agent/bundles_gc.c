/* Archives that were uploaded and that no spec names any more.
 *
 * Comes in: all texts of all roots, and the folder of archives. Goes out: marks, and a week later the archives. Refuses to touch a name that is not APP.SHA256 (or SHA256) and an ending, and anything at all while some text is not
 * known. */
#include "agent/bundles_gc.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/sources.h"
#include "drivers/fsx.h"
#include "spec/base/arena.h"
#include "spec/document.h"
#include "spec/desired.h"
#include "spec/limits.h"

enum { SHA_TEXT = 64 };

/* ---- who is named ---- */

struct texts {
    struct str all;
    bool unknown;
};

static bool takes_any(void *user, const char *root, const char *path)
{
    (void)user, (void)root;
    return !bundle_name(path);
}

static void add_text(void *user, const char *root, const char *path, const char *text, size_t n)
{
    struct texts *t = user;

    (void)path;
    if (!text && root) {
        t->unknown = true;
        return;
    }
    if (text)
        str_addn(&t->all, text, n);
    str_addc(&t->all, '\n');
}

static bool all_known(const struct sources *s, struct texts *t)
{
    const struct spec_set *set = sources_set(s);

    for (size_t i = 0; i < set->n_roots; i++)
        t->unknown |= !set->roots[i].readable;
    for (size_t i = 0; i < set->n_files; i++) /* a folder that cannot be listed is such a file */
        t->unknown |= set->files[i]->broken && set->files[i]->n_documents == 0;
    sources_each_text(s, takes_any, add_text, t);
    return !t->unknown;
}

/* ---- the folder ---- */

/* Where the digest begins: behind the app that the archive was sent for. */
static const char *digest_in(const char *name)
{
    const char *dot = strchr(name, '.');

    return dot && strspn(name, "0123456789abcdef") != SHA_TEXT && dot - name <= LIMIT_APP_NAME
               ? dot + 1
               : name;
}

static bool is_archive(const char *name)
{
    const char *sha = digest_in(name);

    return strspn(sha, "0123456789abcdef") == SHA_TEXT && sha[SHA_TEXT] == '.' && bundle_name(name);
}

static bool named(const struct texts *t, const char *name)
{
    char stem[LIMIT_APP_NAME + 1 + SHA_TEXT + 1];

    (void)snprintf(stem, sizeof(stem), "%.*s", (int)(digest_in(name) - name) + SHA_TEXT, name);
    return t->all.len > 0 && strstr(t->all.buf, stem) != NULL;
}

static bool is_over(const struct stat *mark, int64_t now_ms)
{
    return now_ms - (int64_t)mark->st_mtim.tv_sec * 1000 >= BUNDLES_GRACE_MS;
}

/* Under the folder's lock its mark is looked at once more: who sends the archive again takes the mark away (door_place.c). */
static int remove_marked(int dir, const char *name, const char *mark, int64_t now_ms)
{
    struct stat st;
    int rc = -1;

    if (flock(dir, LOCK_EX) != 0)
        return -1;
    if (fstatat(dir, mark, &st, AT_SYMLINK_NOFOLLOW) == 0 && is_over(&st, now_ms))
        rc = unlinkat(dir, name, 0) != 0 || unlinkat(dir, mark, 0) != 0 ? -1 : 0;
    (void)flock(dir, LOCK_UN);
    return rc;
}

static void judge(int dir, const struct texts *t, const char *name, int64_t now_ms, bool dry_run,
                  struct bundles_gc *ret)
{
    CLEANUP(str_release) struct str mark = STR_INIT;
    struct stat archive, marked;

    str_addf(&mark, "%s" BUNDLES_MARK, name);
    bool has_mark = fstatat(dir, str_text(&mark), &marked, AT_SYMLINK_NOFOLLOW) == 0;

    if (fstatat(dir, name, &archive, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(archive.st_mode))
        return;
    if (named(t, name)) {
        if (has_mark && !dry_run)
            (void)unlinkat(dir, str_text(&mark), 0);
        return;
    }
    if (has_mark && is_over(&marked, now_ms)) {
        if (!dry_run && remove_marked(dir, name, str_text(&mark), now_ms) != 0)
            return;
        ret->removed++;
        ret->bytes += archive.st_size;
        return;
    }
    ret->waiting++;
    if (has_mark || dry_run)
        return;
    int fd = openat(dir, str_text(&mark), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd >= 0)
        (void)close(fd);
}

int64_t bundles_of_app(const char *folder, const char *app)
{
    DIR *d = opendir(folder);
    size_t n = strlen(app);
    int64_t bytes = 0;
    struct stat st;

    for (const struct dirent *x; d && (x = readdir(d));)
        if (strncmp(x->d_name, app, n) == 0 && x->d_name[n] == '.' && is_archive(x->d_name) &&
            fstatat(dirfd(d), x->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            bytes += st.st_size;
    if (d)
        (void)closedir(d);
    return bytes;
}

void bundles_gc(const struct sources *s, const char *folder, int64_t now_ms, bool dry_run,
                struct bundles_gc *ret)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct strv names = {0};
    struct texts t = {.all = STR_INIT};
    DIR *d = opendir(folder);

    *ret = (struct bundles_gc){0};
    for (struct dirent *x; d && (x = readdir(d));)
        if (is_archive(x->d_name))
            strv_push(a, &names, arena_strdup(a, x->d_name));
    if (names.n > 0 && all_known(s, &t))
        for (size_t i = 0; i < names.n; i++)
            judge(dirfd(d), &t, names.v[i], now_ms, dry_run, ret);
    if (d)
        (void)closedir(d);
    str_release(&t.all);
}
