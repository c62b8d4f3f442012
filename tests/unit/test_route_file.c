/* Golden routes: every tests/route/NAME.yaml (a golden spec, see spec_case.h) becomes the files and labels in NAME.expect. The first line of a
 * case says in words what it shows. EVENKEEL_UPDATE=1 writes what comes out.
 *
 * The first container of a service is known to the engine, its id is 12 times the digit of its index; the others are still to be made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>

#include "spec/config.h"
#include "spec/ingress.h"
#include "spec/route_file.h"
#include "spec/route_labels.h"
#include "tests/unit/spec_case.h"

static void compare(const char *path, const char *got, struct arena *a)
{
    const char *want = case_read(path, a);

    if (getenv("EVENKEEL_UPDATE") && (!want || strcmp(want, got) != 0)) {
        FILE *f = fopen(path, "w");

        assert_non_null(f);
        assert_true(fputs(got, f) >= 0);
        assert_int_equal(fclose(f), 0);
        return;
    }
    if (!want)
        fail_msg("%s is missing; EVENKEEL_UPDATE=1 writes it", path);
    if (strcmp(want, got) != 0)
        fail_msg("%s differs.\n---- want\n%s---- got\n%s----", path, want, got);
}

static struct route_pool *make_pools(const struct want_app *app, struct arena *a)
{
    struct route_pool *pools = ARENA_ARRAY(a, app->n_services, struct route_pool);

    for (size_t i = 0; i < app->n_services; i++) {
        pools[i] = (struct route_pool){.service = app->services[i].name, .port_default = 80};
        for (size_t k = 0; k < app->services[i].n_containers; k++)
            strv_push(a, &pools[i].servers,
                      k == 0 ? "111111111111"
                             : arena_printf(a, "{{%s}}", app->services[i].containers[k].name));
    }
    return pools;
}

static const char *resolve(void *ctx, const char *name)
{
    size_t n = strlen(name);

    (void)ctx;
    return name[n - 1] == '2' ? "222222222222222222" : NULL;
}

/* What is sealed can be told from what was changed afterwards. */
static void check_sealed(const char *text, struct arena *a)
{
    struct str sealed = STR_INIT, again = STR_INIT;
    struct err e = {0};
    char digest[ROUTE_DIGEST] = "?", found[ROUTE_DIGEST] = "?";

    assert_int_equal(route_file_seal(text, resolve, NULL, &sealed, digest, &e), 0);
    assert_int_equal(route_file_seal(text, resolve, NULL, &again, found, &e), 0);
    assert_string_equal(sealed.buf, again.buf);
    assert_null(strstr(sealed.buf, "{{"));
    assert_null(strstr(sealed.buf, "}}"));
    assert_int_equal(strlen(digest), ROUTE_DIGEST - 1);
    (void)snprintf(found, sizeof(found), "?");
    assert_int_equal(route_file_digest(sealed.buf, found), 0);
    assert_string_equal(found, digest);
    assert_non_null(strstr(sealed.buf, route_marker("", digest, a) + 1));
    (void)snprintf(found, sizeof(found), "kept");
    sealed.buf[sealed.len - 2] ^= 1;
    assert_int_equal(route_file_digest(sealed.buf, found), -1);
    assert_string_equal(found, "kept");
    str_release(&sealed);
    str_release(&again);
}

static void show_app(const struct spec_case *c, const struct want_app *app, struct str *out)
{
    struct str text = STR_INIT;

    for (size_t i = 0; i < app->addresses.n; i++)
        str_addf(out, "address %s\n", app->addresses.v[i]);
    for (size_t i = 0; i < app->secrets.n; i++)
        str_addf(out, "secret %s\n", app->secrets.v[i]);
    route_file(app, &c->settings.ingress, make_pools(app, c->arena), app->n_services, &text);
    check_sealed(str_text(&text), c->arena);
    str_addf(out, "---- %s.yaml\n%s", app->name, str_text(&text));
    str_release(&text);
    for (size_t i = 0; i < app->n_services; i++) {
        struct kvs labels = {0};

        route_labels(app, &app->services[i], &c->settings.ingress, c->arena, &labels);
        str_addf(out, "---- labels of %s\n", app->services[i].name);
        for (size_t k = 0; k < labels.n; k++)
            str_addf(out, "%s=%s\n", labels.v[k].key, labels.v[k].value);
    }
}

