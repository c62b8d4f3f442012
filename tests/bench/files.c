/* files.c: from files to a plan, in this process: one Compose file of 100 services, 1 000 files at once, and one of these changed.
 *
 * In: Compose files in a root, with variables, anchors, ports, volumes and health checks, and an engine made up to have all they ask for, so that
 * the plan is empty: that is what an agent does at its start and when somebody saves a file. Out: processor time of looking, reading, resolving, encoding and
 * planning together, and of `evenkeel validate` as a process. */
#include <time.h>

#include "agent/sources.h"
#include "reconcile/bind.h"
#include "reconcile/plan.h"
#include "reconcile/plan_scope.h"
#include "spec/base/arena.h"
#include "spec/desired.h"
#include "spec/desired_memo.h"
#include "tests/bench/bench.h"
#include "tests/bench/planner.h"
#include "tests/bench/process.h"
#include "tests/bench/table.h"

enum { MANY = 1000, BIG = 100, ROUNDS = 7, PER_FILE = 2 };

static const struct settings the_settings = {
    .owner = BENCH_OWNER, .pool = "10.0.0.0/8", .pool_prefix = 26, .drift = DRIFT_HEAL};
static const struct kvs nobody;

static double cpu_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* ---- files ---- */

static void write_spec(struct bench *b, const char *root, size_t which, size_t services,
                       size_t round)
{
    CLEANUP(str_release) struct str s = STR_INIT;

    str_add(&s, "x-common: &common\n  restart: always\n  logging: {driver: json-file}\n"
                "services:\n");
    for (size_t i = 0; i < services; i++)
        str_addf(&s,
                 "  svc%zu:\n    <<: *common\n    image: busybox:${TAG:-latest}\n"
                 "    command: serve --port 80%02zu --name \"svc %zu\"\n"
                 "    environment:\n      TZ: Europe/Berlin\n      GREETING: ${GREETING:?}\n"
                 "      ROUND: \"%zu\"\n    labels: [\"team=platform\"]\n    ports: [\"%zu:80\"]\n"
                 "    volumes: [\"data%zu:/data\"]\n"
                 "    healthcheck: {test: [CMD, \"true\"], interval: 10s, retries: 3}\n"
                 "    deploy: {resources: {limits: {cpus: \"0.5\", memory: 64M}}}\n%s",
                 i, i, i, round, 10000 + which * services + i, i,
                 i > 0 ? "    depends_on: [svc0]\n" : "");
    str_add(&s, "volumes:\n");
    for (size_t i = 0; i < services; i++)
        str_addf(&s, "  data%zu:\n", i);
    (void)bench_write(b, arena_printf(b->arena, "%s/app%04zu.compose.yaml", root, which),
                      str_text(&s));
}

static const char *write_root(struct bench *b, size_t files, size_t services)
{
    const char *root = bench_path(b, "files%zu", files);

    bench_mkdir(root);
    (void)bench_write(b, arena_printf(b->arena, "%s/.env", root), "TAG=stable\nGREETING=hello\n");
    for (size_t i = 0; i < files; i++)
        write_spec(b, root, i, services, 0);
    return root;
}

/* ---- from files to a plan ---- */

/* An agent, as far as files are concerned. */
struct reader {
    struct sources *sources;
    struct desired_memo *memo;
    struct spec_set set;
};

static void reader_open(struct reader *r, const char *root)
{
    *r = (struct reader){.sources = sources_new(&root, 1, NULL), .memo = desired_memo_new()};
}

static void reader_close(struct reader *r)
{
    desired_memo_free(r->memo);
    sources_free(r->sources);
}

static struct desired *look(struct reader *r, struct arena *a)
{
    if (!sources_scan(r->sources, NULL))
        bench_die("a change of files was not seen");
    r->set = *sources_set(r->sources);
    r->set.memo = r->memo;
    struct desired *d = desired_build(&r->set, &the_settings, &nobody, 0, a);

    for (size_t i = 0; i < d->n_files; i++)
        if (d->files[i]->broken)
            bench_die("%s: %s", d->files[i]->name, d->files[i]->diags.v[0].what);
    if (d->diags.n > 0)
        bench_die("%s", d->diags.v[0].what);
    return d;
}

