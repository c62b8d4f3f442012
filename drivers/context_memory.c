/* What digests have learned, kept between runs: so that what stands as it was is not read again, not even by a process that is new.
 *
 * Comes in: a listed context and a folder. Goes out: hashes of files whose stamp is the one that was written down with the hash; for an archive its
 * digest. A memory is one file per source, with a checksum over all of it, replaced as a whole; one that is damaged, of another source or
 * cannot be written is none. Refuses to remember what changed so shortly before it was listed that it could change again without a trace (the rule
 * that git's index has). Whoever removes the folder loses time, nothing else. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "drivers/context_parts.h"
#include "drivers/fsx.h"
#include "spec/base/arena.h"

#define MAGIC "evenkeel digests 1\n" /* another number once digests are of something else */
#define MEMORY_BYTES (4 << 20)       /* more is not kept */
#define NAME_BYTES 32                /* of the source's hash */
#define SECOND_NS 1000000000
#define COARSE_NS (2 * (int64_t)SECOND_NS + 100000000) /* where times have whole or even seconds */

struct record { /* followed by the path and its NUL */
    int64_t dev, ino, bytes, modified_ns, changed_ns;
    unsigned char hash[32];
};

/* ---- which file ---- */

/* Begins with the path, which is what the sweep looks for. */
static void add_key(const struct context *c, struct str *out)
{
    str_addn(out, c->where.path, strlen(c->where.path) + 1);
    str_addf(out, "%s\n%s\n%d\n", c->where.sub, c->where.dockerfile, c->where.use_ignore);
}

static const char *file_of(const struct context *c, struct arena *a)
{
    CLEANUP(str_release) struct str key = STR_INIT;
    char name[SHA256_HEX];

    add_key(c, &key);
    sha256_hex(key.buf, key.len, name);
    name[NAME_BYTES] = '\0';
    return fsx_join(c->where.memory, name, a);
}

static void add_head(const struct context *c, struct str *out)
{
    str_add(out, MAGIC);
    add_key(c, out);
    str_addc(out, c->bundle ? 'b' : 'd');
}

/* ---- recall ---- */

static struct record record_of(const struct stamp *s, const unsigned char *hash)
{
    struct record r = {.dev = (int64_t)s->dev,
                       .ino = (int64_t)s->ino,
                       .bytes = s->bytes,
                       .modified_ns = context_nanoseconds(&s->modified),
                       .changed_ns = context_nanoseconds(&s->changed)};

    memcpy(r.hash, hash, sizeof(r.hash));
    return r;
}

static bool same_stamp(const struct record *r, const struct stamp *s)
{
    struct record now = record_of(s, r->hash);

    return memcmp(&now, r, sizeof(now)) == 0;
}

/* The records of an intact memory of this source. */
static int read_records(const struct context *c, struct arena *a, const char **ret, size_t *ret_n)
{
    CLEANUP(str_release) struct str head = STR_INIT;
    char sum[SHA256_HEX];
    struct err ignored = {0};
    const char *text;
    size_t n;

    if (fsx_read(file_of(c, a), MEMORY_BYTES, a, &text, &n, NULL, &ignored) < 0)
        return -1;
    add_head(c, &head);
    if (n < head.len + SHA256_HEX || memcmp(text, head.buf, head.len) != 0)
        return -1;
    n -= SHA256_HEX;
    sha256_hex(text, n, sum);
    if (memcmp(text + n, sum, SHA256_HEX) != 0)
        return -1;
    *ret = text + head.len;
    *ret_n = n - head.len;
    return 0;
}

/* Both are in the same order. */
static void recall_files(struct context *c, const char *at, const char *end)
{
    struct record r;

    for (size_t i = 0; (size_t)(end - at) > sizeof(r);) {
        const char *path = at + sizeof(r);
        int order = -1;

        for (; i < c->n && (order = context_name_order(c->items[i].e.path, path)) < 0; i++)
            ;
        memcpy(&r, at, sizeof(r));
        if (i < c->n && order == 0 && c->items[i].e.type == 'f' &&
            same_stamp(&r, &c->items[i].at.stamp)) {
            memcpy(c->items[i].hash, r.hash, sizeof(r.hash));
            c->items[i].hashed = true;
        }
        at = path + strlen(path) + 1;
    }
}

