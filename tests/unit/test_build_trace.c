/* test_build_trace.c: builds as real engines told them (tests/build_trace/ENGINE/NAME.txt, expected in NAME.expect; EVENKEEL_UPDATE=1 rewrites those),
 * whole and cut, damaged, out of order, and without end. */
#include <dirent.h>
#include <malloc.h>
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

/* ---- the pieces ---- */

static void protobuf_fields(void **state)
{
    static const unsigned char bytes[] = {0x08, 0x96, 0x01,          /* 1: 150 */
                                          0x12, 0x02, 'h',  'i',     /* 2: "hi" */
                                          0x1d, 1,    0,    0,    0, /* 3: fixed 32 */
                                          0x21, 2,    0,    0,    0,    0,
                                          0,    0,    0,                    /* 4: fixed 64 */
                                          0xf8, 0xff, 0xff, 0xff, 0x0f, 7}; /* the highest number */
    static const struct {
        uint32_t number;
        uint64_t value;
        size_t bytes;
    } want[] = {{1, 150, 0}, {2, 0, 2}, {3, 1, 0}, {4, 2, 0}, {UINT32_MAX >> 3, 7, 0}};
    struct protobuf m = {bytes, bytes + sizeof(bytes)};
    struct protobuf_field f;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        assert_int_equal(protobuf_next(&m, &f), 1);
        assert_int_equal(f.number, want[i].number);
        assert_int_equal(f.value, want[i].value);
        assert_int_equal(f.bytes.end - f.bytes.at, want[i].bytes);
    }
    assert_int_equal(protobuf_next(&m, &f), 0);
    /* Every place where it could be cut, but the ends of fields, is no message. */
    static const size_t ends[] = {0, 3, 7, 12, 21, 27};

    for (size_t n = 0, end = 0; n <= sizeof(bytes); n++) {
        int more;

        m = (struct protobuf){bytes, bytes + n};
        while ((more = protobuf_next(&m, &f)) > 0)
            ;
        bool whole = n == ends[end];

        end += whole;
        assert_int_equal(more, whole ? 0 : -1);
    }
}

static void protobuf_that_is_none(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
    } bad[] = {
        {"\x00\x01", 2},                                              /* field 0 */
        {"\x0b\x0c", 2},                                              /* a group */
        {"\x0e\x01", 2},                                              /* wire type 6 */
        {"\x0f\x01", 2},                                              /* wire type 7 */
        {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11},         /* longer than all there is */
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 13}, /* a number without end */
        {"\x80\x80\x80\x80\x80\x01\x00", 7},                          /* a field number too high */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const unsigned char *at = (const unsigned char *)bad[i].bytes;
        struct protobuf m = {at, at + bad[i].n};
        struct protobuf_field f = {.number = 99};

        assert_int_equal(protobuf_next(&m, &f), -1);
        assert_int_equal(f.number, 99);
    }
}

static void text_made_fit(void **state)
{
    static const struct {
        const char *text, *want;
        size_t max;
    } rows[] = {
        {"plain", "plain", 100},
        {"a\tb\nc  d", "a b c  d", 100},
        {"\033[1;31mred\033[0m", "red", 100},
        {"10%\r20%\r", "20%", 100},
        {"\r\r", "", 100},
        {"\033", "", 100},
        {"\033[", "", 100},
        {"\033]0;t\033\\x", "x", 100},
        {"\033(Bx\033=y", "xy", 100},
        {"\001", "\\x01", 100},
        {"0123456789", "0123456789", 10},
        {"0123456789", "012345...", 9},
        {"caf\303\251caf\303\251", "caf\303\251...", 8},
        {"caf\303\251caf\303\251", "caf...", 7},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(str_release) struct str out = STR_INIT;

        str_add(&out, "before ");
        build_text_clean(&out, rows[i].text, strlen(rows[i].text), rows[i].max);
        assert_string_equal(str_text(&out) + 7, rows[i].want);
    }
}

/* ---- bounds ---- */

static void count_line(void *user, const char *line)
{
    size_t *n = user;

    assert_true(strlen(line) <= BUILD_LINE);
    (*n)++;
}

