/* scratch.h: a folder of its own for a test that needs real files; the test works inside it. */
#ifndef EK_TEST_SCRATCH_H
#define EK_TEST_SCRATCH_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static inline int scratch_remove_one(const char *path, const struct stat *st, int kind,
                                     struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

/* rm -rf */
static inline void scratch_remove(const char *path)
{
    (void)nftw(path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* cmocka setup and teardown: *state is the absolute path, the working directory is there. */
static inline int scratch_setup(void **state)
{
    char path[] = "/tmp/evenkeel-unit-XXXXXX";

    if (!mkdtemp(path) || chdir(path) != 0)
        return -1;
    *state = strdup(path);
    return 0;
}

static inline int scratch_teardown(void **state)
{
    if ((getuid() == 0 && seteuid(0) != 0) || chdir("/") != 0)
        return -1;
    scratch_remove(*state);
    free(*state);
    return 0;
}

/* Write in place, as `echo >` does. */
static inline void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd) != 0) {
        perror(path);
        abort();
    }
}

/* Write beside it and rename, as careful editors do. */
static inline void save(const char *path, const char *text)
{
    put(".save.tmp", text);
    if (rename(".save.tmp", path) != 0) {
        perror(path);
        abort();
    }
}

static inline void make_dir(const char *path)
{
    if (mkdir(path, 0755) != 0) {
        perror(path);
        abort();
    }
}

static inline void move(const char *from, const char *to)
{
    if (rename(from, to) != 0) {
        perror(from);
        abort();
    }
}

static inline void pause_ms(int64_t ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};

    while (nanosleep(&t, &t) != 0 && errno == EINTR)
        ;
}

static inline double clock_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Let a file be older than it is. */
static inline void age(const char *path, int64_t ms)
{
    struct timespec t[2];
    int64_t at;

    (void)clock_gettime(CLOCK_REALTIME, &t[0]);
    at = (int64_t)t[0].tv_sec * 1000 + t[0].tv_nsec / 1000000 - ms;
    t[0] = t[1] = (struct timespec){at / 1000, at % 1000 * 1000000};
    if (utimensat(AT_FDCWD, path, t, AT_SYMLINK_NOFOLLOW) != 0)
        abort();
}

#endif
