/* A bundle (zip, tar, tar.gz, tar.zst) as a build context, by libarchive.
 *
 * A zip is read by the seekable reader (the streaming one loses modes and links) and never unpacked: content is taken in the order of the sorted list, as many small files
 * at a time as fit a window of memory, large ones directly. A tar can only be read from its start, so its content is spooled once into an unlinked temporary file.
 * Every negative return from libarchive is a failure, also a "warning": a bad checksum is one. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "drivers/context_parts.h"
#include "spec/base/arena.h"
#include "spec/dockerignore.h"
#include "spec/limits.h"

#define WINDOW_BYTES (8 << 20)
#define BLOCK_BYTES 65536

struct bundle {
    bool zip;
    int spool;              /* tars: descriptor of the content */
    int64_t spooled;
    size_t n_entries;       /* in the archive */
    size_t item;            /* open now */
    int64_t at;             /* read of it */
    struct archive *direct; /* positioned on a large file of a zip */
    char *window;           /* contents of several small files, one after another */
    size_t *windowed;       /* per order in the archive: offset in the window + 1, 0: not in it */
};

/* ---- opening ---- */

static bool ends_with(const char *path, const char *end)
{
    size_t n = strlen(path), m = strlen(end);
    return n > m && strcasecmp(path + n - m, end) == 0;
}

static int archive_says(struct archive *ar, const struct context *c, const char *entry, struct err *e)
{
    const char *why = archive_error_string(ar);
    CLEANUP(str_release) struct str shown = STR_INIT;
    str_add_escaped(&shown, why ? why : "damaged");
    if (!entry)
        return err_set(e, ERR_USER, "%s: %s", c->where.path, str_text(&shown));
    CLEANUP(str_release) struct str name = STR_INIT;
    str_add_escaped(&name, entry);
    return err_set(e, ERR_USER, "%s: entry \"%.150s\": %s", c->where.path, str_text(&name), str_text(&shown));
}

/* The name promises a format; an archive in disguise is refused. */
static int check_magic(const struct context *c, bool zip, struct err *e)
{
    static const struct {
        const char *end, *magic;
        size_t n;
    } rows[] = {
        {".zip", "PK", 2},           {".tar.gz", "\x1f\x8b", 2}, {".tgz", "\x1f\x8b", 2},
        {".tar.zst", "\x28\xb5\x2f\xfd", 4},
    };
    unsigned char head[4] = {0};
    int fd = open(c->where.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, errno, "%s", c->where.path);
    ssize_t n = read(fd, head, sizeof(head));
    (void)close(fd);
    if (n == 0)
        return err_set(e, ERR_USER, "%s is empty", c->where.path);
    if (zip && n == 4 && memcmp(head, "PK\5\6", 4) == 0)
        return err_set(e, ERR_USER, "%s is a zip without any entry", c->where.path);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (ends_with(c->where.path, rows[i].end) && (n < (ssize_t)rows[i].n || memcmp(head, rows[i].magic, rows[i].n) != 0))
            return err_set(e, ERR_USER, "%s is not what its name says: its first bytes are not those of a %s file",
                           c->where.path, rows[i].end);
    return 0;
}

static struct archive *open_archive(const struct context *c, bool zip, struct err *e)
{
    struct archive *ar = archive_read_new();
    if (!ar) {
        (void)err_set(e, ERR_RETRY, "%s: out of memory", c->where.path);
        return NULL;
    }
    if (zip) {
        (void)archive_read_support_format_zip_seekable(ar);
    } else {
        (void)archive_read_support_format_tar(ar);
        (void)archive_read_support_filter_gzip(ar);
        (void)archive_read_support_filter_zstd(ar);
    }
    if (archive_read_open_filename(ar, c->where.path, BLOCK_BYTES) != ARCHIVE_OK) {
        (void)archive_says(ar, c, NULL, e);
        (void)archive_read_free(ar);
        return NULL;
    }
    return ar;
}

/* ---- listing ---- */

