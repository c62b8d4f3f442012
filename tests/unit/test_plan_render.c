/* A plan as text, JSON and graph: colours only on request, nothing a stranger wrote steers a terminal, no secret gets out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "reconcile/drift.h"
#include "reconcile/plan.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "tests/schema_check.h"

static uint32_t needs_first[] = {0};
static struct change changes[] = {
    {"environment.TZ", "Europe/Berlin", "UTC"},
    {"environment.PASSWORD", "(changed)", "(changed)"},
    {"user", NULL, "root"},
    {"labels.evil", "\033[2Jgone\"\xff", NULL},
};
static struct action actions[] = {
    {.kind = ACT_CREATE,
     .subject = "container blog-app-1.next-abc",
     .cause = "blog.yaml:2: environment.TZ changed",
     .changes = changes,
     .n_changes = 4,
     .op = {.name = "blog-app-1.next-abc",
            .image = "nginx",
            .body = "{\"Env\":[\"PASSWORD=hunter2\"]}"}},
    {.kind = ACT_STOP,
     .subject = "container blog-app-1",
     .cause = "replaced",
     .needs = needs_first,
     .n_needs = 1,
     .op = {.object = "id"}},
    {.kind = ACT_START,
     .when = WHEN_FAILED,
     .subject = "container blog-app-1",
     .cause = "if that fails",
     .needs = needs_first,
     .n_needs = 1,
     .optional = true,
     .op = {.object = "id"}},
    {.kind = ACT_NETWORK_CREATE,
     .subject = "network blog_default",
     .cause = "new",
     .reserves = "10.213.0.0/26",
     .op = {.name = "blog_default"}},
};
static struct difference differences[] = {
    {.kind = DRIFT_PENDING,
     .object = "container blog-app-1",
     .change = {"environment.TZ", "Europe/Berlin", "UTC"},
     .cause = "blog.yaml:2"},
    {.kind = DRIFT_FOUND,
     .object = "container blog-db-1",
     .change = {"state", "running", "paused"},
     .cause = "paused (pause at 2026-11-22T10:00:00Z)",
     .service = "db",
     .event = "pause",
     .when_ms = 1795341600000,
     .repair = REPAIR_START},
};
static const char *notes[] = {"held by \033[31mada"};
static const char *held_names[] = {"b1", "b2"};
static struct plan_app apps[] = {
    {.name = "blog",
     .state = APP_OUT_OF_SYNC,
     .why = "container blog-app-1: environment.TZ changed",
     .origin = "/apps//blog.yaml",
     .digest = "d",
     .notes = {notes, 1},
     .differences = differences,
     .n_differences = 2,
     .actions = actions,
     .n_actions = 4,
     .containers_wanted = 2,
     .containers_running = 1,
     .wake_ms = INT64_C(1795341600000)},
    {.name = "wiki", .state = APP_SYNCED, .digest = "e"},
};
static struct held_removals held[] = {{"/apps", {held_names, 2}, 2, "0123456789ab"}};
static const struct plan plan = {.apps = apps, .n_apps = 2, .held = held, .n_held = 1};

static void test_text(void **state)
{
    const struct plan_style plain = {.colour = false, .verbose = false};
    CLEANUP(str_release) struct str s = STR_INIT;

    (void)state;
    plan_print(&plan, &plain, &s);
    assert_string_equal(
        str_text(&s),
        "blog: OutOfSync: container blog-app-1: environment.TZ changed\n"
        "  + create container blog-app-1.next-abc  (blog.yaml:2: environment.TZ changed)\n"
        "      environment.TZ: \"UTC\" -> \"Europe/Berlin\"\n"
        "      environment.PASSWORD: (changed)\n"
        "      user: \"root\" -> (none)\n"
        "      labels.evil: (none) -> \"\\x1b[2Jgone\"\\xff\"\n"
        "  ~ stop container blog-app-1  (replaced)\n"
        "  + create network blog_default (10.213.0.0/26)  (new)\n"
        "  ! container blog-db-1 state: \"paused\" -> \"running\"  (paused (pause at "
        "2026-11-22T10:00:00Z))\n"
        "  note: held by \\x1b[31mada\n"
        "held: removal of 2 of the 2 apps of /apps: b1 b2\n"
        "  to go on: evenkeel apply --confirm-removals 0123456789ab\n"
        "2 apps: 1 to change, 1 unchanged\n");
}

static void test_verbose_adds_the_way_back_and_the_quiet(void **state)
{
    const struct plan_style verbose = {.colour = false, .verbose = true};
    CLEANUP(str_release) struct str s = STR_INIT;

    (void)state;
    plan_print(&plan, &verbose, &s);
    assert_non_null(strstr(str_text(&s), "  ? start container blog-app-1  (if that fails)\n"));
    assert_non_null(strstr(str_text(&s), "wiki: Synced\n"));
}

static void test_verbose_shows_the_dockerfile_that_is_sent(void **state)
{
    static const struct build_order own, made = {.dockerfile_text = "FROM x\n\nRUN \033[31mred"};
    struct action build = {
        .kind = ACT_BUILD, .subject = "image evenkeel/a/app:1", .op = {.build = &made}};
    struct plan_app app = {
        .name = "a", .state = APP_MISSING, .digest = "d", .actions = &build, .n_actions = 1};
    const struct plan p = {.apps = &app, .n_apps = 1};
    struct plan_style style = {.verbose = true};
    CLEANUP(str_release) struct str s = STR_INIT;

    (void)state;
    plan_print(&p, &style, &s);
    assert_string_equal(str_text(&s), "a: Missing\n"
                                      "  + build image evenkeel/a/app:1\n"
                                      "      | FROM x\n"
                                      "      | \n"
                                      "      | RUN \\x1b[31mred\n"
                                      "1 app: 1 to create\n");
    style.verbose = false;
    str_clear(&s);
    plan_print(&p, &style, &s);
    assert_null(strstr(str_text(&s), "FROM"));
    build.op.build = &own;
    style.verbose = true;
    str_clear(&s);
    plan_print(&p, &style, &s);
    assert_null(strstr(str_text(&s), " | "));
}

static void test_colour_only_on_request(void **state)
{
    const struct plan_style coloured = {.colour = true, .verbose = false};
    const struct plan_style plain = {.colour = false, .verbose = false};
    CLEANUP(str_release) struct str with = STR_INIT, without = STR_INIT;

    (void)state;
    plan_print(&plan, &coloured, &with);
    plan_print(&plan, &plain, &without);
    assert_non_null(strstr(str_text(&with), "\033[32m+\033[0m create"));
    assert_null(strchr(str_text(&without), '\033'));
}

static void test_long_values_are_cut_between_characters(void **state)
{
    char value[1024];
    struct change c = {"environment.LONG", value, "short"};
    struct action a = {
        .kind = ACT_CREATE, .subject = "container x", .cause = "c", .changes = &c, .n_changes = 1};
    struct plan_app app = {.name = "x", .state = APP_MISSING, .actions = &a, .n_actions = 1};
    const struct plan one = {.apps = &app, .n_apps = 1};
    const struct plan_style plain = {.colour = false, .verbose = false};
    CLEANUP(str_release) struct str s = STR_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof(value); i++)
        value[i] = i % 2 ? (char)0xa4 : (char)0xc3; /* ä: two bytes */
    value[0] = 'x';                                 /* so that the limit falls into one */
    for (size_t i = 1; i < sizeof(value); i++)
        value[i] = i % 2 ? (char)0xc3 : (char)0xa4;
    value[sizeof(value) - 1] = '\0';
    plan_print(&one, &plain, &s);
    assert_true(s.len < 300);
    assert_non_null(strstr(str_text(&s), "\xc3\xa4...\""));
    assert_null(strstr(str_text(&s), "\\x")); /* half a character would be escaped */
}

