/* test_engine_stream.c: lines, log frames and pulls, cut at every place; pulls as real engines streamed them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/engine_stream.h"
#include "spec/base/arena.h"
#include "spec/base/err.h"
#include "spec/limits.h"

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

static const char *captured(struct arena *a, const char *name)
{
    const char *path = arena_printf(a, "tests/engine_decode/%s", name);
    FILE *f = fopen(path, "re");
    CLEANUP(str_release) struct str s = STR_INIT;
    char piece[4096];
    size_t n;

    if (!f)
        fail_msg("%s: not there", path);
    while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
        str_addn(&s, piece, n);
    (void)fclose(f);
    return arena_strndup(a, str_text(&s), s.len);
}

/* ---- lines ---- */

static int collect_line(void *user, const char *line, size_t n)
{
    assert_int_equal(strlen(line), n);
    str_addf(user, "<%s>", line);
    return strcmp(line, "stop") == 0 ? 7 : 0;
}

static void lines_whole_wherever_they_are_cut(void **state)
{
    static const char bytes[] = "one\ntwo\r\n\n\r\nthree\nlast";
    size_t n = sizeof(bytes) - 1;

    (void)state;
    for (size_t step = 1; step <= n; step++) {
        CLEANUP(line_split_release) struct line_split s = {0};
        CLEANUP(str_release) struct str got = STR_INIT;

        for (size_t i = 0; i < n; i += step)
            assert_int_equal(
                line_split_feed(&s, bytes + i, step < n - i ? step : n - i, collect_line, &got), 0);
        assert_string_equal(str_text(&got), "<one><two><three>");
        assert_int_equal(line_split_end(&s, collect_line, &got), 0);
        assert_int_equal(line_split_end(&s, collect_line, &got), 0);
        assert_string_equal(str_text(&got), "<one><two><three><last>");
    }
}

static void a_line_may_end_the_feed(void **state)
{
    CLEANUP(line_split_release) struct line_split s = {0};
    CLEANUP(str_release) struct str got = STR_INIT;

    (void)state;
    assert_int_equal(line_split_feed(&s, "a\nstop\nb\n", 9, collect_line, &got), 7);
    assert_string_equal(str_text(&got), "<a><stop>");
}

static int count_line(void *user, const char *line, size_t n)
{
    (void)line;
    *(size_t *)user = n;
    return 0;
}

static void lines_are_bounded(void **state)
{
    CLEANUP(line_split_release) struct line_split s = {0};
    CLEANUP(xfreep) char *bytes = xcalloc(1, LIMIT_STREAM_LINE + 2);
    size_t longest = 0;

    (void)state;
    memset(bytes, 'x', LIMIT_STREAM_LINE + 1);
    bytes[LIMIT_STREAM_LINE] = '\n';
    assert_int_equal(line_split_feed(&s, bytes, LIMIT_STREAM_LINE + 1, count_line, &longest), 0);
    assert_int_equal(longest, LIMIT_STREAM_LINE);
    bytes[LIMIT_STREAM_LINE] = 'x';
    assert_int_equal(line_split_feed(&s, bytes, 10, count_line, &longest), 0);
    assert_int_equal(line_split_feed(&s, bytes, LIMIT_STREAM_LINE, count_line, &longest), -1);
}

/* ---- logs ---- */

static void collect_log(void *user, bool is_stderr, const char *line, size_t n)
{
    assert_int_equal(strlen(line), n);
    str_addf(user, "%s<%s>", is_stderr ? "err" : "out", line);
}

static void frame(struct str *s, unsigned char stream, const char *text)
{
    size_t n = strlen(text);
    char header[8] = {(char)stream,   0,      0, 0, (char)(n >> 24), (char)(n >> 16),
                      (char)(n >> 8), (char)n};

    str_addn(s, header, 8);
    str_addn(s, text, n);
}

