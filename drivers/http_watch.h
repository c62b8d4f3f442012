/* http_watch.h: descriptors that the loop waits for along with its calls. A room of http.c; others use http_watch and http_unwatch. */
#ifndef EK_HTTP_WATCH_H
#define EK_HTTP_WATCH_H

#include "drivers/http.h"

struct http_watches {
    struct http_watch **v; /* heap */
    size_t n, cap;
    struct curl_waitfd *fds; /* of one poll */
    size_t cap_fds;
};

struct http_watch *http_watches_add(struct http_watches *l, int fd, http_watch_fn *fn, void *user);
void http_watches_remove(struct http_watches *l, struct http_watch *w); /* NULL is fine */
/* The extra ones, then ours: what to poll. Stands until the next call. */
struct curl_waitfd *http_watches_join(struct http_watches *l, const struct curl_waitfd *extra,
                                      unsigned n_extra);
/* Call those whose descriptor became ready. Callbacks may add and remove. fds: ours, from http_watches_join. */
void http_watches_run(struct http_watches *l, const struct curl_waitfd *fds, size_t n);
void http_watches_release(struct http_watches *l);

#endif
