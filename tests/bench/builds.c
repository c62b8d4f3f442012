/* builds.c: what it takes until a bundle or a changed folder is an image, and what it takes to know that nothing has changed.
 *
 * In: trees made here (tree.h), of which no two have the same content, so that the engine's cache knows none. Out: ratios against posting a ready tar,
 * and against tar(1) piped into the same call; the agent's peak of memory; the number of builds asked for while nothing changes. Ours and
 * direct builds take turns, with the cache emptied after each, and all are timed to the event that gives the image its name. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drivers/context.h"
#include "spec/base/arena.h"
#include "tests/bench/bench.h"
#include "tests/bench/process.h"
#include "tests/bench/proxy.h"
#include "tests/bench/raw_build.h"
#include "tests/bench/seen.h"
#include "tests/bench/table.h"
#include "tests/bench/tree.h"

enum { ROUNDS_MOST = 16, FILES = 5000, LARGE = 100 };
#define QUIET_MS 1200
#define MEMORY_MB 16
#define KNOW_MS 10

/* What the large files must hold for an archive or a folder of so many megabytes; the texts have 25 MB, packed 6. */
static struct tree tree_of(size_t mb, size_t texts_mb, const char *token)
{
    return (struct tree){.files = FILES,
                         .large = LARGE,
                         .large_bytes = ((mb - texts_mb) << 20) / LARGE,
                         .token = token};
}

static struct tree tree_packed(size_t mb, const char *token)
{
    return tree_of(mb, 6, token);
}

static struct tree tree_plain(size_t mb, const char *token)
{
    return tree_of(mb, 25, token);
}

struct builds {
    struct bench *b;
    const char *root, *state, *folder; /* folder: of the app "folder", in the root */
    pid_t agent;
};

static const char *write_spec(struct builds *l, const char *app, const char *source, double *ret_at)
{
    struct bench *b = l->b;
    const char *path = arena_printf(b->arena, "%s/%s.yaml", l->root, app);
    const char *text =
        arena_printf(b->arena, "app: %s\nsource: {%s}\nstop_signal: SIGKILL\n", app, source);

    *ret_at = bench_write(b, path, text);
    return path;
}

static double wait_image(struct builds *l, size_t mark, const char *app)
{
    return seen_wait(l->b->seen, mark, "image", "tag",
                     arena_printf(l->b->arena, "evenkeel/%s/", app), 1);
}

/* ---- a bundle dropped into the root ---- */

static void remove_app(struct builds *l, size_t mark, const char *app, const char *spec)
{
    struct bench *b = l->b;

    (void)seen_wait(b->seen, mark, "container", "start", app, 1);
    bench_pause(b, 200);
    if (unlink(spec) < 0)
        bench_die("cannot remove %s", spec);
    (void)seen_wait(b->seen, mark, "network", "destroy", app, 1);
}

/* The time, and by how much the agent's memory grew meanwhile, at the most. */
static double drop_bundle(struct builds *l, size_t mb, size_t round, double *ret_grew_mb)
{
    struct bench *b = l->b;
    const char *app = arena_printf(b->arena, "z%zu-%zu", mb, round);
    const char *bundle = arena_printf(b->arena, "%s/.bundles/%s.zip", l->root, app);
    struct tree tree = tree_packed(mb, app);
    double from;

    tree_write_zip(&tree, bundle);
    process_quiet(b, l->agent, QUIET_MS);
    process_forget_peak(l->agent);
    double before = process_usage(l->agent).rss_kb;
    size_t mark = seen_mark(b->seen);
    const char *spec =
        write_spec(l, app, arena_printf(b->arena, "bundle: .bundles/%s.zip", app), &from);
    double took = wait_image(l, mark, app) - from;

    *ret_grew_mb = (process_usage(l->agent).peak_kb - before) / 1024;
    remove_app(l, mark, app, spec);
    process_quiet(b, l->agent, QUIET_MS);
    if (unlink(bundle) < 0)
        bench_die("cannot remove %s", bundle);
    raw_build_wipe(b);
    return took;
}

static double post_tar(struct builds *l, size_t mb, size_t round)
{
    struct bench *b = l->b;
    const char *name = arena_printf(b->arena, "rawbuild/z%zu-%zu", mb, round);
    const char *tar = bench_path(b, "ready.tar");
    struct tree tree = tree_packed(mb, name);

    tree_write_tar(&tree, tar);
    bench_pause(b, QUIET_MS);
    double took = raw_build_file(b, name, tar);

    (void)unlink(tar);
    raw_build_wipe(b);
    return took;
}

