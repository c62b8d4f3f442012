/* forms_app.c: the parts of an app above its services: the services themselves, top-level networks and volumes.
 *
 * In: the mappings under `services:`, `networks:`, `volumes:`. Out: drafts sorted by name, as everything behind expects. */
#include "spec/forms.h"

#include <arpa/inet.h>

#include "spec/base/arena.h"
#include "spec/decode.h"
#include "spec/draft.h"

/* Names of services, networks and volumes: what Compose allows, and never a leading dot or dash. */
static bool key_valid(const char *key, size_t most)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

    return *key && !strchr("_.-", *key) && strspn(key, allowed) == strlen(key) &&
           strlen(key) <= most;
}

static bool check_key(struct decode_ctx *c, const struct yaml_pair *p)
{
    if (key_valid(p->key, LIMIT_SERVICE_NAME))
        return true;
    decode_say(c, DIAG_ERROR, decode_pair_place(c, p), NULL,
               "\"%s\": a name here has letters, digits, `_`, `.` and `-`, begins with a letter or "
               "digit, and is at most "
               "%d long",
               p->key, LIMIT_SERVICE_NAME);
    return false;
}

/* ---- services ---- */

static int cmp_service(const void *a, const void *b)
{
    return strcmp(((const struct service_draft *)a)->s.name,
                  ((const struct service_draft *)b)->s.name);
}

static void decode_service(struct decode_ctx *c, const struct yaml_pair *p, struct service_draft *d)
{
    const struct decode_target targets[] = {
        {&fields_service, d, NULL},
        {&fields_app_flat, NULL,
         c->compose ? "the top of the document, or `x-evenkeel:` there"
                    : "the top of the document, beside `app:`"},
    };

    d->s.name = p->key;
    d->s.at = decode_pair_place(c, p);
    d->node = p->value;
    if (p->value->kind == YAML_NULL)
        decode_say(c, DIAG_ERROR, d->s.at, NULL, "the service \"%s\" is empty", p->key);
    else
        (void)decode_fields(c, p->value, targets, ARRAY_LEN(targets));
}

static void decode_form_services(struct decode_ctx *c, const struct field *f,
                                 const struct yaml_node *v, void *out)
{
    struct app_draft *d = out;

    (void)f;
    if (!decode_is(c, v, YAML_MAP, "a mapping NAME: SERVICE"))
        return;
    if (v->n > LIMIT_SERVICES) {
        decode_error(c, v, NULL, "%zu services in one app; at most %d are allowed", v->n,
                     LIMIT_SERVICES);
        return;
    }
    if (v->n == 0)
        decode_error(c, v, NULL, "an app needs at least one service");
    d->services = ARENA_ARRAY(c->arena, v->n + 1, struct service_draft);
    for (size_t i = 0; i < v->n; i++) {
        decode_enter(c, v->pairs[i].key);
        if (check_key(c, &v->pairs[i]))
            decode_service(c, &v->pairs[i], &d->services[d->n_services++]);
        decode_leave(c);
    }
    if (d->n_services > 1)
        qsort(d->services, d->n_services, sizeof(d->services[0]), cmp_service);
}

const struct form form_services = {"a mapping NAME: SERVICE", decode_form_services, NULL,
                                   "{\"type\": \"object\", \"minProperties\": 1, "
                                   "\"additionalProperties\": {\"$ref\": \"#/$defs/service\"}}"};

/* ---- networks and volumes ---- */

/* `external: {name: X}` is what Compose wrote before `name:` stood beside it. */
static void decode_external(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                            void *out)
{
    if (v->kind == YAML_MAP)
        decode_error(c, v, "write `external: true` and `name: ...` side by side",
                     "must be true or false");
    else
        form_bool.decode(c, f, v, out);
}

static bool show_external(const struct field *f, const void *value, struct str *out)
{
    return form_bool.show(f, value, out);
}

static const struct form form_external = {"true or false", decode_external, show_external,
                                          "{\"type\": \"boolean\"}"};

static int cmp_network(const void *a, const void *b)
{
    return strcmp(((const struct network *)a)->key, ((const struct network *)b)->key);
}

