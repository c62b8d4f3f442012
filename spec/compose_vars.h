/* compose_vars.h: the variables of a Compose file, and a tree with them filled in.
 *
 * They come from the file .env beside it and from no process's environment: equal files give equal apps on every machine. What an including file knows goes before what
 * the included one's .env says. Source: github.com/compose-spec/compose-spec, 12-interpolation.md, 14-include.md. */
#ifndef EK_COMPOSE_VARS_H
#define EK_COMPOSE_VARS_H

#include "spec/decode.h"
#include "spec/interpolate.h"

struct compose_vars {
    struct kvs values, files;         /* name -> value; name -> the file it came from */
    const struct compose_vars *outer; /* asked first; may be NULL */
    struct interpolate_source source; /* of this one and all outer ones */
};

/* Empty; ret must stay where it is. */
void compose_vars_init(struct compose_vars *ret, const struct compose_vars *outer);
void compose_vars_set(struct compose_vars *v, struct arena *a, const char *name, const char *value,
                      const char *file);
/* Adds what text, the content of a .env called file, says; later files win. Complains into diags. */
void compose_vars_parse(struct compose_vars *v, const char *file, const char *text, size_t n,
                        struct arena *a, struct diag_list *diags);

/* What filling in costs and finds, over all files of one app. */
struct compose_fill {
    struct decode_ctx *c;
    size_t nodes,
        bytes; /* read and made so far; LIMIT_COMPOSE_NODES and LIMIT_COMPOSE_BYTES bound them */
    bool full; /* a bound was reached and complained about; nothing more is made */
    struct kvs from; /* variables that were used -> the file they came from */
};

/* Counts values and bytes of texts that were made because of at; false when a bound is reached (complained about once). */
bool compose_room(struct compose_fill *f, const struct yaml_node *at, size_t nodes, size_t bytes);

/* A copy of v, a tree of file, whose texts have file's variables filled in; its nodes name file. Keys stay as they are. Never NULL: what cannot be filled in is complained
 * about at its place and marked broken in the copy. */
struct yaml_node *compose_fill(struct compose_fill *f, const struct yaml_file *file,
                               const struct yaml_node *v);

#endif
