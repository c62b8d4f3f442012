/* context_unpack.h: a tar file's bytes, unpacked, from the first to the last, with its checksums verified. */
#ifndef EK_CONTEXT_UNPACK_H
#define EK_CONTEXT_UNPACK_H

#include <stdint.h>

#include "spec/base/err.h"

struct unpack;

/* What it is, its first bytes say: gzip (any number of members), zstd (any number of frames), or the tar itself. fd is borrowed and read from its
 * start by position. */
struct unpack *unpack_new(int fd, struct err *e);
void unpack_free(struct unpack *u); /* NULL is fine */
/* The next bytes, borrowed until the next call. Returns how many, 0 at the very end, or -1 (ERR_USER, "what is wrong with it"). */
long unpack_next(struct unpack *u, const unsigned char **ret, struct err *e);

#endif
