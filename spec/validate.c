/* validate.c: the rules across the services of one app.
 *
 * In: a decoded app. Out: diagnostics about names that lead nowhere, circles, and things claimed twice. Everything is looked
 * up in sorted arrays, so an app of any size that is allowed costs n log n. */
#include "spec/validate.h"

#include <inttypes.h>

#include "spec/base/arena.h"
#include "spec/claims.h"
#include "spec/decode.h"
#include "spec/draft.h"
#include "spec/validate_route.h"
#include "spec/validate_service.h"

/* ---- flat apps ---- */

static int order_networks(const void *a, const void *b)
{
    return strcmp(((const struct network *)a)->key, ((const struct network *)b)->key);
}

static int order_volumes(const void *a, const void *b)
{
    return strcmp(((const struct volume *)a)->key, ((const struct volume *)b)->key);
}

static void declare_networks(struct decode_ctx *c, const struct service *s, struct app *a)
{
    a->networks = ARENA_ARRAY(c->arena, s->n_networks + 1, struct network);
    for (size_t i = 0; i < s->n_networks; i++)
        a->networks[i] = (struct network){.at = s->networks[i].at, .key = s->networks[i].network};
    a->n_networks = s->n_networks;
    if (a->n_networks > 1)
        qsort(a->networks, a->n_networks, sizeof(a->networks[0]), order_networks);
}

static void declare_volumes(struct decode_ctx *c, const struct service *s, struct app *a)
{
    struct volume *v = ARENA_ARRAY(c->arena, s->n_mounts + 1, struct volume);
    size_t n = 0, unique = 0;

    for (size_t i = 0; i < s->n_mounts; i++)
        if (s->mounts[i].kind == MOUNT_VOLUME && s->mounts[i].source)
            v[n++] = (struct volume){.at = s->mounts[i].at, .key = s->mounts[i].source};
    if (n > 1)
        qsort(v, n, sizeof(v[0]), order_volumes);
    for (size_t i = 0; i < n; i++)
        if (unique == 0 || strcmp(v[unique - 1].key, v[i].key) != 0)
            v[unique++] = v[i];
    a->volumes = v;
    a->n_volumes = unique;
}

void draft_declare(struct decode_ctx *c, struct app_draft *d)
{
    declare_networks(c, &d->services[0].s, &d->a);
    declare_volumes(c, &d->services[0].s, &d->a);
}

/* ---- looking up ---- */

static struct service_draft *draft_service(const struct app_draft *d, const char *name)
{
    size_t lo = 0, hi = d->n_services;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(d->services[mid].s.name, name);

        if (order == 0)
            return &d->services[mid];
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

static const char *nearest_service(struct decode_ctx *c, const struct app_draft *d,
                                   const char *name)
{
    struct strv names = {0};

    for (size_t i = 0; i < d->n_services; i++)
        strv_push(c->arena, &names, d->services[i].s.name);
    const char *nearest = str_nearest(name, names.v, names.n);

    return nearest ? arena_printf(c->arena, "did you mean \"%s\"?", nearest) : NULL;
}

/* ---- dependencies ---- */

static void check_dependencies(struct decode_ctx *c, const struct app_draft *d,
                               const struct service *s)
{
    for (size_t i = 0; i < s->n_depends; i++) {
        const struct dependency *dep = &s->depends[i];
        const struct service_draft *other = draft_service(d, dep->service);

        for (size_t k = 0; k < i; k++)
            if (strcmp(s->depends[k].service, dep->service) == 0)
                decode_say(c, DIAG_ERROR, dep->at, NULL, "depends on \"%s\" twice", dep->service);
        if (!other && dep->required != TRI_NO)
            decode_say(c, DIAG_ERROR, dep->at, nearest_service(c, d, dep->service),
                       "there is no service \"%s\"", dep->service);
        if (!other)
            continue;
        if (dep->condition == DEPEND_HEALTHY && other->s.health.disable == TRI_YES)
            decode_say(c, DIAG_ERROR, dep->at, NULL,
                       "\"%s\" has its health check switched off and never gets healthy",
                       dep->service);
        if (dep->condition == DEPEND_COMPLETED &&
            (other->s.restart == RESTART_ALWAYS || other->s.restart == RESTART_UNLESS_STOPPED))
            decode_say(c, DIAG_ERROR, dep->at, "write `restart: \"no\"` or `on-failure` there",
                       "\"%s\" is restarted for ever and never completes", dep->service);
    }
}

/* The service that a namespace of s is shared with, or NULL. */
static const char *shared_with(const char *mode)
{
    return mode && strncmp(mode, "service:", 8) == 0 ? mode + 8 : NULL;
}

static void check_shared(struct decode_ctx *c, const struct app_draft *d,
                         const struct service_draft *s)
{
    const char *const keys[] = {"network_mode", "pid", "ipc"};
    const char *const modes[] = {s->s.network_mode, s->s.pid, s->s.ipc};

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const char *name = shared_with(modes[i]);
        const struct service_draft *other = name ? draft_service(d, name) : NULL;

        if (name && !other)
            decode_say(c, DIAG_ERROR, decode_key_place(c, s->node, keys[i]),
                       nearest_service(c, d, name), "there is no service \"%s\"", name);
        else if (other && other->s.replicas.set && other->s.replicas.v != 1)
            decode_say(c, DIAG_ERROR, decode_key_place(c, s->node, keys[i]), NULL,
                       "\"%s\" has %" PRId64
                       " containers; only a single one can share its namespace",
                       name, other->s.replicas.v);
    }
}

