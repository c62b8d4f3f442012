/* test_hook.c: lifecycle hooks as a line of JSON and back, and the folder of their records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "drivers/fsx.h"
#include "drivers/hook_folder.h"
#include "spec/base/arena.h"
#include "spec/hook.h"
#include "tests/unit/scratch.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct exec_hook hook_of(struct arena *a, const char *word)
{
    struct exec_hook h = {.command = {.set = true}};

    strv_push(a, &h.command.argv, word);
    strv_push(a, &h.command.argv, "two words \"quoted\"");
    return h;
}

static void test_there_and_back(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct exec_hook v[2] = {hook_of(a, "first"), hook_of(a, "second")};
    const struct hooks hooks = {v, 2};
    struct hooks back = {0};
    struct err e = {0};

    (void)state;
    v[0].user = "root";
    v[0].privileged = TRI_YES;
    v[1].working_dir = "/srv";
    v[1].timeout_ns = (struct num){INT64_C(2000000000), true};
    kvs_set(a, &v[1].environment, "KEY", "a=b");
    const char *json = hooks_json(&hooks, a);

    assert_int_equal(hooks_parse(json, a, &back, &e), 0);
    assert_string_equal(hooks_json(&back, a), json);
    assert_int_equal(back.n, 2);
    assert_string_equal(back.v[1].command.argv.v[1], "two words \"quoted\"");
    assert_string_equal(kvs_get(&back.v[1].environment, "KEY"), "a=b");
    assert_int_equal(hooks_timeout_ms(&back), HOOK_TIMEOUT_MS + 2000);
    assert_null(hooks_json(&(struct hooks){NULL, 0}, a));
}

static void test_note(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct exec_hook v[1] = {hook_of(a, "first")};
    const struct hooks hooks = {v, 1}, none = {NULL, 0};
    const struct hooks_of of = {"shop", "web", "key"}, without = {"shop", "web", NULL},
                          others[] = {{"shop", "web", "yek"},
                                      {"shop", "db", "key"},
                                      {"blog", "web", "key"},
                                      {"shop", "web", NULL}};
    const char *note = hooks_note(&of, &none, &hooks, a);

    (void)state;
    assert_string_equal(hooks_noted(&of, note, HOOK_PRE_STOP, a), hooks_json(&hooks, a));
    assert_null(hooks_noted(&of, note, HOOK_POST_START, a));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_null(hooks_noted(&others[i], note, HOOK_PRE_STOP, a));
    assert_null(hooks_noted(&of, NULL, HOOK_PRE_STOP, a));
    assert_null(hooks_noted(&of, "", HOOK_PRE_STOP, a));
    assert_null(
        hooks_noted(&of, strchr(note, '{'), HOOK_PRE_STOP, a)); /* as an image would say it */
    assert_null(hooks_note(&without, &none, &hooks, a));
    assert_null(hooks_note(&of, &none, &none, a));
    kvs_set(a, &v[0].environment, "KEY", "secret");
    assert_null(
        hooks_note(&of, &none, &hooks, a)); /* what may be a password is nothing for a label */
}

static void test_what_is_no_hook(void **state)
{
    static const char *const bad[] = {"",
                                      "[]",
                                      "{}",
                                      "[1]",
                                      "[{}]",
                                      "[{\"command\":[],\"timeout_ms\":1}]",
                                      "[{\"command\":[\"x\"]}]",
                                      "[{\"command\":[\"x\"],\"timeout_ms\":-1}]",
                                      "[{\"command\":[\"x\"],\"timeout_ms\":9223372036854775807}]"};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct exec_hook poison;
    struct hooks back = {&poison, 77};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err e = {0};

        assert_int_equal(hooks_parse(bad[i], a, &back, &e), -1);
        assert_int_equal(e.kind, ERR_USER);
        assert_int_equal(back.n, 77);
    }
}

static bool knows_other(void *user, const char *container)
{
    (void)user;
    return strcmp(container, OTHER) == 0;
}

static void test_folder(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct hook_folder *h = hook_folder_new(fsx_join(*state, "hooks", a));
    const struct hook_record begun = {
        .started_ms = 1234567, .state = HOOKS_RUNNING, .step = 3, .exec = "e1"};
    const struct hook_record bad = {.started_ms = 77, .state = HOOKS_FAILED, .error = "no\nway"};
    struct hook_record back = {.step = 99};
    struct obs_hook *seen;
    struct err e = {0};
    size_t n;

    hook_folder_observed(h, a, &seen, &n);
    assert_int_equal(n, 0);
    assert_false(hook_folder_get(h, ID, HOOK_POST_START, a, &back));
    assert_int_equal(back.step, 99);
    assert_int_equal(hook_folder_put(h, OTHER, HOOK_POST_START, &bad, &e), 0);
    assert_int_equal(hook_folder_put(h, ID, HOOK_POST_START, &begun, &e), 0);
    assert_int_equal(hook_folder_put(h, ID, HOOK_PRE_STOP, &bad, &e), 0);
    assert_int_equal(hook_folder_put(h, "../evil", HOOK_PRE_STOP, &bad, &e), -1);
    hook_folder_free(h);

    h = hook_folder_new(fsx_join(*state, "hooks", a)); /* another process */
    assert_true(hook_folder_get(h, ID, HOOK_POST_START, a, &back));
    assert_int_equal(back.state, HOOKS_RUNNING);
    assert_int_equal(back.step, 3);
    assert_string_equal(back.exec, "e1");
    assert_true(back.written_ms > 0);
    hook_folder_observed(h, a, &seen, &n);
    assert_int_equal(n, 2);
    assert_string_equal(seen[0].container, ID);
    assert_int_equal(seen[0].started_ms, 1234567);
    assert_int_equal(seen[1].state, HOOKS_FAILED);
    assert_string_equal(seen[1].error, "no\nway");
    hook_folder_sweep(h, knows_other, NULL);
    hook_folder_observed(h, a, &seen, &n);
    assert_int_equal(n, 1);
    assert_false(hook_folder_get(h, ID, HOOK_PRE_STOP, a, &back));
    assert_int_equal(hook_folder_put(h, ID, HOOK_POST_START, &begun, &e), 0);
    hook_folder_sweep(h, knows_other, NULL); /* not what this process made: the list may be older */
    hook_folder_observed(h, a, &seen, &n);
    assert_int_equal(n, 2);
    hook_folder_drop(h, ID);
    hook_folder_drop(h, OTHER);
    hook_folder_observed(h, a, &seen, &n);
    assert_int_equal(n, 0);
    hook_folder_free(h);
    hook_folder_free(NULL);
}

static void test_torn_files(void **state)
{
    static const char *const bad[] = {"", "{", "[]", "{\"state\":\"odd\"}"};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *dir = fsx_join(*state, "hooks", a);
    struct hook_record back;
    struct obs_hook *seen;
    size_t n;

    assert_int_equal(fsx_mkdirs(dir, 0700, NULL), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct hook_folder *h = hook_folder_new(dir);

        assert_int_equal(fsx_replace(fsx_join(dir, ID "." HOOK_POST_START, a), bad[i],
                                     strlen(bad[i]), 0600, NULL),
                         0);
        assert_false(hook_folder_get(h, ID, HOOK_POST_START, a, &back));
        hook_folder_observed(h, a, &seen, &n);
        assert_int_equal(n, 0);
        hook_folder_free(h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_note),
        cmocka_unit_test(test_what_is_no_hook),
        cmocka_unit_test_setup_teardown(test_folder, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_torn_files, scratch_setup, scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
