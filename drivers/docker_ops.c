/* docker_ops.c: operations from their submission to their end: bounds, deadlines, cancelling.
 *
 * In: operations. Out: one result each, from the loop and never from inside submit or cancel. What an operation does with
 * the engine is in docker_create.c, docker_act.c, docker_volume.c, docker_wait.c, docker_pull.c, docker_build.c and docker_pack.c.
 * Container starts are bounded by twice the cores, which measured fastest; networks by 4, since the engine makes one after the other and
 * containers would queue behind those of other apps; builds by one per two cores; pulls by 3, since they share one uplink; what
 * blocks for a grace time by 32; all other calls by 12, so that looks always find some of the 16 short calls free. Waits cost
 * nothing and are not bounded.
 * What an operation touched is marked for the next look when it ends, whether or not an event tells of it. */
#include "drivers/docker_parts.h"

#include <string.h>
#include <time.h>

#include "drivers/pull_log.h"
#include "spec/base/arena.h"

enum {
    PULLS = 3,
    SLOW_CALLS = 32,
    CALLS = 12,
    NETWORKS = 4,
    SECOND = 1000,
};

static enum lane lane_of(enum op_kind kind)
{
    switch (kind) {
    case OP_PULL: return LANE_PULL;
    case OP_BUILD: return LANE_BUILD;
    case OP_CONTAINER_START: return LANE_START;
    case OP_CONTAINER_STOP:
    case OP_CONTAINER_RESTART:
    case OP_CONTAINER_REMOVE:
    case OP_VOLUME_REMOVE: return LANE_SLOW;
    case OP_WAIT_RUNNING:
    case OP_WAIT_HEALTHY:
    case OP_WAIT_EXIT:
    case OP_ROUTE_SEE:
    case OP_HOOKS:
    case OP_DRAIN: return LANE_WAIT;
    case OP_NETWORK_CREATE:
    case OP_NETWORK_REMOVE: return LANE_NETWORK;
    case OP_ROUTE_WRITE:
    case OP_NETWORK_CONNECT:
    case OP_NETWORK_DISCONNECT:
    case OP_VOLUME_CREATE:
    case OP_VOLUME_QUARANTINE:
    case OP_VOLUME_RELEASE:
    case OP_CONTAINER_CREATE:
    case OP_CONTAINER_UNPAUSE:
    case OP_CONTAINER_UPDATE:
    case OP_CONTAINER_RENAME: return LANE_CALL;
    }
    return LANE_CALL;
}

static size_t bound_of(const struct docker *d, enum lane lane)
{
    switch (lane) {
    case LANE_CALL: return CALLS;
    case LANE_NETWORK: return NETWORKS;
    case LANE_START: return 2 * (size_t)d->cores;
    case LANE_SLOW: return SLOW_CALLS;
    case LANE_PULL: return PULLS;
    case LANE_BUILD: return d->cores > 1 ? (size_t)d->cores / 2 : 1;
    case LANE_WAIT: return SIZE_MAX;
    }
    return CALLS;
}

/* How long the grace of a stop may last: as asked for, else what the container itself says. */
static int64_t grace_ms(const struct docker *d, const struct op *op)
{
    const struct obs_container *c;
    const char *own;
    int64_t ns;

    if (op->grace_s >= 0)
        return (int64_t)op->grace_s * SECOND;
    c = op->object ? mirror_container(d->mirror, op->object) : NULL;
    if (!c || !c->inspected)
        return 300 * SECOND;
    own = kvs_get(&c->fields, "stop_grace_period");
    return own && parse_duration_ns(own, &ns) == 0 ? ns / 1000000 : 10 * SECOND;
}

static int64_t default_deadline_ms(const struct docker *d, const struct op *op)
{
    switch (op->kind) {
    case OP_PULL: return 30 * 60 * SECOND;
    case OP_BUILD: return 60 * 60 * SECOND;
    case OP_VOLUME_REMOVE: return 30 * 60 * SECOND; /* the engine deletes file by file */
    case OP_CONTAINER_STOP: return grace_ms(d, op) + 15 * SECOND;
    case OP_CONTAINER_RESTART: return grace_ms(d, op) + 75 * SECOND;
    case OP_CONTAINER_START:
    case OP_CONTAINER_REMOVE:
    case OP_CONTAINER_CREATE: return 120 * SECOND;
    case OP_WAIT_RUNNING: return op->settle_ms + 60 * SECOND;
    case OP_WAIT_HEALTHY: return 5 * 60 * SECOND;
    case OP_WAIT_EXIT: return 60 * 60 * SECOND;
    case OP_ROUTE_SEE: return 10 * SECOND;
    case OP_DRAIN: return op->settle_ms + SECOND;
    case OP_HOOKS: /* they have their own */
    case OP_ROUTE_WRITE:
    case OP_NETWORK_CREATE:
    case OP_NETWORK_REMOVE:
    case OP_NETWORK_CONNECT:
    case OP_NETWORK_DISCONNECT:
    case OP_VOLUME_CREATE:
    case OP_VOLUME_QUARANTINE:
    case OP_VOLUME_RELEASE:
    case OP_CONTAINER_UNPAUSE:
    case OP_CONTAINER_UPDATE:
    case OP_CONTAINER_RENAME: return 60 * SECOND;
    }
    return 60 * SECOND;
}

