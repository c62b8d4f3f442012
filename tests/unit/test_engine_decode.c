/* test_engine_decode.c: replies that were captured from real engines (tests/engine_decode/VERSION/), what they decode into
 * (observed.json there; EVENKEEL_UPDATE=1 rewrites it), and what becomes of them when they are damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/engine_decode.h"
#include "spec/base/arena.h"
#include "spec/base/err.h"
#include "spec/base/js.h"

static const char *const versions[] = {"20.10", "26"};
static const char *const containers[] = {"blog-web-1", "plain", "crash", "early"};

static int set_up(void **state)
{
    *state = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    arena_free(*state);
    return 0;
}

static char *read_file(struct arena *a, const char *path, size_t *ret_n)
{
    FILE *f = fopen(path, "re");
    CLEANUP(str_release) struct str s = STR_INIT;
    char piece[4096];
    size_t n;

    if (!f)
        fail_msg("%s: not there", path);
    while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
        str_addn(&s, piece, n);
    (void)fclose(f);
    *ret_n = s.len;
    return arena_strndup(a, str_text(&s), s.len);
}

static char *captured(struct arena *a, const char *version, const char *name, size_t *ret_n)
{
    return read_file(a, arena_printf(a, "tests/engine_decode/%s/%s", version, name), ret_n);
}

static void must(int result, const struct err *e)
{
    if (result < 0)
        fail_msg("%s", e->msg);
}

static struct obs_container container(struct arena *a, const char *version, const char *name)
{
    struct obs_container c;
    struct err e = {0};
    size_t n = 0;
    const char *text = captured(a, version, arena_printf(a, "container-%s.json", name), &n);

    must(engine_decode_container(text, n, a, &c, &e), &e);
    return c;
}

/* ---- everything, by golden files ---- */

static struct observed *everything(struct arena *a, const char *version)
{
    struct observed *o = ARENA_NEW(a, struct observed);
    struct err e = {0};
    size_t n = 0;
    const char *text = captured(a, version, "containers.json", &n);

    must(engine_decode_container_list(text, n, a, &o->containers, &o->n_containers, &e), &e);
    text = captured(a, version, "networks.json", &n);
    must(engine_decode_network_list(text, n, a, &o->networks, &o->n_networks, &e), &e);
    text = captured(a, version, "volumes.json", &n);
    must(engine_decode_volume_list(text, n, a, &o->volumes, &o->n_volumes, &e), &e);
    o->images = ARENA_ARRAY(a, 2, struct obs_image);
    text = captured(a, version, "image-nginx.json", &n);
    must(engine_decode_image("nginx:1.27-alpine", text, n, a, &o->images[o->n_images++], &e), &e);
    text = captured(a, version, "image-redis.json", &n);
    must(engine_decode_image("redis:7-alpine", text, n, a, &o->images[o->n_images++], &e), &e);
    observed_seal(o, a);
    return o;
}

static void compare_golden(struct arena *a, const char *path, const json_t *v)
{
    CLEANUP(str_release) struct str got = STR_INIT;
    size_t n = 0;

    js_pretty(v, &got);
    if (getenv("EVENKEEL_UPDATE")) {
        FILE *f = fopen(path, "we");

        assert_non_null(f);
        assert_int_equal(fwrite(str_text(&got), 1, got.len, f), got.len);
        assert_int_equal(fclose(f), 0);
    }
    assert_string_equal(str_text(&got), read_file(a, path, &n));
}

static void lists_and_images(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        json_auto_t *v = observed_to_json(everything(*state, versions[i]));

        compare_golden(
            *state, arena_printf(*state, "tests/engine_decode/%s/observed-lists.json", versions[i]),
            v);
    }
}

