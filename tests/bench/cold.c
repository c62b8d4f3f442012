/* cold.c: many one-container apps at once: a directory renamed into the root of a running agent, and a cold `evenkeel apply`.
 *
 * In: the recipe. Out: two ratios against the same calls made directly with 2, 4 and 8 apps in flight, of which the best counts. All are timed
 * to the last start event. The first round tries all three; later ones only the best. */
#include <stdio.h>
#include <stdlib.h>
#include <errno.h>
#include <string.h>

#include "spec/base/arena.h"
#include "tests/bench/bench.h"
#include "tests/bench/process.h"
#include "tests/bench/raw.h"
#include "tests/bench/recipe.h"
#include "tests/bench/seen.h"
#include "tests/bench/table.h"

enum { APPS_MOST = 50, ROUNDS_MOST = 3 };

#define LONG_ENOUGH_MS 140000 /* no further round after that */

static const size_t in_flight[] = {4, 2, 8};

struct cold {
    struct bench *b;
    size_t apps, rounds, turn; /* turn: makes new folders each time */
    double agent[ROUNDS_MOST], apply[ROUNDS_MOST], apply_exit[ROUNDS_MOST];
    double raw[3][ROUNDS_MOST];
};

static void write_apps(struct cold *c, const char *folder)
{
    struct bench *b = c->b;

    bench_mkdir(folder);
    for (size_t i = 0; i < c->apps; i++) {
        const char *name = arena_printf(b->arena, "ba%03zu", i);
        (void)bench_write(b, arena_printf(b->arena, "%s/%s.yaml", folder, name),
                          recipe_spec(b, name, ""));
    }
}

static void clean(struct cold *c)
{
    raw_wipe(c->b);
    bench_pause(c->b, 1000);
}

static double cold_raw(struct cold *c, size_t concurrency)
{
    struct raw_chain chains[APPS_MOST];
    size_t mark = seen_mark(c->b->seen);

    for (size_t i = 0; i < c->apps; i++)
        chains[i] = recipe_chain(c->b, arena_printf(c->b->arena, "rb%03zu", i), i, true);
    double from = bench_now_ms();

    raw_run(c->b->http, chains, c->apps, concurrency);
    double took = seen_wait(c->b->seen, mark, "container", "start", "rb", c->apps) - from;

    bench_say("    raw, %zu in flight: %.0f ms", concurrency, took);
    clean(c);
    return took;
}

static double cold_agent(struct cold *c)
{
    struct bench *b = c->b;
    size_t turn = c->turn++;
    const char *root = bench_path(b, "cold%zu", turn), *aside = bench_path(b, "cold%zu.new", turn);

    bench_mkdir(root);
    write_apps(c, aside);
    pid_t agent = process_start(b, "agent", root, bench_path(b, "cold%zu.state", turn), b->engine);

    process_quiet(b, agent, 1000);
    size_t mark = seen_mark(b->seen);
    double from = bench_now_ms();

    if (rename(aside, arena_printf(b->arena, "%s/apps", root)) < 0)
        bench_die("%s: %s", aside, strerror(errno));
    double took = seen_wait(b->seen, mark, "container", "start", "ba", c->apps) - from;

    bench_say("    agent: %.0f ms", took);
    process_quiet(b, agent, 1000);
    process_stop(b, agent);
    clean(c);
    return took;
}

static double cold_apply(struct cold *c, double *ret_exit)
{
    struct bench *b = c->b;
    size_t turn = c->turn++;
    const char *root = bench_path(b, "cold%zu", turn);

    write_apps(c, root);
    size_t mark = seen_mark(b->seen);
    double from = bench_now_ms();
    pid_t apply = process_start(b, "apply", root, bench_path(b, "cold%zu.state", turn), b->engine);
    double took = seen_wait(b->seen, mark, "container", "start", "ba", c->apps) - from;

    if (process_wait(b, apply) != 0)
        bench_die("evenkeel apply failed: see apply.log");
    *ret_exit = bench_now_ms() - from;
    bench_say("    apply: %.0f ms, its end after %.0f", took, *ret_exit);
    clean(c);
    return took;
}

void measure_cold(struct bench *b)
{
    struct cold c = {.b = b, .apps = b->quick ? 12 : 50};
    size_t best = 0;
    double began = bench_now_ms();

    for (size_t r = 0; r < (b->quick ? 1 : ROUNDS_MOST); r++) {
        if (bench_now_ms() - began > LONG_ENOUGH_MS)
            break;
        c.rounds = r + 1;
        c.agent[r] = cold_agent(&c);
        for (size_t i = 0; i < ARRAY_LEN(in_flight); i++)
            if ((r == 0 && !(b->quick && i > 0)) || i == best)
                c.raw[i][r] = cold_raw(&c, in_flight[i]);
        for (size_t i = 0; i < ARRAY_LEN(in_flight) && r == 0 && !b->quick; i++)
            best = c.raw[i][0] < c.raw[best][0] ? i : best;
        c.apply[r] = cold_apply(&c, &c.apply_exit[r]);
    }
    double raw = median(c.raw[best], c.rounds);
    const char *how = arena_printf(b->arena, "(raw: %zu in flight)", in_flight[best]);

    table_ratio(b->table, arena_printf(b->arena, "%zu apps dropped at once, agent %s", c.apps, how),
                "ms", median(c.agent, c.rounds), raw, 1.10, 0);
    table_ratio(b->table, arena_printf(b->arena, "%zu apps cold, apply %s", c.apps, how), "ms",
                median(c.apply, c.rounds), raw, 1.10, 0);
    table_note(b->table, "  until apply has ended (all settled)", "ms",
               median(c.apply_exit, c.rounds));
}
