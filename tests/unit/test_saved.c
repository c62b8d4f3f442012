/* A pass, saved and read back, gives the same plan: also for what is built, from directories and archives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>

#include "agent/saved.h"
#include "spec/base/arena.h"
#include "tests/unit/scratch.h"

/* ---- an engine that has two images and nothing else ---- */

static const char *little_root;

static const struct observed *little_observed(struct driver *d, struct arena *a)
{
    const char *text =
        arena_printf(a,
                     "{\"containers\": [{\"name\": \"was-inside-app-1\", \"image\": "
                     "\"busybox:stable\", \"labels\": {\"evenkeel.owner\": \"default\","
                     " \"evenkeel.app\": \"was-inside\", \"evenkeel.service\": \"app\", "
                     "\"evenkeel.index\": \"1\", \"evenkeel.origin\": \"%s//torn.zip\"}}],"
                     " \"images\": [{\"ref\": \"busybox:stable\", \"id\": \"sha256:0123\"},"
                     " {\"ref\": \"nginxinc/nginx-unprivileged:stable-alpine\", \"id\": "
                     "\"sha256:4567\"}, {\"ref\": \"absent:1\", \"id\": null}]}",
                     little_root);
    struct err e = {0};
    json_t *v = js_parse(text, strlen(text), &e);
    const struct observed *o = observed_from_json(v, a, &e);

    (void)d;
    json_decref(v);
    assert_non_null(o);
    return o;
}

static const struct driver_ops little_ops = {.name = "little", .observed = little_observed};

struct fixture {
    struct options options;
    struct core core;
    struct driver driver;
    const char *root, *state;
    struct arena *a;
};

static void add_entry(struct archive *w, const char *path, const char *text)
{
    struct archive_entry *x = archive_entry_new();

    archive_entry_set_pathname(x, path);
    archive_entry_set_filetype(x, AE_IFREG);
    archive_entry_set_perm(x, 0644);
    archive_entry_set_size(x, (la_int64_t)strlen(text));
    assert_int_equal(archive_write_header(w, x), ARCHIVE_OK);
    assert_int_equal(archive_write_data(w, text, strlen(text)), strlen(text));
    archive_entry_free(x);
}

static void make_zip(const char *path, const char *spec)
{
    struct archive *w = archive_write_new();

    assert_int_equal(archive_write_set_format_zip(w), ARCHIVE_OK);
    assert_int_equal(archive_write_open_filename(w, path), ARCHIVE_OK);
    add_entry(w, "Dockerfile", "FROM busybox:stable\nEXPOSE 9000\n");
    if (spec)
        add_entry(w, "evenkeel.yaml", spec);
    assert_int_equal(archive_write_close(w), ARCHIVE_OK);
    (void)archive_write_free(w);
}

static void make_roots(void)
{
    assert_int_equal(
        mkdir("own", 0755) | mkdir("made", 0755) | mkdir("bad", 0755) | mkdir("late", 0755), 0);
    put("own/Dockerfile", "# syntax=docker/dockerfile:1\nFROM busybox:stable\nEXPOSE 80\n");
    put("made/index.html", "<h1>hello\n");
    put("bad/Dockerfile", "FORM busybox\n");
    put("late/Dockerfile", "FROM absent:1\n");
    put("own.yaml", "app: own\nsource: {path: ./own, args: {A: b}}\n");
    put("made.yaml", "app: made\nsource: {path: ./made}\n");
    put("bad.yaml", "app: bad\nsource: {path: ./bad}\n");
    put("late.yaml", "app: late\nsource: {path: ./late}\n");
    put("plain.yaml", "app: plain\nimage: busybox:stable\n");
    make_zip("alone.zip", NULL);
    make_zip("inner.zip", "app: named-inside\nenvironment: {A: b}\n");
    make_zip("named.zip", NULL);
    put("torn.zip", "PK\003\004 and no more");
    put("outer.yaml", "app: outer\nsource: {bundle: named.zip}\n");
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct err e = {0};

    if (!f || scratch_setup(state) != 0)
        return -1;
    f->a = arena_new();
    little_root = f->root = *state;
    f->state = arena_printf(f->a, "%s/.state", f->root);
    make_roots();
    f->options =
        (struct options){.roots = {&f->root, 1},
                         .state = f->state,
                         .settings = {.owner = "default", .pool = "10.0.0.0/8", .pool_prefix = 26}};
    f->driver.ops = &little_ops;
    if (core_open(&f->core, &f->options, CORE_FILES, &e) < 0)
        return -1;
    f->core.driver = &f->driver;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    void *root = (void *)(uintptr_t)f->root;

    f->core.driver = NULL;
    core_close(&f->core);
    arena_free(f->a);
    (void)scratch_teardown(&root);
    free(f);
    return 0;
}

