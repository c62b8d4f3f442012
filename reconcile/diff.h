/* diff.h: why a container is not the one that is wanted, in words. */
#ifndef EK_DIFF_H
#define EK_DIFF_H

struct arena;

/* "sha256:0123456789ab" */
const char *diff_short_id(const char *image_id, struct arena *a);

#endif
