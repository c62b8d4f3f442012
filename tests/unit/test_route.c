/* Hosts, paths, rules and priorities: what comes in, what is refused, and what an attacker's text may not do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "spec/base/arena.h"
#include "spec/limits.h"
#include "spec/route.h"
#include "spec/route_yaml.h"
#include "tests/unit/spec_case.h"

typedef const char *reader(const char *text, struct arena *a, struct route_fault *ret);

struct row {
    const char *text, *normal; /* normal NULL: refused */
    const char *hint;          /* a part of the hint, or NULL */
};

static void check_rows(reader *read, const struct row *rows, size_t n)
{
    struct arena *a = arena_new();

    for (size_t i = 0; i < n; i++) {
        struct route_fault fault = {0};
        const char *got = read(rows[i].text, a, &fault);

        if (!rows[i].normal && got)
            fail_msg("\"%s\" is taken as \"%s\"", rows[i].text, got);
        if (rows[i].normal && (!got || strcmp(got, rows[i].normal) != 0))
            fail_msg("\"%s\" is read as \"%s\": %s", rows[i].text, got ? got : "nothing",
                     fault.what ? fault.what : "");
        if (!got && !fault.what)
            fail_msg("\"%s\" is refused without a word", rows[i].text);
        if (rows[i].hint && (!fault.hint || !strstr(fault.hint, rows[i].hint)))
            fail_msg("\"%s\": the hint is \"%s\"", rows[i].text, fault.hint ? fault.hint : "");
    }
    arena_free(a);
}

// clang-format off
static const struct row hosts[] = {
    {"a.example.com", "a.example.com", NULL},
    {"A.EXAMPLE.Com", "a.example.com", NULL},
    {"localhost", "localhost", NULL},
    {"xn--bcher-kva.example", "xn--bcher-kva.example", NULL},
    {"*.example.com", "*.example.com", NULL},
    {"1.2.3.example", "1.2.3.example", NULL},
    {"", NULL, "leave `host` out"},
    {"*", NULL, "*.example.com"},
    {"*.", NULL, NULL},
    {"*example.com", NULL, "*.example.com"},
    {"*.*.example.com", NULL, "*.example.com"},
    {"a.*.com", NULL, "*.example.com"},
    {"a.example.com.", NULL, "shop.example.com"},
    {".a.example.com", NULL, "shop.example.com"},
    {"a..b", NULL, "shop.example.com"},
    {"-a.b", NULL, NULL},
    {"a-.b", NULL, NULL},
    {"a_b.c", NULL, "letters, digits"},
    {"a.b:80", NULL, "port"},
    {"[::1]", NULL, NULL},
    {"::1", NULL, "port"},
    {"10.0.0.1", NULL, "every address"},
    {"1", NULL, "every address"},
    {"http://a.b", NULL, "without http://"},
    {"a.b/c", NULL, "`path`"},
    {"b\xc3\xbc""cher.example", NULL, "xn--"},
    {"\xff", NULL, "xn--"},
    {"a.b`) || Host(`c.d", NULL, NULL},
    {"a.b`,`c.d", NULL, NULL},
    {"a.b\", \"c.d", NULL, NULL},
    {"{sub:[a-z]+}.example.com", NULL, NULL},
    {"{{env \"HOME\"}}", NULL, NULL},
    {"a.b c.d", NULL, NULL},
    {"a.b\n", NULL, NULL},
    {" a.b", NULL, NULL},
    {"a%2eb", NULL, NULL},
    {"a.b@c", NULL, NULL},
    {"${HOST}", NULL, NULL},
};

