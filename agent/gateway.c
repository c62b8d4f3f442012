/* What the agent does around the managed Traefik.
 *
 * Comes in: desired state, and where Traefik can reach the agent. Goes out: copies of the secrets that its routes name, the platform's route file, folders with the right owners. It does nothing while
 * no Traefik is wanted. */
#include "agent/gateway.h"

#include "agent/ingress_files.h"
#include "agent/log.h"
#include "drivers/router.h"
#include "reconcile/plan_route.h"
#include "spec/base/arena.h"
#include "spec/desired.h"
#include "spec/route_file.h"

#define KEEP_S 3600 /* of what an action in flight may be about to name */

struct gateway {
    char *state;
    struct router *router;
    char *url;
    bool done; /* for the desired state and the url that are now */
    char *said;
    bool said_shared;
};

struct gateway *gateway_new(const char *state, struct router *router)
{
    struct gateway *g = xcalloc(1, sizeof(*g));

    g->state = xstrdup(state);
    g->router = router;
    return g;
}

void gateway_free(struct gateway *g)
{
    if (!g)
        return;
    free(g->state);
    free(g->url);
    free(g->said);
    free(g);
}

void gateway_stale(struct gateway *g)
{
    if (g)
        g->done = false;
}

void gateway_agent_at(struct gateway *g, const char *url)
{
    if (!g || (url && g->url && strcmp(url, g->url) == 0) || (!url && !g->url))
        return;
    free(g->url);
    g->url = xstrdup(url);
    g->done = false;
}

static const struct want_app *builtin(const struct desired *d)
{
    for (size_t i = 0; i < d->n_apps; i++)
        if (d->apps[i].builtin)
            return &d->apps[i];
    return NULL;
}

/* A secret that is gone or changed since desired state was built: it is built again, the files of this moment need not be right. */
static int copy_secrets(const struct gateway *g, const struct desired *d, struct arena *a,
                        struct strv *keep, struct err *e)
{
    int rc = 0;

    for (size_t i = 0; i < d->n_apps; i++)
        for (size_t k = 0; k < d->apps[i].secrets.n; k++) {
            const char *digest;

            if (ingress_files_secret(g->state, d->apps[i].secrets.v[k], a, &digest, e) == 0)
                strv_push(a, keep, digest);
            else
                rc = -1;
        }
    return rc;
}

static int write_platform(const struct gateway *g, const struct desired *d, struct arena *a,
                          struct strv *keep, struct err *e)
{
    CLEANUP(str_release) struct str text = STR_INIT, sealed = STR_INIT;
    struct route_platform p = {.name = INGRESS_PLATFORM, .agent_url = g->url};
    char digest[ROUTE_DIGEST];

    if (ingress_files_own(g->state, a, &p.api_users, &p.cert, e) < 0)
        return -1;
    p.key = p.cert;
    strv_push(a, keep, p.api_users);
    strv_push(a, keep, p.cert);
    route_file_platform(&p, &d->settings->ingress, &text);
    if (route_file_seal(str_text(&text), NULL, NULL, &sealed, digest, e) < 0)
        return -1;
    return router_put(g->router, INGRESS_PLATFORM, str_text(&sealed), e);
}

static bool is_by_path(const struct want_app *app)
{
    for (size_t i = 0; i < app->n_services; i++)
        for (size_t k = 0; k < app->services[i].n_routes; k++)
            if (!app->services[i].routes[k].spec->host)
                return true;
    return false;
}

/* Said once, since it is how everybody begins. */
static void say_shared(struct gateway *g, const struct desired *d)
{
    for (size_t i = 0; !g->said_shared && d->settings->ingress.hosts.n == 0 && i < d->n_apps; i++) {
        if (!is_by_path(&d->apps[i]))
            continue;
        log_line(LOG_WARNING, d->apps[i].name,
                 "it is routed by path on the hosts that the platform's pages are on, so its "
                 "scripts act as who is logged in there: give the platform a host of its own, "
                 "`http: {hosts: [...]}` in the agent's configuration");
        g->said_shared = true;
    }
}

static void say(struct gateway *g, const char *text)
{
    if (g->said && strcmp(g->said, text) == 0)
        return;
    free(g->said);
    g->said = xstrdup(text);
    log_line(LOG_WARNING, NULL, "the ingress lacks something: %s", text);
}

void gateway_keep(struct gateway *g, const struct desired *d)
{
    if (!g || g->done || !builtin(d))
        return;
    say_shared(g, d);
    struct arena *a = arena_new();
    struct strv keep = {0};
    struct err e = {0};
    bool well = copy_secrets(g, d, a, &keep, &e) == 0;

    well &= write_platform(g, d, a, &keep, &e) == 0;
    if (d->settings->ingress.acme.email)
        well &= ingress_files_acme(g->state, &e) == 0;
    if (well) {
        ingress_files_sweep(g->state, &keep, KEEP_S);
        free(TAKE(g->said));
    } else {
        say(g, e.msg);
    }
    g->done = well;
    arena_free(a);
}
