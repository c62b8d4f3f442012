/* route_labels.c: one service's routes as labels for Traefik's Docker provider.
 *
 * In: a service with its routes filled in, the settings. Out: labels. Secrets never go into a label, so what depends on one is left out where leaving it
 * out is safe (a certificate), and the whole route where it is not (a password).
 * Source: doc.traefik.io/traefik/v3.x/reference/routing-configuration/other-providers/docker. */
#include "spec/route_labels.h"

#include <inttypes.h>
#include <stdarg.h>

#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/desired.h"
#include "spec/route_middlewares.h"

/* One route on its way into labels. Its own names are written as a tab, which no text of a user's has, until the hash of the rest is known. */
#define NAME "\t"

struct label_writer {
    const struct ingress_settings *g;
    const struct want_app *app;
    const struct want_service *service;
    const struct want_route *route;
    struct arena *arena;
    struct kvs labels; /* of this route, with NAME in keys and values */
};

static void put(struct label_writer *w, const char *value, const char *fmt, ...) PRINTF_LIKE(3, 4);

static void put(struct label_writer *w, const char *value, const char *fmt, ...)
{
    CLEANUP(str_release) struct str key = STR_INIT;
    char part[512];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(part, sizeof(part), fmt, ap);
    va_end(ap);
    str_addf(&key, "traefik.http.%s", part);
    kvs_set(w->arena, &w->labels, arena_strdup(w->arena, str_text(&key)), value);
}

static const char *number(struct label_writer *w, int64_t v)
{
    return arena_printf(w->arena, "%" PRId64, v);
}

static const char *nanoseconds(struct label_writer *w, int64_t v)
{
    return arena_printf(w->arena, "%" PRId64 "ns", v);
}

static bool has_tls(const struct want_route *r)
{
    return r->spec->tls == ROUTE_TLS_AUTO || r->spec->tls == ROUTE_TLS_FILES;
}

/* ---- middlewares ---- */

static const char *joined(struct label_writer *w, const struct strv *l)
{
    CLEANUP(str_release) struct str out = STR_INIT;

    for (size_t i = 0; i < l->n; i++)
        str_addf(&out, "%s%s", i ? "," : "", l->v[i]);
    return arena_strdup(w->arena, str_text(&out));
}

static void put_middlewares(struct label_writer *w, struct strv *names)
{
    struct route_middleware mw[ROUTE_MIDDLEWARES];
    size_t n = route_middlewares(w->route, NULL, w->arena, mw);

    for (size_t i = 0; i < n; i++) {
        strv_push(w->arena, names, arena_printf(w->arena, NAME "-%s", mw[i].kind));
        for (size_t k = 0; k < mw[i].n_options; k++) {
            const struct route_option *o = &mw[i].options[k];

            put(w, o->kind == RV_LIST ? joined(w, &o->values) : o->value,
                "middlewares." NAME "-%s.%s%s%s", mw[i].kind, o->path, o->key ? "." : "",
                o->key ? o->key : "");
        }
    }
}

/* ---- routers and services ---- */

static void put_router(struct label_writer *w, const struct strv *middlewares)
{
    const struct want_route *r = w->route;
    bool external = w->g->mode == INGRESS_EXTERNAL;
    const char *resolver = external ? w->g->resolver : w->g->acme.email ? INGRESS_RESOLVER : NULL;

    put(w, has_tls(r) ? "websecure" : "web", "routers." NAME ".entrypoints");
    put(w, joined(w, middlewares), "routers." NAME ".middlewares");
    put(w, number(w, r->priority), "routers." NAME ".priority");
    put(w, r->rule, "routers." NAME ".rule");
    put(w, NAME, "routers." NAME ".service");
    if (!has_tls(r))
        return;
    put(w, "true", "routers." NAME ".tls");
    if (r->spec->tls == ROUTE_TLS_AUTO && resolver) {
        put(w, resolver, "routers." NAME ".tls.certresolver");
        put(w, r->spec->host, "routers." NAME ".tls.domains[0].main");
    }
    put(w, "web", "routers." NAME "-http.entrypoints");
    put(w, NAME "-https", "routers." NAME "-http.middlewares");
    put(w, number(w, r->priority), "routers." NAME "-http.priority");
    put(w, r->rule, "routers." NAME "-http.rule");
    put(w, NAME, "routers." NAME "-http.service");
    put(w, "true", "middlewares." NAME "-https.redirectscheme.permanent");
    put(w, "https", "middlewares." NAME "-https.redirectscheme.scheme");
    if (!external && w->g->https != 0 && w->g->https != 443)
        put(w, number(w, w->g->https), "middlewares." NAME "-https.redirectscheme.port");
}

