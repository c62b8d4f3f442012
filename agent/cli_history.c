/* history: what the diary holds, newest first.
 *
 * Comes in: the store's rows. Goes out: one line each on a terminal, or JSON. Needs neither engine nor agent. */
#include "agent/cli.h"
#include "agent/cli_common.h"
#include "agent/progress.h"
#include "agent/store.h"
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

int cli_history(const struct options *o)
{
    struct err e = {0};
    struct printer p = {.colour = terminal_colour(stdout), .list = o->json ? json_array() : NULL};
    const char *app = o->words.n ? o->words.v[0] : NULL;
    int rc = 0;
    if (store_history(o->state, app, o->limit, o->actions || o->json, put_entry, &p, &e) < 0 &&
        e.kind != ERR_MISSING)
        rc = cli_fail(&e);
    else if (o->json)
        cli_put_json(p.list);
    else if (p.n == 0)
        printf("nothing has been recorded%s%s in %s\n", app ? " for " : "", app ? app : "",
               o->state);
    json_decref(p.list);
    return rc;
}
