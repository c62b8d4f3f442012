/* engine_decode.h: Engine replies into observed objects, and the engine's streams into messages. Pure; every byte is a stranger's.
 *
 * The decode functions fill one object in the arena and return 0, or -1 when the reply is not what the API promises. */
#ifndef EK_ENGINE_DECODE_H
#define EK_ENGINE_DECODE_H

#include "drivers/observed.h"

struct err;

int engine_decode_container_list(const char *text, size_t n, struct arena *a, struct obs_container **ret, size_t *ret_n,
                                 struct err *e);
int engine_decode_container(const char *text, size_t n, struct arena *a, struct obs_container *ret, struct err *e);
int engine_decode_network_list(const char *text, size_t n, struct arena *a, struct obs_network **ret, size_t *ret_n,
                               struct err *e);
int engine_decode_network(const char *text, size_t n, struct arena *a, struct obs_network *ret, struct err *e);
int engine_decode_volume_list(const char *text, size_t n, struct arena *a, struct obs_volume **ret, size_t *ret_n,
                              struct err *e);
int engine_decode_volume(const char *text, size_t n, struct arena *a, struct obs_volume *ret, struct err *e);
int engine_decode_image(const char *ref, const char *text, size_t n, struct arena *a, struct obs_image *ret,
                        struct err *e);

/* The "message" of an error reply, or the start of the body if it has none. Control bytes escaped. */
const char *engine_decode_message(const char *text, size_t n, struct arena *a);

struct engine_event {
    const char *type, *action; /* "container", "die" (health_status and exec_* cut at the colon) */
    const char *id, *name, *app, *owner; /* of the actor; NULL when absent */
    const char *container;     /* network events: the container's id */
    int64_t time_ns;
};
int engine_decode_event(const char *line, size_t n, struct arena *a, struct engine_event *ret, struct err *e);

/* One line of a pull: fraction of the bytes so far, or the error. Layers are remembered in p. */
struct pull_progress;
struct pull_progress *pull_progress_new(struct arena *a);
/* 0; or -1 with the stream's own error (errorDetail) in e: not found ERR_MISSING, credentials ERR_DENIED, else ERR_RETRY */
int pull_progress_line(struct pull_progress *p, const char *line, size_t n, struct err *e);
const char *pull_progress_text(const struct pull_progress *p, struct arena *a, double *ret_fraction);

/* Splits a byte stream into lines of at most LIMIT_STREAM_LINE. */
struct line_split {
    struct str buf;
};
typedef int line_fn(void *user, const char *line, size_t n);
int line_split_feed(struct line_split *s, const char *bytes, size_t n, line_fn *fn, void *user);
void line_split_release(struct line_split *s);

/* Docker's log framing (8-byte headers, split anywhere), or plain bytes when tty. */
struct log_frames {
    bool tty;
    unsigned char header[8];
    size_t have;
    size_t left;
    struct str line[2]; /* stdout, stderr */
};
typedef void log_frame_fn(void *user, bool is_stderr, const char *line, size_t n);
void log_frames_feed(struct log_frames *f, const char *bytes, size_t n, log_frame_fn *fn, void *user);
void log_frames_end(struct log_frames *f, log_frame_fn *fn, void *user); /* the last, unfinished lines */
void log_frames_release(struct log_frames *f);

#endif
