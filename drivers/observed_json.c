/* observed_json.c: what the engine has as JSON: saved passes, and observed.json of golden cases, which people write by hand.
 *
 * In: a struct observed, or such a document. Out: the other. Each object is one table of members below, read and written from
 * the same rows; writing leaves out what reading would fill in, so reading what was written gives an equal value.
 *
 * Reading is lenient about what is absent (ids follow from names, a container is running) and strict about what is
 * there: an unknown member or a value of the wrong type is an error that says where. */
#include <stdio.h>
#include <string.h>

#include "drivers/observed.h"
#include "spec/base/arena.h"
#include "spec/base/attr.h"
#include "spec/base/err.h"
#include "spec/base/js.h"

struct reader {
    struct arena *arena;
    struct err *e;
};

/* How one type of member is read and written. write gives a new value, or NULL to leave the member out. */
struct type {
    int (*read)(struct reader *r, const json_t *v, void *at);
    json_t *(*write)(const void *at);
};

/* One element of a list: its size and how it is read into zeroed memory and written. */
struct element {
    size_t size;
    int (*read)(struct reader *r, const json_t *v, void *ret);
    json_t *(*write)(const void *from);
};

struct member {
    const char *name;
    const struct type *type; /* NULL: a list, by the two below */
    size_t offset;
    const struct element *of;
    size_t count_offset; /* of the list's length */
};

static int refuse(struct reader *r, const char *wanted)
{
    return err_set(r->e, ERR_USER, "must be %s", wanted);
}

/* ---- objects and lists by their rows ---- */

static int read_list(struct reader *r, const struct member *row, const json_t *v, void *object)
{
    size_t n = json_array_size(v);
    char *elements = arena_array(r->arena, n, row->of->size);

    if (!json_is_array(v))
        return refuse(r, "a list");
    for (size_t i = 0; i < n; i++)
        if (row->of->read(r, json_array_get(v, i), elements + i * row->of->size) < 0)
            return err_wrap(r->e, "[%zu]", i);
    *(void **)(void *)((char *)object + row->offset) = elements;
    *(size_t *)(void *)((char *)object + row->count_offset) = n;
    return 0;
}

static json_t *write_list(const struct member *row, const void *object)
{
    const char *elements = *(char *const *)(const void *)((const char *)object + row->offset);
    size_t n = *(const size_t *)(const void *)((const char *)object + row->count_offset);
    json_t *list = n ? json_array() : NULL;

    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(list, row->of->write(elements + i * row->of->size));
    return list;
}

