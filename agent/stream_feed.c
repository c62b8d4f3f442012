/* What happens in the agent, as events.
 *
 * Comes in: the recorder's calls, verdicts, drift, records of the audit log. Goes out: one event each. Progress comes many times a second: of each action a few are told, and only while somebody
 * listens. Texts of strangers are escaped, so that each is valid text and a line stays one line. */
#include "agent/stream_feed.h"

#include "agent/audit.h"
#include "agent/core.h"
#include "agent/stream.h"
#include "drivers/driver.h"
#include "reconcile/run.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"

enum { PROGRESS_MS = 500, RECENT = 32 };

struct stream_feed {
    struct stream *stream;
    struct { /* when an action was told of last */
        const struct action *action;
        int64_t ms;
    } recent[RECENT];
    size_t at;
};

/* Takes v. */
static void tell(struct stream *s, struct stream_event *e, json_t *v)
{
    char *json = v ? json_dumps(v, JSON_COMPACT) : NULL;

    e->json = json;
    e->need = e->need ? e->need : ROLE_VIEWER;
    if (s && json)
        stream_tell(s, e);
    free(json);
    json_decref(v);
}

static const char *shown(struct str *out, const char *text)
{
    if (!text)
        return NULL;
    str_add_escaped(out, text);
    return str_text(out);
}

/* ---- verdicts, drift, notices ---- */

void stream_feed_state(struct stream_feed *f, const char *app, enum app_state state,
                       const char *why)
{
    CLEANUP(str_release) struct str reason = STR_INIT, text = STR_INIT;
    const char *said = shown(&reason, why);

    str_addf(&text, "%s is %s%s%s\n", app, app_state_name(state), said ? ": " : "",
             said ? said : "");
    tell(f->stream, &(struct stream_event){.type = "app", .app = app, .text = str_text(&text)},
         json_pack("{s:s, s:s, s:s*}", "app", app, "state", app_state_name(state), "why", said));
}

void stream_feed_drift(struct stream_feed *f, const struct drift_item *items, size_t n)
{
    if (n == 0)
        return;
    tell(f->stream, &(struct stream_event){.type = "drift", .app = items[0].app},
         drift_to_json(items, n));
}

void stream_feed_notice(struct stream_feed *f, const char *level, const char *app, const char *text)
{
    CLEANUP(str_release) struct str said = STR_INIT;

    tell(f->stream, &(struct stream_event){.type = "notice", .app = app},
         json_pack("{s:s, s:s*, s:s}", "level", level, "app", app, "text", shown(&said, text)));
}

void stream_feed_audit(struct stream *s, const struct audit_entry *x)
{
    CLEANUP(str_release) struct str did = STR_INIT, from = STR_INIT, detail = STR_INIT;

    tell(s,
         &(struct stream_event){
             .type = "audit", .app = x->app && *x->app ? x->app : NULL, .need = ROLE_ADMIN},
         json_pack("{s:s, s:s*, s:s*, s:s*, s:s*, s:s*}", "by", x->by ? x->by : "", "from",
                   shown(&from, x->from), "did", shown(&did, x->did), "app", x->app, "outcome",
                   x->outcome, "detail", shown(&detail, x->detail)));
}

/* ---- runs ---- */

static void run_started(void *ctx, const struct run *r, const struct plan_app *part)
{
    CLEANUP(str_release) struct str cause = STR_INIT, text = STR_INIT;
    const struct stream_feed *f = ctx;
    const char *why = part->why;
    size_t n = 0;

    for (size_t i = part->n_actions; i-- > 0;) {
        n += part->actions[i].when == WHEN_OK;
        why = part->actions[i].cause ? part->actions[i].cause : why;
    }
    (void)shown(&cause, why);
    str_addf(&text, "%zu action%s: %s\n", n, n == 1 ? "" : "s", str_text(&cause));
    tell(f->stream,
         &(struct stream_event){.type = "run", .app = run_app(r), .text = str_text(&text)},
         json_pack("{s:s, s:I, s:s, s:I, s:s}", "app", run_app(r), "run", (json_int_t)run_id(r),
                   "phase", "started", "actions", (json_int_t)n, "why", str_text(&cause)));
}

static void run_ended(void *ctx, const struct run *r, enum run_end how, const struct err *failure)
{
    static const char *const words[] = {
        [RUN_DONE] = "done", [RUN_FAILED] = "failed", [RUN_SUPERSEDED] = "superseded"};
    CLEANUP(str_release) struct str why = STR_INIT;
    const struct stream_feed *f = ctx;
    bool failed = how == RUN_FAILED && failure;

    tell(f->stream, &(struct stream_event){.type = "run", .app = run_app(r)},
         json_pack("{s:s, s:I, s:s, s:s*}", "app", run_app(r), "run", (json_int_t)run_id(r),
                   "phase", words[how], "why", shown(&why, failed ? failure->msg : NULL)));
}

