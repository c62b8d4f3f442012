/* ingress.h: the agent's settings for the way from outside to the apps (`ingress:` in its configuration). */
#ifndef EK_INGRESS_H
#define EK_INGRESS_H

#include <stddef.h>
#include <stdint.h>

#include "spec/base/str.h"

struct arena;

enum ingress_mode { INGRESS_MANAGED = 0, INGRESS_EXTERNAL, INGRESS_NONE };
enum ingress_log { INGRESS_LOG_OFF = 0, INGRESS_LOG_JSON };
enum acme_challenge { ACME_HTTP = 0, ACME_TLS_ALPN };

#define INGRESS_DEFAULT_IMAGE "traefik:v3.7"
#define INGRESS_DEFAULT_NETWORK "evenkeel_ingress"
/* Inside of the managed Traefik's container. */
#define INGRESS_PORT_WEB 8000
#define INGRESS_PORT_WEBSECURE 8443
#define INGRESS_PORT_API 8099 /* published on 127.0.0.1, with a port that the engine chooses */
#define INGRESS_UID 65532
#define INGRESS_DIR "/etc/evenkeel" /* where ingress_settings.dir is mounted, read-only */
#define INGRESS_ROUTES_DIR INGRESS_DIR "/routes" /* APP.yaml, watched */
#define INGRESS_FILES_DIR INGRESS_DIR "/files"   /* copies of secrets, each named by its SHA-256 */
/* The agent's page for an app that nobody answers for, and the service of the platform's own route file (route_file_platform) that has it. */
#define INGRESS_UNAVAILABLE "/.well-known/evenkeel/unavailable"
#define INGRESS_AGENT "evenkeel_agent"
#define INGRESS_SERVICE "traefik"   /* of the builtin app */
#define INGRESS_RESOLVER "evenkeel" /* of certificates, in managed mode */

struct acme_settings {
    const char *email;  /* NULL: `tls: auto` is refused in managed mode */
    const char *server; /* directory URL; NULL: Let's Encrypt */
    const char
        *ca; /* file of the host whose certificates the server's own is checked with; or NULL */
    enum acme_challenge challenge;
};

/* Complete after ingress_defaults() and whatever the configuration says; dirs are the agent's to fill. */
struct ingress_settings {
    enum ingress_mode mode;
    int http, https;     /* ports of the host; 0: not published */
    const char *address; /* of the host, to publish them on; NULL: all */
    const char *image;
    const char *network; /* external mode: shared with the Traefik that somebody else runs */
    const char *
        resolver; /* external mode: name of its certificate resolver for `tls: auto`; NULL: it has none, or a default */
    enum ingress_log access_log;
    struct acme_settings acme;
    struct strv
        hosts; /* `http: {hosts:}`: the platform's pages are on these alone, and no app is; in route_host()'s form. Empty: they are on every host */
    const char *dir;      /* STATE/ingress; NULL: nothing is managed (validation without a state) */
    const char *acme_dir; /* STATE/ingress-acme */
};

void ingress_defaults(struct ingress_settings *ret);

/* Name of the builtin app of this owner: "evenkeel", or "evenkeel-OWNER". No other app may be called so. In the arena. */
const char *ingress_app_name(const char *owner, struct arena *a);

/* Its network: "0--evenkeel", or "0--evenkeel-OWNER". The engine publishes a container's ports on that of its networks whose name sorts first, and moves them,
 * failing requests on the way, whenever another one takes that place (measured on engine 20.10); names of apps' networks begin with the app's. */
const char *ingress_network_name(const char *owner, struct arena *a);

#endif
