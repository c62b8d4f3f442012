/* config.c: the agent's configuration file.
 *
 * In: its text. Out: struct config, or every mistake in it. It fills in no defaults: flags and environment are heard before it,
 * and who merges the three knows what holds when none of them speaks. */
#include "spec/config.h"

#include <arpa/inet.h>

#include "spec/base/arena.h"
#include "spec/config_ingress.h"
#include "spec/config_policy.h"
#include "spec/decode.h"
#include "spec/document.h"
#include "spec/forms.h"
#include "spec/route.h"

/* What the rows fill: the pool's prefix is a num until it is checked. */
struct config_draft {
    struct config c;
    struct num pool_prefix;
    struct ingress_draft ingress;
    struct strv hosts; /* of `http:`, in their normal form */
};

static bool check_agent_name(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                             const char *text)
{
    (void)f;
    if (app_name_valid(text))
        return true;
    decode_error(c, v, NULL,
                 "\"%s\": the agent's name has small letters, digits and inner `-`, begins with a "
                 "letter or digit, and is "
                 "at most %d long",
                 text, LIMIT_APP_NAME);
    return false;
}

static bool check_config_path(struct decode_ctx *c, const struct field *f,
                              const struct yaml_node *v, const char *text)
{
    (void)f;
    if (*text == '/')
        return true;
    decode_error(c, v, NULL, "\"%s\": the path must begin with /", text);
    return false;
}

static bool check_docker(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                         const char *text)
{
    static const char *const schemes[] = {"unix://", "tcp://", "http://", "https://"};

    (void)f;
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
        if (strncmp(text, schemes[i], strlen(schemes[i])) == 0 && text[strlen(schemes[i])])
            return true;
    decode_error(
        c, v, "examples: unix:///var/run/docker.sock, tcp://10.0.0.5:2375, https://10.0.0.5:2376",
        "\"%s\" is not an address of an engine", text);
    return false;
}

int listen_parse(const char *text, struct arena *a, const char **ret_address, int *ret_port,
                 const char **ret_why)
{
    size_t n = strcspn(text, ":"), end = strlen(text);
    unsigned char bytes[4];
    int64_t port;

    if (text[0] == '[' || (text[n] && strchr(text + n + 1, ':'))) {
        *ret_why = "the agent answers on IPv4 only";
        return -1;
    }
    if (text[n] && (text[end - 1] == 's' || text[end - 1] == 'r')) { /* civetweb's words for TLS */
        *ret_why = "the agent speaks plain HTTP; TLS is Traefik's task (`route: {tls: auto}`)";
        return -1;
    }
    if (!text[n] || parse_int64(text + n + 1, 1, 65535, &port) != 0) {
        *ret_why = "it wants an IPv4 address and a port, such as 127.0.0.1:5001";
        return -1;
    }
    const char *address = arena_strndup(a, text, n);

    if (inet_pton(AF_INET, address, bytes) != 1) {
        *ret_why = "its first part is no IPv4 address, such as 127.0.0.1 or 0.0.0.0";
        return -1;
    }
    if (ret_address)
        *ret_address = address;
    if (ret_port)
        *ret_port = (int)port;
    return 0;
}

static bool check_listen(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                         const char *text)
{
    const char *why;

    (void)f;
    if (strcmp(text, "none") == 0 || listen_parse(text, c->arena, NULL, NULL, &why) == 0)
        return true;
    decode_error(c, v, NULL, "\"%s\": %s", text, why);
    return false;
}

static bool check_host(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                       const char *text)
{
    struct route_fault fault = {0};

    (void)f;
    if (!route_host(text, c->arena, &fault))
        decode_error(c, v, fault.hint, "%s", fault.what);
    else if (*text == '*')
        decode_error(c, v, "name each host", "the platform has no pages on \"%s\"", text);
    else
        return true;
    return false;
}

static bool check_pool(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                       const char *text)
{
    size_t n = strcspn(text, "/");
    unsigned char bytes[4];
    int64_t prefix;

    (void)f;
    if (text[n] && inet_pton(AF_INET, arena_strndup(c->arena, text, n), bytes) == 1 &&
        parse_int64(text + n + 1, 8, 28, &prefix) == 0)
        return true;
    decode_error(c, v, "example: 10.213.0.0/16",
                 "\"%s\" is not an IPv4 pool with a prefix of 8 to 28", text);
    return false;
}

static bool check_level(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                        const char *text)
{
    int ignored;

    return decode_choice(c, f, v, text, &ignored);
}

// clang-format off
#define TABLE(name, help, rows) {name, help, rows, ARRAY_LEN(rows)}
#define C(member) offsetof(struct config_draft, c.member)
#define NS INT64_C(1000000000)
#define PLANNED .status = FIELD_PLANNED

static const struct choice drifts[] = {{"heal", DRIFT_HEAL}, {"report", DRIFT_REPORT}, {NULL, 0}};
static const struct choice levels[] = {{"error", 0}, {"warning", 0}, {"info", 0}, {"debug", 0}, {NULL, 0}};

