/* contexts.h: the sources of what is built, read by a worker thread: fingerprints, digests, Dockerfiles, base images; and the specs inside bundles.
 *
 * Facts of a source stay as they were until the new ones are read, so a change never looks like a disappearance. An unchanged source is known by its fingerprint and
 * not read again. Loop thread only, but for the worker inside. */
#ifndef EK_CONTEXTS_H
#define EK_CONTEXTS_H

#include "spec/desired.h"

struct bundle_spec;
struct contexts;
struct http;

/* wake: its http_poll returns when something was read; may be NULL (then only contexts_wait). */
struct contexts *contexts_new(struct http *wake);
/* Bounds of what is read from now on; without it the defaults of limits.h. */
void contexts_limits(struct contexts *c, const struct build_limits *limits);
/* The engine's ("linux/amd64"; NULL: not known). When it is another one than before, what depends on it is read again. */
void contexts_platform(struct contexts *c, const char *platform);
/* Some source can be read only once the engine's platform is known, or was read for it. */
bool contexts_ask_platform(const struct contexts *c);
/* Where what was learned of contents is kept between runs: STATE/digests. Without it everything is read once by each process. */
void contexts_memory(struct contexts *c, const char *folder);
/* Waits for what is being read now, ends programs that are run for it. */
void contexts_free(struct contexts *c);

/* The builds of this desired state are wanted from now on, others are forgotten; what is not known yet is read. */
void contexts_want(struct contexts *c, const struct desired *d);
/* These bundles stand in a root and may hold a spec of their own; others are forgotten. */
void contexts_want_bundles(struct contexts *c, const struct strv *paths);
/* Something may have changed on disk: compare fingerprints, read what differs. */
void contexts_recheck(struct contexts *c);
/* Take over what the worker has read. True if facts or bundle specs differ from before: desired state must be built anew. */
bool contexts_collect(struct contexts *c);
bool contexts_busy(const struct contexts *c);
/* Until nothing is being read; returns as contexts_collect. */
bool contexts_wait(struct contexts *c);

/* Sorted by key; valid until the next contexts_collect that returns true. */
const struct context_facts *const *contexts_facts(const struct contexts *c, size_t *ret_n);
/* The spec in a bundle (without a name when it has none or cannot be read), NULL while it is being read. Valid as facts are. */
const struct bundle_spec *contexts_bundle_spec(const struct contexts *c, const char *path);
/* Why a bundle cannot be read, or NULL. */
const char *contexts_bundle_error(const struct contexts *c, const char *path);

#endif
