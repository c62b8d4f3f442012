/* The agent's HTTP listeners.
 *
 * Comes in: where to listen, who may ask, which hosts routes have. Goes out: answers from web_route.c. civetweb reads requests and has the threads; everything it could do besides (files, CGI,
 * TLS, WebSockets, CORS) is off, and all requests come to one callback.
 *
 * Stopping is done by threads: mg_stop() waits for a poll of two seconds in civetweb, unless a connection wakes it. */
#include "agent/web.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/door.h"
#include "agent/problem.h"
#include "agent/stream.h"
#include "agent/web_body.h"
#include "agent/web_hand.h"
#include "agent/web_host.h"
#include "agent/web_patience.h"
#include "agent/web_reply.h"
#include "agent/web_route.h"
#include "drivers/hostport.h"
#include "spec/base/arena.h"

#define HEADERS_MAX                                                                                \
    (int)ARRAY_LEN(((struct mg_request_info *)0)->http_headers) /* it drops the rest unseen */

enum { DRAIN_MS = 3000, STOP_MS = 6000, NUDGE_MS = 10, CLIENT_MAX = 64 };

/* What requests may know. Replaced as a whole; the last one who has it frees it. */
struct facts {
    atomic_int refs;
    struct arena *arena; /* itself included */
    struct strv hosts;
    const char *peer; /* Traefik's address on the ingress network, or NULL */
};

struct listener {
    struct web *web;
    struct mg_context *ctx;
    char address[INET_ADDRSTRLEN];
    char subnet[INET_ADDRSTRLEN + 4];
    int port;
    bool platform;
    pthread_t stopper;
    atomic_int busy;   /* requests being answered */
    atomic_int bodies; /* of which have a body: at most half of the threads wait for slow clients */
    atomic_bool leaving, stopped;
    struct listener *next; /* of those that are stopping */
};

struct web {
    struct door *door;                  /* or NULL */
    struct listener *people, *platform; /* NULL: not open */
    struct listener *stopping;
    bool leaving;
    struct web_patience *patience;
    char url[64];         /* of the platform's; "" */
    pthread_mutex_t lock; /* guards facts */
    struct facts *facts;
};

/* ---- facts ---- */

static void facts_drop(struct facts *f)
{
    if (f && atomic_fetch_sub(&f->refs, 1) == 1)
        arena_free(f->arena);
}

static struct facts *facts_hold(struct web *w)
{
    (void)pthread_mutex_lock(&w->lock);
    struct facts *f = w->facts;

    (void)atomic_fetch_add(&f->refs, 1);
    (void)pthread_mutex_unlock(&w->lock);
    return f;
}

static void facts_publish(struct web *w, const struct strv *hosts, const char *peer)
{
    struct arena *a = arena_new();
    struct facts *f = ARENA_NEW(a, struct facts), *old;

    f->arena = a;
    f->peer = arena_strdup(a, peer);
    for (size_t i = 0; i < hosts->n; i++)
        strv_push(a, &f->hosts, arena_strdup(a, hosts->v[i]));
    atomic_store(&f->refs, 1);
    (void)pthread_mutex_lock(&w->lock);
    old = w->facts;
    w->facts = f;
    (void)pthread_mutex_unlock(&w->lock);
    facts_drop(old);
}

void web_hosts(struct web *w, const struct strv *hosts)
{
    if (!strv_eq(&w->facts->hosts, hosts))
        facts_publish(w, hosts, w->facts->peer);
}

/* ---- one request ---- */

static void send_reply(struct mg_connection *conn, const struct web_reply *r, bool head)
{
    CLEANUP(str_release) struct str out = STR_INIT;
    char framing[48];

    (void)snprintf(framing, sizeof(framing), "Content-Length: %zu\r\n", r->body.len);
    web_reply_head(r, framing, &out);
    if (!head)
        str_addn(&out, str_text(&r->body), r->body.len);
    (void)mg_write(conn, out.buf, out.len);
}

/* How often a header is there; *ret is its first value. */
static int header_count(const struct mg_request_info *ri, const char *name, const char **ret)
{
    int n = 0;

    for (int i = 0; i < ri->num_headers; i++) {
        if (strcasecmp(ri->http_headers[i].name, name) != 0)
            continue;
        if (n++ == 0)
            *ret = ri->http_headers[i].value ? ri->http_headers[i].value : "";
    }
    return n;
}

