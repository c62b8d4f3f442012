/* volumes: list them, take one out of quarantine, or have one deleted.
 *
 * Comes in: options. Goes out: a table or JSON; or a record, written or removed. It deletes no volume itself: the planner decides over what a
 * record says, so that one look at files, labels and containers stands between a word and lost data. */
#include <pwd.h>
#include <unistd.h>

#include "agent/cli.h"
#include "agent/cli_common.h"
#include "agent/cli_override.h"
#include "agent/lock.h"
#include "agent/progress.h"
#include "agent/volumes_change.h"
#include "agent/volumes_report.h"
#include "drivers/docker.h"
#include "drivers/quarantine_folder.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"

/* ---- list ---- */

struct sized {
    bool over;
    struct arena *arena;
    struct kvs sizes;
    struct err err;
};

static void on_sizes(void *user, const struct kvs *sizes, const struct err *e)
{
    struct sized *s = user;

    for (size_t i = 0; i < sizes->n; i++)
        kvs_set(s->arena, &s->sizes, arena_strdup(s->arena, sizes->v[i].key),
                arena_strdup(s->arena, sizes->v[i].value));
    s->err = *e;
    s->over = true;
}

static int ask_sizes(struct core *c, struct sized *s, struct err *e)
{
    docker_volume_sizes(c->driver, on_sizes, s);
    while (!s->over)
        if (http_poll(c->http, NULL, 0, -1, e) < 0)
            return -1;
    if (s->err.kind == ERR_NONE)
        return 0;
    *e = s->err;
    return err_wrap(e, "sizes of volumes");
}

static int list_volumes(struct core *c, const struct core_pass *p, struct arena *a, struct err *e)
{
    const struct options *o = c->options;
    CLEANUP(str_release) struct str text = STR_INIT;
    struct sized sized = {.arena = a};
    struct volume_row *rows;
    size_t n;

    if (o->size && ask_sizes(c, &sized, e) < 0)
        return -1;
    volumes_report(&p->input, &sized.sizes, o->verbose, a, &rows, &n);
    if (o->json) {
        json_auto_t *v = volumes_to_json(rows, n);

        cli_put_json(v);
        return 0;
    }
    volumes_print(rows, n, o->size, terminal_colour(stdout), &text);
    cli_put(&text);
    return 0;
}

/* ---- restore, purge ---- */

static void say_done(const struct core *c, const char *volume, const char *done)
{
    pid_t agent = lock_holder(c->options->state);

    if (agent)
        printf("%s: %s; the agent (pid %d) is at it\n", volume, done, (int)agent);
    else
        printf("%s: %s; no agent is running on %s: `evenkeel apply` carries it out\n", volume, done,
               c->options->state);
}

static int restore(struct core *c, const struct core_pass *p, const char *volume, struct err *e)
{
    const char *app;

    if (volumes_restore(&p->input, volume, &app, e) < 0)
        return -1;
    /* First the wish, else it would go straight back. */
    if (app && override_keep_volumes(c, app, e) < 0)
        return -1;
    if (quarantine_folder_drop(c->quarantine, volume, e) < 0)
        return -1;
    printf("%s: out of quarantine; it stays until somebody removes it\n", volume);
    return 0;
}

static int purge(struct core *c, const struct core_pass *p, const char *volume, struct err *e)
{
    const struct passwd *who = getpwuid(getuid());
    CLEANUP(str_release) struct str text = STR_INIT;

    if (volumes_purge(&p->input, c->options->settings.owner, volume, who ? who->pw_name : NULL,
                      &text, e) < 0 ||
        quarantine_folder_put(c->quarantine, volume, str_text(&text), e) < 0)
        return -1;
    say_done(c, volume, "to be deleted with all that is in it");
    return 0;
}

typedef int change_fn(struct core *c, const struct core_pass *p, const char *volume, struct err *e);

static int work(struct core *c, const struct options *o, change_fn *change, struct err *e)
{
    struct arena *a = arena_new();
    struct core_pass p;
    int rc = 0;

    cli_core_plan(c, a, &p);
    if (!change)
        rc = list_volumes(c, &p, a, e);
    for (size_t i = 1; change && i < o->words.n && rc == 0; i++)
        rc = change(c, &p, o->words.v[i], e);
    arena_free(a);
    return rc;
}

static int what_to_do(const struct options *o, change_fn **ret, struct err *e)
{
    const char *word = o->words.n ? o->words.v[0] : "ls";

    *ret = strcmp(word, "restore") == 0 ? restore : strcmp(word, "purge") == 0 ? purge : NULL;
    if (!*ret && strcmp(word, "ls") != 0)
        return err_set(e, ERR_USER,
                       "`evenkeel volumes` takes ls, restore or purge, not \"%s\"; see `evenkeel "
                       "volumes --help`",
                       word);
    if (*ret ? o->words.n < 2 : o->words.n > 1)
        return err_set(e, ERR_USER,
                       *ret ? "name the volume: evenkeel volumes %s NAME"
                            : "`evenkeel volumes %s` takes no further words",
                       word);
    if (*ret == purge && !o->delete_data)
        return err_set(e, ERR_USER,
                       "purge deletes data that nobody can bring back; if that is meant: evenkeel "
                       "volumes purge %s --yes-delete-data",
                       o->words.v[1]);
    return 0;
}

int cli_volumes(const struct options *o)
{
    struct options apps = *o; /* the words are no apps */
    change_fn *change;
    struct err e = {0};
    struct core c;

    if (what_to_do(o, &change, &e) < 0)
        return cli_fail(&e);
    apps.words = (struct strv){0};
    int rc =
        cli_core_open(&c, &apps, false, &e) < 0 || work(&c, o, change, &e) < 0 ? cli_fail(&e) : 0;
    core_close(&c);
    return rc;
}
