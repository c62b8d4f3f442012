/* fake_world.c: an engine that only remembers.
 *
 * In: what an engine is observed to have, and operations. Out: what it would have afterwards, or the failure a real one would
 * answer: taken names, ports and subnets, missing images and networks, networks in use. Ids and times follow from what
 * was done, so the same operations give the same world.
 * It starts no process and knows no clock. What a real engine does is judged by the tests in tests/engine alone. */
#include "drivers/fake_world.h"

#include <string.h>

#include "drivers/engine_encode.h"
#include "drivers/engine_fields.h"
#include "spec/base/arena.h"
#include "spec/labels.h"

/* ---- beginning ---- */

/* restart NULL: the engine's default. */
static bool ends_by_itself(const char *restart)
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
    f->one_shot = c->fields.n > 0 && ends_by_itself(kvs_get(&c->fields, "restart"));
    f->healthcheck = kvs_get(&c->fields, "healthcheck.test") != NULL || c->health != HEALTH_NONE;
    if (c->finished_ms > last)
        last = c->finished_ms;
    if (last > w->now_ms)
        w->now_ms = last;
}

static void add_network(struct fake_world *w, struct obs_network n)
{
    w->networks =
        arena_grow(w->arena, w->networks, w->n_networks, &w->cap_networks, sizeof(w->networks[0]));
    w->networks[w->n_networks++] = n;
}

static void add_volume(struct fake_world *w, struct obs_volume v)
{
    w->volumes =
        arena_grow(w->arena, w->volumes, w->n_volumes, &w->cap_volumes, sizeof(w->volumes[0]));
    w->volumes[w->n_volumes++] = v;
}

static struct obs_image *image_of(struct fake_world *w, const char *ref)
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
        add_network(w, o->networks[i]);
    for (size_t i = 0; o && i < o->n_volumes; i++)
        add_volume(w, o->volumes[i]);
    for (size_t i = 0; o && i < o->n_images; i++)
        *image_of(w, o->images[i].ref) = o->images[i];
    if (w->now_ms == 0)
        w->now_ms = INT64_C(1700000000000);
    w->now_ms += 1000;
}

/* ---- finding ---- */

static struct fake_container *find_container(const struct fake_world *w, const char *object)
{
    for (size_t i = 0; object && i < w->n_containers; i++)
        if (strcmp(w->containers[i].c.id, object) == 0 ||
            strcmp(w->containers[i].c.name, object) == 0)
            return &w->containers[i];
    return NULL;
}

static struct obs_network *find_network(const struct fake_world *w, const char *object)
{
    for (size_t i = 0; object && i < w->n_networks; i++)
        if (strcmp(w->networks[i].id, object) == 0)
            return &w->networks[i];
    for (size_t i = 0; object && i < w->n_networks; i++)
        if (strcmp(w->networks[i].name, object) == 0)
            return &w->networks[i];
    return NULL;
}

static struct obs_volume *find_volume(const struct fake_world *w, const char *name)
{
    for (size_t i = 0; name && i < w->n_volumes; i++)
        if (strcmp(w->volumes[i].name, name) == 0)
            return &w->volumes[i];
    return NULL;
}

const char *fake_world_name(const struct fake_world *w, const char *object)
{
    const struct fake_container *c = find_container(w, object);
    const struct obs_network *n = c ? NULL : find_network(w, object);

    return c ? c->c.name : n ? n->name : object ? object : "?";
}

static int no_such(struct err *e, const char *what, const char *object)
{
    return err_set(e, ERR_MISSING, "no such %s: %s", what, object ? object : "?");
}

/* ---- images ---- */

static int pull(struct fake_world *w, const struct op *op, struct op_result *ret)
{
    struct obs_image *image = image_of(w, op->object);
    char hex[SHA256_HEX];

    sha256_hex(op->object, strlen(op->object), hex);
    image->id = arena_printf(w->arena, "sha256:%s", hex);
    ret->id = image->id;
    return 0;
}

/* ---- networks and volumes ---- */

static bool same_owner(const struct kvs *a, const struct kvs *b)
{
    const char *of_a = kvs_get(a, LABEL_OWNER), *of_b = kvs_get(b, LABEL_OWNER);

    return of_a && of_b && strcmp(of_a, of_b) == 0;
}

