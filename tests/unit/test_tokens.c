/* API tokens: shown once, bound to apps, ended, revoked, forged; several processes; files that are not whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/tokens.h"
#include "scratch.h"
#include "spec/base/arena.h"

#define NOW INT64_C(1800000000000)
#define HOUR INT64_C(3600000)

static struct arena *arena;

static struct tokens *open_at(const char *state)
{
    struct tokens *t = NULL;
    struct err e = {0};

    if (tokens_open(state, &t, &e) < 0)
        fail_msg("%s", e.msg);
    return t;
}

static struct token wanted(const char *name, enum role scope)
{
    return (struct token){.name = name, .by = "ann", .scope = scope};
}

static int create(struct tokens *t, const struct token *w, char text[TOKENS_TEXT])
{
    struct err e = {0};

    memset(text, '!', TOKENS_TEXT);
    int rc = tokens_create(t, w, NOW, text, &e);

    if (rc != 0)
        assert_int_equal(text[0], '!');
    else
        assert_int_equal(strlen(text), TOKENS_TEXT - 1);
    return rc == 0 ? 0 : (int)e.kind;
}

/* The scope, or minus the kind of error; a refusal leaves the answer alone. */
static int check(struct tokens *t, const char *text, int64_t now, struct token *ret)
{
    static const struct token poison = {.id = "poison", .scope = ROLE_ADMIN};
    struct token x = poison;
    struct err e = {0};

    if (tokens_check(t, text, now, arena, &x, &e) != 0) {
        assert_memory_equal(&x, &poison, sizeof(x));
        return -(int)e.kind;
    }
    *ret = x;
    return (int)x.scope;
}

static void slurp(const char *path, char *ret, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, ret, size - 1);

    assert_true(n >= 0);
    ret[n] = '\0';
    (void)close(fd);
}

