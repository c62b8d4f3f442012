/* stats.h: what containers use now: rows, text, JSON. Figures are those of `docker stats`. */
#ifndef EK_STATS_H
#define EK_STATS_H

#include <jansson.h>

#include "drivers/engine_stats.h"
#include "spec/base/str.h"

struct arena;
struct core;

struct stats_row {
    const char *app, *service, *container;
    const char *trouble; /* why there are no figures; NULL: there are */
    struct engine_stats use;
};

struct stats {
    struct stats_row *rows; /* by app, then container */
    size_t n;
};
typedef void stats_done_fn(void *user, const struct stats *s);

/* Running containers of ours, of these apps (n == 0: of all): one call each, all in flight together; done comes when the last has answered, a second or two later, and never before this returns true.
 * False: there are none, and done never comes. s and everything in it live in the arena, which must stay until then. */
bool stats_begin(struct core *c, const struct strv *apps, struct arena *a, stats_done_fn *done,
                 void *user);

void stats_print(const struct stats *s, struct str *out);
json_t *stats_to_json(const struct stats *s);

#endif
