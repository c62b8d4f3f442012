/* forms_scalar.c: single values: texts, numbers, sizes, times, words of a choice, and nested mappings.
 *
 * In: one YAML node and its row. Out: the value in the unit the struct wants, within the row's bounds. It accepts numbers in
 * quotes, as Compose does, but never guesses at words such as yes or on. */
#include "spec/forms.h"

#include <inttypes.h>

#include "spec/app.h"
#include "spec/base/arena.h"
#include "spec/decode.h"

/* ---- text ---- */

static void decode_form_text(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                             void *out)
{
    const char *text = decode_text(c, v, "a text");

    if (text && (!f->check || f->check(c, f, v, text)))
        *(const char **)out = text;
}

static bool show_form_text(const struct field *f, const void *value, struct str *out)
{
    const char *text = *(const char *const *)value;

    (void)f;
    if (text)
        show_text(text, out);
    return text;
}

const struct form form_text = {"a text", decode_form_text, show_form_text,
                               "{\"type\": [\"string\", \"number\", \"boolean\"]}"};

bool form_check_name(struct decode_ctx *c, const struct yaml_node *v, const char *text,
                     const char *what, size_t least)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

    if (*text && strlen(text) >= least && strlen(text) <= 128 &&
        strspn(text, allowed) == strlen(text) && !strchr("_.-", *text))
        return true;
    decode_error(c, v, NULL,
                 "\"%s\": %s has %zu to 128 letters, digits, `_`, `.` or `-`, and begins with a "
                 "letter or digit",
                 text, what, least);
    return false;
}

static void decode_form_path(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                             void *out)
{
    const char *text = decode_text(c, v, "a path");

    if (!text || (f->check && !f->check(c, f, v, text)))
        return;
    if (!*text)
        decode_error(c, v, NULL, "must not be empty");
    else
        *(const char **)out = decode_path(c, v, text);
}

const struct form form_path = {"a path", decode_form_path, show_form_text,
                               "{\"type\": \"string\"}"};

/* ---- yes and no ---- */

static bool read_bool(struct decode_ctx *c, const struct yaml_node *v, bool *ret)
{
    static const char *const yes_no[] = {"yes", "no",   "on",    "off",  "y",
                                         "n",   "True", "False", "TRUE", "FALSE"};

    if (v->kind == YAML_BOOL || v->kind == YAML_STRING) {
        if (strcmp(v->text, "true") == 0 || strcmp(v->text, "false") == 0) {
            *ret = v->text[0] == 't';
            return true;
        }
        for (size_t i = 0; i < ARRAY_LEN(yes_no); i++) {
            if (strcmp(v->text, yes_no[i]) != 0)
                continue;
            if (v->kind == YAML_BOOL) {
                *ret = v->text[0] == 'T';
                return true;
            }
            decode_error(c, v, arena_printf(c->arena, "write %s", i % 2 ? "false" : "true"),
                         "must be true or false, not \"%s\"", v->text);
            return false;
        }
    }
    if (v->kind == YAML_STRING)
        decode_error(c, v, NULL, "must be true or false, not \"%s\"", v->text);
    else
        decode_wrong_kind(c, v, "true or false");
    return false;
}

static void decode_form_bool(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                             void *out)
{
    bool value;

    (void)f;
    if (read_bool(c, v, &value))
        *(enum tri *)out = value ? TRI_YES : TRI_NO;
}

static bool show_form_bool(const struct field *f, const void *value, struct str *out)
{
    enum tri v = *(const enum tri *)value;

    (void)f;
    if (v != TRI_UNSET)
        str_add(out, v == TRI_YES ? "true" : "false");
    return v != TRI_UNSET;
}

#define BOOL_SCHEMA "{\"anyOf\": [{\"type\": \"boolean\"}, {\"enum\": [\"true\", \"false\"]}]}"

const struct form form_bool = {"true or false", decode_form_bool, show_form_bool, BOOL_SCHEMA};

static void decode_form_flag(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                             void *out)
{
    (void)f;
    (void)read_bool(c, v, out);
}