/* ---- actions ---- */

static void action_event(const struct stream_feed *f, const struct run *r, const struct action *a,
                         const char *phase, const char *text, json_t *more)
{
    CLEANUP(str_release) struct str what = STR_INIT, safe = STR_INIT;

    action_print(a, &what);
    (void)shown(&safe, str_text(&what));
    json_t *v = json_pack("{s:s, s:I, s:s, s:s}", "app", run_app(r), "run", (json_int_t)run_id(r),
                          "action", str_text(&safe), "phase", phase);

    if (v && more)
        (void)json_object_update(v, more);
    json_decref(more);
    tell(f->stream, &(struct stream_event){.type = "action", .app = run_app(r), .text = text}, v);
}

static void action_started(void *ctx, const struct run *r, const struct action *a)
{
    action_event(ctx, r, a, "started", NULL, NULL);
}

/* True when this action was told of a moment ago. */
static bool too_soon(struct stream_feed *f, const struct action *a)
{
    int64_t now = core_monotonic_ms();

    for (size_t i = 0; i < RECENT; i++) {
        if (f->recent[i].action != a)
            continue;
        if (now - f->recent[i].ms < PROGRESS_MS)
            return true;
        f->recent[i].ms = now;
        return false;
    }
    f->recent[f->at].action = a;
    f->recent[f->at].ms = now;
    f->at = (f->at + 1) % RECENT;
    return false;
}

/* What a builder says is kept in its log; here only who waits for the app hears it, as it comes. */
static void builder_says(const struct stream_feed *f, const struct run *r, const char *line)
{
    CLEANUP(str_release) struct str text = STR_INIT;

    str_add(&text, "  | ");
    str_add_escaped(&text, line);
    str_add(&text, "\n");
    stream_tell(f->stream, &(struct stream_event){
                               .app = run_app(r), .need = ROLE_VIEWER, .text = str_text(&text)});
}

static void action_progress(void *ctx, const struct run *r, const struct action *a,
                            const char *text, double fraction)
{
    CLEANUP(str_release) struct str said = STR_INIT, line = STR_INIT;
    struct stream_feed *f = ctx;

    if (!f->stream || !stream_heard(f->stream))
        return;
    if (fraction == OP_PROGRESS_LOG) { /* a mark, never computed */
        builder_says(f, r, text);
        return;
    }
    if (too_soon(f, a))
        return;
    (void)shown(&said, text);
    str_addf(&line, "  %s: %s\n", a->subject, str_text(&said));
    action_event(f, r, a, "progress", str_text(&line),
                 fraction >= 0
                     ? json_pack("{s:s, s:f}", "text", str_text(&said), "fraction", fraction)
                     : json_pack("{s:s}", "text", str_text(&said)));
}

static void add_tail(const char *tail, struct str *out)
{
    while (tail && *tail) {
        CLEANUP(str_release) struct str line = STR_INIT;
        size_t n = strcspn(tail, "\n");

        str_addn(&line, tail, n);
        str_add(out, "  | ");
        str_add_escaped(out, str_text(&line));
        str_add(out, "\n");
        tail += n + (tail[n] == '\n');
    }
}

static void action_ended(void *ctx, const struct run *r, const struct action *a,
                         const struct op_result *result, int64_t took_ms)
{
    CLEANUP(str_release) struct str what = STR_INIT, why = STR_INIT, text = STR_INIT;
    const struct stream_feed *f = ctx;
    bool failed = result->err.kind != ERR_NONE;

    if (result->err.kind == ERR_STALE)
        return; /* it was never begun, or its run was overtaken */
    action_print(a, &what);
    (void)shown(&why, failed ? result->err.msg : NULL);
    str_addf(&text, "  %s: ", str_text(&what));
    if (failed)
        str_addf(&text, "%s\n", str_text(&why));
    else
        str_addf(&text, "done in %lld ms\n", (long long)took_ms);
    add_tail(result->log_tail, &text);
    action_event(f, r, a, failed ? "failed" : "done", str_text(&text),
                 json_pack("{s:I, s:s*}", "took_ms", (json_int_t)took_ms, "why",
                           failed ? str_text(&why) : NULL));
}

struct stream_feed *stream_feed_new(struct stream *s)
{
    struct stream_feed *f = xcalloc(1, sizeof(*f));

    f->stream = s;
    return f;
}

void stream_feed_free(struct stream_feed *f)
{
    free(f);
}

struct recorder stream_feed_recorder(struct stream_feed *f)
{
    return (struct recorder){
        .run_started = run_started,
        .action_started = action_started,
        .action_progress = action_progress,
        .action_ended = action_ended,
        .run_ended = run_ended,
        .ctx = f,
    };
}