/* Leading "./" and trailing "/" mean nothing. NULL: the entry is the folder itself, or what a Mac puts beside the files. */
static const char *clean_name(const char *name, struct arena *a)
{
    while (name[0] == '.' && name[1] == '/')
        name += 2;
    size_t n = strlen(name);
    while (n > 1 && name[n - 1] == '/')
        n--;
    if (n == 0 || (n == 1 && (name[0] == '.' || name[0] == '/')))
        return NULL;
    const char *last = memrchr(name, '/', n);
    last = last ? last + 1 : name;
    if (strncmp(name, "__MACOSX", 8) == 0 && (name[8] == '/' || n == 8))
        return NULL;
    if (strncmp(last, ".DS_Store", 9) == 0 && last + 9 == name + n)
        return NULL;
    return arena_strndup(a, name, n);
}

static int refuse_kind(const struct context *c, const char *name, const char *why, struct err *e)
{
    CLEANUP(str_release) struct str shown = STR_INIT;
    str_add_escaped(&shown, name);
    return err_set(e, ERR_USER, "%s: entry \"%.200s\" is refused: %s", c->where.path, str_text(&shown), why);
}

static int list_entry(struct context *c, struct archive_entry *x, size_t order, struct item **ret, struct err *e)
{
    const char *raw = archive_entry_pathname(x), *name, *hard = archive_entry_hardlink(x);
    char type;
    *ret = NULL;
    if (!raw || !*raw)
        return err_set(e, ERR_USER, "%s: entry %zu has no name that can be read as UTF-8", c->where.path, order + 1);
    if (archive_entry_is_encrypted(x))
        return refuse_kind(c, raw, "it is encrypted", e);
    switch (archive_entry_filetype(x)) {
    case AE_IFREG: type = 'f'; break;
    case AE_IFDIR: type = 'd'; break;
    case AE_IFLNK: type = 'l'; break;
    default:
        if (!hard)
            return refuse_kind(c, raw, "it is neither a file, a directory nor a symbolic link", e);
        type = 'f';
    }
    if (hard)
        type = 'f';
    if (raw[0] == '/')
        return refuse_kind(c, raw, "its name is absolute", e);
    name = clean_name(raw, c->arena);
    if (!name)
        return 0;
    int64_t bytes = type == 'f' && !hard ? archive_entry_size(x) : 0;
    if (bytes < 0)
        return refuse_kind(c, raw, "it has a negative size", e);
    struct item *it;
    if (context_add(c, name, type, archive_entry_perm(x) & 0111, bytes, type == 'l' ? archive_entry_symlink(x) : NULL, &it,
                    e) < 0)
        return -1;
    it->order = order;
    it->link = hard ? clean_name(hard, c->arena) : NULL;
    if (hard && !it->link)
        return refuse_kind(c, raw, "it is a hard link to nothing in it", e);
    *ret = it;
    return 0;
}

/* ---- tars: spool ---- */

static int spool_content(struct context *c, struct archive *ar, struct item *it, struct err *e)
{
    struct bundle *b = c->own;
    char buf[BLOCK_BYTES];
    int64_t have = 0;
    it->offset = b->spooled;
    for (;;) {
        la_ssize_t n = archive_read_data(ar, buf, sizeof(buf));
        if (n < 0)
            return archive_says(ar, c, it->e.path, e);
        if (n == 0)
            break;
        have += n;
        if (have > it->e.bytes)
            return refuse_kind(c, it->e.path, "it holds more than it declares", e);
        if (context_check_time(c, e) < 0)
            return -1;
        for (la_ssize_t done = 0; done < n;) {
            ssize_t w = write(b->spool, buf + done, (size_t)(n - done));
            if (w < 0)
                return err_errno(e, errno, "%s: spooling it to a temporary file", c->where.path);
            done += w;
        }
        b->spooled += n;
    }
    if (have != it->e.bytes)
        return refuse_kind(c, it->e.path, "it holds less than it declares", e);
    return 0;
}

static int open_spool(struct err *e)
{
    const char *dir = getenv("TMPDIR");
    int fd = open(dir && *dir ? dir : "/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) {
        char name[] = "/tmp/evenkeel-spool-XXXXXX";
        fd = mkostemp(name, O_CLOEXEC);
        if (fd >= 0)
            (void)unlink(name);
    }
    return fd < 0 ? err_errno(e, errno, "cannot make a temporary file") : fd;
}