/* "10.1.0.0/16" -> first and last address; -1 if it is not IPv4. */
static int range_of(const char *text, uint64_t *ret_first, uint64_t *ret_last)
{
    unsigned a, b, c, d, bits;

    if (!text || sscanf(text, "%3u.%3u.%3u.%3u/%2u", &a, &b, &c, &d, &bits) != 5 || bits > 32)
        return -1;
    uint64_t size = UINT64_C(1) << (32 - bits);
    uint64_t at = (uint64_t)a << 24 | (uint64_t)b << 16 | (uint64_t)c << 8 | d;

    *ret_first = at / size * size;
    *ret_last = *ret_first + size - 1;
    return 0;
}

static const struct obs_network *overlapping(const struct fake_world *w, const char *subnet)
{
    uint64_t first, last, have_first, have_last;

    if (range_of(subnet, &first, &last) < 0)
        return NULL;
    for (size_t i = 0; i < w->n_networks; i++)
        for (size_t s = 0; s < w->networks[i].subnets.n; s++)
            if (range_of(w->networks[i].subnets.v[s], &have_first, &have_last) == 0 &&
                have_first <= last && have_last >= first)
                return &w->networks[i];
    return NULL;
}

static int network_create(struct fake_world *w, const struct op *op, struct op_result *ret)
{
    json_auto_t *body = js_parse(op->body, strlen(op->body), &ret->err);
    const struct obs_network *there = find_network(w, op->name);
    struct obs_network n = {.name = arena_strdup(w->arena, op->name)};

    if (!body)
        return -1;
    js_kvs(body, "Labels", w->arena, &n.labels);
    if (there && same_owner(&there->labels, &n.labels)) {
        ret->id = there->id;
        return 0;
    }
    if (there)
        return err_set(&ret->err, ERR_CONFLICT, "network with name %s already exists", op->name);
    const json_t *config = json_array_get(js_at(body, "IPAM.Config"), 0);
    const char *subnet = js_str(config, "Subnet", NULL);
    const struct obs_network *other = overlapping(w, subnet);

    if (other)
        return err_set(&ret->err, ERR_CONFLICT,
                       "Pool overlaps with other one on this address space (%s)", other->name);
    n.id = arena_printf(w->arena, "net-%s-%u", op->name, ++w->made);
    n.driver = arena_strdup(w->arena, js_str(body, "Driver", "bridge"));
    n.internal = js_bool(body, "Internal", false);
    if (subnet)
        strv_push(w->arena, &n.subnets, arena_strdup(w->arena, subnet));
    add_network(w, n);
    ret->id = n.id;
    return 0;
}

static size_t attach_index(const struct fake_container *c, const struct obs_network *n)
{
    for (size_t i = 0; i < c->c.n_networks; i++)
        if (strcmp(c->c.networks[i].network_name, n->name) == 0)
            return i;
    return c->c.n_networks;
}

static int network_remove(struct fake_world *w, const struct op *op, struct op_result *ret)
{
    const struct obs_network *n = find_network(w, op->object);

    if (!n)
        return 0;
    for (size_t i = 0; i < w->n_containers; i++) {
        const struct fake_container *c = &w->containers[i];
        bool up = c->c.state == CS_RUNNING || c->c.state == CS_PAUSED;
        size_t at = attach_index(c, n);

        if (up && at < c->c.n_networks && strcmp(c->c.networks[at].network_id, n->id) == 0)
            return err_set(&ret->err, ERR_CONFLICT, "network %s has active endpoints", n->name);
    }
    size_t at = (size_t)(n - w->networks);

    memmove(&w->networks[at], &w->networks[at + 1],
            (--w->n_networks - at) * sizeof(w->networks[0]));
    return 0;
}

static void attach(struct fake_world *w, struct fake_container *c, const struct obs_network *n,
                   const json_t *endpoint)
{
    size_t at = attach_index(c, n);
    struct obs_attach *grown;

    if (at == c->c.n_networks) {
        grown = ARENA_ARRAY(w->arena, c->c.n_networks + 1, struct obs_attach);
        if (at)
            memcpy(grown, c->c.networks, at * sizeof(grown[0]));
        c->c.networks = grown;
        c->c.n_networks++;
    }
    c->c.networks[at] = (struct obs_attach){.network_id = n->id, .network_name = n->name};
    js_strv(endpoint, "Aliases", w->arena, &c->c.networks[at].aliases);
}

