/* forms_service.c: the parts of a service that are more than one value: checks, limits, dependencies, networks,
 * logging, restart, env_file.
 *
 * In: their short and long forms. Out: the arrays of struct service. Whether the names they mention exist is the business
 * of validate.c, which sees the whole app. */
#include "spec/forms.h"

#include <arpa/inet.h>
#include <inttypes.h>

#include "spec/base/arena.h"
#include "spec/decode.h"
#include "spec/draft.h"

/* ---- restart ---- */

// clang-format off
static const struct choice restarts[] = {
    {"no", RESTART_NO}, {"always", RESTART_ALWAYS}, {"on-failure", RESTART_ON_FAILURE},
    {"unless-stopped", RESTART_UNLESS_STOPPED}, {NULL, 0}};
// clang-format on

static void store_restart(struct decode_ctx *c, const struct yaml_node *v, int policy,
                          struct service *s)
{
    if (s->restart != RESTART_UNSET && (int)s->restart != policy)
        decode_error(c, v, "give it once",
                     "differs from the restart policy that another key gives");
    else
        memcpy(&s->restart, &policy, sizeof(policy));
}

static void decode_form_restart(struct decode_ctx *c, const struct field *f,
                                const struct yaml_node *v, void *out)
{
    static const struct field words = {.choices = restarts};
    struct service *s = out;
    const char *text = decode_text(c, v, "a restart policy");
    const char *colon = text ? strchr(text, ':') : NULL;
    int policy;

    (void)f;
    if (!text)
        return;
    if (v->kind == YAML_BOOL && *text == 'f')
        text = "no"; /* what unquoted `no` becomes in many a tool */
    if (colon && strncmp(text, "on-failure:", 11) == 0) {
        int64_t attempts;

        if (parse_int64(colon + 1, 0, INT32_MAX, &attempts) < 0) {
            decode_error(c, v, "example: on-failure:3", "\"%s\" is not a number of attempts",
                         colon + 1);
            return;
        }
        if (s->restart_max.set && s->restart_max.v != attempts)
            decode_error(c, v, "give it once", "differs from `max_attempts`");
        s->restart_max = (struct num){attempts, attempts > 0};
        text = "on-failure";
    }
    if (decode_choice(c, &words, v, text, &policy))
        store_restart(c, v, policy, s);
}

static bool show_form_restart(const struct field *f, const void *value, struct str *out)
{
    const struct service *s = value;

    (void)f;
    for (const struct choice *o = restarts; o->word; o++)
        if (o->value == (int)s->restart)
            str_add(out, o->word);
    if (s->restart != RESTART_UNSET && s->restart_max.set)
        str_addf(out, ":%" PRId64, s->restart_max.v);
    return s->restart != RESTART_UNSET;
}

const struct form form_restart = {"no, always, on-failure[:N] or unless-stopped",
                                  decode_form_restart, show_form_restart,
                                  "{\"anyOf\": [{\"type\": \"string\", \"pattern\": "
                                  "\"^(no|always|unless-stopped|on-failure(:[0-9]+)?)$\"}, "
                                  "{\"enum\": [false]}]}"};

/* ---- deploy.restart_policy ---- */

// clang-format off
const struct choice restart_conditions[] = {
    {"none", RESTART_NO}, {"on-failure", RESTART_ON_FAILURE}, {"any", RESTART_ALWAYS}, {NULL, 0}};
// clang-format on

static void decode_condition(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                             void *out)
{
    const char *text = decode_text(c, v, "a condition");
    int policy;

    if (text && decode_choice(c, f, v, text, &policy))
        store_restart(c, v, policy, out);
}

const struct form form_condition = {"none, on-failure or any", decode_condition, NULL, NULL};

/* ---- healthcheck ---- */

