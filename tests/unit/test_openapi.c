/* The API's description: each row of the table of rights is in it, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/openapi.h"
#include "spec/base/err.h"
#include "spec/base/js.h"

static void test_each_row_is_described(void **state)
{
    size_t n, said;
    const struct access_row *rows = access_rows(&n);
    const struct openapi_row *v = openapi_rows(&said);

    (void)state;
    for (size_t i = 0; i < n; i++)
        if (!openapi_row_of(&rows[i]))
            fail_msg("%s %s: say in agent/openapi_rows.c what it is for, and `make schemas`",
                     rows[i].method, rows[i].path);
    for (size_t i = 0; i < said; i++) {
        bool found = false;

        for (size_t k = 0; k < n; k++)
            found |=
                strcmp(rows[k].method, v[i].method) == 0 && strcmp(rows[k].path, v[i].path) == 0;
        if (!found)
            fail_msg("%s %s is no row of access_rows.c", v[i].method, v[i].path);
    }
    assert_int_equal(n, said);
}

static void test_document(void **state)
{
    struct str text = STR_INIT;
    struct err e = {0};

    (void)state;
    openapi_write(&text);
    json_t *v = js_parse(text.buf, text.len, &e);

    assert_non_null(v);
    const json_t *paths = json_object_get(v, "paths");
    const json_t *plan = json_object_get(json_object_get(paths, "/api/v1/apps/{app}/plan"), "get");
    const json_t *login = json_object_get(json_object_get(paths, "/login"), "post");
    const json_t *password = json_object_get(json_object_get(paths, "/api/v1/password"), "post");

    assert_string_equal(js_str(plan, "operationId", ""), "get_apps_app_plan");
    assert_int_equal(json_array_size(json_object_get(plan, "parameters")), 2);
    assert_int_equal(json_array_size(json_object_get(plan, "security")), 2);
    assert_int_equal(json_array_size(json_object_get(login, "security")), 0);
    assert_int_equal(json_array_size(json_object_get(password, "security")), 1); /* no token */
    assert_non_null(json_object_get(
        json_object_get(json_object_get(json_object_get(plan, "responses"), "200"), "content"),
        "text/html"));
    json_decref(v);
    str_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_row_is_described),
        cmocka_unit_test(test_document),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
