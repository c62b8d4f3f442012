/* engine_decode.c: Engine replies into observed objects.
 *
 * In: the bytes of a reply. Out: containers, networks, volumes and images in an arena, unsorted, as observed_seal takes them; one
 * event; the words of an error. Nothing is trusted: every member may be missing, and one of a wrong type refuses the whole
 * reply. What a container's configuration says is engine_fields.c's part.
 *
 * Source: Docker Engine API 1.41 .. 1.52, ContainerList, ContainerInspect, NetworkList, VolumeList, ImageInspect, SystemEvents. */
#include "drivers/engine_decode.h"

#include <arpa/inet.h>
#include <string.h>

#include "drivers/engine_fields.h"
#include "drivers/engine_reply.h"
#include "spec/base/arena.h"
#include "spec/base/attr.h"
#include "spec/base/err.h"
#include "spec/base/js.h"
#include "spec/base/js_pool.h"
#include "spec/labels.h"

#define LAST_SECOND INT64_C(253402300799) /* of the year 9999 */

typedef int decode_fn(struct engine_reply *r, const json_t *v, void *ret);

static int end(const struct engine_reply *r)
{
    return r->bad ? -1 : 0;
}

/* ---- one object, or a list of them ---- */

static int decode_one(const char *text, size_t n, struct engine_reply *r, decode_fn *decode,
                      void *ret)
{
    CLEANUP(js_pool_end) struct js_pool pool = js_pool_begin();
    const json_t *v = engine_reply_parse(text, n, r->e); /* the pool frees it */

    if (!v)
        return -1;
    if (!json_is_object(v))
        return err_set(r->e, ERR_RETRY, "the engine's answer cannot be read: not an object");
    return decode(r, v, ret);
}

static int decode_array(struct engine_reply *r, const json_t *list, size_t size, decode_fn *decode,
                        void **ret, size_t *ret_n)
{
    size_t n = json_array_size(list);
    char *objects = arena_array(r->arena, n, size);

    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(list, i);

        if (!json_is_object(v))
            return err_set(r->e, ERR_RETRY,
                           "the engine's answer cannot be read: [%zu] is not an object", i);
        if (decode(r, v, objects + i * size) < 0)
            return err_wrap(r->e, "[%zu]", i);
    }
    *ret = objects;
    *ret_n = n;
    return 0;
}

static int decode_list(const char *text, size_t n, struct engine_reply *r, size_t size,
                       decode_fn *decode, void **ret, size_t *ret_n)
{
    CLEANUP(js_pool_end) struct js_pool pool = js_pool_begin();
    const json_t *v = engine_reply_parse(text, n, r->e); /* the pool frees it */

    if (!v)
        return -1;
    if (!json_is_array(v) && !json_is_null(v))
        return err_set(r->e, ERR_RETRY, "the engine's answer cannot be read: not a list");
    return decode_array(r, v, size, decode, ret, ret_n);
}

static const char *need_text(struct engine_reply *r, const json_t *v, const char *key)
{
    const char *text = engine_reply_text(r, v, key, NULL);

    if (!text)
        engine_reply_refuse(r, key, "there");
    return text ? text : "";
}

/* ---- containers: what lists and inspects have in common ---- */

static const char *without_slash(const char *name)
{
    return *name == '/' ? name + 1 : name;
}

/* Engines before API 1.45 add the container's short id to the aliases; nobody asked for it. */
static void drop_alias(struct strv *aliases, const char *container_id)
{
    size_t kept = 0;

    for (size_t i = 0; i < aliases->n; i++)
        if (strlen(aliases->v[i]) != 12 || strncmp(aliases->v[i], container_id, 12) != 0)
            aliases->v[kept++] = aliases->v[i];
    aliases->n = kept;
}

static void decode_attachments(struct engine_reply *r, const json_t *settings,
                               struct obs_container *c)
{
    const json_t *networks = engine_reply_object(r, settings, "Networks");
    const char *name;
    json_t *one;

