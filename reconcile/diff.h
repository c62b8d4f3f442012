/* diff.h: why a container is not the one that is wanted, in words. */
#ifndef EK_DIFF_H
#define EK_DIFF_H

struct arena;
struct replica;

/* "apps/blog.yaml:4": where the service is written. */
const char *diff_place(const struct replica *r, struct arena *a);
/* "sha256:0123456789ab" */
const char *diff_short_id(const char *image_id, struct arena *a);

#endif
