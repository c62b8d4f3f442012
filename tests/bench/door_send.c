/* door_send.c: what is sent through the door: archives of a GiB, and passwords.
 *
 * In: the agent of door.c. Out: an upload against cp, sync and sha256sum of the same file one after another, and the memory it takes; logins beside four uploads; a login against argon2id itself; and
 * what a thousand wrong passwords at once take, each from an address and for an account of its own, so that nothing but the work itself holds them back. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/auth_hash.h"
#include "spec/base/arena.h"
#include "spec/base/str.h"
#include "tests/bench/bench.h"
#include "tests/bench/gate.h"
#include "tests/bench/pacer.h"
#include "tests/bench/process.h"
#include "tests/bench/table.h"

enum {
    PARTS = 3,
    UPLOADS = 4,
    ROUNDS_MOST = 3,
    LOGINS = 40,
    LOGIN_PACE = 10,
    BURST = 1000,
    LOGIN_RATE = 50
};

/* ---- an archive ---- */

static void write_noise(const char *path, size_t bytes)
{
    static char buf[1 << 20];
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    for (size_t done = 0; fd >= 0 && done < bytes; done += sizeof(buf))
        if (getrandom(buf, sizeof(buf), 0) != (ssize_t)sizeof(buf) ||
            write(fd, buf, sizeof(buf)) != (ssize_t)sizeof(buf))
            bench_die("%s: %s", path, strerror(errno));
    if (fd < 0 || close(fd) != 0)
        bench_die("%s: %s", path, strerror(errno));
}

static void must(struct bench *b, const char *const *argv)
{
    int status = process_wait(b, process_run(b, "tools", argv));

    if (status != 0)
        bench_die("%s ended with status %d: see tools.log", argv[0], status);
}

/* Nothing in it can be pressed; its head and table are the few kB short of a whole MiB. */
static const char *make_archive(struct bench *b, size_t mib)
{
    const char *folder = bench_path(b, "big"), *zip = bench_path(b, "big.zip");

    bench_mkdir(folder);
    (void)bench_write(b, bench_path(b, "big/Dockerfile"), "FROM " BENCH_IMAGE "\n");
    for (int i = 0; i < PARTS; i++)
        write_noise(bench_path(b, "big/part%d", i), (mib / PARTS) << 20);
    const char *const argv[] = {"/usr/bin/zip", "-q", "-0", "-r", "-j", zip, folder, NULL};

    must(b, argv);
    for (int i = 0; i < PARTS; i++)
        (void)unlink(bench_path(b, "big/part%d", i));
    return zip;
}

/* ---- uploads ---- */

/* A place of its own for what is sent: stopped, so that nothing is built of it. */
static void prepare(struct gate *g, const char *app)
{
    struct bench *b = g->b;

    bench_mkdir(arena_printf(b->arena, "%s/uploads", g->root));
    (void)bench_write(b, arena_printf(b->arena, "%s/uploads/%s.yaml", g->root, app),
                      arena_printf(b->arena,
                                   "app: %s\nsource: {bundle: .bundles/none.zip}\nstate: stopped\n",
                                   app));
}

static pid_t start_upload(struct gate *g, const char *zip, const char *app)
{
    struct bench *b = g->b;
    const char *const argv[] = {
        "/usr/bin/curl",
        "-fsS",
        "--noproxy",
        "*",
        "-T",
        zip,
        "-H",
        arena_printf(b->arena, "Authorization: Bearer %s", g->token),
        "-o",
        "/dev/null",
        arena_printf(b->arena, "http://127.0.0.1:%d/api/v1/apps/%s/bundle", GATE_PORT, app),
        NULL};

    return process_run(b, "curl", argv);
}

