/* test_schema.c: the committed schemas are what the tables give today, they accept every good case and refuse what a schema can
 * see to be wrong. The validator below knows just the words that our schemas use and fails on any other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <regex.h>

#include "spec/fields.h"
#include "spec/schema.h"
#include "spec/yaml.h"
#include "tests/unit/spec_case.h"

static char *read_file(const char *path, struct arena *a)
{
    FILE *f = fopen(path, "r");
    struct str text = STR_INIT;
    char block[4096];
    size_t n;

    if (!f)
        fail_msg("%s cannot be read", path);
    while ((n = fread(block, 1, sizeof(block), f)) > 0)
        str_addn(&text, block, n);
    (void)fclose(f);
    char *copy = arena_strdup(a, str_text(&text));

    str_release(&text);
    return copy;
}

/* ---- a validator ---- */

static bool valid(const json_t *root, const json_t *schema, const json_t *v);

static bool matches(const char *pattern, const char *text)
{
    regex_t re;

    if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        fail_msg("no regular expression: %s", pattern);
    bool ok = regexec(&re, text, 0, NULL, 0) == 0;

    regfree(&re);
    return ok;
}

static bool is_type(const char *type, const json_t *v)
{
    static const char *const known[] = {"object", "array",   "string", "integer",
                                        "number", "boolean", "null"};
    const bool is[] = {json_is_object(v), json_is_array(v),   json_is_string(v), json_is_integer(v),
                       json_is_number(v), json_is_boolean(v), json_is_null(v)};

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(known[i], type) == 0)
            return is[i];
    fail_msg("unknown type %s", type);
    return false;
}

static bool one_of_types(const json_t *types, const json_t *v)
{
    size_t i;
    json_t *t;

    if (json_is_string(types))
        return is_type(json_string_value(types), v);
    json_array_foreach(types, i, t) if (is_type(json_string_value(t), v)) return true;
    return false;
}

static bool any_of(const json_t *root, const json_t *schemas, const json_t *v)
{
    size_t i;
    json_t *s;

    json_array_foreach(schemas, i, s) if (valid(root, s, v)) return true;
    return false;
}

static bool in_enum(const json_t *words, const json_t *v)
{
    size_t i;
    json_t *w;

    json_array_foreach(words, i, w) if (json_equal(w, v)) return true;
    return false;
}

static bool members_valid(const json_t *root, const json_t *schema, const json_t *v)
{
    const json_t *properties = json_object_get(schema, "properties");
    const json_t *patterns = json_object_get(schema, "patternProperties");
    const json_t *others = json_object_get(schema, "additionalProperties");
    const char *key, *pattern;
    json_t *member, *ignored;

    json_object_foreach((json_t *)v, key, member)
    {
        const json_t *own = json_object_get(properties, key);
        bool known = own;

        if (own && !valid(root, own, member))
            return false;
        json_object_foreach((json_t *)patterns, pattern, ignored) known |= matches(pattern, key);
        if (!known && others && (json_is_false(others) || !valid(root, others, member)))
            return false;
    }
    return true;
}

static bool all_there(const json_t *required, const json_t *v)
{
    size_t i;
    json_t *key;

    json_array_foreach(required, i,
                       key) if (!json_object_get(v, json_string_value(key))) return false;
    return true;
}

static bool items_valid(const json_t *root, const json_t *schema, const json_t *v)
{
    size_t i;
    json_t *item;

    json_array_foreach(v, i, item) if (!valid(root, schema, item)) return false;
    return true;
}