static void put_service(struct label_writer *w)
{
    static const char *const schemes[] = {
        [SCHEME_HTTP] = "http", [SCHEME_HTTPS] = "https", [SCHEME_H2C] = "h2c"};
    const struct route *r = w->route->spec;

    put(w, "true", "services." NAME ".loadbalancer.passhostheader");
    if (w->route->port)
        put(w, number(w, w->route->port), "services." NAME ".loadbalancer.server.port");
    put(w, schemes[r->scheme], "services." NAME ".loadbalancer.server.scheme");
    if (r->health_path) {
        put(w, r->health_path, "services." NAME ".loadbalancer.healthcheck.path");
        if (r->health_interval_ns.set)
            put(w, nanoseconds(w, r->health_interval_ns.v),
                "services." NAME ".loadbalancer.healthcheck.interval");
        if (r->health_status.set)
            put(w, number(w, r->health_status.v),
                "services." NAME ".loadbalancer.healthcheck.status");
        if (r->health_timeout_ns.set)
            put(w, nanoseconds(w, r->health_timeout_ns.v),
                "services." NAME ".loadbalancer.healthcheck.timeout");
    }
    if (r->sticky != TRI_YES)
        return;
    put(w, "true", "services." NAME ".loadbalancer.sticky.cookie.httponly");
    put(w, route_cookie(w->route, w->arena), "services." NAME ".loadbalancer.sticky.cookie.name");
    put(w, r->path, "services." NAME ".loadbalancer.sticky.cookie.path");
    put(w, "lax", "services." NAME ".loadbalancer.sticky.cookie.samesite");
    put(w, has_tls(w->route) ? "true" : "false",
        "services." NAME ".loadbalancer.sticky.cookie.secure");
}

/* ---- names ---- */

/* Readable, and unique by the hash behind it: letters, digits and `-` only, since a dot ends a name in a label. */
static const char *hashed_name(const struct label_writer *w)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    CLEANUP(str_release) struct str name = STR_INIT;
    char hex[SHA256_HEX];

    str_addf(&text, "%s\n%s\n", w->app->name, w->route->name);
    for (size_t i = 0; i < w->labels.n; i++)
        str_addf(&text, "%s=%s\n", w->labels.v[i].key, w->labels.v[i].value);
    sha256_hex(text.buf, text.len, hex);
    str_addf(&name, "%s-%s-%.12s", w->app->name, w->service->name, hex);
    for (char *s = name.buf; *s; s++) {
        if (*s >= 'A' && *s <= 'Z')
            *s = (char)(*s - 'A' + 'a');
        else if (*s == '.' || *s == '_')
            *s = '-';
    }
    return arena_strdup(w->arena, name.buf);
}

static const char *renamed(struct arena *a, const char *text, const char *name)
{
    CLEANUP(str_release) struct str out = STR_INIT;

    for (; *text; text++) {
        if (*text == *NAME)
            str_add(&out, name);
        else
            str_addc(&out, *text);
    }
    return arena_strdup(a, str_text(&out));
}

static const char *network_of(const struct want_app *app, const struct want_service *s,
                              const struct ingress_settings *g)
{
    if (g->mode == INGRESS_EXTERNAL)
        return g->network;
    for (size_t i = 0; s->spec->n_networks > 0 && i < app->n_networks; i++)
        if (strcmp(app->networks[i].key, s->spec->networks[0].network) == 0)
            return app->networks[i].name;
    return NULL;
}

static void put_route(struct label_writer *w, struct kvs *labels)
{
    struct strv middlewares = {0};

    put_middlewares(w, &middlewares);
    put_router(w, &middlewares);
    put_service(w);
    const char *name = hashed_name(w);

    for (size_t i = 0; i < w->labels.n; i++)
        kvs_set(w->arena, labels, renamed(w->arena, w->labels.v[i].key, name),
                renamed(w->arena, w->labels.v[i].value, name));
}

void route_labels(const struct want_app *app, const struct want_service *s,
                  const struct ingress_settings *g, struct arena *a, struct kvs *labels)
{
    bool any = false;

    for (size_t i = 0; g->mode != INGRESS_NONE && i < s->n_routes; i++) {
        struct label_writer w = {
            .g = g, .app = app, .service = s, .route = &s->routes[i], .arena = a};

        if (s->routes[i].spec->mw.basic_auth)
            continue;
        put_route(&w, labels);
        any = true;
    }
    if (any) {
        const char *network = network_of(app, s, g);

        kvs_set(a, labels, "traefik.enable", "true");
        if (network)
            kvs_set(a, labels, "traefik.docker.network", network);
    } else if (g->mode == INGRESS_EXTERNAL || s->n_routes > 0) {
        kvs_set(a, labels, "traefik.enable", "false");
    }
}
