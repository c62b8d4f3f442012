/* drift_diary.h: which differences made by somebody else are there now: each is told and written down once, when it is first seen, and once more
 * when it is over. */
#ifndef EK_DRIFT_DIARY_H
#define EK_DRIFT_DIARY_H

#include "agent/store.h"
#include "reconcile/drift.h"

struct drift_diary;

/* All that is new of one app; valid during the call. */
typedef void drift_began_fn(void *ctx, const struct drift_item *items, size_t n, int64_t ms);

/* What an earlier process wrote down and saw no end of is taken for told. store may be NULL: nothing is kept over a restart. */
struct drift_diary *drift_diary_new(struct store *store, const char *state_dir,
                                    drift_began_fn *began, void *ctx);
void drift_diary_free(struct drift_diary *d); /* NULL is fine */
/* A pass over these apps (n == 0: all of them). What is ignored is no drift. busy: a run of ours is under way in that app, so that nothing new
 * is believed of it, and no end; may be NULL. */
typedef bool drift_busy_fn(void *ctx, const char *app);
void drift_diary_pass(struct drift_diary *d, const struct plan *plan, const struct strv *scope,
                      int64_t now_ms, drift_busy_fn *busy);

#endif