static void inspected_containers(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct observed o = {.n_containers = ARRAY_LEN(containers)};

        o.containers = ARENA_ARRAY(*state, o.n_containers, struct obs_container);
        for (size_t k = 0; k < o.n_containers; k++)
            o.containers[k] = container(*state, versions[i], containers[k]);
        observed_seal(&o, *state);
        json_auto_t *v = observed_to_json(&o);

        compare_golden(
            *state,
            arena_printf(*state, "tests/engine_decode/%s/observed-inspects.json", versions[i]), v);
    }
}

/* ---- what matters, said by hand ---- */

static void a_running_container(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct obs_container c = container(*state, versions[i], "blog-web-1");

        assert_string_equal(c.name, "blog-web-1");
        assert_int_equal(c.state, CS_RUNNING);
        assert_int_equal(c.health, HEALTH_HEALTHY);
        assert_true(c.inspected);
        assert_string_equal(c.owner, "default");
        assert_string_equal(c.service, "web");
        assert_int_equal(c.index, 1);
        assert_true(c.started_ms > c.created_ms && c.created_ms > 0);
        assert_int_equal(c.finished_ms, 0);
        assert_null(c.error);
        assert_int_equal(c.n_networks, 2);
        assert_int_equal(c.n_ports, 5);
        assert_string_equal(kvs_get(&c.fields, "mem_limit"), "64M");
        assert_string_equal(kvs_get(&c.fields, "networks.blog_default"),
                            "alias web, alias www, address 10.213.0.20");
        assert_null(kvs_get(&c.fields, "hostname"));
    }
}

static void containers_that_are_not_well(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct obs_container crash = container(*state, versions[i], "crash");
        struct obs_container early = container(*state, versions[i], "early");
        struct obs_container plain = container(*state, versions[i], "plain");

        assert_int_equal(crash.state, CS_EXITED);
        assert_int_equal(crash.exit_code, 3);
        assert_int_equal(crash.restart_count, 2);
        assert_true(crash.finished_ms >= crash.created_ms);
        assert_int_equal(early.state, CS_CREATED);
        assert_int_equal(early.exit_code, 127);
        assert_non_null(strstr(early.error, "no such file or directory"));
        assert_int_equal(early.started_ms, 0);
        assert_string_equal(early.app, "blog");
        assert_null(early.owner);
        assert_int_equal(early.index, 0);
        assert_int_equal(plain.state, CS_PAUSED);
        assert_int_equal(plain.health, HEALTH_NONE);
    }
}

static void health_in_a_list(void **state)
{
    static const struct {
        const char *status;
        enum health health;
    } cases[] = {
        {"Up 5 seconds (healthy)", HEALTH_HEALTHY},
        {"Up 5 seconds (unhealthy)", HEALTH_UNHEALTHY},
        {"Up 5 seconds (health: starting)", HEALTH_STARTING},
        {"Up 4 seconds (Paused)", HEALTH_NONE},
        {"Exited (0) 3 hours ago", HEALTH_NONE},
        {"Up 5 seconds", HEALTH_NONE},
        {"", HEALTH_NONE},
        {"(healthy", HEALTH_NONE},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *text = arena_printf(
            *state, "[{\"Id\":\"1\",\"State\":\"running\",\"Status\":\"%s\"}]", cases[i].status);
        struct obs_container *c = NULL;
        struct err e = {0};
        size_t n = 0;

        must(engine_decode_container_list(text, strlen(text), *state, &c, &n, &e), &e);
        assert_int_equal(c[0].health, cases[i].health);
        assert_false(c[0].inspected);
    }
}

/* API 1.52 says health in a member of its own. */
static void health_of_newer_lists(void **state)
{
    static const char text[] =
        "[{\"Id\":\"1\",\"Names\":[\"/other/alias\",\"/c\"],\"State\":\"running\","
        "\"Status\":\"Up\",\"Health\":{\"Status\":\"unhealthy\",\"FailingStreak\":3}}]";
    struct obs_container *c = NULL;
    struct err e = {0};
    size_t n = 0;

    must(engine_decode_container_list(text, strlen(text), *state, &c, &n, &e), &e);
    assert_int_equal(c[0].health, HEALTH_UNHEALTHY);
    assert_string_equal(c[0].name, "c"); /* not the name a link gave it */
}

