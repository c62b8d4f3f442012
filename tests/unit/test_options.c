/* Flags, environment, configuration, defaults: who is heard, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/options.h"
#include "drivers/fsx.h"
#include "spec/base/arena.h"

struct env {
    struct arena *a;
    struct diag_list diags;
    struct options o;
    struct err e;
};

static int setup(void **state)
{
    struct env *x = xcalloc(1, sizeof(*x));
    static const char *const variables[] = {"EVENKEEL_ROOT",   "EVENKEEL_STATE",  "EVENKEEL_DOCKER",
                                            "EVENKEEL_NAME",   "EVENKEEL_CONFIG", "EVENKEEL_LOG",
                                            "EVENKEEL_LISTEN", "DOCKER_HOST"};
    for (size_t i = 0; i < ARRAY_LEN(variables); i++)
        (void)unsetenv(variables[i]);
    x->a = arena_new();
    diag_init(&x->diags, x->a);
    *state = x;
    return 0;
}

static int teardown(void **state)
{
    struct env *x = *state;
    arena_free(x->a);
    free(x);
    return 0;
}

#define PARSE(x, allowed, ...)                                                                     \
    parse((x), (allowed), (const char *const[]){"plan", __VA_ARGS__, NULL})

static int parse(struct env *x, unsigned allowed, const char *const *words)
{
    char *argv[16] = {NULL};
    int argc = 0;
    for (; words[argc]; argc++)
        argv[argc] = arena_strdup(x->a, words[argc]);
    x->e = (struct err){0};
    return options_parse(argc, argv, allowed, x->a, &x->diags, &x->o, &x->e);
}

static void test_flags_and_words(void **state)
{
    struct env *x = *state;
    assert_int_equal(
        PARSE(x, OPT_PLACES | OPT_JSON, "--root", "/a", "-r", "/b", "--json", "blog", "shop"), 0);
    assert_int_equal(x->o.roots.n, 2);
    assert_string_equal(x->o.roots.v[1], "/b");
    assert_true(x->o.json);
    assert_int_equal(x->o.words.n, 2);
    assert_string_equal(x->o.words.v[1], "shop");
    assert_string_equal(x->o.settings.owner, "default");
    assert_string_equal(x->o.state, "/var/lib/evenkeel");
}

static void test_refused(void **state)
{
    struct env *x = *state;
    assert_int_equal(PARSE(x, OPT_PLACES, "--json"), -1);
    assert_non_null(strstr(x->e.msg, "does not take --json"));
    assert_int_equal(PARSE(x, OPT_PLACES, "--rot", "/a"), -1);
    assert_non_null(strstr(x->e.msg, "--rot"));
    assert_int_equal(PARSE(x, OPT_PLACES, "--root"), -1);
    assert_non_null(strstr(x->e.msg, "wants a value"));
    assert_int_equal(PARSE(x, OPT_LISTEN, "--listen", "5001"), -1);
    assert_non_null(strstr(x->e.msg, "127.0.0.1:5001"));
    assert_int_equal(PARSE(x, OPT_LISTEN, "--listen", "[::1]:5001"), -1);
    assert_non_null(strstr(x->e.msg, "IPv4 only"));
    assert_int_equal(PARSE(x, OPT_LISTEN, "--listen", "127.0.0.1:443s"), -1);
    assert_non_null(strstr(x->e.msg, "TLS is Traefik's"));
    assert_int_equal(PARSE(x, OPT_LISTEN, "--listen", "localhost:5001"), -1);
    assert_int_equal(PARSE(x, OPT_LISTEN, "--listen", "127.0.0.1:0"), -1);
    assert_int_equal(PARSE(x, OPT_LISTEN, "--listen", "127.0.0.1:70000"), -1);
    assert_int_equal(PARSE(x, OPT_LISTEN, "--listen", "none"), 0);
    assert_string_equal(x->o.listen, "none");
    assert_int_equal(PARSE(x, OPT_TAIL, "--tail", "many"), -1);
    assert_non_null(strstr(x->e.msg, "many"));
    assert_int_equal(PARSE(x, OPT_PLACES, "--name", "Not a label"), -1);
    assert_non_null(strstr(x->e.msg, "DNS label"));
}

static void test_environment_yields_to_flags(void **state)
{
    struct env *x = *state;
    (void)setenv("EVENKEEL_ROOT", "/one:/two", 1);
    (void)setenv("EVENKEEL_STATE", "/from-env", 1);
    (void)setenv("DOCKER_HOST", "tcp://10.0.0.1:2375", 1);
    assert_int_equal(PARSE(x, OPT_PLACES, "--state", "/from-flag"), 0);
    assert_string_equal(x->o.state, "/from-flag");
    assert_int_equal(x->o.roots.n, 2);
    assert_string_equal(x->o.roots.v[0], "/one");
    assert_string_equal(x->o.docker, "tcp://10.0.0.1:2375");
    assert_int_equal(PARSE(x, OPT_PLACES, "--docker", "unix:///x.sock"), 0);
    assert_string_equal(x->o.docker, "unix:///x.sock");
    assert_string_equal(x->o.state, "/from-env");
}

static void test_configuration_file(void **state)
{
    struct env *x = *state;
    static const char text[] =
        "name: edge\nroots: [/srv/apps]\nstate: /srv/state\nlisten: 10.0.0.1:5002\nnetwork: {pool: "
        "10.9.0.0/16, prefix: 28}\n";
    static const char bad[] = "nam: edge\n";
    char path[] = "/tmp/evk-options-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(fsx_replace(path, text, sizeof(text) - 1, 0600, &x->e), 0);
    assert_int_equal(PARSE(x, OPT_PLACES, "--config", path), 0);
    assert_string_equal(x->o.settings.owner, "edge");
    assert_string_equal(x->o.roots.v[0], "/srv/apps");
    assert_string_equal(x->o.settings.pool, "10.9.0.0/16");
    assert_int_equal(x->o.settings.pool_prefix, 28);
    assert_string_equal(x->o.listen, "10.0.0.1:5002");
    (void)setenv("EVENKEEL_LISTEN", "127.0.0.1:5003", 1);
    assert_int_equal(PARSE(x, OPT_PLACES, "--config", path), 0);
    assert_string_equal(x->o.listen, "127.0.0.1:5003");
    assert_int_equal(PARSE(x, OPT_PLACES, "--config", path, "--name", "flag"), 0);
    assert_string_equal(x->o.settings.owner, "flag");
    assert_int_equal(fsx_replace(path, bad, sizeof(bad) - 1, 0600, &x->e), 0);
    assert_int_equal(PARSE(x, OPT_PLACES, "--config", path), -1);
    assert_int_equal(x->diags.errors, 1);
    assert_int_equal(fsx_remove(path, &x->e), 0);
    assert_int_equal(PARSE(x, OPT_PLACES, "--config", path), -1);
    assert_int_equal(x->e.kind, ERR_MISSING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_flags_and_words, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_environment_yields_to_flags, setup, teardown),
        cmocka_unit_test_setup_teardown(test_configuration_file, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
