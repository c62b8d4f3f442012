/* Connections that stay open.
 *
 * Comes in: events, lines, new clients, all through one inbox that any thread may write into. Goes out: each to whom it is for, from the one thread that has all clients; it sleeps in epoll and never
 * waits for a client. Refuses to let a client that is slow, gone or no longer allowed keep its place. */
#include "agent/stream.h"

#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "agent/core.h"
#include "agent/stream_parts.h"
#include "spec/base/arena.h"

enum { BATCH = 64, STACK_BYTES = 128 << 10, TICK_MS = 1000 };

enum what { SAY_EVENT, SAY_LINES, SAY_END, SAY_JOIN, SAY_BEGIN, SAY_DROP, SAY_CHECK };

struct message { /* with its texts in one block */
    struct message *next;
    enum what what;
    uint64_t client;
    struct client *joins;
    int fd;
    struct stream_event event;
    const char *lines;
    bool failed;
    size_t bytes;
};

struct share { /* of the places of STREAM_WAIT, of one credential */
    struct share *next;
    int n;
    char credential[];
};

struct stream {
    struct stream_rules rules;
    pthread_t thread;
    int bell; /* eventfd: something is in the inbox */
    atomic_bool stop;
    pthread_mutex_t lock; /* guards the inbox */
    struct message *first, **last;
    atomic_size_t inbox_bytes;
    atomic_uint_fast64_t ids, last_number;
    atomic_int places[STREAM_WAIT + 1];
    atomic_bool lost;     /* an event was told that found no room */
    struct share *shares; /* guarded by the lock, too */

    /* the thread's own */
    struct stream_outlet outlet;
    struct stream_ring ring;
    struct client **v;
    size_t n, cap;
    int64_t beat_ms; /* when the next one is due */
};

/* ---- the inbox ---- */

static void post(struct stream *s, struct message *m)
{
    uint64_t one = 1;

    (void)atomic_fetch_add(&s->inbox_bytes, m->bytes);
    (void)pthread_mutex_lock(&s->lock);
    *s->last = m;
    s->last = &m->next;
    (void)pthread_mutex_unlock(&s->lock);
    if (write(s->bell, &one, sizeof(one)) < 0)
        return; /* only when it rings already */
}

static struct message *message_new(enum what what, uint64_t client, size_t more)
{
    struct message *m = xcalloc(1, sizeof(*m) + more);

    *m = (struct message){.what = what, .client = client, .bytes = sizeof(*m) + more};
    return m;
}

static const char *put_text(char **at, const char *text)
{
    size_t n = text ? strlen(text) + 1 : 0;
    char *here = *at;

    if (!text)
        return NULL;
    memcpy(here, text, n);
    *at += n;
    return here;
}

