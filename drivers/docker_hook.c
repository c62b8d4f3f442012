/* docker_hook.c: lifecycle hooks: commands that are run in a container that was started, or is about to be stopped.
 *
 * In: an operation with the hooks as one line of JSON (hook.h). Out: success when all of them ended with code 0, one after the other;
 * else which one did not, with its last lines.
 * Before a hook is begun its record is written (hook_folder.h), so that whoever comes after a crash waits for what runs instead of
 * running it again. What ends after its time is left to run: the engine has no call that ends it. A container that does not run has nothing to
 * be done before its stop. */
#include "drivers/docker_parts.h"

#include <string.h>
#include <time.h>

#include "drivers/hook_folder.h"
#include "spec/base/arena.h"
#include "spec/hook.h"

enum {
    TAIL_LINES = 10,
    TAIL_LINE_BYTES = 300,
    TALK_MOST = 1024 * 1024,
    POLL_MS = 200,
    STOP_FOLLOWS_MS = 10 * 60 * 1000,
    SHORT_CALLS_MS = 60 * 1000, /* for all that is not the hooks themselves */
};

struct hooking {
    const char *kind; /* HOOK_POST_START, HOOK_PRE_STOP */
    struct hooks hooks;
    size_t step;
    const char *container, *name;
    int64_t started_ms;
    const char *exec;
    int64_t until_ms; /* of the one that runs */
    bool over_time;
    struct log_frames frames;
    struct strv lines; /* its last ones */
};

void docker_hook_release(struct ticket *t)
{
    if (t->hooking)
        log_frames_release(&t->hooking->frames);
}

static bool is_before_stop(const struct hooking *h)
{
    return strcmp(h->kind, HOOK_PRE_STOP) == 0;
}

static int keep(struct ticket *t, enum hook_state state, const char *error, struct err *e)
{
    struct hooking *h = t->hooking;
    const struct hook_record r = {.started_ms = h->started_ms,
                                  .state = state,
                                  .step = h->step,
                                  .exec = state == HOOKS_RUNNING ? h->exec : NULL,
                                  .error = error};

    return hook_folder_put(t->d->hooks, h->container, h->kind, &r, e);
}

/* ---- ends ---- */

static void put_tail(struct ticket *t)
{
    const struct strv *l = &t->hooking->lines;

    str_clear(&t->tail);
    for (size_t i = l->n > TAIL_LINES ? l->n - TAIL_LINES : 0; i < l->n; i++)
        str_addf(&t->tail, "%s\n", l->v[i]);
    t->result.log_tail = t->tail.len ? str_text(&t->tail) : NULL;
}

/* why names the hook; the record keeps its words for later plans. */
static void hook_failed(struct ticket *t, struct err why)
{
    struct hooking *h = t->hooking;
    struct err e = {0};

    if (h->lines.n > 0)
        (void)err_set(&why, why.kind, "%s: %s", arena_strdup(t->arena, why.msg),
                      h->lines.v[h->lines.n - 1]);
    if (keep(t, HOOKS_FAILED, why.msg, &e) < 0)
        why = e;
    put_tail(t);
    ticket_end(t, &why);
}

static const char *hook_words(const struct ticket *t)
{
    const struct hooking *h = t->hooking;

    if (h->hooks.n == 1)
        return h->kind;
    return arena_printf(t->arena, "%s[%zu]", h->kind, h->step);
}

/* A call for it failed, or the record could not be written: nobody knows more than that, and a later try may. */
static void cannot_run(struct ticket *t, struct err why)
{
    (void)err_wrap(&why, "%s of container %s", hook_words(t), t->hooking->name);
    ticket_end(t, &why);
}

static void begin_step(struct ticket *t);

static void step_ended(struct ticket *t, int64_t code)
{
    struct hooking *h = t->hooking;
    struct err e = {0};

    if (code != 0) {
        (void)err_set(&e, ERR_USER, "%s failed with exit code %lld", hook_words(t),
                      (long long)code);
        hook_failed(t, e);
        return;
    }
    if (++h->step < h->hooks.n) {
        begin_step(t);
        return;
    }
    int rc = keep(t, HOOKS_DONE, NULL, &e);

    ticket_end(t, rc < 0 ? &e : NULL);
}

/* ---- the end of one that was begun ---- */

static void ask_exec(void *user);
static void start_exec(struct ticket *t);

static void too_long(struct ticket *t)
{
    struct err e = {0};

    (void)err_set(&e, ERR_USER, "%s has not ended within %lld s; it is left to run", hook_words(t),
                  (long long)(hook_timeout_ms(&t->hooking->hooks.v[t->hooking->step]) / 1000));
    hook_failed(t, e);
}

