/* Sources read by the worker, from real files: facts appear, change and fail; bundles tell their specs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>

#include "agent/bundle_read.h"
#include "agent/contexts.h"
#include "spec/base/arena.h"
#include "spec/document.h"
#include "tests/unit/scratch.h"

#define DOCKERFILE "FROM busybox:stable\nEXPOSE 8080\n"

struct desk { /* one app of one service, built from below the scratch folder */
    struct arena *arena;
    struct contexts *contexts;
    struct service spec;
    struct want_service service;
    struct context_facts working;
    struct want_app app;
    struct desired desired;
};

static void open_desk(struct desk *x, const struct build *b)
{
    *x = (struct desk){.arena = arena_new(), .contexts = contexts_new(NULL)};
    x->spec = (struct service){.name = "app", .build = *b};
    x->spec.build.set = true;
    x->working =
        (struct context_facts){.key = facts_key(&x->spec, x->arena), .state = FACTS_WORKING};
    x->service = (struct want_service){.name = "app", .spec = &x->spec, .facts = &x->working};
    x->app = (struct want_app){.name = "blog", .services = &x->service, .n_services = 1};
    x->desired = (struct desired){.apps = &x->app, .n_apps = 1};
    contexts_want(x->contexts, &x->desired);
}

static void close_desk(struct desk *x)
{
    contexts_free(x->contexts);
    arena_free(x->arena);
}

static const struct context_facts *facts(const struct desk *x)
{
    size_t n;
    const struct context_facts *const *v = contexts_facts(x->contexts, &n);

    return facts_find(v, n, x->working.key);
}

static struct build folder(void **state)
{
    return (struct build){.path = *state, .strategy = "auto"};
}

static void facts_appear(void **state)
{
    const struct build b = folder(state);
    struct desk x;

    put("Dockerfile", DOCKERFILE);
    put("index.html", "one");
    open_desk(&x, &b);
    assert_null(facts(&x));
    assert_true(contexts_wait(x.contexts));
    assert_non_null(facts(&x));
    assert_int_equal(facts(&x)->state, FACTS_READY);
    assert_string_equal(facts(&x)->dockerfile, "Dockerfile");
    assert_null(facts(&x)->dockerfile_text);
    assert_int_equal(facts(&x)->images.n, 1);
    assert_string_equal(facts(&x)->images.v[0], "busybox:stable");
    assert_int_equal(facts(&x)->port, 8080);
    assert_int_equal(strlen(facts(&x)->digest), 64);
    assert_false(facts(&x)->needs_buildkit);
    assert_false(contexts_busy(x.contexts));
    close_desk(&x);
}

/* Base images named after the platform are told once the engine's is known, and again when it is another one. */
static void the_platform_is_waited_for(void **state)
{
    const struct build b = folder(state);
    struct desk x;

    put("Dockerfile", "FROM --platform=$BUILDPLATFORM tools:$TARGETARCH\n");
    open_desk(&x, &b);
    assert_false(contexts_ask_platform(x.contexts));
    assert_true(contexts_wait(x.contexts));
    assert_int_equal(facts(&x)->state, FACTS_WORKING);
    assert_true(contexts_ask_platform(x.contexts));
    contexts_platform(x.contexts, NULL);
    assert_false(contexts_busy(x.contexts));
    contexts_platform(x.contexts, "linux/arm64");
    assert_true(contexts_wait(x.contexts));
    assert_int_equal(facts(&x)->state, FACTS_READY);
    assert_string_equal(facts(&x)->images.v[0], "tools:arm64");
    assert_string_equal(facts(&x)->platforms.v[0], "");
    contexts_platform(x.contexts, "linux/arm64");
    assert_false(contexts_busy(x.contexts));
    contexts_platform(x.contexts, "linux/amd64");
    assert_true(contexts_wait(x.contexts));
    assert_string_equal(facts(&x)->images.v[0], "tools:amd64");
    x.spec.platform = "linux/arm/v6"; /* of the service: another source to us */
    x.working.key = facts_key(&x.spec, x.arena);
    contexts_want(x.contexts, &x.desired);
    assert_true(contexts_wait(x.contexts));
    assert_string_equal(facts(&x)->images.v[0], "tools:arm");
    assert_string_equal(facts(&x)->platforms.v[0], "linux/amd64");
    close_desk(&x);
}

