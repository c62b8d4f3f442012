/* lock.h: one agent or apply at a time per state directory. */
#ifndef EK_LOCK_H
#define EK_LOCK_H

#include <sys/types.h>

#include "spec/base/err.h"

enum lock_role { LOCK_AGENT, LOCK_APPLY };

struct lock_owner {
    pid_t pid; /* 0: nobody holds it */
    enum lock_role role;
};

/* Take STATE/agent.lock for the life of the process. Returns the descriptor, or -1: ERR_CONFLICT when another process has it (its pid is named). */
int lock_take(const char *state_dir, enum lock_role role, struct err *e);
/* Who holds it now. */
struct lock_owner lock_owner(const char *state_dir);
/* The pid alone, or 0. */
pid_t lock_holder(const char *state_dir);

#endif
