/* test_confine.c: links, sockets and the engine's own in folders that a confined app was allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <sys/un.h>

#include "drivers/confine.h"
#include "spec/base/arena.h"
#include "tests/unit/scratch.h"

static void listen_at(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0 && strlen(path) < sizeof(at.sun_path));
    memcpy(at.sun_path, path, strlen(path) + 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    (void)close(fd);
}

static void test_confine(void **state)
{
    static const struct {
        const char *folder, *path;
        bool engine;
        const char *why; /* NULL: fine */
    } cases[] = {
        {"media", "media", false, NULL},
        {"media", "media/films", false, NULL},
        {"media/", "media/films/one", false, NULL},
        {"media", "media/not/there/yet", false, NULL},
        {"alias", "alias/films", false, NULL}, /* the configuration names it so */
        {"media/films/one", "media/films/one", false, NULL},
        {"media", "media/etc", false, "passes a link"},
        {"media", "media/etc/ssl", false, "passes a link"},
        {"media", "media/here", false, "passes a link"}, /* though it stays inside */
        {"media", "media/up/run", false, "passes a link"},
        {"media", "media/sock", false, "is a socket"},
        {"media", "media/hard", false, "is a socket"},
        {"media/sock", "media/sock", false, "is a socket"},
        {"", "run", false, "holds the engine's socket"},
        {"run", "run", false, "holds the engine's socket"},
        {"", "", false, "holds the engine's socket"},
        {"run", "run", true, NULL},
        {"run", "run/engine.sock", true, NULL},
    };
    const char *base = *state;
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *engine = arena_printf(a, "unix://%s/run/engine.sock", base);
    struct err e = {0};

    assert_int_equal(mkdir("media", 0755) | mkdir("media/films", 0755) | mkdir("run", 0755), 0);
    assert_int_equal(close(creat("media/films/one", 0644)), 0);
    assert_int_equal(symlink("media", "alias"), 0);
    assert_int_equal(symlink("/etc", "media/etc"), 0);
    assert_int_equal(symlink("films", "media/here"), 0);
    assert_int_equal(symlink("..", "media/up"), 0);
    listen_at("run/engine.sock");
    listen_at("media/sock");
    assert_int_equal(link("run/engine.sock", "media/hard"), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct confined_path c = {.path = arena_printf(a, "%s/%s", base, cases[i].path),
                                        .folder = arena_printf(a, "%s/%s", base, cases[i].folder),
                                        .engine = cases[i].engine};

        e = (struct err){0};
        int rc = confine_check(&c, 1, engine, &e);

        if ((rc == 0) != (cases[i].why == NULL) || (rc && !strstr(e.msg, cases[i].why)))
            fail_msg("%s in %s: %s", cases[i].path, cases[i].folder, rc ? e.msg : "fine");
        assert_int_equal(e.kind, rc ? ERR_DENIED : ERR_NONE);
    }
    const struct confined_path far = {.path = "/srv", .folder = "/srv"};

    assert_int_equal(confine_check(&far, 1, "tcp://10.0.0.5:2375", &e), -1);
    assert_non_null(strstr(e.msg, "cannot look"));
    assert_int_equal(confine_check(NULL, 0, "tcp://10.0.0.5:2375", &e), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_confine, scratch_setup, scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
