/* trial.h: what would be done if this file stood in its root: a plan beside the agent's own work, which changes nothing. */
#ifndef EK_TRIAL_H
#define EK_TRIAL_H

#include <jansson.h>

#include "spec/base/err.h"

struct arena;
struct options;
struct spec_file;

struct trial {
    json_t *plan;        /* of the one app, by schemas/plan.schema.json; new reference */
    const char *refused; /* why it would not be deployed, in the arena; NULL: it would */
};

/* Reads all roots and looks at the engine as `evenkeel plan` does, with f in its place; archives that it names must be where it says. Takes as long as that, and some stack: not for a listener's own
 * thread, and for no more than one at a time. -1: the engine cannot be asked. */
int trial_run(const struct options *o, const struct spec_file *f, const char *app, struct arena *a,
              struct trial *ret, struct err *e);

#endif
