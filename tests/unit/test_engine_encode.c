/* test_engine_encode.c: specs into Engine API bodies, by golden cases in tests/engine_encode/CASE/{app.yaml,body.json}
 * (EVENKEEL_UPDATE=1 rewrites body.json); and the hash and the seal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/engine_encode.h"
#include "drivers/engine_encode_net.h"
#include "spec/base/arena.h"
#include "spec/base/err.h"
#include "spec/labels.h"

#define CASES "tests/engine_encode"

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
        return NULL;
    while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
        str_addn(&s, piece, n);
    (void)fclose(f);
    *ret_n = s.len;
    return arena_strndup(a, str_text(&s), s.len);
}

/* One file, for whoever names it. */
static int one_file(void *ctx, const char *path, struct arena *a, const char **ret_text,
                    size_t *ret_n, struct err *e)
{
    static const char profile[] =
        "{\n  \"syscalls\": [],\n  \"defaultAction\": \"SCMP_ACT_ALLOW\"\n}\n";

    (void)ctx;
    if (strcmp(path, "/apps/seccomp/open.json") != 0)
        return err_set(e, ERR_MISSING, "%s", path);
    *ret_text = arena_strdup(a, profile);
    *ret_n = strlen(profile);
    return 0;
}

static void fail_on_errors(const struct diag_list *diags)
{
    CLEANUP(str_release) struct str s = STR_INIT;

    for (size_t i = 0; i < diags->n; i++)
        if (diags->v[i].level == DIAG_ERROR)
            diag_print(&diags->v[i], true, &s);
    if (s.len)
        fail_msg("%s", str_text(&s));
}

static const struct want_app *build(struct arena *a, const char *text, size_t n)
{
    static const struct settings settings = {
        .owner = "default", .pool = "10.213.0.0/16", .pool_prefix = 26, .drift = DRIFT_HEAL};
    const struct loader loader = {.read = one_file};
    struct spec_root *root = ARENA_NEW(a, struct spec_root);
    struct spec_file *file = ARENA_NEW(a, struct spec_file);
    const struct spec_file **files = ARENA_NEW(a, const struct spec_file *);
    struct spec_set *set = ARENA_NEW(a, struct spec_set);

    *root = (struct spec_root){.path = "/apps", .readable = true};
    document_parse("/apps", "app.yaml", "app.yaml", "/apps", text, n, &loader, a, file);
    fail_on_errors(&file->diags);
    files[0] = file;
    *set = (struct spec_set){.roots = root, .n_roots = 1, .files = files, .n_files = 1};
    struct desired *d = desired_build(set, &settings, NULL, 0, a);

    fail_on_errors(&d->diags);
    assert_int_equal(d->n_apps, 1);
    return &d->apps[0];
}

static void put_body(json_t *all, const char *kind, const char *name, const char *body,
                     struct arena *a)
{
    struct err e = {0};
    json_t *v = js_parse(body, strlen(body), &e);
    CLEANUP(str_release) struct str again = STR_INIT;

    assert_non_null(v);
    js_canonical(v, &again);
    assert_string_equal(str_text(&again), body); /* canonical already */
    assert_int_equal(json_object_set_new(all, arena_printf(a, "%s %s", kind, name), v), 0);
}

static void put_container(json_t *all, const struct want_container *c, struct arena *a)
{
    const struct service *spec = c->service->spec;
    const struct attach *first = engine_encode_first_attach(c);

    put_body(all, "container", c->name, engine_encode_container(c, a), a);
    for (size_t i = 0; i < spec->n_networks; i++) {
        const struct attach *at = &spec->networks[i];

        if (at != first || spec->mac_address) /* off its first network, and on again */
            put_body(all, "connect",
                     arena_printf(a, "%s to %s", c->name, engine_encode_network_name(c->app, at)),
                     engine_encode_connect(c->name, c, at, a), a);
    }
}

