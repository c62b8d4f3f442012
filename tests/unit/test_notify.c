/* test_notify.c: the parts of webhooks that need no engine: signatures, pauses, addresses, the configuration; and drift that begins and ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "agent/core.h"
#include "agent/drift_diary.h"
#include "agent/notify.h"
#include "spec/base/arena.h"
#include "spec/config.h"
#include "tests/unit/scratch.h"

static void test_signature(void **state)
{
    char sign[72];

    (void)state;
    /* GitHub's own example */
    notify_sign("It's a Secret to Everybody", 26, "Hello, World!", sign);
    assert_string_equal(sign,
                        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
}

static void test_pauses(void **state)
{
    int64_t before = 0, all = 0;

    (void)state;
    assert_int_equal(notify_pause_ms(1), 1000);
    assert_int_equal(notify_pause_ms(2), 2000);
    for (unsigned i = 1; i < NOTIFY_TRIES; i++) {
        assert_true(notify_pause_ms(i) >= before && notify_pause_ms(i) <= 300000);
        before = notify_pause_ms(i);
        all += before;
    }
    assert_true(all >
                15 * 60 *
                    1000); /* a receiver that is updated for a quarter of an hour loses nothing */
    assert_int_equal(notify_pause_ms(4000000000U), 300000);
}

static void test_last_words_stay(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    (void)state;
    assert_string_equal(notify_why("exited with 1; its last lines: password=hunter2", a),
                        "exited with 1");
    assert_string_equal(notify_why("exited with 1", a), "exited with 1");
    assert_null(notify_why(NULL, a));
}

static void test_addresses(void **state)
{
    static const struct {
        const char *url, *base, *path;
    } good[] = {{"https://h", "https://h", "/"},
                {"http://h:8080/a/b?c=d", "http://h:8080", "/a/b?c=d"},
                {"https://h?x", "https://h", "/?x"},
                {"https://[::1]:9/x", "https://[::1]:9", "/x"}};
    static const char *const bad[] = {"",
                                      "h",
                                      "ftp://h",
                                      "https://",
                                      "https:///x",
                                      "http://u:p@h",
                                      "http://h/#x",
                                      "http://h/ x",
                                      "file:///etc/passwd"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const char *base, *path, *why;

        assert_int_equal(notify_url_split(good[i].url, a, &base, &path, &why), 0);
        assert_string_equal(base, good[i].base);
        assert_string_equal(path, good[i].path);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const char *base, *path, *why = NULL;

        assert_int_equal(notify_url_split(bad[i], a, &base, &path, &why), -1);
        assert_non_null(why);
    }
}

static int parse(const char *text, struct arena *a, struct config *ret, struct diag_list *diags)
{
    diag_init(diags, a);
    return config_parse("agent.yaml", text, strlen(text), a, diags, ret);
}

static void test_configuration(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct diag_list diags;
    struct config c;

    (void)state;
    assert_int_equal(parse("notify: {url: 'https://h/x'}\n", a, &c, &diags), 0);
    assert_int_equal(c.notify.n, 1);
    assert_int_equal(c.notify.v[0].events, NOTIFY_ALL);
    assert_int_equal(c.notify.v[0].timeout_ns, INT64_C(10000000000));
    assert_null(c.notify.v[0].secret);
    assert_int_equal(parse("notify:\n  - {url: 'https://h/x', secret: k, events: [held, drift], "
                           "timeout: 2s}\n  - {url: 'http://g'}\n",
                           a, &c, &diags),
                     0);
    assert_int_equal(c.notify.n, 2);
    assert_int_equal(c.notify.v[0].events, NOTIFY_HELD | NOTIFY_DRIFT);
    assert_string_equal(c.notify.v[0].secret, "k");

    static const char *const bad[] = {"notify: [x]\n",
                                      "notify: {}\n",
                                      "notify: {url: 'https://user:hunter2@h'}\n",
                                      "notify: {url: 'https://h', events: [drifft]}\n",
                                      "notify: {url: 'https://h', secret: '../x'}\n",
                                      "notify: {url: 'https://h', timeout: 10m}\n",
                                      "notify: {url: 'https://h', retries: 3}\n"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(parse(bad[i], a, &c, &diags), -1);
        for (size_t k = 0; k < diags.n; k++)
            assert_null(strstr(diags.v[k].what, "hunter2"));
    }
}

