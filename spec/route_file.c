/* route_file.c: one app's routes as dynamic configuration of Traefik.
 *
 * In: an app as it is wanted, and which containers may get requests. Out: YAML, in the order of services and routes, the same bytes for the same input.
 * It decides nothing: rules and priorities are in the routes, and who is in a pool is the planner's to say.
 * Source: doc.traefik.io/traefik/v3.x/reference/routing-configuration/other-providers/file. */
#include "spec/route_file.h"

#include <inttypes.h>

#include "spec/base/arena.h"
#include "spec/desired.h"
#include "spec/route.h"
#include "spec/route_middlewares.h"
#include "spec/route_parts.h"
#include "spec/route_yaml.h"

#define DIAL_TIMEOUT "5s"

/* What all parts of one file need. */
struct writer {
    const struct want_app *app;
    const struct ingress_settings *g;
    const struct route_pool *pools;
    size_t n_pools;
    struct arena *arena;
    struct str *out;
};

typedef void part_fn(struct writer *w, const struct want_service *s, const struct want_route *r);

static void each_route(struct writer *w, part_fn *part)
{
    for (size_t i = 0; i < w->app->n_services; i++)
        for (size_t k = 0; k < w->app->services[i].n_routes; k++)
            part(w, &w->app->services[i], &w->app->services[i].routes[k]);
}

/* A key that is written before its first member, and not at all without one. */
static void drop_empty(struct str *out, size_t before, size_t after)
{
    if (out->len == after)
        out->buf[out->len = before] = '\0';
}

static bool has_tls(const struct want_route *r)
{
    return r->spec->tls == ROUTE_TLS_AUTO || r->spec->tls == ROUTE_TLS_FILES;
}

static const char *file_of(struct writer *w, const char *digest)
{
    return digest ? arena_printf(w->arena, INGRESS_FILES_DIR "/%s", digest) : NULL;
}

/* A password that cannot be read must not open the route: the file is named all the same, and Traefik then refuses the router. */
static const char *users_file(struct writer *w, const struct want_route *r)
{
    if (!r->spec->mw.basic_auth)
        return NULL;
    return r->users ? file_of(w, r->users) : INGRESS_FILES_DIR "/missing";
}

/* ---- routers ---- */

static void put_tls(struct writer *w, const struct want_route *r)
{
    bool resolved = r->spec->tls == ROUTE_TLS_AUTO && w->g->acme.email;

    if (!resolved) {
        route_yaml_plain(w->out, 3, "tls", "{}");
        return;
    }
    route_yaml_open(w->out, 3, "tls");
    route_yaml_text(w->out, 4, "certResolver", INGRESS_RESOLVER);
    route_yaml_open(w->out, 4, "domains");
    str_add(w->out, "          - main: ");
    route_yaml_quote(r->spec->host, w->out);
    str_addc(w->out, '\n');
}

static const struct route_pool *pool_of(const struct writer *w, const char *service)
{
    for (size_t i = 0; i < w->n_pools; i++)
        if (strcmp(w->pools[i].service, service) == 0)
            return &w->pools[i];
    return NULL;
}

/* Then the agent says so in words; while somebody serves, a 503 is the app's own. */
static bool unserved(const struct writer *w, const struct want_service *s)
{
    const struct route_pool *pool = pool_of(w, s->name);

    return !pool || pool->servers.n == 0;
}

static void put_router(struct writer *w, const struct want_service *s, const struct want_route *r)
{
    struct route_middleware mw[ROUTE_MIDDLEWARES];
    size_t n = route_middlewares(r, users_file(w, r), w->arena, mw);
    struct strv names = {0};

    for (size_t i = 0; i < n; i++)
        strv_push(w->arena, &names, arena_printf(w->arena, "%s_%s", r->name, mw[i].kind));
    if (unserved(w, s))
        strv_push(w->arena, &names, arena_printf(w->arena, "%s_unavailable", r->name));
    route_yaml_object(w->out, 2, r->name);
    route_yaml_word(w->out, 3, "entryPoints", has_tls(r) ? "websecure" : "web");
    route_yaml_text(w->out, 3, "rule", r->rule);
    route_yaml_int(w->out, 3, "priority", r->priority);
    route_yaml_list(w->out, 3, "middlewares", &names);
    route_yaml_text(w->out, 3, "service", r->name);
    if (!has_tls(r))
        return;
    put_tls(w, r);
    route_yaml_object(w->out, 2, arena_printf(w->arena, "%s_http", r->name));
    route_yaml_word(w->out, 3, "entryPoints", "web");
    route_yaml_text(w->out, 3, "rule", r->rule);
    route_yaml_int(w->out, 3, "priority", r->priority);
    route_yaml_word(w->out, 3, "middlewares", arena_printf(w->arena, "%s_https", r->name));
    route_yaml_text(w->out, 3, "service", "noop@internal");
}

