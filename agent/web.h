/* web.h: the agent's HTTP listeners.
 *
 * One is for people and probes, where `listen:` says (default 127.0.0.1:5001): a request must name this machine or a host of a route. The other stands on the gateway address of the
 * ingress network and is for Traefik alone: connections from another network are closed unread, and from another address are refused. Neither speaks TLS or IPv6.
 *
 * All functions are the loop thread's. Requests are answered on threads of the listeners, which see nothing but the last published facts. */
#ifndef EK_WEB_H
#define EK_WEB_H

#include <stdbool.h>

#include "spec/base/err.h"
#include "spec/base/str.h"

struct door;
struct web;

#define WEB_TIMEOUT_MS 5000 /* for a request's head to be complete, and for a reply to be taken */
#define WEB_THREADS 24      /* of each listener; more than may wait for a password's hash */
#define WEB_HEAD_BYTES 16384

/* Nothing is opened yet. door (borrowed; NULL: there is none) answers what is not for everybody. */
struct web *web_new(struct door *door);
/* Ends what web_leave began, or does both. Returns within some 6 s whatever clients do; false: one of them is stuck, and what it may ask (the door) must stay. NULL is fine. */
bool web_free(struct web *w);
/* From now on new requests get 503 and no listener opens; those that are being answered go on. Returns at once. */
void web_leave(struct web *w);

/* Open the listener for people, unless it is open. -1 (ERR_RETRY) when the port is taken, naming who holds it, or the address is not there. */
int web_open(struct web *w, const char *address, int port, struct err *e);
/* Let the other one be as said: open, moved, or closed (address NULL). subnet "10.213.0.0/26" is the network's, peer Traefik's address there (NULL: it has none now, everybody is refused). If
 * the listener for people covers the address, it takes this one's part. -1 as web_open. */
int web_platform(struct web *w, const char *address, int port, const char *subnet, const char *peer,
                 struct err *e);
/* "http://10.213.0.1:5001", or NULL while it is not open. Valid until the next call of web_platform. */
const char *web_platform_url(const struct web *w);

/* Hosts of routes, that requests may name from now on; copied. */
void web_hosts(struct web *w, const struct strv *hosts);

#endif
