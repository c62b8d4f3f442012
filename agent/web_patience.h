/* web_patience.h: how long a client may take to send a body.
 *
 * civetweb waits for each byte anew, and once it reads it does not come back before it has all it was asked for: a client that sends a byte now and then would keep a thread for hours. So a thread of
 * ours looks at the clock, and ends what comes in on a connection (shutdown(2), SHUT_RD) whose body is late: the reply still reaches the client. It sleeps as long as nobody sends. Any thread. */
#ifndef EK_WEB_PATIENCE_H
#define EK_WEB_PATIENCE_H

#include <stddef.h>
#include <stdint.h>

struct web_patience;

enum {
    WEB_PATIENCE_MS = 10000, /* for a body to begin coming, and besides what its bytes allow */
    WEB_PATIENCE_RATE = 2,   /* bytes in a ms that are fast enough: 2 kB/s */
    WEB_PATIENCE_MOST = 64,  /* bodies at once */
};

/* One body; the caller's, until web_patience_end. */
struct web_wait {
    const char *peer; /* of the connection, as web_hand_find takes it; borrowed */
    int peer_port, own_port;
    int64_t begun_ms, late_ms;
    size_t place;
};

struct web_patience *web_patience_new(void);
void web_patience_free(struct web_patience *p); /* nobody waits any more; NULL is fine */

/* Fill in the connection before. */
void web_patience_begin(struct web_patience *p, struct web_wait *w);
/* So many bytes came so far. */
void web_patience_came(struct web_patience *p, struct web_wait *w, int64_t bytes);
/* What still comes is wanted for so long at most. */
void web_patience_hurry(struct web_patience *p, struct web_wait *w, int64_t ms);
/* Its connection is the server's again. */
void web_patience_end(struct web_patience *p, struct web_wait *w);

#endif