static void expect_log(bool tty, const struct str *bytes, const char *want)
{
    for (size_t step = 1; step <= bytes->len; step++) {
        CLEANUP(log_frames_release) struct log_frames f = {.tty = tty};
        CLEANUP(str_release) struct str got = STR_INIT;

        for (size_t i = 0; i < bytes->len; i += step)
            log_frames_feed(&f, bytes->buf + i, step < bytes->len - i ? step : bytes->len - i,
                            collect_log, &got);
        log_frames_end(&f, collect_log, &got);
        log_frames_end(&f, collect_log, &got);
        assert_string_equal(str_text(&got), want);
    }
}

static void frames_wherever_they_are_cut(void **state)
{
    CLEANUP(str_release) struct str bytes = STR_INIT;

    (void)state;
    frame(&bytes, 1, "hello\nwor");
    frame(&bytes, 2, "oh\n");
    frame(&bytes, 1, "");
    frame(&bytes, 1, "ld\r\n\nrest");
    frame(&bytes, 2, "no");
    frame(&bytes, 3, "\n");
    expect_log(false, &bytes, "out<hello>err<oh>out<world\r>out<>err<no>out<rest>");
}

static void terminals_have_no_frames(void **state)
{
    CLEANUP(str_release) struct str bytes = STR_INIT;

    (void)state;
    str_addn(&bytes, "a\r\n\x01\n", 5);
    expect_log(true, &bytes, "out<a>out<\x01>");
}

/* 20.10 does not say which of the two it sends; a wrong guess must show the text all the same. */
static void bytes_that_are_no_frames_are_shown(void **state)
{
    CLEANUP(str_release) struct str bytes = STR_INIT;

    (void)state;
    frame(&bytes, 1, "fine\n");
    str_add(&bytes, "plain text\nand more\n");
    expect_log(false, &bytes, "out<fine>out<plain text>out<and more>");
}

static void count_log(void *user, bool is_stderr, const char *line, size_t n)
{
    size_t *counts = user;

    (void)is_stderr;
    (void)line;
    counts[0]++;
    counts[1] += n;
}

static void endless_lines_come_in_pieces(void **state)
{
    CLEANUP(log_frames_release) struct log_frames f = {0};
    CLEANUP(xfreep) char *bytes = xcalloc(1, LIMIT_STREAM_LINE);
    size_t counts[2] = {0};
    static const char header[8] = {1, 0, 0, 0, 0x7f, 0, 0, 0};

    (void)state;
    memset(bytes, 'x', LIMIT_STREAM_LINE);
    log_frames_feed(&f, header, sizeof(header), count_log, counts);
    for (int i = 0; i < 5; i++)
        log_frames_feed(&f, bytes, LIMIT_STREAM_LINE, count_log, counts);
    assert_int_equal(counts[0], 5);
    assert_int_equal(counts[1], 5 * (size_t)LIMIT_STREAM_LINE);
}

/* ---- pulls ---- */

struct feed {
    struct pull_progress *p;
    struct arena *a;
    struct err e;
};

static int feed_line(void *user, const char *line, size_t n)
{
    struct feed *feed = user;
    double fraction = 0;

    if (pull_progress_line(feed->p, line, n, &feed->e) < 0)
        return 1;
    (void)pull_progress_text(feed->p, feed->a, &fraction);
    assert_true(fraction <= 1.0);
    return 0;
}

static struct feed pull(struct arena *a, const char *stream, int want)
{
    CLEANUP(line_split_release) struct line_split s = {0};
    struct feed feed = {.p = pull_progress_new(a), .a = a};
    int result = line_split_feed(&s, stream, strlen(stream), feed_line, &feed);

    if (!result)
        result = line_split_end(&s, feed_line, &feed);
    if (result != want)
        fail_msg("%d: %s", result, feed.e.msg);
    return feed;
}

static const char *text_of(struct feed *feed, double *ret)
{
    return pull_progress_text(feed->p, feed->a, ret);
}

