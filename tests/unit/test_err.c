/* test_err.c: failures keep their kind and whole characters; diagnostics come out in order, bounded and harmless. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "spec/base/arena.h"
#include "spec/base/err.h"
#include "spec/base/str.h"
#include "spec/limits.h"

static void poison(struct err *e)
{
    memset(e, 0x5a, sizeof(*e));
}

static void set_and_wrap(void **state)
{
    struct err e;

    (void)state;
    poison(&e);
    assert_int_equal(err_set(&e, ERR_RETRY, "port %d is %s", 80, "taken"), -1);
    assert_int_equal(e.kind, ERR_RETRY);
    assert_string_equal(e.msg, "port 80 is taken");
    assert_int_equal(err_wrap(&e, "service %s", "web"), -1);
    assert_int_equal(err_wrap(&e, "app %s", "shop"), -1);
    assert_int_equal(e.kind, ERR_RETRY);
    assert_string_equal(e.msg, "app shop: service web: port 80 is taken");
    /* Its own text as an argument. */
    assert_int_equal(err_set(&e, ERR_USER, "<%s>", e.msg), -1);
    assert_string_equal(e.msg, "<app shop: service web: port 80 is taken>");
    assert_int_equal(err_set(NULL, ERR_BUG, "nobody listens"), -1);
    assert_int_equal(err_wrap(NULL, "nobody listens"), -1);
    assert_int_equal(err_errno(NULL, ENOENT, "nobody listens"), -1);
}

static void wrapping_nothing_adds_no_colon(void **state)
{
    struct err e = {0};

    (void)state;
    assert_int_equal(err_wrap(&e, "context"), -1);
    assert_string_equal(e.msg, "context");
}

static void long_text_is_cut_at_a_character(void **state)
{
    char text[1024];
    struct err e;

    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'x', shift);
        for (size_t i = shift; i + 4 < sizeof(text); i += 4)
            memcpy(text + i, "\xf0\x9f\x90\xb3", 5);
        poison(&e);
        assert_int_equal(err_set(&e, ERR_USER, "%s", text), -1);
        size_t n = strlen(e.msg);
        assert_in_range(n, sizeof(e.msg) - 4, sizeof(e.msg) - 1);
        assert_int_equal((n - shift) % 4, 0);
        assert_memory_equal(e.msg, text, n);
        (void)err_wrap(&e, "in front");
        assert_memory_equal(e.msg, "in front: ", 10);
        assert_int_equal((strlen(e.msg) - 10 - shift) % 4, 0);
    }
}

static void errno_decides_the_kind(void **state)
{
    static const struct {
        int errnum;
        enum err_kind kind;
    } cases[] = {
        {ENOENT, ERR_MISSING}, {EACCES, ERR_DENIED}, {EPERM, ERR_DENIED}, {ENOSPC, ERR_RETRY},
        {EAGAIN, ERR_RETRY},   {ENOMEM, ERR_RETRY},  {EROFS, ERR_RETRY},  {EIO, ERR_RETRY},
        {EDQUOT, ERR_RETRY},   {EMFILE, ERR_RETRY},  {ENFILE, ERR_RETRY}, {EBUSY, ERR_RETRY},
        {EISDIR, ERR_USER},    {99999, ERR_USER},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e;
        poison(&e);
        assert_int_equal(err_errno(&e, cases[i].errnum, "cannot open %s", "x"), -1);
        assert_int_equal(e.kind, cases[i].kind);
        assert_memory_equal(e.msg, "cannot open x: ", 15);
        assert_true(strlen(e.msg) > 15);
    }
    struct err e;
    (void)err_errno(&e, ENOENT, "cannot open x");
    assert_string_equal(e.msg, "cannot open x: No such file or directory");
}

static void kinds_have_names(void **state)
{
    (void)state;
    for (enum err_kind k = ERR_NONE; k <= ERR_BUG; k++)
        assert_string_not_equal(err_kind_name(k), "unknown");
    assert_string_equal(err_kind_name(ERR_STALE), "stale");
    assert_string_equal(err_kind_name((enum err_kind)77), "unknown");
}

/* ---- diagnostics ---- */

static void texts_are_copied(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char path[] = "services.web", hint[] = "did you mean \"route\"?", word[] = "rout";
    struct diag_list l;

    (void)state;
    memset(&l, 0x5a, sizeof(l));
    diag_init(&l, a);
    diag_add(&l, DIAG_WARNING, (struct place){"f", 1, 2}, path, NULL, hint, "unknown key \"%s\"",
             word);
    diag_add(&l, DIAG_NOTE, (struct place){0}, NULL, NULL, NULL, "just so");
    memset(path, 'x', sizeof(path) - 1);
    memset(hint, 'x', sizeof(hint) - 1);
    memset(word, 'x', sizeof(word) - 1);
    assert_int_equal(l.n, 2);
    assert_int_equal(l.errors, 0);
    assert_int_equal(l.warnings, 1);
    assert_string_equal(l.v[0].path, "services.web");
    assert_string_equal(l.v[0].hint, "did you mean \"route\"?");
    assert_string_equal(l.v[0].what, "unknown key \"rout\"");
    assert_null(l.v[1].path);
    assert_null(l.v[1].hint);
}