    c->networks = ARENA_ARRAY(r->arena, json_object_size(networks), struct obs_attach);
    json_object_foreach((json_t *)(uintptr_t)networks, name, one)
    {
        struct obs_attach *at = &c->networks[c->n_networks];

        if (json_is_null(one))
            continue;
        if (!json_is_object(one))
            engine_reply_refuse(r, "Networks", "an object of objects");
        at->network_name = arena_strdup(r->arena, name);
        at->network_id = engine_reply_text(r, one, "NetworkID", "");
        at->address = engine_reply_text(r, one, "IPAddress", "");
        engine_reply_strv(r, one, "Aliases", &at->aliases);
        drop_alias(&at->aliases, c->id);
        c->n_networks++;
    }
}

/* A list and an inspect reply say alike what is mounted. */
static void decode_mounts(struct engine_reply *r, const json_t *v, struct obs_container *c)
{
    const json_t *list = engine_reply_array(r, v, "Mounts");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        const char *name =
            strcmp(js_str(one, "Type", ""), "volume") == 0 ? js_str(one, "Name", "") : "";

        if (*name)
            strv_push(r->arena, &c->volumes, arena_strdup(r->arena, name));
        if (volume_is_anonymous(name))
            kvs_set(r->arena, &c->anonymous, arena_strdup(r->arena, js_str(one, "Destination", "")),
                    arena_strdup(r->arena, name));
    }
    strv_sort(&c->volumes);
}

/* There is room in c->ports. */
static void add_port(struct engine_reply *r, const struct obs_port *port, struct obs_container *c)
{
    static const char address[] = "0123456789abcdefABCDEF.:";
    bool known = strcmp(port->protocol, "tcp") == 0 || strcmp(port->protocol, "udp") == 0 ||
                 strcmp(port->protocol, "sctp") == 0;

    if (!known || !port->target || !port->published ||
        port->host_ip[strspn(port->host_ip, address)])
        engine_reply_refuse(r, "Ports", "a list of ports");
    else
        c->ports[c->n_ports++] = *port;
}

static enum container_state decode_state(struct engine_reply *r, const char *word)
{
    enum container_state s = CS_DEAD;

    if (container_state_parse(word, &s) < 0)
        engine_reply_refuse(r, "the container's state", "one that this program knows");
    return s;
}

/* ---- containers from a list ---- */

/* A list has no health before API 1.52, but says it in a text for people: "Up 5 seconds (healthy)". */
static enum health health_of_status(const char *status)
{
    const char *open = strrchr(status, '(');

    if (!open)
        return HEALTH_NONE;
    if (strcmp(open, "(healthy)") == 0)
        return HEALTH_HEALTHY;
    if (strcmp(open, "(unhealthy)") == 0)
        return HEALTH_UNHEALTHY;
    if (strcmp(open, "(health: starting)") == 0 || strcmp(open, "(starting)") == 0)
        return HEALTH_STARTING;
    return HEALTH_NONE;
}

/* Links give a container further names, "/other/alias"; its own has one slash. */
static const char *own_name(const struct strv *names)
{
    for (size_t i = 0; i < names->n; i++)
        if (!strchr(without_slash(names->v[i]), '/'))
            return without_slash(names->v[i]);
    return "";
}

static void decode_list_ports(struct engine_reply *r, const json_t *v, struct obs_container *c)
{
    const json_t *list = engine_reply_array(r, v, "Ports");

    c->ports = ARENA_ARRAY(r->arena, json_array_size(list), struct obs_port);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        struct obs_port port = {
            .host_ip = engine_reply_text(r, one, "IP", ""),
            .published = (int)engine_reply_int(r, one, "PublicPort", 0, 65535),
            .target = (int)engine_reply_int(r, one, "PrivatePort", 0, 65535),
            .protocol = engine_reply_text(r, one, "Type", "tcp"),
        };

        if (port.published)
            add_port(r, &port, c);
    }
}

static int decode_listed(struct engine_reply *r, const json_t *v, void *ret)
{
    struct obs_container c = {0};
    struct strv names = {0};
    const json_t *health = engine_reply_object(r, v, "Health");
    const char *status = engine_reply_text(r, v, "Status", "");

    c.id = need_text(r, v, "Id");
    engine_reply_strv(r, v, "Names", &names);
    c.name = own_name(&names);
    c.image = engine_reply_text(r, v, "Image", "");
    c.image_id = engine_reply_text(r, v, "ImageID", "");
    c.state = decode_state(r, need_text(r, v, "State"));
    if (!health || health_parse(engine_reply_text(r, health, "Status", ""), &c.health) < 0)
        c.health = health_of_status(status);
    c.created_ms = engine_reply_int(r, v, "Created", 0, LAST_SECOND) * 1000;
    engine_reply_kvs(r, v, "Labels", &c.labels);
    decode_attachments(r, engine_reply_object(r, v, "NetworkSettings"), &c);
    decode_list_ports(r, v, &c);
    decode_mounts(r, v, &c);
    obs_container_identify(&c);
    if (!r->bad)
        *(struct obs_container *)ret = c;
    return end(r);
}

