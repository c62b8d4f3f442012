/* test_dockerignore.c: what a .dockerignore leaves out: Docker's documented examples, the corners of its matcher, and what cannot be a pattern. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "spec/base/arena.h"
#include "spec/base/str.h"
#include "spec/dockerignore.h"

static int set_up(void **state)
{
    *state = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    arena_free(*state);
    return 0;
}

struct row {
    const char *text, *path;
    bool excluded;
};

/* clang-format off */
static const struct row rows[] = {
    /* the reference's own examples */
    {"# comment\n*/temp*\n*/*/temp*\ntemp?", "somedir/temporary.txt", true},
    {"# comment\n*/temp*\n*/*/temp*\ntemp?", "somedir/temp", true},
    {"# comment\n*/temp*\n*/*/temp*\ntemp?", "somedir/subdir/temporary.txt", true},
    {"# comment\n*/temp*\n*/*/temp*\ntemp?", "tempa", true},
    {"# comment\n*/temp*\n*/*/temp*\ntemp?", "temp", false},
    {"# comment\n*/temp*\n*/*/temp*\ntemp?", "tempab", false},
    {"# comment\n*/temp*\n*/*/temp*\ntemp?", "a/b/c/temp", false},
    {"**/*.go", "main.go", true},
    {"**/*.go", "a/b/c/main.go", true},
    {"**/*.go", "main.got", false},
    {"*.md\n!README.md", "README.md", false},
    {"*.md\n!README.md", "CHANGES.md", true},
    {"*.md\n!README*.md\nREADME-secret.md", "README-secret.md", true},
    {"*.md\n!README*.md\nREADME-secret.md", "README-public.md", false},
    {"*.md\nREADME-secret.md\n!README*.md", "README-secret.md", false},
    {"*\n!src", "src/main.c", false},
    {"*\n!src", "doc/x", true},
    {"/foo/bar", "foo/bar", true},
    {"foo/bar", "foo/bar", true},
    {"foo/bar", "foo/bar/baz", true},
    {"foo/bar", "x/foo/bar", false},
    /* folders and what is below them */
    {"node_modules", "node_modules", true},
    {"node_modules", "node_modules/a/b.js", true},
    {"node_modules", "web/node_modules/a.js", false},
    {"node_modules", "node_modules2", false},
    {"node_modules/", "node_modules/a.js", true},
    {"**/node_modules", "web/node_modules/a.js", true},
    {"**/node_modules", "node_modules", true},
    {"**/node_modules", "my_node_modules", false},
    {"docs\n!docs/README.md", "docs/README.md", false},
    {"docs\n!docs/README.md", "docs/other.md", true},
    {"docs/*\n!docs/README.md", "docs/README.md", false},
    {"docs\n!docs/api\ndocs/api/private", "docs/api/x", false},
    {"docs\n!docs/api\ndocs/api/private", "docs/api/private/x", true},
    {"!fileutils.go\n*.go", "fileutils.go", true},
    {"**\n!util/docker/web", "util/docker/web/foo", false},
    {"**\n!util/docker/web\nutil/docker/web/foo", "util/docker/web/foo", true},
    {"a/b\n!a/b/c/d", "a/b/c", true},
    {"a/b\n!a/b/c/d", "a/b/c/d/e", false},
    /* two stars */
    {"**", "file", true},
    {"**", "dir/file", true},
    {"**/", "dir/file", true},
    {"**/**", "dir/file", true},
    {"dir/**", "dir/a/b", true},
    {"dir/**", "dir", false},
    {"**/dir2/**", "dir/dir2/dir3/file", true},
    {"**/dir2/**", "dir/dir2", false},
    {"a**/*.txt", "a/dir/dir/file.txt", true},
    {"a**/*.txt", "b/a/file.txt", false},
    {"**/**/*.txt", "file.txt", true},
    {"**/.foo", "bar.foo", false},
    {"**file", "dir/myfile", true},
    {"**file*", "dir/myfile", false},
    {"a/**/z", "a/z", true},
    {"a/**/z", "a/b/c/z", true},
    {"a/**/z", "ab/z", false},
    {"a/*.txt**", "a/file.txt", true},
    {"a**", "abc/def", true},
    /* one star, one character, classes */
    {"*", ".env", true},
    {".*", ".env", true},
    {".*", "env", false},
    {"a*/b", "abc/b", true},
    {"a*/b", "a/c/b", false},
    {"a*b*c*d*e*/f", "axbxcxdxexxx/f", true},
    {"a*b?c*x", "abxbbxdbxebxczzx", true},
    {"a*b?c*x", "abxbbxdbxebxczzy", false},
    {"a?b", "a/b", false},
    {"a?b", "a\xe2\x98\xba" "b", true},
    {"a???b", "a\xe2\x98\xba" "b", false},
    {"a[b-d]e", "ace", true},
    {"a[b-d]e", "aae", false},
    {"a[^b-d]e", "aze", true},
    {"a[^b-d]e", "ace", false},
    {"[a-\xce\xb6]*", "\xce\xb1", true},
    {"[\\]a]", "]", true},
    {"[\\-x]", "-", true},
    {"[\\-x]", "a", false},
    {"a\\*b", "a*b", true},
    {"a\\*b", "axb", false},
    {"a(b)c.|)$(}+{", "a(b)c.|)$(}+{", true},
    {"abc.def", "abcZdef", false},
    /* how lines are read */
    {"", "x", false},
    {"#x", "#x", false},
    {" #x", "#x", true},
    {"  x  ", "x", true},
    {"x\r\ny\r\n", "x", true},
    {"x\r\ny\r\n", "y", true},
    {"\xef\xbb\xbfx", "x", true},
    {"./x", "x", true},
    {"a/../x", "x", true},
    {"a//b/./c", "a/b/c", true},
    {"../x", "x", false},
    {"*\n! x", "x", false},
    {"*\n!/x", "x", false},
    {"*\n!./x/", "x/y", false},
    {".", "x", false},
    {"/", "x", false},
    {"*", ".", false},
    {"a /", "a/b", true},
    {"/ a", "a", true},
    {"*\n!/ a", "a", true},
};
/* clang-format on */

