/* fuzz_dockerfile.c: any bytes as a Dockerfile: read or refused, never more; what is sent is as long as what came. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "spec/base/arena.h"
#include "spec/dockerfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct kvs args = {0};
    struct diag_list diags;
    struct dockerfile d;

    kvs_set(a, &args, "A", "x:1");
    kvs_set(a, &args, "TARGETARCH", "amd64");
    diag_init(&diags, a);
    /* The engine's reader wants an end where the text ends. */
    const char *text = arena_strndup(a, (const char *)data, n);

    if (dockerfile_read("Dockerfile", text, n, &args, n % 3 ? NULL : "b", a, &diags, &d) < 0) {
        if (diags.errors == 0)
            abort();
        return 0;
    }
    if (diags.errors > 0 || strlen(d.text) != n || d.images.n != d.platforms.n || d.stages.n == 0 ||
        (!d.syntax_replaced && memcmp(d.text, text, n) != 0))
        abort();
    /* Nothing is left to replace, and the rest means the same. */
    struct dockerfile again;

    if (dockerfile_read("Dockerfile", d.text, n, &args, n % 3 ? NULL : "b", a, &diags, &again) <
            0 ||
        again.syntax_replaced || !strv_eq(&again.images, &d.images) ||
        !strv_eq(&again.exposed, &d.exposed))
        abort();
    return 0;
}
