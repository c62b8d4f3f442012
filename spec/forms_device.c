/* forms_device.c: devices of the host, GPUs among them.
 *
 * In: `devices`, `gpus` and the reserved devices of `deploy`. Out: struct device for what is a path, struct gpu for what a driver of the engine hands out. Whether there is such a device is
 * known to the engine alone.
 * Source: github.com/compose-spec/compose-spec, 05-services.md and deploy.md. */
#include "spec/forms.h"

#include <inttypes.h>

#include "spec/app.h"
#include "spec/base/arena.h"
#include "spec/decode.h"

static struct gpu *push_gpu(struct decode_ctx *c, struct service *s)
{
    struct gpu *more = ARENA_ARRAY(c->arena, s->n_gpus + 1, struct gpu);

    if (s->n_gpus)
        memcpy(more, s->gpus, s->n_gpus * sizeof(*more));
    s->gpus = more;
    return &s->gpus[s->n_gpus++];
}

/* ---- devices ---- */

static bool permissions_valid(const char *p)
{
    return *p && strspn(p, "rwm") == strlen(p);
}

static bool split_device(struct decode_ctx *c, const char *text, struct device *ret)
{
    char *host = arena_strdup(c->arena, text), *second = strchr(host, ':'), *third = NULL;

    *ret = (struct device){host, host, "rwm"};
    if (second) {
        *second++ = '\0';
        third = strchr(second, ':');
        if (third)
            *third++ = '\0';
        if (!third && permissions_valid(second)) /* /dev/x:rw */
            ret->permissions = second;
        else
            ret->container = second;
    }
    if (third)
        ret->permissions = third;
    return *ret->host && *ret->container;
}

/* vendor.com/class=name is a device that the engine finds in a CDI specification. */
static bool names_cdi(const struct device *d)
{
    return *d->host != '/' && strchr(d->host, '=') && strcmp(d->host, d->container) == 0;
}

static bool device_fine(struct decode_ctx *c, const struct yaml_node *v, const struct device *d)
{
    if (names_cdi(d))
        return true;
    if (*d->host != '/' || *d->container != '/') {
        decode_error(c, v, "example: /dev/ttyUSB0:/dev/ttyUSB0:rw",
                     "the path of a device must begin with /");
        return false;
    }
    if (!permissions_valid(d->permissions)) {
        decode_error(c, v, NULL, "\"%s\" are no permissions; allowed are the letters r, w and m",
                     d->permissions);
        return false;
    }
    return true;
}

static bool read_device(struct decode_ctx *c, const struct yaml_node *v, struct device *ret)
{
    const char *text;

    if (v->kind == YAML_MAP) {
        if (!decode_table(c, &fields_device, v, ret) || !ret->host)
            return false;
        ret->container = ret->container ? ret->container : ret->host;
        ret->permissions = ret->permissions ? ret->permissions : "rwm";
        return device_fine(c, v, ret);
    }
    text = decode_text(c, v, "a text such as \"/dev/ttyUSB0\", or a mapping");
    if (text && !split_device(c, text, ret)) {
        decode_error(c, v, "example: /dev/ttyUSB0:/dev/ttyUSB0:rw", "\"%s\" is not a device", text);
        return false;
    }
    return text && device_fine(c, v, ret);
}

static void push_cdi(struct decode_ctx *c, const struct yaml_node *v, const char *name,
                     struct service *s)
{
    struct gpu *g = NULL;

    for (size_t i = 0; !g && i < s->n_gpus; i++)
        if (s->gpus[i].of_devices)
            g = &s->gpus[i];
    if (!g) {
        g = push_gpu(c, s);
        *g = (struct gpu){.at = decode_place(c, v), .driver = "cdi", .of_devices = true};
    }
    strv_push(c->arena, &g->ids, name);
}

static void decode_form_devices(struct decode_ctx *c, const struct field *f,
                                const struct yaml_node *v, void *out)
{
    struct service *s = out;

    (void)f;
    if (!decode_is(c, v, YAML_LIST, "a list of devices"))
        return;
    s->devices = ARENA_ARRAY(c->arena, v->n + 1, struct device);
    for (size_t i = 0; i < v->n; i++) {
        struct device d = {0};

        decode_enter_index(c, i);
        if (!read_device(c, v->items[i], &d))
            ;
        else if (names_cdi(&d))
            push_cdi(c, v->items[i], d.host, s);
        else
            s->devices[s->n_devices++] = d;
        decode_leave(c);
    }
}

static bool show_form_devices(const struct field *f, const void *value, struct str *out)
{
    const struct service *s = value;

    (void)f;
    for (size_t i = 0; i < s->n_devices; i++) {
        str_add(out, i ? ", " : "[");
        show_text(s->devices[i].host, out);
        str_add(out, " at ");
        show_text(s->devices[i].container, out);
        str_addf(out, " %s", s->devices[i].permissions);
    }
    if (s->n_devices)
        str_addc(out, ']');
    return s->n_devices;
}

const struct form form_devices = {"a list of HOST[:CONTAINER[:PERMISSIONS]], or of mappings",
                                  decode_form_devices, show_form_devices,
                                  "{\"type\": \"array\", \"items\": {\"anyOf\": [{\"type\": "
                                  "\"string\"}, {\"$ref\": \"#/$defs/device\"}]}}"};

/* ---- gpus ---- */

