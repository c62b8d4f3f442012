/* desk.h: where threads of the listeners put a question to the loop, and wait for its answer.
 *
 * What belongs to the loop (desired state, what is known of the engine, calls to it) is never read from another thread: a function is. It runs on the loop between two sleeps, so it must be quick;
 * what takes longer it begins there and ends later. */
#ifndef EK_DESK_H
#define EK_DESK_H

#include "spec/base/err.h"

struct arena;
struct conductor;
struct core;
struct desk;
struct desk_call;

enum desk_end {
    DESK_DONE,  /* out is filled, or e says why not */
    DESK_LATER, /* desk_answered will be called, once */
    DESK_AGAIN, /* files or facts are just being taken in: ask again in a moment */
};

struct desk_world { /* what a question may look at, on the loop */
    struct core *core;
    const struct conductor *conductor;
};

typedef enum desk_end desk_fn(struct desk_call *c, const struct desk_world *w, struct err *e);

struct desk_call {
    struct arena *a; /* of this call: in, out and what they point to live here */
    void *in, *out;
    struct desk_own *own;
};

struct desk *desk_new(void);
/* When nobody asks any more and the loop turns no more; NULL is fine. */
void desk_free(struct desk *d);

/* ---- the loop's ---- */
/* From now on questions are answered; before that, and after desk_close, they are refused with ERR_RETRY. -1: no descriptor. */
int desk_open(struct desk *d, const struct desk_world *w, struct err *e);
/* Whoever waits is sent away. Answers that come later are nobody's. */
void desk_close(struct desk *d);
/* The answer of a DESK_LATER. e->kind ERR_NONE: out is filled. */
void desk_answered(struct desk_call *c, const struct err *e);

/* ---- any other thread's ---- */
/* A question: fill in, out of its arena; then ask it once. */
struct desk_call *desk_call_new(struct desk *d, desk_fn *fn);
/* Wait for the answer, at most so long. -1: there is none (ERR_RETRY), or what fn said; only desk_drop may follow. */
int desk_ask(struct desk_call *c, int timeout_ms, struct err *e);
void desk_drop(struct desk_call *c);

#endif
