/* rejoin.c: the managed Traefik is gone and made anew, with many networks to join, until every route answers again.
 *
 * In: an engine. Out: that time after somebody removed Traefik's container, against the same calls made directly: its container created as it was, each network
 * joined, started. Direct joins go one by one before the start, which is the fastest order there is: the engine does one at a time, and those
 * after a start take longer. The routes lead to apps in which nobody listens, so that they answer 502. */
#include <jansson.h>
#include <string.h>

#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/base/str.h"
#include "tests/bench/bench.h"
#include "tests/bench/process.h"
#include "tests/bench/raw.h"
#include "tests/bench/seen.h"
#include "tests/bench/table.h"
#include "tests/bench/visit.h"

enum { NETWORKS = 100, NETWORKS_QUICK = 10, WEB_PORT = 80 };
#define TRAEFIK "evenkeel-" BENCH_OWNER "-traefik-1"
#define PATIENCE_MS 180000

struct rejoin {
    struct bench *b;
    const char *root, *state;
    pid_t agent;
    size_t apps;
};

static void write_app(struct rejoin *r, size_t nth)
{
    struct bench *b = r->b;
    const char *app = arena_printf(b->arena, "rj%03zu", nth);

    (void)bench_write(b, arena_printf(b->arena, "%s/%s.yaml", r->root, app),
                      arena_printf(b->arena,
                                   "app: %s\nimage: " BENCH_IMAGE "\nport: 8000\nroute: /%s\n"
                                   "command: [\"sleep\", \"100000\"]\nstop_signal: SIGKILL\n",
                                   app, app));
}

/* The return is the time of the last one's first answer. */
static double wait_routes(struct rejoin *r)
{
    double from = bench_now_ms();

    for (size_t i = 0; i < r->apps; i++)
        while (visit("127.0.0.1", WEB_PORT, arena_printf(r->b->arena, "/rj%03zu", i)) != 502) {
            if (bench_now_ms() - from > PATIENCE_MS)
                bench_die("no answer by the route of rj%03zu", i);
            bench_pause(r->b, 2);
        }
    return bench_now_ms();
}

static void remove_traefik(struct rejoin *r)
{
    if (raw_call(r->b->http, "DELETE", "/containers/" TRAEFIK "?force=1&v=1", NULL, NULL) >= 300)
        bench_die("cannot remove " TRAEFIK);
}

static void begin_agent(struct rejoin *r)
{
    r->agent = process_start(r->b, "agent", r->root, r->state, r->b->engine);
    (void)wait_routes(r);
    process_quiet(r->b, r->agent, 2000);
}

static double by_agent(struct rejoin *r)
{
    size_t mark = seen_mark(r->b->seen);

    remove_traefik(r);
    double from = seen_wait(r->b->seen, mark, "container", "destroy", TRAEFIK, 1);

    return wait_routes(r) - from;
}

/* ---- the same by direct calls ---- */

static json_t *inspect(struct rejoin *r)
{
    CLEANUP(str_release) struct str text = STR_INIT;

    if (raw_call(r->b->http, "GET", "/containers/" TRAEFIK "/json", NULL, &text) != 200)
        bench_die("there is no " TRAEFIK);
    return js_parse(text.buf, text.len, NULL);
}

/* What would create it as it is, on its first network alone. */
static const char *body_of(struct rejoin *r, const json_t *seen, const char *first)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    json_auto_t *body = json_deep_copy(json_object_get(seen, "Config"));

    (void)json_object_del(body, "Hostname"); /* the former one's id */
    (void)json_object_set(body, "HostConfig", json_object_get(seen, "HostConfig"));
    (void)json_object_set_new(body, "NetworkingConfig",
                              json_pack("{s:{s:{}}}", "EndpointsConfig", first));
    js_canonical(body, &text);
    return arena_strdup(r->b->arena, str_text(&text));
}

static void post(struct rejoin *r, const char *path, const char *body)
{
    CLEANUP(str_release) struct str text = STR_INIT;

    if (raw_call(r->b->http, "POST", path, body, &text) >= 300)
        bench_die("POST %s: %s", path, str_text(&text));
}

static double by_calls(struct rejoin *r)
{
    struct arena *a = r->b->arena;
    json_auto_t *seen = inspect(r);
    json_t *networks = json_object_get(json_object_get(seen, "NetworkSettings"), "Networks");
    json_t *network;
    const char *first = js_str(json_object_get(seen, "HostConfig"), "NetworkMode", "bridge"), *key;
    const char *body = body_of(r, seen, first);

    remove_traefik(r);
    double from = bench_now_ms();

    post(r, "/containers/create?name=" TRAEFIK, body);
    json_object_foreach(networks, key, network)
    {
        (void)network;
        if (strcmp(key, first) != 0)
            post(r, arena_printf(a, "/networks/%s/connect", key),
                 "{\"Container\":\"" TRAEFIK "\"}");
    }
    post(r, "/containers/" TRAEFIK "/start", NULL);
    return wait_routes(r) - from;
}

void measure_rejoin(struct bench *b)
{
    struct rejoin r = {.b = b,
                       .root = bench_path(b, "rejoin"),
                       .state = bench_path(b, "rejoin.state"),
                       .apps = b->quick ? NETWORKS_QUICK : NETWORKS};

    bench_mkdir(r.root);
    for (size_t i = 0; i < r.apps; i++)
        write_app(&r, i);
    begin_agent(&r);
    double agent = by_agent(&r);

    process_quiet(b, r.agent, 2000);
    process_stop(b, r.agent);
    double raw = by_calls(&r);

    bench_say("    %zu networks: agent %.0f, raw %.0f ms", r.apps, agent, raw);
    table_ratio(b->table,
                arena_printf(b->arena, "Traefik gone -> all routes again, %zu networks", r.apps),
                "ms", agent, raw, 1.5, 500);
}
