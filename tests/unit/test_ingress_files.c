/* What Traefik reads besides its routes: copies by content, what is made once, what goes; which apps have a route file; and what people are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/ingress_files.h"
#include "agent/ingress_routes.h"
#include "agent/ingress_words.h"
#include "agent/secrets.h"
#include "drivers/fsx.h"
#include "scratch.h"
#include "spec/base/arena.h"

#define DAY INT64_C(86400000)

static struct stat stat_of(const char *path)
{
    struct stat st = {0};

    (void)stat(path, &st);
    return st;
}

static const char *copy_of(const char *digest, struct arena *a)
{
    return arena_printf(a, "ingress/files/%s", digest);
}

static void test_made_once(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *users = NULL, *pem = NULL, *users_again = NULL, *pem_again = NULL, *text;
    struct err e = {0};
    size_t n;

    (void)state;
    assert_int_equal(ingress_files_own(".", a, &users, &pem, &e), 0);
    assert_int_equal(stat_of("ingress/api-password").st_mode & 07777, 0600);
    assert_int_equal(stat_of("ingress/default.pem").st_mode & 07777, 0600);
    assert_int_equal(stat_of("ingress/api-password").st_size, 65);
    assert_int_equal(fsx_read(copy_of(users, a), 1000, a, &text, &n, NULL, &e), 0);
    assert_int_equal(strncmp(text, "evenkeel:{SHA}", 14), 0);
    assert_int_equal(fsx_read(copy_of(pem, a), 10000, a, &text, &n, NULL, &e), 0);
    struct secret_nature nature = secret_nature_of(text, n);

    assert_string_equal(nature.problem, "");
    assert_true(nature.not_after_ms > (int64_t)time(NULL) * 1000 + 3650 * DAY);
    if (geteuid() == 0) {
        assert_int_equal(stat_of("ingress/files").st_gid, 65532);
        assert_int_equal(stat_of("ingress/files").st_mode & 07777, 02750);
        assert_int_equal(stat_of(copy_of(pem, a)).st_gid, 65532);
        assert_int_equal(stat_of(copy_of(pem, a)).st_mode & 07777, 0640);
    }
    assert_int_equal(ingress_files_own(".", a, &users_again, &pem_again, &e), 0);
    assert_string_equal(users_again, users);
    assert_string_equal(pem_again, pem);
    assert_int_equal(unlink(copy_of(pem, a)), 0); /* somebody tidied up */
    assert_int_equal(ingress_files_own(".", a, &users_again, &pem_again, &e), 0);
    assert_int_equal(access(copy_of(pem, a), R_OK), 0);
    assert_int_equal(ingress_files_acme(".", &e), 0);
    assert_int_equal(stat_of("ingress-acme").st_mode & 07777, 0700);
}

static void test_secrets_and_sweep(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *one = NULL, *two = NULL, *none = "untouched";
    struct strv keep = {0};
    struct err e = {0};

    (void)state;
    assert_int_equal(secrets_set(".", "blog", "users", "anna:x\n", 7, &e), 0);
    assert_int_equal(ingress_files_secret(".", "blog/users", a, &one, &e), 0);
    assert_int_equal(secrets_set(".", "blog", "users", "bert:y\n", 7, &e), 0);
    assert_int_equal(ingress_files_secret(".", "blog/users", a, &two, &e), 0);
    assert_string_not_equal(one, two);
    assert_int_equal(ingress_files_secret(".", "nobody", a, &none, &e), -1);
    assert_string_equal(none, "untouched");
    make_dir("ingress/routes");
    put("ingress/routes/blog.yaml", arena_printf(a, "usersFile: /etc/evenkeel/files/%s\n", one));
    strv_push(a, &keep, two);
    age(copy_of(one, a), 100000), age(copy_of(two, a), 100000);
    ingress_files_sweep(".", &keep, 10);
    assert_int_equal(access(copy_of(one, a), F_OK), 0); /* a route still names it */
    put("ingress/routes/blog.yaml", "");
    ingress_files_sweep(".", &keep, 1000);
    assert_int_equal(access(copy_of(one, a), F_OK), 0); /* too young */
    ingress_files_sweep(".", &keep, 10);
    assert_int_not_equal(access(copy_of(one, a), F_OK), 0);
    assert_int_equal(access(copy_of(two, a), F_OK), 0);
}