static void pulls_of_real_engines(void **state)
{
    static const char *const versions[] = {"20.10", "26"};

    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        double fraction = 0;
        struct feed feed =
            pull(*state, captured(*state, arena_printf(*state, "%s/pull.txt", versions[i])), 0);

        assert_string_equal(text_of(&feed, &fraction), "3/3 layers, 9.5 MB of 9.5 MB");
        assert_true(fraction == 1.0);
        feed = pull(*state,
                    captured(*state, arena_printf(*state, "%s/pull-again.txt", versions[i])), 0);
        assert_string_equal(text_of(&feed, &fraction), "");
        assert_true(fraction < 0);
        feed = pull(*state,
                    captured(*state, arena_printf(*state, "%s/pull-broken.txt", versions[i])), 1);
        assert_int_equal(feed.e.kind, ERR_RETRY);
        assert_string_equal(feed.e.msg, "unknown blob");
    }
}

static void progress_counts_loading_and_unpacking(void **state)
{
    static const struct {
        const char *line, *text;
        int percent; /* -1: unknown */
    } steps[] = {
        {"{\"status\":\"Pulling from library/nginx\",\"id\":\"1.27\"}", "", -1},
        {"{\"status\":\"Already exists\",\"progressDetail\":{},\"id\":\"a\"}", "1/1 layers", 100},
        {"{\"status\":\"Pulling fs layer\",\"progressDetail\":{},\"id\":\"b\"}", "1/2 layers", -1},
        {"{\"status\":\"Waiting\",\"progressDetail\":{},\"id\":\"c\"}", "1/3 layers", -1},
        {"{\"status\":\"Downloading\",\"progressDetail\":{\"current\":10000000,\"total\":20000000},"
         "\"id\":\"b\"}",
         "1/3 layers, 10 MB of 20 MB", 12},
        {"{\"status\":\"Downloading\",\"progressDetail\":{\"current\":5000000,\"total\":20000000},"
         "\"id\":\"c\"}",
         "1/3 layers, 15 MB of 40 MB", 18},
        {"{\"status\":\"Download complete\",\"progressDetail\":{},\"id\":\"b\"}",
         "1/3 layers, 25 MB of 40 MB", 31},
        {"{\"status\":\"Extracting\",\"progressDetail\":{\"current\":20000000,\"total\":20000000},"
         "\"id\":\"b\"}",
         "1/3 layers, 25 MB of 40 MB", 56},
        {"{\"status\":\"Extracting\",\"progressDetail\":{\"current\":3,\"units\":\"s\"},\"id\":"
         "\"b\"}",
         "1/3 layers, 25 MB of 40 MB", 56},
        {"{\"status\":\"Pull complete\",\"progressDetail\":{},\"id\":\"b\"}",
         "2/3 layers, 25 MB of 40 MB", 56},
        {"{\"status\":\"Downloading\",\"progressDetail\":{\"current\":-5,\"total\":20000000},"
         "\"id\":\"c\"}",
         "2/3 layers, 20 MB of 40 MB", 50},
        {"{\"status\":\"Downloading\",\"progressDetail\":{\"current\":99000000,\"total\":20000000},"
         "\"id\":\"c\"}",
         "2/3 layers, 40 MB of 40 MB", 75},
        {"{\"status\":\"Some new word\",\"id\":\"d\"}", "2/3 layers, 40 MB of 40 MB", 75},
        {"{\"status\":\"Pull complete\",\"progressDetail\":{},\"id\":\"c\"}",
         "3/3 layers, 40 MB of 40 MB", 100},
        {"{\"status\":\"Digest: sha256:1\"}", "3/3 layers, 40 MB of 40 MB", 100},
        {"{}", "3/3 layers, 40 MB of 40 MB", 100},
        {"[]", "3/3 layers, 40 MB of 40 MB", 100},
    };
    struct pull_progress *p = pull_progress_new(*state);

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct err e = {0};
        double fraction = 7;

        assert_int_equal(pull_progress_line(p, steps[i].line, strlen(steps[i].line), &e), 0);
        assert_string_equal(pull_progress_text(p, *state, &fraction), steps[i].text);
        assert_int_equal(fraction < 0 ? -1 : (int)(fraction * 100), steps[i].percent);
    }
}

