/* stream_ring.h: the last events, each as the bytes that go out, for who comes back and says what it had last.
 *
 * An id is EPOCH-NUMBER: the epoch is another one after each start, so that a number of an earlier agent is not mistaken for one of this. One thread at a time. */
#ifndef EK_STREAM_RING_H
#define EK_STREAM_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/role.h"

struct stream_event;

enum { STREAM_RING_EVENTS = 1024, STREAM_RING_BYTES = 256 << 10, STREAM_EPOCH = 13 };

/* One event, ready to be sent; heap. */
struct stream_item {
    uint64_t number; /* 0: not kept */
    enum role need;
    const char *app;   /* or NULL */
    const char *frame; /* "id: ...\nevent: ...\ndata: ...\n\n" as one chunk; NULL: text alone */
    size_t frame_n, head_n; /* bytes of the frame, and of the chunk's size line in it */
    const char *text;       /* or NULL */
    size_t bytes;
};

struct stream_ring {
    char epoch[STREAM_EPOCH];
    struct stream_item *items[STREAM_RING_EVENTS]; /* by number */
    uint64_t first, next; /* numbers of the oldest one kept, and of the next */
    size_t bytes;
};

void stream_ring_init(struct stream_ring *r, uint64_t seed);
void stream_ring_release(struct stream_ring *r);
/* Makes an item of e; one with a type gets the next number and is kept: then it is the ring's and stays until others need its place. One without is the caller's (free). */
struct stream_item *stream_ring_add(struct stream_ring *r, const struct stream_event *e);
/* Something that nobody has is left out here: no id of before goes on from. */
void stream_ring_gap(struct stream_ring *r);
/* The kept item of this number, or NULL. */
const struct stream_item *stream_ring_at(const struct stream_ring *r, uint64_t number);
/* The number that a Last-Event-ID names, of which all that followed is still here. False: it is another agent's, too old, or none. */
bool stream_ring_from(const struct stream_ring *r, const char *id, uint64_t *ret_number);

#endif
