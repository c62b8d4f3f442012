/* forms_route.c: `route:` in its several forms, and the values that only routes have.
 *
 * In: a text, a mapping, or a list of either. Out: struct service's routes, hosts and paths normalised (route.h). Everything that will stand in a
 * rule, a file of Traefik's or a label passes one of the checks here: what is odd is refused with the place and the next thing to write, so that
 * nothing behind needs to know what a user could have meant. */
#include "spec/forms.h"

#include <arpa/inet.h>

#include "spec/app.h"
#include "spec/base/arena.h"
#include "spec/decode.h"
#include "spec/route.h"
#include "spec/secret_facts.h"

/* ---- host and path ---- */

typedef const char *route_reader(const char *text, struct arena *a, struct route_fault *ret);

static const char *read_part(struct decode_ctx *c, const struct yaml_node *v, const char *text,
                             route_reader *read)
{
    struct route_fault fault = {0};
    const char *normal = read(text, c->arena, &fault);

    if (!normal)
        decode_error(c, v, fault.hint, "%s", fault.what);
    return normal;
}

static void decode_host(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                        void *out)
{
    const char *text = decode_text(c, v, "a host");

    (void)f;
    if (text)
        *(const char **)out = read_part(c, v, text, route_host);
}

static void decode_route_path(struct decode_ctx *c, const struct field *f,
                              const struct yaml_node *v, void *out)
{
    const char *text = decode_text(c, v, "a path");

    (void)f;
    if (text)
        *(const char **)out = read_part(c, v, text, route_path);
}

static bool show_part(const struct field *f, const void *value, struct str *out)
{
    return form_text.show(f, value, out);
}

static const struct form form_host = {"a host, or `*.` and a host", decode_host, show_part,
                                      "{\"type\": \"string\"}"};
static const struct form form_route_path = {"a path", decode_route_path, show_part,
                                            "{\"type\": \"string\", \"pattern\": \"^/\"}"};

/* ---- tls ---- */

struct tls_files {
    const char *cert, *key;
};

static void decode_tls(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                       void *out)
{
    struct route *r = out;
    struct tls_files files = {0};

    if (v->kind == YAML_MAP) {
        if (decode_table(c, f->table, v, &files) && files.cert && files.key) {
            r->tls = ROUTE_TLS_FILES;
            r->cert = files.cert;
            r->key = files.key;
        }
        return;
    }
    const char *text = decode_text(c, v, "auto, true, false, or a mapping with `cert` and `key`");

    if (!text)
        return;
    if (strcmp(text, "auto") == 0 || strcmp(text, "true") == 0)
        r->tls = ROUTE_TLS_AUTO;
    else if (strcmp(text, "false") == 0)
        r->tls = ROUTE_TLS_OFF;
    else
        decode_error(c, v, "write `tls: auto`, or `tls: {cert: SECRET, key: SECRET}`",
                     "must be auto, true, false, or a mapping, not \"%s\"", text);
}

static bool show_tls(const struct field *f, const void *value, struct str *out)
{
    const struct route *r = value;

    (void)f;
    switch (r->tls) {
    case ROUTE_TLS_NONE: return false;
    case ROUTE_TLS_OFF: str_add(out, "false"); return true;
    case ROUTE_TLS_AUTO: str_add(out, "auto"); return true;
    case ROUTE_TLS_FILES: break;
    }
    str_add(out, "{cert: ");
    show_text(r->cert, out);
    str_add(out, ", key: ");
    show_text(r->key, out);
    str_addc(out, '}');
    return true;
}

static const struct form form_tls = {
    "auto, true, false, or a mapping", decode_tls, show_tls,
    "{\"anyOf\": [{\"enum\": [\"auto\", true, false]}, {\"$ref\": \"#/$defs/route_tls\"}]}"};

/* ---- sticky ---- */

static void decode_sticky(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                          void *out)
{
    struct route *r = out;

    if (v->kind != YAML_MAP)
        form_bool.decode(c, f, v, &r->sticky);
    else if (decode_table(c, f->table, v, r))
        r->sticky = TRI_YES;
}

static bool show_sticky(const struct field *f, const void *value, struct str *out)
{
    const struct route *r = value;

    return r->cookie ? show_inline(f->table, r, out) : form_bool.show(f, &r->sticky, out);
}

static const struct form form_sticky = {
    "true, false, or a mapping", decode_sticky, show_sticky,
    "{\"anyOf\": [{\"type\": \"boolean\"}, {\"$ref\": \"#/$defs/route_sticky\"}]}"};

