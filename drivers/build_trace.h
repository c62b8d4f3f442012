/* build_trace.h: a build's stream, decoded: BuildKit's trace (base64 protobuf in "aux") and the classic builder's lines, into steps, log lines and progress. Pure; every byte is a
 * stranger's.
 *
 * Source: moby/buildkit api/services/control/control.proto (StatusResponse, Vertex, VertexStatus, VertexLog, VertexWarning); Engine API POST /build. */
#ifndef EK_BUILD_TRACE_H
#define EK_BUILD_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/base/err.h"
#include "spec/base/str.h"

struct build_trace; /* owns its memory; bounded however long the build talks */

struct build_trace *build_trace_new(void);
void build_trace_free(struct build_trace *t); /* NULL is fine */

/* Called for each finished piece worth keeping in the build log, as `docker build --progress=plain` prints them: "#3 [2/4] RUN npm ci", "#3 12.30 added
 * 200 packages", "#3 DONE 14.2s", "#4 CACHED". Printable UTF-8, without colours; at most BUILD_LINE bytes. */
typedef void build_line_fn(void *user, const char *line);
#define BUILD_LINE 4096

/* One JSON line of the stream (as line_split gives them). -1 when the stream reports the build's failure (e: the failing step, its error, and as many
 * of its last output lines as fit) or is not what the API promises (ERR_RETRY). A failed step and what the Dockerfile has wrong are ERR_USER, a
 * cancelled build ERR_STALE, a registry, a network or a disk in the way ERR_RETRY; a base image that is not there ERR_MISSING, one that
 * needs credentials ERR_DENIED. */
int build_trace_line(struct build_trace *t, const char *line, size_t n, build_line_fn *fn,
                     void *user, struct err *e);
/* "[5/9] RUN npm ci: added 200 packages", and the fraction of steps done, negative when nothing is known yet. Borrowed until the next line. */
const char *build_trace_progress(const struct build_trace *t, double *ret_fraction);
/* "sha256:..." once the build is over, else NULL. */
const char *build_trace_image(const struct build_trace *t);
/* "9 steps, 4 cached, 12.3 s" of a finished build; the classic builder tells no times. */
void build_trace_summary(const struct build_trace *t, struct str *out);
/* What failed, for people: the step, its error and its last output lines (at most BUILD_TAIL), a line each; nothing if nothing did. */
void build_trace_failure(const struct build_trace *t, struct str *out);
#define BUILD_TAIL 20

#endif