static bool word_holds(const json_t *root, const json_t *schema, const char *word,
                       const json_t *arg, const json_t *v)
{
    static const char *const silent[] = {
        "$schema", "$defs", "title", "description",       "deprecated",
        "format",  "then",  "else",  "patternProperties", "additionalProperties"};

    for (size_t i = 0; i < ARRAY_LEN(silent); i++)
        if (strcmp(silent[i], word) == 0)
            return true; /* says nothing, or is read beside another word */
    if (strcmp(word, "type") == 0)
        return one_of_types(arg, v);
    if (strcmp(word, "enum") == 0)
        return in_enum(arg, v);
    if (strcmp(word, "anyOf") == 0)
        return any_of(root, arg, v);
    if (strcmp(word, "properties") == 0)
        return !json_is_object(v) || members_valid(root, schema, v);
    if (strcmp(word, "required") == 0)
        return !json_is_object(v) || all_there(arg, v);
    if (strcmp(word, "items") == 0)
        return !json_is_array(v) || items_valid(root, arg, v);
    if (strcmp(word, "minProperties") == 0)
        return !json_is_object(v) || json_object_size(v) >= (size_t)json_integer_value(arg);
    if (strcmp(word, "maxItems") == 0)
        return !json_is_array(v) || json_array_size(v) <= (size_t)json_integer_value(arg);
    if (strcmp(word, "pattern") == 0)
        return !json_is_string(v) || matches(json_string_value(arg), json_string_value(v));
    if (strcmp(word, "minimum") == 0)
        return !json_is_number(v) || json_number_value(v) >= json_number_value(arg);
    if (strcmp(word, "maximum") == 0)
        return !json_is_number(v) || json_number_value(v) <= json_number_value(arg);
    if (strcmp(word, "if") == 0)
        return valid(root, json_object_get(schema, valid(root, arg, v) ? "then" : "else"), v);
    if (strcmp(word, "$ref") == 0) {
        const json_t *target = json_object_get(json_object_get(root, "$defs"),
                                               json_string_value(arg) + strlen("#/$defs/"));

        if (!target)
            fail_msg("%s leads nowhere", json_string_value(arg));
        return valid(root, target, v);
    }
    fail_msg("unknown word %s", word);
    return false;
}

static bool valid(const json_t *root, const json_t *schema, const json_t *v)
{
    const char *word;
    json_t *arg;

    /* A mapping of anything: the one case where a word has no `properties` to be read with. */
    if (json_object_get(schema, "additionalProperties") && !json_object_get(schema, "properties") &&
        json_is_object(v) && !members_valid(root, schema, v))
        return false;
    json_object_foreach((json_t *)schema, word,
                        arg) if (!word_holds(root, schema, word, arg, v)) return false;
    return true;
}

/* ---- YAML as JSON ---- */

static json_t *as_json(const struct yaml_node *n)
{
    json_t *v = NULL;
    int64_t whole;

    switch (n->kind) {
    case YAML_NULL: return json_null();
    case YAML_BOOL: return json_boolean(n->text[0] == 't' || n->text[0] == 'T');
    case YAML_INT:
        return parse_int64(n->text, INT64_MIN, INT64_MAX, &whole) == 0 ? json_integer(whole)
                                                                       : json_integer(0);
    case YAML_FLOAT: return json_real(strtod(n->text, NULL));
    case YAML_STRING: return json_string(n->text);
    case YAML_LIST:
        v = json_array();
        for (size_t i = 0; i < n->n; i++)
            (void)json_array_append_new(v, as_json(n->items[i]));
        return v;
    case YAML_MAP:
        v = json_object();
        for (size_t i = 0; i < n->n; i++)
            (void)json_object_set_new(v, n->pairs[i].key, as_json(n->pairs[i].value));
        return v;
    }
    return v;
}

/* How many documents of the file are specs, and how many of them the schema accepts. */
static void count_valid(const json_t *schema, const struct case_part *p, struct arena *a,
                        size_t ret[2])
{
    struct yaml_file f;
    struct diag_list diags;

    diag_init(&diags, a);
    if (yaml_parse(p->name, p->text, p->n, a, &diags, &f) < 0)
        return;
    for (size_t i = 0; i < f.n_documents; i++) {
        json_auto_t *v = as_json(f.documents[i]);

        if (!json_object_get(v, "app") && !json_object_get(v, "override"))
            continue;
        ret[0]++;
        ret[1] += valid(schema, schema, v);
    }
}

