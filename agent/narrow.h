/* narrow.h: what is said to a caller who may know of some apps alone. Pure. */
#ifndef EK_NARROW_H
#define EK_NARROW_H

#include <stdbool.h>

#include "spec/base/str.h"

/* ",blog,shop,": as stream clients have it. In out. */
void narrow_list(const struct strv *apps, struct str *out);

/* Text without the names and places of other apps: `"shop" (uploads/shop.yaml:3:1)`, as claims have it, becomes `another app`, in whatever is quoted how: text, JSON, HTML. The caller's own
 * (list) stay. False: there is nothing of the kind, and out is as it was. */
bool narrow_text(const char *list, const char *text, size_t n, struct str *out);

#endif