/* ---- middlewares ---- */

static void put_option(struct writer *w, const struct route_option *o, const char **section)
{
    size_t n = strcspn(o->path, ".");
    const char *type = arena_strndup(w->arena, o->path, n);
    const char *name = o->path[n] ? o->path + n + 1 : NULL;
    int depth = 4;

    if (!name) { /* compress: all of its options are the default ones */
        route_yaml_plain(w->out, 3, type, "{}");
        return;
    }
    if (!*section)
        route_yaml_open(w->out, 3, type);
    if (o->key && (!*section || strcmp(*section, o->path) != 0))
        route_yaml_open(w->out, 4, name);
    *section = o->path;
    if (o->key) {
        CLEANUP(str_release) struct str quoted = STR_INIT;

        route_yaml_quote(o->key, &quoted);
        name = arena_strdup(w->arena, str_text(&quoted));
        depth = 5;
    }
    switch (o->kind) {
    case RV_TEXT: route_yaml_text(w->out, depth, name, o->value); return;
    case RV_NUMBER:
    case RV_FLAG: route_yaml_plain(w->out, depth, name, o->value); return;
    case RV_LIST: route_yaml_list(w->out, depth, name, &o->values); return;
    }
}

static void put_unavailable(struct writer *w, const struct want_route *r)
{
    route_yaml_object(w->out, 2, arena_printf(w->arena, "%s_unavailable", r->name));
    route_yaml_open(w->out, 3, "errors");
    route_yaml_word(w->out, 4, "status", "503");
    route_yaml_text(w->out, 4, "service", INGRESS_AGENT);
    route_yaml_text(w->out, 4, "query", INGRESS_UNAVAILABLE);
}

static void put_middlewares(struct writer *w, const struct want_service *s,
                            const struct want_route *r)
{
    struct route_middleware mw[ROUTE_MIDDLEWARES];
    size_t n = route_middlewares(r, users_file(w, r), w->arena, mw);

    for (size_t i = 0; i < n; i++) {
        const char *section = NULL;

        route_yaml_object(w->out, 2, arena_printf(w->arena, "%s_%s", r->name, mw[i].kind));
        for (size_t k = 0; k < mw[i].n_options; k++)
            put_option(w, &mw[i].options[k], &section);
    }
    if (unserved(w, s))
        put_unavailable(w, r);
    if (!has_tls(r))
        return;
    route_yaml_object(w->out, 2, arena_printf(w->arena, "%s_https", r->name));
    route_yaml_open(w->out, 3, "redirectScheme");
    route_yaml_text(w->out, 4, "scheme", "https");
    if (w->g->https != 0 && w->g->https != 443)
        route_yaml_text(w->out, 4, "port", arena_printf(w->arena, "%d", w->g->https));
    route_yaml_plain(w->out, 4, "permanent", "true");
}

/* ---- services ---- */

/* A short id, or the placeholder of a container's name. */
static bool server_valid(const char *server)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    bool open = strncmp(server, "{{", 2) == 0;
    const char *name = server + (open ? 2 : 0);
    size_t n = strspn(name, letters);

    return n > 0 && strcmp(name + n, open ? "}}" : "") == 0;
}

static void put_servers(struct writer *w, const struct want_service *s, const struct want_route *r)
{
    static const char *const schemes[] = {
        [SCHEME_HTTP] = "http", [SCHEME_HTTPS] = "https", [SCHEME_H2C] = "h2c"};
    const struct route_pool *pool = pool_of(w, s->name);
    int port = r->port ? r->port : pool && pool->port_default ? pool->port_default : 8000;
    size_t before = w->out->len;

    route_yaml_open(w->out, 4, "servers");
    size_t after = w->out->len;

    for (size_t i = 0; pool && i < pool->servers.n; i++)
        if (server_valid(pool->servers.v[i]))
            str_addf(w->out, "          - url: \"%s://%s:%d\"\n", schemes[r->spec->scheme],
                     pool->servers.v[i], port);
    drop_empty(w->out, before, after);
    if (w->out->len == before)
        route_yaml_plain(w->out, 4, "servers", "[]");
}

static void put_sticky(struct writer *w, const struct want_route *r)
{
    route_yaml_open(w->out, 4, "sticky");
    route_yaml_open(w->out, 5, "cookie");
    route_yaml_text(w->out, 6, "name", route_cookie(r, w->arena));
    route_yaml_plain(w->out, 6, "httpOnly", "true");
    route_yaml_text(w->out, 6, "path", r->spec->path);
    route_yaml_text(w->out, 6, "sameSite", "lax");
    route_yaml_plain(w->out, 6, "secure", has_tls(r) ? "true" : "false");
}