static const struct member *find_member(const struct member *rows, size_t n_rows, const char *name)
{
    for (size_t i = 0; i < n_rows; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static int read_object(struct reader *r, const json_t *v, const struct member *rows, size_t n_rows,
                       void *ret)
{
    const char *key;
    json_t *value;

    if (!json_is_object(v))
        return refuse(r, "an object");
    json_object_foreach((json_t *)(uintptr_t)v, key, value)
    {
        const struct member *row = find_member(rows, n_rows, key);

        if (!row)
            return err_set(r->e, ERR_USER, "unknown member \"%s\"", key);
        if ((row->of ? read_list(r, row, value, ret)
                     : row->type->read(r, value, (char *)ret + row->offset)) < 0)
            return err_wrap(r->e, "%s", key);
    }
    return 0;
}

static json_t *write_object(const struct member *rows, size_t n_rows, const void *from)
{
    json_t *object = json_object();

    for (size_t i = 0; i < n_rows; i++) {
        const struct member *row = &rows[i];
        json_t *value =
            row->of ? write_list(row, from) : row->type->write((const char *)from + row->offset);

        if (value)
            (void)json_object_set_new(object, row->name, value);
    }
    return object;
}

/* ---- simple members ---- */

static int read_text(struct reader *r, const json_t *v, void *at)
{
    if (!json_is_string(v))
        return refuse(r, "a string");
    *(const char **)at = arena_strdup(r->arena, json_string_value(v));
    return 0;
}

static json_t *write_text(const void *at)
{
    const char *s = *(const char *const *)at;

    return s ? json_string(s) : NULL;
}

/* A text that may be null: "the engine does not have it". Reading has put a default there. */
static int read_text_or_null(struct reader *r, const json_t *v, void *at)
{
    if (!json_is_null(v))
        return read_text(r, v, at);
    *(const char **)at = NULL;
    return 0;
}

static json_t *write_text_or_null(const void *at)
{
    const char *s = *(const char *const *)at;

    return s ? json_string(s) : json_null();
}

static int read_int(struct reader *r, const json_t *v, void *at)
{
    json_int_t i = json_integer_value(v);

    if (!json_is_integer(v) || i < INT32_MIN || i > INT32_MAX)
        return refuse(r, "a number of 32 bits");
    *(int *)at = (int)i;
    return 0;
}

static json_t *write_int(const void *at)
{
    int i = *(const int *)at;

    return i ? json_integer(i) : NULL;
}

static int read_bool(struct reader *r, const json_t *v, void *at)
{
    if (!json_is_boolean(v))
        return refuse(r, "true or false");
    *(bool *)at = json_is_true(v);
    return 0;
}

static json_t *write_true(const void *at)
{
    return *(const bool *)at ? json_true() : NULL;
}

static json_t *write_false(const void *at)
{
    return *(const bool *)at ? NULL : json_false();
}

static int read_time(struct reader *r, const json_t *v, void *at)
{
    if (!json_is_string(v) || parse_time_ms(json_string_value(v), at) < 0)
        return refuse(r, "a time like \"2026-11-22T10:00:00Z\"");
    return 0;
}

/* With milliseconds: a saved pass must plan the same again. */
static json_t *write_time(const void *at)
{
    CLEANUP(str_release) struct str s = STR_INIT;
    int64_t ms = *(const int64_t *)at, fraction = ((ms % 1000) + 1000) % 1000;

    if (!ms)
        return NULL;
    str_add_time(&s, ms - fraction);
    if (fraction) {
        s.buf[--s.len] = '\0'; /* the Z */
        str_addf(&s, ".%03dZ", (int)fraction);
    }
    return json_string(str_text(&s));
}

static int read_texts(struct reader *r, const json_t *v, void *at)
{
    for (size_t i = 0; i < json_array_size(v); i++)
        if (!json_is_string(json_array_get(v, i)))
            return refuse(r, "a list of strings");
    if (!json_is_array(v))
        return refuse(r, "a list of strings");
    js_strv(v, "", r->arena, at);
    return 0;
}

static json_t *write_texts(const void *at)
{
    const struct strv *l = at;

    return l->n ? js_from_strv(l) : NULL;
}

static int read_pairs(struct reader *r, const json_t *v, void *at)
{
    const char *key;
    json_t *value;

    if (!json_is_object(v))
        return refuse(r, "an object of strings");
    json_object_foreach((json_t *)(uintptr_t)v, key, value)
    {
        if (!json_is_string(value))
            return refuse(r, "an object of strings");
    }
    js_kvs(v, "", r->arena, at);
    return 0;
}

static json_t *write_pairs(const void *at)
{
    const struct kvs *l = at;

    return l->n ? js_from_kvs(l) : NULL;
}

static int read_state(struct reader *r, const json_t *v, void *at)
{
    if (container_state_parse(json_string_value(v), at) < 0)
        return refuse(r, "created, running, paused, restarting, removing, exited or dead");
    return 0;
}

static json_t *write_state(const void *at)
{
    return json_string(container_state_name(*(const enum container_state *)at));
}

static int read_health(struct reader *r, const json_t *v, void *at)
{
    if (health_parse(json_string_value(v), at) < 0)
        return refuse(r, "none, starting, healthy or unhealthy");
    return 0;
}

static json_t *write_health(const void *at)
{
    enum health h = *(const enum health *)at;

    return h == HEALTH_NONE ? NULL : json_string(health_name(h));
}

static int read_route_state(struct reader *r, const json_t *v, void *at)
{
    if (route_state_parse(json_string_value(v), at) < 0)
        return refuse(r, "written, live or failed");
    return 0;
}

static json_t *write_route_state(const void *at)
{
    enum route_state s = *(const enum route_state *)at;

    return s == ROUTE_LIVE ? NULL : json_string(route_state_name(s));
}

static const struct type text = {read_text, write_text};
static const struct type text_or_null = {read_text_or_null, write_text_or_null};
static const struct type integer = {read_int, write_int};
static const struct type usually_false = {read_bool, write_true};
static const struct type usually_true = {read_bool, write_false};
static const struct type time_of = {read_time, write_time};
static const struct type texts = {read_texts, write_texts};
static const struct type pairs = {read_pairs, write_pairs};
static const struct type state_of = {read_state, write_state};
static const struct type health_of = {read_health, write_health};
static const struct type route_state_of = {read_route_state, write_route_state};

/* ---- attachments: "NAME", or {name, id, aliases} ---- */

static const struct member attach_members[] = {
    {"name", &text, offsetof(struct obs_attach, network_name), NULL, 0},
    {"id", &text, offsetof(struct obs_attach, network_id), NULL, 0},
    {"aliases", &texts, offsetof(struct obs_attach, aliases), NULL, 0},
};

static int read_attach(struct reader *r, const json_t *v, void *ret)
{
    struct obs_attach *at = ret;

    if (json_is_string(v))
        at->network_name = arena_strdup(r->arena, json_string_value(v));
    else if (read_object(r, v, attach_members, ARRAY_LEN(attach_members), at) < 0)
        return -1;
    if (!at->network_name)
        return refuse(r, "a network's name, or an object with a name");
    if (!at->network_id)
        at->network_id = arena_printf(r->arena, "net-%s", at->network_name);
    return 0;
}

static json_t *write_attach(const void *from)
{
    return write_object(attach_members, ARRAY_LEN(attach_members), from);
}
static const struct element attaches = {sizeof(struct obs_attach), read_attach, write_attach};

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

static int read_port(struct reader *r, const json_t *v, void *ret)
{
    struct obs_port *port = ret;
    char *s = arena_strdup(r->arena, json_is_string(v) ? json_string_value(v) : "");
    char *slash = strrchr(s, '/');

    port->protocol = slash ? slash + 1 : "tcp";
    if (slash)
        *slash = '\0';
    if (!strchr(s, ':') || cut_number(s, ':', 1, &port->target) < 0 ||
        cut_number(s, ':', 1, &port->published) < 0)
        return refuse(r, "a port like \"127.0.0.1:8080:80/tcp\"");
    size_t n = strlen(s);

    port->host_ip = s;
    if (*s != '[')
        return 0;
    if (n < 3 || s[n - 1] != ']')
        return refuse(r, "a port like \"[::1]:8080:80/tcp\"");
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
static const struct element ports = {sizeof(struct obs_port), read_port, write_port};

/* ---- containers ---- */

#define CONTAINER(member) offsetof(struct obs_container, member)
static const struct member container_members[] = {
    {"id", &text, CONTAINER(id), NULL, 0},
    {"name", &text, CONTAINER(name), NULL, 0},
    {"image", &text, CONTAINER(image), NULL, 0},
    {"image_id", &text, CONTAINER(image_id), NULL, 0},
    {"state", &state_of, CONTAINER(state), NULL, 0},
    {"health", &health_of, CONTAINER(health), NULL, 0},
    {"exit_code", &integer, CONTAINER(exit_code), NULL, 0},
    {"restart_count", &integer, CONTAINER(restart_count), NULL, 0},
    {"oom_killed", &usually_false, CONTAINER(oom_killed), NULL, 0},
    {"inspected", &usually_true, CONTAINER(inspected), NULL, 0},
    {"created", &time_of, CONTAINER(created_ms), NULL, 0},
    {"started", &time_of, CONTAINER(started_ms), NULL, 0},
    {"finished", &time_of, CONTAINER(finished_ms), NULL, 0},
    {"error", &text, CONTAINER(error), NULL, 0},
    {"labels", &pairs, CONTAINER(labels), NULL, 0},
    {"networks", NULL, CONTAINER(networks), &attaches, CONTAINER(n_networks)},
    {"ports", NULL, CONTAINER(ports), &ports, CONTAINER(n_ports)},
    {"volumes", &texts, CONTAINER(volumes), NULL, 0},
    {"fields", &pairs, CONTAINER(fields), NULL, 0},
};

/* The id an image has when nobody says it. */
static const char *image_id_of(const char *ref, struct arena *a)
{
    char hex[SHA256_HEX];

    sha256_hex(ref, strlen(ref), hex);
    return arena_printf(a, "sha256:%s", hex);
}

static int read_container(struct reader *r, const json_t *v, void *ret)
{
    struct obs_container *c = ret;

    c->state = CS_RUNNING;
    c->inspected = true;
    if (read_object(r, v, container_members, ARRAY_LEN(container_members), c) < 0)
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
    return write_object(container_members, ARRAY_LEN(container_members), from);
}
static const struct element containers = {sizeof(struct obs_container), read_container,
                                          write_container};

/* ---- networks ---- */

static const struct member network_members[] = {
    {"id", &text, offsetof(struct obs_network, id), NULL, 0},
    {"name", &text, offsetof(struct obs_network, name), NULL, 0},
    {"driver", &text, offsetof(struct obs_network, driver), NULL, 0},
    {"internal", &usually_false, offsetof(struct obs_network, internal), NULL, 0},
    {"subnets", &texts, offsetof(struct obs_network, subnets), NULL, 0},
    {"gateway", &text, offsetof(struct obs_network, gateway), NULL, 0},
    {"labels", &pairs, offsetof(struct obs_network, labels), NULL, 0},
};

static int read_network(struct reader *r, const json_t *v, void *ret)
{
    struct obs_network *n = ret;

    n->driver = "bridge";
    if (read_object(r, v, network_members, ARRAY_LEN(network_members), n) < 0)
        return -1;
    if (!n->name)
        return err_set(r->e, ERR_USER, "a network needs a name");
    if (!n->id)
        n->id = arena_printf(r->arena, "net-%s", n->name);
    return 0;
}

static json_t *write_network(const void *from)
{
    return write_object(network_members, ARRAY_LEN(network_members), from);
}
static const struct element networks = {sizeof(struct obs_network), read_network, write_network};

/* ---- volumes ---- */

static const struct member volume_members[] = {
    {"name", &text, offsetof(struct obs_volume, name), NULL, 0},
    {"driver", &text, offsetof(struct obs_volume, driver), NULL, 0},
    {"labels", &pairs, offsetof(struct obs_volume, labels), NULL, 0},
};

static int read_volume(struct reader *r, const json_t *v, void *ret)
{
    struct obs_volume *volume = ret;

    volume->driver = "local";
    if (read_object(r, v, volume_members, ARRAY_LEN(volume_members), volume) < 0)
        return -1;
    return volume->name ? 0 : err_set(r->e, ERR_USER, "a volume needs a name");
}

static json_t *write_volume(const void *from)
{
    return write_object(volume_members, ARRAY_LEN(volume_members), from);
}
static const struct element volumes = {sizeof(struct obs_volume), read_volume, write_volume};

/* ---- images ---- */

static const struct member image_members[] = {
    {"ref", &text, offsetof(struct obs_image, ref), NULL, 0},
    {"id", &text_or_null, offsetof(struct obs_image, id), NULL, 0},
    {"fields", &pairs, offsetof(struct obs_image, fields), NULL, 0},
    {"exposed", &texts, offsetof(struct obs_image, exposed), NULL, 0},
    {"pulled", &time_of, offsetof(struct obs_image, pulled_ms), NULL, 0},
    {"tried", &time_of, offsetof(struct obs_image, tried_ms), NULL, 0},
};

static int read_image(struct reader *r, const json_t *v, void *ret)
{
    struct obs_image *i = ret;

    i->id = ""; /* told apart from null, which is NULL */
    if (read_object(r, v, image_members, ARRAY_LEN(image_members), i) < 0)
        return -1;
    if (!i->ref)
        return err_set(r->e, ERR_USER, "an image needs a ref");
    if (i->id && !*i->id)
        i->id = image_id_of(i->ref, r->arena);
    return 0;
}

static json_t *write_image(const void *from)
{
    return write_object(image_members, ARRAY_LEN(image_members), from);
}
static const struct element images = {sizeof(struct obs_image), read_image, write_image};

/* ---- route files ---- */

static const struct member route_members[] = {
    {"app", &text, offsetof(struct obs_route, app), NULL, 0},
    {"digest", &text, offsetof(struct obs_route, digest), NULL, 0},
    {"state", &route_state_of, offsetof(struct obs_route, state), NULL, 0},
    {"error", &text, offsetof(struct obs_route, error), NULL, 0},
    {"servers", &texts, offsetof(struct obs_route, servers), NULL, 0},
    {"since", &time_of, offsetof(struct obs_route, since_ms), NULL, 0},
};

static int read_route(struct reader *r, const json_t *v, void *ret)
{
    struct obs_route *route = ret;

    route->state = ROUTE_LIVE;
    route->digest = "";
    if (read_object(r, v, route_members, ARRAY_LEN(route_members), route) < 0)
        return -1;
    return route->app ? 0 : err_set(r->e, ERR_USER, "a route file needs an app");
}

static json_t *write_route(const void *from)
{
    return write_object(route_members, ARRAY_LEN(route_members), from);
}
static const struct element routes = {sizeof(struct obs_route), read_route, write_route};

/* ---- volumes in quarantine ---- */

#define RECORD(member) offsetof(struct quarantine_record, member)
static const struct member record_members[] = {
    {"volume", &text, RECORD(volume), NULL, 0},
    {"owner", &text, RECORD(owner), NULL, 0},
    {"app", &text, RECORD(app), NULL, 0},
    {"why", &text, RECORD(why), NULL, 0},
    {"by", &text, RECORD(by), NULL, 0},
    {"since", &time_of, RECORD(since_ms), NULL, 0},
    {"until", &time_of, RECORD(until_ms), NULL, 0},
    {"purge", &usually_false, RECORD(purge), NULL, 0},
    {"problem", &text, RECORD(problem), NULL, 0},
};

static int read_record(struct reader *r, const json_t *v, void *ret)
{
    struct quarantine_record *record = ret;

    if (read_object(r, v, record_members, ARRAY_LEN(record_members), record) < 0)
        return -1;
    bool whole = record->problem || (record->owner && record->app && record->until_ms);

    return record->volume && whole
               ? 0
               : err_set(r->e, ERR_USER, "a record needs a volume, an owner, an app and an end");
}

static json_t *write_record(const void *from)
{
    return write_object(record_members, ARRAY_LEN(record_members), from);
}
static const struct element records = {sizeof(struct quarantine_record), read_record, write_record};

/* ---- hooks ---- */

static const char *const hook_words[] = {
    [HOOKS_RUNNING] = "running", [HOOKS_DONE] = "done", [HOOKS_FAILED] = "failed"};

static int read_hook_state(struct reader *r, const json_t *v, void *at)
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
static const struct type hook_state_of = {read_hook_state, write_hook_state};

static const struct member hook_members[] = {
    {"container", &text, offsetof(struct obs_hook, container), NULL, 0},
    {"started", &time_of, offsetof(struct obs_hook, started_ms), NULL, 0},
    {"state", &hook_state_of, offsetof(struct obs_hook, state), NULL, 0},
    {"error", &text, offsetof(struct obs_hook, error), NULL, 0},
};

static int read_hook(struct reader *r, const json_t *v, void *ret)
{
    struct obs_hook *h = ret;

    h->state = HOOKS_DONE;
    if (read_object(r, v, hook_members, ARRAY_LEN(hook_members), h) < 0)
        return -1;
    return h->container ? 0 : err_set(r->e, ERR_USER, "a hook needs a container");
}

static json_t *write_hook(const void *from)
{
    return write_object(hook_members, ARRAY_LEN(hook_members), from);
}
static const struct element hooks = {sizeof(struct obs_hook), read_hook, write_hook};

/* ---- the whole ---- */

static const struct member engine_members[] = {
    {"version", &text, offsetof(struct observed, engine_version), NULL, 0},
    {"api", &text, offsetof(struct observed, api_version), NULL, 0},
    {"platform", &text, offsetof(struct observed, platform), NULL, 0},
};

static int read_engine(struct reader *r, const json_t *v, void *at)
{
    return read_object(r, v, engine_members, ARRAY_LEN(engine_members), at);
}

static json_t *write_engine(const void *at)
{
    return write_object(engine_members, ARRAY_LEN(engine_members), at);
}
static const struct type engine_of = {read_engine, write_engine};

#define OBSERVED(member) offsetof(struct observed, member)
static const struct member observed_members[] = {
    {"engine", &engine_of, 0, NULL, 0},
    {"containers", NULL, OBSERVED(containers), &containers, OBSERVED(n_containers)},
    {"networks", NULL, OBSERVED(networks), &networks, OBSERVED(n_networks)},
    {"volumes", NULL, OBSERVED(volumes), &volumes, OBSERVED(n_volumes)},
    {"images", NULL, OBSERVED(images), &images, OBSERVED(n_images)},
    {"routes", NULL, OBSERVED(routes), &routes, OBSERVED(n_routes)},
    {"quarantine", NULL, OBSERVED(quarantine), &records, OBSERVED(n_quarantine)},
    {"hooks", NULL, OBSERVED(hooks), &hooks, OBSERVED(n_hooks)},
};

json_t *observed_to_json(const struct observed *o)
{
    return write_object(observed_members, ARRAY_LEN(observed_members), o);
}

struct observed *observed_from_json(const json_t *v, struct arena *a, struct err *e)
{
    struct reader r = {a, e};
    struct observed *o = ARENA_NEW(a, struct observed);

    if (read_object(&r, v, observed_members, ARRAY_LEN(observed_members), o) < 0)
        return NULL;
    observed_seal(o, a);
    return o;
}