/* ---- beginning ---- */

static void begin_op(struct ticket *t)
{
    switch (t->op->kind) {
    case OP_PULL: docker_pull_begin(t); return;
    case OP_BUILD: docker_build_begin(t); return;
    case OP_NETWORK_CREATE:
    case OP_VOLUME_CREATE:
    case OP_CONTAINER_CREATE: docker_create_begin(t); return;
    case OP_NETWORK_REMOVE:
    case OP_NETWORK_CONNECT:
    case OP_NETWORK_DISCONNECT:
    case OP_CONTAINER_START:
    case OP_CONTAINER_STOP:
    case OP_CONTAINER_RESTART:
    case OP_CONTAINER_UNPAUSE:
    case OP_CONTAINER_UPDATE:
    case OP_CONTAINER_RENAME:
    case OP_CONTAINER_REMOVE: docker_act_begin(t); return;
    case OP_VOLUME_REMOVE:
    case OP_VOLUME_QUARANTINE:
    case OP_VOLUME_RELEASE: docker_volume_begin(t); return;
    case OP_WAIT_RUNNING:
    case OP_WAIT_HEALTHY:
    case OP_WAIT_EXIT: docker_wait_begin(t); return;
    case OP_ROUTE_WRITE:
    case OP_ROUTE_SEE:
    case OP_DRAIN: docker_route_begin(t); return;
    case OP_HOOKS: docker_hook_begin(t); return;
    }
}

void ticket_begin(struct ticket *t)
{
    struct docker *d = t->d;

    t->flying = true;
    d->in_lane[t->lane]++;
    if (!t->op)
        return;
    int64_t whole = t->op->deadline_ms > 0 ? t->op->deadline_ms : default_deadline_ms(d, t->op);

    t->deadline_ms = http_now_ms() + whole;
    begin_op(t);
}

/* Begin what has room, in order. */
static void fill_lane(struct docker *d, enum lane lane)
{
    for (struct ticket *t = d->first; t && d->in_lane[lane] < bound_of(d, lane);) {
        struct ticket *next = t->next; /* beginning ends none */
        if (!t->flying && t->lane == lane && !t->cancelled)
            ticket_begin(t);
        t = next;
    }
}

struct ticket *ticket_new(struct docker *d, enum lane lane, op_done_fn *done, void *user)
{
    struct ticket *t = xcalloc(1, sizeof(*t));

    t->d = d;
    t->lane = lane;
    t->done = done;
    t->user = user;
    t->arena = arena_new();
    t->prev = d->last;
    if (d->last)
        d->last->next = t;
    else
        d->first = t;
    d->last = t;
    return t;
}

struct ticket *docker_submit(struct driver *driver, const struct op *op, op_done_fn *done,
                             op_progress_fn *progress, void *user)
{
    struct docker *d = (struct docker *)driver;
    struct ticket *t = ticket_new(d, lane_of(op->kind), done, user);

    t->op = op;
    t->progress = progress;
    if (d->in_lane[t->lane] < bound_of(d, t->lane))
        ticket_begin(t);
    return t;
}

/* ---- ending ---- */

static void mark_touched(struct ticket *t)
{
    struct docker *d = t->d;
    const struct op *op = t->op;

    switch (op->kind) {
    case OP_BUILD:
    case OP_PULL: docker_dirty(d, MIRROR_IMAGE, op->object); return;
    case OP_NETWORK_CREATE:
        docker_dirty(d, MIRROR_NETWORK, t->result.id ? t->result.id : op->name);
        return;
    case OP_NETWORK_REMOVE: docker_dirty(d, MIRROR_NETWORK, op->object); return;
    case OP_VOLUME_CREATE: docker_dirty(d, MIRROR_VOLUME, op->name); return;
    case OP_VOLUME_REMOVE: docker_dirty(d, MIRROR_VOLUME, op->object); return;
    case OP_CONTAINER_CREATE:
        if (t->result.id)
            docker_route_made(d, op->name, t->result.id);
        docker_dirty(d, MIRROR_CONTAINER, t->result.id ? t->result.id : op->name);
        return;
    case OP_NETWORK_CONNECT:
    case OP_NETWORK_DISCONNECT:
    case OP_CONTAINER_START:
    case OP_CONTAINER_STOP:
    case OP_CONTAINER_RESTART:
    case OP_CONTAINER_UNPAUSE:
    case OP_CONTAINER_UPDATE:
    case OP_CONTAINER_RENAME: docker_dirty(d, MIRROR_CONTAINER, op->object); return;
    case OP_CONTAINER_REMOVE:
        docker_hook_forget(d, op->object);
        docker_dirty(d, MIRROR_CONTAINER, op->object);
        return;
    case OP_HOOKS:
    case OP_WAIT_RUNNING:
    case OP_WAIT_HEALTHY:
    case OP_WAIT_EXIT: docker_dirty(d, MIRROR_CONTAINER, op->object); return;
    case OP_VOLUME_QUARANTINE:
    case OP_VOLUME_RELEASE:
    case OP_ROUTE_WRITE:
    case OP_ROUTE_SEE:
    case OP_DRAIN: return;
    }
}

