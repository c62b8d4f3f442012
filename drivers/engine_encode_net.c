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

        if (!first || strcmp(engine_encode_network_name(c->app, at),
                             engine_encode_network_name(c->app, first)) < 0)
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

json_t *engine_encode_endpoint(const struct attach *at, const char *service,
                               const char *mac_address, struct arena *a)
{
    json_t *endpoint = json_object(), *ipam = json_object();
    struct strv aliases = {0};

    if (service && !at->nameless)
        strv_push(a, &aliases, service);
    for (size_t i = 0; i < at->aliases.n; i++)
        strv_push(a, &aliases, at->aliases.v[i]);
    engine_put_set(endpoint, "Aliases", &aliases, a);
    engine_put_text(ipam, "IPv4Address", at->ipv4);
    engine_put_text(ipam, "IPv6Address", at->ipv6);
    engine_put_new(endpoint, "IPAMConfig", ipam);
    engine_put_text(endpoint, "MacAddress", mac_address);
    return endpoint;
}

static const char *canonical(const json_t *v, struct arena *a)
{
    CLEANUP(str_release) struct str s = STR_INIT;

    js_canonical(v, &s);
    return arena_strndup(a, str_text(&s), s.len);
}

const char *engine_encode_connect(const char *container, const struct attach *at,
                                  const char *service, struct arena *a)
{
    json_auto_t *body = json_object();

    engine_put_text(body, "Container", container);
    engine_put_new(body, "EndpointConfig", engine_encode_endpoint(at, service, NULL, a));
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

static json_t *ipam(const struct network *spec, const char *subnet)
{
    json_t *v = json_object(), *config = json_object();
    bool own = spec && spec->subnet;

    engine_put_text(config, "Subnet", own ? spec->subnet : subnet);
    if (own) {
        engine_put_text(config, "Gateway", spec->gateway);
        engine_put_text(config, "IPRange", spec->ip_range);
    }
    if (json_object_size(config) == 0)
        json_decref(config);
    else
        engine_put_new(v, "Config", json_pack("[o]", config));
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
