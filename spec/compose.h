/* compose.h: a Compose file, and all that it is made of, as one tree that the tables of fields can decode.
 *
 * Variables are filled in from .env, `compose.override.yaml` is merged, `extends` and `include` are resolved, services of profiles that are not active are gone, and
 * the platform keys under a service's `x-evenkeel` stand at the service itself, as they do in `app:` documents. Other files are read through the loader, and only below the root (for an
 * archive: inside it). Source: github.com/compose-spec/compose-spec. */
#ifndef EK_COMPOSE_H
#define EK_COMPOSE_H

#include "spec/decode.h"

struct compose_place {
    const char *root, *path; /* of the file: absolute, and below root */
    struct strv *parts;      /* of the file; for the caller */
    const char *name;        /* of the app, where it is settled; else NULL */
};

struct compose_result {
    const struct yaml_node *tree; /* the document; never NULL */
    const char *name;             /* of the app; NULL: none could be made (complained about) */
    const char *project;          /* what Compose calls it; NULL: nothing else */
    struct place at;              /* of `name`, or of the document */
    struct kvs variables; /* that were used -> the file they came from, "" for what is built in */
    struct strv parts;    /* absolute paths of the files it was made from, beside its own */
};

/* v is a document of c->file. Complains into c; ret is filled in any case. */
void compose_resolve(struct decode_ctx *c, const struct compose_place *place,
                     const struct yaml_node *v, struct compose_result *ret);

/* The file that path changes when it is called *compose.override.yaml, without its .yaml or .yml, in the arena; else NULL. What is called so is part of another file and
 * no app. */
const char *compose_overridden(const char *path, struct arena *a);

/* path as people know it: place is of c's file. In the arena. */
const char *compose_shown(const struct decode_ctx *c, const struct compose_place *place,
                          const char *path);
/* Complains when a link leads path, which was read and lies below the root by its letters, out of it. */
bool compose_stays(struct decode_ctx *c, const char *root, const struct yaml_node *at,
                   const char *path);
/* Is path in the folder or in one below it? By letters alone. */
bool compose_is_below(const char *folder, const char *path);

#endif
