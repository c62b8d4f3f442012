/* context_pax.h: reads along while a tar goes by, for what libarchive does not tell: a NUL inside a name of a pax header. Pure.
 *
 * Source: POSIX.1-2017, pax, "pax Header Block". */
#ifndef EK_CONTEXT_PAX_H
#define EK_CONTEXT_PAX_H

#include "spec/base/str.h"

struct context_pax { /* all zeros: at the start of a tar */
    unsigned char head[512];
    size_t n_head;    /* of head */
    int64_t skip;     /* bytes of content and padding to go */
    int64_t take;     /* of them: bytes of a pax header that are collected */
    struct str text;  /* those */
    int64_t size;     /* of the next entry, when a pax header said so; -1: it did not */
    bool sized, lost; /* lost: what came is no tar as we know it; libarchive judges it */
};

void context_pax_release(struct context_pax *p);
/* The next n bytes. True: a name holds a NUL, and *ret_name is what stands before it, until the next call. */
bool context_pax_feed(struct context_pax *p, const unsigned char *bytes, size_t n,
                      const char **ret_name);

#endif
