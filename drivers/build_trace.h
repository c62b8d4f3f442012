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
void build_trace_free(struct build_trace *t);

/* Called for each finished piece worth keeping in the build log: "#3 [2/4] RUN npm ci", "#3 12.3 added 200 packages", "#3 DONE 14.2s", "#4 CACHED". */
typedef void build_line_fn(void *user, const char *line);
/* One JSON line of the stream. -1 when the stream reports the build's failure (e: the error with the failing step and its last output lines) or is not what the API
 * promises. */
int build_trace_line(struct build_trace *t, const char *line, size_t n, build_line_fn *fn, void *user, struct err *e);
/* "[5/9] RUN npm ci: added 200 packages", and the fraction of steps done. Borrowed until the next line. */
const char *build_trace_progress(const struct build_trace *t, double *ret_fraction);
/* "sha256:..." once the build is over, else NULL. */
const char *build_trace_image(const struct build_trace *t);
/* Lines for the summary of a finished build: steps, how many were cached, seconds. */
void build_trace_summary(const struct build_trace *t, struct str *out);

#endif
