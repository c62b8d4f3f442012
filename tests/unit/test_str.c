/* test_str.c: buffers, lists, near words, and the strict reading of numbers with units. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "spec/base/arena.h"
#include "spec/base/str.h"

/* ---- buffers ---- */

static void buffer_grows(void **state)
{
    CLEANUP(str_release) struct str s = STR_INIT;

    (void)state;
    assert_string_equal(str_text(&s), "");
    str_clear(&s);
    for (int i = 0; i < 1000; i++) {
        str_add(&s, "ab");
        str_addc(&s, 'c');
        str_addn(&s, "defghi", 3);
        str_addf(&s, "%d", i % 10);
        assert_int_equal(s.len, (size_t)(i + 1) * 7);
        assert_int_equal(s.buf[s.len], '\0');
    }
    assert_memory_equal(s.buf + 21, "abcdef3", 7);
    str_clear(&s);
    assert_string_equal(str_text(&s), "");
    str_addn(&s, "a\0b", 3);
    assert_int_equal(s.len, 3);
    str_addn(&s, NULL, 0);
    assert_int_equal(s.len, 3);
}

static void formatting_of_every_length(void **state)
{
    (void)state;
    for (int n = 0; n < 300; n++) {
        CLEANUP(str_release) struct str s = STR_INIT;
        str_add(&s, ">");
        str_addf(&s, "%*s", n, "");
        assert_int_equal(s.len, (size_t)n + 1);
        assert_int_equal(strlen(s.buf), s.len);
    }
}

static void stealing(void **state)
{
    struct str s = STR_INIT;

    (void)state;
    char *nothing = str_steal(&s);
    assert_string_equal(nothing, "");
    str_add(&s, "mine");
    char *text = str_steal(&s);
    assert_string_equal(text, "mine");
    assert_string_equal(str_text(&s), "");
    assert_int_equal(s.len, 0);
    free(nothing);
    free(text);
    str_release(&s);
}

static int cmp_int(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void rows_in_any_order(void **state)
{
    int rows[][5] = {{1, 2, 3, 4, 5}, {5, 4, 3, 2, 1}, {1, 2, 3, 5, 4}, {2, 1, 3, 4, 5}};
    int same[] = {3, 3, 3};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        sort_rows(rows[i], 5, sizeof(int), cmp_int);
        for (int k = 0; k < 5; k++)
            assert_int_equal(rows[i][k], k + 1);
    }
    sort_rows(same, 3, sizeof(int), cmp_int);
    assert_int_equal(same[2], 3);
    sort_rows(NULL, 0, sizeof(int), cmp_int);
}

static void escaping(void **state)
{
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"", ""},
        {"plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xb3 \\",
         "plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xb3 \\"},
        {"a\n\tb\x7f", "a\\x0a\\x09b\\x7f"},
        {"\033[31m", "\\x1b[31m"},
        {"\xff\xfe", "\\xff\\xfe"},
        {"\xc3", "\\xc3"},
        {"\xe2\x82", "\\xe2\\x82"},
        {"\xc0\x80", "\\xc0\\x80"},          /* an overlong NUL */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"}, /* half a surrogate pair */
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
        {"\xc2\x9b"
         "31m",
         "\\xc2\\x9b31m"}, /* the one-character form of ESC [ */
        {"a\xe2\x80\xae"
         "b",
         "a\\xe2\\x80\\xae"
         "b"}, /* turns the direction of writing */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(str_release) struct str s = STR_INIT;
        str_add_escaped(&s, cases[i].in);
        assert_string_equal(str_text(&s), cases[i].want);
    }
}

