/* js_pool.c: jansson's memory while one text is read or written.
 *
 * In: jansson's requests for memory. Out: pieces of blocks that are handed out in order and emptied all at once. An inspect's reply is some 300 values, and
 * their malloc and free were a sixth of what a cold look at 300 containers costs (57 -> 48 ms of CPU). */
#include "spec/base/js_pool.h"

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)0)
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)0)
#endif

enum { BLOCK = 1 << 18, ALIGN = 16, BLOCKS = 40 };

static _Thread_local struct {
    int open;            /* scopes within each other */
    char *block[BLOCKS]; /* each twice as large as the one before; the first one stays */
    size_t size[BLOCKS], n;
    char *at, *end; /* what is left of the last one */
} pool;

static pthread_key_t leaving;

static bool ours(const void *p)
{
    uintptr_t x = (uintptr_t)p;

    for (size_t i = pool.n; i-- > 0;)
        if (x - (uintptr_t)pool.block[i] < pool.size[i])
            return true;
    return false;
}

static bool next_block(size_t least)
{
    size_t size = (size_t)BLOCK << pool.n;

    if (pool.n == BLOCKS)
        return false;
    while (size < least)
        size *= 2;
    char *p = malloc(size);

    if (!p)
        return false;
    if (pool.n == 0)
        (void)pthread_setspecific(leaving, &pool);
    pool.block[pool.n] = p;
    pool.size[pool.n++] = size;
    pool.at = p;
    pool.end = p + size;
    ASAN_POISON_MEMORY_REGION(p, size);
    return true;
}

static void *pool_malloc(size_t n)
{
    if (!pool.open)
        return malloc(n);
    n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if ((size_t)(pool.end - pool.at) < n && !next_block(n))
        return NULL;
    void *p = pool.at;

    ASAN_UNPOISON_MEMORY_REGION(p, n);
    pool.at += n;
    return p;
}

static void pool_free(void *p)
{
    if (!pool.open || !ours(p))
        free(p);
}

/* The thread ends: nobody uses what it has kept. */
static void give_back(void *user)
{
    (void)user;
    for (; pool.n > 0; pool.n--) {
        ASAN_UNPOISON_MEMORY_REGION(pool.block[pool.n - 1], pool.size[pool.n - 1]);
        free(pool.block[pool.n - 1]);
    }
    pool.at = pool.end = NULL;
}

static void use_ours(void)
{
    (void)pthread_key_create(&leaving, give_back);
    json_set_alloc_funcs(pool_malloc, pool_free);
}

struct js_pool js_pool_begin(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, use_ours);
    pool.open++;
    return (struct js_pool){0};
}

void js_pool_end(struct js_pool *p)
{
    (void)p;
    if (--pool.open > 0)
        return;
    for (; pool.n > 1; pool.n--) {
        ASAN_UNPOISON_MEMORY_REGION(pool.block[pool.n - 1], pool.size[pool.n - 1]);
        free(pool.block[pool.n - 1]);
    }
    if (pool.n == 1) {
        ASAN_POISON_MEMORY_REGION(pool.block[0], pool.size[0]);
        pool.at = pool.block[0];
        pool.end = pool.at + pool.size[0];
    }
}
