/* When a failed app is tried again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "reconcile/backoff.h"

static void test_doubles_up_to_five_minutes(void **state)
{
    static const int64_t whole[] = {1000,  2000,   4000,   8000,   16000, 32000,
                                    64000, 128000, 256000, 300000, 300000};

    (void)state;
    for (unsigned i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
        for (uint32_t seed = 0; seed < 1000; seed++) {
            int64_t ms = backoff_ms(i + 1, seed * 2654435761U);

            assert_true(ms <= whole[i]);
            assert_true(ms >= whole[i] - whole[i] / 5);
        }
}

static void test_never_overflows(void **state)
{
    (void)state;
    assert_in_range(backoff_ms(UINT32_MAX, 7), 240000, 300000);
}

/* Apps that failed together, with seeds as near as they can be, do not come back together. */
static void test_seeds_spread(void **state)
{
    int tenth[10] = {0};

    (void)state;
    for (uint32_t seed = 0; seed < 1000; seed++)
        tenth[(backoff_ms(10, seed) - 240000) * 10 / 60001]++;
    for (int i = 0; i < 10; i++)
        assert_in_range(tenth[i], 50, 200);
}

static void test_same_seed_same_answer(void **state)
{
    (void)state;
    for (unsigned n = 1; n < 12; n++)
        assert_int_equal(backoff_ms(n, 42), backoff_ms(n, 42));
    /* ... but not the same part of the way each time */
    assert_int_not_equal(backoff_ms(10, 42), backoff_ms(11, 42));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doubles_up_to_five_minutes),
        cmocka_unit_test(test_never_overflows),
        cmocka_unit_test(test_seeds_spread),
        cmocka_unit_test(test_same_seed_same_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
