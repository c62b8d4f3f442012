/* The name of what is built: the same for the same content, another one for every single thing that shapes the image. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "reconcile/build_tag.h"
#include "spec/base/arena.h"

struct world {
    struct arena *arena;
    struct context_facts facts;
    struct service spec;
    struct want_service service;
    struct want_app app;
    struct obs_image images[2];
    struct observed seen;
};

static void fill(struct world *w, struct arena *a)
{
    *w = (struct world){.arena = a};
    w->facts =
        (struct context_facts){.state = FACTS_READY, .digest = "aa11", .dockerfile = "Dockerfile"};
    strv_push(a, &w->facts.images, "busybox:stable");
    w->spec = (struct service){.name = "web", .build = {.set = true, .path = "/apps/shop"}};
    w->service = (struct want_service){.name = "web", .spec = &w->spec, .facts = &w->facts};
    w->app = (struct want_app){.name = "shop", .services = &w->service, .n_services = 1};
    w->images[0] = (struct obs_image){.ref = "alpine:3.20", .id = "sha256:other"};
    w->images[1] = (struct obs_image){.ref = "busybox:stable", .id = "sha256:one"};
    w->seen = (struct observed){.images = w->images, .n_images = 2};
}

static const char *tag_of(struct world *w)
{
    observed_seal(&w->seen, w->arena);
    return build_tag(&w->app, &w->service, &w->seen, w->arena);
}

static int setup(void **state)
{
    struct arena *a = arena_new();
    struct world *w = ARENA_NEW(a, struct world);

    fill(w, a);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    arena_free(((struct world *)*state)->arena);
    return 0;
}

static void names_app_service_and_hash(void **state)
{
    const char *tag = tag_of(*state), prefix[] = "evenkeel/shop/web:";

    assert_memory_equal(tag, prefix, strlen(prefix));
    assert_int_equal(strspn(tag + strlen(prefix), "0123456789abcdef"), 12);
    assert_int_equal(strlen(tag), strlen(prefix) + 12);
}

static void stays_for_what_does_not_shape_it(void **state)
{
    struct world *w = *state;
    const char *before = tag_of(w);

    w->spec.build.path = "/elsewhere/shop";
    w->spec.build.bundle = "/apps/shop.zip";
    w->facts.fingerprint = "another";
    w->facts.made_for = "python: found by its files";
    w->facts.bytes = 42;
    w->spec.restart = RESTART_ALWAYS;
    strv_push(w->arena, &w->spec.build.cache_from, "example/cache:1");
    assert_string_equal(tag_of(w), before);
}

static void same_content_has_the_same_hash_under_every_name(void **state)
{
    struct world *w = *state;
    const char *before = strchr(tag_of(w), ':');

    w->app.name = "other";
    w->service.name = "worker";
    assert_string_equal(strchr(tag_of(w), ':'), before);
}

static void content(struct world *w)
{
    w->facts.digest = "aa12";
}
static void dockerfile(struct world *w)
{
    w->facts.dockerfile = "web.Dockerfile";
}
static void text(struct world *w)
{
    w->facts.dockerfile_text = "FROM busybox:stable\n";
}
static void target(struct world *w)
{
    w->spec.build.target = "web";
}
static void network(struct world *w)
{
    w->spec.build.network = "none";
}
static void platform(struct world *w)
{
    w->spec.platform = "linux/arm64";
}
static void tool(struct world *w)
{
    w->facts.tool = "nixpacks";
}
static void builder(struct world *w)
{
    w->facts.builder = "example/builder";
}
static void file_of_a_tool(struct world *w)
{
    kvs_set(w->arena, &w->facts.files, "Procfile", "web: ./serve\n");
}
static void argument_of_a_tool(struct world *w)
{
    kvs_set(w->arena, &w->facts.args, "VERSION", "1");
}
static void argument(struct world *w)
{
    kvs_set(w->arena, &w->spec.build.args, "VERSION", "1");
}
static void empty_argument(struct world *w)
{
    kvs_set(w->arena, &w->spec.build.args, "VERSION", "");
}
static void two_arguments(struct world *w)
{
    kvs_set(w->arena, &w->spec.build.args, "VERSION", "1");
    kvs_set(w->arena, &w->spec.build.args, "OTHER", "1");
}
static void label(struct world *w)
{
    kvs_set(w->arena, &w->spec.build.labels, "VERSION", "1");
}
static void base(struct world *w)
{
    w->images[1].id = "sha256:two";
}
static void second_base(struct world *w)
{
    strv_push(w->arena, &w->facts.images, "alpine:3.20");
}

static void changes_with_everything_that_shapes_it(void **state)
{
    static void (*const changes[])(struct world *) = {
        content,        dockerfile,        text,          target, network,     platform, argument,
        label,          empty_argument,    two_arguments, base,   second_base, tool,     builder,
        file_of_a_tool, argument_of_a_tool};
    struct world *first = *state;
    const char *tags[ARRAY_LEN(changes) + 1] = {tag_of(first)};

    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        struct world w;

        fill(&w, first->arena);
        changes[i](&w);
        tags[i + 1] = tag_of(&w);
        assert_non_null(tags[i + 1]);
        for (size_t k = 0; k <= i; k++)
            assert_string_not_equal(tags[i + 1], tags[k]);
    }
}

static void is_not_known_before_facts_and_base_images_are(void **state)
{
    struct world *w = *state;

    w->facts.state = FACTS_WORKING;
    assert_null(tag_of(w));
    w->facts.state = FACTS_FAILED;
    assert_null(tag_of(w));
    w->facts.state = FACTS_READY;
    w->images[1].id = NULL; /* asked about, and not there */
    assert_null(tag_of(w));
    w->seen.n_images = 1; /* nobody asked */
    assert_null(tag_of(w));
}

static void is_a_valid_repository_for_every_name(void **state)
{
    static const char *const rows[][3] = {
        {"shop", "Web", "evenkeel/shop/web:"},
        {"shop", "my_web.v2", "evenkeel/shop/my-web-v2:"},
        {"shop", "web-", "evenkeel/shop/web:"},
        {"shop", "-web--x", "evenkeel/shop/web-x:"},
        {"shop", "___", "evenkeel/shop/service:"},
    };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        w->app.name = rows[i][0];
        w->service.name = rows[i][1];
        const char *tag = tag_of(w);

        assert_memory_equal(tag, rows[i][2], strlen(rows[i][2]));
    }
}

static void the_unknown_is_nobodys_name(void **state)
{
    struct world *w = *state;
    const char *unknown = build_tag_unknown(&w->app, &w->service, w->arena);

    assert_string_equal(unknown, "evenkeel/shop/web:unbuilt");
    assert_string_not_equal(unknown, tag_of(w));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_app_service_and_hash, setup, teardown),
        cmocka_unit_test_setup_teardown(stays_for_what_does_not_shape_it, setup, teardown),
        cmocka_unit_test_setup_teardown(same_content_has_the_same_hash_under_every_name, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(changes_with_everything_that_shapes_it, setup, teardown),
        cmocka_unit_test_setup_teardown(is_not_known_before_facts_and_base_images_are, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(is_a_valid_repository_for_every_name, setup, teardown),
        cmocka_unit_test_setup_teardown(the_unknown_is_nobodys_name, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
