/* Who may ask for what: each row of the table against every kind of caller, and paths that are not quite those of a row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/access.h"

/* ---- every row, every caller ---- */

static const char *own[] = {"blog"}, *other[] = {"shop", "blogs", "blo"};
static const struct strv apps_own = {own, 1}, apps_other = {other, 3};

/* One letter of a line below is what one of these gets. */
static const struct {
    const char *who;
    enum access_caller caller;
    enum role role;
    const struct strv *apps;
    enum access_sent origin, csrf;
} callers[] = {
    {"nobody", CALLER_NOBODY, ROLE_NONE, NULL, SENT_NOTHING, SENT_NOTHING},
    {"bad credential", CALLER_BAD, ROLE_NONE, NULL, SENT_GOOD, SENT_GOOD},
    {"viewer", CALLER_SESSION, ROLE_VIEWER, NULL, SENT_GOOD, SENT_GOOD},
    {"deployer", CALLER_SESSION, ROLE_DEPLOYER, NULL, SENT_GOOD, SENT_GOOD},
    {"admin", CALLER_SESSION, ROLE_ADMIN, NULL, SENT_GOOD, SENT_GOOD},
    {"read token", CALLER_TOKEN, ROLE_VIEWER, NULL, SENT_NOTHING, SENT_NOTHING},
    {"deploy token", CALLER_TOKEN, ROLE_DEPLOYER, NULL, SENT_NOTHING, SENT_NOTHING},
    {"admin token", CALLER_TOKEN, ROLE_ADMIN, NULL, SENT_NOTHING, SENT_NOTHING},
    {"deploy token for blog", CALLER_TOKEN, ROLE_DEPLOYER, &apps_own, SENT_NOTHING, SENT_NOTHING},
    {"read token for blog", CALLER_TOKEN, ROLE_VIEWER, &apps_own, SENT_NOTHING, SENT_NOTHING},
    {"deploy token for shop", CALLER_TOKEN, ROLE_DEPLOYER, &apps_other, SENT_NOTHING, SENT_NOTHING},
    {"admin without CSRF", CALLER_SESSION, ROLE_ADMIN, NULL, SENT_GOOD, SENT_NOTHING},
    {"admin, bad CSRF", CALLER_SESSION, ROLE_ADMIN, NULL, SENT_GOOD, SENT_BAD},
    {"admin, wrong Origin", CALLER_SESSION, ROLE_ADMIN, NULL, SENT_BAD, SENT_GOOD},
    {"admin without Origin", CALLER_SESSION, ROLE_ADMIN, NULL, SENT_NOTHING, SENT_GOOD},
    {"disabled account", CALLER_SESSION, ROLE_NONE, NULL, SENT_GOOD, SENT_GOOD},
};

/* + allowed, 1 log in, 3 refused, ? the form's token is to come; groups as above. */
#define OPEN_READ "++ +++ +++ +++ ++++ +"
#define OPEN_SEND "++ +++ +++ +++ ++3+ +"
#define READ_HOST "11 +++ +++ 333 ++3+ 1"
#define READ_MANY "11 +++ +++ +++ ++3+ 1"
#define READ_APP "11 +++ +++ ++3 ++3+ 1"
#define READ_PERSON "11 +++ 333 333 ++3+ 1"
#define SEE_HOST "11 3++ 3++ 333 ++3+ 1" /* deployers */
#define SEE_APP "11 3++ 3++ +33 ++3+ 1"
#define SEE_PERSON "11 3++ 333 333 ++3+ 1"
#define ADMIN_READ "11 33+ 33+ 333 ++3+ 1"
#define ASK_MANY "11 +++ +++ +++ 3333 1"
#define PERSON "11 +++ 333 333 3333 1"
#define PERSON_FORM "11 +++ 333 333 ?333 1"
#define DEPLOY_APP "11 3++ 3++ +33 3333 1"
#define DEPLOY_MANY "11 3++ 3++ +3+ 3333 1" /* the handler looks whose app it is */
#define DEPLOY_HOST "11 3++ 3++ 333 3333 1"
#define DEPLOY_FORM "11 3++ 333 333 ?333 1"
#define ADMIN "11 33+ 33+ 333 3333 1"
#define ADMIN_PERSON "11 33+ 333 333 3333 1"

