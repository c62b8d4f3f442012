/* What runs do, as log lines.
 *
 * Comes in: the recorder's calls. Goes out: info for what was decided and done, error for what failed, debug for each step. One failure, one line. */
#include "agent/narrate.h"

#include "agent/log.h"
#include "reconcile/run.h"

static void narrate_run_started(void *ctx, const struct run *r, const struct plan_app *part)
{
    (void)ctx;
    (void)r;
    const char *cause = NULL;
    size_t n = 0; /* what is only for putting things back is no promise */
    for (size_t i = 0; i < part->n_actions; i++) {
        n += part->actions[i].when == WHEN_OK;
        cause = cause ? cause : part->actions[i].cause;
    }
    log_line(LOG_INFO, part->name, "%zu action%s: %s", n, n == 1 ? "" : "s",
             cause       ? cause
             : part->why ? part->why
                         : "");
}

static void narrate_tail(const struct run *r, const struct action *a, const char *tail)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    for (const char *at = tail; *at;) {
        size_t n = strcspn(at, "\n");
        str_add(&text, text.len ? " | " : "");
        str_addn(&text, at, n);
        at += n + (at[n] == '\n');
    }
    log_line(LOG_ERROR, run_app(r), "last lines of %s: %s", a->subject, str_text(&text));
}

static void narrate_action_ended(void *ctx, const struct run *r, const struct action *a,
                                 const struct op_result *result, int64_t took_ms)
{
    (void)ctx;
    CLEANUP(str_release) struct str what = STR_INIT;
    action_print(a, &what);
    if (result->err.kind == ERR_NONE)
        log_line(LOG_DEBUG, run_app(r), "%s: done in %lld ms", str_text(&what), (long long)took_ms);
    else if (result->err.kind != ERR_STALE)
        log_line(a->optional ? LOG_WARNING : LOG_ERROR, run_app(r), "%s: %s", str_text(&what),
                 result->err.msg);
    if (result->log_tail)
        narrate_tail(r, a, result->log_tail);
}

static void narrate_run_ended(void *ctx, const struct run *r, enum run_end how,
                              const struct err *failure)
{
    (void)ctx;
    (void)failure;
    if (how == RUN_DONE)
        log_line(LOG_INFO, run_app(r), "done");
    else if (how == RUN_SUPERSEDED)
        log_line(LOG_INFO, run_app(r), "superseded: it changed meanwhile");
}

struct recorder narrate_recorder(void)
{
    return (struct recorder){
        .run_started = narrate_run_started,
        .action_ended = narrate_action_ended,
        .run_ended = narrate_run_ended,
    };
}
