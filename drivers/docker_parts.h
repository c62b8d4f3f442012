/* docker_parts.h: what the rooms of the Docker driver share: docker.c (vtable), docker_link.c (negotiation and calls),
 * docker_look.c, docker_events.c, docker_ops.c and its docker_create.c, docker_port.c, docker_act.c, docker_wait.c, docker_pull.c,
 * docker_logs.c, docker_images.c, docker_stats.c. Nobody else includes it.
 *
 * Every exchange with the engine goes through docker_send, so that the first one negotiates the API version and freeing the
 * driver ends them all. */
#ifndef EK_DOCKER_PARTS_H
#define EK_DOCKER_PARTS_H

#include "drivers/docker.h"
#include "drivers/context.h"
#include "drivers/engine_decode.h"
#include "drivers/http.h"
#include "drivers/mirror.h"
#include "spec/base/js.h"

struct docker_call; /* one exchange, until its callback or docker_drop */
struct look_job;

enum link_state { LINK_NONE, LINK_ASKING, LINK_READY };

struct engine_link {
    enum link_state state;
    struct docker_call *calls, *last_call; /* all there are, oldest first */
    struct http_call *asking;
    char version[16]; /* "v1.41" */
    char *engine_version;
    int64_t engine_date_s; /* the engine's clock at the last negotiation, 0 unknown */
    bool same_clock;       /* and ours said the same */
};

struct dirty { /* what events and our own operations touched since the last look */
    struct strv of[MIRROR_IMAGE + 1]; /* heap copies */
    bool everything;                  /* marks are not enough: only a look at everything helps */
};

struct lookers {
    struct look_waiter *waiting; /* not yet served, in order */
    struct look_job *now;
    struct http_timer *kick;
};

struct follower {
    happening_fn *happened; /* NULL: nobody follows */
    void *user;
    struct docker_call *call;
    struct http_timer *retry;
    struct line_split lines;
    struct arena *scratch;
    int64_t backoff_ms, up_since_ms, last_ns;
    bool up, said_away;
};

/* Which bound an operation counts against. */
enum lane { LANE_CALL, LANE_NETWORK, LANE_START, LANE_SLOW, LANE_PULL, LANE_BUILD, LANE_WAIT };
#define LANES (LANE_WAIT + 1)

struct ticket {
    struct docker *d;
    struct ticket *prev, *next; /* all tickets of the driver, oldest first */
    const struct op *op;        /* NULL: logs */
    op_done_fn *done;
    op_progress_fn *progress;
    void *user;
    enum lane lane;
    bool flying; /* has begun; counts against its lane */
    bool cancelled;
    struct docker_call *call;
    struct http_timer *timer; /* the next step or look */
    int64_t deadline_ms;      /* on the monotonic clock */
    int64_t
        until_ms; /* until then a taken port, or a network's last endpoint, is waited for; 0: not asked yet */
    struct arena *arena; /* its texts */
    struct op_result result;
    const char *body;      /* creates: what is sent */
    char hash[SHA256_HEX]; /* creates: of what is sent */
    struct str tail;       /* collected log lines */
    unsigned tries;
    struct wait_watch *watch; /* waits; in the arena */
    struct pull *pull;
    struct building *building;
    struct packing *packing;   /* builds by pack */
    struct log_reader *reader; /* logs and tails; holds buffers */
    struct routing *routing;   /* route files; in the arena */
    struct hooking *hooking;   /* lifecycle hooks; in the arena, holds buffers */
};

#define MADE_MOST 512
struct
    made { /* who was made under which name, the youngest last: a name may pass on before a route file is written */
    struct {
        char *name, *id;
    } v[MADE_MOST];
    size_t n;
};

struct docker {
    struct driver driver;
    struct http *http;
    int cores;
    bool
        classic_builder; /* the engine said that it has no BuildKit; asked again after the connection was lost */
    char *auth_dir;
    struct mirror *mirror;
    struct router *router;                /* borrowed; NULL: no managed ingress */
    char *router_owner, *router_app;      /* whose container it is */
    struct quarantine_folder *quarantine; /* borrowed; NULL: nothing is known of it */
    file_put_fn *put_file;                /* NULL: nobody can */
    void *put_file_ctx;
    struct pull_log *pulls;    /* borrowed; NULL: nothing is known of them */
    struct hook_folder *hooks; /* borrowed; NULL: nothing is known of them */
    struct route_look *route_looks;
    struct made made; /* containers, for route files */
    struct engine_link link;
    struct dirty dirty;
    struct lookers lookers;
    struct follower follower;
    struct ticket *first, *last;
    size_t in_lane[LANES];
};

/* ---- docker_link.c ---- */

/* Like http_send, but negotiates first where that is due. done gets http_reply.err with the reason when that failed. */
struct docker_call *docker_send(struct docker *d, const struct http_request *r);
void docker_drop(struct docker *d, struct docker_call *c); /* NULL is fine; no callback any more */
void docker_link_lost(struct docker *d);                   /* the next call negotiates anew */
void docker_link_release(struct docker *d);
/* What a reply with a status of 300 or more (or none) means, in the engine's own words. Returns -1. */
int docker_failure(const struct http_reply *reply, struct err *ret);
/* Percent-encoded for a path; "/", ":" and "@" stay. */
void docker_escape(struct str *out, const char *text);
/* "/containers/" + escaped id + tail, in the arena. */
const char *docker_path(struct arena *a, const char *before, const char *name, const char *after);

