/* forms_port.c: published ports, short and long.
 *
 * In: `ports:` as Compose has it: [IP:][HOST:]CONTAINER[/PROTOCOL] with ranges and IPv6 addresses, or mappings. Out: one
 * struct port for each single port. It refuses what the engine would take and silently not do. */
#include "spec/forms.h"

#include <arpa/inet.h>

#include "spec/app.h"
#include "spec/base/arena.h"
#include "spec/decode.h"

/* A port as written: both sides may be ranges. */
struct port_spec {
    const char *host_ip, *published, *target, *protocol; /* NULL: not given */
};

// clang-format off
static const struct choice protocols[] = {{"tcp", 0}, {"udp", 1}, {"sctp", 2}, {NULL, 0}};

/* Long form, over struct port_spec. */
static const struct field rows_port[] = {
    {"app_protocol", NULL, 0, .status = FIELD_IGNORED, .help = "it only informs"},
    {"host_ip", &form_text, offsetof(struct port_spec, host_ip), .help = "address of the host to listen on", .fallback = "all"},
    {"mode", NULL, 0, .status = FIELD_IGNORED, .help = "it matters to clusters only"},
    {"name", NULL, 0, .status = FIELD_IGNORED, .help = "it only informs"},
    {"protocol", &form_text, offsetof(struct port_spec, protocol), .help = "tcp, udp or sctp", .fallback = "tcp"},
    {"published", &form_text, offsetof(struct port_spec, published), .help = "port of the host, or FROM-TO", .fallback = "chosen by the engine"},
    {"target", &form_text, offsetof(struct port_spec, target), .help = "port of the container", .required = true},
};
// clang-format on
const struct table fields_port = {"port", "A published port.", rows_port, ARRAY_LEN(rows_port)};

static bool host_ip_valid(const char *ip)
{
    unsigned char bytes[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, ip, bytes) == 1 || inet_pton(AF_INET6, ip, bytes) == 1;
}

/* ---- the short form into its parts ---- */

/* Cuts text at its last colon outside brackets; returns what stood behind it, or NULL. */
static char *cut_last(char *text)
{
    char *colon = strrchr(text, ':');

    if (!colon || strchr(colon, ']'))
        return NULL;
    *colon = '\0';
    return colon + 1;
}

static bool split_short(struct decode_ctx *c, const char *text, struct port_spec *ret)
{
    char *rest = arena_strdup(c->arena, text);
    char *slash = strchr(rest, '/');

    *ret = (struct port_spec){0};
    if (slash) {
        *slash = '\0';
        ret->protocol = slash + 1;
    }
    ret->target = cut_last(rest);
    if (!ret->target) {
        ret->target = rest;
        return *rest;
    }
    ret->published = cut_last(rest);
    if (!ret->published) {
        ret->published = rest;
        return *rest && *ret->target;
    }
    size_t n = strlen(rest);

    if (n > 2 && *rest == '[' && rest[n - 1] == ']') {
        rest[n - 1] = '\0';
        rest++;
    }
    ret->host_ip = rest;
    if (!*ret->published)
        ret->published = NULL; /* 127.0.0.1::80 */
    return *ret->target;
}

/* ---- parts into ports ---- */

static void push_port(struct decode_ctx *c, struct service *s, const struct port *p)
{
    /* Room doubles at powers of two, so the count alone says when the array is full. */
    if ((s->n_ports & (s->n_ports - 1)) == 0) {
        struct port *more = ARENA_ARRAY(c->arena, s->n_ports ? 2 * s->n_ports : 1, struct port);

        if (s->n_ports)
            memcpy(more, s->ports, s->n_ports * sizeof(*more));
        s->ports = more;
    }
    s->ports[s->n_ports++] = *p;
}

static bool read_protocol(struct decode_ctx *c, const struct yaml_node *v, const char *word,
                          const char **ret)
{
    static const struct field f = {.choices = protocols};
    int which = 0;

    if (word && !decode_choice(c, &f, v, word, &which))
        return false;
    *ret = protocols[which].word;
    return true;
}