/* The hash is over what reading the body, putting the image in and writing it again would give. */
static void check_hash(const char *body, const char *image_id)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    json_auto_t *v = js_parse(body, strlen(body), NULL);
    char want[SHA256_HEX], got[SHA256_HEX];

    (void)json_object_set_new(v, "Image", json_string(image_id));
    js_canonical(v, &text);
    sha256_hex(str_text(&text), text.len, want);
    engine_encode_hash(body, image_id, got);
    if (strcmp(got, want) != 0)
        fail_msg("another hash for %s", body);
}

static json_t *encode_all(const struct want_app *app, struct arena *a)
{
    json_t *all = json_object();

    for (size_t i = 0; i < app->n_services; i++)
        for (size_t k = 0; k < app->services[i].n_containers; k++)
            put_container(all, &app->services[i].containers[k], a);
    for (size_t i = 0; i < app->n_services; i++)
        for (size_t k = 0; k < app->services[i].n_containers; k++)
            check_hash(engine_encode_container(&app->services[i].containers[k], a), "sha256:0a1");
    for (size_t i = 0; i < app->n_networks; i++)
        if (!app->networks[i].external)
            put_body(all, "network", app->networks[i].name,
                     engine_encode_network(&app->networks[i], "10.213.0.0/26", a), a);
    for (size_t i = 0; i < app->n_volumes; i++)
        if (!app->volumes[i].external)
            put_body(all, "volume", app->volumes[i].name, engine_encode_volume(&app->volumes[i], a),
                     a);
    return all;
}

static void rewrite(const char *path, const struct str *text)
{
    FILE *f = fopen(path, "we");

    assert_non_null(f);
    assert_int_equal(fwrite(str_text(text), 1, text->len, f), text->len);
    assert_int_equal(fclose(f), 0);
}

static bool try_case(const char *name)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(str_release) struct str got = STR_INIT;
    const char *spec_path = arena_printf(a, CASES "/%s/app.yaml", name);
    const char *body_path = arena_printf(a, CASES "/%s/body.json", name);
    size_t n = 0;
    const char *text = read_file(a, spec_path, &n);

    if (!text)
        fail_msg("%s: not there", spec_path);
    json_auto_t *all = encode_all(build(a, text, n), a);

    js_pretty(all, &got);
    if (getenv("EVENKEEL_UPDATE")) {
        rewrite(body_path, &got);
        return true;
    }
    const char *want = read_file(a, body_path, &n);

    if (want && strcmp(want, str_text(&got)) == 0)
        return true;
    print_message("%s: got\n%s", body_path, str_text(&got));
    return false;
}

static void golden_bodies(void **state)
{
    DIR *dir = opendir(CASES);
    int tried = 0, failed = 0;

    (void)state;
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        tried++;
        failed += !try_case(entry->d_name);
    }
    (void)closedir(dir);
    assert_int_equal(failed, 0);
    assert_true(tried >= 20);
}

static const char *body_of(struct arena *a, const char *yaml)
{
    return engine_encode_container(&build(a, yaml, strlen(yaml))->services[0].containers[0], a);
}

