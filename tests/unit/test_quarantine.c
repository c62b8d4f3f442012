/* test_quarantine.c: records of volumes in quarantine: their text, their folder, and what `evenkeel volumes` says of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/volumes_report.h"
#include "drivers/fsx.h"
#include "drivers/quarantine_folder.h"
#include "spec/base/arena.h"
#include "tests/schema_check.h"
#include "tests/unit/scratch.h"

#define GOOD                                                                                       \
    "volume: v\nowner: default\napp: blog\nsince: 2026-11-01T10:00:00Z\nuntil: "                   \
    "2026-11-08T10:00:00Z\n"

static void test_round_trip(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(str_release) struct str text = STR_INIT, again = STR_INIT;
    struct quarantine_record r = {.volume = "blog_data",
                                  .owner = "default",
                                  .app = "blog",
                                  .why = "tabs\tand \"quotes\" and \\ and \x1b[31m and $HOME",
                                  .by = "Ånna\nnew: line",
                                  .since_ms = INT64_C(1793527200000),
                                  .until_ms = INT64_C(1794132000000),
                                  .purge = true};
    struct quarantine_record back;
    struct err e = {0};

    (void)state;
    quarantine_print(&r, &text);
    assert_int_equal(quarantine_parse("blog_data", text.buf, text.len, a, &back, &e), 0);
    assert_string_equal(back.why, r.why);
    assert_string_equal(back.by, r.by);
    assert_int_equal(back.until_ms, r.until_ms);
    assert_true(back.purge);
    quarantine_print(&back, &again);
    assert_string_equal(str_text(&again), str_text(&text));
}

static void test_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "# nothing\n",
        "volume: v\n",
        "- a list\n",
        GOOD "---\n" GOOD,
        GOOD "untill: 2026-11-08T10:00:00Z\n",
        "volume: other\nowner: default\napp: blog\nsince: 2026-11-01T10:00:00Z\nuntil: "
        "2026-11-08T10:00:00Z\n",
        "volume: v\nowner: default\napp: blog\nsince: 2026-11-01T10:00:00Z\nuntil: tomorrow\n",
        "volume: v\nowner: default\napp: blog\nsince: 2026-11-01T10:00:00Z\nuntil: "
        "0001-01-01T00:00:00Z\n",
        "volume: v\nowner: [default]\napp: blog\nsince: 2026-11-01T10:00:00Z\nuntil: "
        "2026-11-08T10:00:00Z\n",
        "volume: v\nowner: default\napp: blog\nsince: 2026-11-01T10:00:00Z\n",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct quarantine_record r = {.volume = "untouched"};
        struct err e = {0};

        assert_int_equal(quarantine_parse("v", bad[i], strlen(bad[i]), a, &r, &e), -1);
        assert_int_equal(e.kind, ERR_USER);
        assert_true(e.msg[0]);
        assert_string_equal(r.volume, "untouched");
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_true(quarantine_name_valid("blog_data"));
    assert_true(quarantine_name_valid("a"));
    assert_true(quarantine_name_valid("0.x-y_z"));
    static const char *const bad[] = {"", ".", "..", ".x", "-x", "_x", "a/b", "../a", "a b", "a\n"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(quarantine_name_valid(bad[i]));
}

static void test_folder(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *dir = *state;
    struct quarantine_record *v;
    struct err e = {0};
    size_t n;

    struct quarantine_folder *q = quarantine_folder_new(fsx_join(dir, "quarantine", a));

    assert_false(quarantine_folder_news(q)); /* not there: nothing in quarantine */
    assert_int_equal(quarantine_folder_drop(q, "v", &e), 0);
    assert_int_equal(quarantine_folder_put(q, "v", GOOD, &e), 0);
    assert_int_equal(quarantine_folder_put(q, "../v", GOOD, &e), -1);
    assert_true(quarantine_folder_news(q));
    assert_false(quarantine_folder_news(q));
    const char *folder = fsx_join(dir, "quarantine", a);
    assert_int_equal(fsx_replace(fsx_join(folder, "a.yaml", a), "volume: [\n", 10, 0600, &e), 0);
    assert_int_equal(fsx_replace(fsx_join(folder, "notes.txt", a), "x", 1, 0600, &e), 0);
    assert_int_equal(fsx_replace(fsx_join(folder, "-x.yaml", a), "x", 1, 0600, &e), 0);
    quarantine_folder_look(q);
    quarantine_folder_look(q);
    assert_true(quarantine_folder_news(q)); /* whoever found it out first */
    quarantine_folder_observed(q, a, &v, &n);
    assert_int_equal(n, 2);
    assert_string_equal(v[0].volume, "a");
    assert_non_null(v[0].problem);
    assert_null(v[0].owner);
    assert_string_equal(v[1].volume, "v");
    assert_null(v[1].problem);

    CLEANUP(str_release) struct str text = STR_INIT;
    quarantine_print(&v[1], &text);
    assert_int_equal(quarantine_folder_check(q, "v", str_text(&text), &e), 0);
    str_add(&text, "purge: true\n");
    assert_int_equal(quarantine_folder_check(q, "v", str_text(&text), &e), -1);
    assert_int_equal(e.kind, ERR_STALE);
    assert_int_equal(quarantine_folder_drop(q, "v", &e), 0);
    e = (struct err){0};
    assert_int_equal(quarantine_folder_check(q, "v", str_text(&text), &e), -1);
    assert_int_equal(e.kind, ERR_STALE);
    assert_int_equal(quarantine_folder_check(q, "a", str_text(&text), &e), -1);
    quarantine_folder_free(q);
}

