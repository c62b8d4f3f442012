/* stop, start, restart, remove, hold, release: one word each, written as an override file. No spec is ever edited (design law 1).
 *
 * Comes in: app names. Goes out: STATE/overrides/APP.yaml, replaced atomically, or gone when nothing is left to override. The agent sees the file;
 * without an agent the words say that nothing happens until `evenkeel apply`. */
#include <pwd.h>
#include <unistd.h>

#include "agent/cli.h"
#include "agent/cli_common.h"
#include "agent/cli_override.h"
#include "agent/lock.h"
#include "agent/override.h"
#include "spec/base/arena.h"

static const struct override *in_force(const struct core *c, const char *app)
{
    const struct override *found = NULL;
    const struct spec_set *set = sources_set(c->sources);
    for (size_t i = 0; i < set->n_overrides; i++)
        for (size_t k = 0; k < set->overrides[i]->n_documents; k++) {
            const struct document *d = &set->overrides[i]->documents[k];
            if (d->kind == DOC_OVERRIDE && d->ok && strcmp(d->name, app) == 0)
                found = d->override;
        }
    return found;
}

static bool app_is_known(const struct core *c, const char *app)
{
    for (size_t i = 0; i < c->desired->n_apps; i++)
        if (strcmp(c->desired->apps[i].name, app) == 0)
            return true;
    return false;
}

static int change_one(const struct core *c, const char *app, const char *done,
                      enum override_word word, int64_t for_ms, struct err *e)
{
    const struct override *before = in_force(c, app);
    struct passwd *who = getpwuid(getuid());
    if (!app_name_valid(app))
        return err_set(e, ERR_USER, "\"%s\" is not the name of an app", app);
    if (word != OVERRIDE_REMOVE && word != OVERRIDE_REMOVE_VOLUMES && !before &&
        !app_is_known(c, app))
        return err_set(e, ERR_USER,
                       "no file in the roots holds an app \"%s\"; `evenkeel status` lists them",
                       app);
    if (override_change(c->options->state, app, word, core_now_ms(), for_ms,
                        who ? who->pw_name : NULL, e) < 0)
        return err_wrap(e, "override");
    pid_t agent = lock_holder(c->options->state);
    if (agent)
        printf("%s: %s; the agent (pid %d) is at it\n", app, done, (int)agent);
    else
        printf("%s: %s; no agent is running on %s: `evenkeel apply %s` carries it out\n", app, done,
               c->options->state, app);
    return 0;
}

static int change_all(const struct options *o, const char *done, enum override_word word)
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
            if (change_one(&c, o->words.v[i], done, word, for_ns / 1000000, &e) < 0)
                rc = cli_fail(&e);
    }
    core_close(&c);
    return rc;
}

int override_keep_volumes(const struct core *c, const char *app, struct err *e)
{
    const struct override *before = in_force(c, app);
    struct passwd *who = getpwuid(getuid());

    if (!before || before->volumes == VOLUMES_KEEP)
        return 0;
    return override_change(c->options->state, app, OVERRIDE_KEEP_VOLUMES, core_now_ms(), 0,
                           who ? who->pw_name : NULL, e);
}

int cli_stop(const struct options *o)
{
    return change_all(o, "stopped from now on", OVERRIDE_STOP);
}

int cli_start(const struct options *o)
{
    return change_all(o, "running from now on", OVERRIDE_START);
}

int cli_restart(const struct options *o)
{
    return change_all(o, "to be restarted", OVERRIDE_RESTART);
}

int cli_remove(const struct options *o)
{
    return o->volumes ? change_all(o,
                                   "removed from now on, its volumes go into quarantine "
                                   "(`evenkeel volumes` lists them)",
                                   OVERRIDE_REMOVE_VOLUMES)
                      : change_all(o, "removed from now on, its volumes stay", OVERRIDE_REMOVE);
}

int cli_hold(const struct options *o)
{
    return change_all(
        o, o->for_time ? "left alone for that time" : "left alone until `evenkeel release`",
        OVERRIDE_HOLD);
}

int cli_release(const struct options *o)
{
    return change_all(o, "no longer held", OVERRIDE_RELEASE);
}