static void sorted_by_place_and_stable(void **state)
{
    static const struct {
        struct place at;
        const char *what;
    } in[] = {
        {{"b", 1, 1}, "6"}, {{"a", 9, 1}, "4"},  {{"a", 2, 7}, "3"}, {{"a", 2, 1}, "1"},
        {{"a", 2, 1}, "2"}, {{NULL, 5, 5}, "0"}, {{"a", 9, 1}, "5"},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct diag_list l;

    (void)state;
    diag_init(&l, a);
    for (size_t i = 0; i < ARRAY_LEN(in); i++)
        diag_add(&l, DIAG_ERROR, in[i].at, NULL, NULL, NULL, "%s", in[i].what);
    diag_sort(&l);
    for (size_t i = 0; i < ARRAY_LEN(in); i++)
        assert_int_equal(l.v[i].what[0], '0' + (int)i);
}

static void full_lists_keep_errors(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct diag_list l;

    (void)state;
    diag_init(&l, a);
    for (int i = 0; i < LIMIT_DIAGS + 50; i++)
        diag_add(&l, i == 7 ? DIAG_ERROR : DIAG_WARNING, (struct place){"f", i + 1, 1}, NULL, NULL,
                 NULL, "%d", i);
    assert_string_equal(l.v[LIMIT_DIAGS - 1].what, "199"); /* later ones give way */
    diag_add(&l, DIAG_ERROR, (struct place){"f", 999, 1}, NULL, NULL, NULL, "late");
    assert_int_equal(l.n, LIMIT_DIAGS);
    assert_int_equal(l.warnings, LIMIT_DIAGS + 49);
    assert_int_equal(l.errors, 2);
    assert_string_equal(l.v[7].what, "7");
    assert_string_equal(l.v[LIMIT_DIAGS - 1].what, "late");
    assert_string_equal(l.v[LIMIT_DIAGS - 2].what, "198");
    for (int i = 0; i < 2 * LIMIT_DIAGS; i++)
        diag_add(&l, DIAG_ERROR, (struct place){"f", 1, 1}, NULL, NULL, NULL, "more");
    assert_int_equal(l.n, LIMIT_DIAGS);
    assert_int_equal(l.errors, 2 + 2 * LIMIT_DIAGS);
    for (size_t i = 0; i < l.n; i++)
        assert_int_equal(l.v[i].level, DIAG_ERROR);
}

static void printed(void **state)
{
    static const struct {
        struct diag d;
        bool with_source;
        const char *want;
    } cases[] = {
        {{DIAG_ERROR,
          {"apps/blog.yaml", 4, 3},
          NULL,
          "unknown key \"rout\"",
          "did you mean \"route\"?",
          NULL},
         true,
         "apps/blog.yaml:4:3: error: unknown key \"rout\"; did you mean \"route\"?\n"},
        {{DIAG_ERROR, {"f", 4, 3}, NULL, "bad", NULL, "  rout: 1"},
         true,
         "f:4:3: error: bad\n      rout: 1\n      ^\n"},
        {{DIAG_ERROR, {"f", 4, 3}, NULL, "bad", NULL, "  rout: 1"}, false, "f:4:3: error: bad\n"},
        {{DIAG_WARNING, {"f", 4, 0}, NULL, "bad", NULL, "line"}, true, "f:4: warning: bad\n"},
        {{DIAG_NOTE, {"f", 0, 0}, NULL, "so", NULL, NULL}, true, "f: note: so\n"},
        {{DIAG_NOTE, {NULL, 3, 3}, NULL, "so", NULL, NULL}, true, "note: so\n"},
        /* The caret counts characters, and tabs and escapes by what is shown for them. */
        {{DIAG_ERROR,
          {"f", 1, 4},
          NULL,
          "x",
          NULL,
          "\xc3\xa9\t\x1b"
          "d"},
         true,
         "f:1:4: error: x\n    \xc3\xa9 \\x1bd\n          ^\n"},
        {{DIAG_ERROR, {"f", 1, 9}, NULL, "x", NULL, "ab"},
         true,
         "f:1:9: error: x\n    ab\n      ^\n"},
        /* Nothing that a stranger wrote reaches the terminal as a command. */
        {{DIAG_ERROR, {"f\n", 1, 1}, NULL, "a\033[2Jb", "\r\xff", NULL},
         true,
         "f\\x0a:1:1: error: a\\x1b[2Jb; \\x0d\\xff\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(str_release) struct str out = STR_INIT;
        str_add(&out, ">");
        diag_print(&cases[i].d, cases[i].with_source, &out);
        assert_string_equal(str_text(&out) + 1, cases[i].want);
    }
}

static void long_lines_are_shown_around_the_caret(void **state)
{
    CLEANUP(str_release) struct str out = STR_INIT;
    char line[2001];

    (void)state;
    memset(line, 'x', 2000);
    line[2000] = '\0';
    line[999] = '!';
    struct diag d = {DIAG_ERROR, {"f", 1, 1000}, NULL, "bad", NULL, line};

    diag_print(&d, true, &out);
    assert_in_range(out.len, 100, 400);
    const char *shown = strchr(str_text(&out), '\n') + 1;
    const char *under = strchr(shown, '\n') + 1;
    assert_int_equal(strchr(shown, '!') - shown, strchr(under, '^') - under);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_and_wrap),
        cmocka_unit_test(wrapping_nothing_adds_no_colon),
        cmocka_unit_test(long_text_is_cut_at_a_character),
        cmocka_unit_test(errno_decides_the_kind),
        cmocka_unit_test(kinds_have_names),
        cmocka_unit_test(texts_are_copied),
        cmocka_unit_test(sorted_by_place_and_stable),
        cmocka_unit_test(full_lists_keep_errors),
        cmocka_unit_test(printed),
        cmocka_unit_test(long_lines_are_shown_around_the_caret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
