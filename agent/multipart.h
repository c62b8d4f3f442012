/* multipart.h: a form with files, read as it comes in (RFC 7578, RFC 2046 5.1). Memory is one buffer, whatever is sent.
 *
 * Parts are read in order, each to its end or not. Refused: a body without its boundary, parts without a name, heads over 4 KiB, more than 64 parts. A file's own name is told as it was sent: it
 * must never become a path. */
#ifndef EK_MULTIPART_H
#define EK_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#include "spec/base/err.h"

struct arena;
struct multipart;

typedef long multipart_read_fn(void *ctx, void *buf, size_t n); /* as read(2) */

struct multipart_part {
    char name[64];
    char file[256]; /* "": not a file */
};

/* content_type: the header. NULL with e set (ERR_USER). */
struct multipart *multipart_new(const char *content_type, multipart_read_fn *read, void *ctx,
                                struct err *e);
void multipart_free(struct multipart *m); /* NULL is fine */
/* On to the next part, whatever is left of this one. 1, 0: there are no more, or -1. */
int multipart_next(struct multipart *m, struct multipart_part *ret, struct err *e);
/* Of this part: bytes, 0 at its end, -1. */
long multipart_bytes(struct multipart *m, void *buf, size_t n, struct err *e);
/* All of this part, at most max bytes, in the arena; -1: larger, broken, or with a NUL in it. */
int multipart_text(struct multipart *m, size_t max, struct arena *a, const char **ret,
                   struct err *e);

#endif
