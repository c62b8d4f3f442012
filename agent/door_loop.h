/* door_loop.h: what requests have the loop do: follow logs of containers for them, and tell them how an app ended up.
 *
 * Handlers run on threads of the listeners and hand their wish over; the loop works on it and speaks to the client through the stream. */
#ifndef EK_DOOR_LOOP_H
#define EK_DOOR_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct core;
struct door_facts;
struct door_loop;
struct stream;

struct door_loop_logs {
    uint64_t client;
    const char *app;
    const char *service; /* NULL: all */
    const char *grep;    /* only lines with these words; NULL: all */
    int index;           /* 0: all */
    int tail;            /* -1: all */
    int64_t since_ms;
    bool follow, timestamps;
};

/* core's loop; s and core are borrowed. stir is called on the loop when something was placed: files are to be read, and facts made anew. */
struct door_loop *door_loop_new(struct stream *s, struct core *core, void (*stir)(void *ctx),
                                void *ctx);
void door_loop_free(struct door_loop *l); /* before core is closed; NULL is fine */

/* ---- any thread ---- */
void door_loop_logs(struct door_loop *l, const struct door_loop_logs *want); /* copied */
/* The client is told once the files were read that often (door_facts.read) and the app came to rest. */
void door_loop_wait(struct door_loop *l, uint64_t client, const char *app, uint64_t read);
void door_loop_gone(struct door_loop *l, uint64_t client);
/* Something was placed, and nobody waits for it; l NULL is fine. */
void door_loop_stir(struct door_loop *l);

/* ---- the loop ---- */
void door_loop_known(struct door_loop *l, const struct door_facts *f);
/* Somebody waits: facts are to be made again and again, whether something happened or not. */
bool door_loop_waits(const struct door_loop *l);

#endif
