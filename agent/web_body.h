/* web_body.h: the body of a request, as a listener's thread reads it from civetweb. */
#ifndef EK_WEB_BODY_H
#define EK_WEB_BODY_H

#include <stdatomic.h>

#include "agent/web_patience.h"
#include "agent/web_route.h"

struct mg_connection;

struct web_incoming {
    struct web_body body; /* first */
    struct mg_connection *conn;
    struct web_patience *patience; /* NULL: none */
    struct web_wait wait;
    atomic_int *place; /* of who sends just now: given back when all of it came; NULL: has none */
    int64_t came;
    bool expected; /* the client waits for our word before it sends */
    bool ended;
    bool
        wanted; /* its handler may take bodies: then they come soon, or were refused on their way */
};

/* ended: there is no body. place was counted by the caller. */
void web_incoming_begin(struct web_incoming *in, struct mg_connection *conn, int own_port,
                        bool ended, struct web_patience *patience, atomic_int *place);
/* A reply reaches a client only if the connection is not reset under it, which happens when what it sent lies unread: reads that, for a little while. */
void web_incoming_drain(struct web_incoming *in);
void web_incoming_end(struct web_incoming *in);

#endif
