/* Apps: the list, one of them, a word to it (stop, start, ...), its history.
 *
 * Comes in: the snapshot. Goes out: JSON, or an override file. Refuses words to apps that nobody knows. */
#include "agent/core.h"
#include "agent/door_list.h"
#include "agent/door_parts.h"
#include "agent/override.h"
#include "agent/problem.h"
#include "agent/store.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"

static bool shown(const struct door_call *c, const struct door_app *x, const char *state,
                  const char *part)
{
    if (c->v.filtered && !strv_has(c->caller.apps, x->name))
        return false;
    return (!state || strcasecmp(state, x->state) == 0) && (!part || strstr(x->name, part));
}

void door_apps_list(struct door_call *c, struct web_reply *ret)
{
    const char *state = door_form_value(c->r->query, "state", c->a);
    const char *part = door_form_value(c->r->query, "name", c->a);
    const struct door_list *l = door_list_of(c->facts);
    struct str *out = &ret->body;
    bool first = true;

    str_addf(&ret->headers, "ETag: %s\r\n", l->etag);
    if (strcmp(c->r->none_match, l->etag) == 0) {
        web_reply_text(ret, 304, "");
        str_clear(out);
        return;
    }
    ret->status = 200;
    ret->type = "application/json";
    str_add(out, "{\"apps\":[");
    for (size_t i = 0; i < c->facts->n; i++) {
        if (!shown(c, &c->facts->apps[i], state, part))
            continue;
        str_add(out, first ? "" : ",");
        str_addn(out, l->apps.buf + l->at[i], l->at[i + 1] - 1 - l->at[i]);
        first = false;
    }
    str_addn(out, l->tail.buf, l->tail.len);
}

void door_app_get(struct door_call *c, struct web_reply *ret)
{
    const struct door_app *x = door_known(c, ret);

    if (x)
        door_reply_json(ret, 200, door_list_app(x));
}

/* ---- words ---- */

static int word_of(const char *path, enum override_word *ret)
{
    static const char *const words[] = {
        [OVERRIDE_STOP] = "/stop",       [OVERRIDE_START] = "/start",
        [OVERRIDE_RESTART] = "/restart", [OVERRIDE_REMOVE] = "/remove",
        [OVERRIDE_HOLD] = "/hold",       [OVERRIDE_RELEASE] = "/release"};
    const char *last = strrchr(path, '/');

    for (size_t i = 0; last && i < ARRAY_LEN(words); i++)
        if (words[i] && strcmp(words[i], last) == 0) { /* some are no word of their own here */
            *ret = (enum override_word)i;
            return 0;
        }
    return -1;
}

/* `volumes=quarantine`: they go with the app, as with `evenkeel remove --volumes`. */
static int volumes_go(struct door_call *c, struct web_reply *ret, enum override_word *word)
{
    const char *volumes = door_form_value(c->r->query, "volumes", c->a);

    if (!volumes || strcmp(volumes, "keep") == 0)
        return 0;
    if (strcmp(volumes, "quarantine") != 0) {
        problem_reply(ret, 422, "`volumes` is keep or quarantine", NULL);
        return -1;
    }
    if (c->caller.role < ROLE_ADMIN) {
        problem_reply(ret, 403, "only admins may send volumes into quarantine",
                      "leave `volumes` out: they stay");
        return -1;
    }
    *word = OVERRIDE_REMOVE_VOLUMES;
    return 0;
}

struct saying {
    const struct door_call *c;
    enum override_word word;
    int64_t for_ms;
    int rc;
    struct err *e;
};

static void say_word(void *arg)
{
    struct saying *x = arg;
    const struct door_call *c = x->c;

    x->rc =
        override_change(c->door->o->state, c->v.app, x->word, c->now_ms, x->for_ms, c->by, x->e);
}

void door_app_word(struct door_call *c, struct web_reply *ret)
{
    const char *length = door_form_value(c->r->query, "for", c->a);
    enum override_word word;
    struct err e = {0};
    int64_t ns = 0;

    if (!door_known(c, ret) || word_of(c->r->path, &word) < 0)
        return;
    if (length && parse_duration_ns(length, &ns) < 0) {
        problem_reply(ret, 422, "`for` wants a duration such as 30m or 1h30m", NULL);
        return;
    }
    if (word == OVERRIDE_REMOVE && volumes_go(c, ret, &word) < 0)
        return;
    struct saying x = {.c = c, .word = word, .for_ms = ns / 1000000, .e = &e};

    if (door_deep(say_word, &x, &e) < 0 || x.rc < 0)
        problem_error(ret, &e, NULL);
    else
        door_reply_json(ret, 202,
                        json_pack("{s:s, s:s}", "app", c->v.app, "watch",
                                  arena_printf(c->a, "/api/v1/apps/%s", c->v.app)));
}

/* ---- history ---- */

static void add_entry(void *user, const struct store_entry *x)
{
    CLEANUP(str_release) struct str at = STR_INIT;
    json_t *list = user;

    str_add_time(&at, x->ms);
    json_array_append_new(list,
                          json_pack("{s:s, s:s*, s:s*, s:s*, s:s*, s:s*, s:I}", "at", str_text(&at),
                                    "app", x->app, "what", x->what, "result", x->result, "text",
                                    x->text, "error", x->error, "took_ms", (json_int_t)x->took_ms));
}

void door_app_history(struct door_call *c, struct web_reply *ret)
{
    const char *text = door_form_value(c->r->query, "limit", c->a);
    struct err e = {0};
    int64_t limit = 50;
    json_t *list = json_array();
    const char *app = c->v.app;
    const struct strv one = {.v = &app, .n = 1};
    const struct strv *apps = *app ? &one : c->v.filtered ? c->caller.apps : NULL;

    if (text && parse_int64(text, 1, 1000, &limit) < 0) {
        problem_reply(ret, 422, "`limit` is a number from 1 to 1000", NULL);
        json_decref(list);
        return;
    }
    if (store_history(c->door->o->state, apps, (int)limit, false, add_entry, list, &e) < 0 &&
        e.kind != ERR_MISSING) {
        problem_error(ret, &e, NULL);
        json_decref(list);
        return;
    }
    door_reply_json(ret, 200, json_pack("{s:o}", "history", list));
}
