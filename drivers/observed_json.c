/* observed_json.c: what the engine has as JSON: saved passes, and observed.json of golden cases, which people write by hand.
 *
 * In: a struct observed, or such a document. Out: the other. Each object is one table of members below, read and written from
 * the same rows; writing leaves out what reading would fill in, so reading what was written gives an equal value.
 *
 * Reading is lenient about what is absent (ids follow from names, a container is running) and strict about what is
 * there: an unknown member or a value of the wrong type is an error that says where. */
#include <stdio.h>
#include <string.h>

#include "drivers/json_rows.h"
#include "drivers/observed.h"
#include "spec/base/arena.h"
#include "spec/base/attr.h"
#include "spec/base/err.h"
#include "spec/base/js.h"

/* ---- members of their own kind ---- */

static int read_state(struct json_reader *r, const json_t *v, void *at)
{
    if (container_state_parse(json_string_value(v), at) < 0)
        return json_refuse(r, "created, running, paused, restarting, removing, exited or dead");
    return 0;
}

static json_t *write_state(const void *at)
{
    return json_string(container_state_name(*(const enum container_state *)at));
}

static int read_health(struct json_reader *r, const json_t *v, void *at)
{
    if (health_parse(json_string_value(v), at) < 0)
        return json_refuse(r, "none, starting, healthy or unhealthy");
    return 0;
}

static json_t *write_health(const void *at)
{
    enum health h = *(const enum health *)at;

    return h == HEALTH_NONE ? NULL : json_string(health_name(h));
}

static int read_route_state(struct json_reader *r, const json_t *v, void *at)
{
    if (route_state_parse(json_string_value(v), at) < 0)
        return json_refuse(r, "written, live or failed");
    return 0;
}

static json_t *write_route_state(const void *at)
{
    enum route_state s = *(const enum route_state *)at;

    return s == ROUTE_LIVE ? NULL : json_string(route_state_name(s));
}

static int read_trouble(struct json_reader *r, const json_t *v, void *at)
{
    if (file_trouble_parse(json_string_value(v), at) < 0)
        return json_refuse(r, "changed, linked, missing, access or kind");
    return 0;
}

static json_t *write_trouble(const void *at)
{
    enum file_trouble t = *(const enum file_trouble *)at;

    return t == FILE_CHANGED ? NULL : json_string(file_trouble_name(t));
}

static const struct json_type state_of = {read_state, write_state};
static const struct json_type health_of = {read_health, write_health};
static const struct json_type route_state_of = {read_route_state, write_route_state};
static const struct json_type trouble_of = {read_trouble, write_trouble};

/* ---- attachments: "NAME", or {name, id, aliases} ---- */

static const struct json_member attach_members[] = {
    {"name", &json_text, offsetof(struct obs_attach, network_name), NULL, 0},
    {"id", &json_text, offsetof(struct obs_attach, network_id), NULL, 0},
    {"aliases", &json_texts, offsetof(struct obs_attach, aliases), NULL, 0},
};

static int read_attach(struct json_reader *r, const json_t *v, void *ret)
{
    struct obs_attach *at = ret;

    if (json_is_string(v))
        at->network_name = arena_strdup(r->arena, json_string_value(v));
    else if (json_read_object(r, v, attach_members, ARRAY_LEN(attach_members), at) < 0)
        return -1;
    if (!at->network_name)
        return json_refuse(r, "a network's name, or an object with a name");
    if (!at->network_id)
        at->network_id = arena_printf(r->arena, "net-%s", at->network_name);
    return 0;
}

static json_t *write_attach(const void *from)
{
    return json_write_object(attach_members, ARRAY_LEN(attach_members), from);
}
static const struct json_element attaches = {sizeof(struct obs_attach), read_attach, write_attach};

/* ---- ports: "8080:80/tcp", "127.0.0.1:8080:80/tcp", "[::1]:8080:80/tcp" ---- */

