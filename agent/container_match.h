/* container_match.h: which containers a word for people means: APP, APP/SERVICE, APP/SERVICE/INDEX. Pure. */
#ifndef EK_CONTAINER_MATCH_H
#define EK_CONTAINER_MATCH_H

#include <stdbool.h>

struct obs_container;

/* service NULL: any; index 0: any. */
bool container_match(const struct obs_container *x, const char *owner, const char *app,
                     const char *service, int index);

#endif
