/* ingress.c: what it takes until a route is served by the real Traefik, with one app and with many, and what that costs the agent.
 *
 * In: an engine. Out: the time from a route file that is in place to the first answer by that route, that from a spec in place to the same, the agent's
 * CPU time for it, and the time by which Traefik's first answer for a new app comes after the app's own. The other apps are routed too and
 * share a network, for Traefik has to read them all, and 200 networks more would only make the setting up longer. Everything is asked for over the network, as
 * a visitor would. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/base/str.h"
#include "tests/bench/bench.h"
#include "tests/bench/process.h"
#include "tests/bench/raw.h"
#include "tests/bench/seen.h"
#include "tests/bench/table.h"
#include "tests/bench/visit.h"

enum { ROUNDS_MOST = 128, NEW_ROUNDS = 8, WEB_PORT = 80, APP_PORT = 8000 };
#define HERE "127.0.0.1"
#define SHARED "bench_shared"
#define SETTLE_MS 3000
#define PATIENCE_MS 60000
#define LIVE_MS 400
#define NEW_MS 500

struct ingress {
    struct bench *b;
    const char *root, *state;
    pid_t agent;
    size_t others; /* apps beside the measured one */
    size_t turn;   /* so that no path comes twice */
};

/* ---- apps ---- */

static double write_page(struct ingress *l, const char *app, const char *path)
{
    struct bench *b = l->b;

    return bench_write(
        b, arena_printf(b->arena, "%s/%s.yaml", l->root, app),
        arena_printf(b->arena,
                     "app: %s\nimage: %s\nport: %d\nstop_signal: SIGKILL\nroute: %s\n"
                     "command: [\"sh\", \"-c\", \"mkdir -p /tmp/w; echo %s >/tmp/w/index.html; "
                     "exec httpd -f -p %d -h /tmp/w\"]\n",
                     app, BENCH_IMAGE, APP_PORT, path, app, APP_PORT));
}

static void write_other(struct ingress *l, size_t nth)
{
    struct bench *b = l->b;
    const char *app = arena_printf(b->arena, "ot%03zu", nth);

    (void)bench_write(
        b, arena_printf(b->arena, "%s/%s.yaml", l->root, app),
        arena_printf(
            b->arena,
            "app: %s\nservices:\n  app:\n    image: %s\n    command: [\"sleep\", \"100000\"]\n"
            "    stop_signal: SIGKILL\n    port: %d\n    route: /%s\n    networks: [shared]\n"
            "networks:\n  shared: {name: " SHARED ", external: true}\n",
            app, BENCH_IMAGE, APP_PORT, app));
}

/* Until that is the answer; the return is the time of it. */
static double wait_status(struct ingress *l, const char *address, int port, const char *path,
                          int status)
{
    double from = bench_now_ms();

    while (visit(address, port, path) != status) {
        if (bench_now_ms() - from > PATIENCE_MS)
            bench_die("no answer at %s:%d%s", address, port, path);
        bench_pause(l->b, 2);
    }
    return bench_now_ms();
}

static double wait_page(struct ingress *l, const char *address, int port, const char *path)
{
    return wait_status(l, address, port, path, 200);
}

/* Nobody listens in the other apps, so that their routes answer 502. */
static void fill(struct ingress *l, size_t apps)
{
    size_t mark = seen_mark(l->b->seen), from = l->others;

    while (l->others + 1 < apps)
        write_other(l, l->others++);
    if (l->others > from)
        (void)seen_wait(l->b->seen, mark, "container", "start", "ot", l->others - from);
    for (; from < l->others; from++)
        (void)wait_status(l, HERE, WEB_PORT, arena_printf(l->b->arena, "/ot%03zu", from), 502);
    bench_pause(l->b, SETTLE_MS);
}

/* ---- a changed route ---- */

static double percentile(const double *sorted, size_t n, double part)
{
    size_t at = (size_t)((double)n * part);

    return sorted[at < n ? at : n - 1];
}

/* Modification times are on the wall clock. */
static double written_ago_ms(struct ingress *l, const char *app)
{
    const char *path = arena_printf(l->b->arena, "%s/ingress/routes/%s.yaml", l->state, app);
    struct timespec now;
    struct stat st;

    if (stat(path, &st) < 0)
        bench_die("there is no %s", path);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (double)(now.tv_sec - st.st_mtim.tv_sec) * 1e3 +
           (double)(now.tv_nsec - st.st_mtim.tv_nsec) / 1e6;
}

