/* test_platform.c: platforms in the engine's words, and the build arguments that follow from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "spec/base/arena.h"
#include "spec/platform.h"

static void names_are_folded(void **state)
{
    static const struct {
        const char *text, *folded; /* NULL: not a platform */
    } rows[] = {
        {"linux/amd64", "linux/amd64"},
        {"linux/x86_64", "linux/amd64"},
        {"linux/amd64/v1", "linux/amd64"},
        {"linux/amd64/v3", "linux/amd64/v3"},
        {"Linux/AArch64", "linux/arm64"},
        {"linux/arm64/v8", "linux/arm64"},
        {"linux/arm", "linux/arm/v7"},
        {"linux/arm/6", "linux/arm/v6"},
        {"linux/armhf", "linux/arm/v7"},
        {"linux/armel", "linux/arm/v6"},
        {"linux/i386", "linux/386"},
        {"windows/amd64", "windows/amd64"},
        {"linux/riscv64", "linux/riscv64"},
        {"linux", NULL},
        {"", NULL},
        {"/amd64", NULL},
        {"linux/", NULL},
        {"linux//v7", NULL},
        {"linux/arm/", NULL},
        {"linux/arm/v7/x", NULL},
    };
    struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct platform p;

        memset(&p, 0xa5, sizeof(p));
        const struct platform poison = p;

        if (platform_read(rows[i].text, a, &p) == 0) {
            assert_non_null(rows[i].folded);
            assert_string_equal(platform_text(&p, a), rows[i].folded);
        } else {
            assert_null(rows[i].folded);
            assert_memory_equal(&p, &poison, sizeof(p));
        }
    }
    arena_free(a);
}

static void arguments_follow(void **state)
{
    struct arena *a = arena_new();
    struct kvs args = {0};

    (void)state;
    kvs_set(a, &args, "TARGETOS", "plan9"); /* a build argument of the user's */
    assert_true(platform_args("linux/x86_64", "linux/arm", a, &args));
    assert_string_equal(kvs_get(&args, "BUILDPLATFORM"), "linux/amd64");
    assert_string_equal(kvs_get(&args, "BUILDOS"), "linux");
    assert_string_equal(kvs_get(&args, "BUILDARCH"), "amd64");
    assert_string_equal(kvs_get(&args, "BUILDVARIANT"), "");
    assert_string_equal(kvs_get(&args, "TARGETPLATFORM"), "linux/arm/v7");
    assert_string_equal(kvs_get(&args, "TARGETOS"), "plan9");
    assert_string_equal(kvs_get(&args, "TARGETARCH"), "arm");
    assert_string_equal(kvs_get(&args, "TARGETVARIANT"), "v7");
    assert_int_equal(args.n, 8);
    args = (struct kvs){0};
    assert_true(platform_args("linux/arm64", NULL, a, &args));
    assert_string_equal(kvs_get(&args, "TARGETPLATFORM"), "linux/arm64");
    args = (struct kvs){0};
    assert_false(platform_args("linux", NULL, a, &args));
    assert_false(platform_args("linux/amd64", "arm", a, &args));
    assert_int_equal(args.n, 0);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_folded),
        cmocka_unit_test(arguments_follow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