static const struct {
    const char *method, *path, *want;
} lines[] = {
    {"GET", "/healthz", OPEN_READ},
    {"GET", "/readyz", OPEN_READ},
    {"GET", "/metrics", READ_HOST},
    {"GET", "/login", OPEN_READ},
    {"POST", "/login", OPEN_SEND},
    {"POST", "/logout", PERSON_FORM},
    {"GET", "/upload", SEE_PERSON},
    {"POST", "/upload", DEPLOY_FORM},
    {"POST", "/api/v1/login", OPEN_SEND},
    {"GET", "/api/v1/session", READ_MANY},
    {"POST", "/api/v1/logout", PERSON},
    {"POST", "/api/v1/logout-everywhere", PERSON},
    {"POST", "/api/v1/password", PERSON},
    {"GET", "/api/v1/accounts", ADMIN_READ},
    {"PUT", "/api/v1/accounts/bob@example.org", ADMIN_PERSON},
    {"DELETE", "/api/v1/accounts/bob", ADMIN_PERSON},
    {"GET", "/api/v1/tokens", ADMIN_READ},
    {"POST", "/api/v1/tokens", ADMIN_PERSON},
    {"DELETE", "/api/v1/tokens/0123456789ab", ADMIN},
    {"GET", "/api/v1/apps", READ_MANY},
    {"POST", "/api/v1/apps", DEPLOY_MANY},
    {"GET", "/api/v1/apps/blog", READ_APP},
    {"GET", "/api/v1/apps/blog/spec", READ_APP},
    {"PUT", "/api/v1/apps/blog/spec", DEPLOY_APP},
    {"DELETE", "/api/v1/apps/blog/spec", DEPLOY_APP},
    {"POST", "/api/v1/apps/blog/bundle", DEPLOY_APP},
    {"PUT", "/api/v1/apps/blog/bundle", DEPLOY_APP},
    {"GET", "/api/v1/apps/blog/plan", READ_APP},
    {"GET", "/api/v1/apps/blog/drift", READ_APP},
    {"GET", "/api/v1/apps/blog/stats", READ_APP},
    {"GET", "/api/v1/apps/blog/secrets", SEE_APP},
    {"PUT", "/api/v1/apps/blog/secrets/key", DEPLOY_APP},
    {"DELETE", "/api/v1/apps/blog/secrets/key", DEPLOY_APP},
    {"GET", "/api/v1/apps/blog/history", READ_APP},
    {"GET", "/api/v1/apps/blog/logs", READ_APP},
    {"GET", "/api/v1/apps/blog/builds", READ_APP},
    {"GET", "/api/v1/apps/blog/builds/web", READ_APP},
    {"POST", "/api/v1/apps/blog/stop", DEPLOY_APP},
    {"POST", "/api/v1/apps/blog/start", DEPLOY_APP},
    {"POST", "/api/v1/apps/blog/restart", DEPLOY_APP},
    {"POST", "/api/v1/apps/blog/hold", DEPLOY_APP},
    {"POST", "/api/v1/apps/blog/release", DEPLOY_APP},
    {"POST", "/api/v1/apps/blog/remove", DEPLOY_APP},
    {"GET", "/api/v1/history", READ_MANY},
    {"GET", "/api/v1/stats", READ_MANY},
    {"GET", "/api/v1/events", READ_MANY},
    {"POST", "/api/v1/validate", ASK_MANY},
    {"GET", "/api/v1/volumes", READ_MANY},
    {"POST", "/api/v1/volumes/blog_content/restore", DEPLOY_HOST},
    {"POST", "/api/v1/volumes/blog_content/purge", ADMIN},
    {"GET", "/api/v1/secrets", ADMIN_READ},
    {"PUT", "/api/v1/secrets/key", ADMIN},
    {"DELETE", "/api/v1/secrets/key", ADMIN},
    {"GET", "/api/v1/removals", READ_HOST},
    {"POST", "/api/v1/confirm-removals", DEPLOY_HOST},
    {"GET", "/api/v1/agent", READ_HOST},
    {"GET", "/api/v1/audit", ADMIN_READ},
    {"GET", "/api/v1/audit/verify", ADMIN_READ},
};

static const struct access_verdict poison = {
    .answer = ACCESS_ALLOWED, .why = "poison", .filtered = true, .app = "poison"};

static struct access_verdict decide(const char *method, const char *path, size_t who)
{
    const struct access_request r = {.method = method,
                                     .path = path,
                                     .caller = callers[who].caller,
                                     .role = callers[who].role,
                                     .apps = callers[who].apps,
                                     .origin = callers[who].origin,
                                     .csrf = callers[who].csrf};
    struct access_verdict v = poison;

    access_decide(&r, &v);
    assert_true(v.why == NULL || strcmp(v.why, "poison") != 0);
    assert_true((v.answer == ACCESS_ALLOWED) == (v.why == NULL));
    return v;
}

