/* What stays open: events, logs of containers, waiting for an app; and the logs of builds.
 *
 * Comes in: what somebody wants to hear. Goes out: a client of the stream (stream.h), which has the connection from then on, so that no thread of the listener stays with it. Refuses apps that the caller may not
 * see, and more clients than there are places for. Who was let in is asked for its session or token again and again: door_stream_good. */
#include "agent/buildlog.h"
#include "agent/core.h"
#include "agent/door_loop.h"
#include "agent/door_parts.h"
#include "agent/problem.h"
#include "agent/stream.h"
#include "spec/base/arena.h"

#define WAIT_DEFAULT_MS INT64_C(900000)
#define WAIT_MAX_MS INT64_C(3600000)

enum { TAIL_DEFAULT = 200, TAIL_MAX = 1000000, INDEX_MAX = 100000 };

/* ---- who ---- */

/* "s2ID": a session that must still be of a deployer (2); "t0ID": a token. NULL: the row was open to this caller without one. */
static const char *credential_of(struct door_call *c)
{
    switch (c->caller.caller) {
    case CALLER_SESSION: return arena_printf(c->a, "s%d%s", (int)c->caller.role, c->session_id);
    case CALLER_TOKEN: return arena_printf(c->a, "t0%s", c->token.id);
    case CALLER_NOBODY:
    case CALLER_BAD: return NULL;
    }
    return NULL;
}

bool door_stream_good(void *ctx, const char *credential)
{
    const struct door *d = ctx;
    char account[LIMIT_ACCOUNT_NAME + 1];

    if (credential[0] == 't')
        return tokens_good(d->tokens, credential + 2, core_now_ms());
    return sessions_peek(d->sessions, credential + 2, core_monotonic_ms(), account) &&
           (int)auth_role(d->auth, account) >= credential[1] - '0';
}

void door_stream_gone(void *ctx, uint64_t client)
{
    const struct door *d = ctx;

    if (d->loop)
        door_loop_gone(d->loop, client);
}

/* ---- opening ---- */

static void no_place(struct web_reply *ret)
{
    problem_reply(ret, 503, "all places for what stays open are taken",
                  "ask again in a while, or close some");
    str_add(&ret->headers, "Retry-After: 10\r\n");
}

/* Fills in what all have in common. -1 with ret filled: there is no place. */
static int open_stream(struct door_call *c, struct stream_want *w, const char *type,
                       struct web_reply *ret)
{
    w->role = c->caller.role;
    w->only = c->caller.apps;
    w->chunked = c->r->chunks;
    w->credential = credential_of(c);
    w->last_event_id = c->r->last_event_id;
    ret->stream = c->door->stream && c->door->loop ? stream_client_new(c->door->stream, w) : NULL;
    if (!ret->stream) {
        no_place(ret);
        return -1;
    }
    ret->status = 200;
    ret->type = type;
    return 0;
}

/* "blog,shop" of the query. -1 with ret filled. */
static int apps_of(struct door_call *c, struct strv *ret_apps, struct web_reply *ret)
{
    const char *text = door_form_value(c->r->query, "app", c->a);
    char *copy = text ? arena_strdup(c->a, text) : NULL, *save = NULL;

    for (char *x = copy ? strtok_r(copy, ",", &save) : NULL; x; x = strtok_r(NULL, ",", &save)) {
        if (!app_name_valid(x)) {
            problem_reply(ret, 422, "`app` is a list of names with commas between", NULL);
            return -1;
        }
        if (c->v.filtered && !strv_has(c->caller.apps, x)) {
            problem_reply(ret, 403, "this token is for other apps", NULL);
            return -1;
        }
        strv_push(c->a, ret_apps, x);
    }
    return 0;
}

void door_events(struct door_call *c, struct web_reply *ret)
{
    struct strv apps = {0};
    struct stream_want w = {.kind = STREAM_EVENTS, .sse = true, .apps = &apps};

    if (apps_of(c, &apps, ret) == 0)
        (void)open_stream(c, &w, "text/event-stream", ret);
}

/* ---- logs ---- */

static bool said_yes(struct door_call *c, const char *name)
{
    const char *text = door_form_value(c->r->query, name, c->a);

    return text && (strcmp(text, "1") == 0 || strcmp(text, "true") == 0);
}

/* -1 with ret filled. */
static int number_of(struct door_call *c, const char *name, int64_t max, int *n,
                     struct web_reply *ret)
{
    const char *text = door_form_value(c->r->query, name, c->a);
    int64_t v = 0;

    if (!text)
        return 0;
    if (parse_int64(text, 0, max, &v) < 0) {
        problem_reply(ret, 422,
                      arena_printf(c->a, "`%s` is a number from 0 to %lld", name, (long long)max),
                      NULL);
        return -1;
    }
    *n = (int)v;
    return 0;
}

