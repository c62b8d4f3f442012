/* engine_encode_net.h: which network a container is born in, and how it is known there. Shared by the parts of
 * engine_encode. */
#ifndef EK_ENGINE_ENCODE_NET_H
#define EK_ENGINE_ENCODE_NET_H

#include <jansson.h>

#include "spec/desired.h"

struct arena;

/* The attachment that the create body makes: that of the highest priority; of equal ones the one whose network name sorts first. NULL when the container shares another's
 * network, or has the engine's bridge or none. The others are connected before start. */
const struct attach *engine_encode_first_attach(const struct want_container *c);

/* The engine's name of the network an attachment means. */
const char *engine_encode_network_name(const struct want_app *app, const struct attach *at);

/* HostConfig.NetworkMode; NULL to leave it to the engine. */
const char *engine_encode_network_mode(const struct want_container *c, struct arena *a);

/* "service:NAME" into "container:ITS-CONTAINER", for network, pid and ipc modes; other modes as they are. */
const char *engine_encode_namespace(const struct want_app *app, const char *mode, struct arena *a);

/* EndpointSettings: aliases (the service's name always), links, fixed addresses, options. mac_address: for one that the attachment does not give itself; or NULL. New reference. */
json_t *engine_encode_endpoint(const struct want_app *app, const struct want_service *service,
                               const struct attach *at, const char *mac_address, struct arena *a);

#endif
