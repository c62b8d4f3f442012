/* engine_field_device.c: DeviceRequests and MemorySwappiness as fields.
 *
 * In: members of a HostConfig, as sent or as reported. Out: one text each. Engines report every member of a request, those that nobody gave as null or empty; what is empty says nothing.
 *
 * Source: Docker Engine API 1.41 .. 1.52, DeviceRequest. */
#include "drivers/engine_field_read.h"

#include "spec/base/arena.h"
#include "spec/base/attr.h"
#include "spec/base/js.h"

static bool says_nothing(const json_t *v)
{
    return json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0) ||
           (json_is_integer(v) && json_integer_value(v) == 0) ||
           (json_is_array(v) && json_array_size(v) == 0) ||
           (json_is_object(v) && json_object_size(v) == 0);
}

static json_t *said(json_t *request)
{
    json_t *out = json_object(), *value;
    const char *key;

    json_object_foreach(request, key, value)
    {
        if (!says_nothing(value))
            (void)json_object_set(out, key, value);
    }
    return out;
}

void field_read_requests(struct field_sink *s, const struct field_view *v, const char *name,
                         const json_t *value)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    json_auto_t *all = json_array();

    (void)v;
    for (size_t i = 0; i < json_array_size(value); i++)
        (void)json_array_append_new(all, said(json_array_get(value, i)));
    if (json_array_size(all) == 0)
        return;
    js_canonical(all, &text);
    field_sink_add(s, name, NULL, arena_strndup(s->arena, str_text(&text), text.len));
}

/* 0 is a value; -1 is how some engines say none. */
void field_read_swappiness(struct field_sink *s, const struct field_view *v, const char *name,
                           const json_t *value)
{
    (void)v;
    if (json_is_integer(value) && json_integer_value(value) >= 0)
        field_sink_add(s, name, NULL,
                       arena_printf(s->arena, "%" JSON_INTEGER_FORMAT, json_integer_value(value)));
}
