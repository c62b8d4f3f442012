/* bundle_read.h: the spec that an archive brings along: evenkeel.yaml or a Compose file, and the other files in it that it names. */
#ifndef EK_BUNDLE_READ_H
#define EK_BUNDLE_READ_H

#include "spec/app.h"

struct arena;
struct loader;

struct bundle_spec {
    const char *name; /* in the archive: "evenkeel.yaml", "compose.yaml", ...; "": it has none */
    const char *text; /* of it; "" when it has none */
    struct kvs files; /* path in the archive -> "=TEXT", or "!WHY" it cannot be read */
};

/* Reads the archive; blocks, for a worker thread. evenkeel.yaml goes before Compose's names. In the arena, never NULL: without a name when there is none, or when the
 * archive cannot be read; then *ret_error says why, else it is NULL; and *ret_passing that the reason passes. */
const struct bundle_spec *bundle_read(const char *path, const struct build_limits *limits,
                                      struct arena *a, const char **ret_error, bool *ret_passing);

/* A loader for the text of spec, a spec of the archive at path, that knows its files and nothing else. Borrows all three. */
struct loader bundle_loader(const struct bundle_spec *spec, const char *path,
                            const struct app *over);

#endif
