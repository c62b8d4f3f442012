/* test_yaml.c: trees with places, types, aliases, merges; and every mistake answered with its line and column. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "spec/base/arena.h"
#include "spec/base/err.h"
#include "spec/base/str.h"
#include "spec/limits.h"
#include "spec/yaml.h"

/* ---- trees as text: {k: v, ...} [v, ...] and scalars as a letter for their kind and the text ---- */

static void show(const struct yaml_node *n, struct str *out)
{
    static const char letters[] = "nbifs";

    if (n->tag)
        str_addf(out, "%s ", n->tag);
    if (n->text) {
        str_addf(out, "%c:%s", letters[n->kind], n->text);
        return;
    }
    str_addc(out, n->kind == YAML_MAP ? '{' : '[');
    for (size_t i = 0; i < n->n; i++) {
        if (i > 0)
            str_add(out, ", ");
        if (n->kind == YAML_MAP)
            str_addf(out, "%s=", n->pairs[i].key);
        show(n->kind == YAML_MAP ? n->pairs[i].value : n->items[i], out);
    }
    str_addc(out, n->kind == YAML_MAP ? '}' : ']');
}

/* The documents of text one after the other; or, if it is refused, "line:column: what" of each mistake. */
static void read_bytes(const char *text, size_t n, struct str *out)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct diag_list diags;
    struct yaml_file f;

    memset(&f, 0x5a, sizeof(f));
    struct yaml_file untouched = f;

    diag_init(&diags, a);
    if (yaml_parse("f.yaml", text, n, a, &diags, &f) == 0) {
        assert_int_equal(diags.n, 0);
        for (size_t i = 0; i < f.n_documents; i++) {
            if (i > 0)
                str_add(out, " | ");
            show(f.documents[i], out);
        }
        return;
    }
    assert_memory_equal(&f, &untouched, sizeof(f));
    assert_true(diags.errors > 0);
    diag_sort(&diags);
    for (size_t i = 0; i < diags.n; i++) {
        assert_string_equal(diags.v[i].at.file, "f.yaml");
        str_addf(out, "%s%d:%d: %s", i > 0 ? " / " : "", diags.v[i].at.line, diags.v[i].at.column,
                 diags.v[i].what);
    }
}

struct answer {
    const char *text, *want;
};

static void check_answers(const struct answer *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        CLEANUP(str_release) struct str out = STR_INIT;
        read_bytes(cases[i].text, strlen(cases[i].text), &out);
        if (strcmp(str_text(&out), cases[i].want) != 0)
            fail_msg("case %zu:\n%s\ngave %s\nnot  %s", i, cases[i].text, str_text(&out),
                     cases[i].want);
    }
}

static void types(void **state)
{
    static const struct answer cases[] = {
        {"[~, null, Null, NULL, ]", "[n:, n:, n:, n:]"},
        {"a:\nb: ''\n", "{a=n:, b=s:}"},
        {"[nULL, '~', 'null']", "[s:nULL, s:~, s:null]"},
        {"[true, True, TRUE, false, False, FALSE]",
         "[b:true, b:true, b:true, b:false, b:false, b:false]"},
        {"[yes, no, on, off, y, n, tRue, 'true']",
         "[s:yes, s:no, s:on, s:off, s:y, s:n, s:tRue, s:true]"},
        {"[0, 42, -7, +7, 010, 0o17, 0xFf]", "[i:0, i:42, i:-7, i:+7, i:010, i:0o17, i:0xFf]"},
        {"[0o8, 0xg, 0x, -0x1, 0b1, 1_000, 089x]",
         "[s:0o8, s:0xg, s:0x, s:-0x1, s:0b1, s:1_000, s:089x]"},
        {"[1.5, -.5, 5., 1e3, 1E-3, +1.5e+3, .inf, -.INF, .nan]",
         "[f:1.5, f:-.5, f:5., f:1e3, f:1E-3, f:+1.5e+3, f:.inf, f:-.INF, f:.nan]"},
        {"[., 1e, 1.5g, 1.2.3, '-', +, e3, -.nan, 1.5e]",
         "[s:., s:1e, s:1.5g, s:1.2.3, s:-, s:+, s:e3, s:-.nan, s:1.5e]"},
        {"[12:30, 22:22, 2026-11-22, 127.0.0.1]", "[s:12:30, s:22:22, s:2026-11-22, s:127.0.0.1]"},
        {"[\"010\", '1.5', \"true\"]", "[s:010, s:1.5, s:true]"},
        {"a: |\n  12\n  13\nb: >-\n  12\n", "{a=s:12\n13\n, b=s:12}"},
        {"{1: a, true: b, 1.5: c, 'x y': d}", "{1=s:a, true=s:b, 1.5=s:c, x y=s:d}"},
        {"a: one\n  two\n", "{a=s:one two}"},
        {"\"\\u00e9\\n\\x41\"", "s:\xc3\xa9\nA"},
    };

    (void)state;
    check_answers(cases, ARRAY_LEN(cases));
}

