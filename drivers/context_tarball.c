/* A tar as a build context.
 *
 * Comes in: an archive, packed or not. A tar can only be read from its start and in its own order, so content is written once to an unlinked temporary
 * file. Goes out: entries with their places in it. Every negative answer of libarchive is a failure, also what it calls a warning; so
 * is a tar without its end, and anything but zeros behind that. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "drivers/context_parts.h"
#include "drivers/context_pax.h"
#include "drivers/context_unpack.h"
#include "drivers/libarchive.h"
#include "spec/base/arena.h"

#define OVERHEAD_BYTES 8192 /* of one entry: headers in every dialect, padding */

struct tarball { /* what the context keeps */
    int spool;
    int64_t spooled;
    const struct item *x; /* open now */
    int64_t at;           /* read of it */
};

/* ---- content ---- */

static int spool_open(struct context *c, const struct item *x, struct err *e)
{
    struct tarball *t = c->own;

    (void)e;
    t->x = x;
    t->at = 0;
    return 0;
}

static long spool_read(struct context *c, void *buf, size_t n, struct err *e)
{
    struct tarball *t = c->own;
    int64_t left = t->x->e.bytes - t->at;
    ssize_t got;

    if (left <= 0)
        return 0;
    got = pread(t->spool, buf, (int64_t)n < left ? n : (size_t)left, t->x->at.spool + t->at);
    if (got <= 0)
        return err_errno(e, got < 0 ? errno : EIO, "%s: reading its spooled content",
                         c->where.path);
    t->at += got;
    return got;
}

static void spool_close(struct context *c)
{
    (void)c;
}

static void spool_free(struct context *c)
{
    struct tarball *t = c->own;

    if (t->spool >= 0)
        (void)close(t->spool);
    free(t);
}

static const struct context_source spool_source = {spool_open, spool_read, spool_close, spool_free,
                                                   NULL};

