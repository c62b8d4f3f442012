/* plan_route.c: when the route file of an app is written, and who is in it.
 *
 * In: judged places, the file as it is, and word of every stop and start that is planned. Out: writes with the whole text, waits until Traefik
 * has taken it, drains. A server is in the file while its container runs and is not ill; it leaves before it is stopped if another one
 * takes over, and right after if not. A change of the routes alone is written at once; one that comes with a new version is written
 * together with it.
 * It stops and starts nothing, and touches no file of an app that is left alone. */
#include "reconcile/plan_route.h"

#include <string.h>

#include "reconcile/plan_order.h"
#include "reconcile/plan_route_work.h"
#include "spec/base/arena.h"
#include "spec/route_file.h"

enum {
    SEE_MS = 10000,
    DRAIN_MS = 1000,
    PATIENCE_MS = 15000, /* a route that is not live for so long is trouble */
};

/* ---- who serves ---- */

static bool serves(const struct obs_container *c)
{
    return c && c->state == CS_RUNNING && (c->health == HEALTH_NONE || c->health == HEALTH_HEALTHY);
}

static bool is_routed(const struct replica *r)
{
    return r->service->n_routes > 0;
}

/* In whose network namespace it lives, where that is another service's. */
static const struct replica *namesake(const struct app_work *p, const struct replica *r)
{
    static const char prefix[] = "container:";
    const char *mode = r->service->spec->network_mode;

    if (!mode || strncmp(mode, prefix, sizeof(prefix) - 1) != 0)
        return r;
    for (size_t i = 0; i < p->n_replicas; i++)
        if (strcmp(p->replicas[i].want->name, mode + sizeof(prefix) - 1) == 0)
            return &p->replicas[i];
    return r;
}

/* The name under which Traefik finds this container of the place. */
static const char *server_of(const struct app_work *p, const struct replica *r,
                             const struct obs_container *c)
{
    const struct replica *with = namesake(p, r);

    if (with != r)
        c = with->keeper ? with->keeper : with->former ? with->former : c;
    return container_short_id(c->id, p->w->arena);
}

/* Of what stands in the place when the plan is carried out. */
static const char *server_to_be(const struct app_work *p, const struct replica *r)
{
    const struct replica *with = namesake(p, r);

    if (with->make)
        return arena_printf(p->w->arena, "{{%s}}", with->object);
    return with->keeper ? container_short_id(with->keeper->id, p->w->arena) : NULL;
}

static void set_server(struct replica *r, const char *server, const char *name)
{
    r->server = server;
    r->server_name = name;
}

static void find_servers(struct app_work *p)
{
    for (size_t i = 0; i < p->n_replicas; i++) {
        struct replica *r = &p->replicas[i];
        const struct obs_container *c = serves(r->keeper) ? r->keeper : r->former;

        if (!is_routed(r))
            continue;
        p->route->replacing |= r->make && r->former && container_runs(r->former);
        if (!serves(c) || !route_network_key(p, r->service))
            continue;
        set_server(r, server_of(p, r, c), c->name);
        r->was_server = c == r->former ? r->server : NULL;
    }
}

static size_t others(const struct app_work *p, const struct replica *but)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n_replicas; i++)
        n += &p->replicas[i] != but && p->replicas[i].service == but->service &&
             p->replicas[i].server;
    return n;
}

/* ---- the text ---- */

/* The one port that the image or the build tells; 0: none or several. */
static int port_of(const struct app_work *p, const struct want_service *s)
{
    const struct obs_image *image = s->image ? observed_image(p->w->seen, s->image) : NULL;
    int64_t port;

    if (s->facts && s->facts->port > 0)
        return s->facts->port;
    if (!image || image->exposed.n != 1)
        return 0;
    const char *text = image->exposed.v[0];

    return parse_int64(arena_strndup(p->w->arena, text, strcspn(text, "/")), 1, 65535, &port) < 0
               ? 0
               : (int)port;
}

static const char *text_now(struct app_work *p, struct strv *ret_names)
{
    const struct want_app *app = p->want;
    struct arena *a = p->w->arena;
    struct route_pool *pools = ARENA_ARRAY(a, app->n_services, struct route_pool);
    CLEANUP(str_release) struct str text = STR_INIT;
    size_t n = 0;

    for (size_t i = 0; i < app->n_services; i++) {
        const struct want_service *s = &app->services[i];

        if (s->n_routes == 0)
            continue;
        pools[n] = (struct route_pool){.service = s->name, .port_default = port_of(p, s)};
        for (size_t k = 0; p->replicas && k < s->n_containers; k++) {
            const struct replica *r = &p->replicas[p->first[i] + k];

            if (!r->server)
                continue;
            strv_push(a, &pools[n].servers, r->server);
            strv_push(a, ret_names, r->server_name);
        }
        n++;
    }
    route_file(app, &p->w->desired->settings->ingress, pools, n, &text);
    return arena_strdup(a, str_text(&text));
}

