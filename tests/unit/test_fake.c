/* The engine in memory keeps the contract of driver.h: later callbacks, repeatable operations, and the refusals of a real one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/fake.h"
#include "spec/base/arena.h"
#include "spec/base/err.h"
#include "spec/base/js.h"

struct env {
    struct arena *arena;
    struct driver *d;
    struct op ops[64]; /* must stay until their callback */
    size_t n_ops;
    int calls;
    enum err_kind kind;
    char msg[400];
    const char *id;
};

static const char start_text[] =
    "{\"images\": [{\"ref\": \"nginx:latest\"}, {\"ref\": \"gone:latest\", \"id\": null}],"
    " \"networks\": [{\"name\": \"shared\", \"subnets\": [\"10.1.0.0/24\"]}],"
    " \"containers\": [{\"name\": \"other\", \"image\": \"httpd:2\", \"ports\": "
    "[\"8080:80/tcp\"]}]}";

#define NETWORK_BODY                                                                               \
    "{\"Name\":\"a_default\",\"Labels\":{\"evenkeel.owner\":\"default\"},\"IPAM\":{\"Config\":[{"  \
    "\"Subnet\":\"10.2.0.0/24\"}]}}"
#define BODY(port)                                                                                 \
    "{\"Labels\":{\"evenkeel.owner\":\"default\",\"evenkeel.app\":\"a\"},\"HostConfig\":{"         \
    "\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"" port                                          \
    "\"}]},\"Mounts\":[{\"Type\":\"volume\",\"Source\":\"a_data\",\"Target\":\"/data\"}]},"        \
    "\"NetworkingConfig\":{\"EndpointsConfig\":{\"a_default\":{\"Aliases\":[\"app\"]}}}}"

static struct driver *fresh(struct arena *a, const struct fake_faults *faults)
{
    json_t *v = js_parse(start_text, sizeof(start_text) - 1, NULL);
    const struct observed *o = observed_from_json(v, a, NULL);

    json_decref(v);
    assert_non_null(o);
    return fake_new(o, faults);
}

static int setup(void **state)
{
    struct env *x = xcalloc(1, sizeof(*x));

    x->arena = arena_new();
    x->d = fresh(x->arena, NULL);
    *state = x;
    return 0;
}

static int teardown(void **state)
{
    struct env *x = *state;

    x->d->ops->free(x->d);
    arena_free(x->arena);
    free(x);
    return 0;
}

static void ended(void *user, const struct op_result *result)
{
    struct env *x = user;

    x->calls++;
    x->kind = result->err.kind;
    (void)snprintf(x->msg, sizeof(x->msg), "%s", result->err.msg);
    x->id = arena_strdup(x->arena, result->id);
}

static struct ticket *submit(struct env *x, struct op op)
{
    assert_true(x->n_ops < ARRAY_LEN(x->ops));
    x->ops[x->n_ops] = op;
    return x->d->ops->submit(x->d, &x->ops[x->n_ops++], ended, NULL, x);
}

static enum err_kind apply(struct env *x, struct op op)
{
    int before = x->calls;

    (void)submit(x, op);
    assert_int_equal(x->calls, before); /* never from inside the call */
    assert_true(fake_step(x->d));
    assert_int_equal(x->calls, before + 1);
    return x->kind;
}

static const struct obs_container *see(struct env *x, const char *name)
{
    return observed_container(x->d->ops->observed(x->d, x->arena), name);
}

#define OK(...) assert_int_equal(apply(x, (struct op){__VA_ARGS__}), ERR_NONE)
#define FAILS(how, ...) assert_int_equal(apply(x, (struct op){__VA_ARGS__}), how)

static void make(struct env *x, const char *name, const char *body)
{
    OK(.kind = OP_NETWORK_CREATE, .name = "a_default", .body = NETWORK_BODY);
    OK(.kind = OP_CONTAINER_CREATE, .name = name, .body = body, .image = "nginx:latest");
}