static bool read_ranges(struct decode_ctx *c, const struct yaml_node *v, const struct port_spec *p,
                        int target[2], int published[2])
{
    published[0] = published[1] = 0;
    if (!decode_port_range(p->target, &target[0], &target[1])) {
        decode_error(c, v, "ports are 1 to 65535, ranges FROM-TO",
                     "\"%s\" is not a port of the container", p->target);
        return false;
    }
    if (p->published && strcmp(p->published, "0") != 0 &&
        !decode_port_range(p->published, &published[0], &published[1])) {
        decode_error(c, v, "ports are 1 to 65535, ranges FROM-TO",
                     "\"%s\" is not a port of the host", p->published);
        return false;
    }
    if (published[0] && published[1] - published[0] != target[1] - target[0]) {
        decode_error(c, v, "give both ranges the same length",
                     "%d ports of the host for %d of the container",
                     published[1] - published[0] + 1, target[1] - target[0] + 1);
        return false;
    }
    return true;
}

static void add_ports(struct decode_ctx *c, const struct yaml_node *v, const struct port_spec *p,
                      struct service *s)
{
    struct port one = {.at = decode_place(c, v)};
    int target[2], published[2];

    if (!read_protocol(c, v, p->protocol, &one.protocol) ||
        !read_ranges(c, v, p, target, published))
        return;
    if (p->host_ip && *p->host_ip && !host_ip_valid(p->host_ip)) {
        decode_error(c, v, "examples: 127.0.0.1:8080:80, [::1]:8080:80",
                     "\"%s\" is not an IP address", p->host_ip);
        return;
    }
    if (s->n_ports + (size_t)(target[1] - target[0]) >= LIMIT_LIST) {
        decode_error(c, v, NULL, "more than %d ports in one service", LIMIT_LIST);
        return;
    }
    one.host_ip = p->host_ip && *p->host_ip ? p->host_ip : NULL;
    for (int i = 0; i <= target[1] - target[0]; i++) {
        one.target = target[0] + i;
        one.published = published[0] ? published[0] + i : 0;
        push_port(c, s, &one);
    }
}

static void decode_port(struct decode_ctx *c, const struct yaml_node *v, struct service *s)
{
    struct port_spec p = {0};
    const char *text;

    if (v->kind == YAML_MAP) {
        if (decode_table(c, &fields_port, v, &p) && p.target)
            add_ports(c, v, &p, s);
        return;
    }
    text = decode_text(c, v, "a port such as \"8080:80\", or a mapping");
    if (!text)
        return;
    if (split_short(c, text, &p))
        add_ports(c, v, &p, s);
    else
        decode_error(c, v, "write [IP:][HOST:]CONTAINER[/PROTOCOL], such as \"8080:80\"",
                     "\"%s\" is not a port", text);
}

static void decode_form_ports(struct decode_ctx *c, const struct field *f,
                              const struct yaml_node *v, void *out)
{
    (void)f;
    if (!decode_is(c, v, YAML_LIST, "a list of ports"))
        return;
    for (size_t i = 0; i < v->n; i++) {
        decode_enter_index(c, i);
        decode_port(c, v->items[i], out);
        decode_leave(c);
    }
}

static bool show_form_ports(const struct field *f, const void *value, struct str *out)
{
    const struct service *s = value;

    (void)f;
    for (size_t i = 0; i < s->n_ports; i++) {
        const struct port *p = &s->ports[i];

        str_add(out, i ? ", " : "[");
        if (p->host_ip)
            str_addf(out, strchr(p->host_ip, ':') ? "[%s]:" : "%s:", p->host_ip);
        if (p->published)
            str_addf(out, "%d:", p->published);
        else if (p->host_ip)
            str_addc(out, ':');
        str_addf(out, "%d/%s", p->target, p->protocol);
    }
    if (s->n_ports)
        str_addc(out, ']');
    return s->n_ports;
}

const struct form form_ports = {"a list of [IP:][HOST:]CONTAINER[/PROTOCOL], or of mappings",
                                decode_form_ports, show_form_ports,
                                "{\"type\": \"array\", \"items\": {\"anyOf\": [{\"type\": "
                                "[\"string\", \"integer\"]}, {\"$ref\": "
                                "\"#/$defs/port\"}]}}"};
