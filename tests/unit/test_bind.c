/* Bodies and hashes: made once, made again only when the image under a reference changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "reconcile/bind.h"
#include "spec/base/arena.h"

struct env {
    struct arena *arena;
    struct settings settings;
    struct service spec;
    struct want_container containers[2];
    struct want_service services[2];
    struct want_app app;
    struct desired desired;
    struct obs_image image;
    struct observed seen;
};

static int setup(void **state)
{
    struct env *x = xcalloc(1, sizeof(*x));

    x->arena = arena_new();
    x->settings.owner = "default";
    x->spec = (struct service){.name = "web", .image = "nginx:latest", .network_mode = "none"};
    for (size_t i = 0; i < 2; i++) {
        x->services[i] = (struct want_service){.name = i ? "web" : "api",
                                               .spec = &x->spec,
                                               .image = i ? "nginx:latest" : "busybox:stable",
                                               .containers = &x->containers[i],
                                               .n_containers = 1};
        x->containers[i] = (struct want_container){.app = &x->app,
                                                   .service = &x->services[i],
                                                   .index = 1,
                                                   .name = i ? "a-web-1" : "a-api-1"};
    }
    x->app = (struct want_app){.name = "a", .services = x->services, .n_services = 2};
    x->desired = (struct desired){.settings = &x->settings, .apps = &x->app, .n_apps = 1};
    x->image = (struct obs_image){.ref = "nginx:latest", .id = "sha256:one"};
    x->seen = (struct observed){.images = &x->image, .n_images = 1};
    observed_seal(&x->seen, x->arena);
    *state = x;
    return 0;
}

static int teardown(void **state)
{
    struct env *x = *state;

    arena_free(x->arena);
    free(x);
    return 0;
}

static void test_hash_needs_the_image(void **state)
{
    struct env *x = *state;

    bind_images(&x->desired, &x->seen, x->arena);
    assert_non_null(x->containers[0].body);
    assert_string_equal(x->containers[0].hash, "");
    assert_null(x->containers[0].sealed_for);
    assert_int_equal(strlen(x->containers[1].hash), 64);
    assert_string_equal(x->containers[1].sealed_for, "sha256:one");
}

static void test_nothing_is_done_twice(void **state)
{
    struct env *x = *state;

    bind_images(&x->desired, &x->seen, x->arena);
    const char *body = x->containers[1].body;
    size_t used = arena_used(x->arena);

    /* a mark where the hash is: hashing again would wipe it out */
    memcpy(x->containers[1].hash, "mark", 5);
    bind_images(&x->desired, &x->seen, x->arena);
    assert_ptr_equal(x->containers[1].body, body);
    assert_string_equal(x->containers[1].hash, "mark");
    assert_int_equal(arena_used(x->arena), used);
}

static void test_another_image_another_hash(void **state)
{
    struct env *x = *state;
    char before[SHA256_HEX];

    bind_images(&x->desired, &x->seen, x->arena);
    memcpy(before, x->containers[1].hash, sizeof(before));
    const char *body = x->containers[1].body;

    x->image.id = "sha256:two";
    bind_images(&x->desired, &x->seen, x->arena);
    assert_string_not_equal(x->containers[1].hash, before);
    assert_ptr_equal(x->containers[1].body, body);

    x->image.id = NULL; /* removed from the engine */
    bind_images(&x->desired, &x->seen, x->arena);
    assert_string_equal(x->containers[1].hash, "");

    x->image.id = "sha256:one";
    bind_images(&x->desired, &x->seen, x->arena);
    assert_string_equal(x->containers[1].hash, before);
}

/* What is observed is dropped after each pass; the memo must not hold on to it. */
static void test_memo_outlives_what_is_observed(void **state)
{
    struct env *x = *state;
    char id[] = "sha256:one";

    x->image.id = id;
    bind_images(&x->desired, &x->seen, x->arena);
    memset(id, 'x', sizeof(id) - 1);
    assert_string_equal(x->containers[1].sealed_for, "sha256:one");
}

static void test_wanted_images(void **state)
{
    struct env *x = *state;
    struct strv wanted = {0};

    bind_wanted_images(&x->desired, x->arena, &wanted);
    assert_int_equal(wanted.n, 2);
    assert_string_equal(wanted.v[0], "busybox:stable");
    assert_string_equal(wanted.v[1], "nginx:latest");

    x->services[0].image = "nginx:latest";
    bind_wanted_images(&x->desired, x->arena, &wanted);
    assert_int_equal(wanted.n, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_hash_needs_the_image),
        TEST(test_nothing_is_done_twice),
        TEST(test_another_image_another_hash),
        TEST(test_memo_outlives_what_is_observed),
        TEST(test_wanted_images),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
