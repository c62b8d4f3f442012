/* bundle_open.h: archives in a root, and archives that specs name, as what the spec inside them says. */
#ifndef EK_BUNDLE_OPEN_H
#define EK_BUNDLE_OPEN_H

#include "agent/bundle_read.h"
#include "spec/desired.h"

/* What the archive that f stands for really is, given the spec inside it (NULL: not read yet, so nothing is decided about it), or why it is broken. In the arena, or f
 * itself. */
const struct spec_file *bundle_open(const struct spec_file *f, const struct bundle_spec *spec,
                                    const char *error, struct arena *a);

/* The archives whose Compose file may be what apps of f are made of; those in places that may be read. */
void bundle_sources(const struct spec_set *set, const struct settings *settings,
                    const struct spec_file *f, struct arena *a, struct strv *ret);
/* What is known of an archive, or NULL. */
typedef const struct bundle_spec *bundle_known(void *ctx, const char *path);
/* f with such apps made of the Compose files in their archives. In the arena, or f itself. */
const struct spec_file *bundle_join(const struct spec_file *f, bundle_known *known, void *ctx,
                                    struct arena *a);

#endif
