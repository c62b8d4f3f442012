/* tail.h: the last words of a container that is not well, for verdicts. */
#ifndef EK_TAIL_H
#define EK_TAIL_H

#include "drivers/driver.h"

/* text: the last lines, escaped, joined by " | "; "" if it wrote nothing or cannot be read. Valid during the callback. */
typedef void tail_done_fn(void *user, const char *text);

/* Fetch at most `lines` lines of at most 300 bytes each. done comes from the loop, exactly once. */
void tail_fetch(struct driver *d, const char *container, int lines, tail_done_fn *done, void *user);

/* The container of this app that explains why it is not well: restarting, ended badly, or unhealthy; NULL if none does. */
const struct obs_container *tail_culprit(const struct observed *o, const char *owner,
                                         const char *app);

#endif