/* ---- drift that begins and ends ---- */

struct heard {
    int calls;
    size_t items;
    char app[32];
    bool busy;
};

static void hear(void *ctx, const struct drift_item *items, size_t n, int64_t ms)
{
    struct heard *h = ctx;

    (void)ms;
    h->calls++;
    h->items += n;
    (void)snprintf(h->app, sizeof(h->app), "%s", items[0].app);
}

static bool is_busy(void *ctx, const char *app)
{
    (void)app;
    return ((struct heard *)ctx)->busy;
}

static struct difference found[] = {
    {.kind = DRIFT_FOUND, .object = "container a-app-1", .change = {"state", "running", "exited"}},
    {.kind = DRIFT_FOUND, .object = "container a-app-1", .change = {"mem_limit", "2M", "1M"}},
    {.kind = DRIFT_FOUND,
     .object = "container a-app-1",
     .change = {"user", "1", "2"},
     .left = LEFT_IGNORED},
};

static void note(void *user, const struct store_drift *d)
{
    int *counts = user;

    counts[0]++;
    counts[1] += d->ended_ms > 0;
}

static void test_drift_diary(void **state)
{
    struct plan_app app = {.name = "a", .digest = "", .differences = found, .n_differences = 3};
    struct plan_app calm = {.name = "a", .digest = ""};
    const struct plan one = {.apps = &app, .n_apps = 1}, none = {.apps = &calm, .n_apps = 1};
    const char *names[] = {"b"};
    const struct strv all = {0}, other = {names, 1};
    const int64_t now = core_now_ms(); /* what is old is forgotten */
    struct heard h = {0};
    struct err e = {0};
    int counts[2] = {0};
    struct store *s = store_open(*state, &e);
    struct drift_diary *d = drift_diary_new(s, *state, hear, &h);

    drift_diary_pass(d, &one, &all, now + 1000, is_busy);
    assert_int_equal(h.calls, 1);
    assert_int_equal(h.items, 2); /* what is ignored is no drift */
    assert_string_equal(h.app, "a");
    drift_diary_pass(d, &one, &all, now + 2000, is_busy);
    drift_diary_pass(d, &none, &other, 3000,
                     is_busy); /* a plan of another app says nothing of it */
    assert_int_equal(h.calls, 1);
    drift_diary_free(d);
    store_close(s);

    /* another process: the same is told no more */
    s = store_open(*state, &e);
    d = drift_diary_new(s, *state, hear, &h);
    drift_diary_pass(d, &one, &all, now + 4000, is_busy);
    assert_int_equal(h.calls, 1);
    h.busy = true;
    drift_diary_pass(d, &none, &all, now + 5000, is_busy); /* being put right */
    h.busy = false;
    app.n_differences = 1;
    drift_diary_pass(d, &one, &all, now + 6000, is_busy);
    drift_diary_pass(d, &none, &all, now + 7000, is_busy);
    drift_diary_pass(d, &one, &all, now + 8000, is_busy);
    assert_int_equal(h.calls, 2); /* again, after its end */
    app.n_differences = 3;
    drift_diary_free(d);
    store_close(s);
    assert_int_equal(store_drifts(*state, "a", false, 100, note, counts, &e), 0);
    assert_int_equal(counts[0], 3);
    assert_int_equal(counts[1], 2);
    counts[0] = 0;
    assert_int_equal(store_drifts(*state, NULL, true, 100, note, counts, &e), 0);
    assert_int_equal(counts[0], 1);
    assert_int_equal(store_drifts(*state, "b", false, 100, note, counts, &e), 0);
    assert_int_equal(counts[0], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signature),
        cmocka_unit_test(test_pauses),
        cmocka_unit_test(test_last_words_stay),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_configuration),
        cmocka_unit_test_setup_teardown(test_drift_diary, scratch_setup, scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