static int list_archive(struct context *c, struct err *e)
{
    struct bundle *b = c->own;
    struct archive_entry *x;
    struct archive *ar = open_archive(c, b->zip, e);
    int rc = 0, got = ARCHIVE_OK;
    if (!ar)
        return -1;
    while (rc == 0 && (got = archive_read_next_header(ar, &x)) == ARCHIVE_OK) {
        struct item *it;
        rc = list_entry(c, x, b->n_entries++, &it, e);
        if (rc == 0 && it && !b->zip && it->e.type == 'f' && !it->link)
            rc = spool_content(c, ar, it, e);
    }
    if (rc == 0 && got != ARCHIVE_EOF)
        rc = archive_says(ar, c, NULL, e);
    if (rc == 0 && b->zip && archive_read_has_encrypted_entries(ar) == 1)
        rc = err_set(e, ERR_USER, "%s holds encrypted entries", c->where.path);
    (void)archive_read_free(ar);
    return rc;
}

/* A hard link is the file that it names, when that is in the archive too. */
static int resolve_hard_links(struct context *c, struct err *e)
{
    for (size_t i = 0; i < c->n; i++) {
        struct item *it = &c->items[i], *to = NULL;
        if (!it->link)
            continue;
        for (size_t k = 0; k < c->n && !to; k++)
            if (!c->items[k].link && c->items[k].e.type == 'f' && strcmp(c->items[k].e.path, it->link) == 0)
                to = &c->items[k];
        if (!to)
            return refuse_kind(c, it->e.path, "it is a hard link to something that is not a file in it", e);
        it->e.bytes = to->e.bytes;
        it->e.executable = to->e.executable;
        it->offset = to->offset;
        it->link = NULL;
    }
    return 0;
}

/* ---- content of a spool ---- */

static int spool_open(struct context *c, size_t item, struct err *e)
{
    struct bundle *b = c->own;
    (void)e;
    b->item = item;
    b->at = 0;
    return 0;
}

static long spool_read(struct context *c, void *buf, size_t n, struct err *e)
{
    struct bundle *b = c->own;
    const struct item *it = &c->items[b->item];
    int64_t left = it->e.bytes - b->at;
    if (left <= 0)
        return 0;
    ssize_t got = pread(b->spool, buf, (int64_t)n < left ? n : (size_t)left, it->offset + b->at);
    if (got <= 0)
        return err_errno(e, got < 0 ? errno : EIO, "%s: reading its spooled content", c->where.path);
    b->at += got;
    return got;
}

static void spool_close(struct context *c)
{
    (void)c;
}

static int spool_each(struct context *c, int (*piece)(void *user, size_t item, const void *bytes, size_t n), void *user,
                      struct err *e)
{
    char *buf = xcalloc(1, BLOCK_BYTES);
    int rc = 0;
    for (size_t i = 0; i < c->n && rc == 0; i++) {
        long got = 0;
        if (c->items[i].e.type != 'f')
            continue;
        (void)spool_open(c, i, e);
        while (rc == 0 && (got = spool_read(c, buf, BLOCK_BYTES, e)) > 0)
            rc = piece(user, i, buf, (size_t)got);
        if (got < 0)
            rc = -1;
        if (rc == 0)
            rc = piece(user, i, NULL, 0);
    }
    free(buf);
    return rc;
}

/* ---- content of a zip ---- */

/* The item of each entry of the archive, or SIZE_MAX; heap. */
static size_t *items_by_order(const struct context *c)
{
    const struct bundle *b = c->own;
    size_t *v = xcalloc(b->n_entries + 1, sizeof(*v));
    for (size_t i = 0; i < b->n_entries; i++)
        v[i] = SIZE_MAX;
    for (size_t i = 0; i < c->n; i++)
        if (c->items[i].e.type == 'f' && !c->items[i].implied)
            v[c->items[i].order] = i;
    return v;
}

/* Next header; 1, 0 at the end, -1. */
static int zip_next(struct context *c, struct archive *ar, struct err *e)
{
    struct archive_entry *x;
    int got = archive_read_next_header(ar, &x);
    if (got == ARCHIVE_EOF)
        return 0;
    return got == ARCHIVE_OK ? 1 : archive_says(ar, c, NULL, e);
}