/* The last `between`-separated number of *s, which loses it. */
static int cut_number(char *s, char between, int min, int *ret)
{
    char *at = between ? strrchr(s, between) : NULL;
    int64_t number;

    if (parse_int64(at ? at + 1 : s, min, 65535, &number) < 0)
        return -1;
    *ret = (int)number;
    *(at ? at : s) = '\0';
    return 0;
}

static int read_port(struct json_reader *r, const json_t *v, void *ret)
{
    struct obs_port *port = ret;
    char *s = arena_strdup(r->arena, json_is_string(v) ? json_string_value(v) : "");
    char *slash = strrchr(s, '/');

    port->protocol = slash ? slash + 1 : "tcp";
    if (slash)
        *slash = '\0';
    if (!strchr(s, ':') || cut_number(s, ':', 1, &port->target) < 0 ||
        cut_number(s, ':', 1, &port->published) < 0)
        return json_refuse(r, "a port like \"127.0.0.1:8080:80/tcp\"");
    size_t n = strlen(s);

    port->host_ip = s;
    if (*s != '[')
        return 0;
    if (n < 3 || s[n - 1] != ']')
        return json_refuse(r, "a port like \"[::1]:8080:80/tcp\"");
    s[n - 1] = '\0';
    port->host_ip = s + 1;
    return 0;
}

static json_t *write_port(const void *from)
{
    const struct obs_port *port = from;
    CLEANUP(str_release) struct str s = STR_INIT;
    const char *ip = port->host_ip ? port->host_ip : "";

    if (*ip)
        str_addf(&s, strchr(ip, ':') ? "[%s]:" : "%s:", ip);
    str_addf(&s, "%d:%d/%s", port->published, port->target, port->protocol);
    return json_string(str_text(&s));
}
static const struct json_element ports = {sizeof(struct obs_port), read_port, write_port};

/* ---- containers ---- */

#define CONTAINER(member) offsetof(struct obs_container, member)
static const struct json_member container_members[] = {
    {"id", &json_text, CONTAINER(id), NULL, 0},
    {"name", &json_text, CONTAINER(name), NULL, 0},
    {"image", &json_text, CONTAINER(image), NULL, 0},
    {"image_id", &json_text, CONTAINER(image_id), NULL, 0},
    {"state", &state_of, CONTAINER(state), NULL, 0},
    {"health", &health_of, CONTAINER(health), NULL, 0},
    {"exit_code", &json_integer_of, CONTAINER(exit_code), NULL, 0},
    {"restart_count", &json_integer_of, CONTAINER(restart_count), NULL, 0},
    {"oom_killed", &json_usually_false, CONTAINER(oom_killed), NULL, 0},
    {"inspected", &json_usually_true, CONTAINER(inspected), NULL, 0},
    {"created", &json_time_of, CONTAINER(created_ms), NULL, 0},
    {"started", &json_time_of, CONTAINER(started_ms), NULL, 0},
    {"finished", &json_time_of, CONTAINER(finished_ms), NULL, 0},
    {"error", &json_text, CONTAINER(error), NULL, 0},
    {"labels", &json_pairs, CONTAINER(labels), NULL, 0},
    {"networks", NULL, CONTAINER(networks), &attaches, CONTAINER(n_networks)},
    {"ports", NULL, CONTAINER(ports), &ports, CONTAINER(n_ports)},
    {"volumes", &json_texts, CONTAINER(volumes), NULL, 0},
    {"anonymous", &json_pairs, CONTAINER(anonymous), NULL, 0},
    {"fields", &json_pairs, CONTAINER(fields), NULL, 0},
};

/* The id an image has when nobody says it. */
static const char *image_id_of(const char *ref, struct arena *a)
{
    char hex[SHA256_HEX];

    sha256_hex(ref, strlen(ref), hex);
    return arena_printf(a, "sha256:%s", hex);
}