static void utf8(void **state)
{
    static const struct {
        const char *in;
        size_t n, len;
        uint32_t want;
    } cases[] = {
        {"a", 1, 1, 'a'},
        {"\0", 1, 1, 0},
        {"\xc3\xa9", 2, 2, 0xe9},
        {"\xc3\xa9", 1, 0, 7},
        {"\xe2\x82\xac", 3, 3, 0x20ac},
        {"\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff},
        {"\xf5\x80\x80\x80", 4, 0, 7},
        {"\x80", 1, 0, 7},
        {"\xe0\x80\x80", 3, 0, 7},
        {"\xf0\x80\x80\x80", 4, 0, 7},
        {"", 0, 0, 7},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint32_t c = 7;
        assert_int_equal(utf8_next(cases[i].in, cases[i].n, &c), cases[i].len);
        assert_int_equal(c, cases[i].want);
    }
}

/* ---- lists ---- */

static void string_lists(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct strv l = {0}, m = {0};

    (void)state;
    assert_true(strv_eq(&l, &m));
    strv_sort(&l);
    for (int i = 99; i >= 0; i--) {
        strv_push(a, &l, arena_printf(a, "%02d", i));
        assert_false(strv_eq(&l, &m));
        strv_push(a, &m, arena_printf(a, "%02d", 99 - i));
    }
    assert_false(strv_eq(&l, &m));
    strv_sort(&l);
    assert_true(strv_eq(&l, &m));
    assert_string_equal(l.v[57], "57");
    assert_true(strv_has(&l, "42"));
    assert_false(strv_has(&l, "4"));
}

static void key_value_lists(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct kvs up = {0}, down = {0};

    (void)state;
    assert_null(kvs_get(&up, "x"));
    assert_true(kvs_eq(&up, &down));
    for (int i = 0; i < 200; i++) {
        kvs_set(a, &up, arena_printf(a, "%03d", i), "v");
        kvs_set(a, &down, arena_printf(a, "%03d", 199 - i), "v");
    }
    assert_int_equal(up.n, 200);
    assert_true(kvs_eq(&up, &down));
    for (size_t i = 1; i < down.n; i++)
        assert_true(strcmp(down.v[i - 1].key, down.v[i].key) < 0);
    kvs_set(a, &up, "100", "w");
    assert_int_equal(up.n, 200);
    assert_string_equal(kvs_get(&up, "100"), "w");
    assert_false(kvs_eq(&up, &down));
    kvs_set(a, &down, "100", "w");
    kvs_set(a, &down, "0505", "between");
    assert_false(kvs_eq(&up, &down));
    kvs_set(a, &up, "0505", NULL);
    assert_false(kvs_eq(&up, &down));
    assert_string_equal(kvs_get(&down, "0505"), "between");
    assert_null(kvs_get(&down, "0506"));
}

static void nearest_word(void **state)
{
    static const char *const words[] = {
        "image",       "route",
        "ports",       "port",
        "environment", "env",
        "volumes",     "replicas",
        "restart",     "a_very_long_word_that_nobody_would_ever_write_by_hand_in_a_spec_file_x",
    };
    static const struct {
        const char *word, *want;
    } cases[] = {
        {"rout", "route"},
        {"rotue", "route"}, /* a swap is one edit */
        {"imgae", "image"},
        {"image", "image"},
        {"portss", "ports"},
        {"prot", "port"},
        {"enviroment", "environment"},
        {"environmnet", "environment"},
        {"volume", "volumes"},
        {"enx", "env"},
        {"nev", "env"},     /* so a swap fits where two edits would not */
        {"portx", "ports"}, /* among equals the first */
        {"xyz", NULL},
        {"imxxe", "image"}, /* two edits of five letters: allowed */
        {"ixxxe", NULL},    /* three are not */
        {"x", NULL},
        {"", NULL},
        {"a_very_long_word_that_nobody_would_ever_write_by_hand_in_a_spec_file_y", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *got = str_nearest(cases[i].word, words, ARRAY_LEN(words));
        if (cases[i].want)
            assert_string_equal(got ? got : "(none)", cases[i].want);
        else
            assert_null(got);
    }
    assert_null(str_nearest("image", NULL, 0));
}

/* ---- units ---- */

#define POISON INT64_C(0x5a5a5a5a5a5a5a5a)

struct reading {
    const char *in;
    int64_t want; /* POISON: refused */
};

static void check_readings(const struct reading *cases, size_t n,
                           int (*parse)(const char *, int64_t *))
{
    for (size_t i = 0; i < n; i++) {
        int64_t got = POISON;
        int rc = parse(cases[i].in, &got);
        if (got != cases[i].want || rc != (cases[i].want == POISON ? -1 : 0))
            fail_msg("\"%s\" gave %d, %lld instead of %lld", cases[i].in, rc, (long long)got,
                     (long long)cases[i].want);
    }
    int64_t got = POISON;
    assert_int_equal(parse(NULL, &got), -1);
    assert_true(got == POISON);
}

static int any_int64(const char *s, int64_t *ret)
{
    return parse_int64(s, INT64_MIN, INT64_MAX, ret);
}

static void integers(void **state)
{
    static const struct reading cases[] = {
        {"0", 0},
        {"-0", 0},
        {"42", 42},
        {"-42", -42},
        {"010", 10},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
        {"9223372036854775808", POISON},
        {"-9223372036854775809", POISON},
        {"99999999999999999999999", POISON},
        {"", POISON},
        {"-", POISON},
        {"+1", POISON},
        {" 1", POISON},
        {"1 ", POISON},
        {"1x", POISON},
        {"0x10", POISON},
        {"1.0", POISON},
        {"--1", POISON},
    };
    int64_t v = POISON;

    (void)state;
    check_readings(cases, ARRAY_LEN(cases), any_int64);
    assert_int_equal(parse_int64("65535", 1, 65535, &v), 0);
    assert_true(v == 65535);
    v = POISON;
    assert_int_equal(parse_int64("65536", 1, 65535, &v), -1);
    assert_int_equal(parse_int64("0", 1, 65535, &v), -1);
    assert_int_equal(parse_int64("-1", 0, INT64_MAX, &v), -1);
    assert_true(v == POISON);
}

#define K INT64_C(1024)

static void byte_sizes(void **state)
{
    static const struct reading cases[] = {
        {"0", 0},
        {"512", 512},
        {"512b", 512},
        {"512B", 512},
        {"64k", 64 * K},
        {"64kb", 64 * K},
        {"64KiB", 64 * K},
        {"64kib", 64 * K},
        {"512M", 512 * K * K},
        {"512mb", 512 * K * K},
        {"1.5g", 1536 * K * K},
        {"1GiB", K * K * K},
        {"2tb", 2 * K * K * K * K},
        {"1p", K * K * K * K * K},
        {"0.1g", 107374182},
        {".5k", 512},
        {"1.5", 1},
        {"32 kb", 32 * K},
        {"0.0009765625k", 1},
        {"0.00097656249999999999999999999999k", 0},
        {"-1", -1},
        {"9223372036854775807", INT64_MAX},
        {"8388607t", 8388607 * K * K * K * K},
        {"9223372036854775808", POISON},
        {"8388608t", POISON},
        {"8192p", POISON},
        {"99999999999999999999g", POISON},
        {"", POISON},
        {"k", POISON},
        {".", POISON},
        {"1.", POISON},
        {"1..5k", POISON},
        {"1.5.1k", POISON},
        {"-2", POISON},
        {"-1k", POISON},
        {"+1", POISON},
        {"1kk", POISON},
        {"1ki", POISON},
        {"1i", POISON},
        {"1bb", POISON},
        {"1e3", POISON},
        {"1 ", POISON},
        {" 1", POISON},
        {"1  k", POISON},
        {"0x10", POISON},
        {"1e", POISON},
        {"one", POISON},
    };

    (void)state;
    check_readings(cases, ARRAY_LEN(cases), parse_bytes);
}

#define MS INT64_C(1000000)
#define S (1000 * MS)

static void durations(void **state)
{
    static const struct reading cases[] = {
        {"30s", 30 * S},
        {"1h30m", 5400 * S},
        {"1h30m10s", 5410 * S},
        {"1.5s", 1500 * MS},
        {"500ms", 500 * MS},
        {"10us", 10000},
        {"10\xc2\xb5s", 10000},
        {"10\xce\xbcs", 10000},
        {"7ns", 7},
        {"1m", 60 * S},
        {"1m1ms", 60 * S + MS},
        {"90", 90 * S},
        {"1.5", 1500 * MS},
        {"0", 0},
        {"0s", 0},
        {"2d", 172800 * S},
        {"1w", 604800 * S},
        {"1.5h", 5400 * S},
        {".5s", 500 * MS},
        {"0.1us", 100},
        {"0.1ns", 0},
        {"0.3s", 300 * MS},
        {"9223372036854775807ns", INT64_MAX},
        {"9223372036s854775807ns", INT64_MAX},
        {"9223372036854775808ns", POISON},
        {"9223372036s854775808ns", POISON},
        {"2562048h", POISON},
        {"99999999999999999999s", POISON},
        {"9223372037", POISON},
        {"", POISON},
        {"s", POISON},
        {"1h1", POISON},
        {"1h 1m", POISON},
        {"1s ", POISON},
        {" 1s", POISON},
        {"-1s", POISON},
        {"-1", POISON},
        {"+1s", POISON},
        {"1x", POISON},
        {"1sm", POISON},
        {"1 s", POISON},
        {"1.s", POISON},
        {"1..5s", POISON},
        {"1S", POISON},
        {"1:30", POISON},
        {"ms", POISON},
        {"1\xc2", POISON},
    };

    (void)state;
    check_readings(cases, ARRAY_LEN(cases), parse_duration_ns);
}

static void cpus(void **state)
{
    static const struct reading cases[] = {
        {"0.5", 500000000},
        {"2", 2000000000},
        {"1.25", 1250000000},
        {".1", 100000000},
        {"0", 0},
        {"0.000000001", 1},
        {"0.0000000019", 1},
        {"9223372036.854775807", INT64_MAX},
        {"9223372036.854775808", POISON},
        {"-1", POISON},
        {"", POISON},
        {"2 ", POISON},
        {"1e3", POISON},
        {"2cpu", POISON},
        {"1,5", POISON},
    };

    (void)state;
    check_readings(cases, ARRAY_LEN(cases), parse_nano_cpus);
}

static void times(void **state)
{
    static const struct reading cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-11-22T10:00:00Z", INT64_C(1795341600000)},
        {"2026-11-22t10:00:00z", INT64_C(1795341600000)},
        {"2026-11-22 11:30:00.25+01:30", INT64_C(1795341600250)},
        {"2026-11-22T04:00:00-06:00", INT64_C(1795341600000)},
        {"2026-11-22T10:00:00.123456789Z", INT64_C(1795341600123)},
        {"2026-11-22T10:00:00.9999Z", INT64_C(1795341600999)},
        {"2024-02-29T00:00:00Z", INT64_C(1709164800000)},
        {"2000-02-29T00:00:00Z", INT64_C(951782400000)},
        {"1969-12-31T23:59:59.5Z", -500},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800000)},
        {"9999-12-31T23:59:59Z", INT64_C(253402300799000)},
        {"0001-01-01T00:00:00Z", 0},
        {"2023-02-29T00:00:00Z", POISON},
        {"1900-02-29T00:00:00Z", POISON},
        {"2026-04-31T00:00:00Z", POISON},
        {"2026-13-01T00:00:00Z", POISON},
        {"2026-00-01T00:00:00Z", POISON},
        {"2026-01-00T00:00:00Z", POISON},
        {"2026-01-01T24:00:00Z", POISON},
        {"2026-01-01T00:60:00Z", POISON},
        {"2026-01-01T00:00:61Z", POISON},
        {"2026-01-01T00:00:00", POISON},
        {"2026-01-01", POISON},
        {"", POISON},
        {"2026-01-01T00:00:00.Z", POISON},
        {"2026-01-01T00:00:00ZZ", POISON},
        {"2026-01-01T00:00:00+0100", POISON},
        {"26-01-01T00:00:00Z", POISON},
        {"2026-1-01T00:00:00Z", POISON},
        {"2026-01-01T00:00:00+24:00", POISON},
        {"-026-01-01T00:00:00Z", POISON},
    };

    (void)state;
    check_readings(cases, ARRAY_LEN(cases), parse_time_ms);
}

