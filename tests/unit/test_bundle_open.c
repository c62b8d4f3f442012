/* test_bundle_open.c: specs inside archives, from texts: what reaches outside is refused by name and place, and what a spec says of an archive with a Compose file goes where
 * it belongs. That the texts are those of a real archive is shown on the engine (test_compose_bundle.sh). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/bundle_open.h"
#include "spec/base/arena.h"
#include "spec/document.h"

#define ARCHIVE "/r/shop.zip"

struct archive {
    struct arena *arena;
    struct bundle_spec spec;
};

static struct archive archive_of(const char *name, const char *text)
{
    return (struct archive){arena_new(), {.name = name, .text = text}};
}

static const char *all_diags(const struct spec_file *f, struct arena *a)
{
    CLEANUP(str_release) struct str out = STR_INIT;

    for (size_t i = 0; i < f->diags.n; i++)
        diag_print(&f->diags.v[i], false, &out);
    return arena_strdup(a, str_text(&out));
}

static int no_files(void *ctx, const char *path, struct arena *a, const char **ret_text,
                    size_t *ret_n, struct err *e)
{
    (void)ctx, (void)a, (void)ret_text, (void)ret_n;
    return err_set(e, ERR_MISSING, "no %s", path);
}

static struct spec_file *parse(struct arena *a, const char *path, const char *text)
{
    const struct loader loader = {.read = no_files};
    struct spec_file *f = ARENA_NEW(a, struct spec_file);

    document_parse("/r", path, arena_printf(a, "r/%s", path), "/r", text, strlen(text), &loader, a,
                   f);
    return f;
}

static const struct bundle_spec *known(void *ctx, const char *path)
{
    return strcmp(path, ARCHIVE) == 0 ? &((struct archive *)ctx)->spec : NULL;
}

/* ---- an archive by itself ---- */

static const struct spec_file *opened(struct archive *x)
{
    struct spec_file *f = parse(x->arena, "shop.zip", "app: shop\nsource: {bundle: shop.zip}\n");

    f->bundle = ARCHIVE;
    return bundle_open(f, &x->spec, NULL, x->arena);
}

