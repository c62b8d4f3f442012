/* A build context: the door to directories and bundles, the digest, single files.
 *
 * Comes in: where it is, and limits. Goes out: a sorted list of checked entries, a digest of everything that a builder could see, and text of single files. The same content gives the
 * same digest whether it came as a directory, a zip or a tar. */
#include "drivers/context.h"

#include <errno.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <time.h>

#include "drivers/context_parts.h"
#include "spec/base/arena.h"
#include "spec/limits.h"

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

static void set_deadline(struct context *c)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    c->deadline_ms = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + c->where.limits.time_ms;
}

struct context *context_open(const struct context_where *where, struct err *e)
{
    struct stat st;
    struct context *c = xcalloc(1, sizeof(*c));
    c->arena = arena_new();
    c->where = *where;
    c->where.path = arena_strdup(c->arena, where->path);
    c->where.sub = arena_strdup(c->arena, where->sub);
    c->where.dockerfile = arena_strdup(c->arena, where->dockerfile);
    fill_limits(&c->where.limits);
    set_deadline(c);
    int rc = stat(where->path, &st) < 0 ? err_errno(e, errno, "%s", where->path) : 0;
    if (rc == 0 && S_ISDIR(st.st_mode)) {
        rc = context_open_dir(c, e);
    } else if (rc == 0 && S_ISREG(st.st_mode)) {
        c->packed_bytes = st.st_size;
        rc = context_open_bundle(c, e);
    } else if (rc == 0) {
        rc = err_set(e, ERR_USER, "%s is neither a directory nor a file", where->path);
    }
    if (rc < 0) {
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
    for (size_t i = 0; i < c->n_puts; i++) {
        free(c->puts[i].path);
        free(c->puts[i].text);
    }
    free(c->puts);
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
    size_t at = context_find(c, path);
    return at != SIZE_MAX && c->items[at].e.type == 'f';
}

int64_t context_bytes(const struct context *c)
{
    return c->bytes;
}

/* ---- fingerprint ---- */

int context_fingerprint(const struct context_where *where, char ret[SHA256_HEX], struct err *e)
{
    struct stat st;
    if (stat(where->path, &st) < 0)
        return err_errno(e, errno, "%s", where->path);
    if (S_ISDIR(st.st_mode))
        return context_dir_fingerprint(where, ret, e);
    CLEANUP(str_release) struct str text = STR_INIT;
    str_addf(&text, "%lld %lld.%09ld %llu %llu", (long long)st.st_size, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
             (unsigned long long)st.st_ino, (unsigned long long)st.st_dev);
    sha256_hex(str_text(&text), text.len, ret);
    return 0;
}

/* ---- digest ---- */

struct digesting {
    struct context *c;
    EVP_MD_CTX *md;
    bool begun;
};

static void hex_of(const unsigned char *bytes, unsigned n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * n] = '\0';
}

static int digest_piece(void *user, size_t item, const void *bytes, size_t n)
{
    struct digesting *d = user;
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (!d->begun)
        (void)EVP_DigestInit_ex(d->md, EVP_sha256(), NULL);
    d->begun = true;
    if (n > 0) {
        (void)EVP_DigestUpdate(d->md, bytes, n);
        return 0;
    }
    (void)EVP_DigestFinal_ex(d->md, out, &len);
    hex_of(out, len, d->c->items[item].hash);
    d->begun = false;
    return 0;
}

static void digest_lines(const struct context *c, char ret[SHA256_HEX])
{
    CLEANUP(str_release) struct str text = STR_INIT;
    for (size_t i = 0; i < c->n; i++) {
        const struct item *x = &c->items[i];
        str_addf(&text, "%c%s ", x->e.type, x->e.executable && x->e.type == 'f' ? "x" : "-");
        str_add(&text, x->e.path);
        str_addc(&text, '\0'); /* no name holds one, so no two lists read alike */
        str_add(&text, x->e.type == 'l' ? x->e.target : x->e.type == 'f' ? x->hash : "");
        str_addc(&text, '\n');
    }
    sha256_hex(str_text(&text), text.len, ret);
}

int context_digest(struct context *c, char ret[SHA256_HEX], struct err *e)
{
    if (!c->digest[0]) {
        struct digesting d = {.c = c, .md = EVP_MD_CTX_new()};
        set_deadline(c);
        int rc = d.md ? c->source->each(c, digest_piece, &d, e) : err_set(e, ERR_RETRY, "out of memory");
        EVP_MD_CTX_free(d.md);
        if (rc < 0)
            return -1;
        digest_lines(c, c->digest);
    }
    memcpy(ret, c->digest, SHA256_HEX);
    return 0;
}

/* ---- one file ---- */

int context_file(struct context *c, const char *path, size_t max, struct arena *a, const char **ret, size_t *ret_n,
                 struct err *e)
{
    size_t at = context_find(c, path);
    if (at == SIZE_MAX || c->items[at].e.type != 'f')
        return err_set(e, ERR_MISSING, "%s: there is no file \"%.200s\" in it", c->where.path, path);
    int64_t bytes = c->items[at].e.bytes;
    if (bytes > (int64_t)max)
        return err_set(e, ERR_USER, "%s: \"%.200s\" is larger than %zu bytes", c->where.path, path, max);
    if (c->source->open(c, at, e) < 0) {
        c->source->close(c);
        return -1;
    }
    char *text = arena_alloc(a, (size_t)bytes + 1);
    int64_t have = 0;
    long got = 0;
    while (have < bytes && (got = c->source->read(c, text + have, (size_t)(bytes - have), e)) > 0)
        have += got;
    c->source->close(c);
    if (got < 0)
        return -1;
    *ret = text;
    *ret_n = (size_t)have;
    return 0;
}
