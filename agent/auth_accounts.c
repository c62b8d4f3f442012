/* The file of accounts.
 *
 * Comes in: STATE/accounts.json. Goes out: a list, and the file anew. It refuses a file that is not whole: an account that is passed over could be the one that was meant to be disabled. */
#include "agent/auth_accounts.h"

#include <sodium.h>

#include "agent/guarded.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/base/str.h"

#define FIRST_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

enum { FILE_VERSION = 1 };

bool auth_accounts_name_valid(const char *name)
{
    size_t n = strnlen(name, LIMIT_ACCOUNT_NAME + 1);

    return n > 0 && n <= LIMIT_ACCOUNT_NAME && strspn(name, FIRST_LETTERS "._@-") == n &&
           strspn(name, FIRST_LETTERS) > 0;
}

void auth_accounts_clear(struct auth_accounts *l)
{
    if (l->v)
        sodium_memzero(l->v, l->n * sizeof(*l->v));
    free(l->v);
    *l = (struct auth_accounts){0};
}

struct auth_account *auth_accounts_find(const struct auth_accounts *l, const char *name)
{
    struct auth_account *found = NULL;
    char wanted[LIMIT_ACCOUNT_NAME + 1] = "";

    if (!auth_accounts_name_valid(name))
        return NULL;
    (void)snprintf(wanted, sizeof(wanted), "%s", name);
    for (size_t i = 0; i < l->n; i++)
        if (sodium_memcmp(l->v[i].name, wanted, sizeof(wanted)) == 0)
            found = &l->v[i];
    return found;
}

struct auth_account *auth_accounts_add(struct auth_accounts *l, const char *name)
{
    size_t at = 0;

    if (l->n >= LIMIT_ACCOUNTS)
        return NULL;
    l->v = xrealloc(l->v, (l->n + 1) * sizeof(*l->v));
    while (at < l->n && strcmp(l->v[at].name, name) < 0)
        at++;
    memmove(&l->v[at + 1], &l->v[at], (l->n - at) * sizeof(*l->v));
    l->v[at] = (struct auth_account){0};
    /* What follows the NUL is compared too (auth_accounts_find). */
    (void)snprintf(l->v[at].name, sizeof(l->v[at].name), "%s", name);
    l->n++;
    return &l->v[at];
}

void auth_accounts_drop(struct auth_accounts *l, struct auth_account *x)
{
    size_t at = (size_t)(x - l->v);

    memmove(x, x + 1, (l->n - at - 1) * sizeof(*x));
    l->n--;
    sodium_memzero(&l->v[l->n], sizeof(*x));
}

size_t auth_accounts_admins(const struct auth_accounts *l)
{
    size_t n = 0;

    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].role == ROLE_ADMIN && !l->v[i].disabled)
            n++;
    return n;
}

/* ---- the file ---- */

static int read_one(const char *path, const json_t *v, struct auth_accounts *l, struct err *e)
{
    const char *name = js_str(v, "name", ""), *hash = js_str(v, "hash", "");
    const json_t *disabled = js_at(v, "disabled");
    enum role role;

    if (!auth_accounts_name_valid(name) || auth_accounts_find(l, name))
        return err_set(e, ERR_USER, "%s: account %zu has no name, or one that is there twice", path,
                       l->n + 1);
    if (role_parse(js_str(v, "role", ""), &role) < 0)
        return err_set(e, ERR_USER,
                       "%s: the role of account \"%s\" is none of viewer, deployer, admin", path,
                       name);
    if (!auth_hash_valid(hash))
        return err_set(e, ERR_USER,
                       "%s: the hash of account \"%s\" is not one of argon2id within our bounds "
                       "(64 MiB, 10 passes)",
                       path, name);
    if (disabled && !json_is_boolean(disabled))
        return err_set(e, ERR_USER, "%s: `disabled` of account \"%s\" is neither true nor false",
                       path, name);
    struct auth_account *x = auth_accounts_add(l, name);

    if (!x)
        return err_set(e, ERR_USER, "%s: more than %d accounts", path, LIMIT_ACCOUNTS);
    (void)snprintf(x->hash, sizeof(x->hash), "%s", hash);
    x->role = role;
    x->disabled = json_is_true(disabled);
    x->changed_ms = js_int(v, "changed_ms", 0);
    return 0;
}

static int read_all(const char *path, const json_t *doc, struct auth_accounts *l, struct err *e)
{
    const json_t *list = js_at(doc, "accounts"), *v;
    size_t i;

    if (js_int(doc, "version", 0) != FILE_VERSION)
        return err_set(e, ERR_USER, "%s is of another version of evenkeel than this one reads (%d)",
                       path, FILE_VERSION);
    if (!json_is_array(list))
        return err_set(e, ERR_USER, "%s has no list of accounts; put back a copy of it", path);
    json_array_foreach(list, i, v) if (read_one(path, v, l, e) < 0) return -1;
    return 0;
}

int auth_accounts_read(const char *path, struct auth_accounts *ret, struct err *e)
{
    struct auth_accounts l = {0};
    json_t *doc = NULL;

    if (guarded_read(path, &doc, &l.st, e) < 0)
        return -1;
    if (doc && read_all(path, doc, &l, e) < 0) {
        auth_accounts_clear(&l);
        json_decref(doc);
        return -1;
    }
    json_decref(doc);
    *ret = l;
    return 0;
}

int auth_accounts_write(const char *path, const struct auth_accounts *l, struct err *e)
{
    json_auto_t *doc = json_pack("{s:i, s:[]}", "version", FILE_VERSION, "accounts");
    json_t *list = json_object_get(doc, "accounts");

    for (size_t i = 0; i < l->n; i++)
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:b, s:I}", "name", l->v[i].name, "role",
                            role_name(l->v[i].role), "hash", l->v[i].hash, "disabled",
                            l->v[i].disabled, "changed_ms", (json_int_t)l->v[i].changed_ms));
    return guarded_write(path, doc, e);
}
