/* API tokens.
 *
 * Comes in: a token from a stranger, or the wish for a new one. Goes out: what it allows, or why it allows nothing. A token is found by its id and held against a digest in constant time; an id
 * that nobody has costs the same comparison. It refuses a file that is not whole: what is passed over could be a revocation. */
#include "agent/tokens.h"

#include <pthread.h>
#include <sodium.h>

#include "agent/guarded.h"
#include "drivers/fsx.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/document.h"

#define HEX "0123456789abcdef"
#define PREFIX "ek_"

enum { FILE_VERSION = 1, DIGEST_HEX = 2 * CREDENTIAL_DIGEST };

struct entry {
    struct token token;
    unsigned char digest[CREDENTIAL_DIGEST];
};

struct list {
    struct arena *arena; /* what follows lives in it */
    struct entry *v;
    size_t n, cap;
    struct stat st;
};

struct tokens {
    char *path;
    pthread_mutex_t lock; /* guards list */
    struct list list;
};

/* ---- the file ---- */

static struct entry *list_add(struct list *l)
{
    l->v = arena_grow(l->arena, l->v, l->n, &l->cap, sizeof(*l->v));
    l->v[l->n] = (struct entry){.token = {.id = ""}};
    return &l->v[l->n++];
}

static bool id_valid(const char *id)
{
    return strnlen(id, TOKENS_ID) == TOKENS_ID - 1 && strspn(id, HEX) == TOKENS_ID - 1;
}

static bool id_taken(const struct list *l, const char *id)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->v[i].token.id, id) == 0)
            return true;
    return false;
}

static int digest_of(const char *hex, unsigned char ret[CREDENTIAL_DIGEST])
{
    if (strlen(hex) != DIGEST_HEX || strspn(hex, HEX) != DIGEST_HEX)
        return -1;
    return sodium_hex2bin(ret, CREDENTIAL_DIGEST, hex, DIGEST_HEX, NULL, NULL, NULL);
}

static bool times_valid(const json_t *v)
{
    static const char *const names[] = {"created_ms", "expires_ms", "revoked_ms"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const json_t *t = js_at(v, names[i]);

        if (t && (!json_is_integer(t) || json_integer_value(t) < 0))
            return false;
    }
    return true;
}

/* A member of apps that is left out would turn "this app" into "all apps". */
static bool apps_valid(const json_t *v)
{
    const json_t *apps = js_at(v, "apps"), *x;
    size_t i;

    if (!apps)
        return true;
    if (!json_is_array(apps) || json_array_size(apps) == 0 ||
        json_array_size(apps) > LIMIT_TOKEN_APPS)
        return false;
    json_array_foreach(apps, i, x) if (!json_is_string(x) ||
                                       !app_name_valid(json_string_value(x))) return false;
    return true;
}

static int read_one(const char *path, const json_t *v, struct list *l, struct err *e)
{
    struct entry x = {.token = {.id = js_str(v, "id", "")}};
    const char *wrong = NULL;

    if (!id_valid(x.token.id) || id_taken(l, x.token.id))
        return err_set(e, ERR_USER,
                       "%s: token %zu has no id of 12 hexadecimal digits, or one that is there "
                       "twice",
                       path, l->n + 1);
    if (digest_of(js_str(v, "sha256", ""), x.digest) < 0)
        wrong = "sha256";
    else if (role_parse_scope(js_str(v, "scope", ""), &x.token.scope) < 0)
        wrong = "scope";
    else if (!apps_valid(v))
        wrong = "apps";
    else if (!times_valid(v))
        wrong = "times";
    if (wrong)
        return err_set(e, ERR_USER, "%s: `%s` of token %s is not valid", path, wrong, x.token.id);
    x.token.id = arena_strdup(l->arena, x.token.id);
    x.token.name = arena_strdup(l->arena, js_str(v, "name", ""));
    x.token.by = arena_strdup(l->arena, js_str(v, "by", ""));
    js_strv(v, "apps", l->arena, &x.token.apps);
    x.token.created_ms = js_int(v, "created_ms", 0);
    x.token.expires_ms = js_int(v, "expires_ms", 0);
    x.token.revoked_ms = js_int(v, "revoked_ms", 0);
    *list_add(l) = x;
    return 0;
}