static void tags(void **state)
{
    static const struct answer cases[] = {
        {"a: !reset null\nb: !override [1]\nc: !reset {x: 1}",
         "{a=!reset n:, b=!override [i:1], c=!reset {x=i:1}}"},
        {"[!!str 12, !!str ~, ! 12, !!int '12', !!float 1, !!bool 'True', !!null '', !!seq [], "
         "!!map {}]",
         "[s:12, s:~, s:12, i:12, f:1, b:true, n:, [], {}]"},
        {"a: !foo 1\nb: !!int x\nc: !!map []\nd: !!binary aGk=\n",
         "1:4: the tag \"!foo\" does not fit this value / 2:4: the tag \"tag:yaml.org,2002:int\" "
         "does not fit this value"
         " / 3:4: the tag \"tag:yaml.org,2002:map\" does not fit this value"
         " / 4:4: the tag \"tag:yaml.org,2002:binary\" does not fit this value"},
        {"!reset a: 1", "1:1: a key must be plain text, this is a text with a tag"},
    };

    (void)state;
    check_answers(cases, ARRAY_LEN(cases));
}

static void documents(void **state)
{
    static const struct answer cases[] = {
        {"", ""},
        {"# only a comment\n", ""},
        {"---\n---\n# nothing\n...\n", ""},
        {"a: 1\n---\nb: 2\n---\n---\n~\n", "{a=i:1} | {b=i:2} | n:"},
        {"%YAML 1.2\n---\na: 1\n", "{a=i:1}"},
        {"a: &x 1\n---\nb: *x\n", "3:4: unknown alias *x"},
    };

    (void)state;
    check_answers(cases, ARRAY_LEN(cases));
}

static void aliases(void **state)
{
    static const struct answer cases[] = {
        {"a: &x {k: 1}\nb: *x\nc: [*x, *x]\n", "{a={k=i:1}, b={k=i:1}, c=[{k=i:1}, {k=i:1}]}"},
        {"a: &x 1\nb: &x 2\nc: *x\n", "{a=i:1, b=i:2, c=i:2}"},
        {"&k key: 1\nother: *k\n*k : 2\n", "3:1: duplicate key \"key\""},
        {"a: &k key\n*k : 2\n", "{a=s:key, key=i:2}"},
        /* The outer &x is still open, the inner one is not. */
        {"&x [&x 1, *x]", "[i:1, i:1]"},
        {"a: &x [1, *x]", "1:11: the alias *x stands inside what it refers to"},
        {"a: &x\n  b: &y {c: *x}\n  d: *y\n", "2:13: the alias *x stands inside what it refers to"},
        {"a: &x {<<: *x}", "1:12: the alias *x stands inside what it refers to"},
        {"[*a, *b]", "1:2: unknown alias *a / 1:6: unknown alias *b"},
    };

    (void)state;
    check_answers(cases, ARRAY_LEN(cases));
}

static void aliases_share_their_node(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    static const char text[] = "a: &x {k: 1}\nb: *x\nc: {<<: *x}\n";
    struct diag_list diags;
    struct yaml_file f;

    (void)state;
    diag_init(&diags, a);
    assert_int_equal(yaml_parse("f", text, strlen(text), a, &diags, &f), 0);
    const struct yaml_node *root = f.documents[0];
    assert_ptr_equal(yaml_get(root, "a"), yaml_get(root, "b"));
    assert_ptr_equal(yaml_get(yaml_get(root, "c"), "k"), yaml_get(yaml_get(root, "a"), "k"));
}