static void decode_form_test(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                             void *out)
{
    static const char *const verbs[] = {"CMD", "CMD-SHELL", "NONE"};
    struct command test = {.set = true};

    if (v->kind != YAML_LIST) {
        const char *text = decode_text(c, v, "a text or a list");

        if (!text)
            return;
        strv_push(c->arena, &test.argv, "CMD-SHELL");
        strv_push(c->arena, &test.argv, text);
        *(struct command *)out = test;
        return;
    }
    form_list.decode(c, f, v, &test.argv);
    for (size_t i = 0; test.argv.n > 0 && i < ARRAY_LEN(verbs); i++) {
        if (strcmp(test.argv.v[0], verbs[i]) != 0)
            continue;
        if (i == 1 && test.argv.n != 2)
            decode_error(c, v, "or begin with \"CMD\" for a command without a shell",
                         "CMD-SHELL takes exactly one text");
        else if (i == 0 && test.argv.n < 2)
            decode_error(c, v, NULL, "CMD needs a command");
        else
            *(struct command *)out = test;
        return;
    }
    decode_error(c, v, "example: [\"CMD\", \"curl\", \"-f\", \"http://localhost/\"]",
                 "a list must begin with \"CMD\", \"CMD-SHELL\" or \"NONE\"");
}

static bool show_form_test(const struct field *f, const void *value, struct str *out)
{
    const struct command *cmd = value;

    return cmd->set && show_strv(f, &cmd->argv, out);
}

const struct form form_test = {
    "a text for the shell, or a list that begins with CMD, CMD-SHELL or NONE", decode_form_test,
    show_form_test,
    "{\"anyOf\": [{\"type\": \"string\"}, {\"type\": \"array\", \"items\": {\"type\": "
    "\"string\"}}]}"};

static void decode_form_healthcheck(struct decode_ctx *c, const struct field *f,
                                    const struct yaml_node *v, void *out)
{
    (void)f;
    if (decode_table(c, &fields_healthcheck, v, out))
        ((struct healthcheck *)out)->set = true;
}

static bool show_form_healthcheck(const struct field *f, const void *value, struct str *out)
{
    (void)f;
    return ((const struct healthcheck *)value)->set && show_inline(&fields_healthcheck, value, out);
}

const struct form form_healthcheck = {"a mapping", decode_form_healthcheck, show_form_healthcheck,
                                      "{\"$ref\": \"#/$defs/healthcheck\"}"};

/* ---- logging ---- */

static void decode_form_logging(struct decode_ctx *c, const struct field *f,
                                const struct yaml_node *v, void *out)
{
    (void)f;
    if (decode_table(c, &fields_logging, v, out))
        ((struct logging *)out)->set = true;
}

static bool show_form_logging(const struct field *f, const void *value, struct str *out)
{
    (void)f;
    return ((const struct logging *)value)->set && show_inline(&fields_logging, value, out);
}

const struct form form_logging = {"a mapping", decode_form_logging, show_form_logging,
                                  "{\"$ref\": \"#/$defs/logging\"}"};

/* ---- ulimits ---- */

/* getrlimit(2), as the engine names them. */
static const char *const ulimit_names[] = {
    "as",   "core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue",
    "nice", "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack"};

struct ulimit_pair {
    struct num soft, hard;
};

static bool read_ulimit(struct decode_ctx *c, const struct yaml_node *v, struct ulimit_pair *ret)
{
    size_t before = c->diags->errors;

    if (v->kind == YAML_MAP) {
        if (decode_table(c, &fields_ulimit, v, ret) && c->diags->errors == before &&
            ret->hard.v != -1 && (ret->soft.v > ret->hard.v || ret->soft.v == -1))
            decode_error(c, v, NULL, "the soft limit is above the hard limit");
        return c->diags->errors == before;
    }
    if (!decode_int(c, v, -1, INT64_MAX, &ret->soft.v))
        return false;
    ret->hard = ret->soft;
    return true;
}

static bool ulimit_known(struct decode_ctx *c, const struct yaml_node *v, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(ulimit_names); i++)
        if (strcmp(ulimit_names[i], name) == 0)
            return true;
    const char *nearest = str_nearest(name, ulimit_names, ARRAY_LEN(ulimit_names));

    decode_error(c, v, nearest ? arena_printf(c->arena, "did you mean \"%s\"?", nearest) : NULL,
                 "\"%s\" is not a limit", name);
    return false;
}