static void test_case(void **state)
{
    const char *name = *state;
    struct arena *a = arena_new();
    struct str out = STR_INIT;
    struct spec_case c = {0};
    const char *text = case_read(arena_printf(a, "tests/route/%s.yaml", name), a);

    assert_non_null(text);
    if (strncmp(text, "# ", 2) != 0)
        fail_msg("%s: the first line must say what the case shows", name);
    case_run(&c, a, arena_printf(a, "%s.yaml", name), text);
    for (size_t i = 0; i < c.n_files; i++)
        for (size_t k = 0; k < c.files[i]->diags.n; k++)
            diag_print(&c.files[i]->diags.v[k], true, &out);
    for (size_t i = 0; i < c.desired->diags.n; i++)
        diag_print(&c.desired->diags.v[i], false, &out);
    for (size_t i = 0; i < c.desired->n_apps; i++) {
        str_addf(&out, "==== %s\n", c.desired->apps[i].name);
        if (c.desired->apps[i].routed)
            show_app(&c, &c.desired->apps[i], &out);
    }
    compare(arena_printf(a, "tests/route/%s.expect", name), str_text(&out), a);
    str_release(&out);
    arena_free(a);
}

/* ---- what cannot be sealed ---- */

static void test_seal_refuses(void **state)
{
    static const struct {
        const char *text;
        enum err_kind kind;
    } rows[] = {{"", ERR_BUG},
                {"no marker\n", ERR_BUG},
                {"{{DIGEST}} {{DIGEST}}\n", ERR_BUG},
                {"{{DIGEST}} {{open\n}}", ERR_BUG},
                {"{{DIGEST}} {{shop-web-3}}\n", ERR_MISSING}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str out = STR_INIT;
        struct err e = {0};
        char digest[ROUTE_DIGEST] = "kept";

        str_add(&out, "before");
        assert_int_equal(route_file_seal(rows[i].text, resolve, NULL, &out, digest, &e), -1);
        assert_int_equal(e.kind, rows[i].kind);
        assert_string_equal(out.buf, "before");
        assert_string_equal(digest, "kept");
        str_release(&out);
    }
}

/* A service that is called seen looks like a marker. */
static void test_digest_of_seen(void **state)
{
    struct str out = STR_INIT;
    struct err e = {0};
    char digest[ROUTE_DIGEST], found[ROUTE_DIGEST];

    (void)state;
    assert_int_equal(route_file_seal("a_seen_111111111111\na_seen_1\na_seen_{{DIGEST}}\n", resolve,
                                     NULL, &out, digest, &e),
                     0);
    assert_int_equal(route_file_digest(out.buf, found), 0);
    assert_string_equal(found, digest);
    str_release(&out);
}

static void test_claims(void **state)
{
    struct arena *a = arena_new();
    struct strv l;

    (void)state;
    route_file_claims("# x\n# route: /a\n# route: b.c/d\nhttp:\n# route: /e\n", a, &l);
    assert_int_equal(l.n, 2);
    assert_string_equal(l.v[0], "/a");
    assert_string_equal(l.v[1], "b.c/d");
    route_file_claims("# route: /a", a, &l);
    assert_int_equal(l.n, 1);
    arena_free(a);
}

/* While nobody serves, the platform says so; who serves says what it wants. */
static void test_unserved(void **state)
{
    CLEANUP(str_release) struct str with = STR_INIT, without = STR_INIT, platform = STR_INIT;
    const struct route_platform p = {.name = "evenkeel"};
    struct arena *a = arena_new();
    struct spec_case c = {0};

    (void)state;
    case_run(&c, a, "down.yaml", "app: down\nimage: x\nport: 80\nroute: /down\n");
    assert_int_equal(c.desired->diags.n, 0);
    assert_true(c.desired->apps[0].routed);
    route_file(&c.desired->apps[0], &c.settings.ingress, make_pools(&c.desired->apps[0], a), 1,
               &with);
    route_file(&c.desired->apps[0], &c.settings.ingress, NULL, 0, &without);
    assert_null(strstr(str_text(&with), "unavailable"));
    assert_non_null(strstr(str_text(&without), ", \"down_app_1_unavailable\"]\n"));
    assert_non_null(strstr(str_text(&without), "    \"down_app_1_unavailable\":\n      errors:\n"));
    assert_non_null(strstr(str_text(&without), "service: \"" INGRESS_AGENT "\"\n"));
    assert_non_null(strstr(str_text(&without), "query: \"" INGRESS_UNAVAILABLE "\"\n"));
    assert_non_null(strstr(str_text(&without), "servers: []\n"));
    check_sealed(str_text(&without), a);
    route_file_platform(&p, &c.settings.ingress, &platform);
    assert_non_null(
        strstr(str_text(&platform), "\n    \"" INGRESS_AGENT "\":\n      loadBalancer:"));
    arena_free(a);
}

