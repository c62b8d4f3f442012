/* little_server.h: an HTTP server on a unix socket, or on a port of the loopback, for tests, that can misbehave in every way a test wants.
 *
 * Each connection has a thread. The test's handler is called for each request, in that thread, and writes whatever bytes it likes; it
 * returns false to close the connection. */
#ifndef EK_TEST_LITTLE_SERVER_H
#define EK_TEST_LITTLE_SERVER_H

#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct little;

struct little_call {
    struct little *server;
    int fd;
    char method[16], path[1024];
    char head[8192]; /* request line and headers */
    char body[65536];
    size_t body_n;
};
typedef bool little_fn(struct little_call *c);

struct little {
    char folder[64], path[96], url[112];
    int fd;
    int port; /* 0: a unix socket; -1: any port, then the port */
    little_fn *handle;
    void *user;
    pthread_t accepting;
    pthread_mutex_t lock;
    int conns[512];
    pthread_t threads[512];
    size_t n_conns;
    size_t calls, at_once, most_at_once; /* under lock */
    bool stopping;
};

static inline bool little_write(struct little_call *c, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = send(c->fd, bytes, n, MSG_NOSIGNAL);
        if (done <= 0)
            return false;
        bytes += done;
        n -= (size_t)done;
    }
    return true;
}

/* An answer with a length, so that the connection stays. */
static inline bool little_answer(struct little_call *c, int status, const char *headers,
                                 const char *body)
{
    size_t n = strlen(body);
    char head[1024];
    bool head_only = strcmp(c->method, "HEAD") == 0 || status == 204 || status == 304;
    int len = snprintf(head, sizeof(head), "HTTP/1.1 %d Whatever\r\nContent-Length: %zu\r\n%s\r\n",
                       status, n, headers);

    return little_write(c, head, (size_t)len) && (head_only || little_write(c, body, n));
}

/* The beginning of an answer without an end; pieces follow by little_chunk. */
static inline bool little_stream(struct little_call *c, int status)
{
    char head[128];
    int n = snprintf(head, sizeof(head),
                     "HTTP/1.1 %d Whatever\r\nTransfer-Encoding: chunked\r\n\r\n", status);

    return little_write(c, head, (size_t)n);
}

static inline bool little_chunk(struct little_call *c, const char *bytes, size_t n)
{
    char head[32];
    int len = snprintf(head, sizeof(head), "%zx\r\n", n);

    return little_write(c, head, (size_t)len) && little_write(c, bytes, n) &&
           little_write(c, "\r\n", 2);
}

static inline bool little_text(struct little_call *c, const char *text)
{
    return little_chunk(c, text, strlen(text));
}

/* Blocks until the other side closes; for streams that stay silent. Returns false, like a handler should then. */
static inline bool little_hang(struct little_call *c)
{
    char byte;

    while (recv(c->fd, &byte, 1, 0) > 0)
        continue;
    return false;
}

static inline bool little_read(struct little_call *c)
{
    size_t n = 0, length = 0;
    char *at;

    c->head[0] = '\0';
    while (n < sizeof(c->head) - 1 && !strstr(c->head, "\r\n\r\n")) {
        if (recv(c->fd, c->head + n, 1, 0) != 1)
            return false;
        c->head[++n] = '\0';
    }
    if (sscanf(c->head, "%15s %1023s", c->method, c->path) != 2)
        return false;
    if ((at = strcasestr(c->head, "\r\nContent-Length:")))
        length = strtoul(at + 17, NULL, 10);
    for (c->body_n = 0; c->body_n < length && c->body_n < sizeof(c->body) - 1;) {
        ssize_t got = recv(c->fd, c->body + c->body_n, length - c->body_n, 0);
        if (got <= 0)
            return false;
        c->body_n += (size_t)got;
    }
    c->body[c->body_n] = '\0';
    return true;
}

static inline void *little_serve(void *user)
{
    struct little_call *c = user;
    struct little *s = c->server;
    bool more = true;

    while (more && little_read(c)) {
        pthread_mutex_lock(&s->lock);
        s->calls++;
        if (++s->at_once > s->most_at_once)
            s->most_at_once = s->at_once;
        pthread_mutex_unlock(&s->lock);
        more = s->handle(c);
        pthread_mutex_lock(&s->lock);
        s->at_once--;
        pthread_mutex_unlock(&s->lock);
    }
    (void)shutdown(c->fd, SHUT_RDWR);
    free(c);
    return NULL;
}

static inline void *little_accept(void *user)
{
    struct little *s = user;

    for (;;) {
        int fd = accept(s->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        struct little_call *c = calloc(1, sizeof(*c));
        c->server = s;
        c->fd = fd;
        pthread_mutex_lock(&s->lock);
        size_t at = s->n_conns++;
        if (at >= 512)
            abort();
        s->conns[at] = fd;
        if (pthread_create(&s->threads[at], NULL, little_serve, c) != 0)
            abort();
        pthread_mutex_unlock(&s->lock);
    }
}

static inline void little_listen_tcp(struct little *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    int yes = 1;

    a.sin_port = htons((uint16_t)(s->port > 0 ? s->port : 0));
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(s->fd, 64) < 0 ||
        getsockname(s->fd, (struct sockaddr *)&a, &n) < 0)
        abort();
    s->port = ntohs(a.sin_port);
    if (pthread_create(&s->accepting, NULL, little_accept, s) != 0)
        abort();
}

static inline void little_listen(struct little *s)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    if (s->port) {
        little_listen_tcp(s);
        return;
    }
    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", s->path);
    (void)unlink(s->path);
    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(s->fd, 64) < 0)
        abort();
    if (pthread_create(&s->accepting, NULL, little_accept, s) != 0)
        abort();
}

static inline struct little *little_start_at(int port, little_fn *handle, void *user)
{
    struct little *s = calloc(1, sizeof(*s));

    s->port = port;
    (void)snprintf(s->folder, sizeof(s->folder), "/tmp/evk-unit.XXXXXX");
    if (!mkdtemp(s->folder))
        abort();
    (void)snprintf(s->path, sizeof(s->path), "%s/sock", s->folder);
    (void)snprintf(s->url, sizeof(s->url), "unix://%s", s->path);
    s->handle = handle;
    s->user = user;
    pthread_mutex_init(&s->lock, NULL);
    little_listen(s);
    return s;
}

static inline struct little *little_start(little_fn *handle, void *user)
{
    return little_start_at(0, handle, user);
}

/* Nobody listens any more and every connection is cut; little_listen brings it back. */
static inline void little_cut(struct little *s)
{
    (void)shutdown(s->fd, SHUT_RDWR);
    (void)pthread_join(s->accepting, NULL);
    (void)close(s->fd);
    for (size_t i = 0; i < s->n_conns; i++)
        (void)shutdown(s->conns[i], SHUT_RDWR);
    for (size_t i = 0; i < s->n_conns; i++) {
        (void)pthread_join(s->threads[i], NULL);
        (void)close(s->conns[i]);
    }
    s->n_conns = 0;
}

static inline void little_stop(struct little *s)
{
    little_cut(s);
    (void)unlink(s->path);
    (void)rmdir(s->folder);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static inline size_t little_conns(struct little *s)
{
    pthread_mutex_lock(&s->lock);
    size_t n = s->n_conns;
    pthread_mutex_unlock(&s->lock);
    return n;
}

#endif