static const struct plan *plan(const struct desired *d, const struct observed *o,
                               const struct strv *scope, struct arena *a)
{
    static const struct history nothing;
    const struct plan_input in = {
        .desired = d, .observed = o, .history = &nothing, .now_ms = 1000000, .scope = *scope};

    return plan_build(&in, a);
}

static void check_actions(const struct plan *p, bool any)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n_apps; i++)
        n += p->apps[i].n_actions;
    if ((n > 0) != any)
        bench_die("%zu actions are not what this case is about", n);
}

static const struct observed *made_up(const char *root, size_t files, struct arena *a)
{
    struct reader r;

    reader_open(&r, root);
    struct desired *d = look(&r, a);

    if (d->n_apps != files)
        bench_die("%zu apps are not what this case is about", d->n_apps);
    bind_images(d, planner_observed(d, false, a), a);
    const struct observed *o = planner_observed(d, true, a);

    /* What was made borrows from the files, so these stay. */
    arena_keep(a, (void (*)(void *))(void *)sources_free, r.sources);
    arena_keep(a, (void (*)(void *))(void *)desired_memo_free, r.memo);
    return o;
}

/* The median of reading it all anew and planning it. */
static double whole_ms(const char *root, const struct observed *o)
{
    static const struct strv all;
    double samples[ROUNDS];

    for (size_t i = 0; i < ROUNDS; i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct reader r;
        double from = cpu_ms();

        reader_open(&r, root);
        struct desired *d = look(&r, a);

        bind_images(d, o, a);
        const struct plan *p = plan(d, o, &all, a);

        samples[i] = cpu_ms() - from;
        check_actions(p, false);
        reader_close(&r);
    }
    return median(samples, ROUNDS);
}

/* One file of all is another, and what differs is planned: what an agent does when somebody saves a file. */
static double change_ms(struct bench *b, const char *root, size_t files, const struct observed *o)
{
    double samples[ROUNDS];
    struct arena *old = arena_new();
    struct plan_marks before;
    struct reader r;

    reader_open(&r, root);
    plan_marks_of(look(&r, old), old, &before);
    for (size_t i = 0; i < ROUNDS; i++) {
        struct arena *a = arena_new();
        struct plan_marks now;
        struct strv scope = {0};

        write_spec(b, root, files / 2, PER_FILE, i + 1);
        double from = cpu_ms();
        struct desired *d = look(&r, a);

        plan_marks_of(d, a, &now);
        plan_marks_differ(&before, &now, a, &scope);
        bind_scope(d, &scope, o, a);
        const struct plan *p = plan(d, o, &scope, a);

        samples[i] = cpu_ms() - from;
        if (scope.n != 1)
            bench_die("%zu apps changed, and not one", scope.n);
        check_actions(p, true);
        before = now;
        arena_free(old);
        old = a;
    }
    reader_close(&r);
    arena_free(old);
    return median(samples, ROUNDS);
}

/* ---- validate ---- */

static double validate_ms(struct bench *b, const char *root)
{
    const char *const argv[] = {b->evenkeel, "validate", root, NULL};
    double samples[ROUNDS];

    for (size_t i = 0; i < ROUNDS; i++) {
        struct rusage used;

        if (process_wait_used(b, process_run(b, "validate", argv), &used) != 0)
            bench_die("evenkeel validate: see validate.log");
        samples[i] = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 +
                     (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e3;
    }
    return median(samples, ROUNDS);
}

void measure_files(struct bench *b)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *big = write_root(b, 1, BIG), *many = write_root(b, MANY, PER_FILE);
    const struct observed *of_big = made_up(big, 1, a), *of_many = made_up(many, MANY, a);

    table_bound(b->table, "Compose file of 100 services: read, resolved, planned (CPU)", "ms",
                whole_ms(big, of_big), 20);
    table_bound(b->table, "  evenkeel validate of it, as a process (CPU)", "ms",
                validate_ms(b, big), 50);
    table_bound(b->table, "1 000 Compose files of 2 services: read, resolved, planned (CPU)", "ms",
                whole_ms(many, of_many), 300);
    table_bound(b->table, "  evenkeel validate of them, as a process (CPU)", "ms",
                validate_ms(b, many), 300);
    table_bound(b->table, "  one of them changed (CPU)", "ms", change_ms(b, many, MANY, of_many),
                5);
}