static void on_exec(void *user, const struct http_reply *reply)
{
    struct ticket *t = user;
    struct hooking *h = t->hooking;
    struct err e = {0};

    t->call = NULL;
    if (ticket_stale(t))
        return;
    if (!reply->err.kind && reply->status == 404) {
        (void)err_set(&e, ERR_USER,
                      "%s was begun, and the engine does not know any more how it ended; "
                      "\"evenkeel restart\" runs it again",
                      hook_words(t));
        hook_failed(t, e);
        return;
    }
    if (reply->err.kind || reply->status >= 300) {
        (void)docker_failure(reply, &e);
        cannot_run(t, e);
        return;
    }
    json_t *v = js_parse(reply->body, reply->n, &e);
    bool runs = js_bool(v, "Running", false), ended = json_is_integer(js_at(v, "ExitCode"));
    int64_t code = js_int(v, "ExitCode", 0);

    json_decref(v);
    if (!v)
        cannot_run(t, e);
    else if (!runs && ended)
        step_ended(t, code);
    else if (!runs)
        start_exec(t);
    else if (http_now_ms() >= h->until_ms)
        too_long(t);
    else
        ticket_after(t, POLL_MS, ask_exec);
}

static void ask_exec(void *user)
{
    struct ticket *t = user;

    t->timer = NULL;
    ticket_ask(t, "GET", docker_path(t->arena, "/exec/", t->hooking->exec, "/json"), NULL, on_exec);
}

/* ---- running ---- */

static void keep_line(void *user, bool is_stderr, const char *line, size_t n)
{
    struct ticket *t = user;
    struct strv *l = &t->hooking->lines;

    (void)is_stderr;
    if (l->n >= 2 * TAIL_LINES) { /* an endless talker must not fill the arena with pointers */
        memmove(l->v, &l->v[l->n - TAIL_LINES], TAIL_LINES * sizeof(l->v[0]));
        l->n = TAIL_LINES;
    }
    while (n > 0 && line[n - 1] == '\r')
        n--;
    if (n == 0 || arena_used(t->arena) > TALK_MOST)
        return;
    strv_push(t->arena, l,
              arena_strndup(t->arena, line, n < TAIL_LINE_BYTES ? n : TAIL_LINE_BYTES));
}

static bool on_output(void *user, const char *bytes, size_t n)
{
    struct ticket *t = user;

    log_frames_feed(&t->hooking->frames, bytes, n, keep_line, t);
    return true;
}

static void on_deadline(void *user)
{
    struct ticket *t = user;

    t->timer = NULL;
    docker_drop(t->d, TAKE(t->call));
    log_frames_end(&t->hooking->frames, keep_line, t);
    too_long(t);
}

static void on_over(void *user, const struct http_reply *reply)
{
    struct ticket *t = user;
    struct err e = {0};

    t->call = NULL;
    http_timer_cancel(t->d->http, TAKE(t->timer));
    log_frames_end(&t->hooking->frames, keep_line, t);
    if (ticket_stale(t))
        return;
    if (!reply->err.kind && reply->status >= 300) {
        (void)docker_failure(reply, &e);
        (void)err_wrap(&e, "%s could not be run", hook_words(t));
        e.kind = ERR_USER;
        hook_failed(t, e);
        return;
    }
    ask_exec(t); /* a connection that broke says nothing of the hook */
}

static void start_exec(struct ticket *t)
{
    struct hooking *h = t->hooking;

    ticket_after(t, h->until_ms - http_now_ms() > 1 ? h->until_ms - http_now_ms() : 1, on_deadline);
    t->call = docker_send(t->d, &(struct http_request){
                                    .method = "POST",
                                    .path = docker_path(t->arena, "/exec/", h->exec, "/start"),
                                    .body = "{\"Detach\":false,\"Tty\":false}",
                                    .stream = true,
                                    .data = on_output,
                                    .done = on_over,
                                    .user = t,
                                });
}

static void on_made(void *user, const struct http_reply *reply)
{
    struct ticket *t = user;
    struct hooking *h = t->hooking;
    struct err e = {0};

    t->call = NULL;
    if (ticket_stale(t))
        return;
    if (reply->err.kind || reply->status >= 300) {
        (void)docker_failure(reply, &e);
        cannot_run(t, e);
        return;
    }
    json_t *v = js_parse(reply->body, reply->n, &e);

    h->exec = arena_strdup(t->arena, js_str(v, "Id", NULL));
    json_decref(v);
    if (!h->exec && !e.kind)
        (void)err_set(&e, ERR_RETRY, "the engine gave it no id");
    if (e.kind || keep(t, HOOKS_RUNNING, NULL, &e) < 0)
        cannot_run(t, e);
    else
        start_exec(t);
}