static void lists_may_be_null(void **state)
{
    struct obs_container *c = (void *)8;
    struct obs_volume *v = (void *)8;
    struct err e = {0};
    size_t n = 77;

    must(engine_decode_container_list("null", 4, *state, &c, &n, &e), &e);
    assert_int_equal(n, 0);
    n = 77;
    must(engine_decode_volume_list("{\"Volumes\":null}", 16, *state, &v, &n, &e), &e);
    assert_int_equal(n, 0);
}

/* A health check may print anything; its output stands in the reply. */
static void nul_in_a_text_is_no_reason_to_go_blind(void **state)
{
    static const char text[] =
        "[{\"Id\":\"1\",\"State\":\"running\",\"Labels\":{\"a\":\"x\\u0000y\","
        "\"b\":\"\\\\u0000\",\"c\":\"\\\\\\u0000\"}}]";
    struct obs_container *c = NULL;
    struct err e = {0};
    size_t n = 0;

    must(engine_decode_container_list(text, strlen(text), *state, &c, &n, &e), &e);
    assert_string_equal(kvs_get(&c[0].labels, "a"), "x\xef\xbf\xbdy");
    assert_string_equal(kvs_get(&c[0].labels, "b"), "\\u0000");
    assert_string_equal(kvs_get(&c[0].labels, "c"), "\\\xef\xbf\xbd");
}

/* ---- damage ---- */

struct damage {
    struct arena *arena;
    json_t *root;
    int (*decode)(struct damage *d, const char *text, size_t n, struct err *e);
    size_t tried, refused;
    const char *const *needed; /* members that must be there */
};

static bool is_needed(const struct damage *d, const char *key)
{
    for (size_t i = 0; d->needed[i]; i++)
        if (strcmp(d->needed[i], key) == 0)
            return true;
    return false;
}

static int decode_root(struct damage *d)
{
    CLEANUP(str_release) struct str s = STR_INIT;
    struct err e = {0};

    js_canonical(d->root, &s);
    int result = d->decode(d, str_text(&s), s.len, &e);

    d->tried++;
    d->refused += result < 0;
    if (result < 0)
        assert_int_equal(e.kind, ERR_RETRY);
    arena_clear(d->arena);
    return result;
}

/* In place of each member in turn: nothing, null, and one value of every other type. */
static void damage_object(struct damage *d, json_t *object)
{
    CLEANUP(xfreep) const char **keys = xcalloc(json_object_size(object) + 1, sizeof(*keys));
    size_t n = 0;
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value) keys[n++] = key;
    for (size_t i = 0; i < n; i++) {
        json_t *was = json_incref(json_object_get(object, keys[i]));
        char *name = xstrdup(keys[i]);
        json_t *others[] = {
            json_null(),  json_integer(-7), json_string("x"),    json_true(),
            json_array(), json_object(),    json_pack("[i]", 1), json_pack("{s:i}", "x", 1)};

        (void)json_object_del(object, name);
        if (decode_root(d) < 0 && !is_needed(d, name))
            fail_msg("refused without %s", name);
        for (size_t k = 0; k < ARRAY_LEN(others); k++) {
            (void)json_object_set_new(object, name, others[k]);
            (void)decode_root(d);
        }
        (void)json_object_set_new(object, name, was);
        free(name);
    }
}

/* Members are put back at the end of their object, so the walk keeps its own list of names. */
static void damage_all(struct damage *d, json_t *v)
{
    if (json_is_array(v)) {
        for (size_t i = 0; i < json_array_size(v); i++)
            damage_all(d, json_array_get(v, i));
        return;
    }
    if (!json_is_object(v))
        return;
    damage_object(d, v);
    json_t *children = json_array();
    const char *key;
    json_t *value;

    json_object_foreach(v, key, value)(void) json_array_append(children, value);
    for (size_t i = 0; i < json_array_size(children); i++)
        damage_all(d, json_array_get(children, i));
    json_decref(children);
}

