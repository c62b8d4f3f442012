/* dockerfile.h: as much of a Dockerfile as must be known before it is sent: its base images, what cannot work without a session, its ports. Pure.
 *
 * Source: the Dockerfile reference (parser directives, line continuation, ARG before FROM, FROM --platform, COPY --from, RUN --mount, heredocs). */
#ifndef EK_DOCKERFILE_H
#define EK_DOCKERFILE_H

#include "spec/base/err.h"
#include "spec/base/str.h"

struct arena;

struct dockerfile {
    /* References that must be on the engine before: FROM (stages and scratch left out), COPY --from=IMAGE,
     * RUN --mount=from=IMAGE; with their tag, sorted, unique together with their platform. */
    struct strv images;
    struct strv platforms; /* beside images: FROM --platform, or "" where it is the one built for */
    struct strv
        exposed; /* "8080/tcp", of the last stage or of target, with what it inherits from other stages; sorted */
    struct strv stages; /* names, in order; unnamed ones as their number */
    /* What is to be sent: a `# syntax=docker/dockerfile...` line replaced by a comment of equal length (behind the other
     * directives, which would count no more below a comment). */
    const char *text;
    bool syntax_replaced;
    /* Uses what the classic builder lacks: RUN --mount, heredocs, COPY --link, --chmod, TARGETARCH and the like. */
    bool needs_buildkit;
};

/* args: build arguments (defaults of ARG before FROM apply); beside them what the engine is, if known: TARGETPLATFORM, TARGETARCH, TARGETVARIANT,
 * BUILDPLATFORM, BUILDARCH and so on (platform.h). Without them both platforms are taken to be one, and a FROM that needs an architecture is an
 * error. target: a stage or NULL (the last). Only stages that target needs count (BuildKit builds no others; the classic
 * builder builds all before target, and pulls by itself).
 *
 * Errors (does not parse, unknown target, no FROM, another frontend, secret or ssh mounts, git over ssh) go to diags with line and
 * column under the name `name`; returns -1 if there was any. A port whose variable only the base image may know is a
 * note. */
int dockerfile_read(const char *name, const char *text, size_t n, const struct kvs *args,
                    const char *target, struct arena *a, struct diag_list *diags,
                    struct dockerfile *ret);
/* Its base images are named after the platform (FROM $TARGETARCH, or an ARG before FROM that says so): they can be told only once the engine's is
 * known. False, too, for what does not parse. */
bool dockerfile_asks_platform(const char *text, size_t n, struct arena *a);

#endif