static void put_health(struct writer *w, const struct route *r)
{
    route_yaml_open(w->out, 4, "healthCheck");
    if (r->health_interval_ns.set)
        route_yaml_duration(w->out, 5, "interval", r->health_interval_ns.v);
    route_yaml_text(w->out, 5, "path", r->health_path);
    if (r->health_status.set)
        route_yaml_int(w->out, 5, "status", r->health_status.v);
    if (r->health_timeout_ns.set)
        route_yaml_duration(w->out, 5, "timeout", r->health_timeout_ns.v);
}

static void put_service(struct writer *w, const struct want_service *s, const struct want_route *r)
{
    route_yaml_object(w->out, 2, r->name);
    route_yaml_open(w->out, 3, "loadBalancer");
    if (r->spec->health_path)
        put_health(w, r->spec);
    route_yaml_plain(w->out, 4, "passHostHeader", "true");
    put_servers(w, s, r);
    if (r->spec->scheme == SCHEME_HTTPS)
        route_yaml_text(w->out, 4, "serversTransport", r->name);
    if (r->spec->sticky == TRI_YES)
        put_sticky(w, r);
}

/* ---- transports and certificates ---- */

static void put_transport(struct writer *w, const struct want_service *s,
                          const struct want_route *r)
{
    const char *host = r->spec->host;

    if (r->spec->scheme != SCHEME_HTTPS)
        return;
    route_yaml_object(w->out, 2, r->name);
    route_yaml_open(w->out, 3, "forwardingTimeouts");
    route_yaml_text(w->out, 4, "dialTimeout", DIAL_TIMEOUT);
    if (r->spec->insecure_skip_verify == TRI_YES)
        route_yaml_plain(w->out, 3, "insecureSkipVerify", "true");
    /* The short id of a container is in nobody's certificate. */
    route_yaml_text(w->out, 3, "serverName", host && host[0] != '*' ? host : s->name);
}

static void put_certificate(struct writer *w, const struct want_service *s,
                            const struct want_route *r)
{
    (void)s;
    if (r->spec->tls != ROUTE_TLS_FILES || !r->cert || !r->key)
        return;
    str_add(w->out, "    - certFile: ");
    route_yaml_quote(file_of(w, r->cert), w->out);
    str_add(w->out, "\n      keyFile: ");
    route_yaml_quote(file_of(w, r->key), w->out);
    str_addc(w->out, '\n');
}

/* ---- the file ---- */

static void put_section(struct writer *w, int depth, const char *key, part_fn *part)
{
    size_t before = w->out->len;

    route_yaml_open(w->out, depth, key);
    size_t after = w->out->len;

    each_route(w, part);
    drop_empty(w->out, before, after);
}

static const char claim_mark[] = "# route: ";

static void put_claim(struct writer *w, const struct want_service *s, const struct want_route *r)
{
    (void)s;
    str_addf(w->out, "%s%s\n", claim_mark, route_key(r->spec, w->arena));
}

void route_file_claims(const char *text, struct arena *a, struct strv *ret)
{
    *ret = (struct strv){0};
    for (; *text == '#'; text += strcspn(text, "\n") + (text[strcspn(text, "\n")] == '\n'))
        if (strncmp(text, claim_mark, sizeof(claim_mark) - 1) == 0)
            strv_push(a, ret,
                      arena_strndup(a, text + sizeof(claim_mark) - 1,
                                    strcspn(text, "\n") - (sizeof(claim_mark) - 1)));
}

void route_file(const struct want_app *app, const struct ingress_settings *g,
                const struct route_pool *pools, size_t n, struct str *out)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct writer w = {app, g, pools, n, a, out};

    route_part_heading(app->name, out);
    each_route(&w, put_claim);
    route_yaml_open(out, 0, "http");
    put_section(&w, 1, "routers", put_router);
    route_yaml_open(out, 1, "middlewares");
    route_part_marker(app->name, out);
    each_route(&w, put_middlewares);
    put_section(&w, 1, "services", put_service);
    put_section(&w, 1, "serversTransports", put_transport);
    size_t before = out->len;

    route_yaml_open(out, 0, "tls");
    size_t after = out->len;

    put_section(&w, 1, "certificates", put_certificate);
    drop_empty(out, before, after);
}

const char *route_prefix(const char *app, struct arena *a)
{
    return arena_printf(a, "%s_", app);
}

const char *route_marker(const char *app, const char *digest, struct arena *a)
{
    return arena_printf(a, "%s_seen_%s", app, digest);
}