/* A build that talks for ever: many steps that never end, lines without end, tails of all of them. */
static void memory_is_bounded(void **state)
{
    struct build_steps *s = build_steps_new();
    char line[900];
    size_t lines = 0, before = mallinfo2().uordblks;

    (void)state;
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    build_steps_to(s, count_line, &lines);
    for (uint64_t key = 0; key < 3000; key++) {
        int step = build_steps_find(s, key);

        build_steps_name(s, step, line, strlen(line));
        build_steps_begin(s, step, 1);
        for (int i = 0; i < 30; i++) {
            build_steps_output(s, step, 2, line, strlen(line) - (size_t)i);
            if (i % 3 == 0)
                build_steps_output(s, step, 2, "\n", 1);
            build_steps_note(s, step, line, (uint64_t)i * 977 + key);
        }
    }
    assert_true(lines > BUILD_STEPS * 10);
    assert_true(mallinfo2().uordblks - before < (size_t)12 << 20);
    const char *tail[BUILD_TAIL];

    assert_int_equal(build_steps_tail(s, 0, tail), 10);
    assert_int_equal(build_steps_tail(s, BUILD_STEPS - 1, tail), 0);
    assert_int_equal(build_steps_tail(s, -1, tail), 0);
    build_steps_free(s);
    build_steps_free(NULL);
    build_trace_free(NULL);
}

static void the_tail_is_the_last_of_it(void **state)
{
    struct build_steps *s = build_steps_new();
    int step = build_steps_find(s, 7);
    const char *tail[BUILD_TAIL];

    (void)state;
    build_steps_name(s, step, "[1/1] RUN x", 11);
    build_steps_begin(s, step, 1);
    for (int i = 0; i < 50; i++) {
        char line[20];

        (void)snprintf(line, sizeof(line), "line %d\n", i);
        build_steps_output(s, step, 2, line, strlen(line));
    }
    build_steps_output(s, step, 2, "unended", 7);
    build_steps_end(s, step, 3, false, "exit code: 1", 12);
    assert_int_equal(build_steps_tail(s, step, tail), BUILD_TAIL);
    assert_string_equal(tail[0], "line 31");
    assert_string_equal(tail[BUILD_TAIL - 2], "line 49");
    assert_string_equal(tail[BUILD_TAIL - 1], "unended");
    assert_int_equal(build_steps_failed(s), step);
    assert_int_equal(build_steps_current(s), -1);
    build_steps_free(s);
}

/* However long the names and lines are, the error has room for the end of the output. */
static void the_error_keeps_the_last_line(void **state)
{
    struct build_trace *t = build_trace_new();
    CLEANUP(str_release) struct str line = STR_INIT, long_text = STR_INIT;
    struct err e = {0};

    (void)state;
    for (int i = 0; i < 300; i++)
        str_add(&long_text, "word ");
    str_addf(&line, "{\"stream\":\"Step 1/1 : RUN %s\"}", str_text(&long_text));
    assert_int_equal(build_trace_line(t, str_text(&line), line.len, NULL, NULL, &e), 0);
    str_clear(&line);
    str_addf(&line, "{\"stream\":\"%s\\nthe end\\n\"}", str_text(&long_text));
    assert_int_equal(build_trace_line(t, str_text(&line), line.len, NULL, NULL, &e), 0);
    str_clear(&line);
    str_addf(&line, "{\"errorDetail\":{\"message\":\"%s returned a non-zero code: 2\"}}",
             str_text(&long_text));
    assert_int_equal(build_trace_line(t, str_text(&line), line.len, NULL, NULL, &e), -1);
    assert_int_equal(e.kind, ERR_USER);
    assert_true(strlen(e.msg) < sizeof(e.msg) - 1);
    assert_non_null(strstr(e.msg, "returned a non-zero code: 2; it said last: the end"));
    build_trace_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(streams_read_as_expected, set_up, tear_down),
        cmocka_unit_test_setup_teardown(streams_cut_and_damaged, set_up, tear_down),
        cmocka_unit_test(protobuf_fields),
        cmocka_unit_test(protobuf_that_is_none),
        cmocka_unit_test(text_made_fit),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(the_tail_is_the_last_of_it),
        cmocka_unit_test(the_error_keeps_the_last_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