static void paths_excluded_or_not(void **state)
{
    size_t wrong = 0;

    assert_true(sizeof(rows) / sizeof(rows[0]) >= 60);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *r = &rows[i];
        struct err e = {0};
        struct dockerignore *d = dockerignore_parse(r->text, strlen(r->text), *state, &e);

        if (d && dockerignore_excludes(d, r->path) == r->excluded)
            continue;
        wrong++;
        print_message("row %zu: \"%s\" against %s: %s\n", i, r->text, r->path, d ? "no" : e.msg);
    }
    assert_int_equal(wrong, 0);
}

static void what_cannot_be_a_pattern_is_named_with_its_line(void **state)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"a\n!\n", "line 2: \"!\" names nothing to keep"},
        {"!/", "line 1: \"!\" names nothing to keep"},
        {"x\n\n[", "line 3: \"[\": [...] is not as it should be"},
        {"[^bc", "line 1: \"[^bc\": [...] is not as it should be"},
        {"[]a]", "line 1: \"[]a]\": [...] is not as it should be"},
        {"[-x]", "line 1: \"[-x]\": [...] is not as it should be"},
        {"[x-]", "line 1: \"[x-]\": [...] is not as it should be"},
        {"[a-b-c]", "line 1: \"[a-b-c]\": [...] is not as it should be"},
        {"a[", "line 1: \"a[\": [...] is not as it should be"},
        {"a\\", "line 1: \"a\\\": a backslash at the end escapes nothing"},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err e = {0};

        assert_null(dockerignore_parse(bad[i].text, strlen(bad[i].text), *state, &e));
        assert_int_equal(e.kind, ERR_USER);
        assert_string_equal(e.msg, bad[i].message);
    }
    struct err e = {0};

    assert_null(dockerignore_parse("a\nb\0c\n", 6, *state, &e));
    assert_string_equal(e.msg, "line 2: a NUL byte");
}

