/* fields_app.c: the keys of documents above the level of a service: `app:` and `override:`.
 *
 * A flat document joins fields_app_flat with fields_service; one with `services:` has fields_app alone. Networks and volumes
 * have their rows beside their forms (forms_app.c). */
#include "spec/forms_secret.h"

#include "spec/base/arena.h"
#include "spec/decode.h"
#include "spec/document.h"
#include "spec/draft.h"

static bool check_app_name(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                           const char *text)
{
    (void)f;
    if (app_name_valid(text))
        return true;
    decode_error(c, v, NULL,
                 "\"%s\": a name of an app has small letters, digits and inner `-`, begins with a "
                 "letter or digit, and is "
                 "at most %d long",
                 text, LIMIT_APP_NAME);
    return false;
}

/* Compose's rule for names of projects. */
static bool check_project(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                          const char *text)
{
    (void)f;
    if (*text && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(text) &&
        !strchr("_-", *text))
        return true;
    decode_error(c, v, NULL, "\"%s\": a name of a project has small letters, digits, `_` and `-`",
                 text);
    return false;
}

/* true, or the name of a project. */
static void decode_adopt(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                         void *out)
{
    struct adoption adopt = {.at = decode_place(c, v)};
    const char *text = decode_text(c, v, "true, or the name of a Compose project");

    if (!text)
        return;
    if (v->kind != YAML_BOOL && strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
        if (!check_project(c, f, v, text))
            return;
        adopt.project = text;
    } else if (text[0] == 't' || text[0] == 'T') {
        adopt.project = "";
    }
    *(struct adoption *)out = adopt;
}

static bool show_adopt(const struct field *f, const void *value, struct str *out)
{
    const struct adoption *adopt = value;

    (void)f;
    if (adopt->project)
        str_add(out, *adopt->project ? adopt->project : "true");
    return adopt->project;
}

static const struct form form_adopt = {
    "true, or the name of a project", decode_adopt, show_adopt,
    "{\"type\": [\"boolean\", \"string\"], \"pattern\": \"^[a-z0-9][a-z0-9_-]*$\"}"};

// clang-format off
#define TABLE(name, help, rows) {name, help, rows, ARRAY_LEN(rows)}
#define A(member) offsetof(struct app_draft, a.member)
#define O(member) offsetof(struct override, member)
#define PLANNED .status = FIELD_PLANNED

static const struct choice wishes[] = {{"running", WISH_RUNNING}, {"stopped", WISH_STOPPED}, {"removed", WISH_REMOVED}, {NULL, 0}};

static const struct choice volumes_wishes[] = {{"keep", VOLUMES_KEEP}, {"quarantine", VOLUMES_QUARANTINE}, {NULL, 0}};

#define APP_ROW_ADOPT {"adopt", &form_adopt, A(adopt), .help = "Compose project to take over: its containers stay until they change, its networks and volumes are used", .fallback = "false"}
#define APP_ROWS_ADOPT_APP \
    APP_ROW_ADOPT, \
    {"app", &form_text, A(name), .help = "name of the app, unique over all roots", .required = true, .check = check_app_name}, \
    APP_ROW_PROJECT
#define APP_ROW_PROJECT {"compose-project", &form_text, A(compose_project), .help = "project that `docker compose ls` shows it under", .check = check_project, .fallback = "ek-APP"}
#define APP_ROW_DRIFT {"drift", &form_drift, A(drift), .help = "what to do about changes by hand", .fallback = "the agent's, else heal"}
#define APP_ROW_NOTIFY {"notify", .status = FIELD_REFUSED, .help = "whom to tell stands in the agent's configuration, for all apps: notify: {url: https://...}"}
#define APP_ROW_RESTARTED {"restarted-at", &form_time, A(restarted_at_ms), .help = "containers started before this time are started anew"}
#define APP_ROW_STATE {"state", &form_choice, A(state), .help = "how the app is wanted", .choices = wishes, .fallback = "running"}
#define APP_ROW_VERSION {"version", .status = FIELD_IGNORED, .help = "Compose gave it up; leave it out"}

#define APP_ROW_EXTENSION {"x-evenkeel", .status = FIELD_REFUSED, .help = "it is for Compose files; here its keys stand beside `app:`"}

