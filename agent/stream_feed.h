/* stream_feed.h: what happens in the agent, as events of the stream: JSON for programs, lines for who waits for an app.
 *
 * Types: app (a verdict changed), run and action (what is being done), drift, notice (of the host), audit (for admins). Loop thread only, but stream_feed_audit, which any thread may call. */
#ifndef EK_STREAM_FEED_H
#define EK_STREAM_FEED_H

#include "reconcile/drift.h"
#include "reconcile/recorder.h"

struct audit_entry;
struct stream;
struct stream_feed;

/* s is borrowed; NULL: nothing is told. */
struct stream_feed *stream_feed_new(struct stream *s);
void stream_feed_free(struct stream_feed *f); /* NULL is fine */
struct recorder stream_feed_recorder(struct stream_feed *f);
void stream_feed_state(struct stream_feed *f, const char *app, enum app_state state,
                       const char *why);
void stream_feed_drift(struct stream_feed *f, const struct drift_item *items, size_t n);
/* level: "error", "warning", ...; app NULL: the host. */
void stream_feed_notice(struct stream_feed *f, const char *level, const char *app,
                        const char *text);
void stream_feed_audit(struct stream *s, const struct audit_entry *x);

#endif
