/* nixpacks.h: a Dockerfile made by the nixpacks of the host, without letting it build anything. Blocks; for a worker thread. */
#ifndef EK_NIXPACKS_H
#define EK_NIXPACKS_H

#include "spec/base/err.h"
#include "spec/base/str.h"

struct arena;
struct context;

struct nixpacks_order {
    const char *program;     /* absolute */
    struct context *context; /* borrowed */
    const char *start;       /* or NULL: what it finds */
    const struct kvs *
        args; /* build arguments; those that steer nixpacks by their value (NIXPACKS_*, CGO_ENABLED) are told it */
    int port; /* that PORT shall say */
    int stop_fd; /* readable: give up; -1 */
};

struct nixpacks_made {
    const char *dockerfile;
    struct kvs files; /* path in the context -> text: what the Dockerfile copies */
    struct kvs args;  /* values of its ARGs that are not among the order's */
};

#define NIXPACKS_DOCKERFILE ".nixpacks/Dockerfile"

/* In the arena. ERR_USER: nixpacks said no, in its words; or it would write outside of its folder. Source: nixpacks 1.41. */
int nixpacks_make(const struct nixpacks_order *o, struct arena *a, struct nixpacks_made *ret,
                  struct err *e);

#endif