static const struct field rows_app_flat[] = {
    APP_ROWS_ADOPT_APP,
    APP_ROW_DRIFT,
    {"name", .status = FIELD_REFUSED, .help = "the app is called by what stands behind `app:`"},
    APP_ROW_NOTIFY,
    APP_ROW_RESTARTED,
    APP_ROW_STATE,
    APP_ROW_VERSION,
    APP_ROW_EXTENSION,
};
const struct table fields_app_flat = TABLE("app_flat", "The keys of an app with one service beside those of the service.", rows_app_flat);

static const struct field rows_app[] = {
    APP_ROWS_ADOPT_APP,
    {"configs", &form_config_map, 0, .help = "files that services may use", .alias_of = "volumes of the services"},
    APP_ROW_DRIFT,
    {"include", PLANNED},
    {"models", .status = FIELD_UNSUPPORTED, .help = "it is for Docker Desktop's model runner; run the model as a service of its own"},
    {"name", .status = FIELD_REFUSED, .help = "the app is called by what stands behind `app:`"},
    {"networks", &form_networks, 0, .help = "networks of the app"},
    APP_ROW_NOTIFY,
    APP_ROW_RESTARTED,
    {"secrets", &form_secret_map, 0, .help = "files that services may use, and that hold secrets", .alias_of = "volumes of the services"},
    {"services", &form_services, 0, .help = "what the app is made of", .required = true},
    APP_ROW_STATE,
    APP_ROW_VERSION,
    {"volumes", &form_volume_map, 0, .help = "volumes of the app"},
    APP_ROW_EXTENSION,
};
const struct table fields_app = TABLE("app", "An app with several services.", rows_app);

static const struct field rows_compose_app[] = {
    APP_ROW_ADOPT,
    APP_ROW_PROJECT,
    APP_ROW_DRIFT,
    APP_ROW_NOTIFY,
    {"profiles", &form_strings, offsetof(struct app_draft, profiles), .help = "profiles whose services are part of the app", .fallback = "COMPOSE_PROFILES of .env, else none"},
    APP_ROW_RESTARTED,
    APP_ROW_STATE,
};
const struct table fields_compose_app = TABLE("compose_app", "The keys of an app that Compose does not have.", rows_compose_app);

static const struct field rows_override[] = {
    {"by", &form_text, O(by), .help = "who asked for it"},
    {"drift", &form_drift, O(drift), .help = "what to do about changes by hand"},
    {"hold", &form_flag, O(hold), .help = "leave the app alone", .fallback = "false"},
    {"override", &form_text, O(name), .help = "name of the app", .required = true, .check = check_app_name},
    {"restarted-at", &form_time, O(restarted_at_ms), .help = "containers started before this time are started anew"},
    {"revision", &form_text, O(revision), .help = "revision to stay at"},
    {"state", &form_choice, O(state), .help = "how the app is wanted", .choices = wishes},
    {"until", &form_time, O(until_ms), .help = "when `hold` ends by itself"},
    {"volumes", &form_choice, O(volumes), .help = "what becomes of the volumes of an app that is removed", .choices = volumes_wishes, .fallback = "keep"},
};
const struct table fields_override = TABLE("override", "What was asked for an app beside its file: made by the CLI, the dashboard and the API.", rows_override);

const struct table *const fields_all_app[] = {
    &fields_app, &fields_app_flat, &fields_override, &fields_service, &fields_network, &fields_volume, &fields_ipam,
    &fields_ipam_config, &fields_port, &fields_mount, &fields_mount_bind, &fields_mount_volume, &fields_mount_tmpfs, &fields_healthcheck, &fields_hook,
    &fields_logging, &fields_ulimit, &fields_device, &fields_gpu, &fields_blkio, &fields_blkio_weight, &fields_blkio_bps, &fields_blkio_rate, &fields_depend, &fields_attach, &fields_env_file, &fields_use, &fields_secret, &fields_config_entry, &fields_security,
    &fields_source, &fields_build, &fields_deploy, &fields_resources, &fields_limits, &fields_reservations, &fields_restart_policy,
    &fields_route, &fields_route_auth, &fields_route_headers, &fields_route_health, &fields_route_middlewares, &fields_route_rate, &fields_route_redirect,
    &fields_route_retry, &fields_route_sticky, &fields_route_tls, NULL,
};
// clang-format on
