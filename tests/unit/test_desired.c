/* test_desired.c: who holds a name, what overrides and time do, what a digest sees and what it does not, and what it all costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "spec/desired_dump.h"
#include "spec/labels.h"
#include "tests/unit/spec_case.h"

static const struct want_app *only(const struct spec_case *c, const char *name)
{
    const struct want_app *app = desired_app(c->desired, name);

    assert_non_null(app);
    return app;
}

static void build(struct spec_case *c, struct arena *a, const char *text)
{
    memset(c, 0, sizeof(*c));
    case_run(c, a, "x.yaml", text);
}

/* ---- names ---- */

static void test_first_file_wins(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct spec_case c;

    (void)state;
    build(&c, a, "#### a.yaml\napp: x\nimage: one\n#### b.yaml\napp: x\nimage: two\n");
    assert_int_equal(c.desired->n_apps, 1);
    assert_string_equal(only(&c, "x")->origin, "/apps//a.yaml");
    assert_int_equal(c.desired->diags.errors, 1);
    assert_null(desired_app(c.desired, "y"));
}

static void test_incumbent_wins(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct spec_case c;

    (void)state;
    build(&c, a,
          "#### a.yaml\napp: x\nimage: one\n#### b.yaml\napp: x\nimage: two\n#### incumbents\nx "
          "/apps//b.yaml\n");
    assert_string_equal(only(&c, "x")->origin, "/apps//b.yaml");
    /* An origin that is gone (the file was renamed) gives nobody an advantage. */
    build(&c, a,
          "#### a.yaml\napp: x\nimage: one\n#### b.yaml\napp: x\nimage: two\n#### incumbents\nx "
          "/apps//z.yaml\n");
    assert_string_equal(only(&c, "x")->origin, "/apps//a.yaml");
}

static void test_broken_incumbent_is_frozen(void **state)
{
    static const char *const broken[] = {"app: x\nimag: two\n", "app: x\nimage: [\n",
                                         "app: [x]\nimage: two\n", "\n"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct spec_case c;

        build(&c, a,
              arena_printf(a,
                           "#### a.yaml\napp: x\nimage: one\n#### b.yaml\n%s#### incumbents\nx "
                           "/apps//b.yaml\n",
                           broken[i]));
        assert_int_equal(c.desired->n_apps, 1);
        assert_true(only(&c, "x")->invalid_input);
        assert_string_equal(only(&c, "x")->origin, "/apps//b.yaml");
        assert_int_equal(c.desired->diags.errors, 1); /* a.yaml is told where the name lives */
    }
}

/* Its home is broken elsewhere, but can be told not to hold the app any more: moved, not mistyped. */
static void test_moved_out_of_a_broken_file(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct spec_case c;

    (void)state;
    build(&c, a,
          "#### a.yaml\napp: x\nimage: one\n#### b.yaml\napp: other\nimag: two\n#### incumbents\nx "
          "/apps//b.yaml\n");
    assert_false(only(&c, "x")->invalid_input);
    assert_string_equal(only(&c, "x")->origin, "/apps//a.yaml");
    assert_true(only(&c, "other")->invalid_input);
}

static void test_good_beats_broken(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct spec_case c;

    (void)state;
    build(&c, a, "#### a.yaml\napp: x\nimag: one\n#### b.yaml\napp: x\nimage: two\n");
    assert_false(only(&c, "x")->invalid_input);
    assert_string_equal(only(&c, "x")->origin, "/apps//b.yaml");
    build(&c, a, "#### a.yaml\napp: x\nimag: one\n");
    assert_true(only(&c, "x")->invalid_input);
    assert_int_equal(only(&c, "x")->at.line, 1);
}

/* ---- claims ---- */

/* b is refused for a's port; c wants only what b would have had, and gets it. */
static void test_refused_app_claims_nothing(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct spec_case c;

    (void)state;
    build(&c, a,
          "app: a\nimage: x\nports: ['80:80']\n---\napp: b\nimage: x\nports: ['80:80', "
          "'81:81']\n---\n"
          "app: c\nimage: x\nports: ['81:81']\n");
    assert_null(only(&c, "a")->refused);
    assert_non_null(
        strstr(only(&c, "b")->refused, "host port 80/tcp is published by \"a\" (apps/x.yaml:3:9)"));
    assert_null(only(&c, "c")->refused);
    assert_int_equal(only(&c, "b")->n_services, 1); /* still complete, for status and plan */
}

