/* What a plan costs: 100 to 10 000 services, new, unchanged and changed. Prints its timings; asserts that they grow like n log n and stay
 * within a bound that a slow machine under a sanitizer still keeps. Decoding and hashing are not in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "reconcile/bind.h"
#include "reconcile/plan.h"
#include "spec/base/arena.h"
#include "spec/labels.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOWER 20
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(undefined_behavior_sanitizer)
#define SLOWER 20
#endif
#endif
#ifndef SLOWER
#define SLOWER 1
#endif

enum { ROUNDS = 5 };

struct world {
    struct arena *arena;
    struct settings settings;
    struct desired desired;
    struct observed seen;
    size_t per_app;
};

static double now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* ---- a desired state without a file ---- */

static void make_service(struct world *w, struct want_app *app, size_t k)
{
    struct arena *a = w->arena;
    struct want_service *s = &app->services[k];
    struct service *spec = ARENA_NEW(a, struct service);
    struct want_container *c = ARENA_NEW(a, struct want_container);

    spec->name = arena_printf(a, "s%05zu", k);
    spec->image = "nginx:latest";
    spec->restart = RESTART_UNLESS_STOPPED;
    spec->at = (struct place){app->file, (int)k, 1};
    kvs_set(a, &spec->environment, "A", "1");
    spec->networks = ARENA_NEW(a, struct attach);
    spec->networks[0].network = "default";
    spec->n_networks = 1;
    if (k > 0 && k % 4 == 0) {
        spec->depends = ARENA_NEW(a, struct dependency);
        spec->depends[0] =
            (struct dependency){.service = app->services[k - 1].name, .restart = TRI_NO};
        spec->n_depends = 1;
    }
    *s = (struct want_service){.name = spec->name,
                               .spec = spec,
                               .image = spec->image,
                               .containers = c,
                               .n_containers = 1,
                               .order = k};
    *c = (struct want_container){.app = app,
                                 .service = s,
                                 .index = 1,
                                 .name = arena_printf(a, "%s-%s-1", app->name, s->name)};
    kvs_set(a, &c->labels, LABEL_APP, app->name);
    kvs_set(a, &c->labels, LABEL_INDEX, "1");
    kvs_set(a, &c->labels, LABEL_OWNER, "default");
    kvs_set(a, &c->labels, LABEL_SERVICE, s->name);
    kvs_set(a, &c->birth, LABEL_ORIGIN, app->origin);
}

static void make_app(struct world *w, size_t i)
{
    struct arena *a = w->arena;
    struct want_app *app = &w->desired.apps[i];

    app->name = arena_printf(a, "app%05zu", i);
    app->root = "/apps";
    app->file = arena_printf(a, "%s.yaml", app->name);
    app->origin = arena_printf(a, "/apps//%s", app->file);
    app->n_services = w->per_app;
    app->services = ARENA_ARRAY(a, w->per_app, struct want_service);
    for (size_t k = 0; k < w->per_app; k++)
        make_service(w, app, k);
    app->n_networks = 1;
    app->networks = ARENA_NEW(a, struct want_network);
    app->networks[0] =
        (struct want_network){.key = "default", .name = arena_printf(a, "%s_default", app->name)};
    kvs_set(a, &app->networks[0].labels, LABEL_APP, app->name);
    kvs_set(a, &app->networks[0].labels, LABEL_OWNER, "default");
}

static void make_desired(struct world *w, size_t services, size_t per_app)
{
    static const struct spec_root root = {"/apps", true};

    *w = (struct world){.arena = arena_new(), .per_app = per_app};
    w->settings = (struct settings){.owner = "default", .pool = "10.0.0.0/8", .pool_prefix = 26};
    w->desired = (struct desired){.settings = &w->settings, .roots = &root, .n_roots = 1};
    w->desired.n_apps = services / per_app;
    w->desired.apps = ARENA_ARRAY(w->arena, w->desired.n_apps, struct want_app);
    for (size_t i = 0; i < w->desired.n_apps; i++)
        make_app(w, i);
}

/* ---- and what the engine has of it ---- */

static void see_image(struct world *w)
{
    w->seen.images = ARENA_NEW(w->arena, struct obs_image);
    w->seen.images[0] = (struct obs_image){.ref = "nginx:latest", .id = "sha256:abc"};
    w->seen.n_images = 1;
}

