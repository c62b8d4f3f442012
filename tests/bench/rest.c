/* rest.c: what an agent with many apps costs while nothing happens, and whether it grows over thousands of passes.
 *
 * In: a root and an engine that agree. Out: memory, wake-ups (voluntary context switches of all threads) and CPU time (schedstat of all
 * threads) over at least a minute, in which one slow look falls; then the growth of RssAnon over passes of two kinds:
 * events, said by the proxy, each of which makes the agent inspect one real container and plan its app; and SIGHUP, each of
 * which makes it read all files, list and plan everything. */
#include "tests/bench/rest.h"

#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/base/str.h"
#include "tests/bench/bench.h"
#include "tests/bench/process.h"
#include "tests/bench/proxy.h"
#include "tests/bench/raw.h"
#include "tests/bench/table.h"

#define GROWTH_KB 256 /* over all passes: 26 bytes a pass are more */

struct rest {
    struct bench *b;
    struct proxy *proxy;
    pid_t agent;
    struct strv ids, names; /* of the containers */
};

static void list_containers(struct rest *r)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    struct arena *a = r->b->arena;
    json_t *item;
    size_t i;

    (void)raw_call(r->b->http, "GET", "/containers/json?all=1", NULL, &text);
    json_t *all = js_parse(text.buf, text.len, NULL);

    json_array_foreach(all, i, item)
    {
        const char *name = json_string_value(json_array_get(json_object_get(item, "Names"), 0));
        const char *id = js_str(item, "Id", NULL);
        if (!name || !id)
            continue;
        strv_push(a, &r->ids, arena_strdup(a, id));
        strv_push(a, &r->names, arena_strdup(a, name + 1));
    }
    json_decref(all);
}

/* ---- at rest ---- */

static void measure_quiet(struct rest *r, size_t apps)
{
    struct bench *b = r->b;
    double seconds = b->quick ? 10 : 60;
    struct usage before = process_usage(r->agent);

    bench_pause(b, seconds * 1000);
    struct usage after = process_usage(r->agent);
    const char *name = arena_printf(b->arena, "agent at rest, %zu apps", apps);

    table_bound(b->table, arena_printf(b->arena, "%s: RssAnon", name), "MB", after.anon_kb / 1024,
                8);
    table_bound(b->table, arena_printf(b->arena, "%s: RSS", name), "MB", after.rss_kb / 1024, 24);
    table_bound(b->table, arena_printf(b->arena, "%s: wake-ups", name), "/s",
                (double)(after.wakeups - before.wakeups) / seconds, 2);
    table_bound(b->table, arena_printf(b->arena, "%s: CPU", name), "ms/m",
                (after.cpu_ms - before.cpu_ms) * 60 / seconds, 50);
}

/* ---- passes ---- */

static void wait_requests(struct rest *r, size_t n, const char *what)
{
    double end = bench_now_ms() + 10000;

    while (proxy_count(r->proxy) < n) {
        if (bench_now_ms() > end)
            bench_die("the agent asked nothing after %s (%zu requests of %zu)", what,
                      proxy_count(r->proxy), n);
        (void)usleep(100);
    }
}

static void say_event(struct rest *r, size_t i)
{
    struct timespec t;
    size_t k = i % r->ids.n;
    CLEANUP(str_release) struct str text = STR_INIT;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    str_addf(
        &text,
        "{\"status\":\"update\",\"id\":\"%s\",\"from\":\"" BENCH_IMAGE "\",\"Type\":\"container\","
        "\"Action\":\"update\",\"Actor\":{\"ID\":\"%s\",\"Attributes\":{\"name\":\"%s\",\"image\":"
        "\"" BENCH_IMAGE "\"}},\"scope\":\"local\",\"time\":%lld,\"timeNano\":%lld%09ld}",
        r->ids.v[k], r->ids.v[k], r->names.v[k], (long long)t.tv_sec, (long long)t.tv_sec,
        t.tv_nsec);
    proxy_say(r->proxy, str_text(&text));
}

static void pass_by_events(struct rest *r, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        proxy_clear(r->proxy);
        say_event(r, i);
        wait_requests(r, 1, "an event");
    }
    process_quiet(r->b, r->agent, 300);
}

static void pass_by_signals(struct rest *r, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        proxy_clear(r->proxy);
        (void)kill(r->agent, SIGHUP);
        wait_requests(r, 3, "SIGHUP");
    }
    process_quiet(r->b, r->agent, 300);
}

/* A leak grows with every pass, an allocator's high-water mark rises now and then: so the lesser growth of two halves counts
 * for both. */
static void measure_passes(struct rest *r, void (*passes)(struct rest *r, size_t n), const char *by,
                           size_t n)
{
    struct bench *b = r->b;
    struct usage u[3];

    passes(r, n / 5);
    u[0] = process_usage(r->agent);
    passes(r, n / 2);
    u[1] = process_usage(r->agent);
    passes(r, n / 2);
    u[2] = process_usage(r->agent);
    double first = u[1].anon_kb - u[0].anon_kb, second = u[2].anon_kb - u[1].anon_kb;

    bench_say("  RssAnon %.0f, %.0f, %.0f kB", u[0].anon_kb, u[1].anon_kb, u[2].anon_kb);
    table_bound(b->table, arena_printf(b->arena, "growth of RssAnon over %zu passes by %s", n, by),
                "kB", 2 * (first < second ? first : second), GROWTH_KB);
    table_note(b->table, "  CPU a pass", "ms", (u[2].cpu_ms - u[0].cpu_ms) / (double)n);
}

void measure_rest(struct bench *b, struct proxy *p, const char *root, const char *state,
                  const char *docker, size_t apps)
{
    struct rest r = {.b = b, .proxy = p, .agent = process_start(b, "agent", root, state, docker)};

    list_containers(&r);
    process_quiet(b, r.agent, 3000);
    measure_quiet(&r, apps);
    measure_passes(&r, pass_by_events, "events", b->quick ? 1000 : 10000);
    measure_passes(&r, pass_by_signals, "SIGHUP", b->quick ? 50 : 500);
    process_stop(b, r.agent);
}
