/* test_dockerfile.c: Dockerfiles as people write them, and as they should not: tests/dockerfile/NAME.Dockerfile is read with the arguments
 * of NAME.args (K=V a line; target=STAGE) and compared with NAME.expect. EVENKEEL_UPDATE=1 rewrites those. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "spec/base/arena.h"
#include "spec/base/str.h"
#include "spec/dockerfile.h"

#define FOLDER "tests/dockerfile"

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

static char *slurp(struct arena *a, const char *path, size_t *ret_n)
{
    FILE *f = fopen(path, "re");
    CLEANUP(str_release) struct str s = STR_INIT;
    char piece[4096];
    size_t n;

    if (!f)
        return NULL;
    while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
        str_addn(&s, piece, n);
    (void)fclose(f);
    *ret_n = s.len;
    return arena_strndup(a, str_text(&s), s.len);
}

static void dump_list(struct str *out, const char *title, const struct strv *l)
{
    for (size_t i = 0; i < l->n; i++)
        str_addf(out, "%s %s\n", title, l->v[i]);
}

static void dump(const struct dockerfile *d, const char *text, size_t n, struct str *out)
{
    assert_int_equal(d->images.n, d->platforms.n);
    for (size_t i = 0; i < d->images.n; i++)
        str_addf(out, "image %s%s%s\n", d->images.v[i], *d->platforms.v[i] ? " for " : "",
                 d->platforms.v[i]);
    dump_list(out, "stage", &d->stages);
    dump_list(out, "port", &d->exposed);
    if (d->needs_buildkit)
        str_add(out, "needs BuildKit\n");
    assert_int_equal(strlen(d->text), n);
    if (!d->syntax_replaced) {
        assert_memory_equal(d->text, text, n);
        return;
    }
    /* The directives are at the top; the first lines show them all. */
    const char *s = d->text;

    str_add(out, "sent as:\n");
    for (int i = 0; i < 4 && *s; i++) {
        size_t line = strcspn(s, "\n");

        str_add(out, "    ");
        str_addn(out, s, line);
        str_addc(out, '\n');
        s += line + (s[line] == '\n');
    }
}

static void read_args(struct arena *a, char *text, struct kvs *args, const char **target)
{
    char *save = NULL;

    for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line;
         line = strtok_r(NULL, "\n", &save)) {
        char *sign = strchr(line, '=');

        assert_non_null(sign);
        *sign = '\0';
        if (strcmp(line, "target") == 0)
            *target = sign + 1;
        else
            kvs_set(a, args, line, sign + 1);
    }
}

static void run_case(struct arena *a, const char *stem, struct str *out)
{
    size_t n, n_args;
    char *text = slurp(a, arena_printf(a, FOLDER "/%s.Dockerfile", stem), &n);
    char *args_text = slurp(a, arena_printf(a, FOLDER "/%s.args", stem), &n_args);
    struct kvs args = {0};
    const char *target = NULL;
    struct diag_list diags;
    struct dockerfile d;

    assert_non_null(text);
    read_args(a, args_text, &args, &target);
    diag_init(&diags, a);
    memset(&d, 0xa5, sizeof(d));
    int answer = dockerfile_read("Dockerfile", text, n, &args, target, a, &diags, &d);

    assert_int_equal(answer, diags.errors > 0 ? -1 : 0);
    for (size_t i = 0; i < diags.n; i++)
        diag_print(&diags.v[i], true, out);
    if (answer == 0) {
        dump(&d, text, n, out);
    } else {
        struct dockerfile untouched;

        memset(&untouched, 0xa5, sizeof(untouched));
        assert_memory_equal(&d, &untouched, sizeof(d));
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct strv all_cases(struct arena *a)
{
    struct strv names = {0};
    DIR *dir = opendir(FOLDER);
    const struct dirent *entry;

    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        const char *dot = strrchr(entry->d_name, '.');

        if (dot && strcmp(dot, ".Dockerfile") == 0)
            strv_push(a, &names, arena_strndup(a, entry->d_name, (size_t)(dot - entry->d_name)));
    }
    (void)closedir(dir);
    qsort(names.v, names.n, sizeof(*names.v), by_name);
    return names;
}

static void files_are_read_as_expected(void **state)
{
    struct strv names = all_cases(*state);
    size_t wrong = 0;

    assert_true(names.n >= 80);
    for (size_t i = 0; i < names.n; i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(str_release) struct str got = STR_INIT;
        const char *path = arena_printf(a, FOLDER "/%s.expect", names.v[i]);
        size_t n;
        char *want = slurp(a, path, &n);

        run_case(a, names.v[i], &got);
        if (getenv("EVENKEEL_UPDATE")) {
            FILE *f = fopen(path, "we");

            assert_non_null(f);
            assert_int_equal(fwrite(str_text(&got), 1, got.len, f), got.len);
            assert_int_equal(fclose(f), 0);
        } else if (!want || strcmp(want, str_text(&got)) != 0) {
            wrong++;
            print_message("%s:\n--- expected\n%s--- got\n%s", names.v[i], want ? want : "",
                          str_text(&got));
        }
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_are_read_as_expected, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
