/* history: what the diary holds, newest first.
 *
 * Comes in: the store's rows. Goes out: one line each on a terminal, or JSON. Needs neither engine nor agent. */
#include "agent/cli.h"
#include "agent/cli_common.h"
#include "agent/progress.h"
#include "agent/store.h"
#include "reconcile/drift_report.h"
#include "spec/base/arena.h"

struct printer {
    bool colour;
    json_t *list; /* NULL: text */
    size_t n;
};

static void put_text(const struct printer *p, const struct store_entry *x)
{
    CLEANUP(str_release) struct str line = STR_INIT;
    bool action = strcmp(x->what, "action") == 0;
    bool bad = x->error || (x->result && strcmp(x->result, "failed") == 0);
    str_add_time(&line, x->ms);
    str_addf(&line, "  %s%-20s %-8s ", action ? "  " : "", x->app ? x->app : "", x->what);
    if (x->result)
        str_addf(&line, "%s%s%s ", p->colour ? (bad ? "\033[31m" : "\033[32m") : "", x->result,
                 p->colour ? "\033[0m" : "");
    str_add_escaped(&line, x->text ? x->text : "");
    if (x->took_ms > 0)
        str_addf(&line, " (%.1f s)", (double)x->took_ms / 1000);
    if (x->error) {
        str_add(&line, ": ");
        str_add_escaped(&line, x->error);
    }
    puts(str_text(&line));
}

static void put_entry(void *user, const struct store_entry *x)
{
    struct printer *p = user;
    p->n++;
    if (!p->list) {
        put_text(p, x);
        return;
    }
    CLEANUP(str_release) struct str time = STR_INIT;
    str_add_time(&time, x->ms);
    json_array_append_new(p->list,
                          json_pack("{s:s, s:I, s:s*, s:s, s:s*, s:s*, s:s*, s:I}", "time",
                                    str_text(&time), "run", (json_int_t)x->run, "app", x->app,
                                    "what", x->what, "result", x->result, "text", x->text, "error",
                                    x->error, "took_ms", (json_int_t)x->took_ms));
}

/* ---- drift ---- */

static void put_drift_text(const struct printer *p, const struct store_drift *d)
{
    CLEANUP(str_release) struct str line = STR_INIT;
    struct difference found = {.change = {d->field, d->want, d->have}};
    str_add_time(&line, d->ms);
    str_addf(&line, "  %-20s ", d->app);
    str_add_escaped(&line, d->object);
    str_addf(&line, ": %s", p->colour ? "\033[33m" : "");
    str_add_escaped(&line, d->field);
    str_addf(&line, "%s: ", p->colour ? "\033[0m" : "");
    drift_add_values(&found, &line);
    if (d->cause) {
        str_add(&line, " (");
        str_add_escaped(&line, d->cause);
        str_addc(&line, ')');
    }
    str_add(&line, d->ended_ms ? "; over at " : "; still so");
    if (d->ended_ms)
        str_add_time(&line, d->ended_ms);
    puts(str_text(&line));
}

static json_t *time_or_null(int64_t ms)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    if (!ms)
        return NULL;
    str_add_time(&text, ms);
    return json_string(str_text(&text));
}

static void put_drift(void *user, const struct store_drift *d)
{
    struct printer *p = user;
    p->n++;
    if (!p->list) {
        put_drift_text(p, d);
        return;
    }
    json_array_append_new(p->list,
                          json_pack("{s:o, s:s, s:s, s:s, s:s*, s:s*, s:s*, s:s*, s:o*, s:o*}",
                                    "time", time_or_null(d->ms), "app", d->app, "object", d->object,
                                    "field", d->field, "want", d->want, "have", d->have, "cause",
                                    d->cause, "event", d->event, "when", time_or_null(d->when_ms),
                                    "ended", time_or_null(d->ended_ms)));
}

int cli_history(const struct options *o)
{
    struct err e = {0};
    struct printer p = {.colour = terminal_colour(stdout), .list = o->json ? json_array() : NULL};
    const char *app = o->words.n ? o->words.v[0] : NULL;
    const struct strv one = {.v = &app, .n = 1};
    int rc = 0;
    int read = o->drift ? store_drifts(o->state, app, false, o->limit, put_drift, &p, &e)
                        : store_history(o->state, app ? &one : NULL, o->limit,
                                        o->actions || o->json, put_entry, &p, &e);
    if (read < 0 && e.kind != ERR_MISSING)
        rc = cli_fail(&e);
    else if (o->json)
        cli_put_json(p.list);
    else if (p.n == 0)
        printf("no%s has been recorded%s%s in %s\n", o->drift ? " drift" : "thing",
               app ? " for " : "", app ? app : "", o->state);
    json_decref(p.list);
    return rc;
}
