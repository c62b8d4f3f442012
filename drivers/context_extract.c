/* A context on disk again: for tools that read files, and not a tar.
 *
 * Comes in: a checked list of entries and their source. Goes out: an empty folder filled with them, modes as in the tar. Everything is made relative to its folder, which only this
 * process can change, and nothing that exists is written to. Leaves out links that lead out of the source: who follows one would read the host's files. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/context_parts.h"
#include "spec/base/arena.h"

static int write_all(int fd, const char *buf, size_t n)
{
    while (n > 0) {
        ssize_t wrote = write(fd, buf, n);

        if (wrote < 0 && errno != EINTR)
            return -1;
        if (wrote > 0) {
            buf += wrote;
            n -= (size_t)wrote;
        }
    }
    return 0;
}

static int copy(struct context *c, const struct item *x, int fd, char *buf, struct err *e)
{
    long got;

    if (c->source->open(c, x, e) < 0)
        return -1;
    while ((got = c->source->read(c, buf, CONTEXT_BLOCK_BYTES, e)) > 0)
        if (write_all(fd, buf, (size_t)got) < 0) {
            got = err_errno(e, errno, "unpacking \"%.200s\"", x->e.path);
            break;
        }
    c->source->close(c);
    return got < 0 ? -1 : 0;
}

static int extract_file(struct context *c, const struct item *x, int folder, char *buf,
                        struct err *e)
{
    int fd = openat(folder, x->e.path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    x->e.executable ? 0755 : 0644);
    int rc;

    if (fd < 0)
        return err_errno(e, errno, "unpacking \"%.200s\"", x->e.path);
    rc = copy(c, x, fd, buf, e);
    if (close(fd) < 0 && rc == 0)
        rc = err_errno(e, errno, "unpacking \"%.200s\"", x->e.path);
    return rc;
}

static int extract_one(struct context *c, const struct item *x, int folder, char *buf,
                       struct err *e)
{
    int rc = 0;

    if (x->e.type == 'd')
        rc = mkdirat(folder, x->e.path, 0755);
    else if (x->e.type == 'l')
        rc = symlinkat(x->e.target, folder, x->e.path);
    else
        return extract_file(c, x, folder, buf, e);
    return rc < 0 ? err_errno(e, errno, "unpacking \"%.200s\"", x->e.path) : 0;
}

/* Links come last: until then there is none that a path could lead through. */
static int extract_all(struct context *c, int folder, char *buf, struct strv *left_out,
                       struct arena *a, struct err *e)
{
    for (int links = 0; links < 2; links++)
        for (size_t i = 0; i < c->n; i++) {
            const struct item *x = &c->items[i];

            if ((x->e.type == 'l') != (links == 1))
                continue;
            if (context_check_time(c, e) < 0)
                return -1;
            if (links && !context_follow(c, x->e.path, NULL))
                strv_push(a, left_out, arena_strdup(a, x->e.path));
            else if (extract_one(c, x, folder, buf, e) < 0)
                return -1;
        }
    return 0;
}

int context_extract(struct context *c, const char *folder, struct arena *a, struct strv *ret_left,
                    struct err *e)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;
    struct strv left = {0};

    if (fd < 0)
        return err_errno(e, errno, "opening %s", folder);
    char *buf = xcalloc(1, CONTEXT_BLOCK_BYTES);

    rc = extract_all(c, fd, buf, &left, a, e);
    free(buf);
    (void)close(fd);
    if (rc == 0)
        *ret_left = left;
    return rc;
}
