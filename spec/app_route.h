/* app_route.h: `route:` as a file has it: which requests come to a service, and what happens to them on the way.
 *
 * Texts are checked and normalised when they are decoded (route.h), so whatever stands here may go into a rule. Keys are Traefik's terms in
 * Compose's spelling. Source: doc.traefik.io/traefik/v3.x/reference/routing-configuration. */
#ifndef EK_APP_ROUTE_H
#define EK_APP_ROUTE_H

#include "spec/base/err.h"
#include "spec/base/str.h"
#include "spec/value.h"

enum route_scheme { SCHEME_HTTP = 0, SCHEME_HTTPS, SCHEME_H2C };
enum route_tls { ROUTE_TLS_NONE = 0, ROUTE_TLS_OFF, ROUTE_TLS_AUTO, ROUTE_TLS_FILES };

struct route_middlewares {
    struct kvs request_headers, response_headers;        /* "" takes the header away */
    struct num rate_average, rate_burst, rate_period_ns; /* unset average: no limit */
    const char *basic_auth;                              /* name of a secret with htpasswd lines */
    struct strv ip_allow_list;                           /* addresses and subnets */
    enum tri compress;
    struct num retry_attempts;
    const char
        *redirect_to; /* a URL or an absolute path, without slash at the end unless it is "/" */
    enum tri redirect_permanent;
    struct num max_body; /* bytes */
};

struct route {
    struct place at;
    const char *host; /* lower case, "*.example.com" for one label in front; NULL: every host */
    const char *path; /* begins with "/", ends with none unless it is "/"; never NULL */
    enum tri strip;   /* unset: yes */
    enum route_tls tls;
    const char *cert, *key; /* ROUTE_TLS_FILES: names of secrets */
    struct num priority;    /* among the routes of the app; unset counts as 0 */
    struct num port;        /* unset: the service's */
    enum route_scheme scheme;
    enum tri insecure_skip_verify;
    enum tri sticky;
    const char *cookie;      /* of sticky; NULL: one is made up */
    const char *health_path; /* NULL: Traefik checks nothing */
    struct num health_interval_ns, health_timeout_ns, health_status;
    struct route_middlewares mw;
};

#endif
