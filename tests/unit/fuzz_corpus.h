/* fuzz_corpus.h: the corpus of a fuzz target, as an ordinary test. Included after cmocka.h and the target itself. */
#ifndef EK_TEST_FUZZ_CORPUS_H
#define EK_TEST_FUZZ_CORPUS_H

#include <dirent.h>
#include <stdio.h>

#include "spec/base/arena.h"

/* Every file of the folder as it is, and with each bit of it turned over; at least so many files must be there. */
static inline void fuzz_corpus_flipped(const char *folder, int at_least)
{
    enum { MOST = 8192 };
    DIR *dir = opendir(folder);
    CLEANUP(xfreep) char *bytes = xcalloc(1, MOST);
    int tried = 0;

    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        CLEANUP(arena_freep) struct arena *a = arena_new();
        FILE *f = fopen(arena_printf(a, "%s/%s", folder, entry->d_name), "re");

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
    assert_true(tried >= at_least);
}

#endif
