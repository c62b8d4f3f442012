/* What of the door needs no engine: every row of the table of rights has its handler, forms in every way that bytes can arrive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/door_list.h"
#include "agent/door_parts.h"
#include "agent/multipart.h"
#include "agent/problem.h"
#include "spec/base/arena.h"

static void test_rows(void **state)
{
    size_t n, rights;
    const struct door_row *rows = door_rows(&n);
    const struct access_row *access = access_rows(&rights);

    (void)state;
    for (size_t i = 0; i < rights; i++)
        if (strcmp(access[i].path, "/healthz") != 0) /* answered before the door */
            assert_non_null(door_handler_of(&access[i]));
    for (size_t i = 0; i < n; i++) {
        bool found = false;

        for (size_t k = 0; k < rights; k++)
            found |= strcmp(access[k].method, rows[i].method) == 0 &&
                     strcmp(access[k].path, rows[i].path) == 0;
        if (!found)
            fail_msg("%s %s is open to nobody: no row of access_rows.c", rows[i].method,
                     rows[i].path);
    }
}

/* ---- forms ---- */

struct source {
    const char *bytes;
    size_t n, at, step;
    long end; /* what comes after the last byte */
};

static long give(void *ctx, void *buf, size_t n)
{
    struct source *s = ctx;
    size_t take = s->n - s->at < s->step ? s->n - s->at : s->step;

    take = take < n ? take : n;
    if (take == 0)
        return s->end;
    memcpy(buf, s->bytes + s->at, take);
    s->at += take;
    return (long)take;
}

#define TYPE "multipart/form-data; boundary=xx"
#define PART(name, more, text)                                                                     \
    "--xx\r\nContent-Disposition: form-data; name=\"" name "\"" more "\r\n\r\n" text "\r\n"

static const char form[] = PART("csrf", "", "secret") PART("empty", "", "")
    PART("file", "; filename=\"../a b.zip\"", "line\r\n--x\r\n--xy-- \r\n\r\nend") "--xx--\r\n";

/* "name[file]=text;" of each part, or "error: ..." at the end. */
static void read_all(const char *type, const char *bytes, size_t n, size_t step, struct str *out)
{
    struct source s = {bytes, n, 0, step, 0};
    struct arena *a = arena_new();
    struct err e = {0};
    struct multipart_part part;
    struct multipart *m = multipart_new(type, give, &s, &e);
    int rc = m ? 1 : -1;

    while (m && (rc = multipart_next(m, &part, &e)) > 0) {
        const char *text;

        if (multipart_text(m, 1000, a, &text, &e) < 0) {
            rc = -1;
            break;
        }
        str_addf(out, "%s[%s]=%s;", part.name, part.file, text);
    }
    if (rc < 0)
        str_addf(out, "error: %s", e.msg);
    multipart_free(m);
    arena_free(a);
}

static void test_form_in_pieces(void **state)
{
    (void)state;
    for (size_t step = 1; step < sizeof(form); step++) {
        CLEANUP(str_release) struct str out = STR_INIT;

        read_all(TYPE, form, sizeof(form) - 1, step, &out);
        assert_string_equal(str_text(&out),
                            "csrf[]=secret;empty[]=;file[../a b.zip]=line\r\n--x\r\n"
                            "--xy-- \r\n\r\nend;");
    }
}

static void test_form_cut_anywhere(void **state)
{
    (void)state;
    for (size_t n = 0; n + 4 < sizeof(form); n++) {
        CLEANUP(str_release) struct str out = STR_INIT;

        read_all(TYPE, form, n, 7, &out);
        assert_non_null(strstr(str_text(&out), "error: "));
    }
}

