/* proxy.c: a unix socket in front of the engine's that writes down what is asked.
 *
 * In: connections of evenkeel. Out: the same bytes to the engine and back, a list of requests, and events that proxy_say puts
 * between two chunks of a stream of events. It knows of HTTP only where requests and chunks begin and end; its writes may
 * block, since both ends read at all times. */
#include "tests/bench/proxy.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "spec/base/arena.h"
#include "spec/base/str.h"
#include "tests/bench/bench.h"

enum { LINKS = 128, PIECE = 65536 };

enum chunk_state { IN_HEAD, IN_SIZE, IN_DATA };

struct chunks { /* where in a chunked body we are */
    enum chunk_state at;
    struct str head; /* what comes before the body, or a chunk's size line */
    size_t left;     /* of the chunk's data and the line end after it */
    bool last, over; /* last: this chunk is the empty one */
};

struct line { /* one connection: evenkeel's end and the engine's */
    int client, engine;
    struct str asked; /* not yet a whole request */
    bool in_body;     /* a chunked one, which is passed on and not kept */
    struct chunks body;
    bool events; /* the last request was for events */
    struct chunks reply;
};

struct record {
    char *method, *path, *body;
    double at_ms;
};

struct proxy {
    int listener, bell;
    const char *engine_socket;
    pthread_t thread;
    struct line lines[LINKS];
    size_t n_lines;
    pthread_mutex_t lock; /* of everything below */
    struct record *records;
    size_t n_records;
    struct str said; /* chunks to be put in */
    bool ending;
};

/* ---- sockets ---- */

static struct sockaddr_un address(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(at.sun_path))
        bench_die("%s: too long for a socket", path);
    memcpy(at.sun_path, path, strlen(path));
    return at;
}

static void write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = send(fd, bytes, n, MSG_NOSIGNAL);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return; /* that end is gone; the next read says so */
        bytes += done;
        n -= (size_t)done;
    }
}

static void take_connection(struct proxy *p)
{
    struct sockaddr_un at = address(p->engine_socket);
    int client = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
    int engine = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (client < 0 || engine < 0 || connect(engine, (struct sockaddr *)&at, sizeof(at)) < 0 ||
        p->n_lines == LINKS)
        bench_die("the proxy cannot pass on a connection: %s", strerror(errno));
    p->lines[p->n_lines++] = (struct line){.client = client, .engine = engine};
}

static void drop_line(struct proxy *p, size_t i)
{
    struct line *l = &p->lines[i];

    (void)close(l->client);
    (void)close(l->engine);
    str_release(&l->asked);
    str_release(&l->body.head);
    str_release(&l->reply.head);
    *l = p->lines[--p->n_lines];
}

/* ---- where a chunk ends ---- */

static bool line_ended(struct chunks *c, char byte, const char *end)
{
    str_addc(&c->head, byte);
    size_t n = strlen(end);

    return c->head.len >= n && memcmp(c->head.buf + c->head.len - n, end, n) == 0;
}

static void begin_chunk(struct chunks *c)
{
    size_t bytes = (size_t)strtoul(str_text(&c->head), NULL, 16);

    c->left = bytes + strlen("\r\n");
    c->last = bytes == 0;
    c->at = IN_DATA;
    str_clear(&c->head);
}

/* Returns how many of the bytes belong to it: all of them unless it is over. */
static size_t follow_chunks(struct chunks *c, const char *bytes, size_t n)
{
    size_t i = 0;

    while (i < n && !c->over) {
        size_t step = 1;

        switch (c->at) {
        case IN_HEAD:
            if (line_ended(c, bytes[i], "\r\n\r\n")) {
                c->at = IN_SIZE;
                str_clear(&c->head);
            }
            break;
        case IN_SIZE:
            if (line_ended(c, bytes[i], "\r\n"))
                begin_chunk(c);
            break;
        case IN_DATA:
            step = c->left < n - i ? c->left : n - i;
            c->left -= step;
            if (c->left == 0)
                c->at = IN_SIZE;
            c->over = c->left == 0 && c->last;
            break;
        }
        i += step;
    }
    return i;
}

/* ---- what evenkeel asks ---- */

static void drop_front(struct str *s, size_t n)
{
    memmove(s->buf, s->buf + n, s->len - n + 1);
    s->len -= n;
}

static void record(struct proxy *p, struct line *l, const char *body, size_t n)
{
    char *save = NULL, *first = xstrdup(str_text(&l->asked));
    struct record r = {.at_ms = bench_now_ms()};

    first[strcspn(first, "\r\n")] = '\0';
    r.method = xstrdup(strtok_r(first, " ", &save));
    r.path = xstrdup(strtok_r(NULL, " ", &save));
    r.body = xcalloc(1, n + 1);
    memcpy(r.body, body, n);
    free(first);
    l->events = strstr(r.path, "/events") != NULL;
    str_clear(&l->reply.head);
    l->reply = (struct chunks){.at = IN_HEAD, .head = l->reply.head};
    (void)pthread_mutex_lock(&p->lock);
    p->records = xrealloc(p->records, (p->n_records + 1) * sizeof(r));
    p->records[p->n_records++] = r;
    (void)pthread_mutex_unlock(&p->lock);
}

/* False: more of it is to come. */
static bool skip_body(struct line *l)
{
    drop_front(&l->asked, follow_chunks(&l->body, str_text(&l->asked), l->asked.len));
    l->in_body = !l->body.over;
    return l->body.over;
}