int engine_decode_container_list(const char *text, size_t n, struct arena *a,
                                 struct obs_container **ret, size_t *ret_n, struct err *e)
{
    struct engine_reply r = {a, e, false};
    void *found = NULL;

    if (decode_list(text, n, &r, sizeof(**ret), decode_listed, &found, ret_n) < 0)
        return err_wrap(e, "containers");
    *ret = found;
    return 0;
}

/* ---- one inspected container ---- */

static void decode_times(struct engine_reply *r, const json_t *v, const json_t *state,
                         struct obs_container *c)
{
    c->created_ms = engine_reply_time(r, v, "Created");
    c->started_ms = engine_reply_time(r, state, "StartedAt");
    c->finished_ms = engine_reply_time(r, state, "FinishedAt");
}

static void decode_run(struct engine_reply *r, const json_t *v, struct obs_container *c)
{
    const json_t *state = engine_reply_object(r, v, "State");
    const char *error = engine_reply_text(r, state, "Error", "");
    const json_t *health = engine_reply_object(r, state, "Health");
    const char *word = engine_reply_text(r, health, "Status", "none");

    c->state = decode_state(r, need_text(r, state, "Status"));
    if (*word && health_parse(word, &c->health) < 0)
        engine_reply_refuse(r, "the container's health", "one that this program knows");
    c->exit_code = (int)engine_reply_int(r, state, "ExitCode", INT32_MIN, INT32_MAX);
    c->oom_killed = engine_reply_bool(r, state, "OOMKilled");
    c->error = *error ? error : NULL;
    c->restart_count = (int)engine_reply_int(r, v, "RestartCount", 0, INT32_MAX);
    decode_times(r, v, state, c);
}

static void add_binding(struct engine_reply *r, const char *key, const json_t *binding,
                        struct obs_container *c)
{
    const char *slash = strchr(key, '/');
    const char *target = arena_strndup(r->arena, key, slash ? (size_t)(slash - key) : strlen(key));
    const char *published = engine_reply_text(r, binding, "HostPort", "");
    int64_t inside = 0, outside = 0;

    if (!*published)
        return;
    (void)parse_int64(target, 1, 65535, &inside);
    (void)parse_int64(published, 1, 65535, &outside);
    struct obs_port port = {
        .host_ip = engine_reply_text(r, binding, "HostIp", ""),
        .published = (int)outside,
        .target = (int)inside,
        .protocol = slash ? arena_strdup(r->arena, slash + 1) : "tcp",
    };

    add_port(r, &port, c);
}

static void decode_ports(struct engine_reply *r, const json_t *settings, struct obs_container *c)
{
    json_t *ports = (json_t *)(uintptr_t)engine_reply_object(r, settings, "Ports");
    size_t n = 0;
    const char *key;
    json_t *list;

    json_object_foreach(ports, key, list)
    {
        if (!json_is_array(list) && !json_is_null(list))
            engine_reply_refuse(r, "Ports", "an object of lists");
        n += json_array_size(list);
    }
    c->ports = ARENA_ARRAY(r->arena, n, struct obs_port);
    json_object_foreach(ports, key, list)
    {
        for (size_t i = 0; i < json_array_size(list); i++)
            add_binding(r, key, json_array_get(list, i), c);
    }
}

static int decode_inspected(struct engine_reply *r, const json_t *v, void *ret)
{
    struct obs_container c = {.inspected = true};
    const json_t *config = engine_reply_object(r, v, "Config");
    const json_t *settings = engine_reply_object(r, v, "NetworkSettings");

    c.id = need_text(r, v, "Id");
    c.name = without_slash(need_text(r, v, "Name"));
    c.image = engine_reply_text(r, config, "Image", "");
    c.image_id = engine_reply_text(r, v, "Image", "");
    decode_run(r, v, &c);
    engine_reply_kvs(r, config, "Labels", &c.labels);
    decode_attachments(r, settings, &c);
    decode_ports(r, settings, &c);
    decode_mounts(r, v, &c);
    c.fields = engine_fields_of_inspect(v, r->arena);
    obs_container_identify(&c);
    if (!r->bad)
        *(struct obs_container *)ret = c;
    return end(r);
}