static int read_all(const char *path, const json_t *doc, struct list *l, struct err *e)
{
    const json_t *all = js_at(doc, "tokens"), *v;
    size_t i;

    if (js_int(doc, "version", 0) != FILE_VERSION)
        return err_set(e, ERR_USER, "%s is of another version of evenkeel than this one reads (%d)",
                       path, FILE_VERSION);
    if (!json_is_array(all))
        return err_set(e, ERR_USER, "%s has no list of tokens; put back a copy of it", path);
    json_array_foreach(all, i, v) if (read_one(path, v, l, e) < 0) return -1;
    return 0;
}

static int list_read(const char *path, struct list *ret, struct err *e)
{
    struct list l = {.arena = arena_new()};
    json_t *doc = NULL;

    if (guarded_read(path, &doc, &l.st, e) < 0 || (doc && read_all(path, doc, &l, e) < 0)) {
        json_decref(doc);
        arena_free(l.arena);
        return -1;
    }
    json_decref(doc);
    *ret = l;
    return 0;
}

static json_t *as_json(const struct entry *x)
{
    const struct token *t = &x->token;
    char hex[DIGEST_HEX + 1];

    (void)sodium_bin2hex(hex, sizeof(hex), x->digest, sizeof(x->digest));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:o*}", "id", t->id, "name", t->name,
                     "by", t->by, "sha256", hex, "scope", role_scope(t->scope), "created_ms",
                     (json_int_t)t->created_ms, "expires_ms", (json_int_t)t->expires_ms,
                     "revoked_ms", (json_int_t)t->revoked_ms, "apps",
                     t->apps.n > 0 ? js_from_strv(&t->apps) : NULL);
}

static bool ended(const struct token *t, int64_t now_ms)
{
    return t->revoked_ms > 0 || (t->expires_ms > 0 && t->expires_ms <= now_ms);
}

/* What is good for nothing and long over leaves the file with the next change. */
static bool bygone(const struct token *t, int64_t now_ms)
{
    int64_t end = t->revoked_ms > 0 ? t->revoked_ms : t->expires_ms;

    return end > 0 && now_ms - end >= TOKENS_KEEP_MS;
}

static int list_write(const char *path, const struct list *l, int64_t now_ms, struct err *e)
{
    json_auto_t *doc = json_pack("{s:i, s:[]}", "version", FILE_VERSION, "tokens");
    json_t *all = json_object_get(doc, "tokens");

    for (size_t i = 0; i < l->n; i++)
        if (!bygone(&l->v[i].token, now_ms))
            (void)json_array_append_new(all, as_json(&l->v[i]));
    return guarded_write(path, doc, e);
}

/* ---- the list in memory ---- */

/* Locked. A file that has become unreadable changes nothing here, as with accounts. */
static int refresh(struct tokens *t, struct err *e)
{
    struct list now;
    struct stat st;

    if (!guarded_changed(t->path, &t->list.st, &st))
        return 0;
    if (list_read(t->path, &now, e) < 0)
        return -1;
    arena_free(t->list.arena);
    t->list = now;
    return 0;
}

int tokens_open(const char *state, struct tokens **ret, struct err *e)
{
    struct arena *a = arena_new();
    struct tokens *t = xcalloc(1, sizeof(*t));

    credential_init();
    t->path = xstrdup(fsx_join(state, "tokens.json", a));
    arena_free(a);
    (void)pthread_mutex_init(&t->lock, NULL);
    if (list_read(t->path, &t->list, e) < 0) {
        tokens_free(t);
        return -1;
    }
    *ret = t;
    return 0;
}

void tokens_free(struct tokens *t)
{
    if (!t)
        return;
    arena_free(t->list.arena);
    (void)pthread_mutex_destroy(&t->lock);
    free(t->path);
    free(t);
}

static struct token copy(const struct token *t, struct arena *a)
{
    struct token x = *t;

    x.id = arena_strdup(a, t->id);
    x.name = arena_strdup(a, t->name);
    x.by = arena_strdup(a, t->by);
    x.apps = (struct strv){0};
    for (size_t i = 0; i < t->apps.n; i++)
        strv_push(a, &x.apps, arena_strdup(a, t->apps.v[i]));
    return x;
}

const struct token *tokens_list(struct tokens *t, struct arena *a, size_t *ret_n)
{
    struct err ignored = {0};

    (void)pthread_mutex_lock(&t->lock);
    (void)refresh(t, &ignored);
    size_t n = t->list.n;
    struct token *v = ARENA_ARRAY(a, n + 1, struct token);

    for (size_t i = 0; i < n; i++)
        v[i] = copy(&t->list.v[i].token, a);
    (void)pthread_mutex_unlock(&t->lock);
    *ret_n = n;
    return v;
}