static int cmp_ulimit(const void *a, const void *b)
{
    return strcmp(((const struct ulimit *)a)->name, ((const struct ulimit *)b)->name);
}

static void decode_form_ulimits(struct decode_ctx *c, const struct field *f,
                                const struct yaml_node *v, void *out)
{
    struct service *s = out;

    (void)f;
    if (!decode_is(c, v, YAML_MAP, "a mapping"))
        return;
    s->ulimits = ARENA_ARRAY(c->arena, v->n + 1, struct ulimit);
    for (size_t i = 0; i < v->n; i++) {
        const struct yaml_pair *p = &v->pairs[i];
        struct ulimit_pair limit = {0};

        decode_enter(c, p->key);
        if (ulimit_known(c, p->value, p->key) && read_ulimit(c, p->value, &limit))
            s->ulimits[s->n_ulimits++] = (struct ulimit){p->key, limit.soft.v, limit.hard.v};
        decode_leave(c);
    }
    if (s->n_ulimits > 1)
        qsort(s->ulimits, s->n_ulimits, sizeof(s->ulimits[0]), cmp_ulimit);
}

static bool show_form_ulimits(const struct field *f, const void *value, struct str *out)
{
    const struct service *s = value;

    (void)f;
    for (size_t i = 0; i < s->n_ulimits; i++)
        str_addf(out, "%s%s: %" PRId64 "/%" PRId64, i ? ", " : "{", s->ulimits[i].name,
                 s->ulimits[i].soft, s->ulimits[i].hard);
    if (s->n_ulimits)
        str_addc(out, '}');
    return s->n_ulimits;
}

const struct form form_ulimits = {"a mapping NAME: LIMIT, or NAME: {soft: LIMIT, hard: LIMIT}",
                                  decode_form_ulimits, show_form_ulimits,
                                  "{\"type\": \"object\", \"additionalProperties\": {\"anyOf\": "
                                  "[{\"type\": [\"integer\", \"string\"]}, {\"$ref\": "
                                  "\"#/$defs/ulimit\"}]}}"};

/* ---- depends_on ---- */

static bool too_many(struct decode_ctx *c, const struct yaml_node *v, size_t most, const char *what)
{
    if (v->n <= most)
        return false;
    decode_error(c, v, NULL, "%zu %s; at most %zu are allowed", v->n, what, most);
    return true;
}

static void decode_form_depends(struct decode_ctx *c, const struct field *f,
                                const struct yaml_node *v, void *out)
{
    struct service *s = out;
    const char *text;

    (void)f;
    if (v->kind != YAML_LIST && !decode_is(c, v, YAML_MAP, "a list of services, or a mapping"))
        return;
    if (v->kind == YAML_LIST && !decode_is(c, v, YAML_LIST, "a list of services"))
        return;
    if (too_many(c, v, LIMIT_SERVICES, "services"))
        return;
    s->depends = ARENA_ARRAY(c->arena, v->n + 1, struct dependency);
    for (size_t i = 0; i < v->n; i++) {
        struct dependency d = {.condition = DEPEND_STARTED};

        if (v->kind == YAML_LIST) {
            decode_enter_index(c, i);
            if ((text = decode_text(c, v->items[i], "the name of a service"))) {
                d.at = decode_place(c, v->items[i]);
                d.service = text;
                s->depends[s->n_depends++] = d;
            }
        } else {
            decode_enter(c, v->pairs[i].key);
            d.at = decode_pair_place(c, &v->pairs[i]);
            d.service = v->pairs[i].key;
            if (v->pairs[i].value->kind == YAML_NULL ||
                decode_table(c, &fields_depend, v->pairs[i].value, &d))
                s->depends[s->n_depends++] = d;
        }
        decode_leave(c);
    }
}

