/* engine_field_read.c: kinds of fields, from Engine API JSON to the one spelling that is compared.
 *
 * In: one member of a create body, inspect reply or image. Out: entries in a sink. Spellings are exact (no rounding) and short enough
 * for people. A member of a wrong type says nothing here: these are comparisons, refusing replies is engine_decode's
 * part. Mounts are engine_field_volumes.c. */
#include "drivers/engine_field_read.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "spec/base/arena.h"
#include "spec/base/attr.h"
#include "spec/base/js.h"
#include "spec/labels.h"

/* ---- the sink ---- */

struct field_entry {
    const char *key, *value;
    size_t order;
};

void field_sink_add(struct field_sink *s, const char *name, const char *element, const char *value)
{
    s->v = arena_grow(s->arena, s->v, s->n, &s->cap, sizeof(*s->v));
    s->v[s->n] = (struct field_entry){
        .key = element ? arena_printf(s->arena, "%s.%s", name, element) : name,
        .value = value,
        .order = s->n,
    };
    s->n++;
}

static void add(struct field_sink *s, const char *name, const char *value)
{
    field_sink_add(s, name, NULL, value);
}

static int compare_entries(const void *va, const void *vb)
{
    const struct field_entry *a = va, *b = vb;
    int by = strcmp(a->key, b->key);

    return by ? by : (a->order > b->order) - (a->order < b->order);
}

struct kvs field_sink_sorted(struct field_sink *s)
{
    struct kvs l = {0};

    if (s->n > 1)
        qsort(s->v, s->n, sizeof(*s->v), compare_entries);
    for (size_t i = 0; i < s->n; i++)
        kvs_set(s->arena, &l, s->v[i].key, s->v[i].value);
    return l;
}

/* jansson's iterators take no const, though reading changes nothing. */
static json_t *iterable(const json_t *v)
{
    return (json_t *)(uintptr_t)v;
}

/* ---- one value ---- */

void field_read_text(struct field_sink *s, const struct field_view *v, const char *name,
                     const json_t *value)
{
    const char *text = json_string_value(value);

    (void)v;
    if (text && *text)
        add(s, name, arena_strdup(s->arena, text));
}

void field_read_path(struct field_sink *s, const struct field_view *v, const char *name,
                     const json_t *value)
{
    const char *text = json_string_value(value);
    size_t n = text ? strlen(text) : 0;

    (void)v;
    while (n > 1 && text[n - 1] == '/')
        n--;
    if (n > 0)
        add(s, name, arena_strndup(s->arena, text, n));
}

void field_read_number(struct field_sink *s, const struct field_view *v, const char *name,
                       const json_t *value)
{
    (void)v;
    if (json_integer_value(value) != 0)
        add(s, name, arena_printf(s->arena, "%" JSON_INTEGER_FORMAT, json_integer_value(value)));
}

void field_read_positive(struct field_sink *s, const struct field_view *v, const char *name,
                         const json_t *value)
{
    if (json_integer_value(value) > 0)
        field_read_number(s, v, name, value);
}

static const char *bytes_text(int64_t bytes, struct arena *a)
{
    static const struct {
        int shift;
        const char *unit;
    } units[] = {{40, "T"}, {30, "G"}, {20, "M"}, {10, "K"}};

    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (bytes != 0 && bytes % (INT64_C(1) << units[i].shift) == 0)
            return arena_printf(a, "%" PRId64 "%s", bytes / (INT64_C(1) << units[i].shift),
                                units[i].unit);
    return arena_printf(a, "%" PRId64, bytes);
}

void field_read_bytes(struct field_sink *s, const struct field_view *v, const char *name,
                      const json_t *value)
{
    (void)v;
    if (json_integer_value(value) != 0)
        add(s, name, bytes_text(json_integer_value(value), s->arena));
}

void field_read_cpus(struct field_sink *s, const struct field_view *v, const char *name,
                     const json_t *value)
{
    int64_t nano = json_integer_value(value);

    (void)v;
    if (nano <= 0)
        return;
    char *text =
        arena_printf(s->arena, "%" PRId64 ".%09" PRId64, nano / 1000000000, nano % 1000000000);
    size_t n = strlen(text);

    while (text[n - 1] == '0')
        n--;
    if (text[n - 1] == '.')
        n--;
    text[n] = '\0';
    add(s, name, text);
}

