/* fields_compose.c: the keys of a Compose file above the level of a service. Services, networks and volumes have the rows that `app:` documents use.
 * Source: github.com/compose-spec/compose-spec, 04-version-and-name.md and its neighbours. */
#include "spec/forms_secret.h"

#include "spec/base/arena.h"
#include "spec/decode.h"
#include "spec/draft.h"

/* Resolved before the tables see the document; the rows are here for their names. */
static void decode_resolved(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                            void *out)
{
    (void)c, (void)f, (void)v, (void)out;
}

static const struct form form_name = {"a text", decode_resolved, NULL, "{\"type\": \"string\"}"};
static const struct form form_include = {
    "a list of files, or of mappings", decode_resolved, NULL,
    "{\"type\": \"array\", \"items\": {\"type\": [\"string\", \"object\"]}}"};

// clang-format off
#define TABLE(name, help, rows) {name, help, rows, ARRAY_LEN(rows)}

static const struct field rows_compose[] = {
    {"configs", &form_config_map, 0, .help = "files that services may use", .alias_of = "volumes of the services"},
    {"include", &form_include, 0, .help = "further Compose files that become part of this one", .alias_of = "services, networks and volumes"},
    {"models", .status = FIELD_UNSUPPORTED, .help = "it is for Docker Desktop's model runner; run the model as a service of its own"},
    {"name", &form_name, 0, .help = "name of the app", .alias_of = "the app's name", .fallback = "the file's name without .compose.yaml; for compose.yaml its folder's"},
    {"networks", &form_networks, 0, .help = "networks of the app"},
    {"secrets", &form_secret_map, 0, .help = "files that services may use, and that hold secrets", .alias_of = "volumes of the services"},
    {"services", &form_services, 0, .help = "what the app is made of", .required = true},
    {"version", .status = FIELD_IGNORED, .help = "Compose gave it up; leave it out"},
    {"volumes", &form_volume_map, 0, .help = "volumes of the app"},
    {"x-evenkeel", &form_table, 0, .help = "the keys that Compose does not have", .table = &fields_compose_app},
};
const struct table fields_compose = TABLE("compose", "A Compose file.", rows_compose);

const struct table *const fields_all_compose[] = {&fields_compose, &fields_compose_app, NULL};
// clang-format on
