/* ranges.h: subnets that the engine refuses although no network of its lists has them. An engine that was stopped or killed while it made a
 * network may keep such a ghost; the next plan must choose another subnet instead of asking for the same one for ever.
 *
 * Remembered in memory only: whoever starts anew finds out again at the price of one failed try. */
#ifndef EK_RANGES_H
#define EK_RANGES_H

struct arena;
struct ranges;
struct run;
struct strv;

struct ranges *ranges_new(void);
void ranges_free(struct ranges *r); /* NULL is fine */

/* Take note of what the engine refused to this run, which is over. */
void ranges_learn(struct ranges *r, const struct run *run);
/* Append all that is known, copied, for plan_input.reserved_subnets. */
void ranges_list(const struct ranges *r, struct arena *a, struct strv *ret);
/* The engine is another one now, or begun anew: it may give them after all. */
void ranges_forget(struct ranges *r);

#endif
