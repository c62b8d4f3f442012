/* build_tag.h: the name of what is built. Pure.
 *
 * The tag is a hash of everything that shapes the image: content, Dockerfile, target, arguments, platform, labels, and the ids of its base images. So a build that was done is found by its
 * name, after a restart, a lost database or a renamed file alike. */
#ifndef EK_BUILD_TAG_H
#define EK_BUILD_TAG_H

#include "drivers/observed.h"
#include "spec/desired.h"

/* "evenkeel/APP/SERVICE:HASH", or NULL while the facts are not ready or a base image is not on the engine. In the arena. */
const char *build_tag(const struct want_app *app, const struct want_service *s,
                      const struct observed *o, struct arena *a);
/* The reference is a name that build_tag gave to this service, at some time. */
bool build_tag_is(const char *ref, const char *app, const char *service);
/* What all such names begin with. */
#define BUILD_TAG_PREFIX "evenkeel/"
/* A reference that no build ever has: what stands in for the tag until it can be told. */
const char *build_tag_unknown(const struct want_app *app, const struct want_service *s,
                              struct arena *a);

#endif
