/* The content of a zip: any entry, at any time, without reading others.
 *
 * Comes in: where an entry's packed bytes lie. Goes out: its bytes, as many as it declares and with the checksum that it declares, or an error
 * by the time the last one is read. Needs one block of memory, however large the entry. */
#include <errno.h>
#include <unistd.h>
#include <zlib.h>

#include "drivers/context_parts.h"
#include "spec/base/arena.h"

struct zip {
    z_stream z;
    const struct item *x; /* open now */
    int64_t at, left;     /* packed bytes to be read from the file */
    int64_t have;         /* bytes given */
    uLong crc;
    bool over;
    unsigned char in[CONTEXT_BLOCK_BYTES];
};

static int fail(struct context *c, const char *why, struct err *e)
{
    const struct zip *s = c->own;

    (void)context_refuse(c, s->x->e.path, e, "%s", why);
    return context_failed(c, e);
}

static int zip_open(struct context *c, const struct item *x, struct err *e)
{
    struct zip *s = c->own;

    if (inflateReset(&s->z) != Z_OK)
        return err_set(e, ERR_BUG, "%s: inflateReset", c->where.path);
    s->z.avail_in = 0;
    s->x = x;
    s->at = x->at.zip.at;
    s->left = x->at.zip.bytes;
    s->have = 0;
    s->crc = crc32(0, NULL, 0);
    s->over = false;
    return 0;
}

/* At most n packed bytes. */
static long read_packed(struct context *c, void *buf, size_t n, struct err *e)
{
    struct zip *s = c->own;
    ssize_t got = pread(c->fd, buf, (int64_t)n < s->left ? n : (size_t)s->left, s->at);

    if (got < 0)
        return err_errno(e, errno, "%s", c->where.path);
    if (got == 0)
        return fail(c, "it is truncated", e);
    s->at += got;
    s->left -= got;
    return got;
}

static long read_stored(struct context *c, void *buf, size_t n, struct err *e)
{
    struct zip *s = c->own;

    if (s->left == 0) {
        s->over = true;
        return 0;
    }
    return read_packed(c, buf, n, e);
}

/* Bytes unpacked, at least one before the end. */
static long read_deflated(struct context *c, void *buf, size_t n, struct err *e)
{
    struct zip *s = c->own;
    uInt room = n > CONTEXT_BLOCK_BYTES ? CONTEXT_BLOCK_BYTES : (uInt)n;

    s->z.next_out = buf;
    s->z.avail_out = room;
    while (s->z.avail_out == room && !s->over) {
        long got = 0;
        int rc;

        if (s->z.avail_in == 0 && s->left > 0) {
            got = read_packed(c, s->in, sizeof(s->in), e);
            if (got < 0)
                return -1;
            s->z.next_in = s->in;
            s->z.avail_in = (uInt)got;
        }
        rc = inflate(&s->z, Z_NO_FLUSH);
        s->over = rc == Z_STREAM_END;
        if (rc == Z_BUF_ERROR)
            return fail(c, "its content ends too early", e);
        if (rc != Z_OK && rc != Z_STREAM_END)
            return fail(c, "its content is damaged", e);
    }
    return (long)(room - s->z.avail_out);
}

static int check_end(struct context *c, struct err *e)
{
    const struct zip *s = c->own;

    if (s->left > 0 || s->z.avail_in > 0)
        return fail(c, "bytes follow the end of its content", e);
    if (s->have != s->x->e.bytes)
        return fail(c, "it holds less than it declares", e);
    if (s->crc != s->x->at.zip.crc)
        return fail(c, "its content has another checksum than it declares", e);
    return 0;
}

static long zip_read(struct context *c, void *buf, size_t n, struct err *e)
{
    struct zip *s = c->own;
    long got = 0;

    if (!s->over)
        got = s->x->at.zip.deflated ? read_deflated(c, buf, n, e) : read_stored(c, buf, n, e);
    if (got < 0)
        return -1;
    s->have += got;
    if (s->have > s->x->e.bytes)
        return fail(c, "it holds more than it declares", e);
    s->crc = crc32(s->crc, buf, (uInt)got);
    if (s->over && check_end(c, e) < 0)
        return -1;
    return got;
}

static void zip_close(struct context *c)
{
    (void)c; /* the archive stays open */
}

static void zip_free(struct context *c)
{
    struct zip *s = c->own;

    (void)inflateEnd(&s->z);
    free(s);
}

static struct zip *zip_new(void)
{
    struct zip *s = xcalloc(1, sizeof(*s));

    if (inflateInit2(&s->z, -MAX_WBITS) == Z_OK)
        return s;
    free(s);
    return NULL;
}

static void *zip_twin(const struct context *c)
{
    (void)c; /* packed bytes are read by position */
    return zip_new();
}

static const struct context_source zip_source = {zip_open, zip_read, zip_close, zip_free, zip_twin};

int context_open_zip(struct context *c, struct err *e)
{
    struct zip *s = zip_new();

    if (!s)
        return err_set(e, ERR_RETRY, "%s: out of memory", c->where.path);
    c->own = s;
    c->source = &zip_source;
    return context_zip_list(c, e);
}