static void test_routes(void **state)
{
    struct ingress_routes *r = ingress_routes_new(".");

    (void)state;
    assert_false(ingress_routes_scan(r)); /* no folder */
    make_dir("ingress"), make_dir("ingress/routes");
    save("ingress/routes/shop.yaml", "# route: shop.example.org/\n# route: /shop\nhttp: {}\n");
    save("ingress/routes/blog.yaml", "# route: /blog\n");
    save("ingress/routes/evenkeel.yaml", "# route: /\n");
    put("ingress/routes/note.txt", "x");
    put("ingress/routes/Not-An-App.yaml", "x");
    pause_ms(60);
    assert_true(ingress_routes_scan(r));
    assert_int_equal(ingress_routes_apps(r)->n, 2);
    assert_string_equal(ingress_routes_apps(r)->v[0], "blog");
    assert_string_equal(ingress_routes_apps(r)->v[1], "shop");
    assert_string_equal(kvs_get(ingress_routes_served(r), "/shop"), "shop");
    assert_string_equal(kvs_get(ingress_routes_served(r), "/blog"), "blog");
    assert_false(ingress_routes_scan(r));
    save("ingress/routes/blog.yaml", "# route: /news\n");
    pause_ms(60);
    assert_true(ingress_routes_scan(r));
    assert_null(kvs_get(ingress_routes_served(r), "/blog"));
    assert_string_equal(kvs_get(ingress_routes_served(r), "/news"), "blog");
    assert_string_equal(kvs_get(ingress_routes_served(r), "/shop"), "shop");
    assert_int_equal(unlink("ingress/routes/shop.yaml"), 0);
    assert_true(ingress_routes_scan(r));
    assert_int_equal(ingress_routes_apps(r)->n, 1);
    /* changed in the same instant as it was read */
    save("ingress/routes/tea.yaml", "");
    (void)ingress_routes_scan(r);
    save("ingress/routes/tea.yaml", "# route: /tea\n");
    assert_true(ingress_routes_scan(r));
    assert_string_equal(kvs_get(ingress_routes_served(r), "/tea"), "tea");
    ingress_routes_free(r);
}

static void test_words(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *addresses[] = {"http://a/", "http://b/", "http://c/", "http://d/", "http://e/"};
    const char *names[] = {"blog/cert", "old", "pw"};
    const struct secret_facts secrets[] = {{.name = "blog/cert", .not_after_ms = 1000 * DAY},
                                           {.name = "old", .not_after_ms = 985 * DAY},
                                           {.name = "pw"}};
    struct want_app app = {.name = "blog", .secrets = {names, 3}, .addresses = {addresses, 5}};
    const struct settings settings = {.owner = "default"};
    const struct desired d = {.settings = &settings, .apps = &app, .n_apps = 1};
    const struct spec_set set = {.secrets = secrets, .n_secrets = 3};
    struct ingress_certificate *v;
    struct strv lines = {0};
    size_t n;

    (void)state;
    assert_string_equal(ingress_words_addresses(&app, a), "http://a/ http://b/ http://c/ +2");
    app.addresses.n = 0;
    assert_null(ingress_words_addresses(&app, a));
    ingress_words_certificates(&d, &set, a, &v, &n);
    assert_int_equal(n, 2);
    ingress_words_ending(v, n, 900 * DAY, a, &lines);
    assert_int_equal(lines.n, 0);
    ingress_words_ending(v, n, 986 * DAY, a, &lines);
    assert_int_equal(lines.n, 2);
    assert_string_equal(lines.v[0],
                        "the certificate blog/cert of blog ends at 1972-09-27T00:00:00Z (14 days); "
                        "once it is renewed: evenkeel secret set --app blog cert --file NEW");
    assert_non_null(strstr(lines.v[1], "ended at 1972-09-12"));
    assert_null(ingress_words_mode(&d, a));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {TEST(test_made_once), TEST(test_secrets_and_sweep),
                                       TEST(test_routes), TEST(test_words)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
