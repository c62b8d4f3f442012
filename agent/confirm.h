/* confirm.h: the release of held removals, as a file: STATE/confirm-removals/HASH (law 1: every door ends in a file). */
#ifndef EK_CONFIRM_H
#define EK_CONFIRM_H

#include "spec/base/err.h"

struct arena;

int confirm_write(const char *state_dir, const char *hash, struct err *e);
/* The newest confirmation not older than an hour, in the arena; NULL when there is none. Older ones are removed. */
const char *confirm_read(const char *state_dir, struct arena *a);

#endif
