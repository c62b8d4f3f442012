/* desired_route.c: from the routes that a user wrote to what the router is told.
 *
 * In: an app with its services in place, the agent's settings, what is known of secrets. Out: rules and priorities that follow from hosts and paths alone,
 * names that no other app can have, digests of the secrets, addresses for people. It refuses nothing: route_claims.c does. */
#include "spec/desired_route.h"

#include "spec/base/arena.h"
#include "spec/desired_app.h"
#include "spec/route.h"
#include "spec/route_file.h"

/* ---- the shared network of external mode ---- */

void desired_route_join(const struct app_source *src, struct arena *a, struct service *s)
{
    if (src->settings->ingress.mode != INGRESS_EXTERNAL || s->n_routes == 0 || s->network_mode)
        return;
    struct attach *more = ARENA_ARRAY(a, s->n_networks + 1, struct attach);

    for (size_t i = 0; i < s->n_networks; i++)
        more[i] = s->networks[i];
    /* Without a name there: every app has a service of the same name. */
    more[s->n_networks] =
        (struct attach){.at = s->routes[0].at, .network = INGRESS_NETWORK_KEY, .nameless = true};
    s->networks = more;
    s->n_networks++;
}

/* ---- rules ---- */

static int64_t wish(const struct route *r)
{
    return r->priority.set ? r->priority.v : 0;
}

/* Must x leave to y what both match, though Traefik would give it to x? */
static bool yields(const struct route *x, const struct route *y)
{
    return wish(y) > wish(x) &&
           route_priority(y->host, y->path) <= route_priority(x->host, x->path) && route_meet(x, y);
}

/* Where the platform's pages are no app is: what it serves there would act as who is logged in. */
static void leave_hosts(const struct strv *hosts, const struct route *r, struct str *out)
{
    for (size_t i = 0; i < hosts->n; i++)
        if (route_meet(r, &(struct route){.host = hosts->v[i], .path = "/"}))
            str_addf(out, " && !Host(`%s`)", hosts->v[i]);
}

/* A route's own number in Traefik stays what its host and path make it: a larger one would also win against other apps. */
static const char *full_rule(const struct want_app *app, const struct strv *hosts,
                             const struct route *r, struct arena *a)
{
    CLEANUP(str_release) struct str out = STR_INIT;
    const char *own = route_rule(r->host, r->path, a);

    for (size_t i = 0; i < app->n_services; i++)
        for (size_t k = 0; k < app->services[i].spec->n_routes; k++) {
            const struct route *other = &app->services[i].spec->routes[k];

            if (yields(r, other))
                str_addf(&out, " && !(%s)", route_rule(other->host, other->path, a));
        }
    leave_hosts(hosts, r, &out);
    return out.len ? arena_printf(a, "(%s)%s", own, str_text(&out)) : own;
}

/* ---- addresses ---- */

static bool has_tls(const struct route *r)
{
    return r->tls == ROUTE_TLS_AUTO || r->tls == ROUTE_TLS_FILES;
}

static const char *anywhere(const char *address)
{
    bool all = !address || strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;

    return all ? "localhost" : address;
}

/* NULL: it cannot be told. */
static const char *address_of(const struct ingress_settings *g, const struct route *r,
                              struct arena *a)
{
    const char *scheme = has_tls(r) ? "https" : "http";
    int usual = has_tls(r) ? 443 : 80, port = has_tls(r) ? g->https : g->http;

    if (g->mode == INGRESS_EXTERNAL)
        return r->host ? arena_printf(a, "%s://%s%s", scheme, r->host, r->path) : r->path;
    if (port == 0)
        return NULL;
    const char *host = r->host ? r->host : anywhere(g->address);
    bool ipv6 = strchr(host, ':') != NULL;
    const char *where =
        arena_printf(a, "%s://%s%s%s", scheme, ipv6 ? "[" : "", host, ipv6 ? "]" : "");

    return port == usual ? arena_printf(a, "%s%s", where, r->path)
                         : arena_printf(a, "%s:%d%s", where, port, r->path);
}

/* ---- secrets ---- */

static const char *digest_of(const struct app_source *src, struct want_app *app, const char *name,
                             struct arena *a)
{
    const struct secret_facts *s =
        name ? secret_find(src->set->secrets, src->set->n_secrets, app->name, name, a) : NULL;

    if (!s)
        return NULL;
    if (!strv_has(&app->secrets, s->name))
        strv_push(a, &app->secrets, s->name);
    return s->problem ? NULL : s->digest;
}

/* ---- all of an app ---- */

static int port_of(const struct want_service *s, const struct route *r)
{
    if (r->port.set)
        return (int)r->port.v;
    if (s->spec->port.set)
        return (int)s->spec->port.v;
    return s->facts ? s->facts->port : 0;
}

static void build_one(const struct app_source *src, struct arena *a, struct want_app *app,
                      const struct want_service *s, size_t i, struct want_route *ret)
{
    const struct route *r = &s->spec->routes[i];

    *ret = (struct want_route){
        .spec = r,
        .name = arena_printf(a, "%s%s_%zu", route_prefix(app->name, a), s->name, i + 1),
        .rule = full_rule(app, &src->settings->ingress.hosts, r, a),
        .priority = route_priority(r->host, r->path),
        .port = port_of(s, r),
        .cert = digest_of(src, app, r->cert, a),
        .key = digest_of(src, app, r->key, a),
        .users = digest_of(src, app, r->mw.basic_auth, a),
        .address = address_of(&src->settings->ingress, r, a),
    };
    if (ret->address)
        strv_push(a, &app->addresses, ret->address);
}

void desired_route_build(const struct app_source *src, struct arena *a, struct want_app *app)
{
    if (src->settings->ingress.mode == INGRESS_NONE)
        return;
    for (size_t i = 0; i < app->n_services; i++) {
        struct want_service *s = &app->services[i];

        s->n_routes = s->spec->n_routes;
        s->routes = ARENA_ARRAY(a, s->n_routes, struct want_route);
        for (size_t k = 0; k < s->n_routes; k++)
            build_one(src, a, app, s, k, &s->routes[k]);
        app->routed |= s->n_routes > 0;
    }
    strv_sort(&app->secrets);
}

void desired_route_digest(const struct want_app *app, struct str *out)
{
    for (size_t i = 0; i < app->n_services; i++)
        for (size_t k = 0; k < app->services[i].n_routes; k++) {
            const struct want_route *r = &app->services[i].routes[k];

            str_addf(out, "route %s %s %d %s %s %s %s\n", r->name, r->rule, r->port,
                     r->cert ? r->cert : "-", r->key ? r->key : "-", r->users ? r->users : "-",
                     r->address ? r->address : "-");
        }
}