static int read_container(struct json_reader *r, const json_t *v, void *ret)
{
    struct obs_container *c = ret;

    c->state = CS_RUNNING;
    c->inspected = true;
    if (json_read_object(r, v, container_members, ARRAY_LEN(container_members), c) < 0)
        return -1;
    if (!c->name)
        return err_set(r->e, ERR_USER, "a container needs a name");
    if (!c->id)
        c->id = arena_printf(r->arena, "id-%s", c->name);
    if (!c->image)
        c->image = "";
    if (!c->image_id)
        c->image_id = *c->image ? image_id_of(c->image, r->arena) : "";
    return 0;
}

static json_t *write_container(const void *from)
{
    return json_write_object(container_members, ARRAY_LEN(container_members), from);
}
static const struct json_element containers = {sizeof(struct obs_container), read_container,
                                               write_container};

/* ---- networks ---- */

static const struct json_member network_members[] = {
    {"id", &json_text, offsetof(struct obs_network, id), NULL, 0},
    {"name", &json_text, offsetof(struct obs_network, name), NULL, 0},
    {"driver", &json_text, offsetof(struct obs_network, driver), NULL, 0},
    {"internal", &json_usually_false, offsetof(struct obs_network, internal), NULL, 0},
    {"subnets", &json_texts, offsetof(struct obs_network, subnets), NULL, 0},
    {"gateway", &json_text, offsetof(struct obs_network, gateway), NULL, 0},
    {"labels", &json_pairs, offsetof(struct obs_network, labels), NULL, 0},
};

static int read_network(struct json_reader *r, const json_t *v, void *ret)
{
    struct obs_network *n = ret;

    n->driver = "bridge";
    if (json_read_object(r, v, network_members, ARRAY_LEN(network_members), n) < 0)
        return -1;
    if (!n->name)
        return err_set(r->e, ERR_USER, "a network needs a name");
    if (!n->id)
        n->id = arena_printf(r->arena, "net-%s", n->name);
    return 0;
}

static json_t *write_network(const void *from)
{
    return json_write_object(network_members, ARRAY_LEN(network_members), from);
}
static const struct json_element networks = {sizeof(struct obs_network), read_network,
                                             write_network};

/* ---- volumes ---- */

static const struct json_member volume_members[] = {
    {"name", &json_text, offsetof(struct obs_volume, name), NULL, 0},
    {"driver", &json_text, offsetof(struct obs_volume, driver), NULL, 0},
    {"labels", &json_pairs, offsetof(struct obs_volume, labels), NULL, 0},
};

static int read_volume(struct json_reader *r, const json_t *v, void *ret)
{
    struct obs_volume *volume = ret;

    volume->driver = "local";
    if (json_read_object(r, v, volume_members, ARRAY_LEN(volume_members), volume) < 0)
        return -1;
    return volume->name ? 0 : err_set(r->e, ERR_USER, "a volume needs a name");
}

static json_t *write_volume(const void *from)
{
    return json_write_object(volume_members, ARRAY_LEN(volume_members), from);
}
static const struct json_element volumes = {sizeof(struct obs_volume), read_volume, write_volume};

/* ---- images ---- */

static const struct json_member image_members[] = {
    {"ref", &json_text, offsetof(struct obs_image, ref), NULL, 0},
    {"id", &json_text_or_null, offsetof(struct obs_image, id), NULL, 0},
    {"fields", &json_pairs, offsetof(struct obs_image, fields), NULL, 0},
    {"exposed", &json_texts, offsetof(struct obs_image, exposed), NULL, 0},
    {"pulled", &json_time_of, offsetof(struct obs_image, pulled_ms), NULL, 0},
    {"tried", &json_time_of, offsetof(struct obs_image, tried_ms), NULL, 0},
};

