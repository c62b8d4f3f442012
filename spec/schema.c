/* schema.c: the tables of fields, for editors and for people.
 *
 * In: nothing but the tables. Out: JSON Schemas and a reference page, the same bytes every time. It adds nothing that is not in
 * a row, so a key cannot be decoded in one way and documented in another. */
#include "spec/schema.h"

#include <assert.h>
#include <inttypes.h>

#include "spec/base/err.h"
#include "spec/base/js.h"
#include "spec/base/str.h"
#include "spec/forms.h"

/* ---- one value ---- */

/* Words that end in a colon want something behind it: service:NAME. */
static bool wants_more(const struct choice *o)
{
    size_t n = strlen(o->word);

    return o->word[n - 1] == ':';
}

static json_t *choices_schema(const struct choice *choices)
{
    json_t *words = json_array(), *any = json_array();

    for (const struct choice *o = choices; o->word; o++) {
        if (wants_more(o))
            (void)json_array_append_new(
                any, json_pack("{s:s, s:s+}", "type", "string", "pattern", "^", o->word));
        else
            (void)json_array_append_new(words, json_string(o->word));
    }
    if (json_array_size(any) == 0) {
        json_decref(any);
        return json_pack("{s:o}", "enum", words);
    }
    (void)json_array_insert_new(any, 0, json_pack("{s:o}", "enum", words));
    return json_pack("{s:o}", "anyOf", any);
}

static json_t *form_schema(const struct field *f)
{
    struct err e = {0};

    if (f->choices)
        return choices_schema(f->choices);
    if (f->form->schema) {
        json_t *v = js_parse(f->form->schema, strlen(f->form->schema), &e);

        assert(v);
        return v;
    }
    assert(f->table);
    return json_pack("{s:s+}", "$ref", "#/$defs/", f->table->name);
}

/* Bounds of whole numbers; those of sizes and durations are in units that JSON Schema cannot compare. */
static void add_bounds(const struct field *f, json_t *schema)
{
    json_t *number = json_array_get(json_object_get(schema, "anyOf"), 0);

    if (f->form != &form_int || (f->min == 0 && f->max == 0))
        return;
    (void)json_object_set_new(number, "minimum", json_integer(f->min));
    if (f->max != INT64_MAX)
        (void)json_object_set_new(number, "maximum", json_integer(f->max));
}

static json_t *field_schema(const struct field *f)
{
    CLEANUP(str_release) struct str text = STR_INIT;

    if (f->status == FIELD_IGNORED)
        return json_pack("{s:b, s:s++}", "deprecated", 1, "description", "No effect: ", f->help,
                         ".");
    json_t *schema = form_schema(f);

    add_bounds(f, schema);
    str_addf(&text, "%s.", f->help);
    if (f->fallback)
        str_addf(&text, " Default: %s.", f->fallback);
    if (f->alias_of)
        str_addf(&text, " Another way to write %s.", f->alias_of);
    if (text.buf[0] >= 'a' && text.buf[0] <= 'z')
        text.buf[0] = (char)(text.buf[0] - 'a' + 'A');
    (void)json_object_set_new(schema, "description", json_string(str_text(&text)));
    return schema;
}

/* ---- mappings ---- */

static bool documented(const struct field *f)
{
    return f->status == FIELD_SUPPORTED || f->status == FIELD_IGNORED;
}

static void add_table(const struct table *t, json_t *properties, json_t *required)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct field *f = &t->fields[i];

        if (!documented(f))
            continue;
        (void)json_object_set_new(properties, f->name, field_schema(f));
        if (f->required)
            (void)json_array_append_new(required, json_string(f->name));
    }
}

/* One mapping whose keys come from one or two tables. */
static json_t *mapping_schema(const struct table *t, const struct table *more)
{
    json_t *properties = json_object(), *required = json_array();

    add_table(t, properties, required);
    if (more)
        add_table(more, properties, required);
    json_t *schema =
        json_pack("{s:s, s:s, s:b, s:{s:{}}, s:o}", "type", "object", "description",
                  more ? "An app with one service, written flat." : t->help, "additionalProperties",
                  0, "patternProperties", "^x-", "properties", properties);

    if (json_array_size(required) > 0)
        (void)json_object_set_new(schema, "required", required);
    else
        json_decref(required);
    return schema;
}

