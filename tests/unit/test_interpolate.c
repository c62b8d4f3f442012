/* test_interpolate.c: variables in a text: every form of Compose's, what each refuses, and that nothing grows without bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "spec/base/arena.h"
#include "spec/interpolate.h"
#include "spec/limits.h"

static const char *look_up(void *ctx, const char *name, const char **ret_file)
{
    const struct kvs *vars = ctx;

    *ret_file = "apps/.env";
    return kvs_get(vars, name);
}

static int fill(struct arena *a, const char *text, struct interpolate_result *ret)
{
    struct kvs *vars = ARENA_NEW(a, struct kvs);
    const struct interpolate_source source = {look_up, vars};

    kvs_set(a, vars, "A", "1");
    kvs_set(a, vars, "B_2", "two");
    kvs_set(a, vars, "EMPTY", "");
    kvs_set(a, vars, "DOLLAR", "$A ${A}");
    *ret = (struct interpolate_result){.text = "poison"};
    return interpolate_text(text, &source, a, ret);
}

static void test_forms(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"", ""},
        {"plain", "plain"},
        {"$A", "1"},
        {"x$A-y", "x1-y"},
        {"$A$B_2", "1two"},
        {"${A}0", "10"},
        {"$B_2x", ""}, /* the name is B_2x */
        {"$$A", "$A"},
        {"$$$A", "$1"},
        {"$$$$", "$$"},
        {"100 $", "100 $"},
        {"$1 $(date) $?", "$1 $(date) $?"},
        {"{A}", "{A}"},
        {"${A:-d}", "1"},
        {"${X:-d}", "d"},
        {"${EMPTY:-d}", "d"},
        {"${EMPTY-d}", ""},
        {"${X-d}", "d"},
        {"${X:-}", ""},
        {"${X-}", ""},
        {"${A:?e}", "1"},
        {"${EMPTY?e}", ""},
        {"${A:+x}", "x"},
        {"${EMPTY:+x}", ""},
        {"${EMPTY+x}", "x"},
        {"${X+x}", ""},
        {"${X:+x}", ""},
        {"${X:-$A}", "1"},
        {"${X:-a${Y:-b${A}c}d}e", "ab1cde"},
        {"${A+${B_2}}", "two"},
        {"${X-b?c}", "b?c"}, /* the first operator decides */
        {"${X:-a:-b}", "a:-b"},
        {"${X:-http://x/?a=b}", "http://x/?a=b"},
        {"${X:-$$A}", "$A"},
        {"${X:-{\"a\": 1}}", "{\"a\": 1}"}, /* its own brace is the first that closes */
        {"${X:-{}}", "{}"},
        {"${A:-${X:?never asked}}", "1"},
        {"$DOLLAR", "$A ${A}"}, /* values are not read again */
        {"\xc3\xa4$A\xc3\xa4", "\xc3\xa4"
                               "1\xc3\xa4"},
    };
    struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct interpolate_result r;

        if (fill(a, rows[i].text, &r) != 0)
            fail_msg("%s: %s", rows[i].text, r.error);
        if (strcmp(r.text, rows[i].want) != 0)
            fail_msg("%s: got \"%s\", want \"%s\"", rows[i].text, r.text, rows[i].want);
        assert_null(r.error);
    }
    arena_free(a);
}

static void test_refused(void **state)
{
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"${}", "not a variable"},
        {"${ A}", "not a variable"},
        {"${A }", "not a variable"},
        {"${A!}", "not a variable"},
        {"${A:}", "not a variable"},
        {"${A:x}", "not a variable"},
        {"${1}", "not a variable"},
        {"${A", "never closed"},
        {"x ${X:-${A}", "never closed"},
        {"${X:-${}}", "not a variable"},
        {"${X?}", "the variable X is required and not set"},
        {"${X:?}", "the variable X is required and not set"},
        {"${X?say $A}", "not set: say 1"},
        {"${EMPTY:?give one}", "the variable EMPTY is required and empty: give one"},
        {"${X:-${Y?no Y}}", "the variable Y is required and not set: no Y"},
    };
    struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct interpolate_result r;

        if (fill(a, rows[i].text, &r) != -1)
            fail_msg("%s: accepted as \"%s\"", rows[i].text, r.text);
        assert_null(r.text);
        if (!r.error || !strstr(r.error, rows[i].words))
            fail_msg("%s: %s", rows[i].text, r.error);
    }
    arena_free(a);
}

static void test_what_it_tells(void **state)
{
    struct arena *a = arena_new();
    struct interpolate_result r;

    (void)state;
    assert_int_equal(fill(a, "$A ${X} $X ${Y} ${Z:-d} ${W-} ${V:+x}", &r), 0);
    assert_int_equal(r.unset.n, 2); /* each once, and none that says what holds then */
    assert_string_equal(r.unset.v[0], "X");
    assert_string_equal(r.unset.v[1], "Y");
    assert_int_equal(r.from.n, 1);
    assert_string_equal(kvs_get(&r.from, "A"), "apps/.env");
    arena_free(a);
}

static void test_bounds(void **state)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    struct arena *a = arena_new();
    struct interpolate_result r;

    (void)state;
    for (int i = 0; i < 1000; i++)
        str_add(&text, "${X:-");
    for (int i = 0; i < 1000; i++)
        str_addc(&text, '}');
    assert_int_equal(fill(a, str_text(&text), &r), -1);
    assert_non_null(strstr(r.error, "deep"));
    str_clear(&text);
    for (int i = 0; i < LIMIT_TEXT; i++)
        str_add(&text, "$B_2;");
    assert_int_equal(fill(a, str_text(&text), &r), -1);
    assert_non_null(strstr(r.error, "bytes"));
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_what_it_tells),
        cmocka_unit_test(test_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
