/* A build context: the door to directories and bundles, its digest, single files.
 *
 * Comes in: where it is, and limits. Goes out: a sorted list of checked entries, a digest of everything that a builder could see, and the
 * text of single files. The same content gives the same digest whether it came as a directory, a zip or a tar. Refuses to follow anything that leads out,
 * and to read on when what is read changes. */
#include "drivers/context.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "drivers/context_parts.h"
#include "spec/base/arena.h"
#include "spec/limits.h"

/* ---- shared by the rooms ---- */

static int64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t real_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return context_nanoseconds(&now);
}

int context_check_time(const struct context *c, struct err *e)
{
    if (now_ms() <= c->deadline_ms)
        return 0;
    return err_set(e, ERR_USER, "%s: reading it takes longer than %lld ms", c->where.path,
                   (long long)c->where.limits.time_ms);
}

int context_refuse(const struct context *c, const char *name, struct err *e, const char *why, ...)
{
    CLEANUP(str_release) struct str shown = STR_INIT;
    char text[256];
    va_list ap;

    va_start(ap, why);
    (void)vsnprintf(text, sizeof(text), why, ap);
    va_end(ap);
    context_name_shown(name, &shown);
    return err_set(e, ERR_USER, "%s: entry \"%s\" is refused: %s", c->where.path, str_text(&shown),
                   text);
}

struct stamp context_stamp(const struct stat *st)
{
    return (struct stamp){st->st_dev, st->st_ino, st->st_size, st->st_mtim, st->st_ctim};
}