static size_t text_bytes(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

void stream_tell(struct stream *s, const struct stream_event *e)
{
    if (atomic_load(&s->inbox_bytes) > STREAM_INBOX_BYTES) {
        atomic_store(&s->lost, true);
        return;
    }
    struct message *m = message_new(SAY_EVENT, 0,
                                    text_bytes(e->type) + text_bytes(e->app) + text_bytes(e->json) +
                                        text_bytes(e->text));
    char *at = (char *)(m + 1);

    m->event = (struct stream_event){.type = put_text(&at, e->type),
                                     .app = put_text(&at, e->app),
                                     .json = put_text(&at, e->json),
                                     .text = put_text(&at, e->text),
                                     .need = e->need};
    post(s, m);
}

bool stream_say(struct stream *s, uint64_t client, const char *lines)
{
    if (atomic_load(&s->inbox_bytes) > STREAM_INBOX_BYTES)
        return false;
    struct message *m = message_new(SAY_LINES, client, text_bytes(lines));
    char *at = (char *)(m + 1);

    m->lines = put_text(&at, lines);
    post(s, m);
    return true;
}

void stream_end(struct stream *s, uint64_t client, const char *lines, bool failed)
{
    struct message *m = message_new(SAY_END, client, text_bytes(lines));
    char *at = (char *)(m + 1);

    m->lines = put_text(&at, lines);
    m->failed = failed;
    post(s, m);
}

void stream_check(struct stream *s)
{
    post(s, message_new(SAY_CHECK, 0, 0));
}

bool stream_heard(struct stream *s)
{
    return atomic_load(&s->places[STREAM_EVENTS]) + atomic_load(&s->places[STREAM_WAIT]) > 0;
}

uint64_t stream_last(struct stream *s)
{
    return atomic_load(&s->last_number);
}

/* ---- clients ---- */

static int most_of(enum stream_kind kind)
{
    switch (kind) {
    case STREAM_EVENTS: return STREAM_EVENTS_MAX;
    case STREAM_LOGS: return STREAM_LOGS_MAX;
    case STREAM_WAIT: return STREAM_WAIT_MAX;
    }
    return 0;
}

static char *joined(const struct strv *l)
{
    CLEANUP(str_release) struct str out = STR_INIT;

    if (!l || l->n == 0)
        return NULL;
    str_add(&out, ",");
    for (size_t i = 0; i < l->n; i++)
        str_addf(&out, "%s,", l->v[i]);
    return xstrdup(str_text(&out));
}

struct stream_client { /* a name for it: the client itself is the thread's from the beginning */
    struct stream *stream;
    uint64_t id;
};

static struct client *client_of(const struct stream_want *w, uint64_t id)
{
    struct client *c = xcalloc(1, sizeof(*c));

    *c = (struct client){
        .id = id,
        .kind = w->kind,
        .sse = w->sse,
        .chunked = w->chunked,
        .role = w->role,
        .only = joined(w->only),
        .apps = joined(w->apps),
        .credential = xstrdup(w->credential),
        .last_event_id = xstrdup(w->last_event_id ? w->last_event_id : ""),
        .after = w->after,
        .deadline_ms = w->deadline_ms > 0 ? core_monotonic_ms() + w->deadline_ms : 0,
        .fd = -1,
    };
    return c;
}

static bool take_place(struct stream *s, enum stream_kind kind)
{
    if (atomic_fetch_add(&s->places[kind], 1) < most_of(kind))
        return true;
    (void)atomic_fetch_sub(&s->places[kind], 1);
    return false;
}

/* The share of a credential grows or shrinks by one. False: it is as large as may be. */
static bool count_share(struct stream *s, const char *credential, int by)
{
    struct share **at = &s->shares;
    bool fine = true;

    if (!credential)
        return true;
    (void)pthread_mutex_lock(&s->lock);
    while (*at && strcmp((*at)->credential, credential) != 0)
        at = &(*at)->next;
    if (!*at && by > 0) {
        size_t n = strlen(credential) + 1;

        *at = xcalloc(1, sizeof(**at) + n);
        memcpy((*at)->credential, credential, n);
    }
    struct share *x = *at;

    if (x && by > 0 && x->n >= STREAM_WAIT_EACH)
        fine = false;
    else if (x && (x->n += by) <= 0) {
        *at = x->next;
        explicit_bzero(x->credential, strlen(x->credential));
        free(x);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return fine;
}

bool stream_reserve(struct stream *s, const char *credential)
{
    if (!count_share(s, credential, 1))
        return false;
    if (take_place(s, STREAM_WAIT))
        return true;
    (void)count_share(s, credential, -1);
    return false;
}

void stream_unreserve(struct stream *s, const char *credential)
{
    (void)atomic_fetch_sub(&s->places[STREAM_WAIT], 1);
    (void)count_share(s, credential, -1);
}

struct stream_client *stream_client_new(struct stream *s, const struct stream_want *w)
{
    if (!w->reserved &&
        !(w->kind == STREAM_WAIT ? stream_reserve(s, w->credential) : take_place(s, w->kind)))
        return NULL;
    struct stream_client *c = xcalloc(1, sizeof(*c));

    *c = (struct stream_client){s, atomic_fetch_add(&s->ids, 1) + 1};
    struct message *m = message_new(SAY_JOIN, c->id, 0);

    m->joins = client_of(w, c->id);
    post(s, m);
    return c;
}

uint64_t stream_client_id(const struct stream_client *c)
{
    return c->id;
}

void stream_client_drop(struct stream_client *c)
{
    if (c)
        post(c->stream, message_new(SAY_DROP, c->id, 0));
    free(c);
}

void stream_begin(struct stream_client *c, int fd)
{
    struct message *m = message_new(SAY_BEGIN, c->id, 0);

    m->fd = fd;
    post(c->stream, m);
    free(c);
}

/* ---- the thread ---- */

static void drop(struct stream *s, struct client *c)
{
    s->v[c->place] = s->v[--s->n];
    s->v[c->place]->place = c->place;
    if (c->kind == STREAM_WAIT)
        stream_unreserve(s, c->credential);
    else
        (void)atomic_fetch_sub(&s->places[c->kind], 1);
    if (s->rules.gone && c->kind != STREAM_EVENTS)
        s->rules.gone(s->rules.ctx, c->id);
    client_free(&s->outlet, c);
}

static void join(struct stream *s, struct client *c)
{
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 64;
        s->v = xrealloc(s->v, s->cap * sizeof(struct client *));
    }
    if (s->n == 0)
        s->beat_ms = s->outlet.now_ms + s->rules.beat_ms;
    c->place = s->n;
    s->v[s->n++] = c;
    if (c->kind == STREAM_WAIT && !client_greet(&s->outlet, c, &s->ring))
        drop(s, c);
}

static void begin(struct stream *s, struct client *c, int fd)
{
    if (!c)
        (void)close(fd); /* dropped meanwhile */
    else if (!client_start(&s->outlet, c, fd) ||
             (c->kind == STREAM_EVENTS && !client_greet(&s->outlet, c, &s->ring)))
        drop(s, c);
}

static struct client *find(const struct stream *s, uint64_t id)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->v[i]->id == id)
            return s->v[i];
    return NULL;
}

