/* Sessions: ids, expiry, rotation, logout, tokens of pages, and a table that does not grow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "agent/sessions.h"

#define T0 INT64_C(1000000)

static const struct sessions_rules small = {
    .idle_ms = 1000, .absolute_ms = 5000, .most = 6, .most_of_account = 3};

static const struct session poison = {.account = "poison", .csrf = "poison", .started_ms = -7};

/* The account, or "" when nobody. */
static const char *whose(struct sessions *s, const char *id, int64_t now)
{
    static struct session x;

    x = poison;
    if (sessions_find(s, id, now, &x))
        return x.account;
    assert_memory_equal(&x, &poison, sizeof(x));
    return "";
}

static void start(struct sessions *s, const char *account, int64_t now, char id[CREDENTIAL_TEXT])
{
    struct session x = poison;

    sessions_start(s, account, NULL, now, id, &x);
    assert_string_equal(x.account, account);
    assert_int_equal(x.started_ms, now);
    assert_true(credential_shaped(id));
    assert_true(credential_shaped(x.csrf));
    assert_string_not_equal(x.csrf, id);
}

static void test_ids(void **state)
{
    struct sessions *s = sessions_new(&small);
    char id[CREDENTIAL_TEXT], bent[CREDENTIAL_TEXT + 2];

    (void)state;
    start(s, "ann", T0, id);
    assert_string_equal(whose(s, id, T0), "ann");
    assert_string_equal(whose(s, NULL, T0), "");
    assert_string_equal(whose(s, "", T0), "");
    for (size_t i = 0; i < CREDENTIAL_TEXT - 1; i++) {
        memcpy(bent, id, sizeof(id));
        bent[i] = bent[i] == 'A' ? 'B' : 'A';
        assert_string_equal(whose(s, bent, T0), "");
        bent[i] = '\0'; /* only its beginning */
        assert_string_equal(whose(s, bent, T0), "");
    }
    memcpy(bent, id, sizeof(id));
    (void)stpcpy(bent + CREDENTIAL_TEXT - 1, "A");
    assert_string_equal(whose(s, bent, T0), "");
    sessions_free(s);
}

static void test_idle_and_absolute(void **state)
{
    struct sessions *s = sessions_new(&small);
    char a[CREDENTIAL_TEXT], b[CREDENTIAL_TEXT];

    (void)state;
    start(s, "ann", T0, a);
    start(s, "bob", T0, b);
    assert_string_equal(whose(s, a, T0 + 999), "ann");
    assert_int_equal(sessions_count(s, T0 + 1000), 1);
    assert_string_equal(whose(s, b, T0 + 1000), "");
    assert_string_equal(whose(s, b, T0), ""); /* gone, not asleep */
    for (int64_t t = 1500; t < 5000; t += 500)
        assert_string_equal(whose(s, a, T0 + t), "ann");
    assert_string_equal(whose(s, a, T0 + 4999), "ann");
    assert_string_equal(whose(s, a, T0 + 5000), "");
    sessions_free(s);
}

/* What looks without being asked by anybody keeps no session alive. */
static void test_peek_is_no_use(void **state)
{
    struct sessions *s = sessions_new(&small);
    char id[CREDENTIAL_TEXT], account[LIMIT_ACCOUNT_NAME + 1] = "poison";

    (void)state;
    start(s, "ann", T0, id);
    assert_false(sessions_peek(s, "x", T0, account));
    assert_string_equal(account, "poison");
    assert_true(sessions_peek(s, id, T0 + 900, account));
    assert_string_equal(account, "ann");
    assert_false(sessions_peek(s, id, T0 + 1000, account));
    assert_string_equal(whose(s, id, T0 + 1000), "");
    sessions_free(s);
}

static void test_rotation(void **state)
{
    struct sessions *s = sessions_new(&small);
    char before[CREDENTIAL_TEXT], after[CREDENTIAL_TEXT], fixed[CREDENTIAL_TEXT];
    struct session x, y;

    (void)state;
    sessions_start(s, "ann", NULL, T0, before, &x);
    sessions_start(s, "ann", before, T0, after, &y);
    assert_string_not_equal(before, after);
    assert_string_not_equal(x.csrf, y.csrf);
    assert_string_equal(whose(s, before, T0), "");
    assert_string_equal(whose(s, after, T0), "ann");
    /* An id that an attacker has put into the browser stays worthless. */
    memset(fixed, 'x', sizeof(fixed) - 1);
    fixed[sizeof(fixed) - 1] = '\0';
    sessions_start(s, "bob", fixed, T0, after, &y);
    assert_string_equal(whose(s, fixed, T0), "");
    sessions_free(s);
}

