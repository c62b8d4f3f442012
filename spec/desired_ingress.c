/* desired_ingress.c: the Traefik that evenkeel runs, written as an app like any other.
 *
 * In: the agent's settings. Out: an app with one service, through the same defaults as everybody's, so that it is planned, healed and replaced like them:
 * its settings are its spec. It gets no engine socket, no capability, nothing it can write to but its certificates.
 * Source: doc.traefik.io/traefik/v3.x/reference/install-configuration. */
#include "spec/desired_ingress.h"

#include "spec/base/arena.h"
#include "spec/desired.h"
#include "spec/desired_app.h"

#define ACME_DIR "/acme"
#define ACME_CA_FILE "/acme-ca.pem"
#define MEMORY_BYTES (INT64_C(256) * 1024 * 1024)
#define TMP_BYTES (INT64_C(128) * 1024 * 1024)
#define PIDS 256
#define STOP_GRACE_NS (INT64_C(15) * 1000000000)

/* ---- is it needed? ---- */

bool desired_ingress_needed(const struct spec_set *set, const struct settings *settings,
                            const struct desired *d, const struct kvs *incumbents)
{
    const struct ingress_settings *g = &settings->ingress;

    if (g->mode != INGRESS_MANAGED || !g->dir)
        return false;
    for (size_t i = 0; i < d->n_apps; i++)
        if (d->apps[i].routed && d->apps[i].state != WISH_REMOVED)
            return true;
    /* An app that cannot be read now, or waits for its removal to be confirmed, goes on being served. */
    for (size_t i = 0; i < set->routed.n; i++)
        if (desired_app(d, set->routed.v[i]) || kvs_get(incumbents, set->routed.v[i]))
            return true;
    return false;
}

/* ---- its command ---- */

static void entrypoint(struct arena *a, struct strv *argv, const char *name, int port)
{
    strv_push(a, argv, arena_printf(a, "--entrypoints.%s.address=:%d", name, port));
    /* Headers that CGI and WSGI read as X-Forwarded-For, though they are spelt with `_`, are a client's invention. */
    strv_push(a, argv, arena_printf(a, "--entrypoints.%s.http.aliasheadersstrategy=delete", name));
}

/* Ten minutes for a whole request, so that large uploads over slow lines arrive; the default is one. */
static void public_entrypoint(struct arena *a, struct strv *argv, const char *name, int port)
{
    entrypoint(a, argv, name, port);
    strv_push(
        a, argv,
        arena_printf(a, "--entrypoints.%s.transport.respondingtimeouts.readtimeout=10m", name));
}

static void acme(const struct acme_settings *s, struct arena *a, struct strv *argv)
{
    static const char prefix[] = "--certificatesresolvers." INGRESS_RESOLVER ".acme";

    strv_push(a, argv, arena_printf(a, "%s.email=%s", prefix, s->email));
    strv_push(a, argv, arena_printf(a, "%s.storage=%s/acme.json", prefix, ACME_DIR));
    if (s->server)
        strv_push(a, argv, arena_printf(a, "%s.caserver=%s", prefix, s->server));
    if (s->challenge == ACME_HTTP)
        strv_push(a, argv, arena_printf(a, "%s.httpchallenge.entrypoint=web", prefix));
    else
        strv_push(a, argv, arena_printf(a, "%s.tlschallenge=true", prefix));
}

static struct command command(const struct ingress_settings *g, struct arena *a)
{
    static const char *const fixed[] = {
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
        "--log.level=WARN",
        "--log.nocolor=true",
        "--api=true",
        "--api.dashboard=false",
        "--providers.file.directory=" INGRESS_ROUTES_DIR,
        "--providers.file.watch=true",
        /* Measured: shorter gives more reloads under bursts and nothing else, longer delays every change. */
        "--providers.providersthrottleduration=50ms",
        /* A container that has gone from the network without a word; the default is 30 seconds. */
        "--serverstransport.forwardingtimeouts.dialtimeout=5s",
    };
    struct command c = {.set = true};

    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        strv_push(a, &c.argv, fixed[i]);
    public_entrypoint(a, &c.argv, "web", INGRESS_PORT_WEB);
    public_entrypoint(a, &c.argv, "websecure", INGRESS_PORT_WEBSECURE);
    entrypoint(a, &c.argv, "api", INGRESS_PORT_API);
    if (g->access_log == INGRESS_LOG_JSON) {
        strv_push(a, &c.argv, "--accesslog=true");
        strv_push(a, &c.argv, "--accesslog.format=json");
    }
    if (g->acme.email)
        acme(&g->acme, a, &c.argv);
    return c;
}

/* ---- its container ---- */

static void publish(struct service *s, const char *address, int published, int target)
{
    s->ports[s->n_ports++] = (struct port){.at = s->at,
                                           .host_ip = address,
                                           .published = published,
                                           .target = target,
                                           .protocol = "tcp"};
}

