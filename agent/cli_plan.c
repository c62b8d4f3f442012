/* plan, drift and replay: the verbs that only show.
 *
 * Comes in: options. Goes out: a plan or its differences as text, JSON or a graph, and the promised exit code. Changes nothing anywhere. */
#include <unistd.h>

#include "agent/cli.h"
#include "agent/cli_common.h"
#include "agent/ingress_words.h"
#include "agent/progress.h"
#include "agent/saved.h"
#include "agent/store.h"
#include "drivers/fsx.h"
#include "reconcile/drift_report.h"
#include "spec/base/arena.h"
#include "spec/limits.h"

static void show(const struct plan *plan, const struct options *o)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    if (o->json) {
        json_auto_t *v = plan_to_json(plan);
        cli_put_json(v);
        return;
    }
    struct plan_style style = {.colour = terminal_colour(stdout), .verbose = o->verbose};
    if (o->dot)
        plan_to_dot(plan, &text);
    else
        plan_print(plan, &style, &text);
    cli_put(&text);
}

/* Where what is planned will answer, and what people must see to themselves. */
static void show_ingress(const struct core *c, const struct core_pass *p, struct arena *a)
{
    struct ingress_certificate *v;
    struct strv lines = {0};
    size_t n;
    for (size_t i = 0; i < p->plan->n_apps; i++) {
        const struct want_app *app = desired_app(p->input.desired, p->plan->apps[i].name);
        const char *where = app ? ingress_words_addresses(app, a) : NULL;
        if (where && p->plan->apps[i].n_actions > 0 && app->state == WISH_RUNNING)
            strv_push(a, &lines, arena_printf(a, "%s will answer at %s", app->name, where));
    }
    ingress_words_certificates(p->input.desired, c->set, a, &v, &n);
    ingress_words_ending(v, n, core_now_ms(), a, &lines);
    for (size_t i = 0; i < lines.n; i++)
        printf("%s\n", lines.v[i]);
}

/* Which file each variable of a Compose file came from; never its value. */
static void show_variables(const struct core_pass *p)
{
    for (size_t i = 0; i < p->plan->n_apps; i++) {
        const struct want_app *app = desired_app(p->input.desired, p->plan->apps[i].name);
        for (size_t k = 0; app && k < app->variables.n; k++)
            if (*app->variables.v[k].value)
                printf("%s: variable %s from %s\n", app->name, app->variables.v[k].key,
                       app->variables.v[k].value);
    }
}

int cli_plan(const struct options *o)
{
    struct err e = {0};
    struct core c;
    struct arena *a = arena_new();
    int rc = 1;
    if (cli_core_open(&c, o, true, &e) == 0) {
        struct core_pass p;
        size_t errors = cli_core_diags(&c);
        cli_core_plan(&c, a, &p);
        show(p.plan, o);
        if (!o->json && !o->dot)
            show_ingress(&c, &p, a);
        if (o->verbose && !o->json && !o->dot)
            show_variables(&p);
        rc = errors > 0 ? 1 : plan_empty(p.plan) ? 0 : 2;
    } else {
        (void)cli_fail(&e);
    }
    arena_free(a);
    core_close(&c);
    return rc;
}

/* ---- drift ---- */

static void drift_show(const struct drift_report *r, const struct options *o)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    if (o->json) {
        json_auto_t *v = drift_to_json(r->items, r->n);
        cli_put_json(v);
        return;
    }
    if (o->html)
        drift_html(r, &text);
    else if (o->junit)
        drift_junit(r, &text);
    else
        drift_print(r, terminal_colour(stdout), &text);
    cli_put(&text);
}

int cli_drift(const struct options *o)
{
    struct err e = {0};
    struct core c;
    if (o->json + o->html + o->junit > 1) {
        (void)err_set(&e, ERR_USER, "one report at a time: --json, --html or --junit");
        return cli_fail(&e);
    }
    struct arena *a = arena_new();
    int rc = 1;
    if (cli_core_open(&c, o, true, &e) == 0) {
        struct core_pass p;
        (void)cli_core_diags(&c);
        cli_core_plan(&c, a, &p);
        struct drift_item *items;
        size_t n = drift_items(p.plan, a, &items);
        drift_show(&(struct drift_report){.plan = p.plan,
                                          .items = items,
                                          .n = n,
                                          .now_ms = p.input.now_ms,
                                          .owner = o->settings.owner,
                                          .engine = p.input.observed->engine_version},
                   o);
        rc = drift_count(items, n) > 0 ? 2 : 0;
    } else {
        (void)cli_fail(&e);
    }
    arena_free(a);
    core_close(&c);
    return rc;
}

/* ---- replay ---- */

static void list_pass(void *user, int64_t pass, int64_t ms, const char *trigger,
                      const char *plan_text)
{
    (void)user;
    CLEANUP(str_release) struct str line = STR_INIT;
    str_addf(&line, "%6lld  ", (long long)pass);
    str_add_time(&line, ms);
    str_addf(&line, "  %s", trigger);
    const char *last = plan_text ? plan_text : "";
    size_t n = strlen(last);
    while (n > 0 && last[n - 1] == '\n')
        n--;
    size_t from = n;
    while (from > 0 && last[from - 1] != '\n')
        from--;
    str_add(&line, "  ");
    str_addn(&line, last + from, n - from);
    puts(str_text(&line));
}

static int replay_read(const struct options *o, struct arena *a, const char **text, size_t *n,
                       struct err *e)
{
    int64_t pass = 0;
    if (o->pass && parse_int64(o->pass, 1, INT64_MAX, &pass) < 0)
        return err_set(e, ERR_USER,
                       "--pass wants the number of a saved pass, not \"%s\"; `evenkeel replay "
                       "list` names them",
                       o->pass);
    if (o->words.n > 0)
        return fsx_read(o->words.v[0], LIMIT_REPLY_BYTES, a, text, n, NULL, e);
    return store_pass_read(o->state, pass, a, text, n, e);
}

int cli_replay(const struct options *o)
{
    struct err e = {0};
    struct plan_input in;
    const char *text;
    size_t n;
    if (o->words.n == 1 && strcmp(o->words.v[0], "list") == 0)
        return store_passes(o->state, o->limit, list_pass, NULL, &e) < 0 ? cli_fail(&e) : 0;
    struct arena *a = arena_new();
    int rc = 0;
    if (replay_read(o, a, &text, &n, &e) == 0 && saved_read(text, n, a, &in, &e) == 0)
        show(plan_build(&in, a), o);
    else
        rc = cli_fail(&e);
    arena_free(a);
    return rc;
}
