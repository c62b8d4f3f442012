/* memo.h: the little that is remembered between passes for the planner's history: which hash we last brought up under each container name, and what a hand
 * did to an object. A mirror of the diary in memory; losing it changes words only. */
#ifndef EK_MEMO_H
#define EK_MEMO_H

#include "reconcile/plan.h"

struct memo;

struct memo *memo_new(void);
void memo_free(struct memo *m);

/* Take over what the diary holds. */
void memo_load(struct memo *m, const struct kvs *last_hash);
/* True if it is news. hash NULL forgets the container. */
bool memo_hash(struct memo *m, const char *container, const char *hash);
/* The engine's word for what was done to "container NAME" by hand; words that no hand's work has (create, exec_start) are passed over. Of several that belong
 * together, as kill, die and destroy of one `docker rm -f`, the strongest stays, in whatever order they come. */
void memo_hand(struct memo *m, const char *app, const char *object, const char *action,
               int64_t time_ms);
/* A hand was at it at that time, or shortly before. */
bool memo_touched(const struct memo *m, const char *object, int64_t time_ms);
/* The app is as it should be again: what hands did to it is history. */
void memo_settled(struct memo *m, const char *app);
/* A copy in the arena: what a pass was given stays what it was, also while the pass changes the memo. */
struct history memo_history(const struct memo *m, struct arena *a);

#endif