static void see_container(struct world *w, const struct want_container *c, const char *hash)
{
    struct arena *a = w->arena;
    struct obs_container *o = &w->seen.containers[w->seen.n_containers++];
    const char *network = c->app->networks[0].name;

    *o = (struct obs_container){.id = arena_printf(a, "id-%s", c->name),
                                .name = c->name,
                                .image = "nginx:latest",
                                .image_id = "sha256:abc",
                                .state = CS_RUNNING,
                                .inspected = true,
                                .created_ms = 1,
                                .started_ms = 2};
    for (size_t i = 0; i < c->labels.n; i++)
        kvs_set(a, &o->labels, c->labels.v[i].key, c->labels.v[i].value);
    kvs_set(a, &o->labels, LABEL_HASH, hash ? hash : c->hash);
    kvs_set(a, &o->labels, LABEL_ORIGIN, c->app->origin);
    o->networks = ARENA_NEW(a, struct obs_attach);
    o->networks[0] = (struct obs_attach){.network_id = arena_printf(a, "id-%s", network),
                                         .network_name = network};
    o->n_networks = 1;
}

static void see_all(struct world *w, const char *hash)
{
    const struct desired *d = &w->desired;

    w->seen.containers = ARENA_ARRAY(w->arena, d->n_apps * w->per_app, struct obs_container);
    w->seen.networks = ARENA_ARRAY(w->arena, d->n_apps, struct obs_network);
    for (size_t i = 0; i < d->n_apps; i++) {
        const struct want_network *n = &d->apps[i].networks[0];

        for (size_t k = 0; k < w->per_app; k++)
            see_container(w, &d->apps[i].services[k].containers[0], hash);
        w->seen.networks[i] = (struct obs_network){.id = arena_printf(w->arena, "id-%s", n->name),
                                                   .name = n->name,
                                                   .driver = "bridge",
                                                   .labels = n->labels};
    }
    w->seen.n_networks = d->n_apps;
}

/* ---- measuring ---- */

enum scene { NEW, UNCHANGED, CHANGED, GONE };

static const char *const scene_names[] = {"new", "unchanged", "changed", "gone"};

static double measure(enum scene scene, size_t services, size_t per_app)
{
    struct world w;
    double best = 1e9;

    make_desired(&w, services, per_app);
    see_image(&w);
    observed_seal(&w.seen, w.arena);
    bind_images(&w.desired, &w.seen, w.arena);
    if (scene != NEW)
        see_all(&w, scene == CHANGED ? "another" : NULL);
    observed_seal(&w.seen, w.arena);
    if (scene == GONE)
        w.desired.n_apps = 0;
    const struct plan_input in = {.desired = &w.desired, .observed = &w.seen, .now_ms = 10};

    for (int i = 0; i < ROUNDS; i++) {
        struct arena *a = arena_new();
        double from = now_ms();
        const struct plan *p = plan_build(&in, a);
        double took = now_ms() - from;

        assert_int_equal(p->n_apps, services / per_app);
        assert_true((p->apps[0].n_actions == 0) ==
                    (scene == UNCHANGED || (scene == GONE && p->n_held > 0)));
        best = took < best ? took : best;
        arena_free(a);
    }
    arena_free(w.arena);
    printf("    %5zu services, %3zu in an app, %-9s %8.2f ms\n", services, per_app,
           scene_names[scene], best);
    return best;
}

static void check_scene(enum scene scene, size_t per_app)
{
    double small = measure(scene, 1000, per_app), large = measure(scene, 10000, per_app);

    (void)measure(scene, per_app > 100 ? per_app : 100, per_app);
    assert_true(large < 400 * SLOWER);
    /* n log n from 1 000 to 10 000 is 13.3 times; a square would be 100 times. Half a millisecond of noise is forgiven. */
    assert_true(large < 60 * (small + 0.5));
}

static void test_one_service_apps(void **state)
{
    (void)state;
    for (int scene = NEW; scene <= GONE; scene++)
        check_scene((enum scene)scene, 1);
}

static void test_apps_of_two_hundred(void **state)
{
    (void)state;
    for (int scene = NEW; scene <= GONE; scene++)
        check_scene((enum scene)scene, 200);
}

/* After an event only one app is looked at; the others cost next to nothing. */
static void test_scope_of_one(void **state)
{
    struct world w;
    struct strv scope = {0};

    (void)state;
    make_desired(&w, 1000, 1);
    see_image(&w);
    observed_seal(&w.seen, w.arena);
    bind_images(&w.desired, &w.seen, w.arena);
    see_all(&w, NULL);
    observed_seal(&w.seen, w.arena);
    strv_push(w.arena, &scope, "nobody");
    strv_push(w.arena, &scope, "app00500");
    const struct plan_input in = {
        .desired = &w.desired, .observed = &w.seen, .scope = scope, .now_ms = 10};
    double from = now_ms();
    const struct plan *p = plan_build(&in, w.arena);
    double took = now_ms() - from;

    printf("    one app of 1000: %.3f ms\n", took);
    assert_int_equal(p->n_apps, 1);
    assert_true(took < 20 * SLOWER);
    arena_free(w.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_service_apps),
        cmocka_unit_test(test_apps_of_two_hundred),
        cmocka_unit_test(test_scope_of_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
