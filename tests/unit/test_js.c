/* test_js.c: the same value gives the same bytes, getters survive any reply, errors quote nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "spec/base/arena.h"
#include "spec/base/err.h"
#include "spec/base/js.h"
#include "spec/base/str.h"

static json_t *parse(const char *text)
{
    struct err e = {0};
    json_t *v = js_parse(text, strlen(text), &e);

    assert_string_equal(e.msg, "");
    assert_non_null(v);
    return v;
}

static void canonical_text(void **state)
{
    static const char *const same[] = {
        "{\"b\":[1,true,null],\"a\":{\"y\":\"\\u00e9\",\"x\":-0.5}}",
        " { \"a\" : {\"x\":-0.5, \"y\":\"\xc3\xa9\"},\n\"b\": [ 1, true, null ] } ",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        CLEANUP(str_release) struct str out = STR_INIT;
        json_auto_t *v = parse(same[i]);
        str_add(&out, ">");
        js_canonical(v, &out);
        assert_string_equal(str_text(&out),
                            ">{\"a\":{\"x\":-0.5,\"y\":\"\xc3\xa9\"},\"b\":[1,true,null]}");
    }
}

static void pretty_text(void **state)
{
    CLEANUP(str_release) struct str out = STR_INIT;
    json_auto_t *v = parse("{\"b\":1,\"a\":[]}");

    (void)state;
    js_pretty(v, &out);
    assert_string_equal(str_text(&out), "{\n  \"a\": [],\n  \"b\": 1\n}\n");
    str_clear(&out);
    js_canonical(NULL, &out);
    assert_string_equal(str_text(&out), "null");
}

static void any_value_parses(void **state)
{
    static const char *const good[] = {"{}", "[]", "null", "12", "\"x\"", " [1] \n"};
    static const char *const bad[] = {
        "",
        "{",
        "[1,]",
        "{\"a\":1,\"a\":2}",
        "{} {}",
        "nul",
        "{\"a\":\"\\u0000\"}",
        "\"\xff\"",
        "99999999999999999999",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        json_decref(parse(good[i]));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e;
        memset(&e, 0x5a, sizeof(e));
        assert_null(js_parse(bad[i], strlen(bad[i]), &e));
        assert_int_equal(e.kind, ERR_USER);
        assert_non_null(strstr(e.msg, "line 1"));
    }
    assert_null(js_parse("{", 1, NULL));
}

static void depth_is_bounded(void **state)
{
    enum { DEEP = 100000 };
    CLEANUP(xfreep) char *text = xcalloc(DEEP + 1, 1);
    struct err e = {0};

    (void)state;
    memset(text, '[', DEEP);
    assert_null(js_parse(text, DEEP, &e));
    assert_non_null(strstr(e.msg, "depth"));
}

static void errors_keep_secrets(void **state)
{
    static const char *const texts[] = {
        "{\"password\":hunter2}",
        "{\"password\":\"hunter2}",
        "[\"hunter2\" \"hunter2\"]",
        "{\"hunter2\":1,\"hunter2\":2}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct err e = {0};
        assert_null(js_parse(texts[i], strlen(texts[i]), &e));
        assert_true(e.msg[0] != '\0');
        assert_null(strstr(e.msg, "hunter2"));
    }
}

static void sums(void **state)
{
    char hex[SHA256_HEX];

    (void)state;
    memset(hex, 'x', sizeof(hex));
    sha256_hex("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256_hex(NULL, 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static const char reply[] =
    "{\"Id\":\"c1\",\"State\":{\"Running\":true,\"Pid\":77,\"Health\":null,\"Exit\":1.5},"
    "\"Cmd\":[\"sh\",3,\"-c\",null],\"Args\":null,"
    "\"Labels\":{\"z\":\"1\",\"a.b\":\"2\",\"n\":5,\"m\":null,\"b\":\"3\"},\"Big\":-"
    "9223372036854775808}";

static void getters(void **state)
{
    json_auto_t *v = parse(reply);

    (void)state;
    assert_ptr_equal(js_at(v, ""), v);
    assert_true(json_is_object(js_at(v, "State")));
    assert_null(js_at(v, "State.Running.deeper"));
    assert_null(js_at(v, "Cmd.0"));
    assert_null(js_at(v, "Stat"));
    assert_null(js_at(NULL, "Id"));
    assert_string_equal(js_str(v, "Id", "?"), "c1");
    assert_string_equal(js_str(v, "State.Pid", "?"), "?");
    assert_null(js_str(v, "Nothing", NULL));
    assert_int_equal(js_int(v, "State.Pid", -1), 77);
    assert_int_equal(js_int(v, "State.Exit", -1), -1);
    assert_int_equal(js_int(v, "Id", -1), -1);
    assert_true(js_int(v, "Big", 0) == INT64_MIN);
    assert_true(js_bool(v, "State.Running", false));
    assert_true(js_bool(v, "State.Health", true));
    assert_false(js_bool(v, "State.Pid", false));
    assert_false(js_bool(NULL, "State", false));
}

static void lists(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    json_t *v = parse(reply);
    struct strv strings, none;
    struct kvs labels, empty;

    (void)state;
    memset(&strings, 0x5a, sizeof(strings));
    memset(&none, 0x5a, sizeof(none));
    memset(&labels, 0x5a, sizeof(labels));
    memset(&empty, 0x5a, sizeof(empty));
    js_strv(v, "Cmd", a, &strings);
    js_strv(v, "Args", a, &none);
    js_kvs(v, "Labels", a, &labels);
    js_kvs(v, "Cmd", a, &empty);
    json_decref(v); /* what was read is a copy */
    assert_int_equal(strings.n, 2);
    assert_string_equal(strings.v[0], "sh");
    assert_string_equal(strings.v[1], "-c");
    assert_int_equal(none.n, 0);
    assert_int_equal(empty.n, 0);
    assert_int_equal(labels.n, 3);
    assert_string_equal(labels.v[0].key, "a.b");
    assert_string_equal(labels.v[1].key, "b");
    assert_string_equal(labels.v[2].key, "z");
    assert_string_equal(kvs_get(&labels, "a.b"), "2");
    /* They may go on growing. */
    for (int i = 0; i < 20; i++) {
        kvs_set(a, &labels, arena_printf(a, "k%02d", i), "v");
        strv_push(a, &strings, "s");
    }
    assert_int_equal(labels.n, 23);
    assert_string_equal(kvs_get(&labels, "z"), "1");
    assert_string_equal(strings.v[1], "-c");
}

static void built_from_lists(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(str_release) struct str out = STR_INIT;
    struct kvs l = {0};
    struct strv s = {0};

    (void)state;
    kvs_set(a, &l, "b", "2");
    kvs_set(a, &l, "a", NULL);
    kvs_set(a, &l, "c", "x\xff");
    kvs_set(a, &l, "d\xff", "4");
    strv_push(a, &s, "one");
    strv_push(a, &s, "t\xffwo");
    json_auto_t *object = js_from_kvs(&l);
    json_auto_t *array = js_from_strv(&s);
    js_canonical(object, &out);
    js_canonical(array, &out);
    assert_string_equal(str_text(&out),
                        "{\"a\":null,\"b\":\"2\",\"c\":\"x\\\\xff\",\"d\\\\xff\":\"4\"}"
                        "[\"one\",\"t\\\\xffwo\"]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_text),
        cmocka_unit_test(pretty_text),
        cmocka_unit_test(any_value_parses),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(errors_keep_secrets),
        cmocka_unit_test(sums),
        cmocka_unit_test(getters),
        cmocka_unit_test(lists),
        cmocka_unit_test(built_from_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
