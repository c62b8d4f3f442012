/* deeds.h: which event of the engine can have changed which field of a container. An `update` on Monday says nothing of the crash on
 * Friday, so of each class (state, limits, name, each network) the last event is kept by itself. Pure.
 *
 * Source: Docker Engine API 1.41 .. 1.52, SystemEvents. */
#ifndef EK_DEEDS_H
#define EK_DEEDS_H

#include "spec/base/str.h"

/* Under which key history.handmade has an event: "container web" for its state, "container web update", "container web rename",
 * "container web network blog_front". Objects of other kinds have one key, their own name. action: the engine's word, and for a
 * network "connect to network NAME". Appends to ret. */
void deeds_key(const char *object, const char *action, struct str *ret);
/* The event that explains a difference in `field` ("state", "name", "networks.NAME", "mem_limit"), or NULL. What only a new container
 * can have otherwise is explained by the end of the old one. Borrowed from handmade. */
const char *deeds_of(const struct kvs *handmade, const char *container, const char *field);
/* The event that ended an object of any kind ("network blog_default"), or NULL. */
const char *deeds_end(const struct kvs *handmade, const char *object);

#endif