static void test_address_claims(void **state)
{
    static const struct {
        const char *first, *second;
        bool refused;
    } rows[] = {
        {"80:80", "80:80", true},
        {"80:80", "127.0.0.1:80:80", true},
        {"127.0.0.1:80:80", "80:80", true},
        {"127.0.0.1:80:80", "0.0.0.0:80:80", true},
        {"0.0.0.0:80:80", "127.0.0.1:80:80", true},
        {"127.0.0.1:80:80", "127.0.0.1:80:80", true},
        {"127.0.0.1:80:80", "127.0.0.2:80:80", false},
        {"0.0.0.0:80:80", "[::]:80:80", false},
        {"[::1]:80:80", "[::]:80:80", true},
        {"[::1]:80:80", "0.0.0.0:80:80", false},
        {"[::1]:80:80", "80:80", true},
        {"80:80", "80:80/udp", false},
        {"80:80", "81:80", false},
        {"80", "80", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct spec_case c;

        build(&c, a,
              arena_printf(
                  a, "app: a\nimage: x\nports: ['%s']\n---\napp: b\nimage: x\nports: ['%s']\n",
                  rows[i].first, rows[i].second));
        if ((only(&c, "b")->refused != NULL) != rows[i].refused)
            fail_msg("%s and %s", rows[i].first, rows[i].second);
    }
}

static void test_incumbent_keeps_port(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct spec_case c;

    (void)state;
    build(&c, a,
          "#### a.yaml\napp: a\nimage: x\nports: ['80:80']\n#### b.yaml\napp: b\nimage: x\nports: "
          "['80:80']\n"
          "#### incumbents\nb /apps//b.yaml\n");
    assert_non_null(only(&c, "a")->refused);
    assert_null(only(&c, "b")->refused);
    /* What is wanted gone claims nothing. */
    build(&c, a,
          "app: a\nimage: x\nstate: removed\nports: ['80:80']\n---\napp: b\nimage: x\nports: "
          "['80:80']\n");
    assert_null(only(&c, "b")->refused);
}

/* ---- overrides and time ---- */

static void hold_at(struct spec_case *c, struct arena *a, const char *until)
{
    build(c, a,
          arena_printf(a,
                       "#### x.yaml\napp: x\nimage: y\n#### overrides/x.yaml\noverride: x\nhold: "
                       "true\nuntil: %s\n",
                       until));
}

static void test_hold_ends(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct spec_case c;

    (void)state;
    hold_at(&c, a, "2026-11-22T10:00:00.001Z"); /* now is 10:00:00 */
    assert_true(only(&c, "x")->held);
    assert_int_equal(c.desired->next_change_ms, CASE_NOW_MS + 1);
    hold_at(&c, a, "2026-11-22T10:00:00Z");
    assert_false(only(&c, "x")->held);
    assert_int_equal(c.desired->next_change_ms, 0);
    assert_int_equal(only(&c, "x")->overrides.n, 0);
    hold_at(&c, a, "null");
    assert_true(only(&c, "x")->held);
    assert_int_equal(only(&c, "x")->held_until_ms, 0);
    assert_int_equal(c.desired->next_change_ms, 0);
}

static void test_next_change_is_the_first(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct spec_case c;

    (void)state;
    build(&c, a,
          "#### x.yaml\napp: x\nimage: y\n---\napp: z\nimage: y\n"
          "#### overrides/x.yaml\noverride: x\nhold: true\nuntil: 2026-11-22T10:00:09Z\n"
          "#### overrides/z.yaml\noverride: z\nhold: true\nuntil: 2026-11-22T10:00:05Z\n");
    assert_int_equal(c.desired->next_change_ms, CASE_NOW_MS + 5000);
}

/* Until we know what a broken override asked for, touching nothing is right. */
static void test_broken_override_holds(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct spec_case c;

    (void)state;
    build(&c, a,
          "#### x.yaml\napp: x\nimage: y\n#### overrides/x.yaml\noverride: x\nstate: halted\n");
    assert_true(only(&c, "x")->held);
    assert_int_equal(only(&c, "x")->state, WISH_RUNNING);
    assert_int_equal(only(&c, "x")->overrides.n, 1);
}

static void test_override_of_frozen(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct spec_case c;

    (void)state;
    build(&c, a,
          "#### x.yaml\napp: x\nimag: y\n#### overrides/x.yaml\noverride: x\nstate: removed\n");
    assert_true(only(&c, "x")->invalid_input);
    assert_int_equal(only(&c, "x")->state, WISH_REMOVED);
    assert_int_equal(c.desired->removed.n, 0);
}

/* ---- digests ---- */

static const char *digest_of(const char *name, const char *text, struct arena *a)
{
    struct spec_case c = {0};

    case_run(&c, a, name, text);
    for (size_t i = 0; i < c.n_files; i++)
        if (c.files[i]->broken)
            fail_msg("%s: %s", text, c.files[i]->diags.v[0].what);
    assert_int_equal(c.desired->n_apps, 1);
    return c.desired->apps[0].digest;
}

static void test_digest_sees_meaning_only(void **state)
{
    static const char *const same[] = {
        "app: x\nimage: y\nmem_limit: 1g\nenvironment: {A: 1, B: 2}\n",
        "# a comment\n\nimage:   'y'\napp: x\nenvironment: [B=2, A=1]\nmem_limit: 1024m\n",
        "app: x\nimage: y\nenvironment: {A: \"1\", B: 2}\ndeploy: {resources: {limits: {memory: "
        "1g}}}\n",
        "x-a: &a {A: 1, B: 2}\napp: x\nimage: y\nenvironment: *a\nmem_limit: 1g\nrestart: "
        "unless-stopped\ncpus: 0.5\n",
        "app: x\nimage: y\nmem_limit: 1g\nenvironment: {A: 1, B: 2}\ncap_add: []\nlabels: "
        "{}\nstate: running\n",
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *first = digest_of("a.yaml", same[0], a);

    (void)state;
    assert_int_equal(strlen(first), 64);
    for (size_t i = 1; i < ARRAY_LEN(same); i++)
        assert_string_equal(digest_of("deep/er.yaml", same[i], a), first);
}

static void test_digest_sees_every_field(void **state)
{
    static const char *const changes[] = {
        "",
        "image: z",
        "command: a",
        "command: []",
        "entrypoint: a",
        "environment: {A: 1}",
        "ports: [80]",
        "ports: ['80:80']",
        "ports: ['127.0.0.1:80:80']",
        "ports: [80/udp]",
        "expose: [80]",
        "volumes: [v:/v]",
        "volumes: [v:/v:ro]",
        "volumes: [./v:/v]",
        "volumes: [v:/v:nocopy]",
        "volumes: ['./v:/v:rslave']",
        "volumes: [{type: bind, source: ./v, target: /v}]",
        "volumes: [/v]",
        "tmpfs: /v",
        "tmpfs: /v:size=1m",
        "tmpfs: /v:mode=700",
        "tmpfs: /v:exec",
        "volumes: [{type: volume, source: v, target: /v, volume: {subpath: s}}]",
        "labels: {a: b}",
        "annotations: {a: b}",
        "extra_hosts: ['a:10.0.0.1']",
        "sysctls: {a: 1}",
        "user: u",
        "working_dir: /w",
        "hostname: h",
        "domainname: d",
        "stop_signal: SIGINT",
        "platform: linux/arm64",
        "runtime: r",
        "cgroup_parent: /c",
        "pid: host",
        "ipc: host",
        "uts: host",
        "userns_mode: host",
        "network_mode: host",
        "network_mode: none",
        "cgroup: host",
        "mac_address: '02:42:ac:11:00:02'",
        "container_name: cc",
        "read_only: true",
        "read_only: false",
        "init: true",
        "privileged: true",
        "tty: true",
        "stdin_open: true",
        "oom_kill_disable: true",
        "security: {no_new_privileges: false}",
        "security: {profile: service}",
        "security: {profile: docker}",
        "dns: 1.1.1.1",
        "dns_search: a",
        "dns_opt: [a]",
        "cap_add: [SYS_TIME]",
        "security_opt: [a=b]",
        "group_add: [a]",
        "device_cgroup_rules: ['c 1:3 mr']",
        "healthcheck: {test: a}",
        "healthcheck: {disable: true}",
        "healthcheck: {interval: 1s}",
        "healthcheck: {timeout: 1s}",
        "healthcheck: {start_period: 1s}",
        "healthcheck: {start_interval: 1s}",
        "healthcheck: {retries: 1}",
        "restart: always",
        "restart: on-failure",
        "restart: on-failure:2",
        "stop_grace_period: 1s",
        "mem_limit: 1g",
        "mem_reservation: 64m",
        "memswap_limit: 1g",
        "shm_size: 1g",
        "cpus: 1",
        "cpu_shares: 2",
        "pids_limit: 7",
        "oom_score_adj: 1",
        "cpuset: '0'",
        "logging: {driver: none}",
        "logging: {options: {max-size: 1m}}",
        "ulimits: {nofile: 1}",
        "ulimits: {nofile: {soft: 1, hard: 2}}",
        "devices: [/dev/null]",
        "devices: ['/dev/null:/dev/x']",
        "devices: ['/dev/null:r']",
        "networks: [a]",
        "networks: {a: {aliases: [b]}}",
        "networks: [a, b]",
        "networks: [b, a]",
        "pull_policy: always",
        "replicas: 2",
        "state: stopped",
        "drift: report",
        "restarted-at: 2026-01-01T00:00:00Z",
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct kvs seen = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        const char *image = strncmp(changes[i], "image", 5) == 0 ? "" : "image: y\n";
        const char *digest =
            digest_of("a.yaml", arena_printf(a, "app: x\n%s%s\n", image, changes[i]), a);
        const char *twin = kvs_get(&seen, digest);

        if (twin)
            fail_msg("\"%s\" and \"%s\" have one digest", changes[i], twin);
        kvs_set(a, &seen, digest, changes[i]);
    }
}

static void test_digest_of_declarations(void **state)
{
    static const char *const tops[] = {
        "networks: {n: {}}\nvolumes: {v: {}}",
        "networks: {n: {internal: true}}\nvolumes: {v: {}}",
        "networks: {n: {name: m}}\nvolumes: {v: {}}",
        "networks: {n: {external: true}}\nvolumes: {v: {}}",
        "networks: {n: {ipam: {config: [{subnet: 10.0.0.0/24}]}}}\nvolumes: {v: {}}",
        "networks: {n: {labels: {a: b}}}\nvolumes: {v: {}}",
        "networks: {n: {enable_ipv6: true}}\nvolumes: {v: {}}",
        "networks: {n: {driver_opts: {a: b}}}\nvolumes: {v: {}}",
        "networks: {n: {driver: macvlan}}\nvolumes: {v: {}}",
        "networks: {n: {}}\nvolumes: {v: {name: w}}",
        "networks: {n: {}}\nvolumes: {v: {external: true}}",
        "networks: {n: {}}\nvolumes: {v: {driver: nfs}}",
        "networks: {n: {}}\nvolumes: {v: {driver_opts: {a: b}}}",
        "networks: {n: {}}\nvolumes: {v: {labels: {a: b}}}",
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct kvs seen = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(tops); i++) {
        const char *text = arena_printf(
            a, "app: x\nservices: {w: {image: y, networks: [n], volumes: [v:/v]}}\n%s\n", tops[i]);

        assert_null(kvs_get(&seen, digest_of("a.yaml", text, a)));
        kvs_set(a, &seen, digest_of("a.yaml", text, a), tops[i]);
        /* What nobody uses changes nothing. */
        text =
            arena_printf(a, "app: x\nservices: {w: {image: y, network_mode: none}}\n%s\n", tops[i]);
        assert_string_equal(
            digest_of("a.yaml", text, a),
            digest_of("a.yaml", "app: x\nservices: {w: {image: y, network_mode: none}}\n", a));
    }
}

/* ---- labels ---- */

static void test_labels(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct spec_case c = {.settings = {.owner = "me"}};

    (void)state;
    case_run(&c, a, "sub/x.yaml",
             "app: x\nimage: y\nvolumes: [v:/v]\nlabels: {mine: '1'}\nreplicas: 2\n");
    const struct want_app *app = only(&c, "x");
    const struct want_container *two = &app->services[0].containers[1];

    assert_string_equal(two->name, "x-app-2");
    assert_int_equal(two->index, 2);
    assert_ptr_equal(two->app, app);
    assert_ptr_equal(two->service, &app->services[0]);
    assert_string_equal(kvs_get(&two->labels, LABEL_OWNER), "me");
    assert_string_equal(kvs_get(&two->labels, LABEL_INDEX), "2");
    assert_string_equal(kvs_get(&two->labels, LABEL_COMPOSE_NUMBER), "2");
    assert_string_equal(kvs_get(&two->labels, LABEL_COMPOSE_PROJECT), "ek-x");
    assert_string_equal(kvs_get(&two->labels, "mine"), "1");
    assert_null(kvs_get(&two->labels, LABEL_HASH));
    assert_null(kvs_get(&two->labels, LABEL_ORIGIN)); /* a file that moves replaces nothing */
    assert_string_equal(kvs_get(&two->birth, LABEL_ORIGIN), "/apps//sub/x.yaml");
    assert_memory_equal(kvs_get(&two->birth, LABEL_REVISION), app->digest, 12);
    assert_int_equal(strlen(kvs_get(&two->birth, LABEL_COMPOSE_HASH)), 64);
    for (size_t i = 1; i < two->labels.n; i++)
        assert_true(strcmp(two->labels.v[i - 1].key, two->labels.v[i].key) < 0);
    for (size_t i = 0; i < app->volumes[0].labels.n; i++)
        assert_null(strstr(app->volumes[0].labels.v[i].key, "compose"));
    assert_string_equal(kvs_get(&app->volumes[0].labels, LABEL_KEY), "v");
    assert_string_equal(kvs_get(&app->networks[0].labels, LABEL_COMPOSE_NETWORK), "default");
}

/* ---- the whole ---- */

static char *many_apps(struct arena *a, int from, int n)
{
    struct str text = STR_INIT;

    for (int i = from; i < from + n; i++)
        str_addf(&text,
                 "---\napp: app-%d\nservices:\n  web: {image: nginx, ports: ['127.%d.%d.1:80:80'], "
                 "depends_on: [db]}\n"
                 "  db: {image: postgres, volumes: [data:/data], environment: {A: b}}\nvolumes: "
                 "{data: {}}\n",
                 i, i / 250, i % 250);
    char *copy = arena_strdup(a, str_text(&text));

    str_release(&text);
    return copy;
}

static struct desired *build_many(struct arena *a, int n_files, bool backwards,
                                  const struct kvs *incumbents)
{
    static const struct settings settings = {.owner = "x"};
    const struct spec_file **files = ARENA_ARRAY(a, (size_t)n_files, const struct spec_file *);

    for (int i = 0; i < n_files; i++) {
        struct spec_file *f = ARENA_NEW(a, struct spec_file);
        char *text = many_apps(a, i * 100, 100);
        const char *name = arena_printf(a, "f%03d.yaml", i);

        document_parse("/r", name, name, "/r", text, strlen(text), NULL, a, f);
        assert_int_equal(f->diags.n, 0);
        files[backwards ? n_files - 1 - i : i] = f;
    }
    const struct spec_set set = {.files = files, .n_files = (size_t)n_files};

    return desired_build(&set, &settings, incumbents, 0, a);
}

/* The order in which files are handed over decides claims only; the result is sorted and the same every time. */
static void test_deterministic(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(str_release) struct str one = STR_INIT;
    CLEANUP(str_release) struct str two = STR_INIT;
    const struct desired *d = build_many(a, 3, false, NULL);

    (void)state;
    assert_int_equal(d->n_apps, 300);
    for (size_t i = 1; i < d->n_apps; i++)
        assert_true(strcmp(d->apps[i - 1].name, d->apps[i].name) < 0);
    desired_dump(d, &one);
    desired_dump(build_many(a, 3, true, NULL), &two);
    assert_string_equal(str_text(&one), str_text(&two));
}

static double seconds_for(int n_files)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct timespec from, to;

    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from), 0);
    const struct desired *d = build_many(a, n_files, false, NULL);

    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to), 0);
    assert_int_equal(d->n_apps, (size_t)n_files * 100);
    assert_int_equal(d->diags.n, 0);
    return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