/* What civetweb lets pass and servers behind or before us may read differently. 0, or the status with words. */
static int check_head(const struct mg_request_info *ri, char host[WEB_HOST], const char **ret_host,
                      const char **ret_why)
{
    const char *length = "", *coding = "";
    int lengths = header_count(ri, "Content-Length", &length);
    int codings = header_count(ri, "Transfer-Encoding", &coding);

    *ret_why = "too many headers";
    if (ri->num_headers >= HEADERS_MAX)
        return 400;
    *ret_why = "a request names its host once, in a Host header";
    if (header_count(ri, "Host", ret_host) != 1 || web_host_parse(*ret_host, host) != 0)
        return 400;
    *ret_why = "the length of the request is said twice, or wrongly";
    if (lengths > 1 || codings > 1 || (lengths && codings) ||
        (lengths && (!*length || length[strspn(length, "0123456789")])))
        return 400;
    return 0;
}

/* ---- its body ---- */

static bool has_body(const struct mg_request_info *ri)
{
    const char *text = "";

    return header_count(ri, "Transfer-Encoding", &text) > 0 ||
           (header_count(ri, "Content-Length", &text) > 0 && text[strspn(text, "0")]);
}

static void refuse_host(const char *host, struct web_reply *ret)
{
    CLEANUP(str_release) struct str text = STR_INIT;

    /* web_host_parse leaves nothing that could do harm */
    str_addf(&text, "\"%s\" is not a name of this machine", host);
    problem_reply(ret, 421, str_text(&text),
                  "ask for it by localhost, one of its addresses or the host of a route");
}

static const char *header(const struct mg_request_info *ri, const char *name)
{
    const char *value = "";

    return header_count(ri, name, &value) == 1 ? value : ""; /* said twice counts as not said */
}

/* Whom our Traefik asks for: it appends to what it was sent, so only the last name is its own word. */
static void forwarded_for(const struct mg_request_info *ri, char ret[CLIENT_MAX])
{
    const char *text = header(ri, "X-Forwarded-For"), *comma = strrchr(text, ',');

    text = comma ? comma + 1 : text;
    text += strspn(text, " ");
    (void)snprintf(ret, CLIENT_MAX, "%s", *text ? text : ri->remote_addr);
}

static bool by_chunks(const struct mg_request_info *ri)
{
    return ri->http_version && strcmp(ri->http_version, "1.0") != 0;
}

static void ask(struct listener *l, const struct mg_request_info *ri, struct web_request *r,
                struct web_reply *ret)
{
    char client[CLIENT_MAX];
    const char *said;
    size_t n;
    const struct web_row *rows = web_route_rows(&n);

    (void)snprintf(client, sizeof(client), "%s", ri->remote_addr);
    if (r->behind)
        forwarded_for(ri, client);
    r->client = client;
    r->secure = r->behind && strcmp(header(ri, "X-Forwarded-Proto"), "https") == 0;
    r->loopback = !r->behind && strncmp(ri->remote_addr, "127.", 4) == 0 &&
                  header_count(ri, "X-Forwarded-For", &said) == 0 &&
                  header_count(ri, "Forwarded", &said) == 0;
    r->method = ri->request_method;
    r->path = ri->local_uri;
    r->query = ri->query_string ? ri->query_string : "";
    r->peer = ri->remote_addr;
    r->html = strstr(header(ri, "Accept"), "text/html") != NULL;
    r->authorization = header(ri, "Authorization");
    r->cookie = header(ri, "Cookie");
    r->origin = header(ri, "Origin");
    r->fetch_site = header(ri, "Sec-Fetch-Site");
    r->csrf = header(ri, "X-CSRF-Token");
    r->content_type = header(ri, "Content-Type");
    r->none_match = header(ri, "If-None-Match");
    r->last_event_id = header(ri, "Last-Event-ID");
    r->sse = strstr(header(ri, "Accept"), "text/event-stream") != NULL;
    r->chunks = by_chunks(ri);
    if (l->web->door && door_answer(l->web->door, r, ret)) {
        if (r->body)
            ((struct web_incoming *)r->body->ctx)->wanted = true;
        return;
    }
    if (r->body) {
        problem_reply(ret, 413, "nothing here takes a body", "ask without one");
        return;
    }
    web_route(rows, n, r, ret);
}

