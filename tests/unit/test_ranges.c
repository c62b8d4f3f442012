/* test_ranges.c: a subnet that the engine refuses, though no list shows who has it, is not asked for again and again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/ranges.h"
#include "drivers/fake.h"
#include "reconcile/bind.h"
#include "reconcile/run.h"
#include "spec/base/arena.h"
#include "spec/document.h"

struct env {
    struct arena *arena;
    struct desired *desired;
    struct driver *driver;
    struct ranges *ranges;
    enum run_end how;
};

static int set_up(void **state)
{
    static const char spec[] = "app: a\nservices: {app: {image: \"img:1\", networks: [x, y]}}\n"
                               "networks: {x: {}, y: {}}\n";
    static const struct settings settings = {
        .owner = "default", .pool = "10.213.0.0/16", .pool_prefix = 26};
    static const struct spec_root root = {"/apps", true};
    static const struct loader none = {0};
    struct env *x = xcalloc(1, sizeof(*x));

    x->arena = arena_new();
    struct spec_file *f = ARENA_NEW(x->arena, struct spec_file);
    const struct spec_file **files = ARENA_NEW(x->arena, const struct spec_file *);
    struct spec_set set = {.roots = &root, .n_roots = 1, .files = files, .n_files = 1};

    document_parse("/apps", "a.yaml", "a.yaml", "/apps", spec, strlen(spec), &none, x->arena, f);
    *files = f;
    x->desired = desired_build(&set, &settings, NULL, 0, x->arena);
    x->driver = fake_new(ARENA_NEW(x->arena, struct observed),
                         &(struct fake_faults){.ghost = "10.213.0.64/26"});
    x->ranges = ranges_new();
    *state = x;
    return 0;
}

static int tear_down(void **state)
{
    struct env *x = *state;

    ranges_free(x->ranges);
    x->driver->ops->free(x->driver);
    arena_free(x->arena);
    free(x);
    return 0;
}

static void over(void *user, struct run *r, enum run_end how, const struct err *first_failure)
{
    struct env *x = user;

    (void)first_failure;
    x->how = how;
    ranges_learn(x->ranges, r);
}

/* One pass and what it decides, as the conductor has it. */
static void one_pass(struct env *x)
{
    const struct observed *o = x->driver->ops->observed(x->driver, x->arena);
    struct plan_input in = {.desired = x->desired, .observed = o, .now_ms = 1800000000000};

    bind_images(x->desired, o, x->arena);
    ranges_list(x->ranges, x->arena, &in.reserved_subnets);
    struct plan *p = plan_build(&in, x->arena);
    struct run *r =
        run_new(plan_app(p, "a"),
                &(struct run_options){.id = 1, .driver = x->driver, .over = over, .user = x});

    run_start(r);
    while (fake_step(x->driver))
        ;
    run_free(r);
}

static const char *subnet_of(struct env *x, const char *network)
{
    const struct observed *o = x->driver->ops->observed(x->driver, x->arena);

    for (size_t i = 0; i < o->n_networks; i++)
        if (strcmp(o->networks[i].name, network) == 0)
            return o->networks[i].subnets.v[0];
    return "";
}

static void the_next_plan_takes_another(void **state)
{
    struct env *x = *state;
    struct strv known = {0};

    one_pass(x);
    assert_int_equal(x->how, RUN_FAILED);
    assert_string_equal(subnet_of(x, "a_x"), "10.213.0.0/26");
    assert_string_equal(subnet_of(x, "a_y"), "");
    ranges_list(x->ranges, x->arena, &known);
    assert_int_equal(known.n, 1);
    assert_string_equal(known.v[0], "10.213.0.64/26");
    one_pass(x);
    assert_int_equal(x->how, RUN_DONE);
    assert_string_equal(subnet_of(x, "a_y"), "10.213.0.128/26");
}

static void another_engine_is_asked_anew(void **state)
{
    struct env *x = *state;
    struct strv known = {0};

    one_pass(x);
    ranges_forget(x->ranges);
    ranges_list(x->ranges, x->arena, &known);
    assert_int_equal(known.n, 0);
    one_pass(x);
    assert_int_equal(x->how, RUN_FAILED);
    ranges_list(x->ranges, x->arena, &known);
    assert_int_equal(known.n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_next_plan_takes_another, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_engine_is_asked_anew, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