int engine_decode_container(const char *text, size_t n, struct arena *a, struct obs_container *ret,
                            struct err *e)
{
    struct engine_reply r = {a, e, false};

    return decode_one(text, n, &r, decode_inspected, ret) < 0 ? err_wrap(e, "container") : 0;
}

/* ---- networks ---- */

/* Asked for a subnet alone, engines before 28 do not say which address they took: the first one. */
static const char *gateway_of(struct engine_reply *r, const json_t *config, const char *subnet)
{
    const char *said = engine_reply_text(r, config, "Gateway", NULL), *slash = strchr(subnet, '/');
    struct in_addr at;

    if (said && *said)
        return strchr(said, ':') ? NULL : said;
    if (!slash ||
        inet_pton(AF_INET, arena_strndup(r->arena, subnet, (size_t)(slash - subnet)), &at) != 1)
        return NULL;
    uint32_t first = ntohl(at.s_addr) + 1;

    return arena_printf(r->arena, "%u.%u.%u.%u", first >> 24, first >> 16 & 255, first >> 8 & 255,
                        first & 255);
}

static int decode_net(struct engine_reply *r, const json_t *v, void *ret)
{
    struct obs_network net = {0};
    const json_t *configs = engine_reply_array(r, engine_reply_object(r, v, "IPAM"), "Config");

    net.id = need_text(r, v, "Id");
    net.name = need_text(r, v, "Name");
    net.driver = engine_reply_text(r, v, "Driver", "");
    net.internal = engine_reply_bool(r, v, "Internal");
    engine_reply_kvs(r, v, "Labels", &net.labels);
    for (size_t i = 0; i < json_array_size(configs); i++) {
        const char *subnet = engine_reply_text(r, json_array_get(configs, i), "Subnet", "");

        if (*subnet)
            strv_push(r->arena, &net.subnets, subnet);
        if (!net.gateway)
            net.gateway = gateway_of(r, json_array_get(configs, i), subnet);
    }
    obs_network_identify(&net);
    if (!r->bad)
        *(struct obs_network *)ret = net;
    return end(r);
}

int engine_decode_network_list(const char *text, size_t n, struct arena *a,
                               struct obs_network **ret, size_t *ret_n, struct err *e)
{
    struct engine_reply r = {a, e, false};
    void *found = NULL;

    if (decode_list(text, n, &r, sizeof(**ret), decode_net, &found, ret_n) < 0)
        return err_wrap(e, "networks");
    *ret = found;
    return 0;
}

int engine_decode_network(const char *text, size_t n, struct arena *a, struct obs_network *ret,
                          struct err *e)
{
    struct engine_reply r = {a, e, false};

    return decode_one(text, n, &r, decode_net, ret) < 0 ? err_wrap(e, "network") : 0;
}

/* ---- volumes ---- */

static int decode_vol(struct engine_reply *r, const json_t *v, void *ret)
{
    struct obs_volume volume = {0};

    volume.name = need_text(r, v, "Name");
    volume.driver = engine_reply_text(r, v, "Driver", "");
    engine_reply_kvs(r, v, "Labels", &volume.labels);
    obs_volume_identify(&volume);
    if (!r->bad)
        *(struct obs_volume *)ret = volume;
    return end(r);
}

struct volumes {
    void *found;
    size_t n;
};

static int decode_volumes(struct engine_reply *r, const json_t *v, void *ret)
{
    struct volumes *into = ret;
    const json_t *list = engine_reply_array(r, v, "Volumes");

    if (r->bad)
        return -1;
    return decode_array(r, list, sizeof(struct obs_volume), decode_vol, &into->found, &into->n);
}

int engine_decode_volume_list(const char *text, size_t n, struct arena *a, struct obs_volume **ret,
                              size_t *ret_n, struct err *e)
{
    struct engine_reply r = {a, e, false};
    struct volumes all = {0};

    if (decode_one(text, n, &r, decode_volumes, &all) < 0)
        return err_wrap(e, "volumes");
    *ret = all.found;
    *ret_n = all.n;
    return 0;
}

