/* engine_images.h: the engine's list of images, decoded. Pure.
 *
 * Source: Engine API 1.41 .. 1.52, ImageList. */
#ifndef EK_ENGINE_IMAGES_H
#define EK_ENGINE_IMAGES_H

#include <stddef.h>
#include <stdint.h>

#include "spec/base/err.h"
#include "spec/base/str.h"

struct arena;

struct engine_image {
    const char *id;      /* "sha256:..." */
    struct strv tags;    /* without "<none>:<none>" */
    struct strv digests; /* names by digest, without "<none>@<none>" */
    struct kvs labels;
    int64_t created_ms, bytes; /* bytes: with what it shares with others */
};

/* In the arena, in the engine's order. */
int engine_decode_images(const char *body, size_t n, struct arena *a, struct engine_image **ret,
                         size_t *ret_n, struct err *e);

#endif
