/* test_drift_report.c: reports of drift: the table, the page and JUnit's XML, with values that try to be markup. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "reconcile/drift_report.h"
#include "spec/base/arena.h"
#include "spec/base/attr.h"
#include "spec/base/str.h"

#define HOSTILE                                                                                    \
    "</td><script>alert(\"1\")</script>&amp;']]><!--\x01\x1b[31m\xff\xe2\x80\xae\xef\xbf\xbe"

static struct difference found[] = {
    {.kind = DRIFT_FOUND,
     .object = "container blog-app-1",
     .change = {"mem_limit", "512M", "256M"},
     .cause = "update at 2026-11-22T10:00:03Z",
     .event = "update",
     .when_ms = INT64_C(1795341603000),
     .repair = REPAIR_UPDATE},
    {.kind = DRIFT_FOUND,
     .object = "container blog-app-1",
     .change = {"environment." HOSTILE, NULL, HOSTILE},
     .cause = HOSTILE,
     .repair = REPAIR_REPLACE,
     .left = LEFT_REPORT},
    {.kind = DRIFT_FOUND,
     .object = "container blog-app-1",
     .change = {"environment.PASSWORD", "(changed)", "(changed)"},
     .cause = "by hand",
     .repair = REPAIR_REPLACE,
     .left = LEFT_IGNORED},
    {.kind = DRIFT_PENDING, .object = "container blog-app-1", .change = {"image", "b", "a"}},
};
static struct difference stopped[] = {
    {.kind = DRIFT_FOUND,
     .object = "container wiki-app-1",
     .change = {"state", "running", "exited"},
     .repair = REPAIR_START},
};
static const char *const notes[] = {"held until \x1b[2J"};
static struct plan_app apps[] = {
    {.name = "blog",
     .state = APP_OUT_OF_SYNC,
     .origin = "/apps//a&b.yaml",
     .digest = "",
     .differences = found,
     .n_differences = 4},
    {.name = "calm", .state = APP_SYNCED, .digest = "", .notes = {(const char **)notes, 1}},
    {.name = "wiki",
     .state = APP_OUT_OF_SYNC,
     .digest = "",
     .differences = stopped,
     .n_differences = 1},
};
static const struct plan plan = {.apps = apps, .n_apps = 3};
static const struct plan calm = {.apps = &apps[1], .n_apps = 1};

static struct drift_report report_of(const struct plan *p, struct arena *a)
{
    struct drift_item *items;
    size_t n = drift_items(p, a, &items);

    return (struct drift_report){.plan = p,
                                 .items = items,
                                 .n = n,
                                 .now_ms = INT64_C(1795341660000),
                                 .owner = "default<",
                                 .engine = "26.1.5"};
}

/* ---- XML 1.0, as strict as a parser that reads no DTD ---- */

struct xml {
    const char *at;
    char open[16][32];
    size_t depth, elements;
};

