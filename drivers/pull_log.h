/* pull_log.h: when which image was pulled: STATE/pulls.json, so that what is to be pulled once a day is not pulled at each start.
 *
 * The engine does not tell it: what it says of an image is when it was made, and named. Loop thread only. */
#ifndef EK_PULL_LOG_H
#define EK_PULL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct obs_image;
struct pull_log;

/* file: STATE/pulls.json; it need not exist, and one that cannot be read counts as empty. Nothing is read yet. */
struct pull_log *pull_log_new(const char *file);
void pull_log_free(struct pull_log *l); /* NULL is fine */
/* A pull of this reference ended now. Written at once; a file that cannot be written costs a pull too many, and nothing else. */
void pull_log_note(struct pull_log *l, const char *ref, int64_t now_ms, bool well);
/* Fill in pulled_ms and tried_ms of these: a copy in the arena, or v itself when nothing is known of any. */
struct obs_image *pull_log_observed(struct pull_log *l, struct obs_image *v, size_t n,
                                    struct arena *a);

#endif
