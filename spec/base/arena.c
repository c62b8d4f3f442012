/* arena.c: bump allocation in blocks that double from 4 KiB to 1 MiB.
 *
 * In: sizes and texts to copy. Out: zeroed memory that lives until arena_clear or arena_free.
 * A request too large for the next block gets a block of its own and leaves the current one in use, so one big
 * text does not waste the rest of a block. Under AddressSanitizer unused room is poisoned and a gap is left
 * behind every allocation; otherwise bumping would hide overruns from it.
 * It refuses to return NULL: without memory it aborts. */
#include "spec/base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
enum { GAP = 16 };
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
enum { GAP = 0 };
#endif

enum {
    ALIGN = _Alignof(max_align_t),
    BLOCK_FIRST = 4 * 1024,
    BLOCK_LAST = 1024 * 1024,
};

struct block {
    struct block *older;
    size_t size, used; /* of bytes */
    _Alignas(max_align_t) char bytes[];
};

struct keep {
    struct keep *older;
    void (*release)(void *what);
    void *what;
};

struct arena {
    struct block *first, *now;
    struct keep *keeps; /* in the blocks */
    size_t next_size;   /* of the next block, its header included */
    size_t handed_out;
};

static struct block *block_new(size_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        abort();
    struct block *b = xcalloc(1, sizeof(*b) + bytes);

    b->size = bytes;
    ASAN_POISON_MEMORY_REGION(b->bytes, b->size);
    return b;
}

struct arena *arena_new(void)
{
    struct arena *a = xcalloc(1, sizeof(*a));

    a->first = a->now = block_new(BLOCK_FIRST - sizeof(struct block));
    a->next_size = 2 * (size_t)BLOCK_FIRST;
    return a;
}

static void free_all_but_first(struct arena *a)
{
    struct block *b = a->now;

    while (b) {
        struct block *older = b->older;
        if (b != a->first)
            free(b);
        b = older;
    }
    a->now = a->first;
    a->first->older = NULL;
}

static void release_kept(struct arena *a)
{
    struct keep *k = a->keeps;

    a->keeps = NULL;
    for (; k; k = k->older)
        k->release(k->what);
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    release_kept(a);
    free_all_but_first(a);
    free(a->first);
    free(a);
}

void arena_freep(struct arena **a)
{
    arena_free(*a);
    *a = NULL;
}

void arena_clear(struct arena *a)
{
    struct block *b = a->first;

    release_kept(a);
    free_all_but_first(a);
    ASAN_UNPOISON_MEMORY_REGION(b->bytes, b->used);
    memset(b->bytes, 0, b->used);
    ASAN_POISON_MEMORY_REGION(b->bytes, b->size);
    b->used = 0;
    a->next_size = 2 * (size_t)BLOCK_FIRST;
    a->handed_out = 0;
}

/* The rare half of take: no room in the current block. */
static struct block *block_for(struct arena *a, size_t bytes)
{
    size_t usual = a->next_size - sizeof(struct block);
    struct block *b;

    if (bytes > usual / 2) {
        b = block_new(bytes);
        b->older = a->now->older;
        a->now->older = b;
        return b;
    }
    b = block_new(usual);
    b->older = a->now;
    a->now = b;
    if (a->next_size < BLOCK_LAST)
        a->next_size *= 2;
    return b;
}

static void *take(struct arena *a, size_t bytes, size_t align)
{
    struct block *b = a->now;

    if (bytes > SIZE_MAX / 4)
        abort();
    size_t at = (b->used + align - 1) & ~(align - 1);
    if (at > b->size || b->size - at < bytes + GAP) {
        b = block_for(a, bytes + GAP);
        at = 0;
    }
    b->used = at + bytes + GAP;
    a->handed_out += bytes;
    ASAN_UNPOISON_MEMORY_REGION(b->bytes + at, bytes);
    return b->bytes + at;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
    /* Nothing still is something of its own: two empty allocations have two addresses. */
    return take(a, bytes ? bytes : 1, ALIGN);
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes))
        abort();
    return arena_alloc(a, bytes);
}

static char *take_text(struct arena *a, const char *s, size_t len)
{
    char *copy = take(a, len + 1, 1);

    memcpy(copy, s, len);
    return copy;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
    if (!s)
        return NULL;
    return take_text(a, s, strnlen(s, n));
}

char *arena_strdup(struct arena *a, const char *s)
{
    return s ? take_text(a, s, strlen(s)) : NULL;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    char small[256];
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(small, sizeof(small), fmt, ap);
    va_end(ap);
    if (n < 0)
        abort();
    char *text = take(a, (size_t)n + 1, 1);

    if ((size_t)n < sizeof(small)) {
        memcpy(text, small, (size_t)n);
        return text;
    }
    va_start(ap, fmt);
    (void)vsnprintf(text, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return text;
}

void *arena_grow(struct arena *a, void *v, size_t n, size_t *cap, size_t size)
{
    assert(n <= *cap);
    if (n < *cap)
        return v;
    size_t more = n ? n * 2 : 8;
    void *grown = arena_array(a, more, size);

    if (n)
        memcpy(grown, v, n * size);
    *cap = more;
    return grown;
}

void arena_keep(struct arena *a, void (*release)(void *what), void *what)
{
    struct keep *k = ARENA_NEW(a, struct keep);

    *k = (struct keep){a->keeps, release, what};
    a->keeps = k;
}

size_t arena_used(const struct arena *a)
{
    return a->handed_out;
}

void *xcalloc(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1);

    if (!p)
        abort();
    return p;
}

void *xrealloc(void *p, size_t bytes)
{
    void *grown = realloc(p, bytes ? bytes : 1);

    if (!grown)
        abort();
    return grown;
}

char *xstrdup(const char *s)
{
    if (!s)
        return NULL;
    size_t bytes = strlen(s) + 1;

    return memcpy(xrealloc(NULL, bytes), s, bytes);
}

void xfreep(void *p)
{
    void *held;

    /* p is the address of a pointer of any type; copying bytes avoids reading it as a void *. */
    memcpy(&held, p, sizeof(held));
    free(held);
    memset(p, 0, sizeof(held));
}