static void test_form_refused(void **state)
{
    static const struct {
        const char *type, *body, *want;
    } cases[] = {
        {"text/plain", "", "error: the Content-Type"},
        {"multipart/form-data", "", "error: the Content-Type"},
        {"multipart/form-data; boundary=", "", "error: the Content-Type"},
        {"multipart/form-data; boundary=\"x", "", "error: the Content-Type"},
        {TYPE, "--xx\r\nContent-Type: text/plain\r\n\r\nx\r\n--xx--", "error: a part of the form"},
        {TYPE, "--xx\r\nContent-Disposition: form-data\r\n\r\nx\r\n--xx--", "error: a part of the"},
        {TYPE, "--xxjunk\r\n", "error: a boundary"},
        {TYPE, "no boundary at all", "error: the form breaks off"},
        {"multipart/form-data; boundary=\"xx\"", "--xx--", ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(str_release) struct str out = STR_INIT;

        read_all(cases[i].type, cases[i].body, strlen(cases[i].body), 5, &out);
        if (strncmp(str_text(&out), cases[i].want, strlen(cases[i].want)) != 0)
            fail_msg("case %zu: %s", i, str_text(&out));
        if (!*cases[i].want)
            assert_int_equal(out.len, 0);
    }
}

static void test_values(void **state)
{
    struct arena *a = arena_new();

    (void)state;
    assert_string_equal(door_form_value("a=1&b=x%20y+z&c=", "b", a), "x y z");
    assert_string_equal(door_form_value("a=1&b=2&c=", "c", a), "");
    assert_null(door_form_value("a=1&ab=2", "b", a));
    assert_null(door_form_value("a=1&a=2", "a", a));
    assert_null(door_form_value("a=%4", "a", a));
    assert_null(door_form_value("a=%zz", "a", a));
    assert_null(door_form_value("a=x%00y", "a", a));
    assert_null(door_form_value("", "a", a));
    arena_free(a);
}

/* ---- answers ---- */

/* A name in an archive is whatever bytes its maker liked; what is told of it is JSON all the same. */
static void test_problem_of_strange_words(void **state)
{
    struct web_reply r = {.status = 0};
    struct err e = {0}, full = {0};
    json_t *v;

    (void)state;
    (void)err_set(&e, ERR_USER, "entry \"\xff\xfe\" is refused");
    problem_error(&r, &e, NULL);
    v = json_loads(str_text(&r.body), 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(v, "status")), 422);
    assert_non_null(strstr(json_string_value(json_object_get(v, "detail")), "\\xff\\xfe"));
    assert_true(json_string_length(json_object_get(v, "next")) > 0);
    json_decref(v);
    (void)err_set(&full, ERR_RETRY, "gr\xc3\xbc\xc3\x9f");
    problem_error(&r, &full, "do this");
    v = json_loads(str_text(&r.body), 0, NULL);
    assert_string_equal(json_string_value(json_object_get(v, "detail")), "gr\xc3\xbc\xc3\x9f");
    assert_string_equal(json_string_value(json_object_get(v, "next")), "do this");
    json_decref(v);
    str_release(&r.body);
    str_release(&r.headers);
}

/* Each app's text is found again, and nothing besides it. */
static void test_list(void **state)
{
    struct arena *a = arena_new();
    struct door_facts *f = ARENA_NEW(a, struct door_facts);
    struct door_app apps[] = {
        {.name = "a", .state = "Synced", .why = "", .origin = "x//a", .digest = "1"},
        {.name = "b", .state = "Held", .why = "w", .origin = "x//b", .digest = "2"},
    };
    char etag[DOOR_ETAG];

    (void)state;
    *f = (struct door_facts){.arena = a, .apps = apps, .n = 2, .looked = true};
    atomic_store(&f->refs, 1);
    const struct door_list *l = door_list_of(f);

    assert_ptr_equal(l, door_list_of(f));
    for (size_t i = 0; i < f->n; i++) {
        json_t *v = json_loadb(l->apps.buf + l->at[i], l->at[i + 1] - 1 - l->at[i], 0, NULL);

        assert_string_equal(json_string_value(json_object_get(v, "app")), apps[i].name);
        json_decref(v);
    }
    assert_string_equal(str_text(&l->tail), "],\"looked\":true}\n");
    memcpy(etag, l->etag, sizeof(etag));
    door_list_free(f->list);
    f->list = NULL;
    apps[1].state = "Synced";
    assert_string_not_equal(etag, door_list_of(f)->etag);
    door_facts_drop(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_form_in_pieces),
        cmocka_unit_test(test_form_cut_anywhere),
        cmocka_unit_test(test_form_refused),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_problem_of_strange_words),
        cmocka_unit_test(test_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