static void damage_file(void **state, const char *version, const char *name, struct damage *d)
{
    struct err e = {0};
    size_t n = 0;
    const char *text = captured(*state, version, name, &n);

    d->arena = arena_new();
    d->root = js_parse(text, n, &e);
    assert_non_null(d->root);
    damage_all(d, d->root);
    assert_int_equal(decode_root(d), 0); /* all was put back */
    json_decref(d->root);
    arena_free(d->arena);
    assert_true(d->refused > 5);
    assert_true(d->tried > d->refused);
}

static int damaged_container(struct damage *d, const char *text, size_t n, struct err *e)
{
    struct obs_container c = {.name = "untouched"};
    int result = engine_decode_container(text, n, d->arena, &c, e);

    if (result < 0)
        assert_string_equal(c.name, "untouched");
    return result;
}

static int damaged_list(struct damage *d, const char *text, size_t n, struct err *e)
{
    struct obs_container *c = (void *)8;
    size_t count = 77;
    int result = engine_decode_container_list(text, n, d->arena, &c, &count, e);

    if (result < 0) {
        assert_ptr_equal(c, (void *)8);
        assert_int_equal(count, 77);
    }
    return result;
}

static int damaged_networks(struct damage *d, const char *text, size_t n, struct err *e)
{
    struct obs_network *v = (void *)8;
    size_t count = 77;
    int result = engine_decode_network_list(text, n, d->arena, &v, &count, e);

    if (result < 0)
        assert_int_equal(count, 77);
    return result;
}

static int damaged_volumes(struct damage *d, const char *text, size_t n, struct err *e)
{
    struct obs_volume *v = (void *)8;
    size_t count = 77;
    int result = engine_decode_volume_list(text, n, d->arena, &v, &count, e);

    if (result < 0)
        assert_int_equal(count, 77);
    return result;
}

static int damaged_image(struct damage *d, const char *text, size_t n, struct err *e)
{
    struct obs_image i = {.id = "untouched"};
    int result = engine_decode_image("r:1", text, n, d->arena, &i, e);

    if (result < 0)
        assert_string_equal(i.id, "untouched");
    return result;
}

static void damaged_replies_are_refused_or_read(void **state)
{
    static const char *const of_container[] = {"Id", "Name", "State", "Status", NULL};
    static const char *const of_list[] = {"Id", "State", "PrivatePort", NULL};
    static const char *const of_network[] = {"Id", "Name", NULL};
    static const char *const of_volume[] = {"Name", NULL};
    static const char *const of_image[] = {"Id", NULL};

    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct damage one = {.decode = damaged_container, .needed = of_container};
        struct damage list = {.decode = damaged_list, .needed = of_list};
        struct damage networks = {.decode = damaged_networks, .needed = of_network};
        struct damage volumes = {.decode = damaged_volumes, .needed = of_volume};
        struct damage image = {.decode = damaged_image, .needed = of_image};

        damage_file(state, versions[i], "container-blog-web-1.json", &one);
        damage_file(state, versions[i], "containers.json", &list);
        damage_file(state, versions[i], "networks.json", &networks);
        damage_file(state, versions[i], "volumes.json", &volumes);
        damage_file(state, versions[i], "image-redis.json", &image);
    }
}

/* A connection that breaks leaves a shorter reply. */
static void cut_replies_are_refused(void **state)
{
    size_t n = 0;
    const char *text = captured(*state, "26", "container-blog-web-1.json", &n);

    while (n > 0 && strchr("\r\n", text[n - 1]))
        n--;
    for (size_t cut = 0; cut < n; cut += 7) {
        struct obs_container c;
        struct err e = {0};

        assert_int_equal(engine_decode_container(text, cut, *state, &c, &e), -1);
        assert_int_equal(e.kind, ERR_RETRY);
    }
}

