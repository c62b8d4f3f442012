/* test_mirror.c: what is known changes only by commits, copies share nothing with it, and it stays small. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "drivers/mirror.h"
#include "spec/base/arena.h"
#include "spec/labels.h"

static struct kvs labels_of(struct arena *a, const char *app)
{
    struct kvs l = {0};

    if (!app)
        return l;
    kvs_set(a, &l, LABEL_APP, arena_strdup(a, app));
    kvs_set(a, &l, LABEL_OWNER, "me");
    kvs_set(a, &l, LABEL_SERVICE, "app");
    kvs_set(a, &l, LABEL_INDEX, "2");
    kvs_set(a, &l, LABEL_KEY, "data");
    return l;
}

static struct obs_container container(struct arena *a, const char *id, const char *name,
                                      const char *app)
{
    static const char *aliases[] = {"web", "www"};
    static struct obs_attach networks[] = {{"n1", "net", {aliases, 2}, "10.0.0.2"}};
    static struct obs_port ports[] = {{"0.0.0.0", 8080, 80, "tcp"}};
    struct kvs fields = {0};

    kvs_set(a, &fields, "environment.TZ", "UTC");
    return (struct obs_container){
        .id = id,
        .name = name,
        .image = "nginx:1",
        .image_id = "sha256:1",
        .state = CS_RUNNING,
        .inspected = true,
        .started_ms = 5,
        .labels = labels_of(a, app),
        .networks = networks,
        .n_networks = 1,
        .ports = ports,
        .n_ports = 1,
        .fields = fields,
    };
}

static void put(struct mirror *m, bool everything, const struct obs_container *c, size_t n)
{
    struct mirror_change *ch = mirror_change_new(everything);

    for (size_t i = 0; i < n; i++)
        mirror_change_container(ch, &c[i], 7 + i);
    mirror_commit(m, ch);
}

static void commits(void **state)
{
    struct arena *a = arena_new();
    struct mirror *m = mirror_new();
    struct obs_container c[] = {container(a, "id2", "b", "shop"), container(a, "id1", "a", "blog"),
                                container(a, "id3", "c", NULL)};

    (void)state;
    assert_int_equal(mirror_observed(m, a)->n_containers, 0);
    struct mirror_change *ch = mirror_change_new(true);

    mirror_change_container(ch, &c[0], 1);
    assert_null(mirror_container(m, "id2")); /* not before the commit */
    mirror_change_free(ch);
    assert_null(mirror_container(m, "id2")); /* and never without one */

    put(m, true, c, 3);
    assert_string_equal(mirror_container(m, "id1")->name, "a");
    assert_string_equal(mirror_container(m, "b")->id, "id2");
    assert_string_equal(mirror_container(m, "b")->app, "shop");
    assert_null(mirror_container(m, "c")->app);
    assert_null(mirror_container(m, "d"));
    assert_int_equal(mirror_listed(m, "id1"), 8);
    assert_int_equal(mirror_listed(m, "id9"), 0);

    /* A partial change leaves the others alone. */
    c[1].state = CS_EXITED;
    ch = mirror_change_new(false);
    mirror_change_container(ch, &c[0], 0);
    mirror_change_container(ch, &c[1], 0);
    mirror_change_gone(ch, MIRROR_CONTAINER, "id2"); /* the last word on it */
    mirror_change_gone(ch, MIRROR_CONTAINER, "id9");
    mirror_commit(m, ch);
    assert_null(mirror_container(m, "id2"));
    assert_int_equal(mirror_container(m, "id1")->state, CS_EXITED);
    assert_non_null(mirror_container(m, "id3"));

    /* A full one drops what it does not mention, and keeps what it says to keep. */
    ch = mirror_change_new(true);
    mirror_change_keep(ch, MIRROR_CONTAINER, "id3");
    mirror_change_keep(ch, MIRROR_CONTAINER, "id9");
    mirror_commit(m, ch);
    assert_null(mirror_container(m, "id1"));
    assert_string_equal(mirror_container(m, "id3")->name, "c");
    assert_int_equal(mirror_observed(m, a)->n_containers, 1);
    mirror_free(m);
    mirror_free(NULL);
    arena_free(a);
}

static void other_kinds(void **state)
{
    static const char *subnets[] = {"10.0.0.0/26"}, *exposed[] = {"80/tcp"};
    struct arena *a = arena_new();
    struct mirror *m = mirror_new();
    struct mirror_change *ch = mirror_change_new(true);

    (void)state;
    mirror_set_engine(m, "20.10.24", "1.41");
    mirror_set_engine(m, "26.1.5", "1.45");
    mirror_change_network(ch, &(struct obs_network){.id = "n1",
                                                    .name = "blog_default",
                                                    .driver = "bridge",
                                                    .subnets = {subnets, 1},
                                                    .labels = labels_of(a, "blog")});
    mirror_change_volume(
        ch, &(struct obs_volume){.name = "v", .driver = "local", .labels = labels_of(a, "blog")});
    mirror_change_image(
        ch, &(struct obs_image){.ref = "nginx:1", .id = "sha256:1", .exposed = {exposed, 1}});
    mirror_change_image(ch, &(struct obs_image){.ref = "absent:1"});
    mirror_commit(m, ch);
    assert_string_equal(mirror_network(m, "blog_default")->app, "blog");
    assert_string_equal(mirror_volume(m, "v")->owner, "me");
    assert_null(mirror_image(m, "absent:1")->id);
    assert_null(mirror_image(m, "never:1"));
    assert_string_equal(mirror_image_at(m, 0)->ref, "absent:1");
    assert_null(mirror_image_at(m, 2));

    const struct observed *o = mirror_observed(m, a);

    mirror_free(m); /* the copy stands alone */
    assert_string_equal(o->engine_version, "26.1.5");
    assert_string_equal(o->api_version, "1.45");
    assert_string_equal(observed_network(o, "blog_default")->subnets.v[0], "10.0.0.0/26");
    assert_string_equal(observed_network(o, "blog_default")->key, "data");
    assert_string_equal(observed_volume(o, "v")->key, "data");
    assert_string_equal(observed_image(o, "nginx:1")->exposed.v[0], "80/tcp");
    assert_null(observed_image(o, "absent:1")->id);
    arena_free(a);
}