static const struct row paths[] = {
    {"/", "/", NULL},
    {"/a", "/a", NULL},
    {"/a/", "/a", NULL},
    {"/A/b.c/~d/@e/f:g,h+i=j_k-l", "/A/b.c/~d/@e/f:g,h+i=j_k-l", NULL},
    {"/...", "/...", NULL},
    {"/.a", "/.a", NULL},
    {"", NULL, "/blog"},
    {"a", NULL, "write /a"},
    {"//", NULL, "single"},
    {"//a", NULL, "single"},
    {"/a//b", NULL, "single"},
    {"/a//", NULL, "single"},
    {"/.", NULL, "meant"},
    {"/..", NULL, "meant"},
    {"/./a", NULL, "meant"},
    {"/a/..", NULL, "meant"},
    {"/a/../admin", NULL, "meant"},
    {"/a/./b/", NULL, "meant"},
    {"/a/../", NULL, "meant"},
    {"/%61dmin", NULL, "encoded"},
    {"/a%2f..%2fadmin", NULL, "encoded"},
    {"/a%00", NULL, "encoded"},
    {"/a%", NULL, "encoded"},
    {"/a?b=c", NULL, "queries"},
    {"/a#b", NULL, "queries"},
    {"/a`) || PathPrefix(`/", NULL, NULL},
    {"/a`) || PathRegexp(`.*", NULL, NULL},
    {"/a\") || Path(\"/b", NULL, NULL},
    {"/a' || '", NULL, NULL},
    {"/a*", NULL, "patterns"},
    {"/.*", NULL, "patterns"},
    {"/{id}", NULL, "patterns"},
    {"/{{.}}", NULL, "patterns"},
    {"/a|b", NULL, "patterns"},
    {"/a$", NULL, "patterns"},
    {"/a\\b", NULL, "patterns"},
    {"/a b", NULL, NULL},
    {"/a\tb", NULL, NULL},
    {"/a\r\nb", NULL, NULL},
    {"/a;b", NULL, NULL},
    {"/a&b", NULL, NULL},
    {"/a!b", NULL, NULL},
    {"/<script>", NULL, NULL},
    {"/\xc3\xa4", NULL, NULL},
    {"/\xe2\x80\xae", NULL, NULL},
    {"/\xff", NULL, NULL},
    {"\\a", NULL, NULL},
};
// clang-format on

static void test_hosts(void **state)
{
    (void)state;
    check_rows(route_host, hosts, ARRAY_LEN(hosts));
}

static void test_paths(void **state)
{
    (void)state;
    check_rows(route_path, paths, ARRAY_LEN(paths));
}

