/* forms_blkio.c: weights and limits of block devices, and times of the scheduler.
 *
 * In: `blkio_config`, and the older keys that give microseconds. Out: struct blkio, struct num. Which devices there are is known to the engine alone.
 * Source: github.com/compose-spec/compose-spec, 05-services.md. */
#include "spec/forms.h"

#include <inttypes.h>

#include "spec/app.h"
#include "spec/base/arena.h"
#include "spec/decode.h"

/* ---- microseconds: a number of them, or a duration ---- */

static void decode_micros(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                          void *out)
{
    const char *text = decode_text(c, v, "a number of microseconds, or a duration");
    int64_t value;

    if (!text)
        return;
    if (parse_int64(text, -1, INT64_MAX, &value) < 0) {
        if (parse_duration_ns(text, &value) < 0) {
            decode_error(c, v, "examples: 50000, 50ms", "\"%s\" is not a duration", text);
            return;
        }
        value /= 1000;
    }
    if (value < f->min || value > f->max)
        decode_error(c, v, NULL, "%s is not between %" PRId64 " and %" PRId64 " microseconds", text,
                     f->min, f->max);
    else
        *(struct num *)out = (struct num){value, true};
}

static bool show_micros(const struct field *f, const void *value, struct str *out)
{
    const struct num *n = value;

    (void)f;
    if (n->set)
        str_addf(out, "%" PRId64 "us", n->v);
    return n->set;
}

const struct form form_micros = {"a number of microseconds, or a duration", decode_micros,
                                 show_micros, "{\"type\": [\"integer\", \"string\"]}"};

/* ---- lists of devices ---- */

static void decode_devices(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                           void *out)
{
    struct blkio_list *l = out;

    if (!decode_is(c, v, YAML_LIST, "a list of mappings"))
        return;
    l->v = ARENA_ARRAY(c->arena, v->n + 1, struct blkio_device);
    for (size_t i = 0; i < v->n; i++) {
        struct blkio_device d = {0};
        size_t before = c->diags->errors;

        decode_enter_index(c, i);
        if (decode_table(c, f->table, v->items[i], &d) && c->diags->errors == before)
            l->v[l->n++] = d;
        decode_leave(c);
    }
}

static bool show_devices(const struct field *f, const void *value, struct str *out)
{
    const struct blkio_list *l = value;

    for (size_t i = 0; i < l->n; i++) {
        str_add(out, i ? ", " : "[");
        (void)show_inline(f->table, &l->v[i], out);
    }
    if (l->n)
        str_addc(out, ']');
    return l->n;
}

#define LIST_OF(table) "{\"type\": \"array\", \"items\": {\"$ref\": \"#/$defs/" table "\"}}"
static const struct form form_weights = {"a list of mappings", decode_devices, show_devices,
                                         LIST_OF("blkio_weight")};
static const struct form form_bps = {"a list of mappings", decode_devices, show_devices,
                                     LIST_OF("blkio_bps")};
static const struct form form_rates = {"a list of mappings", decode_devices, show_devices,
                                       LIST_OF("blkio_rate")};

/* ---- rows ---- */

static bool check_device_path(struct decode_ctx *c, const struct field *f,
                              const struct yaml_node *v, const char *text)
{
    (void)f;
    if (*text == '/')
        return true;
    decode_error(c, v, "example: /dev/sda", "\"%s\": the path of a device must begin with /", text);
    return false;
}

// clang-format off
#define TABLE(name, help, rows) {name, help, rows, ARRAY_LEN(rows)}
#define B(member) offsetof(struct blkio, member)
#define PATH {"path", &form_text, offsetof(struct blkio_device, path), .help = "path of the device", .required = true, .check = check_device_path}
#define RATE offsetof(struct blkio_device, rate)

static const struct field rows_weight[] = {
    PATH,
    {"weight", &form_int, RATE, .help = "weight against other containers", .required = true, .min = 10, .max = 1000},
};
const struct table fields_blkio_weight = TABLE("blkio_weight", "Weight at one device.", rows_weight);

static const struct field rows_bps[] = {
    PATH,
    {"rate", &form_bytes, RATE, .help = "bytes a second", .required = true, .min = 1, .max = INT64_MAX},
};
const struct table fields_blkio_bps = TABLE("blkio_bps", "Bytes at one device.", rows_bps);

static const struct field rows_rate[] = {
    PATH,
    {"rate", &form_int, RATE, .help = "operations a second", .required = true, .min = 1, .max = INT64_MAX},
};
const struct table fields_blkio_rate = TABLE("blkio_rate", "Operations at one device.", rows_rate);

static const struct field rows_blkio[] = {
    {"device_read_bps", &form_bps, B(read_bps), .help = "bytes read a second, at most", .table = &fields_blkio_bps},
    {"device_read_iops", &form_rates, B(read_iops), .help = "reads a second, at most", .table = &fields_blkio_rate},
    {"device_write_bps", &form_bps, B(write_bps), .help = "bytes written a second, at most", .table = &fields_blkio_bps},
    {"device_write_iops", &form_rates, B(write_iops), .help = "writes a second, at most", .table = &fields_blkio_rate},
    {"weight", &form_int, B(weight), .help = "weight against other containers", .min = 10, .max = 1000, .fallback = "500"},
    {"weight_device", &form_weights, B(weight_device), .help = "the same for one device", .table = &fields_blkio_weight},
};
const struct table fields_blkio = TABLE("blkio", "Weights and limits of block devices.", rows_blkio);
// clang-format on