static void test_json_is_as_its_schema_says(void **state)
{
    json_auto_t *v = plan_to_json(&plan);
    CLEANUP(str_release) struct str s = STR_INIT;
    char why[512];

    (void)state;
    assert_true(schema_check_file("schemas/plan.schema.json", v, why));
    js_canonical(v, &s);
    assert_null(strstr(str_text(&s), "hunter2"));
    assert_false(json_is_true(json_object_get(v, "empty")));
    assert_string_equal(js_str(json_array_get(js_at(v, "apps"), 0), "changes_at", ""),
                        "2026-11-22T10:00:00Z");
}

static void test_drift_is_as_its_schema_says(void **state)
{
    struct arena *a = arena_new();
    struct drift_item *items;
    size_t n = drift_items(&plan, a, &items);
    char why[512];

    (void)state;
    assert_int_equal(n, 1);
    assert_string_equal(items[0].app, "blog");
    assert_string_equal(items[0].found->change.field, "state");
    assert_int_equal(drift_count(items, n), 1);
    json_auto_t *v = drift_to_json(items, n);
    const json_t *first = json_array_get(json_object_get(v, "drift"), 0);

    assert_true(schema_check_file("schemas/drift.schema.json", v, why));
    assert_string_equal(js_str(first, "when", ""), "2026-11-22T10:00:00Z");
    assert_string_equal(js_str(first, "repair", ""), "start");
    assert_int_equal(js_int(v, "count", -1), 1);
    arena_free(a);
}