static void measure_bundles(struct builds *l)
{
    struct bench *b = l->b;
    size_t rounds = b->quick ? 2 : 7, large_mb = b->quick ? 100 : 400;
    double ours[ROUNDS_MOST], raw[ROUNDS_MOST], grew, grew_most = 0;

    for (size_t i = 0; i < rounds; i++) {
        ours[i] = drop_bundle(l, 50, i, &grew);
        raw[i] = post_tar(l, 50, i);
        grew_most = grew > grew_most ? grew : grew_most;
        bench_say("    %.0f, raw %.0f ms; memory +%.1f MB", ours[i], raw[i], grew);
    }
    table_ratio(b->table, "a ZIP of 50 MB, 5000 files -> image", "ms", median(ours, rounds),
                median(raw, rounds), 1.15, 0);
    table_bound(b->table, "  agent's memory, at the most", "MB", grew_most, MEMORY_MB);
    double took = drop_bundle(l, large_mb, 0, &grew);

    table_bound(
        b->table,
        arena_printf(b->arena, "  the same for a ZIP of %zu MB (%.1f s)", large_mb, took / 1000),
        "MB", grew, MEMORY_MB);
}

/* ---- one line of a folder changed ---- */

static double change_line(struct builds *l, const char *token, double *ret_from)
{
    struct bench *b = l->b;
    size_t mark = seen_mark(b->seen);
    double from = bench_write(b, arena_printf(b->arena, "%s/" TREE_VERSION, l->folder),
                              arena_printf(b->arena, "%s\n", token));
    double at = wait_image(l, mark, "folder");

    (void)seen_wait(b->seen, mark, "container", "destroy", "folder", 1);
    process_quiet(b, l->agent, QUIET_MS);
    *ret_from = from;
    return at - from;
}

static double pipe_tar(struct builds *l, const char *folder, const char *token)
{
    struct bench *b = l->b;
    const char *name = arena_printf(b->arena, "rawbuild/%s", token);

    (void)bench_write(b, arena_printf(b->arena, "%s/" TREE_VERSION, folder),
                      arena_printf(b->arena, "%s\n", token));
    bench_pause(b, QUIET_MS);
    return raw_build_folder(b, name, folder);
}

static void measure_lines(struct builds *l)
{
    struct bench *b = l->b;
    size_t rounds = b->quick ? 2 : 7, mark = seen_mark(b->seen);
    const char *twin = bench_path(b, "twin"); /* outside the root: for the direct builds */
    struct tree tree = tree_plain(50, "first");
    double ours[ROUNDS_MOST], raw[ROUNDS_MOST], at;

    tree_write_dir(&tree, l->folder);
    tree_write_dir(&tree, twin);
    (void)write_spec(l, "folder", "path: ./folder", &at);
    (void)seen_wait(b->seen, mark, "container", "start", "folder", 1);
    process_quiet(b, l->agent, QUIET_MS);
    for (size_t i = 0; i < rounds; i++) {
        ours[i] = change_line(l, arena_printf(b->arena, "ours-%zu", i), &at);
        raw[i] = pipe_tar(l, twin, arena_printf(b->arena, "twin-%zu", i));
        bench_say("    %.0f, raw %.0f ms", ours[i], raw[i]);
    }
    table_ratio(b->table, "one line of a 50 MB folder -> image (raw: tar piped)", "ms",
                median(ours, rounds), median(raw, rounds), 1.2, 0);
}

/* ---- nothing changed ---- */

/* Returns how many, and when the last one was begun. */
static size_t builds_asked(struct builds *l, struct proxy *p, double *ret_at)
{
    size_t n = 0;

    for (size_t i = 0; i < proxy_count(p); i++) {
        struct proxied x = proxy_request(p, i, l->b->arena);

        if (strcmp(x.method, "POST") != 0 || !strstr(x.path, "/build?"))
            continue;
        *ret_at = x.at_ms;
        n++;
    }
    return n;
}

static void note_asked(struct builds *l, struct proxy *p, const char *what, double from)
{
    double at;
    size_t n = builds_asked(l, p, &at);

    if (n != 1)
        bench_die("%s, and %zu builds were asked for", what, n);
    table_note(l->b->table, arena_printf(l->b->arena, "%s -> build asked for", what), "ms",
               at - from);
    proxy_clear(p);
}