static void layers_are_bounded(void **state)
{
    struct pull_progress *p = pull_progress_new(*state);
    double fraction = 0;

    for (int i = 0; i < 2 * LIMIT_PULL_LAYERS; i++) {
        const char *line = arena_printf(*state, "{\"status\":\"Waiting\",\"id\":\"%d\"}", i);

        assert_int_equal(pull_progress_line(p, line, strlen(line), NULL), 0);
    }
    assert_string_equal(pull_progress_text(p, *state, &fraction), "0/512 layers");
}

static void errors_of_pulls(void **state)
{
    static const struct {
        const char *line;
        enum err_kind kind;
        const char *message;
    } cases[] = {
        {"{\"errorDetail\":{\"message\":\"manifest unknown\"}}", ERR_MISSING, "manifest unknown"},
        {"{\"errorDetail\":{\"message\":\"nope\",\"code\":404}}", ERR_MISSING, "nope"},
        {"{\"errorDetail\":{\"message\":\"nope\",\"code\":401}}", ERR_DENIED, "nope"},
        {"{\"errorDetail\":{\"message\":\"unauthorized: authentication required\"}}", ERR_DENIED,
         "unauthorized: authentication required"},
        {"{\"errorDetail\":{\"message\":\"i/o timeout\"}}", ERR_RETRY, "i/o timeout"},
        {"{\"errorDetail\":{\"message\":\"a\\nb\"}}", ERR_RETRY, "a\\x0ab"},
        {"{\"errorDetail\":{}}", ERR_RETRY, "the engine gave no reason"},
        {"<html>", ERR_RETRY, NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = {0};

        assert_int_equal(
            pull_progress_line(pull_progress_new(*state), cases[i].line, strlen(cases[i].line), &e),
            -1);
        assert_int_equal(e.kind, cases[i].kind);
        if (cases[i].message)
            assert_string_equal(e.msg, cases[i].message);
    }
    /* the old member alone says nothing: it may vanish */
    assert_int_equal(pull_progress_line(pull_progress_new(*state), "{\"error\":\"x\"}", 13, NULL),
                     0);
}

static void kinds_of_pull_errors(void **state)
{
    static const struct {
        const char *message;
        enum err_kind kind;
    } cases[] = {
        {"manifest for localhost:5555/none:2 not found: manifest unknown: manifest unknown",
         ERR_MISSING},
        {"no matching manifest for linux/arm64/v8 in the manifest list entries", ERR_MISSING},
        {"pull access denied for nope, repository does not exist or may require 'docker login'",
         ERR_DENIED},
        {"Head \"https://r.example/v2/x\": no basic auth credentials", ERR_DENIED},
        {"invalid reference format: repository name must be lowercase", ERR_USER},
        {"Get \"http://localhost:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused",
         ERR_RETRY},
        {"toomanyrequests: You have reached your pull rate limit", ERR_RETRY},
        {"", ERR_RETRY},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(pull_error_kind(cases[i].message), cases[i].kind);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_whole_wherever_they_are_cut),
        TEST(a_line_may_end_the_feed),
        TEST(lines_are_bounded),
        TEST(frames_wherever_they_are_cut),
        TEST(terminals_have_no_frames),
        TEST(bytes_that_are_no_frames_are_shown),
        TEST(endless_lines_come_in_pieces),
        TEST(pulls_of_real_engines),
        TEST(progress_counts_loading_and_unpacking),
        TEST(layers_are_bounded),
        TEST(errors_of_pulls),
        TEST(kinds_of_pull_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
