/* engine_stream.h: the engine's streams into messages: lines, log frames, pull progress. Pure; every byte is a stranger's. */
#ifndef EK_ENGINE_STREAM_H
#define EK_ENGINE_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "spec/base/err.h"
#include "spec/base/str.h"

struct arena;

/* ---- lines ---- */

/* Splits a byte stream into lines of at most LIMIT_STREAM_LINE, without their line ends (\n or \r\n); empty lines are left out. Zeroed
 * memory is a splitter at the start of a stream. */
struct line_split {
    struct str buf;
};
/* Return 0 to go on. */
typedef int line_fn(void *user, const char *line, size_t n); /* NUL-terminated too */
/* 0; or -1 for a line beyond the bound; or, at once, what fn returned if not 0. */
int line_split_feed(struct line_split *s, const char *bytes, size_t n, line_fn *fn, void *user);
/* The last line, if the stream ended without a line end. */
int line_split_end(struct line_split *s, line_fn *fn, void *user);
void line_split_release(struct line_split *s);

/* ---- logs ---- */

/* Docker's log framing (8-byte headers, split anywhere), or plain bytes when tty. Zeroed memory but for tty is the start of a
 * stream. Lines come without their line ends; longer ones than LIMIT_STREAM_LINE come in pieces. Bytes that cannot be a frame
 * are passed on as plain output from there on. */
struct log_frames {
    bool tty;
    unsigned char header[8];
    size_t have;
    size_t left;
    struct str line[2]; /* stdout, stderr */
};
typedef void log_frame_fn(void *user, bool is_stderr, const char *line,
                          size_t n); /* NUL-terminated too */
void log_frames_feed(struct log_frames *f, const char *bytes, size_t n, log_frame_fn *fn,
                     void *user);
void log_frames_end(struct log_frames *f, log_frame_fn *fn,
                    void *user); /* the last, unfinished lines */
void log_frames_release(struct log_frames *f);

/* ---- pulls ---- */

/* The state of one pull; layers are remembered in it, at most LIMIT_PULL_LAYERS of them. */
struct pull_progress;
struct pull_progress *pull_progress_new(struct arena *a);
/* Reads one line of the stream: 0; or -1 with the stream's own error (errorDetail) in e, whose kind is pull_error_kind's. A line that
 * is not JSON is ERR_RETRY. */
int pull_progress_line(struct pull_progress *p, const char *line, size_t n, struct err *e);
/* "3/7 layers, 41 MB of 120 MB", "" at first; in the arena. *ret_fraction is 0 to 1 of the bytes to load and to unpack, negative when
 * nothing is known yet; it can step back when the registry names the size of another layer. */
const char *pull_progress_text(const struct pull_progress *p, struct arena *a,
                               double *ret_fraction);
/* Registries and engines tell these apart in words only: not found ERR_MISSING, credentials ERR_DENIED, a name that cannot be one
 * ERR_USER, else ERR_RETRY. Also for the "message" of a pull that failed at once. */
enum err_kind pull_error_kind(const char *message);

#define LIMIT_PULL_LAYERS 512

#endif