static int read_image(struct json_reader *r, const json_t *v, void *ret)
{
    struct obs_image *i = ret;

    i->id = ""; /* told apart from null, which is NULL */
    if (json_read_object(r, v, image_members, ARRAY_LEN(image_members), i) < 0)
        return -1;
    if (!i->ref)
        return err_set(r->e, ERR_USER, "an image needs a ref");
    if (i->id && !*i->id)
        i->id = image_id_of(i->ref, r->arena);
    return 0;
}

static json_t *write_image(const void *from)
{
    return json_write_object(image_members, ARRAY_LEN(image_members), from);
}
static const struct json_element images = {sizeof(struct obs_image), read_image, write_image};

/* ---- route files ---- */

static const struct json_member route_members[] = {
    {"app", &json_text, offsetof(struct obs_route, app), NULL, 0},
    {"digest", &json_text, offsetof(struct obs_route, digest), NULL, 0},
    {"state", &route_state_of, offsetof(struct obs_route, state), NULL, 0},
    {"error", &json_text, offsetof(struct obs_route, error), NULL, 0},
    {"servers", &json_texts, offsetof(struct obs_route, servers), NULL, 0},
    {"since", &json_time_of, offsetof(struct obs_route, since_ms), NULL, 0},
};

static int read_route(struct json_reader *r, const json_t *v, void *ret)
{
    struct obs_route *route = ret;

    route->state = ROUTE_LIVE;
    route->digest = "";
    if (json_read_object(r, v, route_members, ARRAY_LEN(route_members), route) < 0)
        return -1;
    return route->app ? 0 : err_set(r->e, ERR_USER, "a route file needs an app");
}

static json_t *write_route(const void *from)
{
    return json_write_object(route_members, ARRAY_LEN(route_members), from);
}
static const struct json_element routes = {sizeof(struct obs_route), read_route, write_route};

/* ---- volumes in quarantine ---- */

#define RECORD(member) offsetof(struct quarantine_record, member)
static const struct json_member record_members[] = {
    {"volume", &json_text, RECORD(volume), NULL, 0},
    {"owner", &json_text, RECORD(owner), NULL, 0},
    {"app", &json_text, RECORD(app), NULL, 0},
    {"why", &json_text, RECORD(why), NULL, 0},
    {"by", &json_text, RECORD(by), NULL, 0},
    {"since", &json_time_of, RECORD(since_ms), NULL, 0},
    {"until", &json_time_of, RECORD(until_ms), NULL, 0},
    {"purge", &json_usually_false, RECORD(purge), NULL, 0},
    {"problem", &json_text, RECORD(problem), NULL, 0},
};

static int read_record(struct json_reader *r, const json_t *v, void *ret)
{
    struct quarantine_record *record = ret;

    if (json_read_object(r, v, record_members, ARRAY_LEN(record_members), record) < 0)
        return -1;
    bool whole = record->problem || (record->owner && record->app && record->until_ms);

    return record->volume && whole
               ? 0
               : err_set(r->e, ERR_USER, "a record needs a volume, an owner, an app and an end");
}

static json_t *write_record(const void *from)
{
    return json_write_object(record_members, ARRAY_LEN(record_members), from);
}
static const struct json_element records = {sizeof(struct quarantine_record), read_record,
                                            write_record};

/* ---- files that containers mount ---- */

static const struct json_member file_members[] = {
    {"path", &json_text, offsetof(struct obs_file, path), NULL, 0},
    {"trouble", &trouble_of, offsetof(struct obs_file, trouble), NULL, 0},
    {"since", &json_time_of, offsetof(struct obs_file, since_ms), NULL, 0},
};

static int read_file(struct json_reader *r, const json_t *v, void *ret)
{
    struct obs_file *file = ret;

    if (json_read_object(r, v, file_members, ARRAY_LEN(file_members), file) < 0)
        return -1;
    return file->path ? 0 : err_set(r->e, ERR_USER, "a file needs a path");
}

static json_t *write_file(const void *from)
{
    return json_write_object(file_members, ARRAY_LEN(file_members), from);
}
static const struct json_element files = {sizeof(struct obs_file), read_file, write_file};