static const char *duration_text(int64_t ns, struct arena *a)
{
    CLEANUP(str_release) struct str s = STR_INIT;

    if (ns % 1000000)
        return arena_printf(a, "%" PRId64 "ns", ns);
    if (ns % 1000000000)
        return arena_printf(a, "%" PRId64 "ms", ns / 1000000);
    str_add_duration(&s, ns);
    return arena_strndup(a, str_text(&s), s.len);
}

void field_read_duration(struct field_sink *s, const struct field_view *v, const char *name,
                         const json_t *value)
{
    (void)v;
    if (json_integer_value(value) > 0)
        add(s, name, duration_text(json_integer_value(value), s->arena));
}

void field_read_seconds(struct field_sink *s, const struct field_view *v, const char *name,
                        const json_t *value)
{
    json_int_t seconds = json_integer_value(value);

    (void)v;
    if (json_is_integer(value) && seconds > -INT64_C(1000000000) && seconds < INT64_C(1000000000))
        add(s, name, duration_text(seconds * 1000000000, s->arena));
}

void field_read_yes(struct field_sink *s, const struct field_view *v, const char *name,
                    const json_t *value)
{
    (void)v;
    if (json_is_true(value))
        add(s, name, "true");
}

void field_read_tri(struct field_sink *s, const struct field_view *v, const char *name,
                    const json_t *value)
{
    (void)v;
    if (json_is_boolean(value))
        add(s, name, json_is_true(value) ? "true" : "false");
}

static const char *json_text(const json_t *value, struct arena *a)
{
    CLEANUP(str_release) struct str s = STR_INIT;

    js_canonical(value, &s);
    return arena_strndup(a, str_text(&s), s.len);
}

/* [""] is how a body clears the image's entrypoint. */
static bool clears(const json_t *list)
{
    const char *first = json_string_value(json_array_get(list, 0));

    return json_array_size(list) == 1 && first && !*first;
}

void field_read_list(struct field_sink *s, const struct field_view *v, const char *name,
                     const json_t *value)
{
    (void)v;
    if (clears(value))
        add(s, name, "[]");
    else if (json_array_size(value) > 0)
        add(s, name, json_text(value, s->arena));
}

void field_read_json(struct field_sink *s, const struct field_view *v, const char *name,
                     const json_t *value)
{
    (void)v;
    if (json_array_size(value) > 0 || json_object_size(value) > 0)
        add(s, name, json_text(value, s->arena));
}

/* ---- addresses: engines from API 1.52 on report them in their shortest spelling, whatever was sent ---- */

static const char *address_text(const char *text, struct arena *a)
{
    int family = strchr(text, ':') ? AF_INET6 : AF_INET;
    unsigned char bytes[sizeof(struct in6_addr)];
    char shortest[INET6_ADDRSTRLEN];

    if (inet_pton(family, text, bytes) != 1 ||
        !inet_ntop(family, bytes, shortest, sizeof(shortest)))
        return text;
    return arena_strdup(a, shortest);
}

void field_read_addresses(struct field_sink *s, const struct field_view *v, const char *name,
                          const json_t *value)
{
    json_auto_t *list = json_array();
    size_t i;
    json_t *one;

    json_array_foreach(iterable(value), i, one)
    {
        const char *text = json_string_value(one);

        if (text)
            (void)json_array_append_new(list, json_string(address_text(text, s->arena)));
    }
    field_read_list(s, v, name, list);
}

/* ---- one value with rules of its own ---- */

void field_read_swap(struct field_sink *s, const struct field_view *v, const char *name,
                     const json_t *value)
{
    int64_t swap = json_integer_value(value);

    (void)v;
    if (swap == -1)
        add(s, name, "unlimited");
    else if (swap > 0)
        add(s, name, bytes_text(swap, s->arena));
}

void field_read_restart(struct field_sink *s, const struct field_view *v, const char *name,
                        const json_t *value)
{
    const char *policy = js_str(value, "Name", "");
    int64_t most = js_int(value, "MaximumRetryCount", 0);

    (void)v;
    if (strcmp(policy, "on-failure") == 0 && most > 0)
        add(s, name, arena_printf(s->arena, "%s:%" PRId64, policy, most));
    else if (*policy)
        add(s, name, arena_strdup(s->arena, policy));
}

