/* hostnet.h: which IPv4 networks the host already reaches, so that ours take none of them. */
#ifndef EK_HOSTNET_H
#define EK_HOSTNET_H

#include "spec/base/str.h"

struct arena;

/* "10.0.0.0/8" for each route of /proc/net/route but the default; empty if that cannot be read. Sorted, unique. */
void hostnet_routes(struct arena *a, struct strv *ret);

#endif