static json_t *definitions(const struct table *const *tables)
{
    json_t *defs = json_object();

    for (; *tables; tables++)
        (void)json_object_set_new(defs, (*tables)->name, mapping_schema(*tables, NULL));
    return defs;
}

static const char dialect[] = "https://json-schema.org/draft/2020-12/schema";

void schema_app(struct str *out)
{
    json_t *defs = definitions(fields_all_app);

    /* A flat document has the keys of both. */
    (void)json_object_set_new(defs, "app_flat", mapping_schema(&fields_app_flat, &fields_service));
    json_auto_t *schema = json_pack(
        "{s:s, s:s, s:s, s:{s:[s]}, s:{s:s}, s:{s:{s:[s]}, s:{s:s}, s:{s:s}}, s:o}", "$schema",
        dialect, "title", "evenkeel spec", "type", "object", "if", "required", "override", "then",
        "$ref", "#/$defs/override", "else", "if", "required", "services", "then", "$ref",
        "#/$defs/app", "else", "$ref", "#/$defs/app_flat", "$defs", defs);

    js_pretty(schema, out);
}

void schema_config(struct str *out)
{
    json_auto_t *schema = json_pack("{s:s, s:s, s:s, s:o}", "$schema", dialect, "title",
                                    "evenkeel agent configuration", "$ref", "#/$defs/config",
                                    "$defs", definitions(fields_all_config));

    js_pretty(schema, out);
}

/* ---- the reference page ---- */

static void add_values(const struct field *f, struct str *out)
{
    if (f->choices) {
        for (const struct choice *o = f->choices; o->word; o++)
            str_addf(out, "%s%s%s",
                     o == f->choices ? ""
                     : o[1].word     ? ", "
                                     : " or ",
                     o->word, wants_more(o) ? "NAME" : "");
        return;
    }
    str_add(out, f->form->words);
    if (f->form == &form_int && (f->min != 0 || f->max != 0)) {
        if (f->max == INT64_MAX)
            str_addf(out, ", at least %" PRId64, f->min);
        else
            str_addf(out, ", %" PRId64 " to %" PRId64, f->min, f->max);
    }
    if (f->form == &form_bytes && f->min > 1) {
        str_add(out, ", at least ");
        str_add_bytes(out, f->min);
    }
    if (f->table)
        str_addf(out, ", see %s", f->table->name);
}

static void add_field(const struct field *f, struct str *out)
{
    str_addf(out, "  %s\n      ", f->name);
    if (f->status == FIELD_IGNORED || f->status == FIELD_UNSUPPORTED) {
        str_addf(out, "%s: %s\n", f->status == FIELD_IGNORED ? "no effect" : "refused", f->help);
        return;
    }
    str_addf(out, "%s\n      ", f->help);
    add_values(f, out);
    if (f->required)
        str_add(out, "; required");
    if (f->fallback)
        str_addf(out, "; default: %s", f->fallback);
    if (f->alias_of)
        str_addf(out, "; another way to write %s", f->alias_of);
    if (f->since)
        str_addf(out, "; since %s", f->since);
    str_addc(out, '\n');
}

static void add_section(const struct table *t, struct str *out)
{
    const char *before = "  Known, but not supported by this version yet: ";

    str_addf(out, "%s: %s\n\n", t->name, t->help);
    for (size_t i = 0; i < t->n; i++)
        if (documented(&t->fields[i]) || t->fields[i].status == FIELD_UNSUPPORTED)
            add_field(&t->fields[i], out);
    for (size_t i = 0; i < t->n; i++) {
        if (t->fields[i].status != FIELD_PLANNED)
            continue;
        str_addf(out, "%s%s", before, t->fields[i].name);
        before = ", ";
    }
    str_add(out, *before == ',' ? "\n\n" : "\n");
}

void schema_reference(struct str *out)
{
    str_add(out, "Documents of a root have one of the keys `app` and `override`. An app with one "
                 "service takes the keys of\n"
                 "app_flat and service together; with `services:` it takes those of app. Keys that "
                 "begin with x- are yours.\n\n");
    for (const struct table *const *t = fields_all_app; *t; t++)
        add_section(*t, out);
    for (const struct table *const *t = fields_all_config; *t; t++)
        add_section(*t, out);
}