static void merges(void **state)
{
#define BASES "x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\n"
#define SHOWN "{x={a=i:1, b=i:2}, y={b=i:3, c=i:4}, z="
    static const struct answer cases[] = {
        {BASES "z: {<<: *x}", SHOWN "{a=i:1, b=i:2}}"},
        /* Own keys win wherever they stand, and come first. */
        {BASES "z: {<<: *x, b: 9}", SHOWN "{b=i:9, a=i:1}}"},
        {BASES "z: {b: 9, <<: *x, d: 8}", SHOWN "{b=i:9, d=i:8, a=i:1}}"},
        /* Of several the first wins. */
        {BASES "z: {<<: [*x, *y]}", SHOWN "{a=i:1, b=i:2, c=i:4}}"},
        {BASES "z: {<<: [*y, *x]}", SHOWN "{b=i:3, c=i:4, a=i:1}}"},
        {BASES "z: {<<: [{b: 0}, *y, *x]}", SHOWN "{b=i:0, c=i:4, a=i:1}}"},
        {BASES "z: {<<: {q: 5}}", SHOWN "{q=i:5}}"},
        {BASES "z: {!!merge <<: *x}", SHOWN "{a=i:1, b=i:2}}"},
        {BASES "z: {<<: []}", SHOWN "{}}"},
        /* Merges of merges. */
        {"x: &x {a: 1}\ny: &y {<<: *x, b: 2}\nz: {<<: *y, c: 3}\n",
         "{x={a=i:1}, y={b=i:2, a=i:1}, z={c=i:3, b=i:2, a=i:1}}"},
        /* Shallow: a value is taken or left as a whole. */
        {"x: &x {m: {p: 1, q: 2}}\nz: {<<: *x, m: {p: 9}}\n",
         "{x={m={p=i:1, q=i:2}}, z={m={p=i:9}}}"},
        {"z: {'<<': 1}", "{z={<<=i:1}}"},
        {BASES "z: {<<: *x, <<: *y}", "3:13: duplicate key \"<<\""},
        {"z: {<<: 1}", "1:9: only mappings can be merged, this is a whole number"},
        {"z: {<<: }", "1:9: only mappings can be merged, this is nothing"},
        {BASES "z: {<<: [*x, [*y]]}", "3:14: only mappings can be merged, this is a list"},
    };

    (void)state;
    check_answers(cases, ARRAY_LEN(cases));
}

static void keys(void **state)
{
    static const struct answer cases[] = {
        {"a: 1\nb: 2\na: 3\nc:\n  b: 1\n  b: 2\n  b: 3\n",
         "3:1: duplicate key \"a\" / 6:3: duplicate key \"b\" / 7:3: duplicate key \"b\""},
        {"1: a\n'1': b\n", "2:1: duplicate key \"1\""},
        {"? [a]\n: 1\nb: 1\nb: 2\n",
         "1:3: a key must be plain text, this is a list / 4:1: duplicate key \"b\""},
        {"{a: 1}: 2", "1:1: a key must be plain text, this is a mapping"},
        {"{~: 1, null: 2}",
         "1:2: a key must be plain text, this is nothing / 1:8: a key must be plain "
         "text, this is nothing"},
        {"{'': 1}", "{=i:1}"},
    };

    (void)state;
    check_answers(cases, ARRAY_LEN(cases));
}

static void duplicates_name_the_first(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    static const char text[] = "web:\n  image: a\n  ports: []\n  image: b\n";
    struct diag_list diags;
    struct yaml_file f;

    (void)state;
    diag_init(&diags, a);
    assert_int_equal(yaml_parse("f", text, strlen(text), a, &diags, &f), -1);
    assert_string_equal(diags.v[0].hint, "it stands on line 2, column 3 already");
    assert_string_equal(diags.v[0].source, "  image: b");
}