static void bounds_of_the_configuration(void **state)
{
    const struct build b = folder(state);
    struct desk x;

    put("Dockerfile", DOCKERFILE);
    put("page", "0123456789012345678901234567890123456789");
    open_desk(&x, &b);
    (void)contexts_wait(x.contexts);
    assert_int_equal(facts(&x)->state, FACTS_READY);
    contexts_free(x.contexts);
    x.contexts = contexts_new(NULL);
    contexts_limits(x.contexts, &(struct build_limits){.file_bytes = 39});
    contexts_want(x.contexts, &x.desired);
    (void)contexts_wait(x.contexts);
    assert_int_equal(facts(&x)->state, FACTS_FAILED);
    assert_non_null(strstr(facts(&x)->error, "\"page\""));
    assert_non_null(strstr(facts(&x)->error, "39"));
    close_desk(&x);
}

/* What it knows of contents it writes down where it is told to, and nowhere else. */
static void what_was_learned_is_kept(void **state)
{
    char source[300], kept[300];
    struct build b = {.path = source, .strategy = "auto"};
    struct desk x;

    (void)snprintf(source, sizeof(source), "%s/app", (char *)*state);
    (void)snprintf(kept, sizeof(kept), "%s/digests", (char *)*state);
    make_dir("app");
    put("app/Dockerfile", DOCKERFILE);
    open_desk(&x, &b);
    (void)contexts_wait(x.contexts);
    assert_int_equal(rmdir(kept), -1);
    assert_int_equal(errno, ENOENT);
    contexts_free(x.contexts);
    x.contexts = contexts_new(NULL);
    contexts_memory(x.contexts, kept);
    contexts_want(x.contexts, &x.desired);
    (void)contexts_wait(x.contexts);
    assert_int_equal(facts(&x)->state, FACTS_READY);
    assert_int_equal(rmdir(kept), -1);
    assert_int_equal(errno, ENOTEMPTY);
    close_desk(&x);
}

static void what_was_refused_is_not_read(void **state)
{
    const struct build b = folder(state);
    struct desk x;

    put("Dockerfile", DOCKERFILE);
    open_desk(&x, &b);
    contexts_free(x.contexts);
    x.contexts = contexts_new(NULL);
    x.app.refused = "it lies outside the roots";
    contexts_want(x.contexts, &x.desired);
    assert_false(contexts_wait(x.contexts));
    assert_null(facts(&x));
    x.app.refused = NULL;
    contexts_want(x.contexts, &x.desired);
    assert_true(contexts_wait(x.contexts));
    x.app.refused = "it was refused since"; /* what is known stays: desired state borrows it */
    contexts_want(x.contexts, &x.desired);
    assert_non_null(facts(&x));
    close_desk(&x);
}

static void an_unchanged_source_is_no_news(void **state)
{
    const struct build b = folder(state);
    struct desk x;

    put("Dockerfile", DOCKERFILE);
    open_desk(&x, &b);
    (void)contexts_wait(x.contexts);
    const struct context_facts *before = facts(&x);

    contexts_recheck(x.contexts);
    assert_false(contexts_wait(x.contexts));
    assert_ptr_equal(facts(&x), before);
    close_desk(&x);
}

static void a_change_replaces_the_facts(void **state)
{
    const struct build b = folder(state);
    struct desk x;

    put("Dockerfile", DOCKERFILE);
    put("index.html", "one");
    open_desk(&x, &b);
    (void)contexts_wait(x.contexts);
    const char *first = arena_strdup(x.arena, facts(&x)->digest);
    const char *print = arena_strdup(x.arena, facts(&x)->fingerprint);

    put("index.html", "two");
    contexts_recheck(x.contexts);
    assert_string_equal(facts(&x)->digest, first); /* until the new ones are read */
    assert_true(contexts_wait(x.contexts));
    assert_string_not_equal(facts(&x)->digest, first);
    assert_string_not_equal(facts(&x)->fingerprint, print);
    put("index.html", "one");
    contexts_recheck(x.contexts);
    assert_true(contexts_wait(x.contexts));
    assert_string_equal(facts(&x)->digest, first);
    close_desk(&x);
}

/* What was sent is compared with it, so it must be one that comes again, also right after a change. */
static void the_fingerprint_of_facts_lasts(void **state)
{
    const struct build b = folder(state);
    struct desk x;

    put("Dockerfile", DOCKERFILE);
    open_desk(&x, &b);
    for (int i = 0; i < 3; i++) {
        char text[16];

        (void)snprintf(text, sizeof(text), "%d", i);
        put("index.html", text);
        contexts_recheck(x.contexts);
        (void)contexts_wait(x.contexts);
        const char *print = arena_strdup(x.arena, facts(&x)->fingerprint);

        contexts_recheck(x.contexts);
        assert_false(contexts_wait(x.contexts));
        assert_string_equal(facts(&x)->fingerprint, print);
    }
    close_desk(&x);
}

