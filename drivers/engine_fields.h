/* engine_fields.h: one table that knows every field a spec can set: its name for people ("mem_limit"), where it stands in a create body, where in an
 * inspect reply, and how its values are made comparable.
 *
 * Both sides become sorted key/value lists with the same keys and spellings, so that comparing is joining. Maps and sets have one entry per
 * element: "environment.TZ", "labels.x", "volumes./srv", "ports.80/tcp", "cap_add.NET_ADMIN". Pure. */
#ifndef EK_ENGINE_FIELDS_H
#define EK_ENGINE_FIELDS_H

#include <jansson.h>

#include "spec/base/str.h"

struct arena;

/* From a create body (unsealed or sealed; Image is not included). Only what the body sets. */
struct kvs engine_fields_of_body(const json_t *body, struct arena *a);
/* From GET /containers/ID/json, values that equal the engine's own defaults left out. Birth notes and LABEL_HASH left out. */
struct kvs engine_fields_of_inspect(const json_t *inspect, struct arena *a);
/* From GET /images/REF/json: what a container inherits if its body is silent. */
struct kvs engine_fields_of_image(const json_t *image, struct arena *a);
/* True for keys whose values may be secret (environment variables named like a password, token, key or URL with credentials; log driver
 * options likewise): shown only as "changed", never in clear. */
bool engine_field_secret(const char *key);

#endif