static void test_csrf(void **state)
{
    struct sessions *s = sessions_new(&small);
    char id[CREDENTIAL_TEXT], id2[CREDENTIAL_TEXT], bent[CREDENTIAL_TEXT];
    struct session x, y, again;

    (void)state;
    sessions_start(s, "ann", NULL, T0, id, &x);
    sessions_start(s, "ann", NULL, T0, id2, &y);
    assert_true(sessions_find(s, id, T0 + 1, &again));
    assert_string_equal(again.csrf, x.csrf); /* the same for all of its pages */
    assert_true(sessions_csrf_good(&again, x.csrf));
    assert_false(sessions_csrf_good(&again, y.csrf)); /* another session of the same account */
    assert_false(sessions_csrf_good(&again, id));
    assert_false(sessions_csrf_good(&again, ""));
    assert_false(sessions_csrf_good(&again, NULL));
    for (size_t i = 0; i < CREDENTIAL_TEXT - 1; i++) {
        memcpy(bent, x.csrf, sizeof(bent));
        bent[i] = bent[i] == 'A' ? 'B' : 'A';
        assert_false(sessions_csrf_good(&again, bent));
    }
    const struct session blank = {.account = ""};

    assert_false(sessions_csrf_good(&blank, ""));
    sessions_free(s);
}

static void test_logout(void **state)
{
    struct sessions *s = sessions_new(&small);
    char a1[CREDENTIAL_TEXT], a2[CREDENTIAL_TEXT], a3[CREDENTIAL_TEXT], b[CREDENTIAL_TEXT];

    (void)state;
    start(s, "ann", T0, a1);
    start(s, "ann", T0, a2);
    start(s, "ann", T0, a3);
    start(s, "annabel", T0, b);
    assert_true(sessions_end(s, a1));
    assert_false(sessions_end(s, a1));
    assert_false(sessions_end(s, NULL));
    assert_string_equal(whose(s, a1, T0), "");
    assert_int_equal(sessions_end_account(s, "ann", a2), 1);
    assert_string_equal(whose(s, a2, T0), "ann");
    assert_string_equal(whose(s, a3, T0), "");
    assert_int_equal(sessions_end_account(s, "ann", NULL), 1);
    assert_int_equal(sessions_end_account(s, "ann", NULL), 0);
    assert_string_equal(whose(s, b, T0), "annabel");
    sessions_free(s);
}

static void test_bounds(void **state)
{
    struct sessions *s = sessions_new(&small);
    char a[5][CREDENTIAL_TEXT], b[3][CREDENTIAL_TEXT], c[CREDENTIAL_TEXT], d[CREDENTIAL_TEXT];

    (void)state;
    for (int i = 0; i < 3; i++)
        start(s, "ann", T0 + i, a[i]);
    assert_string_equal(whose(s, a[0], T0 + 10), "ann"); /* used: a[1] is now the idlest */
    start(s, "ann", T0 + 11, a[3]);
    assert_string_equal(whose(s, a[1], T0 + 12), "");
    assert_string_equal(whose(s, a[0], T0 + 12), "ann");
    assert_int_equal(sessions_count(s, T0 + 12), 3);

    for (int i = 0; i < 3; i++)
        start(s, "bob", T0 + 20 + i, b[i]);
    assert_int_equal(sessions_count(s, T0 + 30), 6);
    start(s, "cid", T0 + 31, c); /* the table is full: a[2], unused for longest, goes */
    assert_int_equal(sessions_count(s, T0 + 31), 6);
    assert_string_equal(whose(s, a[2], T0 + 32), "");
    assert_string_equal(whose(s, c, T0 + 32), "cid");
    /* What is over goes before what is not. */
    start(s, "dan", T0 + 1011, d);
    assert_string_equal(whose(s, c, T0 + 1012), "cid");
    assert_string_equal(whose(s, b[2], T0 + 1012), "bob");
    sessions_free(s);
}

static void test_long_account_is_cut(void **state)
{
    struct sessions *s = sessions_new(&small);
    char name[300], id[CREDENTIAL_TEXT];
    struct session x;

    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    sessions_start(s, name, NULL, T0, id, &x);
    assert_int_equal(strlen(x.account), LIMIT_ACCOUNT_NAME);
    sessions_free(s);
    sessions_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_idle_and_absolute),
        cmocka_unit_test(test_peek_is_no_use),
        cmocka_unit_test(test_rotation),
        cmocka_unit_test(test_csrf),
        cmocka_unit_test(test_logout),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_long_account_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