struct printing {
    int64_t in;
    const char *want;
};

static void check_printings(const struct printing *cases, size_t n,
                            void (*add)(struct str *, int64_t))
{
    for (size_t i = 0; i < n; i++) {
        CLEANUP(str_release) struct str s = STR_INIT;
        str_add(&s, ">");
        add(&s, cases[i].in);
        assert_string_equal(str_text(&s) + 1, cases[i].want);
    }
}

static void printed_sizes(void **state)
{
    static const struct printing cases[] = {
        {0, "0B"},
        {12, "12B"},
        {1023, "1023B"},
        {1024, "1K"},
        {1536, "1.5K"},
        {512 * K * K, "512M"},
        {1536 * K * K, "1.5G"},
        {K * K * K - 1, "1023.9M"},
        {K * K + 1, "1M"},
        {INT64_MAX, "7.9E"},
        {-1536, "-1.5K"},
        {INT64_MIN, "-8E"},
    };

    (void)state;
    check_printings(cases, ARRAY_LEN(cases), str_add_bytes);
}

static void printed_durations(void **state)
{
    static const struct printing cases[] = {
        {0, "0s"},
        {7, "7ns"},
        {1500, "1.5us"},
        {250 * MS, "250ms"},
        {1, "1ns"},
        {S, "1s"},
        {1500 * MS, "1.5s"},
        {S + 50 * MS, "1.05s"},
        {90 * S, "1m30s"},
        {3600 * S, "1h"},
        {5400 * S, "1h30m"},
        {60 * S, "1m"},
        {3605 * S, "1h5s"},
        {61 * S + 500 * MS, "1m1s"},
        {172800 * S, "48h"},
        {-90 * S, "-1m30s"},
        {999999999, "999.999ms"},
        {INT64_MAX, "2562047h47m16s"},
        {INT64_MIN, "-2562047h47m16s"},
    };

    (void)state;
    check_printings(cases, ARRAY_LEN(cases), str_add_duration);
}

