/* stop, start, restart, remove, hold, release: one word each, written as an override file. No spec is ever edited (design law 1).
 *
 * Comes in: app names. Goes out: STATE/overrides/APP.yaml, replaced atomically, or gone when nothing is left to override. The agent sees the file;
 * without an agent the words say that nothing happens until `evenkeel apply`. */
#include <errno.h>
#include <pwd.h>
#include <unistd.h>

#include "agent/cli.h"
#include "agent/cli_common.h"
#include "agent/cli_override.h"
#include "agent/lock.h"
#include "drivers/fsx.h"
#include "spec/base/arena.h"

struct words {         /* what an override file of ours says */
    const char *state; /* NULL: not overridden */
    enum volumes_wish volumes;
    int64_t restarted_ms, until_ms;
    bool hold;
    enum drift_mode drift;
    const char *revision;
};

typedef void change_fn(struct words *w, const struct options *o, int64_t now_ms, int64_t for_ms);

static const char *wish_word(enum app_wish w)
{
    static const char *const words[] = {
        [WISH_RUNNING] = "running", [WISH_STOPPED] = "stopped", [WISH_REMOVED] = "removed"};
    return words[w];
}

static void words_from(const struct core *c, const char *app, struct words *ret)
{
    const struct spec_set *set = sources_set(c->sources);
    for (size_t i = 0; i < set->n_overrides; i++)
        for (size_t k = 0; k < set->overrides[i]->n_documents; k++) {
            const struct document *d = &set->overrides[i]->documents[k];
            if (d->kind != DOC_OVERRIDE || !d->ok || strcmp(d->name, app) != 0)
                continue;
            ret->state = d->override->has_state ? wish_word(d->override->state) : NULL;
            ret->volumes = d->override->volumes;
            ret->restarted_ms = d->override->restarted_at_ms;
            ret->until_ms = d->override->until_ms;
            ret->hold = d->override->hold;
            ret->drift = d->override->drift;
            ret->revision = d->override->revision;
        }
}

static bool words_empty(const struct words *w)
{
    return !w->state && !w->restarted_ms && !w->hold && w->drift == DRIFT_UNSET && !w->revision;
}

/* With its milliseconds: a container that was started within the same second is to be restarted all the same. */
static void add_time(struct str *out, const char *key, int64_t ms)
{
    CLEANUP(str_release) struct str time = STR_INIT;
    if (ms <= 0)
        return;
    str_add_time(&time, ms);
    str_addf(out, "%s: %.*s.%03dZ\n", key, (int)(time.len - 1), str_text(&time), (int)(ms % 1000));
}

static int words_write(const struct core *c, const char *app, const struct words *w, struct err *e)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    struct arena *a = arena_new();
    const char *dir = fsx_join(c->options->state, "overrides", a);
    const char *path = fsx_join(dir, arena_printf(a, "%s.yaml", app), a);
    struct passwd *who = getpwuid(getuid());
    int rc;
    if (words_empty(w)) {
        rc = fsx_remove(path, e);
    } else {
        str_addf(&text, "# written by evenkeel; delete this file to undo it\noverride: %s\n", app);
        if (w->state)
            str_addf(&text, "state: %s\n", w->state);
        if (w->volumes == VOLUMES_QUARANTINE)
            str_add(&text, "volumes: quarantine\n");
        add_time(&text, "restarted-at", w->restarted_ms);
        if (w->hold)
            str_add(&text, "hold: true\n");
        add_time(&text, "until", w->until_ms);
        if (w->drift != DRIFT_UNSET)
            str_addf(&text, "drift: %s\n", w->drift == DRIFT_HEAL ? "heal" : "report");
        if (w->revision)
            str_addf(&text, "revision: \"%s\"\n", w->revision);
        if (who)
            str_addf(&text, "by: \"%s\"\n", who->pw_name);
        rc = fsx_mkdirs(dir, 0700, e);
        if (rc == 0)
            rc = fsx_replace(path, text.buf, text.len, 0600, e);
    }
    arena_free(a);
    return rc;
}

static bool app_is_known(const struct core *c, const char *app)
{
    for (size_t i = 0; i < c->desired->n_apps; i++)
        if (strcmp(c->desired->apps[i].name, app) == 0)
            return true;
    return false;
}

