/* claims.c: a table of everything that only one app can have.
 *
 * In: apps in the order of their right to be served. Out: NULL, or the sentence that says who was first and where. Two looks at an
 * app: first whether anything is taken, then taking all of it, so that an app that is refused holds nothing back from
 * others. A hash table, because this runs over every port and name of every app; only ever looked up, never walked, so its
 * order cannot show. */
#include "spec/claims.h"

#include <arpa/inet.h>

#include "spec/base/arena.h"
#include "spec/desired.h"

enum claim_kind { CLAIM_PORT, CLAIM_CONTAINER, CLAIM_NETWORK, CLAIM_VOLUME };

struct claim {
    struct claim *next;
    enum claim_kind kind;
    const char *name; /* of the object; protocol of a port */
    int port;
    const char *ip;
    const struct want_app *app;
    struct place at;
};

struct claims {
    struct arena *arena;
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

/* FNV-1a */
static size_t slot_of(const struct claims *c, const struct claim *want)
{
    uint64_t h = UINT64_C(14695981039346656037);

    for (const char *s = want->name; *s; s++)
        h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
    h = (h ^ (unsigned)want->kind) * UINT64_C(1099511628211);
    h = (h ^ (unsigned)want->port) * UINT64_C(1099511628211);
    return (size_t)(h ^ h >> 32) & c->mask;
}

static bool any_of_family(const char *ip, bool six)
{
    return strcmp(ip, six ? "::" : "0.0.0.0") == 0;
}

bool claim_ips_meet(const char *a, const char *b)
{
    unsigned char x[16] = {0}, y[16] = {0};

    if (!a || !b)
        return true;
    bool six = strchr(a, ':');

    if (six != (strchr(b, ':') != NULL))
        return false;
    if (any_of_family(a, six) || any_of_family(b, six))
        return true;
    return inet_pton(six ? AF_INET6 : AF_INET, a, x) == 1 && inet_pton(six ? AF_INET6 : AF_INET, b, y) == 1 &&
           memcmp(x, y, sizeof(x)) == 0;
}

static const struct claim *find(const struct claims *c, const struct claim *want)
{
    for (const struct claim *have = c->slots[slot_of(c, want)]; have; have = have->next)
        if (have->kind == want->kind && have->port == want->port && have->app != want->app &&
            strcmp(have->name, want->name) == 0 && (want->kind != CLAIM_PORT || claim_ips_meet(have->ip, want->ip)))
            return have;
    return NULL;
}

static const char *explain(const struct claims *c, const struct claim *want, const struct claim *have)
{
    const char *who = arena_printf(c->arena, "\"%s\" (%s:%d:%d)", have->app->name, have->at.file, have->at.line,
                                   have->at.column);

    switch (want->kind) {
    case CLAIM_PORT:
        return arena_printf(c->arena, "host port %d/%s is published by %s", want->port, want->name, who);
    case CLAIM_CONTAINER:
        return arena_printf(c->arena, "the container name \"%s\" is taken by %s", want->name, who);
    case CLAIM_NETWORK:
        return arena_printf(c->arena, "the network \"%s\" belongs to %s; write `external: true` to share it", want->name,
                            who);
    case CLAIM_VOLUME:
        return arena_printf(c->arena, "the volume \"%s\" belongs to %s; write `external: true` to share it", want->name,
                            who);
    }
    return NULL;
}

/* Either look at one claim, or (take) enter it. */
static const char *handle(struct claims *c, const struct claim *want, bool take)
{
    if (take) {
        struct claim *entry = ARENA_NEW(c->arena, struct claim);
        size_t slot = slot_of(c, want);

        *entry = *want;
        entry->next = c->slots[slot];
        c->slots[slot] = entry;
        return NULL;
    }
    const struct claim *have = find(c, want);

    return have ? explain(c, want, have) : NULL;
}

static const char *handle_service(struct claims *c, const struct want_app *app, const struct want_service *s,
                                  bool take)
{
    const char *why = NULL;

    for (size_t i = 0; !why && i < s->n_containers; i++) {
        const struct claim want = {
            .kind = CLAIM_CONTAINER, .name = s->containers[i].name, .app = app, .at = s->spec->at};

        why = handle(c, &want, take);
    }
    for (size_t i = 0; !why && s->n_containers > 0 && i < s->spec->n_ports; i++) {
        const struct port *p = &s->spec->ports[i];
        const struct claim want = {.kind = CLAIM_PORT, .name = p->protocol, .port = p->published, .ip = p->host_ip,
                                   .app = app, .at = p->at};

        if (p->published)
            why = handle(c, &want, take);
    }
    return why;
}

static const char *handle_app(struct claims *c, const struct want_app *app, bool take)
{
    const char *why = NULL;

    for (size_t i = 0; !why && i < app->n_services; i++)
        why = handle_service(c, app, &app->services[i], take);
    for (size_t i = 0; !why && i < app->n_networks; i++) {
        const struct want_network *n = &app->networks[i];
        const struct claim want = {.kind = CLAIM_NETWORK, .name = n->name, .app = app, .at = n->spec->at};

        if (!n->external)
            why = handle(c, &want, take);
    }
    for (size_t i = 0; !why && i < app->n_volumes; i++) {
        const struct want_volume *v = &app->volumes[i];
        const struct claim want = {.kind = CLAIM_VOLUME, .name = v->name, .app = app, .at = v->spec->at};

        if (!v->external)
            why = handle(c, &want, take);
    }
    return why;
}

const char *claims_take(struct claims *c, const struct want_app *app)
{
    const char *why = handle_app(c, app, false);

    if (!why)
        (void)handle_app(c, app, true);
    return why;
}
