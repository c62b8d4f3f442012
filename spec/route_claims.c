/* route_claims.c: routes against the agent's settings and secrets.
 *
 * In: an app with its routes filled in. Out: nothing, or why it is refused: what the ingress in force cannot do, and secrets that are not there. The app's own
 * text is right by itself; with other settings, or once the secret is set, it is served. */
#include "spec/route_claims.h"

#include "spec/base/arena.h"
#include "spec/desired.h"

static const char *settings_refuse(const struct ingress_settings *g, const struct route *r,
                                   struct arena *a)
{
    bool tls = r->tls == ROUTE_TLS_AUTO || r->tls == ROUTE_TLS_FILES;

    if (r->host && strv_has(&g->hosts, r->host))
        return arena_printf(a,
                            "the host %s is the platform's own (`http: {hosts:}` in the agent's "
                            "configuration); take another one",
                            r->host);
    if (g->mode == INGRESS_EXTERNAL) {
        if (r->tls == ROUTE_TLS_FILES)
            return "with `ingress: external` certificates are in the hands of that Traefik; write "
                   "`tls: true` and give them to it";
        if (r->mw.basic_auth)
            return "with `ingress: external` a route is told in labels, which everybody on the "
                   "host can read; ask for the password in the app, or use `ingress: managed`";
        if (r->scheme == SCHEME_HTTPS)
            return "with `ingress: external` nothing can say which certificate of the container is "
                   "right; use `scheme: http`, or `ingress: managed`";
        return NULL;
    }
    if (tls && g->https == 0 && g->dir)
        return "it asks for TLS, but the agent publishes no port for https; set `ingress: {https: "
               "443}` in its configuration";
    if (r->tls == ROUTE_TLS_AUTO && !g->acme.email && g->dir)
        return arena_printf(a,
                            "`tls: auto` for %s needs an e-mail address for the certificate's "
                            "issuer; set `ingress: {acme: {email: ...}}` in the agent's "
                            "configuration",
                            r->host);
    return NULL;
}

static const char *secret_refuses(const struct spec_set *set, const struct want_app *app,
                                  const char *name, struct arena *a)
{
    if (!name || !set->secrets_known)
        return NULL;
    const struct secret_facts *s = secret_find(set->secrets, set->n_secrets, app->name, name, a);

    if (!s)
        return arena_printf(a,
                            "there is no secret \"%s\"; run `evenkeel secret set %s`, or `evenkeel "
                            "secret set --app %s %s` for this app alone",
                            name, name, app->name, name);
    if (s->problem)
        return arena_printf(a, "the secret \"%s\" cannot be used: %s; run `evenkeel secret set`",
                            s->name, s->problem);
    return NULL;
}

/* Renewed one after the other, they do not fit for a moment: what is live stays until they do. */
static const char *pair_refuses(const struct spec_set *set, const struct want_app *app,
                                const struct route *r, struct arena *a)
{
    if (!r->cert || !r->key || !set->secrets_known)
        return NULL;
    const struct secret_facts *cert =
                                  secret_find(set->secrets, set->n_secrets, app->name, r->cert, a),
                              *key =
                                  secret_find(set->secrets, set->n_secrets, app->name, r->key, a);

    if (!cert->pair || !key->pair || strcmp(cert->pair, key->pair) == 0)
        return NULL;
    return arena_printf(a,
                        "the private key \"%s\" does not belong to the certificate \"%s\"; set "
                        "the other one of the two with `evenkeel secret set`, too",
                        key->name, cert->name);
}

static const char *route_refuses(const struct spec_set *set, const struct settings *settings,
                                 const struct want_app *app, const struct route *r, struct arena *a)
{
    const char *const names[] = {r->cert, r->key, r->mw.basic_auth};
    const char *why = settings_refuse(&settings->ingress, r, a);

    for (size_t i = 0; !why && i < ARRAY_LEN(names); i++)
        why = secret_refuses(set, app, names[i], a);
    return why ? why : pair_refuses(set, app, r, a);
}

const char *route_refused(const struct spec_set *set, const struct settings *settings,
                          const struct want_app *app, struct arena *a, struct place *ret_at)
{
    for (size_t i = 0; i < app->n_services; i++)
        for (size_t k = 0; k < app->services[i].n_routes; k++) {
            const struct route *r = app->services[i].routes[k].spec;
            const char *why = route_refuses(set, settings, app, r, a);

            if (!why)
                continue;
            *ret_at = r->at;
            return why;
        }
    return NULL;
}
