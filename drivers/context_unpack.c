/* Unpacks .tar.gz and .tar.zst as a stream.
 *
 * Comes in: a file. Goes out: blocks of the tar. gzip is unpacked here and not by libarchive, which compares neither its checksum nor its
 * length; zstd is left to libarchive, which does. Only one layer is taken off, and nothing may follow the last member. */
#include "drivers/context_unpack.h"

#include <errno.h>
#include <unistd.h>
#include <zlib.h>

#include "drivers/context_parts.h"
#include "drivers/libarchive.h"
#include "spec/base/arena.h"

struct unpack {
    int fd;
    int64_t at; /* read of the file */
    bool gzip;  /* z is in use */
    z_stream z;
    bool inside;                  /* a member of a gzip file has begun and not ended */
    struct archive *zstd;         /* or NULL */
    const struct libarchive *lib; /* with zstd */
    unsigned char in[CONTEXT_BLOCK_BYTES], out[CONTEXT_BLOCK_BYTES];
};

/* The next packed bytes, into u->in. */
static long read_in(struct unpack *u, struct err *e)
{
    ssize_t n = pread(u->fd, u->in, sizeof(u->in), u->at);

    if (n < 0)
        return err_errno(e, errno, "reading it");
    u->at += n;
    return n;
}

/* ---- gzip ---- */

static int gzip_step(struct unpack *u, struct err *e)
{
    long got = 0;
    int rc;

    if (u->z.avail_in == 0) {
        got = read_in(u, e);
        if (got < 0)
            return -1;
        u->z.next_in = u->in;
        u->z.avail_in = (uInt)got;
        if (got == 0)
            return u->inside ? err_set(e, ERR_USER, "it is truncated") : 0;
    }
    if (!u->inside && inflateReset(&u->z) != Z_OK)
        return err_set(e, ERR_BUG, "inflateReset");
    u->inside = true;
    rc = inflate(&u->z, Z_NO_FLUSH);
    if (rc == Z_STREAM_END) /* checksum and length were right; another member may follow */
        u->inside = false;
    else if (rc != Z_OK && rc != Z_BUF_ERROR)
        return err_set(e, ERR_USER, "its compressed data is damaged: %s",
                       u->z.msg ? u->z.msg : "it ends too early");
    return 1;
}

static long gzip_next(struct unpack *u, struct err *e)
{
    int more = 1;

    u->z.next_out = u->out;
    u->z.avail_out = sizeof(u->out);
    while (u->z.avail_out > 0 && more > 0)
        more = gzip_step(u, e);
    return more < 0 ? -1 : (long)(sizeof(u->out) - u->z.avail_out);
}

/* ---- zstd ---- */

static la_ssize_t give_in(struct archive *ar, void *user, const void **ret)
{
    struct unpack *u = user;
    struct err why = {0};
    long n = read_in(u, &why);

    if (n < 0)
        u->lib->set_error(ar, EIO, "%s", why.msg);
    *ret = u->in;
    return n;
}

static long zstd_next(struct unpack *u, struct err *e)
{
    size_t have = 0;
    la_ssize_t n = 0;

    while (have < sizeof(u->out) &&
           (n = u->lib->read_data(u->zstd, u->out + have, sizeof(u->out) - have)) > 0)
        have += (size_t)n;
    if (n < 0)
        return err_set(e, ERR_USER, "its compressed data is damaged: %s",
                       u->lib->error_string(u->zstd));
    return (long)have;
}

static int zstd_open(struct unpack *u, struct err *e)
{
    struct archive_entry *whole;

    u->lib = libarchive_get(e);
    if (!u->lib)
        return -1;
    u->zstd = u->lib->read_new();
    if (!u->zstd)
        return err_set(e, ERR_RETRY, "out of memory");
    (void)u->lib->read_support_filter_zstd(u->zstd);
    (void)u->lib->read_support_format_raw(u->zstd);
    if (u->lib->read_open2(u->zstd, u, NULL, give_in, NULL, NULL) != ARCHIVE_OK ||
        u->lib->read_next_header(u->zstd, &whole) != ARCHIVE_OK)
        return err_set(e, ERR_USER, "its compressed data is damaged: %s",
                       u->lib->error_string(u->zstd));
    return 0;
}

/* ---- the door ---- */

struct unpack *unpack_new(int fd, struct err *e)
{
    struct unpack *u = xcalloc(1, sizeof(*u));
    unsigned char head[4] = {0};
    int rc = 0;

    u->fd = fd;
    (void)!pread(fd, head, sizeof(head), 0); /* a failure shows when the first block is read */
    if (memcmp(head, "\x1f\x8b", 2) == 0) {
        u->gzip = true;
        if (inflateInit2(&u->z, MAX_WBITS + 16) != Z_OK)
            rc = err_set(e, ERR_RETRY, "out of memory");
    } else if (memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0) {
        rc = zstd_open(u, e);
    }
    if (rc < 0) {
        unpack_free(u);
        return NULL;
    }
    return u;
}

void unpack_free(struct unpack *u)
{
    if (!u)
        return;
    if (u->gzip)
        (void)inflateEnd(&u->z);
    if (u->zstd)
        (void)u->lib->read_free(u->zstd);
    free(u);
}

long unpack_next(struct unpack *u, const unsigned char **ret, struct err *e)
{
    if (!u->gzip && !u->zstd) {
        *ret = u->in;
        return read_in(u, e);
    }
    *ret = u->out;
    return u->gzip ? gzip_next(u, e) : zstd_next(u, e);
}