/* ---- headers ---- */

/* RFC 9110, 5.6.2 */
static bool is_token(const char *text)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~";

    return *text && strlen(text) <= 128 && strspn(text, letters) == strlen(text);
}

static const char header_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    return false;
}

/* Headers that say where a message ends, or how a connection goes on, are not the user's: two programs that read them differently see
 * different requests. */
static bool is_framing(const char *name)
{
    static const char *const names[] = {"connection", "content-length",    "keep-alive", "te",
                                        "trailer",    "transfer-encoding", "upgrade"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

static bool check_header(struct decode_ctx *c, const struct yaml_pair *p, const char *value)
{
    const struct place at = decode_pair_place(c, p);

    /* Fewer letters than RFC 9110 has: the name becomes a part of a label. */
    if (!*p->key || strlen(p->key) > 128 || strspn(p->key, header_letters) < strlen(p->key))
        decode_say(c, DIAG_ERROR, at, "example: X-Frame-Options",
                   "\"%s\" is not a name of a header", p->key);
    else if (is_framing(p->key))
        decode_say(c, DIAG_ERROR, at, "leave it out",
                   "the header `%s` belongs to the connection and cannot be set", p->key);
    else if (has_control(value))
        decode_error(c, p->value, "write it in one line",
                     "a value of a header must not have control characters in it");
    else
        return true;
    return false;
}

static void decode_headers(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                           void *out)
{
    (void)f;
    if (!decode_is(c, v, YAML_MAP, "a mapping NAME: VALUE"))
        return;
    for (size_t i = 0; i < v->n; i++) {
        const struct yaml_pair *p = &v->pairs[i];
        const char *value = "";

        decode_enter(c, p->key);
        if (p->value->kind != YAML_NULL)
            value = decode_text(c, p->value, "a text");
        if (value && check_header(c, p, value))
            kvs_set(c->arena, out, p->key, value);
        decode_leave(c);
    }
}

static const struct form form_headers = {
    "a mapping NAME: VALUE", decode_headers, show_kvs,
    "{\"type\": \"object\", \"additionalProperties\": {\"type\": [\"string\", \"number\", "
    "\"boolean\", \"null\"]}}"};

/* ---- checks of single values ---- */

static bool check_secret(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                         const char *text)
{
    (void)f;
    if (secret_name_valid(text))
        return true;
    decode_error(c, v, "make it with `evenkeel secret set NAME`, and write the name here",
                 "not a name of a secret: letters, digits, `_`, `.` and `-`, at most 63");
    return false;
}

static bool check_cookie(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                         const char *text)
{
    (void)f;
    if (is_token(text))
        return true;
    decode_error(c, v, "example: shop_server", "\"%s\" is not a name of a cookie", text);
    return false;
}

static bool printable(const char *text, const char *except)
{
    for (; *text; text++)
        if (*text <= 0x20 || *text > 0x7e || strchr(except, *text))
            return false;
    return true;
}

/* What begins with two slashes names another host. */
static bool check_health_path(struct decode_ctx *c, const struct field *f,
                              const struct yaml_node *v, const char *text)
{
    (void)f;
    if (*text == '/' && text[1] != '/' && printable(text, "\\`\"'{}<>^|#") &&
        strlen(text) <= LIMIT_ROUTE_PATH)
        return true;
    decode_error(c, v, "example: /healthz", "\"%s\" is not a path on the app", text);
    return false;
}

static bool check_allowed_ip(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                             const char *text)
{
    size_t n = strcspn(text, "/");
    int family = strchr(text, ':') ? AF_INET6 : AF_INET;
    unsigned char bytes[16];
    int64_t prefix;

    (void)f;
    if (inet_pton(family, arena_strndup(c->arena, text, n), bytes) == 1 &&
        (!text[n] || parse_int64(text + n + 1, 0, family == AF_INET ? 32 : 128, &prefix) == 0))
        return true;
    decode_error(c, v, "examples: 192.168.1.0/24, 203.0.113.7, 2001:db8::/32",
                 "\"%s\" is neither an address nor a subnet", text);
    return false;
}

static bool is_target(const char *text)
{
    const char *host = strncmp(text, "http://", 7) == 0    ? text + 7
                       : strncmp(text, "https://", 8) == 0 ? text + 8
                                                           : NULL;

    if (!printable(text, "\\`\"'{}<>^|$") || strlen(text) > LIMIT_ROUTE_PATH)
        return false;
    if (host)
        return *host && !strchr("/?#:@", *host) && !strchr(host, '@');
    return *text == '/' && text[1] != '/';
}

static void decode_target(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                          void *out)
{
    const char *text = decode_text(c, v, "a URL or a path");
    size_t n = text ? strlen(text) : 0;

    (void)f;
    if (!text)
        return;
    if (!is_target(text) || strpbrk(text, "?#")) {
        decode_error(c, v,
                     "examples: https://www.example.com, /new; what stands behind the route's path "
                     "is kept",
                     "\"%s\" is not a place to redirect to", text);
        return;
    }
    while (n > 1 && text[n - 1] == '/')
        n--;
    *(const char **)out = arena_strndup(c->arena, text, n);
}

static const struct form form_target = {"a URL or a path", decode_target, show_part,
                                        "{\"type\": \"string\"}"};

/* ---- one route ---- */

static void check_tls(struct decode_ctx *c, const struct yaml_node *v, const struct route *r)
{
    struct place at = decode_key_place(c, v, "tls");

    if (r->tls != ROUTE_TLS_AUTO && r->tls != ROUTE_TLS_FILES)
        return;
    if (!r->host)
        decode_say(c, DIAG_ERROR, at, "give the route a `host`",
                   "a certificate is for a name, and this route has none");
    else if (r->tls == ROUTE_TLS_AUTO && r->host[0] == '*')
        decode_say(c, DIAG_ERROR, at, "write `tls: {cert: SECRET, key: SECRET}`",
                   "no certificate can be got by itself for \"%s\": it is proved for one name at a "
                   "time",
                   r->host);
}

static void check_path(struct decode_ctx *c, const struct yaml_node *v, const struct route *r)
{
    const char *reserved = r->host ? NULL : route_reserved(r->path);

    if (reserved)
        decode_say(c, DIAG_ERROR, decode_key_place(c, v, "path"),
                   "give the route a `host`, or take another path",
                   "the path /%s is the platform's on every host", reserved);
}

static void check_route(struct decode_ctx *c, const struct yaml_node *v, struct route *r)
{
    const bool bare = !r->host && !r->path;

    if (!r->path)
        r->path = "/";
    if (bare && v->kind == YAML_MAP && !yaml_get(v, "host") && !yaml_get(v, "path"))
        decode_error(c, v, "example: {host: shop.example.com, path: /cart}",
                     "a route needs a `host` or a `path`");
    if (!bare)
        check_path(c, v, r);
    if (!bare)
        check_tls(c, v, r);
    if (r->insecure_skip_verify != TRI_UNSET && r->scheme != SCHEME_HTTPS)
        decode_say(c, DIAG_ERROR, decode_key_place(c, v, "insecure_skip_verify"),
                   "write `scheme: https` too",
                   "`insecure_skip_verify` means something for `scheme: https` only");
}

/* "/path", "host", "host/path" */
static void decode_short(struct decode_ctx *c, const struct yaml_node *v, struct route *r)
{
    const char *text = decode_text(c, v, "a path, a host, or a mapping");
    size_t n = text ? strcspn(text, "/") : 0;

    if (!text)
        return;
    if (n == 0) {
        r->path = read_part(c, v, *text ? text : "/", route_path);
        if (!*text)
            decode_error(c, v, "examples: /shop, shop.example.com, shop.example.com/cart",
                         "a route must not be empty");
        return;
    }
    const char *host = arena_strndup(c->arena, text, n);

    if (!strstr(text, "://") && !strchr(host, '.') && strspn(host, ":%*") == 0 &&
        strcasecmp(host, "localhost") != 0) {
        decode_error(
            c, v,
            arena_printf(c->arena, "write \"/%.60s\" for a path, or {host: %.60s}", text, host),
            "\"%s\" may be a path or a host", text);
        return;
    }
    r->host = read_part(c, v, strstr(text, "://") ? text : host, route_host);
    if (r->host)
        r->path = read_part(c, v, text[n] ? text + n : "/", route_path);
}

static void decode_one(struct decode_ctx *c, const struct yaml_node *v, struct service *s)
{
    struct route r = {.at = decode_place(c, v)};
    size_t before = c->diags->errors;

    if (v->kind == YAML_MAP)
        (void)decode_table(c, &fields_route, v, &r);
    else
        decode_short(c, v, &r);
    /* One mistake, one complaint: what could not be read is neither checked further nor compared with others. */
    if (c->diags->errors == before)
        check_route(c, v, &r);
    if (c->diags->errors == before)
        s->routes[s->n_routes++] = r;
}

static void decode_form_route(struct decode_ctx *c, const struct field *f,
                              const struct yaml_node *v, void *out)
{
    struct service *s = out;

    (void)f;
    if (v->kind != YAML_LIST) {
        s->routes = ARENA_NEW(c->arena, struct route);
        decode_one(c, v, s);
        return;
    }
    if (v->n > LIMIT_ROUTES) {
        decode_error(c, v, NULL, "%zu routes; at most %d are allowed", v->n, LIMIT_ROUTES);
        return;
    }
    s->routes = ARENA_ARRAY(c->arena, v->n + 1, struct route);
    for (size_t i = 0; i < v->n; i++) {
        decode_enter_index(c, i);
        decode_one(c, v->items[i], s);
        decode_leave(c);
    }
}

static bool show_form_route(const struct field *f, const void *value, struct str *out)
{
    const struct service *s = value;

    (void)f;
    for (size_t i = 0; i < s->n_routes; i++) {
        str_add(out, i ? ", " : "[");
        (void)show_inline(&fields_route, &s->routes[i], out);
    }
    if (s->n_routes)
        str_addc(out, ']');
    return s->n_routes;
}

const struct form form_route = {
    "a path, a host, HOST/PATH, a mapping, or a list of these", decode_form_route, show_form_route,
    "{\"anyOf\": [{\"type\": \"string\"}, {\"$ref\": \"#/$defs/route\"}, {\"type\": \"array\", "
    "\"items\": {\"anyOf\": [{\"type\": \"string\"}, {\"$ref\": \"#/$defs/route\"}]}}]}"};

// clang-format off
#define TABLE(name, help, rows) {name, help, rows, ARRAY_LEN(rows)}
#define R(member) offsetof(struct route, member)
#define M(member) offsetof(struct route_middlewares, member)
#define NS INT64_C(1000000000)
#define MS INT64_C(1000000)
#define MIB INT64_C(1048576)

static const struct field rows_route_tls[] = {
    {"cert", &form_text, offsetof(struct tls_files, cert), .help = "secret with the certificate and those that sign it, as PEM", .required = true, .check = check_secret},
    {"key", &form_text, offsetof(struct tls_files, key), .help = "secret with its private key, as PEM", .required = true, .check = check_secret},
};
const struct table fields_route_tls = TABLE("route_tls", "A certificate of your own, by names of secrets.", rows_route_tls);

static const struct field rows_route_sticky[] = {
    {"cookie", &form_text, R(cookie), .help = "name of the cookie", .check = check_cookie, .fallback = "one that is made of the route's name"},
};
const struct table fields_route_sticky = TABLE("route_sticky", "Requests of one browser go to one container.", rows_route_sticky);

static const struct field rows_route_health[] = {
    {"interval", &form_duration, R(health_interval_ns), .help = "time between two checks", .min = 100 * MS, .max = 3600 * NS, .fallback = "30s"},
    {"path", &form_text, R(health_path), .help = "path to ask for on each container", .required = true, .check = check_health_path},
    {"status", &form_int, R(health_status), .help = "answer that means healthy", .min = 100, .max = 599, .fallback = "200 to 399"},
    {"timeout", &form_duration, R(health_timeout_ns), .help = "time after which a check counts as failed", .min = 10 * MS, .max = 600 * NS, .fallback = "5s"},
};
const struct table fields_route_health = TABLE("route_health", "Checks that the router makes itself, beside those of the engine.", rows_route_health);

static const struct field rows_route_headers[] = {
    {"request", &form_headers, M(request_headers), .help = "headers that the app gets; an empty value takes one away"},
    {"response", &form_headers, M(response_headers), .help = "headers that the client gets; an empty value takes one away"},
};
const struct table fields_route_headers = TABLE("route_headers", "Headers to set or take away.", rows_route_headers);

static const struct field rows_route_rate[] = {
    {"average", &form_int, M(rate_average), .help = "requests of one client per period", .required = true, .min = 1, .max = 1000000},
    {"burst", &form_int, M(rate_burst), .help = "requests that may come at once", .min = 1, .max = 1000000, .fallback = "1"},
    {"period", &form_duration, M(rate_period_ns), .help = "what `average` is counted over", .min = MS, .max = 24 * 3600 * NS, .fallback = "1s"},
};
const struct table fields_route_rate = TABLE("route_rate_limit", "How many requests one client may make; more are answered 429.", rows_route_rate);

static const struct field rows_route_auth[] = {
    {"secret", &form_text, M(basic_auth), .help = "secret with lines of htpasswd (bcrypt, MD5 or SHA1)", .required = true, .check = check_secret},
};
const struct table fields_route_auth = TABLE("route_basic_auth", "Ask for a name and a password.", rows_route_auth);

static const struct field rows_route_retry[] = {
    {"attempts", &form_int, M(retry_attempts), .help = "tries in all, when a container cannot be reached", .required = true, .min = 1, .max = 10},
};
const struct table fields_route_retry = TABLE("route_retry", "Ask another container when one does not answer.", rows_route_retry);

static const struct field rows_route_redirect[] = {
    {"permanent", &form_bool, M(redirect_permanent), .help = "browsers may remember it", .fallback = "false"},
    {"to", &form_target, M(redirect_to), .help = "URL or path; what stands behind the route's path is kept", .required = true},
};
const struct table fields_route_redirect = TABLE("route_redirect", "Send clients elsewhere; the app is not asked.", rows_route_redirect);

static const struct field rows_route_middlewares[] = {
    {"basic_auth", &form_table, 0, .help = "ask for a name and a password", .table = &fields_route_auth},
    {"compress", &form_bool, M(compress), .help = "compress what the client accepts compressed", .fallback = "false"},
    {"headers", &form_table, 0, .help = "headers to set or take away", .table = &fields_route_headers},
    {"ip_allow_list", &form_strings, M(ip_allow_list), .help = "addresses and subnets that may ask; others are answered 403", .check = check_allowed_ip},
    {"max_body", &form_bytes, M(max_body), .help = "largest body of a request; larger ones are answered 413. Requests and answers are then held back until they are complete", .min = 1, .max = 64 * MIB},
    {"rate_limit", &form_table, 0, .help = "how many requests one client may make", .table = &fields_route_rate},
    {"redirect", &form_table, 0, .help = "send clients elsewhere", .table = &fields_route_redirect},
    {"retry", &form_table, 0, .help = "ask another container when one does not answer", .table = &fields_route_retry},
};
const struct table fields_route_middlewares = TABLE("route_middlewares", "What happens to a request, in this order: ip_allow_list, rate_limit, basic_auth, redirect, max_body, headers, compress, strip, retry.", rows_route_middlewares);

static const struct choice schemes[] = {{"http", SCHEME_HTTP}, {"https", SCHEME_HTTPS}, {"h2c", SCHEME_H2C}, {NULL, 0}};
static const struct field rows_route[] = {
    {"health", &form_table, 0, .help = "checks that the router makes itself", .table = &fields_route_health},
    {"host", &form_host, R(host), .help = "name that the request is for; `*.example.com` covers one name in front", .fallback = "every host"},
    {"insecure_skip_verify", &form_bool, R(insecure_skip_verify), .help = "with `scheme: https`, take any certificate of the container", .fallback = "false: it must be for the route's host, else for the service's name"},
    {"middlewares", &form_table, R(mw), .help = "what happens to a request on the way", .table = &fields_route_middlewares},
    {"path", &form_route_path, R(path), .help = "path that the route covers, with everything below it", .fallback = "/"},
    {"port", &form_int, R(port), .help = "port of the container", .min = 1, .max = 65535, .fallback = "`port` of the service"},
    {"priority", &form_int, R(priority), .help = "where routes of this app meet, the larger wins; those of other apps are not touched", .min = -1000, .max = 1000, .fallback = "0; among equals a host wins over none, and then the longer path"},
    {"protocol", &form_choice, R(scheme), .help = "how the router speaks to the container", .choices = schemes, .alias_of = "scheme"},
    {"scheme", &form_choice, R(scheme), .help = "how the router speaks to the container; h2c is HTTP/2 without TLS", .choices = schemes, .fallback = "http"},
    {"sticky", &form_sticky, 0, .help = "requests of one browser go to one container", .table = &fields_route_sticky, .fallback = "false"},
    {"strip", &form_bool, R(strip), .help = "the app does not see the route's path", .fallback = "true"},
    {"tls", &form_tls, 0, .help = "serve it by https, and redirect http there: auto gets a certificate by itself", .table = &fields_route_tls, .fallback = "false"},
};
const struct table fields_route = TABLE("route", "Which requests come to a service, and how.", rows_route);
// clang-format on