static bool text_ends(struct xml *x, const char *ends)
{
    for (; *x->at && !strchr(ends, *x->at); x->at++) {
        unsigned char c = (unsigned char)*x->at;

        if (c == '<' || (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
            return false;
        if (c == '&' && strncmp(x->at, "&amp;", 5) != 0 && strncmp(x->at, "&lt;", 4) != 0 &&
            strncmp(x->at, "&gt;", 4) != 0 && strncmp(x->at, "&quot;", 6) != 0 &&
            strncmp(x->at, "&#39;", 5) != 0)
            return false;
        if (strncmp(x->at, "]]>", 3) == 0 || strncmp(x->at, "\xef\xbf\xbe", 3) == 0)
            return false;
    }
    return *x->at != '\0';
}

static size_t name_length(const char *at)
{
    return strspn(at, "abcdefghijklmnopqrstuvwxyz");
}

/* An element's start; *ret_empty: it ends itself. attributes: those it may have, each once, with blanks around. */
static bool start_tag(struct xml *x, const char *attributes, const char *required, bool *ret_empty)
{
    char seen[256] = " ";

    while (*x->at == ' ') {
        size_t n = name_length(++x->at);
        char name[32];

        if (n == 0 || n > 20)
            return false;
        (void)snprintf(name, sizeof(name), " %.*s ", (int)n, x->at);
        if (!strstr(attributes, name) || strstr(seen, name))
            return false;
        (void)snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%s", name + 1);
        x->at += n;
        if (strncmp(x->at, "=\"", 2) != 0)
            return false;
        x->at += 2;
        if (!text_ends(x, "\""))
            return false;
        x->at++;
    }
    for (const char *r = required; *r; r += strcspn(r, ",") + (r[strcspn(r, ",")] != '\0')) {
        char name[40];

        (void)snprintf(name, sizeof(name), " %.*s ", (int)strcspn(r, ","), r);
        if (!strstr(seen, name))
            return false;
    }
    *ret_empty = *x->at == '/';
    x->at += *ret_empty;
    return *x->at++ == '>';
}

static const struct rule { /* jenkins-junit.xsd */
    const char *element, *in, *attributes, *required;
} rules[] = {
    {"testsuites", "", " name time tests failures disabled errors ", ""},
    {"testsuite", "testsuites",
     " name tests failures errors group time skipped timestamp hostname id package file log url "
     "version ",
     "name,tests"},
    {"testcase", "testsuite", " name assertions time classname status class file line ",
     "name,classname"},
    {"failure", "testcase", " type message ", ""},
    {"skipped", "testcase", " type message ", ""},
};

static bool element(struct xml *x)
{
    size_t n = name_length(x->at);
    const char *parent = x->depth ? x->open[x->depth - 1] : "";
    bool empty = false;

    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        if (strlen(rules[i].element) != n || strncmp(rules[i].element, x->at, n) != 0)
            continue;
        x->at += n;
        if (strcmp(rules[i].in, parent) != 0 ||
            !start_tag(x, rules[i].attributes, rules[i].required, &empty))
            return false;
        x->elements++;
        if (!empty)
            (void)snprintf(x->open[x->depth++], sizeof(x->open[0]), "%s", rules[i].element);
        return true;
    }
    return false;
}

static bool is_junit(const char *text, size_t *ret_elements)
{
    static const char declaration[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    struct xml x = {.at = text + sizeof(declaration) - 1};

    if (strncmp(text, declaration, sizeof(declaration) - 1) != 0)
        return false;
    while (*x.at) {
        if (*x.at != '<') {
            if (x.depth == 0 ? *x.at++ != '\n' : !text_ends(&x, "<"))
                return false;
        } else if (x.at[1] == '/') {
            size_t n = name_length(x.at + 2);

            if (x.depth == 0 || strlen(x.open[x.depth - 1]) != n ||
                strncmp(x.open[--x.depth], x.at + 2, n) != 0 || x.at[2 + n] != '>')
                return false;
            x.at += n + 3;
        } else {
            x.at++;
            if (x.depth >= ARRAY_LEN(x.open) - 1 || !element(&x))
                return false;
        }
    }
    *ret_elements = x.elements;
    return x.depth == 0;
}

static void test_junit(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(str_release) struct str s = STR_INIT;
    struct drift_report r = report_of(&plan, a);
    size_t elements = 0;

    (void)state;
    drift_junit(&r, &s);
    assert_true(is_junit(str_text(&s), &elements));
    assert_int_equal(elements, 1 + 3 + 5 + 4); /* suites, cases, three failures and one skipped */
    assert_non_null(strstr(str_text(&s), "tests=\"5\" failures=\"3\" errors=\"0\""));
    assert_non_null(strstr(str_text(&s), "<testsuite name=\"blog\" tests=\"3\" failures=\"2\" "
                                         "errors=\"0\" skipped=\"1\""));
    assert_non_null(strstr(str_text(&s), "timestamp=\"2026-11-22T10:01:00\""));
    assert_non_null(strstr(str_text(&s), "<testcase classname=\"calm\" name=\"no drift\""));
    /* the judge itself judges */
    assert_false(
        is_junit("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites a=\"\"/>\n", &elements));
    assert_false(is_junit("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"<\"/>\n",
                          &elements));
    assert_false(is_junit("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n", &elements));
}

static void test_html(void **state)
{
    static const char *const never[] = {"<script", "http://", "https://",    "url(", "@import",
                                        "src=\"",  "<img",    "\x1b",        "\x01", "\xff",
                                        "onload",  "<!--",    "\xe2\x80\xae"};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(str_release) struct str s = STR_INIT, none = STR_INIT;
    struct drift_report r = report_of(&plan, a), quiet = report_of(&calm, a);

    (void)state;
    drift_html(&r, &s);
    for (size_t i = 0; i < ARRAY_LEN(never); i++)
        if (strstr(str_text(&s), never[i]))
            fail_msg("\"%s\" is in the page", never[i]);
    assert_non_null(strstr(str_text(&s), "&lt;/td&gt;&lt;script&gt;"));
    assert_non_null(strstr(str_text(&s), "prefers-color-scheme:dark"));
    assert_non_null(strstr(str_text(&s), "default-src 'none'"));
    assert_non_null(strstr(str_text(&s), "a&amp;b.yaml"));
    drift_html(&quiet, &none);
    assert_non_null(strstr(str_text(&none), "No drift"));
}

static void test_table(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(str_release) struct str s = STR_INIT, none = STR_INIT, paint = STR_INIT;
    struct drift_report r = report_of(&plan, a), quiet = report_of(&calm, a);

    (void)state;
    drift_print(&r, false, &s);
    assert_null(strpbrk(str_text(&s), "\x1b\x01\xff"));
    assert_int_equal(strncmp(str_text(&s), "APP   OBJECT                FIELD", 33), 0);
    assert_non_null(strstr(str_text(&s), "2026-11-22T10:00:03Z update\n"));
    assert_non_null(strstr(str_text(&s),
                           "blog: container blog-app-1: mem_limit: want 512M, have 256M\n"
                           "  cause: update at 2026-11-22T10:00:03Z\n"
                           "  file: /apps//a&b.yaml\n"
                           "  put right in place, by an update\n"));
    assert_non_null(strstr(str_text(&s), "environment.PASSWORD: (changed)\n"));
    assert_non_null(strstr(str_text(&s), "  left as it is: drift: report\n"));
    assert_non_null(strstr(str_text(&s), "\n3 differences in 2 of 3 apps\n"));
    drift_print(&quiet, false, &none);
    assert_string_equal(
        str_text(&none),
        "calm: held until \\x1b[2J\n\nno drift: what runs is what was brought up\n");
    drift_print(&r, true, &paint);
    assert_non_null(strstr(str_text(&paint), "\x1b[33m256M\x1b[0m"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_junit),
        cmocka_unit_test(test_html),
        cmocka_unit_test(test_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
