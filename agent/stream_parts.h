/* stream_parts.h: what the rooms of the stream share: stream.c the inbox and the thread, stream_client.c one connection. Nobody else includes it.
 *
 * Everything here is the stream's thread's, except where it says otherwise. */
#ifndef EK_STREAM_PARTS_H
#define EK_STREAM_PARTS_H

#include <stdatomic.h>

#include "agent/stream.h"
#include "agent/stream_ring.h"

struct client {
    uint64_t id;
    enum stream_kind kind;
    bool sse, chunked;
    enum role role;
    char *only, *apps; /* ",blog,shop,"; NULL: all */
    char *credential;
    char *last_event_id;
    uint64_t after;
    int64_t deadline_ms; /* monotonic; 0: none */

    int fd;         /* -1: the head of its reply is still being sent */
    size_t place;   /* in the stream's list */
    struct str out; /* what the socket did not take yet, from `at` on */
    size_t at;
    int64_t moved_ms; /* when it last took something, or had nothing to take */
    size_t left_out;  /* lines of a log that came too fast */
    bool armed;       /* epoll tells when it takes more */
    bool ending;      /* closed once it took everything */
};

/* Bytes kept for all clients, and the epoll that they are in. */
struct stream_outlet {
    int epoll;
    size_t kept;
    int64_t now_ms;
};

/* All return false when the client is to be dropped. */
/* From now on this is its socket: what was kept for it goes out. */
bool client_start(struct stream_outlet *o, struct client *c, int fd);
/* One item, if it is for this client. */
bool client_item(struct stream_outlet *o, struct client *c, const struct stream_item *x);
bool client_lines(struct stream_outlet *o, struct client *c, const char *lines);
bool client_beat(struct stream_outlet *o, struct client *c);
/* The first thing an events client hears, with what it missed; what a waiting one missed. */
bool client_greet(struct stream_outlet *o, struct client *c, const struct stream_ring *r);
/* No more is said; false at once if it took everything. */
bool client_end(struct stream_outlet *o, struct client *c, bool failed);
/* The socket takes more. */
bool client_flush(struct stream_outlet *o, struct client *c);
void client_free(struct stream_outlet *o, struct client *c);

#endif