static void measure_fingerprint(struct builds *l)
{
    struct context_where where = {.path = l->folder, .use_ignore = true};
    char first[SHA256_HEX], print[SHA256_HEX];
    double took[ROUNDS_MOST];
    struct err e = {0};

    for (size_t i = 0; i < ROUNDS_MOST; i++) {
        double from = bench_now_ms();

        if (context_fingerprint(&where, print, &e) < 0)
            bench_die("%s", e.msg);
        took[i] = bench_now_ms() - from;
        if (i == 0)
            memcpy(first, print, sizeof(first));
        if (strcmp(print, first) != 0)
            bench_die("a folder that stands still has two fingerprints");
    }
    table_bound(l->b->table, "unchanged 50 MB folder: known after", "ms", median(took, ROUNDS_MOST),
                KNOW_MS);
}

/* A name that is no spec comes and goes: reason enough to look at every source, and to find that nothing is to be done. */
static void measure_looks_at_files(struct builds *l)
{
    struct bench *b = l->b;
    const char *path = arena_printf(b->arena, "%s/notes.txt", l->root);
    size_t looks = b->quick ? 5 : 20;
    double cpu_ms = 0;

    for (size_t i = 0; i < looks; i++) {
        process_quiet(b, l->agent, 400);
        double before = process_usage(l->agent).cpu_ms;

        (void)bench_write(b, path, "nothing of interest\n");
        bench_pause(b, 200);
        process_quiet(b, l->agent, 400);
        cpu_ms += process_usage(l->agent).cpu_ms - before;
    }
    table_note(b->table, "  a look of the agent at it and a bundle, CPU", "ms",
               cpu_ms / (double)looks);
}

static void measure_plan_cold(struct builds *l)
{
    struct bench *b = l->b;
    double took[ROUNDS_MOST];
    size_t rounds = b->quick ? 3 : 7;

    for (size_t i = 0; i < rounds; i++) {
        double from = bench_now_ms();
        int status = process_wait(b, process_start(b, "plan", l->root, l->state, b->engine));

        took[i] = bench_now_ms() - from;
        if (status != 0)
            bench_die("evenkeel plan ended with %d, but there is nothing to do", status);
    }
    table_note(b->table, "  evenkeel plan, cold, of both", "ms", median(took, rounds));
}

static void count_builds(struct builds *l, struct proxy *p)
{
    struct bench *b = l->b;
    double at;

    (void)write_spec(l, "still", "bundle: .bundles/still.zip", &at);
    (void)write_spec(l, "folder", "path: ./folder", &at);
    bench_pause(b, 300);
    process_quiet(b, l->agent, QUIET_MS);
    table_bound(b->table, "unchanged folder and bundle, agent started anew: builds", "",
                (double)builds_asked(l, p, &at), 0);
    (void)change_line(l, "counted", &at);
    note_asked(l, p, "one line changed", at);
}

static void measure_unchanged(struct builds *l)
{
    struct bench *b = l->b;
    const char *socket = bench_path(b, "proxy.sock");
    const char *docker = arena_printf(b->arena, "unix://%s", socket);
    struct proxy *proxy = proxy_new(socket, b->socket);
    struct tree tree = tree_packed(50, "still");
    size_t mark = seen_mark(b->seen);
    double at;

    tree_write_zip(&tree, arena_printf(b->arena, "%s/.bundles/still.zip", l->root));
    l->agent = process_start(b, "agent", l->root, l->state, docker);
    process_quiet(b, l->agent, QUIET_MS);
    (void)write_spec(l, "still", "bundle: .bundles/still.zip", &at);
    (void)seen_wait(b->seen, mark, "container", "start", "still", 1);
    note_asked(l, proxy, "a ZIP of 50 MB dropped", at);
    process_quiet(b, l->agent, QUIET_MS);
    process_stop(b, l->agent);
    measure_fingerprint(l);
    measure_plan_cold(l);
    proxy_clear(proxy);
    l->agent = process_start(b, "agent", l->root, l->state, docker);
    process_quiet(b, l->agent, QUIET_MS);
    measure_looks_at_files(l);
    count_builds(l, proxy);
    process_stop(b, l->agent);
    proxy_free(proxy);
}

void measure_builds(struct bench *b)
{
    struct builds l = {
        .b = b,
        .root = bench_path(b, "builds"),
        .state = bench_path(b, "builds.state"),
        .folder = bench_path(b, "builds/folder"),
    };

    double load = 0;

    bench_mkdir(l.root);
    bench_mkdir(arena_printf(b->arena, "%s/.bundles", l.root));
    l.agent = process_start(b, "agent", l.root, l.state, b->engine);
    process_quiet(b, l.agent, QUIET_MS);
    measure_bundles(&l);
    (void)getloadavg(&load, 1);
    table_note(b->table, "  load of the machine meanwhile", "", load);
    measure_lines(&l);
    process_stop(b, l.agent);
    measure_unchanged(&l);
    raw_build_wipe(b);
}
