/* fake_container.c: containers of the pretended engine, from create to remove.
 *
 * In: create bodies and operations on containers. Out: the changed world, or a real engine's refusal: a missing image or network, a
 * name or host port that is taken. A container runs until somebody stops it; a one-shot one ends when its end is waited for. */
#include <string.h>

#include "drivers/engine_encode.h"
#include "drivers/engine_fields.h"
#include "drivers/engine_update.h"
#include "drivers/fake_parts.h"
#include "spec/base/arena.h"
#include "spec/hook.h"
#include "spec/labels.h"

/* ---- containers: making ---- */

static void read_mounts(struct fake_world *w, struct fake_container *c, const json_t *body)
{
    const json_t *mounts = js_at(body, "HostConfig.Mounts");

    for (size_t i = 0; i < json_array_size(mounts); i++) {
        const json_t *m = json_array_get(mounts, i);
        const char *source = arena_strdup(w->arena, js_str(m, "Source", NULL));

        if (!source || strcmp(js_str(m, "Type", ""), "volume") != 0)
            continue;
        strv_push(w->arena, &c->c.volumes, source);
        if (!fake_volume_of(w, source)) /* made in passing, without anybody's labels */
            fake_add_volume(w, (struct obs_volume){.name = source, .driver = "local"});
    }
}

static void read_ports(struct fake_world *w, struct fake_container *c, const json_t *body)
{
    json_t *bindings = (json_t *)(uintptr_t)js_at(body, "HostConfig.PortBindings");
    size_t cap = 0;
    const char *key;
    json_t *list;

    json_object_foreach(bindings, key, list)
    {
        for (size_t i = 0; i < json_array_size(list); i++) {
            const json_t *b = json_array_get(list, i);
            const char *slash = strchr(key, '/');
            int64_t target = 0, published = 0;

            (void)parse_int64(arena_strndup(w->arena, key, slash ? (size_t)(slash - key) : 99), 1,
                              65535, &target);
            if (parse_int64(js_str(b, "HostPort", ""), 1, 65535, &published) < 0)
                published = 32768 + (int64_t)w->made;
            c->c.ports =
                arena_grow(w->arena, c->c.ports, c->c.n_ports, &cap, sizeof(c->c.ports[0]));
            c->c.ports[c->c.n_ports++] = (struct obs_port){
                .host_ip = arena_strdup(w->arena, js_str(b, "HostIp", "")),
                .published = (int)published,
                .target = (int)target,
                .protocol = slash ? arena_strdup(w->arena, slash + 1) : "tcp",
            };
        }
    }
}

static void read_networks(struct fake_world *w, struct fake_container *c, const json_t *body)
{
    json_t *endpoints = (json_t *)(uintptr_t)js_at(body, "NetworkingConfig.EndpointsConfig");
    const char *name;
    json_t *endpoint;

    json_object_foreach(endpoints, name, endpoint)
    {
        const struct obs_network *n = fake_network_of(w, name);
        struct obs_network later = {.name = arena_strdup(w->arena, name), .id = ""};

        fake_attach(w, c, n ? n : &later, endpoint);
    }
    /* An endpoint of which nothing is said but its network's name stands in the mode alone. */
    const char *mode = js_str(body, "HostConfig.NetworkMode", "");
    const struct obs_network *n = fake_network_of(w, mode);

    if (n && !json_object_get(endpoints, mode))
        fake_attach(w, c, n, NULL);
}

static void read_fields(struct fake_world *w, struct fake_container *c, const json_t *body,
                        const struct obs_image *image)
{
    struct kvs own = engine_fields_of_body(body, w->arena);

    c->c.fields = engine_fields_expected(&own, &image->fields, w->arena);
    c->one_shot = fake_ends_by_itself(js_str(body, "HostConfig.RestartPolicy.Name", "no"));
    c->healthcheck =
        json_array_size(js_at(body, "Healthcheck.Test")) > 0 &&
        strcmp(json_string_value(json_array_get(js_at(body, "Healthcheck.Test"), 0)), "NONE") != 0;
}

static int check_shared(const struct fake_world *w, const json_t *body, struct err *e)
{
    const char *mode = js_str(body, "HostConfig.NetworkMode", "");

    if (strncmp(mode, "container:", 10) == 0 && !fake_container_of(w, mode + 10))
        return fake_no_such(e, "container", mode + 10);
    return 0;
}

