/* token create | ls | revoke: tokens for machines, by hand.
 *
 * Comes in: a name, what it may do, for how long. Goes out: the token, alone on standard output and this once; a running agent takes it, and refuses a revoked one, by itself. What is done is in the audit
 * log before it is done. Refuses what tokens.c refuses. */
#include <pwd.h>
#include <sodium.h>
#include <unistd.h>

#include "agent/audit.h"
#include "agent/cli.h"
#include "agent/cli_common.h"
#include "agent/tokens.h"
#include "spec/base/arena.h"

#define DAY_MS INT64_C(86400000)

enum { DEFAULT_DAYS = 90 };

struct desk { /* what all three need */
    const struct options *o;
    struct arena *arena;
    struct tokens *tokens;
    struct audit *audit;
    const char *by; /* "cli:root" */
};

static const char *actor(struct arena *a)
{
    char buf[4096];
    struct passwd pw, *found = NULL;

    if (getpwuid_r(getuid(), &pw, buf, sizeof(buf), &found) == 0 && found)
        return arena_printf(a, "cli:%s", found->pw_name);
    return arena_printf(a, "cli:%d", (int)getuid());
}

/* ---- in the audit log ---- */

static int ask(const struct desk *d, const char *did, const char *what, const char *detail,
               int64_t *ret_seq, struct err *e)
{
    const struct audit_entry x = {
        .by = d->by, .did = did, .what = what, .detail = detail, .outcome = "asked"};

    return audit_append(d->audit, &x, core_now_ms(), ret_seq, e);
}

static void tell(const struct desk *d, const char *did, const char *what, int64_t re, bool done,
                 const struct err *why)
{
    struct audit_entry x = {.by = d->by,
                            .did = did,
                            .what = what,
                            .re = re,
                            .outcome = done ? "done" : "failed",
                            .detail = done ? NULL : why->msg};
    struct err e = {0};

    if (audit_append(d->audit, &x, core_now_ms(), NULL, &e) < 0)
        (void)fprintf(stderr, "warning: not in the audit log: %s\n", e.msg);
}

/* ---- what is wished for ---- */

static int take_scope(const struct options *o, enum role *ret, struct err *e)
{
    if (!o->scope) {
        *ret = ROLE_VIEWER;
        return 0;
    }
    return role_parse_scope(o->scope, ret) == 0
               ? 0
               : err_set(e, ERR_USER, "--scope wants read, deploy or admin, not \"%s\"", o->scope);
}

static int take_end(const struct options *o, int64_t now_ms, int64_t *ret, struct err *e)
{
    int64_t v;

    if (!o->expires)
        *ret = now_ms + DEFAULT_DAYS * DAY_MS;
    else if (strcmp(o->expires, "never") == 0)
        *ret = 0;
    else if (parse_duration_ns(o->expires, &v) == 0 && v > 0)
        *ret = now_ms + v / 1000000;
    else if (parse_time_ms(o->expires, &v) == 0)
        *ret = v;
    else
        return err_set(e, ERR_USER,
                       "--expires wants a duration (90d), a time (2027-01-31T00:00:00Z) or never, "
                       "not \"%s\"",
                       o->expires);
    return 0;
}

/* "blog,shop" */
static void take_apps(const struct options *o, struct arena *a, struct strv *ret)
{
    char *copy = arena_strdup(a, o->app), *save = NULL;

    for (char *s = copy ? strtok_r(copy, ",", &save) : NULL; s; s = strtok_r(NULL, ",", &save))
        strv_push(a, ret, s);
}

static int take_wish(const struct desk *d, int64_t now_ms, struct token *ret, struct err *e)
{
    struct token w = {.name = d->o->words.v[1], .by = d->by};

    if (take_scope(d->o, &w.scope, e) < 0 || take_end(d->o, now_ms, &w.expires_ms, e) < 0)
        return -1;
    take_apps(d->o, d->arena, &w.apps);
    if (d->o->app && w.apps.n == 0)
        return err_set(e, ERR_USER, "--app names no app");
    *ret = w;
    return 0;
}

/* ---- in words ---- */

static void add_apps(struct str *out, const struct token *t)
{
    if (t->apps.n == 0)
        str_add(out, "all apps");
    for (size_t i = 0; i < t->apps.n; i++)
        str_addf(out, "%s%s", i > 0 ? ", " : "", t->apps.v[i]);
}

static void add_end(struct str *out, const struct token *t, int64_t now_ms)
{
    if (t->revoked_ms > 0) {
        str_add(out, "revoked ");
        str_add_time(out, t->revoked_ms);
    } else if (t->expires_ms == 0) {
        str_add(out, "never ends");
    } else {
        str_add(out, t->expires_ms <= now_ms ? "ended " : "until ");
        str_add_time(out, t->expires_ms);
    }
}

/* ---- verbs ---- */

