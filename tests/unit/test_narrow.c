/* test_narrow.c: refusals that name other apps, as a narrowed caller may read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/narrow.h"
#include "spec/base/arena.h"

static void test_texts(void **state)
{
    static const struct {
        const char *text, *want; /* NULL: it stays */
    } cases[] = {
        {"the route /x is taken by \"b\" (uploads/b.yaml:3:1)",
         "the route /x is taken by another app"},
        {"host port 80/tcp is published by \"my-shop2\" (/etc/a (b):c/x.yaml:30:11); so there",
         "host port 80/tcp is published by another app; so there"},
        {"{\"why\":\"taken by \\\"b\\\" (uploads/b.yaml:3:1)\",\"n\":1}",
         "{\"why\":\"taken by another app\",\"n\":1}"},
        {"<p>taken by &quot;b&quot; (uploads/b.yaml:3:1)</p>", "<p>taken by another app</p>"},
        {"\"b\" (b.yaml:3:1), \"a\" (a.yaml:1:1) and \"c\" (c.yaml:2:2)",
         "another app, \"a\" (a.yaml:1:1) and another app"},
        {"taken by \"a\" (uploads/a.yaml:3:1)", NULL},
        {"unknown key \"rout\"; did you mean \"route\"? (a.yaml:3:1)", NULL},
        {"\"b\" (b.yaml:3)", NULL},
        {"\"b\" (b.yaml:3:1", NULL},
        {"\"b\" (b.yaml:\n3:1)", NULL},
        {"\"b", NULL},
        {"\"\" (b.yaml:3:1)", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(str_release) struct str out = STR_INIT;
        bool changed = narrow_text(",a,shop,", cases[i].text, strlen(cases[i].text), &out);

        assert_int_equal(changed, cases[i].want != NULL);
        assert_string_equal(str_text(&out), cases[i].want ? cases[i].want : "");
        /* Cut anywhere it reads nothing behind its end. */
        for (size_t n = 0; n < strlen(cases[i].text); n++) {
            CLEANUP(str_release) struct str cut = STR_INIT;
            char *copy = malloc(n ? n : 1);

            assert_non_null(copy);
            memcpy(copy, cases[i].text, n);
            (void)narrow_text(",a,shop,", copy, n, &cut);
            free(copy);
        }
    }
}

static void test_list(void **state)
{
    const char *names[] = {"blog", "shop"};
    CLEANUP(str_release) struct str out = STR_INIT;

    (void)state;
    narrow_list(&(struct strv){.v = names, .n = 2}, &out);
    assert_string_equal(str_text(&out), ",blog,shop,");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
