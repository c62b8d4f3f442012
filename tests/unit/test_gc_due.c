/* Which images may go: the table of who stays, and that nothing which is not ours is ever named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "drivers/engine_images.h"
#include "reconcile/gc_due.h"
#include "spec/base/arena.h"

#define HOUR INT64_C(3600000)
#define NOW (1000 * HOUR)

struct world {
    struct arena *a;
    struct gc_image v[64];
    struct gc_input in;
    struct gc_due due;
};

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    w->a = arena_new();
    w->in = (struct gc_input){.images = w->v, .now_ms = NOW};
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    arena_free(w->a);
    free(w);
    return 0;
}

static struct gc_image *add(struct world *w, const char *app, const char *service,
                            int64_t hours_old)
{
    size_t i = w->in.n_images++;

    w->v[i] = (struct gc_image){.id = arena_printf(w->a, "sha256:%04zu", i),
                                .app = app,
                                .service = service,
                                .created_ms = NOW - hours_old * HOUR,
                                .bytes = 100};
    return &w->v[i];
}

/* evenkeel/blog/app:00000000000N, of that age */
static struct gc_image *build(struct world *w, int n, int64_t hours_old)
{
    struct gc_image *x = add(w, "blog", "app", hours_old);

    strv_push(w->a, &x->tags, arena_printf(w->a, "evenkeel/blog/app:%012x", (unsigned)n));
    return x;
}

static const char *goes(struct world *w)
{
    CLEANUP(str_release) struct str s = STR_INIT;

    gc_due(&w->in, w->a, &w->due);
    for (size_t i = 0; i < w->due.n_items; i++)
        str_addf(&s, "%s%s", i ? " " : "", w->due.items[i].ref);
    return arena_strdup(w->a, str_text(&s));
}

/* Nobody goes back to an image of what there is no more, unless it only cannot be read. */
static void test_what_is_gone_leaves_nothing(void **state)
{
    struct world *w = *state;

    for (int i = 1; i <= 3; i++)
        (void)build(w, i, 30 - i);
    (void)build(w, 9, 23);
    assert_string_equal(goes(w), "");
    w->in.living_known = true;
    assert_string_equal(goes(w), "evenkeel/blog/app:000000000001 evenkeel/blog/app:000000000002 "
                                 "evenkeel/blog/app:000000000003");
    assert_string_equal(w->due.items[0].why, "there is no blog/app any more; last used 29h ago");
    strv_push(w->a, &w->in.living, "shop");
    strv_push(w->a, &w->in.living, "blog/worker"); /* another service of it */
    strv_push(w->a, &w->in.living, "blog-2");
    assert_int_equal(strlen(goes(w)), strlen("evenkeel/blog/app:000000000001") * 3 + 2);
    strv_push(w->a, &w->in.living, "blog/app");
    assert_string_equal(goes(w), "");
    w->in.living.v[3] = "blog"; /* an app of which the services are not known */
    assert_string_equal(goes(w), "");
    w->in.living.n = 3;
    strv_push(w->a, &w->in.busy, "evenkeel/blog/app:000000000002"); /* a stranger's container */
    assert_string_equal(goes(w), "evenkeel/blog/app:000000000001 evenkeel/blog/app:000000000003");
}

static void test_the_newest_five_stay(void **state)
{
    struct world *w = *state;

    assert_string_equal(goes(w), "");
    for (int i = 1; i <= 5; i++)
        (void)build(w, i, 1000 - i);
    assert_string_equal(goes(w), "");
    (void)build(w, 6, 30);
    (void)build(w, 7, 2);
    assert_string_equal(goes(w), "evenkeel/blog/app:000000000001 evenkeel/blog/app:000000000002");
    assert_int_equal(w->due.bytes, 200);
    assert_int_equal(w->due.kept, 5);
    assert_string_equal(w->due.items[0].why,
                        "not among the newest 5 of blog/app; last used 999h ago");
    assert_string_equal(w->due.items[0].app, "blog");
    assert_string_equal(w->due.items[0].service, "app");
}

static void test_a_day_after_the_last_use(void **state)
{
    struct world *w = *state;

    for (int i = 1; i <= 8; i++)
        (void)build(w, i, 500 - i);
    kvs_set(w->a, &w->in.used, "evenkeel/blog/app:000000000001",
            arena_printf(w->a, "%lld", (long long)(NOW - 25 * HOUR)));
    kvs_set(w->a, &w->in.used, "evenkeel/blog/app:000000000002",
            arena_printf(w->a, "%lld", (long long)(NOW - 23 * HOUR)));
    /* 2, 1, 8, 7, 6 are the newest by use */
    assert_string_equal(goes(w), "evenkeel/blog/app:000000000003 evenkeel/blog/app:000000000004 "
                                 "evenkeel/blog/app:000000000005");
}

static void test_the_bound(void **state)
{
    struct world *w = *state;

    for (int i = 1; i <= 5; i++)
        (void)build(w, i, 1);
    build(w, 6, 0)->created_ms = NOW - 24 * HOUR;
    build(w, 7, 0)->created_ms = NOW - 24 * HOUR + 1;
    assert_string_equal(goes(w), "evenkeel/blog/app:000000000006");
}

static void test_what_is_in_use_stays(void **state)
{
    struct world *w = *state;

    for (int i = 1; i <= 9; i++)
        (void)build(w, i, 500 - i);
    strv_push(w->a, &w->in.busy, "sha256:0000"); /* a container has 1 by its id */
    strv_push(w->a, &w->in.busy, "evenkeel/blog/app:000000000002"); /* a spec wants 2 */
    strv_push(w->a, &w->v[2].tags, "mine:latest");
    strv_push(w->a, &w->in.busy, "mine:latest"); /* a container has 3 by another name */
    strv_push(w->a, &w->v[3].digests, "r.example/x@sha256:aa");
    strv_push(w->a, &w->in.busy, "r.example/x@sha256:aa");
    /* these four and 9 are the newest five */
    assert_string_equal(goes(w), "evenkeel/blog/app:000000000005 evenkeel/blog/app:000000000006"
                                 " evenkeel/blog/app:000000000007 evenkeel/blog/app:000000000008");
    assert_int_equal(w->due.in_use.n, 4);
}

