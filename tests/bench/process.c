/* process.c: starts the program under test and reads from /proc what it costs.
 *
 * In: a verb with its folders. Out: its exit status, its CPU time, its wake-ups and its memory. A child gets SIGTERM when this
 * program ends, in whatever way. */
#include "tests/bench/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drivers/http.h"
#include "spec/base/arena.h"
#include "spec/base/str.h"
#include "tests/bench/bench.h"

#define QUIET_PATIENCE_MS 180000

/* ---- files ---- */

const char *bench_path(struct bench *b, const char *fmt, ...)
{
    char name[512];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(name, sizeof(name), fmt, ap);
    va_end(ap);
    return arena_printf(b->arena, "%s/%s", b->work, name);
}

void bench_mkdir(const char *path)
{
    if (mkdir(path, 0755) < 0 && errno != EEXIST)
        bench_die("%s: %s", path, strerror(errno));
}

double bench_write(struct bench *b, const char *path, const char *text)
{
    const char *beside = arena_printf(b->arena, "%s.tmp", path);
    FILE *f = fopen(beside, "we");

    if (!f || fputs(text, f) < 0 || fclose(f) != 0)
        bench_die("%s: %s", beside, strerror(errno));
    double at = bench_now_ms();

    if (rename(beside, path) < 0)
        bench_die("%s: %s", path, strerror(errno));
    return at;
}

/* ---- processes ---- */

static void exec_program(int log, const char *const *argv)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    (void)dup2(log, STDOUT_FILENO);
    (void)dup2(log, STDERR_FILENO);
    (void)execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

pid_t process_run(struct bench *b, const char *log, const char *const *argv)
{
    int to = open(bench_path(b, "%s.log", log), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    pid_t pid = to < 0 ? -1 : fork();

    if (pid < 0)
        bench_die("cannot start %s: %s", argv[0], strerror(errno));
    if (pid == 0)
        exec_program(to, argv);
    (void)close(to);
    return pid;
}

pid_t process_start(struct bench *b, const char *verb, const char *root, const char *state,
                    const char *docker)
{
    const char *const argv[] = {b->evenkeel, verb,   "--root", root,        "--state", state,
                                "--docker",  docker, "--name", BENCH_OWNER, NULL};

    return process_run(b, verb, argv);
}

static void turn(struct bench *b, int fd, double ms)
{
    struct curl_waitfd extra = {.fd = fd, .events = CURL_WAIT_POLLIN};
    struct err e = {0};

    if (http_poll(b->http, &extra, fd >= 0 ? 1 : 0, ms < 1 ? 1 : (int)ms, &e) < 0)
        bench_die("%s", e.msg);
}

int process_wait_used(struct bench *b, pid_t pid, struct rusage *ret)
{
    int fd = pidfd_open(pid, 0), status = 0;

    while (wait4(pid, &status, WNOHANG, ret) == 0)
        turn(b, fd, 1000);
    (void)close(fd);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int process_wait(struct bench *b, pid_t pid)
{
    struct rusage unused;

    return process_wait_used(b, pid, &unused);
}

void process_stop(struct bench *b, pid_t pid)
{
    (void)kill(pid, SIGTERM);
    int status = process_wait(b, pid);

    if (status != 0)
        bench_die("evenkeel ended with status %d", status);
}

void bench_pause(struct bench *b, double ms)
{
    double end = bench_now_ms() + ms;

    for (double left = ms; left > 0; left = end - bench_now_ms())
        turn(b, -1, left);
}

/* ---- /proc ---- */

static void read_proc(const char *path, char *buf, size_t size)
{
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(buf, 1, size - 1, f) : 0;

    buf[n] = '\0';
    if (f)
        (void)fclose(f);
}

static double field(const char *text, const char *name)
{
    const char *at = strstr(text, name);

    return at ? strtod(at + strlen(name), NULL) : 0;
}

static void add_thread(struct usage *u, pid_t pid, const char *task)
{
    char path[64 + 256], text[4096];

    (void)snprintf(path, sizeof(path), "/proc/%d/task/%s/status", (int)pid, task);
    read_proc(path, text, sizeof(text));
    u->wakeups += (uint64_t)field(text, "\nvoluntary_ctxt_switches:");
    (void)snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int)pid, task);
    read_proc(path, text, sizeof(text));
    u->cpu_ms += strtod(text, NULL) / 1e6;
}

struct usage process_usage(pid_t pid)
{
    struct usage u = {0};
    char path[64], text[4096];

    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    read_proc(path, text, sizeof(text));
    u.rss_kb = field(text, "\nVmRSS:");
    u.peak_kb = field(text, "\nVmHWM:");
    u.anon_kb = field(text, "\nRssAnon:");
    (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);

    if (!tasks || u.rss_kb == 0)
        bench_die("evenkeel (pid %d) is gone", (int)pid);
    for (const struct dirent *t; (t = readdir(tasks));)
        if (t->d_name[0] != '.')
            add_thread(&u, pid, t->d_name);
    (void)closedir(tasks);
    return u;
}

void process_forget_peak(pid_t pid)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/%d/clear_refs", (int)pid);
    FILE *f = fopen(path, "we");

    if (!f || fputs("5\n", f) < 0 || fclose(f) != 0)
        bench_die("%s: %s", path, strerror(errno));
}

void process_quiet(struct bench *b, pid_t pid, double ms)
{
    double since = bench_now_ms(), end = since + QUIET_PATIENCE_MS;
    uint64_t before = process_usage(pid).wakeups;

    while (bench_now_ms() - since < ms) {
        bench_pause(b, ms / 10);
        uint64_t now = process_usage(pid).wakeups;
        if (now > before + 1) /* its HTTP server looks up every two seconds */
            since = bench_now_ms();
        before = now;
        if (since > end)
            bench_die("evenkeel (pid %d) does not come to rest", (int)pid);
    }
}
