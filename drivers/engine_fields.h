/* engine_fields.h: one table that knows every field a spec can set: its name for people ("mem_limit"), where it stands in a create body and in
 * an inspect reply, how its values are made comparable, and what an engine may do to them by itself.
 *
 * Both sides become sorted key/value lists with the same keys and spellings, so that comparing is joining. Maps and sets have one entry per
 * element: "environment.TZ", "labels.x", "volumes./srv", "ports.80/tcp", "cap_add.NET_ADMIN". Pure. */
#ifndef EK_ENGINE_FIELDS_H
#define EK_ENGINE_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/base/str.h"

struct arena;

/* From a create body (unsealed or sealed; Image, notes of birth and LABEL_HASH are not included). Only what the body sets. */
struct kvs engine_fields_of_body(const json_t *body, struct arena *a);
/* From GET /containers/ID/json, values that equal the engine's own defaults left out. Birth notes and LABEL_HASH left out. */
struct kvs engine_fields_of_inspect(const json_t *inspect, struct arena *a);
/* From GET /images/REF/json: what a container inherits if its body is silent. */
struct kvs engine_fields_of_image(const json_t *image, struct arena *a);

/* What a container made from this body and this image should report: the body's fields laid over the image's by the engine's rules (an
 * entrypoint also drops the image's command), engine defaults left out. */
struct kvs engine_fields_expected(const struct kvs *body, const struct kvs *image, struct arena *a);

struct field_difference {
    const char *key;
    /* NULL: absent. In clear: ask engine_field_secret before showing them. */
    const char *want, *have;
};

/* The whole comparison: expected fields joined with the reported ones, sorted by key. Left out is what somebody may have decided who is
 * allowed to: the daemon's configuration where the body is silent (log options, ulimits, shm size, IPC mode, runtime, a
 * hostname), the kernel where it cannot do what was asked (swap limits, reservations, shares), and networks beyond the one in the
 * body, which the planner compares itself. Engines turn "container:NAME" into "container:ID" at create; any such pair counts as equal,
 * and the planner checks that the id is still the one of that name. On a container just made from body and image there is no
 * difference. */
size_t engine_fields_differ(const struct kvs *body, const struct kvs *image, const struct kvs *have,
                            struct arena *a, struct field_difference **ret);

/* The same for a list of engine_fields_expected, without making it anew. able: what engine_fields_able said of all containers of this engine
 * together: a limit that some other container has can be set here, so it did not go missing by itself. 0: nothing is known. */
size_t engine_fields_join(const struct kvs *want, const struct kvs *have, uint64_t able,
                          struct arena *a, struct field_difference **ret);
/* One bit for each limit that these fields show the engine can set. */
uint64_t engine_fields_able(const struct kvs *have);

enum field_repair {
    FIELD_REPLACE, /* takes a new container */
    FIELD_UPDATE, /* POST /containers/ID/update; engine_update.h knows whether for this value, too */
    FIELD_NETWORK, /* network disconnect and connect */
};
enum field_repair engine_field_repair(const char *key);
/* "mem_limit", "environment", "environment.TZ": what the comparison may name. */
bool engine_field_known(const char *key);

/* True for keys whose values may be secret (environment variables, labels and log options named like a password, token, key or address
 * with credentials): shown only as "changed", never in clear. */
bool engine_field_secret(const char *key);
/* True for keys that the engine can change without a new container: POST /containers/ID/update, network connect and disconnect. */
bool engine_field_live(const char *key);

#endif
