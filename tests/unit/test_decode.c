/* test_decode.c: the tables keep their promises, and the decoder says everything that is wrong, with its place, however much
 * that is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "spec/base/arena.h"
#include "spec/config.h"
#include "spec/decode.h"
#include "spec/document.h"
#include "spec/forms.h"

/* ---- the tables ---- */

static void check_row(const struct table *t, const struct field *f)
{
    if (field_find(t, f->name) != f)
        fail_msg("%s.%s is not found", t->name, f->name);
    switch (f->status) {
    case FIELD_SUPPORTED:
        if (!f->form || !f->help || !*f->help)
            fail_msg("%s.%s has no form or help", t->name, f->name);
        bool mapping = f->form == &form_table || f->form == &form_build || f->form == &form_source;
        if (mapping ? !f->table : f->table && !strstr(f->form->words, "mapping"))
            fail_msg("%s.%s: a table without a mapping or the reverse", t->name, f->name);
        if (f->form == &form_choice && !f->choices)
            fail_msg("%s.%s has no choices", t->name, f->name);
        /* One possible word is nothing to tell apart. */
        if (!f->form->show && !f->alias_of && !(f->choices && !f->choices[1].word) &&
            f->form != &form_services && f->form != &form_networks && f->form != &form_volume_map)
            fail_msg("%s.%s is not part of the digest", t->name, f->name);
        return;
    case FIELD_PLANNED: assert_null(f->form); return;
    case FIELD_IGNORED:
    case FIELD_UNSUPPORTED:
    case FIELD_REFUSED:
        if (f->form || !f->help)
            fail_msg("%s.%s does not say why", t->name, f->name);
        return;
    }
}

static void test_tables(void **state)
{
    const struct table *const *const all[] = {fields_all_app, fields_all_config,
                                              fields_all_compose};

    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(all); k++)
        for (const struct table *const *t = all[k]; *t; t++)
            for (size_t i = 0; i < (*t)->n; i++) {
                if (i > 0 && strcmp((*t)->fields[i - 1].name, (*t)->fields[i].name) >= 0)
                    fail_msg("%s: %s is out of order", (*t)->name, (*t)->fields[i].name);
                check_row(*t, &(*t)->fields[i]);
            }
}