/* ---- changes ---- */

/* One change: made on a list of its own that is read under the lock of the file, so that nothing another process wrote is lost. */
static int begin_change(struct tokens *t, struct list *ret, int *ret_fd, struct err *e)
{
    int fd = guarded_lock(t->path, e);

    if (fd < 0)
        return -1;
    if (list_read(t->path, ret, e) < 0) {
        guarded_unlock(&fd);
        return -1;
    }
    *ret_fd = fd;
    return 0;
}

static int end_change(struct tokens *t, struct list *l, int fd, int rc, int64_t now_ms,
                      struct err *e)
{
    struct err ignored = {0};

    if (rc == 0)
        rc = list_write(t->path, l, now_ms, e);
    guarded_unlock(&fd);
    arena_free(l->arena);
    (void)pthread_mutex_lock(&t->lock);
    (void)refresh(t, &ignored);
    (void)pthread_mutex_unlock(&t->lock);
    return rc;
}

static int check_wanted(const struct token *w, int64_t now_ms, struct err *e)
{
    size_t n = w->name ? strlen(w->name) : 0;

    if (n == 0 || n > LIMIT_TOKEN_NAME || id_valid(w->name))
        return err_set(e, ERR_USER,
                       "name: a token has a name of 1 to %d bytes that says what it is for (and is "
                       "not 12 hexadecimal digits)",
                       LIMIT_TOKEN_NAME);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)w->name[i] < 0x20 || w->name[i] == 0x7f)
            return err_set(e, ERR_USER, "name: a token's name has no control characters");
    if (w->scope == ROLE_NONE)
        return err_set(e, ERR_USER, "scope: one of read, deploy, admin");
    if (w->apps.n > LIMIT_TOKEN_APPS)
        return err_set(e, ERR_USER, "apps: at most %d", LIMIT_TOKEN_APPS);
    for (size_t i = 0; i < w->apps.n; i++)
        if (!app_name_valid(w->apps.v[i]))
            return err_set(e, ERR_USER, "apps: \"%.80s\" is not the name of an app", w->apps.v[i]);
    if (w->apps.n > 0 && w->scope == ROLE_ADMIN)
        return err_set(e, ERR_USER,
                       "apps: an admin token is for everything; scope deploy can be narrowed to "
                       "apps");
    if (w->expires_ms < 0 || (w->expires_ms > 0 && w->expires_ms <= now_ms))
        return err_set(e, ERR_USER, "expires: that time is over");
    return 0;
}

static int check_room(const struct list *l, const char *name, int64_t now_ms, struct err *e)
{
    size_t n = 0;

    for (size_t i = 0; i < l->n; i++) {
        const struct token *t = &l->v[i].token;

        if (!ended(t, now_ms) && strcmp(t->name, name) == 0)
            return err_set(e, ERR_CONFLICT,
                           "there is a token \"%s\" already (%s); revoke it first or take another "
                           "name",
                           name, t->id);
        n += !bygone(t, now_ms);
    }
    if (n >= LIMIT_TOKENS)
        return err_set(e, ERR_CONFLICT,
                       "there are %d tokens already; those revoked leave the list after 30 days",
                       LIMIT_TOKENS);
    return 0;
}

static void make_text(const struct list *l, char ret[TOKENS_TEXT])
{
    char secret[CREDENTIAL_TEXT], id[TOKENS_ID];
    unsigned char bytes[(TOKENS_ID - 1) / 2];

    do {
        randombytes_buf(bytes, sizeof(bytes));
        (void)sodium_bin2hex(id, sizeof(id), bytes, sizeof(bytes));
    } while (id_taken(l, id));
    credential_make(secret);
    (void)snprintf(ret, TOKENS_TEXT, PREFIX "%s_%s", id, secret);
    sodium_memzero(secret, sizeof(secret));
}

