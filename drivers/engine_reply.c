/* engine_reply.c: reading the engine's JSON: absent is fine, another type is not.
 *
 * In: bytes of a reply and names of members. Out: plain values in an arena. Members come and go between API versions, and
 * Go writes null for an empty list, so absence is never an error; a number where a text should be means that we
 * talk to something else, and is. It never repeats a reply's content in an error: it may hold secrets. */
#include "drivers/engine_reply.h"

#include <string.h>

#include "spec/base/arena.h"
#include "spec/base/attr.h"
#include "spec/base/js.h"
#include "spec/limits.h"

/* Overwrites the escapes of NUL, which our strings cannot hold. Escapes are pairs, so a backslash may escape the next one. */
static void replace_nul(char *text, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++) {
        if (text[i] != '\\')
            continue;
        if (i + 6 <= n && memcmp(text + i + 1, "u0000", 5) == 0)
            memcpy(text + i + 1, "ufffd", 5);
        i++;
    }
}

json_t *engine_reply_parse(const char *text, size_t n, struct err *e)
{
    CLEANUP(str_release) struct str copy = STR_INIT;
    struct err why = {0};

    if (n > LIMIT_REPLY_BYTES) {
        (void)err_set(e, ERR_RETRY, "the engine's answer is too long (%zu bytes)", n);
        return NULL;
    }
    if (memmem(text, n, "\\u0000", 6)) {
        str_addn(&copy, text, n);
        replace_nul(copy.buf, n);
        text = copy.buf;
    }
    json_t *v = js_parse(text, n, &why);

    if (!v)
        (void)err_set(e, ERR_RETRY, "the engine's answer cannot be read: %s", why.msg);
    return v;
}

void engine_reply_refuse(struct engine_reply *r, const char *key, const char *wanted)
{
    if (!r->bad)
        (void)err_set(r->e, ERR_RETRY, "the engine's answer cannot be read: %s is not %s", key,
                      wanted);
    r->bad = true;
}

/* NULL when absent or null. */
static const json_t *member(const json_t *v, const char *key)
{
    const json_t *at = json_object_get(v, key);

    return json_is_null(at) ? NULL : at;
}

const char *engine_reply_text(struct engine_reply *r, const json_t *v, const char *key,
                              const char *otherwise)
{
    const json_t *at = member(v, key);

    if (json_is_string(at))
        return arena_strdup(r->arena, json_string_value(at));
    if (at)
        engine_reply_refuse(r, key, "a string");
    return otherwise;
}

int64_t engine_reply_int(struct engine_reply *r, const json_t *v, const char *key, int64_t min,
                         int64_t max)
{
    const json_t *at = member(v, key);

    if (json_is_integer(at) && json_integer_value(at) >= min && json_integer_value(at) <= max)
        return json_integer_value(at);
    if (at)
        engine_reply_refuse(r, key, "a number in its bounds");
    return 0;
}

bool engine_reply_bool(struct engine_reply *r, const json_t *v, const char *key)
{
    const json_t *at = member(v, key);

    if (at && !json_is_boolean(at))
        engine_reply_refuse(r, key, "true or false");
    return json_is_true(at);
}

const json_t *engine_reply_object(struct engine_reply *r, const json_t *v, const char *key)
{
    const json_t *at = member(v, key);

    if (at && !json_is_object(at)) {
        engine_reply_refuse(r, key, "an object");
        return NULL;
    }
    return at;
}

const json_t *engine_reply_array(struct engine_reply *r, const json_t *v, const char *key)
{
    const json_t *at = member(v, key);

    if (at && !json_is_array(at)) {
        engine_reply_refuse(r, key, "a list");
        return NULL;
    }
    return at;
}

void engine_reply_strv(struct engine_reply *r, const json_t *v, const char *key, struct strv *ret)
{
    const json_t *at = engine_reply_array(r, v, key);

    for (size_t i = 0; i < json_array_size(at); i++) {
        const json_t *one = json_array_get(at, i);

        if (!json_is_string(one) && !json_is_null(one))
            engine_reply_refuse(r, key, "a list of strings");
    }
    js_strv(at, "", r->arena, ret);
}

void engine_reply_kvs(struct engine_reply *r, const json_t *v, const char *key, struct kvs *ret)
{
    const json_t *at = engine_reply_object(r, v, key);
    const char *name;
    json_t *one;

    json_object_foreach((json_t *)(uintptr_t)at, name, one)
    {
        if (!json_is_string(one) && !json_is_null(one))
            engine_reply_refuse(r, key, "an object of strings");
    }
    js_kvs(at, "", r->arena, ret);
}

int64_t engine_reply_time(struct engine_reply *r, const json_t *v, const char *key)
{
    const json_t *at = member(v, key);
    const char *text = json_string_value(at);
    int64_t ms = 0;

    if (!at || (text && !*text))
        return 0;
    if (parse_time_ms(text, &ms) < 0)
        engine_reply_refuse(r, key, "a time");
    return ms;
}