/* From the end, so that who is dropped leaves its place to one that was served. */
static void tell_all(struct stream *s, const struct stream_event *e)
{
    struct stream_item *x = stream_ring_add(&s->ring, e);

    atomic_store(&s->last_number, s->ring.next - 1);
    for (size_t i = s->n; i-- > 0;)
        if (!client_item(&s->outlet, s->v[i], x))
            drop(s, s->v[i]);
    if (x->number == 0)
        free(x);
}

/* Numbers leave one out for what was lost, so that no id from before it is taken for whole. */
static void own_up(struct stream *s)
{
    if (!atomic_exchange(&s->lost, false))
        return;
    stream_ring_gap(&s->ring);
    atomic_store(&s->last_number, s->ring.next - 1);
    for (size_t i = s->n; i-- > 0;) {
        struct client *c = s->v[i];

        if ((c->kind == STREAM_EVENTS && c->fd >= 0) ||
            (c->kind == STREAM_WAIT &&
             !client_lines(&s->outlet, c, "... some lines are left out: too much happened ...\n")))
            drop(s, c);
    }
}

static void check(struct stream *s, struct client *c)
{
    bool good = !s->rules.good || !c->credential || s->rules.good(s->rules.ctx, c->credential);

    if (!good || (c->armed && s->outlet.now_ms - c->moved_ms >= s->rules.stuck_ms))
        drop(s, c);
}

static void check_all(struct stream *s)
{
    for (size_t i = s->n; i-- > 0;)
        check(s, s->v[i]);
}

static void beat(struct stream *s)
{
    for (size_t i = s->n; i-- > 0;)
        if (!client_beat(&s->outlet, s->v[i]))
            drop(s, s->v[i]);
}

static void end_one(struct stream *s, struct client *c, const char *lines, bool failed)
{
    if (c && (!(lines == NULL || !*lines || client_lines(&s->outlet, c, lines)) ||
              !client_end(&s->outlet, c, failed)))
        drop(s, c);
}

static void take(struct stream *s, const struct message *m)
{
    struct client *c = m->client ? find(s, m->client) : NULL;

    switch (m->what) {
    case SAY_EVENT: tell_all(s, &m->event); break;
    case SAY_LINES:
        if (c && !client_lines(&s->outlet, c, m->lines))
            drop(s, c);
        break;
    case SAY_END: end_one(s, c, m->lines, m->failed); break;
    case SAY_JOIN: join(s, m->joins); break;
    case SAY_BEGIN: begin(s, c, m->fd); break;
    case SAY_DROP:
        if (c)
            drop(s, c);
        break;
    case SAY_CHECK: check_all(s); break;
    }
}

