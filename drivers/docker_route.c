/* docker_route.c: operations that concern the router and not the engine: writing route files, seeing them taken, draining.
 *
 * In: an operation with the text of a file whose servers may be containers that were made in the same run. Out: the file with their
 * ids in it, and the router's word that it is live; what the router does is router.c's business.
 * It asks the engine only for the ids of containers that the text names. */
#include <string.h>

#include "drivers/docker_parts.h"
#include "drivers/quarantine_folder.h"
#include "drivers/router.h"
#include "spec/base/arena.h"
#include "spec/route_file.h"

struct routing {
    struct kvs ids;    /* name -> short id, "" while it is not known */
    const char *asked; /* whose id is being asked for */
    struct router_wait *wait;
};

/* ---- writing ---- */

void docker_route_made(struct docker *d, const char *name, const char *id)
{
    struct made *m = &d->made;
    size_t at = m->n++ % MADE_MOST;

    free(m->v[at].name);
    free(m->v[at].id);
    m->v[at].name = xstrdup(name);
    m->v[at].id = xstrdup(id);
}

/* NULL: not made by this driver, or long ago. */
static const char *made_id(const struct docker *d, const char *name)
{
    const struct made *m = &d->made;

    for (size_t i = m->n; i > 0 && m->n - i < MADE_MOST; i--)
        if (strcmp(m->v[(i - 1) % MADE_MOST].name, name) == 0)
            return m->v[(i - 1) % MADE_MOST].id;
    return NULL;
}

static const char *note_name(void *ctx, const char *name)
{
    struct ticket *t = ctx;

    const char *id = made_id(t->d, name);

    kvs_set(t->arena, &t->routing->ids, arena_strdup(t->arena, name),
            id ? container_short_id(id, t->arena) : "");
    return "000000000000";
}

static const char *known_id(void *ctx, const char *name)
{
    const struct ticket *t = ctx;
    const char *id = kvs_get(&t->routing->ids, name);

    return id && id[0] ? id : NULL;
}

static void write_file(struct ticket *t)
{
    CLEANUP(str_release) struct str sealed = STR_INIT;
    char digest[ROUTE_DIGEST];
    const char *body = t->op->body && t->op->body[0] ? t->op->body : NULL;
    struct err e = {0};

    if (body && route_file_seal(body, known_id, t, &sealed, digest, &e) < 0) {
        ticket_end(t, &e);
        return;
    }
    (void)router_put(t->d->router, t->op->name, body ? str_text(&sealed) : NULL, &e);
    ticket_end(t, e.kind ? &e : NULL);
}

static void ask_ids(struct ticket *t);

static void on_container(void *user, const struct http_reply *reply)
{
    struct ticket *t = user;
    struct obs_container c;
    struct err e = {0};

    t->call = NULL;
    if (reply->err.kind || reply->status >= 300)
        (void)docker_failure(reply, &e);
    else
        (void)engine_decode_container(reply->body, reply->n, t->arena, &c, &e);
    if (e.kind) {
        (void)err_wrap(&e, "container %s", t->routing->asked);
        ticket_end(t, &e);
        return;
    }
    kvs_set(t->arena, &t->routing->ids, t->routing->asked, container_short_id(c.id, t->arena));
    ask_ids(t);
}

static void ask_ids(struct ticket *t)
{
    const struct kvs *ids = &t->routing->ids;

    for (size_t i = 0; i < ids->n; i++)
        if (!ids->v[i].value[0]) {
            t->routing->asked = ids->v[i].key;
            ticket_ask(t, "GET", docker_path(t->arena, "/containers/", t->routing->asked, "/json"),
                       NULL, on_container);
            return;
        }
    write_file(t);
}

static void begin_write(void *user)
{
    struct ticket *t = user;
    CLEANUP(str_release) struct str ignored = STR_INIT;
    char digest[ROUTE_DIGEST];

    t->timer = NULL;
    if (t->op->body && t->op->body[0])
        (void)route_file_seal(t->op->body, note_name, t, &ignored, digest, NULL);
    ask_ids(t);
}

/* ---- seeing, draining ---- */

static void seen(void *user, const struct err *why)
{
    struct ticket *t = user;

    t->routing->wait = NULL;
    ticket_end(t, why);
}

/* The one container of the builtin app that runs; of two the younger one. */
static const struct obs_container *find_router(const struct docker *d)
{
    const struct obs_container *best = NULL;

    for (size_t i = 0;; i++) {
        const struct obs_container *c = mirror_container_at(d->mirror, i);

        if (!c)
            return best;
        if (c->state == CS_RUNNING && c->owner && c->app &&
            strcmp(c->owner, d->router_owner) == 0 && strcmp(c->app, d->router_app) == 0 &&
            (!best || c->created_ms > best->created_ms))
            best = c;
    }
}

