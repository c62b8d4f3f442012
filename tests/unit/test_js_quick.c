/* test_js_quick.c: the quick reader gives what jansson gives, or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "spec/base/attr.h"
#include "spec/base/js_quick.h"
#include "spec/base/js_write.h"
#include "spec/base/str.h"

static json_t *by_jansson(const char *text, size_t n)
{
    return json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
}

/* Returns whether it was read quickly. */
static bool agree(const char *text, size_t n)
{
    /* A copy of just this size: reading past its end is then seen by a sanitizer. */
    char *copy = malloc(n ? n : 1);
    json_auto_t *slow = by_jansson(text, n);

    assert_non_null(copy);
    memcpy(copy, text, n);
    json_auto_t *quick = js_quick(copy, n);

    free(copy);
    if (quick && !json_equal(quick, slow))
        fail_msg("read quickly, though jansson reads it otherwise: %.*s", (int)n, text);
    return quick;
}

static const char *const plain[] = {
    "{}",
    "[]",
    "null",
    "true",
    "false",
    "0",
    "-1",
    "42",
    "999999999999999999",
    "\"\"",
    "\"a b\"",
    " { \"a\" : [ 1 , 2 , { \"b\" : null } ] , \"c\" : \"d\" } \n",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
    "\"\\u003c\\u0026\\u00e9\\u20ac\\uABCD\"",
    "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xb3\"",
    "{\"long enough to be read by eights: \xc3\xa9 and on\":\"likewise, with a \xe2\x82\xac inside "
    "of it\"}",
    "[\"\xc3\xa9\", \"only letters of ASCII\", \"\\u00e9 and then plain\"]",
    "{\"k\\u0041y\":\"v\\n\"}",
    "[[[[[[[[[[1]]]]]]]]]]",
    "[\"\x7f\"]",
};

static const char *const left_to_jansson[] = {
    "",
    " ",
    "{",
    "}",
    "[1,]",
    "{\"a\":1,}",
    "{\"a\":1,\"a\":2}",
    "[1 2]",
    "{\"a\" 1}",
    "{a:1}",
    "nul",
    "truex",
    "01",
    "-",
    "1.5",
    "1e3",
    "1234567890123456789012",
    "\"\\u0000\"",
    "\"\\ud83d\\udc33\"",
    "\"\\ud83d\"",
    "\"\\x\"",
    "\"\\",
    "\"\\u12",
    "\"a",
    "\"\n\"",
    "\"\xff\"",
    "\"\xc3\"",
    "\"long enough to be read by eights \xff and on\"",
    "{\"long enough to be read by eights \xff and on\":1}",
    "{\"\xff\":1}",
    "\"\\n\xff\"",
    "{\"\\n\xff\":1}",
    "{\"a\":\"plain\",\"b\":\"at the end of eight bytes:\xc3\"}",
    "\"\xed\xa0\x80\"",
    "{\"\":1}",
    "[1]]",
    "{} {}",
    "\xef\xbb\xbf{}",
    "[-]",
    "[+1]",
    "[.5]",
};

static void test_plain_text_is_read_quickly(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        if (!agree(plain[i], strlen(plain[i])))
            fail_msg("not read quickly: %s", plain[i]);
}

static void test_the_rest_is_left_to_jansson(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(left_to_jansson); i++)
        if (agree(left_to_jansson[i], strlen(left_to_jansson[i])))
            fail_msg("read quickly: %s", left_to_jansson[i]);
    assert_false(agree("\"a\0b\"", 5));
    assert_false(agree("1\0", 2));
}

static void test_nesting_is_bounded(void **state)
{
    char text[200000];

    (void)state;
    memset(text, '[', sizeof(text));
    assert_false(agree(text, sizeof(text)));
}

static void test_every_cut_of_a_reply(void **state)
{
    static const char reply[] = "[{\"Id\":\"8dfaf\\u0026\",\"Created\":\"2026-11-22T10:00:00Z\","
                                "\"Args\":[\"-c\",\"a\\tb\"],\"State\":{\"Running\":true,"
                                "\"Pid\":4711,\"ExitCode\":-1,\"Error\":\"\",\"Health\":null},"
                                "\"Labels\":{\"\xc3\xbc\":\"\xe2\x82\xac\"}},[],{},0]";
    size_t n = sizeof(reply) - 1;

    (void)state;
    assert_true(agree(reply, n));
    for (size_t i = 0; i < n; i++)
        assert_false(agree(reply, i));
}

/* Many texts that are nearly right: where they are read at all, they are read alike. */
static void test_mutations(void **state)
{
    static const char bytes[] = "{}[]\",:\\u0e1-. \n\ttfn\xc3\xa9\x80";
    uint32_t seed = 1;
    size_t read = 0;

    (void)state;
    for (int round = 0; round < 300000; round++) {
        const char *from = plain[11 + round % 5];
        char text[128];
        size_t n = strlen(from);
        memcpy(text, from, n);
        for (int k = 0; k < 2; k++) {
            seed = seed * 1664525 + 1013904223;
            text[(seed >> 8) % n] = bytes[(seed >> 20) % (sizeof(bytes) - 1)];
        }
        read += agree(text, n);
    }
    assert_true(read > 10000 && read < 290000);
}

/* ---- and written ---- */

static void written_alike(const json_t *v)
{
    CLEANUP(str_release) struct str ours = STR_INIT;
    char *theirs = json_dumps(v, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

    js_write(v, &ours);
    assert_non_null(theirs);
    assert_string_equal(str_text(&ours), theirs);
    free(theirs);
}

static void test_written_as_jansson_does(void **state)
{
    static const char *const more[] = {
        "[1.5,-0.0,1e300,1.0,-9223372036854775808,9223372036854775807]",
        "{\"b\":1,\"a\":2,\"\":3,\"aa\":4,\"a b\":5,\"A\":6,\"a\\u0001\":7,\"\xc3\xa9\":8,\"~\":9}",
        "\"\\u0001\\u001f \x7f / \\/ \\b\\f\\n\\r\\t \\\" \\\\ \\ud83d\\udc33\"",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(plain) + ARRAY_LEN(more); i++) {
        const char *text = i < ARRAY_LEN(plain) ? plain[i] : more[i - ARRAY_LEN(plain)];
        json_auto_t *v = json_loads(text, JSON_DECODE_ANY, NULL);

        assert_non_null(v);
        written_alike(v);
    }
}

/* Fewer members than are sorted on the stack, just as many, and more; in any order. */
static void test_many_members_are_sorted(void **state)
{
    uint32_t seed = 7;

    (void)state;
    for (size_t n = 0; n < 200; n += n < 60 ? 1 : 35) {
        json_auto_t *v = json_object();
        char key[16];

        for (size_t i = 0; i < n; i++) {
            seed = seed * 1664525 + 1013904223;
            (void)snprintf(key, sizeof(key), "%x", seed >> (seed % 24));
            (void)json_object_set_new(v, key, json_integer((json_int_t)i));
        }
        written_alike(v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written_as_jansson_does),
        cmocka_unit_test(test_many_members_are_sorted),
        cmocka_unit_test(test_plain_text_is_read_quickly),
        cmocka_unit_test(test_the_rest_is_left_to_jansson),
        cmocka_unit_test(test_nesting_is_bounded),
        cmocka_unit_test(test_every_cut_of_a_reply),
        cmocka_unit_test(test_mutations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
