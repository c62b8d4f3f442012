/* fake_world.h: the pretended engine behind fake.c: its objects, and what each operation does to them. Pure. */
#ifndef EK_FAKE_WORLD_H
#define EK_FAKE_WORLD_H

#include "drivers/observed.h"
#include "drivers/op.h"

struct fake_container {
    struct obs_container c;
    const char *made_as; /* its name at first: what a route file names it by */
    bool one_shot; /* restart policy "no" or "on-failure": ends when somebody waits for its end */
    bool healthcheck;
};

struct fake_route { /* a route file */
    struct obs_route r;
    bool stuck; /* Traefik does not take it before somebody waits for that */
};

struct fake_world {
    struct arena *arena; /* texts are never dropped before the world is */
    struct fake_container *containers;
    size_t n_containers, cap_containers;
    struct obs_network *networks;
    size_t n_networks, cap_networks;
    struct obs_volume *volumes;
    size_t n_volumes, cap_volumes;
    struct obs_image *images;
    size_t n_images, cap_images;
    struct fake_route *routes;
    size_t n_routes, cap_routes;
    struct quarantine_record *quarantine;
    size_t n_quarantine, cap_quarantine;
    struct obs_hook *hooks;
    size_t n_hooks, cap_hooks;
    unsigned made; /* containers and networks so far, for ids */
    int64_t now_ms;
    const char *ghost; /* a subnet that is refused though nobody can see who has it, or NULL */
};

/* A copy of what is observed; time begins a second after the last thing that happened in it. */
void fake_world_init(struct fake_world *w, const struct observed *start, struct arena *a);
/* Carry out one operation. ret->id borrows from the world's arena. */
void fake_world_apply(struct fake_world *w, const struct op *op, struct op_result *ret);
/* As a driver would know it, sealed, sharing nothing with the world. */
const struct observed *fake_world_observed(const struct fake_world *w, struct arena *a);
/* "blog-app-1" for an id, a name, or something that does not exist. */
const char *fake_world_name(const struct fake_world *w, const char *object);

#endif
