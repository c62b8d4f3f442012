/* test_compose.c: Compose files that want too much (circles, sizes, paths outside), what a merge does to each kind of key, and that places survive it. The golden cases in
 * tests/compose show whole files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "spec/base/arena.h"
#include "spec/document.h"
#include "spec/limits.h"

enum { MOST = 8 };

struct part {
    const char *path, *text;
};

struct world {
    struct arena *arena;
    struct part parts[MOST];
    size_t n_parts;
    size_t reads;
};

static int load(void *ctx, const char *path, struct arena *a, const char **ret_text, size_t *ret_n,
                struct err *e)
{
    struct world *w = ctx;

    (void)a;
    if (strncmp(path, "/r/", 3) != 0)
        fail_msg("asked for %s", path);
    w->reads++;
    for (size_t i = 0; i < w->n_parts; i++) {
        if (strcmp(w->parts[i].path, path + 3) != 0)
            continue;
        *ret_text = w->parts[i].text;
        *ret_n = strlen(w->parts[i].text);
        return 0;
    }
    return err_set(e, ERR_MISSING, "no such file");
}

static void setup_world(struct world *w)
{
    *w = (struct world){.arena = arena_new()};
}

static void put(struct world *w, const char *path, const char *text)
{
    assert_true(w->n_parts < MOST);
    w->parts[w->n_parts++] = (struct part){path, text};
}

static struct spec_file *parse_as(struct world *w, const char *path, const char *text)
{
    struct spec_file *f = ARENA_NEW(w->arena, struct spec_file);
    const struct loader loader = {.read = load, .ctx = w};

    document_parse("/r", path, arena_printf(w->arena, "r/%s", path), "/r", text, strlen(text),
                   &loader, w->arena, f);
    return f;
}

static struct spec_file *parse(struct world *w, const char *text)
{
    return parse_as(w, "shop.compose.yaml", text);
}

static const struct app *app_of(const struct spec_file *f)
{
    CLEANUP(str_release) struct str out = STR_INIT;

    for (size_t i = 0; i < f->diags.n; i++)
        diag_print(&f->diags.v[i], true, &out);
    if (f->n_documents != 1 || !f->documents[0].ok || !f->documents[0].app)
        fail_msg("no app:\n%s", str_text(&out));
    return f->documents[0].app;
}

/* The first error that has these words. */
static const struct diag *error_with(const struct spec_file *f, const char *words)
{
    CLEANUP(str_release) struct str out = STR_INIT;

    for (size_t i = 0; i < f->diags.n; i++) {
        if (f->diags.v[i].level == DIAG_ERROR && strstr(f->diags.v[i].what, words))
            return &f->diags.v[i];
        diag_print(&f->diags.v[i], false, &out);
    }
    fail_msg("no error \"%s\" among:\n%s", words, str_text(&out));
    return NULL;
}

/* ---- sizes ---- */

static void test_long_line(void **state)
{
    CLEANUP(str_release) struct str text = STR_INIT, shown = STR_INIT;
    struct world w;

    (void)state;
    setup_world(&w);
    str_add(&text, "services: {web: {image: nginx, command: \"");
    while (text.len < (1 << 20) - 100)
        str_add(&text, "${A:-b} ");
    str_add(&text, "\"}}\n");
    const struct diag *d = error_with(parse(&w, str_text(&text)), "bytes");

    assert_int_equal(d->at.column, 41);
    diag_print(d, true, &shown);
    assert_true(shown.len < 500); /* of a line of a megabyte */
    arena_free(w.arena);
}

/* Thousands of short texts that each name one long value. */
static void test_variables_multiply(void **state)
{
    CLEANUP(str_release) struct str text = STR_INIT, env = STR_INIT;
    struct world w;

    (void)state;
    setup_world(&w);
    str_add(&env, "A=");
    for (int i = 0; i < 60000; i++)
        str_addc(&env, 'x');
    put(&w, ".env", str_text(&env));
    str_add(&text, "services:\n");
    for (int s = 0; s < 20; s++) {
        str_addf(&text, "  s%d:\n    image: nginx\n    labels:\n", s);
        for (int i = 0; i < 1000; i++)
            str_addf(&text, "      l%d: $A\n", i);
    }
    const struct spec_file *f = parse(&w, str_text(&text));

    (void)error_with(f, "bytes in all texts");
    assert_true(arena_used(w.arena) < 64u << 20);
    arena_free(w.arena);
}