static char letter(enum access_answer a)
{
    switch (a) {
    case ACCESS_ALLOWED: return '+';
    case ACCESS_PROVE: return '?';
    case ACCESS_LOGIN: return '1';
    case ACCESS_REFUSED: return '3';
    case ACCESS_UNKNOWN: return '4';
    case ACCESS_METHOD: return '5';
    }
    return '!';
}

static void check_line(size_t i, const char *method)
{
    size_t who = 0;

    for (const char *c = lines[i].want; *c; c++) {
        if (*c == ' ')
            continue;
        struct access_verdict v = decide(method, lines[i].path, who);

        if (letter(v.answer) != *c)
            fail_msg("%s %s by %s: want %c, have %c (%s)", method, lines[i].path, callers[who].who,
                     *c, letter(v.answer), v.why ? v.why : "allowed");
        who++;
    }
    assert_int_equal(who, ARRAY_LEN(callers));
}

static void test_matrix(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        check_line(i, lines[i].method);
        if (strcmp(lines[i].method, "GET") == 0)
            check_line(i, "HEAD");
    }
}

/* A row that no line is about, or a line that is about no row or more than one. */
static void test_each_row_has_a_line(void **state)
{
    size_t n;
    const struct access_row *rows = access_rows(&n);

    (void)state;
    for (size_t r = 0; r < n; r++) {
        int had = 0;

        for (size_t i = 0; i < ARRAY_LEN(lines); i++)
            had += strcmp(rows[r].method, lines[i].method) == 0 &&
                   access_fits(rows[r].path, lines[i].path, NULL);
        if (had != 1)
            fail_msg("%s %s has %d lines here", rows[r].method, rows[r].path, had);
    }
    assert_int_equal(n, ARRAY_LEN(lines));
}

/* What a row must be, whatever it is for. */
static void test_rows_are_sound(void **state)
{
    size_t n;
    const struct access_row *rows = access_rows(&n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        bool app = strstr(rows[i].path, "{app}") != NULL;
        bool get = strcmp(rows[i].method, "GET") == 0;

        if (app != (rows[i].reach == REACH_APP))
            fail_msg("%s %s: reach", rows[i].method, rows[i].path);
        if (!get && strcmp(rows[i].method, "POST") != 0 && strcmp(rows[i].method, "PUT") != 0 &&
            strcmp(rows[i].method, "DELETE") != 0)
            fail_msg("%s %s: method", rows[i].method, rows[i].path);
        if ((rows[i].flags & ACCESS_FORM) && (get || !(rows[i].flags & ACCESS_SESSION)))
            fail_msg("%s %s: a form is a POST by a person", rows[i].method, rows[i].path);
        if ((rows[i].flags & ACCESS_LOOPBACK) && !get)
            fail_msg("%s %s: open to this machine, and changes something", rows[i].method,
                     rows[i].path);
    }
}

/* ---- what is no row ---- */