static void answer(struct listener *l, const struct mg_request_info *ri, const struct facts *f,
                   struct web_body *body, struct web_reply *ret)
{
    char host[WEB_HOST];
    const char *why, *authority = "";
    bool from_traefik = f->peer && strcmp(ri->remote_addr, f->peer) == 0;
    int status;

    if (atomic_load(&l->leaving)) {
        problem_reply(ret, 503, "the agent is leaving", "ask again when it is back");
        str_add(&ret->headers, "Retry-After: 5\r\n");
        return;
    }
    if (l->platform && !from_traefik) {
        problem_reply(ret, 403, "this address is for the ingress alone",
                      "ask where `listen:` says");
        return;
    }
    if ((status = check_head(ri, host, &authority, &why)) != 0) {
        problem_reply(ret, status, why, "see RFC 9112, 3.2 and 6; or ask with curl");
        return;
    }
    if (!from_traefik && !web_host_own(host) && !web_host_among(host, &f->hosts)) {
        refuse_host(host, ret);
        return;
    }

    struct web_request r = {
        .host = host, .authority = authority, .behind = from_traefik, .body = body};

    ask(l, ri, &r, ret);
}

/* The reply goes on for longer than a thread of ours may: its head from here, the rest by the stream. False: the connection is not to be had; nothing was sent. */
static bool hand_over(struct mg_connection *conn, const struct mg_request_info *ri,
                      struct web_reply *r)
{
    CLEANUP(str_release) struct str out = STR_INIT;
    const struct listener *l = ri->user_data;
    struct stream_client *c = TAKE(r->stream);
    bool head = strcmp(ri->request_method, "HEAD") == 0;
    int fd = head ? -1 : web_hand_find(ri->remote_addr, ri->remote_port, l->port), own = -1;

    if (!head && fd < 0) {
        stream_client_drop(c);
        return false;
    }
    str_add(&r->headers, "X-Accel-Buffering: no\r\n");
    web_reply_head(r, by_chunks(ri) ? "Transfer-Encoding: chunked\r\n" : "", &out);
    if (mg_write(conn, out.buf, out.len) == (int)out.len && !head)
        own = web_hand_take(fd);
    if (own >= 0)
        stream_begin(c, own);
    else
        stream_client_drop(c);
    return true;
}

static void finish_request(struct mg_connection *conn, const struct mg_request_info *ri,
                           struct web_incoming *in, struct web_reply *r)
{
    if (r->stream) {
        if (hand_over(conn, ri, r))
            return;
        if (r->instead > 0) {
            r->status = r->instead;
            r->type = "application/json";
        } else {
            problem_reply(r, 503, "this connection cannot be kept open", "ask again");
        }
    }
    send_reply(conn, r, strcmp(ri->request_method, "HEAD") == 0);
    web_incoming_drain(in);
}

static int begin_request(struct mg_connection *conn)
{
    const struct mg_request_info *ri = mg_get_request_info(conn);
    struct listener *l = ri->user_data;
    struct web_reply r = {.status = 0};
    struct web_incoming in;
    bool body = has_body(ri);
    bool room = !body || atomic_fetch_add(&l->bodies, 1) < WEB_THREADS / 2;

    mg_disable_keep_alive(
        conn); /* or it would read the rest of the body, however slowly it comes */
    (void)atomic_fetch_add(&l->busy, 1);
    struct facts *f = facts_hold(l->web);

    web_incoming_begin(&in, conn, l->port, !body, l->web->patience, body ? &l->bodies : NULL);
    if (room) {
        answer(l, ri, f, body ? &in.body : NULL, &r);
    } else {
        problem_reply(&r, 503, "too many are sending something just now", "send it again");
        str_add(&r.headers, "Retry-After: 5\r\n");
    }
    finish_request(conn, ri, &in, &r);
    web_incoming_end(&in);
    facts_drop(f);
    str_release(&r.body);
    str_release(&r.headers);
    (void)atomic_fetch_sub(&l->busy, 1);
    return r.status;
}

/* What civetweb itself refuses: no request that it understands. */
static int http_error(struct mg_connection *conn, int status, const char *text)
{
    struct web_reply r = {.status = 0};

    (void)status, (void)text;
    problem_reply(&r, 400, "this is no request, its head is too large, or it did not end in time",
                  "send a request of HTTP/1.1 whose head is no larger than 16 KiB");
    send_reply(conn, &r, false);
    str_release(&r.body);
    return 0;
}

