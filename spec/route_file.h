/* route_file.h: the generated file of one app for Traefik's file provider: routers, middlewares, services, certificates.
 *
 * The text is unsealed: a server that does not exist yet is a placeholder {{NAME}}, and {{DIGEST}} stands in the name of a middleware by which
 * Traefik's API tells that it has taken this very file. Sealing fills in both. Nothing that a user wrote can look like a placeholder, or like
 * the Go template that Traefik makes of every file: braces in texts are written as escapes.
 *
 * Names: routers and services are APP_SERVICE_N (N: the route of the service, from 1); the router that redirects http to https is
 * APP_SERVICE_N_http; middlewares are APP_SERVICE_N_KIND. Names of apps have no `_`, so everything of an app begins with route_prefix().
 *
 * Middlewares of a router, in this order: ip_allow_list, rate_limit, basic_auth, redirect, max_body, headers, compress, strip, retry; strip stands
 * before redirect where there is one. A route that nobody serves has one more, `errors`: the agent's page (INGRESS_UNAVAILABLE) with Traefik's
 * status. It asks for the platform's own file, which is written before. */
#ifndef EK_ROUTE_FILE_H
#define EK_ROUTE_FILE_H

#include <stddef.h>

#include "spec/base/str.h"

struct arena;
struct err;
struct ingress_settings;
struct want_app;

enum { ROUTE_DIGEST = 13 }; /* 12 hex digits and the NUL */

struct route_pool {
    const char *service;
    int port_default;    /* for routes that name no port: the image's one EXPOSE; 0: 8000 */
    struct strv servers; /* short ids of containers (12 hex digits), or placeholders "{{NAME}}" */
};

/* pools sorted by service; one that is missing has no server: 503, with the page of the agent. Appends to out: equal arguments, equal bytes. */
void route_file(const struct want_app *app, const struct ingress_settings *g,
                const struct route_pool *pools, size_t n, struct str *out);

/* The route_key()s that a route file, sealed or not, was made of, as it says in comments. Never fails: lines of others are skipped. In the arena. */
void route_file_claims(const char *text, struct arena *a, struct strv *ret);

/* What the platform's own file needs to know. */
struct route_platform {
    const char *name; /* of the builtin app: evenkeel */
    const char
        *agent_url; /* "http://10.213.0.1:5001"; NULL while the agent listens nowhere for it: 503 */
    const char
        *api_users; /* digest of the file with the htpasswd line; NULL: the API is not routed */
    const char *cert,
        *key; /* digests of the certificate for hosts that have none. Without one Traefik makes a key at every change (measured: 45 ms
                               of a processor each time). NULL: none */
};

/* Its pages (ROUTE_PRIORITY_PAGES), everything that nobody claims (1), /traefik (blocked), the default certificate, and Traefik's API on its own
 * entrypoint behind a password. */
void route_file_platform(const struct route_platform *p, const struct ingress_settings *g,
                         struct str *out);

/* "APP_": what the names of an app's routers, services and middlewares begin with in Traefik's API. In the arena. */
const char *route_prefix(const char *app, struct arena *a);
/* "APP_seen_DIGEST": the middleware (http, provider file) that Traefik shows once it has taken the file. In the arena. */
const char *route_marker(const char *app, const char *digest, struct arena *a);

/* The id (at least 12 digits) of the container that a placeholder names; NULL: there is none. Valid until the next call. */
typedef const char *route_resolve_fn(void *ctx, const char *name);

/* Appends the sealed text. Returns 0; or -1 with e (ERR_MISSING: a container is not there, nothing was appended). ret_digest is filled on 0 only. */
int route_file_seal(const char *text, route_resolve_fn *resolve, void *ctx, struct str *out,
                    char ret_digest[ROUTE_DIGEST], struct err *e);
/* The digest of a sealed file as found on disk. Returns 0; or -1 when it was not sealed by us or was changed since. */
int route_file_digest(const char *sealed, char ret_digest[ROUTE_DIGEST]);

#endif
