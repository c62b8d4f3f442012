/* lock.h: one agent or apply at a time per state directory. */
#ifndef EK_LOCK_H
#define EK_LOCK_H

#include <sys/types.h>

#include "spec/base/err.h"

/* Take STATE/agent.lock for the life of the process. Returns the descriptor, or -1: ERR_CONFLICT when another process has it (its pid is named). */
int lock_take(const char *state_dir, struct err *e);
/* Pid of the process that holds it, or 0 when none does. */
pid_t lock_holder(const char *state_dir);

#endif
