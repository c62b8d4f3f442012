/* http.c: requests to one engine on one curl multi, and the one place where the loop sleeps.
 *
 * In: requests and timers. Out: callbacks from http_poll, and from nowhere else. http_send only queues, because curl
 * allows no new transfer from inside one of its own callbacks, where many a request is made.
 * Short calls pass a counter of 16; streams and calls that block by their nature do not, or a few of them would
 * stop everything else. A short call has a total time-out, a stream a watchdog for silence.
 * It knows nothing of what the paths and bodies mean, never looks at a proxy, follows no redirect, and holds at most
 * LIMIT_REPLY_BYTES of one answer. */
#include "drivers/http.h"

#include <assert.h>
#include <errno.h>
#include <strings.h>
#include <time.h>

#include "drivers/http_call.h"
#include "drivers/http_timer.h"
#include "drivers/http_watch.h"
#include "spec/base/arena.h"
#include "spec/limits.h"

enum {
    SHORT_IN_FLIGHT = 16,
    IDLE_CONNECTIONS = 24, /* kept open: the short calls' and a few streams' */
    SPARE_HANDLES = 16,
    HEAD_MAX = 16 * 1024,
    CONNECT_TRIES = 7,
    FIRST_REST_MS = 10, /* doubled each time: 0.6 s in all */
};

struct http {
    CURLM *multi;
    struct http_place place;
    struct http_timers timers;
    struct http_watches watches;
    struct call_list waiting; /* counted, for room */
    struct call_list ready;   /* not counted, for the next http_poll */
    struct call_list running;
    struct call_list resting; /* found the engine's backlog full */
    struct call_list ended;   /* by us; their callback is due */
    CURL *spare[SPARE_HANDLES];
    size_t n_spare;
    size_t counted; /* short calls in flight */
    bool in_curl;   /* inside curl_multi_perform */
    uint64_t finished;
    int64_t until_ms; /* of short calls; 0: none */
};

int64_t http_now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct http *http_new(const struct http_target *target, struct err *e)
{
    struct http *h = xcalloc(1, sizeof(*h));

    if (http_place_parse(&h->place, target, e) < 0) {
        free(h);
        return NULL;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || !(h->multi = curl_multi_init()))
        abort();
    (void)curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS);
    return h;
}

static void release_call(struct http_call *c)
{
    struct http *h = c->h;

    http_timers_remove(&h->timers, c->watchdog);
    if (h->n_spare < SPARE_HANDLES) {
        curl_easy_reset(c->easy);
        h->spare[h->n_spare++] = c->easy;
    } else {
        curl_easy_cleanup(c->easy);
    }
    curl_slist_free_all(c->headers);
    str_release(&c->body);
    str_release(&c->head);
    free(c);
}

static void unhook(struct http_call *c)
{
    struct http *h = c->h;

    call_list_remove(c);
    if (!c->in_multi)
        return;
    (void)curl_multi_remove_handle(h->multi, c->easy);
    c->in_multi = false;
    h->counted -= c->counted;
}

static void release_all(struct call_list *l)
{
    for (struct http_call *c = l->first, *next; c; c = next) {
        next = c->next;
        unhook(c);
        release_call(c);
    }
}

void http_free(struct http *h)
{
    if (!h)
        return;
    assert(!h->in_curl);
    release_all(&h->waiting);
    release_all(&h->ready);
    release_all(&h->running);
    release_all(&h->resting);
    release_all(&h->ended);
    for (size_t i = 0; i < h->n_spare; i++)
        curl_easy_cleanup(h->spare[i]);
    (void)curl_multi_cleanup(h->multi);
    http_timers_release(&h->timers);
    http_watches_release(&h->watches);
    http_place_release(&h->place);
    curl_global_cleanup();
    free(h);
}

void http_set_version(struct http *h, const char *version)
{
    http_place_version(&h->place, version);
}

const char *http_where(const struct http *h)
{
    return h->place.url;
}

uint64_t http_calls(const struct http *h)
{
    return h->finished;
}

/* ---- curl's callbacks ---- */

/* One NUL-terminated line after another. */
static void keep_header(struct str *head, const char *bytes, size_t n)
{
    while (n > 0 && (bytes[n - 1] == '\r' || bytes[n - 1] == '\n'))
        n--;
    if (n == 0 || head->len + n + 1 > HEAD_MAX)
        return;
    str_addn(head, bytes, n);
    str_addc(head, '\0');
}