static void test_services_count_by_themselves(void **state)
{
    struct world *w = *state;

    for (int i = 1; i <= 5; i++)
        (void)build(w, i, 500 - i);
    for (int i = 1; i <= 6; i++) {
        struct gc_image *x = add(w, "blog", "Web_2", 400 + i);

        strv_push(w->a, &x->tags, arena_printf(w->a, "evenkeel/blog/web-2:%012x", (unsigned)i));
    }
    assert_string_equal(goes(w), "evenkeel/blog/web-2:000000000006");
}

static void test_nameless(void **state)
{
    struct world *w = *state;

    (void)add(w, "blog", "app", 2);
    (void)add(w, "blog", "app", 0); /* being built */
    (void)add(w, "blog", "app", 500);
    strv_push(w->a, &w->in.busy, w->v[2].id);
    strv_push(w->a, &add(w, "blog", "app", 500)->digests, "r.example/x@sha256:aa");
    for (int i = 1; i <= 5; i++)
        (void)build(w, i, 500 - i); /* nameless ones do not count */
    assert_string_equal(goes(w), "sha256:0000");
    assert_string_equal(w->due.items[0].why, "has no name any more; made 2h ago");
}

/* What is built FROM an image of ours inherits its labels, and is another's all the same. */
static void test_names_of_others(void **state)
{
    static const char *const names[] = {"company/blog:1",
                                        "evenkeel/blog/app:latest",
                                        "evenkeel/blog/app:0123456789a",
                                        "evenkeel/blog/app:0123456789abc",
                                        "evenkeel/blog/app:0123456789AB",
                                        "evenkeel/other/app:0123456789ab",
                                        "evenkeel/blog/app/x:0123456789ab",
                                        "r.example/evenkeel/blog/app:0123456789ab"};
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        strv_push(w->a, &add(w, "blog", "app", 900)->tags, names[i]);
    strv_push(w->a, &add(w, NULL, "app", 900)->tags, "evenkeel/blog/app:0123456789ab");
    strv_push(w->a, &add(w, "blog", NULL, 900)->tags, "evenkeel/blog/app:0123456789ab");
    (void)add(w, NULL, NULL, 900);
    for (int i = 1; i <= 5; i++)
        (void)build(w, i, 500 - i);
    assert_string_equal(goes(w), "");
    /* a name of ours on an image that has another's too: only ours goes, and frees nothing */
    strv_push(w->a, &build(w, 6, 900)->tags, "company/blog:2");
    assert_string_equal(goes(w), "evenkeel/blog/app:000000000006");
    assert_int_equal(w->due.bytes, 0);
}

static void test_an_image_with_two_names_of_ours(void **state)
{
    struct world *w = *state;

    strv_push(w->a, &build(w, 9, 900)->tags, "evenkeel/blog/app:00000000000a");
    for (int i = 1; i <= 5; i++)
        (void)build(w, i, 500 - i);
    assert_string_equal(goes(w), "evenkeel/blog/app:000000000009 evenkeel/blog/app:00000000000a");
    assert_int_equal(w->due.bytes, 100); /* once */
}

static void test_a_clock_that_was_set_back(void **state)
{
    struct world *w = *state;

    for (int i = 1; i <= 7; i++)
        (void)build(w, i, -1000);
    (void)add(w, "blog", "app", -1000);
    assert_string_equal(goes(w), "");
}

static void test_the_engines_list(void **state)
{
    static const char body[] =
        "[{\"Id\":\"sha256:1\",\"RepoTags\":[\"a:1\",\"b:2\"],\"RepoDigests\":[\"a@sha256:2\"],"
        "\"Created\":1700000000,\"Size\":42,"
        "\"Labels\":{\"x\":\"y\"}},"
        "{\"Id\":\"sha256:2\",\"RepoTags\":[\"<none>:<none>\"],\"RepoDigests\":[\"<none>@<none>\"],"
        "\"Labels\":null},"
        "{\"Id\":\"sha256:3\",\"RepoTags\":null,\"RepoDigests\":[]}]";
    static const char *const bad[] = {"{}", "[1]", "[{\"RepoTags\":[]}]", "[", ""};
    struct world *w = *state;
    struct engine_image *v = (void *)w;
    size_t n = 77;
    struct err e = {0};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(engine_decode_images(bad[i], strlen(bad[i]), w->a, &v, &n, &e), -1);
        assert_ptr_equal(v, w);
        assert_int_equal(n, 77);
    }
    assert_int_equal(engine_decode_images(body, sizeof(body) - 1, w->a, &v, &n, &e), 0);
    assert_int_equal(n, 3);
    assert_int_equal(v[0].tags.n, 2);
    assert_string_equal(v[0].digests.v[0], "a@sha256:2");
    assert_string_equal(kvs_get(&v[0].labels, "x"), "y");
    assert_int_equal(v[0].created_ms, INT64_C(1700000000000));
    assert_int_equal(v[0].bytes, 42);
    assert_int_equal(v[1].tags.n + v[1].digests.n + v[2].tags.n + v[2].digests.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_gone_leaves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_newest_five_stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_day_after_the_last_use, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_bound, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_in_use_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_services_count_by_themselves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nameless, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names_of_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_image_with_two_names_of_ours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_clock_that_was_set_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_engines_list, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
