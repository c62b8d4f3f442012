/* test_js_pool.c: JSON values whose memory is emptied at once: they are like any others until then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <pthread.h>

#include "spec/base/attr.h"
#include "spec/base/js_pool.h"

static json_t *numbers(int from, int to)
{
    json_t *list = json_array();

    for (int i = from; i < to; i++)
        assert_int_equal(json_array_append_new(list, json_integer(i)), 0);
    return list;
}

static void test_many_blocks(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        CLEANUP(js_pool_end) struct js_pool pool = js_pool_begin();
        json_auto_t *list = numbers(0, 100000);

        for (int i = 0; i < 100000; i++)
            assert_int_equal(json_integer_value(json_array_get(list, (size_t)i)), i);
    }
}

static void test_larger_than_a_block(void **state)
{
    static char text[3 << 20];

    (void)state;
    memset(text, 'x', sizeof(text));
    CLEANUP(js_pool_end) struct js_pool pool = js_pool_begin();
    json_auto_t *v = json_stringn(text, sizeof(text));

    assert_int_equal(json_string_length(v), sizeof(text));
    assert_memory_equal(json_string_value(v), text, sizeof(text));
}

static void test_values_from_before_may_end_inside(void **state)
{
    json_t *old = numbers(0, 100), *kept = numbers(0, 100);

    (void)state;
    {
        CLEANUP(js_pool_end) struct js_pool pool = js_pool_begin();
        json_auto_t *inside = numbers(0, 100);

        json_decref(old);
        assert_true(json_equal(inside, kept));
    }
    json_decref(kept); /* and outside */
}

static void test_the_next_scope_begins_anew(void **state)
{
    const void *at[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        CLEANUP(js_pool_end) struct js_pool pool = js_pool_begin();
        json_auto_t *v = json_integer(i);

        at[i] = v;
    }
    assert_ptr_equal(at[0], at[1]);
}

static void test_outside_nothing_is_kept(void **state)
{
    (void)state;
    {
        CLEANUP(js_pool_end) struct js_pool pool = js_pool_begin();
        json_auto_t *v = numbers(0, 10);
        (void)v;
    }
    json_t *v = json_string("outlives the scope");

    {
        CLEANUP(js_pool_end) struct js_pool pool = js_pool_begin();
        json_auto_t *w = json_string("inside of the next one");

        assert_string_equal(json_string_value(w), "inside of the next one");
        assert_string_equal(json_string_value(v), "outlives the scope");
    }
    json_decref(v);
}

static void test_an_inner_scope_ends_nothing(void **state)
{
    (void)state;
    CLEANUP(js_pool_end) struct js_pool outer = js_pool_begin();
    json_auto_t *v = json_string("of the outer scope");
    {
        CLEANUP(js_pool_end) struct js_pool inner = js_pool_begin();
        json_auto_t *w = json_string("of the inner scope");

        assert_string_equal(json_string_value(w), "of the inner scope");
    }
    json_auto_t *w = json_string("after the inner scope");

    assert_string_equal(json_string_value(v), "of the outer scope");
    assert_string_equal(json_string_value(w), "after the inner scope");
}

static void *work(void *arg)
{
    CLEANUP(js_pool_end) struct js_pool pool = js_pool_begin();
    json_auto_t *list = numbers(0, 100);

    *(size_t *)arg = json_array_size(list);
    return NULL;
}

/* What a thread keeps goes with it: AddressSanitizer sees it at the end if not. */
static void test_threads_that_end(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        size_t n = 0;
        pthread_t t;

        assert_int_equal(pthread_create(&t, NULL, work, &n), 0);
        assert_int_equal(pthread_join(t, NULL), 0);
        assert_int_equal(n, 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_that_end),
        cmocka_unit_test(test_many_blocks),
        cmocka_unit_test(test_larger_than_a_block),
        cmocka_unit_test(test_values_from_before_may_end_inside),
        cmocka_unit_test(test_the_next_scope_begins_anew),
        cmocka_unit_test(test_outside_nothing_is_kept),
        cmocka_unit_test(test_an_inner_scope_ends_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