/* The stream stands: the last header line is there, and nothing of an interim reply. */
static size_t on_header(char *bytes, size_t size, size_t n, void *user)
{
    struct http_call *c = user;
    bool last = n == 2 && bytes[0] == '\r' && bytes[1] == '\n';
    long status = 0;

    (void)size;
    if (c->over)
        return 0;
    c->heard_ms = http_now_ms();
    if (n > 5 && strncmp(bytes, "HTTP/", 5) == 0)
        str_clear(&c->head); /* an interim reply came before */
    keep_header(&c->head, bytes, n);
    if (!last || !c->data || c->opened)
        return n;
    (void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || status >= 300)
        return n;
    c->opened = true;
    if (!c->data(c->user, "", 0) && !c->over)
        (void)err_set(&c->why, ERR_STALE, "ended by its reader");
    return c->over || c->why.kind ? 0 : n;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *user)
{
    struct http_call *c = user;

    (void)size;
    if (c->over)
        return 0;
    c->heard_ms = http_now_ms();
    if (c->opened) {
        if (!c->data(c->user, bytes, n) && !c->over)
            (void)err_set(&c->why, ERR_STALE, "ended by its reader");
        return c->over || c->why.kind ? 0 : n;
    }
    if (c->body.len + n > LIMIT_REPLY_BYTES) {
        (void)err_set(&c->why, ERR_RETRY, "the engine's answer to %s is larger than %d MiB",
                      c->what, LIMIT_REPLY_BYTES / (1024 * 1024));
        return 0;
    }
    str_addn(&c->body, bytes, n);
    return n;
}

static size_t on_feed(char *buf, size_t size, size_t n, void *user)
{
    struct http_call *c = user;
    long got;

    if (c->over)
        return CURL_READFUNC_ABORT;
    c->heard_ms = http_now_ms(); /* as long as it takes what we send, it is not silent */
    got = c->feed(c->user, buf, size * n);
    if (got >= 0)
        return (size_t)got;
    if (!c->over && !c->why.kind)
        (void)err_set(&c->why, ERR_STALE, "ended by its writer");
    return CURL_READFUNC_ABORT;
}

/* ---- making and ending calls ---- */

/* Its callback comes from http_poll, whatever curl still has to say about it. */
static void end_call(struct http_call *c)
{
    struct http *h = c->h;

    c->over = true;
    http_timers_remove(&h->timers, TAKE(c->watchdog));
    call_list_remove(c);
    call_list_add(&h->ended, c);
}

static void on_silence(void *user)
{
    struct http_call *c = user;
    int64_t left = c->heard_ms + c->silence_ms - http_now_ms();

    c->watchdog = NULL;
    if (c->over)
        return;
    if (left > 0) {
        c->watchdog = http_after(c->h, left, on_silence, c);
        return;
    }
    (void)err_set(&c->why, ERR_RETRY, "%s: nothing heard from the engine for %lld s", c->what,
                  (long long)c->silence_ms / 1000);
    end_call(c);
}

void http_until(struct http *h, int64_t until_ms)
{
    h->until_ms = until_ms;
}

/* own 0: the usual time, which is longer than anybody's hurry. */
static int64_t at_most(int64_t own, int64_t left)
{
    left = left > 0 ? left : 1;
    return own > 0 && own < left ? own : left;
}

struct http_call *http_send(struct http *h, const struct http_request *r)
{
    struct http_call *c = xcalloc(1, sizeof(*c));

    c->h = h;
    c->easy = h->n_spare ? h->spare[--h->n_spare] : curl_easy_init();
    if (!c->easy)
        abort();
    c->counted = !r->stream && !r->slow;
    c->silence_ms = r->stream ? r->timeout_ms : 0;
    c->data = r->stream ? r->data : NULL;
    c->feed = r->stream ? r->feed : NULL;
    c->done = r->done;
    c->user = r->user;
    struct http_request hurried = *r;

