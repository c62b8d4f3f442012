/* gc_due.h: which images that we built may go. Pure.
 *
 * The newest GC_KEEP of each service stay, as long as there is that service; the others go GC_AFTER_MS after their last use, and what lost its name to a newer build goes too. Never one that a container
 * has, whoever's, or that desired state wants; and never a name that we did not give, nor an image that has only such names. */
#ifndef EK_GC_DUE_H
#define EK_GC_DUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/base/str.h"

struct arena;

#define GC_KEEP 5
#define GC_AFTER_MS INT64_C(86400000)
#define GC_NAMELESS_MS INT64_C(3600000) /* a build that is being finished has no name yet */

struct gc_image { /* one with our build label */
    const char *id;
    struct strv tags, digests; /* all names it has */
    const char *app, *service; /* of its labels; NULL when absent */
    int64_t created_ms, bytes;
};

struct gc_input {
    const struct gc_image *images; /* in any order */
    size_t n_images;
    struct strv
        busy; /* ids and references of images that containers have or desired state wants, in any order */
    struct strv
        living; /* "APP/SERVICE" of all services there are, and "APP" where its services are not known; in any order */
    bool living_known; /* false: something could not be read, so nobody counts as gone */
    struct kvs
        used; /* reference -> time of its last use in ms, as far as that is known; else its creation counts */
    int64_t now_ms;
};

struct gc_item {
    const char *ref; /* what is to be removed: a name, or the id of an image without any */
    const char *id, *app, *service;
    int64_t bytes; /* what that frees at most; 0 when the image has other names */
    const char *why;
};

struct gc_due {
    struct gc_item *items; /* sorted by app, service, reference */
    size_t n_items;
    int64_t bytes;
    struct strv in_use; /* names of ours that are in use now: their last use is this moment */
    size_t kept;        /* names of ours that stay */
};

void gc_due(const struct gc_input *in, struct arena *a, struct gc_due *ret);

#endif
