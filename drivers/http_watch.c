/* Descriptors of others in the loop's sleep: a child's pipes and clock, a thread's word that it is done.
 *
 * Comes in: descriptors with whom to tell. Goes out: one call for each that is ready, after each sleep. Level-triggered, as poll is: what is not read comes again. */
#include "drivers/http_watch.h"

#include "spec/base/arena.h"

struct http_watch {
    int fd;
    http_watch_fn *fn;
    void *user;
};

struct http_watch *http_watches_add(struct http_watches *l, int fd, http_watch_fn *fn, void *user)
{
    struct http_watch *w = xcalloc(1, sizeof(*w));

    *w = (struct http_watch){fd, fn, user};
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 4;
        l->v = xrealloc(l->v, l->cap * sizeof(struct http_watch *));
    }
    l->v[l->n++] = w;
    return w;
}

void http_watches_remove(struct http_watches *l, struct http_watch *w)
{
    for (size_t i = 0; w && i < l->n; i++)
        if (l->v[i] == w) {
            memmove(&l->v[i], &l->v[i + 1], (l->n - i - 1) * sizeof(struct http_watch *));
            l->n--;
            free(w);
            return;
        }
}

struct curl_waitfd *http_watches_join(struct http_watches *l, const struct curl_waitfd *extra,
                                      unsigned n_extra)
{
    size_t n = n_extra + l->n;

    if (n > l->cap_fds) {
        l->cap_fds = n;
        l->fds = xrealloc(l->fds, n * sizeof(l->fds[0]));
    }
    for (size_t i = 0; i < n; i++)
        l->fds[i] = i < n_extra ? extra[i]
                                : (struct curl_waitfd){.fd = l->v[i - n_extra]->fd,
                                                       .events = CURL_WAIT_POLLIN};
    return l->fds;
}

void http_watches_run(struct http_watches *l, const struct curl_waitfd *fds, size_t n)
{
    int ready[16];
    size_t n_ready = 0;

    /* by descriptor, since a callback may remove any of them */
    for (size_t i = 0; i < n && n_ready < ARRAY_LEN(ready); i++)
        if (fds[i].revents)
            ready[n_ready++] = fds[i].fd;
    for (size_t i = 0; i < n_ready; i++)
        for (size_t k = 0; k < l->n; k++)
            if (l->v[k]->fd == ready[i]) {
                l->v[k]->fn(l->v[k]->user);
                break;
            }
}

void http_watches_release(struct http_watches *l)
{
    while (l->n > 0)
        http_watches_remove(l, l->v[l->n - 1]);
    free(l->v);
    free(l->fds);
    *l = (struct http_watches){0};
}