/* ---- circles ---- */

enum colour { WHITE = 0, GREY, BLACK };

struct walk {
    struct decode_ctx *c;
    const struct app_draft *d;
    enum colour *colour;
    struct strv trail;
};

static void visit(struct walk *w, const struct service_draft *s);

static void follow(struct walk *w, const char *name, struct place at)
{
    const struct service_draft *next = draft_service(w->d, name);
    CLEANUP(str_release) struct str circle = STR_INIT;
    size_t i = 0;

    if (!next || w->colour[next - w->d->services] == BLACK)
        return;
    if (w->colour[next - w->d->services] == WHITE) {
        visit(w, next);
        return;
    }
    while (strcmp(w->trail.v[i], name) != 0)
        i++;
    for (; i < w->trail.n; i++)
        str_addf(&circle, "%s -> ", w->trail.v[i]);
    str_add(&circle, name);
    decode_say(w->c, DIAG_ERROR, at, NULL, "services depend on each other in a circle: %s",
               str_text(&circle));
}

static void visit(struct walk *w, const struct service_draft *s)
{
    const char *const shared[] = {shared_with(s->s.network_mode), shared_with(s->s.pid),
                                  shared_with(s->s.ipc)};

    w->colour[s - w->d->services] = GREY;
    strv_push(w->c->arena, &w->trail, s->s.name);
    for (size_t i = 0; i < s->s.n_depends; i++)
        follow(w, s->s.depends[i].service, s->s.depends[i].at);
    for (size_t i = 0; i < ARRAY_LEN(shared); i++)
        if (shared[i])
            follow(w, shared[i], s->s.at);
    w->trail.n--;
    w->colour[s - w->d->services] = BLACK;
}

static void check_circles(struct decode_ctx *c, const struct app_draft *d)
{
    struct walk w = {.c = c, .d = d, .colour = ARENA_ARRAY(c->arena, d->n_services, enum colour)};

    for (size_t i = 0; i < d->n_services; i++)
        if (w.colour[i] == WHITE)
            visit(&w, &d->services[i]);
}

/* ---- networks and volumes ---- */

static const struct network *draft_network(const struct app *a, const char *key)
{
    const struct network want = {.key = key};

    return a->n_networks ? bsearch(&want, a->networks, a->n_networks, sizeof(want), order_networks)
                         : NULL;
}

static void no_network(struct decode_ctx *c, const struct app *a, const struct attach *at)
{
    struct strv keys = {0};
    const char *hint;

    for (size_t i = 0; i < a->n_networks; i++)
        strv_push(c->arena, &keys, a->networks[i].key);
    const char *nearest = str_nearest(at->network, keys.v, keys.n);

    if (nearest)
        hint = arena_printf(c->arena, "did you mean \"%s\"?", nearest);
    else if (strcmp(at->network, "host") == 0 || strcmp(at->network, "none") == 0)
        hint = arena_printf(c->arena, "write `network_mode: %s`", at->network);
    else
        hint = "declare it under the top-level `networks:`";
    decode_say(c, DIAG_ERROR, at->at, hint, "there is no network \"%s\"", at->network);
}

