/* A new app from a form: what it is called, where it comes from, how it starts, its port and GPUs.
 *
 * Comes in: a JSON object. Goes out: a spec in uploads/, written here and placed like any other that is sent; so it is checked and planned, and refused, in the same way. Refuses keys that it does not know, and
 * repositories, until Git is a source. */
#include "agent/door_parts.h"
#include "agent/problem.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/document.h"

struct wanted {
    const char *name, *repository, *image, *requirements, *start, *route;
    int64_t port, gpus; /* 0: not said; gpus -1: all */
};

static int take_text(const json_t *x, const char **ret)
{
    if (!json_is_string(x) || !*json_string_value(x))
        return -1;
    *ret = json_string_value(x);
    return 0;
}

static int take_number(const json_t *x, int64_t max, int64_t *ret)
{
    if (!json_is_integer(x) || json_integer_value(x) < 1 || json_integer_value(x) > max)
        return -1;
    *ret = json_integer_value(x);
    return 0;
}

static int take_gpus(const json_t *x, int64_t *ret)
{
    if (json_is_string(x) && strcmp(json_string_value(x), "all") == 0) {
        *ret = -1;
        return 0;
    }
    return take_number(x, 64, ret);
}

/* NULL, or what its value must be. */
static const char *take(struct wanted *w, const char *key, const json_t *x)
{
    const struct {
        const char *key;
        const char **to;
    } texts[] = {{"name", &w->name},           {"repository", &w->repository},
                 {"image", &w->image},         {"requirements_file", &w->requirements},
                 {"start_command", &w->start}, {"route", &w->route}};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (strcmp(key, texts[i].key) == 0)
            return take_text(x, texts[i].to) < 0 ? "a text that is not empty" : NULL;
    if (strcmp(key, "port") == 0)
        return take_number(x, 65535, &w->port) < 0 ? "a number from 1 to 65535" : NULL;
    if (strcmp(key, "gpus") == 0)
        return take_gpus(x, &w->gpus) < 0 ? "a number, or \"all\"" : NULL;
    return "left out: it is no key of this form (name, repository, image, requirements_file, "
           "start_command, port, gpus, route)";
}

static int read_form(struct door_call *c, const json_t *v, struct wanted *w, struct web_reply *ret)
{
    const char *key, *must;
    const json_t *x;

    json_object_foreach((json_t *)(uintptr_t)v, key, x)
    {
        if (json_is_null(x) || !(must = take(w, key, x)))
            continue;
        problem_reply(ret, 422, arena_printf(c->a, "`%.60s` must be %s", key, must), NULL);
        return -1;
    }
    if (!w->name || !app_name_valid(w->name)) {
        problem_reply(ret, 422, "`name` is a DNS label: a-z, 0-9 and inner -, at most 63 of them",
                      NULL);
        return -1;
    }
    if (!w->repository == !w->image) {
        problem_reply(ret, 422, "say where it comes from: `repository` or `image`", NULL);
        return -1;
    }
    if (w->image && w->requirements) {
        problem_reply(ret, 422, "`requirements_file` is for what is built, not for an image", NULL);
        return -1;
    }
    return 0;
}

static void add_text(struct str *out, const char *key, const char *text)
{
    if (!text)
        return;
    str_addf(out, "%s: ", key);
    door_add_quoted(out, text);
    str_add(out, "\n");
}

static void write_spec(const struct wanted *w, struct str *out)
{
    add_text(out, "app", w->name);
    add_text(out, "image", w->image);
    add_text(out, "command", w->start);
    if (w->port > 0)
        str_addf(out, "port: %lld\n", (long long)w->port);
    add_text(out, "route", w->route);
    if (w->gpus > 0)
        str_addf(out, "gpus: [{count: %lld}]\n", (long long)w->gpus);
    else if (w->gpus < 0)
        str_add(out, "gpus: all\n");
}

void door_app_onboard(struct door_call *c, struct web_reply *ret)
{
    CLEANUP(str_release) struct str spec = STR_INIT;
    json_auto_t *v = NULL;
    struct wanted w = {0};

    if (door_json(c, &v, ret) < 0 || read_form(c, v, &w, ret) < 0)
        return;
    c->did_app = arena_strdup(c->a, w.name);
    if (c->v.filtered && !strv_has(c->caller.apps, w.name)) {
        problem_reply(ret, 403, "this token is for other apps", NULL);
        return;
    }
    if (door_facts_app(c->facts, w.name)) {
        problem_reply(ret, 409, arena_printf(c->a, "there is an app \"%s\" already", w.name),
                      "take another name, or change it: PUT /api/v1/apps/NAME/spec");
        return;
    }
    if (w.repository) {
        problem_reply(ret, 501, "sources in Git are not supported yet",
                      "send the source as an archive: POST /api/v1/apps/NAME/bundle; or name an "
                      "`image`");
        return;
    }
    write_spec(&w, &spec);
    door_place_spec(c, c->did_app, str_text(&spec), spec.len, ret);
}