int fake_container_create(struct fake_world *w, const struct op *op, struct op_result *ret)
{
    const struct obs_image *image = fake_image(w, op->image);
    const struct fake_container *there = fake_container_of(w, op->name);
    static const struct kvs no_notes;
    char hash[SHA256_HEX] = "";

    if (!image->id)
        return fake_no_such(&ret->err, "image", op->image);
    engine_encode_hash(op->body, image->id, hash);
    const char *sealed = engine_encode_seal(op->body, op->image, op->hash ? op->hash : hash,
                                            op->birth ? op->birth : &no_notes, w->arena);
    json_auto_t *body = sealed ? js_parse(sealed, strlen(sealed), &ret->err) : NULL;
    struct fake_container c = {.c = {.state = CS_CREATED, .inspected = true}};

    if (!body || check_shared(w, body, &ret->err) < 0)
        return -1;
    js_kvs(body, "Labels", w->arena, &c.c.labels);
    const char *wanted = kvs_get(&c.c.labels, LABEL_HASH);

    if (there && fake_same_owner(&there->c.labels, &c.c.labels) &&
        strcmp(wanted, kvs_get(&there->c.labels, LABEL_HASH) ? kvs_get(&there->c.labels, LABEL_HASH)
                                                             : "") == 0) {
        w->containers[there - w->containers].made_as = arena_strdup(w->arena, op->name);
        ret->id = there->c.id;
        return 0;
    }
    if (there)
        return err_set(&ret->err, ERR_CONFLICT, "container name %s is in use", op->name);
    do
        c.c.id = arena_printf(w->arena, "id-%s-%u", op->name, ++w->made);
    while (fake_container_of(w, c.c.id)); /* made by an earlier driver */
    c.c.name = c.made_as = arena_strdup(w->arena, op->name);
    c.c.image = arena_strdup(w->arena, op->image);
    c.c.image_id = image->id;
    c.c.created_ms = w->now_ms;
    read_mounts(w, &c, body);
    read_ports(w, &c, body);
    read_networks(w, &c, body);
    read_fields(w, &c, body, image);
    w->containers = arena_grow(w->arena, w->containers, w->n_containers, &w->cap_containers,
                               sizeof(w->containers[0]));
    w->containers[w->n_containers++] = c;
    ret->id = c.c.id;
    return 0;
}

/* ---- containers: living ---- */

static bool is_up(const struct fake_container *c)
{
    return c->c.state == CS_RUNNING || c->c.state == CS_PAUSED || c->c.state == CS_RESTARTING;
}

static bool addresses_meet(const char *a, const char *b)
{
    bool any = !a || !b || !*a || !*b || strcmp(a, "0.0.0.0") == 0 || strcmp(b, "0.0.0.0") == 0;

    return any || strcmp(a, b) == 0;
}

static const struct fake_container *port_holder(const struct fake_world *w,
                                                const struct fake_container *c,
                                                const struct obs_port *port)
{
    for (size_t i = 0; i < w->n_containers; i++) {
        const struct fake_container *other = &w->containers[i];

        for (size_t k = 0; other != c && is_up(other) && k < other->c.n_ports; k++)
            if (other->c.ports[k].published == port->published &&
                strcmp(other->c.ports[k].protocol, port->protocol) == 0 &&
                addresses_meet(other->c.ports[k].host_ip, port->host_ip))
                return other;
    }
    return NULL;
}

static int can_start(struct fake_world *w, struct fake_container *c, struct err *e)
{
    for (size_t i = 0; i < c->c.n_networks; i++) {
        struct obs_attach *at = &c->c.networks[i];
        bool by_id = at->network_id && *at->network_id;
        const struct obs_network *n = fake_network_of(w, by_id ? at->network_id : at->network_name);

        if (!n)
            return err_set(e, ERR_MISSING, "network %s not found", at->network_name);
        at->network_id = n->id;
    }
    for (size_t i = 0; i < c->c.n_ports; i++) {
        const struct fake_container *other = port_holder(w, c, &c->c.ports[i]);

        if (other)
            return err_set(e, ERR_CONFLICT, "port %d is already allocated (%s)",
                           c->c.ports[i].published, other->c.name);
    }
    return 0;
}

static void set_running(struct fake_world *w, struct fake_container *c)
{
    c->c.state = CS_RUNNING;
    c->c.started_ms = w->now_ms;
    c->c.exit_code = 0;
    c->c.error = NULL;
    c->c.health = c->healthcheck ? HEALTH_STARTING : HEALTH_NONE;
    fake_route_started(w, c);
}

static int start(struct fake_world *w, struct fake_container *c, struct op_result *ret)
{
    if (c->c.state == CS_PAUSED)
        return err_set(&ret->err, ERR_USER, "cannot start a paused container, try unpause instead");
    if (is_up(c))
        return 0;
    if (can_start(w, c, &ret->err) < 0) {
        c->c.error = arena_strdup(w->arena, ret->err.msg);
        return -1;
    }
    set_running(w, c);
    return 0;
}

static int end(struct fake_world *w, struct fake_container *c, int code)
{
    if (!is_up(c))
        return 0;
    c->c.state = CS_EXITED;
    c->c.exit_code = code;
    c->c.finished_ms = w->now_ms;
    c->c.health = HEALTH_NONE;
    return 0;
}

static int container_rename(struct fake_world *w, struct fake_container *c, const struct op *op,
                            struct op_result *ret)
{
    const struct fake_container *there = fake_container_of(w, op->name);

    if (there && there != c)
        return err_set(&ret->err, ERR_CONFLICT, "container name %s is in use", op->name);
    c->c.name = arena_strdup(w->arena, op->name);
    return 0;
}