static int token_create(struct desk *d, struct err *e)
{
    CLEANUP(str_release) struct str words = STR_INIT;
    int64_t now_ms = core_now_ms(), seq = 0;
    char text[TOKENS_TEXT];
    struct token w;

    if (take_wish(d, now_ms, &w, e) < 0)
        return -1;
    str_addf(&words, "scope %s, ", role_scope(w.scope));
    add_apps(&words, &w);
    str_add(&words, ", ");
    add_end(&words, &w, now_ms);
    if (ask(d, "token.create", w.name, str_text(&words), &seq, e) < 0)
        return err_wrap(e, "no token was made");
    int rc = tokens_create(d->tokens, &w, now_ms, text, e);

    tell(d, "token.create", w.name, seq, rc == 0, e);
    if (rc < 0)
        return -1;
    puts(text);
    sodium_memzero(text, sizeof(text));
    (void)fprintf(stderr, "token \"%s\": %s. It is shown this once; keep it now.\n", w.name,
                  str_text(&words));
    return 0;
}

static int token_revoke(struct desk *d, struct err *e)
{
    for (size_t i = 1; i < d->o->words.n; i++) {
        const char *which = d->o->words.v[i];
        char id[TOKENS_ID];
        int64_t seq = 0;

        if (tokens_id_of(which, id)) /* the whole token, which no log should have */
            which = id;
        if (ask(d, "token.revoke", which, NULL, &seq, e) < 0)
            return err_wrap(e, "nothing was revoked");
        int rc = tokens_revoke(d->tokens, which, core_now_ms(), e);

        tell(d, "token.revoke", which, seq, rc == 0, e);
        if (rc < 0)
            return -1;
        printf("token %s is revoked\n", which);
    }
    return 0;
}

static json_t *as_json(const struct token *t, int64_t now_ms)
{
    CLEANUP(str_release) struct str created = STR_INIT, ends = STR_INIT, revoked = STR_INIT;
    bool good = t->revoked_ms == 0 && (t->expires_ms == 0 || t->expires_ms > now_ms);

    str_add_time(&created, t->created_ms);
    if (t->expires_ms)
        str_add_time(&ends, t->expires_ms);
    if (t->revoked_ms)
        str_add_time(&revoked, t->revoked_ms);
    return json_pack("{s:s, s:s, s:s, s:s, s:b, s:s, s:s*, s:s*, s:o*}", "id", t->id, "name",
                     t->name, "by", t->by, "scope", role_scope(t->scope), "good", good, "created",
                     str_text(&created), "expires", t->expires_ms ? str_text(&ends) : NULL,
                     "revoked", t->revoked_ms ? str_text(&revoked) : NULL, "apps",
                     t->apps.n > 0 ? js_from_strv(&t->apps) : NULL);
}

static void put_line(const struct token *t, int64_t now_ms)
{
    CLEANUP(str_release) struct str line = STR_INIT, name = STR_INIT, end = STR_INIT;

    str_add_escaped(&name, t->name);
    add_end(&end, t, now_ms);
    str_addf(&line, "%s  %-20s %-6s  %-29s ", t->id, str_text(&name), role_scope(t->scope),
             str_text(&end));
    add_apps(&line, t);
    str_add(&line, "  by ");
    str_add_escaped(&line, t->by);
    puts(str_text(&line));
}

static int token_ls(struct desk *d, struct err *e)
{
    json_auto_t *list = json_array();
    int64_t now_ms = core_now_ms();
    size_t n;
    const struct token *v = tokens_list(d->tokens, d->arena, &n);

    (void)e;
    for (size_t i = 0; i < n; i++) {
        if (d->o->json)
            (void)json_array_append_new(list, as_json(&v[i], now_ms));
        else
            put_line(&v[i], now_ms);
    }
    if (d->o->json)
        cli_put_json(list);
    else if (n == 0)
        printf("there are no tokens in %s; `evenkeel token create NAME` makes one\n", d->o->state);
    return 0;
}

static int run(int (*verb)(struct desk *d, struct err *e), bool writes, const struct options *o,
               struct err *e)
{
    struct desk d = {.o = o, .arena = arena_new()};
    const struct audit_rules rules = AUDIT_RULES;
    int rc = tokens_open(o->state, &d.tokens, e);

    d.by = actor(d.arena);
    if (rc == 0 && writes)
        rc = audit_open(o->state, &rules, &d.audit, e);
    if (rc == 0)
        rc = verb(&d, e);
    audit_free(d.audit);
    tokens_free(d.tokens);
    arena_free(d.arena);
    return rc;
}

int cli_token(const struct options *o)
{
    static const struct {
        const char *word;
        size_t min, max;
        int (*run)(struct desk *d, struct err *e);
    } rows[] = {
        {"create", 2, 2, token_create}, {"ls", 1, 1, token_ls}, {"revoke", 2, 1000, token_revoke}};
    struct err e = {0};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(o->words.v[0], rows[i].word) != 0)
            continue;
        if (o->words.n < rows[i].min || o->words.n > rows[i].max)
            (void)err_set(&e, ERR_USER,
                          "usage: evenkeel token create NAME | ls | revoke ID|NAME|TOKEN...");
        else if (run(rows[i].run, rows[i].run != token_ls, o, &e) == 0)
            return 0;
        return cli_fail(&e);
    }
    (void)err_set(&e, ERR_USER,
                  "there is no `evenkeel token %s`; it knows create, ls and revoke (see `evenkeel "
                  "token --help`)",
                  o->words.v[0]);
    return cli_fail(&e);
}
