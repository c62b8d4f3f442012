/* fake_world.c: an engine that only remembers.
 *
 * In: what an engine is observed to have, and operations. Out: what it would have afterwards, or the failure a real one would
 * answer: taken names, ports and subnets, missing images and networks, networks in use. Ids and times follow from what
 * was done, so the same operations give the same world.
 * It starts no process and knows no clock. What a real engine does is judged by the tests in tests/engine alone. */
#include "drivers/fake_world.h"

#include <string.h>

#include "drivers/fake_parts.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/labels.h"

/* ---- beginning ---- */

/* restart NULL: the engine's default. */
bool fake_ends_by_itself(const char *restart)
{
    return !restart || strcmp(restart, "no") == 0 || strncmp(restart, "on-failure", 10) == 0;
}

static void take_container(struct fake_world *w, const struct obs_container *c)
{
    struct fake_container *f;
    int64_t last = c->started_ms > c->created_ms ? c->started_ms : c->created_ms;

    w->containers = arena_grow(w->arena, w->containers, w->n_containers, &w->cap_containers,
                               sizeof(w->containers[0]));
    f = &w->containers[w->n_containers++];
    *f = (struct fake_container){.c = *c};
    f->one_shot = c->fields.n > 0 && fake_ends_by_itself(kvs_get(&c->fields, "restart"));
    f->healthcheck = kvs_get(&c->fields, "healthcheck.test") != NULL || c->health != HEALTH_NONE;
    if (c->finished_ms > last)
        last = c->finished_ms;
    if (last > w->now_ms)
        w->now_ms = last;
}

void fake_add_network(struct fake_world *w, struct obs_network n)
{
    w->networks =
        arena_grow(w->arena, w->networks, w->n_networks, &w->cap_networks, sizeof(w->networks[0]));
    w->networks[w->n_networks++] = n;
}

void fake_add_volume(struct fake_world *w, struct obs_volume v)
{
    w->volumes =
        arena_grow(w->arena, w->volumes, w->n_volumes, &w->cap_volumes, sizeof(w->volumes[0]));
    w->volumes[w->n_volumes++] = v;
}

struct obs_image *fake_image(struct fake_world *w, const char *ref)
{
    for (size_t i = 0; i < w->n_images; i++)
        if (strcmp(w->images[i].ref, ref) == 0)
            return &w->images[i];
    w->images = arena_grow(w->arena, w->images, w->n_images, &w->cap_images, sizeof(w->images[0]));
    w->images[w->n_images++] = (struct obs_image){.ref = arena_strdup(w->arena, ref)};
    return &w->images[w->n_images - 1];
}

void fake_world_init(struct fake_world *w, const struct observed *start, struct arena *a)
{
    json_t *text = observed_to_json(start);
    const struct observed *o = observed_from_json(text, a, NULL);

    json_decref(text);
    *w = (struct fake_world){.arena = a};
    for (size_t i = 0; o && i < o->n_containers; i++)
        take_container(w, &o->containers[i]);
    for (size_t i = 0; o && i < o->n_networks; i++)
        fake_add_network(w, o->networks[i]);
    for (size_t i = 0; o && i < o->n_volumes; i++)
        fake_add_volume(w, o->volumes[i]);
    for (size_t i = 0; o && i < o->n_images; i++)
        *fake_image(w, o->images[i].ref) = o->images[i];
    for (size_t i = 0; o && i < o->n_routes; i++)
        fake_route_take(w, &o->routes[i]);
    for (size_t i = 0; o && i < o->n_quarantine; i++)
        fake_add_record(w, o->quarantine[i]);
    for (size_t i = 0; o && i < o->n_hooks; i++)
        fake_hook_ran(w, &o->hooks[i]);
    if (w->now_ms == 0)
        w->now_ms = INT64_C(1700000000000);
    w->now_ms += 1000;
}

/* ---- finding ---- */

struct fake_container *fake_container_of(const struct fake_world *w, const char *object)
{
    for (size_t i = 0; object && i < w->n_containers; i++)
        if (strcmp(w->containers[i].c.id, object) == 0 ||
            strcmp(w->containers[i].c.name, object) == 0)
            return &w->containers[i];
    return NULL;
}

struct obs_network *fake_network_of(const struct fake_world *w, const char *object)
{
    for (size_t i = 0; object && i < w->n_networks; i++)
        if (strcmp(w->networks[i].id, object) == 0)
            return &w->networks[i];
    for (size_t i = 0; object && i < w->n_networks; i++)
        if (strcmp(w->networks[i].name, object) == 0)
            return &w->networks[i];
    return NULL;
}

