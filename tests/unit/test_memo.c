/* The memory between passes: set, forget, settle, and the sorted view that the planner gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/memo.h"
#include "spec/base/arena.h"

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
    memo_hand(m, "web", "container web-app-1", "destroy at 10:00");
    memo_hand(m, "web", "container web-app-1", "die at 10:01");
    memo_hand(m, "db", "container db-app-1", "stop at 10:02");
    struct history h = memo_history(m, a);
    assert_int_equal(h.handmade.n, 2);
    assert_string_equal(kvs_get(&h.handmade, "container web-app-1"), "die at 10:01");
    memo_settled(m, "web");
    h = memo_history(m, a);
    assert_int_equal(h.handmade.n, 1);
    assert_string_equal(h.handmade.v[0].key, "container db-app-1");
    arena_free(a);
    memo_free(m);
}

/* A pass learns from its own plan before it is saved: its input must not change under it. */
static void test_history_is_a_copy(void **state)
{
    (void)state;
    struct memo *m = memo_new();
    struct arena *a = arena_new();
    memo_hand(m, "web", "container web-app-1", "destroy at 10:00");
    (void)memo_hash(m, "web-app-1", "h1");
    struct history h = memo_history(m, a);
    memo_settled(m, "web");
    (void)memo_hash(m, "web-app-1", "h2");
    memo_free(m);
    assert_string_equal(kvs_get(&h.handmade, "container web-app-1"), "destroy at 10:00");
    assert_string_equal(kvs_get(&h.last_hash, "web-app-1"), "h1");
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hashes),
        cmocka_unit_test(test_hands_end_with_their_app),
        cmocka_unit_test(test_history_is_a_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
