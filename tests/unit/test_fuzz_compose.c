/* test_fuzz_compose.c: the corpus of the fuzz target, as an ordinary test; damaged a little on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/fuzz/fuzz_compose.c"

#define CORPUS "tests/fuzz/corpus/compose"

static void corpus(void **state)
{
    static const char odd[] = "${}:[\n\0&*";
    enum { MOST = 32768 };
    DIR *dir = opendir(CORPUS);
    CLEANUP(xfreep) char *bytes = xcalloc(1, MOST);
    int tried = 0;

    (void)state;
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        CLEANUP(arena_freep) struct arena *a = arena_new();
        FILE *f = fopen(arena_printf(a, CORPUS "/%s", entry->d_name), "re");

        assert_non_null(f);
        size_t n = fread(bytes, 1, MOST, f);

        (void)fclose(f);
        (void)LLVMFuzzerTestOneInput((uint8_t *)bytes, n);
        /* Cut off anywhere, and one byte in some forty changed. */
        for (size_t i = 0; i < n; i += 37) {
            char was = bytes[i];

            (void)LLVMFuzzerTestOneInput((uint8_t *)bytes, i);
            for (size_t k = 0; k < sizeof(odd) - 1; k++) {
                bytes[i] = odd[k];
                (void)LLVMFuzzerTestOneInput((uint8_t *)bytes, n);
            }
            bytes[i] = was;
        }
        tried++;
    }
    (void)closedir(dir);
    assert_true(tried >= 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(corpus)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