/* Each alias is as large as everything before it: the parser counts before anything is copied. */
static void test_hostile_aliases(void **state)
{
    struct world w;

    (void)state;
    setup_world(&w);
    CLEANUP(str_release) struct str text = STR_INIT;

    str_add(&text, "x-a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 9; i++) {
        str_addf(&text, "x-a%d: &a%d [", i, i);
        for (int k = 0; k < 10; k++)
            str_addf(&text, "%s*a%d", k ? ", " : "", i - 1);
        str_add(&text, "]\n");
    }
    str_add(&text, "services: {web: {image: nginx, command: *a8}}\n");
    (void)error_with(parse(&w, str_text(&text)), "aliases are expanded");
    (void)error_with(parse(&w, "services: &s {web: {image: nginx, labels: *s}}\n"),
                     "inside what it refers to");
    arena_free(w.arena);
}

/* A chain of services in which every link adds as much as it can. */
static void test_extends_multiply(void **state)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    struct world w;

    (void)state;
    setup_world(&w);
    str_add(&text, "services:\n");
    for (int s = 0; s < 40; s++) {
        str_addf(&text, "  s%d:\n", s);
        if (s)
            str_addf(&text, "    extends: s%d\n", s - 1);
        str_add(&text, "    image: nginx\n    labels:\n");
        for (int i = 0; i < 1000; i++)
            str_addf(&text, "      l%d_%d: x\n", s, i);
    }
    const struct spec_file *f = parse(&w, str_text(&text));

    (void)error_with(f, "values in all files");
    assert_true(arena_used(w.arena) < 256u << 20);
    arena_free(w.arena);
}

static void test_many_services(void **state)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    struct world w;

    (void)state;
    setup_world(&w);
    str_add(&text, "services:\n");
    for (int i = 0; i < 10000; i++)
        str_addf(&text, "  s%d: {image: nginx}\n", i);
    const struct diag *d = error_with(parse(&w, str_text(&text)), "more than 4096 entries");

    assert_int_equal(d->at.line, LIMIT_LIST + 2);
    assert_int_equal(d->at.column, 3);
    arena_free(w.arena);
}

/* ---- circles ---- */

static void test_long_chain(void **state)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    struct world w;

    (void)state;
    setup_world(&w);
    str_add(&text, "services:\n  s0: {image: nginx}\n");
    for (int i = 1; i < 150; i++)
        str_addf(&text, "  s%d: {extends: s%d}\n", i, i - 1);
    /* Written in order, each finds its base done. */
    assert_int_equal(app_of(parse(&w, str_text(&text)))->n_services, 150);
    str_clear(&text);
    str_add(&text, "services:\n");
    for (int i = 149; i > 0; i--)
        str_addf(&text, "  s%d: {extends: s%d}\n", i, i - 1);
    str_add(&text, "  s0: {image: nginx}\n");
    (void)error_with(parse(&w, str_text(&text)), "extend one another");
    arena_free(w.arena);
}

static void test_circles(void **state)
{
    struct world w;

    (void)state;
    setup_world(&w);
    put(&w, "shop.compose.yaml", "include: [shop.compose.yaml]\nservices: {a: {image: b}}\n");
    put(&w, "ring.yaml", "include: [sub/ring.yaml]\n");
    put(&w, "sub/ring.yaml", "include: [../ring.yaml]\n");
    (void)error_with(parse(&w, "include: [shop.compose.yaml]\nservices: {a: {image: b}}\n"),
                     "circle that comes back to r/shop.compose.yaml");
    (void)error_with(parse(&w, "include: [ring.yaml]\nservices: {a: {image: b}}\n"),
                     "circle that comes back to r/ring.yaml");
    (void)error_with(parse(&w, "services: {a: {extends: a, image: b}}\n"), "circle");
    (void)error_with(parse(&w, "services: {a: {image: b, depends_on: [b]}, b: {image: b, "
                               "depends_on: [a]}}\n"),
                     "circle");
    arena_free(w.arena);
}

