/* Uploaded archives: who is named stays, who is not goes after a week, and nobody goes while something cannot be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/bundles_gc.h"
#include "agent/core.h"
#include "agent/sources.h"

#include "scratch.h"

#define ONE "1111111111111111111111111111111111111111111111111111111111111111"
#define TWO "2222222222222222222222222222222222222222222222222222222222222222"
#define FOLDER "root/uploads/.bundles/"

static int setup(void **state)
{
    if (scratch_setup(state) != 0)
        return -1;
    (void)mkdir("root", 0700);
    (void)mkdir("root/uploads", 0700);
    (void)mkdir("root/uploads/.bundles", 0700);
    put(FOLDER ONE ".zip", "12345");
    put(FOLDER TWO ".tar.gz", "1234567");
    put(FOLDER "notes.zip", "not ours");
    put("root/uploads/blog.yaml",
        "app: blog\nsource: {bundle: .bundles/" ONE ".zip}\nroute: /blog\n");
    return 0;
}

static struct bundles_gc collect(int64_t later_ms, bool dry_run)
{
    const char *roots[] = {"root"};
    struct sources *s = sources_new(roots, 1, NULL);
    struct bundles_gc ret;

    (void)sources_scan(s, NULL);
    bundles_gc(s, "root/uploads/.bundles", core_now_ms() + later_ms, dry_run, &ret);
    sources_free(s);
    return ret;
}

static bool there(const char *path)
{
    return access(path, F_OK) == 0;
}

static void test_after_a_week(void **state)
{
    struct bundles_gc r = collect(0, true);

    (void)state;
    assert_int_equal(r.waiting, 1);
    assert_false(there(FOLDER TWO ".tar.gz.unnamed")); /* a dry run marks nothing */
    r = collect(2 * BUNDLES_GRACE_MS, false);          /* however old it is: its week begins now */
    assert_int_equal(r.removed, 0);
    assert_true(there(FOLDER TWO ".tar.gz"));
    r = collect(BUNDLES_GRACE_MS - 60000, false);
    assert_int_equal(r.removed, 0);
    assert_int_equal(r.waiting, 1);
    r = collect(BUNDLES_GRACE_MS + 1000, true);
    assert_int_equal(r.removed, 1);
    assert_true(there(FOLDER TWO ".tar.gz"));
    r = collect(BUNDLES_GRACE_MS + 1000, false);
    assert_int_equal(r.removed, 1);
    assert_int_equal(r.bytes, 7);
    assert_false(there(FOLDER TWO ".tar.gz"));
    assert_false(there(FOLDER TWO ".tar.gz.unnamed"));
    assert_true(there(FOLDER ONE ".zip"));
    assert_true(there(FOLDER "notes.zip"));
}

static void test_named_again(void **state)
{
    struct bundles_gc r = collect(0, false);

    (void)state;
    assert_int_equal(r.waiting, 1);
    put("root/blog2.yaml", "app: blog2\nsource: {bundle: uploads/.bundles/" TWO ".tar.gz}\n");
    r = collect(BUNDLES_GRACE_MS + 1000, false);
    assert_int_equal(r.removed + r.waiting, 0);
    assert_false(there(FOLDER TWO ".tar.gz.unnamed"));
    assert_true(there(FOLDER TWO ".tar.gz"));
}

/* An archive is the app's that it was sent for; the same bytes, sent for another, are another. */
static void test_of_an_app(void **state)
{
    (void)state;
    put(FOLDER "blog." TWO ".zip", "1");
    put(FOLDER "a-shop." TWO ".zip", "12");
    put(FOLDER "no_app." TWO ".zip.more", "123");
    put("root/uploads/blog2.yaml", "app: a-shop\nsource: {bundle: .bundles/a-shop." TWO ".zip}\n");
    struct bundles_gc r = collect(0, false);

    assert_int_equal(bundles_of_app("root/uploads/.bundles", "blog"), 1);
    assert_int_equal(bundles_of_app("root/uploads/.bundles", "a-shop"), 2);
    assert_int_equal(bundles_of_app("root/uploads/.bundles", "shop"), 0);
    assert_int_equal(bundles_of_app("root/nowhere", "shop"), 0);
    assert_int_equal(r.waiting, 1);
    assert_true(there(FOLDER "blog." TWO ".zip.unnamed"));
    r = collect(BUNDLES_GRACE_MS + 1000, false);
    assert_int_equal(r.removed, 1);
    assert_int_equal(r.bytes, 1);
    assert_false(there(FOLDER "blog." TWO ".zip"));
    assert_true(there(FOLDER "a-shop." TWO ".zip"));
}

/* A file with a mistake still names what it names; a root that is not there may name anything. */
static void test_what_is_not_known(void **state)
{
    (void)state;
    (void)collect(0, false);
    put("root/uploads/blog.yaml", "app: blog\nsauce: {bundle: .bundles/" ONE ".zip}\n");
    struct bundles_gc r = collect(BUNDLES_GRACE_MS + 1000, false);

    assert_true(there(FOLDER ONE ".zip"));
    assert_false(there(FOLDER ONE ".zip.unnamed"));
    put(FOLDER TWO ".tar.gz", "again");
    put(FOLDER TWO ".tar.gz.unnamed", "");

    const char *roots[] = {"root", "elsewhere"};
    struct sources *s = sources_new(roots, 2, NULL);

    (void)sources_scan(s, NULL);
    bundles_gc(s, "root/uploads/.bundles", core_now_ms() + 2 * BUNDLES_GRACE_MS, false, &r);
    sources_free(s);
    assert_int_equal(r.removed + r.waiting, 0);
    assert_true(there(FOLDER TWO ".tar.gz"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_after_a_week, setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_named_again, setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_of_an_app, setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_not_known, setup, scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
