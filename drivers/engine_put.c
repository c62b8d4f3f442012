/* engine_put.c: members of an Engine API body, left out when there is nothing to say.
 *
 * In: an object under construction and our plain values. Out: the object with one member more, or as it was. It knows no
 * field of the API: which members there are is engine_encode's knowledge. */
#include "drivers/engine_put.h"

#include <string.h>

#include "spec/base/arena.h"
#include "spec/base/js.h"

void engine_put_new(json_t *object, const char *key, json_t *value)
{
    bool empty = (json_is_object(value) && json_object_size(value) == 0) ||
                 (json_is_array(value) && json_array_size(value) == 0);

    if (empty)
        json_decref(value);
    else if (json_object_set_new(object, key, value) < 0)
        abort(); /* value is NULL: a bug of the caller */
}

void engine_put_text(json_t *object, const char *key, const char *text)
{
    if (!text || !*text)
        return;
    struct strv one = {&text, 1};
    json_auto_t *list = js_from_strv(&one);

    (void)json_object_set(object, key, json_array_get(list, 0));
}

void engine_put_number(json_t *object, const char *key, int64_t number)
{
    if (number)
        engine_put_new(object, key, json_integer(number));
}

void engine_put_num(json_t *object, const char *key, struct num number)
{
    engine_put_number(object, key, number.set ? number.v : 0);
}

void engine_put_yes(json_t *object, const char *key, enum tri value)
{
    if (value == TRI_YES)
        engine_put_new(object, key, json_true());
}

void engine_put_tri(json_t *object, const char *key, enum tri value)
{
    if (value != TRI_UNSET)
        engine_put_new(object, key, json_boolean(value == TRI_YES));
}

void engine_put_list(json_t *object, const char *key, const struct strv *list)
{
    engine_put_new(object, key, js_from_strv(list));
}

void engine_put_set(json_t *object, const char *key, const struct strv *list, struct arena *a)
{
    struct strv sorted = {0}, unique = {0};

    for (size_t i = 0; i < list->n; i++)
        strv_push(a, &sorted, list->v[i]);
    strv_sort(&sorted);
    for (size_t i = 0; i < sorted.n; i++)
        if (i == 0 || strcmp(sorted.v[i], sorted.v[i - 1]) != 0)
            strv_push(a, &unique, sorted.v[i]);
    engine_put_list(object, key, &unique);
}

void engine_put_map(json_t *object, const char *key, const struct kvs *map)
{
    engine_put_new(object, key, js_from_kvs(map));
}
