/* config_ingress.c: `ingress:` of the agent's configuration file.
 *
 * In: a word (managed, external, none) or a mapping. Out: complete settings, or what is wrong with them. Texts end up in the command line of a container, so
 * each has a check; none of them is a secret. */
#include "spec/config_ingress.h"

#include <arpa/inet.h>

#include "spec/base/arena.h"
#include "spec/decode.h"
#include "spec/desired.h"
#include "spec/forms.h"

static bool check_address(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                          const char *text)
{
    unsigned char bytes[16];

    (void)f;
    if (inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1)
        return true;
    decode_error(c, v, "leave it out for all addresses of the host", "\"%s\" is not an IP address",
                 text);
    return false;
}

static bool check_ingress_image(struct decode_ctx *c, const struct field *f,
                                const struct yaml_node *v, const char *text)
{
    (void)f;
    if (image_reference(text, c->arena))
        return true;
    decode_error(c, v, "example: " INGRESS_DEFAULT_IMAGE, "\"%s\" is not a name of an image", text);
    return false;
}

/* Of networks and resolvers. */
static bool check_name(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                       const char *text)
{
    (void)f;
    return form_check_name(c, v, text, "a name here", 1);
}

static bool printable(const char *text)
{
    for (; *text; text++)
        if (*text <= 0x20 || *text > 0x7e || strchr("\"'`\\<>{}", *text))
            return false;
    return true;
}

static bool check_email(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                        const char *text)
{
    const char *at = strchr(text, '@');

    (void)f;
    if (at && at != text && at[1] && !strchr(at + 1, '@') && printable(text) && strlen(text) <= 254)
        return true;
    decode_error(c, v, "example: admin@example.com", "\"%s\" is not an e-mail address", text);
    return false;
}

static bool check_server(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                         const char *text)
{
    (void)f;
    if (strncmp(text, "https://", 8) == 0 && text[8] && printable(text))
        return true;
    decode_error(c, v, "example: https://acme-staging-v02.api.letsencrypt.org/directory",
                 "\"%s\" is not the directory of an ACME server", text);
    return false;
}

static bool check_ca(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                     const char *text)
{
    (void)f;
    if (*text == '/')
        return true;
    decode_error(c, v, NULL, "\"%s\": the path must begin with /", text);
    return false;
}

static const struct choice modes[] = {{"managed", INGRESS_MANAGED},
                                      {"external", INGRESS_EXTERNAL},
                                      {"none", INGRESS_NONE},
                                      {NULL, 0}};

static void decode_ingress(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                           void *out)
{
    const struct field mode = {.name = "mode", .form = &form_choice, .choices = modes};
    struct ingress_draft *d = out;

    if (v->kind == YAML_MAP)
        (void)decode_table(c, f->table, v, d);
    else
        form_choice.decode(c, &mode, v, &d->s.mode);
}

static bool show_ingress(const struct field *f, const void *value, struct str *out)
{
    return show_inline(f->table, value, out);
}

const struct form form_ingress = {"managed, external, none, or a mapping", decode_ingress,
                                  show_ingress,
                                  "{\"anyOf\": [{\"enum\": [\"managed\", \"external\", \"none\"]}, "
                                  "{\"$ref\": \"#/$defs/config_ingress\"}]}"};

// clang-format off
#define TABLE(name, help, rows) {name, help, rows, ARRAY_LEN(rows)}
#define I(member) offsetof(struct ingress_draft, member)

static const struct choice logs[] = {{"off", INGRESS_LOG_OFF}, {"json", INGRESS_LOG_JSON}, {NULL, 0}};
static const struct choice challenges[] = {{"http", ACME_HTTP}, {"tls-alpn", ACME_TLS_ALPN}, {NULL, 0}};

static const struct field rows_acme[] = {
    {"ca", &form_text, I(s.acme.ca), .help = "file with the certificates that the server's own is checked with", .check = check_ca, .fallback = "the usual ones"},
    {"challenge", &form_choice, I(s.acme.challenge), .help = "how a host is proved to be ours: on port 80 or on port 443", .choices = challenges, .fallback = "http"},
    {"email", &form_text, I(s.acme.email), .help = "where the issuer of certificates reaches you", .required = true, .check = check_email},
    {"server", &form_text, I(s.acme.server), .help = "directory of the ACME server", .check = check_server, .fallback = "Let's Encrypt"},
};
const struct table fields_config_acme = TABLE("config_acme", "Certificates that `tls: auto` gets by itself.", rows_acme);