static void platform(const struct route_platform *p, const char *name)
{
    struct arena *a = arena_new();
    struct ingress_settings g;
    struct str out = STR_INIT;

    ingress_defaults(&g);
    route_file_platform(p, &g, &out);
    check_sealed(str_text(&out), a);
    compare(name, str_text(&out), a);
    str_release(&out);
    arena_free(a);
}

static void test_platform(void **state)
{
    (void)state;
    platform(&(struct route_platform){"evenkeel", "http://10.213.0.1:5001", "aaaa", "bbbb", "cccc"},
             "tests/route/platform.expect");
    platform(&(struct route_platform){"evenkeel-x", NULL, NULL, NULL, NULL},
             "tests/route/platform-bare.expect");
}

static void test_platform_hosts(void **state)
{
    const char *names[] = {"ops.example.org", "admin.example.org"};
    struct arena *a = arena_new();
    struct ingress_settings g;
    struct str out = STR_INIT;

    (void)state;
    ingress_defaults(&g);
    g.hosts = (struct strv){.v = names, .n = 2};
    route_file_platform(
        &(struct route_platform){"evenkeel", "http://10.213.0.1:5001", "aaaa", "bbbb", "cccc"}, &g,
        &out);
    check_sealed(str_text(&out), a);
    compare("tests/route/platform-hosts.expect", str_text(&out), a);
    str_release(&out);
    arena_free(a);
}

/* Where the platform's hosts are its own, no app is on them: whatever its rule matches besides. */
static void test_hosts_of_the_platform(void **state)
{
    static const struct {
        const char *route, *rule; /* NULL: it is refused */
    } cases[] = {
        {"/blog", "(Path(`/blog`) || PathPrefix(`/blog/`)) && !Host(`ops.example.org`)"},
        {"/", "(PathPrefix(`/`)) && !Host(`ops.example.org`)"},
        {"blog.example.org", "Host(`blog.example.org`)"},
        {"'*.example.org'",
         "(HostRegexp(`^[a-z0-9-]+\\.example\\.org$`)) && !Host(`ops.example.org`)"},
        {"'*.example.com'", "HostRegexp(`^[a-z0-9-]+\\.example\\.com$`)"},
        {"ops.example.org", NULL},
        {"OPS.example.org/blog", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const char *text =
            arena_printf(a, "app: x\nimage: y\nport: 80\nroute: %s\n", cases[i].route);
        static const char config_text[] = "http: {hosts: [Ops.Example.org]}";
        struct diag_list diags;
        struct config config;
        struct spec_file f = {0};
        const struct spec_file *files[] = {&f};
        const struct spec_root root = {"/apps", true};
        struct settings *settings = ARENA_NEW(a, struct settings);
        const struct spec_set set = {.roots = &root, .n_roots = 1, .files = files, .n_files = 1};

        diag_init(&diags, a);
        assert_int_equal(
            config_parse("agent.yaml", config_text, strlen(config_text), a, &diags, &config), 0);
        *settings = (struct settings){.owner = "default", .ingress = config.ingress};
        document_parse("/apps", "x.yaml", "x.yaml", "/apps", text, strlen(text), NULL, a, &f);
        assert_int_equal(f.diags.errors, 0);
        const struct desired *d = desired_build(&set, settings, NULL, CASE_NOW_MS, a);
        const struct want_app *app = desired_app(d, "x");

        assert_non_null(app);
        if (cases[i].rule) {
            assert_null(app->refused);
            assert_string_equal(app->services[0].routes[0].rule, cases[i].rule);
        } else if (!app->refused || !strstr(app->refused, "ops.example.org is the platform's own"))
            fail_msg("%s: %s", cases[i].route, app->refused ? app->refused : "not refused");
    }
}

static int cmp_test(const void *a, const void *b)
{
    return strcmp(((const struct CMUnitTest *)a)->name, ((const struct CMUnitTest *)b)->name);
}

int main(void)
{
    enum { MOST = 64 };
    struct arena *a = arena_new();
    struct CMUnitTest *tests = ARENA_ARRAY(a, MOST + 7, struct CMUnitTest);
    DIR *d = opendir("tests/route");
    size_t n = 0;

    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        size_t len = strlen(e->d_name);

        if (len < 6 || strcmp(e->d_name + len - 5, ".yaml") != 0)
            continue;
        assert_true(n < MOST);
        char *name = arena_strndup(a, e->d_name, len - 5);

        tests[n++] = (struct CMUnitTest){name, test_case, NULL, NULL, name};
    }
    (void)closedir(d);
    qsort(tests, n, sizeof(tests[0]), cmp_test);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_seal_refuses);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_digest_of_seen);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_claims);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_platform);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_unserved);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_platform_hosts);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_hosts_of_the_platform);
    int failed = _cmocka_run_group_tests("routes", tests, n, NULL, NULL);

    arena_free(a);
    return failed;
}