static void test_life_of_a_container(void **state)
{
    struct env *x = *state;

    make(x, "a-app-1", BODY("8081"));
    assert_int_equal(see(x, "a-app-1")->state, CS_CREATED);
    assert_int_equal(strlen(see(x, "a-app-1")->hash), 64);
    assert_string_equal(see(x, "a-app-1")->networks[0].aliases.v[0], "app");
    OK(.kind = OP_CONTAINER_START, .object = "a-app-1");
    OK(.kind = OP_WAIT_RUNNING, .object = "a-app-1");
    assert_int_equal(see(x, "a-app-1")->state, CS_RUNNING);
    assert_true(see(x, "a-app-1")->started_ms > see(x, "a-app-1")->created_ms);
    OK(.kind = OP_CONTAINER_RENAME, .object = "a-app-1", .name = "b");
    OK(.kind = OP_CONTAINER_RESTART, .object = "b");
    OK(.kind = OP_CONTAINER_STOP, .object = "b");
    assert_int_equal(see(x, "b")->state, CS_EXITED);
    OK(.kind = OP_CONTAINER_REMOVE, .object = "b");
    assert_null(see(x, "b"));
    assert_non_null(observed_volume(x->d->ops->observed(x->d, x->arena), "a_data")); /* it stays */
}

static void test_twice_is_once(void **state)
{
    struct env *x = *state;

    for (int i = 0; i < 2; i++) {
        make(x, "a-app-1", BODY("8081"));
        OK(.kind = OP_VOLUME_CREATE, .name = "v", .body = "{}");
        OK(.kind = OP_PULL, .object = "gone:latest");
        OK(.kind = OP_CONTAINER_START, .object = "a-app-1");
        OK(.kind = OP_NETWORK_CONNECT, .network = "shared", .object = "a-app-1", .body = "{}");
    }
    assert_int_equal(see(x, "a-app-1")->n_networks, 2);
    for (int i = 0; i < 2; i++)
        OK(.kind = OP_CONTAINER_STOP, .object = "a-app-1");
    for (int i = 0; i < 2; i++) {
        OK(.kind = OP_CONTAINER_REMOVE, .object = "a-app-1");
        OK(.kind = OP_NETWORK_REMOVE, .object = "a_default");
        OK(.kind = OP_VOLUME_REMOVE, .object = "v");
    }
    assert_int_equal(x->d->ops->observed(x->d, x->arena)->n_networks, 1);
}

static void test_refusals(void **state)
{
    struct env *x = *state;

    FAILS(ERR_MISSING, .kind = OP_CONTAINER_START, .object = "nobody");
    FAILS(ERR_MISSING, .kind = OP_CONTAINER_CREATE, .name = "c", .body = BODY("1"),
          .image = "gone:latest");
    FAILS(ERR_CONFLICT, .kind = OP_CONTAINER_CREATE, .name = "other", .body = BODY("1"),
          .image = "nginx:latest");
    FAILS(ERR_CONFLICT, .kind = OP_NETWORK_CREATE, .name = "shared", .body = NETWORK_BODY);
    make(x, "a-app-1", BODY("8080"));
    FAILS(ERR_CONFLICT, .kind = OP_CONTAINER_START, .object = "a-app-1"); /* the port */
    assert_non_null(strstr(see(x, "a-app-1")->error, "8080"));
    FAILS(ERR_CONFLICT, .kind = OP_CONTAINER_RENAME, .object = "a-app-1", .name = "other");
    FAILS(ERR_CONFLICT, .kind = OP_VOLUME_REMOVE, .object = "a_data");
    FAILS(ERR_USER, .kind = OP_WAIT_RUNNING, .object = "a-app-1");
    OK(.kind = OP_CONTAINER_STOP, .object = "other");
    OK(.kind = OP_CONTAINER_START, .object = "a-app-1");
    FAILS(ERR_CONFLICT, .kind = OP_NETWORK_REMOVE, .object = "a_default"); /* in use */
    FAILS(ERR_CONFLICT, .kind = OP_NETWORK_CREATE, .name = "b",
          .body = "{\"IPAM\":{\"Config\":[{\"Subnet\":\"10.2.0.128/25\"}]}}"); /* overlaps */
}

