/* mounts_look.h: whether the files of STATE/mounts are as they were put there (mounts.h).
 *
 * A file is read when it is first seen and when its stat differs from the last time; else it costs one lstat. */
#ifndef EK_MOUNTS_LOOK_H
#define EK_MOUNTS_LOOK_H

#include <stdbool.h>

#include "drivers/observed.h"
#include "spec/desired.h"

struct arena;
struct mounts_look;

struct mounts_look *mounts_look_new(void);
void mounts_look_free(struct mounts_look *l); /* NULL is fine */

/* Of the files that desired state names those that are not as they should be, sorted by path, in the arena. What cannot be read for lack of rights is left
 * out, and so is what is not there and not mounted: it was never put in place. */
void mounts_look(struct mounts_look *l, const struct desired *d, const struct observed *o,
                 struct arena *a, struct obs_file **ret, size_t *ret_n);
/* True if one of those looked at last may be another by now. */
bool mounts_look_news(const struct mounts_look *l);

#endif
