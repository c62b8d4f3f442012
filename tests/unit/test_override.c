/* test_override.c: the files of STATE/overrides: one more word leaves the others as they are. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/guarded.h"
#include "agent/override.h"
#include "drivers/fsx.h"
#include "spec/base/arena.h"

#define NOON_MS INT64_C(1795348800000)

struct world {
    struct arena *a;
    const char *dir, *file;
};

static int set_up(void **state)
{
    static struct world w;
    static char dir[] = "/tmp/evenkeel-unit-XXXXXX";

    memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
    w.a = arena_new();
    w.dir = mkdtemp(dir);
    w.file = arena_printf(w.a, "%s/overrides/blog.yaml", dir);
    *state = &w;
    return w.dir ? 0 : -1;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    struct err e = {0};

    (void)fsx_remove(w->file, &e);
    (void)rmdir(arena_printf(w->a, "%s/overrides", w->dir));
    (void)fsx_remove(arena_printf(w->a, "%s/overrides.lock", w->dir), &e);
    (void)rmdir(w->dir);
    arena_free(w->a);
    return 0;
}

static void write_file(struct world *w, const char *text)
{
    struct err e = {0};

    assert_int_equal(fsx_mkdirs(arena_printf(w->a, "%s/overrides", w->dir), 0700, &e), 0);
    assert_int_equal(fsx_replace(w->file, text, strlen(text), 0600, &e), 0);
}

static const char *read_file(struct world *w)
{
    struct err e = {0};
    const char *text;
    size_t n;

    return fsx_read(w->file, 4096, w->a, &text, &n, NULL, &e) == 0 ? text : NULL;
}

static void say(struct world *w, enum override_word word)
{
    struct err e = {0};

    assert_int_equal(override_change(w->dir, "blog", word, NOON_MS, 0, "ann", &e), 0);
}

static void what_stands_there_stays(void **state)
{
    static const char *const rules[] = {"heal", "report", "{ignore: [\"labels.x\", \"mem_limit\"]}",
                                        "{mode: report, ignore: [\"labels.x\"]}", "{ignore: []}"};
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        const char *rule = arena_printf(w->a, "drift: %s\n", rules[i]);

        write_file(w, arena_printf(w->a, "override: blog\nrevision: abc\n%s", rule));
        say(w, OVERRIDE_HOLD);
        assert_non_null(strstr(read_file(w), rule));
        assert_non_null(strstr(read_file(w), "hold: true\n"));
        say(w, OVERRIDE_RELEASE);
        assert_non_null(strstr(read_file(w), rule));
        assert_non_null(strstr(read_file(w), "revision: \"abc\"\n"));
        assert_null(strstr(read_file(w), "hold"));
    }
}

static void a_file_that_says_nothing_goes(void **state)
{
    struct world *w = *state;

    say(w, OVERRIDE_STOP);
    assert_string_equal(read_file(w), "# written by evenkeel; delete this file to undo it\n"
                                      "override: blog\nstate: stopped\nby: \"ann\"\n");
    say(w, OVERRIDE_START);
    assert_null(read_file(w));
}

static void a_broken_file_is_left(void **state)
{
    struct world *w = *state;
    const struct override *poison = (const struct override *)w, *ret = poison;
    struct err e = {0};

    write_file(w, "override: blog\ndrift: {ignore: [no_such]}\n");
    assert_int_equal(override_read(w->dir, "blog", w->a, &ret, &e), -1);
    assert_ptr_equal(ret, poison);
    assert_int_equal(e.kind, ERR_CONFLICT);
    assert_non_null(strstr(e.msg, "evenkeel validate"));
}

static void a_name_is_no_syntax(void **state)
{
    static const char *const names[] = {
        "token:a\"b",     "token:\\",    "token:x\"\nstate: removed",
        "token:\xc2\x85", "token:'#: {", "token:$HOME ${x"};
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct override *now = NULL;
        struct err e = {0};

        assert_int_equal(override_change(w->dir, "blog", OVERRIDE_STOP, NOON_MS, 0, names[i], &e),
                         0);
        assert_int_equal(override_read(w->dir, "blog", w->a, &now, &e), 0);
        assert_int_equal(now->state, WISH_STOPPED);
        assert_string_equal(now->by, names[i]);
    }
}

static void *stop_it(void *arg)
{
    say(arg, OVERRIDE_STOP);
    return NULL;
}

/* Another process is between its reading and its writing: its word must not be lost. */
static void words_of_two_are_both_kept(void **state)
{
    struct world *w = *state;
    struct err e = {0};
    pthread_t t;
    int lock = guarded_lock(arena_printf(w->a, "%s/overrides", w->dir), &e);

    assert_true(lock >= 0);
    assert_int_equal(pthread_create(&t, NULL, stop_it, w), 0);
    (void)nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    assert_null(read_file(w));
    write_file(w, "override: blog\nhold: true\n");
    guarded_unlock(&lock);
    assert_int_equal(pthread_join(t, NULL), 0);
    assert_non_null(strstr(read_file(w), "state: stopped\n"));
    assert_non_null(strstr(read_file(w), "hold: true\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_stands_there_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_says_nothing_goes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_broken_file_is_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_is_no_syntax, set_up, tear_down),
        cmocka_unit_test_setup_teardown(words_of_two_are_both_kept, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