/* A file that includes the next twice, the next again twice: 2^n of them. */
static void test_include_multiply(void **state)
{
    struct world w;

    (void)state;
    setup_world(&w);
    for (int i = 0; i < 7; i++)
        put(&w, arena_printf(w.arena, "f%d.yaml", i),
            arena_printf(w.arena, "include: [f%d.yaml, {path: f%d.yaml}]\n", i + 1, i + 1));
    put(&w, "f7.yaml", "services: {a: {image: b}}\n");
    (void)error_with(parse(&w, "include: [f0.yaml]\n"), "more than 100 files");
    assert_true(w.reads <= LIMIT_COMPOSE_FILES + 10);
    arena_free(w.arena);
}

/* One large file under many names. */
static void test_large_files(void **state)
{
    CLEANUP(str_release) struct str text = STR_INIT, main = STR_INIT;
    struct world w;

    (void)state;
    setup_world(&w);
    str_add(&text, "services:\n");
    while (text.len < (1 << 20) - 200)
        str_add(&text, "# a long remark about nothing at all, once more\n");
    put(&w, "big.yaml", str_text(&text));
    str_add(&main, "include:\n");
    for (int i = 0; i < 50; i++)
        str_add(&main, "  - big.yaml\n");
    (void)error_with(parse(&w, str_text(&main)), "bytes in all texts");
    arena_free(w.arena);
}

/* A long text that comes to nothing, shared by thousands of places. */
static void test_empty_variables_multiply(void **state)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    struct world w;

    (void)state;
    setup_world(&w);
    str_add(&text, "x-a: &a \"");
    for (int i = 0; i < 8000; i++)
        str_addf(&text, "$N%d", i);
    str_add(&text, "\"\nservices:\n  a:\n    image: b\n    labels:\n");
    for (int i = 0; i < 4000; i++)
        str_addf(&text, "      l%d: *a\n", i);
    const struct spec_file *f = parse(&w, str_text(&text));

    (void)error_with(f, "bytes in all texts");
    assert_true(f->diags.warnings <= 16); /* of one text, said once */
    arena_free(w.arena);
}

/* ---- outside ---- */

static void test_outside(void **state)
{
    static const char *const rows[] = {
        "include: [../x.yaml]\n",
        "include: [/etc/x.yaml]\n",
        "include: [a/../../x.yaml]\n",
        "include: [/rx/y.yaml]\n",
        "include: [{path: ok.yaml, env_file: ../x.env}]\n",
        "include: [{path: ok.yaml, project_directory: ..}]\n",
        "services: {a: {extends: {file: ../x.yaml, service: y}}}\n",
        "services: {a: {extends: {file: \"${UP}/x.yaml\", service: y}}}\n",
        "services: {a: {image: b, env_file: ../x.env}}\n",
        "services: {a: {image: b, env_file: [{path: /etc/passwd, required: false}]}}\n",
        "services: {a: {image: b, env_file: \"${UP}/x.env\"}}\n",
        "services: {a: {image: b, label_file: [a/../../x]}}\n",
    };
    struct world w;

    (void)state;
    setup_world(&w);
    put(&w, "ok.yaml", "services: {web: {image: nginx}}\n");
    put(&w, ".env", "UP=..\n");
    /* load() fails the test when it is asked for anything else */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        (void)error_with(parse(&w, rows[i]), "outside /r");
    arena_free(w.arena);
}

/* ---- merging ---- */

static const struct app *merged(struct world *w, const char *base, const char *over)
{
    w->n_parts = 0;
    put(w, "shop.compose.override.yaml", over);
    return app_of(parse(w, base));
}