static const char *nobody(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return NULL;
}

/* "": it names a container that does not exist yet. */
static const char *digest_of(const struct app_work *p, const char *text)
{
    CLEANUP(str_release) struct str sealed = STR_INIT;
    char digest[ROUTE_DIGEST] = "";

    if (route_file_seal(text, nobody, NULL, &sealed, digest, NULL) < 0)
        return "";
    return arena_strdup(p->w->arena, digest);
}

/* ---- actions ---- */

static const char *names_in_words(const struct app_work *p, const struct strv *names)
{
    CLEANUP(str_release) struct str s = STR_INIT;

    for (size_t i = 0; i < names->n && i < 4; i++)
        str_addf(&s, "%s%s", i ? ", " : "", names->v[i]);
    if (names->n > 4)
        str_addf(&s, " and %zu more", names->n - 4);
    return names->n ? arena_strdup(p->w->arena, str_text(&s)) : "none";
}

static const char *label_of(const struct app_work *p)
{
    return arena_printf(p->w->arena, "route %s", p->name);
}

static void wait_also(struct app_work *p, uint32_t action)
{
    struct route_work *w = p->route;

    if (action == NO_ACTION)
        return;
    w->after = arena_grow(p->w->arena, w->after, w->n_after, &w->cap_after, sizeof(w->after[0]));
    w->after[w->n_after++] = action;
}

/* The whole file, with whoever is in the pool now. */
static uint32_t add_write(struct app_work *p, const char *cause)
{
    struct strv names = {0};
    const char *text = text_now(p, &names);
    uint32_t i = act_add(p, ACT_ROUTE_WRITE, label_of(p), cause);
    struct action *act = act_at(p, i);

    act->op.name = p->name;
    act->op.body = text;
    act->n_changes = 1;
    act->changes = ARENA_NEW(p->w->arena, struct change);
    *act->changes =
        (struct change){"servers", names_in_words(p, &names), names_in_words(p, &p->route->before)};
    act_need(p, i, p->route->written);
    p->route->before = names;
    return i;
}

static uint32_t write_now(struct app_work *p, const char *cause)
{
    struct route_work *w = p->route;

    route_join_networks(p);
    uint32_t i = add_write(p, cause);

    act_need_all(p, i, w->joins, w->n_joins);
    act_need_all(p, i, w->after, w->n_after);
    w->n_after = 0;
    w->joined = false;
    w->cause = NULL;
    w->written = i;
    w->seen = w->drained = NO_ACTION;
    return i;
}

/* NO_ACTION when there is nobody to see it. */
static uint32_t see_now(struct app_work *p, bool optional)
{
    struct route_work *w = p->route;

    if (w->seen != NO_ACTION || !route_ingress(p->w, true))
        return w->seen;
    w->seen = act_add(p, ACT_ROUTE_SEE, label_of(p),
                      optional ? "before anything is stopped" : "until it is live");
    struct action *act = act_at(p, w->seen);

    act->op.name = p->name;
    act->op.deadline_ms = SEE_MS;
    act->optional = optional;
    act_need(p, w->seen, w->written);
    return w->seen;
}

/* Requests under way may end. */
static uint32_t drain_now(struct app_work *p)
{
    struct route_work *w = p->route;

    if (w->drained != NO_ACTION || see_now(p, true) == NO_ACTION)
        return w->drained != NO_ACTION ? w->drained : w->written;
    w->drained = act_add(p, ACT_DRAIN, label_of(p), "requests under way may end");
    act_at(p, w->drained)->op.name = p->name;
    act_at(p, w->drained)->op.settle_ms = DRAIN_MS;
    act_need(p, w->drained, w->seen);
    return w->drained;
}

/* ---- at first ---- */

static bool same_servers(const struct app_work *p)
{
    struct strv now = {0};

    for (size_t i = 0; i < p->n_replicas; i++)
        if (p->replicas[i].server && !strv_has(&now, p->replicas[i].server))
            strv_push(p->w->arena, &now, p->replicas[i].server);
    strv_sort(&now);
    return strv_eq(&now, &p->route->have->servers);
}

/* "container shop-web-2 is unhealthy" */
static const char *pool_words(struct app_work *p)
{
    for (size_t i = 0; i < p->n_replicas; i++) {
        const struct replica *r = &p->replicas[i];
        const struct obs_container *c = r->keeper ? r->keeper : r->former;
        bool listed = is_routed(r) && c && strv_has(&p->route->have->servers, server_of(p, r, c));

        if (!is_routed(r) || !c || listed == (r->server != NULL))
            continue;
        if (listed)
            return arena_printf(p->w->arena, "container %s %s", c->name,
                                r->ill ? r->ill : "does not run");
        return arena_printf(p->w->arena, "container %s can take requests", c->name);
    }
    return "its containers are others";
}

