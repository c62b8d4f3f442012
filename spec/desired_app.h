/* desired_app.h: one decoded app into its wanted objects: names, labels, defaults, digest. */
#ifndef EK_DESIRED_APP_H
#define EK_DESIRED_APP_H

#include "spec/desired.h"

struct str;

struct app_source {
    const struct settings *settings;
    const struct app *app;
    const struct spec_file *file;
    const struct override *override; /* NULL: none in force */
    const struct spec_set *set;      /* for the facts of what is built */
};

/* Fills everything of ret but held, overrides and refused. scratch is cleared and used for the text behind the digest. ret must stay
 * where it is: its containers point back to it. */
void desired_app_build(const struct app_source *src, struct arena *a, struct str *scratch,
                       struct want_app *ret);

#endif
