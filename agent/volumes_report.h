/* volumes_report.h: the volumes of an engine with owner, users and state, as rows, text and JSON (schemas/volumes.schema.json). */
#ifndef EK_VOLUMES_REPORT_H
#define EK_VOLUMES_REPORT_H

#include <jansson.h>

#include "reconcile/plan.h"

struct volume_row {
    const char *name, *driver;
    const char *owner,
        *app; /* NULL: it has no labels of ours; of a record whose volume is gone: the record's */
    const char *state; /* "in use", "unused", "orphan", "quarantine", "foreign"; a promise */
    const char *why;   /* who declares it, what it waits for; or NULL */
    struct strv users; /* containers, in order of name */
    int64_t since_ms, until_ms; /* in quarantine; else 0 */
    const char *by;             /* who put it there, or NULL */
    int64_t bytes;              /* -1: not known */
};

/* Rows sorted by name, in the arena: of volumes with an owner label and of records, or of everything there is. sizes: name -> bytes,
 * may be NULL. */
void volumes_report(const struct plan_input *in, const struct kvs *sizes, bool everything,
                    struct arena *a, struct volume_row **ret, size_t *ret_n);
void volumes_print(const struct volume_row *v, size_t n, bool with_size, bool colour,
                   struct str *out);
json_t *volumes_to_json(const struct volume_row *v, size_t n);

#endif
