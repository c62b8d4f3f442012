/* engine_update.h: what POST /containers/ID/update can put right, and what to send for it. Pure.
 *
 * Source: Docker Engine API 1.41 .. 1.52, ContainerUpdate; moby container/container_unix.go UpdateContainer(): a member that is 0 or absent
 * stays as it is, so a limit that should not be there at all can only be taken away where -1 says so. */
#ifndef EK_ENGINE_UPDATE_H
#define EK_ENGINE_UPDATE_H

#include <stdbool.h>

#include "drivers/engine_fields.h"

/* Whether the engine can set this one in place: its field can be updated, and its wanted value can be said. */
bool engine_update_can(const struct field_difference *d);
/* The body that sets all of them (each must be one that it can) as `body`, a container's create body, has them. Canonical text in the arena;
 * NULL if body is not JSON. Memory and swap go together, because the engine checks each against the other. */
const char *engine_update_body(const char *body, const struct field_difference *d, size_t n,
                               struct arena *a);
/* What fields become by an update: for engines that are only pretended. */
struct kvs engine_update_applied(const struct kvs *fields, const char *update, struct arena *a);

#endif