/* ---- hooks ---- */

static const char *const hook_words[] = {
    [HOOKS_RUNNING] = "running", [HOOKS_DONE] = "done", [HOOKS_FAILED] = "failed"};

static int read_hook_state(struct json_reader *r, const json_t *v, void *at)
{
    const char *word = json_string_value(v);

    for (size_t i = 0; word && i < ARRAY_LEN(hook_words); i++)
        if (strcmp(hook_words[i], word) == 0) {
            *(enum hook_state *)at = (enum hook_state)i;
            return 0;
        }
    return err_set(r->e, ERR_USER, "not a state of a hook");
}

static json_t *write_hook_state(const void *at)
{
    return json_string(hook_words[*(const enum hook_state *)at]);
}
static const struct json_type hook_state_of = {read_hook_state, write_hook_state};

static const struct json_member hook_members[] = {
    {"container", &json_text, offsetof(struct obs_hook, container), NULL, 0},
    {"started", &json_time_of, offsetof(struct obs_hook, started_ms), NULL, 0},
    {"state", &hook_state_of, offsetof(struct obs_hook, state), NULL, 0},
    {"error", &json_text, offsetof(struct obs_hook, error), NULL, 0},
};

static int read_hook(struct json_reader *r, const json_t *v, void *ret)
{
    struct obs_hook *h = ret;

    h->state = HOOKS_DONE;
    if (json_read_object(r, v, hook_members, ARRAY_LEN(hook_members), h) < 0)
        return -1;
    return h->container ? 0 : err_set(r->e, ERR_USER, "a hook needs a container");
}

static json_t *write_hook(const void *from)
{
    return json_write_object(hook_members, ARRAY_LEN(hook_members), from);
}
static const struct json_element hooks = {sizeof(struct obs_hook), read_hook, write_hook};

/* ---- the whole ---- */

static const struct json_member engine_members[] = {
    {"version", &json_text, offsetof(struct observed, engine_version), NULL, 0},
    {"api", &json_text, offsetof(struct observed, api_version), NULL, 0},
    {"platform", &json_text, offsetof(struct observed, platform), NULL, 0},
};

static int read_engine(struct json_reader *r, const json_t *v, void *at)
{
    return json_read_object(r, v, engine_members, ARRAY_LEN(engine_members), at);
}

static json_t *write_engine(const void *at)
{
    return json_write_object(engine_members, ARRAY_LEN(engine_members), at);
}
static const struct json_type engine_of = {read_engine, write_engine};

#define OBSERVED(member) offsetof(struct observed, member)
static const struct json_member observed_members[] = {
    {"engine", &engine_of, 0, NULL, 0},
    {"containers", NULL, OBSERVED(containers), &containers, OBSERVED(n_containers)},
    {"networks", NULL, OBSERVED(networks), &networks, OBSERVED(n_networks)},
    {"volumes", NULL, OBSERVED(volumes), &volumes, OBSERVED(n_volumes)},
    {"images", NULL, OBSERVED(images), &images, OBSERVED(n_images)},
    {"routes", NULL, OBSERVED(routes), &routes, OBSERVED(n_routes)},
    {"quarantine", NULL, OBSERVED(quarantine), &records, OBSERVED(n_quarantine)},
    {"files", NULL, OBSERVED(files), &files, OBSERVED(n_files)},
    {"hooks", NULL, OBSERVED(hooks), &hooks, OBSERVED(n_hooks)},
};

json_t *observed_to_json(const struct observed *o)
{
    return json_write_object(observed_members, ARRAY_LEN(observed_members), o);
}

struct observed *observed_from_json(const json_t *v, struct arena *a, struct err *e)
{
    struct json_reader r = {a, e};
    struct observed *o = ARENA_NEW(a, struct observed);

    if (json_read_object(&r, v, observed_members, ARRAY_LEN(observed_members), o) < 0)
        return NULL;
    observed_seal(o, a);
    return o;
}