static int network_connect(struct fake_world *w, const struct op *op, struct op_result *ret)
{
    struct fake_container *c = find_container(w, op->object);
    const struct obs_network *n = find_network(w, op->network);
    json_auto_t *body = op->body ? js_parse(op->body, strlen(op->body), NULL) : NULL;

    if (!c)
        return no_such(&ret->err, "container", op->object);
    if (!n)
        return no_such(&ret->err, "network", op->network);
    attach(w, c, n, js_at(body, "EndpointConfig"));
    return 0;
}

static int network_disconnect(struct fake_world *w, const struct op *op, struct op_result *ret)
{
    struct fake_container *c = find_container(w, op->object);
    const struct obs_network *n = find_network(w, op->network);

    if (!c)
        return no_such(&ret->err, "container", op->object);
    size_t at = n ? attach_index(c, n) : c->c.n_networks;

    if (at < c->c.n_networks)
        memmove(&c->c.networks[at], &c->c.networks[at + 1],
                (--c->c.n_networks - at) * sizeof(c->c.networks[0]));
    return 0;
}

static int volume_create(struct fake_world *w, const struct op *op, struct op_result *ret)
{
    json_auto_t *body = js_parse(op->body, strlen(op->body), &ret->err);
    const struct obs_volume *there = find_volume(w, op->name);
    struct obs_volume v = {.name = arena_strdup(w->arena, op->name)};

    if (!body)
        return -1;
    ret->id = v.name;
    if (there)
        return 0;
    v.driver = arena_strdup(w->arena, js_str(body, "Driver", "local"));
    js_kvs(body, "Labels", w->arena, &v.labels);
    add_volume(w, v);
    return 0;
}

static int volume_remove(struct fake_world *w, const struct op *op, struct op_result *ret)
{
    const struct obs_volume *v = find_volume(w, op->object);

    for (size_t i = 0; v && i < w->n_containers; i++)
        if (strv_has(&w->containers[i].volumes, v->name))
            return err_set(&ret->err, ERR_CONFLICT, "volume %s is in use", v->name);
    if (v) {
        size_t at = (size_t)(v - w->volumes);
        memmove(&w->volumes[at], &w->volumes[at + 1],
                (--w->n_volumes - at) * sizeof(w->volumes[0]));
    }
    return 0;
}

/* ---- containers: making ---- */

static void read_mounts(struct fake_world *w, struct fake_container *c, const json_t *body)
{
    const json_t *mounts = js_at(body, "HostConfig.Mounts");

    for (size_t i = 0; i < json_array_size(mounts); i++) {
        const json_t *m = json_array_get(mounts, i);
        const char *source = arena_strdup(w->arena, js_str(m, "Source", NULL));

        if (!source || strcmp(js_str(m, "Type", ""), "volume") != 0)
            continue;
        strv_push(w->arena, &c->volumes, source);
        if (!find_volume(w, source)) /* made in passing, without anybody's labels */
            add_volume(w, (struct obs_volume){.name = source, .driver = "local"});
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
        const struct obs_network *n = find_network(w, name);
        struct obs_network later = {.name = arena_strdup(w->arena, name), .id = ""};

        attach(w, c, n ? n : &later, endpoint);
    }
}

static void read_fields(struct fake_world *w, struct fake_container *c, const json_t *body,
                        const struct obs_image *image)
{
    struct kvs own = engine_fields_of_body(body, w->arena);

    c->c.fields = engine_fields_expected(&own, &image->fields, w->arena);
    c->one_shot = ends_by_itself(js_str(body, "HostConfig.RestartPolicy.Name", "no"));
    c->healthcheck =
        json_array_size(js_at(body, "Healthcheck.Test")) > 0 &&
        strcmp(json_string_value(json_array_get(js_at(body, "Healthcheck.Test"), 0)), "NONE") != 0;
}

static int check_shared(const struct fake_world *w, const json_t *body, struct err *e)
{
    const char *mode = js_str(body, "HostConfig.NetworkMode", "");

    if (strncmp(mode, "container:", 10) == 0 && !find_container(w, mode + 10))
        return no_such(e, "container", mode + 10);
    return 0;
}

