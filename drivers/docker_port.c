/* docker_port.c: asks for host ports before what runs now is taken down for a container that wants them.
 *
 * In: the body of a container that is to take another's place. Out: whether a program of this host holds one of the TCP ports that it publishes on every
 * address. The engine would tell only at the start, when the old container is stopped already.
 * It says nothing where it cannot be sure: of an engine elsewhere, of ports that a container has (the one to be replaced, most likely), of
 * ports that the engine itself listens on, of single addresses. The start has the last word. */
#include <stdlib.h>
#include <string.h>

#include "drivers/docker_parts.h"
#include "drivers/hostport.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/base/str.h"

static bool everywhere(const char *address)
{
    return !*address || strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
}

static bool is_published(const struct docker *d, int port)
{
    const struct obs_container *c;

    for (size_t i = 0; (c = mirror_container_at(d->mirror, i)); i++)
        for (size_t k = 0; k < c->n_ports; k++)
            if (c->ports[k].published == port)
                return true;
    return false;
}

/* The engine's own hands: what they hold is in its books. */
static bool is_engines(const char *who)
{
    static const char *const names[] = {"docker-proxy ", "dockerd ", "rootlesskit "};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strncmp(who, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

static int ask_port(const struct docker *d, const json_t *binding, struct err *e)
{
    CLEANUP(str_release) struct str who = STR_INIT;
    int64_t port = 0;

    if (!everywhere(js_str(binding, "HostIp", "")) ||
        parse_int64(js_str(binding, "HostPort", ""), 1, 65535, &port) < 0 ||
        is_published(d, (int)port) || !hostport_holder((int)port, &who) ||
        is_engines(str_text(&who)))
        return 0;
    return hostport_taken((int)port, str_text(&who), e);
}

int docker_ports_ask(const struct docker *d, const char *body, struct err *e)
{
    static const char local[] = "unix://";
    const char *where = http_where(d->http), *key;
    json_t *bindings, *binding;
    size_t i;
    int rc = 0;

    if (strncmp(where, local, sizeof(local) - 1) != 0 ||
        !hostport_shared(where + sizeof(local) - 1))
        return 0;
    json_auto_t *v = js_parse(body, strlen(body), NULL);
    json_t *all = json_object_get(json_object_get(v, "HostConfig"), "PortBindings");

    json_object_foreach(all, key, bindings)
    {
        size_t n = strlen(key);

        if (n < 4 || strcmp(key + n - 4, "/tcp") != 0)
            continue;
        json_array_foreach(bindings, i, binding)
        {
            if (rc == 0)
                rc = ask_port(d, binding, e);
        }
    }
    return rc;
}