int64_t context_nanoseconds(const struct timespec *t)
{
    return (int64_t)((uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_nsec);
}

bool context_stamp_eq(const struct stamp *a, const struct stamp *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->bytes == b->bytes &&
           context_nanoseconds(&a->modified) == context_nanoseconds(&b->modified) &&
           context_nanoseconds(&a->changed) == context_nanoseconds(&b->changed);
}

int context_failed(const struct context *c, struct err *e)
{
    struct stat st;

    if (fstat(c->fd, &st) == 0) {
        struct stamp now = context_stamp(&st);

        if (!context_stamp_eq(&now, &c->stamp))
            return err_set(e, ERR_RETRY, "%s changed while it was being read", c->where.path);
    }
    return -1;
}

const char *context_dockerfile(const struct context_where *where)
{
    return where->dockerfile && *where->dockerfile ? where->dockerfile : "Dockerfile";
}

/* ---- opening ---- */

static void fill_limits(struct context_limits *l)
{
    l->total_bytes = l->total_bytes ? l->total_bytes : LIMIT_CONTEXT_BYTES;
    l->file_bytes = l->file_bytes ? l->file_bytes : LIMIT_CONTEXT_FILE_BYTES;
    l->time_ms = l->time_ms ? l->time_ms : LIMIT_CONTEXT_MS;
    l->entries = l->entries ? l->entries : LIMIT_CONTEXT_ENTRIES;
    l->path_bytes = l->path_bytes ? l->path_bytes : LIMIT_CONTEXT_PATH;
    l->depth = l->depth ? l->depth : LIMIT_CONTEXT_DEPTH;
    l->ratio = l->ratio ? l->ratio : LIMIT_CONTEXT_RATIO;
}

struct context_limits context_limits_of(const struct build_limits *l)
{
    return (struct context_limits){
        .total_bytes = l->total_bytes,
        .file_bytes = l->file_bytes,
        .entries = l->entries,
        .path_bytes = l->path_bytes,
        .depth = l->depth,
        .ratio = l->ratio,
        .time_ms = l->time_ms,
    };
}

/* Paths given by a spec: cleaned, and refused where they lead out. */
static int clean_where(const struct context_where *given, struct arena *a,
                       struct context_where *ret, struct err *e)
{
    const char *why;

    *ret = *given;
    fill_limits(&ret->limits);
    ret->path = arena_strdup(a, given->path);
    ret->memory = arena_strdup(a, given->memory);
    ret->sub = given->sub ? context_name_clean(given->sub, a) : "";
    ret->dockerfile = context_name_clean(context_dockerfile(given), a);
    if (*ret->sub && !context_name_valid(ret->sub, false, &ret->limits, &why))
        return err_set(e, ERR_USER, "%s: the folder \"%.100s\" is refused: %s", given->path,
                       given->sub, why);
    if (!context_name_valid(ret->dockerfile, false, &ret->limits, &why))
        return err_set(e, ERR_USER, "%s: the Dockerfile \"%.100s\" is refused: %s", given->path,
                       context_dockerfile(given), why);
    return 0;
}

static int open_where(const struct context_where *where, struct stat *ret_st, struct err *e)
{
    int fd = open(where->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0)
        return err_errno(e, errno, "%s", where->path);
    if (fstat(fd, ret_st) < 0 || !(S_ISDIR(ret_st->st_mode) || S_ISREG(ret_st->st_mode))) {
        (void)close(fd);
        return err_set(e, ERR_USER, "%s is neither a directory nor a file", where->path);
    }
    return fd;
}

static int open_context(struct context *c, const struct context_where *where, struct err *e)
{
    struct stat st;

    if (clean_where(where, c->arena, &c->where, e) < 0)
        return -1;
    c->opened_ns = real_ns();
    c->deadline_ms = now_ms() + c->where.limits.time_ms;
    c->fd = open_where(where, &st, e);
    if (c->fd < 0)
        return -1;
    c->stamp = context_stamp(&st);
    c->bundle = S_ISREG(st.st_mode);
    return c->bundle ? context_open_bundle(c, e) : context_open_dir(c, e);
}

struct context *context_open(const struct context_where *where, struct err *e)
{
    struct context *c = xcalloc(1, sizeof(*c));

    c->fd = -1;
    c->arena = arena_new();
    if (open_context(c, where, e) < 0) {
        context_free(c);
        return NULL;
    }
    return c;
}

void context_free(struct context *c)
{
    if (!c)
        return;
    context_tar_free(c);
    if (c->own)
        c->source->free(c);
    if (c->fd >= 0)
        (void)close(c->fd);
    for (size_t i = 0; i < c->n_puts; i++) {
        free(c->puts[i].path);
        free(c->puts[i].text);
    }
    free(c->puts);
    free(c->items);
    arena_free(c->arena);
    free(c);
}

size_t context_n(const struct context *c)
{
    return c->n;
}

const struct context_entry *context_entry(const struct context *c, size_t i)
{
    return &c->items[i].e;
}

bool context_has(const struct context *c, const char *path)
{
    const struct item *x = context_follow(c, path, NULL);

    return x && x->e.type == 'f';
}

int64_t context_bytes(const struct context *c)
{
    return c->bytes;
}

int64_t context_read_bytes(const struct context *c)
{
    return c->read_bytes;
}

/* ---- fingerprint ---- */

void context_print_stat(struct print *p, const struct stat *st)
{
    const int64_t numbers[] = {st->st_mode,
                               (int64_t)st->st_dev,
                               (int64_t)st->st_ino,
                               st->st_size,
                               context_nanoseconds(&st->st_mtim),
                               context_nanoseconds(&st->st_ctim)};

    str_addn(&p->text, (const char *)numbers, sizeof(numbers));
    if (p->now_ns - context_nanoseconds(&st->st_ctim) >= CONTEXT_TICK_NS)
        return;
    str_addn(&p->text, (const char *)&p->now_ns, sizeof(p->now_ns));
    p->lasts = false;
}

static int print_where(const struct context_where *where, struct print *p, struct err *e)
{
    struct stat st;
    int fd = open_where(where, &st, e), rc = 0;

    if (fd < 0)
        return -1;
    str_addf(&p->text, "%s\n%s\n%d\n", where->sub, where->dockerfile, where->use_ignore);
    if (S_ISDIR(st.st_mode))
        rc = context_dir_fingerprint(where, fd, p, e);
    else
        context_print_stat(p, &st);
    (void)close(fd);
    return rc;
}

static int fingerprint(const struct context_where *given, char ret[SHA256_HEX], bool *ret_lasts,
                       struct err *e)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct print p = {.now_ns = real_ns(), .lasts = true};
    struct context_where where;
    int rc = clean_where(given, a, &where, e);

    if (rc == 0)
        rc = print_where(&where, &p, e);
    if (rc == 0) {
        sha256_hex(p.text.buf, p.text.len, ret);
        *ret_lasts = p.lasts;
    }
    str_release(&p.text);
    return rc;
}

