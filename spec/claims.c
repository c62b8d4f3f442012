/* claims.c: a table of everything that only one app can have.
 *
 * In: apps in the order of their right to be served. Out: NULL, or the sentence that says who was first and where. Two looks at an
 * app: first whether anything is taken, then taking all of it, so that an app that is refused holds nothing back from
 * others. A hash table, because this runs over every port and name of every app; it is only ever looked up, never walked, so
 * its order cannot show. */
#include "spec/claims.h"

#include <arpa/inet.h>

#include "spec/base/arena.h"
#include "spec/desired.h"
#include "spec/route.h"

/* A port is entered under its address, under its family and under the port alone, and looked up under what would collide, so that a
 * thousand apps on a thousand addresses of one port cost a thousand look-ups. */
enum claim_kind {
    CLAIM_CONTAINER,
    CLAIM_NETWORK,
    CLAIM_VOLUME,
    CLAIM_PROJECT,   /* of Compose, adopted */
    CLAIM_ROUTE,     /* host and path, as route_key() has them */
    CLAIM_ADDRESS,   /* port on one address; all zero: on all of the family, and family 0: on all */
    CLAIM_FAMILY,    /* port on some address of IPv4 (address 4) or IPv6 (6) */
    CLAIM_SOMEWHERE, /* port on some address */
};

struct claim {
    struct claim *next;
    enum claim_kind kind;
    const char *name; /* of the object; protocol of a port */
    int port, family;
    unsigned char address[16]; /* all zero: all of the family */
    const struct want_app *app;
    struct place at;
};

struct claims {
    struct arena *arena;
    struct place refused; /* of the claim that was refused last */
    struct claim **slots;
    size_t mask;
};

struct claims *claims_new(struct arena *a, size_t expected)
{
    struct claims *c = ARENA_NEW(a, struct claims);
    size_t size = 64;

    while (size < 2 * expected)
        size *= 2;
    c->arena = a;
    c->slots = ARENA_ARRAY(a, size, struct claim *);
    c->mask = size - 1;
    return c;
}

/* ---- addresses ---- */

/* 4, 6, or 0 for every address of both. */
static int read_address(const char *ip, unsigned char ret[16])
{
    int family = !ip ? 0 : strchr(ip, ':') ? 6 : 4;

    memset(ret, 0, 16);
    if (family)
        (void)inet_pton(family == 6 ? AF_INET6 : AF_INET, ip, ret);
    return family;
}

static bool is_any(const unsigned char address[16])
{
    static const unsigned char zero[16];

    return memcmp(address, zero, sizeof(zero)) == 0;
}

bool claim_ips_meet(const char *a, const char *b)
{
    unsigned char x[16], y[16];
    int fx = read_address(a, x), fy = read_address(b, y);

    if (fx == 0 || fy == 0)
        return true;
    return fx == fy && (is_any(x) || is_any(y) || memcmp(x, y, sizeof(x)) == 0);
}

/* ---- the table ---- */

static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

static size_t slot_of(const struct claims *c, const struct claim *want)
{
    uint64_t h = UINT64_C(14695981039346656037), address[2];

    for (const char *s = want->name; *s; s++) /* FNV-1a */
        h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
    memcpy(address, want->address, sizeof(address));
    h = mix(h, (uint64_t)want->kind << 48 | (uint64_t)want->family << 32 | (uint64_t)want->port);
    h = mix(mix(h, address[0]), address[1]);
    return (size_t)h & c->mask;
}

static const struct claim *find_in(const struct claims *c, size_t slot, const struct claim *want)
{
    for (const struct claim *have = c->slots[slot]; have; have = have->next)
        if (have->kind == want->kind && have->port == want->port && have->family == want->family &&
            memcmp(have->address, want->address, sizeof(want->address)) == 0 &&
            strcmp(have->name, want->name) == 0)
            return have;
    return NULL;
}

static const struct claim *claims_find(const struct claims *c, const struct claim *want)
{
    return find_in(c, slot_of(c, want), want);
}

static void claims_enter(struct claims *c, const struct claim *want)
{
    size_t slot = slot_of(c, want);

    if (find_in(c, slot, want))
        return; /* an app may be on one port at several addresses */
    struct claim *entry = ARENA_NEW(c->arena, struct claim);

    *entry = *want;
    entry->next = c->slots[slot];
    c->slots[slot] = entry;
}

/* The port without its address. */
static struct claim widened(const struct claim *port, enum claim_kind kind, int family)
{
    struct claim c = *port;

    c.kind = kind;
    c.family = family;
    memset(c.address, 0, sizeof(c.address));
    return c;
}

static void enter_port(struct claims *c, const struct claim *port)
{
    const struct claim family = widened(port, CLAIM_FAMILY, port->family);
    const struct claim somewhere = widened(port, CLAIM_SOMEWHERE, 0);

    claims_enter(c, port);
    claims_enter(c, &family);
    claims_enter(c, &somewhere);
}

