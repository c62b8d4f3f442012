/* store.h: the diary: SQLite in STATE/evenkeel.db (WAL, numbered migrations). What runs never depends on it.
 *
 * Writing happens on a thread of its own: the write functions copy and queue, never block and never fail (trouble is logged once). A database that is corrupt or of a
 * newer version is set aside (evenkeel.db.broken-TIME) and begun anew with a warning. Reading functions open their own connection and may be used by
 * another process while the agent writes. */
#ifndef EK_STORE_H
#define EK_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/base/err.h"
#include "spec/base/str.h"

struct store;

/* NULL with e set only if the directory cannot be written at all (read-only, full): the caller goes on without a diary and says so. */
struct store *store_open(const char *state_dir, struct err *e);
void store_close(
    struct store *s); /* waits until everything queued is written (at most 5 s); NULL is fine */
int store_error(struct store *s, struct err *e); /* last trouble of the writer; 0: none */

/* ---- writing: texts are copied; s may be NULL: nothing is kept ---- */
/* Ids are chosen by the caller (time-based, increasing), so nothing has to be waited for. */
void store_run_started(struct store *s, uint64_t run, int64_t ms, const char *app,
                       const char *digest, const char *cause);
void store_action_started(struct store *s, uint64_t run, unsigned seq, int64_t ms, const char *kind,
                          const char *subject, const char *cause);
void store_action_ended(struct store *s, uint64_t run, unsigned seq, int64_t ms,
                        const char *result /* ok, failed, skipped */, const char *error);
void store_run_ended(struct store *s, uint64_t run, int64_t ms,
                     const char *result /* done, failed, superseded; reading also: interrupted */,
                     const char *error);
/* App state changes (Synced -> Degraded: why), for history and status. */
void store_app_state(struct store *s, int64_t ms, const char *app, const char *state,
                     const char *why);
/* A revision is a digest first seen; text is the canonical dump of the app. */
void store_revision(struct store *s, int64_t ms, const char *app, const char *digest,
                    const char *origin, const char *text);
/* What we last brought up under a container name; hash NULL: we removed it. */
void store_last_hash(struct store *s, const char *container, const char *hash);
/* What a hand did to an object of the app ("container web-app-1"), by the engine's event; and that all of it is history. */
void store_hand(struct store *s, const char *app, const char *object, const char *what);
void store_hands_gone(struct store *s, const char *app);
/* When what we built was last seen in use; and that it is no more. */
void store_image_used(struct store *s, int64_t ms, const char *image);
void store_image_gone(struct store *s, const char *image);
/* What somebody else changed: from when it was first seen until it was no more. Values are masked by who hands them over. */
struct store_drift {
    uint64_t id; /* like a run's */
    int64_t ms, ended_ms /* 0: it is still so */, when_ms /* of the engine's event; 0: not known */;
    const char *app, *object, *field;
    const char *want, *have, *cause, *event; /* may be NULL */
};
void store_drift_began(struct store *s, const struct store_drift *d);
void store_drift_ended(struct store *s, uint64_t id, int64_t ms);
/* A pass worth keeping (it decided something): its input as JSON text, deflated or not as the store likes. The ring keeps the last 50 and at most 16 MB. */
void store_pass(struct store *s, int64_t ms, const char *trigger, const char *input, size_t n,
                const char *plan_text);

/* ---- reading, synchronous; each opens STATE/evenkeel.db read-only and returns 0, or -1 (ERR_MISSING: no diary yet) ---- */
struct store_entry {
    int64_t ms, took_ms;
    uint64_t run;
    const char *app, *what /* run, action, state, revision */, *result, *text, *error;
};
typedef void store_entry_fn(void *user, const struct store_entry *entry);
/* Newest first; of these apps, NULL: of all; limit entries; with_actions: also each action of a run, in order, after its run. */
int store_history(const char *state_dir, const struct strv *apps, int limit, bool with_actions,
                  store_entry_fn *fn, void *user, struct err *e);
/* What was told after after_ms, oldest first, actions included, for watching a running agent: an entry's ms is here the time of its end, if it has ended. */
int store_follow(const char *state_dir, int64_t after_ms, store_entry_fn *fn, void *user,
                 struct err *e);
typedef void store_drift_fn(void *user, const struct store_drift *d);
/* Newest first; app NULL: all; only_open: those that have not ended. */
int store_drifts(const char *state_dir, const char *app, bool only_open, int limit,
                 store_drift_fn *fn, void *user, struct err *e);
int store_last_hashes(const char *state_dir, struct arena *a, struct kvs *ret, struct err *e);
/* object -> what, object -> app */
int store_hands(const char *state_dir, struct arena *a, struct kvs *ret_what, struct kvs *ret_apps,
                struct err *e);
/* Image -> time of its last use in ms. */
int store_image_uses(const char *state_dir, struct arena *a, struct kvs *ret, struct err *e);
/* The last state told for each app: app -> "Degraded\twhy". */
int store_app_states(const char *state_dir, struct arena *a, struct kvs *ret, struct err *e);
/* pass 0: the newest. Text in the arena. */
int store_pass_read(const char *state_dir, int64_t pass, struct arena *a, const char **ret_input,
                    size_t *ret_n, struct err *e);
typedef void store_pass_fn(void *user, int64_t pass, int64_t ms, const char *trigger,
                           const char *plan_text);
int store_passes(const char *state_dir, int limit, store_pass_fn *fn, void *user, struct err *e);

#endif