static void check_attachments(struct decode_ctx *c, const struct app_draft *d,
                              const struct service *s)
{
    for (size_t i = 0; i < s->n_networks; i++) {
        const struct attach *at = &s->networks[i];
        const struct network *n = draft_network(&d->a, at->network);

        for (size_t k = 0; k < i; k++)
            if (strcmp(s->networks[k].network, at->network) == 0)
                decode_say(c, DIAG_ERROR, at->at, NULL, "the network \"%s\" is listed twice",
                           at->network);
        if (!n && strcmp(at->network, "default") != 0)
            no_network(c, &d->a, at);
        else if ((at->ipv4 || at->ipv6) &&
                 (!n || ((n->n_pools == 0 || !n->pools[0].subnet) && n->external != TRI_YES)))
            decode_say(c, DIAG_ERROR, at->at, "give the network an `ipam:` with a subnet",
                       "a fixed address needs a network with a subnet of its own");
    }
}

static void check_volumes_used(struct decode_ctx *c, const struct app_draft *d,
                               const struct service *s)
{
    for (size_t i = 0; i < s->n_mounts; i++) {
        const struct mount *m = &s->mounts[i];
        const struct volume want = {.key = m->source};

        if (m->kind != MOUNT_VOLUME || !m->source ||
            (d->a.n_volumes &&
             bsearch(&want, d->a.volumes, d->a.n_volumes, sizeof(want), order_volumes)))
            continue;
        struct strv keys = {0};

        for (size_t k = 0; k < d->a.n_volumes; k++)
            strv_push(c->arena, &keys, d->a.volumes[k].key);
        const char *nearest = str_nearest(m->source, keys.v, keys.n);

        decode_say(c, DIAG_ERROR, m->at,
                   nearest ? arena_printf(c->arena, "did you mean \"%s\"?", nearest)
                           : "declare it under the top-level `volumes:`, or write ./ before a path",
                   "there is no volume \"%s\"", m->source);
    }
}

static void check_pool(struct decode_ctx *c, const struct network *n, const struct ipam_pool *p)
{
    const char *what = p->gateway           ? "a `gateway` needs"
                       : p->ip_range        ? "an `ip_range` needs"
                       : p->aux_addresses.n ? "`aux_addresses` need"
                                            : NULL;

    if (what && !p->subnet)
        decode_say(c, DIAG_ERROR, n->at, "give `subnet` too", "%s a `subnet`", what);
}

static void check_declarations(struct decode_ctx *c, const struct app *a)
{
    for (size_t i = 0; i < a->n_networks; i++) {
        const struct network *n = &a->networks[i];

        if (n->external == TRI_YES &&
            (n->driver || n->driver_opts.n || n->labels.n || n->n_pools || n->ipam_driver ||
             n->ipam_options.n || n->internal || n->attachable || n->enable_ipv4 || n->enable_ipv6))
            decode_say(c, DIAG_ERROR, n->at, "leave them out",
                       "the network \"%s\" is external, so only `name` means something beside it",
                       n->key);
        for (size_t k = 0; k < n->n_pools; k++)
            check_pool(c, n, &n->pools[k]);
    }
    for (size_t i = 0; i < a->n_volumes; i++) {
        const struct volume *v = &a->volumes[i];

        if (v->external == TRI_YES && (v->driver || v->driver_opts.n || v->labels.n))
            decode_say(c, DIAG_ERROR, v->at, "leave them out",
                       "the volume \"%s\" is external, so only `name` means something beside it",
                       v->key);
    }
}

/* ---- claimed twice within the app ---- */

struct wanted {
    const char *what;
    struct place at;
    const struct port *port;
};

static int cmp_wanted(const void *a, const void *b)
{
    const struct wanted *x = a, *y = b;
    int order = strcmp(x->what, y->what);

    if (order)
        return order;
    return x->at.line != y->at.line ? (x->at.line > y->at.line) - (x->at.line < y->at.line)
                                    : (x->at.column > y->at.column) - (x->at.column < y->at.column);
}

static void check_ports(struct decode_ctx *c, const struct app_draft *d)
{
    size_t n = 0, total = 0;

    for (size_t i = 0; i < d->n_services; i++)
        total += d->services[i].s.n_ports;
    struct wanted *v = ARENA_ARRAY(c->arena, total, struct wanted);

    for (size_t i = 0; i < d->n_services; i++)
        for (size_t k = 0; k < d->services[i].s.n_ports; k++) {
            const struct port *p = &d->services[i].s.ports[k];

            if (p->published)
                v[n++] = (struct wanted){arena_printf(c->arena, "%d/%s", p->published, p->protocol),
                                         p->at, p};
        }
    if (n > 1)
        qsort(v, n, sizeof(v[0]), cmp_wanted);
    for (size_t i = 1; i < n; i++)
        for (size_t k = i; k-- > 0 && strcmp(v[k].what, v[i].what) == 0;)
            if (claim_ips_meet(v[k].port->host_ip, v[i].port->host_ip)) {
                decode_say(c, DIAG_ERROR, v[i].at,
                           arena_printf(c->arena, "the first is in line %d", v[k].at.line),
                           "the host's port %s is published twice", v[i].what);
                break;
            }
}