static const struct claim *find_port(const struct claims *c, const struct claim *port)
{
    const struct claim everywhere = widened(port, CLAIM_ADDRESS, 0);
    const struct claim whole_family = widened(port, CLAIM_ADDRESS, port->family);
    const struct claim in_family = widened(port, CLAIM_FAMILY, port->family);
    const struct claim somewhere = widened(port, CLAIM_SOMEWHERE, 0);
    const struct claim *have;

    if (port->family == 0)
        return claims_find(c, &somewhere);
    if ((have = claims_find(c, &everywhere)))
        return have;
    if (is_any(port->address))
        return claims_find(c, &in_family);
    have = claims_find(c, &whole_family);
    return have ? have : claims_find(c, port);
}

/* ---- one app ---- */

static const char *explain(const struct claims *c, const struct claim *want,
                           const struct claim *have)
{
    const char *who = arena_printf(c->arena, "\"%s\" (%s:%d:%d)", have->app->name, have->at.file,
                                   have->at.line, have->at.column);

    switch (want->kind) {
    case CLAIM_ADDRESS:
    case CLAIM_FAMILY:
    case CLAIM_SOMEWHERE:
        return arena_printf(c->arena, "host port %d/%s is published by %s", want->port, want->name,
                            who);
    case CLAIM_CONTAINER:
        return arena_printf(c->arena, "the container name \"%s\" is taken by %s", want->name, who);
    case CLAIM_NETWORK:
        return arena_printf(c->arena,
                            "the network \"%s\" belongs to %s; write `external: true` to share it",
                            want->name, who);
    case CLAIM_VOLUME:
        return arena_printf(c->arena,
                            "the volume \"%s\" belongs to %s; write `external: true` to share it",
                            want->name, who);
    case CLAIM_PROJECT:
        return arena_printf(c->arena, "the Compose project \"%s\" is adopted by %s", want->name,
                            who);
    case CLAIM_ROUTE: return arena_printf(c->arena, "the route %s is taken by %s", want->name, who);
    }
    return NULL;
}

/* Either look at one claim, or (take) enter it. */
static const char *handle(struct claims *c, const struct claim *want, bool take)
{
    bool port = want->kind == CLAIM_ADDRESS;
    const struct claim *have = NULL;

    if (!take)
        have = port ? find_port(c, want) : claims_find(c, want);
    else if (port)
        enter_port(c, want);
    else
        claims_enter(c, want);
    if (!have || have->app == want->app)
        return NULL;
    c->refused = want->at;
    return explain(c, want, have);
}

static const char *handle_service(struct claims *c, const struct want_app *app,
                                  const struct want_service *s, bool take)
{
    const char *why = NULL;

    for (size_t i = 0; !why && i < s->n_containers; i++) {
        const struct claim want = {
            .kind = CLAIM_CONTAINER, .name = s->containers[i].name, .app = app, .at = s->spec->at};

        why = handle(c, &want, take);
    }
    for (size_t i = 0; !why && s->n_containers > 0 && i < s->spec->n_ports; i++) {
        const struct port *p = &s->spec->ports[i];
        struct claim want = {.kind = CLAIM_ADDRESS,
                             .name = p->protocol,
                             .port = p->published,
                             .app = app,
                             .at = p->at};

        want.family = read_address(p->host_ip, want.address);
        if (p->published)
            why = handle(c, &want, take);
    }
    for (size_t i = 0; !why && i < s->n_routes; i++) {
        const struct route *r = s->routes[i].spec;
        const struct claim want = {
            .kind = CLAIM_ROUTE, .name = route_key(r, c->arena), .app = app, .at = r->at};

        why = handle(c, &want, take);
    }
    return why;
}

static const char *handle_app(struct claims *c, const struct want_app *app, bool take)
{
    const char *why = NULL;

    if (app->adopt) {
        const struct claim want = {
            .kind = CLAIM_PROJECT, .name = app->adopt, .app = app, .at = app->adopt_at};

        why = handle(c, &want, take);
    }
    for (size_t i = 0; !why && i < app->n_services; i++)
        why = handle_service(c, app, &app->services[i], take);
    for (size_t i = 0; !why && i < app->n_networks; i++) {
        const struct want_network *n = &app->networks[i];
        const struct claim want = {
            .kind = CLAIM_NETWORK, .name = n->name, .app = app, .at = n->spec->at};

        if (!n->external)
            why = handle(c, &want, take);
    }
    for (size_t i = 0; !why && i < app->n_volumes; i++) {
        const struct want_volume *v = &app->volumes[i];
        const struct claim want = {
            .kind = CLAIM_VOLUME, .name = v->name, .app = app, .at = v->spec->at};

        if (!v->external)
            why = handle(c, &want, take);
    }
    return why;
}

const char *claims_take(struct claims *c, const struct want_app *app, struct place *ret_at)
{
    const char *why = handle_app(c, app, false);

    if (why)
        *ret_at = c->refused;
    else
        (void)handle_app(c, app, true);
    return why;
}

void claims_keep_route(struct claims *c, const char *key, const struct want_app *app,
                       struct place at)
{
    const struct claim want = {.kind = CLAIM_ROUTE, .name = key, .app = app, .at = at};

    claims_enter(c, &want);
}
