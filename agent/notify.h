/* notify.h: webhooks that are told what happens: JSON by schemas/notify.schema.json, posted to each hook that wants the event, in order.
 *
 * A body is signed with the hook's secret, as GitHub does it: `X-Hub-Signature-256: sha256=` and HMAC-SHA256 of the body in hex digits. The same thing
 * is told once until it ends. Nothing here blocks, fails, or reaches an app: what cannot be delivered is tried again, later and later, and
 * given up with one log line. Redirects are not followed, and no proxy is asked. Loop thread only. */
#ifndef EK_NOTIFY_H
#define EK_NOTIFY_H

#include "drivers/http.h"
#include "reconcile/drift.h"
#include "spec/config_notify.h"

struct notify;

struct notify_options {
    struct http *http; /* borrowed */
    const struct notify_hooks *hooks;
    const char
        *state_dir; /* of the secrets, and of the diary: what it says is failing was told before */
    const char *owner;
};

/* NULL when there is nobody to tell; every function takes that. */
struct notify *notify_new(const struct notify_options *o);
/* What waits is lost. Before the http. */
void notify_free(struct notify *n);

/* What is new in one app (drift_diary.h). */
void notify_drift(struct notify *n, const struct drift_item *items, size_t count, int64_t ms);
/* Each verdict as it is told: failure when it turns bad, recovery when it is well again. */
void notify_state(struct notify *n, const char *app, enum app_state state, const char *why,
                  int64_t ms);
/* After each pass: what is held now. */
void notify_held(struct notify *n, const struct plan *plan, int64_t ms);

/* Milliseconds until the n-th try after a failure (from 1), spread by the hook's number; and how many there are. */
int64_t notify_pause_ms(unsigned failures);
#define NOTIFY_TRIES 12
/* The value of the header for a body. */
void notify_sign(const char *secret, size_t n, const char *body, char ret[72]);
/* Without the last words of a container, which may say anything. In the arena. */
const char *notify_why(const char *why, struct arena *a);

#endif