int context_fingerprint(const struct context_where *where, char ret[SHA256_HEX], struct err *e)
{
    bool ignored;

    return fingerprint(where, ret, &ignored, e);
}

int context_fingerprint_settled(const struct context_where *where, char ret[SHA256_HEX],
                                struct err *e)
{
    static const struct timespec moment = {.tv_nsec = CONTEXT_TICK_NS + 5000000};
    bool lasts;
    int rc = fingerprint(where, ret, &lasts, e);

    for (int tries = 0; rc == 0 && !lasts && tries < 4; tries++) {
        (void)nanosleep(&moment, NULL);
        rc = fingerprint(where, ret, &lasts, e);
    }
    return rc;
}

/* ---- digest ---- */

/* The source holds one file open at a time, and the tar has it. */
static int refuse_busy(const struct context *c, struct err *e)
{
    if (!context_tar_busy(c))
        return 0;
    return err_set(e, ERR_BUG, "%s: its tar is being read", c->where.path);
}

static int digest_all(struct context *c, struct err *e)
{
    bool news = c->bundle;

    for (size_t i = 0; i < c->n; i++)
        news |= c->items[i].e.type == 'f' && !c->items[i].hashed;
    c->deadline_ms = now_ms() + c->where.limits.time_ms;
    if (context_hash_files(c, e) < 0 || context_hash_list(c, e) < 0)
        return -1;
    if (news)
        context_memorize(c);
    return 0;
}

int context_digest(struct context *c, char ret[SHA256_HEX], struct err *e)
{
    static const char digits[] = "0123456789abcdef";

    if (!c->digested && refuse_busy(c, e) < 0)
        return -1;
    if (!c->digested)
        context_recall(c);
    if (!c->digested && digest_all(c, e) < 0)
        return -1;
    c->digested = true;
    for (size_t i = 0; i < sizeof(c->digest); i++) {
        ret[2 * i] = digits[c->digest[i] >> 4];
        ret[2 * i + 1] = digits[c->digest[i] & 15];
    }
    ret[SHA256_HEX - 1] = '\0';
    return 0;
}

/* ---- one file ---- */

int context_load(struct context *c, const struct item *x, size_t max, struct arena *a,
                 const char **ret, size_t *ret_n, struct err *e)
{
    size_t bytes = (size_t)x->e.bytes, have = 0;
    char spare;
    long n = -1;

    if (x->e.bytes > (int64_t)max)
        return context_refuse(c, x->e.path, e, "it is larger than %zu bytes", max);
    if (c->source->open(c, x, e) < 0)
        return -1;
    char *text = arena_alloc(a, bytes + 1);

    while (have < bytes && (n = c->source->read(c, text + have, bytes - have, e)) > 0)
        have += (size_t)n;
    if (have == bytes) /* only what follows the last byte says that all of them were right */
        n = c->source->read(c, &spare, 1, e);
    c->source->close(c);
    if (n < 0)
        return -1;
    *ret = text;
    *ret_n = have;
    return 0;
}

int context_file(struct context *c, const char *path, size_t max, struct arena *a, const char **ret,
                 size_t *ret_n, struct err *e)
{
    const struct item *x = context_follow(c, path, NULL);

    if (!x || x->e.type != 'f')
        return err_set(e, ERR_MISSING, "%s: there is no file \"%.200s\" in it", c->where.path,
                       path);
    if (refuse_busy(c, e) < 0)
        return -1;
    return context_load(c, x, max, a, ret, ret_n, e);
}