static bool show_form_flag(const struct field *f, const void *value, struct str *out)
{
    (void)f;
    if (*(const bool *)value)
        str_add(out, "true");
    return *(const bool *)value;
}

const struct form form_flag = {"true or false", decode_form_flag, show_form_flag, BOOL_SCHEMA};

/* ---- numbers ---- */

static bool bounded(const struct field *f)
{
    return f->min != 0 || f->max != 0;
}

/* A value that two keys share must not be given two ways. */
static void store_num(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                      int64_t value, struct num *out)
{
    if (out->set && out->v != value && f->alias_of)
        decode_error(c, v, "give it once", "differs from `%s`", f->alias_of);
    else if (out->set && out->v != value)
        decode_error(c, v, "give it once", "differs from another key that says the same as `%s`",
                     f->name);
    else
        *out = (struct num){value, true};
}

static void decode_form_int(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                            void *out)
{
    int64_t value;

    if (decode_int(c, v, bounded(f) ? f->min : INT64_MIN, bounded(f) ? f->max : INT64_MAX, &value))
        store_num(c, f, v, value, out);
}

static bool show_form_int(const struct field *f, const void *value, struct str *out)
{
    const struct num *n = value;

    (void)f;
    if (n->set)
        str_addf(out, "%" PRId64, n->v);
    return n->set;
}

const struct form form_int = {
    "a whole number", decode_form_int, show_form_int,
    "{\"anyOf\": [{\"type\": \"integer\"}, {\"type\": \"string\", \"pattern\": \"^-?[0-9]+$\"}]}"};

/* What the three units differ in. */
struct unit_form {
    const char *words, *example;
    int (*parse)(const char *s, int64_t *ret);
    void (*add)(struct str *s, int64_t v);
};

static void decode_unit(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                        const struct unit_form *u, struct num *out)
{
    CLEANUP(str_release) struct str bound = STR_INIT;
    const char *text = decode_text(c, v, u->words);
    int64_t value;

    if (!text)
        return;
    if (u->parse(text, &value) < 0) {
        decode_error(c, v, arena_printf(c->arena, "examples: %s", u->example), "\"%s\" is not %s",
                     text, u->words);
        return;
    }
    /* 0 and -1 mean "none" and "no limit" wherever a row allows numbers below its least. */
    if (bounded(f) && value < f->min && value > 0) {
        u->add(&bound, f->min);
        decode_error(c, v, NULL, "%s is too small; the least is %s", text, str_text(&bound));
    } else if (bounded(f) && value > f->max) {
        u->add(&bound, f->max);
        decode_error(c, v, NULL, "%s is too large; the most is %s", text, str_text(&bound));
    } else if (value < 0 && !(bounded(f) && f->min < 0)) {
        decode_error(c, v, NULL, "%s must not be negative", text);
    } else {
        store_num(c, f, v, value, out);
    }
}

static void decode_form_bytes(struct decode_ctx *c, const struct field *f,
                              const struct yaml_node *v, void *out)
{
    static const struct unit_form unit = {"a size", "512M, 1.5g, 64k", parse_bytes, str_add_bytes};

    decode_unit(c, f, v, &unit, out);
}

const struct form form_bytes = {
    "a size", decode_form_bytes, show_form_int,
    "{\"anyOf\": [{\"type\": \"number\"}, {\"type\": \"string\", \"pattern\": "
    "\"^(-1|[0-9]*[.]?[0-9]+ ?([kKmMgGtTpP]([iI]?[bB])?|[bB])?)$\"}]}"};

static void decode_form_duration(struct decode_ctx *c, const struct field *f,
                                 const struct yaml_node *v, void *out)
{
    static const struct unit_form unit = {"a duration", "30s, 1m30s, 500ms", parse_duration_ns,
                                          str_add_duration};

    decode_unit(c, f, v, &unit, out);
}

static bool show_form_duration(const struct field *f, const void *value, struct str *out)
{
    const struct num *n = value;

    (void)f;
    if (n->set)
        str_addf(out, "%" PRId64 "ns", n->v);
    return n->set;
}

