/* test_build_trace.c: builds as real engines told them (tests/build_trace/ENGINE/NAME.txt, expected in NAME.expect; EVENKEEL_UPDATE=1 rewrites those),
 * whole and cut, damaged, out of order, and without end. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/build_steps.h"
#include "drivers/build_trace.h"
#include "drivers/engine_stream.h"
#include "drivers/protobuf.h"
#include "spec/base/arena.h"
#include "spec/base/err.h"

#define FOLDER "tests/build_trace"

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

/* ---- a stream from beginning to end ---- */

struct reading {
    struct build_trace *trace;
    struct str out;
    struct err e;
    double fraction;
    size_t lines;
};

static void keep_line(void *user, const char *line)
{
    struct reading *r = user;

    assert_null(strchr(line, '\n'));
    assert_null(strchr(line, '\033'));
    assert_true(strlen(line) <= BUILD_LINE);
    r->lines++;
    str_addf(&r->out, "%s\n", line);
}

static int read_line(void *user, const char *line, size_t n)
{
    struct reading *r = user;
    double fraction;

    if (build_trace_line(r->trace, line, n, keep_line, r, &r->e) < 0)
        return -2;
    assert_non_null(build_trace_progress(r->trace, &fraction));
    assert_true(fraction <= 1);
    r->fraction = fraction;
    return 0;
}

static void dump_end(struct reading *r, int answer)
{
    const char *image = build_trace_image(r->trace);

    if (answer < 0) {
        str_addf(&r->out, "== %s: %s\n", err_kind_name(r->e.kind), r->e.msg);
        build_trace_failure(r->trace, &r->out);
    }
    const char *progress = build_trace_progress(r->trace, &r->fraction);

    str_addf(&r->out, "== image %s\n== progress %s (%.2f)\n== ", image ? image : "none", progress,
             r->fraction);
    build_trace_summary(r->trace, &r->out);
    str_addc(&r->out, '\n');
}

static void read_stream(const char *text, size_t n, struct str *out)
{
    CLEANUP(line_split_release) struct line_split split = {0};
    struct reading r = {.trace = build_trace_new(), .out = *out};
    int answer = line_split_feed(&split, text, n, read_line, &r);

    if (answer == 0)
        answer = line_split_end(&split, read_line, &r);
    dump_end(&r, answer);
    build_trace_free(r.trace);
    *out = r.out;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_cases(struct arena *a, const char *folder, struct strv *names)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;

    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        const char *dot = strrchr(entry->d_name, '.');

        if (dot && strcmp(dot, ".txt") == 0)
            strv_push(
                a, names,
                arena_printf(a, "%s/%.*s", folder, (int)(dot - entry->d_name), entry->d_name));
    }
    (void)closedir(dir);
}

static struct strv all_cases(struct arena *a)
{
    struct strv names = {0};

    add_cases(a, FOLDER "/20.10", &names);
    add_cases(a, FOLDER "/26", &names);
    add_cases(a, FOLDER "/made", &names);
    qsort(names.v, names.n, sizeof(*names.v), by_name);
    return names;
}

static void streams_read_as_expected(void **state)
{
    struct arena *a = *state;
    struct strv names = all_cases(a);
    size_t wrong = 0;

    assert_true(names.n >= 40);
    for (size_t i = 0; i < names.n; i++) {
        CLEANUP(str_release) struct str got = STR_INIT;
        const char *path = arena_printf(a, "%s.expect", names.v[i]);
        size_t n, want_n;
        char *text = slurp(a, arena_printf(a, "%s.txt", names.v[i]), &n);
        char *want = slurp(a, path, &want_n);

        assert_non_null(text);
        read_stream(text, n, &got);
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

/* Every beginning of a stream, and every stream with one byte changed, is read without a crash. */
static void streams_cut_and_damaged(void **state)
{
    struct arena *a = *state;
    struct strv names = all_cases(a);
    uint32_t seed = 99;

    for (size_t i = 0; i < names.n; i++) {
        size_t n;
        char *text = slurp(a, arena_printf(a, "%s.txt", names.v[i]), &n);

        for (int round = 0; round < 60; round++) {
            CLEANUP(str_release) struct str out = STR_INIT;
            size_t at = (seed = seed * 1664525 + 1013904223) % (n + 1);
            char was = text[at];

            if (round % 2 == 0) {
                read_stream(text, at, &out);
                continue;
            }
            text[at] = (char)(seed >> 24);
            read_stream(text, n, &out);
            text[at] = was;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(streams_read_as_expected, set_up, tear_down),
        cmocka_unit_test_setup_teardown(streams_cut_and_damaged, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