static void put_ports(const struct ingress_settings *g, struct arena *a, struct service *s)
{
    s->ports = ARENA_ARRAY(a, 3, struct port);
    if (g->http)
        publish(s, g->address, g->http, INGRESS_PORT_WEB);
    if (g->https)
        publish(s, g->address, g->https, INGRESS_PORT_WEBSECURE);
    publish(s, "127.0.0.1", 0, INGRESS_PORT_API);
}

static void bind(struct service *s, const char *source, const char *target, enum tri read_only)
{
    s->mounts[s->n_mounts++] = (struct mount){.at = s->at,
                                              .kind = MOUNT_BIND,
                                              .source = source,
                                              .target = target,
                                              .read_only = read_only,
                                              .create_host_path = TRI_NO};
}

static void put_mounts(const struct ingress_settings *g, struct arena *a, struct service *s)
{
    s->mounts = ARENA_ARRAY(a, 4, struct mount);
    bind(s, g->dir, INGRESS_DIR, TRI_YES);
    if (g->acme.email && g->acme_dir)
        bind(s, g->acme_dir, ACME_DIR, TRI_NO);
    if (g->acme.email && g->acme.ca)
        bind(s, g->acme.ca, ACME_CA_FILE, TRI_YES);
    s->mounts[s->n_mounts++] = (struct mount){.at = s->at,
                                              .kind = MOUNT_TMPFS,
                                              .target = "/tmp",
                                              .tmpfs_bytes = {TMP_BYTES, true},
                                              .tmpfs_mode = {01777, true}};
}

static void put_environment(const struct ingress_settings *g, struct arena *a, struct service *s)
{
    /* Measured with 200 apps: a change is served after 82 ms in the median instead of 197. */
    kvs_set(a, &s->environment, "GOGC", "400");
    kvs_set(a, &s->environment, "GOMEMLIMIT", "200MiB");
    if (g->acme.email && g->acme.ca)
        kvs_set(a, &s->environment, "LEGO_CA_CERTIFICATES", ACME_CA_FILE);
}

static void fill_service(const struct ingress_settings *g, struct arena *a, struct service *s)
{
    *s = (struct service){
        .at = {.file = INGRESS_ORIGIN_FILE},
        .name = INGRESS_SERVICE,
        .image = g->image ? g->image : INGRESS_DEFAULT_IMAGE,
        /* The public image's own entrypoint is a shell that asks Traefik for its help first: 100 to 200 ms. */
        .entrypoint = {.set = true},
        .command = command(g, a),
        .user = arena_printf(a, "%d:%d", INGRESS_UID, INGRESS_UID),
        .read_only = TRI_YES,
        .mem_limit = {MEMORY_BYTES, true},
        .nano_cpus = {0, true}, /* no cap: everybody's requests pass here */
        .pids_limit = {PIDS, true},
        .stop_grace_ns = {STOP_GRACE_NS, true},
        .port = {INGRESS_PORT_WEB, true},
    };
    strv_push(a, &s->entrypoint.argv, "traefik");
    strv_push(a, &s->cap_drop, "ALL");
    /* The engine's resolver asks the host's for names it does not know, so the id of a container that has just gone would hang there; names without
     * a dot are then its own business alone. */
    strv_push(a, &s->dns_opt, "ndots:1");
    put_environment(g, a, s);
    put_ports(g, a, s);
    put_mounts(g, a, s);
}

void desired_ingress_build(const struct spec_set *set, const struct settings *settings,
                           struct arena *a, struct str *scratch, struct want_app *ret)
{
    struct spec_file *file = ARENA_NEW(a, struct spec_file);
    struct app *app = ARENA_NEW(a, struct app);
    struct settings *own = ARENA_NEW(a, struct settings);

    /* It is repaired whatever the apps' own default is. */
    *own = *settings;
    own->drift = DRIFT_HEAL;
    *file = (struct spec_file){
        .root = INGRESS_ORIGIN_ROOT, .path = INGRESS_ORIGIN_FILE, .name = INGRESS_ORIGIN_FILE};
    *app = (struct app){.at = {.file = INGRESS_ORIGIN_FILE},
                        .name = ingress_app_name(settings->owner, a),
                        .services = ARENA_NEW(a, struct service),
                        .n_services = 1,
                        .networks = ARENA_NEW(a, struct network),
                        .n_networks = 1};
    app->networks[0] = (struct network){
        .at = app->at, .key = "default", .name = ingress_network_name(settings->owner, a)};
    fill_service(&settings->ingress, a, &app->services[0]);
    const struct app_source src = {own, app, file, NULL, set};

    desired_app_build(&src, a, scratch, ret);
    ret->builtin = true;
}