static int decode_sizes(struct engine_reply *r, const json_t *v, void *ret)
{
    const json_t *list = engine_reply_array(r, v, "Volumes");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        const char *name = js_str(one, "Name", NULL);
        int64_t bytes = js_int(one, "UsageData.Size", -1);

        if (name && bytes >= 0)
            kvs_set(r->arena, ret, arena_strdup(r->arena, name),
                    arena_printf(r->arena, "%lld", (long long)bytes));
    }
    return end(r);
}

int engine_decode_volume_sizes(const char *text, size_t n, struct arena *a, struct kvs *ret,
                               struct err *e)
{
    struct engine_reply r = {a, e, false};
    struct kvs sizes = {0};

    if (decode_one(text, n, &r, decode_sizes, &sizes) < 0)
        return err_wrap(e, "sizes of volumes");
    *ret = sizes;
    return 0;
}

int engine_decode_volume(const char *text, size_t n, struct arena *a, struct obs_volume *ret,
                         struct err *e)
{
    struct engine_reply r = {a, e, false};

    return decode_one(text, n, &r, decode_vol, ret) < 0 ? err_wrap(e, "volume") : 0;
}

/* ---- images ---- */

static int decode_img(struct engine_reply *r, const json_t *v, void *ret)
{
    struct obs_image image = {0};
    const json_t *config = engine_reply_object(r, v, "Config");
    json_t *exposed = (json_t *)(uintptr_t)engine_reply_object(r, config, "ExposedPorts");
    const char *key;
    json_t *nothing;

    image.id = need_text(r, v, "Id");
    image.fields = engine_fields_of_image(v, r->arena);
    json_object_foreach(exposed, key, nothing)
        strv_push(r->arena, &image.exposed, arena_strdup(r->arena, key));
    strv_sort(&image.exposed);
    if (!r->bad)
        *(struct obs_image *)ret = image;
    return end(r);
}

int engine_decode_image(const char *ref, const char *text, size_t n, struct arena *a,
                        struct obs_image *ret, struct err *e)
{
    struct engine_reply r = {a, e, false};

    if (decode_one(text, n, &r, decode_img, ret) < 0)
        return err_wrap(e, "image");
    ret->ref = arena_strdup(a, ref);
    return 0;
}

/* ---- errors and events ---- */

const char *engine_decode_message(const char *text, size_t n, struct arena *a)
{
    CLEANUP(str_release) struct str safe = STR_INIT;
    json_auto_t *v = engine_reply_parse(text, n, NULL);
    const char *message = js_str(v, "message", NULL);

    while (!message && n > 0 && strchr(" \t\r\n", text[n - 1]))
        n--;
    str_add_escaped(&safe, message ? message : arena_strndup(a, text, n < 300 ? n : 300));
    return safe.len ? arena_strndup(a, safe.buf, safe.len) : "the engine gave no reason";
}

static int decode_ev(struct engine_reply *r, const json_t *v, void *ret)
{
    struct engine_event ev = {0};
    const json_t *actor = engine_reply_object(r, v, "Actor");
    const json_t *attributes = engine_reply_object(r, actor, "Attributes");
    const char *action = need_text(r, v, "Action");

    ev.type = need_text(r, v, "Type");
    ev.action = arena_strndup(r->arena, action, strcspn(action, ":"));
    ev.id = engine_reply_text(r, actor, "ID", NULL);
    ev.name = engine_reply_text(r, attributes, "name", NULL);
    ev.app = engine_reply_text(r, attributes, LABEL_APP, NULL);
    ev.project = engine_reply_text(r, attributes, LABEL_COMPOSE_PROJECT, NULL);
    ev.owner = engine_reply_text(r, attributes, LABEL_OWNER, NULL);
    ev.container = engine_reply_text(r, attributes, "container", NULL);
    ev.time_ns = engine_reply_int(r, v, "timeNano", INT64_MIN, INT64_MAX);
    if (!r->bad)
        *(struct engine_event *)ret = ev;
    return end(r);
}

int engine_decode_event(const char *line, size_t n, struct arena *a, struct engine_event *ret,
                        struct err *e)
{
    struct engine_reply r = {a, e, false};

    return decode_one(line, n, &r, decode_ev, ret) < 0 ? err_wrap(e, "event") : 0;
}