static void begin_step(struct ticket *t)
{
    struct hooking *h = t->hooking;
    const struct exec_hook *hook = &h->hooks.v[h->step];
    CLEANUP(str_release) struct str body = STR_INIT;
    struct strv environment = {0};

    for (size_t i = 0; i < hook->environment.n; i++)
        strv_push(t->arena, &environment,
                  arena_printf(t->arena, "%s=%s", hook->environment.v[i].key,
                               hook->environment.v[i].value));
    json_t *v =
        json_pack("{s:b, s:b, s:o, s:o*, s:b, s:s*, s:s*}", "AttachStdout", 1, "AttachStderr", 1,
                  "Cmd", js_from_strv(&hook->command.argv), "Env",
                  environment.n ? js_from_strv(&environment) : NULL, "Privileged",
                  hook->privileged == TRI_YES, "User", hook->user, "WorkingDir", hook->working_dir);

    js_canonical(v, &body);
    json_decref(v);
    h->lines.n = 0;
    h->until_ms = http_now_ms() + hook_timeout_ms(hook);
    ticket_ask(t, "POST", docker_path(t->arena, "/containers/", h->container, "/exec"),
               str_text(&body), on_made);
}

/* ---- the beginning ---- */

/* What was run before a stop that then was not made, is run before the next one. */
static bool is_stale(const struct hooking *h, const struct hook_record *r)
{
    return is_before_stop(h) && r->state != HOOKS_RUNNING &&
           (int64_t)time(NULL) * 1000 - r->written_ms > STOP_FOLLOWS_MS;
}

/* True: what the record says of this very start is the answer. */
static bool told_by_record(struct ticket *t, const struct hook_record *r)
{
    struct hooking *h = t->hooking;
    struct err e = {0};

    if (r->started_ms != h->started_ms || is_stale(h, r))
        return false;

    switch (r->state) {
    case HOOKS_DONE: ticket_end(t, NULL); return true;
    case HOOKS_FAILED:
        if (!is_before_stop(h))
            (void)err_set(&e, ERR_USER, "%s", r->error ? r->error : "a hook failed");
        ticket_end(t, e.kind ? &e : NULL);
        return true;
    case HOOKS_RUNNING:
        if (!r->exec || r->step >= h->hooks.n)
            return false;
        h->step = r->step;
        h->exec = r->exec;
        h->until_ms = http_now_ms() + hook_timeout_ms(&h->hooks.v[h->step]);
        ask_exec(t);
        return true;
    }
    return false;
}

static void not_running(struct ticket *t, const struct obs_container *c)
{
    struct err e = {0};

    if (!is_before_stop(t->hooking))
        (void)err_set(&e, ERR_USER, "container %s is %s, so %s cannot run in it", c->name,
                      container_state_name(c->state), t->hooking->kind);
    ticket_end(t, e.kind ? &e : NULL);
}

static void on_container(void *user, const struct http_reply *reply)
{
    struct ticket *t = user;
    struct hooking *h = t->hooking;
    struct hook_record r;
    struct obs_container c;
    struct err e = {0};

    t->call = NULL;
    if (ticket_stale(t))
        return;
    if (reply->err.kind || reply->status >= 300) {
        bool gone = !reply->err.kind && reply->status == 404 && is_before_stop(h);

        (void)docker_failure(reply, &e);
        ticket_end(t, gone ? NULL : &e);
        return;
    }
    if (engine_decode_container(reply->body, reply->n, t->arena, &c, &e) < 0) {
        ticket_end(t, &e);
        return;
    }
    h->container = c.id;
    h->name = c.name;
    h->started_ms = c.started_ms;
    if (c.state != CS_RUNNING)
        not_running(t, &c);
    else if (!hook_folder_get(t->d->hooks, c.id, h->kind, t->arena, &r) || !told_by_record(t, &r))
        begin_step(t);
}

void docker_hook_begin(struct ticket *t)
{
    struct hooking *h = ARENA_NEW(t->arena, struct hooking);
    struct err e = {0};

    t->hooking = h;
    h->kind = t->op->name;
    if (!t->d->hooks)
        (void)err_set(&e, ERR_USER, "there is no folder for records of hooks here");
    else
        (void)hooks_parse(t->op->body, t->arena, &h->hooks, &e);
    if (e.kind) {
        ticket_fail(t, &e);
        return;
    }
    t->deadline_ms = http_now_ms() + hooks_timeout_ms(&h->hooks) + SHORT_CALLS_MS;
    ticket_ask(t, "GET", docker_path(t->arena, "/containers/", t->op->object, "/json"), NULL,
               on_container);
}

static bool is_known(void *user, const char *container)
{
    const struct docker *d = user;

    return mirror_container(d->mirror, container) != NULL;
}

void docker_hook_sweep(struct docker *d)
{
    if (d->hooks)
        hook_folder_sweep(d->hooks, is_known, d);
}

void docker_hook_forget(struct docker *d, const char *container)
{
    const struct obs_container *c = mirror_container(d->mirror, container);

    if (d->hooks)
        hook_folder_drop(d->hooks, c ? c->id : container);
}

void docker_use_hooks(struct driver *driver, struct hook_folder *folder)
{
    ((struct docker *)driver)->hooks = folder;
}