static void test_paths_that_are_none(void **state)
{
    static const char *const paths[] = {
        "",
        "/",
        "/nothing",
        "healthz",
        "/healthz/",
        "//healthz",
        "/Healthz",
        "/healthz?x",
        "/healthz;x",
        "/healthz%20",
        "/%68ealthz",
        "/api",
        "/api/v1",
        "/api/v1/",
        "/api/v2/apps",
        "/api/v1/apps/",
        "/api/v1/apps//spec",
        "/api/v1/apps/blog/",
        "/api/v1/apps/blog/nothing",
        "/api/v1/apps/blog/spec/more",
        "/api/v1/apps/../spec",
        "/api/v1/apps/./spec",
        "/api/v1/apps/%62log",
        "/api/v1/apps/blog%2fspec",
        "/api/v1/apps/Blog",
        "/api/v1/apps/-blog",
        "/api/v1/apps/{app}",
        "/api/v1/apps/blog\n",
        "/api/v1/apps/bl\xc3\xb6g",
        "/api/v1/tokens/..",
        "/api/v1/tokens/.hidden",
        "/api/v1/tokens/a b",
        "/api/v1/tokens/a\\b",
        "/api/v1/tokens/{name}/x",
        /* 64 letters: no DNS label */
        "/api/v1/apps/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", ""};
    char longer[5000];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        for (size_t m = 0; m < ARRAY_LEN(methods); m++)
            for (size_t who = 0; who < ARRAY_LEN(callers); who++) {
                struct access_verdict v = decide(methods[m], paths[i], who);

                if (v.answer != ACCESS_UNKNOWN || v.row || *v.app)
                    fail_msg("%s %s by %s", methods[m], paths[i], callers[who].who);
            }
    memset(longer, 'a', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    memcpy(longer, "/api/v1/tokens/", 15);
    assert_int_equal(decide("GET", longer, 4).answer, ACCESS_UNKNOWN);
    longer[15 + 101] = '\0'; /* 101 bytes of name */
    assert_int_equal(decide("DELETE", longer, 4).answer, ACCESS_UNKNOWN);
    longer[15 + 100] = '\0';
    assert_int_equal(decide("DELETE", longer, 4).answer, ACCESS_ALLOWED);
}

static void test_methods(void **state)
{
    static const char *const none[] = {"OPTIONS", "TRACE", "CONNECT", "PATCH",
                                       "get",     "GETX",  "",        "PROPFIND"};
    struct str out = STR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        for (size_t m = 0; m < ARRAY_LEN(none); m++)
            for (size_t who = 0; who < ARRAY_LEN(callers); who++)
                assert_int_equal(decide(none[m], lines[i].path, who).answer, ACCESS_METHOD);
    access_methods("/api/v1/apps/blog/spec", &out);
    assert_string_equal(str_text(&out), "GET, HEAD, PUT, DELETE");
    str_clear(&out);
    access_methods("/nothing", &out);
    assert_string_equal(str_text(&out), "");
    str_release(&out);
}

/* ---- details ---- */

static void test_app_and_filter(void **state)
{
    struct access_verdict v = decide("GET", "/api/v1/apps/blog/history", 8);

    (void)state;
    assert_string_equal(v.app, "blog");
    assert_false(v.filtered);
    v = decide("GET", "/api/v1/apps", 8);
    assert_string_equal(v.app, "");
    assert_true(v.filtered);
    v = decide("GET", "/api/v1/apps", 6);
    assert_false(v.filtered);
}

static void test_loopback(void **state)
{
    struct access_request r = {.method = "GET", .path = "/metrics", .loopback = true};
    struct access_verdict v = poison;

    (void)state;
    access_decide(&r, &v);
    assert_int_equal(v.answer, ACCESS_ALLOWED);
    r.path = "/api/v1/audit"; /* being here opens nothing else */
    access_decide(&r, &v);
    assert_int_equal(v.answer, ACCESS_LOGIN);
    r.method = "POST";
    r.path = "/metrics";
    access_decide(&r, &v);
    assert_int_equal(v.answer, ACCESS_METHOD);
}

/* Logging in: a program sends no Origin, our page ours, somebody else's page theirs. */
static void test_login_from_elsewhere(void **state)
{
    struct access_request r = {.method = "POST", .path = "/login", .origin = SENT_BAD};
    struct access_verdict v = poison;

    (void)state;
    access_decide(&r, &v);
    assert_int_equal(v.answer, ACCESS_REFUSED);
    r.origin = SENT_GOOD;
    access_decide(&r, &v);
    assert_int_equal(v.answer, ACCESS_ALLOWED);
}

/* A form's token that is there and wrong is not asked for again; other forms of proof are none. */
static void test_form(void **state)
{
    struct access_request r = {.method = "POST",
                               .path = "/upload",
                               .caller = CALLER_SESSION,
                               .role = ROLE_DEPLOYER,
                               .origin = SENT_GOOD,
                               .csrf = SENT_NOTHING};
    struct access_verdict v = poison;

    (void)state;
    access_decide(&r, &v);
    assert_int_equal(v.answer, ACCESS_PROVE);
    assert_int_equal(access_status(v.answer), 403);
    r.csrf = SENT_BAD;
    access_decide(&r, &v);
    assert_int_equal(v.answer, ACCESS_REFUSED);
    r.csrf = SENT_GOOD;
    access_decide(&r, &v);
    assert_int_equal(v.answer, ACCESS_ALLOWED);
    r.role = ROLE_VIEWER; /* no role, no question */
    r.csrf = SENT_NOTHING;
    access_decide(&r, &v);
    assert_int_equal(v.answer, ACCESS_REFUSED);
}

static void test_statuses(void **state)
{
    (void)state;
    assert_int_equal(access_status(ACCESS_ALLOWED), 200);
    assert_int_equal(access_status(ACCESS_LOGIN), 401);
    assert_int_equal(access_status(ACCESS_REFUSED), 403);
    assert_int_equal(access_status(ACCESS_UNKNOWN), 404);
    assert_int_equal(access_status(ACCESS_METHOD), 405);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matrix),         cmocka_unit_test(test_each_row_has_a_line),
        cmocka_unit_test(test_rows_are_sound), cmocka_unit_test(test_paths_that_are_none),
        cmocka_unit_test(test_methods),        cmocka_unit_test(test_app_and_filter),
        cmocka_unit_test(test_loopback),       cmocka_unit_test(test_login_from_elsewhere),
        cmocka_unit_test(test_form),           cmocka_unit_test(test_statuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
