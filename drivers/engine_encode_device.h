/* engine_encode_device.h: block devices and what a driver of the engine hands out, as members of a HostConfig. Part of engine_encode. */
#ifndef EK_ENGINE_ENCODE_DEVICE_H
#define EK_ENGINE_ENCODE_DEVICE_H

#include <jansson.h>

#include "spec/app.h"

struct arena;

void engine_put_blkio(json_t *host, const struct blkio *b, struct arena *a);
/* DeviceRequests, in the order of the file; new reference, possibly empty. */
json_t *engine_put_gpus(const struct service *spec);

#endif