static void failures_say_what_and_where(void **state)
{
    const struct build b = folder(state);
    struct desk x;

    put("Dockerfile", "FROM busybox:stable\n\nCOPPY a b\n");
    open_desk(&x, &b);
    (void)contexts_wait(x.contexts);
    assert_int_equal(facts(&x)->state, FACTS_FAILED);
    assert_non_null(strstr(facts(&x)->error, "Dockerfile:3:"));
    assert_null(strchr(facts(&x)->error, '\n'));
    contexts_recheck(x.contexts);
    assert_false(contexts_wait(x.contexts)); /* the same failure again is no news */
    put("Dockerfile", DOCKERFILE);
    contexts_recheck(x.contexts);
    assert_true(contexts_wait(x.contexts));
    assert_int_equal(facts(&x)->state, FACTS_READY);
    close_desk(&x);
}

static void a_folder_that_is_gone_fails_and_comes_back(void **state)
{
    char path[512];
    struct desk x;

    (void)snprintf(path, sizeof(path), "%s/site", (const char *)*state);
    open_desk(&x, &(struct build){.path = path});
    (void)contexts_wait(x.contexts);
    assert_int_equal(facts(&x)->state, FACTS_FAILED);
    assert_non_null(strstr(facts(&x)->error, path));
    make_dir("site");
    put("site/Dockerfile", DOCKERFILE);
    contexts_recheck(x.contexts);
    assert_true(contexts_wait(x.contexts));
    assert_int_equal(facts(&x)->state, FACTS_READY);
    close_desk(&x);
}

static void texts_from_elsewhere_are_put_in(void **state)
{
    struct build b = folder(state);
    struct desk x;

    b.dockerfile_inline =
        "# syntax=docker/dockerfile:1\nFROM alpine:3.20\nRUN --mount=type=cache,target=/c true\n";
    open_desk(&x, &b);
    (void)contexts_wait(x.contexts);
    assert_int_equal(facts(&x)->state, FACTS_READY);
    assert_string_equal(facts(&x)->images.v[0], "alpine:3.20");
    assert_null(strstr(facts(&x)->dockerfile_text, "syntax=docker"));
    assert_non_null(strstr(facts(&x)->dockerfile_text, "FROM alpine:3.20"));
    assert_true(facts(&x)->needs_buildkit);
    assert_int_equal(facts(&x)->notes.n, 1);
    close_desk(&x);
}

static void a_dockerfile_is_made_only_where_none_is(void **state)
{
    struct build b = folder(state);
    struct desk x;

    put("package.json", "{\"scripts\": {\"start\": \"node server.js\"}}");
    put("server.js", "");
    open_desk(&x, &b);
    (void)contexts_wait(x.contexts);
    assert_int_equal(facts(&x)->state, FACTS_READY);
    assert_non_null(strstr(facts(&x)->made_for, "node"));
    assert_non_null(strstr(facts(&x)->dockerfile_text, "FROM node"));
    close_desk(&x);

    b.strategy = "dockerfile";
    open_desk(&x, &b);
    (void)contexts_wait(x.contexts);
    assert_int_equal(facts(&x)->state, FACTS_FAILED);
    close_desk(&x);
}

static void what_nobody_wants_is_forgotten(void **state)
{
    const struct build b = folder(state);
    struct desk x;
    size_t n;

    put("Dockerfile", DOCKERFILE);
    open_desk(&x, &b);
    (void)contexts_wait(x.contexts);
    contexts_want(x.contexts, &(struct desired){0});
    (void)contexts_facts(x.contexts, &n);
    assert_int_equal(n, 0);
    close_desk(&x);
}

/* ---- specs inside bundles ---- */

static void pack(struct archive *to, const char *path, const char *text)
{
    struct archive_entry *e = archive_entry_new();

    archive_entry_set_pathname(e, path);
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_perm(e, 0644);
    archive_entry_set_size(e, (la_int64_t)strlen(text));
    assert_int_equal(archive_write_header(to, e), ARCHIVE_OK);
    assert_int_equal(archive_write_data(to, text, strlen(text)), strlen(text));
    archive_entry_free(e);
}

/* A new app.tar.gz, renamed into place, with or without a spec. */
static struct strv bundle(struct arena *a, void **state, const char *spec)
{
    struct archive *to = archive_write_new();
    struct strv list = {0};