void field_read_network_mode(struct field_sink *s, const struct field_view *v, const char *name,
                             const json_t *value)
{
    const char *mode = json_string_value(value);

    (void)v;
    if (mode && *mode)
        add(s, name, strcmp(mode, "default") == 0 ? "bridge" : arena_strdup(s->arena, mode));
}

void field_read_mac(struct field_sink *s, const struct field_view *v, const char *name,
                    const json_t *value)
{
    char *mac = arena_strdup(s->arena, json_string_value(value));

    (void)v;
    for (char *c = mac; c && *c; c++)
        *c = *c == '-' ? ':' : (char)tolower((unsigned char)*c);
    if (mac && *mac)
        add(s, name, mac);
}

/* The short id is what a container is called that nobody named. */
void field_read_hostname(struct field_sink *s, const struct field_view *v, const char *name,
                         const json_t *value)
{
    const char *hostname = json_string_value(value);

    if (hostname && (strlen(hostname) != 12 || strncmp(hostname, v->id, 12) != 0))
        field_read_text(s, v, name, value);
}

/* ---- one entry per element ---- */

static const char *string_at(const json_t *list, size_t i)
{
    return json_string_value(json_array_get(list, i));
}

void field_read_set(struct field_sink *s, const struct field_view *v, const char *name,
                    const json_t *value)
{
    (void)v;
    for (size_t i = 0; i < json_array_size(value); i++)
        if (string_at(value, i))
            field_sink_add(s, name, string_at(value, i), "yes");
}

void field_read_capabilities(struct field_sink *s, const struct field_view *v, const char *name,
                             const json_t *value)
{
    (void)v;
    for (size_t i = 0; i < json_array_size(value); i++) {
        char *upper = arena_strdup(s->arena, string_at(value, i));

        for (char *c = upper; c && *c; c++)
            *c = (char)toupper((unsigned char)*c);
        if (upper)
            field_sink_add(s, name, strncmp(upper, "CAP_", 4) == 0 ? upper + 4 : upper, "yes");
    }
}

/* The engine itself turns labels off for containers that share a namespace of the host or of another container. */
static bool labels_are_the_engines(const json_t *host)
{
    static const char *const modes[] = {"IpcMode", "PidMode"};

    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        const char *mode = js_str(host, modes[i], "");

        if (strcmp(mode, "host") == 0 || strncmp(mode, "container:", 10) == 0)
            return true;
    }
    return js_bool(host, "Privileged", false);
}

void field_read_security(struct field_sink *s, const struct field_view *v, const char *name,
                         const json_t *value)
{
    bool no_labels = labels_are_the_engines(v->host);

    for (size_t i = 0; i < json_array_size(value); i++) {
        char *option = arena_strdup(s->arena, string_at(value, i));
        size_t n = option ? strcspn(option, "=:") : 0;

        if (!option || (no_labels && n == 5 && strncmp(option, "label", n) == 0))
            continue;
        if (option[n])
            option[n] = '=';
        else if (strcmp(option, "no-new-privileges") == 0)
            option = arena_strdup(s->arena, "no-new-privileges=true");
        field_sink_add(s, name, option, "yes");
    }
}

void field_read_map(struct field_sink *s, const struct field_view *v, const char *name,
                    const json_t *value)
{
    const char *key;
    json_t *one;

    (void)v;
    json_object_foreach(iterable(value), key, one)
    {
        if (json_is_string(one))
            field_sink_add(s, name, key, arena_strdup(s->arena, json_string_value(one)));
    }
}

void field_read_labels(struct field_sink *s, const struct field_view *v, const char *name,
                       const json_t *value)
{
    static const char *const not_compared[] = {
        LABEL_HASH,         LABEL_ORIGIN,        LABEL_REVISION, LABEL_COMMIT,
        LABEL_COMPOSE_HASH, LABEL_COMPOSE_FILES, LABEL_HOOKS};
    const char *key;
    json_t *one;

    (void)v;
    json_object_foreach(iterable(value), key, one)
    {
        bool compared = json_is_string(one);

        for (size_t i = 0; i < ARRAY_LEN(not_compared); i++)
            compared = compared && strcmp(key, not_compared[i]) != 0;
        if (compared)
            field_sink_add(s, name, key, arena_strdup(s->arena, json_string_value(one)));
    }
}

