/* Volumes and those in quarantine: list, take out, have deleted.
 *
 * Comes in: a volume's name. Goes out: JSON; or a record, written or removed. What may be done is looked up on the loop; who does it is the planner, over what the record says. */
#include "agent/core.h"
#include "agent/door_parts.h"
#include "agent/override.h"
#include "agent/problem.h"
#include "agent/volumes_change.h"
#include "agent/volumes_report.h"
#include "drivers/fsx.h"
#include "drivers/quarantine_folder.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"

enum { ANSWER_MS = 5000 };

struct about { /* in the question's arena */
    const char *volume, *by;
    const struct strv *apps; /* their rows only; NULL: all */
    const char *text;        /* ret: JSON, or a record */
    const char *app;         /* ret: whose wish is in the way, or NULL */
};

/* ---- on the loop ---- */

static enum desk_end list(struct desk_call *c, const struct desk_world *w, struct err *e)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    CLEANUP(arena_freep) struct arena *pass = arena_new();
    struct about *q = c->in;
    struct volume_row *rows;
    struct core_pass p;
    size_t n, kept = 0;
    enum desk_end end = door_plan_now(w, "", pass, &p, e);

    if (end != DESK_DONE || e->kind != ERR_NONE)
        return end;
    volumes_report(&p.input, NULL, false, pass, &rows, &n);
    for (size_t i = 0; i < n; i++)
        if (!q->apps || (rows[i].app && strv_has(q->apps, rows[i].app)))
            rows[kept++] = rows[i];
    json_auto_t *v = volumes_to_json(rows, kept);

    js_pretty(v, &text);
    q->text = arena_strdup(c->a, str_text(&text));
    return DESK_DONE;
}

static enum desk_end look_up_restore(struct desk_call *c, const struct desk_world *w, struct err *e)
{
    CLEANUP(arena_freep) struct arena *pass = arena_new();
    struct about *q = c->in;
    struct core_pass p;
    enum desk_end end = door_plan_now(w, "", pass, &p, e);

    const char *app = NULL;

    if (end == DESK_DONE && e->kind == ERR_NONE &&
        volumes_restore(&p.input, q->volume, &app, e) == 0)
        q->app = app ? arena_strdup(c->a, app) : NULL;
    return end;
}

static enum desk_end look_up_purge(struct desk_call *c, const struct desk_world *w, struct err *e)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    CLEANUP(arena_freep) struct arena *pass = arena_new();
    struct about *q = c->in;
    struct core_pass p;
    enum desk_end end = door_plan_now(w, "", pass, &p, e);

    if (end == DESK_DONE && e->kind == ERR_NONE &&
        volumes_purge(&p.input, w->core->options->settings.owner, q->volume, q->by, &text, e) == 0)
        q->text = arena_strdup(c->a, str_text(&text));
    return end;
}

/* ---- on the listener's thread ---- */

/* NULL: ret is filled. */
static struct desk_call *ask(struct door_call *c, desk_fn *fn, const char *volume,
                             struct about **ret_about, struct web_reply *ret)
{
    struct desk_call *q = desk_call_new(c->door->desk, fn);
    struct about *x = q->in = ARENA_NEW(q->a, struct about);
    struct err e = {0};

    *x = (struct about){.volume = arena_strdup(q->a, volume), .by = arena_strdup(q->a, c->by)};
    if (c->v.filtered) {
        struct strv *apps = ARENA_NEW(q->a, struct strv);

        for (size_t i = 0; i < c->caller.apps->n; i++)
            strv_push(q->a, apps, arena_strdup(q->a, c->caller.apps->v[i]));
        x->apps = apps;
    }
    if (desk_ask(q, ANSWER_MS, &e) == 0) {
        *ret_about = x;
        return q;
    }
    problem_error(ret, &e, NULL);
    desk_drop(q);
    return NULL;
}

void door_volumes(struct door_call *c, struct web_reply *ret)
{
    struct about *x;
    struct desk_call *q = ask(c, list, "", &x, ret);

    if (!q)
        return;
    ret->status = 200;
    ret->type = "application/json";
    str_add(&ret->body, x->text);
    desk_drop(q);
}

/* {name} is the segment before the last. */
static const char *volume_of(const struct door_call *c)
{
    const char *end = strrchr(c->r->path, '/'), *from = end;

    while (from[-1] != '/')
        from--;
    return arena_strndup(c->a, from, (size_t)(end - from));
}

struct wish {
    struct door_call *c;
    const char *app;
    int rc;
    struct err *e;
};

static void drop_wish(void *arg)
{
    struct wish *x = arg;

    x->rc = override_change(x->c->door->o->state, x->app, OVERRIDE_KEEP_VOLUMES, x->c->now_ms, 0,
                            x->c->by, x->e);
}

static int write_record(struct door_call *c, const char *volume, const char *text, struct err *e)
{
    struct quarantine_folder *folder =
        quarantine_folder_new(fsx_join(c->door->o->state, "quarantine", c->a));
    int rc = text ? quarantine_folder_put(folder, volume, text, e)
                  : quarantine_folder_drop(folder, volume, e);

    quarantine_folder_free(folder);
    return rc;
}

void door_volume_restore(struct door_call *c, struct web_reply *ret)
{
    const char *volume = volume_of(c);
    struct about *x;
    struct err e = {0};
    struct desk_call *q = ask(c, look_up_restore, volume, &x, ret);
    int rc = 0;

    if (!q)
        return;
    if (x->app) { /* first the wish, else it would go straight back */
        struct wish w = {.c = c, .app = x->app, .e = &e};

        rc = door_deep(drop_wish, &w, &e) < 0 ? -1 : w.rc;
    }
    if (rc == 0)
        rc = write_record(c, volume, NULL, &e);
    desk_drop(q);
    if (rc < 0)
        problem_error(ret, &e, NULL);
    else
        door_reply_json(ret, 200, json_pack("{s:s, s:b}", "volume", volume, "restored", 1));
}

void door_volume_purge(struct door_call *c, struct web_reply *ret)
{
    const char *volume = volume_of(c);
    struct about *x;
    struct err e = {0};

    if (!door_flag(c, "yes-delete-data")) {
        problem_reply(ret, 422, "this deletes data that nobody can bring back",
                      "if that is meant, add ?yes-delete-data=1");
        return;
    }
    struct desk_call *q = ask(c, look_up_purge, volume, &x, ret);

    if (!q)
        return;
    int rc = write_record(c, volume, x->text, &e);

    desk_drop(q);
    if (rc < 0)
        problem_error(ret, &e, NULL);
    else
        door_reply_json(ret, 202, json_pack("{s:s, s:b}", "volume", volume, "purging", 1));
}