struct obs_volume *fake_volume_of(const struct fake_world *w, const char *name)
{
    for (size_t i = 0; name && i < w->n_volumes; i++)
        if (strcmp(w->volumes[i].name, name) == 0)
            return &w->volumes[i];
    return NULL;
}

const char *fake_world_name(const struct fake_world *w, const char *object)
{
    const struct fake_container *c = fake_container_of(w, object);
    const struct obs_network *n = c ? NULL : fake_network_of(w, object);

    return c ? c->c.name : n ? n->name : object ? object : "?";
}

int fake_no_such(struct err *e, const char *what, const char *object)
{
    return err_set(e, ERR_MISSING, "no such %s: %s", what, object ? object : "?");
}

bool fake_same_owner(const struct kvs *a, const struct kvs *b)
{
    const char *of_a = kvs_get(a, LABEL_OWNER), *of_b = kvs_get(b, LABEL_OWNER);

    return of_a && of_b && strcmp(of_a, of_b) == 0;
}

/* ---- images ---- */

static int pull(struct fake_world *w, const struct op *op, struct op_result *ret)
{
    struct obs_image *image = fake_image(w, op->object);
    char hex[SHA256_HEX];

    sha256_hex(op->object, strlen(op->object), hex);
    image->id = arena_printf(w->arena, "sha256:%s", hex);
    image->pulled_ms = image->tried_ms = w->now_ms;
    ret->id = image->id;
    return 0;
}

/* ---- every operation ---- */

void fake_world_apply(struct fake_world *w, const struct op *op, struct op_result *ret)
{
    int failed;

    *ret = (struct op_result){.exit_code = 0};
    w->now_ms += 1000;
    switch (op->kind) {
    case OP_BUILD:
    case OP_PULL: failed = pull(w, op, ret); break;
    case OP_NETWORK_CREATE: failed = fake_network_create(w, op, ret); break;
    case OP_NETWORK_REMOVE: failed = fake_network_remove(w, op, ret); break;
    case OP_NETWORK_CONNECT: failed = fake_network_connect(w, op, ret); break;
    case OP_NETWORK_DISCONNECT: failed = fake_network_disconnect(w, op, ret); break;
    case OP_VOLUME_CREATE: failed = fake_volume_create(w, op, ret); break;
    case OP_VOLUME_REMOVE: failed = fake_volume_remove(w, op, ret); break;
    case OP_VOLUME_QUARANTINE: failed = fake_volume_quarantine(w, op, ret); break;
    case OP_VOLUME_RELEASE: failed = fake_volume_release(w, op, ret); break;
    case OP_CONTAINER_CREATE: failed = fake_container_create(w, op, ret); break;
    case OP_ROUTE_WRITE: failed = fake_route_write(w, op, ret); break;
    case OP_ROUTE_SEE: failed = fake_route_see(w, op, ret); break;
    case OP_DRAIN: failed = 0; break;
    default: failed = fake_container_live(w, op, ret); break;
    }
    if (!failed)
        ret->err.kind = ERR_NONE;
}

const struct observed *fake_world_observed(const struct fake_world *w, struct arena *a)
{
    struct arena *scratch = arena_new();
    struct observed o = {
        .engine_version = "fake",
        .api_version = "1.45",
        .containers = ARENA_ARRAY(scratch, w->n_containers, struct obs_container),
        .n_containers = w->n_containers,
        .networks = w->networks,
        .n_networks = w->n_networks,
        .volumes = w->volumes,
        .n_volumes = w->n_volumes,
        .images = w->images,
        .n_images = w->n_images,
        .routes = ARENA_ARRAY(scratch, w->n_routes, struct obs_route),
        .n_routes = w->n_routes,
        .quarantine = w->quarantine,
        .n_quarantine = w->n_quarantine,
        .hooks = w->hooks,
        .n_hooks = w->n_hooks,
    };

    for (size_t i = 0; i < w->n_containers; i++)
        o.containers[i] = w->containers[i].c;
    fake_route_observed(w, o.routes);
    /* There and back through JSON: a copy that shares nothing. */
    json_t *text = observed_to_json(&o);
    const struct observed *copy = observed_from_json(text, a, NULL);

    json_decref(text);
    arena_free(scratch);
    return copy;
}