void field_read_environment(struct field_sink *s, const struct field_view *v, const char *name,
                            const json_t *value)
{
    (void)v;
    for (size_t i = 0; i < json_array_size(value); i++) {
        char *entry = arena_strdup(s->arena, string_at(value, i));
        char *equals = entry ? strchr(entry, '=') : NULL;

        if (equals)
            *equals = '\0';
        if (entry)
            field_sink_add(s, name, entry, equals ? equals + 1 : "");
    }
}

void field_read_ulimits(struct field_sink *s, const struct field_view *v, const char *name,
                        const json_t *value)
{
    (void)v;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *one = json_array_get(value, i);
        const char *which = js_str(one, "Name", "");

        field_sink_add(s, name, which,
                       arena_printf(s->arena, "%" PRId64 ":%" PRId64, js_int(one, "Soft", 0),
                                    js_int(one, "Hard", 0)));
    }
}

void field_read_devices(struct field_sink *s, const struct field_view *v, const char *name,
                        const json_t *value)
{
    (void)v;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *one = json_array_get(value, i);
        const char *host = js_str(one, "PathOnHost", "");
        const char *inside = js_str(one, "PathInContainer", "");
        const char *permissions = js_str(one, "CgroupPermissions", "");

        field_sink_add(s, name, *inside ? inside : host,
                       arena_printf(s->arena, "%s %s", host, *permissions ? permissions : "rwm"));
    }
}

/* Addresses of one name are joined in order of their text. */
void field_read_extra_hosts(struct field_sink *s, const struct field_view *v, const char *name,
                            const json_t *value)
{
    struct strv entries = {0};
    const char *last = "";
    const char *addresses = "";

    (void)v;
    js_strv(value, "", s->arena, &entries);
    strv_sort(&entries);
    for (size_t i = 0; i < entries.n; i++) {
        size_t n = strcspn(entries.v[i], ":=");
        const char *address = entries.v[i] + n + (entries.v[i][n] != '\0');
        bool again = strlen(last) == n && strncmp(last, entries.v[i], n) == 0;

        last = arena_strndup(s->arena, entries.v[i], n);
        addresses = again ? arena_printf(s->arena, "%s,%s", addresses, address) : address;
        field_sink_add(s, name, last, addresses);
    }
}

/* ---- ports ---- */

void field_read_exposed(struct field_sink *s, const struct field_view *v, const char *name,
                        const json_t *value)
{
    const char *key;
    json_t *one;

    (void)v;
    json_object_foreach(iterable(value), key, one) field_sink_add(s, name, key, "yes");
}

static const char *binding_text(const json_t *binding, struct arena *a)
{
    const char *ip = js_str(binding, "HostIp", ""), *port = js_str(binding, "HostPort", "");

    /* Published everywhere is what an empty address means. */
    if (strcmp(ip, "0.0.0.0") == 0)
        ip = "";
    if (!*port || strcmp(port, "0") == 0)
        port = "any";
    if (!*ip)
        return arena_strdup(a, port);
    ip = address_text(ip, a);
    return arena_printf(a, strchr(ip, ':') ? "[%s]:%s" : "%s:%s", ip, port);
}

void field_read_ports(struct field_sink *s, const struct field_view *v, const char *name,
                      const json_t *value)
{
    const char *key;
    json_t *list;

    (void)v;
    json_object_foreach(iterable(value), key, list)
    {
        CLEANUP(str_release) struct str all = STR_INIT;
        struct strv texts = {0};

        for (size_t i = 0; i < json_array_size(list); i++)
            strv_push(s->arena, &texts, binding_text(json_array_get(list, i), s->arena));
        strv_sort(&texts);
        for (size_t i = 0; i < texts.n; i++)
            str_addf(&all, "%s%s", i ? ", " : "", texts.v[i]);
        if (texts.n > 0)
            field_sink_add(s, name, key, arena_strndup(s->arena, str_text(&all), all.len));
    }
}

/* ---- networks ---- */

/* Engines before API 1.45 add the short id and the hostname; a hostname is an alias on all of them in effect. */
static void add_aliases(const struct field_view *v, const json_t *endpoint, struct arena *a,
                        struct strv *into)
{
    const char *hostname = js_str(v->config, "Hostname", "");
    struct strv aliases = {0};

