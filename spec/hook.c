/* hook.c: lifecycle hooks as one line of JSON, and back.
 *
 * In: hooks as a file has them, or the line that was made of them, which may come back from a label of the engine. Out: the other.
 * It runs nothing and asks for nothing: whether a hook may be privileged is policy.c's to say. */
#include "spec/hook.h"

#include <string.h>

#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/limits.h"

int64_t hook_timeout_ms(const struct exec_hook *h)
{
    return h->timeout_ns.set && h->timeout_ns.v >= 1000000 ? h->timeout_ns.v / 1000000
                                                           : HOOK_TIMEOUT_MS;
}

int64_t hooks_timeout_ms(const struct hooks *h)
{
    int64_t all = 0;

    for (size_t i = 0; i < h->n; i++)
        all += hook_timeout_ms(&h->v[i]);
    return all;
}

static json_t *environment_json(const struct kvs *l)
{
    json_t *list = l->n ? json_array() : NULL;

    for (size_t i = 0; i < l->n; i++)
        json_array_append_new(list, json_sprintf("%s=%s", l->v[i].key, l->v[i].value));
    return list;
}

static json_t *hook_json(const struct exec_hook *h)
{
    return json_pack(
        "{s:o, s:o*, s:o*, s:I, s:s*, s:s*}", "command", js_from_strv(&h->command.argv),
        "environment", environment_json(&h->environment), "privileged",
        h->privileged == TRI_YES ? json_true() : NULL, "timeout_ms", (json_int_t)hook_timeout_ms(h),
        "user", h->user, "working_dir", h->working_dir);
}

const char *hooks_json(const struct hooks *h, struct arena *a)
{
    CLEANUP(str_release) struct str text = STR_INIT;

    if (h->n == 0)
        return NULL;
    json_t *list = json_array();

    for (size_t i = 0; i < h->n; i++)
        json_array_append_new(list, hook_json(&h->v[i]));
    js_canonical(list, &text);
    json_decref(list);
    return arena_strdup(a, str_text(&text));
}

/* ---- what a label remembers ---- */

enum { SEAL_DIGITS = 32 };

static json_t *noted_hooks(const struct hooks *h)
{
    json_t *list = NULL;

    for (size_t i = 0; i < h->n; i++)
        if (h->v[i].environment.n > 0)
            return NULL;
    if (h->n > 0)
        list = json_array();
    for (size_t i = 0; i < h->n; i++)
        json_array_append_new(list, hook_json(&h->v[i]));
    return list;
}

static void seal(const struct hooks_of *of, const char *text, char ret[SHA256_HEX])
{
    CLEANUP(str_release) struct str all = STR_INIT;

    str_addf(&all, "%s\n%s\n%s\n%s", of->key, of->app, of->service, text);
    sha256_hex(str_text(&all), all.len, ret);
    ret[SEAL_DIGITS] = '\0';
}

const char *hooks_note(const struct hooks_of *of, const struct hooks *post_start,
                       const struct hooks *pre_stop, struct arena *a)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    json_auto_t *v = json_pack("{s:o*, s:o*}", HOOK_POST_START, noted_hooks(post_start),
                               HOOK_PRE_STOP, noted_hooks(pre_stop));
    char digits[SHA256_HEX];

    if (!of->key || !*of->key || json_object_size(v) == 0)
        return NULL;
    js_canonical(v, &text);
    seal(of, str_text(&text), digits);
    return arena_printf(a, "%s %s", digits, str_text(&text));
}

const char *hooks_noted(const struct hooks_of *of, const char *note, const char *kind,
                        struct arena *a)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    char digits[SHA256_HEX];

    if (!note || !of->key || !*of->key || strlen(note) <= SEAL_DIGITS + 1)
        return NULL;
    seal(of, note + SEAL_DIGITS + 1, digits);
    if (strncmp(note, digits, SEAL_DIGITS) != 0 || note[SEAL_DIGITS] != ' ')
        return NULL;
    json_auto_t *v = js_parse(note + SEAL_DIGITS + 1, strlen(note) - SEAL_DIGITS - 1, NULL);
    const json_t *list = js_at(v, kind);

    if (!list)
        return NULL;
    js_canonical(list, &text);
    return arena_strdup(a, str_text(&text));
}

/* ---- back ---- */

static const char *text_at(const json_t *v, const char *key, struct arena *a)
{
    const char *text = js_str(v, key, NULL);

    return text ? arena_strdup(a, text) : NULL;
}

static int read_hook(const json_t *v, struct arena *a, struct exec_hook *ret, struct err *e)
{
    struct exec_hook h = {.user = text_at(v, "user", a),
                          .working_dir = text_at(v, "working_dir", a)};
    struct strv environment = {0};
    int64_t timeout_ms = js_int(v, "timeout_ms", 0);

    js_strv(v, "command", a, &h.command.argv);
    js_strv(v, "environment", a, &environment);
    for (size_t i = 0; i < environment.n; i++) {
        size_t n = strcspn(environment.v[i], "=");

        kvs_set(a, &h.environment, arena_strndup(a, environment.v[i], n),
                environment.v[i][n] ? environment.v[i] + n + 1 : "");
    }
    if (h.command.argv.n == 0 || timeout_ms <= 0 || timeout_ms > INT64_MAX / 1000000)
        return err_set(e, ERR_USER, "a hook has no command, or no time to run in");
    h.command.set = true;
    h.privileged = js_bool(v, "privileged", false) ? TRI_YES : TRI_UNSET;
    h.timeout_ns = (struct num){timeout_ms * 1000000, true};
    *ret = h;
    return 0;
}

int hooks_parse(const char *json, struct arena *a, struct hooks *ret, struct err *e)
{
    json_t *list = js_parse(json, strlen(json), e);
    size_t n = json_array_size(list);
    struct hooks h = {ARENA_ARRAY(a, n, struct exec_hook), 0};
    int rc = 0;

    if (!list)
        return -1;
    if (n == 0 || n > LIMIT_HOOKS)
        rc = err_set(e, ERR_USER, "not a list of hooks");
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = read_hook(json_array_get(list, i), a, &h.v[h.n++], e);
    json_decref(list);
    if (rc == 0)
        *ret = h;
    return rc;
}
