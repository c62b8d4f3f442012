/* workdir.h: a private temporary folder for as long as one piece of work takes. */
#ifndef EK_WORKDIR_H
#define EK_WORKDIR_H

#include "spec/base/err.h"

struct workdir;

/* Below TMPDIR, else /var/tmp; for this user only. What a process that was killed left there goes first: nobody locks it any more. */
struct workdir *workdir_new(struct err *e);
void workdir_free(struct workdir *w);              /* with everything in it; NULL is fine */
const char *workdir_path(const struct workdir *w); /* absolute */

#endif
