/* Who may log in, and as what.
 *
 * Comes in: a name and a password from a stranger, or a change from an admin. Goes out: a role, or one and the same refusal whatever was wrong. The file of accounts is looked at (one stat) before each
 * answer. Hashing is done without the lock, so that one who logs in delays nobody else's request. It refuses to leave nobody in charge, and to begin anew over a file that it cannot read. */
#include "agent/auth.h"

#include <pthread.h>
#include <sodium.h>

#include "agent/auth_accounts.h"
#include "agent/guarded.h"
#include "drivers/fsx.h"
#include "spec/base/arena.h"
#include "spec/base/str.h"

struct auth {
    char *path;    /* STATE/accounts.json */
    char *initial; /* STATE/initial-password */
    struct auth_hash *hash;
    char decoy[AUTH_HASH_TEXT]; /* what a password for nobody is held against */
    pthread_mutex_t lock;       /* guards accounts */
    struct auth_accounts accounts;
};

static const char refusal[] = "wrong name or password";

/* ---- opening ---- */

int auth_open(const char *state, struct auth **ret, struct err *e)
{
    struct arena *a = arena_new();
    struct auth *x = xcalloc(1, sizeof(*x));
    char nobody[CREDENTIAL_TEXT];

    x->path = xstrdup(fsx_join(state, "accounts.json", a));
    x->initial = xstrdup(fsx_join(state, "initial-password", a));
    x->hash = auth_hash_new();
    (void)pthread_mutex_init(&x->lock, NULL);
    arena_free(a);
    credential_make(nobody);
    if (auth_hash_make(x->hash, nobody, strlen(nobody), x->decoy, e) < 0 ||
        auth_accounts_read(x->path, &x->accounts, e) < 0) {
        auth_free(x);
        return -1;
    }
    *ret = x;
    return 0;
}

void auth_free(struct auth *a)
{
    if (!a)
        return;
    auth_accounts_clear(&a->accounts);
    auth_hash_free(a->hash);
    (void)pthread_mutex_destroy(&a->lock);
    free(a->path);
    free(a->initial);
    free(a);
}

/* Locked. A file that has become unreadable changes nothing here: who was let in stays, and changes say what is wrong. */
static int refresh(struct auth *a, struct err *e)
{
    struct auth_accounts now;
    struct stat st;

    if (!guarded_changed(a->path, &a->accounts.st, &st))
        return 0;
    if (auth_accounts_read(a->path, &now, e) < 0)
        return -1;
    auth_accounts_clear(&a->accounts);
    a->accounts = now;
    return 0;
}

/* ---- who comes ---- */

static bool look_up(struct auth *a, const char *name, char ret_hash[AUTH_HASH_TEXT],
                    enum role *ret_role)
{
    struct err ignored = {0};

    (void)pthread_mutex_lock(&a->lock);
    (void)refresh(a, &ignored);
    const struct auth_account *x = auth_accounts_find(&a->accounts, name);

    memcpy(ret_hash, x ? x->hash : a->decoy, AUTH_HASH_TEXT);
    *ret_role = x && !x->disabled ? x->role : ROLE_NONE;
    (void)pthread_mutex_unlock(&a->lock);
    return x != NULL;
}

enum role auth_role(struct auth *a, const char *name)
{
    char hash[AUTH_HASH_TEXT];
    enum role role;

    (void)look_up(a, name, hash, &role);
    sodium_memzero(hash, sizeof(hash));
    return role;
}

bool auth_ready(struct auth *a)
{
    struct err ignored = {0};

    (void)pthread_mutex_lock(&a->lock);
    (void)refresh(a, &ignored);
    bool ready = auth_accounts_admins(&a->accounts) > 0;

    (void)pthread_mutex_unlock(&a->lock);
    return ready;
}

/* ---- changes ---- */

/* One change: made on a copy, so that nobody sees it before it is on disk. */
struct change {
    struct auth_accounts list;
    int fd;
};

/* Take both locks and a copy of the newest list; -1 with nothing taken. */
static int begin_change(struct auth *a, struct change *ret, struct err *e)
{
    int fd = guarded_lock(a->path, e);

    if (fd < 0)
        return -1;
    (void)pthread_mutex_lock(&a->lock);
    if (refresh(a, e) < 0) {
        (void)pthread_mutex_unlock(&a->lock);
        guarded_unlock(&fd);
        return -1;
    }
    *ret = (struct change){.list = {.n = a->accounts.n}, .fd = fd};
    ret->list.v = xcalloc(a->accounts.n + 1, sizeof(*ret->list.v));
    for (size_t i = 0; i < a->accounts.n; i++)
        ret->list.v[i] = a->accounts.v[i];
    return 0;
}

