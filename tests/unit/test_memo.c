/* The memory between passes: set, forget, settle, and the sorted view that the planner gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/memo.h"
#include "spec/base/arena.h"

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
        cmocka_unit_test(test_history_is_a_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
