/* hostport.h: who holds a TCP port of this host, as far as /proc tells. */
#ifndef EK_HOSTPORT_H
#define EK_HOSTPORT_H

#include <stdbool.h>

struct str;

/* Appends "nginx (pid 123)", or "a process of user 1000" where its descriptors cannot be read. False (nothing appended) when nobody listens there or /proc does
 * not say. Walks all processes: for error messages, not for every pass. */
bool hostport_holder(int port, struct str *out);

#endif
