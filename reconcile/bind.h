/* bind.h: joins desired containers with the images the engine has, and remembers body and hash on each (want_container's memo).
 *
 * The only place that writes to a desired state after it was built; everything it writes is a function of the two arguments, and is redone
 * only for containers whose image id changed. */
#ifndef EK_BIND_H
#define EK_BIND_H

#include "drivers/observed.h"
#include "spec/desired.h"

/* Containers whose image the engine lacks keep hash "" (known after the pull). */
void bind_images(struct desired *d, const struct observed *o, struct arena *desired_arena);
/* Only these apps; n == 0: all. Encoding and hashing are the dear part of a pass, and one that plans few apps reads no other's body. */
void bind_scope(struct desired *d, const struct strv *scope, const struct observed *o,
                struct arena *desired_arena);
/* What is built gets its name in each of these (build_tag.h), since that depends on the base images the engine has; here only that. */
void bind_builds(struct desired *d, const struct observed *o, struct arena *desired_arena);
/* The image references of all apps, base images included, sorted, unique: what a look must ask about. */
void bind_wanted_images(const struct desired *d, struct arena *a, struct strv *ret);

#endif
