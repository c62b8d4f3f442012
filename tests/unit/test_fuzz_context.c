/* test_fuzz_context.c: the corpus of the fuzz target, as an ordinary test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/fuzz/fuzz_context.c"

#define CORPUS "tests/fuzz/corpus/context"

static void corpus(void **state)
{
    DIR *dir = opendir(CORPUS);
    CLEANUP(xfreep) char *bytes = xcalloc(1, 8192);
    int tried = 0;

    (void)state;
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        CLEANUP(arena_freep) struct arena *a = arena_new();
        FILE *f = fopen(arena_printf(a, CORPUS "/%s", entry->d_name), "re");

        assert_non_null(f);
        size_t n = fread(bytes, 1, 8192, f);

        (void)fclose(f);
        (void)LLVMFuzzerTestOneInput((uint8_t *)bytes, n);
        for (size_t i = 1; i < n; i += n / 20 + 1) {
            char was = bytes[i];

            bytes[i] = (char)(was ^ (1 << (i % 7)));
            (void)LLVMFuzzerTestOneInput((uint8_t *)bytes, n);
            bytes[i] = was;
        }
        tried++;
    }
    (void)closedir(dir);
    assert_true(tried >= 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(corpus)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
