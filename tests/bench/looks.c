/* looks.c: what it costs when there is nothing to do: a cold `evenkeel plan`, and an agent at rest.
 *
 * In: an engine filled step by step with containers that are as they should be. Out: the time of a whole plan process against the very
 * same requests made directly over new connections, and CPU, wake-ups and memory of a resting agent. */
#include <stdlib.h>
#include <string.h>

#include "drivers/http.h"
#include "spec/base/arena.h"
#include "tests/bench/bench.h"
#include "tests/bench/process.h"
#include "tests/bench/proxy.h"
#include "tests/bench/raw.h"
#include "tests/bench/recipe.h"
#include "tests/bench/rest.h"
#include "tests/bench/table.h"

enum { ROUNDS_MOST = 32, IN_FLIGHT = 16 };

struct looks {
    struct bench *b;
    const char *root, *state, *docker; /* docker: through the proxy */
    struct proxy *proxy;
    struct raw_chain *first,
        *then; /* what plan asked for: what needs no list first, then the inspects */
    size_t n_first, n_then;
};

/* ---- filling ---- */

static void converge(struct looks *l)
{
    double from = bench_now_ms();
    pid_t apply = process_start(l->b, "apply", l->root, l->state, l->b->engine);

    if (process_wait(l->b, apply) != 0)
        bench_die("evenkeel apply failed: see apply.log");
    bench_say("  filled in %.1f s", (bench_now_ms() - from) / 1000);
}

static void write_apps(struct looks *l, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        (void)bench_write(l->b, bench_path(l->b, "looks/ba%03zu.yaml", i),
                          recipe_spec(l->b, arena_printf(l->b->arena, "ba%03zu", i), ""));
    converge(l);
}

/* Replicas of one app without a network, since it is containers that are counted. */
static void write_replicas(struct looks *l, size_t n)
{
    const char *more =
        arena_printf(l->b->arena, "network_mode: none\ndeploy: {replicas: %zu}\n", n);

    (void)bench_write(l->b, bench_path(l->b, "looks/many.yaml"), recipe_spec(l->b, "many", more));
    converge(l);
}

/* ---- plan ---- */

static void plan_once(struct looks *l, const char *docker)
{
    int status = process_wait(l->b, process_start(l->b, "plan", l->root, l->state, docker));

    if (status != 0)
        bench_die("evenkeel plan ended with %d, but there is nothing to do: see plan.log", status);
}

static void learn_requests(struct looks *l)
{
    struct arena *a = l->b->arena;

    proxy_clear(l->proxy);
    plan_once(l, l->docker);
    size_t n = proxy_count(l->proxy);

    l->first = ARENA_ARRAY(a, n, struct raw_chain);
    l->then = ARENA_ARRAY(a, n, struct raw_chain);
    l->n_first = l->n_then = 0;
    for (size_t i = 0; i < n; i++) {
        struct proxied x = proxy_request(l->proxy, i, a);
        struct raw_chain c = {.steps = {{.method = x.method, .path = x.path}}, .n = 1};
        if (strstr(x.path, "/containers/") && !strstr(x.path, "/containers/json"))
            l->then[l->n_then++] = c;
        else
            l->first[l->n_first++] = c;
    }
    bench_say("  plan asks %zu + %zu", l->n_first, l->n_then);
}

static double raw_once(struct looks *l)
{
    double from = bench_now_ms();
    struct http *h = raw_connect(l->b);

    raw_run(h, l->first, l->n_first, IN_FLIGHT);
    raw_run(h, l->then, l->n_then, IN_FLIGHT);
    http_free(h);
    return bench_now_ms() - from;
}

static void measure_plan(struct looks *l, size_t containers)
{
    double ours[ROUNDS_MOST], raw[ROUNDS_MOST];
    size_t rounds = l->b->quick ? 5 : 25;

    learn_requests(l);
    bench_pause(l->b, 3000); /* what was just started is still at work */
    for (size_t i = 0; i < rounds; i++) {
        raw[i] = raw_once(l);
        double from = bench_now_ms();
        plan_once(l, l->b->engine);
        ours[i] = bench_now_ms() - from;
        bench_say("    %.1f, raw %.1f ms", ours[i], raw[i]);
    }
    table_ratio(
        l->b->table,
        arena_printf(l->b->arena, "nothing to do, %zu containers: evenkeel plan, cold", containers),
        "ms", median(ours, rounds), median(raw, rounds), 1.3, 20);
}

void measure_looks(struct bench *b)
{
    const char *socket = bench_path(b, "proxy.sock");
    size_t apps = b->quick ? 30 : 100, replicas = b->quick ? 0 : 200;
    struct looks l = {
        .b = b,
        .root = bench_path(b, "looks"),
        .state = bench_path(b, "looks.state"),
        .docker = arena_printf(b->arena, "unix://%s", socket),
        .proxy = proxy_new(socket, b->socket),
    };

    bench_mkdir(l.root);
    write_apps(&l, 0, 10);
    measure_plan(&l, 10);
    write_apps(&l, 10, apps);
    measure_plan(&l, apps);
    measure_rest(b, l.proxy, l.root, l.state, l.docker, apps);
    if (replicas > 0) {
        write_replicas(&l, replicas);
        measure_plan(&l, apps + replicas);
    }
    proxy_free(l.proxy);
}
