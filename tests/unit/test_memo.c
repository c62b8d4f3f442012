/* The memory between passes: set, forget, settle, and the sorted view that the planner gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/hands.h"
#include "agent/memo.h"
#include "drivers/observed.h"
#include "reconcile/deeds.h"
#include "spec/base/arena.h"
#include "spec/desired.h"

#define NOON_MS INT64_C(1795348800000)

static void test_hashes(void **state)
{
    (void)state;
    struct memo *m = memo_new();
    struct arena *a = arena_new();
    assert_true(memo_hash(m, "web-app-1", "h1"));
    assert_false(memo_hash(m, "web-app-1", "h1"));
    assert_true(memo_hash(m, "web-app-1", "h2"));
    assert_true(memo_hash(m, "abc-app-1", "h3"));
    struct history h = memo_history(m, a);
    assert_int_equal(h.last_hash.n, 2);
    assert_string_equal(h.last_hash.v[0].key, "abc-app-1");
    assert_string_equal(kvs_get(&h.last_hash, "web-app-1"), "h2");
    assert_true(memo_hash(m, "web-app-1", NULL));
    assert_false(memo_hash(m, "web-app-1", NULL));
    h = memo_history(m, a);
    assert_null(kvs_get(&h.last_hash, "web-app-1"));
    arena_free(a);
    memo_free(m);
}

static void test_hands_end_with_their_app(void **state)
{
    (void)state;
    struct memo *m = memo_new();
    struct arena *a = arena_new();
    memo_hand(m, "web", "container web-app-1", "destroy", NOON_MS);
    memo_hand(m, "web", "container web-app-1", "die", NOON_MS + 60000);
    memo_hand(m, "db", "container db-app-1", "stop", NOON_MS + 120000);
    memo_hand(m, "db", "container db-app-2", "exec_start: true", NOON_MS);
    struct history h = memo_history(m, a);
    assert_int_equal(h.handmade.n, 2);
    assert_string_equal(kvs_get(&h.handmade, "container web-app-1"), "die at 2026-11-22T12:01:00Z");
    memo_settled(m, "web");
    h = memo_history(m, a);
    assert_int_equal(h.handmade.n, 1);
    assert_string_equal(h.handmade.v[0].key, "container db-app-1");
    arena_free(a);
    memo_free(m);
}

/* The events of one `docker rm -f`, in every order in which they have been seen to come. */
static void test_of_one_deed_the_strongest_word_stays(void **state)
{
    static const char *const orders[][4] = {{"kill", "die", "destroy", "disconnect"},
                                            {"destroy", "die", "kill", "disconnect"},
                                            {"die", "destroy", "disconnect", "kill"},
                                            {"disconnect", "kill", "destroy", "die"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        struct memo *m = memo_new();
        struct arena *a = arena_new();
        for (size_t k = 0; k < 4; k++)
            memo_hand(m, "web", "container web-app-1", orders[i][k], NOON_MS + (int64_t)k * 50);
        struct history h = memo_history(m, a);
        assert_memory_equal(kvs_get(&h.handmade, "container web-app-1"), "destroy at", 10);
        assert_true(memo_touched(m, "container web-app-1", NOON_MS + 1000));
        assert_false(memo_touched(m, "container web-app-1", NOON_MS + 60000));
        assert_false(memo_touched(m, "container other", NOON_MS));
        arena_free(a);
        memo_free(m);
    }
}

/* A crash on Friday does not hide the update on Monday, nor is it its cause. */
static void test_each_class_keeps_its_last_event(void **state)
{
    static const char object[] = "container web-app-1";
    (void)state;
    struct memo *m = memo_new();
    struct arena *a = arena_new();
    memo_hand(m, "web", object, "update", NOON_MS);
    memo_hand(m, "web", object, "connect to network back", NOON_MS + 1000);
    memo_hand(m, "web", object, "disconnect from network front", NOON_MS + 2000);
    memo_hand(m, "web", object, "die", NOON_MS + 3000);
    memo_hand(m, "web", "container web-app-10", "die", NOON_MS + 60000);
    struct kvs l = memo_history(m, a).handmade;
    assert_string_equal(deeds_of(&l, "web-app-1", "mem_limit"), "update at 2026-11-22T12:00:00Z");
    assert_string_equal(deeds_of(&l, "web-app-1", "state"), "die at 2026-11-22T12:00:03Z");
    assert_string_equal(deeds_of(&l, "web-app-1", "networks.back"),
                        "connect to network back at 2026-11-22T12:00:01Z");
    assert_string_equal(deeds_of(&l, "web-app-1", "networks.front"),
                        "disconnect from network front at 2026-11-22T12:00:02Z");
    assert_null(deeds_of(&l, "web-app-1", "networks.fron"));
    assert_null(deeds_of(&l, "web-app-1", "name"));
    assert_null(deeds_of(&l, "web-app-1", "labels.x"));
    assert_true(memo_touched(m, object, NOON_MS - 4000));
    assert_false(memo_touched(m, object, NOON_MS + 60000));
    memo_settled(m, "web");
    assert_int_equal(memo_history(m, a).handmade.n, 0);
    arena_free(a);
    memo_free(m);
}

/* What a diary of before the classes says is believed where it fits. */
static void test_an_old_diary_is_read_by_its_words(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct kvs l = {0};
    kvs_set(a, &l, "container a", "update at 10:00:00");
    kvs_set(a, &l, "container b", "connect to blog_front at 10:00:00");
    kvs_set(a, &l, "container c", "destroy at 10:00:00");
    kvs_set(a, &l, "network n", "disconnect at 10:00:00");
    assert_non_null(deeds_of(&l, "a", "cpus"));
    assert_null(deeds_of(&l, "a", "state"));
    assert_non_null(deeds_of(&l, "b", "networks.blog_front"));
    assert_null(deeds_of(&l, "b", "networks.blog_back"));
    assert_non_null(deeds_of(&l, "c", "image")); /* made again by hand */
    assert_non_null(deeds_of(&l, "c", "cpus"));
    assert_null(deeds_end(&l, "network n"));
    arena_free(a);
}

/* An app that comes back under its name begins anew; nothing is forgotten while a file cannot be read. */
static void test_what_nobody_wants_is_forgotten(void **state)
{
    (void)state;
    struct memo *m = memo_new();
    struct arena *a = arena_new();
    struct spec_file broken = {.broken = true};
    const struct spec_file *files[] = {&broken};
    struct want_container place = {.name = "db-app-1"};
    struct want_service service = {.containers = &place, .n_containers = 1};
    struct want_app app = {.name = "db", .services = &service, .n_services = 1};
    struct desired d = {.files = files, .n_files = 1, .apps = &app, .n_apps = 1};
    struct observed o = {0};
    memo_hand(m, "web", "container web-app-1", "destroy", NOON_MS);
    memo_hand(m, "db", "container db-app-1", "destroy", NOON_MS);
    (void)memo_hash(m, "web-app-1", "h1");
    (void)memo_hash(m, "db-app-1", "h2");
    hands_forget(m, NULL, &d, &o, a);
    assert_int_equal(memo_history(m, a).handmade.n, 2);
    broken.broken = false;
    hands_forget(m, NULL, &d, &o, a);
    struct history h = memo_history(m, a);
    assert_int_equal(h.handmade.n, 1);
    assert_non_null(kvs_get(&h.handmade, "container db-app-1"));
    assert_int_equal(h.last_hash.n, 1);
    assert_non_null(kvs_get(&h.last_hash, "db-app-1"));
    arena_free(a);
    memo_free(m);
}

/* A pass learns from its own plan before it is saved: its input must not change under it. */
static void test_history_is_a_copy(void **state)
{
    (void)state;
    struct memo *m = memo_new();
    struct arena *a = arena_new();
    memo_hand(m, "web", "container web-app-1", "destroy", NOON_MS);
    (void)memo_hash(m, "web-app-1", "h1");
    struct history h = memo_history(m, a);
    memo_settled(m, "web");
    (void)memo_hash(m, "web-app-1", "h2");
    memo_free(m);
    assert_string_equal(kvs_get(&h.handmade, "container web-app-1"),
                        "destroy at 2026-11-22T12:00:00Z");
    assert_string_equal(kvs_get(&h.last_hash, "web-app-1"), "h1");
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hashes),
        cmocka_unit_test(test_hands_end_with_their_app),
        cmocka_unit_test(test_of_one_deed_the_strongest_word_stays),
        cmocka_unit_test(test_each_class_keeps_its_last_event),
        cmocka_unit_test(test_an_old_diary_is_read_by_its_words),
        cmocka_unit_test(test_what_nobody_wants_is_forgotten),
        cmocka_unit_test(test_history_is_a_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
