/* eio.c: a library to be put before others (LD_PRELOAD): while a file is there, everything below a folder fails with EIO.
 *
 * In: EIO_BELOW, the folder; EIO_WHILE, the file. Out: EIO from calls that open, write, flush, cut, rename, make or remove something below
 * it, by name or by descriptor. What was mapped into memory stays as it is. It knows no threads and no state: whoever tests turns it on
 * and off. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_on(void)
{
    const char *file = getenv("EIO_WHILE");

    return file && access(file, F_OK) == 0;
}

static bool is_below(const char *path)
{
    const char *folder = getenv("EIO_BELOW");

    return folder && path && strncmp(path, folder, strlen(folder)) == 0;
}

static bool fails_fd(int fd)
{
    char link[32], path[4096];

    if (!is_on())
        return false;
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof(path) - 1);

    if (n < 0)
        return false;
    path[n] = '\0';
    return is_below(path);
}

static bool fails_at(int dir, const char *path)
{
    return path && path[0] != '/' && dir != AT_FDCWD ? fails_fd(dir) : is_below(path) && is_on();
}

/* The real one of a function that is shadowed here. */
#define REAL(type, name) ((type)(uintptr_t)dlsym(RTLD_NEXT, name))
#define FAIL_IF(what)                                                                              \
    do {                                                                                           \
        if (what) {                                                                                \
            errno = EIO;                                                                           \
            return -1;                                                                             \
        }                                                                                          \
    } while (0)

static mode_t mode_of(int flags, va_list ap)
{
    return flags & (O_CREAT | __O_TMPFILE) ? (mode_t)va_arg(ap, int) : 0;
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        va_list ap;                                                                                \
                                                                                                   \
        va_start(ap, flags);                                                                       \
        mode_t mode = mode_of(flags, ap);                                                          \
        va_end(ap);                                                                                \
        FAIL_IF(fails_at(AT_FDCWD, path));                                                         \
        return REAL(int (*)(const char *, int, mode_t), #name)(path, flags, mode);                 \
    }
#define OPENAT(name)                                                                               \
    int name(int dir, const char *path, int flags, ...)                                            \
    {                                                                                              \
        va_list ap;                                                                                \
                                                                                                   \
        va_start(ap, flags);                                                                       \
        mode_t mode = mode_of(flags, ap);                                                          \
        va_end(ap);                                                                                \
        FAIL_IF(fails_at(dir, path));                                                              \
        return REAL(int (*)(int, const char *, int, mode_t), #name)(dir, path, flags, mode);       \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

FILE *fopen(const char *path, const char *mode)
{
    if (fails_at(AT_FDCWD, path)) {
        errno = EIO;
        return NULL;
    }
    return REAL(FILE * (*)(const char *, const char *), "fopen")(path, mode);
}

FILE *fopen64(const char *path, const char *mode)
{
    return fopen(path, mode);
}

ssize_t write(int fd, const void *data, size_t n)
{
    FAIL_IF(fd > 2 && fails_fd(fd));
    return REAL(ssize_t(*)(int, const void *, size_t), "write")(fd, data, n);
}

ssize_t read(int fd, void *data, size_t n)
{
    FAIL_IF(fd > 2 && fails_fd(fd));
    return REAL(ssize_t(*)(int, void *, size_t), "read")(fd, data, n);
}

#define AT_OFFSET(name, type)                                                                      \
    ssize_t name(int fd, type data, size_t n, off_t at)                                            \
    {                                                                                              \
        FAIL_IF(fails_fd(fd));                                                                     \
        return REAL(ssize_t(*)(int, type, size_t, off_t), #name)(fd, data, n, at);                 \
    }
AT_OFFSET(pwrite, const void *)
AT_OFFSET(pwrite64, const void *)
AT_OFFSET(pread, void *)
AT_OFFSET(pread64, void *)

#define BY_FD(name)                                                                                \
    int name(int fd)                                                                               \
    {                                                                                              \
        FAIL_IF(fails_fd(fd));                                                                     \
        return REAL(int (*)(int), #name)(fd);                                                      \
    }
BY_FD(fsync)
BY_FD(fdatasync)

int ftruncate(int fd, off_t size)
{
    FAIL_IF(fails_fd(fd));
    return REAL(int (*)(int, off_t), "ftruncate")(fd, size);
}

int ftruncate64(int fd, off_t size)
{
    return ftruncate(fd, size);
}

int rename(const char *from, const char *to)
{
    FAIL_IF(fails_at(AT_FDCWD, to));
    return REAL(int (*)(const char *, const char *), "rename")(from, to);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    FAIL_IF(fails_at(to_dir, to));
    return REAL(int (*)(int, const char *, int, const char *), "renameat")(from_dir, from, to_dir,
                                                                           to);
}

int unlink(const char *path)
{
    FAIL_IF(fails_at(AT_FDCWD, path));
    return REAL(int (*)(const char *), "unlink")(path);
}

int mkdir(const char *path, mode_t mode)
{
    FAIL_IF(fails_at(AT_FDCWD, path));
    return REAL(int (*)(const char *, mode_t), "mkdir")(path, mode);
}