static const struct field rows_ingress[] = {
    {"access_log", &form_choice, I(s.access_log), .help = "a line for each request, in the log of the Traefik container", .choices = logs, .fallback = "off"},
    {"acme", &form_table, 0, .help = "certificates for `tls: auto`", .table = &fields_config_acme},
    {"address", &form_text, I(s.address), .help = "address of the host to publish the ports on", .check = check_address, .fallback = "all"},
    {"http", &form_int, I(http), .help = "port of the host for http; 0 for none", .min = 0, .max = 65535, .fallback = "80"},
    {"https", &form_int, I(https), .help = "port of the host for https; 0 for none", .min = 0, .max = 65535, .fallback = "443"},
    {"image", &form_text, I(s.image), .help = "image of the managed Traefik", .check = check_ingress_image, .fallback = INGRESS_DEFAULT_IMAGE},
    {"mode", &form_choice, I(s.mode), .help = "managed: evenkeel runs Traefik. external: you run one that reads labels. none: published ports only", .choices = modes, .fallback = "managed"},
    {"network", &form_text, I(s.network), .help = "mode external: network that routed apps share with your Traefik", .check = check_name, .fallback = INGRESS_DEFAULT_NETWORK},
    {"resolver", &form_text, I(s.resolver), .help = "mode external: name of your Traefik's certificate resolver for `tls: auto`", .check = check_name},
};
const struct table fields_config_ingress = TABLE("config_ingress", "The way from outside to the apps.", rows_ingress);
// clang-format on

/* ---- what does not fit together ---- */

static void check_ports(struct decode_ctx *c, const struct yaml_node *v,
                        const struct ingress_settings *g)
{
    if (g->mode != INGRESS_MANAGED)
        return;
    if (g->http == 0 && g->https == 0)
        decode_say(c, DIAG_ERROR, decode_key_place(c, v, "http"), "write `ingress: none`",
                   "without `http` and `https` nobody reaches the apps");
    else if (g->http == g->https)
        decode_say(c, DIAG_ERROR, decode_key_place(c, v, "https"), NULL,
                   "`http` and `https` cannot share the port %d", g->http);
    if (g->acme.email && g->acme.challenge == ACME_HTTP && g->http == 0)
        decode_say(c, DIAG_ERROR, decode_key_place(c, v, "acme"),
                   "publish `http`, or write `challenge: tls-alpn`",
                   "certificates are proved on port 80, and `http` is 0");
    if (g->acme.email && g->acme.challenge == ACME_TLS_ALPN && g->https == 0)
        decode_say(c, DIAG_ERROR, decode_key_place(c, v, "acme"),
                   "publish `https`, or write `challenge: http`",
                   "certificates are proved on port 443, and `https` is 0");
}

static void check_modes(struct decode_ctx *c, const struct yaml_node *v,
                        const struct ingress_settings *g)
{
    static const char *const external[] = {"network", "resolver"};
    static const char *const managed[] = {"access_log", "acme",  "address",
                                          "http",       "https", "image"};

    for (size_t i = 0; g->mode == INGRESS_MANAGED && i < ARRAY_LEN(external); i++)
        if (yaml_get(v, external[i]))
            decode_say(c, DIAG_WARNING, decode_key_place(c, v, external[i]),
                       "write `mode: external`, or leave it out",
                       "`%s` means something in mode external only", external[i]);
    for (size_t i = 0; g->mode != INGRESS_MANAGED && i < ARRAY_LEN(managed); i++)
        if (yaml_get(v, managed[i]))
            decode_say(c, DIAG_WARNING, decode_key_place(c, v, managed[i]), "leave it out",
                       "`%s` means something in mode managed only", managed[i]);
}

void config_ingress_finish(struct decode_ctx *c, const struct yaml_node *v,
                           const struct ingress_draft *d, struct ingress_settings *ret)
{
    const struct yaml_node *said = v ? yaml_get(v, "ingress") : NULL;
    struct ingress_settings g;

    ingress_defaults(&g);
    g.mode = d->s.mode;
    if (d->http.set)
        g.http = (int)d->http.v;
    if (d->https.set)
        g.https = (int)d->https.v;
    g.address = d->s.address;
    if (d->s.image)
        g.image = d->s.image;
    if (d->s.network)
        g.network = d->s.network;
    g.resolver = d->s.resolver;
    g.access_log = d->s.access_log;
    g.acme = d->s.acme;
    if (said && said->kind == YAML_MAP) {
        check_ports(c, said, &g);
        check_modes(c, said, &g);
    }
    *ret = g;
}