static void test_lost_network(void **state)
{
    struct env *x = *state;

    make(x, "a-app-1", BODY("8081"));
    OK(.kind = OP_NETWORK_REMOVE, .object = "a_default");
    FAILS(ERR_MISSING, .kind = OP_CONTAINER_START, .object = "a-app-1");
    OK(.kind = OP_NETWORK_CREATE, .name = "a_default", .body = NETWORK_BODY);
    FAILS(ERR_MISSING, .kind = OP_CONTAINER_START, .object = "a-app-1"); /* it knows the old one */
    OK(.kind = OP_NETWORK_CONNECT, .network = "a_default", .object = "a-app-1", .body = "{}");
    OK(.kind = OP_CONTAINER_START, .object = "a-app-1");
}

static void test_faults(void **state)
{
    struct env *x = *state;
    const struct fake_faults faults = {.fail_at = 2};

    x->d->ops->free(x->d);
    x->d = fresh(x->arena, &faults);
    OK(.kind = OP_CONTAINER_STOP, .object = "other");
    FAILS(ERR_RETRY, .kind = OP_CONTAINER_START, .object = "other");
    assert_int_equal(see(x, "other")->state, CS_EXITED);
    OK(.kind = OP_CONTAINER_START, .object = "other");
    assert_string_equal(fake_journal(x->d), "stop other\nstart other: failed\nstart other\n");
}

static void test_late_fault_took_effect(void **state)
{
    struct env *x = *state;
    const struct fake_faults faults = {.fail_at = 1, .late = true};

    x->d->ops->free(x->d);
    x->d = fresh(x->arena, &faults);
    FAILS(ERR_RETRY, .kind = OP_CONTAINER_STOP, .object = "other");
    assert_int_equal(see(x, "other")->state, CS_EXITED);
}

static void test_against_the_order(void **state)
{
    struct env *x = *state;
    const struct fake_faults faults = {.reverse = true};

    x->d->ops->free(x->d);
    x->d = fresh(x->arena, &faults);
    (void)submit(x, (struct op){.kind = OP_CONTAINER_STOP, .object = "other"});
    (void)submit(x, (struct op){.kind = OP_CONTAINER_START, .object = "other"});
    while (fake_step(x->d))
        ;
    assert_string_equal(fake_journal(x->d), "start other\nstop other\n");
    assert_false(fake_step(x->d));
}

static void test_cancel(void **state)
{
    struct env *x = *state;
    struct ticket *t = submit(x, (struct op){.kind = OP_CONTAINER_STOP, .object = "other"});

    x->d->ops->cancel(x->d, t);
    assert_int_equal(x->calls, 0);
    assert_true(fake_step(x->d));
    assert_int_equal(x->kind, ERR_STALE);
    assert_int_equal(see(x, "other")->state, CS_RUNNING);
}

static void looked(void *user, const struct err *e)
{
    struct env *x = user;

    x->calls++;
    assert_int_equal(e->kind, ERR_NONE);
}

static void happened(void *user, const struct happening *h)
{
    struct env *x = user;

    x->calls++;
    assert_int_equal(h->what, ENGINE_UP);
}

static void test_look_and_follow_come_later(void **state)
{
    struct env *x = *state;
    const struct look scope = {.everything = true, .owner = "default"};

    x->d->ops->follow(x->d, happened, x);
    x->d->ops->look(x->d, &scope, looked, x);
    assert_int_equal(x->calls, 0);
    assert_true(fake_step(x->d));
    assert_int_equal(x->calls, 1);
    assert_true(fake_step(x->d));
    assert_int_equal(x->calls, 2);
}

/* What was seen is frozen: the world going on does not change it. */
static void test_observed_is_a_copy(void **state)
{
    struct env *x = *state;
    const struct obs_container *before = see(x, "other");

    OK(.kind = OP_CONTAINER_STOP, .object = "other");
    OK(.kind = OP_CONTAINER_RENAME, .object = "other", .name = "renamed");
    assert_int_equal(before->state, CS_RUNNING);
    assert_string_equal(before->name, "other");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_life_of_a_container),
        TEST(test_twice_is_once),
        TEST(test_refusals),
        TEST(test_lost_network),
        TEST(test_faults),
        TEST(test_late_fault_took_effect),
        TEST(test_against_the_order),
        TEST(test_cancel),
        TEST(test_look_and_follow_come_later),
        TEST(test_observed_is_a_copy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
