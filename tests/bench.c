/* bench.c: evenkeel's figures against the same calls made directly, in the same run, by this program.
 *
 *   bench ENGINE EVENKEEL WORK [JSON]
 *
 * ENGINE (unix:///PATH) is used by nobody else, since whole lists are counted; WORK is an empty folder. BENCH_QUICK=1 takes
 * fewer rounds and fewer objects. Exits 0 if every target is met, 1 if one is missed, 2 if something does not work. */
#include "tests/bench/bench.h"

#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "drivers/http.h"
#include "spec/base/arena.h"
#include "tests/bench/process.h"
#include "tests/bench/raw.h"
#include "tests/bench/seen.h"
#include "tests/bench/table.h"

void bench_die(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)fputs("bench: ", stderr);
    (void)vfprintf(stderr, fmt, ap);
    (void)fputc('\n', stderr);
    va_end(ap);
    exit(2);
}

void bench_say(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    (void)fputc('\n', stderr);
    va_end(ap);
}

double bench_now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

struct part {
    const char *name;
    void (*measure)(struct bench *b);
};

static const struct part parts[] = {
    {"planner", measure_planner}, {"requests", measure_requests}, {"change", measure_change},
    {"cold", measure_cold},       {"looks", measure_looks},       {"builds", measure_builds},
    {"ingress", measure_ingress}, {"rejoin", measure_rejoin},     {"fields", measure_fields},
    {"compose", measure_compose}, {"files", measure_files},       {"door", measure_door},
};

/* BENCH_ONLY names the parts wanted, for whoever works on one of them. */
static bool is_wanted(const char *name)
{
    const char *only = getenv("BENCH_ONLY");

    return !only || !only[0] || strstr(only, name);
}

int main(int argc, char **argv)
{
    if (argc < 4 || strncmp(argv[1], "unix://", 7) != 0) {
        (void)fputs("usage: bench unix:///ENGINE.SOCK EVENKEEL WORK [JSON]\n", stderr);
        return 2;
    }
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    (void)signal(SIGPIPE, SIG_IGN);
    const char *quick = getenv("BENCH_QUICK");
    struct bench b = {
        .engine = argv[1],
        .socket = argv[1] + 7,
        .evenkeel = argv[2],
        .work = argv[3],
        .quick = quick && strcmp(quick, "1") == 0,
        .arena = arena_new(),
        .table = table_new(),
    };
    double began = bench_now_ms();

    b.http = raw_connect(&b);
    b.seen = seen_new(b.http);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (!is_wanted(parts[i].name))
            continue;
        bench_say("%s", parts[i].name);
        parts[i].measure(&b);
        raw_wipe(&b);
    }
    table_note(b.table, "all of it took", "s", (bench_now_ms() - began) / 1000);
    bool met = table_print(b.table);

    if (argc > 4)
        table_write_json(b.table, argv[4]);
    http_free(b.http);
    seen_free(b.seen);
    table_free(b.table);
    arena_free(b.arena);
    return met ? 0 : 1;
}