static void test_shown_once(void **state)
{
    struct tokens *t = open_at("state");
    struct token w = wanted("ci", ROLE_DEPLOYER), got;
    char text[TOKENS_TEXT], file[4096];
    struct stat st;

    (void)state;
    assert_int_equal(create(t, &w, text), 0);
    assert_int_equal(check(t, text, NOW, &got), ROLE_DEPLOYER);
    assert_string_equal(got.name, "ci");
    assert_string_equal(got.by, "ann");
    assert_int_equal(got.created_ms, NOW);
    assert_int_equal(got.apps.n, 0);
    assert_memory_equal(got.id, text + 3, 12);
    assert_int_equal(stat("state/tokens.json", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    slurp("state/tokens.json", file, sizeof(file));
    assert_null(strstr(file, text));
    assert_null(strstr(file, text + 3 + 12 + 1)); /* nor its secret part */
    assert_non_null(strstr(file, got.id));
    tokens_free(t);
    t = open_at("state");
    assert_int_equal(check(t, text, NOW, &got), ROLE_DEPLOYER);
    tokens_free(t);
}

static void test_forged(void **state)
{
    struct tokens *t = open_at(".");
    struct token w = wanted("ci", ROLE_ADMIN), got;
    char text[TOKENS_TEXT], other[TOKENS_TEXT], bent[TOKENS_TEXT + 8];

    (void)state;
    assert_int_equal(create(t, &w, text), 0);
    w.name = "other";
    assert_int_equal(create(t, &w, other), 0);
    for (size_t i = 0; i < TOKENS_TEXT - 1; i++) {
        memcpy(bent, text, TOKENS_TEXT);
        bent[i] = bent[i] == 'a' ? 'b' : 'a';
        assert_int_equal(check(t, bent, NOW, &got), -ERR_DENIED);
        bent[i] = '\0';
        assert_int_equal(check(t, bent, NOW, &got), -ERR_DENIED);
    }
    memcpy(bent, text, TOKENS_TEXT);
    (void)stpcpy(bent + TOKENS_TEXT - 1, "A");
    assert_int_equal(check(t, bent, NOW, &got), -ERR_DENIED);
    (void)snprintf(bent, sizeof(bent), " %s", text);
    assert_int_equal(check(t, bent, NOW, &got), -ERR_DENIED);
    /* One's id with another's secret. */
    memcpy(bent, text, TOKENS_TEXT);
    memcpy(bent + 16, other + 16, TOKENS_TEXT - 16);
    assert_int_equal(check(t, bent, NOW, &got), -ERR_DENIED);
    assert_int_equal(check(t, "", NOW, &got), -ERR_DENIED);
    assert_int_equal(check(t, "ek_", NOW, &got), -ERR_DENIED);
    assert_int_equal(check(t, "ek_000000000000_", NOW, &got), -ERR_DENIED);
    tokens_free(t);
}

static void test_ends(void **state)
{
    struct tokens *t = open_at(".");
    struct token w = wanted("ci", ROLE_VIEWER), got;
    char text[TOKENS_TEXT], again[TOKENS_TEXT];
    struct err e = {0};

    (void)state;
    w.expires_ms = NOW + HOUR;
    assert_int_equal(create(t, &w, text), 0);
    assert_int_equal(create(t, &w, again), ERR_CONFLICT); /* the name is taken */
    assert_int_equal(check(t, text, NOW + HOUR - 1, &got), ROLE_VIEWER);
    assert_int_equal(check(t, text, NOW + HOUR, &got), -ERR_DENIED);
    assert_int_equal(tokens_check(t, text, NOW + HOUR, arena, &got, &e), -1);
    assert_non_null(strstr(e.msg, "ended at 2027-01-15T09:00:00Z"));
    w.expires_ms = NOW;
    w.name = "late";
    assert_int_equal(create(t, &w, again), ERR_USER);
    w.expires_ms = -1;
    assert_int_equal(create(t, &w, again), ERR_USER);
    tokens_free(t);
}

static void test_revoked(void **state)
{
    struct tokens *t = open_at("."), *other = open_at(".");
    struct token w = wanted("ci", ROLE_VIEWER), got;
    char text[TOKENS_TEXT], again[TOKENS_TEXT];
    struct err e = {0};

    (void)state;
    assert_int_equal(create(t, &w, text), 0);
    assert_int_equal(check(other, text, NOW, &got), ROLE_VIEWER);
    assert_true(tokens_good(t, got.id, NOW));
    assert_false(tokens_good(t, "0123456789ab", NOW));
    assert_int_equal(tokens_revoke(other, "ci", NOW + 5, &e), 0);
    assert_false(tokens_good(t, got.id, NOW + 5));
    assert_int_equal(check(t, text, NOW + 6, &got), -ERR_DENIED); /* at once */
    assert_int_equal(tokens_revoke(t, "ci", NOW, &e), -1);
    assert_int_equal(e.kind, ERR_MISSING);
    assert_int_equal(tokens_revoke(t, got.id, NOW + 9, &e), 0);
    /* The name is free again, and means the new one. */
    assert_int_equal(create(t, &w, again), 0);
    assert_int_equal(check(t, again, NOW, &got), ROLE_VIEWER);
    assert_int_equal(tokens_revoke(t, "ci", NOW, &e), 0);
    assert_int_equal(check(t, again, NOW, &got), -ERR_DENIED);
    assert_int_equal(tokens_revoke(t, "../x", NOW, &e), -1);
    tokens_free(t);
    tokens_free(other);
}

static void test_apps(void **state)
{
    struct tokens *t = open_at(".");
    const char *apps[] = {"shop", "blog"}, *bad[] = {"blog", "../etc"};
    struct token w = wanted("ci", ROLE_DEPLOYER), got;
    char text[TOKENS_TEXT];

    (void)state;
    w.apps = (struct strv){apps, 2};
    assert_int_equal(create(t, &w, text), 0);
    assert_int_equal(check(t, text, NOW, &got), ROLE_DEPLOYER);
    assert_int_equal(got.apps.n, 2);
    assert_string_equal(got.apps.v[0], "blog");
    assert_string_equal(got.apps.v[1], "shop");
    assert_string_equal(apps[0], "shop"); /* the wish was not touched */
    w.name = "boss";
    w.scope = ROLE_ADMIN;
    assert_int_equal(create(t, &w, text), ERR_USER);
    w.scope = ROLE_VIEWER;
    w.apps = (struct strv){bad, 2};
    assert_int_equal(create(t, &w, text), ERR_USER);
    tokens_free(t);
}

static void test_bad_wishes(void **state)
{
    struct tokens *t = open_at(".");
    char text[TOKENS_TEXT], name[LIMIT_TOKEN_NAME + 2];
    struct token w = wanted("", ROLE_VIEWER);

    (void)state;
    assert_int_equal(create(t, &w, text), ERR_USER);
    w.name = NULL;
    assert_int_equal(create(t, &w, text), ERR_USER);
    w.name = "a\nb";
    assert_int_equal(create(t, &w, text), ERR_USER);
    w.name = "0123456789ab"; /* could be an id */
    assert_int_equal(create(t, &w, text), ERR_USER);
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    w.name = name;
    assert_int_equal(create(t, &w, text), ERR_USER);
    w.name = name + 1;
    assert_int_equal(create(t, &w, text), 0);
    w = wanted("none", ROLE_NONE);
    assert_int_equal(create(t, &w, text), ERR_USER);
    tokens_free(t);
}

static void test_id_of(void **state)
{
    struct tokens *t = open_at(".");
    struct token w = wanted("ci", ROLE_VIEWER);
    char text[TOKENS_TEXT], id[TOKENS_ID] = "poison";

    (void)state;
    assert_int_equal(create(t, &w, text), 0);
    assert_false(tokens_id_of("ci", id));
    assert_false(tokens_id_of(text + 1, id));
    assert_string_equal(id, "poison");
    assert_true(tokens_id_of(text, id));
    assert_int_equal(strlen(id), 12);
    assert_memory_equal(id, text + 3, 12);
    tokens_free(t);
}

static void test_list_and_old_ones(void **state)
{
    struct tokens *t = open_at(".");
    struct token w = wanted("first", ROLE_VIEWER);
    char text[TOKENS_TEXT];
    struct err e = {0};
    size_t n = 9;

    (void)state;
    assert_int_equal(create(t, &w, text), 0);
    assert_int_equal(tokens_revoke(t, "first", NOW, &e), 0);
    w.name = "second";
    assert_int_equal(create(t, &w, text), 0);
    const struct token *v = tokens_list(t, arena, &n);

    assert_int_equal(n, 2);
    assert_string_equal(v[0].name, "first");
    assert_int_equal(v[0].revoked_ms, NOW);
    assert_string_equal(v[1].name, "second");
    w.name = "third";
    assert_int_equal(tokens_create(t, &w, NOW + TOKENS_KEEP_MS, text, &e), 0);
    v = tokens_list(t, arena, &n);
    assert_int_equal(n, 2);
    assert_string_equal(v[0].name, "second");
    assert_string_equal(v[1].name, "third");
    tokens_free(t);
}

#define SUM "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID "\"id\":\"0123456789ab\","
#define ONE "\"name\":\"x\",\"sha256\":\"" SUM "\",\"scope\":\"read\""

static void test_broken_files(void **state)
{
    static const struct {
        const char *tokens, *say;
    } rows[] = {
        {"{" ONE "}", "no id"},
        {"{\"id\":\"../../../..\"," ONE "}", "no id"},
        {"{" ID ONE "},{" ID ONE "}", "twice"},
        {"{" ID "\"sha256\":\"abc\",\"scope\":\"read\"}", "sha256"},
        {"{" ID "\"sha256\":\"" SUM "\",\"scope\":\"viewer\"}", "scope"},
        {"{" ID ONE ",\"apps\":[]}", "apps"},
        {"{" ID ONE ",\"apps\":\"blog\"}", "apps"},
        {"{" ID ONE ",\"apps\":[1]}", "apps"},
        {"{" ID ONE ",\"apps\":[\"Blog\"]}", "apps"},
        {"{" ID ONE ",\"revoked_ms\":\"yes\"}", "times"},
        {"{" ID ONE ",\"expires_ms\":-5}", "times"},
        {"7", "no id"},
    };
    struct tokens *const poison = (struct tokens *)(uintptr_t)8;
    char file[1024];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct tokens *t = poison;
        struct err e = {0};

        (void)snprintf(file, sizeof(file), "{\"version\":1,\"tokens\":[%s]}", rows[i].tokens);
        put("tokens.json", file);
        assert_int_equal(tokens_open(".", &t, &e), -1);
        assert_ptr_equal(t, poison);
        if (!strstr(e.msg, rows[i].say) || !strstr(e.msg, "tokens.json"))
            fail_msg("row %zu: %s", i, e.msg);
    }
    put("tokens.json", "{\"version\":1,\"tokens\":[{" ID ONE "}]}");
    tokens_free(open_at("."));
}

static void test_breaks_while_running(void **state)
{
    struct tokens *t = open_at(".");
    struct token w = wanted("ci", ROLE_VIEWER), got;
    char text[TOKENS_TEXT], other[TOKENS_TEXT], file[8];

    (void)state;
    assert_int_equal(create(t, &w, text), 0);
    put("tokens.json", "{");
    assert_int_equal(check(t, text, NOW, &got), ROLE_VIEWER);
    w.name = "more";
    assert_int_equal(create(t, &w, other), ERR_USER);
    slurp("tokens.json", file, sizeof(file));
    assert_string_equal(file, "{");
    assert_int_equal(unlink("tokens.json"), 0);
    assert_int_equal(check(t, text, NOW, &got), -ERR_DENIED);
    tokens_free(t);
}

static int setup(void **state)
{
    arena = arena_new();
    return scratch_setup(state);
}

static int teardown(void **state)
{
    arena_free(arena);
    return scratch_teardown(state);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_shown_once),
        CASE(test_forged),
        CASE(test_ends),
        CASE(test_revoked),
        CASE(test_apps),
        CASE(test_bad_wishes),
        CASE(test_broken_files),
        CASE(test_list_and_old_ones),
        CASE(test_breaks_while_running),
        CASE(test_id_of),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