/* How the file differs, said once. NULL: not worth a write of its own. */
static const char *judge_file(struct app_work *p, const struct strv *names)
{
    struct route_work *w = p->route;
    const struct obs_route *have = w->have;
    const char *want = names_in_words(p, names), *cause;
    struct change change = {"servers", want, NULL};
    enum drift_kind kind = DRIFT_PENDING;

    if (!have && names->n == 0)
        return NULL;
    if (!have) {
        cause = "it has no route file yet";
    } else if (!have->digest[0]) {
        kind = DRIFT_FOUND;
        change = (struct change){"file", "as it was written", "something else"};
        cause = "changed by hand";
    } else if (!same_servers(p)) {
        change.have = arena_printf(p->w->arena, "%zu", have->servers.n);
        cause = pool_words(p);
    } else if (w->replacing) {
        return NULL;
    } else {
        change = (struct change){"routes", "as in its file", "others"};
        cause = arena_printf(p->w->arena, "%s: routes changed", place_words(p, NULL));
    }
    diff_add(p, kind, label_of(p), change, cause);
    return cause;
}

static void route_work_new(struct app_work *p)
{
    struct route_work *w = ARENA_NEW(p->w->arena, struct route_work);
    const struct settings *s = p->w->desired->settings;

    *w = (struct route_work){
        .have = observed_route(p->w->seen, p->name),
        .written = NO_ACTION,
        .seen = NO_ACTION,
        .drained = NO_ACTION,
        .first_drain = NO_ACTION,
        .on = p->want && !p->want->builtin && p->want->routed && s->ingress.mode == INGRESS_MANAGED,
    };
    if (strcmp(p->name, p->w->ingress_name) == 0 || strcmp(p->name, INGRESS_PLATFORM) == 0)
        w->have = NULL; /* the platform's own file is the agent's business */
    p->route = w;
}

void route_begin(struct app_work *p)
{
    struct strv names = {0};

    route_work_new(p);
    if (p->route->on)
        p->route->joined_network = ARENA_ARRAY(p->w->arena, p->want->n_networks, bool);
    if (!p->route->on) {
        uint32_t gone = route_remove(p, "it has no route any more");

        route_leave_networks(p, gone);
        return;
    }
    find_servers(p);
    const char *text = text_now(p, &names), *digest = digest_of(p, text);
    const struct obs_route *have = p->route->have;

    p->route->before = names;
    p->route->same = have && digest[0] && strcmp(have->digest, digest) == 0;
    const char *cause = p->route->same ? NULL : judge_file(p, &names);

    if (cause)
        (void)write_now(p, cause);
}

/* ---- while containers come and go ---- */

/* One that the file named, and the first write does not. */
static bool left_before(const struct app_work *p, const char *server)
{
    const struct route_work *w = p->route;

    return w->written != NO_ACTION && w->have && strv_has(&w->have->servers, server);
}

uint32_t route_gone(struct app_work *p, const struct obs_container *c)
{
    struct route_work *w = p->route;

    if (!w || !w->on || !left_before(p, container_short_id(c->id, p->w->arena)))
        return NO_ACTION;
    if (w->first_drain == NO_ACTION)
        w->first_drain = drain_now(p);
    return w->first_drain;
}

uint32_t route_leave(struct app_work *p, struct replica *r, size_t i, bool successor,
                     uint32_t before)
{
    const struct obs_container *c = r->have[i];

    if (!p->route || !p->route->on || !is_routed(r))
        return NO_ACTION;
    if (!r->server || strcmp(server_of(p, r, c), r->server) != 0)
        return route_gone(p, c);
    const char *server = successor ? server_to_be(p, r) : NULL;

    if (!server && others(p, r) == 0) {
        r->leaves_last = true;
        return NO_ACTION;
    }
    set_server(r, server, server ? r->want->name : NULL);
    for (size_t k = 0; k < r->n_prepared; k++)
        wait_also(p, r->prepared[k]);
    wait_also(p, before);
    uint32_t write = write_now(p, arena_printf(p->w->arena, "container %s is about to be %s",
                                               c->name, r->restart ? "restarted" : "stopped"));

    if (!successor)
        order_needs(p, r, write);
    return drain_now(p);
}

void route_left(struct app_work *p, struct replica *r, uint32_t stop)
{
    if (!p->route || !p->route->on || !r->leaves_last || r->restart)
        return;
    set_server(r, NULL, NULL);
    wait_also(p, stop);
    uint32_t i = write_now(p, "nobody serves");

    act_at(p, i)->optional = true;
}

