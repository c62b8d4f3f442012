/* docker_wait.c: waits for a container to run steadily, to be healthy, or to end.
 *
 * In: a wait with its deadline. Out: success, or why not, with exit code, the health check's last words and the last log
 * lines.
 * The container is inspected at once, at every event about it, and in case one was lost every second (without events
 * after 50 ms, slowing to 500 ms). A crash is not final while the container's restart policy brings it back, but three
 * of them are; an end that nothing follows is final at once. An engine that is away is waited for like everything else.
 * Times are measured here, from when a start was first seen: the engine's clock may be another. */
#include "drivers/docker_parts.h"

#include <string.h>

#include "spec/base/arena.h"

enum {
    POLL_MS = 1000,
    QUICK_MS = 50,
    QUICK_LAST_MS = 500,
    CRASHES_FINAL = 3,
};

struct wait_watch {
    bool seen;  /* inspected once */
    bool again; /* something happened while it was being inspected */
    bool tty;
    const char *path, *name;
    int first_restarts; /* its count when first seen */
    int64_t started_ms; /* of the run being watched, engine's clock */
    int64_t since_ms;   /* when that run was first seen, ours */
    int64_t quick_ms;
    const char *health_says; /* last output of the check, in the ticket's arena */
    struct err last;         /* why it is not there yet */
};

static void look(void *user);

static int64_t poll_ms(struct ticket *t)
{
    struct wait_watch *w = t->watch;
    int64_t ms = w->quick_ms;

    if (t->d->follower.up)
        return POLL_MS;
    w->quick_ms = ms * 2 > QUICK_LAST_MS ? QUICK_LAST_MS : ms * 2;
    return ms;
}

static void look_later(struct ticket *t, int64_t most_ms)
{
    int64_t ms = poll_ms(t), left = t->deadline_ms - http_now_ms();

    if (most_ms >= 0 && ms > most_ms)
        ms = most_ms;
    if (ms > left)
        ms = left > 0 ? left : 0;
    ticket_after(t, t->watch->again ? 0 : ms, look);
    t->watch->again = false;
}

/* ---- verdicts ---- */

enum verdict { NOT_YET, GOOD, BAD };

static enum verdict ended(struct ticket *t, const struct obs_container *c)
{
    struct err *e = &t->watch->last;

    t->result.exit_code = c->exit_code;
    t->result.out_of_memory = c->oom_killed;
    if (t->op->kind == OP_WAIT_EXIT && c->exit_code == 0 && !c->oom_killed)
        return GOOD;
    if (c->oom_killed)
        (void)err_set(e, ERR_USER, "ended with code %d: it used more memory than its limit",
                      c->exit_code);
    else if (c->error && c->error[0])
        (void)err_set(e, ERR_USER, "ended with code %d: %s", c->exit_code, c->error);
    else
        (void)err_set(e, ERR_USER, "ended with code %d", c->exit_code);
    return BAD;
}

static enum verdict crashing(struct ticket *t, const struct obs_container *c)
{
    struct wait_watch *w = t->watch;
    int crashes = c->restart_count - w->first_restarts;

    t->result.exit_code = c->exit_code;
    t->result.out_of_memory |= c->oom_killed;
    (void)err_set(&w->last, ERR_USER, "keeps ending (%d times, last with code %d%s)", crashes,
                  c->exit_code, c->oom_killed ? ", using more memory than its limit" : "");
    return crashes >= CRASHES_FINAL ? BAD : NOT_YET;
}

/* Running: is it steady yet? */
static enum verdict settled(struct ticket *t, const struct obs_container *c)
{
    struct wait_watch *w = t->watch;

    if (w->since_ms == 0 || w->started_ms != c->started_ms) {
        w->started_ms = c->started_ms;
        w->since_ms = http_now_ms();
    }
    (void)err_set(&w->last, ERR_RETRY, "has not been running for %lld ms yet",
                  (long long)t->op->settle_ms);
    return http_now_ms() - w->since_ms >= t->op->settle_ms ? GOOD : NOT_YET;
}

static enum verdict healthy(struct ticket *t, const struct obs_container *c)
{
    struct err *e = &t->watch->last;
    const char *says = t->watch->health_says;

    switch (c->health) {
    case HEALTH_NONE: return settled(t, c);
    case HEALTH_HEALTHY: return GOOD;
    case HEALTH_STARTING:
        (void)err_set(e, ERR_RETRY, "its health check has not succeeded yet%s%s", says ? ": " : "",
                      says ? says : "");
        return NOT_YET;
    case HEALTH_UNHEALTHY:
        (void)err_set(e, ERR_USER, "its health check fails%s%s", says ? ": " : "",
                      says ? says : "");
        return BAD;
    }
    return NOT_YET;
}

static enum verdict judge(struct ticket *t, const struct obs_container *c)
{
    struct wait_watch *w = t->watch;
    bool crashed = c->restart_count - w->first_restarts >= CRASHES_FINAL;

