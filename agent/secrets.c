/* The secret store: a folder of files and nothing else.
 *
 * Comes in: names, and values from `evenkeel secret set` or from a person with an editor. Goes out: what may be known of each secret (digest, kind, problem), and its value for
 * who needs it. Links are followed, so that a certificate can stay where its renewal writes it. It refuses names that could lead out of the folder, and wipes each value from memory as soon
 * as its digest is known. */
#include "agent/secrets.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <unistd.h>

#include "drivers/fsx.h"
#include "spec/base/arena.h"
#include "spec/base/str.h"
#include "spec/document.h"
#include "spec/limits.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

struct secrets {
    char *dir;
    struct arena *arena; /* what follows lives in it */
    struct secret *list;
    size_t n, cap;
    const char *trouble;
};

/* ---- names and places ---- */

static bool name_valid(const char *name)
{
    size_t n = strlen(name);

    return n > 0 && n <= LIMIT_SECRET_NAME && strspn(name, LETTERS "._-") == n &&
           strspn(name, LETTERS) > 0 && strcspn(name + n - 1, LETTERS) == 0;
}

int secrets_check_name(const char *app, const char *name, struct err *e)
{
    if (app && !app_name_valid(app))
        return err_set(e, ERR_USER, "\"%s\" is not the name of an app", app);
    if (!name_valid(name))
        return err_set(e, ERR_USER,
                       "\"%s\" cannot be the name of a secret: A-Z, a-z, 0-9 and inner `.`, `_`, "
                       "`-`, at most %d characters",
                       name, LIMIT_SECRET_NAME);
    return 0;
}

static const char *folder(const char *state, const char *app, struct arena *a)
{
    const char *dir = fsx_join(state, "secrets", a);

    return app ? fsx_join(dir, app, a) : dir;
}

/* An app's folder and a common secret share their names' place. */
static int check_place(const char *path, bool folder_wanted, struct err *e)
{
    struct stat st;

    if (stat(path, &st) != 0 || S_ISDIR(st.st_mode) == folder_wanted)
        return 0;
    if (folder_wanted)
        return err_set(e, ERR_CONFLICT,
                       "%s is a secret, so no app of that name can have secrets of its own; remove "
                       "it first with `evenkeel secret rm`",
                       path);
    return err_set(e, ERR_CONFLICT,
                   "%s is the folder of an app's secrets; a common secret needs another name",
                   path);
}

/* ---- one secret ---- */

/* A new one must not be one too many: what is behind LIMIT_SECRETS is not read at all, whoever's it is. */
static int check_room(const char *dir, const char *app, const char *path, struct err *e)
{
    int most = app ? LIMIT_APP_SECRETS : LIMIT_COMMON_SECRETS, n = 0;
    struct stat st;

    if (lstat(path, &st) == 0)
        return 0;
    DIR *d = opendir(dir);

    for (const struct dirent *x; d && (x = readdir(d));)
        n += x->d_name[0] != '.' && (app || x->d_type != DT_DIR);
    if (d)
        (void)closedir(d);
    if (n < most)
        return 0;
    return err_set(e, ERR_CONFLICT,
                   "%s%s has %d secrets, and that is the most; remove some first with `evenkeel "
                   "secret rm`",
                   app ? "the app " : "the store", app ? app : "", most);
}

static int set_in(struct arena *a, const char *state, const char *app, const char *name,
                  const void *value, size_t n, struct err *e)
{
    const char *dir = folder(state, app, a), *path = fsx_join(dir, name, a);

    if (n == 0)
        return err_set(e, ERR_USER, "the value of \"%s\" is empty; nothing was changed", name);
    if (n > LIMIT_SECRET_BYTES)
        return err_set(e, ERR_USER, "a secret has at most %d bytes; nothing was changed",
                       LIMIT_SECRET_BYTES);
    if (fsx_mkdirs(folder(state, NULL, a), 0700, e) != 0 ||
        (app && check_place(dir, true, e) != 0) || fsx_mkdirs(dir, 0700, e) != 0 ||
        check_place(path, false, e) != 0 || check_room(dir, app, path, e) != 0)
        return -1;
    return fsx_replace(path, value, n, 0600, e);
}

