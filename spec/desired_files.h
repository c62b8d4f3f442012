/* desired_files.h: where the configs and secrets of an app are for its containers. */
#ifndef EK_DESIRED_FILES_H
#define EK_DESIRED_FILES_H

#include "spec/desired_app.h"

/* Fills ret->placed, and the sources of the mounts that ask for them. */
void desired_files_build(const struct app_source *src, struct arena *a, struct want_app *ret);
/* Why a secret that the app mounts cannot be had, with the place that asks for it; or NULL. */
const char *desired_files_refused(const struct spec_set *set, const struct want_app *app,
                                  struct arena *a, struct place *ret_at);

#endif
