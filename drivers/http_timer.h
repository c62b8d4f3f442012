/* http_timer.h: one-shot timers of the loop, soonest first. A room of http.c; others use http_after and http_timer_cancel. */
#ifndef EK_HTTP_TIMER_H
#define EK_HTTP_TIMER_H

#include <stddef.h>
#include <stdint.h>

#include "drivers/http.h"

struct http_timers {
    struct http_timer **v; /* a heap by time, then by age */
    size_t n, cap;
    uint64_t made;
};

struct http_timer *http_timers_add(struct http_timers *l, int64_t due_ms, http_timer_fn *fn,
                                   void *user);
void http_timers_remove(struct http_timers *l, struct http_timer *t); /* NULL is fine */
/* When the first is due, or -1 if there is none. */
int64_t http_timers_next(const struct http_timers *l);
/* Run what is due at now_ms and was set before this call; returns how many ran. Callbacks may add and remove. */
size_t http_timers_run(struct http_timers *l, int64_t now_ms);
void http_timers_release(struct http_timers *l);

#endif