static bool show_form_depends(const struct field *f, const void *value, struct str *out)
{
    const struct service *s = value;

    (void)f;
    for (size_t i = 0; i < s->n_depends; i++) {
        str_add(out, i ? ", " : "{");
        show_text(s->depends[i].service, out);
        str_add(out, ": ");
        (void)show_inline(&fields_depend, &s->depends[i], out);
    }
    if (s->n_depends)
        str_addc(out, '}');
    return s->n_depends;
}

const struct form form_depends = {
    "a list of services, or a mapping SERVICE: {condition: ...}", decode_form_depends,
    show_form_depends,
    "{\"anyOf\": [{\"type\": \"array\", \"items\": {\"type\": \"string\"}}, {\"type\": \"object\", "
    "\"additionalProperties\": {\"anyOf\": [{\"type\": \"null\"}, {\"$ref\": "
    "\"#/$defs/depend\"}]}}]}"};

/* ---- networks of a service ---- */

static void decode_form_attach(struct decode_ctx *c, const struct field *f,
                               const struct yaml_node *v, void *out)
{
    struct service *s = out;
    const char *text;

    (void)f;
    if (v->kind != YAML_LIST && !decode_is(c, v, YAML_MAP, "a list of networks, or a mapping"))
        return;
    if (v->kind == YAML_LIST && !decode_is(c, v, YAML_LIST, "a list of networks"))
        return;
    if (too_many(c, v, LIMIT_SERVICES, "networks"))
        return;
    s->networks = ARENA_ARRAY(c->arena, v->n + 1, struct attach);
    for (size_t i = 0; i < v->n; i++) {
        struct attach a = {0};

        if (v->kind == YAML_LIST) {
            decode_enter_index(c, i);
            if ((text = decode_text(c, v->items[i], "the name of a network"))) {
                a.at = decode_place(c, v->items[i]);
                a.network = text;
                s->networks[s->n_networks++] = a;
            }
        } else {
            decode_enter(c, v->pairs[i].key);
            a.at = decode_pair_place(c, &v->pairs[i]);
            a.network = v->pairs[i].key;
            if (v->pairs[i].value->kind == YAML_NULL ||
                decode_table(c, &fields_attach, v->pairs[i].value, &a))
                s->networks[s->n_networks++] = a;
        }
        decode_leave(c);
    }
}

static bool show_form_attach(const struct field *f, const void *value, struct str *out)
{
    const struct service *s = value;

    (void)f;
    for (size_t i = 0; i < s->n_networks; i++) {
        str_add(out, i ? ", " : "[");
        show_text(s->networks[i].network, out);
        size_t mark = out->len;

        str_addc(out, ' ');
        if (!show_inline(&fields_attach, &s->networks[i], out))
            out->buf[out->len = mark] = '\0';
    }
    if (s->n_networks)
        str_addc(out, ']');
    return s->n_networks;
}

const struct form form_attach = {
    "a list of networks, or a mapping NETWORK: {aliases: ...}", decode_form_attach,
    show_form_attach,
    "{\"anyOf\": [{\"type\": \"array\", \"items\": {\"type\": \"string\"}}, {\"type\": \"object\", "
    "\"additionalProperties\": {\"anyOf\": [{\"type\": \"null\"}, {\"$ref\": "
    "\"#/$defs/attach\"}]}}]}"};

/* ---- env_file ---- */

struct env_item {
    const char *path;
    enum tri required;
    int format; /* 1: raw */
};

static void decode_env_item(struct decode_ctx *c, const struct yaml_node *v,
                            struct service_draft *d)
{
    struct env_item item = {0};
    const struct yaml_node *path = yaml_get(v, "path");

    if (v->kind == YAML_MAP)
        (void)decode_table(c, &fields_env_file, v, &item);
    else
        item.path = decode_text(c, v, "a path");
    if (item.path && !*item.path)
        decode_error(c, v, NULL, "a path must not be empty");
    else if (item.path && strncmp(item.path, "secret://", 9) == 0)
        decode_error(c, path ? path : v,
                     "write `secrets: [NAME]` with `secrets: {NAME: {external: true}}` at the top: "
                     "it comes as the file /run/secrets/NAME",
                     "variables are not taken from a secret: they show in `docker inspect`");
    else if (item.path)
        d->env_sources[d->n_env_sources++] =
            (struct env_source){decode_place(c, v), v, decode_path(c, path ? path : v, item.path),
                                item.required, item.format == 1};
}

