/* Who may ask for what: the table.
 *
 * One row per method and path, in the order of the reference. tests/unit/test_access.c holds each row against every kind of caller: a row without a line there fails. */
#include "agent/access.h"

#include "spec/base/attr.h"

#define API "/api/v1"
#define APP API "/apps/{app}"

/* clang-format off */
static const struct access_row rows[] = {
    /* probes */
    {"GET", "/healthz", ROLE_NONE, REACH_FILTER, 0},
    {"GET", "/readyz", ROLE_NONE, REACH_FILTER, 0},
    {"GET", "/metrics", ROLE_VIEWER, REACH_WHOLE, ACCESS_LOOPBACK},

    /* plain pages */
    {"GET", "/login", ROLE_NONE, REACH_FILTER, 0},
    {"POST", "/login", ROLE_NONE, REACH_FILTER, 0},
    {"POST", "/logout", ROLE_VIEWER, REACH_WHOLE, ACCESS_SESSION | ACCESS_FORM},
    {"GET", "/upload", ROLE_DEPLOYER, REACH_WHOLE, ACCESS_SESSION},
    {"POST", "/upload", ROLE_DEPLOYER, REACH_WHOLE, ACCESS_SESSION | ACCESS_FORM},

    /* oneself */
    {"POST", API "/login", ROLE_NONE, REACH_FILTER, 0},
    {"GET", API "/session", ROLE_VIEWER, REACH_FILTER, 0},
    {"POST", API "/logout", ROLE_VIEWER, REACH_WHOLE, ACCESS_SESSION},
    {"POST", API "/logout-everywhere", ROLE_VIEWER, REACH_WHOLE, ACCESS_SESSION},
    {"POST", API "/password", ROLE_VIEWER, REACH_WHOLE, ACCESS_SESSION},

    /* who may come in */
    {"GET", API "/accounts", ROLE_ADMIN, REACH_WHOLE, 0},
    {"PUT", API "/accounts/{name}", ROLE_ADMIN, REACH_WHOLE, ACCESS_SESSION},
    {"DELETE", API "/accounts/{name}", ROLE_ADMIN, REACH_WHOLE, ACCESS_SESSION},
    {"GET", API "/tokens", ROLE_ADMIN, REACH_WHOLE, 0},
    {"POST", API "/tokens", ROLE_ADMIN, REACH_WHOLE, ACCESS_SESSION},
    {"DELETE", API "/tokens/{name}", ROLE_ADMIN, REACH_WHOLE, 0},

    /* apps */
    {"GET", API "/apps", ROLE_VIEWER, REACH_FILTER, 0},
    {"POST", API "/apps", ROLE_DEPLOYER, REACH_FILTER, 0},
    {"GET", APP, ROLE_VIEWER, REACH_APP, 0},
    {"GET", APP "/spec", ROLE_VIEWER, REACH_APP, 0},
    {"PUT", APP "/spec", ROLE_DEPLOYER, REACH_APP, 0},
    {"DELETE", APP "/spec", ROLE_DEPLOYER, REACH_APP, 0},
    {"POST", APP "/bundle", ROLE_DEPLOYER, REACH_APP, 0},
    {"PUT", APP "/bundle", ROLE_DEPLOYER, REACH_APP, 0},
    {"GET", APP "/plan", ROLE_VIEWER, REACH_APP, 0},
    {"GET", APP "/drift", ROLE_VIEWER, REACH_APP, 0},
    {"GET", APP "/stats", ROLE_VIEWER, REACH_APP, 0},
    {"GET", APP "/secrets", ROLE_DEPLOYER, REACH_APP, 0},
    {"PUT", APP "/secrets/{name}", ROLE_DEPLOYER, REACH_APP, 0},
    {"DELETE", APP "/secrets/{name}", ROLE_DEPLOYER, REACH_APP, 0},
    {"GET", APP "/history", ROLE_VIEWER, REACH_APP, 0},
    {"GET", APP "/logs", ROLE_VIEWER, REACH_APP, 0},
    {"GET", APP "/builds", ROLE_VIEWER, REACH_APP, 0},
    {"GET", APP "/builds/{name}", ROLE_VIEWER, REACH_APP, 0},
    {"POST", APP "/stop", ROLE_DEPLOYER, REACH_APP, 0},
    {"POST", APP "/start", ROLE_DEPLOYER, REACH_APP, 0},
    {"POST", APP "/restart", ROLE_DEPLOYER, REACH_APP, 0},
    {"POST", APP "/hold", ROLE_DEPLOYER, REACH_APP, 0},
    {"POST", APP "/release", ROLE_DEPLOYER, REACH_APP, 0},
    {"POST", APP "/remove", ROLE_DEPLOYER, REACH_APP, 0},

    /* all of them */
    {"GET", API "/history", ROLE_VIEWER, REACH_FILTER, 0},
    {"GET", API "/stats", ROLE_VIEWER, REACH_FILTER, 0},
    {"GET", API "/events", ROLE_VIEWER, REACH_FILTER, 0},
    {"POST", API "/validate", ROLE_VIEWER, REACH_FILTER, 0},

    {"GET", API "/volumes", ROLE_VIEWER, REACH_FILTER, 0},

    /* the host */
    {"POST", API "/volumes/{name}/restore", ROLE_DEPLOYER, REACH_WHOLE, 0},
    {"POST", API "/volumes/{name}/purge", ROLE_ADMIN, REACH_WHOLE, 0},
    {"GET", API "/secrets", ROLE_ADMIN, REACH_WHOLE, 0},
    {"PUT", API "/secrets/{name}", ROLE_ADMIN, REACH_WHOLE, 0},
    {"DELETE", API "/secrets/{name}", ROLE_ADMIN, REACH_WHOLE, 0},
    {"GET", API "/removals", ROLE_VIEWER, REACH_WHOLE, 0},
    {"POST", API "/confirm-removals", ROLE_DEPLOYER, REACH_WHOLE, 0},
    {"GET", API "/agent", ROLE_VIEWER, REACH_WHOLE, 0},
    {"GET", API "/audit", ROLE_ADMIN, REACH_WHOLE, 0},
    {"GET", API "/audit/verify", ROLE_ADMIN, REACH_WHOLE, 0},
};
/* clang-format on */

const struct access_row *access_rows(size_t *ret_n)
{
    *ret_n = ARRAY_LEN(rows);
    return rows;
}
