/* The limiter: waits that double, owners that cannot be kept out, bursts, crowds of strangers, and a table that does not grow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "agent/limiter.h"

#define T0 INT64_C(50000000)

static int64_t try(struct limiter *l, const char *address, const char *account,
                   enum limiter_end end, int64_t now)
{
    int64_t wait = limiter_enter(l, address, account, now);

    if (wait == 0)
        limiter_leave(l, address, account, end, now);
    assert_true(wait >= 0);
    return wait;
}

static void test_doubling(void **state)
{
    struct limiter *l = limiter_new();
    int64_t now = T0, want = 1000;

    (void)state;
    for (int i = 0; i < LIMITER_FREE; i++)
        assert_int_equal(try(l, "192.0.2.1", "a", LIMITER_FAILED, now), 0);
    for (int i = 0; i < 15; i++) {
        char account[32];

        (void)snprintf(account, sizeof(account), "other-%d", i); /* only the address counts */
        assert_int_equal(limiter_enter(l, "192.0.2.1", account, now), want);
        assert_int_equal(limiter_enter(l, "192.0.2.1", account, now + want - 1), 1);
        now += want;
        assert_int_equal(try(l, "192.0.2.1", account, LIMITER_FAILED, now), 0);
        want = want * 2 < LIMITER_ADDRESS_MS ? want * 2 : LIMITER_ADDRESS_MS;
    }
    assert_int_equal(want, LIMITER_ADDRESS_MS);
    assert_int_equal(try(l, "192.0.2.2", "b", LIMITER_FAILED, now), 0);
    limiter_free(l);
}

static void test_forgets(void **state)
{
    struct limiter *l = limiter_new();

    (void)state;
    for (int i = 0; i < LIMITER_FREE; i++)
        (void)try(l, "192.0.2.1", "a", LIMITER_FAILED, T0);
    assert_int_equal(try(l, "192.0.2.1", "b", LIMITER_FAILED, T0 + 999), 1);
    int64_t later = T0 + 1000 + LIMITER_FORGET_MS;

    for (int i = 0; i < LIMITER_FREE; i++)
        assert_int_equal(try(l, "192.0.2.1", "b", LIMITER_FAILED, later), 0);
    assert_int_equal(try(l, "192.0.2.1", "b", LIMITER_FAILED, later), 1000);
    limiter_free(l);
}

/* A thousand addresses guess at one account; its owner, who has been here before, does not notice. */
static void test_owner_is_not_kept_out(void **state)
{
    struct limiter *l = limiter_new();
    char address[32];
    int64_t now = T0;
    int made = 0;

    (void)state;
    assert_int_equal(try(l, "198.51.100.7", "admin", LIMITER_PASSED, now), 0);
    for (int i = 0; i < 1000; i++, now += 100) {
        (void)snprintf(address, sizeof(address), "10.%d.%d.1", i / 250, i % 250);
        made += try(l, address, "admin", LIMITER_FAILED, now) == 0;
    }
    /* 100 s: five at once, then after 1, 2, 4, 8, 16, 30 and 30 s */
    assert_in_range(made, 5, 12);
    assert_true(limiter_enter(l, "203.0.113.5", "admin", now) > 0);
    assert_true(limiter_enter(l, "203.0.113.5", "admin", now) <= LIMITER_ACCOUNT_MS);
    assert_int_equal(try(l, "198.51.100.7", "admin", LIMITER_PASSED, now), 0);
    /* The owner's password clears the account, for everybody. */
    assert_int_equal(try(l, "203.0.113.5", "admin", LIMITER_UNDECIDED, now), 0);
    limiter_free(l);
}

/* Who knows one password cannot wash off with it what was guessed at others. */
static void test_a_success_does_not_clear_the_address(void **state)
{
    struct limiter *l = limiter_new();

    (void)state;
    for (int i = 0; i < LIMITER_FREE - 1; i++) {
        assert_int_equal(try(l, "192.0.2.1", "admin", LIMITER_FAILED, T0), 0);
        assert_int_equal(try(l, "192.0.2.1", "mine", LIMITER_PASSED, T0), 0);
    }
    assert_int_equal(try(l, "192.0.2.1", "admin", LIMITER_FAILED, T0), 0);
    assert_int_equal(limiter_enter(l, "192.0.2.1", "mine", T0), 1000);
    limiter_free(l);
}

