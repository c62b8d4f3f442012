/* corpus.h: runs a fuzz target on its corpus, as an ordinary test: each file as it is, then damaged a bit here and there. For
 * tests/unit/test_fuzz_*.c, which include the target itself; static, because each test program is one file. */
#ifndef EK_FUZZ_CORPUS_H
#define EK_FUZZ_CORPUS_H

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>

#include "spec/base/arena.h"

enum { CORPUS_BYTES = 65536 };

/* A buffer of exactly the input's size, so that a sanitizer sees a read behind its end. */
static void corpus_try(int (*target)(const uint8_t *data, size_t n), const char *bytes, size_t n)
{
    CLEANUP(xfreep) char *copy = xcalloc(1, n ? n : 1);

    memcpy(copy, bytes, n);
    (void)target((const uint8_t *)copy, n);
}

/* Damages each file in so many places. Returns how many files there were. */
static int corpus_run(const char *folder, size_t damages,
                      int (*target)(const uint8_t *data, size_t n))
{
    DIR *dir = opendir(folder);
    CLEANUP(xfreep) char *bytes = xcalloc(1, CORPUS_BYTES);
    int tried = 0;

    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char path[512];

        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        FILE *f = fopen(path, "re");
        size_t n = f ? fread(bytes, 1, CORPUS_BYTES, f) : 0;

        if (f)
            (void)fclose(f);
        corpus_try(target, bytes, n);
        for (size_t i = 0; i < n; i += n / damages + 1) {
            char was = bytes[i];

            bytes[i] = (char)(was ^ (1 << (i % 7)));
            corpus_try(target, bytes, n);
            bytes[i] = was;
        }
        for (size_t i = 1; i < 8; i++)
            corpus_try(target, bytes, n * i / 8);
        tried++;
    }
    if (dir)
        (void)closedir(dir);
    return tried;
}

#endif