/* Read the current entry of ar to its end, in pieces. */
static int zip_entry(struct context *c, struct archive *ar, size_t item, char *buf,
                     int (*piece)(void *user, size_t item, const void *bytes, size_t n), void *user, struct err *e)
{
    const struct context_entry *x = &c->items[item].e;
    int64_t have = 0;
    for (;;) {
        la_ssize_t n = archive_read_data(ar, buf, BLOCK_BYTES);
        if (n < 0)
            return archive_says(ar, c, x->path, e);
        if (n == 0)
            break;
        have += n;
        if (have > x->bytes)
            return refuse_kind(c, x->path, "it holds more than it declares", e);
        if (context_check_time(c, e) < 0 || piece(user, item, buf, (size_t)n) < 0)
            return -1;
    }
    if (have != x->bytes)
        return refuse_kind(c, x->path, "it holds less than it declares", e);
    return piece(user, item, NULL, 0);
}

static int zip_each(struct context *c, int (*piece)(void *user, size_t item, const void *bytes, size_t n), void *user,
                    struct err *e)
{
    size_t *by_order = items_by_order(c);
    char *buf = xcalloc(1, BLOCK_BYTES);
    struct archive *ar = open_archive(c, true, e);
    const struct bundle *b = c->own;
    int rc = ar ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < b->n_entries; i++) {
        int more = zip_next(c, ar, e);
        if (more <= 0) {
            rc = more;
            break;
        }
        if (by_order[i] != SIZE_MAX)
            rc = zip_entry(c, ar, by_order[i], buf, piece, user, e);
    }
    if (ar)
        (void)archive_read_free(ar);
    free(buf);
    free(by_order);
    return rc;
}

struct fill {
    struct bundle *b;
    size_t order;
    size_t at;
};

static int fill_piece(void *user, size_t item, const void *bytes, size_t n)
{
    struct fill *f = user;
    (void)item;
    if (n > 0)
        memcpy(f->b->window + f->at, bytes, n);
    f->at += n;
    return 0;
}

/* Choose the next files of the list that fit the window together; their places by order in the archive. */
static size_t choose_window(struct context *c, size_t from, size_t *ret_last)
{
    struct bundle *b = c->own;
    size_t used = 0, n = 0;
    memset(b->windowed, 0, b->n_entries * sizeof(*b->windowed));
    for (size_t i = from; i < c->n; i++) {
        const struct item *it = &c->items[i];
        if (it->e.type != 'f' || it->implied || it->e.bytes > WINDOW_BYTES)
            continue; /* large ones are read by themselves */
        if (used + (size_t)it->e.bytes > WINDOW_BYTES)
            break;
        b->windowed[it->order] = used + 1;
        used += (size_t)it->e.bytes;
        *ret_last = it->order > *ret_last ? it->order : *ret_last;
        n++;
    }
    return n;
}

static int fill_window(struct context *c, size_t from, struct err *e)
{
    struct bundle *b = c->own;
    size_t last = 0, left = 0, *by_order;
    if (!b->window) {
        b->window = malloc(WINDOW_BYTES);
        b->windowed = calloc(b->n_entries + 1, sizeof(*b->windowed));
        if (!b->window || !b->windowed)
            return err_set(e, ERR_RETRY, "%s: out of memory", c->where.path);
    }
    left = choose_window(c, from, &last);
    by_order = items_by_order(c);
    char *buf = xcalloc(1, BLOCK_BYTES);
    struct archive *ar = open_archive(c, true, e);
    int rc = ar ? 0 : -1;
    for (size_t i = 0; rc == 0 && left > 0 && i <= last; i++) {
        int more = zip_next(c, ar, e);
        if (more <= 0) {
            rc = more < 0 ? -1 : err_set(e, ERR_RETRY, "%s changed while it was being read", c->where.path);
            break;
        }
        if (b->windowed[i]) {
            struct fill f = {b, i, b->windowed[i] - 1};
            rc = zip_entry(c, ar, by_order[i], buf, fill_piece, &f, e);
            left--;
        }
    }
    if (ar)
        (void)archive_read_free(ar);
    free(buf);
    free(by_order);
    return rc;
}