/* ---- volumes ---- */

static const char world[] =
    "{\"containers\": [{\"id\": \"c1\", \"name\": \"x\", \"image\": \"i\", \"volumes\": [\"used\", "
    "\"plain\"]}],"
    "\"volumes\": [{\"name\": \"used\", \"labels\": {\"evenkeel.owner\": \"default\", "
    "\"evenkeel.app\": \"blog\"}}, {\"name\": \"plain\"}, {\"name\": \"lost\", \"labels\": "
    "{\"evenkeel.owner\": \"default\", \"evenkeel.app\": \"old\"}}, {\"name\": \"q\", \"labels\": "
    "{\"evenkeel.owner\": \"default\", \"evenkeel.app\": \"old\"}}, {\"name\": \"theirs\", "
    "\"labels\": {\"evenkeel.owner\": \"other\", \"evenkeel.app\": \"blog\"}}],"
    "\"quarantine\": [{\"volume\": \"q\", \"owner\": \"default\", \"app\": \"old\", \"since\": "
    "\"2026-11-01T10:00:00Z\", \"until\": \"2026-11-08T10:00:00Z\", \"by\": \"anna\"},"
    "{\"volume\": \"gone\", \"owner\": \"default\", \"app\": \"old\", \"since\": "
    "\"2026-11-01T10:00:00Z\", \"until\": \"2026-11-08T10:00:00Z\"}]}";

static void test_report(void **state)
{
    static const struct {
        const char *name, *state;
    } rows[] = {{"gone", "quarantine"}, {"lost", "orphan"},    {"plain", "foreign"},
                {"q", "quarantine"},    {"theirs", "foreign"}, {"used", "in use"}};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(str_release) struct str text = STR_INIT;
    const struct settings settings = {.owner = "default"};
    const struct desired desired = {.settings = &settings};
    json_auto_t *v = json_loads(world, 0, NULL);
    const struct plan_input in = {.desired = &desired,
                                  .observed = observed_from_json(v, a, NULL),
                                  .now_ms = INT64_C(1793600000000)};
    struct volume_row *r;
    struct kvs sizes = {0};
    size_t n;

    (void)state;
    kvs_set(a, &sizes, "used", "4096");
    volumes_report(&in, &sizes, true, a, &r, &n);
    assert_int_equal(n, ARRAY_LEN(rows));
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(r[i].name, rows[i].name);
        assert_string_equal(r[i].state, rows[i].state);
    }
    assert_int_equal(r[5].bytes, 4096);
    assert_int_equal(r[4].bytes, -1);
    volumes_print(r, n, true, false, &text);
    assert_non_null(strstr(str_text(&text), "quarantine until 2026-11-08T10:00:00Z"));
    json_auto_t *doc = volumes_to_json(r, n);
    char why[512];

    if (!schema_check_file("schemas/volumes.schema.json", doc, why))
        fail_msg("%s", why);
    volumes_report(&in, NULL, false, a, &r, &n);
    assert_int_equal(n, 5); /* without the one that nobody labelled */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_report), /* before the working directory changes */
        cmocka_unit_test_setup_teardown(test_folder, scratch_setup, scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
