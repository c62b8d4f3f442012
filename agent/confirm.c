/* Confirmations of removals: one empty file each, named by the hash it releases.
 *
 * Comes in: a hash from the command line. Goes out: the newest one that is still fresh. A hash names one exact set of apps, so a stale file can never release
 * another set; it is removed after an hour all the same. */
#include "agent/confirm.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/fsx.h"
#include "spec/base/arena.h"

#define FRESH_S 3600

static bool hash_valid(const char *hash)
{
    return strlen(hash) == 12 && strspn(hash, "0123456789abcdef") == 12;
}

int confirm_write(const char *state_dir, const char *hash, struct err *e)
{
    if (!hash_valid(hash))
        return err_set(e, ERR_USER, "--confirm-removals wants the 12 hex digits that `evenkeel plan` prints, not \"%s\"", hash);
    struct arena *a = arena_new();
    const char *dir = fsx_join(state_dir, "confirm-removals", a);
    int rc = fsx_mkdirs(dir, 0700, e);
    if (rc == 0)
        rc = fsx_replace(fsx_join(dir, hash, a), "", 0, 0600, e);
    arena_free(a);
    return rc;
}

const char *confirm_read(const char *state_dir, struct arena *a)
{
    const char *dir = fsx_join(state_dir, "confirm-removals", a), *newest = NULL;
    time_t best = 0, now = time(NULL);
    DIR *d = opendir(dir);
    if (!d)
        return NULL;
    for (struct dirent *x = readdir(d); x; x = readdir(d)) {
        struct stat st;
        const char *path = fsx_join(dir, x->d_name, a);
        if (!hash_valid(x->d_name) || lstat(path, &st) < 0)
            continue;
        if (now - st.st_mtime > FRESH_S)
            (void)unlink(path);
        else if (st.st_mtime >= best) {
            best = st.st_mtime;
            newest = arena_strdup(a, x->d_name);
        }
    }
    (void)closedir(d);
    return newest;
}