/* Write what was changed if rc is 0, and let go. */
static int end_change(struct auth *a, struct change *c, int rc, struct err *e)
{
    if (rc == 0 && auth_accounts_admins(&c->list) == 0)
        rc =
            err_set(e, ERR_CONFLICT, "that would leave no admin; make another account admin first");
    if (rc == 0)
        rc = auth_accounts_write(a->path, &c->list, e);
    if (rc == 0) {
        const struct stat none = {0};

        (void)guarded_changed(a->path, &none, &c->list.st);
        auth_accounts_clear(&a->accounts);
        a->accounts = c->list;
    } else {
        auth_accounts_clear(&c->list);
    }
    (void)pthread_mutex_unlock(&a->lock);
    guarded_unlock(&c->fd);
    return rc;
}

static int unknown(const char *name, struct err *e)
{
    CLEANUP(str_release) struct str shown = STR_INIT;

    str_add_escaped(&shown, name);
    return err_set(e, ERR_MISSING, "there is no account \"%.100s\"", str_text(&shown));
}

const char *auth_password_problem(const char *password)
{
    size_t n = strnlen(password, LIMIT_PASSWORD + 1);

    if (n < AUTH_PASSWORD_MIN)
        return "a password has at least 10 characters";
    if (n > LIMIT_PASSWORD)
        return "a password has at most 1024 bytes";
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)password[i] < 0x20 || password[i] == 0x7f)
            return "a password has no control characters, such as a line break at its end";
    return NULL;
}

/* hash NULL: the password stays. */
static int put_account(struct auth_accounts *l, const char *name, enum role role, const char *hash,
                       int64_t now_ms, struct err *e)
{
    struct auth_account *x = auth_accounts_find(l, name);

    if (!x && !hash)
        return err_set(e, ERR_USER, "a new account needs a password");
    if (!x)
        x = auth_accounts_add(l, name);
    if (!x)
        return err_set(e, ERR_CONFLICT, "there are %d accounts already; remove one first",
                       LIMIT_ACCOUNTS);
    x->role = role;
    if (hash) {
        memcpy(x->hash, hash, sizeof(x->hash));
        x->changed_ms = now_ms;
    }
    return 0;
}

static void forget_initial(struct auth *a, const char *name)
{
    struct err ignored = {0};

    if (strcmp(name, AUTH_FIRST_ACCOUNT) == 0)
        (void)fsx_remove(a->initial, &ignored);
}

int auth_set(struct auth *a, const char *name, enum role role, const char *password, int64_t now_ms,
             struct err *e)
{
    const char *problem = password ? auth_password_problem(password) : NULL;
    char hash[AUTH_HASH_TEXT] = "";
    struct change c;

    if (!auth_accounts_name_valid(name))
        return err_set(e, ERR_USER,
                       "the name of an account is 1 to %d of A-Z, a-z, 0-9, `.`, `_`, `@`, `-`",
                       LIMIT_ACCOUNT_NAME);
    if (role == ROLE_NONE)
        return err_set(e, ERR_USER, "a role is viewer, deployer or admin");
    if (problem)
        return err_set(e, ERR_USER, "%s", problem);
    if (password && auth_hash_make(a->hash, password, strlen(password), hash, e) < 0)
        return -1;
    if (begin_change(a, &c, e) < 0)
        return -1;
    int rc = put_account(&c.list, name, role, password ? hash : NULL, now_ms, e);

    if (end_change(a, &c, rc, e) < 0)
        return -1;
    if (password)
        forget_initial(a, name);
    return 0;
}

int auth_disable(struct auth *a, const char *name, bool disabled, struct err *e)
{
    struct change c;
    int rc = 0;

    if (begin_change(a, &c, e) < 0)
        return -1;
    struct auth_account *x = auth_accounts_find(&c.list, name);

    if (x)
        x->disabled = disabled;
    else
        rc = unknown(name, e);
    return end_change(a, &c, rc, e);
}

int auth_remove(struct auth *a, const char *name, struct err *e)
{
    struct change c;
    int rc = 0;

    if (begin_change(a, &c, e) < 0)
        return -1;
    struct auth_account *x = auth_accounts_find(&c.list, name);

    if (!x)
        rc = unknown(name, e);
    else if (c.list.n == 1)
        rc = err_set(e, ERR_CONFLICT, "this is the only account; make another admin first");
    else
        auth_accounts_drop(&c.list, x);
    return end_change(a, &c, rc, e);
}