static int make_spool(struct err *e)
{
    const char *dir = getenv("TMPDIR");
    char name[] = "/tmp/evenkeel-spool-XXXXXX";
    int fd = open(dir && *dir ? dir : "/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd >= 0)
        return fd;
    fd = mkostemp(name, O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, errno, "cannot make a temporary file");
    (void)unlink(name);
    return fd;
}

/* ---- reading ---- */

struct reading {
    struct context *c;
    const struct libarchive *lib;
    struct archive *ar;
    struct unpack *unpack;
    struct context_pax pax;
    struct err why; /* of unpack, or of pax */
    const unsigned char *block;
    size_t n;            /* of the block */
    int64_t at;          /* where it begins in the tar */
    struct arena *arena; /* for one entry */
};

static int next_block(struct reading *r, struct err *e)
{
    const struct context *c = r->c;
    const struct context_limits *l = &c->where.limits;
    const char *name;
    long n;

    r->at += (int64_t)r->n;
    r->n = 0;
    if (r->at > l->total_bytes + ((int64_t)l->entries + 2) * OVERHEAD_BYTES)
        return err_set(e, ERR_USER, "%s unpacks to more than its entries and their limits",
                       c->where.path);
    if (context_check_time(c, e) < 0)
        return -1;
    n = unpack_next(r->unpack, &r->block, e);
    if (n < 0)
        return err_wrap(e, "%s", c->where.path);
    r->n = (size_t)n;
    if (context_pax_feed(&r->pax, r->block, r->n, &name))
        return context_refuse(c, name, e, "its name holds a NUL");
    return 0;
}

static la_ssize_t give_block(struct archive *ar, void *user, const void **ret)
{
    struct reading *r = user;

    if (next_block(r, &r->why) < 0) {
        r->lib->set_error(ar, EIO, "%s", r->why.msg);
        return -1;
    }
    *ret = r->block;
    return (la_ssize_t)r->n;
}

/* What libarchive found wrong, or unpack below it. */
static int damaged(struct reading *r, const char *entry, struct err *e)
{
    const char *says = r->lib->error_string(r->ar);
    CLEANUP(str_release) struct str text = STR_INIT;

    if (r->why.kind)
        return err_set(e, r->why.kind, "%s", r->why.msg);
    str_add_escaped(&text, says ? says : "it is damaged");
    if (entry)
        return context_refuse(r->c, entry, e, "%s", str_text(&text));
    return err_set(e, ERR_USER, "%s is no intact tar: %s", r->c->where.path, str_text(&text));
}

static int write_spool(const struct context *c, const char *bytes, size_t n, struct err *e)
{
    struct tarball *t = c->own;

    while (n > 0) {
        ssize_t done = write(t->spool, bytes, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0) {
            (void)err_errno(e, errno, "%s: writing its content to a temporary file", c->where.path);
            if (e)
                e->kind = ERR_RETRY; /* whatever it is, the archive is not to blame */
            return -1;
        }
        bytes += done;
        n -= (size_t)done;
        t->spooled += done;
    }
    return 0;
}

static int spool_content(struct reading *r, struct item *it, struct err *e)
{
    struct tarball *t = r->c->own;
    CLEANUP(xfreep) char *buf = xcalloc(1, CONTEXT_BLOCK_BYTES);
    int64_t have = 0;
    la_ssize_t n;

    it->at.spool = t->spooled;
    while ((n = r->lib->read_data(r->ar, buf, CONTEXT_BLOCK_BYTES)) > 0) {
        have += n;
        if (have > it->e.bytes)
            return context_refuse(r->c, it->e.path, e, "it holds more than it declares");
        if (context_check_time(r->c, e) < 0 || write_spool(r->c, buf, (size_t)n, e) < 0)
            return -1;
    }
    if (n < 0)
        return damaged(r, it->e.path, e);
    if (have != it->e.bytes)
        return context_refuse(r->c, it->e.path, e, "it holds less than it declares");
    return 0;
}

static char type_of(const struct libarchive *lib, struct archive_entry *x)
{
    if (lib->entry_hardlink(x))
        return 'f';
    switch (lib->entry_filetype(x)) {
    case AE_IFREG: return 'f';
    case AE_IFDIR: return 'd';
    case AE_IFLNK: return 'l';
    default: return 0;
    }
}

static int read_entry(struct reading *r, struct archive_entry *x, struct err *e)
{
    struct context *c = r->c;
    const char *raw = r->lib->entry_pathname(x), *hard = r->lib->entry_hardlink(x);
    struct item *it;

    if (!raw || !*raw)
        return context_refuse(c, "", e, "it has no name, or one that is not UTF-8");
    struct context_entry entry = {.path = context_name_clean(raw, r->arena),
                                  .type = type_of(r->lib, x)};

    if (!entry.type)
        return context_refuse(c, raw, e, "it is no file, no directory and no symbolic link");
    if (!*entry.path || context_is_junk(entry.path))
        return 0;
    if (entry.type == 'f' && !hard) {
        entry.bytes = r->lib->entry_size(x);
        entry.executable = r->lib->entry_perm(x) & 0111;
    }
    if (entry.type == 'l')
        entry.target = r->lib->entry_symlink(x);
    if (entry.bytes < 0 || (entry.type == 'l' && (!entry.target || !*entry.target)))
        return context_refuse(c, raw, e, "its header is damaged");
    if (context_add(c, &entry, &it, e) < 0)
        return -1;
    if (hard)
        it->hard = context_name_clean(hard, c->arena);
    return entry.type == 'f' && !hard ? spool_content(r, it, e) : 0;
}

/* Behind the last entry: at least one block of zeros, and nothing else to the very end of the file. */
static int check_end(struct reading *r, struct err *e)
{
    int64_t end = r->lib->read_header_position(r->ar);
    bool any = r->at > end;

    while (r->n > 0) {
        for (size_t i = end > r->at ? (size_t)(end - r->at) : 0; i < r->n; i++, any = true)
            if (r->block[i])
                return err_set(e, ERR_USER, "%s is no intact tar: bytes follow its end",
                               r->c->where.path);
        if (next_block(r, e) < 0)
            return -1;
    }
    if (!any)
        return err_set(e, ERR_USER, "%s is no intact tar: it is truncated", r->c->where.path);
    return 0;
}

static int read_entries(struct reading *r, struct err *e)
{
    struct archive_entry *x;
    int got, rc = 0;

    (void)r->lib->read_support_format_tar(r->ar);
    if (r->lib->read_open2(r->ar, r, NULL, give_block, NULL, NULL) != ARCHIVE_OK)
        return damaged(r, NULL, e);
    while (rc == 0 && (got = r->lib->read_next_header(r->ar, &x)) != ARCHIVE_EOF) {
        rc = got == ARCHIVE_OK ? read_entry(r, x, e) : damaged(r, NULL, e);
        arena_clear(r->arena);
    }
    return rc < 0 ? -1 : check_end(r, e);
}

static int read_tar(struct context *c, struct err *e)
{
    struct reading r = {.c = c, .arena = arena_new()};
    int rc = -1;

    r.lib = libarchive_get(&r.why);
    if (r.lib) {
        r.unpack = unpack_new(c->fd, &r.why);
        r.ar = r.lib->read_new();
    }
    if (!r.unpack)
        (void)err_set(e, r.why.kind, "%s: %s", c->where.path, r.why.msg);
    else if (!r.ar)
        (void)err_set(e, ERR_RETRY, "%s: out of memory", c->where.path);
    else
        rc = read_entries(&r, e);
    if (r.ar)
        (void)r.lib->read_free(r.ar);
    unpack_free(r.unpack);
    context_pax_release(&r.pax);
    arena_free(r.arena);
    return rc;
}

/* ---- hard links ---- */

static int by_place(const void *va, const void *vb)
{
    const struct item *a = *(struct item *const *)va, *b = *(struct item *const *)vb;
    int order = context_name_order(a->e.path, b->e.path);

    return order ? order : a->order < b->order ? -1 : a->order > b->order;
}

/* The last entry of that name that stands before x in the archive. */
static const struct item *earlier(struct item *const *v, size_t n, const struct item *x)
{
    const struct item key = {.e = {.path = x->hard}, .order = x->order}, *at = &key;
    size_t lo = 0, hi = n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (by_place(&v[mid], &at) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo > 0 && strcmp(v[lo - 1]->e.path, x->hard) == 0 ? v[lo - 1] : NULL;
}

/* A hard link becomes the file that it names, and is counted as one. */
static int resolve_hard_links(struct context *c, struct err *e)
{
    struct item **v = xcalloc(c->n + 1, sizeof(*v));
    int rc = 0;

    for (size_t i = 0; i < c->n; i++)
        v[i] = &c->items[i];
    if (c->n > 1)
        qsort(v, c->n, sizeof(*v), by_place);
    for (size_t i = 0; i < c->n && rc == 0; i++) { /* in the order of the archive */
        struct item *x = &c->items[i];
        const struct item *to = x->hard ? earlier(v, c->n, x) : NULL;
        const char *path = x->e.path;

        if (!x->hard)
            continue;
        if (!to || to->e.type == 'd') {
            rc = context_refuse(c, path, e, "it is a hard link to no file before it in there");
            continue;
        }
        x->e = to->e;
        x->e.path = path;
        x->at = to->at;
        rc = context_count_bytes(c, path, x->e.bytes, e);
    }
    free(v);
    return rc;
}

int context_open_tarball(struct context *c, struct err *e)
{
    struct tarball *t = xcalloc(1, sizeof(*t));

    c->own = t;
    c->source = &spool_source;
    t->spool = make_spool(e);
    if (t->spool < 0 || read_tar(c, e) < 0)
        return -1;
    return resolve_hard_links(c, e);
}