/* Until all of them have ended; the most memory that the agent had meanwhile. */
static double wait_uploads(struct gate *g, pid_t *v, size_t n)
{
    double most = 0;

    for (size_t left = n; left > 0;) {
        double now = gate_anon_mb(g);
        int status;

        most = now > most ? now : most;
        bench_pause(g->b, 10);
        for (size_t i = 0; i < n; i++) {
            if (v[i] == 0 || waitpid(v[i], &status, WNOHANG) != v[i])
                continue;
            if (status != 0)
                bench_die("curl ended with status %d: see curl.log", WEXITSTATUS(status));
            v[i] = 0;
            left--;
        }
    }
    return most;
}

/* Else the archive would be there already. */
static void forget_archives(struct gate *g)
{
    const char *const argv[] = {"/bin/rm", "-rf",
                                arena_printf(g->b->arena, "%s/uploads/.bundles", g->root), NULL};

    must(g->b, argv);
    process_quiet(g->b, g->agent, 2000);
}

static double copy_directly(struct bench *b, const char *zip)
{
    const char *copy = bench_path(b, "copy.zip");
    const char *const cp[] = {"/bin/cp", zip, copy, NULL};
    const char *const sync[] = {"/bin/sync", copy, NULL};
    const char *const sum[] = {"/usr/bin/sha256sum", copy, NULL};
    double from = bench_now_ms();

    must(b, cp);
    must(b, sync);
    must(b, sum);
    double took = bench_now_ms() - from;

    (void)unlink(copy);
    return took;
}

static void measure_one(struct gate *g, const char *zip, size_t mib)
{
    struct bench *b = g->b;
    double raw[ROUNDS_MOST], ours[ROUNDS_MOST], grown[ROUNDS_MOST], cpu[ROUNDS_MOST];
    size_t rounds = b->quick ? 1 : ROUNDS_MOST;

    prepare(g, "big0");
    process_quiet(b, g->agent, 1000);
    for (size_t i = 0; i < rounds; i++) {
        struct usage before;
        pid_t pid;

        raw[i] = copy_directly(b, zip);
        before = process_usage(g->agent);
        double from = bench_now_ms();

        pid = start_upload(g, zip, "big0");
        grown[i] = wait_uploads(g, &pid, 1) - before.anon_kb / 1024;
        ours[i] = bench_now_ms() - from;
        cpu[i] = process_usage(g->agent).cpu_ms - before.cpu_ms;
        bench_say("    upload %.0f ms (%.0f ms of CPU, %.1f MB), cp + sync + sha256sum %.0f ms",
                  ours[i], cpu[i], grown[i], raw[i]);
        forget_archives(g);
    }
    table_ratio(b->table,
                arena_printf(b->arena, "upload of %zu MiB (raw: cp, sync, sha256sum)", mib), "ms",
                median(ours, rounds), median(raw, rounds), 1.3, 0);
    table_note(b->table, "  CPU of the agent", "ms", median(cpu, rounds));
    table_bound(b->table, "  growth of RssAnon meanwhile", "MB", median(grown, rounds), 16);
}

/* ---- logins ---- */

static void write_login(void *ctx, size_t i, struct str *out)
{
    CLEANUP(str_release) struct str body = STR_INIT;
    const bool *good = ctx;

    if (*good)
        str_add(&body, "{\"account\":\"admin\",\"password\":\"" GATE_PASSWORD "\"}");
    else
        str_addf(&body, "{\"account\":\"nobody%zu\",\"password\":\"a wrong password %zu\"}", i, i);
    str_addf(out,
             "POST /api/v1/login HTTP/1.1\r\nHost: localhost\r\n"
             "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
             body.len, str_text(&body));
}