static void copies(void **state)
{
    struct arena *a = arena_new(), *pass = arena_new();
    struct mirror *m = mirror_new();
    struct obs_container c = container(a, "id1", "a", "blog");
    const struct observed *o;

    (void)state;
    put(m, true, &c, 1);
    arena_free(a); /* what was given may go */
    o = mirror_observed(m, pass);
    mirror_commit(m, mirror_change_new(true));
    assert_null(mirror_container(m, "id1"));
    const struct obs_container *got = observed_container(o, "a");

    assert_non_null(got);
    assert_string_equal(got->app, "blog");
    assert_string_equal(got->service, "app");
    assert_int_equal(got->index, 2);
    assert_string_equal(got->networks[0].aliases.v[1], "www");
    assert_string_equal(got->ports[0].protocol, "tcp");
    assert_int_equal(got->ports[0].published, 8080);
    assert_string_equal(kvs_get(&got->fields, "environment.TZ"), "UTC");
    assert_int_equal(got->started_ms, 5);
    mirror_free(m);
    arena_free(pass);
}

/* Passes between two changes see one snapshot; each stays as it was made while its arena is there. */
static void shared(void **state)
{
    struct arena *a = arena_new(), *one = arena_new(), *two = arena_new(), *three = arena_new();
    struct mirror *m = mirror_new();
    struct obs_container c[] = {container(a, "id2", "b", "blog"), container(a, "id1", "a", "shop")};

    (void)state;
    put(m, true, c, 2);
    const struct observed *first = mirror_observed(m, one), *same = mirror_observed(m, two);

    assert_ptr_equal(first, same);
    assert_string_equal(first->containers[0].name, "b"); /* by app, not by id */
    mirror_commit(m, mirror_change_new(false));
    assert_ptr_equal(mirror_observed(m, two), first); /* a look that found nothing */

    c[1].state = CS_EXITED;
    put(m, false, &c[1], 1);
    const struct observed *now = mirror_observed(m, three);

    assert_int_equal(observed_container(first, "a")->state, CS_RUNNING);
    assert_int_equal(observed_container(now, "a")->state, CS_EXITED);
    assert_ptr_equal(observed_container(now, "b")->id, observed_container(first, "b")->id);
    arena_free(one);
    assert_int_equal(observed_container(same, "a")->state, CS_RUNNING);
    arena_clear(two);
    mirror_set_platform(m, "linux/amd64");
    assert_null(now->platform);
    assert_string_equal(mirror_observed(m, two)->platform, "linux/amd64");
    mirror_free(m);
    assert_string_equal(observed_container(now, "a")->service, "app");
    arena_free(three);
    arena_free(two);
    arena_free(a);
}

/* Like a real one: three dozen labels and fields, two networks. */
static struct obs_container typical(struct arena *a, size_t i)
{
    struct obs_container c =
        container(a, arena_printf(a, "%064zx", i), arena_printf(a, "app%zu-web-1", i),
                  arena_printf(a, "app%zu", i));

    for (size_t k = 0; k < 14; k++)
        kvs_set(a, &c.labels, arena_printf(a, "com.docker.compose.project.%zu", k),
                "some/config/file.yaml");
    for (size_t k = 0; k < 30; k++)
        kvs_set(a, &c.fields, arena_printf(a, "environment.SOME_VARIABLE_%zu", k),
                "a value of usual length");
    return c;
}

static void stays_small(void **state)
{
    struct arena *a = arena_new(), *pass = arena_new();
    struct mirror *m = mirror_new();
    struct mirror_change *ch = mirror_change_new(true);
    size_t used = 0, bytes;

    (void)state;
    for (size_t i = 0; i < 100; i++) {
        struct obs_container c = typical(a, i);
        mirror_change_container(ch, &c, 1);
        arena_clear(a);
    }
    mirror_commit(m, ch);
    bytes = mirror_bytes(m);
    assert_in_range(bytes, 100 * 1024, 512 * 1024);
    for (size_t i = 0; i < 10000; i++) {
        struct obs_container c = typical(a, i % 100);
        put(m, false, &c, 1);
        if (i % 100 == 0) {
            (void)mirror_observed(m, pass);
            assert_true(used == 0 || used == arena_used(pass));
            used = arena_used(pass);
            arena_clear(pass);
        }
        arena_clear(a);
    }
    assert_int_equal(mirror_bytes(m), bytes);
    mirror_free(m);
    arena_free(a);
    arena_free(pass);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commits), cmocka_unit_test(other_kinds), cmocka_unit_test(copies),
        cmocka_unit_test(shared),  cmocka_unit_test(stays_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