static const struct field rows_network[] = {
    {"pool", &form_text, C(pool), .help = "addresses that the subnets of apps are cut from", .check = check_pool, .fallback = "10.213.0.0/16"},
    {"prefix", &form_int, offsetof(struct config_draft, pool_prefix), .help = "size of one subnet, as the length of its prefix", .min = 9, .max = 29, .fallback = "26"},
};
static const struct table fields_config_network = TABLE("config_network", "Subnets of the networks that the agent makes.", rows_network);

static const struct field rows_defaults[] = {
    {"cpus", &form_cpus, C(nano_cpus), .help = "CPUs of a container; 0 for no limit", .min = 1000000, .max = INT64_MAX, .fallback = "0.5"},
    {"memory", &form_bytes, C(mem_limit), .help = "memory of a container; 0 for no limit", .min = 6 * 1024 * 1024, .max = INT64_MAX, .fallback = "512M"},
    {"pids", &form_int, C(pids_limit), .help = "processes and threads of a container; -1 for no limit", .min = -1, .max = 4194304, .fallback = "100"},
};
static const struct table fields_config_defaults = TABLE("config_defaults", "Limits of services that do not say otherwise.", rows_defaults);

static const struct field rows_log[] = {
    {"level", &form_text, C(log_level), .help = "what is worth a line", .choices = levels, .check = check_level, .fallback = "info"},
};
static const struct table fields_config_log = TABLE("config_log", "The agent's own log.", rows_log);

static const struct field rows_builds[] = {
    {"allow", &form_strings, C(build_allow), .help = "folders outside the roots that `source: {path:}` and `{bundle:}` may name", .check = check_config_path},
    {"timeout", &form_duration, C(build_timeout_ns), .help = "how long one build may take", .min = 10 * NS, .max = 24 * 3600 * NS, .fallback = "1h"},
};
static const struct table fields_config_builds = TABLE("config_builds", "What is built, and how long.", rows_builds);

static const struct field rows_bundles[] = {
    {"max_depth", &form_int, C(max_depth), .help = "folders in folders", .min = 1, .max = 128, .fallback = "32"},
    {"max_entries", &form_int, C(max_entries), .help = "files and folders in one", .min = 1, .max = 1000000, .fallback = "10000"},
    {"max_file", &form_bytes, C(max_file), .help = "size of one file in it", .min = 1024, .max = INT64_C(1) << 40, .fallback = "512M"},
    {"max_path", &form_int, C(max_path), .help = "bytes of the path of one file in it", .min = 64, .max = 4095, .fallback = "1024"},
    {"max_ratio", &form_int, C(max_ratio), .help = "unpacked to packed size, looked at beyond 10 MiB", .min = 2, .max = 100000, .fallback = "200"},
    {"max_size", &form_bytes, C(max_size), .help = "size of all its files, unpacked", .min = 1024, .max = INT64_C(1) << 40, .fallback = "1G"},
    {"timeout", &form_duration, C(read_timeout_ns), .help = "how long reading one may take", .min = 1 * NS, .max = 3600 * NS, .fallback = "1m"},
};
static const struct table fields_config_bundles = TABLE("config_bundles", "Bounds of what is built: archives and folders alike.", rows_bundles);

static const struct field rows_http[] = {
    {"hosts", &form_strings, C(ingress.hosts), .help = "hosts of the platform's own: its pages are there alone, behind Traefik, and no app is", .check = check_host, .fallback = "every host"},
};
static const struct table fields_config_http = TABLE("config_http", "The agent's own pages and API.", rows_http);

static const struct field rows_volumes[] = {
    {"quarantine", &form_duration, C(quarantine_ns), .help = "how long volumes that were removed with their app can be had back", .min = 60 * NS, .max = 3660 * 24 * 3600 * NS, .fallback = "7d"},
};
static const struct table fields_config_volumes = TABLE("config_volumes", "What becomes of volumes.", rows_volumes);

