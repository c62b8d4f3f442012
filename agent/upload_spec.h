/* upload_spec.h: what may be said of an app beside its archive, and the spec in uploads/ that says it. Pure. */
#ifndef EK_UPLOAD_SPEC_H
#define EK_UPLOAD_SPEC_H

#include "spec/base/err.h"
#include "spec/base/str.h"

/* Texts are checked, in the arena they were taken with. What was not given (NULL, empty) stays as the app has it. */
struct upload_spec {
    const char *port, *gpus; /* "8080"; "2", or "all" */
    struct strv routes;      /* as a spec has them */
    struct strv volumes;     /* "content:/srv/content", "content:/srv/content:ro" */
    struct strv env;         /* "KEY=VALUE" */
    struct strv secrets;     /* "key": a file /run/secrets/key; "key:/etc/key.pem" */
    bool reset;              /* nothing stays of what was said before */
};

/* One field of a form or query: route, port, volume, env, secret, gpus, reset. Each line of a value is one entry, and a field may come several times; an empty value says nothing. 1: taken;
 * 0: no field of this name; -1: e says what it must be. */
int upload_spec_take(struct upload_spec *u, const char *name, const char *value, struct arena *a,
                     struct err *e);
/* The fields by name, for a message. */
extern const char upload_spec_fields[];
/* Is anything said at all? */
bool upload_spec_given(const struct upload_spec *u);

/* The text of the app's spec. old is what is there (NULL: nothing): if its `source` is one archive that was sent (`.bundles/`), it stays but for that name and for what is said now, so that the same again is the same text. */
void upload_spec_write(const struct upload_spec *u, const char *app, const char *bundle,
                       const char *old, struct str *out);

#endif
