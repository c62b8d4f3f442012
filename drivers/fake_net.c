/* fake_net.c: networks and volumes of the pretended engine.
 *
 * In: operations on them. Out: the changed world, or a real engine's refusal: a name or subnet that is taken, a network or volume in
 * use. Creating what is there already, with our labels, succeeds. */
#include <string.h>

#include "drivers/engine_fields.h"
#include "drivers/fake_parts.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"

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

static bool touches(const char *a, const char *b)
{
    uint64_t first, last, first_b, last_b;

    return a && b && range_of(a, &first, &last) == 0 && range_of(b, &first_b, &last_b) == 0 &&
           first_b <= last && last_b >= first;
}

static const struct obs_network *overlapping(const struct fake_world *w, const char *subnet)
{
    for (size_t i = 0; i < w->n_networks; i++)
        for (size_t s = 0; s < w->networks[i].subnets.n; s++)
            if (touches(subnet, w->networks[i].subnets.v[s]))
                return &w->networks[i];
    return NULL;
}

int fake_network_create(struct fake_world *w, const struct op *op, struct op_result *ret)
{
    json_auto_t *body = js_parse(op->body, strlen(op->body), &ret->err);
    const struct obs_network *there = fake_network_of(w, op->name);
    struct obs_network n = {.name = arena_strdup(w->arena, op->name)};

    if (!body)
        return -1;
    js_kvs(body, "Labels", w->arena, &n.labels);
    if (there && fake_same_owner(&there->labels, &n.labels)) {
        ret->id = there->id;
        return 0;
    }
    if (there)
        return err_set(&ret->err, ERR_CONFLICT, "network with name %s already exists", op->name);
    const json_t *config = json_array_get(js_at(body, "IPAM.Config"), 0);
    const char *subnet = js_str(config, "Subnet", NULL);
    const struct obs_network *other = overlapping(w, subnet);

    ret->range_refused = other || touches(subnet, w->ghost);
    if (ret->range_refused)
        return err_set(&ret->err, ERR_CONFLICT,
                       "Pool overlaps with other one on this address space (%s)",
                       other ? other->name : "that nobody can see");
    do
        n.id = arena_printf(w->arena, "net-%s-%u", op->name, ++w->made);
    while (fake_network_of(w, n.id)); /* made by an earlier driver */
    n.driver = arena_strdup(w->arena, js_str(body, "Driver", "bridge"));
    n.internal = js_bool(body, "Internal", false);
    if (subnet)
        strv_push(w->arena, &n.subnets, arena_strdup(w->arena, subnet));
    fake_add_network(w, n);
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

int fake_network_remove(struct fake_world *w, const struct op *op, struct op_result *ret)
{
    const struct obs_network *n = fake_network_of(w, op->object);

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

void fake_attach(struct fake_world *w, struct fake_container *c, const struct obs_network *n,
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

/* What an inspect says of the network from now on; endpoint NULL: nothing. */
static void set_field(struct fake_world *w, struct fake_container *c, const char *network,
                      const json_t *endpoint)
{
    json_auto_t *body =
        json_pack("{s:{s:{s:O*}}}", "NetworkingConfig", "EndpointsConfig", network, endpoint);
    struct kvs now = engine_fields_of_body(body, w->arena), kept = {0};
    const char *field = arena_printf(w->arena, "networks.%s", network);

    for (size_t i = 0; i < c->c.fields.n; i++)
        if (strcmp(c->c.fields.v[i].key, field) != 0)
            kvs_set(w->arena, &kept, c->c.fields.v[i].key, c->c.fields.v[i].value);
    for (size_t i = 0; i < now.n; i++)
        kvs_set(w->arena, &kept, now.v[i].key, now.v[i].value);
    c->c.fields = kept;
}

int fake_network_connect(struct fake_world *w, const struct op *op, struct op_result *ret)
{
    struct fake_container *c = fake_container_of(w, op->object);
    const struct obs_network *n = fake_network_of(w, op->network);
    json_auto_t *body = op->body ? js_parse(op->body, strlen(op->body), NULL) : NULL;

    if (!c)
        return fake_no_such(&ret->err, "container", op->object);
    if (!n)
        return fake_no_such(&ret->err, "network", op->network);
    fake_attach(w, c, n, js_at(body, "EndpointConfig"));
    set_field(w, c, n->name, js_at(body, "EndpointConfig"));
    return 0;
}

int fake_network_disconnect(struct fake_world *w, const struct op *op, struct op_result *ret)
{
    struct fake_container *c = fake_container_of(w, op->object);
    const struct obs_network *n = fake_network_of(w, op->network);

    if (!c)
        return fake_no_such(&ret->err, "container", op->object);
    size_t at = n ? attach_index(c, n) : c->c.n_networks;

    if (n)
        set_field(w, c, n->name, NULL);
    if (at < c->c.n_networks)
        memmove(&c->c.networks[at], &c->c.networks[at + 1],
                (--c->c.n_networks - at) * sizeof(c->c.networks[0]));
    return 0;
}

int fake_volume_create(struct fake_world *w, const struct op *op, struct op_result *ret)
{
    json_auto_t *body = js_parse(op->body, strlen(op->body), &ret->err);
    const struct obs_volume *there = fake_volume_of(w, op->name);
    struct obs_volume v = {.name = arena_strdup(w->arena, op->name)};

    if (!body)
        return -1;
    ret->id = v.name;
    if (there)
        return 0;
    v.driver = arena_strdup(w->arena, js_str(body, "Driver", "local"));
    js_kvs(body, "Labels", w->arena, &v.labels);
    obs_volume_identify(&v);
    fake_add_volume(w, v);
    return 0;
}

static struct quarantine_record *fake_record_of(const struct fake_world *w, const char *volume)
{
    for (size_t i = 0; i < w->n_quarantine; i++)
        if (strcmp(w->quarantine[i].volume, volume) == 0)
            return &w->quarantine[i];
    return NULL;
}

void fake_add_record(struct fake_world *w, struct quarantine_record r)
{
    w->quarantine = arena_grow(w->arena, w->quarantine, w->n_quarantine, &w->cap_quarantine,
                               sizeof(w->quarantine[0]));
    w->quarantine[w->n_quarantine++] = r;
}

int fake_volume_quarantine(struct fake_world *w, const struct op *op, struct op_result *ret)
{
    const char *volume = arena_strdup(w->arena, op->object);
    struct quarantine_record r, *there = fake_record_of(w, volume);

    if (quarantine_parse(volume, op->body, strlen(op->body), w->arena, &r, &ret->err) < 0)
        return -1;
    if (there)
        *there = r;
    else
        fake_add_record(w, r);
    return 0;
}

int fake_volume_release(struct fake_world *w, const struct op *op, struct op_result *ret)
{
    struct quarantine_record *there = fake_record_of(w, op->object);

    (void)ret;
    if (there)
        *there = w->quarantine[--w->n_quarantine];
    return 0;
}

int fake_volume_remove(struct fake_world *w, const struct op *op, struct op_result *ret)
{
    const struct obs_volume *v = fake_volume_of(w, op->object);

    for (size_t i = 0; v && i < w->n_containers; i++)
        if (strv_has(&w->containers[i].c.volumes, v->name))
            return err_set(&ret->err, ERR_CONFLICT, "volume %s is in use", v->name);
    if (v && op->body && (!v->owner || strcmp(v->owner, op->owner) != 0))
        return err_set(&ret->err, ERR_CONFLICT, "volume %s is somebody else's", v->name);
    if (v && op->body && !fake_record_of(w, op->object))
        return err_set(&ret->err, ERR_STALE, "volume %s is not in quarantine", v->name);
    if (v) {
        size_t at = (size_t)(v - w->volumes);
        memmove(&w->volumes[at], &w->volumes[at + 1],
                (--w->n_volumes - at) * sizeof(w->volumes[0]));
    }
    return 0;
}