/* 10 000 services: decoded and built in well under a second; sanitizers and a busy machine get room. */
static void test_cost(void **state)
{
    double few = seconds_for(5), many = seconds_for(50);

    (void)state;
    if (many > 20 * few + 0.5)
        fail_msg("500 apps take %.3f s, 5000 apps %.3f s", few, many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_file_wins),
        cmocka_unit_test(test_incumbent_wins),
        cmocka_unit_test(test_broken_incumbent_is_frozen),
        cmocka_unit_test(test_moved_out_of_a_broken_file),
        cmocka_unit_test(test_good_beats_broken),
        cmocka_unit_test(test_refused_app_claims_nothing),
        cmocka_unit_test(test_address_claims),
        cmocka_unit_test(test_incumbent_keeps_port),
        cmocka_unit_test(test_hold_ends),
        cmocka_unit_test(test_next_change_is_the_first),
        cmocka_unit_test(test_broken_override_holds),
        cmocka_unit_test(test_override_of_frozen),
        cmocka_unit_test(test_digest_sees_meaning_only),
        cmocka_unit_test(test_digest_sees_every_field),
        cmocka_unit_test(test_digest_of_declarations),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_deterministic),
        cmocka_unit_test(test_cost),
    };

    return cmocka_run_group_tests_name("desired", tests, NULL, NULL);
}
