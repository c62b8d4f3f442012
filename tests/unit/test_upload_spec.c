/* What may be said beside an archive: which words are taken, and the text that becomes of them and of what was there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "agent/upload_spec.h"
#include "spec/base/arena.h"

static void test_what_is_taken(void **state)
{
    static const struct {
        const char *name, *value;
        int rc;
    } rows[] = {
        {"port", "8080", 1},
        {"port", "0", -1},
        {"port", "65536", -1},
        {"port", "80x", -1},
        {"port", "", 1}, /* says nothing */
        {"gpus", "all", 1},
        {"gpus", "2", 1},
        {"gpus", "none", -1},
        {"gpus", "-1", -1},
        {"route", "blog.example.org/docs", 1},
        {"route", "/a\r\n/b\r\n", 1},
        {"volume", "content:/srv/content", 1},
        {"volume", "content:/srv/content:ro", 1},
        {"volume", "content:/srv/content:rw", 1},
        {"volume", "content:/srv/content:z", -1},
        {"volume", "content", -1},
        {"volume", "content:srv", -1},
        {"volume", "content:/", -1},
        {"volume", "/etc:/etc", -1},
        {"volume", "./x:/etc", -1},
        {"volume", "..:/etc", -1},
        {"volume", "~:/etc", -1},
        {"volume", "a/b:/etc", -1},
        {"volume", "$HOME:/etc", -1},
        {"volume", ":/etc", -1},
        {"env", "A=b", 1},
        {"env", "A=", 1},
        {"env", "A=b=c", 1},
        {"env", "A", -1},
        {"env", "=b", -1},
        {"env", "A B=c", -1},
        {"env", "A=b\nC", -1}, /* each line is one */
        {"env", "A=\xff", -1},
        {"env", "A=\x01", -1},
        {"env", "A=\tb \xc3\xa4 \xc2\xa0 \xe2\x82\xac \xf0\x9f\x98\x80", 1},
        {"env", "A=\x7f", -1},
        {"env", "A=\xc2\x85", -1},
        {"env", "A=\xe2\x80\xa8", -1},
        {"secret", "key", 1},
        {"secret", "key:/etc/key.pem", 1},
        {"secret", "key:relative", -1},
        {"secret", ":/etc/key", -1},
        {"reset", "1", 1},
        {"reset", "on", 1},
        {"reset", "maybe", -1},
        {"prot", "80", 0},
        {"", "80", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena *a = arena_new();
        struct upload_spec u = {0};
        struct err e = {0};
        int rc = upload_spec_take(&u, rows[i].name, rows[i].value, a, &e);

        if (rc != rows[i].rc)
            fail_msg("%s=%s: expected %d, got %d %s", rows[i].name, rows[i].value, rows[i].rc, rc,
                     e.msg);
        assert_int_equal(rc < 0, e.kind != ERR_NONE);
        if (rc >= 0)
            assert_int_equal(upload_spec_given(&u), rc > 0 && *rows[i].value);
        arena_free(a);
    }
}

static void test_twice(void **state)
{
    struct arena *a = arena_new();
    struct upload_spec u = {0};
    struct err e = {0};

    (void)state;
    assert_int_equal(upload_spec_take(&u, "port", "80", a, &e), 1);
    assert_int_equal(upload_spec_take(&u, "port", "80", a, &e), 1);
    assert_int_equal(upload_spec_take(&u, "port", "81", a, &e), -1);
    assert_string_equal(u.port, "80");
    for (int i = 0; i < 64; i++)
        assert_int_equal(upload_spec_take(&u, "env", arena_printf(a, "A%d=b", i), a, &e), 1);
    assert_int_equal(upload_spec_take(&u, "env", "A0=b", a, &e), 1); /* known */
    assert_int_equal(upload_spec_take(&u, "env", "B=b", a, &e), -1);
    arena_free(a);
}

/* "port=80;env=A=b": a field each */
static const char *write(struct arena *a, const char *said, const char *old)
{
    CLEANUP(str_release) struct str out = STR_INIT;
    struct upload_spec u = {0};
    struct err e = {0};

    while (*said) {
        size_t n = strcspn(said, ";"), name = strcspn(said, "=");

        if (upload_spec_take(&u, arena_strndup(a, said, name),
                             arena_strndup(a, said + name + 1, n - name - 1), a, &e) != 1)
            fail_msg("%s: %s", said, e.msg);
        said += n + (said[n] == ';');
    }
    upload_spec_write(&u, "blog", ".bundles/new.zip", old, &out);
    return arena_strdup(a, str_text(&out));
}

#define FRESH "app: blog\nsource: {bundle: .bundles/new.zip}\nroute: /blog\n"
#define OLD "app: blog\nsource: {bundle: .bundles/old.tar.gz}\nroute: /blog\n"

static void test_what_becomes_of_it(void **state)
{
    static const struct {
        const char *said, *old, *text;
    } rows[] = {
        {"", NULL, FRESH},
        {"", OLD, FRESH},
        {"", "app: blog\nimage: nginx\n", FRESH}, /* another kind of spec: begun anew */
        {"route=blog.example.org", NULL,
         "app: blog\nsource: {bundle: .bundles/new.zip}\nroute: \"blog.example.org\"\n"},
        {"route=/a;route=/b", NULL,
         "app: blog\nsource: {bundle: .bundles/new.zip}\nroute: [\"/a\", \"/b\"]\n"},
        {"gpus=2;secret=key;secret=pem:/etc/pem;env=A=\"b\" $c;env=D=;volume=data:/data;port=80",
         NULL,
         FRESH "port: 80\nvolumes: [\"data:/data\"]\nenvironment: [\"A=\\\"b\\\" $$c\", \"D=\"]\n"
               "secrets: [\"key\", {source: \"pem\", target: \"/etc/pem\"}]\ngpus: [{count: 2}]\n"},
        {"gpus=all", OLD, FRESH "gpus: all\n"},
        /* in its place, whatever it looked like; the rest as it was */
        {"env=C=d", OLD "environment:\n  A: b\n# of A\n  B: c\n\n# the end\nmem_limit: 1g",
         FRESH "environment: [\"C=d\"]\n\n# the end\nmem_limit: 1g"},
        {"volume=x:/x", OLD "volumes:\n- a:/a\n- b:/b\nmem_limit: 1g\n",
         FRESH "volumes: [\"x:/x\"]\nmem_limit: 1g\n"},
        {"port=1", OLD "mem_limit: 1g", FRESH "mem_limit: 1g\nport: 1\n"},
        {"port=1", OLD "labels:\n  port: 7\nports: [80]\n",
         FRESH "labels:\n  port: 7\nports: [80]\nport: 1\n"},
        {"env=A=.bundles/x", NULL, FRESH "environment: [\"A=.bundles/x\"]\n"},
        {"port=1", OLD "environment: {A: .bundles/x}\n",
         FRESH "environment: {A: .bundles/x}\nport: 1\n"},
        {"port=1;reset=1", OLD "environment: {A: b}\n", FRESH "port: 1\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena *a = arena_new();
        const char *text = write(a, rows[i].said, rows[i].old);

        assert_string_equal(text, rows[i].text);
        assert_string_equal(write(a, rows[i].said, text), text); /* the same again is the same */
        assert_string_equal(write(a, "", text), text);           /* and nothing said leaves it */
        arena_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_taken),
        cmocka_unit_test(test_twice),
        cmocka_unit_test(test_what_becomes_of_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
