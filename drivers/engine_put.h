/* engine_put.h: members of an Engine API body, left out when there is nothing to say.
 *
 * The engine takes an absent member as "default" everywhere, and an absent one keeps the hash of a body stable when this
 * program learns new fields. Texts that are not UTF-8 are escaped: JSON cannot carry them. */
#ifndef EK_ENGINE_PUT_H
#define EK_ENGINE_PUT_H

#include <jansson.h>
#include <stdint.h>

#include "spec/app.h"
#include "spec/base/str.h"

void engine_put_text(json_t *object, const char *key,
                     const char *text); /* NULL and "" are left out */
void engine_put_number(json_t *object, const char *key, int64_t number); /* 0 is left out */
void engine_put_num(json_t *object, const char *key,
                    struct num number);                               /* unset and 0 are left out */
void engine_put_yes(json_t *object, const char *key, enum tri value); /* only TRI_YES is put */
void engine_put_tri(json_t *object, const char *key, enum tri value); /* TRI_UNSET is left out */
void engine_put_list(json_t *object, const char *key, const struct strv *list);
/* Sorted, without repetitions: where order means nothing, a change of order must not look like a change. */
void engine_put_set(json_t *object, const char *key, const struct strv *list, struct arena *a);
void engine_put_map(json_t *object, const char *key, const struct kvs *map);
/* Takes value over; an empty object or array is dropped. */
void engine_put_new(json_t *object, const char *key, json_t *value);

#endif
