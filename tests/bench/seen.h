/* seen.h: the engine's events as this program sees them, with the time of their arrival. */
#ifndef EK_BENCH_SEEN_H
#define EK_BENCH_SEEN_H

#include <stddef.h>

struct http;
struct seen;

struct seen *seen_new(struct http *h); /* opens the stream and waits until it stands */
void seen_free(struct seen *s);
/* Where the next event will be. */
size_t seen_mark(const struct seen *s);
/* Time at which the count-th event of this type and action since the mark came, of objects whose name begins so. Runs the loop
 * until then; dies after 600 s. */
double seen_wait(struct seen *s, size_t mark, const char *type, const char *action,
                 const char *name, size_t count);
/* Like seen_wait, but only looks at what has come: -1 if it has not. */
double seen_find(const struct seen *s, size_t mark, const char *type, const char *action,
                 const char *name, size_t count);

#endif
