/* source_places.h: where on the host a source may lie. Pure. */
#ifndef EK_SOURCE_PLACES_H
#define EK_SOURCE_PLACES_H

#include "spec/desired.h"

/* May a source lie there? */
bool source_place_allowed(const struct spec_set *set, const struct settings *settings,
                          const char *path);
/* NULL when every source of the app lies in a root or in a folder that the agent's configuration allows; else why not and what to write, in the arena, and in *ret_at the place
 * of the first that does not. Judged by path: a link in a root was put there by who owns the root. */
const char *source_place_refused(const struct spec_set *set, const struct settings *settings,
                                 const struct want_app *app, struct arena *a, struct place *ret_at);

#endif