int tokens_create(struct tokens *t, const struct token *wanted, int64_t now_ms,
                  char ret_text[TOKENS_TEXT], struct err *e)
{
    char text[TOKENS_TEXT];
    struct list l;
    int fd;

    if (check_wanted(wanted, now_ms, e) < 0 || begin_change(t, &l, &fd, e) < 0)
        return -1;
    int rc = check_room(&l, wanted->name, now_ms, e);

    if (rc == 0) {
        struct entry x = {.token = copy(wanted, l.arena)};

        make_text(&l, text);
        x.token.id = arena_strndup(l.arena, text + strlen(PREFIX), TOKENS_ID - 1);
        x.token.by = x.token.by ? x.token.by : "";
        x.token.created_ms = now_ms;
        x.token.revoked_ms = 0;
        strv_sort(&x.token.apps);
        credential_digest(text, strlen(text), x.digest);
        *list_add(&l) = x;
    }
    rc = end_change(t, &l, fd, rc, now_ms, e);
    if (rc == 0)
        memcpy(ret_text, text, sizeof(text));
    sodium_memzero(text, sizeof(text));
    return rc;
}

int tokens_revoke(struct tokens *t, const char *id_or_name, int64_t now_ms, struct err *e)
{
    struct token *found = NULL;
    struct list l;
    int fd, rc = 0;

    if (begin_change(t, &l, &fd, e) < 0)
        return -1;
    for (size_t i = 0; i < l.n; i++) {
        struct token *x = &l.v[i].token;

        if (strcmp(x->id, id_or_name) == 0 ||
            (!ended(x, now_ms) && strcmp(x->name, id_or_name) == 0))
            found = x;
    }
    if (!found)
        rc = err_set(e, ERR_MISSING, "there is no token \"%.100s\"; `evenkeel token ls` lists them",
                     id_or_name);
    else if (found->revoked_ms == 0)
        found->revoked_ms = now_ms;
    return end_change(t, &l, fd, rc, now_ms, e);
}

/* ---- what a token allows ---- */

/* "ek_ID_SECRET", to the letter. */
static bool shaped(const char *text)
{
    return strnlen(text, TOKENS_TEXT) == TOKENS_TEXT - 1 &&
           strncmp(text, PREFIX, strlen(PREFIX)) == 0 &&
           strspn(text + strlen(PREFIX), HEX) == TOKENS_ID - 1 &&
           text[strlen(PREFIX) + TOKENS_ID - 1] == '_' &&
           credential_shaped(text + strlen(PREFIX) + TOKENS_ID);
}

bool tokens_id_of(const char *text, char ret[TOKENS_ID])
{
    if (!shaped(text))
        return false;
    (void)snprintf(ret, TOKENS_ID, "%s", text + strlen(PREFIX));
    return true;
}

/* Locked. */
static const struct token *match(const struct list *l, const char *text)
{
    static const unsigned char nobody[CREDENTIAL_DIGEST];
    unsigned char digest[CREDENTIAL_DIGEST];
    const struct entry *x = NULL;

    for (size_t i = 0; i < l->n; i++)
        if (strncmp(l->v[i].token.id, text + strlen(PREFIX), TOKENS_ID - 1) == 0)
            x = &l->v[i];
    credential_digest(text, strlen(text), digest);
    return credential_same(x ? x->digest : nobody, digest) && x ? &x->token : NULL;
}

static int refuse(const struct token *t, struct err *e)
{
    CLEANUP(str_release) struct str at = STR_INIT;

    str_add_time(&at, t->revoked_ms > 0 ? t->revoked_ms : t->expires_ms);
    return err_set(e, ERR_DENIED,
                   "the token %s %s at %s; make another with `evenkeel token create`", t->id,
                   t->revoked_ms > 0 ? "was revoked" : "ended", str_text(&at));
}

int tokens_check(struct tokens *t, const char *text, int64_t now_ms, struct arena *a,
                 struct token *ret, struct err *e)
{
    struct err ignored = {0};
    int rc = 0;

    if (!shaped(text))
        return err_set(e, ERR_DENIED, "this token is not known");
    (void)pthread_mutex_lock(&t->lock);
    (void)refresh(t, &ignored);
    const struct token *x = match(&t->list, text);

    if (!x)
        rc = err_set(e, ERR_DENIED, "this token is not known");
    else if (ended(x, now_ms))
        rc = refuse(x, e);
    else
        *ret = copy(x, a);
    (void)pthread_mutex_unlock(&t->lock);
    return rc;
}

bool tokens_good(struct tokens *t, const char *id, int64_t now_ms)
{
    struct err ignored = {0};
    bool good = false;

    (void)pthread_mutex_lock(&t->lock);
    (void)refresh(t, &ignored);
    for (size_t i = 0; i < t->list.n; i++)
        good |= strcmp(t->list.v[i].token.id, id) == 0 && !ended(&t->list.v[i].token, now_ms);
    (void)pthread_mutex_unlock(&t->lock);
    return good;
}
