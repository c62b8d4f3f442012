/* schema_check.h: as much of JSON Schema as our own schemas use: $ref into $defs, type, enum, properties, required, items, and
 * additionalProperties false. Anything else in a schema is reported, so that a rule is never passed over in silence. */
#ifndef EK_SCHEMA_CHECK_H
#define EK_SCHEMA_CHECK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct schema_check {
    json_t *root;
    char why[512]; /* the first thing that does not fit; "" while everything does */
};

static void schema_complain(struct schema_check *s, const char *path, const char *what)
{
    if (!s->why[0])
        (void)snprintf(s->why, sizeof(s->why), "%s: %s", *path ? path : "/", what);
}

static bool schema_is_type(const json_t *v, const char *type)
{
    return (strcmp(type, "object") == 0 && json_is_object(v)) ||
           (strcmp(type, "array") == 0 && json_is_array(v)) ||
           (strcmp(type, "string") == 0 && json_is_string(v)) ||
           (strcmp(type, "integer") == 0 && json_is_integer(v)) ||
           (strcmp(type, "boolean") == 0 && json_is_boolean(v));
}

static void schema_value(struct schema_check *s, const json_t *rule, const json_t *v,
                         const char *path);

static void schema_object(struct schema_check *s, const json_t *rule, const json_t *v,
                          const char *path)
{
    const json_t *known = json_object_get(rule, "properties");
    const json_t *required = json_object_get(rule, "required");
    const char *key;
    json_t *member;
    char below[256];

    for (size_t i = 0; i < json_array_size(required); i++)
        if (!json_object_get(v, json_string_value(json_array_get(required, i))))
            schema_complain(s, path, json_string_value(json_array_get(required, i)));
    json_object_foreach((json_t *)(uintptr_t)v, key, member)
    {
        const json_t *inner = json_object_get(known, key);

        (void)snprintf(below, sizeof(below), "%s/%s", path, key);
        if (inner)
            schema_value(s, inner, member, below);
        else if (json_is_false(json_object_get(rule, "additionalProperties")))
            schema_complain(s, below, "not in the schema");
    }
}

static void schema_enum(struct schema_check *s, const json_t *list, const json_t *v,
                        const char *path)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_equal(json_array_get(list, i), v))
            return;
    schema_complain(s, path, "not one of the allowed values");
}

static void schema_known_words(struct schema_check *s, const json_t *rule, const char *path)
{
    static const char *const words[] = {
        "$schema",  "$id",        "$ref",        "$defs",
        "title",    "type",       "description", "additionalProperties",
        "required", "properties", "items",       "enum"};
    const char *key;
    json_t *unused;

    json_object_foreach((json_t *)(uintptr_t)rule, key, unused)
    {
        bool known = false;

        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
            known |= strcmp(words[i], key) == 0;
        if (!known)
            schema_complain(s, path, "the schema says something that this checker does not know");
        (void)unused;
    }
}

static void schema_value(struct schema_check *s, const json_t *rule, const json_t *v,
                         const char *path)
{
    const char *ref = json_string_value(json_object_get(rule, "$ref"));
    const char *type = json_string_value(json_object_get(rule, "type"));
    char below[256];

    schema_known_words(s, rule, path);
    if (ref && strncmp(ref, "#/$defs/", 8) == 0) {
        const json_t *target = json_object_get(json_object_get(s->root, "$defs"), ref + 8);

        if (!target)
            schema_complain(s, path, "the schema refers to nothing");
        else
            schema_value(s, target, v, path);
        return;
    }
    if (type && !schema_is_type(v, type)) {
        schema_complain(s, path, "of another type");
        return;
    }
    if (json_object_get(rule, "enum"))
        schema_enum(s, json_object_get(rule, "enum"), v, path);
    if (json_is_object(v))
        schema_object(s, rule, v, path);
    for (size_t i = 0; i < json_array_size(v) && json_object_get(rule, "items"); i++) {
        (void)snprintf(below, sizeof(below), "%s/%zu", path, i);
        schema_value(s, json_object_get(rule, "items"), json_array_get(v, i), below);
    }
}

/* True if v is as the schema in the file says; otherwise why is filled. */
static bool schema_check_file(const char *path, const json_t *v, char why[512])
{
    struct schema_check s = {.root = json_load_file(path, 0, NULL)};

    if (!s.root)
        schema_complain(&s, path, "cannot be read");
    else
        schema_value(&s, s.root, v, "");
    json_decref(s.root);
    memcpy(why, s.why, sizeof(s.why));
    return !s.why[0];
}

#endif