/* Requests come one after another, each with the length of its body in its head, or with a body in chunks. */
static void read_requests(struct proxy *p, struct line *l)
{
    while (l->asked.len > 0 && (!l->in_body || skip_body(l))) {
        const char *text = str_text(&l->asked), *end = strstr(text, "\r\n\r\n");
        if (!end)
            return;
        const char *length = strcasestr(text, "\r\ncontent-length:");
        const char *chunked = strcasestr(text, "\r\ntransfer-encoding: chunked");
        size_t head = (size_t)(end - text) + 4, body = 0;

        if (length && length < end)
            body = (size_t)strtoul(length + strlen("\r\ncontent-length:"), NULL, 10);
        if (l->asked.len < head + body)
            return;
        record(p, l, text + head, body);
        drop_front(&l->asked, head + body);
        l->in_body = chunked && chunked < end;
        str_clear(&l->body.head);
        l->body = (struct chunks){.at = IN_SIZE, .head = l->body.head};
    }
}

/* ---- events of our own ---- */

static void put_in(struct proxy *p)
{
    (void)pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < p->n_lines && p->said.len > 0; i++) {
        struct line *l = &p->lines[i];
        if (!l->events || l->reply.at != IN_SIZE || l->reply.head.len > 0)
            continue;
        write_all(l->client, p->said.buf, p->said.len);
        str_clear(&p->said);
    }
    (void)pthread_mutex_unlock(&p->lock);
}

/* ---- the thread ---- */

/* False: that end is gone. */
static bool pass_on(struct proxy *p, struct line *l, bool from_client)
{
    char piece[PIECE];
    ssize_t n = recv(from_client ? l->client : l->engine, piece, sizeof(piece), 0);

    if (n <= 0)
        return n < 0 && errno == EINTR;
    write_all(from_client ? l->engine : l->client, piece, (size_t)n);
    if (from_client) {
        str_addn(&l->asked, piece, (size_t)n);
        read_requests(p, l);
    } else if (l->events) {
        (void)follow_chunks(&l->reply, piece, (size_t)n);
    }
    return true;
}

static bool is_ending(struct proxy *p)
{
    uint64_t ignored;

    (void)!read(p->bell, &ignored, sizeof(ignored));
    (void)pthread_mutex_lock(&p->lock);
    bool ending = p->ending;
    (void)pthread_mutex_unlock(&p->lock);
    return ending;
}

static void *serve(void *user)
{
    struct proxy *p = user;
    struct pollfd fds[2 + 2 * LINKS];

    for (;;) {
        size_t n = p->n_lines;
        fds[0] = (struct pollfd){.fd = p->bell, .events = POLLIN};
        fds[1] = (struct pollfd){.fd = p->listener, .events = POLLIN};
        for (size_t i = 0; i < n; i++) {
            fds[2 + 2 * i] = (struct pollfd){.fd = p->lines[i].client, .events = POLLIN};
            fds[3 + 2 * i] = (struct pollfd){.fd = p->lines[i].engine, .events = POLLIN};
        }
        if (poll(fds, 2 + 2 * n, -1) < 0)
            continue;
        if (fds[0].revents && is_ending(p))
            return NULL;
        /* From the last on, because dropping one puts the last in its place. */
        for (size_t i = n; i-- > 0;)
            if ((fds[2 + 2 * i].revents && !pass_on(p, &p->lines[i], true)) ||
                (fds[3 + 2 * i].revents && !pass_on(p, &p->lines[i], false)))
                drop_line(p, i);
        put_in(p);
        if (fds[1].revents)
            take_connection(p);
    }
}

/* ---- the door ---- */

static void ring(struct proxy *p)
{
    (void)!write(p->bell, &(uint64_t){1}, sizeof(uint64_t));
}

struct proxy *proxy_new(const char *listen_at, const char *engine_socket)
{
    struct proxy *p = xcalloc(1, sizeof(*p));
    struct sockaddr_un at = address(listen_at);

    (void)unlink(listen_at);
    p->engine_socket = engine_socket;
    p->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    p->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)pthread_mutex_init(&p->lock, NULL);
    if (p->bell < 0 || p->listener < 0 ||
        bind(p->listener, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(p->listener, 64) < 0 ||
        pthread_create(&p->thread, NULL, serve, p) != 0)
        bench_die("cannot listen at %s: %s", listen_at, strerror(errno));
    return p;
}

void proxy_clear(struct proxy *p)
{
    (void)pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < p->n_records; i++) {
        free(p->records[i].method);
        free(p->records[i].path);
        free(p->records[i].body);
    }
    p->n_records = 0;
    (void)pthread_mutex_unlock(&p->lock);
}

void proxy_free(struct proxy *p)
{
    if (!p)
        return;
    (void)pthread_mutex_lock(&p->lock);
    p->ending = true;
    (void)pthread_mutex_unlock(&p->lock);
    ring(p);
    (void)pthread_join(p->thread, NULL);
    while (p->n_lines > 0)
        drop_line(p, 0);
    proxy_clear(p);
    free(p->records);
    str_release(&p->said);
    (void)close(p->listener);
    (void)close(p->bell);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}

size_t proxy_count(struct proxy *p)
{
    (void)pthread_mutex_lock(&p->lock);
    size_t n = p->n_records;
    (void)pthread_mutex_unlock(&p->lock);
    return n;
}

struct proxied proxy_request(struct proxy *p, size_t i, struct arena *a)
{
    (void)pthread_mutex_lock(&p->lock);
    const struct record *r = &p->records[i];
    struct proxied copy = {.method = arena_strdup(a, r->method),
                           .path = arena_strdup(a, r->path),
                           .body = arena_strdup(a, r->body),
                           .at_ms = r->at_ms};
    (void)pthread_mutex_unlock(&p->lock);
    return copy;
}

void proxy_say(struct proxy *p, const char *event)
{
    (void)pthread_mutex_lock(&p->lock);
    str_addf(&p->said, "%zx\r\n%s\n\r\n", strlen(event) + 1, event);
    (void)pthread_mutex_unlock(&p->lock);
    ring(p);
}