const struct form form_duration = {
    "a duration", decode_form_duration, show_form_duration,
    "{\"anyOf\": [{\"type\": \"number\"}, {\"type\": \"string\", \"pattern\": "
    "\"^([0-9]*[.]?[0-9]+(ns|us|\xc2\xb5s|\xce\xbcs|ms|s|m|h|d|w))+$|^[0-9]*[.]?[0-9]+$\"}]}"};

static void add_cpus(struct str *s, int64_t nano)
{
    str_addf(s, "%" PRId64 ".%03d", nano / 1000000000, (int)(nano / 1000000 % 1000));
}

static void decode_form_cpus(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                             void *out)
{
    static const struct unit_form unit = {"a number of CPUs", "0.5, 2", parse_nano_cpus, add_cpus};

    decode_unit(c, f, v, &unit, out);
}

const struct form form_cpus = {"a number of CPUs", decode_form_cpus, show_form_int,
                               "{\"anyOf\": [{\"type\": \"number\"}, {\"type\": \"string\", "
                               "\"pattern\": \"^[0-9]*[.]?[0-9]+$\"}]}"};

static void decode_form_octal(struct decode_ctx *c, const struct field *f,
                              const struct yaml_node *v, void *out)
{
    const char *text = decode_text(c, v, "a file mode");
    const char *s = text;
    int64_t mode = 0;

    if (!text)
        return;
    s += strncmp(s, "0o", 2) == 0 ? 2 : 0;
    for (; *s >= '0' && *s <= '7' && mode <= f->max; s++)
        mode = mode * 8 + (*s - '0');
    if (*s || s == text || mode > f->max)
        decode_error(c, v, "examples: 0755, 1777", "\"%s\" is not a file mode in octal digits",
                     text);
    else
        *(struct num *)out = (struct num){mode, true};
}

static bool show_form_octal(const struct field *f, const void *value, struct str *out)
{
    const struct num *n = value;

    (void)f;
    if (n->set)
        str_addf(out, "%04" PRIo64, n->v);
    return n->set;
}

const struct form form_octal = {"a file mode in octal digits", decode_form_octal, show_form_octal,
                                "{\"type\": [\"integer\", \"string\"]}"};

/* ---- times, choices, mappings ---- */

static void decode_form_time(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                             void *out)
{
    const char *text = decode_text(c, v, "a time");

    (void)f;
    if (text && parse_time_ms(text, out) < 0)
        decode_error(c, v, "example: 2026-11-22T10:00:00Z", "\"%s\" is not a time (RFC 3339)",
                     text);
}

static bool show_form_time(const struct field *f, const void *value, struct str *out)
{
    int64_t ms = *(const int64_t *)value;

    (void)f;
    if (ms)
        str_add_time(out, ms);
    return ms;
}

const struct form form_time = {"a time (RFC 3339)", decode_form_time, show_form_time,
                               "{\"type\": \"string\", \"format\": \"date-time\"}"};

static void decode_form_choice(struct decode_ctx *c, const struct field *f,
                               const struct yaml_node *v, void *out)
{
    const char *word = decode_text(c, v, "a word");
    int value;

    if (word && decode_choice(c, f, v, word, &value))
        memcpy(out, &value, sizeof(value)); /* any enum of ours: all are as wide as int */
}

static bool show_form_choice(const struct field *f, const void *value, struct str *out)
{
    int have;

    memcpy(&have, value, sizeof(have));
    for (const struct choice *o = f->choices; o->word; o++) {
        if (o->value != have)
            continue;
        str_add(out, o->word);
        return true;
    }
    return false;
}

const struct form form_choice = {"one of a few words", decode_form_choice, show_form_choice, NULL};

static void decode_form_table(struct decode_ctx *c, const struct field *f,
                              const struct yaml_node *v, void *out)
{
    (void)decode_table(c, f->table, v, out);
}

static bool show_form_table(const struct field *f, const void *value, struct str *out)
{
    return show_inline(f->table, value, out);
}

const struct form form_table = {"a mapping", decode_form_table, show_form_table, NULL};
