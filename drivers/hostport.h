/* hostport.h: who holds a TCP port of this host, as far as /proc tells. */
#ifndef EK_HOSTPORT_H
#define EK_HOSTPORT_H

#include <stdbool.h>

struct err;
struct str;

/* Appends "nginx (pid 123)", or "a process of user 1000" where its descriptors cannot be read. False (nothing appended) when nobody listens there or /proc does
 * not say. Walks all processes: for error messages, not for every pass. */
bool hostport_holder(int port, struct str *out);
/* True if who answers on that Unix socket has this process's network, so that a port that is taken here is taken there (unix(7),
 * SO_PEERCRED; namespaces(7)). False where it cannot be told. */
bool hostport_shared(const char *socket);
/* The words for it: sets ERR_USER, returns -1. */
int hostport_taken(int port, const char *who, struct err *e);

#endif
