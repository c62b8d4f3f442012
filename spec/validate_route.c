/* validate_route.c: routes that cannot be served side by side, or not at all.
 *
 * In: a decoded app. Out: diagnostics about routes written twice, and about services that no router reaches. Routes of other apps are
 * claims.c's business. */
#include "spec/validate_route.h"

#include "spec/base/arena.h"
#include "spec/decode.h"
#include "spec/draft.h"
#include "spec/route.h"

struct written {
    const char *key;
    struct place at;
};

static int cmp_written(const void *a, const void *b)
{
    const struct written *x = a, *y = b;
    int order = strcmp(x->key, y->key);

    if (order)
        return order;
    return x->at.line != y->at.line ? (x->at.line > y->at.line) - (x->at.line < y->at.line)
                                    : (x->at.column > y->at.column) - (x->at.column < y->at.column);
}

static void check_twice(struct decode_ctx *c, const struct app_draft *d)
{
    size_t n = 0, total = 0;

    for (size_t i = 0; i < d->n_services; i++)
        total += d->services[i].s.n_routes;
    if (total > LIMIT_APP_ROUTES) {
        decode_say(c, DIAG_ERROR, d->a.at, NULL, "%zu routes in one app; at most %d are allowed",
                   total, LIMIT_APP_ROUTES);
        return;
    }
    struct written *v = ARENA_ARRAY(c->arena, total, struct written);

    for (size_t i = 0; i < d->n_services; i++)
        for (size_t k = 0; k < d->services[i].s.n_routes; k++) {
            const struct route *r = &d->services[i].s.routes[k];

            v[n++] = (struct written){route_key(r, c->arena), r->at};
        }
    if (n > 1)
        qsort(v, n, sizeof(v[0]), cmp_written);
    for (size_t i = 1; i < n; i++)
        if (strcmp(v[i - 1].key, v[i].key) == 0)
            decode_say(c, DIAG_ERROR, v[i].at,
                       arena_printf(c->arena, "the first is in line %d", v[i - 1].at.line),
                       "the route %s is given twice", v[i].key);
}

static void check_reachable(struct decode_ctx *c, const struct service_draft *d)
{
    const struct service *s = &d->s;

    if (s->n_routes == 0 || !s->network_mode)
        return;
    if (strncmp(s->network_mode, "service:", 8) == 0)
        decode_say(c, DIAG_ERROR, s->routes[0].at,
                   arena_printf(c->arena,
                                "put the route at the service \"%s\", whose network it is",
                                s->network_mode + 8),
                   "no router reaches a service with `network_mode: %s`", s->network_mode);
    else
        decode_say(c, DIAG_ERROR, s->routes[0].at, "leave `network_mode` out",
                   "no router reaches a service with `network_mode: %s`", s->network_mode);
}

void validate_routes(struct decode_ctx *c, const struct app_draft *d)
{
    for (size_t i = 0; i < d->n_services; i++)
        check_reachable(c, &d->services[i]);
    check_twice(c, d);
}
