/* test_yaml_write.c: what is written is read back as the same tree, whatever its texts look like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/yaml_write.h"

static const struct yaml_node *parse(struct arena *a, const char *text)
{
    struct diag_list diags;
    struct yaml_file *file = ARENA_NEW(a, struct yaml_file);

    diag_init(&diags, a);
    if (yaml_parse("t.yaml", text, strlen(text), a, &diags, file) < 0 || file->n_documents != 1)
        fail_msg("not read back:\n%s", text);
    return file->documents[0];
}

static void assert_same(const struct yaml_node *x, const struct yaml_node *y, const char *text)
{
    if (x->kind != y->kind || x->n != y->n ||
        (x->kind != YAML_LIST && x->kind != YAML_MAP && strcmp(x->text, y->text) != 0))
        fail_msg("kind %d, text \"%s\" was read back as kind %d, \"%s\" from\n%s", (int)x->kind,
                 x->text ? x->text : "", (int)y->kind, y->text ? y->text : "", text);
    for (size_t i = 0; i < x->n; i++) {
        if (x->kind == YAML_MAP)
            assert_string_equal(x->pairs[i].key, y->pairs[i].key);
        assert_same(x->kind == YAML_MAP ? x->pairs[i].value : x->items[i],
                    y->kind == YAML_MAP ? y->pairs[i].value : y->items[i], text);
    }
}

static void assert_survives(const char *text)
{
    struct arena *a = arena_new();
    CLEANUP(str_release) struct str out = STR_INIT;
    CLEANUP(str_release) struct str json = STR_INIT;
    const struct yaml_node *v = parse(a, text);
    struct err e = {0};

    yaml_write(v, &out);
    assert_same(v, parse(a, str_text(&out)), str_text(&out));
    yaml_write_json(v, &json);
    json_auto_t *read = js_parse(str_text(&json), json.len, &e);
    if (!read)
        fail_msg("no JSON: %s\n%s", e.msg, str_text(&json));
    arena_free(a);
}

static void texts_stay_texts(void **state)
{
    static const char *const texts[] = {
        "",     " ",     "yes",  "No",   "on",     "y",   "null",  "~",     "true",
        "True", "0x10",  "010",  "1e3",  "1.5",    ".5",  "-1",    "+1",    "- x",
        "a: b", "a:",    ":a",   "#x",   "a #b",   "&a",  "*a",    "!a",    "%a",
        "@a",   "`a",    "{a}",  "[a]",  "a,b",    "|",   ">",     "?",     "? a",
        "'a'",  "\"a\"", "a\\b", "a\nb", "a\n",    "\ta", "12:30", "1_000", "2024-01-01",
        "---",  "...",   "<<",   "=",    "é ü 漢", "$A",  "a b",   ".inf",  ".nan",
        "\x01", "\x7f",  "a\rb", "0o10", "0b1",    "-",   "--x",   "/a/b",  "x.y-z_1",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct arena *a = arena_new();
        struct yaml_node item = {.kind = YAML_STRING, .text = texts[i]};
        struct yaml_node *items[] = {&item};
        struct yaml_node list = {.kind = YAML_LIST, .items = items, .n = 1};
        struct yaml_pair pairs[] = {{.key = texts[i], .value = &list}};
        const struct yaml_node map = {.kind = YAML_MAP, .pairs = pairs, .n = 1};
        CLEANUP(str_release) struct str out = STR_INIT;

        yaml_write(&map, &out);
        assert_same(&map, parse(a, str_text(&out)), str_text(&out));
        arena_free(a);
    }
}

static void trees_stay_trees(void **state)
{
    (void)state;
    assert_survives(
        "{a: 1, b: [], c: {}, d: null, e: [[1, [2, {}]], {x: [{y: 1, z: [2]}]}], f: 010}");
    assert_survives("- a\n- b: c\n  d: [e]\n- - f\n  - {}\n");
    assert_survives("a: {b: {c: {d: [1.50, true, -3, 0x1f, \"7\"]}}}");
    assert_survives("word");
    assert_survives("[]");
}

static void numbers_without_a_form_in_json_are_texts(void **state)
{
    struct arena *a = arena_new();
    CLEANUP(str_release) struct str out = STR_INIT;

    (void)state;
    yaml_write_json(parse(a, "[0440, 0x1f, 5, 1.50, 1., -0, \"a\"]"), &out);
    assert_string_equal(
        str_text(&out),
        "[\n  \"0440\",\n  \"0x1f\",\n  5,\n  1.50,\n  \"1.\",\n  -0,\n  \"a\"\n]\n");
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_stay_texts),
        cmocka_unit_test(trees_stay_trees),
        cmocka_unit_test(numbers_without_a_form_in_json_are_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
