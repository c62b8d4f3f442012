/* Keeps the agent's listeners open.
 *
 * Comes in: where to listen. Goes out: open listeners, and a line in the log when one opens or cannot. A port that is taken is no reason to
 * stop: the agent converges without it and tries again every half minute. */
#include "agent/web_keeper.h"

#include "agent/gateway.h"
#include "agent/log.h"
#include "agent/web.h"
#include "drivers/http.h"
#include "drivers/observed.h"
#include "spec/base/arena.h"
#include "spec/config.h"
#include "spec/desired.h"

#define RETRY_MS 30000
#define DEFAULT_PORT 5001

struct web_keeper {
    struct http *http;
    struct arena *arena; /* address */
    struct web *web;
    const char *address; /* NULL: nowhere */
    int port;
    struct http_timer *again;
    char *said; /* the last complaint */
    char *platform_said;
};

/* A listener that cannot be opened is tried again and again; each reason is told once. */
static void complain(char **said, const struct err *e, const char *what, const char *address,
                     int port, const char *then)
{
    if (*said && strcmp(*said, e->msg) == 0)
        return;
    free(*said);
    *said = xstrdup(e->msg);
    log_line(LOG_WARNING, NULL, "%s %s:%d: %s; %s", what, address, port, e->msg, then);
}

static void open_again(void *user)
{
    struct web_keeper *k = user;
    struct err e = {0};

    k->again = NULL;
    if (!k->address)
        return;
    if (web_open(k->web, k->address, k->port, &e) < 0) {
        complain(&k->said, &e, "no HTTP on", k->address, k->port,
                 "trying again. `listen:` in the configuration, --listen or EVENKEEL_LISTEN names "
                 "another port, or none");
        k->again = http_after(k->http, RETRY_MS, open_again, k);
        return;
    }
    log_line(LOG_INFO, NULL, "HTTP on http://%s:%d", k->address, k->port);
    free(TAKE(k->said));
}

struct web_keeper *web_keeper_new(struct http *http, const char *listen, struct door *door)
{
    struct web_keeper *k = xcalloc(1, sizeof(*k));
    const char *why;

    k->http = http;
    k->arena = arena_new();
    k->web = web_new(door);
    if (strcmp(listen, "none") != 0)
        (void)listen_parse(listen, k->arena, &k->address, &k->port, &why);
    if (k->address && !door && strncmp(k->address, "127.", 4) != 0) {
        log_line(LOG_ERROR, NULL,
                 "no HTTP on %s:%d: nobody could log in, so it stays on this machine", k->address,
                 k->port);
        k->address = "127.0.0.1";
    }
    open_again(k);
    return k;
}

void web_keeper_desired(struct web_keeper *k, const struct desired *d)
{
    struct arena *a = arena_new();
    struct strv all = {0}, hosts = {0};

    for (size_t i = 0; i < d->n_apps; i++)
        for (size_t s = 0; s < d->apps[i].n_services; s++)
            for (size_t r = 0; r < d->apps[i].services[s].n_routes; r++)
                if (d->apps[i].services[s].routes[r].spec->host)
                    strv_push(a, &all, d->apps[i].services[s].routes[r].spec->host);
    for (size_t i = 0; i < d->settings->ingress.hosts.n; i++)
        strv_push(a, &all, d->settings->ingress.hosts.v[i]);
    strv_sort(&all);
    for (size_t i = 0; i < all.n; i++)
        if (i == 0 || strcmp(all.v[i - 1], all.v[i]) != 0)
            strv_push(a, &hosts, all.v[i]);
    web_hosts(k->web, &hosts);
    arena_free(a);
}

static bool ours(const char *owner, const char *app, const char *has_owner, const char *has_app)
{
    return has_owner && has_app && strcmp(owner, has_owner) == 0 && strcmp(app, has_app) == 0;
}

/* Traefik's address in that network, or NULL. */
static const char *traefik_at(const struct observed *o, const char *owner, const char *app,
                              const char *network_id)
{
    size_t from, to;

    observed_app_range(o, app, &from, &to);
    for (; from < to; from++) {
        const struct obs_container *c = &o->containers[from];

        for (size_t i = 0;
             c->state == CS_RUNNING && ours(owner, app, c->owner, c->app) && i < c->n_networks; i++)
            if (strcmp(c->networks[i].network_id, network_id) == 0 && c->networks[i].address &&
                *c->networks[i].address)
                return c->networks[i].address;
    }
    return NULL;
}

void web_keeper_observed(struct web_keeper *k, const struct observed *o, const char *owner,
                         const char *app, struct gateway *gateway)
{
    const struct obs_network *n = NULL;
    int port = k->port ? k->port : DEFAULT_PORT;
    struct err e = {0};

    for (size_t i = 0; i < o->n_networks && !n; i++)
        if (ours(owner, app, o->networks[i].owner, o->networks[i].app) && o->networks[i].gateway &&
            o->networks[i].subnets.n > 0)
            n = &o->networks[i];
    if (web_platform(k->web, n ? n->gateway : NULL, port, n ? n->subnets.v[0] : NULL,
                     n ? traefik_at(o, owner, app, n->id) : NULL, &e) < 0)
        complain(&k->platform_said, &e, "the ingress cannot reach the agent on", n->gateway, port,
                 "addresses that no app has answer 503 until then");
    else
        free(TAKE(k->platform_said));
    gateway_agent_at(gateway, web_platform_url(k->web));
}

void web_keeper_leave(struct web_keeper *k)
{
    http_timer_cancel(k->http, TAKE(k->again));
    web_leave(k->web);
}

bool web_keeper_free(struct web_keeper *k)
{
    if (!k)
        return true;
    web_keeper_leave(k);
    bool all = web_free(k->web);
    arena_free(k->arena);
    free(k->said);
    free(k->platform_said);
    free(k);
    return all;
}