static void syntax(void **state)
{
    static const struct answer cases[] = {
        {"a:\n\tb: 1\n", "2:1: not valid YAML: found character that cannot start any token"},
        {"a: b: c\n", "1:5: not valid YAML: mapping values are not allowed in this context"},
        {"a: 1\r\nb: 2\r\nc: d: e\r\n",
         "3:5: not valid YAML: mapping values are not allowed in this context"},
        {"a: 1\n  b: 2\n", "2:4: not valid YAML: mapping values are not allowed in this context"},
        {"a: [1,\n  2\nb: 1\n", "3:2: not valid YAML: did not find expected ',' or ']' while "
                                "parsing a flow sequence that begins on line 1"},
        {"a: 'x\n\nb\n", "4:1: not valid YAML: found unexpected end of stream while scanning a "
                         "quoted scalar that begins on line 1"},
        {"a: \"\\q\"", "1:5: not valid YAML: found unknown escape character"},
        {"%YAML 9.9\n---\na", "1:1: not valid YAML: found incompatible YAML document"},
    };

    (void)state;
    check_answers(cases, ARRAY_LEN(cases));
}

static void syntax_errors_come_with_advice(void **state)
{
    static const struct {
        const char *text, *hint, *source;
    } cases[] = {
        {"a:\n\tb: 1\n", "indent with blanks, not with tabs", "\tb: 1"},
        {"a:\n  c: 1\n \t b: 1\n", "indent with blanks, not with tabs", " \t b: 1"},
        {"x: 1\r\na: b: c\r\n", "check the indentation, and quote a value that contains \": \"",
         "a: b: c"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct diag_list diags;
        struct yaml_file f;
        diag_init(&diags, a);
        assert_int_equal(yaml_parse("f", cases[i].text, strlen(cases[i].text), a, &diags, &f), -1);
        assert_int_equal(diags.n, 1);
        assert_non_null(diags.v[0].hint);
        assert_string_equal(diags.v[0].hint, cases[i].hint);
        assert_string_equal(diags.v[0].source, cases[i].source);
    }
}

/* ---- bytes ---- */

static void encodings(void **state)
{
#define BYTES(s) s, sizeof(s) - 1
    static const struct {
        const char *text;
        size_t n;
        const char *want;
    } cases[] = {
        {BYTES("\xef\xbb\xbf"
               "a: 1"),
         "{a=i:1}"},
        {BYTES("\xff\xfe"
               "a\0:\0 \0\xe9\0"),
         "{a=s:\xc3\xa9}"},
        {BYTES("\xfe\xff\0a\0:\0 \xd8\x3d\xdc\x33"), "{a=s:\xf0\x9f\x90\xb3}"},
        {BYTES("\xfe\xff"), ""},
        {BYTES("\xef\xbb\xbf"), ""},
        {BYTES("a: x\0y"), "1:5: a NUL byte: is this a text file?"},
        {BYTES("a: 1\r\nb: \xc3\xa9x\xff"), "2:6: this byte is not valid UTF-8"},
        {BYTES("a: 1\rb: \xc3"), "2:4: this byte is not valid UTF-8"},
        {BYTES("a: 1\n\nb: \x1b[0m"), "3:4: control characters are not allowed"},
        {BYTES("a: \xc2\x80"), "1:4: control characters are not allowed"},
        {BYTES("a: 1\xe2\x80\xa8"
               "b: \x01"),
         "2:4: control characters are not allowed"},
        {BYTES("\xff\xfe"
               "a\0\n\0\x3d\xd8z\0"),
         "2:1: this byte is not valid UTF-8"},
        {BYTES("\xff\xfe"
               "a\0\n\0b"),
         "2:1: this byte is not valid UTF-8"},
        {BYTES("\xff\xfe"
               "a\0\0\0"),
         "1:2: a NUL byte: is this a text file?"},
        {BYTES("a: \"x\\0y\"\nb: 1\nb: 2"),
         "1:4: a text cannot hold a NUL character / 3:1: duplicate key \"b\""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(str_release) struct str out = STR_INIT;
        read_bytes(cases[i].text, cases[i].n, &out);
        assert_string_equal(str_text(&out), cases[i].want);
    }
}

static void source_lines(void **state)
{
    static const char text[] = "\xef\xbb\xbf"
                               "a: 1\r\n\r\nb: 2\rc: \xc3\xa9\nd: 4\xe2\x80\xa8"
                               "e: 5";
    static const char *const want[] = {NULL,          "a: 1", "",     "b: 2",
                                       "c: \xc3\xa9", "d: 4", "e: 5", NULL};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct diag_list diags;
    struct yaml_file f;

    (void)state;
    diag_init(&diags, a);
    assert_int_equal(yaml_parse("f", text, sizeof(text) - 1, a, &diags, &f), 0);
    assert_string_equal(f.text, text + 3);
    for (int line = 0; line < (int)ARRAY_LEN(want); line++) {
        const char *got = yaml_source_line(&f, line, a);
        if (want[line])
            assert_string_equal(got ? got : "(none)", want[line]);
        else
            assert_null(got);
        /* What libyaml calls a line is what we call one. */
        if (want[line] && want[line][0])
            assert_int_equal(yaml_get(f.documents[0], (char[]){want[line][0], '\0'})->line, line);
    }
    assert_null(yaml_source_line(&f, -1, a));
    assert_int_equal(yaml_parse("f", "a\n", 2, a, &diags, &f), 0);
    assert_string_equal(yaml_source_line(&f, 1, a), "a");
    assert_null(yaml_source_line(&f, 2, a));
    assert_int_equal(yaml_parse("f", "", 0, a, &diags, &f), 0);
    assert_null(yaml_source_line(&f, 1, a));
}

static void places(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    static const char text[] =
        "web:\n  \xc3\xa9: &x  v1\n  ports:\n    - 80\n  m: {<<: &y {q: 1}}\n";
    struct diag_list diags;
    struct yaml_file f;

    (void)state;
    diag_init(&diags, a);
    assert_int_equal(yaml_parse("f", text, strlen(text), a, &diags, &f), 0);
    const struct yaml_node *web = yaml_get(f.documents[0], "web");
    assert_int_equal(web->line, 2);
    assert_int_equal(web->column, 3);
    assert_int_equal(web->pairs[0].line, 2);
    assert_int_equal(web->pairs[0].column, 3);
    assert_int_equal(web->pairs[0].value->column, 6); /* in characters, where the anchor begins */
    const struct yaml_node *ports = yaml_get(web, "ports");
    assert_int_equal(ports->items[0]->line, 4);
    assert_int_equal(ports->items[0]->column, 7);
    /* A merged key keeps the place it was written at. */
    const struct yaml_node *m = yaml_get(web, "m");
    assert_int_equal(m->pairs[0].column, 15);
}

static void looking_up(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct diag_list diags;
    struct yaml_file f;

    (void)state;
    diag_init(&diags, a);
    assert_int_equal(yaml_parse("f", "a: [1]", 6, a, &diags, &f), 0);
    assert_null(yaml_get(NULL, "a"));
    assert_null(yaml_get(f.documents[0], "b"));
    assert_null(yaml_get(yaml_get(f.documents[0], "a"), "a"));
    for (enum yaml_kind k = YAML_NULL; k <= YAML_MAP; k++)
        assert_string_not_equal(yaml_kind_name(k), "unknown");
}

/* ---- bounds; each is tried at the last size that fits and at the first that does not ---- */

static void repeat(struct str *s, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        str_add(s, text);
}

static void check_bound(const struct str *text, const char *want)
{
    CLEANUP(str_release) struct str out = STR_INIT;

    read_bytes(str_text(text), text->len, &out);
    if (want)
        assert_string_equal(str_text(&out), want);
    else
        assert_false(strstr(str_text(&out), "more than") || strstr(str_text(&out), "too "));
}

static void depth(void **state)
{
    (void)state;
    for (size_t n = LIMIT_YAML_DEPTH; n <= LIMIT_YAML_DEPTH + 1; n++) {
        CLEANUP(str_release) struct str flow = STR_INIT, block = STR_INIT, alias = STR_INIT;
        const char *want = n > LIMIT_YAML_DEPTH ? "1:65: nested more than 64 deep" : NULL;
        repeat(&flow, "[", n);
        repeat(&flow, "]", n);
        check_bound(&flow, want);
        repeat(&block, "- ", n - 1);
        str_add(&block, "x");
        check_bound(&block, n > LIMIT_YAML_DEPTH ? "1:129: nested more than 64 deep" : NULL);
        /* 40 levels, the deepest not last, and an alias to them within others. */
        str_add(&alias, "- &a ");
        repeat(&alias, "[", 40);
        repeat(&alias, "]", 39);
        str_add(&alias, ",[]]\n- ");
        repeat(&alias, "[", n - 41);
        str_add(&alias, "*a");
        repeat(&alias, "]", n - 41);
        check_bound(&alias, n > LIMIT_YAML_DEPTH
                                ? "2:27: nested more than 64 deep when aliases are expanded"
                                : NULL);
    }
}

static void entries_and_documents(void **state)
{
    (void)state;
    for (size_t n = LIMIT_LIST; n <= LIMIT_LIST + 1; n++) {
        CLEANUP(str_release) struct str list = STR_INIT, map = STR_INIT;
        const char *want =
            n > LIMIT_LIST ? "4097:1: more than 4096 entries in one list or mapping" : NULL;
        for (size_t i = 0; i < n; i++) {
            str_add(&list, "- x\n");
            str_addf(&map, "k%zu: 1\n", i);
        }
        check_bound(&map, want);
        check_bound(&list, n > LIMIT_LIST ? "4097:3: more than 4096 entries in one list or mapping"
                                          : NULL);
    }
    for (size_t n = LIMIT_YAML_DOCUMENTS; n <= LIMIT_YAML_DOCUMENTS + 1; n++) {
        CLEANUP(str_release) struct str text = STR_INIT;
        repeat(&text, "--- x\n", n);
        check_bound(&text,
                    n > LIMIT_YAML_DOCUMENTS ? "257:5: more than 256 documents in one file" : NULL);
    }
    for (size_t n = LIMIT_TEXT; n <= LIMIT_TEXT + 1; n++) {
        CLEANUP(str_release) struct str text = STR_INIT;
        str_add(&text, "a: ");
        repeat(&text, "x", n);
        check_bound(&text, n > LIMIT_TEXT ? "1:4: a text of more than 65536 bytes" : NULL);
    }
    for (size_t n = LIMIT_YAML_ANCHORS; n <= LIMIT_YAML_ANCHORS + 1; n++) {
        CLEANUP(str_release) struct str text = STR_INIT;
        repeat(&text, "- &a x\n", n);
        check_bound(&text, n > LIMIT_YAML_ANCHORS ? "1001:3: more than 1000 anchors in one document"
                                                  : NULL);
    }
    for (size_t n = LIMIT_SPEC_BYTES; n <= LIMIT_SPEC_BYTES + 1; n++) {
        CLEANUP(str_release) struct str text = STR_INIT;
        repeat(&text, "#", n);
        check_bound(&text, n > LIMIT_SPEC_BYTES ? "1:1: the file is too large" : NULL);
    }
}

static void merged_entries_are_bounded(void **state)
{
    CLEANUP(str_release) struct str text = STR_INIT;

    (void)state;
    for (int part = 0; part < 3; part++) {
        str_addf(&text, "p%d: &p%d\n", part, part);
        for (int i = 0; i < 1400; i++)
            str_addf(&text, "  k%d_%d: 1\n", part, i);
    }
    str_add(&text, "all:\n  <<: [*p0, *p1]\n");
    check_bound(&text, NULL);
    str_add(&text, "more:\n  <<: [*p0, *p1, *p2]\n");
    check_bound(&text, "4208:1: more than 4096 entries in one list or mapping");
}

static void node_count(void **state)
{
    CLEANUP(str_release) struct str text = STR_INIT;

    (void)state;
    /* 1 + 24 * (1 + 4096) + 1 + 1670 = 100000 */
    str_add(&text, "[");
    for (int i = 0; i < 24; i++) {
        str_add(&text, "[");
        repeat(&text, "x,", 4096);
        str_add(&text, "],\n");
    }
    str_add(&text, "[");
    repeat(&text, "x,", 1670);
    size_t fits = text.len;
    str_add(&text, "]]");
    check_bound(&text, NULL);
    text.len = fits;
    str_add(&text, "x]]");
    check_bound(&text, "25:3342: more than 100000 values in one file");
}

static void billion_laughs(void **state)
{
    CLEANUP(str_release) struct str text = STR_INIT, out = STR_INIT;

    (void)state;
    str_add(&text, "a0: &a0 lol\n");
    for (int i = 1; i <= 30; i++)
        str_addf(&text, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n",
                 i, i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    check_bound(&text, "6:45: more than 100000 values when aliases are expanded");
    /* The same by merging. */
    str_clear(&text);
    str_add(&text, "a0: &a0 {k: 1}\n");
    for (int i = 1; i <= 30; i++)
        str_addf(&text, "a%d: &a%d {x: *a%d, <<: [*a%d, *a%d]}\n", i, i, i - 1, i - 1, i - 1);
    read_bytes(str_text(&text), text.len, &out);
    assert_non_null(strstr(str_text(&out), "more than 100000 values when aliases are expanded"));
}

/* ---- speed: bad files are refused before they cost anything ---- */

static double ms_to_read(const struct str *text)
{
    CLEANUP(str_release) struct str out = STR_INIT;
    struct timespec from, to;

    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from), 0);
    read_bytes(str_text(text), text->len, &out);
    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to), 0);
    return (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
}