static void what_reaches_outside_is_refused(void **state)
{
    static const struct {
        const char *lines, *at, *words;
    } rows[] = {
        {"    env_file: ../../etc/passwd", "4:15", "it lies outside the archive"},
        {"    env_file: link", "4:15", "it is a link to /etc/passwd"},
        {"    extends: {file: /etc/x.yaml, service: x}", "4:21",
         "/etc/x.yaml lies outside the archive"},
        {"    extends: {file: ../x.yaml, service: x}", "4:21", "lies outside the archive"},
        {"    command: x\ninclude: [../x.yaml]", "5:11", "lies outside the archive"},
        {"    command: x\ninclude: [{path: in.yaml, project_directory: ../..}]", "5:11",
         "lies outside the archive"},
        {"    command: x\ninclude: [{path: in.yaml, env_file: ../.env}]", "5:11",
         "lies outside the archive"},
        {"    build: {context: web, dockerfile: ../../etc/passwd}", "4:39", "leaves the source"},
        {"    build: {context: web, dockerfile: /etc/passwd}", "4:39", "must be relative"},
        {"    secrets: [s]\nsecrets: {s: {file: /etc/shadow}}", "5:14",
         "it lies outside the archive"},
        {"    configs: [s]\nconfigs: {s: {file: ../../etc/shadow}}", "5:14",
         "it lies outside the archive"},
        {"    label_file: ../x", "4:17", "it lies outside the archive"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct archive x = archive_of("compose.yaml", NULL);

        x.spec.text =
            arena_printf(x.arena, "services:\n  web:\n    image: nginx\n%s\n", rows[i].lines);
        kvs_set(x.arena, &x.spec.files, "link", "!it is a link to /etc/passwd");
        kvs_set(x.arena, &x.spec.files, "in.yaml", "=services: {in: {image: nginx}}\n");
        const struct spec_file *f = opened(&x);
        const char *said = all_diags(f, x.arena);
        const char *want = arena_printf(x.arena, "r/shop.zip:compose.yaml:%s: error: ", rows[i].at);

        if (!f->broken || !strstr(said, want) || !strstr(said, rows[i].words))
            fail_msg("%s\nshould say %s...%s, says\n%s", rows[i].lines, want, rows[i].words, said);
        arena_free(x.arena);
    }
}

static void files_beside_it_are_read(void **state)
{
    struct archive x =
        archive_of("compose.yaml", "services:\n"
                                   "  web: {image: \"$IMAGE\", env_file: web.env, expose: [80]}\n"
                                   "  db: {extends: {file: common/base.yaml, service: base}}\n");

    (void)state;
    kvs_set(x.arena, &x.spec.files, ".env", "=IMAGE=nginx\n");
    kvs_set(x.arena, &x.spec.files, "web.env", "=A=1\n");
    kvs_set(x.arena, &x.spec.files, "common/base.yaml",
            "=services: {base: {build: ./db, labels: {a: b}}}\n");
    kvs_set(x.arena, &x.spec.files, "compose.override.yaml", "=services: {web: {hostname: h}}\n");
    const struct spec_file *f = opened(&x);

    if (f->diags.n > 0)
        fail_msg("%s", all_diags(f, x.arena));
    const struct app *app = f->documents[0].app;

    assert_string_equal(app->name, "shop");
    assert_int_equal(app->n_services, 2);
    const struct service *db = &app->services[0], *web = &app->services[1];

    assert_string_equal(web->image, "nginx");
    assert_string_equal(web->hostname, "h");
    assert_string_equal(kvs_get(&web->environment, "A"), "1");
    assert_int_equal(web->n_routes, 1);
    assert_string_equal(web->routes[0].path, "/shop");
    assert_string_equal(db->build.bundle, ARCHIVE);
    assert_string_equal(db->build.path, "common/db");
    assert_int_equal(db->n_routes, 0);
    arena_free(x.arena);
}

/* ---- an archive that a spec names ---- */

static const char two[] = "services:\n"
                          "  web:\n"
                          "    image: nginx\n"
                          "    expose: [8080]\n"
                          "    volumes: [\"own:/own\", \"old:/data\"]\n"
                          "    environment: {A: inside, B: inside}\n"
                          "    x-evenkeel: {route: /inside}\n"
                          "  db: {image: mariadb}\n"
                          "volumes: {own: , old: }\n";

static const struct spec_file *joined(struct archive *x, const char *lines)
{
    const char *text = arena_printf(x->arena, "app: www\nsource: {bundle: shop.zip}\n%s", lines);

    return bundle_join(parse(x->arena, "www.yaml", text), known, x, x->arena);
}

static void a_spec_speaks_for_the_main_service(void **state)
{
    struct archive x = archive_of("docker-compose.yml", two);
    const struct spec_file *f = joined(&x, "route: www.example.org\ndrift: report\n"
                                           "volumes: [\"data:/data\"]\nenvironment: {A: spec}\n");

    (void)state;
    if (f->broken)
        fail_msg("%s", all_diags(f, x.arena));
    const struct app *app = f->documents[0].app;
    const struct service *db = &app->services[0], *web = &app->services[1];

    assert_string_equal(app->name, "www");
    assert_int_equal(app->drift.mode, DRIFT_REPORT);
    assert_int_equal(web->n_routes, 1);
    assert_string_equal(web->routes[0].host, "www.example.org");
    assert_int_equal(web->port.v, 8080);
    assert_string_equal(kvs_get(&web->environment, "A"), "spec");
    assert_string_equal(kvs_get(&web->environment, "B"), "inside");
    assert_int_equal(web->n_mounts, 2);
    assert_string_equal(web->mounts[0].source, "own");
    assert_string_equal(web->mounts[1].source, "data");
    assert_int_equal(app->n_volumes, 3);
    assert_string_equal(app->volumes[0].key, "data");
    assert_int_equal(db->n_mounts + db->n_routes + db->environment.n, 0);
    arena_free(x.arena);
}

static void a_spec_without_a_route_leaves_those_inside(void **state)
{
    struct archive x = archive_of("docker-compose.yml", two);
    const struct app *app = joined(&x, "")->documents[0].app;

    (void)state;
    assert_string_equal(app->services[1].routes[0].path, "/inside");
    x.spec.text = "services: {a: {image: nginx}}\n";
    app = joined(&x, "")->documents[0].app;
    assert_int_equal(app->services[0].n_routes, 0); /* an `app:` has one only if it says so */
    arena_free(x.arena);
}

static void what_no_service_can_be_meant_by_is_refused(void **state)
{
    static const struct {
        const char *lines, *words;
    } rows[] = {
        {"user: \"1000\"\n", "r/www.yaml:1:6: error: `user` says nothing of which service"},
        {"mem_limit: 1g\n", "`mem_limit` says nothing of which service"},
        {"source: {bundle: shop.zip, strategy: compose, target: x}\n",
         "`strategy: compose` leaves"},
    };
    struct archive x = archive_of("compose.yaml", two);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *text = arena_printf(
            x.arena, "app: www\n%s%s",
            strncmp(rows[i].lines, "source", 6) == 0 ? "" : "source: {bundle: shop.zip}\n",
            rows[i].lines);
        const struct spec_file *f =
            bundle_join(parse(x.arena, "www.yaml", text), known, &x, x.arena);
        const char *said = all_diags(f, x.arena);

        if (!f->broken || f->documents[0].app || !strstr(said, rows[i].words))
            fail_msg("%s should say %s, says\n%s", rows[i].lines, rows[i].words, said);
        assert_int_equal(f->documents[0].bundles.n, 1); /* which is still no app by itself */
    }
    x.spec.text = "services: {a: {image: x, expose: [1]}, b: {image: x, expose: [2]}}\n";
    const struct spec_file *f = joined(&x, "volumes: [\"d:/d\"]\n");

    assert_non_null(strstr(all_diags(f, x.arena), "none of the Compose file's services"));
    arena_free(x.arena);
}

static void an_archive_without_one_is_left_alone(void **state)
{
    struct archive x = archive_of("", "");
    struct spec_file *f = parse(x.arena, "www.yaml", "app: www\nsource: {bundle: shop.zip}\n");

    (void)state;
    assert_ptr_equal(bundle_join(f, known, &x, x.arena)->documents[0].app, f->documents[0].app);
    f = parse(x.arena, "www.yaml", "app: www\nsource: {bundle: shop.zip, strategy: compose}\n");
    assert_non_null(strstr(all_diags(bundle_join(f, known, &x, x.arena), x.arena),
                           "there is no compose.yaml in r/shop.zip"));
    x.spec = (struct bundle_spec){.name = "compose.yaml", .text = two};
    f = parse(x.arena, "www.yaml", "app: www\nsource: {bundle: shop.zip, strategy: dockerfile}\n");
    assert_ptr_equal(bundle_join(f, known, &x, x.arena), f);
    arena_free(x.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_reaches_outside_is_refused),
        cmocka_unit_test(files_beside_it_are_read),
        cmocka_unit_test(a_spec_speaks_for_the_main_service),
        cmocka_unit_test(a_spec_without_a_route_leaves_those_inside),
        cmocka_unit_test(what_no_service_can_be_meant_by_is_refused),
        cmocka_unit_test(an_archive_without_one_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
