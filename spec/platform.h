/* platform.h: what an engine or an image runs on, in the engine's words: "linux/arm/v7". Pure.
 *
 * Source: containerd's package platforms (names are folded as its Normalize does: x86_64 is amd64, aarch64 is arm64, a 32-bit arm without a variant is v7),
 * the Dockerfile reference ("Automatic platform ARGs in the global scope"). */
#ifndef EK_PLATFORM_H
#define EK_PLATFORM_H

#include "spec/base/str.h"

struct arena;

struct platform {
    const char *os, *arch, *variant; /* variant: "" when there is none */
};

/* OS/ARCH or OS/ARCH/VARIANT; in the arena. Returns -1 when it is neither. */
int platform_read(const char *text, struct arena *a, struct platform *ret);
const char *platform_text(const struct platform *p, struct arena *a);
/* The arguments that BuildKit knows by itself (TARGETPLATFORM, BUILDARCH, ...) for an engine that builds for target; what is in `to` already stays, as it does
 * there. The texts are platform_text's kind; target NULL: for the engine's own. False, and nothing was done: one of them cannot be read. */
bool platform_args(const char *engine, const char *target, struct arena *a, struct kvs *to);

#endif