    if (h->until_ms > 0 && !r->stream)
        hurried.timeout_ms = at_most(r->timeout_ms, h->until_ms - http_now_ms());
    http_call_setup(c, &h->place, &hurried);
    (void)curl_easy_setopt(c->easy, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(c->easy, CURLOPT_HEADERDATA, c);
    (void)curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
    if (c->feed) {
        (void)curl_easy_setopt(c->easy, CURLOPT_READFUNCTION, on_feed);
        (void)curl_easy_setopt(c->easy, CURLOPT_READDATA, c);
    }
    call_list_add(c->counted ? &h->waiting : &h->ready, c);
    return c;
}

void http_cancel(struct http *h, struct http_call *c)
{
    assert(c->h == h);
    if (c->over)
        return;
    (void)err_set(&c->why, ERR_STALE, "%s: cancelled", c->what);
    end_call(c);
}

void http_drop(struct http *h, struct http_call *c)
{
    if (!c)
        return;
    c->done = NULL;
    c->data = NULL;
    if (h->in_curl) {
        if (!c->over)
            end_call(c);
        return;
    }
    unhook(c);
    release_call(c);
}

/* By hand: curl's own way to them is younger than the curl of Ubuntu 22.04. */
const char *http_header(const struct http_reply *reply, const char *name)
{
    const struct str *head = reply->call ? &reply->call->head : NULL;
    size_t n = strlen(name);

    for (size_t at = 0; head && at < head->len; at += strlen(head->buf + at) + 1) {
        const char *line = head->buf + at;

        if (strncasecmp(line, name, n) == 0 && line[n] == ':')
            return line + n + 1 + strspn(line + n + 1, " \t");
    }
    return NULL;
}

/* ---- the loop ---- */

static void launch(struct http *h, struct http_call *c)
{
    call_list_remove(c);
    call_list_add(&h->running, c);
    if (curl_multi_add_handle(h->multi, c->easy) != CURLM_OK)
        abort();
    c->in_multi = true;
    h->counted += c->counted;
    c->heard_ms = http_now_ms();
    if (c->silence_ms > 0)
        c->watchdog = http_after(h, c->silence_ms, on_silence, c);
}

static bool launch_all(struct http *h)
{
    bool any = false;

    while (h->ready.first) {
        launch(h, h->ready.first);
        any = true;
    }
    while (h->waiting.first && h->counted < SHORT_IN_FLIGHT) {
        launch(h, h->waiting.first);
        any = true;
    }
    return any;
}

static void perform(struct http *h)
{
    int running;

    h->in_curl = true;
    (void)curl_multi_perform(h->multi, &running);
    h->in_curl = false;
}

/* The end of every call: out of all lists, then the callback, then its memory. */
static void finish(struct http_call *c, CURLcode result)
{
    struct http *h = c->h;
    struct http_reply reply = {.err = c->why, .call = c};
    long status = 0;

    (void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    reply.status = (int)status;
    if (!reply.err.kind && result != CURLE_OK)
        http_call_explain(c, &h->place, result, &reply.err);
    if (!c->opened) {
        reply.body = str_text(&c->body);
        reply.n = c->body.len;
    }
    unhook(c);
    h->finished++;
    if (c->done)
        c->done(c->user, &reply);
    release_call(c);
}

static void end_rest(void *user)
{
    struct http_call *c = user;

    c->watchdog = NULL;
    call_list_remove(c);
    call_list_add(c->counted ? &c->h->waiting : &c->h->ready, c);
}

/* A full backlog looks like nobody being there, but passes. */
static bool rest(struct http_call *c, CURLcode result)
{
    struct http *h = c->h;

    if (result != CURLE_COULDNT_CONNECT || c->elsewhere || !http_call_crowded(c, &h->place) ||
        ++c->tries >= CONNECT_TRIES)
        return false;
    unhook(c);
    call_list_add(&h->resting, c);
    http_timers_remove(&h->timers, c->watchdog);
    c->watchdog = http_after(h, (int64_t)FIRST_REST_MS << (c->tries - 1), end_rest, c);
    return true;
}

static bool collect(struct http *h)
{
    bool any = false;
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(h->multi, &left))) {
        struct http_call *c;
        CURLcode result = m->data.result;
        if (m->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c);
        if (c->over || rest(c, result))
            continue; /* the end of those that are over comes below, with our reason */
        finish(c, result);
        any = true;
    }
    /* What a callback ends now has its own callback in the next round. */
    size_t due = 0;

    for (const struct http_call *c = h->ended.first; c; c = c->next)
        due++;
    for (; due > 0 && h->ended.first; due--) {
        finish(h->ended.first, CURLE_OK);
        any = true;
    }
    return any;
}

static int time_to_sleep(const struct http *h, int max_ms)
{
    int64_t next = http_timers_next(&h->timers), left;

    if (h->ended.first || h->ready.first || (h->waiting.first && h->counted < SHORT_IN_FLIGHT))
        return 0;
    if (next < 0)
        return max_ms < 0 ? INT32_MAX : max_ms;
    left = next - http_now_ms();
    if (left < 0)
        left = 0;
    if (max_ms >= 0 && left > max_ms)
        left = max_ms;
    return left > INT32_MAX ? INT32_MAX : (int)left;
}

int http_poll(struct http *h, struct curl_waitfd *extra, unsigned n_extra, int max_ms,
              struct err *e)
{
    bool any = false;
    CURLMcode code;

    assert(!h->in_curl);
    if (launch_all(h)) {
        perform(h);
        any = collect(h);
    }
    size_t n_ours = h->watches.n;
    struct curl_waitfd *fds = http_watches_join(&h->watches, extra, n_extra);

    code = curl_multi_poll(h->multi, fds, n_extra + (unsigned)n_ours,
                           any ? 0 : time_to_sleep(h, max_ms), NULL);
    for (unsigned i = 0; i < n_extra; i++)
        extra[i].revents = fds[i].revents;
    if (code != CURLM_OK)
        return err_set(e, ERR_BUG, "waiting for the engine: %s", curl_multi_strerror(code));
    perform(h);
    (void)collect(h);
    (void)http_timers_run(&h->timers, http_now_ms());
    http_watches_run(&h->watches, n_ours ? fds + n_extra : NULL, n_ours);
    return 0;
}

struct http_watch *http_watch(struct http *h, int fd, http_watch_fn *fn, void *user)
{
    return http_watches_add(&h->watches, fd, fn, user);
}

void http_unwatch(struct http *h, struct http_watch *w)
{
    http_watches_remove(&h->watches, w);
}

void http_wake(struct http *h)
{
    (void)curl_multi_wakeup(h->multi);
}

struct http_timer *http_after(struct http *h, int64_t ms, http_timer_fn *fn, void *user)
{
    return http_timers_add(&h->timers, http_now_ms() + (ms > 0 ? ms : 0), fn, user);
}

void http_timer_cancel(struct http *h, struct http_timer *t)
{
    if (t)
        http_timers_remove(&h->timers, t);
}