static int container_create(struct fake_world *w, const struct op *op, struct op_result *ret)
{
    const struct obs_image *image = image_of(w, op->image);
    const struct fake_container *there = find_container(w, op->name);
    static const struct kvs no_notes;
    char hash[SHA256_HEX] = "";

    if (!image->id)
        return no_such(&ret->err, "image", op->image);
    engine_encode_hash(op->body, image->id, hash);
    const char *sealed = engine_encode_seal(op->body, op->image, op->hash ? op->hash : hash,
                                            op->birth ? op->birth : &no_notes, w->arena);
    json_auto_t *body = sealed ? js_parse(sealed, strlen(sealed), &ret->err) : NULL;
    struct fake_container c = {.c = {.state = CS_CREATED, .inspected = true}};

    if (!body || check_shared(w, body, &ret->err) < 0)
        return -1;
    js_kvs(body, "Labels", w->arena, &c.c.labels);
    const char *wanted = kvs_get(&c.c.labels, LABEL_HASH);

    if (there && same_owner(&there->c.labels, &c.c.labels) &&
        strcmp(wanted, kvs_get(&there->c.labels, LABEL_HASH) ? kvs_get(&there->c.labels, LABEL_HASH)
                                                             : "") == 0) {
        ret->id = there->c.id;
        return 0;
    }
    if (there)
        return err_set(&ret->err, ERR_CONFLICT, "container name %s is in use", op->name);
    c.c.id = arena_printf(w->arena, "id-%s-%u", op->name, ++w->made);
    c.c.name = arena_strdup(w->arena, op->name);
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
        const struct obs_network *n = find_network(w, by_id ? at->network_id : at->network_name);

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
    const struct fake_container *there = find_container(w, op->name);

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

/* ---- every operation ---- */

static int apply_to_container(struct fake_world *w, const struct op *op, struct op_result *ret)
{
    struct fake_container *c = find_container(w, op->object);

    if (!c && (op->kind == OP_CONTAINER_REMOVE || op->kind == OP_CONTAINER_STOP))
        return 0;
    if (!c)
        return no_such(&ret->err, "container", op->object);
    switch (op->kind) {
    case OP_CONTAINER_START: return start(w, c, ret);
    case OP_CONTAINER_STOP: return end(w, c, 137);
    case OP_CONTAINER_RESTART: return restart(w, c, ret);
    case OP_CONTAINER_UNPAUSE: return unpause(c, ret);
    case OP_CONTAINER_RENAME: return container_rename(w, c, op, ret);
    case OP_CONTAINER_REMOVE: return container_remove(w, c);
    case OP_WAIT_RUNNING: return wait_up(c, false, ret);
    case OP_WAIT_HEALTHY: return wait_up(c, true, ret);
    case OP_WAIT_EXIT: return wait_exit(w, c, ret);
    case OP_PULL:
    case OP_NETWORK_CREATE:
    case OP_NETWORK_REMOVE:
    case OP_NETWORK_CONNECT:
    case OP_NETWORK_DISCONNECT:
    case OP_VOLUME_CREATE:
    case OP_VOLUME_REMOVE:
    case OP_CONTAINER_CREATE: break;
    }
    return err_set(&ret->err, ERR_BUG, "not an operation on a container");
}

void fake_world_apply(struct fake_world *w, const struct op *op, struct op_result *ret)
{
    int failed;

    *ret = (struct op_result){.exit_code = 0};
    w->now_ms += 1000;
    switch (op->kind) {
    case OP_PULL: failed = pull(w, op, ret); break;
    case OP_NETWORK_CREATE: failed = network_create(w, op, ret); break;
    case OP_NETWORK_REMOVE: failed = network_remove(w, op, ret); break;
    case OP_NETWORK_CONNECT: failed = network_connect(w, op, ret); break;
    case OP_NETWORK_DISCONNECT: failed = network_disconnect(w, op, ret); break;
    case OP_VOLUME_CREATE: failed = volume_create(w, op, ret); break;
    case OP_VOLUME_REMOVE: failed = volume_remove(w, op, ret); break;
    case OP_CONTAINER_CREATE: failed = container_create(w, op, ret); break;
    default: failed = apply_to_container(w, op, ret); break;
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
    };

    for (size_t i = 0; i < w->n_containers; i++)
        o.containers[i] = w->containers[i].c;
    /* There and back through JSON: a copy that shares nothing. */
    json_t *text = observed_to_json(&o);
    const struct observed *copy = observed_from_json(text, a, NULL);

    json_decref(text);
    arena_free(scratch);
    return copy;
}
