/* desired_memo.h: apps as they were built from documents that have not changed since: of many apps one has changed.
 *
 * Only what follows from its document, its override and the settings alone is remembered; an app that is built from a source, or names
 * secrets, is built each time. A remembered app borrows from its document, which lives as long as its serial is in the set. */
#ifndef EK_DESIRED_MEMO_H
#define EK_DESIRED_MEMO_H

#include "spec/desired_app.h"

struct desired_memo;

struct desired_memo *desired_memo_new(void);    /* for one value of the settings */
void desired_memo_free(struct desired_memo *m); /* NULL is fine */

/* Around each desired_build(); the desired state before it must be gone by then. */
void desired_memo_begin(struct desired_memo *m);
void desired_memo_end(struct desired_memo *m);
/* Fills ret with what desired_app_build() would, from memory if it can: doc is the document of src->file that holds the app, override_file the file of
 * src->override (NULL: none). What is not remembered is in the arena a. ret must stay where it is. m NULL: remembers nothing. */
void desired_memo_app(struct desired_memo *m, const struct app_source *src,
                      const struct document *doc, const struct spec_file *override_file,
                      struct arena *a, struct str *scratch, struct want_app *ret);

#endif