static void errors_name_the_member_and_not_its_content(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"{}", "container: the engine's answer cannot be read: Id is not there"},
        {"[]", "container: the engine's answer cannot be read: not an object"},
        {"<html>502</html>",
         "container: the engine's answer cannot be read: not valid JSON at line 1, column 1: "
         "'[' or '{' expected"},
        {"{\"Id\":\"1\",\"Name\":\"/x\",\"State\":{\"Status\":\"hunter2\"}}",
         "container: the engine's answer cannot be read: the container's state is not one that "
         "this program "
         "knows"},
        {"{\"Id\":\"1\",\"Name\":\"/"
         "x\",\"State\":{\"Status\":\"running\"},\"Config\":{\"Labels\":[\"hunter2\"]}}",
         "container: the engine's answer cannot be read: Labels is not an object"},
        {"{\"Id\":\"1\",\"Name\":\"/"
         "x\",\"State\":{\"Status\":\"running\",\"ExitCode\":99999999999}}",
         "container: the engine's answer cannot be read: ExitCode is not a number in its bounds"},
        {"{\"Id\":\"1\",\"Name\":\"/"
         "x\",\"State\":{\"Status\":\"running\",\"StartedAt\":\"yesterday\"}}",
         "container: the engine's answer cannot be read: StartedAt is not a time"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct obs_container c;
        struct err e = {0};

        assert_int_equal(
            engine_decode_container(cases[i].text, strlen(cases[i].text), *state, &c, &e), -1);
        if (strncmp(cases[i].text, "<html>", 6) == 0)
            assert_memory_equal(e.msg, cases[i].message, 60);
        else
            assert_string_equal(e.msg, cases[i].message);
    }
}

/* What is decoded must be written to a saved pass and read again. */
static void ports_and_times_that_cannot_be(void **state)
{
    static const struct {
        const char *members;
        int result;
    } cases[] = {
        {"\"Ports\":[{\"IP\":\"::1\",\"PrivatePort\":80,\"PublicPort\":8080,\"Type\":\"tcp\"}]", 0},
        {"\"Ports\":[{\"PrivatePort\":0,\"Type\":\"x\"}]", 0}, /* not published: passed over */
        {"\"Ports\":[{\"PublicPort\":8080,\"Type\":\"tcp\"}]", -1},
        {"\"Ports\":[{\"PrivatePort\":80,\"PublicPort\":8080,\"Type\":\"t:/\"}]", -1},
        {"\"Ports\":[{\"IP\":\"[\",\"PrivatePort\":80,\"PublicPort\":8080,\"Type\":\"tcp\"}]", -1},
        {"\"Ports\":[{\"PrivatePort\":80,\"PublicPort\":65536,\"Type\":\"tcp\"}]", -1},
        {"\"Created\":253402300799", 0},
        {"\"Created\":253402300800", -1},
        {"\"Created\":-1", -1},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *text =
            arena_printf(*state, "[{\"Id\":\"1\",\"State\":\"running\",%s}]", cases[i].members);
        struct observed o = {0};
        struct err e = {0};

        assert_int_equal(engine_decode_container_list(text, strlen(text), *state, &o.containers,
                                                      &o.n_containers, &e),
                         cases[i].result);
        observed_seal(&o, *state);
        json_auto_t *v = observed_to_json(&o);

        assert_non_null(observed_from_json(v, *state, &e));
    }
}

/* ---- messages ---- */

