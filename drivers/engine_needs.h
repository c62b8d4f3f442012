/* engine_needs.h: which engine a container needs. Pure.
 *
 * Engines pass by what they do not know, without a word; a key that would change nothing is refused instead, by its name. */
#ifndef EK_ENGINE_NEEDS_H
#define EK_ENGINE_NEEDS_H

#include "spec/desired.h"

struct arena;

/* Why an engine of this API version ("1.41") cannot bring the container up as it is wanted, or NULL. An unknown version (NULL, "") can do everything. */
const char *engine_needs(const struct want_container *c, const char *api_version, struct arena *a);
/* What it will go without, as a sentence for people, or NULL. */
const char *engine_goes_without(const struct want_container *c, const char *api_version,
                                struct arena *a);

#endif
