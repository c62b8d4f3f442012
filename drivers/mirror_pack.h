/* mirror_pack.h: deep copies of observed objects into one block of memory. A room of mirror.c.
 *
 * Each function is called twice: with room->at == NULL it only adds up the bytes, with memory of that many bytes it
 * copies. The copy is sealed by itself: identity read off its own labels, lists in order. */
#ifndef EK_MIRROR_PACK_H
#define EK_MIRROR_PACK_H

#include <stddef.h>

#include "drivers/observed.h"

struct pack {
    char *at;     /* start of the block, aligned for any type; NULL: only measure */
    size_t bytes; /* used so far */
};

const char *pack_text(struct pack *p, const char *s);
void pack_container(struct pack *p, const struct obs_container *from, struct obs_container *to);
void pack_network(struct pack *p, const struct obs_network *from, struct obs_network *to);
void pack_volume(struct pack *p, const struct obs_volume *from, struct obs_volume *to);
void pack_image(struct pack *p, const struct obs_image *from, struct obs_image *to);

#endif
