/* http.h: requests to an engine, many in flight on one curl multi, and the one place where the loop sleeps.
 *
 * One struct http serves the whole process. Short calls pass a counter (16 at a time), streams do not. All callbacks come from
 * inside http_poll. */
#ifndef EK_HTTP_H
#define EK_HTTP_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/base/err.h"

struct http;
struct http_call;

struct http_target {       /* where the engine is; copied */
    const char *url;       /* unix:///var/run/docker.sock, tcp://host:2375, https://host:2376 */
    const char *cert_path; /* folder with ca.pem, cert.pem, key.pem; NULL: none */
    bool tls;              /* also for tcp:// */
    bool tls_verify; /* tls without tls_verify accepts any certificate; https:// alone verifies */
};

struct http_reply {
    struct err err; /* transport failures (ERR_RETRY); HTTP statuses are not failures here */
    int status;
    const char *body; /* NUL-terminated; NULL for streams. Valid during the callback */
    size_t n;
    struct http_call *call; /* for http_header */
};
typedef void http_done_fn(void *user, const struct http_reply *reply);
/* A piece of a stream's body; return false to end the call (done then comes with ERR_STALE). Called only when the status
 * is below 300; the body of an error status is collected and handed to done. The first call has n == 0 and comes as soon as
 * the reply's header is there: the stream stands, though nothing was said yet. */
typedef bool http_data_fn(void *user, const char *bytes, size_t n);

/* The next bytes of a streamed request body into buf; 0 at the end, -1 to give the call up (done comes with ERR_STALE). */
typedef long http_feed_fn(void *user, void *buf, size_t n);

struct http_request {
    const char *method; /* "GET" */
    const char *
        path; /* "/containers/json?all=1", already escaped; the version prefix is added unless `unversioned` */
    const char *
        base; /* "http://127.0.0.1:32768": a plain server beside the engine; NULL: the engine. Copied */
    const char *body;   /* JSON, or NULL; copied */
    const char *header; /* one extra header line, or NULL; copied */
    bool unversioned;
    bool stream; /* does not count against the 16; no total time-out */
    bool
        slow; /* a short call that by its nature blocks for seconds (a stop's grace): not counted either */
    int64_t timeout_ms; /* total for short calls (0: 30 s); silence for streams (0: none) */
    http_data_fn *data; /* streams; NULL for short calls */
    http_feed_fn *feed; /* streams: the body, sent chunked as a tar; NULL: `body` */
    http_done_fn *done;
    void *user;
};

/* ERR_USER for an address that is none of the three. Nothing is connected yet. */
struct http *http_new(const struct http_target *target, struct err *e);
void http_free(
    struct http *
        h); /* NULL is fine; open calls and timers end without a callback. Not from inside a callback */
/* "v1.45"; prefixed to every path from then on. */
void http_set_version(struct http *h, const char *version);
struct http_call *http_send(struct http *h, const struct http_request *r);
/* Short calls that are sent from now on end by then (http_now_ms), at the latest; 0: each has its own time. */
void http_until(struct http *h, int64_t until_ms);
void http_cancel(struct http *h,
                 struct http_call *c); /* done comes with ERR_STALE from the next http_poll */
void http_drop(struct http *h,
               struct http_call *c); /* NULL is fine; ends without any further callback */
/* A header of the reply, valid during the callback; NULL when absent. */
const char *http_header(const struct http_reply *reply, const char *name);
/* Where the engine is, for messages: "unix:///var/run/docker.sock". */
const char *http_where(const struct http *h);
int64_t http_now_ms(void); /* CLOCK_MONOTONIC */

struct http_timer; /* one-shot, on CLOCK_MONOTONIC */
typedef void http_timer_fn(void *user);
struct http_timer *http_after(struct http *h, int64_t ms, http_timer_fn *fn, void *user);
void http_timer_cancel(struct http *h, struct http_timer *t); /* NULL is fine; not after it fired */

struct http_watch; /* a descriptor that http_poll waits for too, until http_unwatch */
typedef void http_watch_fn(void *user);
/* fn is called after each sleep that finds it readable. */
struct http_watch *http_watch(struct http *h, int fd, http_watch_fn *fn, void *user);
void http_unwatch(struct http *h, struct http_watch *w); /* NULL is fine; before fd is closed */

/* Sleep until something is ready, a timer is due or max_ms passed (-1: no limit); run callbacks. extra descriptors are polled along and
 * their revents filled in. Returns 0, or -1 if polling itself failed. */
int http_poll(struct http *h, struct curl_waitfd *extra, unsigned n_extra, int max_ms,
              struct err *e);
void http_wake(struct http *h); /* from any thread */
/* Calls finished since start, for `stats` and the benchmark. */
uint64_t http_calls(const struct http *h);

#endif
