/* engine_encode_net.c: networks, volumes and attachments into Engine API bodies.
 *
 * In: wanted networks, volumes and containers. Out: the bodies of NetworkCreate, VolumeCreate and NetworkConnect, and the parts of
 * ContainerCreate that speak of networks. A name that the app does not have is passed on as it stands: the engine's
 * answer is clearer than a guess. */
#include "drivers/engine_encode_net.h"

#include <string.h>

#include "drivers/engine_encode.h"
#include "drivers/engine_put.h"
#include "spec/base/arena.h"
#include "spec/base/attr.h"

/* ---- names ---- */

const char *engine_encode_network_name(const struct want_app *app, const struct attach *at)
{
    for (size_t i = 0; i < app->n_networks; i++)
        if (strcmp(app->networks[i].key, at->network) == 0)
            return app->networks[i].name;
    return at->network;
}

static bool has_network(const struct want_app *app, const char *key)
{
    for (size_t i = 0; i < app->n_networks; i++)
        if (strcmp(app->networks[i].key, key) == 0)
            return true;
    return false;
}

static bool goes_before(const struct want_app *app, const struct attach *x, const struct attach *y)
{
    if (x->priority.v != y->priority.v)
        return x->priority.v > y->priority.v;
    return strcmp(engine_encode_network_name(app, x), engine_encode_network_name(app, y)) < 0;
}

const struct attach *engine_encode_first_attach(const struct want_container *c)
{
    /* What Compose calls a service without `networks:`; desired_build spells it out, tests may not. */
    static const struct attach implicit = {.network = "default"};
    const struct service *spec = c->service->spec;
    const struct attach *first = NULL;

    if (spec->network_mode)
        return NULL;
    if (spec->n_networks == 0)
        return has_network(c->app, implicit.network) ? &implicit : NULL;
    for (size_t i = 0; i < spec->n_networks; i++) {
        const struct attach *at = &spec->networks[i];

        if (!first || goes_before(c->app, at, first))
            first = at;
    }
    return first;
}

const char *engine_encode_namespace(const struct want_app *app, const char *mode, struct arena *a)
{
    static const char prefix[] = "service:";

    if (!mode || strncmp(mode, prefix, sizeof(prefix) - 1) != 0)
        return mode;
    for (size_t i = 0; i < app->n_services; i++) {
        const struct want_service *s = &app->services[i];

        if (strcmp(s->name, mode + sizeof(prefix) - 1) == 0 && s->n_containers > 0)
            return arena_printf(a, "container:%s", s->containers[0].name);
    }
    return mode;
}

const char *engine_encode_network_mode(const struct want_container *c, struct arena *a)
{
    const struct attach *first = engine_encode_first_attach(c);

    if (first)
        return engine_encode_network_name(c->app, first);
    return engine_encode_namespace(c->app, c->service->spec->network_mode, a);
}

/* ---- attachments ---- */

/* By the names that the containers will have: the engine looks them up whenever it is asked. A link that says nothing but the service's name is an alias already. */
static void put_links(json_t *endpoint, const struct want_app *app, const struct service *spec,
                      struct arena *a)
{
    struct strv links = {0};

    for (size_t i = 0; i < spec->n_links; i++) {
        const struct link *l = &spec->links[i];

        for (size_t k = 0; strcmp(l->alias, l->service) != 0 && k < app->n_services; k++)
            for (size_t n = 0; strcmp(app->services[k].name, l->service) == 0 &&
                               n < app->services[k].n_containers;
                 n++)
                strv_push(a, &links,
                          arena_printf(a, "%s:%s", app->services[k].containers[n].name, l->alias));
    }
    for (size_t i = 0; i < spec->external_links.n; i++)
        strv_push(a, &links, spec->external_links.v[i]);
    engine_put_set(endpoint, "Links", &links, a);
}

static void put_driver_options(json_t *endpoint, const struct attach *at, struct arena *a)
{
    struct kvs options = {0};

    for (size_t i = 0; i < at->driver_opts.n; i++)
        kvs_set(a, &options, at->driver_opts.v[i].key, at->driver_opts.v[i].value);
    if (at->interface_name)
        kvs_set(a, &options, "com.docker.network.endpoint.ifname", at->interface_name);
    engine_put_map(endpoint, "DriverOpts", &options);
}