static void decode_form_env_file(struct decode_ctx *c, const struct field *f,
                                 const struct yaml_node *v, void *out)
{
    struct service_draft *d = out;

    (void)f;
    if (v->kind == YAML_LIST && !decode_is(c, v, YAML_LIST, "a list"))
        return;
    d->env_sources = ARENA_ARRAY(c->arena, v->kind == YAML_LIST ? v->n + 1 : 1, struct env_source);
    if (v->kind != YAML_LIST) {
        decode_env_item(c, v, d);
        return;
    }
    for (size_t i = 0; i < v->n; i++) {
        decode_enter_index(c, i);
        decode_env_item(c, v->items[i], d);
        decode_leave(c);
    }
}

const struct form form_env_file = {
    "a path, or a list of paths or mappings", decode_form_env_file, NULL,
    "{\"anyOf\": [{\"type\": \"string\"}, {\"$ref\": \"#/$defs/env_file\"}, {\"type\": \"array\", "
    "\"items\": "
    "{\"anyOf\": [{\"type\": \"string\"}, {\"$ref\": \"#/$defs/env_file\"}]}}]}"};

/* ---- addresses ---- */

static bool check_ipv4(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                       const char *text)
{
    unsigned char bytes[4];

    (void)f;
    if (inet_pton(AF_INET, text, bytes) == 1)
        return true;
    decode_error(c, v, NULL, "\"%s\" is not an IPv4 address", text);
    return false;
}

static bool check_ipv6(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                       const char *text)
{
    unsigned char bytes[16];

    (void)f;
    if (inet_pton(AF_INET6, text, bytes) == 1)
        return true;
    decode_error(c, v, NULL, "\"%s\" is not an IPv6 address", text);
    return false;
}

static bool check_link_local(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                             const char *text)
{
    unsigned char bytes[16];

    (void)f;
    if (inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, bytes) == 1)
        return true;
    decode_error(c, v, NULL, "\"%s\" is not an IP address", text);
    return false;
}

static bool check_attach_mac(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                             const char *text)
{
    (void)f;
    if (mac_address_valid(text))
        return true;
    decode_error(c, v, "example: 02:42:ac:11:00:02", "\"%s\" is not a MAC address", text);
    return false;
}

/* What the kernel takes: at most 15 bytes, no slash, no blank. */
static bool check_interface(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                            const char *text)
{
    size_t n = strlen(text);

    (void)f;
    if (n > 0 && n <= 15 && text[strcspn(text, "/: \t")] == '\0' && strcmp(text, ".") != 0 &&
        strcmp(text, "..") != 0)
        return true;
    decode_error(c, v, "example: eth1", "\"%s\" is not a name of an interface", text);
    return false;
}

/* ---- rows ---- */

// clang-format off
#define TABLE(name, help, rows) {name, help, rows, ARRAY_LEN(rows)}
#define H(member) offsetof(struct healthcheck, member)

static const struct field rows_healthcheck[] = {
    {"disable", &form_bool, H(disable), .help = "switch the image's check off", .fallback = "false"},
    {"interval", &form_duration, H(interval_ns), .help = "time between two checks", .min = 1000000, .max = INT64_MAX, .fallback = "the image's, else 30s"},
    {"retries", &form_int, H(retries), .help = "failures in a row until unhealthy", .min = 0, .max = 1000000, .fallback = "the image's, else 3"},
    {"start_interval", &form_duration, H(start_interval_ns), .help = "time between two checks while starting", .min = 1000000, .max = INT64_MAX, .fallback = "5s"},
    {"start_period", &form_duration, H(start_period_ns), .help = "time in which failures do not count", .min = 1000000, .max = INT64_MAX, .fallback = "0s"},
    {"test", &form_test, H(test), .help = "the command; its exit code 0 means healthy"},
    {"timeout", &form_duration, H(timeout_ns), .help = "time after which a check counts as failed", .min = 1000000, .max = INT64_MAX, .fallback = "the image's, else 30s"},
};
const struct table fields_healthcheck = TABLE("healthcheck", "How the engine checks that a container is well.", rows_healthcheck);

