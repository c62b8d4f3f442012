/* stream.h: connections that stay open: events, logs that go on, uploads that wait for their end.
 *
 * A listener has a thread per request, so none may stay in one. A handler makes a stream_client; the listener sends the head of the reply, takes the socket away from the HTTP server (web_hand.h) and
 * hands both over. One thread with one epoll serves them all: a client at rest is some 300 bytes here and its socket's buffers in the kernel, and no thread.
 *
 * What cannot be sent at once is kept, up to a bound; who does not take it for a while is dropped. Places are counted by kind, and none of them is a thread of a listener: streams keep nobody from
 * logging in or sending. Events are kept in a ring (stream_ring.h), so that who comes back gets what it missed. All functions may be called from any thread. */
#ifndef EK_STREAM_H
#define EK_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/role.h"
#include "spec/base/str.h"

struct stream;
struct stream_client; /* what a handler holds of one until its reply's head is sent */

enum stream_kind { STREAM_EVENTS, STREAM_LOGS, STREAM_WAIT };

enum {
    STREAM_EVENTS_MAX = 600,
    STREAM_LOGS_MAX = 32,
    STREAM_WAIT_MAX = 64,
    STREAM_WAIT_EACH = 16,   /* of one credential */
    STREAM_BEAT_MS = 15000,  /* between two signs of life, and two looks at who may still listen */
    STREAM_STUCK_MS = 20000, /* so long a client may take nothing */
    STREAM_OUT_BYTES = 384 << 10, /* kept for one client */
    STREAM_ALL_BYTES = 8 << 20,   /* kept for all of them */
    STREAM_INBOX_BYTES = 8 << 20, /* said, and not looked at yet */
};

struct stream_rules { /* 0: as above */
    int64_t beat_ms, stuck_ms;
    /* Is this credential (stream_want) still good? On the stream's thread. NULL: always. */
    bool (*good)(void *ctx, const char *credential);
    /* The other end of logs or of a wait is gone, or its time is over. On the stream's thread. May be NULL. */
    void (*gone)(void *ctx, uint64_t client);
    void *ctx;
};

/* NULL: there is no thread or descriptor to be had. */
struct stream *stream_new(const struct stream_rules *rules);
void stream_free(struct stream *s); /* ends all; NULL is fine. Nobody may be about to call. */

/* ---- what is told ---- */

/* Texts are copied. */
struct stream_event {
    const char *type; /* "app"; NULL: only for who waits for the app, and not kept */
    const char *app;  /* NULL: it is about the host */
    enum role need;   /* who may see it */
    const char *json; /* one line; NULL with type NULL */
    const char *text; /* the same for who waits for the app: lines, each ended; NULL: nothing */
};
/* When too much was told at once it is lost, and nobody takes what it hears for whole: listeners are sent away and hear `missed` when they come back, who waits is told. */
void stream_tell(struct stream *s, const struct stream_event *e);
/* Some client listens to events or waits: what comes often need not be made otherwise. */
bool stream_heard(struct stream *s);
/* The number of the last event that was told. */
uint64_t stream_last(struct stream *s);

/* ---- clients ---- */

struct stream_want {
    enum stream_kind kind;
    bool sse;                /* as Server-Sent Events; else as lines of text (not STREAM_EVENTS) */
    bool chunked;            /* by chunks (HTTP/1.1); else it ends where the connection does */
    enum role role;          /* the caller's */
    const struct strv *only; /* the caller is narrowed to these apps; NULL, or none: it is not */
    const struct strv *apps; /* it asked for these alone; NULL, or none: all that it may see */
    const char *credential;  /* for `good`; NULL: none is asked for */
    const char *last_event_id; /* of STREAM_EVENTS, as the client sent it; "" */
    uint64_t after;            /* STREAM_WAIT: the text of events behind this number comes first */
    int64_t deadline_ms;       /* STREAM_WAIT: from now; then it has failed */
    bool reserved;             /* stream_reserve was called for it, with this credential */
};
/* A place for a STREAM_WAIT, before what is waited for is done; stream_client_new with `reserved` then has it, or stream_unreserve gives it back. False: all are taken, or too many by this credential. */
bool stream_reserve(struct stream *s, const char *credential);
void stream_unreserve(struct stream *s, const char *credential);
/* Everything is copied. NULL: all places of the kind are taken. It can be spoken to from now on; what is said is kept until it has its socket. */
struct stream_client *stream_client_new(struct stream *s, const struct stream_want *w);
uint64_t stream_client_id(const struct stream_client *c);
/* It was not handed over after all. Frees c; NULL is fine. */
void stream_client_drop(struct stream_client *c);
/* Takes over fd, on which the head of the reply was sent; the rest is ours, whatever becomes of it. Frees c. */
void stream_begin(struct stream_client *c, int fd);

/* Lines for one client; those of an SSE client become one event each. False: too much was said at once, and this is not. */
bool stream_say(struct stream *s, uint64_t client, const char *lines);
/* No more comes after these lines (NULL: none), which find room whatever else was said. failed: the last chunk is kept back, so that who reads can tell: curl then exits with 18. */
void stream_end(struct stream *s, uint64_t client, const char *lines, bool failed);
/* Credentials may have ended: look now. */
void stream_check(struct stream *s);

#endif