static int cmp_volume(const void *a, const void *b)
{
    return strcmp(((const struct volume *)a)->key, ((const struct volume *)b)->key);
}

static void decode_form_networks(struct decode_ctx *c, const struct field *f,
                                 const struct yaml_node *v, void *out)
{
    struct app *a = &((struct app_draft *)out)->a;

    (void)f;
    if (!decode_is(c, v, YAML_MAP, "a mapping NAME: NETWORK"))
        return;
    a->networks = ARENA_ARRAY(c->arena, v->n + 1, struct network);
    for (size_t i = 0; i < v->n; i++) {
        const struct yaml_pair *p = &v->pairs[i];
        struct network *n = &a->networks[a->n_networks];

        decode_enter(c, p->key);
        if (check_key(c, p)) {
            a->n_networks++;
            n->key = p->key;
            n->at = decode_pair_place(c, p);
            if (p->value->kind != YAML_NULL)
                (void)decode_table(c, &fields_network, p->value, n);
        }
        decode_leave(c);
    }
    if (a->n_networks > 1)
        qsort(a->networks, a->n_networks, sizeof(a->networks[0]), cmp_network);
}

static void decode_form_volume_map(struct decode_ctx *c, const struct field *f,
                                   const struct yaml_node *v, void *out)
{
    struct app *a = &((struct app_draft *)out)->a;

    (void)f;
    if (!decode_is(c, v, YAML_MAP, "a mapping NAME: VOLUME"))
        return;
    a->volumes = ARENA_ARRAY(c->arena, v->n + 1, struct volume);
    for (size_t i = 0; i < v->n; i++) {
        const struct yaml_pair *p = &v->pairs[i];
        struct volume *n = &a->volumes[a->n_volumes];

        decode_enter(c, p->key);
        if (check_key(c, p)) {
            a->n_volumes++;
            n->key = p->key;
            n->at = decode_pair_place(c, p);
            if (p->value->kind != YAML_NULL)
                (void)decode_table(c, &fields_volume, p->value, n);
        }
        decode_leave(c);
    }
    if (a->n_volumes > 1)
        qsort(a->volumes, a->n_volumes, sizeof(a->volumes[0]), cmp_volume);
}

const struct form form_networks = {"a mapping NAME: NETWORK", decode_form_networks, NULL,
                                   "{\"type\": \"object\", \"additionalProperties\": {\"anyOf\": "
                                   "[{\"type\": \"null\"}, {\"$ref\": "
                                   "\"#/$defs/network\"}]}}"};
const struct form form_volume_map = {"a mapping NAME: VOLUME", decode_form_volume_map, NULL,
                                     "{\"type\": \"object\", \"additionalProperties\": {\"anyOf\": "
                                     "[{\"type\": \"null\"}, {\"$ref\": "
                                     "\"#/$defs/volume\"}]}}"};

/* ---- ipam ---- */

static bool check_subnet(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                         const char *text)
{
    const char *slash = strchr(text, '/');
    unsigned char bytes[16];
    const char *address = slash ? arena_strndup(c->arena, text, (size_t)(slash - text)) : text;
    int family = strchr(text, ':') ? AF_INET6 : AF_INET;
    int64_t prefix;

    (void)f;
    if (slash && inet_pton(family, address, bytes) == 1 &&
        parse_int64(slash + 1, 0, family == AF_INET ? 32 : 128, &prefix) == 0)
        return true;
    decode_error(c, v, "example: 10.5.0.0/24", "\"%s\" is not a subnet", text);
    return false;
}

static bool check_gateway(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                          const char *text)
{
    unsigned char bytes[16];

    (void)f;
    if (inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, bytes) == 1)
        return true;
    decode_error(c, v, NULL, "\"%s\" is not an IP address", text);
    return false;
}

static void decode_form_ipam(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                             void *out)
{
    struct network *n = out;

    (void)f;
    if (!decode_is(c, v, YAML_LIST, "a list of mappings"))
        return;
    n->pools = ARENA_ARRAY(c->arena, v->n + 1, struct ipam_pool);
    for (size_t i = 0; i < v->n; i++) {
        struct ipam_pool pool = {0};

        decode_enter_index(c, i);
        if (!decode_table(c, &fields_ipam_config, v->items[i], &pool))
            ;
        else if (v->n > 1 && !pool.subnet)
            decode_error(c, v->items[i], "example: subnet: 10.5.0.0/24",
                         "of several address pools each needs a `subnet`");
        else
            n->pools[n->n_pools++] = pool;
        decode_leave(c);
    }
}