static const struct field rows_logging[] = {
    {"driver", &form_text, offsetof(struct logging, driver), .help = "logging driver of the engine", .fallback = "json-file"},
    {"options", &form_options, offsetof(struct logging, options), .help = "options of the driver", .fallback = "max-size 10m, max-file 3"},
};
const struct table fields_logging = TABLE("logging", "Where the output of a container goes.", rows_logging);

static const struct field rows_ulimit[] = {
    {"hard", &form_int, offsetof(struct ulimit_pair, hard), .help = "the most a process may raise it to", .required = true, .min = -1, .max = INT64_MAX},
    {"soft", &form_int, offsetof(struct ulimit_pair, soft), .help = "the limit in force", .required = true, .min = -1, .max = INT64_MAX},
};
const struct table fields_ulimit = TABLE("ulimit", "A limit with two values; -1 is none.", rows_ulimit);

static const struct choice depend_conditions[] = {
    {"service_started", DEPEND_STARTED}, {"service_healthy", DEPEND_HEALTHY},
    {"service_completed_successfully", DEPEND_COMPLETED}, {NULL, 0}};
static const struct field rows_depend[] = {
    {"condition", &form_choice, offsetof(struct dependency, condition), .help = "what to wait for", .choices = depend_conditions, .fallback = "service_started"},
    {"required", &form_bool, offsetof(struct dependency, required), .help = "false: go on without it", .fallback = "true"},
    {"restart", &form_bool, offsetof(struct dependency, restart), .help = "restart this service when the other was replaced", .fallback = "false"},
};
const struct table fields_depend = TABLE("depend", "A service that must be there first.", rows_depend);

static const struct field rows_attach[] = {
    {"aliases", &form_list, offsetof(struct attach, aliases), .help = "further names of the service in this network"},
    {"driver_opts", &form_options, offsetof(struct attach, driver_opts), .help = "options of the network's driver for this end"},
    {"gw_priority", &form_int, offsetof(struct attach, gw_priority), .help = "of several networks the one with the highest is the way out (API 1.48)", .min = INT32_MIN, .max = INT32_MAX, .fallback = "0"},
    {"interface_name", &form_text, offsetof(struct attach, interface_name), .help = "name of the interface inside (API 1.49)", .check = check_interface},
    {"ipv4_address", &form_text, offsetof(struct attach, ipv4), .help = "a fixed address", .check = check_ipv4},
    {"ipv6_address", &form_text, offsetof(struct attach, ipv6), .help = "a fixed address", .check = check_ipv6},
    {"link_local_ips", &form_list, offsetof(struct attach, link_local_ips), .help = "link-local addresses", .check = check_link_local},
    {"mac_address", &form_text, offsetof(struct attach, mac_address), .help = "MAC address in this network", .check = check_attach_mac},
    {"priority", &form_int, offsetof(struct attach, priority), .help = "the network with the highest is joined first, and is the way out where `gw_priority` does not say otherwise", .min = INT32_MIN, .max = INT32_MAX, .fallback = "0"},
};
const struct table fields_attach = TABLE("attach", "How a service takes part in a network.", rows_attach);

static const struct choice env_formats[] = {{"raw", 1}, {NULL, 0}};
static const struct field rows_env_file[] = {
    {"format", &form_choice, offsetof(struct env_item, format), .help = "raw: values are taken as they stand, quotes included", .choices = env_formats},
    {"path", &form_text, offsetof(struct env_item, path), .help = "path of the file, from the folder of this one", .required = true},
    {"required", &form_bool, offsetof(struct env_item, required), .help = "false: the file may be missing", .fallback = "true"},
};
const struct table fields_env_file = TABLE("env_file", "A file of environment variables.", rows_env_file);
// clang-format on
