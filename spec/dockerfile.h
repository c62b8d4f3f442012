/* dockerfile.h: as much of a Dockerfile as must be known before it is sent: its base images, what cannot work without a session, its ports. Pure.
 *
 * Source: the Dockerfile reference (parser directives, line continuation, ARG before FROM, FROM --platform, COPY --from, RUN --mount, heredocs). */
#ifndef EK_DOCKERFILE_H
#define EK_DOCKERFILE_H

#include "spec/base/err.h"
#include "spec/base/str.h"

struct arena;

struct dockerfile {
    struct strv
        images; /* references that must be on the engine before: FROM (stages and scratch left out), COPY --from=IMAGE, RUN --mount=from=IMAGE; normalised, sorted, unique */
    struct strv
        platforms; /* beside images: "" or FROM --platform, with $BUILDPLATFORM and $TARGETPLATFORM resolved to "" */
    struct strv exposed; /* "8080/tcp", of the last stage or of target */
    struct strv stages;  /* names, in order; unnamed ones as their number */
    const char *
        text; /* what is to be sent: a `# syntax=docker/dockerfile...` line replaced by a comment of equal length */
    bool syntax_replaced;
    bool
        needs_buildkit; /* uses what the classic builder lacks: RUN --mount, heredocs, COPY --link/--chmod... */
};

/* args: build arguments (defaults of ARG before FROM apply). target: a stage or NULL (the last). Only stages that target needs count. Errors (unknown target, no FROM, another frontend,
 * secret or ssh mounts) go to diags with line and column under the name `name`; returns -1 if there was any. */
int dockerfile_read(const char *name, const char *text, size_t n, const struct kvs *args,
                    const char *target, struct arena *a, struct diag_list *diags,
                    struct dockerfile *ret);

#endif
