/* `ingress:` of the agent's configuration: what it fills in, and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "spec/base/arena.h"
#include "spec/config.h"

static int read_config(struct arena *a, const char *text, struct diag_list *diags,
                       struct config *ret)
{
    diag_init(diags, a);
    return config_parse("agent.yaml", text, strlen(text), a, diags, ret);
}

static void test_defaults(void **state)
{
    static const char *const texts[] = {"", "{}", "ingress: managed", "ingress: {mode: managed}",
                                        "ingress:"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct diag_list diags;
        struct config c;

        memset(&c, 0x5a, sizeof(c));
        assert_int_equal(read_config(a, texts[i], &diags, &c), 0);
        assert_int_equal(diags.n, 0);
        assert_int_equal(c.ingress.mode, INGRESS_MANAGED);
        assert_int_equal(c.ingress.http, 80);
        assert_int_equal(c.ingress.https, 443);
        assert_string_equal(c.ingress.image, INGRESS_DEFAULT_IMAGE);
        assert_string_equal(c.ingress.network, "evenkeel_ingress");
        assert_null(c.ingress.address);
        assert_null(c.ingress.acme.email);
        assert_null(c.ingress.resolver);
        assert_null(c.ingress.dir);
        assert_int_equal(c.ingress.access_log, INGRESS_LOG_OFF);
    }
}

static void test_all(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct diag_list diags;
    struct config c;

    (void)state;
    assert_int_equal(
        read_config(
            a,
            "ingress:\n  http: 8080\n  https: 0\n  address: ::1\n  image: x/traefik:v3\n"
            "  access_log: json\n"
            "  acme: {email: me@example.com, server: https://ca.example.com/d, ca: /ca.pem}\n",
            &diags, &c),
        0);
    assert_int_equal(diags.n, 0);
    assert_int_equal(c.ingress.http, 8080);
    assert_int_equal(c.ingress.https, 0);
    assert_string_equal(c.ingress.address, "::1");
    assert_string_equal(c.ingress.image, "x/traefik:v3");
    assert_int_equal(c.ingress.access_log, INGRESS_LOG_JSON);
    assert_string_equal(c.ingress.acme.email, "me@example.com");
    assert_string_equal(c.ingress.acme.server, "https://ca.example.com/d");
    assert_string_equal(c.ingress.acme.ca, "/ca.pem");
    assert_int_equal(c.ingress.acme.challenge, ACME_HTTP);
    assert_int_equal(
        read_config(a, "ingress: {mode: external, network: edge, resolver: le}", &diags, &c), 0);
    assert_int_equal(diags.n, 0);
    assert_int_equal(c.ingress.mode, INGRESS_EXTERNAL);
    assert_string_equal(c.ingress.network, "edge");
    assert_string_equal(c.ingress.resolver, "le");
    assert_int_equal(read_config(a, "ingress: none", &diags, &c), 0);
    assert_int_equal(c.ingress.mode, INGRESS_NONE);
}

static void test_mistakes(void **state)
{
    static const struct {
        const char *text, *said;
        enum diag_level level;
    } rows[] = {
        {"http: {hosts: ['*.example.org']}", "has no pages on", DIAG_ERROR},
        {"http: {hosts: ['ops.example.org:80']}", "", DIAG_ERROR},
        {"http: {host: ops.example.org}", "did you mean \"hosts\"?", DIAG_ERROR},
        {"ingress: manged", "did you mean \"managed\"?", DIAG_ERROR},
        {"ingress: {mode: docker}", "is not one of", DIAG_ERROR},
        {"ingress: [managed]", "must be", DIAG_ERROR},
        {"ingress: {http: 65536}", "out of range", DIAG_ERROR},
        {"ingress: {http: 443}", "cannot share the port 443", DIAG_ERROR},
        {"ingress: {http: 0, https: 0}", "nobody reaches the apps", DIAG_ERROR},
        {"ingress: {address: localhost}", "not an IP address", DIAG_ERROR},
        {"ingress: {image: Traefik}", "not a name of an image", DIAG_ERROR},
        {"ingress: {acme: {}}", "`email` is missing", DIAG_ERROR},
        {"ingress: {acme: {email: me}}", "not an e-mail address", DIAG_ERROR},
        {"ingress: {acme: {email: \"a b@c\"}}", "not an e-mail address", DIAG_ERROR},
        {"ingress: {acme: {email: \"a@b@c\"}}", "not an e-mail address", DIAG_ERROR},
        {"ingress: {acme: {email: a@b.c, server: http://x}}", "directory of an ACME", DIAG_ERROR},
        {"ingress: {acme: {email: a@b.c, ca: ca.pem}}", "must begin with /", DIAG_ERROR},
        {"ingress: {http: 0, acme: {email: a@b.c}}", "proved on port 80", DIAG_ERROR},
        {"ingress: {https: 0, acme: {email: a@b.c, challenge: tls-alpn}}", "proved on port 443",
         DIAG_ERROR},
        {"ingress: {mode: external, network: \"a b\"}", "a name here", DIAG_ERROR},
        {"ingress: {mode: external, resolver: \"x`\"}", "a name here", DIAG_ERROR},
        {"ingress: {network: edge}", "mode external only", DIAG_WARNING},
        {"ingress: {mode: none, http: 81}", "mode managed only", DIAG_WARNING},
        {"ingress: {mode: external, acme: {email: a@b.c}}", "mode managed only", DIAG_WARNING},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(str_release) struct str all = STR_INIT;
        struct diag_list diags;
        struct config c;

        assert_int_equal(read_config(a, rows[i].text, &diags, &c),
                         rows[i].level == DIAG_ERROR ? -1 : 0);
        for (size_t k = 0; k < diags.n; k++)
            diag_print(&diags.v[k], false, &all);
        if (!strstr(str_text(&all), rows[i].said))
            fail_msg("%s: %s", rows[i].text, str_text(&all));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_defaults), cmocka_unit_test(test_all),
                                       cmocka_unit_test(test_mistakes)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