/* ---- docker_look.c ---- */

void docker_look(struct driver *driver, const struct look *scope, look_done_fn *done, void *user);
void docker_look_release(struct docker *d);
void docker_dirty(struct docker *d, enum mirror_kind kind, const char *key);
void docker_dirty_release(struct dirty *dirty);

/* ---- docker_events.c ---- */

void docker_follow(struct driver *driver, happening_fn *happened, void *user);
void docker_follow_release(struct docker *d);

/* ---- docker_ops.c ---- */

struct ticket *docker_submit(struct driver *driver, const struct op *op, op_done_fn *done,
                             op_progress_fn *progress, void *user);
void docker_cancel(struct driver *driver, struct ticket *t);
void docker_ops_release(struct docker *d);
struct ticket *ticket_new(struct docker *d, enum lane lane, op_done_fn *done, void *user);
/* The end of every ticket: its place, its callback, its memory. why == NULL or ERR_NONE: success. */
void ticket_end(struct ticket *t, const struct err *why);
/* The same from inside a beginning, whose caller still needs the ticket: it ends from the loop. */
void ticket_fail(struct ticket *t, const struct err *why);
/* ticket_end with ERR_STALE if it was cancelled meanwhile. True: it is gone. */
bool ticket_stale(struct ticket *t);
/* One short call whose reply goes to `next` with the ticket as user. */
void ticket_ask(struct ticket *t, const char *method, const char *path, const char *body,
                http_done_fn *next);
void ticket_after(struct ticket *t, int64_t ms, http_timer_fn *fn);
int64_t ticket_left_ms(const struct ticket *t);
void ticket_begin(struct ticket *t); /* logs begin at once */

/* Beginnings, one per kind of operation; each ends in ticket_end sooner or later. */
void docker_create_begin(struct ticket *t); /* docker_create.c: containers, networks, volumes */
void docker_act_begin(
    struct ticket *t); /* docker_act.c: one call that changes something that exists */
void docker_wait_begin(struct ticket *t);  /* docker_wait.c */
void docker_pull_begin(struct ticket *t);  /* docker_pull.c */
void docker_build_begin(struct ticket *t); /* docker_build.c */

/* "container X of app blog" for who holds a name or a port. In the arena. */
const char *docker_holder(const struct obs_container *c, struct arena *a);
/* 0, or ERR_USER if a program of the host is known to hold a port that this create body asks for. */
int docker_ports_ask(const struct docker *d, const char *body, struct err *e);

/* ---- docker_wait.c ---- */

/* Something happened to a container: look at it now instead of at the next turn. */
void docker_wait_poke(struct docker *d, const char *id, const char *name);
void docker_wait_poke_all(struct docker *d);

/* ---- docker_pull.c ---- */

void docker_pull_release(struct ticket *t);

/* ---- docker_build.c ---- */

void docker_build_release(struct ticket *t);
/* The order's source. */
struct context_where docker_build_where(const struct build_order *o);
/* Send this context to the builder, with the order's tag, labels and platform; ends the ticket. */
void docker_build_send(struct ticket *t, const struct context_where *where);

/* ---- docker_pack.c ---- */

void docker_pack_begin(struct ticket *t);
/* Ask pack to end. False: it does not run, the ticket may end at once. */
bool docker_pack_stop(struct ticket *t);
void docker_pack_untag(struct ticket *t); /* what pack made has its tag now */
void docker_pack_release(struct ticket *t);

/* ---- docker_route.c ---- */

void docker_route_begin(struct ticket *t);
void docker_route_drop(struct ticket *t); /* its wait, if it has one */
/* docker_look, and after it where the router is now and what it knows of its files. */
void docker_route_look(struct driver *driver, const struct look *scope, look_done_fn *done,
                       void *user);
void docker_route_release(struct docker *d);
void docker_route_made(struct docker *d, const char *name, const char *id);

/* ---- docker_volume.c ---- */

void docker_volume_begin(struct ticket *t); /* deletions, and what is in quarantine */

/* ---- docker_file.c ---- */

void docker_file_begin(struct ticket *t);
/* ---- docker_hook.c ---- */

void docker_hook_begin(struct ticket *t);
void docker_hook_release(struct ticket *t);
void docker_hook_sweep(struct docker *d); /* after a look at everything */
void docker_hook_forget(struct docker *d, const char *container);

/* ---- docker_logs.c ---- */

struct ticket *docker_logs(struct driver *driver, const struct logs *want, log_line_fn *line,
                           op_done_fn *done, void *user);
void docker_logs_release(struct ticket *t);
/* Ends the ticket with why, after its container's last lines were fetched into the result. */
void docker_end_with_tail(struct ticket *t, bool tty, const struct err *why);

#endif
