/* adopt.h: what `docker compose up` made, seen as an app's own.
 *
 * `adopt:` names a Compose project. As long as a file says so, the project's containers (of services that the file has) and networks (that
 * it uses) count as the app's, told by Compose's own labels: labels of a container cannot be changed while it lives, so ours come with its first
 * replacement. Nothing is recorded anywhere: when the file no longer says so, what still has no label of ours is nobody's again and stays as it
 * is. Volumes keep belonging to nobody and are used by name, so they are never removed with the app. Pure. */
#ifndef EK_ADOPT_H
#define EK_ADOPT_H

#include "drivers/observed.h"
#include "spec/desired.h"

/* The same with labels of identity laid over what is adopted (and LABEL_ADOPTED, which no object in the engine has); o itself
 * when that is nothing. What has an owner already is left alone. */
const struct observed *adopt_view(const struct desired *d, const struct observed *o,
                                  struct arena *a);

/* The app that adopts the project; NULL: none, or there is no project. */
const char *adopt_app_of(const struct desired *d, const char *project);

/* Projects whose containers must be inspected like ours; sorted, borrowed from d. */
void adopt_projects(const struct desired *d, struct arena *a, struct strv *ret);

/* "adopt: true", or with the project's name: what app must say to take over what has these labels; NULL: no Compose project
 * made it. */
const char *adopt_words(const char *app, const struct kvs *labels, struct arena *a);

#endif