static void folders_that_nothing_can_return_from(void **state)
{
    static const struct row folders[] = {
        {"a", "a", false},
        {"a\n!a/b", "a", true},
        {"a\n!a/b", "a/c", false},
        {"a\n!a/b", "a/b", true},
        {"a\n!b", "a", false},
        {"a\n!ab/c", "a", false},
        {"*\n!**/keep", "x/y", true},
        {"*\n!*.txt", "x", false},
        {"*\n!x/*/z", "x/y", true},
        {"*\n!x/*/z", "x/y/w", false},
        {"!a/b\na", "a", false},
        {"a\n!a/b\na/b", "a", true},
        {"a\n!a/b\na/b", "a/b", false},
        {"**\n!a", "a/b", true},
    };

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        const struct row *r = &folders[i];
        struct dockerignore *d = dockerignore_parse(r->text, strlen(r->text), *state, NULL);

        assert_non_null(d);
        if (dockerignore_may_return(d, r->path) != r->excluded)
            fail_msg("\"%s\": may anything return below %s?", r->text, r->path);
    }
}

/* Whatever is kept below an excluded folder, the walk must be told to go in there. */
static void what_returns_is_always_announced(void **state)
{
    static const char *const pieces[] = {"a", "b", "*", "**", "?", "a*", "[ab]"};
    static const char *const names[] = {"a", "b", "ab"};
    uint32_t seed = 12345;

    for (int round = 0; round < 20000; round++) {
        char text[200] = "", path[100] = "";
        size_t at = 0;

        for (int line = 0; line < 3; line++) {
            at += (size_t)snprintf(text + at, sizeof(text) - at, "%s",
                                   (seed = seed * 1664525 + 1013904223) >> 30 ? "" : "!");
            for (int part = 0; part < 3; part++)
                at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", part ? "/" : "",
                                       pieces[((seed = seed * 1664525 + 1013904223) >> 16) % 7]);
            at += (size_t)snprintf(text + at, sizeof(text) - at, "\n");
        }
        struct dockerignore *d = dockerignore_parse(text, strlen(text), *state, NULL);

        assert_non_null(d);
        at = 0;
        for (int part = 0; part < 4; part++)
            at += (size_t)snprintf(path + at, sizeof(path) - at, "%s%s", part ? "/" : "",
                                   names[((seed = seed * 1664525 + 1013904223) >> 16) % 3]);
        if (!dockerignore_excludes(d, path))
            for (char *slash = strrchr(path, '/'); slash; slash = strrchr(path, '/')) {
                *slash = '\0';
                if (dockerignore_excludes(d, path) && !dockerignore_may_return(d, path))
                    fail_msg("%s: \"%s\" hides something that is kept", text, path);
            }
        arena_clear(*state);
    }
}

static void no_pattern_takes_for_ever(void **state)
{
    CLEANUP(str_release) struct str text = STR_INIT, path = STR_INIT;

    for (int i = 0; i < 100; i++)
        str_add(&text, "**/*a*");
    str_add(&text, "b");
    for (int i = 0; i < 500; i++)
        str_add(&path, "a/");
    str_add(&path, "a");
    struct dockerignore *d = dockerignore_parse(str_text(&text), text.len, *state, NULL);

    assert_non_null(d);
    for (int i = 0; i < 20; i++)
        assert_false(dockerignore_excludes(d, str_text(&path)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(paths_excluded_or_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_a_pattern_is_named_with_its_line, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(folders_that_nothing_can_return_from, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_returns_is_always_announced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_pattern_takes_for_ever, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