/* Every key of a service in the Compose Specification (schema of July 2025) is known to us, one way or another. */
static void test_compose_keys(void **state)
{
    static const char *const keys[] = {
        "annotations",
        "attach",
        "blkio_config",
        "build",
        "cap_add",
        "cap_drop",
        "cgroup",
        "cgroup_parent",
        "command",
        "configs",
        "container_name",
        "cpu_count",
        "cpu_percent",
        "cpu_period",
        "cpu_quota",
        "cpu_rt_period",
        "cpu_rt_runtime",
        "cpu_shares",
        "cpus",
        "cpuset",
        "credential_spec",
        "depends_on",
        "deploy",
        "develop",
        "device_cgroup_rules",
        "devices",
        "dns",
        "dns_opt",
        "dns_search",
        "domainname",
        "entrypoint",
        "env_file",
        "environment",
        "expose",
        "extends",
        "external_links",
        "extra_hosts",
        "gpus",
        "group_add",
        "healthcheck",
        "hostname",
        "image",
        "init",
        "ipc",
        "isolation",
        "label_file",
        "labels",
        "links",
        "logging",
        "mac_address",
        "mem_limit",
        "mem_reservation",
        "mem_swappiness",
        "memswap_limit",
        "models",
        "network_mode",
        "networks",
        "oom_kill_disable",
        "oom_score_adj",
        "pid",
        "pids_limit",
        "platform",
        "ports",
        "post_start",
        "pre_stop",
        "privileged",
        "profiles",
        "provider",
        "pull_policy",
        "pull_refresh_after",
        "read_only",
        "restart",
        "runtime",
        "scale",
        "secrets",
        "security_opt",
        "shm_size",
        "stdin_open",
        "stop_grace_period",
        "stop_signal",
        "storage_opt",
        "sysctls",
        "tmpfs",
        "tty",
        "ulimits",
        "use_api_socket",
        "user",
        "userns_mode",
        "uts",
        "volumes",
        "volumes_from",
        "working_dir",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (!field_find(&fields_service, keys[i]))
            fail_msg("%s is unknown", keys[i]);
}

/* ---- diagnostics ---- */

static struct spec_file *parse(struct arena *a, const char *text)
{
    struct spec_file *f = ARENA_NEW(a, struct spec_file);

    document_parse("/r", "x.yaml", "r/x.yaml", "/r", text, strlen(text), NULL, a, f);
    return f;
}

static void test_paths(void **state)
{
    static const struct {
        const char *text, *path;
    } rows[] = {
        {"app: x\nimage: y\nports: [80, 99999]", "ports[1]"},
        {"app: x\nservices: {web: {image: y, healthcheck: {retries: x}}}",
         "services.web.healthcheck.retries"},
        {"app: x\nservices: {web: {image: y, deploy: {resources: {limits: {memory: x}}}}}",
         "services.web.deploy.resources.limits.memory"},
        {"app: x\nimage: y\nenvironment: {A: [1]}", "environment.A"},
        {"app: x\nimage: y\nvolumes: [{type: bind, target: /x, source: y, bind: {propagation: z}}]",
         "volumes[0].bind.propagation"},
        {"app: x\nservices: {web: {image: y}}\nnetworks: {a: {ipam: {config: [{subnet: z}]}}}",
         "networks.a.ipam.config[0].subnet"},
        {"app: x\nimage: y\nenv_file: z", "env_file"},
        {"app: x\nservices: {web: {image: y, env_file: [z]}}", "services.web.env_file"},
        {"app: x\nimage: y\nfoo: 1", "foo"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const struct spec_file *f = parse(a, rows[i].text);

        assert_int_equal(f->diags.n, 1);
        assert_true(f->broken);
        assert_non_null(f->diags.v[0].path);
        assert_string_equal(f->diags.v[0].path, rows[i].path);
        assert_non_null(f->diags.v[0].source);
    }
}

static void test_absent_values(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct spec_file *f =
        parse(a, "app: x\nimage: y\ncommand:\nports: ~\nmem_limit: null\nhealthcheck:\n");

    (void)state;
    assert_false(f->broken);
    const struct service *s = &f->documents[0].app->services[0];

    assert_false(s->command.set);
    assert_int_equal(s->n_ports, 0);
    assert_false(s->mem_limit.set);
    assert_false(s->health.set);
    assert_int_equal(s->init, TRI_UNSET);
    assert_null(s->user);
    assert_true(f->documents[0].app->flat);
    assert_string_equal(s->name, "app");
}

/* However many mistakes there are, they are counted, and the list stays short. */
static void test_many_mistakes(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(str_release) struct str text = STR_INIT;

    (void)state;
    str_add(&text, "app: x\nimage: y\n");
    for (int i = 0; i < 4000; i++)
        str_addf(&text, "imag%d: z\n", i);
    const struct spec_file *f = parse(a, str_text(&text));

    assert_int_equal(f->diags.n, LIMIT_DIAGS);
    assert_int_equal(f->diags.errors, 4000);
    assert_true(arena_used(a) < 16U * 1024 * 1024);
}

static void test_long_lists(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(str_release) struct str text = STR_INIT;

    (void)state;
    str_add(&text, "app: x\nimage: y\nenvironment:\n");
    for (int i = 0; i <= LIMIT_LIST; i++)
        str_addf(&text, "  A%d: z\n", i);
    const struct spec_file *f = parse(a, str_text(&text));

    assert_int_equal(f->diags.errors, 1);
    assert_non_null(strstr(f->diags.v[0].what, "4096"));
}

/* The name of a document that is broken is still known, so that its app can be frozen. */
static void test_broken_names(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct spec_file *f =
        parse(a, "app: x\nimag: y\n---\napp: y\nimage: z\n---\napp: [z]\nimage: z\n");

    (void)state;
    assert_true(f->broken);
    assert_int_equal(f->n_documents, 3);
    assert_false(f->documents[0].ok);
    assert_string_equal(f->documents[0].name, "x");
    assert_null(f->documents[0].app);
    assert_true(f->documents[1].ok);
    assert_string_equal(f->documents[1].app->name, "y");
    assert_false(f->documents[2].ok);
    assert_null(f->documents[2].name);
    assert_int_equal(f->documents[2].kind, DOC_APP);
}

static void test_kinds(void **state)
{
    static const struct {
        const char *text;
        enum doc_kind kind;
        bool broken;
    } rows[] = {
        {"app: x\nimage: y", DOC_APP, false},
        {"image: y\napp: x", DOC_APP, false},
        {"override: x\nstate: stopped", DOC_OVERRIDE, false},
        {"services: {a: {image: b}}", DOC_COMPOSE, false},
        {"include: [a.yaml]", DOC_COMPOSE, true}, /* it cannot be read here */
        {"kind: Pod", DOC_FOREIGN, false},
        {"[1, 2]", DOC_FOREIGN, false},
        {"text", DOC_FOREIGN, false},
        {"host: x", DOC_FOREIGN, true},
        {"app: x\noverride: y", DOC_APP, true},
        {"override: x\nhost: y", DOC_FOREIGN, true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const struct spec_file *f = parse(a, rows[i].text);

        assert_int_equal(f->n_documents, 1);
        assert_int_equal(f->documents[0].kind, rows[i].kind);
        assert_int_equal(f->broken, rows[i].broken);
    }
}

static void test_names(void **state)
{
    static const char *const good[] = {
        "a", "0", "a-b", "123", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    static const char *const bad[] = {
        "",         "-",
        "-a",       "a-",
        "A",        "a_b",
        "a.b",      "a b",
        "\xc3\xa9", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(app_name_valid(good[i]));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(app_name_valid(bad[i]));
}

/* ---- the agent's configuration ---- */

static int read_config(struct arena *a, const char *text, struct diag_list *diags,
                       struct config *ret)
{
    diag_init(diags, a);
    return config_parse("agent.yaml", text, strlen(text), a, diags, ret);
}

static void test_config(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct diag_list diags;
    struct config c;

    (void)state;
    assert_int_equal(read_config(a,
                                 "name: home\nroots: [/srv/apps, /etc/apps]\nstate: /var/ek$x\n"
                                 "docker: tcp://10.0.0.5:2375\ndrift: report\nlog: {level: debug}\n"
                                 "network: {pool: 10.9.0.0/20, prefix: 28}\n"
                                 "defaults: {memory: 1g, cpus: 2, pids: -1}\n"
                                 "builds: {allow: [/srv/code, /opt], timeout: 20m}\n"
                                 "bundles: {max_size: 2g, max_file: 100M, max_entries: 500, "
                                 "max_path: 300, max_depth: 5, max_ratio: 20, timeout: 5s}\n",
                                 &diags, &c),
                     0);
    assert_int_equal(diags.n, 0);
    assert_string_equal(c.name, "home");
    assert_int_equal(c.roots.n, 2);
    assert_string_equal(c.state, "/var/ek$x");
    assert_string_equal(c.docker, "tcp://10.0.0.5:2375");
    assert_int_equal(c.drift, DRIFT_REPORT);
    assert_string_equal(c.log_level, "debug");
    assert_string_equal(c.pool, "10.9.0.0/20");
    assert_int_equal(c.pool_prefix, 28);
    assert_int_equal(c.mem_limit.v, 1 << 30);
    assert_int_equal(c.nano_cpus.v, 2000000000);
    assert_int_equal(c.pids_limit.v, -1);
    assert_int_equal(c.build_allow.n, 2);
    assert_string_equal(c.build_allow.v[0], "/srv/code");
    assert_int_equal(c.build_timeout_ns.v, INT64_C(1200000000000));
    assert_int_equal(c.max_size.v, INT64_C(2) << 30);
    assert_int_equal(c.max_file.v, 100 << 20);
    assert_int_equal(c.max_entries.v, 500);
    assert_int_equal(c.max_path.v, 300);
    assert_int_equal(c.max_depth.v, 5);
    assert_int_equal(c.max_ratio.v, 20);
    assert_int_equal(c.read_timeout_ns.v, INT64_C(5000000000));
}

static void test_config_empty(void **state)
{
    static const char *const texts[] = {"", "# nothing\n", "{}"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct diag_list diags;
        struct config c;

        memset(&c, 0x5a, sizeof(c));
        assert_int_equal(read_config(a, texts[i], &diags, &c), 0);
        assert_null(c.name);
        assert_int_equal(c.roots.n, 0);
        assert_int_equal(c.pool_prefix, 0);
        assert_false(c.mem_limit.set);
        assert_int_equal(c.build_allow.n, 0);
        assert_false(c.build_timeout_ns.set || c.max_size.set || c.max_file.set ||
                     c.max_entries.set || c.max_path.set || c.max_depth.set || c.max_ratio.set ||
                     c.read_timeout_ns.set);
        assert_int_equal(c.drift, DRIFT_UNSET);
    }
}

static void test_config_mistakes(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"nam: x", "did you mean \"name\"?"},
        {"name: My Agent", "small letters"},
        {"roots: apps", "must begin with /"},
        {"docker: /var/run/docker.sock", "not an address of an engine"},
        {"network: {pool: 10.0.0.0}", "not an IPv4 pool"},
        {"network: {pool: 10.0.0.0/24, prefix: 24}", "do not fit"},
        {"network: {pool: 10.0.0.0/28}", "do not fit"},
        {"network: {prefix: 30}", "out of range"},
        {"defaults: {memory: 1k}", "too small"},
        {"log: {level: loud}", "not one of"},
        {"builds: {allow: [code]}", "must begin with /"},
        {"builds: {timeout: 0}", "must be more than 0"},
        {"builds: {timeout: 1s}", "too small"},
        {"builds: {timeout: 2d}", "too large"},
        {"bundles: {max_size: 0}", "must be more than 0"},
        {"bundles: {max_file: -1}", "must not be negative"},
        {"bundles: {max_entries: 0}", "out of range"},
        {"bundles: {max_path: 5}", "out of range"},
        {"bundles: {max_depth: 129}", "out of range"},
        {"bundles: {max_ratio: 1}", "out of range"},
        {"bundles: {timeout: 2h}", "too large"},
        {"bundles: {max_entry: 5}", "did you mean \"max_entries\"?"},
        {"listen: 5001", "such as 127.0.0.1:5001"},
        {"listen: \"[::1]:5001\"", "IPv4 only"},
        {"listen: 127.0.0.1:5001s", "TLS is Traefik's task"},
        {"listen: localhost:5001", "no IPv4 address"},
        {"http: {host: [ops.example.org]}", "did you mean \"hosts\"?"},
        {"http: {hosts: [\"a b\"]}", "a b"},
        {"name: a\n---\nname: b", "one document"},
        {"[a]", "must be a mapping"},
        {"name: [", "not valid YAML"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(str_release) struct str text = STR_INIT;
        struct diag_list diags;
        struct config c, untouched;

        memset(&c, 0x5a, sizeof(c));
        untouched = c;
        assert_int_equal(read_config(a, rows[i].text, &diags, &c), -1);
        assert_memory_equal(&c, &untouched, sizeof(c));
        assert_int_equal(diags.errors, 1);
        diag_print(&diags.v[0], false, &text);
        if (!strstr(str_text(&text), rows[i].says))
            fail_msg("%s: %s", rows[i].text, str_text(&text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),        cmocka_unit_test(test_compose_keys),
        cmocka_unit_test(test_paths),         cmocka_unit_test(test_absent_values),
        cmocka_unit_test(test_many_mistakes), cmocka_unit_test(test_long_lists),
        cmocka_unit_test(test_broken_names),  cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_names),         cmocka_unit_test(test_config),
        cmocka_unit_test(test_config_empty),  cmocka_unit_test(test_config_mistakes),
    };

    return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