    assert_int_equal(archive_write_set_format_ustar(to), ARCHIVE_OK);
    assert_int_equal(archive_write_add_filter_gzip(to), ARCHIVE_OK);
    assert_int_equal(archive_write_open_filename(to, ".new.tar.gz"), ARCHIVE_OK);
    pack(to, "Dockerfile", DOCKERFILE);
    if (spec)
        pack(to, "evenkeel.yaml", spec);
    assert_int_equal(archive_write_free(to), ARCHIVE_OK);
    move(".new.tar.gz", "app.tar.gz");
    strv_push(a, &list, arena_printf(a, "%s/app.tar.gz", (const char *)*state));
    return list;
}

static void bundles_tell_their_specs(void **state)
{
    struct arena *a = arena_new();
    struct contexts *c = contexts_new(NULL);
    struct strv paths = bundle(a, state, "app: inner\n");
    const char *path = paths.v[0];

    assert_null(contexts_bundle_spec(c, path));
    contexts_want_bundles(c, &paths);
    assert_null(contexts_bundle_spec(c, path)); /* not known yet */
    assert_true(contexts_wait(c));
    assert_string_equal(contexts_bundle_spec(c, path)->text, "app: inner\n");
    assert_null(contexts_bundle_error(c, path));

    (void)bundle(a, state, NULL);
    contexts_recheck(c);
    assert_true(contexts_wait(c));
    assert_string_equal(contexts_bundle_spec(c, path)->text, "");
    assert_null(contexts_bundle_error(c, path));

    put("app.tar.gz", "half of something");
    contexts_recheck(c);
    assert_true(contexts_wait(c));
    assert_string_equal(contexts_bundle_spec(c, path)->text, "");
    assert_non_null(strstr(contexts_bundle_error(c, path), "app.tar.gz"));
    contexts_recheck(c);
    assert_false(contexts_wait(c));

    (void)remove("app.tar.gz");
    contexts_recheck(c);
    assert_true(contexts_wait(c));
    assert_non_null(contexts_bundle_error(c, path));

    contexts_want_bundles(c, &(struct strv){0});
    assert_null(contexts_bundle_spec(c, path));
    assert_null(contexts_bundle_error(c, path));
    contexts_free(c);
    arena_free(a);
}

/* A spec inside an archive and what is built of it change together, whenever somebody asks in between. */
static void an_archive_is_news_as_a_whole(void **state)
{
    struct arena *a = arena_new();
    struct strv paths = bundle(a, state, "app: inner\n# 0\n");
    const struct build b = {.bundle = paths.v[0], .strategy = "auto"};
    struct desk x;
    char digest[SHA256_HEX];

    open_desk(&x, &b);
    contexts_want_bundles(x.contexts, &paths);
    assert_true(contexts_wait(x.contexts));
    for (int i = 1; i <= 20; i++) {
        (void)snprintf(digest, sizeof(digest), "%s", facts(&x)->digest);
        const char *text = arena_printf(a, "app: inner\n# %d\n", i);

        (void)bundle(a, state, text);
        contexts_recheck(x.contexts);
        for (bool over = false; !over;) {
            over = !contexts_busy(x.contexts);
            (void)contexts_collect(x.contexts);
            bool new_text = strcmp(contexts_bundle_spec(x.contexts, paths.v[0])->text, text) == 0;

            assert_int_equal(new_text, strcmp(facts(&x)->digest, digest) != 0);
        }
        assert_string_equal(contexts_bundle_spec(x.contexts, paths.v[0])->text, text);
    }
    close_desk(&x);
    arena_free(a);
}

static void leaving_in_the_middle_is_fine(void **state)
{
    const struct build b = folder(state);
    struct desk x;

    put("Dockerfile", DOCKERFILE);
    open_desk(&x, &b);
    contexts_recheck(x.contexts);
    close_desk(&x);
    contexts_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(facts_appear, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(the_platform_is_waited_for, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(bounds_of_the_configuration, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(what_was_learned_is_kept, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(what_was_refused_is_not_read, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(an_unchanged_source_is_no_news, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(a_change_replaces_the_facts, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(the_fingerprint_of_facts_lasts, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(failures_say_what_and_where, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(a_folder_that_is_gone_fails_and_comes_back, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(texts_from_elsewhere_are_put_in, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(a_dockerfile_is_made_only_where_none_is, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(what_nobody_wants_is_forgotten, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(bundles_tell_their_specs, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(an_archive_is_news_as_a_whole, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(leaving_in_the_middle_is_fine, scratch_setup,
                                        scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