static int since_of(struct door_call *c, int64_t *since_ms, struct web_reply *ret)
{
    const char *text = door_form_value(c->r->query, "since", c->a);
    int64_t v;

    if (!text)
        return 0;
    if (parse_duration_ns(text, &v) == 0) {
        *since_ms = c->now_ms - v / 1000000;
    } else if (parse_time_ms(text, &v) == 0) {
        *since_ms = v;
    } else {
        problem_reply(ret, 422, "`since` is a duration (10m) or a time (2026-11-22T10:00:00Z)",
                      NULL);
        return -1;
    }
    return 0;
}

static int tail_of(struct door_call *c, int *tail, struct web_reply *ret)
{
    const char *text = door_form_value(c->r->query, "tail", c->a);

    if (text && strcmp(text, "all") == 0) {
        *tail = -1;
        return 0;
    }
    return number_of(c, "tail", TAIL_MAX, tail, ret);
}

void door_logs(struct door_call *c, struct web_reply *ret)
{
    struct stream_want w = {.kind = STREAM_LOGS, .sse = c->r->sse};
    struct door_loop_logs want = {.app = c->v.app,
                                  .service = door_form_value(c->r->query, "service", c->a),
                                  .grep = door_form_value(c->r->query, "grep", c->a),
                                  .tail = TAIL_DEFAULT,
                                  .follow = said_yes(c, "follow"),
                                  .timestamps = said_yes(c, "timestamps")};

    if (!door_known(c, ret) || tail_of(c, &want.tail, ret) < 0 ||
        number_of(c, "index", INDEX_MAX, &want.index, ret) < 0 ||
        since_of(c, &want.since_ms, ret) < 0 ||
        open_stream(c, &w, w.sse ? "text/event-stream" : "text/plain; charset=utf-8", ret) < 0)
        return;
    want.client = stream_client_id(ret->stream);
    door_loop_logs(c->door->loop, &want);
}

void door_builds(struct door_call *c, struct web_reply *ret)
{
    const char *last = strrchr(c->r->path, '/') + 1;
    bool one = !access_fits("/api/v1/apps/{app}/builds", c->r->path, NULL);
    struct buildlog_text *v;
    struct err e = {0};
    int tail = -1;

    if (tail_of(c, &tail, ret) < 0)
        return;
    int n = buildlog_read(c->door->o->state, c->v.app, one ? last : NULL, tail, c->a, &v, &e);

    if (n < 0) {
        problem_error(ret, &e, "an app that names an image is not built");
        return;
    }
    ret->status = 200;
    ret->type = "text/plain; charset=utf-8";
    for (int i = 0; i < n; i++) {
        if (!one)
            str_addf(&ret->body, "%s==> %s <==\n", i > 0 ? "\n" : "", v[i].service);
        str_addn(&ret->body, v[i].text, v[i].n);
    }
}

/* ---- waiting ---- */

static int timeout_of(struct door_call *c, int64_t *ret_ms, struct web_reply *ret)
{
    const char *text = door_form_value(c->r->query, "timeout", c->a);
    int64_t ns = WAIT_DEFAULT_MS * 1000000;

    if (text && (parse_duration_ns(text, &ns) < 0 || ns < INT64_C(1000000000) ||
                 ns > WAIT_MAX_MS * 1000000)) {
        problem_reply(ret, 422, "`timeout` is a duration from 1s to 1h", NULL);
        return -1;
    }
    *ret_ms = ns / 1000000;
    return 0;
}

int door_stream_check_wait(struct door_call *c, struct web_reply *ret)
{
    int64_t ignored;

    if (!said_yes(c, "wait"))
        return 0;
    if (timeout_of(c, &ignored, ret) < 0)
        return -1;
    c->waits =
        c->door->stream && c->door->loop && stream_reserve(c->door->stream, credential_of(c));
    if (c->waits)
        return 0;
    no_place(ret);
    return -1;
}

void door_stream_leave_wait(struct door_call *c)
{
    if (c->waits)
        stream_unreserve(c->door->stream, credential_of(c));
    c->waits = false;
}

void door_stream_wait(struct door_call *c, const char *app, struct web_reply *ret)
{
    struct strv apps = {.v = &app, .n = 1};
    struct stream_want w = {
        .kind = STREAM_WAIT, .apps = &apps, .after = c->heard, .reserved = true};
    struct web_reply other = {0};
    int instead = ret->status;

    if (!c->waits || timeout_of(c, &w.deadline_ms, &other) < 0)
        return;
    c->waits = false; /* it is the client's from here on */
    if (open_stream(c, &w, "text/plain; charset=utf-8", ret) < 0)
        return;
    ret->instead = instead;
    door_loop_wait(c->door->loop, stream_client_id(ret->stream), app,
                   atomic_load(&c->door->placed));
}