static void test_unique(void **state)
{
    struct world w;
    const struct service *s;

    (void)state;
    setup_world(&w);
    s = &merged(
             &w, "services: {a: {image: b, ports: ['80:80', '[::1]:81:81/udp', '82']}}\n",
             "services: {a: {ports: ['0.0.0.0:80:80', {target: 81, published: 81, host_ip: '::1', "
             "protocol: udp}, '82:82']}}\n")
             ->services[0];
    assert_int_equal(s->n_ports, 4);
    assert_string_equal(s->ports[0].host_ip, "0.0.0.0"); /* the later one stands */
    assert_int_equal(s->ports[2].published, 0);
    assert_int_equal(s->ports[3].published, 82);
    s = &merged(&w, "services: {a: {image: b, volumes: ['/x:/a:ro', /b, './y:/c']}}\n",
                "services: {a: {volumes: ['/z:/a/', {type: bind, source: ./w, target: /c}]}}\n")
             ->services[0];
    assert_int_equal(s->n_mounts, 3);
    assert_string_equal(s->mounts[0].source, "/z");
    assert_int_equal(s->mounts[0].read_only, TRI_UNSET); /* replaced, not mixed */
    assert_string_equal(s->mounts[2].source, "/r/w");
    s = &merged(&w, "services: {a: {image: b, env_file: [{path: a.env, required: false}]}}\n",
                "services: {a: {env_file: [{path: b.env, required: false}]}}\n")
             ->services[0];
    assert_int_equal(s->env_files.n, 2);
    arena_free(w.arena);
}

static void test_null_changes_nothing(void **state)
{
    struct world w;
    const struct app *a;

    (void)state;
    setup_world(&w);
    a = merged(&w, "services: {a: {image: b, user: x}}\nvolumes: {}\n",
               "services: {a: {user: }}\nvolumes:\n");
    assert_string_equal(a->services[0].user, "x");
    a = merged(&w, "services: {a: {image: b}}\nvolumes:\n",
               "services: {a: {volumes: ['v:/v']}}\nvolumes: {v: }\n");
    assert_int_equal(a->n_volumes, 1);
    arena_free(w.arena);
}

/* What is wrong is told where it stands, whichever file that is. */
static void test_places(void **state)
{
    struct world w;
    const struct diag *d;

    (void)state;
    setup_world(&w);
    put(&w, "shop.compose.override.yaml", "services:\n  a:\n    ports:\n      - x\n    usr: y\n");
    const struct spec_file *f =
        parse(&w, "services:\n  a:\n    image: b\n    ports: [y]\n    restart: sometimes\n");

    d = error_with(f, "unknown key \"usr\"");
    assert_string_equal(d->at.file, "r/shop.compose.override.yaml");
    assert_int_equal(d->at.line, 5);
    assert_string_equal(d->source, "    usr: y");
    d = error_with(f, "\"x\"");
    assert_string_equal(d->at.file, "r/shop.compose.override.yaml");
    assert_int_equal(d->at.line, 4);
    assert_int_equal(d->at.column, 9);
    d = error_with(f, "\"y\"");
    assert_string_equal(d->at.file, "r/shop.compose.yaml");
    assert_string_equal(d->path, "services.a.ports[0]");
    d = error_with(f, "\"sometimes\"");
    assert_string_equal(d->at.file, "r/shop.compose.yaml");
    assert_int_equal(d->at.line, 5);
    assert_int_equal(d->at.column, 14);
    arena_free(w.arena);
}

/* ---- which files are apps ---- */

static void test_names(void **state)
{
    static const struct {
        const char *path, *name;
    } rows[] = {
        {"shop.compose.yaml", "shop"},
        {"shop.compose.yml", "shop"},
        {"compose.yaml", "r"},
        {"docker-compose.yml", "r"},
        {"a.docker-compose.yaml", "a"},
        {"infra.yaml", "infra"},
        {"My_Shop.compose.yaml", "my-shop"},
        {"-x-.compose.yaml", "x"},
        {"a.b.compose.yaml", "ab"},
    };
    struct world w;

    (void)state;
    setup_world(&w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct spec_file *f = parse_as(&w, rows[i].path, "services: {a: {image: b}}\n");

        assert_string_equal(app_of(f)->name, rows[i].name);
        assert_string_equal(f->documents[0].name, rows[i].name);
    }
    arena_free(w.arena);
}

static void test_override_is_no_app(void **state)
{
    struct world w;

    (void)state;
    setup_world(&w);
    put(&w, "compose.yaml", "services: {a: {image: b}}\n");
    put(&w, "shop.compose.yml", "services: {a: {image: b}}\n");
    const struct spec_file *f = parse_as(&w, "compose.override.yml", "services: {a: {user: x}}\n");

    assert_false(f->broken);
    assert_null(f->documents[0].app);
    assert_null(f->documents[0].name);
    assert_false(parse_as(&w, "shop.compose.override.yaml", "services: {a: {}}\n")->broken);
    /* Only names that Compose reads by itself have overrides. */
    f = parse_as(&w, "prod.override.yaml", "services: {a: {image: x}}\n");
    assert_non_null(f->documents[0].app);
    arena_free(w.arena);
}