/* Its own complaints are about connections that clients drop or that were refused. */
static int log_nothing(const struct mg_connection *conn, const char *message)
{
    (void)conn, (void)message;
    return 1;
}

/* ---- opening ---- */

/* civetweb only says that it could not; this says why. */
static int probe(const char *address, int port, struct err *e)
{
    CLEANUP(str_release) struct str holder = STR_INIT;
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, why = 0;

    if (fd < 0)
        return err_errno(e, errno, "cannot make a socket");
    (void)inet_pton(AF_INET, address, &sa.sin_addr);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) != 0 || listen(fd, 1) != 0)
        why = errno;
    (void)close(fd);
    if (why == 0)
        return 0;
    if (why == EADDRINUSE) {
        bool known = hostport_holder(port, &holder);

        return err_set(e, ERR_RETRY, "port %d is taken%s%s", port, known ? " by " : "",
                       str_text(&holder));
    }
    if (why == EADDRNOTAVAIL)
        return err_set(e, ERR_RETRY, "this machine has no address %s", address);
    return err_errno(e, why, "cannot listen on %s:%d", address, port);
}

static struct mg_context *start(struct listener *l)
{
    const struct mg_callbacks callbacks = {
        .begin_request = begin_request, .http_error = http_error, .log_message = log_nothing};
    char ports[64], threads[8], timeout[16], head[16], acl[64];
    const char *options[] = {"listening_ports",
                             ports,
                             "num_threads",
                             threads,
                             "request_timeout_ms",
                             timeout,
                             "max_request_size",
                             head,
                             "enable_keep_alive",
                             "no",
                             "tcp_nodelay",
                             "1",
                             "decode_url",
                             "no",
                             "enable_directory_listing",
                             "no",
                             "enable_auth_domain_check",
                             "no",
                             "access_control_allow_origin",
                             "",
                             "access_control_allow_methods",
                             "",
                             "access_control_allow_headers",
                             "",
                             *l->subnet ? "access_control_list" : NULL,
                             acl,
                             NULL};

    (void)snprintf(ports, sizeof(ports), "%s:%d", l->address, l->port);
    (void)snprintf(threads, sizeof(threads), "%d", WEB_THREADS);
    (void)snprintf(timeout, sizeof(timeout), "%d", WEB_TIMEOUT_MS);
    (void)snprintf(head, sizeof(head), "%d", WEB_HEAD_BYTES);
    (void)snprintf(acl, sizeof(acl), "-0.0.0.0/0,+%s", l->subnet);
    return mg_start(&callbacks, l, options);
}

static int open_listener(struct web *w, bool platform, const char *address, int port,
                         const char *subnet, struct listener **ret, struct err *e)
{
    if (w->leaving)
        return err_set(e, ERR_STALE, "the agent is leaving");
    if (probe(address, port, e) < 0)
        return -1;
    struct listener *l = xcalloc(1, sizeof(*l));

    l->web = w;
    l->platform = platform;
    l->port = port;
    (void)snprintf(l->address, sizeof(l->address), "%s", address);
    (void)snprintf(l->subnet, sizeof(l->subnet), "%s", subnet ? subnet : "");
    l->ctx = start(l);
    if (!l->ctx) {
        free(l);
        return err_set(e, ERR_RETRY, "cannot listen on %s:%d", address, port);
    }
    *ret = l;
    return 0;
}

/* ---- closing ---- */

static void *stop_context(void *arg)
{
    struct listener *l = arg;

    mg_stop(l->ctx);
    atomic_store(&l->stopped, true);
    return NULL;
}

/* A connection wakes civetweb's poll, which then sees that it is to stop. */
static void nudge(const struct listener *l)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)l->port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return;
    (void)inet_pton(AF_INET, l->address, &sa.sin_addr);
    if (sa.sin_addr.s_addr == htonl(INADDR_ANY))
        sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)connect(fd, (const struct sockaddr *)&sa, sizeof(sa));
    (void)close(fd);
}