static bool show_form_ipam(const struct field *f, const void *value, struct str *out)
{
    const struct network *n = value;
    size_t from = out->len;

    (void)f;
    for (size_t i = 0; i < n->n_pools; i++) {
        size_t mark = out->len;

        if (out->len > from)
            str_add(out, ", ");
        if (!show_inline(&fields_ipam_config, &n->pools[i], out))
            out->buf[out->len = mark] = '\0';
    }
    return out->len > from;
}

const struct form form_ipam = {
    "a list of mappings", decode_form_ipam, show_form_ipam,
    "{\"type\": \"array\", \"items\": {\"$ref\": \"#/$defs/ipam_config\"}}"};

// clang-format off
#define TABLE(name, help, rows) {name, help, rows, ARRAY_LEN(rows)}
#define N(member) offsetof(struct network, member)
#define P(member) offsetof(struct ipam_pool, member)
#define V(member) offsetof(struct volume, member)

static const struct field rows_ipam_config[] = {
    {"aux_addresses", &form_options, P(aux_addresses), .help = "addresses that are taken by others: NAME: ADDRESS"},
    {"gateway", &form_text, P(gateway), .help = "address of the host in it", .check = check_gateway, .fallback = "its first"},
    {"ip_range", &form_text, P(ip_range), .help = "part of the subnet that containers get addresses from", .check = check_subnet},
    {"subnet", &form_text, P(subnet), .help = "addresses of the network", .check = check_subnet, .fallback = "a free one of the agent's pool"},
};
const struct table fields_ipam_config = TABLE("ipam_config", "Addresses of a network.", rows_ipam_config);

static const struct field rows_ipam[] = {
    {"config", &form_ipam, 0, .help = "subnet, gateway and range of each address pool"},
    {"driver", &form_text, N(ipam_driver), .help = "address management", .fallback = "default"},
    {"options", &form_options, N(ipam_options), .help = "options of the address management"},
};
const struct table fields_ipam = TABLE("ipam", "Address management of a network.", rows_ipam);

static const struct field rows_network[] = {
    {"attachable", &form_bool, N(attachable), .help = "containers that are not of the app may join", .fallback = "false"},
    {"driver", &form_text, N(driver), .help = "network driver", .fallback = "bridge"},
    {"driver_opts", &form_options, N(driver_opts), .help = "options of the driver"},
    {"enable_ipv4", &form_bool, N(enable_ipv4), .help = "give it IPv4 addresses (API 1.48)", .fallback = "true"},
    {"enable_ipv6", &form_bool, N(enable_ipv6), .help = "give it IPv6 addresses", .fallback = "false"},
    {"external", &form_external, N(external), .help = "it exists already and is never made nor removed", .fallback = "false"},
    {"internal", &form_bool, N(internal), .help = "no way out of it", .fallback = "false"},
    {"ipam", &form_table, 0, .help = "addresses", .table = &fields_ipam},
    {"labels", &form_labels, N(labels), .help = "labels of the network"},
    {"name", &form_text, N(name), .help = "its name in the engine", .fallback = "APP_NAME"},
};
const struct table fields_network = TABLE("network", "A network of the app.", rows_network);

static const struct field rows_volume[] = {
    {"driver", &form_text, V(driver), .help = "volume driver", .fallback = "local"},
    {"driver_opts", &form_options, V(driver_opts), .help = "options of the driver"},
    {"external", &form_external, V(external), .help = "it exists already and is never made nor removed", .fallback = "false"},
    {"labels", &form_labels, V(labels), .help = "labels of the volume"},
    {"name", &form_text, V(name), .help = "its name in the engine", .fallback = "APP_NAME"},
};
const struct table fields_volume = TABLE("volume", "A volume of the app.", rows_volume);
// clang-format on
