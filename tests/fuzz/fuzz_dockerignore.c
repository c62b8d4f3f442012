/* fuzz_dockerignore.c: the first line is a path, the rest a .dockerignore. What is kept below an excluded folder must be announced. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "spec/base/arena.h"
#include "spec/dockerignore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *text = (const char *)data, *end = memchr(text, '\n', n);
    struct err e = {0};

    if (!end || end == text || end - text > 1024 || memchr(text, '\0', (size_t)(end - text)))
        return 0;
    char *path = arena_strndup(a, text, (size_t)(end - text));
    struct dockerignore *d = dockerignore_parse(end + 1, n - (size_t)(end + 1 - text), a, &e);

    if (!d) {
        if (e.kind != ERR_USER || !*e.msg)
            abort();
        return 0;
    }
    bool kept = !dockerignore_excludes(d, path);

    for (char *slash = strrchr(path, '/'); slash && slash > path; slash = strrchr(path, '/')) {
        *slash = '\0';
        if (kept && slash[1] && dockerignore_excludes(d, path) && !dockerignore_may_return(d, path))
            abort();
    }
    return 0;
}