/* ---- archives ---- */

static int no_files(void *ctx, const char *path, struct arena *a, const char **ret_text,
                    size_t *ret_n, struct err *e)
{
    (void)ctx, (void)a, (void)ret_text, (void)ret_n;
    return err_set(e, ERR_DENIED, "%s", path);
}

static struct spec_file *parse_bundle(struct arena *a, const char *text)
{
    struct spec_file *f = ARENA_NEW(a, struct spec_file);
    const struct loader loader = {.read = no_files, .bundle = "/r/My_Shop.zip"};

    document_parse("/r", "My_Shop.zip", "r/My_Shop.zip:compose.yaml", "/nonexistent", text,
                   strlen(text), &loader, a, f);
    return f;
}

static void test_bundle_main(void **state)
{
    static const struct {
        const char *text, *main;
        int port;
    } rows[] = {
        {"services: {a: {image: x}}", "a", 0},
        {"services: {a: {image: x}, b: {image: y, ports: ['80']}}", "b", 80},
        {"services: {a: {image: x}, b: {image: y, expose: [81/tcp]}}", "b", 81},
        {"services: {a: {image: x, expose: [1]}, b: {image: y, expose: [1, 2], labels: "
         "[evenkeel.main=true]}}",
         "b", 0},
        {"services: {a: {image: x, labels: {milkcrate.main_service: 'true'}}, b: {image: y}}", "a",
         0},
        {"services: {a: {image: x, expose: [1]}, b: {image: y, expose: [1]}}", NULL, 0},
        {"services: {a: {image: x}, b: {image: y, x-evenkeel: {route: /own}}}", "b", 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const struct spec_file *f = parse_bundle(a, rows[i].text);
        const struct app *app = app_of(f);

        assert_string_equal(app->name, "my-shop");
        for (size_t k = 0; k < app->n_services; k++) {
            const struct service *s = &app->services[k];

            assert_null(kvs_get(&s->labels, "evenkeel.main"));
            if (!rows[i].main || strcmp(s->name, rows[i].main) != 0) {
                assert_int_equal(s->n_routes, 0);
                continue;
            }
            assert_int_equal(s->n_routes, 1);
            assert_string_equal(s->routes[0].path, i == 6 ? "/own" : "/my-shop");
            assert_int_equal(s->port.v, rows[i].port);
        }
        assert_int_equal(f->diags.warnings, rows[i].main ? 0 : 1);
    }
}

static void test_bundle_build(void **state)
{
    struct arena *a = arena_new();
    const struct app *app = app_of(parse_bundle(
        a, "services: {a: {build: ./web}, b: {build: .}, c: {build: {context: d/e}}, d: {}}"));

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(app->services[i].build.bundle, "/r/My_Shop.zip");
    assert_string_equal(app->services[0].build.path, "web");
    assert_null(app->services[1].build.path);
    assert_string_equal(app->services[2].build.path, "d/e");
    (void)error_with(parse_bundle(a, "include: [x.yaml]\nservices: {a: {image: x}}"),
                     "cannot read");
    (void)error_with(parse_bundle(a, "services: {a: {extends: {file: ../x.yaml, service: y}}}"),
                     "outside");
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_long_line),
        cmocka_unit_test(test_variables_multiply),
        cmocka_unit_test(test_hostile_aliases),
        cmocka_unit_test(test_extends_multiply),
        cmocka_unit_test(test_many_services),
        cmocka_unit_test(test_long_chain),
        cmocka_unit_test(test_circles),
        cmocka_unit_test(test_include_multiply),
        cmocka_unit_test(test_large_files),
        cmocka_unit_test(test_empty_variables_multiply),
        cmocka_unit_test(test_outside),
        cmocka_unit_test(test_unique),
        cmocka_unit_test(test_null_changes_nothing),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_override_is_no_app),
        cmocka_unit_test(test_bundle_main),
        cmocka_unit_test(test_bundle_build),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
