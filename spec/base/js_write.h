/* js_write.h: canonical JSON, quickly. js_canonical is what others call. */
#ifndef EK_JS_WRITE_H
#define EK_JS_WRITE_H

#include <jansson.h>

struct str;

/* Adds v as json_dumps would with JSON_COMPACT, JSON_SORT_KEYS and JSON_ENCODE_ANY, byte for byte. v must not hold itself. */
void js_write(const json_t *v, struct str *out);

#endif