static const char *in_words(const struct plan *p, struct arena *a)
{
    CLEANUP(str_release) struct str s = STR_INIT;
    json_t *v = plan_to_json(p);

    js_canonical(v, &s);
    json_decref(v);
    str_addc(&s, '\n');
    plan_print(p, &(struct plan_style){.verbose = true}, &s);
    return arena_strdup(a, str_text(&s));
}

/* Plan, save, read, plan: the same. Returns the text of the plan; app NULL: of all. */
static const char *same_again(struct fixture *f, const char *app, const char *holds)
{
    const struct strv scope = {&app, app ? 1 : 0};
    CLEANUP(str_release) struct str saved = STR_INIT;
    struct core_pass p;
    struct plan_input in;
    struct err e = {0};

    core_plan(&f->core, &scope, NULL, NULL, f->a, &p);
    saved_write(&f->core, &p, &saved);
    assert_non_null(strstr(saved.buf, arena_printf(f->a, "\"holds\":\"%s\"", holds)));
    assert_int_equal(saved_read(saved.buf, saved.len, f->a, &in, &e), 0);
    const char *before = in_words(p.plan, f->a), *after = in_words(plan_build(&in, f->a), f->a);

    assert_string_equal(before, after);
    return before;
}

static void test_what_is_built(void **state)
{
    struct fixture *f = *state;

    core_gather_files(&f->core);
    const char *text = same_again(f, NULL, "everything");

    assert_non_null(strstr(text, "build image evenkeel/own/app:"));
    assert_non_null(strstr(text, "build image evenkeel/made/app:"));
    assert_non_null(strstr(text, "build image evenkeel/alone/app:"));
    assert_non_null(strstr(text, "build image evenkeel/named-inside/app:"));
    assert_non_null(strstr(text, "build image evenkeel/outer/app:"));
    assert_null(strstr(text, "\"named\"")); /* named by a spec: no app by itself */
    assert_null(strstr(text, "\"inner\""));
    assert_non_null(strstr(text, "pull image absent:1"));
    assert_non_null(strstr(text, "FORM"));
    assert_non_null(strstr(text, "was-inside: Frozen"));
    assert_non_null(strstr(text, "Made by evenkeel"));
}

static void test_what_is_still_being_read(void **state)
{
    struct fixture *f = *state;

    f->core.contexts = contexts_new(NULL);
    (void)core_scan(&f->core, NULL);
    core_desire(&f->core); /* nothing was taken over of what the worker reads */
    assert_null(strstr(same_again(f, NULL, "everything"), "build image"));
}

/* A pass over one app is saved with what concerns it: its file, its facts, its objects. */
static void test_a_pass_over_one_app(void **state)
{
    static const char *const apps[] = {"plain", "own", "made", "outer", "alone", "late"};
    struct fixture *f = *state;

    core_gather_files(&f->core);
    for (size_t i = 0; i < ARRAY_LEN(apps); i++)
        assert_non_null(strstr(same_again(f, apps[i], "scope"), apps[i]));
}

/* Which file would hold it cannot be told from a part. */
static void test_a_pass_that_needs_more_than_its_part(void **state)
{
    struct fixture *f = *state;

    core_gather_files(&f->core);
    assert_non_null(strstr(same_again(f, "was-inside", "everything"), "Frozen"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_built, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_still_being_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_pass_over_one_app, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_pass_that_needs_more_than_its_part, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
