/* `evenkeel token` and `evenkeel audit`: what they print, what they return, and that no token is anywhere but on standard output. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/cli.h"
#include "agent/tokens.h"
#include "scratch.h"
#include "spec/base/arena.h"

#define RUN(verb, options, ...)                                                                    \
    run((verb), (options), (const char *[]){__VA_ARGS__},                                          \
        ARRAY_LEN(((const char *[]){__VA_ARGS__})))

static char out[16384], err_text[16384];

static void slurp(const char *path, char *ret, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, ret, size - 1);

    assert_true(n >= 0);
    ret[n] = '\0';
    if (fd >= 0)
        (void)close(fd);
}

static int onto(int fd, const char *path)
{
    int kept = dup(fd), file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(kept >= 0 && file >= 0 && dup2(file, fd) == fd);
    (void)close(file);
    return kept;
}

static void back(int fd, int kept)
{
    assert_int_equal(dup2(kept, fd), fd);
    (void)close(kept);
}

/* The exit code; what was printed is in out and err_text. */
static int run(verb_fn *verb, struct options o, const char **words, size_t n)
{
    o.words = (struct strv){words, n};
    o.state = "state";
    o.limit = o.limit ? o.limit : 100;
    (void)fflush(NULL);
    int kept_out = onto(1, "stdout"), kept_err = onto(2, "stderr"), rc = verb(&o);

    (void)fflush(NULL);
    back(1, kept_out);
    back(2, kept_err);
    slurp("stdout", out, sizeof(out));
    slurp("stderr", err_text, sizeof(err_text));
    return rc;
}

#define LOG "state/audit/audit-000000000001.log"

static void test_life_of_a_token(void **state)
{
    const struct options none = {.state = NULL}, wish = {.scope = "deploy", .app = "shop,blog"};
    char token[TOKENS_TEXT], file[8192];

    (void)state;
    assert_int_equal(RUN(cli_token, wish, "create", "ci"), 0);
    assert_int_equal(strlen(out), TOKENS_TEXT); /* and its line's end, nothing else */
    memcpy(token, out, TOKENS_TEXT - 1);
    token[TOKENS_TEXT - 1] = '\0';
    assert_non_null(strstr(err_text, "deploy"));
    assert_null(strstr(err_text, token));
    assert_int_equal(RUN(cli_token, none, "ls"), 0);
    assert_non_null(strstr(out, "blog, shop"));
    assert_null(strstr(out, token + 16));
    /* Found lying about: the whole of it may be given, and gets into no log. */
    assert_int_equal(RUN(cli_token, none, "revoke", token), 0);
    assert_null(strstr(out, token + 16));
    assert_int_equal(RUN(cli_token, none, "ls"), 0);
    assert_non_null(strstr(out, "revoked 20"));
    slurp(LOG, file, sizeof(file));
    assert_non_null(strstr(file, "token.revoke"));
    assert_null(strstr(file, token + 16));
    assert_int_equal(RUN(cli_audit, none, "ls"), 0);
    assert_non_null(strstr(out, "token.create ci  done (1)"));
    assert_int_equal(RUN(cli_audit, none, "verify"), 0);
    assert_non_null(strstr(out, "whole: 4 records in 1 file"));
}

static void test_refusals(void **state)
{
    const struct options none = {.state = NULL};
    static const struct {
        struct options o;
        const char *say;
    } rows[] = {
        {{.scope = "viewer"}, "--scope wants read, deploy or admin"},
        {{.scope = "root"}, "--scope"},
        {{.expires = "tomorrow"}, "--expires"},
        {{.expires = "0s"}, "--expires"},
        {{.expires = "2001-01-01T00:00:00Z"}, "expires"},
        {{.app = ","}, "--app"},
        {{.app = "Blog"}, "Blog"},
        {{.app = "blog", .scope = "admin"}, "admin"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(RUN(cli_token, rows[i].o, "create", "x"), 1);
        assert_string_equal(out, "");
        if (!strstr(err_text, rows[i].say))
            fail_msg("row %zu: %s", i, err_text);
    }
    assert_int_equal(RUN(cli_token, none, "create"), 1);
    assert_int_equal(RUN(cli_token, none, "create", "a", "b"), 1);
    assert_int_equal(RUN(cli_token, none, "revoke", "nobody"), 1);
    assert_int_equal(RUN(cli_token, none, "make"), 1);
    assert_int_equal(RUN(cli_audit, none, "show"), 1);
    assert_int_equal(RUN(cli_token, none, "ls"), 0);
    assert_non_null(strstr(out, "there are no tokens"));
    /* What was refused is on record all the same, once it was a wish. */
    assert_int_equal(RUN(cli_audit, none, "ls"), 0);
    assert_non_null(strstr(out, "token.revoke nobody  failed"));
}

/* No record, no token. */
static void test_without_audit(void **state)
{
    const struct options none = {.state = NULL};

    (void)state;
    make_dir("state");
    put("state/audit", "a file where the folder should be");
    assert_int_equal(RUN(cli_token, none, "create", "ci"), 1);
    assert_string_equal(out, "");
    assert_int_equal(access("state/tokens.json", F_OK), -1);
}

static void test_broken_log(void **state)
{
    const struct options none = {.state = NULL}, json = {.json = true};
    char file[8192], *at;

    (void)state;
    assert_int_equal(RUN(cli_token, none, "create", "ci"), 0);
    slurp(LOG, file, sizeof(file));
    at = strstr(file, "asked");
    assert_non_null(at);
    memcpy(at, "ASKED", 5);
    put(LOG, file);
    assert_int_equal(RUN(cli_audit, none, "verify"), 1);
    assert_non_null(strstr(out, LOG ":1: "));
    assert_int_equal(RUN(cli_audit, json, "verify"), 1);
    assert_non_null(strstr(out, "\"whole\": false"));
    assert_non_null(strstr(out, "\"line\": 1"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_life_of_a_token),
        CASE(test_refusals),
        CASE(test_without_audit),
        CASE(test_broken_log),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
