/* op.c: the names of the operations on an engine.
 *
 * In: an operation's kind. Out: its word for journals, logs and diaries; the words are a promise, since the diary keeps
 * them. It knows nothing about how an operation is carried out. */
#include "drivers/op.h"

#include <stddef.h>

#include "spec/base/attr.h"

/* clang-format off */
static const char *const names[] = {
    [OP_PULL] = "pull",
    [OP_BUILD] = "build",
    [OP_NETWORK_CREATE] = "network-create",
    [OP_NETWORK_REMOVE] = "network-remove",
    [OP_NETWORK_CONNECT] = "network-connect",
    [OP_NETWORK_DISCONNECT] = "network-disconnect",
    [OP_VOLUME_CREATE] = "volume-create",
    [OP_VOLUME_REMOVE] = "volume-remove",
    [OP_VOLUME_QUARANTINE] = "volume-quarantine",
    [OP_VOLUME_RELEASE] = "volume-release",
    [OP_CONTAINER_CREATE] = "create",
    [OP_CONTAINER_START] = "start",
    [OP_CONTAINER_STOP] = "stop",
    [OP_CONTAINER_RESTART] = "restart",
    [OP_CONTAINER_UNPAUSE] = "unpause",
    [OP_HOOKS] = "hooks",
    [OP_CONTAINER_UPDATE] = "update",
    [OP_CONTAINER_RENAME] = "rename",
    [OP_CONTAINER_REMOVE] = "remove",
    [OP_WAIT_RUNNING] = "wait-running",
    [OP_WAIT_HEALTHY] = "wait-healthy",
    [OP_WAIT_EXIT] = "wait-exit",
    [OP_ROUTE_WRITE] = "route-write",
    [OP_ROUTE_SEE] = "route-see",
    [OP_DRAIN] = "drain",
};
/* clang-format on */
_Static_assert(ARRAY_LEN(names) == OP_DRAIN + 1, "every kind has a name");

const char *op_kind_name(enum op_kind kind)
{
    if ((size_t)kind >= ARRAY_LEN(names) || !names[kind])
        return "unknown";
    return names[kind];
}
