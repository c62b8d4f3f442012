/* http_call.c: where the engine is, how a request to it is set up, and what its failure means in words.
 *
 * In: an address as DOCKER_HOST has it, a request, a result of curl. Out: a parsed place, a curl handle ready to go, and
 * an error that names the socket or address and says what to do.
 * It sends nothing and waits for nothing. */
#include "drivers/http_call.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "spec/base/arena.h"

enum {
    SHORT_MS = 30 * 1000,
    CONNECT_MS = 10 * 1000,
    KEEPALIVE_S = 30,
};

void call_list_add(struct call_list *l, struct http_call *c)
{
    c->list = l;
    c->prev = l->last;
    c->next = NULL;
    if (l->last)
        l->last->next = c;
    else
        l->first = c;
    l->last = c;
}

void call_list_remove(struct http_call *c)
{
    struct call_list *l = c->list;

    if (!l)
        return;
    if (c->prev)
        c->prev->next = c->next;
    else
        l->first = c->next;
    if (c->next)
        c->next->prev = c->prev;
    else
        l->last = c->prev;
    c->list = NULL;
    c->prev = c->next = NULL;
}

/* ---- where the engine is ---- */

static char *text_of(struct str *s)
{
    return str_steal(s);
}

static int parse_unix(struct http_place *p, const char *path, struct err *e)
{
    if (path[0] != '/')
        return err_set(e, ERR_USER,
                       "%s: the socket's path must be absolute (unix:///var/run/docker.sock)",
                       p->url);
    if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
        return err_set(e, ERR_USER, "%s: a socket's path has at most %zu bytes", p->url,
                       sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
    p->socket = xstrdup(path);
    p->base = xstrdup("http://engine");
    return 0;
}

static int parse_tcp(struct http_place *p, const char *host, struct err *e)
{
    struct str base = STR_INIT;
    size_t n = strlen(host);
    const char *end_of_name;

    while (n > 0 && host[n - 1] == '/')
        n--;
    if (n == 0 || strcspn(host, "/?#@ \t\r\n") < n)
        return err_set(e, ERR_USER, "%s: expected HOST:PORT after the scheme", p->url);
    end_of_name = host[0] == '[' ? strchr(host, ']') : host;
    if (!end_of_name)
        return err_set(e, ERR_USER, "%s: the bracket around the address is not closed", p->url);
    str_addf(&base, "%s://%.*s", p->tls ? "https" : "http", (int)n, host);
    if (!memchr(end_of_name, ':', n - (size_t)(end_of_name - host)))
        str_add(&base, p->tls ? ":2376" : ":2375");
    p->base = text_of(&base);
    return 0;
}

static char *cert_file(const char *folder, const char *name)
{
    struct str path = STR_INIT;

    str_addf(&path, "%s/%s", folder, name);
    return text_of(&path);
}

static int read_certs(struct http_place *p, const char *folder, struct err *e)
{
    if (!p->tls || !folder)
        return 0;
    p->ca = cert_file(folder, "ca.pem");
    p->cert = cert_file(folder, "cert.pem");
    p->key = cert_file(folder, "key.pem");
    /* Said now, because curl would only say so at the first call and then less clearly. */
    if (p->verify && access(p->ca, R_OK) < 0)
        return err_errno(e, errno, "certificates for %s: %s", p->url, p->ca);
    if (access(p->cert, R_OK) < 0)
        return err_errno(e, errno, "certificates for %s: %s", p->url, p->cert);
    if (access(p->key, R_OK) < 0)
        return err_errno(e, errno, "certificates for %s: %s", p->url, p->key);
    return 0;
}

/* The part after a scheme, or NULL if it is another one. */
static const char *after(const char *url, const char *scheme)
{
    size_t n = strlen(scheme);

    return strncmp(url, scheme, n) == 0 ? url + n : NULL;
}

int http_place_parse(struct http_place *p, const struct http_target *target, struct err *e)
{
    const char *url = target->url ? target->url : "", *rest;
    struct http_place made = {.url = xstrdup(url), .tls = target->tls};
    int failed;

    if ((rest = after(url, "unix://"))) {
        made.tls = false;
        failed = parse_unix(&made, rest, e);
    } else if ((rest = after(url, "https://"))) {
        made.tls = true;
        failed = parse_tcp(&made, rest, e);
    } else if ((rest = after(url, "tcp://")) || (rest = after(url, "http://"))) {
        failed = parse_tcp(&made, rest, e);
    } else {
        failed =
            err_set(e, ERR_USER,
                    "\"%s\" is no address of an engine: expected unix:///PATH, tcp://HOST:PORT "
                    "or https://HOST:PORT",
                    url);
    }
    made.verify = !target->tls || target->tls_verify;
    if (!failed)
        failed = read_certs(&made, target->cert_path, e);
    if (failed) {
        http_place_release(&made);
        return -1;
    }
    made.prefix = xstrdup(made.base);
    *p = made;
    return 0;
}

void http_place_version(struct http_place *p, const char *version)
{
    struct str s = STR_INIT;

    str_addf(&s, "%s/%s", p->base, version);
    free(p->prefix);
    p->prefix = text_of(&s);
}

void http_place_release(struct http_place *p)
{
    free(p->url);
    free(p->socket);
    free(p->base);
    free(p->prefix);
    free(p->ca);
    free(p->cert);
    free(p->key);
    *p = (struct http_place){0};
}

/* ---- setting up ---- */

static void set_place(CURL *easy, const struct http_place *p)
{
    if (p->socket) {
        (void)curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, p->socket);
        return;
    }
    (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_S);
    (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_S);
    if (!p->tls)
        return;
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, p->verify ? 1L : 0L);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, p->verify ? 2L : 0L);
    if (p->ca && p->verify)
        (void)curl_easy_setopt(easy, CURLOPT_CAINFO, p->ca);
    if (p->cert)
        (void)curl_easy_setopt(easy, CURLOPT_SSLCERT, p->cert);
    if (p->key)
        (void)curl_easy_setopt(easy, CURLOPT_SSLKEY, p->key);
}

