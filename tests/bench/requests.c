/* requests.c: how many calls to the engine one event or one changed spec costs, counted by a proxy in between.
 *
 * In: an agent with a few apps beside the one that changes. Out: figures, and the recipe for all direct calls. The slow look that comes
 * once a minute is none of an event's cost: an agent that is near it is started anew before the next count. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spec/base/arena.h"
#include "tests/bench/bench.h"
#include "tests/bench/process.h"
#include "tests/bench/proxy.h"
#include "tests/bench/raw.h"
#include "tests/bench/recipe.h"
#include "tests/bench/seen.h"
#include "tests/bench/table.h"

enum { BYSTANDERS = 6 };
#define QUIET_MS 1000
#define AGE_MS 35000 /* the slow look comes at 60 s */

struct count {
    struct bench *b;
    struct proxy *proxy;
    const char *root, *state, *docker, *spec;
    pid_t agent;
    double since;
};

struct tally {
    size_t all, lists, inspects, changes;
};

static bool is_list(const char *path)
{
    static const char *const ends[] = {"/containers/json", "/networks", "/volumes", "/images/json"};
    size_t n = strcspn(path, "?");

    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (n >= strlen(ends[i]) &&
            strncmp(path + n - strlen(ends[i]), ends[i], strlen(ends[i])) == 0)
            return true;
    return false;
}

static struct tally tally(struct count *c)
{
    struct tally t = {.all = proxy_count(c->proxy)};

    for (size_t i = 0; i < t.all; i++) {
        struct proxied x = proxy_request(c->proxy, i, c->b->arena);
        bench_say("    %s %.100s", x.method, x.path);
        if (strcmp(x.method, "GET") != 0)
            t.changes++;
        else if (is_list(x.path))
            t.lists++;
        else
            t.inspects++;
    }
    return t;
}

static void fresh_agent(struct count *c)
{
    if (c->agent && bench_now_ms() - c->since < AGE_MS)
        return;
    if (c->agent)
        process_stop(c->b, c->agent);
    c->agent = process_start(c->b, "agent", c->root, c->state, c->docker);
    c->since = bench_now_ms();
    process_quiet(c->b, c->agent, QUIET_MS);
}

static void report(struct count *c, const char *what, double most_lists)
{
    process_quiet(c->b, c->agent, QUIET_MS);
    bench_say("  %s:", what);
    struct tally t = tally(c);

    table_bound(c->b->table, arena_printf(c->b->arena, "%s: lists asked for", what), "",
                (double)t.lists, most_lists);
    table_note(c->b->table, arena_printf(c->b->arena, "%s: inspects", what), "",
               (double)t.inspects);
}

/* ---- what is done ---- */

static void begin(struct count *c)
{
    fresh_agent(c);
    proxy_clear(c->proxy);
}

static void count_new_spec(struct count *c)
{
    size_t mark = seen_mark(c->b->seen);

    begin(c);
    (void)bench_write(c->b, c->spec, recipe_spec(c->b, "ba000", ""));
    (void)seen_wait(c->b->seen, mark, "container", "start", "ba000", 1);
    report(c, "a new spec", 1);
    recipe_learn(c->b, c->proxy, "ba000");
}

static void count_changed_spec(struct count *c)
{
    size_t mark = seen_mark(c->b->seen);

    begin(c);
    (void)bench_write(c->b, c->spec, recipe_spec(c->b, "ba000", "environment: {CHANGED: \"1\"}\n"));
    (void)seen_wait(c->b->seen, mark, "container", "destroy", "ba000", 1);
    report(c, "a changed spec", 1);
}

static void count_same_spec(struct count *c)
{
    begin(c);
    (void)bench_write(c->b, c->spec, recipe_spec(c->b, "ba000", "environment: {CHANGED: \"1\"}\n"));
    bench_pause(c->b, 300); /* the watcher may wait for more */
    process_quiet(c->b, c->agent, QUIET_MS);
    table_bound(c->b->table, "a spec written again as it was: calls", "", (double)tally(c).all, 0);
}

static void count_by_hand(struct count *c, const char *what, const char *method, const char *path)
{
    size_t mark = seen_mark(c->b->seen);

    begin(c);
    if (raw_call(c->b->http, method, path, NULL, NULL) >= 300)
        bench_die("%s %s failed", method, path);
    (void)seen_wait(c->b->seen, mark, "container", "start", "ba000", 1);
    report(c, what, 0);
}

/* Somebody else's container comes and goes; evenkeel has no interest in it. */
static void count_foreign(struct count *c)
{
    struct raw_chain made = recipe_chain(c->b, "fo000", 0, true);
    struct raw_chain gone = {.steps = {{"DELETE", "/containers/fo000-app-1?force=1", NULL},
                                       {"DELETE", "/networks/fo000_default", NULL}},
                             .n = 2};

    begin(c);
    raw_run(c->b->http, &made, 1, 1);
    raw_run(c->b->http, &gone, 1, 1);
    report(c, "a foreign container made and removed", 0);
}

static void count_gone_spec(struct count *c)
{
    size_t mark = seen_mark(c->b->seen);

    begin(c);
    if (unlink(c->spec) < 0)
        bench_die("cannot remove %s", c->spec);
    (void)seen_wait(c->b->seen, mark, "network", "destroy", "ba000", 1);
    report(c, "a removed spec", 1);
}

void measure_requests(struct bench *b)
{
    const char *socket = bench_path(b, "proxy.sock");
    struct count c = {
        .b = b,
        .proxy = proxy_new(socket, b->socket),
        .root = bench_path(b, "requests"),
        .state = bench_path(b, "requests.state"),
        .docker = arena_printf(b->arena, "unix://%s", socket),
        .spec = bench_path(b, "requests/ba000.yaml"),
    };

    bench_mkdir(c.root);
    for (int i = 0; i < BYSTANDERS; i++)
        (void)bench_write(b, bench_path(b, "requests/by%03d.yaml", i),
                          recipe_spec(b, arena_printf(b->arena, "by%03d", i), ""));
    fresh_agent(&c);
    c.since = 0; /* it had much to do first */
    count_new_spec(&c);
    count_changed_spec(&c);
    count_same_spec(&c);
    count_by_hand(&c, "stopped by hand", "POST", "/containers/ba000-app-1/stop?t=5");
    count_by_hand(&c, "removed by hand", "DELETE", "/containers/ba000-app-1?force=1");
    count_foreign(&c);
    count_gone_spec(&c);
    process_stop(b, c.agent);
    proxy_free(c.proxy);
}
