/* action.c: the vocabulary of plans, one row per kind.
 *
 * In: actions as the planner made them. Out: their words: the stable name for JSON and the diary, and the line for
 * people. It decides nothing; what an action means to an engine is its op's business. */
#include "reconcile/action.h"

#include <string.h>

#include "reconcile/action_table.h"
#include "spec/base/attr.h"

/* clang-format off */
static const struct action_row rows[] = {
    [ACT_PULL]               = {"pull",               "pull",       '+', OP_PULL},
    [ACT_BUILD]              = {"build",              "build",      '+', OP_BUILD},
    [ACT_NETWORK_CREATE]     = {"network-create",     "create",     '+', OP_NETWORK_CREATE},
    [ACT_NETWORK_REMOVE]     = {"network-remove",     "remove",     '-', OP_NETWORK_REMOVE},
    [ACT_NETWORK_CONNECT]    = {"network-connect",    "connect",    '~', OP_NETWORK_CONNECT},
    [ACT_NETWORK_DISCONNECT] = {"network-disconnect", "disconnect", '~', OP_NETWORK_DISCONNECT},
    [ACT_VOLUME_CREATE]      = {"volume-create",      "create",     '+', OP_VOLUME_CREATE},
    [ACT_VOLUME_QUARANTINE]  = {"volume-quarantine",  "quarantine", '~', OP_VOLUME_QUARANTINE},
    [ACT_VOLUME_RELEASE]     = {"volume-release",     "release",    '~', OP_VOLUME_RELEASE},
    [ACT_VOLUME_REMOVE]      = {"volume-remove",      "delete",     '-', OP_VOLUME_REMOVE},
    [ACT_CREATE]             = {"create",             "create",     '+', OP_CONTAINER_CREATE},
    [ACT_START]              = {"start",              "start",      '~', OP_CONTAINER_START},
    [ACT_STOP]               = {"stop",               "stop",       '~', OP_CONTAINER_STOP},
    [ACT_RESTART]            = {"restart",            "restart",    '~', OP_CONTAINER_RESTART},
    [ACT_UNPAUSE]            = {"unpause",            "unpause",    '~', OP_CONTAINER_UNPAUSE},
    [ACT_HOOKS]              = {"hooks",              "run",        '~', OP_HOOKS},
    [ACT_UPDATE]             = {"update",             "update",     '~', OP_CONTAINER_UPDATE},
    [ACT_RENAME]             = {"rename",             "rename",     '~', OP_CONTAINER_RENAME},
    [ACT_REMOVE]             = {"remove",             "remove",     '-', OP_CONTAINER_REMOVE},
    [ACT_WAIT_RUNNING]       = {"wait-running",       "wait for",   '.', OP_WAIT_RUNNING},
    [ACT_WAIT_HEALTHY]       = {"wait-healthy",       "wait for",   '.', OP_WAIT_HEALTHY},
    [ACT_WAIT_EXIT]          = {"wait-exit",          "wait for",   '.', OP_WAIT_EXIT},
    [ACT_ROUTE_WRITE]        = {"route-write",        "write",      '~', OP_ROUTE_WRITE},
    [ACT_ROUTE_SEE]          = {"route-see",          "wait for",   '.', OP_ROUTE_SEE},
    [ACT_DRAIN]              = {"drain",              "drain",      '.', OP_DRAIN},
    [ACT_KEEP]               = {"keep",               "keep",       '!', OP_PULL /* unused */},
};
/* clang-format on */
_Static_assert(ARRAY_LEN(rows) == ACT_KEEP + 1, "every kind has a row");

const struct action_row *action_row(enum action_kind kind)
{
    static const struct action_row unknown = {"unknown", "do", '?', OP_PULL};

    return (size_t)kind < ARRAY_LEN(rows) && rows[kind].name ? &rows[kind] : &unknown;
}

const char *action_kind_name(enum action_kind kind)
{
    return action_row(kind)->name;
}

void action_print(const struct action *a, struct str *out)
{
    str_addf(out, "%s ", action_row(a->kind)->verb);
    if (a->kind == ACT_HOOKS)
        str_addf(out, "%s in ", a->op.name);
    str_add_escaped(out, a->subject);
    switch (a->kind) {
    case ACT_NETWORK_CREATE:
        if (a->reserves)
            str_addf(out, " (%s)", a->reserves);
        break;
    case ACT_NETWORK_CONNECT:
        str_add(out, " to network ");
        str_add_escaped(out, a->op.name ? a->op.name : a->op.network);
        break;
    case ACT_NETWORK_DISCONNECT:
        str_add(out, " from network ");
        str_add_escaped(out, a->op.name ? a->op.name : a->op.network);
        break;
    case ACT_RENAME:
        str_add(out, " to ");
        str_add_escaped(out, a->op.name);
        break;
    case ACT_WAIT_RUNNING: str_add(out, " to stay up"); break;
    case ACT_WAIT_HEALTHY: str_add(out, " to be healthy"); break;
    case ACT_WAIT_EXIT: str_add(out, " to finish"); break;
    case ACT_ROUTE_SEE: str_add(out, " to be taken by Traefik"); break;
    case ACT_VOLUME_RELEASE: str_add(out, " from quarantine"); break;
    case ACT_ROUTE_WRITE:
    case ACT_DRAIN:
    case ACT_PULL:
    case ACT_BUILD:
    case ACT_NETWORK_REMOVE:
    case ACT_VOLUME_CREATE:
    case ACT_VOLUME_QUARANTINE:
    case ACT_VOLUME_REMOVE:
    case ACT_CREATE:
    case ACT_START:
    case ACT_STOP:
    case ACT_RESTART:
    case ACT_UNPAUSE:
    case ACT_HOOKS:
    case ACT_UPDATE:
    case ACT_REMOVE:
    case ACT_KEEP: break;
    }
}