const struct auth_entry *auth_list(struct auth *a, struct arena *arena, size_t *ret_n)
{
    struct err ignored = {0};

    (void)pthread_mutex_lock(&a->lock);
    (void)refresh(a, &ignored);
    struct auth_entry *v = ARENA_ARRAY(arena, a->accounts.n + 1, struct auth_entry);

    for (size_t i = 0; i < a->accounts.n; i++)
        v[i] = (struct auth_entry){.name = arena_strdup(arena, a->accounts.v[i].name),
                                   .role = a->accounts.v[i].role,
                                   .disabled = a->accounts.v[i].disabled,
                                   .changed_ms = a->accounts.v[i].changed_ms};
    *ret_n = a->accounts.n;
    (void)pthread_mutex_unlock(&a->lock);
    return v;
}

/* ---- logging in ---- */

/* The parameters of hashes grow with the years; only now is the password there to follow them. */
static void renew(struct auth *a, const char *name, const char *old, const char *password)
{
    struct err ignored = {0};
    char hash[AUTH_HASH_TEXT] = "";
    struct change c;

    if (auth_hash_make(a->hash, password, strlen(password), hash, &ignored) < 0 ||
        begin_change(a, &c, &ignored) < 0)
        return;
    struct auth_account *x = auth_accounts_find(&c.list, name);
    bool unchanged = x && strcmp(x->hash, old) == 0;

    if (unchanged)
        memcpy(x->hash, hash, sizeof(hash));
    (void)end_change(a, &c, unchanged ? 0 : -1, &ignored);
}

int auth_login(struct auth *a, const char *name, const char *password, enum role *ret_role,
               struct err *e)
{
    char hash[AUTH_HASH_TEXT];
    size_t n = strnlen(password, LIMIT_PASSWORD + 1);
    enum role role;
    bool same = false, known = look_up(a, name, hash, &role);

    if (n > LIMIT_PASSWORD) /* costs what any other costs */
        n = 0;
    if (auth_hash_check(a->hash, hash, password, n, &same, e) < 0)
        return -1;
    if (!same || !known || role == ROLE_NONE) {
        sodium_memzero(hash, sizeof(hash));
        return err_set(e, ERR_DENIED, "%s", refusal);
    }
    if (auth_hash_old(hash))
        renew(a, name, hash, password);
    sodium_memzero(hash, sizeof(hash));
    forget_initial(a, name);
    *ret_role = role;
    return 0;
}

/* ---- the first start ---- */

static int keep_initial(const struct auth *a, const char *password, struct err *e)
{
    CLEANUP(str_release) struct str text = STR_INIT;

    str_addf(&text, "%s\n", password);
    int rc = fsx_replace(a->initial, text.buf, text.len, 0600, e);

    sodium_memzero(text.buf, text.len);
    return rc;
}

static int make_first(struct auth *a, const char *given, bool terminal, int64_t now_ms,
                      char show[CREDENTIAL_SPOKEN], struct err *e)
{
    char made[CREDENTIAL_SPOKEN], hash[AUTH_HASH_TEXT] = "";
    const char *password = given && *given ? given : made;
    const char *problem;
    struct change c;
    int rc = 0;

    credential_make_spoken(made);
    if ((problem = auth_password_problem(password)))
        return err_set(e, ERR_USER, "EVENKEEL_ADMIN_PASSWORD: %s", problem);
    if (auth_hash_make(a->hash, password, strlen(password), hash, e) < 0 ||
        begin_change(a, &c, e) < 0)
        return -1;
    if (c.list.n > 0) { /* somebody else's first start was quicker */
        (void)end_change(a, &c, -1, e);
        return 0;
    }
    /* Before the account, so that there never is one whose password nobody knows. */
    if (password == made && !terminal)
        rc = keep_initial(a, made, e);
    if (rc == 0)
        rc = put_account(&c.list, AUTH_FIRST_ACCOUNT, ROLE_ADMIN, hash, now_ms, e);
    rc = end_change(a, &c, rc, e);
    if (rc == 0 && password == made && terminal)
        memcpy(show, made, sizeof(made));
    sodium_memzero(made, sizeof(made));
    return rc;
}

int auth_first(struct auth *a, const char *given, bool terminal, int64_t now_ms,
               char ret_show[CREDENTIAL_SPOKEN], struct err *e)
{
    char show[CREDENTIAL_SPOKEN] = "";
    struct err why = {0};

    (void)pthread_mutex_lock(&a->lock);
    int rc = refresh(a, &why);
    bool none = a->accounts.n == 0;

    (void)pthread_mutex_unlock(&a->lock);
    if (rc < 0)
        return err_set(e, why.kind, "%s", why.msg);
    if (none && make_first(a, given, terminal, now_ms, show, e) < 0)
        return -1;
    memcpy(ret_show, show, sizeof(show));
    sodium_memzero(show, sizeof(show));
    return 0;
}