static void bad_files_are_cheap(void **state)
{
    /* Without the bounds each of these takes libyaml or a careless reader seconds to minutes. */
    static const struct {
        const char *head, *piece, *tail;
        size_t n;
    } cases[] = {
        {"", "[", "", 200000},
        {"", "[\n", "", 200000},
        {"", "{a: ", "", 200000},
        {"", "? ", "", 200000},
        {"", "- ", "", 200000},
        {"", "&a [", "", 200000},
        {"a: &a [x]\nb: [", "*a,", "]", 4000},
        {"{", "k: 1, ", "}", 4000},
    };
    CLEANUP(str_release) struct str directives = STR_INIT, comments = STR_INIT;

    (void)state;
    /* Where everything is slow, under valgrind for one, so are harmless files. */
    repeat(&comments, "#\n", 400000);
    double limit = 10 * ms_to_read(&comments);

    if (limit < 50)
        limit = 50;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(str_release) struct str text = STR_INIT;
        str_add(&text, cases[i].head);
        repeat(&text, cases[i].piece, cases[i].n);
        str_add(&text, cases[i].tail);
        double ms = ms_to_read(&text);
        if (ms >= limit)
            fail_msg("case %zu took %.1f ms", i, ms);
    }
    for (int i = 0; i < 60000; i++)
        str_addf(&directives, "%%TAG !a%d! b\n", i);
    str_add(&directives, "---\na: 1\n");
    assert_true(ms_to_read(&directives) < 2 * limit);
    check_bound(&directives, "17:1: too many %TAG directives");
}

