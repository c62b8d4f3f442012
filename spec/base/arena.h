/* arena.h: memory that belongs to one pass, one run or one file, and is dropped in one call.
 *
 * Everything allocated is zeroed and aligned for any type. Out of memory aborts: the agent is supervised and
 * recovers from the engine's labels, so no caller checks for NULL. */
#ifndef EK_ARENA_H
#define EK_ARENA_H

#include <stddef.h>

#include "spec/base/attr.h"

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a); /* NULL is fine */
void arena_freep(struct arena **a);
/* Forget everything, keep the first block: for arenas used again and again. */
void arena_clear(struct arena *a);

void *arena_alloc(struct arena *a, size_t bytes);
/* n elements of size bytes each; overflow aborts. */
void *arena_array(struct arena *a, size_t n, size_t size);
char *arena_strdup(struct arena *a, const char *s); /* NULL in, NULL out */
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Room for one more element in a growing array: returns v, or a doubled copy when n == *cap. */
void *arena_grow(struct arena *a, void *v, size_t n, size_t *cap, size_t size);
/* release(what) is called when the arena is cleared or freed, the last one first, while what is in the arena is still there: for
 * what others made that is to stay as long as this. It must not touch the arena. */
void arena_keep(struct arena *a, void (*release)(void *what), void *what);
/* Bytes handed out so far (for limits and tests). */
size_t arena_used(const struct arena *a);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, n, type) ((type *)arena_array((a), (n), sizeof(type)))

/* Heap twins that abort when out of memory, for what outlives a pass. */
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t bytes);
char *xstrdup(const char *s); /* NULL in, NULL out */
void xfreep(void *p);         /* CLEANUP(xfreep) char *p */

#endif
