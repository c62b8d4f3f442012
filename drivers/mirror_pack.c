/* mirror_pack.c: copies an observed object, with everything it points to, into one block of memory.
 *
 * In: an object in somebody's arena. Out: first the size of its copy, then the copy. An arena for each object would cost
 * several times as much, and the agent keeps hundreds of them for months.
 * Pure; it decides nothing about what is kept. */
#include "drivers/mirror_pack.h"

#include <stdint.h>
#include <string.h>

static void *room(struct pack *p, size_t bytes, size_t align)
{
    size_t at = (p->bytes + align - 1) & ~(align - 1);

    p->bytes = at + bytes;
    return p->at ? p->at + at : NULL;
}

const char *pack_text(struct pack *p, const char *s)
{
    if (!s)
        return NULL;
    size_t n = strlen(s) + 1;
    char *copy = room(p, n, 1);

    return copy ? memcpy(copy, s, n) : NULL;
}

static struct kvs pack_kvs(struct pack *p, const struct kvs *from)
{
    struct kvs to = {room(p, from->n * sizeof(struct kv), _Alignof(struct kv)), from->n};

    for (size_t i = 0; i < from->n; i++) {
        struct kv one = {pack_text(p, from->v[i].key), pack_text(p, from->v[i].value)};
        if (to.v)
            to.v[i] = one;
    }
    return to;
}

static struct strv pack_strv(struct pack *p, const struct strv *from)
{
    struct strv to = {room(p, from->n * sizeof(char *), _Alignof(char *)), from->n};

    for (size_t i = 0; i < from->n; i++) {
        const char *one = pack_text(p, from->v[i]);
        if (to.v)
            to.v[i] = one;
    }
    return to;
}

static struct obs_attach *pack_attaches(struct pack *p, const struct obs_attach *from, size_t n)
{
    struct obs_attach *to = room(p, n * sizeof(*to), _Alignof(struct obs_attach));

    for (size_t i = 0; i < n; i++) {
        struct obs_attach one = {
            .network_id = pack_text(p, from[i].network_id),
            .network_name = pack_text(p, from[i].network_name),
            .address = pack_text(p, from[i].address),
            .aliases = pack_strv(p, &from[i].aliases),
        };
        if (to)
            to[i] = one;
    }
    return to;
}

static struct obs_port *pack_ports(struct pack *p, const struct obs_port *from, size_t n)
{
    struct obs_port *to = room(p, n * sizeof(*to), _Alignof(struct obs_port));

    for (size_t i = 0; i < n; i++) {
        struct obs_port one = from[i];
        one.host_ip = pack_text(p, from[i].host_ip);
        one.protocol = pack_text(p, from[i].protocol);
        if (to)
            to[i] = one;
    }
    return to;
}

void pack_container(struct pack *p, const struct obs_container *from, struct obs_container *to)
{
    struct obs_container c = *from;

    c.id = pack_text(p, from->id);
    c.name = pack_text(p, from->name);
    c.image = pack_text(p, from->image);
    c.image_id = pack_text(p, from->image_id);
    c.error = pack_text(p, from->error);
    c.labels = pack_kvs(p, &from->labels);
    c.networks = pack_attaches(p, from->networks, from->n_networks);
    c.ports = pack_ports(p, from->ports, from->n_ports);
    c.volumes = pack_strv(p, &from->volumes);
    c.anonymous = pack_kvs(p, &from->anonymous);
    c.fields = pack_kvs(p, &from->fields);
    if (p->at) /* while measuring the copies' arrays are not there */
        obs_container_seal(&c);
    *to = c;
}

void pack_network(struct pack *p, const struct obs_network *from, struct obs_network *to)
{
    struct obs_network n = *from;

    n.id = pack_text(p, from->id);
    n.name = pack_text(p, from->name);
    n.driver = pack_text(p, from->driver);
    n.subnets = pack_strv(p, &from->subnets);
    n.gateway = pack_text(p, from->gateway);
    n.labels = pack_kvs(p, &from->labels);
    if (p->at) {
        obs_network_identify(&n);
        strv_sort(&n.subnets);
    }
    *to = n;
}

void pack_volume(struct pack *p, const struct obs_volume *from, struct obs_volume *to)
{
    struct obs_volume v = *from;

    v.name = pack_text(p, from->name);
    v.driver = pack_text(p, from->driver);
    v.labels = pack_kvs(p, &from->labels);
    if (p->at)
        obs_volume_identify(&v);
    *to = v;
}

void pack_image(struct pack *p, const struct obs_image *from, struct obs_image *to)
{
    struct obs_image i = *from;

    i.ref = pack_text(p, from->ref);
    i.id = pack_text(p, from->id);
    i.fields = pack_kvs(p, &from->fields);
    i.exposed = pack_strv(p, &from->exposed);
    *to = i;
}