    switch (c->state) {
    case CS_EXITED:
    case CS_DEAD: return ended(t, c);
    case CS_RESTARTING: return crashing(t, c);
    case CS_RUNNING:
        if (crashed)
            return crashing(t, c);
        if (t->op->kind == OP_WAIT_RUNNING)
            return settled(t, c);
        if (t->op->kind == OP_WAIT_HEALTHY)
            return healthy(t, c);
        (void)err_set(&w->last, ERR_RETRY, "is still running");
        return NOT_YET;
    case CS_REMOVING: (void)err_set(&w->last, ERR_MISSING, "is being removed"); return NOT_YET;
    case CS_CREATED:
    case CS_PAUSED:
        (void)err_set(&w->last, ERR_RETRY, "is %s", container_state_name(c->state));
        return NOT_YET;
    }
    return NOT_YET;
}

/* ---- looking ---- */

/* What only the whole reply holds. */
static void read_extras(struct ticket *t, const struct http_reply *reply)
{
    struct wait_watch *w = t->watch;
    json_t *v = js_parse(reply->body, reply->n, NULL);
    const json_t *log = js_at(v, "State.Health.Log");
    const char *says = js_str(json_array_get(log, json_array_size(log) - 1), "Output", NULL);

    w->tty = js_bool(v, "Config.Tty", false);
    if (says && says[0] &&
        (!w->health_says || strncmp(w->health_says, says, strlen(w->health_says)) != 0)) {
        char *copy = arena_strndup(t->arena, says, 200);
        for (size_t n = strlen(copy); n > 0 && (copy[n - 1] == '\n' || copy[n - 1] == ' ');)
            copy[--n] = '\0';
        w->health_says = copy[0] ? copy : NULL;
    }
    json_decref(v);
}

static void finish_bad(struct ticket *t)
{
    struct err why = t->watch->last;

    (void)err_wrap(&why, "container %s", t->watch->name);
    docker_end_with_tail(t, t->watch->tty, &why);
}

/* Not there yet: again later, or the deadline has come. */
static void go_on(struct ticket *t, int64_t most_ms)
{
    struct err *why = &t->watch->last;

    if (t->deadline_ms - http_now_ms() > 0) {
        look_later(t, most_ms);
        return;
    }
    if (!why->kind)
        (void)err_set(why, ERR_RETRY, "is not there yet");
    (void)err_wrap(why, "waited in vain");
    finish_bad(t);
}

static int64_t settle_left(const struct ticket *t)
{
    const struct wait_watch *w = t->watch;

    if (w->since_ms == 0 || t->op->kind == OP_WAIT_EXIT)
        return -1;
    int64_t left = w->since_ms + t->op->settle_ms - http_now_ms();

    return left > 0 ? left : 0;
}

static void on_state(void *user, const struct http_reply *reply)
{
    struct ticket *t = user;
    struct wait_watch *w = t->watch;
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct obs_container c;

    t->call = NULL;
    if (!reply->err.kind && reply->status == 404) {
        ticket_end(t, &(struct err){.kind = ERR_MISSING, .msg = "the container is gone"});
        return;
    }
    if (reply->err.kind || reply->status >= 300) {
        struct err e = {0};

        (void)docker_failure(reply, &e);
        /* A call that the deadline cuts off says less than the answer before it. */
        if (!w->last.kind || t->deadline_ms > http_now_ms())
            w->last = e;
        go_on(t, -1);
        return;
    }
    if (engine_decode_container(reply->body, reply->n, a, &c, &w->last) < 0) {
        go_on(t, -1);
        return;
    }
    read_extras(t, reply);
    if (!w->seen) {
        w->first_restarts = c.restart_count;
        w->name = arena_strdup(t->arena, c.name);
    }
    w->seen = true;
    switch (judge(t, &c)) {
    case GOOD: ticket_end(t, NULL); return;
    case BAD: finish_bad(t); return;
    case NOT_YET: go_on(t, c.state == CS_RUNNING ? settle_left(t) : -1); return;
    }
}

static void look(void *user)
{
    struct ticket *t = user;

    t->timer = NULL;
    ticket_ask(t, "GET", t->watch->path, NULL, on_state);
}

void docker_wait_begin(struct ticket *t)
{
    t->watch = ARENA_NEW(t->arena, struct wait_watch);
    t->watch->quick_ms = QUICK_MS;
    t->watch->name = t->op->object;
    t->watch->path = docker_path(t->arena, "/containers/", t->op->object, "/json");
    look(t);
}

static void poke(struct ticket *t)
{
    if (t->call) {
        t->watch->again = true;
        return;
    }
    http_timer_cancel(t->d->http, TAKE(t->timer));
    look(t);
}

static bool is_about(const struct ticket *t, const char *id, const char *name)
{
    const char *object = t->op->object;

    return strcmp(object, id) == 0 || (name && strcmp(object, name) == 0) ||
           (strlen(object) >= 12 && strncmp(object, id, strlen(object)) == 0);
}

void docker_wait_poke(struct docker *d, const char *id, const char *name)
{
    for (struct ticket *t = d->first; t; t = t->next)
        if (t->watch && !t->cancelled && !t->reader && is_about(t, id, name))
            poke(t);
}

void docker_wait_poke_all(struct docker *d)
{
    for (struct ticket *t = d->first; t; t = t->next)
        if (t->watch && !t->cancelled && !t->reader)
            poke(t);
}
