/* compose.c: one and the same compose.yaml, brought up, found unchanged, changed in one service and taken down: by Compose v2 and by
 * `evenkeel apply`, turn by turn on one engine.
 *
 * In: the program of Compose (BENCH_COMPOSE), or the reason why there is none (BENCH_NO_COMPOSE). Out: for each step wall time, the
 * client's CPU time and its largest memory, evenkeel's against Compose's. Up is timed to the last start event, the others to the end of
 * the program. "Raw" in these rows is Compose. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spec/base/arena.h"
#include "spec/base/str.h"
#include "tests/bench/bench.h"
#include "tests/bench/process.h"
#include "tests/bench/raw.h"
#include "tests/bench/seen.h"
#include "tests/bench/table.h"

enum step { STEP_UP, STEP_NOTHING, STEP_CHANGE, STEP_DOWN, STEPS };
enum { ROUNDS_MOST = 3, LOOKS = 5, SAMPLES = ROUNDS_MOST * LOOKS };

struct cost {
    double wall, cpu, peak; /* ms, ms, MB */
};

struct side { /* one of the two */
    const char *name, *file;
    struct cost v[STEPS][SAMPLES];
    size_t n[STEPS];
};

struct compose {
    struct bench *b;
    const char *program;
    size_t services;
    struct side theirs, ours;
};

/* ---- the file ---- */

static void write_file(struct compose *c, const struct side *s, const char *value)
{
    CLEANUP(str_release) struct str text = STR_INIT;

    str_add(&text, "services:\n");
    for (size_t i = 0; i < c->services; i++)
        str_addf(&text,
                 "  s%03zu:\n    image: " BENCH_IMAGE "\n    environment: {V: \"%s\"}\n"
                 "    command: [\"sh\", \"-c\", \"trap 'exit 0' TERM; sleep 1000000 & wait\"]\n",
                 i, i == 0 ? value : "first");
    str_add(&text, "networks: {default: {ipam: {config: [{subnet: 10.212.0.0/22}]}}}\n");
    (void)bench_write(c->b, s->file, str_text(&text));
}

/* ---- one call ---- */

static double ms_of(const struct timeval *t)
{
    return (double)t->tv_sec * 1e3 + (double)t->tv_usec / 1e3;
}

/* started > 0: wall is the time until so many starts were seen. */
static void run(struct compose *c, struct side *s, enum step step, const char *const *argv,
                size_t started)
{
    struct bench *b = c->b;
    struct rusage used;
    size_t mark = seen_mark(b->seen);
    double from = bench_now_ms();
    pid_t pid = process_run(b, s->name, argv);
    double seen = started ? seen_wait(b->seen, mark, "container", "start", "", started) : 0;

    if (process_wait_used(b, pid, &used) != 0) {
        if (s == &c->ours)
            bench_die("%s failed: see %s.log", argv[0], s->name);
        bench_say("    Compose failed; see %s.log", s->name); /* raw_wipe ends what it left */
    }
    s->v[step][s->n[step]++] = (struct cost){
        .wall = (started ? seen : bench_now_ms()) - from,
        .cpu = ms_of(&used.ru_utime) + ms_of(&used.ru_stime),
        .peak = (double)used.ru_maxrss / 1024,
    };
}

static void run_theirs(struct compose *c, enum step step)
{
    const char *const up[] = {c->program, "-f", c->theirs.file, "up", "-d", NULL};
    const char *const down[] = {c->program, "-f", c->theirs.file, "down", NULL};

    run(c, &c->theirs, step, step == STEP_DOWN ? down : up, step == STEP_UP ? c->services : 0);
}

static void run_ours(struct compose *c, enum step step)
{
    struct bench *b = c->b;
    const char *const apply[] = {b->evenkeel, "apply",
                                 "--root",    bench_path(b, "compose%zu", c->services),
                                 "--state",   bench_path(b, "compose%zu.state", c->services),
                                 "--docker",  b->engine,
                                 "--name",    BENCH_OWNER,
                                 NULL};

    if (step == STEP_DOWN)
        (void)unlink(c->ours.file);
    run(c, &c->ours, step, apply, step == STEP_UP ? c->services : 0);
}

/* ---- all of it ---- */

static void live(struct compose *c, struct side *s, void (*step)(struct compose *c, enum step step))
{
    write_file(c, s, "first");
    step(c, STEP_UP);
    for (size_t i = 0; i < LOOKS; i++)
        step(c, STEP_NOTHING);
    write_file(c, s, "second");
    step(c, STEP_CHANGE);
    step(c, STEP_DOWN);
    raw_wipe(c->b);
    bench_pause(c->b, 500);
}

static double middle(struct side *s, enum step step, size_t at)
{
    double samples[SAMPLES];

    for (size_t i = 0; i < s->n[step]; i++)
        samples[i] = at == 0   ? s->v[step][i].wall
                     : at == 1 ? s->v[step][i].cpu
                               : s->v[step][i].peak;
    return median(samples, s->n[step]);
}

static void tell(struct compose *c, enum step step, const char *name, double wall_factor)
{
    struct arena *a = c->b->arena;
    double ours = middle(&c->ours, step, 0), theirs = middle(&c->theirs, step, 0);
    const char *what = arena_printf(a, "%zu services, Compose: %s", c->services, name);

    if (wall_factor > 0)
        table_ratio(c->b->table, what, "ms", ours, theirs, wall_factor, 0);
    else
        table_compare(c->b->table, what, "ms", ours, theirs);
    table_ratio(c->b->table, "  CPU of the client", "ms", middle(&c->ours, step, 1),
                middle(&c->theirs, step, 1), 0.1, 0);
    table_compare(c->b->table, "  its largest memory", "MB", middle(&c->ours, step, 2),
                  middle(&c->theirs, step, 2));
}

static void measure_size(struct bench *b, const char *program, size_t services, size_t rounds)
{
    struct compose c = {.b = b, .program = program, .services = services};

    bench_mkdir(bench_path(b, "compose%zu", services));
    bench_mkdir(bench_path(b, "theirs%zu", services));
    c.ours.name = "apply";
    c.ours.file = bench_path(b, "compose%zu/compose.yaml", services);
    c.theirs.name = "compose";
    c.theirs.file = bench_path(b, "theirs%zu/compose.yaml", services);
    for (size_t r = 0; r < rounds; r++) {
        live(&c, &c.theirs, run_theirs);
        live(&c, &c.ours, run_ours);
    }
    tell(&c, STEP_UP, "up, cold, to the last start", 1.0);
    tell(&c, STEP_NOTHING, "nothing to do", services >= 100 ? 0.25 : 0.5);
    tell(&c, STEP_CHANGE, "one changed", 0);
    tell(&c, STEP_DOWN, "down", 0);
}

void measure_compose(struct bench *b)
{
    const char *program = getenv("BENCH_COMPOSE"), *why = getenv("BENCH_NO_COMPOSE");

    if (!program || access(program, X_OK) < 0) {
        table_skip(b->table, "beside Compose v2", why ? why : "BENCH_COMPOSE names no program");
        return;
    }
    (void)setenv("DOCKER_HOST", b->engine, 1);
    measure_size(b, program, 10, b->quick ? 1 : ROUNDS_MOST);
    measure_size(b, program, 100, 1);
    if (b->quick)
        table_skip(b->table, "300 services, Compose", "BENCH_QUICK");
    else
        measure_size(b, program, 300, 1);
}