static void measure_four(struct gate *g, const char *zip)
{
    struct bench *b = g->b;
    bool good = true;
    const struct pace pace = {
        .port = GATE_PORT, .rate = LOGIN_RATE, .write = write_login, .ctx = &good};
    pid_t pids[UPLOADS];

    for (int i = 1; i < UPLOADS; i++)
        prepare(g, arena_printf(b->arena, "big%d", i));
    process_quiet(b, g->agent, 1000);
    struct pacer *p = pacer_start(&pace);

    for (int i = 0; i < UPLOADS; i++)
        pids[i] = start_upload(g, zip, arena_printf(b->arena, "big%d", i));
    (void)wait_uploads(g, pids, UPLOADS);
    struct paced x = pacer_end(p);

    bench_say("    %zu logins, %zu good, %zu lost", x.n, x.good, x.lost);
    table_bound(b->table, "four such uploads at once, 50 logins/s: the slowest login", "ms",
                paced_share(&x, 1), 1000);
    table_note(b->table, "  median", "ms", paced_share(&x, 0.5));
    table_bound(b->table, "  of these without success", "", (double)(x.n - x.good + x.lost), 0);
    free(x.took_ms);
    forget_archives(g);
}

static double thread_cpu_ms(void)
{
    struct rusage u;

    (void)getrusage(RUSAGE_THREAD, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

/* What the hash of one login costs by itself, made as often as the agent makes one and at the same time, with as cold a cache. */
static double cost_of_hash(struct bench *b, const struct pacer *beside)
{
    struct auth_hash *h = auth_hash_new();
    char text[AUTH_HASH_TEXT];
    struct err e = {0};
    bool same = false;
    double used = 0;
    int n = 0;

    if (auth_hash_make(h, GATE_PASSWORD, strlen(GATE_PASSWORD), text, &e) < 0)
        bench_die("%s", e.msg);
    for (; !pacer_done(beside); n++) {
        double from = thread_cpu_ms();

        if (auth_hash_check(h, text, GATE_PASSWORD, strlen(GATE_PASSWORD), &same, &e) < 0 || !same)
            bench_die("a password does not fit its hash");
        used += thread_cpu_ms() - from;
        bench_pause(b, 1000.0 / LOGIN_PACE - 30);
    }
    auth_hash_free(h);
    return n > 0 ? used / n : 0;
}

static void measure_burst(struct gate *g)
{
    struct bench *b = g->b;
    bool good = false;
    const struct pace pace = {
        .port = GATE_PORT, .most = BURST, .spread = true, .write = write_login, .ctx = &good};
    double before = gate_anon_mb(g), most = before;
    struct pacer *p = pacer_start(&pace);

    while (!pacer_done(p)) {
        double now = gate_anon_mb(g);

        most = now > most ? now : most;
        bench_pause(b, 2);
    }
    struct paced x = pacer_end(p);

    table_bound(b->table, "1000 wrong passwords at once: growth of RssAnon", "MB", most - before,
                AUTH_HASHES * (double)(AUTH_HASH_BYTES >> 20) + 8);
    table_note(b->table, "  until the last was answered", "ms", paced_share(&x, 1));
    table_bound(b->table, "  without an answer", "", (double)x.lost, 0);
    free(x.took_ms);
    bench_pause(b, 3000);
    table_note(b->table, "  growth that stays", "MB", gate_anon_mb(g) - before);
}

void measure_gate_logins(struct gate *g)
{
    struct bench *b = g->b;
    bool good = true;
    const struct pace pace = {
        .port = GATE_PORT, .rate = LOGIN_PACE, .most = LOGINS, .write = write_login, .ctx = &good};
    double before = process_usage(g->agent).cpu_ms;
    struct pacer *p = pacer_start(&pace);

    double raw = cost_of_hash(b, p);
    struct paced x = pacer_end(p);

    if (x.good != LOGINS)
        bench_die("%zu of %d logins worked", x.good, LOGINS);
    free(x.took_ms);
    table_ratio(b->table, "CPU of a login (raw: argon2id alone)", "ms",
                (process_usage(g->agent).cpu_ms - before) / LOGINS, raw, 1.1, 1);
    measure_burst(g);
}

void measure_gate_uploads(struct gate *g)
{
    size_t mib = g->b->quick ? 255 : 1023;
    const char *zip = make_archive(g->b, mib);

    measure_one(g, zip, mib);
    measure_four(g, zip);
    (void)unlink(zip);
}