static const struct field rows_config[] = {
    {"builds", &form_table, 0, .help = "what is built, and how long", .table = &fields_config_builds},
    {"bundles", &form_table, 0, .help = "bounds of archives and folders that are built", .table = &fields_config_bundles},
    {"defaults", &form_table, 0, .help = "limits of services that do not say otherwise", .table = &fields_config_defaults},
    {"docker", &form_text, C(docker), .help = "address of the engine", .check = check_docker, .fallback = "DOCKER_HOST, else unix:///var/run/docker.sock"},
    {"drift", &form_choice, C(drift), .help = "what to do about changes by hand", .choices = drifts, .fallback = "heal"},
    {"http", &form_table, 0, .help = "the agent's own pages and API", .table = &fields_config_http},
    {"ingress", &form_ingress, offsetof(struct config_draft, ingress), .help = "the way from outside to the apps: managed, external, none, or a mapping", .table = &fields_config_ingress, .fallback = "managed"},
    {"listen", &form_text, C(listen), .help = "IPv4 address and port where the agent answers HTTP, or `none`", .check = check_listen, .fallback = "127.0.0.1:5001"},
    {"log", &form_table, 0, .help = "the agent's own log", .table = &fields_config_log},
    {"name", &form_text, C(name), .help = "owner of everything this agent makes; agents with different names leave each other alone", .check = check_agent_name, .fallback = "default"},
    {"network", &form_table, 0, .help = "subnets of the networks it makes", .table = &fields_config_network},
    {"notify", &form_notify, C(notify), .help = "webhooks that are told of drift, failures, recoveries and held removals", .table = &fields_config_notify},
    {"policy", &form_table, C(policy), .help = "what apps out of archives and uploads may ask of the host", .table = &fields_config_policy, .fallback = "nothing"},
    {"roots", &form_strings, C(roots), .help = "folders of specs", .check = check_config_path, .fallback = "/etc/evenkeel/apps"},
    {"secrets", PLANNED},
    {"state", &form_text, C(state), .help = "where the agent keeps overrides and history", .check = check_config_path, .fallback = "/var/lib/evenkeel"},
    {"sync", PLANNED},
    {"uploads", PLANNED},
    {"volumes", &form_table, 0, .help = "what becomes of volumes", .table = &fields_config_volumes},
};
const struct table fields_config = TABLE("config", "The agent's configuration file.", rows_config);

const struct table *const fields_all_config[] = {
    &fields_config, &fields_config_acme, &fields_config_builds, &fields_config_bundles, &fields_config_defaults, &fields_config_http, &fields_config_ingress, &fields_config_log, &fields_config_network, &fields_config_notify, &fields_config_policy, &fields_config_volumes, NULL,
};
// clang-format on

static void check_subnets_fit(struct decode_ctx *c, const struct yaml_node *v,
                              struct config_draft *d)
{
    const char *pool = d->c.pool ? d->c.pool : "10.213.0.0/16";
    int64_t own = 0, prefix = d->pool_prefix.set ? d->pool_prefix.v : 26;

    (void)parse_int64(strchr(pool, '/') + 1, 0, 32, &own);
    if (prefix <= own)
        decode_say(
            c, DIAG_ERROR,
            decode_key_place(c, yaml_get(v, "network"), d->pool_prefix.set ? "prefix" : "pool"),
            "give a longer `prefix` or a larger `pool`",
            "subnets with a prefix of %d do not fit into the pool %s", (int)prefix, pool);
    d->c.pool_prefix = (int)d->pool_prefix.v;
}

/* 0 is no bound anywhere else; here it would be one that nothing passes. */
static void check_bounds(struct decode_ctx *c, const struct yaml_node *v, const struct config *o)
{
    const struct {
        const char *table, *key;
        const struct num *n;
    } rows[] = {{"builds", "timeout", &o->build_timeout_ns},
                {"bundles", "max_file", &o->max_file},
                {"bundles", "max_size", &o->max_size},
                {"bundles", "timeout", &o->read_timeout_ns}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].n->set && rows[i].n->v <= 0)
            decode_say(c, DIAG_ERROR, decode_key_place(c, yaml_get(v, rows[i].table), rows[i].key),
                       "leave it out for the default", "`%s` must be more than 0", rows[i].key);
}

/* In the form that routes have, so that they can be compared. */
static void take_hosts(struct config_draft *d, struct arena *a)
{
    struct route_fault none;

    for (size_t i = 0; i < d->c.ingress.hosts.n; i++) {
        const char *host = route_host(d->c.ingress.hosts.v[i], a, &none);

        strv_push(a, &d->hosts, host ? host : "");
    }
}

int config_parse(const char *name, const char *text, size_t n, struct arena *a,
                 struct diag_list *diags, struct config *ret)
{
    struct config_draft d = {0};
    struct yaml_file file;
    size_t before = diags->errors;

    if (yaml_parse(name, text, n, a, diags, &file) < 0)
        return -1;
    struct decode_ctx c = {
        .arena = a, .diags = diags, .file = &file, .dir = "/", .plain_dollars = true};

    if (file.n_documents > 1)
        decode_error(&c, file.documents[1], NULL, "a configuration is one document");
    if (file.n_documents > 0 && decode_table(&c, &fields_config, file.documents[0], &d)) {
        check_subnets_fit(&c, file.documents[0], &d);
        check_bounds(&c, file.documents[0], &d.c);
    }
    take_hosts(&d, a);
    config_ingress_finish(&c, file.n_documents ? file.documents[0] : NULL, &d.ingress,
                          &d.c.ingress);
    d.c.ingress.hosts = d.hosts;
    diag_sort(diags);
    if (diags->errors > before)
        return -1;
    *ret = d.c;
    return 0;
}