static void messages_of_errors(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"{\"message\":\"No such container: nope\"}", "No such container: nope"},
        {"{\"message\":\"red \\u001b[31m\"}", "red \\x1b[31m"},
        {"404 page not found\n", "404 page not found"},
        {"{\"massage\":1}", "{\"massage\":1}"},
        {"{\"message\":7}", "{\"message\":7}"},
        {"", "the engine gave no reason"},
        {" \n", "the engine gave no reason"},
        {"{\"message\":\"\"}", "the engine gave no reason"},
    };
    CLEANUP(xfreep) char *lengthy = xcalloc(1, 5001);

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(engine_decode_message(cases[i].text, strlen(cases[i].text), *state),
                            cases[i].message);
    memset(lengthy, 'x', 5000);
    assert_int_equal(strlen(engine_decode_message(lengthy, 5000, *state)), 300);
}

/* ---- events ---- */

static json_t *event_json(const struct engine_event *ev)
{
    return json_pack("{s:s,s:s,s:s*,s:s*,s:s*,s:s*,s:s*}", "type", ev->type, "action", ev->action,
                     "id", ev->id, "name", ev->name, "app", ev->app, "owner", ev->owner,
                     "container", ev->container);
}

static void events_of_real_engines(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        json_auto_t *all = json_array();
        size_t n = 0;
        char *text = captured(*state, versions[i], "events.txt", &n), *more = NULL;

        for (char *line = strtok_r(text, "\n", &more); line; line = strtok_r(NULL, "\n", &more)) {
            struct engine_event ev;
            struct err e = {0};

            must(engine_decode_event(line, strlen(line), *state, &ev, &e), &e);
            assert_true(ev.time_ns > INT64_C(1700000000) * 1000000000);
            (void)json_array_append_new(all, event_json(&ev));
        }
        compare_golden(
            *state, arena_printf(*state, "tests/engine_decode/%s/events.json", versions[i]), all);
    }
}

static void events_without_what_newer_engines_dropped(void **state)
{
    static const char text[] =
        "{\"Type\":\"container\",\"Action\":\"health_status: unhealthy\",\"Actor\":{\"ID\":\"c1\","
        "\"Attributes\":{\"name\":\"blog-app-1\",\"evenkeel.app\":\"blog\",\"evenkeel.owner\":"
        "\"o\"}},"
        "\"scope\":\"local\",\"time\":1,\"timeNano\":1000000001}";
    struct engine_event ev;
    struct err e = {0};

    must(engine_decode_event(text, strlen(text), *state, &ev, &e), &e);
    assert_string_equal(ev.action, "health_status");
    assert_string_equal(ev.id, "c1");
    assert_string_equal(ev.app, "blog");
    assert_string_equal(ev.owner, "o");
    assert_null(ev.container);
    assert_int_equal(ev.time_ns, 1000000001);
}

static void events_that_are_none(void **state)
{
    static const char *const cases[] = {"",
                                        "{",
                                        "[]",
                                        "{}",
                                        "{\"Type\":\"x\"}",
                                        "{\"Action\":\"x\"}",
                                        "{\"Type\":1,\"Action\":\"x\"}",
                                        "{\"Type\":\"x\",\"Action\":\"y\",\"Actor\":[]}",
                                        "{\"Type\":\"x\",\"Action\":\"y\",\"timeNano\":\"1\"}"};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct engine_event ev = {.type = "untouched"};
        struct err e = {0};

        assert_int_equal(engine_decode_event(cases[i], strlen(cases[i]), *state, &ev, &e), -1);
        assert_string_equal(ev.type, "untouched");
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lists_and_images),
        TEST(inspected_containers),
        TEST(a_running_container),
        TEST(containers_that_are_not_well),
        TEST(health_in_a_list),
        TEST(health_of_newer_lists),
        TEST(lists_may_be_null),
        TEST(nul_in_a_text_is_no_reason_to_go_blind),
        TEST(damaged_replies_are_refused_or_read),
        TEST(cut_replies_are_refused),
        TEST(errors_name_the_member_and_not_its_content),
        TEST(ports_and_times_that_cannot_be),
        TEST(messages_of_errors),
        TEST(events_of_real_engines),
        TEST(events_without_what_newer_engines_dropped),
        TEST(events_that_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