json_t *engine_encode_endpoint(const struct want_app *app, const struct want_service *service,
                               const struct attach *at, const char *mac_address, struct arena *a)
{
    json_t *endpoint = json_object(), *ipam = json_object();
    struct strv aliases = {0};

    if (service->name && !at->nameless)
        strv_push(a, &aliases, service->name);
    for (size_t i = 0; i < at->aliases.n; i++)
        strv_push(a, &aliases, at->aliases.v[i]);
    engine_put_set(endpoint, "Aliases", &aliases, a);
    put_links(endpoint, app, service->spec, a);
    put_driver_options(endpoint, at, a);
    engine_put_text(ipam, "IPv4Address", at->ipv4);
    engine_put_text(ipam, "IPv6Address", at->ipv6);
    engine_put_set(ipam, "LinkLocalIPs", &at->link_local_ips, a);
    engine_put_new(endpoint, "IPAMConfig", ipam);
    engine_put_num(endpoint, "GwPriority", at->gw_priority);
    engine_put_text(endpoint, "MacAddress", at->mac_address ? at->mac_address : mac_address);
    return endpoint;
}

static const char *canonical(const json_t *v, struct arena *a)
{
    CLEANUP(str_release) struct str s = STR_INIT;

    js_canonical(v, &s);
    return arena_strndup(a, str_text(&s), s.len);
}

const char *engine_encode_connect(const char *container, const struct want_container *c,
                                  const struct attach *at, struct arena *a)
{
    const struct attach *first = engine_encode_first_attach(c);
    bool born_there = first && strcmp(first->network, at->network) == 0;
    const char *mac_address = born_there ? c->service->spec->mac_address : NULL;
    json_auto_t *body = json_object();

    engine_put_text(body, "Container", container);
    engine_put_new(body, "EndpointConfig",
                   engine_encode_endpoint(c->app, c->service, at, mac_address, a));
    return canonical(body, a);
}

const char *engine_encode_join(const char *container, struct arena *a)
{
    json_auto_t *body = json_object();

    engine_put_text(body, "Container", container);
    return canonical(body, a);
}

/* ---- networks and volumes ---- */

/* Networks and volumes are never compared by hash: their notes of birth stand among the labels from the start. */
static json_t *all_labels(const struct kvs *labels, const struct kvs *birth)
{
    json_t *all = js_from_kvs(birth);
    json_auto_t *identity = js_from_kvs(labels);

    (void)json_object_update(all, identity);
    return all;
}

/* Without a subnet of its own the others of a pool's values would be about no addresses in particular. */
static json_t *pool_object(const struct ipam_pool *pool, const char *subnet)
{
    json_t *v = json_object();

    engine_put_text(v, "Subnet", pool && pool->subnet ? pool->subnet : subnet);
    if (pool && pool->subnet) {
        engine_put_text(v, "Gateway", pool->gateway);
        engine_put_text(v, "IPRange", pool->ip_range);
        engine_put_map(v, "AuxiliaryAddresses", &pool->aux_addresses);
    }
    return v;
}

static json_t *ipam(const struct network *spec, const char *subnet)
{
    json_t *v = json_object(), *config = json_array();
    size_t n = spec && spec->n_pools > 1 ? spec->n_pools : 1;

    for (size_t i = 0; i < n; i++) {
        json_t *pool = pool_object(spec && i < spec->n_pools ? &spec->pools[i] : NULL, subnet);

        if (json_object_size(pool) == 0)
            json_decref(pool);
        else
            (void)json_array_append_new(config, pool);
    }
    engine_put_new(v, "Config", config);
    if (spec) {
        engine_put_text(v, "Driver", spec->ipam_driver);
        engine_put_map(v, "Options", &spec->ipam_options);
    }
    return v;
}

const char *engine_encode_network(const struct want_network *n, const char *subnet, struct arena *a)
{
    const struct network *spec = n->spec;
    json_auto_t *body = json_object();

    engine_put_text(body, "Name", n->name);
    /* Before API 1.44 the engine makes a second network of the same name without this; later ones ignore it. */
    engine_put_yes(body, "CheckDuplicate", TRI_YES);
    engine_put_text(body, "Driver", spec && spec->driver ? spec->driver : "bridge");
    if (spec) {
        engine_put_yes(body, "Internal", spec->internal);
        engine_put_yes(body, "Attachable", spec->attachable);
        if (spec->enable_ipv4 == TRI_NO)
            engine_put_tri(body, "EnableIPv4", TRI_NO);
        engine_put_yes(body, "EnableIPv6", spec->enable_ipv6);
        engine_put_map(body, "Options", &spec->driver_opts);
    }
    engine_put_new(body, "IPAM", ipam(spec, subnet));
    engine_put_new(body, "Labels", all_labels(&n->labels, &n->birth));
    return canonical(body, a);
}

const char *engine_encode_volume(const struct want_volume *v, struct arena *a)
{
    const struct volume *spec = v->spec;
    json_auto_t *body = json_object();

    engine_put_text(body, "Name", v->name);
    engine_put_text(body, "Driver", spec && spec->driver ? spec->driver : "local");
    if (spec)
        engine_put_map(body, "DriverOpts", &spec->driver_opts);
    engine_put_new(body, "Labels", all_labels(&v->labels, &v->birth));
    return canonical(body, a);
}