/* Of all bytes, only those of the alphabet come through, wherever they stand. */
static void test_every_byte(void **state)
{
    static const char fine[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~@:+,=/";
    struct arena *a = arena_new();

    (void)state;
    for (int c = 1; c < 256; c++) {
        const char text[] = {'/', 'a', (char)c, 'b', '\0'}, host[] = {'a', (char)c, 'b', '\0'};
        struct route_fault fault = {0};
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if ((route_path(text, a, &fault) != NULL) != (strchr(fine, c) != NULL))
            fail_msg("the byte %02x in a path", c);
        if ((route_host(host, a, &fault) != NULL) != (letter || c == '-' || c == '.'))
            fail_msg("the byte %02x in a host", c);
    }
    arena_free(a);
}

static void test_lengths(void **state)
{
    struct arena *a = arena_new();
    struct route_fault fault = {0};
    char path[LIMIT_ROUTE_PATH + 2], host[LIMIT_ROUTE_HOST + 2];

    (void)state;
    memset(path, 'a', sizeof(path));
    path[0] = '/';
    path[LIMIT_ROUTE_PATH + 1] = '\0';
    assert_null(route_path(path, a, &fault));
    path[LIMIT_ROUTE_PATH] = '\0';
    assert_non_null(route_path(path, a, &fault));
    memset(host, 'a', sizeof(host));
    for (size_t i = 63; i < sizeof(host); i += 64)
        host[i] = '.';
    host[LIMIT_ROUTE_HOST + 1] = '\0';
    assert_null(route_host(host, a, &fault));
    host[LIMIT_ROUTE_HOST] = '\0';
    assert_non_null(route_host(host, a, &fault));
    memset(host, 'a', 64);
    host[64] = '\0';
    assert_null(route_host(host, a, &fault));
    host[63] = '\0';
    assert_non_null(route_host(host, a, &fault));
    /* The bands do not touch, whatever a path's length; and Traefik's largest int is far. */
    assert_true(route_priority(NULL, path) < ROUTE_PRIORITY_WILDCARD);
    assert_true(route_priority("*.a", path) < ROUTE_PRIORITY_HOST);
    assert_true(route_priority("a", path) < INT32_MAX - 1000);
    arena_free(a);
}

static void test_reserved(void **state)
{
    static const char *const reserved[] = {"/admin",
                                           "/ADMIN",
                                           "/Admin/x",
                                           "/login",
                                           "/logout",
                                           "/upload",
                                           "/api",
                                           "/api/v1",
                                           "/hooks/x",
                                           "/traefik",
                                           "/TRAEFIK",
                                           "/.well-known/acme-challenge",
                                           "/.Well-Known/ACME-challenge/x"};
    static const char *const fine[] = {"/",         "/a",       "/administrator", "/apis",
                                       "/a/admin",  "/adm",     "/api.v1",        "/.well-known",
                                       "/log",      "/uploads", "/traefik-ui",    "/.well-known/x",
                                       "/loginpage"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
        if (!route_reserved(reserved[i]))
            fail_msg("%s is not reserved", reserved[i]);
    for (size_t i = 0; i < ARRAY_LEN(fine); i++)
        if (route_reserved(fine[i]))
            fail_msg("%s is reserved", fine[i]);
}

static void test_rules(void **state)
{
    static const struct {
        const char *host, *path, *rule;
        int priority;
    } rows[] = {
        {NULL, "/", "PathPrefix(`/`)", 2},
        {NULL, "/a", "Path(`/a`) || PathPrefix(`/a/`)", 102},
        {NULL, "/a/bc", "Path(`/a/bc`) || PathPrefix(`/a/bc/`)", 105},
        {"x.y", "/", "Host(`x.y`)", 10001},
        {"x.y", "/a", "Host(`x.y`) && (Path(`/a`) || PathPrefix(`/a/`))", 10002},
        {"*.x.y", "/", "HostRegexp(`^[a-z0-9-]+\\.x\\.y$`)", 5001},
        {"*.x.y", "/a", "HostRegexp(`^[a-z0-9-]+\\.x\\.y$`) && (Path(`/a`) || PathPrefix(`/a/`))",
         5002},
    };
    struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_string_equal(route_rule(rows[i].host, rows[i].path, a), rows[i].rule);
        assert_int_equal(route_priority(rows[i].host, rows[i].path), rows[i].priority);
    }
    arena_free(a);
}

static void test_meet(void **state)
{
    static const struct {
        struct route x, y;
        bool meet;
    } rows[] = {
        {{.path = "/a"}, {.path = "/a"}, true},
        {{.path = "/a"}, {.path = "/a/b"}, true},
        {{.path = "/a"}, {.path = "/ab"}, false},
        {{.path = "/"}, {.path = "/ab"}, true},
        {{.path = "/a", .host = "x.y"}, {.path = "/a"}, true},
        {{.path = "/a", .host = "x.y"}, {.path = "/a", .host = "z.y"}, false},
        {{.path = "/", .host = "x.y"}, {.path = "/", .host = "*.y"}, true},
        {{.path = "/", .host = "w.x.y"}, {.path = "/", .host = "*.y"}, false},
        {{.path = "/", .host = "y"}, {.path = "/", .host = "*.y"}, false},
        {{.path = "/", .host = "*.x.y"}, {.path = "/", .host = "*.y"}, false},
        {{.path = "/", .host = "*.y"}, {.path = "/a"}, true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (route_meet(&rows[i].x, &rows[i].y) != rows[i].meet ||
            route_meet(&rows[i].y, &rows[i].x) != rows[i].meet)
            fail_msg("row %zu", i);
}

/* `priority:` takes from other routes of the app and gives nothing: no number changes, and who wins already says nothing more. */
static void test_priority_within_app(void **state)
{
    static const char text[] = "app: a\n"
                               "image: x\n"
                               "route:\n"
                               "  - {path: /a, priority: 5}\n"
                               "  - {path: /a/b}\n"
                               "  - {host: x.y, path: /}\n"
                               "  - {path: /c, priority: 4}\n"
                               "  - {path: /a/b/c, priority: 6}\n"
                               "  - {path: /d}\n";
    static const struct {
        const char *rule;
        int priority;
    } want[] = {
        {"Path(`/a`) || PathPrefix(`/a/`)", 102},
        {"(Path(`/a/b`) || PathPrefix(`/a/b/`)) && !(Path(`/a`) || PathPrefix(`/a/`))", 104},
        {"(Host(`x.y`)) && !(Path(`/a`) || PathPrefix(`/a/`)) && !(Path(`/c`) || "
         "PathPrefix(`/c/`)) && !(Path(`/a/b/c`) || PathPrefix(`/a/b/c/`))",
         10001},
        {"Path(`/c`) || PathPrefix(`/c/`)", 102},
        {"Path(`/a/b/c`) || PathPrefix(`/a/b/c/`)", 106},
        {"Path(`/d`) || PathPrefix(`/d/`)", 102},
    };
    struct arena *a = arena_new();
    struct spec_case c = {0};

    (void)state;
    case_run(&c, a, "a.yaml", text);
    assert_int_equal(c.desired->n_apps, 1);
    const struct want_service *s = &c.desired->apps[0].services[0];

    assert_int_equal(s->n_routes, ARRAY_LEN(want));
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        assert_string_equal(s->routes[i].rule, want[i].rule);
        assert_int_equal(s->routes[i].priority, want[i].priority);
    }
    arena_free(a);
}

/* A changed route changes the app's digest, and in managed mode nothing that containers are compared by. */
static void test_route_replaces_nothing(void **state)
{
    struct arena *a = arena_new();
    struct spec_case one = {0}, two = {0};

    (void)state;
    case_run(&one, a, "a.yaml", "app: a\nimage: x\nroute: /a\n");
    case_run(&two, a, "a.yaml", "app: a\nimage: x\nroute: /b\n");
    const struct want_app *x = &one.desired->apps[0], *y = &two.desired->apps[0];

    assert_string_not_equal(x->digest, y->digest);
    assert_true(kvs_eq(&x->services[0].containers[0].labels, &y->services[0].containers[0].labels));
    assert_false(kvs_eq(&x->services[0].containers[0].birth, &y->services[0].containers[0].birth));
    arena_free(a);
}

/* The dearest app that is allowed: every route an exception in the rule of every other that meets it. */
static void test_many(void **state)
{
    struct arena *a = arena_new();
    CLEANUP(str_release) struct str text = STR_INIT;
    struct spec_case c = {0};

    (void)state;
    for (int more = 0; more < 2; more++) {
        str_clear(&text);
        str_add(&text, "app: a\nservices:\n");
        for (int s = 0; s < 4; s++) {
            str_addf(&text, "  s%d:\n    image: x\n    route:\n", s);
            for (int i = 0; i < LIMIT_APP_ROUTES / 4 + (s == 0 ? more : 0); i++)
                str_addf(&text, "      - {path: /%c%d, host: h%d.example.com, priority: %d}\n",
                         'a' + s, i, i % 2, s * 100 + i);
        }
        case_run(&c, a, "a.yaml", str_text(&text));
        assert_int_equal(c.files[0]->diags.errors, more);
        if (!more)
            assert_int_equal(c.desired->apps[0].services[3].n_routes, LIMIT_APP_ROUTES / 4);
    }
    arena_free(a);
}

/* A bundle that no spec names is served under its name. */
static void test_bundle(void **state)
{
    struct arena *a = arena_new();
    struct spec_file file;
    const char *text = bundle_text("/apps/shop.zip", a);
    const struct loader loader = {.bundle = "/apps/shop.zip"};

    (void)state;
    assert_non_null(text);
    document_parse("/apps", "shop.zip", "shop.zip", "/apps", text, strlen(text), &loader, a, &file);
    assert_false(file.broken);
    assert_int_equal(file.documents[0].app->services[0].n_routes, 1);
    assert_string_equal(file.documents[0].app->services[0].routes[0].path, "/shop");
    text = bundle_text("/apps/admin.zip", a);
    document_parse("/apps", "admin.zip", "admin.zip", "/apps", text, strlen(text), &loader, a,
                   &file);
    assert_true(file.broken);
    arena_free(a);
}

static void test_quote(void **state)
{
    static const struct {
        const char *text, *quoted;
    } rows[] = {
        {"", "\"\""},
        {"a b", "\"a b\""},
        {"\"\\", "\"\\\"\\\\\""},
        {"{{x}}", "\"\\u007b\\u007bx\\u007d\\u007d\""},
        {"a\nb\t", "\"a\\u000ab\\u0009\""},
        {"\xc3\xa4", "\"\\u00e4\""},
        {"\xf0\x9d\x84\x9e", "\"\\U0001d11e\""},
        {"\xff", "\"\\ufffd\""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str out = STR_INIT;

        route_yaml_quote(rows[i].text, &out);
        assert_string_equal(out.buf, rows[i].quoted);
        str_release(&out);
    }
}

static void test_secrets(void **state)
{
    static const struct secret_facts v[] = {{.name = "a", .digest = "1"},
                                            {.name = "b/a", .digest = "2"},
                                            {.name = "b/c", .digest = "3"},
                                            {.name = "d", .digest = "4"}};
    static const char *const bad[] = {"", ".", "..", "a/b", "-a", "_a", "a b", "a\n", "\xc3\xa4"};
    struct arena *a = arena_new();

    (void)state;
    assert_string_equal(secret_find(v, 4, "b", "a", a)->digest, "2");
    assert_string_equal(secret_find(v, 4, "x", "a", a)->digest, "1");
    assert_string_equal(secret_find(v, 4, "b", "c", a)->digest, "3");
    assert_null(secret_find(v, 4, "x", "c", a));
    assert_null(secret_find(v, 0, "x", "a", a));
    assert_true(secret_name_valid("Web-key_1.pem"));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(secret_name_valid(bad[i]));
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_reserved),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_meet),
        cmocka_unit_test(test_priority_within_app),
        cmocka_unit_test(test_route_replaces_nothing),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_bundle),
        cmocka_unit_test(test_quote),
        cmocka_unit_test(test_secrets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
