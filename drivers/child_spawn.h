/* child_spawn.h: how a child comes to be: a room of child.c. */
#ifndef EK_CHILD_SPAWN_H
#define EK_CHILD_SPAWN_H

#include <sys/types.h>

#include "drivers/child.h"

/* The leader of a session and group of its own, its standard output and error on these descriptors. Returns its pid, or -1. */
pid_t child_spawn(const struct child_order *o, int out, int error, struct err *e);

#endif