/* What means the same is the same body, so that tidying a file replaces nothing. */
static void order_and_spelling_change_nothing(void **state)
{
    static const struct {
        const char *one, *other;
    } cases[] = {
        {"environment: {A: 1, B: 2}", "environment: [B=2, A=1]"},
        {"cap_add: [NET_ADMIN, SYS_TIME]", "cap_add: [CAP_SYS_TIME, net_admin]"},
        {"group_add: [a, b]", "group_add: [b, a, b]"},
        {"ports: ['80:80', '81:81']", "ports: ['81:81', '80:80']"},
        {"volumes: ['a:/a', 'b:/b']", "volumes: ['b:/b', 'a:/a']"},
        {"mem_limit: 1g", "mem_limit: 1024M"},
        {"cpus: 1", "cpus: '1.0'"},
        {"stop_grace_period: 90s", "stop_grace_period: 1m30s"},
        {"labels: {a: b, c: d}", "labels: [c=d, a=b]"},
        {"extra_hosts: ['a:1.1.1.1', 'b:2.2.2.2']", "extra_hosts: {b: 2.2.2.2, a: 1.1.1.1}"},
        {"ulimits: {nproc: 1, core: 0}", "ulimits: {core: 0, nproc: 1}"},
        {"devices: [/dev/a, /dev/b]", "devices: [/dev/b, '/dev/a:/dev/a:rwm']"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *head = "app: x\nimage: busybox:stable\n";
        const char *one = body_of(*state, arena_printf(*state, "%s%s\n", head, cases[i].one));
        const char *other = body_of(*state, arena_printf(*state, "%s%s\n", head, cases[i].other));

        assert_string_equal(one, other);
    }
}

static void order_that_means_something_stays(void **state)
{
    static const struct {
        const char *one, *other;
    } cases[] = {
        {"dns: [1.1.1.1, 2.2.2.2]", "dns: [2.2.2.2, 1.1.1.1]"},
        {"dns_search: [a, b]", "dns_search: [b, a]"},
        {"command: [a, b]", "command: [b, a]"},
        {"init: false", "tty: false"},
        {"entrypoint: []", "tty: false"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *head = "app: x\nimage: busybox:stable\n";

        assert_string_not_equal(
            body_of(*state, arena_printf(*state, "%s%s\n", head, cases[i].one)),
            body_of(*state, arena_printf(*state, "%s%s\n", head, cases[i].other)));
    }
}

static void hash_covers_body_and_image(void **state)
{
    char one[SHA256_HEX], two[SHA256_HEX];
    static const char text[] = "{\"Cmd\":[\"x\"],\"Image\":\"sha256:1\",\"Labels\":{}}";

    (void)state;
    engine_encode_hash("{\"Cmd\":[\"x\"],\"Labels\":{}}", "sha256:1", one);
    sha256_hex(text, strlen(text), two);
    assert_string_equal(one, two);
    engine_encode_hash("{\"Cmd\":[\"x\"],\"Labels\":{}}", "sha256:2", two);
    assert_string_not_equal(one, two);
    engine_encode_hash("{\"Cmd\":[\"y\"],\"Labels\":{}}", "sha256:1", two);
    assert_string_not_equal(one, two);
    engine_encode_hash("no body", "sha256:1", one);
    engine_encode_hash("no body", "sha256:2", two);
    assert_string_not_equal(one, two);
}

static void hash_of_any_canonical_body(void **state)
{
    static const char *const bodies[] = {
        "{}",
        "{\"A\":1}",
        "{\"Z\":1}",
        "{\"A\":{\"Image\":\"x\"},\"Z\":[\"}\",{\"B\":null}]}",
        "{\"Im\":\"\\\"\",\"Images\":\"\\\\\"}",
        "{\"Imagd\":true,\"Imagf\":-1}",
        "{\"Image\":\"another\"}",
        "{\"A\\\"\":1,\"B\":2}",
        "{\"\":\",\\\"Z\\\":\"}",
        "{\"Env\":[\"A={\",\"B=]\"],\"HostConfig\":{\"x\":{\"y\":[]}},\"Labels\":{\"Image\":\"\"}}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        check_hash(bodies[i], "sha256:0a1");
        check_hash(bodies[i], "a \"quoted\" name");
    }
}

/* Nothing is read past the end of what is no canonical body. */
static void hash_of_what_is_cut_off(void **state)
{
    static const char body[] = "{\"A\":{\"x\":[\"\\\"}\",1]},\"Labels\":{\"Image\":\"\"}}";
    char hash[SHA256_HEX];

    for (size_t n = 0; n < sizeof(body); n++)
        engine_encode_hash(arena_strndup(*state, body, n), "sha256:1", hash);
    assert_int_equal(strlen(hash), SHA256_HEX - 1);
}

static void seal_adds_image_hash_and_birth(void **state)
{
    struct kvs birth = {0};

    kvs_set(*state, &birth, LABEL_ORIGIN, "/r//x.yaml");
    assert_string_equal(engine_encode_seal("{\"Cmd\":[\"x\"],\"Labels\":{\"a\":\"1\"}}", "nginx:1",
                                           "f00", &birth, *state),
                        "{\"Cmd\":[\"x\"],\"Image\":\"nginx:1\",\"Labels\":{\"a\":\"1\","
                        "\"evenkeel.hash\":\"f00\",\"evenkeel.origin\":\"/r//x.yaml\"}}");
    assert_string_equal(engine_encode_seal("{}", "nginx:1", "f00", &(struct kvs){0}, *state),
                        "{\"Image\":\"nginx:1\",\"Labels\":{\"evenkeel.hash\":\"f00\"}}");
    assert_null(engine_encode_seal("[]", "nginx:1", "f00", &birth, *state));
    assert_null(engine_encode_seal("{", "nginx:1", "f00", &birth, *state));
}

/* Birth notes change with every commit; the hash must not. */
static void hash_ignores_birth(void **state)
{
    static const char yaml[] = "app: x\nimage: busybox:stable\n";
    const struct want_app *app = build(*state, yaml, strlen(yaml));
    struct want_container c = app->services[0].containers[0];
    const char *before = engine_encode_container(&c, *state);

    assert_non_null(kvs_get(&c.birth, LABEL_ORIGIN));
    assert_null(strstr(before, LABEL_ORIGIN));
    assert_null(strstr(before, LABEL_HASH));
    assert_null(strstr(before, "\"Image\""));
    kvs_set(*state, &c.birth, LABEL_COMMIT, "abc");
    assert_string_equal(engine_encode_container(&c, *state), before);
}

static void text_that_is_no_utf8_is_escaped(void **state)
{
    static const struct service spec = {.user = "a\xff"};
    const struct want_app app = {.name = "x"};
    const struct want_service service = {.name = "app", .spec = &spec, .image = "i"};
    const struct want_container c = {.app = &app, .service = &service, .index = 1, .name = "x"};

    assert_string_equal(engine_encode_container(&c, *state), "{\"User\":\"a\\\\xff\"}");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

/* Volumes of the container that is replaced, by where it mounts them. */
static void what_is_carried_over(void **state)
{
    static const struct {
        const char *body, *image, *with;
    } rows[] = {
        {"{}", "", "{}"}, /* the new image has no volume there */
        {"{}", "volumes./data",
         "{\"HostConfig\":{\"Mounts\":[{\"Source\":\"NAME\",\"Target\":\"/"
         "data\",\"Type\":\"volume\"}]}}"},
        {"{\"HostConfig\":{\"Mounts\":[{\"Target\":\"/data/\",\"Type\":\"volume\"}]}}", "",
         "{\"HostConfig\":{\"Mounts\":[{\"Source\":\"NAME\",\"Target\":\"/data/"
         "\",\"Type\":\"volume\"}]}}"},
        {"{\"HostConfig\":{\"Mounts\":[{\"Source\":\"kept\",\"Target\":\"/"
         "data\",\"Type\":\"volume\"}]}}",
         "volumes./data", NULL},
        {"{\"HostConfig\":{\"Mounts\":[{\"Target\":\"/data\",\"Type\":\"tmpfs\"}]}}",
         "volumes./data", NULL},
        {"{\"HostConfig\":{\"Binds\":[\"/srv:/data:ro\"]}}", "volumes./data", NULL},
        {"{\"HostConfig\":{\"Tmpfs\":{\"/data\":\"\"}}}", "volumes./data", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct kvs carried = {0}, image = {0};

        kvs_set(a, &carried, "/data", "NAME");
        if (*rows[i].image)
            kvs_set(a, &image, rows[i].image, "volume");
        assert_string_equal(engine_encode_carry(rows[i].body, &carried, &image, a),
                            rows[i].with ? rows[i].with : rows[i].body);
        assert_ptr_equal(engine_encode_carry(rows[i].body, NULL, &image, a), rows[i].body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(golden_bodies),
        TEST(order_and_spelling_change_nothing),
        TEST(order_that_means_something_stays),
        TEST(hash_covers_body_and_image),
        TEST(hash_of_any_canonical_body),
        TEST(hash_of_what_is_cut_off),
        TEST(seal_adds_image_hash_and_birth),
        TEST(hash_ignores_birth),
        TEST(text_that_is_no_utf8_is_escaped),
        TEST(what_is_carried_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
