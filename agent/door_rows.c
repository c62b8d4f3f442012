/* Which handler has which row. A row of access_rows.c without one here, or the other way round, fails the unit tests. */
#include "agent/door_parts.h"

#define API "/api/v1"
#define APP API "/apps/{app}"

/* clang-format off */
static const struct door_row rows[] = {
    {"GET", "/readyz", door_readyz},
    {"GET", "/metrics", door_metrics},

    {"GET", "/login", door_login_page},
    {"POST", "/login", door_login_form},
    {"POST", "/logout", door_logout_form},
    {"GET", "/upload", door_upload_page},
    {"POST", "/upload", door_upload_form},

    {"POST", API "/login", door_api_login},
    {"GET", API "/session", door_api_session},
    {"POST", API "/logout", door_api_logout},
    {"POST", API "/logout-everywhere", door_api_logout_everywhere},
    {"POST", API "/password", door_api_password},

    {"GET", API "/accounts", door_accounts},
    {"PUT", API "/accounts/{name}", door_account_put},
    {"DELETE", API "/accounts/{name}", door_account_delete},
    {"GET", API "/tokens", door_tokens},
    {"POST", API "/tokens", door_token_create},
    {"DELETE", API "/tokens/{name}", door_token_revoke},

    {"GET", API "/apps", door_apps_list},
    {"POST", API "/apps", door_app_onboard},
    {"GET", APP, door_app_get},
    {"GET", APP "/spec", door_spec_get},
    {"PUT", APP "/spec", door_spec_put},
    {"DELETE", APP "/spec", door_spec_delete},
    {"POST", APP "/bundle", door_bundle_put},
    {"PUT", APP "/bundle", door_bundle_put},
    {"GET", APP "/plan", door_app_plan},
    {"GET", APP "/drift", door_app_drift},
    {"GET", APP "/stats", door_stats},
    {"GET", APP "/secrets", door_secrets},
    {"PUT", APP "/secrets/{name}", door_secret_put},
    {"DELETE", APP "/secrets/{name}", door_secret_delete},
    {"GET", APP "/history", door_app_history},
    {"GET", APP "/logs", door_logs},
    {"GET", APP "/builds", door_builds},
    {"GET", APP "/builds/{name}", door_builds},
    {"POST", APP "/stop", door_app_word},
    {"POST", APP "/start", door_app_word},
    {"POST", APP "/restart", door_app_word},
    {"POST", APP "/hold", door_app_word},
    {"POST", APP "/release", door_app_word},
    {"POST", APP "/remove", door_app_word},
    {"GET", API "/history", door_app_history},
    {"GET", API "/events", door_events},
    {"POST", API "/validate", door_validate},
    {"GET", API "/stats", door_stats},
    {"GET", API "/volumes", door_volumes},
    {"POST", API "/volumes/{name}/restore", door_volume_restore},
    {"POST", API "/volumes/{name}/purge", door_volume_purge},
    {"GET", API "/secrets", door_secrets},
    {"PUT", API "/secrets/{name}", door_secret_put},
    {"DELETE", API "/secrets/{name}", door_secret_delete},
    {"GET", API "/removals", door_removals},
    {"POST", API "/confirm-removals", door_removal_confirm},
    {"GET", API "/agent", door_agent},
    {"GET", API "/audit", door_audit},
    {"GET", API "/audit/verify", door_audit_verify},
};
/* clang-format on */

const struct door_row *door_rows(size_t *ret_n)
{
    *ret_n = ARRAY_LEN(rows);
    return rows;
}

door_handler *door_handler_of(const struct access_row *row)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].method, row->method) == 0 && strcmp(rows[i].path, row->path) == 0)
            return rows[i].run;
    return NULL;
}
