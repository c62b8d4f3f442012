/* driver.h: the contract between the deciding part and an engine: docker.c, fake.c, later swarm.c.
 *
 * Everything is asynchronous and happens on the loop thread: a call returns at once, its callback comes later from the loop
 * (never from inside the call). Callbacks may submit more. Nothing blocks. */
#ifndef EK_DRIVER_H
#define EK_DRIVER_H

#include <stdbool.h>
#include <stddef.h>

#include "drivers/observed.h"
#include "drivers/op.h"

struct arena;
struct driver;
struct ticket; /* a submitted operation, until its callback */

typedef void op_done_fn(void *user, const struct op_result *result);
/* progress of a long operation: "3/7 layers, 41 MB of 120 MB"; fraction is 0..1, or negative when unknown */
typedef void op_progress_fn(void *user, const char *text, double fraction);
#define OP_PROGRESS_LOG (-2.0) /* as fraction: text is a line of the operation's log, to be kept */
typedef void look_done_fn(
    void *user, const struct err *e); /* e->kind ERR_NONE: knowledge is complete and current */
typedef void log_line_fn(void *user, bool is_stderr, const char *line, size_t n);

struct look {
    bool everything; /* lists, then what changed; false: only what events left to be inspected */
    bool
        inspect_owned; /* with everything: inspect each container of our owner (cold look), not only changed ones */
    const char *owner;
    struct strv projects; /* of Compose; containers of these are inspected like ours */
    bool platform;        /* what the engine runs on must be known; asked once per connection */
    struct strv
        images; /* references whose ids must be known; asked again only if unknown or touched by an event */
};

enum engine_happening {
    ENGINE_UP,   /* events are flowing (again); look at everything */
    ENGINE_AWAY, /* cannot be reached; text says why; it is being retried */
    ENGINE_CHANGED, /* something of `app` (NULL: shared or foreign) changed; look with everything == false */
};

struct happening {
    enum engine_happening what;
    const char *app;     /* valid during the callback */
    const char *project; /* the Compose project that made it, told where app is NULL; or NULL */
    const char *object;  /* "container blog-app-1" */
    const char *
        container; /* that it happened to, by the name known before it: of a rename the old one, of connect and disconnect the
                              container; or NULL */
    const char *action; /* "die", "destroy", ... the engine's word */
    const char *text;
    int64_t time_ms;
};
typedef void happening_fn(void *user, const struct happening *h);

struct logs {
    const char *container;
    bool follow, timestamps;
    int tail; /* -1: all */
    int64_t since_ms;
};

struct driver_ops {
    const char *name;
    /* Start one operation. op and its texts must stay until done is called, exactly once. progress may be NULL. */
    struct ticket *(*submit)(struct driver *d, const struct op *op, op_done_fn *done,
                             op_progress_fn *progress, void *user);
    /* Give up on it: done comes soon with ERR_STALE, or with the real result if that was faster. The engine may or may not have
     * done it. */
    void (*cancel)(struct driver *d, struct ticket *t);
    /* Bring knowledge up to date. Several at once are served in order, or merged. */
    void (*look)(struct driver *d, const struct look *scope, look_done_fn *done, void *user);
    /* What is known, frozen; it stays until the arena is cleared or freed. Never blocks, never fails; empty before the first look. */
    const struct observed *(*observed)(struct driver *d, struct arena *a);
    /* Follow the engine's events for ever, reconnecting with resume; one follower. */
    void (*follow)(struct driver *d, happening_fn *happened, void *user);
    /* Lines of a container's log; done comes at the end or on failure; cancel() ends a follow. */
    struct ticket *(*logs)(struct driver *d, const struct logs *want, log_line_fn *line,
                           op_done_fn *done, void *user);
    void (*free)(struct driver *d);
};

struct driver {
    const struct driver_ops *ops;
};

#endif
