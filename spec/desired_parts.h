/* desired_parts.h: which files are only parts of others. Pure. */
#ifndef EK_DESIRED_PARTS_H
#define EK_DESIRED_PARTS_H

#include "spec/desired.h"

/* The files of the set, as many and in the same order; a Compose file that another one includes, extends or is changed by stands there without documents and complaints: it is no app by
 * itself, and what is wrong with it is told with the other. Files that name each other are in error and stay. In the arena. */
const struct spec_file *const *desired_parts_hide(const struct spec_set *set, struct arena *a);

#endif
