/* The digest of a context: the SHA-256 of each file, of several files at once where the machine has the cores, and the SHA-256 of the list of all.
 *
 * Comes in: a sealed list and a source that can be read twice at the same time. Goes out: each entry's hash and the context's digest, which do not depend on how many read. Of several errors it
 * gives the one that a single reader would have met first. */
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "drivers/context_parts.h"
#include "spec/base/arena.h"

enum {
    READERS_MOST = 4,
    WORTH_BYTES = 4 << 20, /* a thread costs more than it saves below that */
};

struct shared {
    struct context *c;
    atomic_size_t next, end; /* entries before end are read; the first that fails is the end */
};

struct reader {
    struct shared *s;
    struct context c; /* a view of the same, with an own of its own */
    char *buf;
    EVP_MD_CTX *md;
    size_t failed; /* entry */
    struct err err;
    pthread_t thread;
};

static int hash_file(struct reader *r, struct item *x)
{
    struct context *c = &r->c;
    long n = -1;

    (void)EVP_DigestInit_ex(r->md, EVP_sha256(), NULL);
    if (c->source->open(c, x, &r->err) == 0) {
        while ((n = c->source->read(c, r->buf, CONTEXT_BLOCK_BYTES, &r->err)) > 0) {
            (void)EVP_DigestUpdate(r->md, r->buf, (size_t)n);
            c->read_bytes += n;
            if (context_check_time(c, &r->err) < 0) {
                n = -1;
                break;
            }
        }
        c->source->close(c);
    }
    x->hashed = n == 0;
    if (x->hashed)
        (void)EVP_DigestFinal_ex(r->md, x->hash, NULL);
    return (int)n;
}

/* Entries are taken in their order, so all before one that fails are read by somebody. */
static void *read_some(void *user)
{
    struct reader *r = user;
    struct shared *s = r->s;

    for (;;) {
        size_t i = atomic_fetch_add(&s->next, 1), end = atomic_load(&s->end);

        if (i >= end)
            return NULL;
        struct item *x = &r->c.items[i];

        if (x->e.type != 'f' || x->hashed || hash_file(r, x) == 0)
            continue;
        r->failed = i;
        while (i < end && !atomic_compare_exchange_weak(&s->end, &end, i))
            ;
        return NULL;
    }
}

static bool make_reader(struct reader *r, struct shared *s, void *own)
{
    *r = (struct reader){.s = s, .c = *s->c, .failed = s->c->n};
    r->c.own = own;
    r->c.read_bytes = 0;
    r->md = EVP_MD_CTX_new();
    r->buf = xcalloc(1, CONTEXT_BLOCK_BYTES);
    return r->md && own;
}

static size_t readers_wanted(const struct context *c)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t bytes = 0;

    for (size_t i = 0; i < c->n; i++)
        bytes += c->items[i].e.type == 'f' && !c->items[i].hashed ? c->items[i].e.bytes : 0;
    if (!c->source->twin || bytes < WORTH_BYTES || cores < 2)
        return 1;
    return cores < READERS_MOST ? (size_t)cores : READERS_MOST;
}

static void free_reader(struct reader *r, bool twin)
{
    if (twin && r->c.own)
        r->c.source->free(&r->c);
    EVP_MD_CTX_free(r->md);
    free(r->buf);
}

/* The caller reads too; a twin that cannot be had is one fewer. */
static size_t start_twins(struct reader *all, size_t wanted, struct shared *s)
{
    size_t n = 1;

    for (; n < wanted; n++) {
        struct reader *r = &all[n];

        if (make_reader(r, s, s->c->source->twin(s->c)) &&
            pthread_create(&r->thread, NULL, read_some, r) == 0)
            continue;
        free_reader(r, true);
        break;
    }
    return n;
}

int context_hash_files(struct context *c, struct err *e)
{
    struct reader all[READERS_MOST];
    struct shared s = {.c = c, .end = c->n};
    const struct reader *first = &all[0];

    if (!make_reader(&all[0], &s, c->own)) {
        free_reader(&all[0], false);
        return err_set(e, ERR_RETRY, "%s: out of memory", c->where.path);
    }
    size_t n = start_twins(all, readers_wanted(c), &s);

    (void)read_some(&all[0]);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            (void)pthread_join(all[i].thread, NULL);
        c->read_bytes += all[i].c.read_bytes;
        if (all[i].failed < first->failed)
            first = &all[i];
    }
    int rc = first->failed < c->n ? err_set(e, first->err.kind, "%s", first->err.msg) : 0;

    for (size_t i = 0; i < n; i++)
        free_reader(&all[i], i > 0);
    return rc;
}

/* Each line is told from the next: no path and no target holds a NUL, and a hash has one length. */
int context_hash_list(struct context *c, struct err *e)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();

    if (!md)
        return err_set(e, ERR_RETRY, "%s: out of memory", c->where.path);
    (void)EVP_DigestInit_ex(md, EVP_sha256(), NULL);
    for (size_t i = 0; i < c->n; i++) {
        const struct item *x = &c->items[i];
        const char kind[2] = {x->e.type, x->e.type == 'f' && x->e.executable ? 'x' : '-'};

        (void)EVP_DigestUpdate(md, kind, sizeof(kind));
        (void)EVP_DigestUpdate(md, x->e.path, strlen(x->e.path) + 1);
        if (x->e.type == 'l')
            (void)EVP_DigestUpdate(md, x->e.target, strlen(x->e.target) + 1);
        else if (x->e.type == 'f')
            (void)EVP_DigestUpdate(md, x->hash, sizeof(x->hash));
    }
    (void)EVP_DigestFinal_ex(md, c->digest, NULL);
    EVP_MD_CTX_free(md);
    return 0;
}