static void decode_count(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                         void *out)
{
    struct num *n = out;

    (void)f;
    if (v->text && strcmp(v->text, "all") == 0)
        *n = (struct num){-1, true};
    else if (v->text && strspn(v->text, "0123456789") != strlen(v->text))
        decode_error(c, v, NULL, "\"%s\" is neither \"all\" nor a number", v->text);
    else if (decode_int(c, v, 1, LIMIT_LIST, &n->v))
        n->set = true;
}

static bool show_count(const struct field *f, const void *value, struct str *out)
{
    const struct num *n = value;

    (void)f;
    if (n->set && n->v < 0)
        str_add(out, "all");
    else if (n->set)
        str_addf(out, "%" PRId64, n->v);
    return n->set;
}

static const struct form form_count = {
    "all, or a number", decode_count, show_count,
    "{\"anyOf\": [{\"type\": \"integer\", \"minimum\": 1}, {\"type\": \"string\"}]}"};

/* The engine would refuse both together, at start and without saying why. */
static bool count_fits(struct decode_ctx *c, const struct yaml_node *v, struct gpu *g)
{
    if (g->count.set && g->ids.n > 0) {
        decode_error(c, v, "leave one of the two out",
                     "`count` and `device_ids` exclude each other");
        return false;
    }
    if (g->driver && strcmp(g->driver, "cdi") == 0 && g->ids.n == 0) {
        decode_error(c, v, "example: device_ids: [\"nvidia.com/gpu=0\"]",
                     "devices of driver `cdi` are asked for by `device_ids`");
        return false;
    }
    if (!g->count.set && g->ids.n == 0)
        g->count = (struct num){-1, true};
    return true;
}

static void read_gpu(struct decode_ctx *c, const struct yaml_node *v, bool reserved,
                     struct service *s)
{
    struct gpu g = {.at = decode_place(c, v)};
    size_t before = c->diags->errors;

    if (!decode_table(c, &fields_gpu, v, &g) || c->diags->errors > before || !count_fits(c, v, &g))
        return;
    if (reserved && g.capabilities.n == 0) {
        decode_error(c, v, "example: capabilities: [gpu]", "`capabilities` is missing");
        return;
    }
    if (!reserved && !strv_has(&g.capabilities, "gpu"))
        strv_push(c->arena, &g.capabilities, "gpu");
    strv_sort(&g.capabilities);
    *push_gpu(c, s) = g;
}

static void read_gpus(struct decode_ctx *c, const struct yaml_node *v, bool reserved,
                      struct service *s)
{
    if (!decode_is(c, v, YAML_LIST,
                   reserved ? "a list of mappings" : "`all`, or a list of mappings"))
        return;
    for (size_t i = 0; i < v->n; i++) {
        decode_enter_index(c, i);
        read_gpu(c, v->items[i], reserved, s);
        decode_leave(c);
    }
}

static void decode_form_gpus(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                             void *out)
{
    struct gpu all = {.at = decode_place(c, v), .count = {-1, true}};

    (void)f;
    if (!v->text || strcmp(v->text, "all") != 0) {
        read_gpus(c, v, false, out);
        return;
    }
    strv_push(c->arena, &all.capabilities, "gpu");
    *push_gpu(c, out) = all;
}

static void decode_form_reserved(struct decode_ctx *c, const struct field *f,
                                 const struct yaml_node *v, void *out)
{
    (void)f;
    read_gpus(c, v, true, out);
}

static bool show_form_gpus(const struct field *f, const void *value, struct str *out)
{
    const struct service *s = value;

    (void)f;
    for (size_t i = 0; i < s->n_gpus; i++) {
        str_add(out, i ? ", " : "[");
        (void)show_inline(&fields_gpu, &s->gpus[i], out);
    }
    if (s->n_gpus)
        str_addc(out, ']');
    return s->n_gpus;
}

const struct form form_gpus = {
    "all, or a list of mappings", decode_form_gpus, show_form_gpus,
    "{\"anyOf\": [{\"const\": \"all\"}, {\"type\": \"array\", \"items\": {\"$ref\": "
    "\"#/$defs/gpu\"}}]}"};
const struct form form_reserved_devices = {
    "a list of mappings", decode_form_reserved, NULL,
    "{\"type\": \"array\", \"items\": {\"$ref\": \"#/$defs/gpu\"}}"};

/* ---- rows ---- */

// clang-format off
#define TABLE(name, help, rows) {name, help, rows, ARRAY_LEN(rows)}
#define G(member) offsetof(struct gpu, member)

static const struct field rows_device[] = {
    {"permissions", &form_text, offsetof(struct device, permissions), .help = "letters of rwm", .fallback = "rwm"},
    {"source", &form_text, offsetof(struct device, host), .help = "path of the host", .required = true},
    {"target", &form_text, offsetof(struct device, container), .help = "path in the container", .fallback = "source"},
};
const struct table fields_device = TABLE("device", "A device of the host.", rows_device);

static const struct field rows_gpu[] = {
    {"capabilities", &form_list, G(capabilities), .help = "what they must be able to do", .fallback = "gpu"},
    {"count", &form_count, G(count), .help = "how many", .fallback = "all, unless `device_ids` names them"},
    {"device_ids", &form_list, G(ids), .help = "which ones, as their driver calls them"},
    {"driver", &form_text, G(driver), .help = "driver of the engine: nvidia, or cdi (API 1.44)", .fallback = "the first that has the capabilities"},
    {"options", &form_options, G(options), .help = "options of the driver"},
};
const struct table fields_gpu = TABLE("gpu", "Devices that a driver of the engine hands out, such as GPUs.", rows_gpu);
// clang-format on
