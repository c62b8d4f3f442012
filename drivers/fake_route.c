/* fake_route.c: route files and a Traefik of the pretended engine.
 *
 * In: unsealed texts, waits. Out: files as the router would observe them. Traefik is there while a container of the builtin app runs, and
 * then takes every file at once; one that was found written and not taken it takes when somebody waits for it, or when it starts. */
#include <string.h>

#include "drivers/fake_parts.h"
#include "drivers/router.h"
#include "spec/base/arena.h"
#include "spec/ingress.h"
#include "spec/labels.h"
#include "spec/route_file.h"

static bool is_traefik(const struct fake_container *c)
{
    const char *service = kvs_get(&c->c.labels, LABEL_SERVICE);
    const char *app = kvs_get(&c->c.labels, LABEL_APP);

    return service && app && strcmp(service, INGRESS_SERVICE) == 0 &&
           strncmp(app, "evenkeel", 8) == 0;
}

static bool traefik_runs(const struct fake_world *w)
{
    for (size_t i = 0; i < w->n_containers; i++)
        if (w->containers[i].c.state == CS_RUNNING && is_traefik(&w->containers[i]))
            return true;
    return false;
}

static struct fake_route *route_of(const struct fake_world *w, const char *app)
{
    for (size_t i = 0; i < w->n_routes; i++)
        if (strcmp(w->routes[i].r.app, app) == 0)
            return &w->routes[i];
    return NULL;
}

void fake_route_take(struct fake_world *w, const struct obs_route *r)
{
    w->routes = arena_grow(w->arena, w->routes, w->n_routes, &w->cap_routes, sizeof(w->routes[0]));
    w->routes[w->n_routes++] = (struct fake_route){*r, r->state == ROUTE_WRITTEN};
}

/* Whatever it is called by now. */
static const char *id_of(void *ctx, const char *name)
{
    const struct fake_world *w = ctx;

    for (size_t i = w->n_containers; i-- > 0;)
        if (w->containers[i].made_as && strcmp(w->containers[i].made_as, name) == 0)
            return container_short_id(w->containers[i].c.id, w->arena);
    const struct fake_container *c = fake_container_of(w, name);

    return c ? container_short_id(c->c.id, w->arena) : NULL;
}

int fake_route_write(struct fake_world *w, const struct op *op, struct op_result *ret)
{
    CLEANUP(str_release) struct str sealed = STR_INIT;
    struct fake_route *f = route_of(w, op->name);
    char digest[ROUTE_DIGEST];
    struct obs_route r = {.app = arena_strdup(w->arena, op->name), .since_ms = w->now_ms};

    if (!op->body || !op->body[0]) {
        if (f)
            *f = w->routes[--w->n_routes];
        return 0;
    }
    if (route_file_seal(op->body, id_of, w, &sealed, digest, &ret->err) < 0)
        return -1;
    router_read_file(str_text(&sealed), sealed.len, op->name, w->arena, &r.digest, &r.servers);
    if (!f) {
        fake_route_take(w, &r);
        f = &w->routes[w->n_routes - 1];
    }
    *f = (struct fake_route){.r = r}; /* a new file is not stuck */
    return 0;
}

int fake_route_see(struct fake_world *w, const struct op *op, struct op_result *ret)
{
    struct fake_route *f = route_of(w, op->name);

    if (!traefik_runs(w))
        return err_set(&ret->err, ERR_RETRY, "Traefik does not run");
    if (!f)
        return 0;
    if (f->r.state == ROUTE_FAILED)
        return err_set(&ret->err, ERR_USER, "Traefik refuses a route of %s: %s", op->name,
                       f->r.error ? f->r.error : "");
    f->stuck = false;
    return 0;
}

void fake_route_started(struct fake_world *w, const struct fake_container *c)
{
    for (size_t i = 0; is_traefik(c) && i < w->n_routes; i++)
        w->routes[i].stuck = false;
}

void fake_route_observed(const struct fake_world *w, struct obs_route *ret)
{
    bool runs = traefik_runs(w);

    for (size_t i = 0; i < w->n_routes; i++) {
        ret[i] = w->routes[i].r;
        if (ret[i].state != ROUTE_FAILED)
            ret[i].state = runs && !w->routes[i].stuck ? ROUTE_LIVE : ROUTE_WRITTEN;
    }
}
