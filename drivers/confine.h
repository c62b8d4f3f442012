/* confine.h: do the folders of the host that a confined app was allowed lead where they seem to?
 *
 * The policy (spec/policy.h) judges letters; links are looked at here, just before the engine is asked to make a container. Between this look and the engine's own a link can
 * still be put in place by who can write in the allowed folder, and the engine resolves the path anew at every start: folders that an app may write to should not be allowed to another.
 * Source: openat2(2), Linux 5.6. */
#ifndef EK_CONFINE_H
#define EK_CONFINE_H

#include <stddef.h>

#include "spec/base/err.h"
#include "spec/desired.h"

/* engine: its URL. Returns 0 if none of the paths passes a link below the folder that was allowed, is a socket, or holds the engine's own (unless that was allowed too);
 * else -1 with the path and why (ERR_DENIED). What is not there yet is fine. An engine elsewhere has files that cannot be looked at: ERR_DENIED. */
int confine_check(const struct confined_path *v, size_t n, const char *engine, struct err *e);

#endif