static void printed_times(void **state)
{
    static const struct printing cases[] = {
        {0, "1970-01-01T00:00:00Z"},
        {INT64_C(1795341600123), "2026-11-22T10:00:00Z"},
        {INT64_C(1709164799999), "2024-02-28T23:59:59Z"},
        {INT64_C(1709164800000), "2024-02-29T00:00:00Z"},
        {INT64_C(951782400000), "2000-02-29T00:00:00Z"},
        {-1, "1969-12-31T23:59:59Z"},
        {INT64_C(-62135596800000), "0001-01-01T00:00:00Z"},
        {INT64_C(253402300799000), "9999-12-31T23:59:59Z"},
    };
    CLEANUP(str_release) struct str s = STR_INIT;

    (void)state;
    check_printings(cases, ARRAY_LEN(cases), str_add_time);
    str_add_time(&s, INT64_MAX);
    str_add_time(&s, INT64_MIN);
}

/* Every day of 1900 to 2099 there and back, across all kinds of leap years. */
static void calendar_round_trip(void **state)
{
    (void)state;
    for (int64_t day = -25567; day < 47482; day++) {
        CLEANUP(str_release) struct str s = STR_INIT;
        int64_t ms = day * 86400000 + 43200000, back = POISON;
        str_add_time(&s, ms);
        assert_int_equal(parse_time_ms(str_text(&s), &back), 0);
        assert_true(back == ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffer_grows),
        cmocka_unit_test(formatting_of_every_length),
        cmocka_unit_test(stealing),
        cmocka_unit_test(escaping),
        cmocka_unit_test(utf8),
        cmocka_unit_test(string_lists),
        cmocka_unit_test(key_value_lists),
        cmocka_unit_test(nearest_word),
        cmocka_unit_test(integers),
        cmocka_unit_test(byte_sizes),
        cmocka_unit_test(durations),
        cmocka_unit_test(cpus),
        cmocka_unit_test(times),
        cmocka_unit_test(printed_sizes),
        cmocka_unit_test(printed_durations),
        cmocka_unit_test(printed_times),
        cmocka_unit_test(calendar_round_trip),
        cmocka_unit_test(rows_in_any_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
