/* test_context_digest.c: the digest of much content, which several threads read: as it would be with one, and so are its errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "drivers/context.h"
#include "spec/base/err.h"
#include "tests/unit/scratch.h"

enum { FILES = 64, FILE_BYTES = 300000 }; /* 19 MB: enough for more than one reader */

/* Plain text of no meaning, another in each file. */
static void write_file(const char *path, unsigned seed)
{
    FILE *f = fopen(path, "we");

    assert_non_null(f);
    for (int i = 0; i < FILE_BYTES; i++) {
        seed = seed * 1103515245 + 12345;
        assert_true(fputc('a' + (int)(seed >> 24) % 26, f) != EOF);
    }
    assert_int_equal(fclose(f), 0);
}

static int run(const char *const *argv)
{
    pid_t pid = fork();
    int status = -1;

    if (pid == 0) {
        (void)execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int setup(void **state)
{
    char path[64];

    if (scratch_setup(state) != 0 || mkdir("tree", 0755) != 0)
        return -1;
    for (unsigned i = 0; i < FILES; i++) {
        (void)snprintf(path, sizeof(path), "tree/f%02u", i);
        write_file(path, i);
    }
    return run((const char *[]){"tar", "-cf", "tree.tar", "-C", "tree", ".", NULL}) ||
           run((const char *[]){"python3", "-m", "zipfile", "-c", "tree.zip", "tree/", NULL});
}

static void digest_of(const char *path, char ret[SHA256_HEX])
{
    const struct context_where where = {.path = path};
    struct err e = {0};
    struct context *c = context_open(&where, &e);

    if (!c || context_digest(c, ret, &e) < 0)
        fail_msg("%s", e.msg);
    context_free(c);
}

/* A tar is read by one. */
static void test_same_as_one_reader(void **state)
{
    char tar[SHA256_HEX], zip[SHA256_HEX], folder[SHA256_HEX];

    (void)state;
    digest_of("tree.tar", tar);
    digest_of("tree.zip", zip);
    digest_of("tree", folder);
    assert_string_equal(zip, tar);
    assert_string_equal(folder, tar);
}

/* Turns over one byte of the packed content of a file: what follows its name for the first time. */
static void damage(char *zip, size_t n, const char *name)
{
    char *at = memmem(zip, n, name, strlen(name));

    assert_non_null(at);
    at[1000] ^= 0x20;
}

static void write_damaged(const char *const *names)
{
    static char bytes[32 << 20];
    FILE *f = fopen("tree.zip", "re");

    assert_non_null(f);
    size_t n = fread(bytes, 1, sizeof(bytes), f);

    assert_true(n > 1000000 && n < sizeof(bytes));
    (void)fclose(f);
    for (; *names; names++)
        damage(bytes, n, *names);
    f = fopen("bad.zip", "we");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void test_the_first_error_is_told(void **state)
{
    const struct context_where where = {.path = "bad.zip"};
    static const char *const names[] = {"f50", "f11", "f12", "f13", "f63", NULL};
    char digest[SHA256_HEX];

    (void)state;
    write_damaged(names);
    for (int i = 0; i < 20; i++) {
        struct err e = {0};
        struct context *c = context_open(&where, &e);

        assert_non_null(c);
        assert_int_equal(context_digest(c, digest, &e), -1);
        if (!strstr(e.msg, "f11"))
            fail_msg("round %d: %s", i, e.msg);
        context_free(c);
    }
}

static void test_of_a_folder_too(void **state)
{
    const struct context_where where = {.path = "tree"};
    char digest[SHA256_HEX];
    struct err e = {0};
    struct context *c = context_open(&where, &e);

    (void)state;
    assert_non_null(c);
    write_file("tree/f40", 99);
    assert_int_equal(unlink("tree/f20"), 0);
    assert_int_equal(context_digest(c, digest, &e), -1);
    assert_int_equal(e.kind, ERR_RETRY);
    assert_non_null(strstr(e.msg, "f20"));
    context_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_as_one_reader),
        cmocka_unit_test(test_the_first_error_is_told),
        cmocka_unit_test(test_of_a_folder_too),
    };

    return cmocka_run_group_tests(tests, setup, scratch_teardown);
}
