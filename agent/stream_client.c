/* One connection that stays open: what it is to see, and how it goes out.
 *
 * Comes in: events and lines. Goes out: bytes on a socket, as chunks (RFC 9112, 7.1) or bare, that never wait: what the socket does not take is kept. A client without anything left to take has
 * no buffer. Refuses to keep more than its share: an events client is dropped then and comes back by its last id, a log loses lines and says how many. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/narrow.h"
#include "agent/stream_parts.h"
#include "spec/base/arena.h"
#include "spec/limits.h"

enum { COMPACT_BYTES = 64 << 10, KEEPALIVE_S = 60 };

/* ---- bytes ---- */

static size_t pending(const struct client *c)
{
    return c->out.len - c->at;
}

static bool arm(struct stream_outlet *o, struct client *c, bool on)
{
    struct epoll_event ev = {.events = EPOLLRDHUP | (on ? EPOLLOUT : 0), .data.ptr = c};

    if (c->armed == on || c->fd < 0)
        return true;
    c->armed = on;
    return epoll_ctl(o->epoll, EPOLL_CTL_MOD, c->fd, &ev) == 0;
}

/* How many of n bytes the socket took; -1: it is broken. */
static ssize_t try_send(const struct client *c, const char *p, size_t n)
{
    size_t done = 0;

    while (done < n) {
        ssize_t put = send(c->fd, p + done, n - done, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK ? (ssize_t)done : -1;
        done += (size_t)put;
    }
    return (ssize_t)done;
}

static bool room(const struct stream_outlet *o, const struct client *c, size_t n)
{
    return pending(c) + n <= STREAM_OUT_BYTES && o->kept + n <= STREAM_ALL_BYTES;
}

static bool put(struct stream_outlet *o, struct client *c, const char *p, size_t n)
{
    ssize_t sent = 0;

    if (pending(c) == 0 && c->fd >= 0) {
        c->moved_ms = o->now_ms;
        sent = try_send(c, p, n);
    }
    if (sent < 0 || ((size_t)sent < n && !room(o, c, n - (size_t)sent)))
        return false;
    if ((size_t)sent == n)
        return true;
    str_addn(&c->out, p + sent, n - (size_t)sent);
    o->kept += n - (size_t)sent;
    return arm(o, c, true);
}

static bool put_body(struct stream_outlet *o, struct client *c, const char *p, size_t n)
{
    CLEANUP(str_release) struct str all = STR_INIT;

    if (n == 0)
        return true;
    if (!c->chunked)
        return put(o, c, p, n);
    str_addf(&all, "%zx\r\n", n);
    str_addn(&all, p, n);
    str_add(&all, "\r\n");
    return put(o, c, all.buf, all.len);
}

/* Without names of apps that it may not know. */
static bool put_narrowed(struct stream_outlet *o, struct client *c, const char *p, size_t n)
{
    CLEANUP(str_release) struct str text = STR_INIT;

    if (c->only && narrow_text(c->only, p, n, &text))
        return put_body(o, c, text.buf, text.len);
    return put_body(o, c, p, n);
}

static bool tell_left_out(struct stream_outlet *o, struct client *c)
{
    CLEANUP(str_release) struct str text = STR_INIT;

    str_addf(&text, "... %zu lines are left out: they came faster than they were taken ...\n",
             c->left_out);
    c->left_out = 0;
    return client_lines(o, c, str_text(&text));
}

bool client_flush(struct stream_outlet *o, struct client *c)
{
    ssize_t sent = pending(c) > 0 ? try_send(c, c->out.buf + c->at, pending(c)) : 0;

    if (sent < 0)
        return false;
    if (sent > 0)
        c->moved_ms = o->now_ms;
    c->at += (size_t)sent;
    o->kept -= (size_t)sent;
    if (pending(c) > 0) {
        if (c->at >= COMPACT_BYTES) {
            memmove(c->out.buf, c->out.buf + c->at, pending(c));
            c->out.len -= c->at;
            c->at = 0;
        }
        return true;
    }
    str_release(&c->out);
    c->out = (struct str)STR_INIT;
    c->at = 0;
    if (c->left_out > 0 && !c->ending)
        return tell_left_out(o, c);
    return !c->ending && arm(o, c, false);
}

/* ---- what it sees ---- */

static bool named(const char *list, const char *app)
{
    char key[LIMIT_APP_NAME + 3];

    if (!list)
        return true;
    if (!app || snprintf(key, sizeof(key), ",%s,", app) >= (int)sizeof(key))
        return false;
    return strstr(list, key) != NULL;
}

static bool sees(const struct client *c, const struct stream_item *x)
{
    return c->role >= x->need && named(c->only, x->app) && named(c->apps, x->app);
}

bool client_item(struct stream_outlet *o, struct client *c, const struct stream_item *x)
{
    bool late = c->kind == STREAM_EVENTS && c->fd < 0; /* it is greeted later */

    if (c->ending || late || c->kind == STREAM_LOGS || !sees(c, x))
        return true;
    if (c->kind == STREAM_WAIT)
        return !x->text || put_narrowed(o, c, x->text, strlen(x->text));
    if (!x->frame)
        return true;
    if (c->only)
        return put_narrowed(o, c, x->frame + x->head_n, x->frame_n - x->head_n - 2);
    return c->chunked ? put(o, c, x->frame, x->frame_n)
                      : put(o, c, x->frame + x->head_n, x->frame_n - x->head_n - 2);
}

/* A field ends with its line (HTML Standard, 9.2.6). */
static void as_events(const char *lines, struct str *out)
{
    while (*lines) {
        size_t n = strcspn(lines, "\n");

        str_add(out, "data: ");
        str_addn(out, lines, n);
        str_add(out, "\n\n");
        lines += n + (lines[n] == '\n');
    }
}

bool client_lines(struct stream_outlet *o, struct client *c, const char *lines)
{
    CLEANUP(str_release) struct str events = STR_INIT;

    if (c->ending)
        return true;
    if (c->sse) {
        as_events(lines, &events);
        lines = str_text(&events);
    }
    size_t n = strlen(lines);

    if (c->kind == STREAM_LOGS && pending(c) > 0 && !room(o, c, n + 32)) {
        c->left_out++;
        return true;
    }
    return c->kind == STREAM_WAIT ? put_narrowed(o, c, lines, n) : put_body(o, c, lines, n);
}

bool client_beat(struct stream_outlet *o, struct client *c)
{
    if (c->ending || pending(c) > 0)
        return true;
    if (c->sse)
        return put_body(o, c, ":\n\n", 3);
    return c->kind != STREAM_WAIT || put_body(o, c, "...\n", 4);
}

/* ---- beginning and end ---- */

bool client_start(struct stream_outlet *o, struct client *c, int fd)
{
    const int on = 1, idle = KEEPALIVE_S;
    struct epoll_event ev = {.events = EPOLLRDHUP | EPOLLOUT, .data.ptr = c};

    /* A peer that lost its power says nothing, and a log may have nothing to say to it for days. */
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    c->fd = fd;
    c->armed = true;
    c->moved_ms = o->now_ms;
    return epoll_ctl(o->epoll, EPOLL_CTL_ADD, fd, &ev) == 0;
}

static bool replay(struct stream_outlet *o, struct client *c, const struct stream_ring *r,
                   uint64_t after)
{
    for (uint64_t i = after < r->first ? r->first : after + 1; i < r->next; i++)
        if (!client_item(o, c, stream_ring_at(r, i)))
            return false;
    return true;
}

bool client_greet(struct stream_outlet *o, struct client *c, const struct stream_ring *r)
{
    CLEANUP(str_release) struct str hello = STR_INIT;
    uint64_t from = r->next - 1;
    bool back = *c->last_event_id != '\0', missed = false;

    if (c->kind == STREAM_WAIT)
        return replay(o, c, r, c->after);
    if (c->kind == STREAM_LOGS)
        return true;
    if (back)
        missed = !stream_ring_from(r, c->last_event_id, &from);
    str_addf(&hello, "retry: 2000\nid: %s-%llu\nevent: hello\ndata: {\"missed\":%s}\n\n", r->epoch,
             (unsigned long long)from, missed ? "true" : "false");
    return put_body(o, c, hello.buf, hello.len) && replay(o, c, r, from);
}

bool client_end(struct stream_outlet *o, struct client *c, bool failed)
{
    bool fine = true;

    if (c->ending)
        return true;
    if (c->left_out > 0)
        fine = tell_left_out(o, c);
    if (fine && c->sse)
        fine = put_body(o, c, "event: end\ndata:\n\n", 18);
    if (fine && c->chunked && !failed)
        fine = put(o, c, "0\r\n\r\n", 5);
    c->ending = true;
    return fine && (pending(c) > 0 || c->fd < 0);
}

void client_free(struct stream_outlet *o, struct client *c)
{
    if (!c)
        return;
    o->kept -= pending(c);
    if (c->fd >= 0) {
        /* By closing alone it may come too late: while another thread asks for the ends of this connection (web_hand_find), the kernel keeps it, and with it what epoll tells of it. */
        (void)epoll_ctl(o->epoll, EPOLL_CTL_DEL, c->fd, NULL);
        /* What was sent arrives although what the client sent lies unread: its end comes before the reset. */
        (void)shutdown(c->fd, SHUT_WR);
        (void)close(c->fd);
    }
    if (c->credential)
        explicit_bzero(c->credential, strlen(c->credential));
    free(c->credential);
    free(c->only);
    free(c->apps);
    free(c->last_event_id);
    str_release(&c->out);
    free(c);
}
