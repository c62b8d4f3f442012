/* process.h: evenkeel as a process: started, measured through /proc, ended. */
#ifndef EK_BENCH_PROCESS_H
#define EK_BENCH_PROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

struct bench;

/* Starts `evenkeel VERB --root ROOT --state STATE --docker URL --name bench`, its output appended to WORK/VERB.log. It ends with us. */
pid_t process_start(struct bench *b, const char *verb, const char *root, const char *state,
                    const char *docker);
/* Waits for its end while events go on being seen; returns its exit status. */
int process_wait(struct bench *b, pid_t pid);
/* Starts any program with these arguments and no standard input, its output appended to WORK/LOG.log. It ends with us. */
pid_t process_run(struct bench *b, const char *log, const char *const *argv);
/* Like process_wait, and tells what it and its children used. */
int process_wait_used(struct bench *b, pid_t pid, struct rusage *ret);
/* SIGTERM, then process_wait. */
void process_stop(struct bench *b, pid_t pid);

struct usage {
    double cpu_ms;
    uint64_t wakeups; /* voluntary context switches of all threads */
    double rss_kb, anon_kb;
    double peak_kb; /* the most that rss_kb ever was, or was since process_forget_peak */
};
struct usage process_usage(pid_t pid);
void process_forget_peak(pid_t pid);
/* Until none of its threads ran for so long; events go on being seen. Dies after 180 s. */
void process_quiet(struct bench *b, pid_t pid, double ms);

/* Runs the loop for so long. */
void bench_pause(struct bench *b, double ms);

/* ---- files ---- */
const char *bench_path(struct bench *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3))); /* below WORK */
void bench_mkdir(const char *path);
/* Written beside and renamed into place; the return is the time of the rename. */
double bench_write(struct bench *b, const char *path, const char *text);

#endif