static int change_one(const struct core *c, const char *app, const char *done, change_fn *change,
                      bool any_name, int64_t for_ms, struct err *e)
{
    struct words w = {0};
    if (!app_name_valid(app))
        return err_set(e, ERR_USER, "\"%s\" is not the name of an app", app);
    words_from(c, app, &w);
    if (!any_name && words_empty(&w) && !app_is_known(c, app))
        return err_set(e, ERR_USER,
                       "no file in the roots holds an app \"%s\"; `evenkeel status` lists them",
                       app);
    change(&w, c->options, core_now_ms(), for_ms);
    if (words_write(c, app, &w, e) < 0)
        return err_wrap(e, "override");
    pid_t agent = lock_holder(c->options->state);
    if (agent)
        printf("%s: %s; the agent (pid %d) is at it\n", app, done, (int)agent);
    else
        printf("%s: %s; no agent is running on %s: `evenkeel apply %s` carries it out\n", app, done,
               c->options->state, app);
    return 0;
}

static int change_all(const struct options *o, const char *done, change_fn *change, bool any_name)
{
    struct err e = {0};
    struct core c;
    int64_t for_ns = 0;
    int rc = 0;
    if (o->for_time && parse_duration_ns(o->for_time, &for_ns) < 0) {
        (void)err_set(&e, ERR_USER, "--for wants a duration such as 30m or 1h30m, not \"%s\"",
                      o->for_time);
        return cli_fail(&e);
    }
    if (core_open(&c, o, CORE_FILES, &e) < 0)
        rc = cli_fail(&e);
    else {
        (void)core_scan(&c, NULL);
        core_desire(&c);
        for (size_t i = 0; i < o->words.n && rc == 0; i++)
            if (change_one(&c, o->words.v[i], done, change, any_name, for_ns / 1000000, &e) < 0)
                rc = cli_fail(&e);
    }
    core_close(&c);
    return rc;
}

static void change_stop(struct words *w, const struct options *o, int64_t now_ms, int64_t for_ms)
{
    (void)o, (void)now_ms, (void)for_ms;
    w->state = "stopped";
    w->volumes = VOLUMES_KEEP;
}

static void change_start(struct words *w, const struct options *o, int64_t now_ms, int64_t for_ms)
{
    (void)o, (void)now_ms, (void)for_ms;
    w->state = NULL;
    w->volumes = VOLUMES_KEEP;
}

static void change_restart(struct words *w, const struct options *o, int64_t now_ms, int64_t for_ms)
{
    (void)o, (void)for_ms;
    w->restarted_ms = now_ms;
    if (w->state && strcmp(w->state, "stopped") == 0)
        w->state = NULL;
}

static void change_remove(struct words *w, const struct options *o, int64_t now_ms, int64_t for_ms)
{
    (void)now_ms, (void)for_ms;
    w->state = "removed";
    w->volumes = o->volumes ? VOLUMES_QUARANTINE : VOLUMES_KEEP;
}

static void change_hold(struct words *w, const struct options *o, int64_t now_ms, int64_t for_ms)
{
    (void)o;
    w->hold = true;
    w->until_ms = for_ms > 0 ? now_ms + for_ms : 0;
}

static void change_release(struct words *w, const struct options *o, int64_t now_ms, int64_t for_ms)
{
    (void)o, (void)now_ms, (void)for_ms;
    w->hold = false;
    w->until_ms = 0;
}

int override_keep_volumes(const struct core *c, const char *app, struct err *e)
{
    struct words w = {0};

    words_from(c, app, &w);
    if (w.volumes == VOLUMES_KEEP)
        return 0;
    w.volumes = VOLUMES_KEEP;
    return words_write(c, app, &w, e);
}

int cli_stop(const struct options *o)
{
    return change_all(o, "stopped from now on", change_stop, false);
}

int cli_start(const struct options *o)
{
    return change_all(o, "running from now on", change_start, false);
}

int cli_restart(const struct options *o)
{
    return change_all(o, "to be restarted", change_restart, false);
}

int cli_remove(const struct options *o)
{
    return change_all(o,
                      o->volumes ? "removed from now on, its volumes go into quarantine "
                                   "(`evenkeel volumes` lists them)"
                                 : "removed from now on, its volumes stay",
                      change_remove, true);
}

int cli_hold(const struct options *o)
{
    return change_all(
        o, o->for_time ? "left alone for that time" : "left alone until `evenkeel release`",
        change_hold, false);
}

int cli_release(const struct options *o)
{
    return change_all(o, "no longer held", change_release, false);
}
