/* The directory of a zip, read once and judged before anything is unpacked.
 *
 * Comes in: a file of any bytes. Goes out: its entries and where the content of each one lies. Refused are bytes before the first entry
 * or after the end, two ends, a local header that disagrees with the directory, entries that share bytes, sizes in two versions, one part
 * of several; encryption, and methods other than "stored" and "deflated". What lies between entries and belongs to none is never read.
 *
 * Source: PKWARE APPNOTE 6.3.10, sections 4.3 (records), 4.4 (fields), 4.5.3 (zip64). */
#include <errno.h>
#include <unistd.h>

#include "drivers/context_parts.h"
#include "spec/base/arena.h"

#define END_BYTES 22 /* of the end record, without its comment */
#define END64_BYTES 56
#define LOCATOR64_BYTES 20
#define ENTRY_BYTES 46 /* of a directory entry, without name, extra fields and comment */
#define LOCAL_BYTES 30
#define TEXT_BYTES 65535 /* of a name, extra fields or a comment */
#define VIEW_BYTES (256 * 1024)
#define AHEAD_BYTES 512     /* at a local header: its name and extra fields, as a rule */
#define RECORDS_PER_ENTRY 4 /* directories and what a Mac adds are records, too */

#define FLAG_ENCRYPTED 0x0001
#define FLAG_SIZES_FOLLOW 0x0008 /* behind the content; the local header does not have them */
#define FLAG_PATCH 0x0020
#define FLAG_STRONG_ENCRYPTION 0x0040
#define FLAG_MASKED 0x2000

#define SAID64_32 0xffffffffU /* the zip64 field has it */
#define SAID64_16 0xffffU

