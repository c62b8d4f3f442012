/* mounts.h: STATE/mounts: configs and secrets as the files that containers mount (spec/desired_files.h says which).
 *
 *   STATE/mounts/.key   0600: what keeps names from telling contents; made once
 *   STATE/mounts/NAME   one content for one owner and mode, whole or absent; never changed, only left behind
 *
 * The folder can be passed through but not listed by others than its owner, for engines whose containers run in a user namespace. */
#ifndef EK_MOUNTS_H
#define EK_MOUNTS_H

#include <stdbool.h>

#include "drivers/observed.h"
#include "spec/desired.h"

struct arena;

/* The key, made if there is none and make says so; NULL when there is none. */
const char *mounts_key(const char *state, bool make, struct arena *a);
/* One file as it is to be: in place, so that whoever mounts it sees it at once, or under its name where what is there is no file of its own. ERR_RETRY: its
 * content is another just now. */
int mounts_put(const char *state, const struct want_file *f, struct err *e);
/* A container of those that were inspected mounts it. */
bool mounts_mounted(const struct observed *o, const char *path);
/* Put in place what is missing and not mounted yet, remove what neither desired state nor a container names any more for a day. -1: something could not be put there, with the first reason; the rest was done. What changed since
 * desired state was built is left for the next time. */
int mounts_keep(const char *state, const struct desired *d, const struct observed *o,
                struct err *e);

#endif
