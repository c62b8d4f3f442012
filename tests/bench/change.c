/* change.c: how long one change takes: a spec renamed into the root of a running agent, a container removed by hand.
 *
 * In: the recipe. Out: two ratios against the same calls made one after another. evenkeel and direct calls take turns, and both
 * are timed to the same start event in this program's own stream. */
#include <stdlib.h>
#include <unistd.h>

#include "spec/base/arena.h"
#include "tests/bench/bench.h"
#include "tests/bench/process.h"
#include "tests/bench/raw.h"
#include "tests/bench/recipe.h"
#include "tests/bench/seen.h"
#include "tests/bench/table.h"

enum { BYSTANDERS = 4, ROUNDS_MOST = 32 };
#define QUIET_MS 1200

/* ---- a new spec ---- */

static double drop_by_evenkeel(struct bench *b, size_t round)
{
    const char *name = arena_printf(b->arena, "ba%03zu", round);
    const char *spec = bench_path(b, "change/%s.yaml", name);
    size_t mark = seen_mark(b->seen);
    double from = bench_write(b, spec, recipe_spec(b, name, ""));
    double took = seen_wait(b->seen, mark, "container", "start", name, 1) - from;

    bench_pause(b, 200);
    if (unlink(spec) < 0)
        bench_die("cannot remove %s", spec);
    (void)seen_wait(b->seen, mark, "network", "destroy", name, 1);
    bench_pause(b, 200);
    return took;
}

static double drop_by_hand(struct bench *b, size_t round)
{
    const char *name = arena_printf(b->arena, "rb%03zu", round);
    struct raw_chain chain = recipe_chain(b, name, round, true);
    size_t mark = seen_mark(b->seen);
    double from = bench_now_ms();

    raw_run(b->http, &chain, 1, 1);
    double took = seen_wait(b->seen, mark, "container", "start", name, 1) - from;
    struct raw_chain gone = {
        .steps = {{"DELETE", arena_printf(b->arena, "/containers/%s-app-1?force=1", name), NULL},
                  {"DELETE", arena_printf(b->arena, "/networks/%s_default", name), NULL}},
        .n = 2};

    bench_pause(b, 200);
    raw_run(b->http, &gone, 1, 1);
    bench_pause(b, 200);
    return took;
}

static void measure_drops(struct bench *b)
{
    size_t rounds = b->quick ? 4 : 10;
    double ours[ROUNDS_MOST], raw[ROUNDS_MOST];

    for (size_t i = 0; i < rounds; i++) {
        ours[i] = drop_by_evenkeel(b, i);
        raw[i] = drop_by_hand(b, i);
        bench_say("    %.1f, raw %.1f ms", ours[i], raw[i]);
    }
    table_ratio(b->table, "spec renamed into place -> started", "ms", median(ours, rounds),
                median(raw, rounds), 1.15, 20);
}

/* ---- a container removed by hand ---- */

static double heal_by_evenkeel(struct bench *b, pid_t agent)
{
    process_quiet(b, agent, QUIET_MS);
    size_t mark = seen_mark(b->seen);

    if (raw_call(b->http, "DELETE", "/containers/by000-app-1?force=1", NULL, NULL) >= 300)
        bench_die("cannot remove by000-app-1");
    double to = seen_wait(b->seen, mark, "container", "start", "by000-app-1", 1);

    return to - seen_wait(b->seen, mark, "container", "destroy", "by000-app-1", 1);
}

/* The network of the app stays, as it does for evenkeel. */
static double heal_by_hand(struct bench *b)
{
    struct raw_chain chain = recipe_chain(b, "rh000", 0, false);
    struct raw_chain gone = {.steps = {{"DELETE", "/containers/rh000-app-1?force=1", NULL}},
                             .n = 1};

    raw_run(b->http, &gone, 1, 1);
    bench_pause(b, 50);
    size_t mark = seen_mark(b->seen);
    double from = bench_now_ms();

    raw_run(b->http, &chain, 1, 1);
    return seen_wait(b->seen, mark, "container", "start", "rh000-app-1", 1) - from;
}

static void measure_heals(struct bench *b, pid_t agent)
{
    size_t rounds = b->quick ? 4 : 10;
    double ours[ROUNDS_MOST], raw[ROUNDS_MOST];
    struct raw_chain first = recipe_chain(b, "rh000", 0, true);

    raw_run(b->http, &first, 1, 1);
    for (size_t i = 0; i < rounds; i++) {
        raw[i] = heal_by_hand(b);
        ours[i] = heal_by_evenkeel(b, agent);
        bench_say("    %.1f, raw %.1f ms", ours[i], raw[i]);
    }
    table_ratio(b->table, "removed by hand -> a new one runs", "ms", median(ours, rounds),
                median(raw, rounds), 1.15, 50);
}

void measure_change(struct bench *b)
{
    const char *root = bench_path(b, "change");

    bench_mkdir(root);
    for (int i = 0; i < BYSTANDERS; i++)
        (void)bench_write(b, bench_path(b, "change/by%03d.yaml", i),
                          recipe_spec(b, arena_printf(b->arena, "by%03d", i), ""));
    pid_t agent = process_start(b, "agent", root, bench_path(b, "change.state"), b->engine);

    process_quiet(b, agent, QUIET_MS);
    measure_drops(b);
    measure_heals(b, agent);
    process_stop(b, agent);
}