static int container_remove(struct fake_world *w, struct fake_container *c)
{
    size_t at = (size_t)(c - w->containers);

    memmove(&w->containers[at], &w->containers[at + 1],
            (--w->n_containers - at) * sizeof(w->containers[0]));
    return 0;
}

static int wait_up(struct fake_container *c, bool healthy, struct op_result *ret)
{
    if (c->c.state != CS_RUNNING)
        return err_set(&ret->err, ERR_USER, "container %s is %s", c->c.name,
                       container_state_name(c->c.state));
    if (healthy)
        c->c.health = HEALTH_HEALTHY;
    return 0;
}

static int wait_exit(struct fake_world *w, struct fake_container *c, struct op_result *ret)
{
    if (c->c.state == CS_CREATED)
        return err_set(&ret->err, ERR_USER, "container %s was not started", c->c.name);
    (void)end(w, c, 0);
    ret->exit_code = c->c.exit_code;
    return c->c.exit_code == 0 ? 0
                               : err_set(&ret->err, ERR_USER, "container %s exited with code %d",
                                         c->c.name, c->c.exit_code);
}

static int restart(struct fake_world *w, struct fake_container *c, struct op_result *ret)
{
    (void)end(w, c, 137);
    return start(w, c, ret);
}

static int unpause(struct fake_container *c, struct op_result *ret)
{
    if (c->c.state != CS_PAUSED && c->c.state != CS_RUNNING)
        return err_set(&ret->err, ERR_USER, "container %s is not paused", c->c.name);
    c->c.state = CS_RUNNING;
    return 0;
}

/* One for each container: a later start makes the earlier one void. */
void fake_hook_ran(struct fake_world *w, const struct obs_hook *h)
{
    size_t at = 0;

    while (at < w->n_hooks && strcmp(w->hooks[at].container, h->container) < 0)
        at++;
    if (at < w->n_hooks && strcmp(w->hooks[at].container, h->container) == 0) {
        w->hooks[at] = *h;
        return;
    }
    w->hooks = arena_grow(w->arena, w->hooks, w->n_hooks, &w->cap_hooks, sizeof(w->hooks[0]));
    memmove(&w->hooks[at + 1], &w->hooks[at], (w->n_hooks++ - at) * sizeof(w->hooks[0]));
    w->hooks[at] = *h;
}

static int hooks(struct fake_world *w, const struct fake_container *c, const struct op *op,
                 struct op_result *ret)
{
    const struct obs_hook ran = {
        .container = c->c.id, .started_ms = c->c.started_ms, .state = HOOKS_DONE};
    bool before_stop = strcmp(op->name, HOOK_PRE_STOP) == 0;

    if (c->c.state != CS_RUNNING && !before_stop)
        return err_set(&ret->err, ERR_USER, "container %s is %s", c->c.name,
                       container_state_name(c->c.state));
    if (!before_stop)
        fake_hook_ran(w, &ran);
    return 0;
}

int fake_container_live(struct fake_world *w, const struct op *op, struct op_result *ret)
{
    struct fake_container *c = fake_container_of(w, op->object);

    if (!c &&
        (op->kind == OP_CONTAINER_REMOVE || op->kind == OP_CONTAINER_STOP || op->kind == OP_HOOKS))
        return 0;
    if (!c)
        return fake_no_such(&ret->err, "container", op->object);
    switch (op->kind) {
    case OP_CONTAINER_START: return start(w, c, ret);
    case OP_CONTAINER_STOP: return end(w, c, 137);
    case OP_CONTAINER_RESTART: return restart(w, c, ret);
    case OP_CONTAINER_UNPAUSE: return unpause(c, ret);
    case OP_HOOKS: return hooks(w, c, op, ret);
    case OP_CONTAINER_UPDATE:
        c->c.fields = engine_update_applied(&c->c.fields, op->body, w->arena);
        return 0;
    case OP_CONTAINER_RENAME: return container_rename(w, c, op, ret);
    case OP_CONTAINER_REMOVE: return container_remove(w, c);
    case OP_WAIT_RUNNING: return wait_up(c, false, ret);
    case OP_WAIT_HEALTHY: return wait_up(c, true, ret);
    case OP_WAIT_EXIT: return wait_exit(w, c, ret);
    case OP_BUILD:
    case OP_PULL:
    case OP_NETWORK_CREATE:
    case OP_NETWORK_REMOVE:
    case OP_NETWORK_CONNECT:
    case OP_NETWORK_DISCONNECT:
    case OP_VOLUME_CREATE:
    case OP_VOLUME_REMOVE:
    case OP_VOLUME_QUARANTINE:
    case OP_VOLUME_RELEASE:
    case OP_CONTAINER_CREATE:
    case OP_ROUTE_WRITE:
    case OP_ROUTE_SEE:
    case OP_DRAIN: break;
    }
    return err_set(&ret->err, ERR_BUG, "not an operation on a container");
}