static void check_names(struct decode_ctx *c, const struct app_draft *d)
{
    size_t n = 0, total = 0;

    if (!d->a.name)
        return;
    for (size_t i = 0; i < d->n_services; i++)
        total += d->services[i].s.replicas.set ? (size_t)d->services[i].s.replicas.v : 1;
    if (total > LIMIT_CONTAINERS) {
        decode_say(c, DIAG_ERROR, d->a.at, NULL,
                   "%zu containers in one app; at most %d are allowed", total, LIMIT_CONTAINERS);
        return;
    }
    struct wanted *v = ARENA_ARRAY(c->arena, total, struct wanted);

    for (size_t i = 0; i < d->n_services; i++) {
        const struct service *s = &d->services[i].s;
        int64_t replicas = s->replicas.set ? s->replicas.v : 1;

        for (int64_t k = 1; k <= replicas; k++)
            v[n++] = (struct wanted){
                s->container_name && replicas == 1
                    ? s->container_name
                    : arena_printf(c->arena, "%s-%s-%" PRId64, d->a.name, s->name, k),
                s->container_name ? decode_key_place(c, d->services[i].node, "container_name")
                                  : s->at,
                NULL};
    }
    if (n > 1)
        qsort(v, n, sizeof(v[0]), cmp_wanted);
    for (size_t i = 1; i < n; i++)
        if (strcmp(v[i - 1].what, v[i].what) == 0)
            decode_say(c, DIAG_ERROR, v[i].at,
                       arena_printf(c->arena, "the first is in line %d", v[i - 1].at.line),
                       "two containers would be called \"%s\"", v[i].what);
}

/* Two keys, one object of the engine: which of them shapes it? */
static void check_engine_names(struct decode_ctx *c, const struct app_draft *d)
{
    struct wanted *v = ARENA_ARRAY(c->arena, d->a.n_networks + d->a.n_volumes, struct wanted);
    size_t n = 0;

    for (size_t i = 0; d->a.name && i < d->a.n_networks; i++) {
        const struct network *net = &d->a.networks[i];
        const char *name =
            net->name ? net->name : arena_printf(c->arena, "%s_%s", d->a.name, net->key);

        v[n++] = (struct wanted){arena_printf(c->arena, "network \"%s\"", name), net->at, NULL};
    }
    for (size_t i = 0; d->a.name && i < d->a.n_volumes; i++) {
        const struct volume *vol = &d->a.volumes[i];
        const char *name =
            vol->name ? vol->name : arena_printf(c->arena, "%s_%s", d->a.name, vol->key);

        v[n++] = (struct wanted){arena_printf(c->arena, "volume \"%s\"", name), vol->at, NULL};
    }
    if (n > 1)
        qsort(v, n, sizeof(v[0]), cmp_wanted);
    for (size_t i = 1; i < n; i++)
        if (strcmp(v[i - 1].what, v[i].what) == 0)
            decode_say(c, DIAG_ERROR, v[i].at,
                       arena_printf(c->arena, "the first is in line %d", v[i - 1].at.line),
                       "the %s is declared twice", v[i].what);
}

void validate_app(struct decode_ctx *c, const struct app_draft *d)
{
    for (size_t i = 0; i < d->n_services; i++) {
        if (!d->a.flat) {
            decode_enter(c, "services");
            decode_enter(c, d->services[i].s.name);
        }
        validate_service(c, &d->services[i]);
        check_dependencies(c, d, &d->services[i].s);
        check_shared(c, d, &d->services[i]);
        check_attachments(c, d, &d->services[i].s);
        check_volumes_used(c, d, &d->services[i].s);
        if (!d->a.flat) {
            decode_leave(c);
            decode_leave(c);
        }
    }
    check_circles(c, d);
    check_declarations(c, &d->a);
    check_ports(c, d);
    check_names(c, d);
    check_engine_names(c, d);
    validate_routes(c, d);
}