static uint32_t u16(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t u32(const unsigned char *p)
{
    return u16(p) | u16(p + 2) << 16;
}

static uint64_t u64(const unsigned char *p)
{
    return u32(p) | (uint64_t)u32(p + 4) << 32;
}

/* A piece of the file. */
struct view {
    unsigned char *buf; /* VIEW_BYTES */
    int64_t at;
    size_t n;
};

struct listing {
    struct context *c;
    int64_t size;  /* of the file */
    int64_t begin; /* of the directory, which goes to `end` */
    int64_t end;
    uint64_t entries; /* as declared */
    struct view view, local;
};

static int broken(const struct listing *l, const char *why, struct err *e)
{
    return err_set(e, ERR_USER, "%s is no intact zip: %s", l->c->where.path, why);
}

/* n <= VIEW_BYTES bytes at `at`; more are read ahead. NULL: they are not there. */
static const unsigned char *look(const struct listing *l, struct view *v, int64_t at, size_t n,
                                 size_t ahead)
{
    if (at < 0 || at > l->size || (int64_t)n > l->size - at)
        return NULL;
    if (at < v->at || at + (int64_t)n > v->at + (int64_t)v->n) {
        size_t want = n > ahead ? n : ahead, got = 0;
        ssize_t r = 1;

        if (!v->buf)
            v->buf = xcalloc(1, VIEW_BYTES);
        while (got < want && (r = pread(l->c->fd, v->buf + got, want - got, at + (int64_t)got)) > 0)
            got += (size_t)r;
        v->at = at;
        v->n = got;
        if (got < n)
            return NULL;
    }
    return v->buf + (at - v->at);
}

/* ---- the end ---- */

/* Where the end record begins, or -1. */
static int64_t find_end(struct listing *l, struct err *e)
{
    size_t n = l->size < END_BYTES + TEXT_BYTES ? (size_t)l->size : END_BYTES + TEXT_BYTES;
    int64_t from = l->size - (int64_t)n, found = -1, more = 0, less = 0;
    const unsigned char *p = look(l, &l->view, from, n, 0);

    if (!p)
        return broken(l, "it cannot be read", e);
    for (size_t i = 0; i + END_BYTES <= n; i++) {
        size_t rest = n - i - END_BYTES, comment;

        if (memcmp(p + i, "PK\5\6", 4) != 0)
            continue;
        comment = u16(p + i + 20);
        if (comment == rest && found >= 0)
            return broken(l, "it has two ends", e);
        if (comment == rest)
            found = from + (int64_t)i;
        more += comment < rest;
        less += comment > rest;
    }
    if (found >= 0)
        return found;
    if (more)
        return broken(l, "bytes follow its end", e);
    if (less)
        return broken(l, "its end is truncated", e);
    return broken(l, "it has no directory at its end; it is truncated, or something else", e);
}

/* The zip64 end record, if there is one: its numbers go before those of the old one, and must not contradict them. */
static int read_end64(struct listing *l, int64_t end, const unsigned char *old, struct err *e)
{
    const unsigned char *p = look(l, &l->local, end - LOCATOR64_BYTES, LOCATOR64_BYTES, 0);
    uint64_t at, entries, bytes, begin;

    if (!p || memcmp(p, "PK\6\7", 4) != 0)
        return u32(old + 16) == SAID64_32 || u16(old + 10) == SAID64_16 ||
                       u32(old + 12) == SAID64_32
                   ? broken(l, "its zip64 end is missing", e)
                   : 0;
    at = u64(p + 8);
    if (u32(p + 4) != 0 || u32(p + 16) > 1)
        return broken(l, "it is one of several parts", e);
    if (at > (uint64_t)end)
        return broken(l, "its zip64 end lies outside", e);
    p = look(l, &l->local, (int64_t)at, END64_BYTES, 0);
    if (!p || memcmp(p, "PK\6\6", 4) != 0 || u64(p + 4) < END64_BYTES - 12 ||
        u64(p + 4) != (uint64_t)end - LOCATOR64_BYTES - at - 12)
        return broken(l, "its zip64 end is not where it should be", e);
    if (u32(p + 16) != 0 || u32(p + 20) != 0)
        return broken(l, "it is one of several parts", e);
    entries = u64(p + 32);
    bytes = u64(p + 40);
    begin = u64(p + 48);
    if ((u16(old + 10) != SAID64_16 && u16(old + 10) != entries) ||
        (u32(old + 12) != SAID64_32 && u32(old + 12) != bytes) ||
        (u32(old + 16) != SAID64_32 && u32(old + 16) != begin) || u64(p + 24) != entries)
        return broken(l, "its two ends disagree", e);
    if (begin > at || bytes != at - begin)
        return broken(l, "its directory is not where it should be", e);
    l->begin = (int64_t)begin;
    l->end = (int64_t)at;
    l->entries = entries;
    return 1;
}

static int read_end(struct listing *l, struct err *e)
{
    unsigned char old[END_BYTES];
    int64_t end = find_end(l, e);
    int rc;

    if (end < 0)
        return -1;
    memcpy(old, look(l, &l->view, end, END_BYTES, 0), END_BYTES);
    rc = read_end64(l, end, old, e);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    if (u16(old + 4) != 0 || u16(old + 6) != 0 || u16(old + 8) != u16(old + 10))
        return broken(l, "it is one of several parts", e);
    l->begin = u32(old + 16);
    l->end = end;
    l->entries = u16(old + 10);
    if (l->begin + (int64_t)u32(old + 12) == end)
        return 0;
    return broken(
        l,
        l->begin + (int64_t)u32(old + 12) < end
            ? "there are bytes before its first entry, or between its directory and its end"
            : "its directory is not where it should be",
        e);
}

/* ---- one entry ---- */

struct record { /* as the directory has it */
    uint32_t made_by, flags, method, crc, attributes;
    uint64_t packed, bytes, at;
    char *name; /* name_n bytes and a NUL */
    size_t name_n;
};

/* The zip64 field holds, in this order, those of the numbers that have no room in the record. */
static bool read_extra(const unsigned char *p, size_t n, struct record *r)
{
    uint64_t *const wide[] = {&r->bytes, &r->packed, &r->at};

    while (n >= 4) {
        size_t id = u16(p), len = u16(p + 2);

        if (len > n - 4)
            return false;
        if (id == 1) {
            const unsigned char *at = p + 4;

            for (size_t i = 0; i < ARRAY_LEN(wide); i++) {
                if (*wide[i] != SAID64_32)
                    continue;
                if (at + 8 > p + 4 + len)
                    return false;
                *wide[i] = u64(at);
                at += 8;
            }
            return true;
        }
        p += 4 + len;
        n -= 4 + len;
    }
    return r->bytes != SAID64_32 && r->packed != SAID64_32 && r->at != SAID64_32;
}

/* Returns the bytes that the record takes, 0 at the end of the directory, or -1. */
static long read_record(struct listing *l, int64_t at, struct arena *a, struct record *ret,
                        struct err *e)
{
    const unsigned char *p = look(l, &l->view, at, ENTRY_BYTES, VIEW_BYTES);
    struct record r;
    size_t extra;
    long all;

    if (at == l->end)
        return 0;
    if (!p || memcmp(p, "PK\1\2", 4) != 0)
        return broken(l, "its directory is damaged", e);
    r = (struct record){.made_by = u16(p + 4) >> 8,
                        .flags = u16(p + 8),
                        .method = u16(p + 10),
                        .crc = u32(p + 16),
                        .packed = u32(p + 20),
                        .bytes = u32(p + 24),
                        .name_n = u16(p + 28),
                        .attributes = u32(p + 38),
                        .at = u32(p + 42)};
    extra = u16(p + 30);
    all = (long)(ENTRY_BYTES + r.name_n + extra + u16(p + 32));
    if (u16(p + 34) != 0 && u16(p + 34) != SAID64_16)
        return broken(l, "it is one of several parts", e);
    p = look(l, &l->view, at, ENTRY_BYTES + r.name_n + extra, VIEW_BYTES);
    if (!p || all > l->end - at)
        return broken(l, "its directory is damaged", e);
    r.name = arena_strndup(a, (const char *)p + ENTRY_BYTES, r.name_n);
    if (!read_extra(p + ENTRY_BYTES + r.name_n, extra, &r))
        return context_refuse(l->c, r.name, e, "its extra fields are damaged");
    *ret = r;
    return all;
}

/* PKWARE, APPNOTE.TXT, 4.4.5 */
static const char *method_name(uint32_t method)
{
    static const struct {
        uint32_t method;
        const char *name;
    } known[] = {
        {1, "shrunk"},  {2, "reduced"},    {3, "reduced"},   {4, "reduced"},
        {5, "reduced"}, {6, "imploded"},   {9, "Deflate64"}, {12, "bzip2"},
        {14, "LZMA"},   {93, "Zstandard"}, {95, "XZ"},       {98, "PPMd"},
    };

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (known[i].method == method)
            return known[i].name;
    return NULL;
}

static int refuse_method(const struct context *c, const struct record *r, struct err *e)
{
    const char *name = r->flags & FLAG_PATCH ? "a patch of another file" : method_name(r->method);

    return context_refuse(
        c, r->name, e,
        "its compression (method %u%s%s) is not supported, only \"stored\" and "
        "\"deflated\" are; pack it again, with `zip -r` or `7z a -tzip -mm=Deflate`",
        r->method, name ? ": " : "", name ? name : "");
}

static int check_record(const struct listing *l, const struct record *r, struct err *e)
{
    const struct context *c = l->c;

    if (strlen(r->name) != r->name_n)
        return context_refuse(c, r->name, e, "its name holds a NUL");
    if (r->name_n == 0)
        return context_refuse(c, r->name, e, "it has no name");
    if (r->name_n > (size_t)c->where.limits.path_bytes + 1) /* a final slash */
        return context_refuse(c, r->name, e, "its name is too long");
    if (r->flags & (FLAG_ENCRYPTED | FLAG_STRONG_ENCRYPTION | FLAG_MASKED) || r->method == 99)
        return context_refuse(c, r->name, e, "it is encrypted");
    if ((r->method != 0 && r->method != 8) || r->flags & FLAG_PATCH)
        return refuse_method(c, r, e);
    if (r->bytes > INT64_MAX || r->packed > (uint64_t)l->begin || r->at > (uint64_t)l->begin)
        return context_refuse(c, r->name, e, "it lies outside of the file");
    if (r->method == 0 && r->packed != r->bytes)
        return context_refuse(c, r->name, e, "it is stored, but with two sizes");
    return 0;
}

/* The local header repeats the record; programs that read from the start see only that one. */
static int check_local(struct listing *l, const struct record *r, int64_t *ret_at, struct err *e)
{
    const struct context *c = l->c;
    size_t head = LOCAL_BYTES + r->name_n, extra;
    const unsigned char *p = look(l, &l->local, (int64_t)r->at, head, AHEAD_BYTES);
    struct record x;

    if (!p || memcmp(p, "PK\3\4", 4) != 0)
        return context_refuse(c, r->name, e, "there is no such entry where the directory says");
    extra = u16(p + 28);
    if (u16(p + 26) != r->name_n || memcmp(p + LOCAL_BYTES, r->name, r->name_n) != 0)
        return context_refuse(c, r->name, e, "it has another name in its own header");
    p = look(l, &l->local, (int64_t)r->at, head + extra, 0);
    if (!p)
        return context_refuse(c, r->name, e, "it lies outside of the file");
    x = (struct record){.flags = u16(p + 6),
                        .method = u16(p + 8),
                        .crc = u32(p + 14),
                        .packed = u32(p + 18),
                        .bytes = u32(p + 22)};
    if (x.method != r->method || (x.flags & FLAG_ENCRYPTED))
        return context_refuse(c, r->name, e, "its own header disagrees with the directory");
    if (!(x.flags & FLAG_SIZES_FOLLOW) && (!read_extra(p + head, extra, &x) || x.crc != r->crc ||
                                           x.packed != r->packed || x.bytes != r->bytes))
        return context_refuse(c, r->name, e, "its own header disagrees with the directory");
    *ret_at = (int64_t)(r->at + head + extra);
    if ((int64_t)r->packed > l->begin - *ret_at)
        return context_refuse(c, r->name, e, "it reaches into what follows it");
    return 0;
}

/* ---- what an entry is ---- */

static bool is_unix(const struct record *r)
{
    return r->made_by == 3 || r->made_by == 19; /* Unix, macOS */
}

/* 'f', 'd', 'l', or 0 when it is something else. */
static char type_of(const struct record *r)
{
    bool folder = r->name[r->name_n - 1] == '/';

    if (!is_unix(r))
        return folder || (r->attributes & 0x10) ? 'd' : 'f';
    switch (r->attributes >> 16 & S_IFMT) {
    case 0: return folder ? 'd' : 'f'; /* only the permissions were written */
    case S_IFREG: return folder ? 0 : 'f';
    case S_IFDIR: return 'd';
    case S_IFLNK: return folder ? 0 : 'l';
    default: return 0;
    }
}

/* Old programs on Windows write backslashes for slashes. A name with both is left to be refused. */
static void straighten(struct record *r)
{
    if (!is_unix(r) && !strchr(r->name, '/'))
        for (char *p = r->name; (p = strchr(p, '\\'));)
            *p = '/';
}

/* The target of a link is its content; it is read at once, so that the list is complete. */
static int read_target(struct context *c, struct item *it, struct err *e)
{
    size_t max = (size_t)c->where.limits.path_bytes, n;
    const char *target;

    if (context_load(c, it, max, c->arena, &target, &n, e) < 0)
        return -1;
    if (n == 0 || strlen(target) != n)
        return context_refuse(c, it->e.path, e, "it is a link to a name that cannot be");
    it->e.target = target;
    it->e.bytes = 0;
    c->bytes -= (int64_t)n;
    return 0;
}

static int add_record(struct listing *l, struct record *r, int64_t at, struct arena *a,
                      struct err *e)
{
    struct context *c = l->c;
    struct item *it;

    straighten(r);
    struct context_entry x = {
        .path = context_name_clean(r->name, a), .type = type_of(r), .bytes = (int64_t)r->bytes};

    x.executable = x.type == 'f' && is_unix(r) && (r->attributes >> 16 & 0111);
    if (!x.type)
        return context_refuse(c, r->name, e, "it is no file, no directory and no symbolic link");
    if (x.type == 'd' && r->bytes > 0)
        return context_refuse(c, r->name, e, "it is a directory with content");
    if (!*x.path || context_is_junk(x.path))
        return 0;
    if (context_add(c, &x, &it, e) < 0)
        return -1;
    it->at.zip = (struct zip_place){at, (int64_t)r->packed, r->crc, r->method == 8};
    return x.type == 'l' ? read_target(c, it, e) : 0;
}

/* ---- all entries ---- */

struct span { /* of the file */
    int64_t begin, end;
    int64_t record; /* that says so */
};

struct spans {
    struct span *v;
    size_t n, cap;
};

static int by_begin(const void *va, const void *vb)
{
    const struct span *a = va, *b = vb;

    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    return a->record < b->record ? -1 : a->record > b->record;
}

static int refuse_overlaps(struct listing *l, struct spans *s, struct arena *a, struct err *e)
{
    struct record r;

    qsort(s->v, s->n, sizeof(*s->v), by_begin);
    if (s->v[0].begin != 0)
        return broken(l, "there are bytes before its first entry", e);
    for (size_t i = 1; i < s->n; i++)
        if (s->v[i].begin < s->v[i - 1].end)
            return read_record(l, s->v[i].record, a, &r, e) < 0
                       ? -1
                       : context_refuse(l->c, r.name, e, "it shares bytes with another entry");
    return 0;
}

static int read_one(struct listing *l, int64_t at, struct record *r, struct spans *s,
                    struct arena *a, struct err *e)
{
    int64_t content = 0;

    if (check_record(l, r, e) < 0 || check_local(l, r, &content, e) < 0)
        return -1;
    if (s->n / RECORDS_PER_ENTRY >= (size_t)l->c->where.limits.entries)
        return context_refuse(l->c, r->name, e, "with it, there are more than %d entries",
                              l->c->where.limits.entries);
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 256;
        s->v = xrealloc(s->v, s->cap * sizeof(*s->v));
    }
    s->v[s->n++] = (struct span){(int64_t)r->at, content + (int64_t)r->packed, at};
    return add_record(l, r, content, a, e);
}

static int read_records(struct listing *l, struct spans *s, struct arena *a, struct err *e)
{
    int64_t at = l->begin;
    struct record r;
    long step;

    while ((step = read_record(l, at, a, &r, e)) > 0) {
        if (read_one(l, at, &r, s, a, e) < 0)
            return -1;
        arena_clear(a);
        at += step;
    }
    if (step < 0)
        return -1;
    if (s->n != l->entries)
        return broken(l, "its directory does not hold as many entries as it declares", e);
    if (s->n == 0)
        return err_set(e, ERR_USER, "%s is a zip without any entry", l->c->where.path);
    return refuse_overlaps(l, s, a, e);
}

int context_zip_list(struct context *c, struct err *e)
{
    CLEANUP(arena_freep) struct arena *a = arena_new(); /* for one record at a time */
    struct listing l = {.c = c, .size = c->stamp.bytes};
    struct spans s = {0};
    int rc = read_end(&l, e) < 0 ? -1 : read_records(&l, &s, a, e);

    free(l.view.buf);
    free(l.local.buf);
    free(s.v);
    return rc;
}
