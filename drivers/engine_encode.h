/* engine_encode.h: our structs into Engine API bodies. Pure.
 *
 * Source: Docker Engine API 1.41 .. 1.52, ContainerCreate, NetworkCreate, VolumeCreate. */
#ifndef EK_ENGINE_ENCODE_H
#define EK_ENGINE_ENCODE_H

#include <jansson.h>

#include "spec/base/js.h"
#include "spec/desired.h"

struct err;

/* The create body without Image and without the hash label and birth notes, as canonical text in the arena. Networks by name (the first only;
 * others are connected before start, which also suits engines below 1.44). */
const char *engine_encode_container(const struct want_container *c, struct arena *a);

/* SHA-256 over the canonical body with Image = image_id. This is LABEL_HASH. */
void engine_encode_hash(const char *body, const char *image_id, char ret[SHA256_HEX]);

/* What is sent: body + Image = ref + hash label + birth notes. Canonical text in the arena; NULL if body is not JSON. */
const char *engine_encode_seal(const char *body, const char *image_ref, const char *hash,
                               const struct kvs *birth, struct arena *a);

/* A create body in which anonymous volumes are those of the container that is replaced: carried is where it mounts them -> their names. A place that the body mounts
 * something else at, or that neither it nor the image (its fields as observed.h has them) wants a volume at, is left out. Canonical text in the arena; body itself where nothing
 * is to be done. */
const char *engine_encode_carry(const char *body, const struct kvs *carried,
                                const struct kvs *image, struct arena *a);

/* subnet may be NULL (drivers with their own addressing). */
const char *engine_encode_network(const struct want_network *n, const char *subnet,
                                  struct arena *a);
const char *engine_encode_volume(const struct want_volume *v, struct arena *a);
/* Body of POST /networks/ID/connect for one attachment of c, to the engine's container of that name or id. With the service's mac_address on the
 * network that it is born on: who leaves that one and joins it again keeps it. */
const char *engine_encode_connect(const char *container, const struct want_container *c,
                                  const struct attach *at, struct arena *a);
/* The same without a name of its own there: who joins only to reach others. */
const char *engine_encode_join(const char *container, struct arena *a);

#endif
