/* confirm.h: the release of held removals, as files: STATE/confirm-removals/HASH (law 1: every door ends in a file).
 *
 * A file holds the set that its name is the hash of: the root, then one app a line. So a release goes on to its end, app by app, over any restart;
 * a file whose text does not give its name releases nothing. */
#ifndef EK_CONFIRM_H
#define EK_CONFIRM_H

#include "spec/base/err.h"
#include "spec/base/str.h"

struct arena;

int confirm_write(const char *state_dir, const char *root, const struct strv *apps, struct err *e);
/* The apps of all releases not older than an hour, and the releases' names, in the arena. Older ones are removed. */
void confirm_read(const char *state_dir, struct arena *a, struct strv *ret_apps,
                  struct strv *ret_names);
/* These are done: remove them. One that came meanwhile stays. */
void confirm_forget(const char *state_dir, const struct strv *names);

#endif
