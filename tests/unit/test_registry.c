/* test_registry.c: who we are to a registry, from files and helpers of every kind; nothing secret in a message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "drivers/registry.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/base/str.h"

struct fixture {
    char dir[64];
    struct arena *a;
    char *path; /* PATH as it was */
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    CLEANUP(str_release) struct str path = STR_INIT;

    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/evk-unit.XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->a = arena_new();
    f->path = xstrdup(getenv("PATH"));
    str_addf(&path, "%s:%s", f->dir, f->path);
    setenv("PATH", str_text(&path), 1);
    *state = f;
    return 0;
}

static const char *in_dir(struct fixture *f, const char *name)
{
    return arena_printf(f->a, "%s/%s", f->dir, name);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    (void)unlink(in_dir(f, "config.json"));
    (void)unlink(in_dir(f, "docker-credential-x"));
    (void)unlink(in_dir(f, "asked"));
    assert_int_equal(rmdir(f->dir), 0);
    setenv("PATH", f->path, 1);
    free(f->path);
    arena_free(f->a);
    free(f);
    return 0;
}

static void write_file(struct fixture *f, const char *name, const char *text, mode_t mode)
{
    int fd = open(in_dir(f, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    (void)close(fd);
}

/* "user:pass@server" or "token:T@server" out of the header's value. */
static const char *opened(struct fixture *f, const char *header)
{
    size_t n = strlen(header);
    char *text = arena_strdup(f->a, header), *plain = arena_alloc(f->a, n);

    assert_int_equal(n % 4, 0); /* padded */
    assert_null(strpbrk(header, "+/\r\n "));
    for (char *c = text; *c; c++)
        *c = *c == '-' ? '+' : *c == '_' ? '/' : *c;
    assert_true(EVP_DecodeBlock((unsigned char *)plain, (unsigned char *)text, (int)n) > 0);
    json_t *v = js_parse(plain, strlen(plain), NULL);

    assert_non_null(v);
    const char *token = js_str(v, "identitytoken", NULL);
    const char *all =
        token ? arena_printf(f->a, "token:%s@%s", token, js_str(v, "serveraddress", "?"))
              : arena_printf(f->a, "%s:%s@%s", js_str(v, "username", "?"),
                             js_str(v, "password", "?"), js_str(v, "serveraddress", "?"));

    json_decref(v);
    return all;
}

static void registries(void **state)
{
    static const struct {
        const char *ref, *registry;
    } cases[] = {
        {"nginx:1.27", "docker.io"},
        {"library/nginx:1.27", "docker.io"},
        {"docker.io/library/nginx", "docker.io"},
        {"index.docker.io/x/y", "docker.io"},
        {"ghcr.io/a/b:c", "ghcr.io"},
        {"localhost/x", "localhost"},
        {"localhost:5000/x@sha256:00", "localhost:5000"},
        {"registry:5000/x", "registry:5000"},
        {"registry/x", "docker.io"},
        {"nginx@sha256:00", "docker.io"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(registry_of(cases[i].ref, f->a), cases[i].registry);
}

static void from_the_file(void **state)
{
    /* a:b, u:p:q, name:words? with bytes that base64 for URLs spells differently, e: */
    static const char config[] =
        "{\"auths\": {"
        "\"https://index.docker.io/v1/\": {\"auth\": \"YTpi\"},"
        "\"ghcr.io\": {\"auth\": \"dTpwOnE=\"},"
        "\"https://quay.example/v2/\": {\"username\": \"me\", \"password\": \">>>~?~?\"},"
        "\"token.example\": {\"auth\": \"YTpi\", \"identitytoken\": \"TTT\"},"
        "\"empty.example\": {},"
        "\"bad.example\": {\"auth\": \"!!!\"},"
        "\"nocolon.example\": {\"auth\": \"YWJj\"}"
        "}}";
    static const struct {
        const char *ref, *want;
    } cases[] = {
        {"nginx:1", "a:b@https://index.docker.io/v1/"},
        {"docker.io/library/nginx:1", "a:b@https://index.docker.io/v1/"},
        {"ghcr.io/x/y:1", "u:p:q@ghcr.io"},
        {"quay.example/x:1", "me:>>>~?~?@quay.example"},
        {"token.example/x:1", "token:TTT@token.example"},
        {"empty.example/x:1", NULL},
        {"bad.example/x:1", NULL},
        {"nocolon.example/x:1", NULL},
        {"other.example/x:1", NULL},
        {"io/x:1",
         "a:b@https://index.docker.io/v1/"}, /* a namespace of the Hub, not the end of a host */
        {"cr.io/x:1", NULL},
    };
    struct fixture *f = *state;
    struct registry_login l;
    struct err e;

    write_file(f, "config.json", config, 0600);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(registry_find(f->dir, cases[i].ref, f->a, &l, &e), 0);
        assert_null(l.helper);
        if (!cases[i].want)
            assert_null(l.header);
        else
            assert_string_equal(opened(f, l.header), cases[i].want);
    }
}

static void files_of_every_kind(void **state)
{
    struct fixture *f = *state;
    struct registry_login l;
    struct err e;

    assert_int_equal(registry_find(NULL, "ghcr.io/x:1", f->a, &l, &e), 0);
    assert_string_equal(l.registry, "ghcr.io");
    assert_null(l.header);
    assert_int_equal(registry_find(f->dir, "x:1", f->a, &l, &e), 0); /* absent */
    assert_null(l.header);

    write_file(f, "config.json", "{\"auths\": {\"x\": {\"auth\": \"c2VjcmV0\"", 0600);
    assert_int_equal(registry_find(f->dir, "x:1", f->a, &l, &e), -1);
    assert_string_equal(l.registry, "docker.io"); /* for the message */
    assert_non_null(strstr(e.msg, "config.json"));
    assert_null(strstr(e.msg, "c2VjcmV0"));

    write_file(f, "config.json", "[1]", 0600);
    assert_int_equal(registry_find(f->dir, "x:1", f->a, &l, &e), 0);
    write_file(f, "config.json", "{\"auths\": 7, \"credHelpers\": [], \"credsStore\": {}}", 0600);
    assert_int_equal(registry_find(f->dir, "x:1", f->a, &l, &e), 0);
    assert_null(l.helper);

    assert_int_equal(truncate(in_dir(f, "config.json"), 64 * 1024 * 1024), 0);
    assert_int_equal(registry_find(f->dir, "x:1", f->a, &l, &e), -1);
    assert_int_equal(unlink(in_dir(f, "config.json")), 0);
    assert_int_equal(mkfifo(in_dir(f, "config.json"), 0600), 0);
    assert_int_equal(registry_find(f->dir, "x:1", f->a, &l, &e), -1); /* and does not hang */
}

static void which_helper(void **state)
{
    struct fixture *f = *state;
    struct registry_login l;
    struct err e;

    write_file(f, "config.json",
               "{\"credsStore\": \"desktop\", \"credHelpers\": {\"ghcr.io\": \"gh\", "
               "\"evil.example\": \"x;reboot\","
               "\"up.example\": \"../../bin/sh\"}, \"auths\": {\"ghcr.io\": {\"auth\": \"YTpi\"}}}",
               0600);
    assert_int_equal(registry_find(f->dir, "nginx:1", f->a, &l, &e), 0);
    assert_string_equal(l.helper, "docker-credential-desktop");
    assert_string_equal(l.server, "https://index.docker.io/v1/");
    assert_int_equal(registry_find(f->dir, "ghcr.io/x:1", f->a, &l, &e), 0);
    assert_string_equal(l.helper, "docker-credential-gh");
    assert_non_null(l.header); /* should the helper know nothing */
    assert_int_equal(registry_find(f->dir, "evil.example/x:1", f->a, &l, &e), 0);
    assert_null(l.helper);
    assert_int_equal(registry_find(f->dir, "up.example/x:1", f->a, &l, &e), 0);
    assert_null(l.helper);
}

/* ---- helpers ---- */

static enum registry_helper_state run_helper(struct fixture *f, const char *script,
                                             const char **ret, struct err *e)
{
    enum registry_helper_state s = HELPER_RUNNING;

    write_file(f, "docker-credential-x", script, 0700);
    struct registry_helper *h = registry_helper_start("docker-credential-x", "reg.example", e);

    assert_non_null(h);
    for (int i = 0; i < 1000 && s == HELPER_RUNNING; i++) {
        s = registry_helper_step(h, f->a, ret, e);
        usleep(5000);
    }
    registry_helper_free(h);
    return s;
}

static void helpers(void **state)
{
    static const char secret[] = "TopSecret";
    static const struct {
        const char *script, *want;
        enum registry_helper_state state;
    } cases[] = {
        {"#!/bin/sh\n[ $1 = get ] && [ $(cat) = reg.example ] || exit 1\n"
         "echo '{\"ServerURL\":\"reg.example\",\"Username\":\"me\",\"Secret\":\"TopSecret\"}'\n",
         "me:TopSecret@reg.example", HELPER_KNOWS},
        {"#!/bin/sh\necho '{\"Username\":\"<token>\",\"Secret\":\"TopSecret\"}'\n",
         "token:TopSecret@reg.example", HELPER_KNOWS},
        {"#!/bin/sh\necho credentials not found in native keychain\nexit 1\n", NULL,
         HELPER_KNOWS_NOTHING},
        {"#!/bin/sh\necho TopSecret\nexit 3\n", "failed with code 3", HELPER_FAILED},
        {"#!/bin/sh\necho TopSecret\n", "an answer that is none", HELPER_FAILED},
        {"#!/bin/sh\necho '{\"Username\":\"TopSecret\"}'\n", "an answer that is none",
         HELPER_FAILED},
        {"#!/bin/sh\nhead -c 1000000 /dev/zero\n", "too much", HELPER_FAILED},
        {"#!/bin/sh\nkill -9 $$\n", "signal 9", HELPER_FAILED},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *header = NULL;
        struct err e = {0};
        enum registry_helper_state s = run_helper(f, cases[i].script, &header, &e);
        if (s != cases[i].state)
            fail_msg("case %zu: state %d, %s", i, s, e.msg);
        if (s == HELPER_KNOWS)
            assert_string_equal(opened(f, header), cases[i].want);
        else if (cases[i].want && !strstr(e.msg, cases[i].want))
            fail_msg("case %zu: %s", i, e.msg);
        assert_null(strstr(e.msg, secret));
    }
}

static void helper_that_hangs(void **state)
{
    struct fixture *f = *state;
    const char *header = NULL;
    struct timespec from, to;
    struct err e = {0};

    write_file(f, "docker-credential-x", "#!/bin/sh\nexec sleep 1000\n", 0700);
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    struct registry_helper *h = registry_helper_start("docker-credential-x", "reg.example", &e);

    assert_non_null(h);
    assert_int_equal(registry_helper_step(h, f->a, &header, &e), HELPER_RUNNING);
    usleep(50000);
    assert_int_equal(registry_helper_step(h, f->a, &header, &e), HELPER_RUNNING);
    registry_helper_free(h);
    (void)clock_gettime(CLOCK_MONOTONIC, &to);
    assert_true(to.tv_sec - from.tv_sec < 5);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left behind */
}

static void helper_that_is_not_there(void **state)
{
    struct err e = {0};

    (void)state;
    assert_null(registry_helper_start("docker-credential-nosuch", "reg.example", &e));
    assert_non_null(strstr(e.msg, "docker-credential-nosuch"));
    registry_helper_free(NULL);
}

#define REGISTRY_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REGISTRY_TEST(registries),
        REGISTRY_TEST(from_the_file),
        REGISTRY_TEST(files_of_every_kind),
        REGISTRY_TEST(which_helper),
        REGISTRY_TEST(helpers),
        REGISTRY_TEST(helper_that_hangs),
        REGISTRY_TEST(helper_that_is_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