static json_t *app_schema(void)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    struct err e = {0};

    schema_app(&text);
    json_t *schema = js_parse(str_text(&text), text.len, &e);

    if (!schema)
        fail_msg("%s", e.msg);
    return schema;
}

static void count_case(const json_t *schema, const char *path, struct arena *a, size_t ret[2])
{
    struct spec_case c = {.arena = a};

    case_split(&c, "x.yaml", read_file(path, a));
    for (size_t i = 0; i < c.n_parts; i++) {
        size_t n = strlen(c.parts[i].name);

        if (n > 5 && strcmp(c.parts[i].name + n - 5, ".yaml") == 0)
            count_valid(schema, &c.parts[i], a, ret);
    }
}

/* ---- tests ---- */

static void test_good_cases(void **state)
{
    json_auto_t *schema = app_schema();
    DIR *d = opendir("tests/spec/good");
    size_t total = 0;

    (void)state;
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        size_t n = strlen(e->d_name), counts[2] = {0, 0};

        if (n < 6 || strcmp(e->d_name + n - 5, ".yaml") != 0)
            continue;
        count_case(schema, arena_printf(a, "tests/spec/good/%s", e->d_name), a, counts);
        if (counts[0] != counts[1])
            fail_msg("tests/spec/good/%s: the schema refuses what the decoder takes", e->d_name);
        total += counts[0];
    }
    (void)closedir(d);
    assert_true(total > 40);
}

static void test_bad_cases(void **state)
{
    static const char *const names[] = {"unknown-key",
                                        "unknown-nested",
                                        "planned-keys",
                                        "planned-app-keys",
                                        "misplaced-service-key",
                                        "compose-name",
                                        "wrong-kinds",
                                        "choices",
                                        "sizes",
                                        "numbers",
                                        "cpus",
                                        "durations",
                                        "booleans",
                                        "no-services",
                                        "namespaces"};
    json_auto_t *schema = app_schema();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        size_t counts[2] = {0, 0};

        count_case(schema, arena_printf(a, "tests/spec/bad/%s.yaml", names[i]), a, counts);
        if (counts[0] == 0 || counts[1] != 0)
            fail_msg("%s: %zu documents, %zu of them accepted by the schema", names[i], counts[0],
                     counts[1]);
    }
}

static void compare(const char *path, void (*write)(struct str *out))
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(str_release) struct str now = STR_INIT;

    write(&now);
    if (strcmp(read_file(path, a), str_text(&now)) != 0)
        fail_msg("%s is stale; `make schemas` writes it anew", path);
}

static void test_not_stale(void **state)
{
    (void)state;
    compare("schemas/app.schema.json", schema_app);
    compare("schemas/config.schema.json", schema_config);
    compare("schemas/compose.md", schema_compose);
}

static void test_reference(void **state)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    const struct table *const *const all[] = {fields_all_app, fields_all_config};
    CLEANUP(arena_freep) struct arena *a = arena_new();

    (void)state;
    schema_reference(&text);
    for (size_t k = 0; k < ARRAY_LEN(all); k++)
        for (const struct table *const *t = all[k]; *t; t++) {
            const char *section =
                strstr(str_text(&text), arena_printf(a, "%s: %s\n", (*t)->name, (*t)->help));

            assert_non_null(section);
            for (size_t i = 0; i < (*t)->n; i++)
                if ((*t)->fields[i].status == FIELD_SUPPORTED &&
                    !strstr(section, arena_printf(a, "\n  %s\n      %s\n", (*t)->fields[i].name,
                                                  (*t)->fields[i].help)))
                    fail_msg("%s.%s is not in the reference", (*t)->name, (*t)->fields[i].name);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_not_stale),
        cmocka_unit_test(test_good_cases),
        cmocka_unit_test(test_bad_cases),
        cmocka_unit_test(test_reference),
    };

    return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
