/* json_rows.c: objects by their rows.
 *
 * In: values of JSON, or structs; tables of members. Out: the other. It knows nothing of what the members mean. */
#include "drivers/json_rows.h"

#include <stdint.h>
#include <string.h>

#include "spec/base/arena.h"
#include "spec/base/attr.h"
#include "spec/base/js.h"
#include "spec/base/str.h"

int json_refuse(struct json_reader *r, const char *wanted)
{
    return err_set(r->e, ERR_USER, "must be %s", wanted);
}

/* ---- objects and lists by their rows ---- */

static int read_list(struct json_reader *r, const struct json_member *row, const json_t *v,
                     void *object)
{
    size_t n = json_array_size(v);
    char *elements = arena_array(r->arena, n, row->of->size);

    if (!json_is_array(v))
        return json_refuse(r, "a list");
    for (size_t i = 0; i < n; i++)
        if (row->of->read(r, json_array_get(v, i), elements + i * row->of->size) < 0)
            return err_wrap(r->e, "[%zu]", i);
    *(void **)(void *)((char *)object + row->offset) = elements;
    *(size_t *)(void *)((char *)object + row->count_offset) = n;
    return 0;
}

static json_t *write_list(const struct json_member *row, const void *object)
{
    const char *elements = *(char *const *)(const void *)((const char *)object + row->offset);
    size_t n = *(const size_t *)(const void *)((const char *)object + row->count_offset);
    json_t *list = n ? json_array() : NULL;

    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(list, row->of->write(elements + i * row->of->size));
    return list;
}

static const struct json_member *find_member(const struct json_member *rows, size_t n_rows,
                                             const char *name)
{
    for (size_t i = 0; i < n_rows; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

int json_read_object(struct json_reader *r, const json_t *v, const struct json_member *rows,
                     size_t n_rows, void *ret)
{
    const char *key;
    json_t *value;

    if (!json_is_object(v))
        return json_refuse(r, "an object");
    json_object_foreach((json_t *)(uintptr_t)v, key, value)
    {
        const struct json_member *row = find_member(rows, n_rows, key);

        if (!row)
            return err_set(r->e, ERR_USER, "unknown member \"%s\"", key);
        if ((row->of ? read_list(r, row, value, ret)
                     : row->type->read(r, value, (char *)ret + row->offset)) < 0)
            return err_wrap(r->e, "%s", key);
    }
    return 0;
}

json_t *json_write_object(const struct json_member *rows, size_t n_rows, const void *from)
{
    json_t *object = json_object();

    for (size_t i = 0; i < n_rows; i++) {
        const struct json_member *row = &rows[i];
        json_t *value =
            row->of ? write_list(row, from) : row->type->write((const char *)from + row->offset);

        if (value)
            (void)json_object_set_new(object, row->name, value);
    }
    return object;
}

/* ---- simple members ---- */

static int read_text(struct json_reader *r, const json_t *v, void *at)
{
    if (!json_is_string(v))
        return json_refuse(r, "a string");
    *(const char **)at = arena_strdup(r->arena, json_string_value(v));
    return 0;
}

static json_t *write_text(const void *at)
{
    const char *s = *(const char *const *)at;

    return s ? json_string(s) : NULL;
}

/* A text that may be null: "the engine does not have it". Reading has put a default there. */
static int read_text_or_null(struct json_reader *r, const json_t *v, void *at)
{
    if (!json_is_null(v))
        return read_text(r, v, at);
    *(const char **)at = NULL;
    return 0;
}

static json_t *write_text_or_null(const void *at)
{
    const char *s = *(const char *const *)at;

    return s ? json_string(s) : json_null();
}

static int read_int(struct json_reader *r, const json_t *v, void *at)
{
    json_int_t i = json_integer_value(v);

    if (!json_is_integer(v) || i < INT32_MIN || i > INT32_MAX)
        return json_refuse(r, "a number of 32 bits");
    *(int *)at = (int)i;
    return 0;
}

static json_t *write_int(const void *at)
{
    int i = *(const int *)at;

    return i ? json_integer(i) : NULL;
}

static int read_bool(struct json_reader *r, const json_t *v, void *at)
{
    if (!json_is_boolean(v))
        return json_refuse(r, "true or false");
    *(bool *)at = json_is_true(v);
    return 0;
}

static json_t *write_true(const void *at)
{
    return *(const bool *)at ? json_true() : NULL;
}

static json_t *write_false(const void *at)
{
    return *(const bool *)at ? NULL : json_false();
}

static int read_time(struct json_reader *r, const json_t *v, void *at)
{
    if (!json_is_string(v) || parse_time_ms(json_string_value(v), at) < 0)
        return json_refuse(r, "a time like \"2026-11-22T10:00:00Z\"");
    return 0;
}

/* With milliseconds: a saved pass must plan the same again. */
static json_t *write_time(const void *at)
{
    CLEANUP(str_release) struct str s = STR_INIT;
    int64_t ms = *(const int64_t *)at, fraction = ((ms % 1000) + 1000) % 1000;

    if (!ms)
        return NULL;
    str_add_time(&s, ms - fraction);
    if (fraction) {
        s.buf[--s.len] = '\0'; /* the Z */
        str_addf(&s, ".%03dZ", (int)fraction);
    }
    return json_string(str_text(&s));
}

static int read_texts(struct json_reader *r, const json_t *v, void *at)
{
    for (size_t i = 0; i < json_array_size(v); i++)
        if (!json_is_string(json_array_get(v, i)))
            return json_refuse(r, "a list of strings");
    if (!json_is_array(v))
        return json_refuse(r, "a list of strings");
    js_strv(v, "", r->arena, at);
    return 0;
}

static json_t *write_texts(const void *at)
{
    const struct strv *l = at;

    return l->n ? js_from_strv(l) : NULL;
}

static int read_pairs(struct json_reader *r, const json_t *v, void *at)
{
    const char *key;
    json_t *value;

    if (!json_is_object(v))
        return json_refuse(r, "an object of strings");
    json_object_foreach((json_t *)(uintptr_t)v, key, value)
    {
        if (!json_is_string(value))
            return json_refuse(r, "an object of strings");
    }
    js_kvs(v, "", r->arena, at);
    return 0;
}

static json_t *write_pairs(const void *at)
{
    const struct kvs *l = at;

    return l->n ? js_from_kvs(l) : NULL;
}

const struct json_type json_text = {read_text, write_text};
const struct json_type json_text_or_null = {read_text_or_null, write_text_or_null};
const struct json_type json_integer_of = {read_int, write_int};
const struct json_type json_usually_false = {read_bool, write_true};
const struct json_type json_usually_true = {read_bool, write_false};
const struct json_type json_time_of = {read_time, write_time};
const struct json_type json_texts = {read_texts, write_texts};
const struct json_type json_pairs = {read_pairs, write_pairs};
