/* desired_claims.c: who may have which port, name and route, over all apps.
 *
 * In: the apps as they are wanted, in the order of their files, who runs already, which routes are served by whom. Out: `refused` of those that come too late or
 * ask for what they may not have, each with a diagnostic at the place that asks. Whoever runs goes first, and a refused app holds nothing back. */
#include "spec/desired_claims.h"

#include "spec/base/arena.h"
#include "spec/claims.h"
#include "spec/desired.h"
#include "spec/route.h"
#include "spec/desired_files.h"
#include "spec/route_claims.h"
#include "spec/source_places.h"

struct turn {
    bool newcomer;
    size_t rank;
    struct want_app *app;
};

static int cmp_turn(const void *a, const void *b)
{
    const struct turn *x = a, *y = b;

    if (x->newcomer != y->newcomer)
        return x->newcomer ? 1 : -1;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

/* Where the app's route of that key stands, or false: it has none (any more). */
static bool still_routed(const struct want_app *app, const char *key, struct arena *a,
                         struct place *ret_at)
{
    for (size_t i = 0; i < app->n_services; i++)
        for (size_t k = 0; k < app->services[i].n_routes; k++) {
            const struct route *r = app->services[i].routes[k].spec;

            if (strcmp(route_key(r, a), key) != 0)
                continue;
            *ret_at = r->at;
            return true;
        }
    return false;
}

/* A route that is being served stays with its app, for as long as the app wants it, or cannot say because its document is broken. */
static void keep_served(const struct spec_set *set, const struct desired *d, struct claims *c,
                        struct arena *a)
{
    for (size_t i = 0; i < set->served.n; i++) {
        const struct kv *kv = &set->served.v[i];
        const struct want_app *app = desired_app(d, kv->value);
        struct place at;

        if (!app || app->state == WISH_REMOVED)
            continue;
        at = app->at;
        if (app->invalid_input || still_routed(app, kv->key, a, &at))
            claims_keep_route(c, kv->key, app, at);
    }
}

void desired_claims_settle(const struct spec_set *set, const struct kvs *incumbents,
                           const size_t *rank, struct desired *d, struct arena *a)
{
    struct turn *v = ARENA_ARRAY(a, d->n_apps, struct turn);
    size_t n = 0, claims = 0;

    for (size_t i = 0; i < d->n_apps; i++) {
        struct want_app *app = &d->apps[i];

        if (app->invalid_input || app->state == WISH_REMOVED)
            continue;
        v[n++] = (struct turn){!kvs_get(incumbents, app->name), rank[i], app};
        claims += 4 * app->n_services + app->n_volumes + (app->adopt != NULL);
        for (size_t k = 0; k < app->n_services; k++)
            claims += app->services[k].n_routes;
    }
    sort_rows(v, n, sizeof(v[0]), cmp_turn);
    struct claims *c = claims_new(a, claims + set->served.n);

    keep_served(set, d, c, a);
    for (size_t i = 0; i < n; i++) {
        struct place at = v[i].app->at;
        const char *forbidden = policy_refused(d->settings, v[i].app, a, &d->diags);

        if (forbidden) { /* each reason has its diagnostic already */
            v[i].app->refused = forbidden;
            continue;
        }
        const char *claimed = claims_take(c, v[i].app, &at),
                   *misplaced = source_place_refused(set, d->settings, v[i].app, a, &at),
                   *unserved = route_refused(set, d->settings, v[i].app, a, &at),
                   *secretless = desired_files_refused(set, v[i].app, a, &at);

        v[i].app->refused = misplaced    ? misplaced
                            : unserved   ? unserved
                            : secretless ? secretless
                                         : claimed;
        if (v[i].app->refused)
            diag_add(&d->diags, DIAG_ERROR, at, NULL, NULL, NULL, "the app \"%s\" is refused: %s",
                     v[i].app->name, v[i].app->refused);
    }
}
