/* What the verbs share.
 *
 * Comes in: options. Goes out: an opened core with files read and engine looked at; text on the terminal. */
#include "agent/cli_common.h"

#include "agent/cli.h"
#include "agent/lock.h"
#include "agent/progress.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"

int cli_fail(const struct err *e)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    str_add_escaped(&text, e->msg);
    bool colour = terminal_colour(stderr);
    (void)fprintf(stderr, "%sevenkeel:%s %s\n", colour ? "\033[31m" : "", colour ? "\033[0m" : "",
                  str_text(&text));
    return 1;
}

size_t cli_diags(const struct diag_list *l, bool notes)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    for (size_t i = 0; i < l->n; i++)
        if (notes || l->v[i].level != DIAG_NOTE)
            diag_print(&l->v[i], true, &text);
    (void)fputs(str_text(&text), stderr);
    return l->errors;
}

size_t cli_core_diags(const struct core *c)
{
    const struct spec_set *set = sources_set(c->sources);
    const struct spec_file *const *files =
        c->desired ? c->desired->files : set->files; /* with the specs inside archives */
    size_t errors = 0, n = c->desired ? c->desired->n_files : set->n_files;
    for (size_t i = 0; i < n; i++)
        errors += cli_diags(&files[i]->diags, false);
    for (size_t i = 0; i < set->n_overrides; i++)
        errors += cli_diags(&set->overrides[i]->diags, false);
    if (c->desired)
        errors += cli_diags(&c->desired->diags, false);
    return errors;
}

/* Names of all apps: wanted ones and those the engine has of ours. */
static void known_apps(const struct core *c, struct arena *a, struct strv *ret)
{
    for (size_t i = 0; i < c->desired->n_apps; i++)
        strv_push(a, ret, c->desired->apps[i].name);
    for (size_t i = 0; i < c->desired->removed.n; i++)
        strv_push(a, ret, c->desired->removed.v[i]);
    if (!c->driver)
        return;
    const struct observed *o = c->driver->ops->observed(c->driver, a);
    for (size_t i = 0; i < o->n_containers; i++)
        if (o->containers[i].app && !strv_has(ret, o->containers[i].app))
            strv_push(a, ret, o->containers[i].app);
}

int cli_check_words(const struct core *c, const struct options *o, struct err *e)
{
    struct arena *a = arena_new();
    struct strv known = {0};
    int rc = 0;
    known_apps(c, a, &known);
    for (size_t i = 0; i < o->words.n && rc == 0; i++) {
        if (strv_has(&known, o->words.v[i]))
            continue;
        const char *near = str_nearest(o->words.v[i], known.v, known.n);
        rc = err_set(e, ERR_USER, "there is no app \"%s\"%s%s%s", o->words.v[i],
                     near ? "; did you mean \"" : "",
                     near ? near : " in the roots or the engine; `evenkeel status` lists them",
                     near ? "\"?" : "");
    }
    arena_free(a);
    return rc;
}

int cli_core_open(struct core *c, const struct options *o, bool inspect, struct err *e)
{
    if (core_open(c, o, CORE_FILES | CORE_ENGINE, e) < 0)
        return -1;
    if (core_gather(c, inspect, e) < 0)
        return -1;
    core_load_history(c);
    if (lock_owner(o->state).pid && lock_owner(o->state).role == LOCK_AGENT)
        memo_watch(c->memo);
    return cli_check_words(c, o, e);
}

void cli_core_plan(struct core *c, struct arena *a, struct core_pass *ret)
{
    core_plan(c, &c->options->words, NULL, NULL, a, ret);
}

void cli_put(const struct str *s)
{
    (void)fwrite(str_text(s), 1, s->len, stdout);
    (void)fflush(stdout);
}

void cli_put_json(const json_t *v)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    js_pretty(v, &text);
    cli_put(&text);
}

int cli_since_ms(const struct options *o, int64_t *ret, struct err *e)
{
    int64_t v;
    *ret = 0;
    if (!o->since)
        return 0;
    if (parse_duration_ns(o->since, &v) == 0)
        *ret = core_now_ms() - v / 1000000;
    else if (parse_time_ms(o->since, &v) == 0)
        *ret = v;
    else
        return err_set(
            e, ERR_USER,
            "--since wants a duration (10m) or a time (2026-11-22T10:00:00Z), not \"%s\"",
            o->since);
    return 0;
}
