/* An archive, taken in.
 *
 * Comes in: bytes from a client. Goes out: a file in uploads/.bundles/ that nobody names yet, with its digest, after its content was read through once: names, limits, checksums. It runs at a lower
 * priority than everything else, and refuses what is no archive by its first bytes, whatever it is called. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include "agent/door_parts.h"
#include "drivers/context.h"
#include "spec/base/arena.h"
#include "spec/limits.h"

enum { UPLOAD_NICE = 10, CHUNK = 32768 };

static const char *ending_of(const unsigned char *head, size_t n)
{
    if (n >= 4 && memcmp(head, "PK\3\4", 4) == 0)
        return "zip";
    if (n >= 4 && memcmp(head, "PK\5\6", 4) == 0)
        return "zip"; /* an empty one: refused with that reason when it is opened */
    if (n >= 2 && head[0] == 0x1f && head[1] == 0x8b)
        return "tar.gz";
    if (n >= 4 && memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0)
        return "tar.zst";
    return NULL;
}

struct taking {
    struct door_upload *u;
    struct door_taken *ret;
    int fd;
    EVP_MD_CTX *md;
    unsigned char *buf;
};

static int not_stored(struct taking *t, struct err *e)
{
    t->u->full = errno == ENOSPC || errno == EDQUOT;
    return err_errno(e, errno, "the archive cannot be stored");
}

static int write_all(struct taking *t, const unsigned char *p, size_t n, struct err *e)
{
    while (n > 0) {
        ssize_t put = write(t->fd, p, n);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return not_stored(t, e);
        p += put;
        n -= (size_t)put;
    }
    return 0;
}

static int take_bytes(struct taking *t, int64_t max, struct err *e)
{
    struct door_upload *u = t->u;
    long n;
    size_t head = 0;

    while ((n = u->read(u->ctx, t->buf + head, CHUNK - head)) > 0 || head > 0) {
        size_t there = head + (size_t)(n > 0 ? n : 0);

        if (!t->ret->ending && there < 4 && n > 0) { /* not enough to know what it is */
            head = there;
            continue;
        }
        head = 0;
        if (!t->ret->ending && !(t->ret->ending = ending_of(t->buf, there)))
            return err_set(e, ERR_USER,
                           "this is no ZIP, tar.gz or tar.zst: send the archive itself");
        t->ret->bytes += (int64_t)there;
        if (t->ret->bytes > max)
            return err_set(e, ERR_USER, "the archive is larger than %lld MiB",
                           (long long)(max >> 20));
        if (EVP_DigestUpdate(t->md, t->buf, there) != 1 || write_all(t, t->buf, there, e) < 0)
            return e->kind ? -1 : err_set(e, ERR_BUG, "no digest");
        if (n <= 0)
            break;
    }
    if (n < 0 || (u->length >= 0 && t->ret->bytes != u->length))
        return err_set(e, ERR_USER,
                       "the upload breaks off after %lld bytes, or comes too slowly: send it again",
                       (long long)t->ret->bytes);
    return t->ret->ending ? 0 : err_set(e, ERR_USER, "nothing was sent: an archive is the body");
}

static int take_archive(struct door_call *c, const char *folder, struct taking *t, struct err *e)
{
    struct door_upload *u = t->u;
    char *path = arena_printf(c->a, "%s/.part.XXXXXX", folder);
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    char *hex = arena_alloc(c->a, SHA256_HEX);

    t->fd = mkostemp(path, O_CLOEXEC);
    if (t->fd < 0)
        return not_stored(t, e);
    t->ret->path = path;
    t->md = EVP_MD_CTX_new();
    t->buf = arena_alloc(c->a, CHUNK);
    int rc = t->md && EVP_DigestInit_ex(t->md, EVP_sha256(), NULL) == 1
                 ? take_bytes(t, LIMIT_UPLOAD_BYTES, e)
                 : err_set(e, ERR_BUG, "no digest");

    if (rc == 0 && (EVP_DigestFinal_ex(t->md, sum, &n) != 1 || fsync(t->fd) != 0))
        rc = not_stored(t, e);
    EVP_MD_CTX_free(t->md);
    (void)close(t->fd);
    for (unsigned i = 0; i < n; i++)
        (void)snprintf(hex + 2 * (size_t)i, 3, "%02x", sum[i]);
    u->sha256 = hex;
    return rc;
}

/* Names, limits and checksums: the whole of it is read once. */
static int open_archive(const struct door *d, const char *path, struct err *e)
{
    struct context_where where = {.path = path,
                                  .limits = context_limits_of(&d->o->settings.build_limits)};
    char digest[SHA256_HEX];
    struct context *ctx = context_open(&where, e);
    int rc = ctx ? context_digest(ctx, digest, e) : -1;

    context_free(ctx);
    return rc;
}

struct taking_in {
    struct door_call *c;
    const char *folder;
    struct taking *t;
    int rc;
    struct err *e;
};

/* Hashing and unpacking a GiB takes seconds of a processor: who logs in, asks or is converged meanwhile comes first. */
static void take_in(void *arg)
{
    struct taking_in *x = arg;
    struct taking *t = x->t;

    errno = 0;
    if (nice(UPLOAD_NICE) == -1 && errno != 0)
        errno = 0; /* then it is as nice as it may be; on Linux a thread alone has it (nice(2)) */
    x->rc = take_archive(x->c, x->folder, t, x->e);
    if (x->rc < 0)
        return;
    const char *named = arena_printf(x->c->a, "%s.%s", t->ret->path, t->ret->ending);

    if (rename(t->ret->path, named) != 0) {
        x->rc = err_errno(x->e, errno, "%s", named);
        return;
    }
    t->ret->path = named;
    x->rc = open_archive(x->c->door, named, x->e);
}

int door_take(struct door_call *c, const char *folder, struct door_upload *u,
              struct door_taken *ret, struct err *e)
{
    struct taking t = {.u = u, .ret = ret, .fd = -1};
    struct taking_in x = {.c = c, .folder = folder, .t = &t, .e = e};

    return door_deep(take_in, &x, e) < 0 ? -1 : x.rc;
}
