/* test_forms.c: the small languages inside a spec: words of a command, names of images, ports, addresses, files of variables;
 * and the defaults that fill in what is not said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "spec/base/arena.h"
#include "spec/claims.h"
#include "spec/decode.h"
#include "spec/defaults.h"
#include "spec/desired.h"
#include "spec/env_file.h"
#include "spec/shell_words.h"

static void join(const struct strv *l, struct str *out)
{
    for (size_t i = 0; i < l->n; i++)
        str_addf(out, "%s<%s>", i ? " " : "", l->v[i]);
}

/* ---- words ---- */

static void test_words(void **state)
{
    static const struct {
        const char *text, *words; /* NULL: refused */
    } rows[] = {
        {"", ""},
        {"  ", ""},
        {"one", "<one>"},
        {" a  b\tc\nd ", "<a> <b> <c> <d>"},
        {"'a b' \"c d\"", "<a b> <c d>"},
        {"a'b'c\"d\"", "<abcd>"},
        {"'' \"\"", "<> <>"},
        {"'it''s'", "<its>"},
        {"a\\ b", "<a b>"},
        {"\\a \\\\", "<a> <\\>"},
        {"a\\nb \"c\\td\"", "<a\nb> <c\td>"},
        {"'a\\nb'", "<a\\nb>"},
        {"\"a'b\" 'c\"d'", "<a'b> <c\"d>"},
        {"\"q\\\"q\"", "<q\"q>"},
        {"# is a word", "<#> <is> <a> <word>"},
        {"a=b --x=1 $! *.c", "<a=b> <--x=1> <$!> <*.c>"},
        {"sh -c 'a && b | c > d'", "<sh> <-c> <a && b | c > d>"},
        {"\"a;b\" c\\&d", "<a;b> <c&d>"},
        {"\xc3\xa9t\xc3\xa9", "<\xc3\xa9t\xc3\xa9>"},
        {"a && b", NULL},
        {"a; b", NULL},
        {"a | b", NULL},
        {"a > b", NULL},
        {"a < b", NULL},
        {"(a)", NULL},
        {"$(a)", NULL},
        {"`a`", NULL},
        {"'open", NULL},
        {"\"open", NULL},
        {"end\\", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(str_release) struct str got = STR_INIT;
        struct strv words = {.n = 77};
        const char *complaint = shell_words(rows[i].text, a, &words);

        if (!rows[i].words) {
            if (!complaint)
                fail_msg("%s was not refused", rows[i].text);
            assert_int_equal(words.n, 77);
            continue;
        }
        if (complaint)
            fail_msg("%s: %s", rows[i].text, complaint);
        join(&words, &got);
        assert_string_equal(str_text(&got), rows[i].words);
    }
}

/* ---- images ---- */

static void test_images(void **state)
{
#define HEX64 "4c0fdaa8b6341bfdeca5f18f7837462c80cff90527ee35ef185571e1c327beac"
    static const struct {
        const char *image, *reference;
    } rows[] = {
        {"nginx", "nginx:latest"},
        {"nginx:1.27", "nginx:1.27"},
        {"team/web", "team/web:latest"},
        {"localhost/web", "localhost/web:latest"},
        {"localhost:5000/web", "localhost:5000/web:latest"},
        {"reg.example:5000/a/b/c:v_1.0-X", "reg.example:5000/a/b/c:v_1.0-X"},
        {"Registry.Example/web", "Registry.Example/web:latest"},
        {"a__b--c/e_f.g", "a__b--c/e_f.g:latest"},
        {"a__b.c/d", NULL},
        {"nginx@sha256:" HEX64, "nginx@sha256:" HEX64},
        {"nginx:1@sha256:" HEX64, "nginx:1@sha256:" HEX64},
        {HEX64, HEX64 ":latest"},
        {"", NULL},
        {":tag", NULL},
        {"nginx:", NULL},
        {"nginx@", NULL},
        {"nginx@sha256", NULL},
        {"nginx@sha256:beef", NULL},
        {"nginx@sha256:zz0fdaa8b6341bfdeca5f18f7837462c80cff90527ee35ef185571e1c327beac", NULL},
        {"Nginx", NULL},
        {"a/B", NULL},
        {"a//b", NULL},
        {"/a", NULL},
        {"a/", NULL},
        {"a..b", NULL},
        {"a___b", NULL},
        {"-a", NULL},
        {"a-", NULL},
        {"a b", NULL},
        {"http://x/y", NULL},
        {"host:port/x", NULL},
        {"nginx:-x", NULL},
        {"nginx:a:b", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const char *got = image_reference(rows[i].image, a);

        if (!got != !rows[i].reference || (got && strcmp(got, rows[i].reference) != 0))
            fail_msg("%s: %s", rows[i].image, got ? got : "refused");
    }
    char long_tag[200] = "x:";
    CLEANUP(arena_freep) struct arena *a = arena_new();

    memset(long_tag + 2, 'y', 129);
    assert_null(image_reference(long_tag, a));
    long_tag[130] = '\0';
    assert_non_null(image_reference(long_tag, a));
}

/* ---- ports and addresses ---- */

static void test_port_ranges(void **state)
{
    static const struct {
        const char *text;
        int from, to; /* 0: refused */
    } rows[] = {
        {"80", 80, 80},  {"1-65535", 1, 65535}, {"8000-8000", 8000, 8000},
        {"0", 0, 0},     {"65536", 0, 0},       {"2-1", 0, 0},
        {"", 0, 0},      {"-", 0, 0},           {"1-", 0, 0},
        {"-1", 0, 0},    {"1-2-3", 0, 0},       {"80 ", 0, 0},
        {"+80", 0, 0},   {"0x50", 0, 0},        {"99999999999", 0, 0},
        {"080", 80, 80},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int from = -7, to = -7;
        bool ok = decode_port_range(rows[i].text, &from, &to);

        if (ok != (rows[i].from != 0))
            fail_msg("\"%s\": %d", rows[i].text, ok);
        assert_int_equal(from, ok ? rows[i].from : -7);
        assert_int_equal(to, ok ? rows[i].to : -7);
    }
}

static void test_addresses_meet(void **state)
{
    static const struct {
        const char *a, *b;
        bool meet;
    } rows[] = {
        {NULL, NULL, true},
        {NULL, "127.0.0.1", true},
        {NULL, "::1", true},
        {"0.0.0.0", "127.0.0.1", true},
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.1", "127.0.0.2", false},
        {"0.0.0.0", "::", false},
        {"0.0.0.0", "::1", false},
        {"::", "::1", true},
        {"::1", "0:0:0:0:0:0:0:1", true},
        {"fd00::1", "fd00::2", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(claim_ips_meet(rows[i].a, rows[i].b), rows[i].meet);
        assert_int_equal(claim_ips_meet(rows[i].b, rows[i].a), rows[i].meet);
    }
}

/* ---- files of variables ---- */

static void read_env(const char *text, size_t n, bool raw, struct str *out)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct env_text in = {.name = "f.env", .text = text, .n = n, .raw = raw};
    struct kvs vars = {0};
    struct strv inherit = {0};
    struct diag_list diags;

    diag_init(&diags, a);
    env_file_parse(&in, a, &diags, &vars, &inherit);
    for (size_t i = 0; i < vars.n; i++)
        str_addf(out, "%s%s=%s", out->len ? "|" : "", vars.v[i].key, vars.v[i].value);
    for (size_t i = 0; i < inherit.n; i++)
        str_addf(out, "|%s", inherit.v[i]);
    for (size_t i = 0; i < diags.n; i++)
        str_addf(out, "!%d:%d", diags.v[i].at.line, diags.v[i].at.column);
}

static void test_env_files(void **state)
{
    static const struct {
        const char *text, *vars;
    } rows[] = {
        {"", ""},
        {"A=1", "A=1"},
        {"A=1\nB=2\n", "A=1|B=2"},
        {"A=1\r\nB=2\r\n", "A=1|B=2"},
        {"\xef\xbb\xbf"
         "A=1",
         "A=1"},
        {"\n# c\n  # d\nA=1 # e\n", "A=1"},
        {"A=1#2", "A=1#2"},
        {"A= #2", "A="},
        {"A=", "A="},
        {"A = b c  ", "A=b c"},
        {"A: b", "A=b"},
        {"A=b=c", "A=b=c"},
        {"export A=1\nexport  B=2", "A=1|B=2"},
        {"exported=1", "exported=1"},
        {"export=1", "export=1"},
        {"A='b c' # d", "A=b c"},
        {"A='$x ${y}'", "A=$x ${y}"},
        {"A='it\\'s'", "A=it's"},
        {"A=\"x\\ny\\t\\\"\\\\\\$z\"", "A=x\ny\t\"\\$z"},
        {"A=\"x\\qy\"", "A=x\\qy"},
        {"A=\"1\n2\"\nB=3", "A=1\n2|B=3"},
        {"A=1\nA=2", "A=2"},
        {"A", "|A"},
        {"a.b-c_D=1", "a.b-c_D=1"},
        {"A=$HOME", "A=$HOME!1:3"},
        {"A=5$", "A=5$"},
        {"A B=1", "!1:3"},
        {"=1", "!1:1"},
        {"A='x", "!1:3"},
        {"A=\"1\n2\nB=3", "!1:3"},
        {"A='x' y\nB=2", "B=2!1:7"},
        {"A=\xff", "!1:0"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(str_release) struct str got = STR_INIT;

        read_env(rows[i].text, strlen(rows[i].text), false, &got);
        if (strcmp(str_text(&got), rows[i].vars) != 0)
            fail_msg("%s: %s instead of %s", rows[i].text, str_text(&got), rows[i].vars);
    }
}

static void test_env_files_raw(void **state)
{
    CLEANUP(str_release) struct str got = STR_INIT;
    static const char nul[] = "A=1\nB=\0x\n";
    CLEANUP(str_release) struct str refused = STR_INIT;

    (void)state;
    read_env("A=\"b\" # c\r\nB= $x", 16, true, &got);
    assert_string_equal(str_text(&got), "A=\"b\" # c|B= $x");
    read_env(nul, sizeof(nul) - 1, false, &refused);
    assert_string_equal(str_text(&refused), "!2:0");
}

/* ---- defaults ---- */

static struct service with_defaults(const struct settings *settings, const struct service *s,
                                    struct arena *a)
{
    struct service out;

    memset(&out, 0x5a, sizeof(out));
    defaults_apply(settings, s, false, a, &out);
    return out;
}

static void test_limits(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct settings plain = {.owner = "x"};
    const struct settings own = {
        .mem_limit = {64 << 20, true}, .nano_cpus = {0, true}, .pids_limit = {7, true}};
    struct service s = {.name = "x"}, got = with_defaults(&plain, &s, a);

    (void)state;
    assert_int_equal(got.mem_limit.v, 512 << 20);
    assert_int_equal(got.memswap_limit.v, 512 << 20);
    assert_int_equal(got.nano_cpus.v, 500000000);
    assert_int_equal(got.pids_limit.v, 100);
    assert_int_equal(got.restart, RESTART_UNLESS_STOPPED);
    got = with_defaults(&own, &s, a);
    assert_int_equal(got.mem_limit.v, 64 << 20);
    assert_int_equal(got.memswap_limit.v, 64 << 20);
    assert_false(got.nano_cpus.set);
    assert_int_equal(got.pids_limit.v, 7);
    s.mem_limit = (struct num){128 << 20, true};
    s.nano_cpus = (struct num){250000000, true};
    s.pids_limit = (struct num){-1, true};
    got = with_defaults(&own, &s, a);
    assert_int_equal(got.mem_limit.v, 128 << 20);
    assert_int_equal(got.nano_cpus.v, 250000000);
    assert_false(got.pids_limit.set);
    s.mem_limit = (struct num){0, true};
    got = with_defaults(&plain, &s, a);
    assert_false(got.mem_limit.set);
    assert_false(got.memswap_limit.set);
}

/* A default must not make the engine refuse what was written. */
static void test_limits_give_way(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct settings plain = {.owner = "x"};
    struct service s = {.mem_reservation = {INT64_C(2) << 30, true}},
                   got = with_defaults(&plain, &s, a);

    (void)state;
    assert_int_equal(got.mem_limit.v, INT64_C(2) << 30);
    assert_int_equal(got.memswap_limit.v, INT64_C(2) << 30);
    s = (struct service){.memswap_limit = {256 << 20, true}};
    got = with_defaults(&plain, &s, a);
    assert_int_equal(got.mem_limit.v, 256 << 20);
    assert_int_equal(got.memswap_limit.v, 256 << 20);
    s = (struct service){.memswap_limit = {-1, true}};
    got = with_defaults(&plain, &s, a);
    assert_int_equal(got.mem_limit.v, 512 << 20);
    assert_int_equal(got.memswap_limit.v, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),       cmocka_unit_test(test_images),
        cmocka_unit_test(test_port_ranges), cmocka_unit_test(test_addresses_meet),
        cmocka_unit_test(test_env_files),   cmocka_unit_test(test_env_files_raw),
        cmocka_unit_test(test_limits),      cmocka_unit_test(test_limits_give_way),
    };

    return cmocka_run_group_tests_name("forms", tests, NULL, NULL);
}
