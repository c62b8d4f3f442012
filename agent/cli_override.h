/* cli_override.h: what other verbs change in an override. */
#ifndef EK_CLI_OVERRIDE_H
#define EK_CLI_OVERRIDE_H

#include "agent/core.h"

/* If an override says that the app's volumes go into quarantine, it says so no more. c: opened and scanned. */
int override_keep_volumes(const struct core *c, const char *app, struct err *e);

#endif
