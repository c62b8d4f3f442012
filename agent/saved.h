/* saved.h: the complete input of a pass as one JSON text, and back: `evenkeel replay` plans it again, byte for byte. A bug report is a test case.
 *
 * It holds the texts of the specs and the engine's state, so it is as confidential as they are: it lives in the database (0600) only. */
#ifndef EK_SAVED_H
#define EK_SAVED_H

#include "agent/core.h"

/* `holds` in it says how much there is: "everything", or, for a pass over few apps, what concerns the apps named in `scope`. The latter is
 * tried first and kept only if the plan made from it is the one of the pass, whole and in every action. */
void saved_write(const struct core *c, const struct core_pass *p, struct str *out);

/* Everything in the arena. */
int saved_read(const char *text, size_t n, struct arena *a, struct plan_input *ret, struct err *e);

#endif