/* Returns the agent's CPU time for one change. */
static double measure_changes(struct ingress *l, size_t apps)
{
    struct bench *b = l->b;
    size_t rounds = b->quick ? 20 : 100;
    double live[ROUNDS_MOST], all[ROUNDS_MOST];

    fill(l, apps);
    double cpu = process_usage(l->agent).cpu_ms;

    for (size_t i = 0; i < rounds; i++) {
        const char *path = arena_printf(b->arena, "/r%zu", l->turn++);
        double from = write_page(l, "target", path);
        double to = wait_page(l, HERE, WEB_PORT, path);

        live[i] = written_ago_ms(l, "target");
        all[i] = to - from;
        bench_pause(b, 250);
    }
    cpu = (process_usage(l->agent).cpu_ms - cpu) / (double)rounds;
    double middle = median(live, rounds);
    const char *name = arena_printf(b->arena, "route written -> live, %zu apps", apps);

    bench_say("    %zu apps: median %.0f, p99 %.0f ms", apps, middle,
              percentile(live, rounds, 0.99));
    table_bound(b->table, arena_printf(b->arena, "%s: p99", name), "ms",
                percentile(live, rounds, 0.99), LIVE_MS);
    table_note(b->table, arena_printf(b->arena, "%s: median", name), "ms", middle);
    table_note(b->table, "... from its spec: median", "ms", median(all, rounds));
    return cpu;
}

/* ---- a new app ---- */

static const char *address_of(struct bench *b, const char *container)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    const char *key, *address = NULL;
    json_t *net;

    (void)raw_call(b->http, "GET", arena_printf(b->arena, "/containers/%s/json", container), NULL,
                   &text);
    json_t *all = js_parse(text.buf, text.len, NULL);

    json_object_foreach(json_object_get(json_object_get(all, "NetworkSettings"), "Networks"), key,
                        net)
    {
        (void)key;
        address = arena_strdup(b->arena, js_str(net, "IPAddress", ""));
    }
    json_decref(all);
    if (!address)
        bench_die("%s has no address", container);
    return address;
}

/* By how much Traefik's first answer comes after the app's own. */
static double new_app(struct ingress *l, size_t round)
{
    struct bench *b = l->b;
    const char *app = arena_printf(b->arena, "new%zu", round);
    const char *path = arena_printf(b->arena, "/%s", app);
    size_t mark = seen_mark(b->seen);

    (void)write_page(l, app, path);
    double started = seen_wait(b->seen, mark, "container", "start", app, 1);
    const char *address = address_of(b, arena_printf(b->arena, "%s-app-1", app));
    double ready = wait_page(l, address, APP_PORT, "/");
    double live = wait_page(l, HERE, WEB_PORT, path);

    bench_say("    started, ready after %.0f, through Traefik after %.0f ms", ready - started,
              live - started);
    bench_pause(b, 200);
    if (unlink(arena_printf(b->arena, "%s/%s.yaml", l->root, app)) < 0)
        bench_die("cannot remove %s", app);
    (void)seen_wait(b->seen, mark, "network", "destroy", app, 1);
    bench_pause(b, 200);
    return live - ready;
}

static void measure_new(struct ingress *l)
{
    size_t rounds = l->b->quick ? 3 : NEW_ROUNDS;
    double samples[NEW_ROUNDS];

    for (size_t i = 0; i < rounds; i++)
        samples[i] = new_app(l, i);
    double middle = median(samples, rounds); /* sorts */

    table_bound(l->b->table, "container ready -> through Traefik: worst", "ms", samples[rounds - 1],
                NEW_MS);
    table_note(l->b->table, "container ready -> through Traefik: median", "ms", middle);
}

void measure_ingress(struct bench *b)
{
    const size_t counts[] = {1, 50, 200}, quick[] = {1, 10, 30};
    struct ingress l = {
        .b = b, .root = bench_path(b, "ingress"), .state = bench_path(b, "ingress.state")};
    double cpu[ARRAY_LEN(counts)];

    bench_mkdir(l.root);
    if (raw_call(b->http, "POST", "/networks/create",
                 "{\"Name\": \"" SHARED
                 "\", \"CheckDuplicate\": true, \"Labels\": {\"evenbare.owner\": \"bench\"}, "
                 "\"IPAM\": {\"Config\": [{\"Subnet\": \"10.212.0.0/16\"}]}}",
                 NULL) >= 300)
        bench_die("cannot make the network " SHARED);
    (void)write_page(&l, "target", "/r");
    l.agent = process_start(b, "agent", l.root, l.state, b->engine);
    (void)wait_page(&l, HERE, WEB_PORT, "/r");
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        cpu[i] = measure_changes(&l, b->quick ? quick[i] : counts[i]);
    table_note(b->table, "agent's CPU for a changed route, 1 app", "ms", cpu[0]);
    table_ratio(b->table, "agent's CPU for a changed route, most apps against 1", "ms", cpu[2],
                cpu[0], 1.5, 5);
    measure_new(&l);
    process_stop(b, l.agent);
}
