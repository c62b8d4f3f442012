/* engine_needs.c: keys that came with some version of the Engine API.
 *
 * In: a wanted container, the version that engine and agent have agreed upon. Out: the first key that it does not have, with both versions. The rows say how a service is seen to use it.
 *
 * Source: Docker Engine API version history. */
#include "drivers/engine_needs.h"

#include <string.h>

#include "drivers/engine_encode_net.h"
#include "spec/base/arena.h"
#include "spec/base/str.h"

typedef bool uses_fn(const struct want_container *c);

static bool uses_annotations(const struct want_container *c)
{
    return c->service->spec->annotations.n > 0;
}

static bool uses_cdi(const struct want_container *c)
{
    const struct service *s = c->service->spec;

    for (size_t i = 0; i < s->n_gpus; i++)
        if (s->gpus[i].driver && strcmp(s->gpus[i].driver, "cdi") == 0)
            return true;
    return false;
}

static bool uses_subpath(const struct want_container *c)
{
    const struct service *s = c->service->spec;

    for (size_t i = 0; i < s->n_mounts; i++)
        if (s->mounts[i].subpath)
            return true;
    return false;
}

/* Of the network that a container is made in, any engine knows it. */
static bool uses_second_mac(const struct want_container *c)
{
    const struct service *s = c->service->spec;
    const struct attach *first = engine_encode_first_attach(c);

    for (size_t i = 0; i < s->n_networks; i++)
        if (s->networks[i].mac_address && &s->networks[i] != first)
            return true;
    return false;
}

static bool uses_gw_priority(const struct want_container *c)
{
    const struct service *s = c->service->spec;

    for (size_t i = 0; i < s->n_networks; i++)
        if (s->networks[i].gw_priority.set && s->networks[i].gw_priority.v != 0)
            return true;
    return false;
}

static bool uses_interface_name(const struct want_container *c)
{
    const struct service *s = c->service->spec;

    for (size_t i = 0; i < s->n_networks; i++)
        if (s->networks[i].interface_name)
            return true;
    return false;
}

static bool uses_no_ipv4(const struct want_container *c)
{
    const struct want_app *app = c->app;

    for (size_t i = 0; i < app->n_networks; i++)
        if (app->networks[i].spec && app->networks[i].spec->enable_ipv4 == TRI_NO)
            return true;
    return false;
}

static bool uses_start_interval(const struct want_container *c)
{
    return c->service->spec->health.start_interval_ns.set;
}

static const struct need {
    const char *key;
    int minor;
    const char *engine;
    uses_fn *uses;
} needs[] = {
    {"annotations", 43, "24.0", uses_annotations},
    {"devices of driver cdi", 44, "25.0", uses_cdi},
    {"mac_address of a second network", 44, "25.0", uses_second_mac},
    {"volume.subpath", 45, "26.0", uses_subpath},
    {"enable_ipv4: false", 48, "28.0", uses_no_ipv4},
    {"gw_priority", 48, "28.0", uses_gw_priority},
    {"interface_name", 49, "28.1", uses_interface_name},
};

/* "1.41" -> 41; another major version, or none, has everything. */
static int64_t minor_of(const char *version)
{
    int64_t minor;

    return version && strncmp(version, "1.", 2) == 0 &&
                   parse_int64(version + 2, 0, INT32_MAX, &minor) == 0
               ? minor
               : INT32_MAX;
}

const char *engine_needs(const struct want_container *c, const char *api_version, struct arena *a)
{
    int64_t have = minor_of(api_version);

    for (size_t i = 0; i < ARRAY_LEN(needs); i++)
        if (have < needs[i].minor && needs[i].uses(c))
            return arena_printf(a,
                                "`%s` needs Engine API 1.%d (Docker %s), and this engine has %s; "
                                "leave it out, or use a newer engine",
                                needs[i].key, needs[i].minor, needs[i].engine, api_version);
    return NULL;
}

const char *engine_goes_without(const struct want_container *c, const char *api_version,
                                struct arena *a)
{
    if (minor_of(api_version) >= 44 || !uses_start_interval(c))
        return NULL;
    return arena_printf(a,
                        "healthcheck.start_interval has no effect on this engine (API %s; it came "
                        "with 1.44)",
                        api_version);
}