static int open_direct(struct context *c, size_t item, struct err *e)
{
    struct bundle *b = c->own;
    b->direct = open_archive(c, true, e);
    if (!b->direct)
        return -1;
    for (size_t i = 0; i <= c->items[item].order; i++) {
        int more = zip_next(c, b->direct, e);
        if (more <= 0)
            return more < 0 ? -1 : err_set(e, ERR_RETRY, "%s changed while it was being read", c->where.path);
    }
    return 0;
}

static int zip_open(struct context *c, size_t item, struct err *e)
{
    struct bundle *b = c->own;
    const struct item *it = &c->items[item];
    b->item = item;
    b->at = 0;
    if (it->e.bytes > WINDOW_BYTES)
        return open_direct(c, item, e);
    if (it->e.bytes > 0 && (!b->window || !b->windowed[it->order]))
        return fill_window(c, item, e);
    return 0;
}

static long zip_read(struct context *c, void *buf, size_t n, struct err *e)
{
    struct bundle *b = c->own;
    const struct item *it = &c->items[b->item];
    int64_t left = it->e.bytes - b->at;
    if (left <= 0)
        return 0;
    size_t want = (int64_t)n < left ? n : (size_t)left;
    if (b->direct) {
        la_ssize_t got = archive_read_data(b->direct, buf, want);
        if (got < 0)
            return archive_says(b->direct, c, it->e.path, e);
        if (got == 0)
            return refuse_kind(c, it->e.path, "it holds less than it declares", e);
        b->at += got;
        return got;
    }
    memcpy(buf, b->window + b->windowed[it->order] - 1 + b->at, want);
    b->at += (int64_t)want;
    return (long)want;
}

static void zip_close(struct context *c)
{
    struct bundle *b = c->own;
    if (b->direct)
        (void)archive_read_free(b->direct);
    b->direct = NULL;
}

static void bundle_free(struct context *c)
{
    struct bundle *b = c->own;
    zip_close(c);
    if (b->spool >= 0)
        (void)close(b->spool);
    free(b->window);
    free(b->windowed);
    free(b);
}

static const struct context_source spool_source = {spool_open, spool_read, spool_close, spool_each, bundle_free};
static const struct context_source zip_source = {zip_open, zip_read, zip_close, zip_each, bundle_free};

/* ---- the door ---- */

static int read_ignore(struct context *c, struct dockerignore **ret, struct err *e)
{
    const char *dockerfile = c->where.dockerfile ? c->where.dockerfile : "Dockerfile", *text;
    const char *names[] = {arena_printf(c->arena, "%s.dockerignore", dockerfile), ".dockerignore"};
    *ret = NULL;
    for (size_t i = 0; c->where.use_ignore && i < ARRAY_LEN(names); i++) {
        size_t n;
        if (!context_has(c, names[i]))
            continue;
        if (context_file(c, names[i], LIMIT_SPEC_BYTES, c->arena, &text, &n, e) < 0)
            return -1;
        *ret = dockerignore_parse(text, n, c->arena, e);
        return *ret ? 0 : err_wrap(e, "%s: %s", c->where.path, names[i]);
    }
    return 0;
}

int context_open_bundle(struct context *c, struct err *e)
{
    struct bundle *b = xcalloc(1, sizeof(*b));
    struct dockerignore *ignore;
    b->zip = ends_with(c->where.path, ".zip");
    b->spool = -1;
    c->own = b;
    c->source = b->zip ? &zip_source : &spool_source;
    if (check_magic(c, b->zip, e) < 0)
        return -1;
    if (!b->zip && (b->spool = open_spool(e)) < 0)
        return -1;
    if (list_archive(c, e) < 0 || resolve_hard_links(c, e) < 0 || context_seal(c, true, e) < 0)
        return -1;
    if (c->n == 0)
        return err_set(e, ERR_USER, "%s holds no files", c->where.path);
    if (read_ignore(c, &ignore, e) < 0)
        return -1;
    return ignore ? context_ignore(c, ignore) : 0;
}