static void empty_inbox(struct stream *s)
{
    uint64_t ignored;

    if (read(s->bell, &ignored, sizeof(ignored)) < 0)
        return;
    (void)pthread_mutex_lock(&s->lock);
    struct message *m = s->first;

    s->first = NULL;
    s->last = &s->first;
    (void)pthread_mutex_unlock(&s->lock);
    while (m) {
        struct message *next = m->next;

        take(s, m);
        (void)atomic_fetch_sub(&s->inbox_bytes, m->bytes);
        free(m);
        m = next;
    }
    own_up(s);
}

static void look_at_deadlines(struct stream *s)
{
    for (size_t i = s->n; i-- > 0;) {
        struct client *c = s->v[i];

        if (c->deadline_ms == 0 || c->ending || s->outlet.now_ms < c->deadline_ms)
            continue;
        end_one(s, c, "failed: it is not done yet, and the time for it is over; it goes on\n",
                true);
    }
}

static int sleep_ms(const struct stream *s)
{
    int64_t left = s->beat_ms - s->outlet.now_ms;

    if (s->n == 0)
        return -1;
    if (atomic_load(&s->places[STREAM_WAIT]) > 0 && left > TICK_MS)
        left = TICK_MS;
    return left > 0 ? (int)left : 0;
}

static void look_at_clock(struct stream *s)
{
    if (s->n == 0)
        return;
    look_at_deadlines(s);
    if (s->outlet.now_ms < s->beat_ms)
        return;
    s->beat_ms = s->outlet.now_ms + s->rules.beat_ms;
    check_all(s);
    beat(s);
}

static void *serve(void *arg)
{
    struct stream *s = arg;
    struct epoll_event events[BATCH];

    s->outlet.now_ms = core_monotonic_ms();
    while (!atomic_load(&s->stop)) {
        int n = epoll_wait(s->outlet.epoll, events, BATCH, sleep_ms(s));
        bool rang = false;

        s->outlet.now_ms = core_monotonic_ms();
        for (int i = 0; i < n; i++) {
            struct client *c = events[i].data.ptr;

            if (!c)
                rang = true;
            else if ((events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) ||
                     !client_flush(&s->outlet, c))
                drop(s, c);
        }
        if (rang)
            empty_inbox(s);
        look_at_clock(s);
    }
    return NULL;
}

/* ---- opening and closing ---- */

static int start(struct stream *s)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
    pthread_attr_t attr;

    s->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->outlet.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (s->bell < 0 || s->outlet.epoll < 0 ||
        epoll_ctl(s->outlet.epoll, EPOLL_CTL_ADD, s->bell, &ev) != 0)
        return -1;
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
    int rc = pthread_create(&s->thread, &attr, serve, s);

    (void)pthread_attr_destroy(&attr);
    return rc == 0 ? 0 : -1;
}

static void release(struct stream *s)
{
    if (s->bell >= 0)
        (void)close(s->bell);
    if (s->outlet.epoll >= 0)
        (void)close(s->outlet.epoll);
    stream_ring_release(&s->ring);
    (void)pthread_mutex_destroy(&s->lock);
    free(s->v);
    free(s);
}

struct stream *stream_new(const struct stream_rules *rules)
{
    struct stream *s = xcalloc(1, sizeof(*s));
    struct timespec now;

    s->rules = *rules;
    s->rules.beat_ms = rules->beat_ms ? rules->beat_ms : STREAM_BEAT_MS;
    s->rules.stuck_ms = rules->stuck_ms ? rules->stuck_ms : STREAM_STUCK_MS;
    s->last = &s->first;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    stream_ring_init(&s->ring, (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
    if (start(s) < 0) {
        release(s);
        return NULL;
    }
    return s;
}

static void say_leaving(struct stream *s)
{
    for (size_t i = s->n; i-- > 0;)
        if (s->v[i]->kind == STREAM_WAIT)
            (void)client_lines(&s->outlet, s->v[i],
                               "failed: the agent is leaving; what was sent is in place\n");
}

void stream_free(struct stream *s)
{
    uint64_t one = 1;

    if (!s)
        return;
    atomic_store(&s->stop, true);
    if (write(s->bell, &one, sizeof(one)) < 0)
        atomic_store(&s->stop, true); /* it rings already */
    (void)pthread_join(s->thread, NULL);
    empty_inbox(s);
    say_leaving(s);
    s->rules.gone = NULL;
    while (s->n > 0)
        drop(s, s->v[s->n - 1]);
    release(s);
}
