/* test_confirm.c: releases of held removals: a file each, true to its name, and forgotten one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/confirm.h"
#include "spec/base/arena.h"

#include "scratch.h"

static void release(const char *root, const char *one, const char *other)
{
    const char *names[] = {one, other};
    const struct strv apps = {.v = names, .n = 2};
    struct err e = {0};

    assert_int_equal(confirm_write(".", root, &apps, &e), 0);
}

static void what_came_meanwhile_stays(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct strv apps = {0}, names = {0}, later = {0}, later_names = {0};

    (void)state;
    release("/one", "a", "b");
    confirm_read(".", a, &apps, &names);
    assert_int_equal(apps.n, 2);
    assert_int_equal(names.n, 1);
    release("/two", "c", "d"); /* confirmed while the first were on their way out */
    confirm_forget(".", &names);
    confirm_read(".", a, &later, &later_names);
    assert_int_equal(later.n, 2);
    assert_string_equal(later.v[0], "c");
    confirm_forget(".", &later_names);
    later.n = 0;
    confirm_read(".", a, &later, &later_names);
    assert_int_equal(later.n, 0);
}

/* It goes with the others, or it would be read for an hour. */
static void one_that_is_not_true_to_its_name(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct strv apps = {0}, names = {0};

    (void)state;
    (void)mkdir("confirm-removals", 0700);
    put("confirm-removals/0123456789ab", "/one\na\nb\n");
    put("confirm-removals/notes", "/one\na\nb\n");
    confirm_read(".", a, &apps, &names);
    assert_int_equal(apps.n, 0);
    confirm_forget(".", &names);
    assert_int_equal(access("confirm-removals/0123456789ab", F_OK), -1);
    assert_int_equal(access("confirm-removals/notes", F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_came_meanwhile_stays, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(one_that_is_not_true_to_its_name, scratch_setup,
                                        scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