static void test_bursts(void **state)
{
    struct limiter *l = limiter_new();

    (void)state;
    /* Good ones, all at once. */
    for (int i = 0; i < LIMITER_AT_ONCE; i++)
        assert_int_equal(limiter_enter(l, "192.0.2.1", "ann", T0), 0);
    assert_true(limiter_enter(l, "192.0.2.1", "ann", T0) > 0);
    for (int i = 0; i < LIMITER_AT_ONCE; i++)
        limiter_leave(l, "192.0.2.1", "ann", LIMITER_PASSED, T0);
    assert_int_equal(try(l, "192.0.2.1", "ann", LIMITER_PASSED, T0), 0);

    /* One failure: only so many may be under way as would have been free. */
    assert_int_equal(try(l, "192.0.2.2", "bob", LIMITER_FAILED, T0), 0);
    for (int i = 0; i < LIMITER_FREE - 1; i++)
        assert_int_equal(limiter_enter(l, "192.0.2.2", "cid", T0), 0);
    assert_true(limiter_enter(l, "192.0.2.2", "cid", T0) > 0);
    for (int i = 0; i < LIMITER_FREE - 1; i++)
        limiter_leave(l, "192.0.2.2", "cid", LIMITER_FAILED, T0);
    /* After the wait one at a time. */
    assert_int_equal(limiter_enter(l, "192.0.2.2", "dan", T0 + 1000), 0);
    assert_true(limiter_enter(l, "192.0.2.2", "dan", T0 + 1000) > 0);
    limiter_leave(l, "192.0.2.2", "dan", LIMITER_UNDECIDED, T0 + 1000);
    assert_int_equal(try(l, "192.0.2.2", "dan", LIMITER_UNDECIDED, T0 + 1000), 0);
    limiter_free(l);
}

static void test_addresses(void **state)
{
    static const struct {
        const char *one, *other;
        int same;
    } rows[] = {
        {"2001:db8::1", "2001:db8::2", 1},
        {"2001:db8::1", "2001:db8:0:0:ffff::1", 1},
        {"2001:db8::1", "2001:db8:0:1::1", 0},
        {"::ffff:192.0.2.1", "192.0.2.1", 1},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.2", 0},
        {"192.0.2.1", "192.0.2.2", 0},
        {"not an address", "not an address", 1},
        {"not an address", "another", 0},
        {"", "x", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct limiter *l = limiter_new();

        for (int k = 0; k < LIMITER_FREE; k++)
            (void)try(l, rows[i].one, "a", LIMITER_FAILED, T0);
        assert_int_equal(limiter_enter(l, rows[i].other, "b", T0) > 0, rows[i].same);
        limiter_free(l);
    }
}

/* Far more strangers than places: who has failed most stays, and memory is what it was. */
static void test_crowd(void **state)
{
    struct limiter *l = limiter_new();
    char address[32], account[32];
    int64_t now = T0;

    (void)state;
    for (int i = 0; i < LIMITER_FREE; i++)
        (void)try(l, "192.0.2.1", "admin", LIMITER_FAILED, now);
    for (int i = 0; i < 200000; i++) {
        (void)snprintf(address, sizeof(address), "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
        (void)snprintf(account, sizeof(account), "nobody-%d", i);
        assert_int_equal(try(l, address, account, LIMITER_FAILED, now), 0);
    }
    assert_true(limiter_enter(l, "192.0.2.1", "x", now) > 0);
    assert_true(limiter_enter(l, "192.0.2.99", "admin", now) > 0);
    limiter_free(l);
}

/* A leave without an enter, twice, or long after. */
static void test_stray_ends(void **state)
{
    struct limiter *l = limiter_new();

    (void)state;
    for (int i = 0; i < 100; i++)
        limiter_leave(l, "192.0.2.1", "a", LIMITER_FAILED, T0);
    assert_int_equal(limiter_enter(l, "192.0.2.1", "a", T0), 0);
    /* Under way for so long: not forgotten, and its end counts. */
    assert_int_equal(limiter_enter(l, "192.0.2.1", "a", T0 + 2 * LIMITER_FORGET_MS), 0);
    limiter_leave(l, "192.0.2.1", "a", LIMITER_FAILED, T0 + 2 * LIMITER_FORGET_MS);
    limiter_leave(l, "192.0.2.1", "a", LIMITER_FAILED, T0 + 2 * LIMITER_FORGET_MS);
    limiter_leave(l, "192.0.2.1", "a", LIMITER_FAILED, T0 + 2 * LIMITER_FORGET_MS);
    for (int i = 0; i < LIMITER_FREE - 2; i++)
        assert_int_equal(try(l, "192.0.2.1", "a", LIMITER_FAILED, T0 + 2 * LIMITER_FORGET_MS), 0);
    assert_true(limiter_enter(l, "192.0.2.1", "a", T0 + 2 * LIMITER_FORGET_MS) > 0);
    limiter_free(l);
    limiter_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doubling),
        cmocka_unit_test(test_forgets),
        cmocka_unit_test(test_owner_is_not_kept_out),
        cmocka_unit_test(test_a_success_does_not_clear_the_address),
        cmocka_unit_test(test_bursts),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_crowd),
        cmocka_unit_test(test_stray_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
