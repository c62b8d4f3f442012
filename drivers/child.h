/* child.h: one program of the host, run by argv: no shell, a group of its own, nothing inherited, a deadline.
 *
 * It gets /dev/null to read, pipes to write, exactly the environment it is given and no other descriptor. All of its group ends with it: when its first process
 * is over, when it is stopped (SIGTERM, after a grace SIGKILL), when it is freed. One descriptor tells when to look after it, so it can be polled
 * along with everything else; child_run does that for a worker thread. A struct child is used by one thread at a time.
 * Source: posix_spawn(3), pidfd_open(2), landlock(7). */
#ifndef EK_CHILD_H
#define EK_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/base/err.h"
#include "spec/base/str.h"

struct arena;
struct child;

/* One line without its end, from inside child_step; over-long ones (CHILD_LINE_BYTES) come in pieces. */
typedef void child_line_fn(void *user, bool is_stderr, const char *line, size_t n);

#define CHILD_LINE_BYTES 8192

struct child_order {
    const char *program; /* absolute path (child_find) */
    const struct strv
        *arguments; /* after the name of the program; for everybody to see: no secrets */
    const struct kvs *environment; /* all of it */
    const char *folder;            /* it works in; NULL: / */
    const char *
        writes_below; /* it can change files there only; NULL: no bound. Kernels without Landlock do not keep it to that */
    int64_t deadline_ms; /* it may run */
    int64_t grace_ms;    /* from SIGTERM to SIGKILL; 0: 2 s */
    size_t
        most_bytes; /* of output that is handed on, 0: 64 MiB; what is more is read and dropped */
    struct str *
        out; /* collect standard output here as it is, no lines; more than most_bytes is a failure */
    child_line_fn *line; /* may be NULL */
    void *user;
};

/* Where PATH of this process has a program of that name, in the arena; NULL: nowhere. */
const char *child_find(const char *name, struct arena *a);
/* A private environment: PATH of this process, HOME and TMPDIR (an existing folder), LC_ALL. */
void child_environment(const char *home, struct arena *a, struct kvs *ret);

/* The order's texts are not needed afterwards; out and user are. NULL: it cannot be started, e says why. */
struct child *child_start(const struct child_order *o, struct err *e);
int child_fd(const struct child *c); /* readable: child_step has something to do */
/* Hand on what it wrote, see to its deadline, never block. False: it is over, and child_end tells how. */
bool child_step(struct child *c);
/* 0: it ended well. -1: ERR_USER with code or signal and its last lines, or with the deadline it missed; ERR_STALE when it was stopped. */
int child_end(const struct child *c, struct err *e);
void child_stop(struct child *c); /* asks; child_step says when it is over */
void child_free(struct child *c); /* NULL is fine; at once, with all of its group */

/* From start to end. stop_fd readable: it is stopped; -1: nobody stops it. Blocks. */
int child_run(const struct child_order *o, int stop_fd, struct err *e);

#endif
