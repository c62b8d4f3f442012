/* docker.c: the driver for a plain Docker Engine, as one object: its making, its table of functions, its end.
 *
 * The work is done in rooms of its own: docker_link.c (version, calls), docker_look.c (knowledge), docker_events.c
 * (following), docker_ops.c (operations) and the rooms these name.
 * Nothing is connected until the first look, operation or follower. */
#include "drivers/docker.h"

#include "drivers/docker_parts.h"
#include "drivers/hook_folder.h"
#include "drivers/pull_log.h"
#include "drivers/quarantine_folder.h"
#include "drivers/router.h"
#include "spec/base/arena.h"

static const struct observed *docker_observed(struct driver *driver, struct arena *a)
{
    const struct docker *d = (struct docker *)driver;
    struct observed *o = ARENA_NEW(a, struct observed);

    *o = *mirror_observed(d->mirror, a);
    if (d->router)
        router_observed(d->router, a, &o->routes, &o->n_routes);
    if (d->quarantine)
        quarantine_folder_observed(d->quarantine, a, &o->quarantine, &o->n_quarantine);
    if (d->pulls)
        o->images = pull_log_observed(d->pulls, o->images, o->n_images, a);
    if (d->hooks)
        hook_folder_observed(d->hooks, a, &o->hooks, &o->n_hooks);
    return o;
}

static void docker_free(struct driver *driver)
{
    struct docker *d = (struct docker *)driver;

    if (!d)
        return;
    docker_ops_release(d);
    docker_follow_release(d);
    docker_look_release(d);
    docker_route_release(d);
    docker_link_release(d);
    docker_dirty_release(&d->dirty);
    mirror_free(d->mirror);
    free(d->auth_dir);
    free(d->router_owner);
    free(d->router_app);
    free(d);
}

static const struct driver_ops docker_driver_ops = {
    .name = "docker",
    .submit = docker_submit,
    .cancel = docker_cancel,
    .look = docker_route_look,
    .observed = docker_observed,
    .follow = docker_follow,
    .logs = docker_logs,
    .free = docker_free,
};

struct driver *docker_new(struct http *http, int cores, const char *auth_dir, struct err *e)
{
    (void)e; /* nothing can fail before the first call */
    struct docker *d = xcalloc(1, sizeof(*d));

    d->driver.ops = &docker_driver_ops;
    d->http = http;
    d->cores = cores > 0 ? cores : 1;
    d->auth_dir = xstrdup(auth_dir);
    d->mirror = mirror_new();
    return &d->driver;
}
