/* memo.h: the little that is remembered between passes for the planner's history: which hash we last brought up under each container name, and what a hand
 * did to an object. A mirror of the diary in memory; losing it changes words only. */
#ifndef EK_MEMO_H
#define EK_MEMO_H

#include "reconcile/plan.h"

struct memo;
struct run;
struct store;

struct memo *memo_new(void);
void memo_free(struct memo *m);

/* Take over what the diary holds. */
void memo_load(struct memo *m, const struct kvs *last_hash);
/* True if it is news. hash NULL forgets the container. */
bool memo_hash(struct memo *m, const char *container, const char *hash);
/* What a run of ours stopped or removed is no hand's work later; the diary (or NULL) is told. */
void memo_run_over(struct memo *m, const struct run *r, struct store *s);
/* The engine's word for what was done to "container NAME" by hand, and perhaps more words ("connect to network x"); words that no hand's work has (create, exec_start) are passed over. Of several of one class (deeds.h) that belong
 * together, as kill, die and destroy of one `docker rm -f`, the strongest stays, in whatever order they come. */
void memo_hand(struct memo *m, const char *app, const char *object, const char *action,
               int64_t time_ms);
/* A hand was at it at that time, or shortly before. */
bool memo_touched(const struct memo *m, const char *object, int64_t time_ms);
/* The app is as it should be again: what hands did to it is history. True if there was any. */
bool memo_settled(struct memo *m, const char *app);
/* Apps that hands were at, and containers that were up; copies in the arena. */
void memo_hand_apps(const struct memo *m, struct arena *a, struct strv *ret);
void memo_containers(const struct memo *m, struct arena *a, struct strv *ret);
/* Take over what an earlier agent saw, or the one that runs beside us: key -> what, key -> app. */
void memo_load_hands(struct memo *m, const struct kvs *what, const struct kvs *apps);
/* What is noted under the key (deeds_key()), or NULL. */
const char *memo_hand_of(const struct memo *m, const char *key);
/* From now on an agent watches: what is found by hand happened before its eyes, even where it missed the event. */
void memo_watch(struct memo *m);
/* A copy in the arena: what a pass was given stays what it was, also while the pass changes the memo. */
struct history memo_history(const struct memo *m, struct arena *a);

#endif
