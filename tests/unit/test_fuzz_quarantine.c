/* test_fuzz_quarantine.c: the corpus of the fuzz target, as an ordinary test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/fuzz/fuzz_quarantine.c"

#define CORPUS "tests/fuzz/corpus/quarantine"

static void corpus(void **state)
{
    enum { MOST = 8192 };
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
        for (size_t i = 0; i < n; i++)
            for (int bit = 0; bit < 8; bit++) {
                bytes[i] = (char)(bytes[i] ^ (1 << bit));
                (void)LLVMFuzzerTestOneInput((uint8_t *)bytes, n);
                bytes[i] = (char)(bytes[i] ^ (1 << bit));
            }
        tried++;
    }
    (void)closedir(dir);
    assert_true(tried >= 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(corpus)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