static void ticket_release(struct ticket *t)
{
    struct docker *d = t->d;

    if (t->prev)
        t->prev->next = t->next;
    else
        d->first = t->next;
    if (t->next)
        t->next->prev = t->prev;
    else
        d->last = t->prev;
    d->in_lane[t->lane] -= t->flying;
    docker_drop(d, t->call);
    http_timer_cancel(d->http, t->timer);
    docker_pull_release(t);
    docker_build_release(t);
    docker_pack_release(t);
    docker_logs_release(t);
    docker_hook_release(t);
    docker_route_drop(t);
    str_release(&t->tail);
    arena_free(t->arena);
    free(t);
}

void ticket_end(struct ticket *t, const struct err *why)
{
    struct docker *d = t->d;
    enum lane lane = t->lane;

    if (t->op && t->flying)
        mark_touched(t);
    if (t->cancelled)
        (void)err_set(&t->result.err, ERR_STALE, "cancelled");
    else
        t->result.err = why ? *why : (struct err){0};
    docker_drop(d, TAKE(t->call));
    http_timer_cancel(d->http, TAKE(t->timer));
    /* Its place is free before the callback, which may submit what comes next; over, so that nothing begins it again. */
    d->in_lane[lane] -= t->flying;
    t->flying = false;
    t->cancelled = true;
    fill_lane(d, lane);
    if (t->op && t->op->kind == OP_PULL && d->pulls && t->result.err.kind != ERR_STALE)
        pull_log_note(d->pulls, t->op->object, (int64_t)time(NULL) * 1000, !t->result.err.kind);
    t->done(t->user, &t->result);
    ticket_release(t);
}

static void end_failed(void *user)
{
    struct ticket *t = user;
    struct err why = t->result.err;

    t->timer = NULL;
    ticket_end(t, &why);
}

void ticket_fail(struct ticket *t, const struct err *why)
{
    t->result.err = *why;
    ticket_after(t, 0, end_failed);
}

bool ticket_stale(struct ticket *t)
{
    if (!t->cancelled)
        return false;
    ticket_end(t, NULL);
    return true;
}

static void end_cancelled(void *user)
{
    struct ticket *t = user;

    t->timer = NULL;
    ticket_end(t, NULL);
}

void docker_cancel(struct driver *driver, struct ticket *t)
{
    struct docker *d = (struct docker *)driver;

    if (t->cancelled)
        return;
    t->cancelled = true;
    /* A short call under way runs to its end, so that its effect is known to the next look; a closed connection ends a pull and a build. */
    if (t->flying && t->lane != LANE_PULL && t->lane != LANE_BUILD && t->lane != LANE_WAIT)
        return;
    docker_drop(d, TAKE(t->call));
    docker_route_drop(t);
    http_timer_cancel(d->http, TAKE(t->timer));
    if (docker_pack_stop(t)) /* ends when it has */
        return;
    t->timer = http_after(d->http, 0, end_cancelled, t);
}

void docker_ops_release(struct docker *d)
{
    for (struct ticket *t = d->first, *next; t; t = next) {
        next = t->next;
        ticket_release(t);
    }
}

/* ---- steps ---- */

int64_t ticket_left_ms(const struct ticket *t)
{
    int64_t left = t->deadline_ms - http_now_ms();

    return left > 1 ? left : 1;
}

void ticket_ask(struct ticket *t, const char *method, const char *path, const char *body,
                http_done_fn *next)
{
    int64_t most = t->op ? ticket_left_ms(t) : 0;

    /* A wait or a pull may have an hour left; its inspects are short calls all the same. */
    if ((t->lane == LANE_WAIT || t->lane == LANE_PULL) && most > 30 * SECOND)
        most = 30 * SECOND;
    t->call = docker_send(t->d, &(struct http_request){
                                    .method = method,
                                    .path = path,
                                    .body = body,
                                    .slow = t->lane == LANE_SLOW || t->lane == LANE_START,
                                    .timeout_ms = most,
                                    .done = next,
                                    .user = t,
                                });
}

void ticket_after(struct ticket *t, int64_t ms, http_timer_fn *fn)
{
    http_timer_cancel(t->d->http, t->timer);
    t->timer = http_after(t->d->http, ms, fn, t);
}

void docker_use_pulls(struct driver *driver, struct pull_log *log)
{
    ((struct docker *)driver)->pulls = log;
}