static void sleep_ms(int64_t ms)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static void *stop_listener(void *arg)
{
    struct listener *l = arg;
    pthread_t t;

    /* mg_stop() takes the replies that are being made away from who waits for them. */
    for (int waited = 0; atomic_load(&l->busy) > 0 && waited < DRAIN_MS; waited += NUDGE_MS)
        sleep_ms(NUDGE_MS);
    if (pthread_create(&t, NULL, stop_context, l) != 0) {
        (void)stop_context(l);
        return NULL;
    }
    while (!atomic_load(&l->stopped)) {
        nudge(l);
        sleep_ms(NUDGE_MS);
    }
    (void)pthread_join(t, NULL);
    return NULL;
}

static void close_listener(struct web *w, struct listener *l)
{
    if (!l)
        return;
    atomic_store(&l->leaving, true);
    if (pthread_create(&l->stopper, NULL, stop_listener, l) != 0) {
        mg_stop(l->ctx);
        free(l);
        return;
    }
    l->next = w->stopping;
    w->stopping = l;
}

/* False: it is stuck in a client, and stays until the process ends. */
static bool join_listener(struct listener *l)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_MS / 1000;
    if (pthread_timedjoin_np(l->stopper, NULL, &until) != 0)
        return false;
    free(l);
    return true;
}

/* Those that have ended in the meantime. */
static void reap(struct web *w)
{
    struct listener **at = &w->stopping;

    while (*at) {
        struct listener *l = *at;

        if (!atomic_load(&l->stopped)) {
            at = &l->next;
            continue;
        }
        *at = l->next;
        (void)pthread_join(l->stopper, NULL);
        free(l);
    }
}

/* ---- outside ---- */

struct web *web_new(struct door *door)
{
    struct web *w = xcalloc(1, sizeof(*w));

    w->door = door;
    (void)mg_init_library(0); /* without TLS, which Debian's build cannot do */
    (void)pthread_mutex_init(&w->lock, NULL);
    w->patience = web_patience_new();
    facts_publish(w, &(struct strv){0}, NULL);
    return w;
}

void web_leave(struct web *w)
{
    w->leaving = true;
    close_listener(w, TAKE(w->people));
    close_listener(w, TAKE(w->platform));
    w->url[0] = '\0';
}

bool web_free(struct web *w)
{
    bool all = true;

    if (!w)
        return true;
    web_leave(w);
    while (w->stopping) {
        struct listener *l = w->stopping;

        w->stopping = l->next;
        all &= join_listener(l);
    }
    if (!all)
        return false; /* its threads may still ask for facts */
    (void)mg_exit_library();
    web_patience_free(w->patience);
    facts_drop(w->facts);
    (void)pthread_mutex_destroy(&w->lock);
    free(w);
    return true;
}

int web_open(struct web *w, const char *address, int port, struct err *e)
{
    reap(w);
    if (w->people)
        return 0;
    /* Nobody can have every address while one of them is taken, be it by ourselves; the platform's part is then this one's (covered). */
    if (w->platform && w->platform->port == port && strcmp(address, "0.0.0.0") == 0)
        close_listener(w, TAKE(w->platform));
    return open_listener(w, false, address, port, NULL, &w->people, e);
}

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* The listener for people stands on every address, or on this very one. */
static bool covered(const struct web *w, const char *address, int port)
{
    return w->people && w->people->port == port &&
           (strcmp(w->people->address, "0.0.0.0") == 0 || strcmp(w->people->address, address) == 0);
}

int web_platform(struct web *w, const char *address, int port, const char *subnet, const char *peer,
                 struct err *e)
{
    struct listener *l = w->platform;

    reap(w);
    if (!same(w->facts->peer, peer))
        facts_publish(w, &w->facts->hosts, peer);
    if (l && (!address || strcmp(l->address, address) != 0 || l->port != port ||
              strcmp(l->subnet, subnet) != 0)) {
        close_listener(w, TAKE(w->platform));
        w->url[0] = '\0';
    }
    if (!address) {
        w->url[0] = '\0';
        return 0;
    }
    if (!w->platform && !covered(w, address, port) &&
        open_listener(w, true, address, port, subnet, &w->platform, e) < 0)
        return -1;
    (void)snprintf(w->url, sizeof(w->url), "http://%s:%d", address, port);
    return 0;
}

const char *web_platform_url(const struct web *w)
{
    return *w->url ? w->url : NULL;
}