    js_strv(endpoint, "Aliases", a, &aliases);
    strv_sort(&aliases);
    for (size_t i = 0; i < aliases.n; i++) {
        const char *alias = aliases.v[i];
        bool id = strlen(alias) == 12 && strncmp(alias, v->id, 12) == 0;
        bool again = i > 0 && strcmp(alias, aliases.v[i - 1]) == 0;

        if (!id && !again && strcmp(alias, hostname) != 0)
            strv_push(a, into, arena_printf(a, "alias %s", alias));
    }
}

/* "WORD one", "WORD two" of the strings at a path */
static void add_texts(const json_t *endpoint, const char *path, const char *word, struct arena *a,
                      struct strv *into)
{
    struct strv texts = {0};

    js_strv(endpoint, path, a, &texts);
    for (size_t i = 0; i < texts.n; i++)
        texts.v[i] = address_text(texts.v[i], a); /* a link is no address */
    strv_sort(&texts);
    for (size_t i = 0; i < texts.n; i++)
        strv_push(a, into, arena_printf(a, "%s %s", word, texts.v[i]));
}

#define ENDPOINT_SYSCTLS "com.docker.network.endpoint.sysctls"

/* On its first network that option is where engines from 27 on put the sysctls of eth0 that were sent in HostConfig: whichever way, they
 * are sysctls. "net.ipv4.conf.IFNAME.rp_filter=2,..." */
static void add_interface_sysctls(struct field_sink *s, const json_t *endpoint)
{
    const char *all =
        json_string_value(json_object_get(js_at(endpoint, "DriverOpts"), ENDPOINT_SYSCTLS));
    char *copy = arena_strdup(s->arena, all ? all : ""), *more = NULL;

    for (char *one = strtok_r(copy, ",", &more); one; one = strtok_r(NULL, ",", &more)) {
        char *equals = strchr(one, '='), *at = strstr(one, ".IFNAME.");

        if (!equals)
            continue;
        *equals = '\0';
        if (at && at < equals)
            one = arena_printf(s->arena, "%.*s.eth0.%s", (int)(at - one), one, at + 8);
        field_sink_add(s, "sysctls", one, equals + 1);
    }
}

static bool is_first(const struct field_view *v, const char *network)
{
    const char *mode = js_str(v->host, "NetworkMode", "");

    return strcmp(strcmp(mode, "default") == 0 ? "bridge" : mode, network) == 0;
}

static void add_options(const json_t *endpoint, bool first, struct arena *a, struct strv *into)
{
    struct kvs options = {0};

    js_kvs(endpoint, "DriverOpts", a, &options);
    for (size_t i = 0; i < options.n; i++)
        if (!first || strcmp(options.v[i].key, ENDPOINT_SYSCTLS) != 0)
            strv_push(a, into,
                      arena_printf(a, "option %s=%s", options.v[i].key, options.v[i].value));
}

static const char *endpoint_text(const struct field_view *v, const json_t *endpoint, bool first,
                                 struct arena *a)
{
    CLEANUP(str_release) struct str all = STR_INIT;
    const char *ipv4 = js_str(endpoint, "IPAMConfig.IPv4Address", "");
    const char *ipv6 = js_str(endpoint, "IPAMConfig.IPv6Address", "");
    struct strv parts = {0};

    add_aliases(v, endpoint, a, &parts);
    if (*ipv4)
        strv_push(a, &parts, arena_printf(a, "address %s", address_text(ipv4, a)));
    if (*ipv6)
        strv_push(a, &parts, arena_printf(a, "address %s", address_text(ipv6, a)));
    add_texts(endpoint, "IPAMConfig.LinkLocalIPs", "address", a, &parts);
    add_texts(endpoint, "Links", "link", a, &parts);
    add_options(endpoint, first, a, &parts);
    if (parts.n == 0)
        strv_push(a, &parts, "attached");
    for (size_t i = 0; i < parts.n; i++)
        str_addf(&all, "%s%s", i ? ", " : "", parts.v[i]);
    return arena_strndup(a, str_text(&all), all.len);
}

void field_read_networks(struct field_sink *s, const struct field_view *v, const char *name,
                         const json_t *value)
{
    const char *network;
    json_t *endpoint;

    (void)value;
    json_object_foreach(iterable(v->networks), network, endpoint)
    {
        bool first = is_first(v, network);

        if (strcmp(network, "host") == 0 || strcmp(network, "none") == 0)
            continue;
        if (first)
            add_interface_sysctls(s, endpoint);
        field_sink_add(s, name, network, endpoint_text(v, endpoint, first, s->arena));
    }
}