/* c NULL: it does not run. */
static void place_router(struct docker *d, const struct obs_container *c)
{
    const char *where = http_where(d->http);
    char instance[128] = "";
    struct router_api api = {.host = "127.0.0.1"};

    for (size_t i = 0; c && i < c->n_ports; i++)
        if (c->ports[i].target == ROUTER_API_PORT && c->ports[i].published > 0)
            api.port = c->ports[i].published;
    if (c) {
        (void)snprintf(instance, sizeof(instance), "%.64s %lld", c->id, (long long)c->started_ms);
        api.instance = instance;
    }
    if (strncmp(where, "unix://", 7) != 0 && !strstr(where, "//127.") &&
        !strstr(where, "//localhost")) {
        api.host = NULL;
        api.why = "the engine is on another host";
    }
    router_at(d->router, &api);
}

/* The engine may have moved its ports since the last look: networks that it joins can do that. */
static void on_router(void *user, const struct http_reply *reply)
{
    struct ticket *t = user;
    struct obs_container c;

    t->call = NULL;
    if (ticket_stale(t))
        return;
    if (!reply->err.kind && reply->status < 300 &&
        engine_decode_container(reply->body, reply->n, t->arena, &c, NULL) == 0 &&
        c.state == CS_RUNNING)
        place_router(t->d, &c);
    t->routing->wait = router_see(t->d->router, t->op->name, t->deadline_ms, seen, t);
}

static void ask_router(struct ticket *t)
{
    const struct obs_container *c = find_router(t->d);

    if (c)
        ticket_ask(t, "GET", docker_path(t->arena, "/containers/", c->id, "/json"), NULL,
                   on_router);
    else
        t->routing->wait = router_see(t->d->router, t->op->name, t->deadline_ms, seen, t);
}

static void drained(void *user)
{
    struct ticket *t = user;

    t->timer = NULL;
    ticket_end(t, NULL);
}

static void no_router(void *user)
{
    struct ticket *t = user;
    struct err e;

    t->timer = NULL;
    (void)err_set(&e, ERR_USER, "no router is managed here (ingress: managed)");
    ticket_end(t, &e);
}

void docker_route_begin(struct ticket *t)
{
    const struct op *op = t->op;

    if (op->kind == OP_DRAIN) {
        ticket_after(t, op->settle_ms, drained);
    } else if (!t->d->router) {
        ticket_after(t, 0, no_router);
    } else {
        t->routing = ARENA_NEW(t->arena, struct routing);
        if (op->kind == OP_ROUTE_WRITE)
            ticket_after(t, 0, begin_write);
        else
            ask_router(t);
    }
}

void docker_route_drop(struct ticket *t)
{
    if (t->routing)
        router_see_drop(t->d->router, TAKE(t->routing->wait));
}

/* ---- looking ---- */

struct route_look {
    struct route_look *next;
    struct docker *d;
    bool everything;
    look_done_fn *done;
    void *user;
};

static void look_over(struct route_look *l, const struct err *e)
{
    struct route_look **at = &l->d->route_looks;
    look_done_fn *done = l->done;
    void *user = l->user;

    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    free(l);
    done(user, e);
}

static void routes_looked(void *user)
{
    look_over(user, &(struct err){0});
}

static void engine_looked(void *user, const struct err *e)
{
    struct route_look *l = user;

    if (e->kind) {
        look_over(l, e);
        return;
    }
    place_router(l->d, find_router(l->d));
    router_look(l->d->router, l->everything, routes_looked, l);
}

void docker_route_look(struct driver *driver, const struct look *scope, look_done_fn *done,
                       void *user)
{
    struct docker *d = (struct docker *)driver;

    if (d->quarantine)
        quarantine_folder_look(d->quarantine);
    if (!d->router) {
        docker_look(driver, scope, done, user);
        return;
    }
    struct route_look *l = xcalloc(1, sizeof(*l));

    *l = (struct route_look){d->route_looks, d, scope->everything, done, user};
    d->route_looks = l;
    docker_look(driver, scope, engine_looked, l);
}

void docker_route_release(struct docker *d)
{
    for (size_t i = 0; i < MADE_MOST; i++) {
        free(d->made.v[i].name);
        free(d->made.v[i].id);
    }
    while (d->route_looks) {
        struct route_look *next = d->route_looks->next;

        free(d->route_looks);
        d->route_looks = next;
    }
}

void docker_use_router(struct driver *driver, struct router *router, const char *owner,
                       const char *app)
{
    struct docker *d = (struct docker *)driver;

    d->router = router;
    free(d->router_owner);
    free(d->router_app);
    d->router_owner = xstrdup(owner);
    d->router_app = xstrdup(app);
}