void route_join(struct app_work *p, struct replica *r, uint32_t after)
{
    if (!p->route || !p->route->on || !is_routed(r) || !route_network_key(p, r->service))
        return;
    const char *server = server_to_be(p, r);

    if (!server || (r->server && strcmp(r->server, server) == 0))
        return;
    set_server(r, server, r->want->name);
    wait_also(p, after);
    p->route->joined = true;
    if (!p->route->cause)
        p->route->cause =
            arena_printf(p->w->arena, "container %s can take requests", r->want->name);
}

void route_flush(struct app_work *p)
{
    if (p->route && p->route->joined)
        (void)write_now(p, p->route->cause);
}

void route_put_back(struct app_work *p, struct replica *r, uint32_t on)
{
    struct route_work *w = p->route;
    const char *server = r->server, *name = r->server_name;

    if (!w || !w->on || !r->was_server || r->server)
        return;
    set_server(r, r->was_server, r->former->name);
    uint32_t i = act_add(p, ACT_ROUTE_WRITE, label_of(p), "if that fails");
    struct strv names = {0};
    struct action *act = act_at(p, i);

    act->when = WHEN_PUT_BACK;
    act->op.name = p->name;
    act->op.body = text_now(p, &names);
    act_need(p, i, on);
    act_need(p, i, w->written);
    set_server(r, server, name);
}

/* ---- at last ---- */

void route_end(struct app_work *p)
{
    struct route_work *w = p->route;

    if (!w || !w->on)
        return;
    route_flush(p);
    route_join_networks(p);
    if (w->written == NO_ACTION && !w->same && !w->replacing) {
        if (!w->have)
            diff_add(p, DRIFT_PENDING, label_of(p), (struct change){"servers", "none", NULL},
                     "it has no route file yet");
        (void)write_now(p, "it has no route file yet");
    }
    bool unseen = w->same && w->have->state == ROUTE_WRITTEN && w->written == NO_ACTION;

    if (unseen && route_ingress(p->w, true))
        diff_add(p, DRIFT_PENDING, label_of(p), (struct change){"state", "live", "written"},
                 "Traefik has not taken it yet");
    if (w->written != NO_ACTION || unseen) {
        uint32_t seen = see_now(p, false);

        if (seen != NO_ACTION) {
            act_at(p, seen)->optional = false;
            act_need_all(p, seen, w->joins, w->n_joins);
        }
    }
    route_leave_networks(p, w->seen != NO_ACTION ? w->seen : w->written);
}

/* ---- apps that stop or go ---- */

uint32_t route_stop(struct app_work *p)
{
    struct strv names = {0};

    route_work_new(p);
    if (!p->route->on)
        return route_remove(p, "it has no route any more");
    const struct obs_route *have = p->route->have;
    const char *digest = digest_of(p, text_now(p, &names));

    if (have && strcmp(have->digest, digest) == 0)
        return NO_ACTION;
    diff_add(p, DRIFT_PENDING, label_of(p), (struct change){"servers", "none", NULL},
             "stop asked for");
    uint32_t i = add_write(p, "stop asked for");

    p->route->written = i;
    uint32_t seen = have && have->servers.n > 0 ? see_now(p, true) : NO_ACTION;

    return seen != NO_ACTION ? seen : i;
}

uint32_t route_remove(struct app_work *p, const char *cause)
{
    if (!p->route)
        route_work_new(p);
    if (!p->route->have)
        return NO_ACTION;
    diff_add(p, DRIFT_PENDING, label_of(p), (struct change){"file", NULL, "present"}, cause);
    uint32_t i = act_add(p, ACT_ROUTE_WRITE, label_of(p), cause);

    act_at(p, i)->op.name = p->name;
    p->route->written = i;
    uint32_t seen = see_now(p, true);

    return seen != NO_ACTION ? seen : i;
}

/* ---- the verdict ---- */

const char *route_trouble(struct app_work *p, enum app_state *ret_state, int64_t *ret_until_ms)
{
    const struct route_work *w = p->route;
    struct arena *a = p->w->arena;

    *ret_until_ms = 0;
    if (!w || !w->on || !w->have)
        return NULL;
    if (w->have->state == ROUTE_LIVE) {
        if (w->have->error)
            note_add(p, arena_printf(a, "its route counts as live: %s", w->have->error));
        return NULL;
    }
    *ret_state = APP_DEGRADED;
    if (w->have->state == ROUTE_FAILED)
        return arena_printf(a, "Traefik refuses a route: %s",
                            w->have->error ? w->have->error : "no reason given");
    int64_t patience = w->have->since_ms + PATIENCE_MS;

    if (w->have->since_ms > 0 && p->w->in->now_ms < patience) {
        *ret_state = APP_PROGRESSING;
        *ret_until_ms = patience;
    }
    return arena_printf(a, "its route is written and waits for Traefik (app %s)%s",
                        p->w->ingress_name,
                        route_ingress(p->w, false) ? ", which does not run" : "");
}
