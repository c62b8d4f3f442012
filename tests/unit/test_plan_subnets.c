/* Subnets of the pool: parsing, the first free one, and what is in the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "reconcile/plan_subnets.h"
#include "spec/base/arena.h"
#include "spec/base/str.h"

static void test_parse(void **state)
{
    static const struct {
        const char *text;
        uint32_t first, last;
    } good[] = {
        {"10.213.0.0/16", 0x0ad50000, 0x0ad5ffff},
        {"10.213.0.77/26", 0x0ad50040, 0x0ad5007f},
        {"0.0.0.0/0", 0, UINT32_MAX},
        {"255.255.255.255/32", UINT32_MAX, UINT32_MAX},
        {"192.168.1.1", 0xc0a80101, 0xc0a80101},
    };
    static const char *const bad[] = {
        "",         "10.0.0.0/33", "10.0.0/8",     "10.0.0.256/8", "10.0.0.0/", "10.0.0.0/8x",
        "fd00::/8", " 10.0.0.0/8", "10.0.0.0.0/8", "00010.0.0.0/8"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct subnet s = {1, 2};
        assert_int_equal(subnet_parse(good[i].text, &s), 0);
        assert_int_equal(s.first, good[i].first);
        assert_int_equal(s.last, good[i].last);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct subnet s = {1, 2};
        assert_int_equal(subnet_parse(bad[i], &s), -1);
        assert_int_equal(s.first, 1);
        assert_int_equal(s.last, 2);
    }
    assert_int_equal(subnet_parse(NULL, &(struct subnet){0, 0}), -1);
}

static void check_pick(struct subnet_pool *p, const char *want)
{
    const char *got = subnet_pool_pick(p);

    if (want)
        assert_string_equal(got, want);
    else
        assert_null(got);
}

static void test_first_free_in_order(void **state)
{
    struct subnet_pool p;

    subnet_pool_init(&p, "10.213.0.0/24", 26, *state);
    check_pick(&p, "10.213.0.0/26");
    check_pick(&p, "10.213.0.64/26");
    check_pick(&p, "10.213.0.128/26");
    check_pick(&p, "10.213.0.192/26");
    check_pick(&p, NULL);
    check_pick(&p, NULL);
}

static void test_around_what_is_taken(void **state)
{
    struct subnet_pool p;

    subnet_pool_init(&p, "10.213.0.0/16", 26, *state);
    /* unsorted, overlapping, smaller and larger than a subnet, across its edge, outside the pool, and no ranges at all */
    subnet_pool_take(&p, "10.213.1.128/25");
    subnet_pool_take(&p, "10.213.0.0/25");
    subnet_pool_take(&p, "10.213.0.130/32");
    subnet_pool_take(&p, "10.213.0.0/30");
    subnet_pool_take(&p, "172.17.0.0/16");
    subnet_pool_take(&p, "fd00::/64");
    subnet_pool_take(&p, "nonsense");
    subnet_pool_take(&p, "0.0.0.0/0"); /* the default route is no claim */
    subnet_pool_take(&p, "10.213.1.16/28");
    check_pick(&p, "10.213.0.192/26");
    check_pick(&p, "10.213.1.64/26");
    check_pick(&p, "10.213.2.0/26");
}

static void test_order_of_taking_means_nothing(void **state)
{
    static const char *const taken[] = {"10.213.0.0/26", "10.213.0.128/27", "10.213.0.64/28",
                                        "10.213.2.0/24"};
    struct subnet_pool a, b;

    subnet_pool_init(&a, "10.213.0.0/16", 26, *state);
    subnet_pool_init(&b, "10.213.0.0/16", 26, *state);
    for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
        subnet_pool_take(&a, taken[i]);
        subnet_pool_take(&b, taken[ARRAY_LEN(taken) - 1 - i]);
    }
    for (int i = 0; i < 20; i++)
        assert_string_equal(subnet_pool_pick(&a), subnet_pool_pick(&b));
}

static void test_pool_inside_a_taken_range(void **state)
{
    struct subnet_pool p;

    subnet_pool_init(&p, "10.213.0.0/16", 26, *state);
    subnet_pool_take(&p, "10.0.0.0/8"); /* a company's VPN */
    check_pick(&p, NULL);
}

static void test_end_of_the_address_space(void **state)
{
    struct subnet_pool p;

    subnet_pool_init(&p, "255.255.255.0/24", 25, *state);
    check_pick(&p, "255.255.255.0/25");
    check_pick(&p, "255.255.255.128/25");
    check_pick(&p, NULL);
    subnet_pool_init(&p, "255.255.255.0/24", 25, *state);
    subnet_pool_take(&p, "255.255.255.128/25");
    check_pick(&p, "255.255.255.0/25");
    check_pick(&p, NULL);
}

static void test_pools_that_are_none(void **state)
{
    static const struct {
        const char *pool;
        int prefix;
    } bad[] = {{"10.213.0.0/28", 26}, {"10.213.0.0/16", 0}, {"10.213.0.0/16", 31},
               {"fd00::/16", 26},     {NULL, 26},           {"", 26}};
    struct subnet_pool p;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        subnet_pool_init(&p, bad[i].pool, bad[i].prefix, *state);
        subnet_pool_take(&p, "10.0.0.0/8");
        check_pick(&p, NULL);
    }
}

/* Against the obvious way to do it. */
static void test_against_trying_each(void **state)
{
    uint32_t seed = 1;

    for (int round = 0; round < 50; round++) {
        struct subnet taken[20];
        struct subnet_pool p;
        size_t n = 0;

        subnet_pool_init(&p, "10.213.0.0/20", 26, *state);
        for (; n < ARRAY_LEN(taken); n++) {
            seed = seed * 1664525U + 1013904223U;
            int bits = 22 + (int)(seed >> 28) % 11;
            const char *text =
                arena_printf(*state, "10.213.%u.%u/%d", seed >> 8 & 15, seed >> 16 & 255, bits);

            assert_int_equal(subnet_parse(text, &taken[n]), 0);
            subnet_pool_take(&p, text);
        }
        for (uint32_t at = 0x0ad50000; at <= 0x0ad50fc0; at += 64) {
            bool free = true;

            for (size_t i = 0; i < n; i++)
                free &= taken[i].last < at || taken[i].first > at + 63;
            if (free)
                check_pick(&p, arena_printf(*state, "10.213.%u.%u/26", at >> 8 & 255, at & 255));
        }
        check_pick(&p, NULL);
    }
}

static int setup(void **state)
{
    *state = arena_new();
    return 0;
}

static int teardown(void **state)
{
    arena_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_first_free_in_order),
        cmocka_unit_test(test_around_what_is_taken),
        cmocka_unit_test(test_order_of_taking_means_nothing),
        cmocka_unit_test(test_pool_inside_a_taken_range),
        cmocka_unit_test(test_end_of_the_address_space),
        cmocka_unit_test(test_pools_that_are_none),
        cmocka_unit_test(test_against_trying_each),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
