/* Golden specs: every tests/spec/good/NAME.yaml becomes the desired state in NAME.expect, every tests/spec/bad/NAME.yaml gives
 * exactly the diagnostics there. The first line of a case says in words what it shows. EVENKEEL_UPDATE=1 writes what comes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>

#include "spec/desired_dump.h"
#include "tests/unit/spec_case.h"

struct golden {
    const char *folder, *name; /* tests/spec/good, volumes-short */
};

static size_t print_diags(const struct diag_list *l, struct str *out)
{
    for (size_t i = 0; i < l->n; i++)
        diag_print(&l->v[i], true, out);
    return l->errors;
}

static void compare(const char *path, const char *got, struct arena *a)
{
    const char *want = case_read(path, a);

    if (getenv("EVENKEEL_UPDATE") && (!want || strcmp(want, got) != 0)) {
        FILE *f = fopen(path, "w");

        assert_non_null(f);
        assert_true(fputs(got, f) >= 0);
        assert_int_equal(fclose(f), 0);
        return;
    }
    if (!want)
        fail_msg("%s is missing; EVENKEEL_UPDATE=1 writes it", path);
    if (strcmp(want, got) != 0)
        fail_msg("%s differs.\n---- want\n%s---- got\n%s----", path, want, got);
}

static void test_case(void **state)
{
    const struct golden *g = *state;
    struct arena *a = arena_new();
    struct str out = STR_INIT;
    struct spec_case c = {0};
    size_t errors = 0;
    const char *text = case_read(arena_printf(a, "%s/%s.yaml", g->folder, g->name), a);

    assert_non_null(text);
    if (strncmp(text, "# ", 2) != 0)
        fail_msg("%s/%s.yaml: the first line must say what the case shows", g->folder, g->name);
    case_run(&c, a, arena_printf(a, "%s.yaml", g->name), text);
    for (size_t i = 0; i < c.n_files; i++)
        errors += print_diags(&c.files[i]->diags, &out);
    for (size_t i = 0; i < c.n_overrides; i++)
        errors += print_diags(&c.overrides[i]->diags, &out);
    if (strstr(g->folder, "good")) {
        desired_dump(c.desired, &out);
        errors += c.desired->diags.errors;
    } else {
        errors += print_diags(&c.desired->diags, &out);
    }
    if ((errors > 0) != (strstr(g->folder, "bad") != NULL))
        fail_msg("%s/%s: %zu errors\n%s", g->folder, g->name, errors, str_text(&out));
    compare(arena_printf(a, "%s/%s.expect", g->folder, g->name), str_text(&out), a);
    str_release(&out);
    arena_free(a);
}

static int cmp_test(const void *a, const void *b)
{
    return strcmp(((const struct CMUnitTest *)a)->name, ((const struct CMUnitTest *)b)->name);
}

static size_t collect(const char *folder, struct CMUnitTest *tests, size_t n, size_t most,
                      struct arena *a)
{
    DIR *d = opendir(folder);

    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        size_t len = strlen(e->d_name);
        struct golden *g = ARENA_NEW(a, struct golden);

        if (len < 6 || strcmp(e->d_name + len - 5, ".yaml") != 0)
            continue;
        assert_true(n < most);
        *g = (struct golden){folder, arena_strndup(a, e->d_name, len - 5)};
        tests[n++] = (struct CMUnitTest){arena_printf(a, "%s/%s", folder, g->name), test_case, NULL,
                                         NULL, g};
    }
    (void)closedir(d);
    return n;
}

int main(void)
{
    enum { MOST = 1024 };
    struct arena *a = arena_new();
    struct CMUnitTest *tests = ARENA_ARRAY(a, MOST, struct CMUnitTest);
    size_t n = collect("tests/spec/good", tests, 0, MOST, a);

    n = collect("tests/spec/bad", tests, n, MOST, a);
    qsort(tests, n, sizeof(tests[0]), cmp_test);
    int failed = _cmocka_run_group_tests("golden specs", tests, n, NULL, NULL);

    arena_free(a);
    return failed;
}
