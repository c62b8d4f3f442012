/* pacer.c: an asker that keeps its pace whatever the server does.
 *
 * In: what to ask, how often, when to stop. Out: how long each answer took and how many came. One thread, non-blocking sockets and poll: no answer keeps the next question waiting. It reads
 * bodies to their end and throws them away. */
#include "tests/bench/pacer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "spec/base/arena.h"
#include "spec/base/str.h"
#include "tests/bench/bench.h"

enum { UNDER_WAY = 2048, HEAD = 16, PATIENCE_MS = 60000 };

struct asked {
    int fd;
    double due;
    struct str text; /* the request, until it is sent */
    size_t sent;
    char head[HEAD]; /* the first bytes of the answer */
    size_t got;
};

struct pacer {
    struct pace pace;
    pthread_t thread;
    atomic_bool stop, done;
    double begun;
    size_t asked_n; /* so far */
    struct asked v[UNDER_WAY];
    size_t n;
    struct paced out;
    size_t cap;
};

static int dial(const struct pacer *p, size_t i)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)p->pace.port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr = {htonl(0x7f010000U | (unsigned)(i + 1))}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd >= 0 && (!p->pace.spread || bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0) &&
        (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 || errno == EINPROGRESS))
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

static void ask(struct pacer *p, double due)
{
    struct asked *x = &p->v[p->n];
    size_t i = p->asked_n++;
    int fd = p->n < UNDER_WAY ? dial(p, i) : -1;

    if (fd < 0) {
        p->out.lost++;
        return;
    }
    *x = (struct asked){.fd = fd, .due = due, .text = STR_INIT};
    p->pace.write(p->pace.ctx, i, &x->text);
    p->n++;
}

static void finish(struct pacer *p, size_t i)
{
    struct asked *x = &p->v[i];

    if (x->got >= HEAD - 1 && strncmp(x->head, "HTTP/1.", 7) == 0) {
        if (p->out.n == p->cap) {
            p->cap = p->cap ? p->cap * 2 : 1024;
            p->out.took_ms = xrealloc(p->out.took_ms, p->cap * sizeof(double));
        }
        p->out.took_ms[p->out.n++] = bench_now_ms() - x->due;
        p->out.good += x->head[9] == '2';
    } else {
        p->out.lost++;
    }
    (void)close(x->fd);
    str_release(&x->text);
    p->v[i] = p->v[--p->n];
}

/* False: it is over. */
static bool push(struct asked *x)
{
    ssize_t n = send(x->fd, x->text.buf + x->sent, x->text.len - x->sent, MSG_NOSIGNAL);

    if (n > 0)
        x->sent += (size_t)n;
    return n >= 0 || errno == EAGAIN || errno == EINTR || errno == ENOTCONN;
}

static bool pull(struct asked *x)
{
    char buf[32768];
    ssize_t n = recv(x->fd, buf, sizeof(buf), MSG_DONTWAIT);

    if (n <= 0)
        return n < 0 && (errno == EAGAIN || errno == EINTR);
    size_t want = HEAD - 1 - x->got, take = (size_t)n < want ? (size_t)n : want;

    memcpy(x->head + x->got, buf, take);
    x->got += take;
    return true;
}

static void turn(struct pacer *p, int ms)
{
    struct pollfd *f = xcalloc(p->n + 1, sizeof(*f));
    double now;

    for (size_t i = 0; i < p->n; i++)
        f[i] = (struct pollfd){.fd = p->v[i].fd,
                               .events = p->v[i].sent < p->v[i].text.len ? POLLOUT : POLLIN};
    (void)poll(f, p->n, ms);
    now = bench_now_ms();
    for (size_t i = p->n; i-- > 0;) {
        bool on = true;

        if (f[i].revents)
            on = (f[i].events & POLLOUT) && !(f[i].revents & (POLLERR | POLLHUP)) ? push(&p->v[i])
                                                                                  : pull(&p->v[i]);
        if (!on || now - p->v[i].due > PATIENCE_MS)
            finish(p, i);
    }
    free(f);
}

static double due_at(const struct pacer *p)
{
    return p->begun + (p->pace.rate ? (double)p->asked_n * 1000 / (double)p->pace.rate : 0);
}

static void *pace(void *arg)
{
    struct pacer *p = arg;

    p->begun = bench_now_ms();
    for (;;) {
        bool more = !atomic_load(&p->stop) && (!p->pace.most || p->asked_n < p->pace.most);

        if (!more && p->n == 0)
            break;
        while (more && due_at(p) <= bench_now_ms() && (!p->pace.most || p->asked_n < p->pace.most))
            ask(p, due_at(p));
        turn(p, more ? 1 : 20);
    }
    atomic_store(&p->done, true);
    return NULL;
}

struct pacer *pacer_start(const struct pace *wanted)
{
    struct pacer *p = xcalloc(1, sizeof(*p));

    p->pace = *wanted;
    if (pthread_create(&p->thread, NULL, pace, p) != 0)
        bench_die("no thread to ask from");
    return p;
}

bool pacer_done(const struct pacer *p)
{
    return atomic_load(&p->done);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

struct paced pacer_end(struct pacer *p)
{
    atomic_store(&p->stop, true);
    (void)pthread_join(p->thread, NULL);
    struct paced out = p->out;

    if (out.n > 0)
        qsort(out.took_ms, out.n, sizeof(double), by_value);
    free(p);
    return out;
}

double paced_share(const struct paced *p, double share)
{
    size_t i = (size_t)((double)p->n * share);

    return p->n == 0 ? 0 : p->took_ms[i < p->n ? i : p->n - 1];
}