static void set_method(CURL *easy, const struct http_request *r)
{
    bool post = strcmp(r->method, "POST") == 0 || strcmp(r->method, "PUT") == 0;

    if (strcmp(r->method, "HEAD") == 0) {
        (void)curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (r->feed) {
        (void)curl_easy_setopt(easy, CURLOPT_POST, 1L); /* without a size: chunked */
        (void)curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 65536L);
    } else if (post || r->body) {
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                               (curl_off_t)(r->body ? strlen(r->body) : 0));
        (void)curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, r->body ? r->body : "");
    }
    if (strcmp(r->method, "GET") != 0 && strcmp(r->method, "HEAD") != 0 &&
        strcmp(r->method, "POST") != 0)
        (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, r->method);
}

static void add_header(struct http_call *c, const char *line)
{
    struct curl_slist *more = curl_slist_append(c->headers, line);

    if (!more)
        abort();
    c->headers = more;
}

static void set_headers(struct http_call *c, const struct http_request *r)
{
    add_header(c, "Expect:");
    add_header(c, r->feed   ? "Content-Type: application/x-tar"
                  : r->body ? "Content-Type: application/json"
                            : "Content-Type:");
    if (r->header)
        add_header(c, r->header);
    (void)curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers);
}

void http_call_setup(struct http_call *c, const struct http_place *p, const struct http_request *r)
{
    CLEANUP(str_release) struct str url = STR_INIT;

    c->timeout_ms = r->timeout_ms ? r->timeout_ms : SHORT_MS;
    (void)snprintf(c->what, sizeof(c->what), "%s %.*s", r->method, (int)strcspn(r->path, "?"),
                   r->path);
    c->elsewhere = r->base != NULL;
    str_addf(&url, "%s%s", r->base ? r->base : r->unversioned ? p->base : p->prefix, r->path);
    (void)curl_easy_setopt(c->easy, CURLOPT_URL, str_text(&url));
    (void)curl_easy_setopt(c->easy, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(c->easy, CURLOPT_PRIVATE, c);
    (void)curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, c->says);
    (void)curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(c->easy, CURLOPT_NOPROXY, "*");
    (void)curl_easy_setopt(c->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    if (!r->stream)
        (void)curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS,
                               (long)(c->timeout_ms < INT_MAX ? c->timeout_ms : INT_MAX));
    if (!c->elsewhere)
        set_place(c->easy, p);
    set_method(c->easy, r);
    set_headers(c, r);
}

/* ---- what a failure means ---- */

bool http_call_crowded(const struct http_call *c, const struct http_place *p)
{
    long errnum = 0;

    (void)curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &errnum);
    /* curl takes EAGAIN for "in progress", which it never is on a unix socket, and then has no reason of its own. */
    return errnum == EAGAIN || (errnum == 0 && p->socket);
}

static int explain_connect(const struct http_call *c, const struct http_place *p, struct err *ret)
{
    const char *where = p->socket ? p->socket : p->url;
    long errnum = 0;

    (void)curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &errnum);
    if (errnum == EACCES || errnum == EPERM)
        return err_set(ret, ERR_RETRY,
                       "no permission to use the engine's socket %s: add the user to group docker "
                       "(usermod -aG docker USER, then log in again) or run as root",
                       where);
    if (errnum == ENOENT && p->socket)
        return err_set(
            ret, ERR_RETRY,
            "the engine is not there: %s does not exist; start it (systemctl start docker) "
            "or name another with --docker",
            where);
    if (errnum == ECONNREFUSED)
        return err_set(
            ret, ERR_RETRY,
            "the engine is not running: nobody listens at %s; start it (systemctl start docker)",
            where);
    if (http_call_crowded(c, p))
        return err_set(ret, ERR_RETRY, "the engine at %s is too busy to answer", where);
    return err_set(ret, ERR_RETRY, "cannot reach the engine at %s: %s", where,
                   errnum ? strerror((int)errnum) : c->says);
}

void http_call_explain(const struct http_call *c, const struct http_place *p, CURLcode code,
                       struct err *ret)
{
    const char *says = c->says[0] ? c->says : curl_easy_strerror(code);
    curl_off_t connected_us = 0;

    if (c->elsewhere) {
        (void)err_set(ret, ERR_RETRY, "%s: %s", c->what, says);
        return;
    }
    switch ((int)code) {
    case CURLE_COULDNT_CONNECT: (void)explain_connect(c, p, ret); return;
    case CURLE_OPERATION_TIMEDOUT:
        (void)curl_easy_getinfo(c->easy, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
        if (connected_us == 0)
            (void)err_set(ret, ERR_RETRY, "cannot reach the engine at %s: no answer within %d s",
                          p->url, CONNECT_MS / 1000);
        else
            (void)err_set(ret, ERR_RETRY, "%s: the engine at %s did not answer within %lld s",
                          c->what, p->url, (long long)c->timeout_ms / 1000);
        return;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
        (void)err_set(
            ret, ERR_RETRY,
            "no trusted connection to the engine at %s: %s; check its certificate and the "
            "folder with ca.pem, cert.pem and key.pem",
            p->url, says);
        return;
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
        (void)err_set(ret, ERR_RETRY,
                      "%s: the engine at %s closed the connection before it had answered", c->what,
                      p->url);
        return;
    default:
        (void)err_set(ret, ERR_RETRY, "%s to the engine at %s: %s", c->what, p->url, says);
        return;
    }
}