static void few_directives_are_fine(void **state)
{
    static const struct answer cases[] = {
        {"%TAG ! tag:example.org,2026:\n---\na: 1\n", "{a=i:1}"},
        {"%TAG !y! tag:yaml.org,2002:\n---\na: !y!str 1\n", "{a=s:1}"},
    };

    (void)state;
    check_answers(cases, ARRAY_LEN(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types),
        cmocka_unit_test(tags),
        cmocka_unit_test(documents),
        cmocka_unit_test(aliases),
        cmocka_unit_test(aliases_share_their_node),
        cmocka_unit_test(merges),
        cmocka_unit_test(keys),
        cmocka_unit_test(duplicates_name_the_first),
        cmocka_unit_test(syntax),
        cmocka_unit_test(syntax_errors_come_with_advice),
        cmocka_unit_test(encodings),
        cmocka_unit_test(source_lines),
        cmocka_unit_test(places),
        cmocka_unit_test(looking_up),
        cmocka_unit_test(depth),
        cmocka_unit_test(entries_and_documents),
        cmocka_unit_test(merged_entries_are_bounded),
        cmocka_unit_test(node_count),
        cmocka_unit_test(billion_laughs),
        cmocka_unit_test(bad_files_are_cheap),
        cmocka_unit_test(few_directives_are_fine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