int secrets_set(const char *state, const char *app, const char *name, const void *value, size_t n,
                struct err *e)
{
    if (secrets_check_name(app, name, e) != 0)
        return -1;

    struct arena *a = arena_new();
    int rc = set_in(a, state, app, name, value, n, e);

    arena_free(a);
    return rc;
}

static int remove_in(struct arena *a, const char *state, const char *app, const char *name,
                     struct err *e)
{
    const char *dir = folder(state, app, a), *path = fsx_join(dir, name, a);
    struct stat st;

    if (lstat(path, &st) != 0)
        return errno == ENOENT
                   ? err_set(e, ERR_MISSING,
                             "there is no secret \"%s%s%s\"; `evenkeel secret ls` lists them",
                             app ? app : "", app ? "/" : "", name)
                   : err_errno(e, errno, "cannot remove %s", path);
    if (check_place(path, false, e) != 0 || fsx_remove(path, e) != 0)
        return -1;
    if (app)
        (void)rmdir(dir); /* when it was the last one */
    return 0;
}

int secrets_remove(const char *state, const char *app, const char *name, struct err *e)
{
    if (secrets_check_name(app, name, e) != 0)
        return -1;

    struct arena *a = arena_new();
    int rc = remove_in(a, state, app, name, e);

    arena_free(a);
    return rc;
}

int secrets_read(const char *state, const char *name, struct arena *a, const char **ret_value,
                 size_t *ret_n, struct err *e)
{
    const char *slash = strchr(name, '/');
    const char *app = slash ? arena_strndup(a, name, (size_t)(slash - name)) : NULL;
    const char *own = slash ? slash + 1 : name;

    if (secrets_check_name(app, own, e) != 0)
        return -1;
    return fsx_read(fsx_join(folder(state, app, a), own, a), LIMIT_SECRET_BYTES, a, ret_value,
                    ret_n, NULL, e);
}

/* ---- all of them ---- */

struct secrets *secrets_new(const char *state)
{
    struct secrets *s = xcalloc(1, sizeof(*s));
    struct arena *a = arena_new();

    s->dir = xstrdup(folder(state, NULL, a));
    s->arena = a;
    return s;
}

void secrets_free(struct secrets *s)
{
    if (!s)
        return;
    arena_free(s->arena);
    free(s->dir);
    free(s);
}

