/* dockerfile_parts.h: what the rooms that read a Dockerfile share; nobody else includes it. */
#ifndef EK_DOCKERFILE_PARTS_H
#define EK_DOCKERFILE_PARTS_H

#include "spec/dockerfile.h"
#include "spec/dockerfile_expand.h"
#include "spec/dockerfile_lines.h"

#define DOCKERFILE_STAGES 256
#define DOCKERFILE_VARS 4096
#define DOCKERFILE_PORTS 4096

struct dockerfile_stage {
    const char *name;     /* small letters, or NULL */
    const char *base;     /* after FROM, expanded; "" when it could not be */
    const char *platform; /* expanded; "" for the one built for */
    int parent;           /* the stage that base names, or -1 */
    size_t from, end;     /* its lines: the FROM, and one past its last */
    bool needed;
};

struct dockerfile_reader {
    const char *name;
    struct arena *a;
    struct diag_list *diags;
    const struct kvs *args;
    struct dockerfile_lines lines;
    struct dockerfile_stage stages[DOCKERFILE_STAGES];
    size_t n_stages;
    struct dockerfile_vars vars; /* in vars.args: ARG before FROM, and the engine's own */
};

/* An error at joined[at] of a line. */
void dockerfile_complain(struct dockerfile_reader *r, const struct dockerfile_line *l, size_t at,
                         const char *hint, const char *fmt, ...) PRINTF_LIKE(5, 6);
/* ARG: each name of it is given its value: the build argument's, its default, `outer`'s. */
void dockerfile_declare(struct dockerfile_reader *r, const struct dockerfile_line *l,
                        struct dockerfile_vars *vars, const struct kvs *outer);
/* TARGETARCH and its kin, which BuildKit knows by itself. */
bool dockerfile_engine_arg(const char *name, size_t n);
/* EXPOSE of a stage and of those it stands on. */
void dockerfile_ports(struct dockerfile_reader *r, size_t stage, struct strv *ret);

#endif
