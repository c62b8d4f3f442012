/* visit.h: a visitor: one request to a server on this machine, on a connection of its own. */
#ifndef EK_BENCH_VISIT_H
#define EK_BENCH_VISIT_H

/* The status of GET path at address (IPv4) and port; 0 when nobody answers in full within a second. */
int visit(const char *address, int port, const char *path);

#endif