static bool same_stat(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mode == b->st_mode && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
           a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void read_one(const char *path, struct arena *list, struct secret *ret)
{
    struct arena *scratch = arena_new();
    struct err e = {0};
    const char *text = NULL;
    size_t n = 0;

    if (fsx_read(path, LIMIT_SECRET_BYTES, scratch, &text, &n, NULL, &e) != 0) {
        ret->problem = arena_strdup(list, e.msg);
    } else if (n == 0) {
        ret->problem = arena_printf(list, "%s is empty", path);
    } else {
        struct secret_nature nature = secret_nature_of(text, n);

        sha256_hex(text, n, ret->digest);
        ret->kind = nature.kind;
        ret->not_after_ms = nature.not_after_ms;
        memcpy(ret->pair, nature.pair, sizeof(ret->pair));
        if (*nature.problem)
            ret->problem = arena_printf(list, "%s: %s", path, nature.problem);
        OPENSSL_cleanse((char *)(uintptr_t)text, n);
    }
    arena_free(scratch);
}

static int by_name(const void *a, const void *b)
{
    const struct secret *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static const struct secret *known(const struct secrets *s, const char *name, const struct stat *st)
{
    const struct secret key = {.name = name};
    const struct secret *x =
        s->n > 0 ? bsearch(&key, s->list, s->n, sizeof(*s->list), by_name) : NULL;

    return x && same_stat(&x->st, st) ? x : NULL;
}

/* What is as it was is not read again; its texts move to the new list. */
static void take_one(const struct secrets *old, struct secrets *now, const char *path,
                     const char *name, const struct stat *st)
{
    const struct secret *before = known(old, name, st);
    struct secret x = {.st = *st};

    if (before)
        x = *before;
    x.name = arena_strdup(now->arena, name);
    x.problem = arena_strdup(now->arena, x.problem);
    if (!before)
        read_one(path, now->arena, &x);
    now->list = arena_grow(now->arena, now->list, now->n, &now->cap, sizeof(*now->list));
    now->list[now->n++] = x;
}

static int scan_folder(const struct secrets *old, struct secrets *now, const char *dir,
                       const char *app, struct err *e)
{
    DIR *d = opendir(dir);
    const struct dirent *entry;

    if (!d)
        return err_errno(e, errno, "cannot read %s", dir);
    while ((entry = readdir(d))) {
        const char *path = fsx_join(dir, entry->d_name, now->arena);
        struct stat st;

        if (entry->d_name[0] == '.' || stat(path, &st) != 0 || now->n >= LIMIT_SECRETS)
            continue;
        if (S_ISDIR(st.st_mode) && !app && app_name_valid(entry->d_name))
            (void)scan_folder(old, now, path, entry->d_name, e);
        else if (!S_ISDIR(st.st_mode) && name_valid(entry->d_name))
            take_one(old, now, path,
                     app ? arena_printf(now->arena, "%s/%s", app, entry->d_name) : entry->d_name,
                     &st);
    }
    (void)closedir(d);
    return 0;
}

static bool same_list(const struct secrets *a, const struct secrets *b)
{
    if (a->n != b->n || (a->trouble == NULL) != (b->trouble == NULL) ||
        (a->trouble && strcmp(a->trouble, b->trouble) != 0))
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->list[i].name, b->list[i].name) != 0 ||
            !same_stat(&a->list[i].st, &b->list[i].st))
            return false;
    return true;
}

bool secrets_scan(struct secrets *s)
{
    struct secrets now = {.arena = arena_new()};
    struct err e = {0};

    if (scan_folder(s, &now, s->dir, NULL, &e) != 0 && e.kind != ERR_MISSING)
        now.trouble = arena_strdup(now.arena, e.msg);
    if (now.n > 0)
        qsort(now.list, now.n, sizeof(*now.list), by_name);
    if (same_list(s, &now)) {
        arena_free(now.arena);
        return false;
    }
    arena_free(s->arena);
    now.dir = s->dir;
    *s = now;
    return true;
}

const struct secret *secrets_list(const struct secrets *s, size_t *ret_n)
{
    *ret_n = s->n;
    return s->list;
}

const char *secrets_trouble(const struct secrets *s)
{
    return s->trouble;
}

/* ---- what may be told ---- */

const char *secret_kind_word(const struct secret *s)
{
    switch (s->kind) {
    case SECRET_TEXT: return "text";
    case SECRET_CERTIFICATE: return "certificate";
    case SECRET_KEY: return "private key";
    }
    return "";
}

json_t *secret_to_json(const struct secret *s)
{
    CLEANUP(str_release) struct str changed = STR_INIT, until = STR_INIT;
    const char *slash = strchr(s->name, '/');

    str_add_time(&changed, (int64_t)s->st.st_mtim.tv_sec * 1000);
    if (s->not_after_ms)
        str_add_time(&until, s->not_after_ms);
    return json_pack("{s:s, s:o*, s:s, s:s, s:s*, s:s*}", "name", slash ? slash + 1 : s->name,
                     "app", slash ? json_stringn(s->name, (size_t)(slash - s->name)) : NULL, "kind",
                     secret_kind_word(s), "changed", str_text(&changed), "not_after",
                     s->not_after_ms ? str_text(&until) : NULL, "problem", s->problem);
}