void context_recall(struct context *c)
{
    struct arena *a = arena_new();
    struct record r;
    const char *text;
    size_t n;

    if (c->where.memory && read_records(c, a, &text, &n) == 0) {
        if (!c->bundle) {
            recall_files(c, text, text + n);
        } else if (n > sizeof(r)) {
            memcpy(&r, text, sizeof(r));
            c->digested = same_stamp(&r, &c->stamp);
            if (c->digested)
                memcpy(c->digest, r.hash, sizeof(c->digest));
        }
    }
    arena_free(a);
}

/* ---- memorize ---- */

static bool may_change_unseen(const struct context *c, const struct stamp *s)
{
    int64_t changed = context_nanoseconds(&s->changed);

    return c->opened_ns - changed < (changed % SECOND_NS ? CONTEXT_TICK_NS : COARSE_NS);
}

static void add_record(const struct context *c, const struct stamp *s, const unsigned char *hash,
                       const char *path, struct str *out)
{
    struct record r = record_of(s, hash);

    if (may_change_unseen(c, s))
        return;
    str_addn(out, (const char *)&r, sizeof(r));
    str_addn(out, path, strlen(path) + 1);
}

/* An archive is what it was when it was opened, or it is not remembered. */
static void add_records(const struct context *c, struct str *out)
{
    struct stat st;

    for (size_t i = 0; i < c->n && !c->bundle; i++)
        if (c->items[i].e.type == 'f')
            add_record(c, &c->items[i].at.stamp, c->items[i].hash, c->items[i].e.path, out);
    if (!c->bundle || fstat(c->fd, &st) < 0)
        return;
    struct stamp now = context_stamp(&st);

    if (context_stamp_eq(&now, &c->stamp))
        add_record(c, &now, c->digest, "", out);
}

/* Without fsync: what a power cut leaves has a wrong checksum, and is none. */
static void replace(const char *path, const struct str *text, struct arena *a)
{
    const char *beside = arena_printf(a, "%s.%d.tmp", path, (int)getpid());
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    size_t done = 0;
    ssize_t n = 0;

    while (fd >= 0 && done < text->len && (n = write(fd, text->buf + done, text->len - done)) > 0)
        done += (size_t)n;
    if (fd < 0 || close(fd) < 0 || done < text->len || rename(beside, path) < 0)
        (void)unlink(beside);
}

/* Memories of sources that are gone go too. */
static void sweep(const char *folder, struct arena *a)
{
    DIR *d = opendir(folder);
    const struct dirent *x;
    struct stat st;

    while (d && (x = readdir(d))) {
        char head[sizeof(MAGIC) + 4096] = "";
        int fd = x->d_name[0] == '.' ? -1 : openat(dirfd(d), x->d_name, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof(head) - 1);

        if (n >= 0 && (strncmp(head, MAGIC, strlen(MAGIC)) != 0 ||
                       (lstat(head + strlen(MAGIC), &st) < 0 && errno == ENOENT)))
            (void)unlink(fsx_join(folder, x->d_name, a));
        if (fd >= 0)
            (void)close(fd);
    }
    if (d)
        (void)closedir(d);
}

void context_memorize(const struct context *c)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(str_release) struct str text = STR_INIT;
    char sum[SHA256_HEX];

    if (!c->where.memory || (mkdir(c->where.memory, 0700) < 0 && errno != EEXIST))
        return;
    add_head(c, &text);
    add_records(c, &text);
    sha256_hex(text.buf, text.len, sum);
    str_addn(&text, sum, sizeof(sum));
    if (text.len > MEMORY_BYTES)
        return;
    sweep(c->where.memory, a);
    replace(file_of(c, a), &text, a);
}