/* The checker itself: it must be able to say no. */
static void test_schema_refuses(void **state)
{
    static const char *const bad[] = {
        "{\"apps\":[],\"held\":[]}",
        "{\"apps\":[],\"held\":[],\"empty\":true,\"more\":1}",
        "{\"apps\":{},\"held\":[],\"empty\":true}",
        "{\"apps\":[{\"name\":\"x\",\"state\":\"Fine\",\"containers\":{\"wanted\":1,\"running\":1},"
        "\"notes\":[],\"differences\":[],"
        "\"actions\":[]}],\"held\":[],\"empty\":true}",
        ("{\"apps\":[],\"held\":[{\"root\":\"r\",\"apps\":[1],\"of\":2,\"hash\":\"x\"}],"
         "\"empty\":true}"),
    };
    char why[512];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        json_auto_t *v = json_loads(bad[i], 0, NULL);
        assert_non_null(v);
        assert_false(schema_check_file("schemas/plan.schema.json", v, why));
        assert_string_not_equal(why, "");
    }
}

static void test_dot(void **state)
{
    CLEANUP(str_release) struct str s = STR_INIT;

    (void)state;
    plan_to_dot(&plan, &s);
    assert_non_null(strstr(str_text(&s), "label=\"blog\""));
    assert_non_null(strstr(str_text(&s), "a0_0 -> a0_1;"));
    assert_non_null(strstr(str_text(&s), "a0_0 -> a0_2 [style=dashed, label=\"failed\"];"));
    assert_null(strstr(str_text(&s), "wiki"));
}

static void test_empty(void **state)
{
    const struct plan nothing = {.apps = &apps[1], .n_apps = 1};
    const struct plan_style plain = {.colour = false, .verbose = false};
    CLEANUP(str_release) struct str s = STR_INIT;

    (void)state;
    assert_true(plan_empty(&nothing));
    assert_false(plan_empty(&plan));
    plan_print(&nothing, &plain, &s);
    assert_string_equal(str_text(&s), "1 app: 1 unchanged\n");
    assert_non_null(plan_app(&plan, "wiki"));
    assert_null(plan_app(&plan, "nobody"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_verbose_adds_the_way_back_and_the_quiet),
        cmocka_unit_test(test_verbose_shows_the_dockerfile_that_is_sent),
        cmocka_unit_test(test_colour_only_on_request),
        cmocka_unit_test(test_long_values_are_cut_between_characters),
        cmocka_unit_test(test_json_is_as_its_schema_says),
        cmocka_unit_test(test_drift_is_as_its_schema_says),
        cmocka_unit_test(test_schema_refuses),
        cmocka_unit_test(test_dot),
        cmocka_unit_test(test_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
