/* Releases of held removals: one file each, named by the hash of the set that it releases and holding that set.
 *
 * Comes in: a set from the command line. Goes out: the apps of all sets that are fresh and true to their names. What is not is ignored; what is older than an hour
 * is removed: by then nobody remembers. */
#include "agent/confirm.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/fsx.h"
#include "reconcile/plan.h"
#include "spec/base/arena.h"
#include "spec/limits.h"

#define FRESH_S 3600

int confirm_write(const char *state_dir, const char *root, const struct strv *apps, struct err *e)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    struct arena *a = arena_new();
    const char *dir = fsx_join(state_dir, "confirm-removals", a);
    str_addf(&text, "%s\n", root);
    for (size_t i = 0; i < apps->n; i++)
        str_addf(&text, "%s\n", apps->v[i]);
    int rc = fsx_mkdirs(dir, 0700, e);
    if (rc == 0)
        rc = fsx_replace(fsx_join(dir, held_removals_hash(root, apps, a), a), str_text(&text),
                         text.len, 0600, e);
    arena_free(a);
    return rc;
}

static void read_set(const char *path, const char *name, struct arena *a, struct strv *ret)
{
    struct err ignored = {0};
    struct strv lines = {0};
    const char *text;
    char *save = NULL;
    size_t n;
    if (fsx_read(path, LIMIT_SPEC_BYTES, a, &text, &n, NULL, &ignored) < 0)
        return;
    for (char *x = strtok_r(arena_strdup(a, text), "\n", &save); x; x = strtok_r(NULL, "\n", &save))
        strv_push(a, &lines, x);
    if (lines.n < 2)
        return;
    struct strv apps = {.v = lines.v + 1, .n = lines.n - 1};
    if (strcmp(held_removals_hash(lines.v[0], &apps, a), name) != 0)
        return;
    for (size_t i = 0; i < apps.n; i++)
        strv_push(a, ret, apps.v[i]);
}

static void read_if_fresh(const char *path, const char *name, struct arena *a,
                          struct strv *ret_apps, struct strv *ret_names)
{
    struct stat st;

    if (lstat(path, &st) < 0)
        return;
    if (time(NULL) - st.st_mtime > FRESH_S) {
        (void)unlink(path);
        return;
    }
    read_set(path, name, a, ret_apps);
    strv_push(a, ret_names, name);
}

void confirm_read(const char *state_dir, struct arena *a, struct strv *ret_apps,
                  struct strv *ret_names)
{
    const char *dir = fsx_join(state_dir, "confirm-removals", a);
    DIR *d = opendir(dir);

    for (struct dirent *x; d && (x = readdir(d));)
        if (strlen(x->d_name) == 12 && strspn(x->d_name, "0123456789abcdef") == 12)
            read_if_fresh(fsx_join(dir, x->d_name, a), arena_strdup(a, x->d_name), a, ret_apps,
                          ret_names);
    if (d)
        (void)closedir(d);
}

void confirm_forget(const char *state_dir, const struct strv *names)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *dir = fsx_join(state_dir, "confirm-removals", a);

    for (size_t i = 0; i < names->n; i++)
        (void)unlink(fsx_join(dir, names->v[i], a));
}
