/* docker_route.c: operations that concern the router and not the engine: writing route files, seeing them taken, draining.
 *
 * In: an operation with the text of a file whose servers may be containers that were made in the same run. Out: the file with their
 * ids in it, and the router's word that it is live; what the router does is router.c's business.
 * It asks the engine only for ids of containers that the text names. */
#include "drivers/docker_parts.h"
#include "drivers/router.h"
#include "spec/base/arena.h"

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
    if (t->op->kind == OP_DRAIN)
        ticket_after(t, t->op->settle_ms, drained);
    else
        ticket_after(t, 0, no_router);
}

void docker_route_release(struct ticket *t)
{
    (void)t;
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
