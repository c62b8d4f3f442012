/* engine_encode_host.h: the HostConfig part of a create body. */
#ifndef EK_ENGINE_ENCODE_HOST_H
#define EK_ENGINE_ENCODE_HOST_H

#include <jansson.h>

#include "spec/desired.h"

struct arena;

/* New reference; members that the service leaves open are absent. */
json_t *engine_encode_host(const struct want_container *c, struct arena *a);
/* "80/tcp": {} for each port that is published or exposed. New reference. */
json_t *engine_encode_exposed(const struct service *spec, struct arena *a);

#endif
