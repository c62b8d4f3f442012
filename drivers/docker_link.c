/* docker_link.c: the link to one engine: which API version is spoken, and every exchange over it.
 *
 * In: requests of the driver's other rooms. Out: the same, sent once the version is known; failures in the engine's own words.
 * The version is asked for by /_ping at the first call and again after the link was lost, since the engine may have been
 * replaced meanwhile: the lesser of what it offers and 1.52, and at least 1.41. Its own minimum matters only where it offers
 * more than 1.52, so only then /version is asked too (20.10 runs two programs to answer that).
 * It decides nothing about retrying. */
#include "drivers/docker_parts.h"

#include <curl/curl.h>
#include <string.h>

#include "spec/base/arena.h"
#include "spec/base/js.h"

enum { OLDEST_MINOR = 41, NEWEST_MINOR = 52, ASK_MS = 10 * 1000 };

struct docker_call {
    struct docker_call *prev, *next;
    struct docker *d;
    struct http_call *http;     /* NULL: waits for the negotiation */
    struct http_request r;      /* with the caller's callbacks */
    char *path, *body, *header; /* kept while it waits */
};

static void ask_ping(struct docker *d);

/* ---- calls ---- */

static void call_release(struct docker_call *c)
{
    struct engine_link *l = &c->d->link;

    if (c->prev)
        c->prev->next = c->next;
    else
        l->calls = c->next;
    if (c->next)
        c->next->prev = c->prev;
    else
        l->last_call = c->prev;
    free(c->path);
    free(c->body);
    free(c->header);
    free(c);
}

static void call_done(void *user, const struct http_reply *reply)
{
    struct docker_call *c = user;
    http_done_fn *done = c->r.done;
    void *whose = c->r.user;

    if (reply->err.kind == ERR_RETRY && reply->status == 0)
        docker_link_lost(c->d);
    call_release(c);
    done(whose, reply);
}

static bool call_data(void *user, const char *bytes, size_t n)
{
    struct docker_call *c = user;

    return c->r.data(c->r.user, bytes, n);
}

static long call_feed(void *user, void *buf, size_t n)
{
    struct docker_call *c = user;

    return c->r.feed(c->r.user, buf, n);
}

static void call_launch(struct docker_call *c)
{
    struct http_request r = c->r;

    r.data = c->r.data ? call_data : NULL;
    r.feed = c->r.feed ? call_feed : NULL;
    r.done = call_done;
    r.user = c;
    c->http = http_send(c->d->http, &r);
}

struct docker_call *docker_send(struct docker *d, const struct http_request *r)
{
    struct docker_call *c = xcalloc(1, sizeof(*c));

    c->d = d;
    c->r = *r;
    c->prev = d->link.last_call;
    if (c->prev)
        c->prev->next = c;
    else
        d->link.calls = c;
    d->link.last_call = c;
    if (d->link.state == LINK_READY) {
        call_launch(c);
        return c;
    }
    c->r.path = c->path = xstrdup(r->path);
    c->r.body = c->body = xstrdup(r->body);
    c->r.header = c->header = xstrdup(r->header);
    if (d->link.state == LINK_NONE)
        ask_ping(d);
    return c;
}

void docker_drop(struct docker *d, struct docker_call *c)
{
    if (!c)
        return;
    http_drop(d->http, c->http);
    call_release(c);
}

void docker_link_lost(struct docker *d)
{
    if (d->link.state == LINK_READY)
        d->link.state = LINK_NONE;
    d->classic_builder = false;
}

void docker_link_release(struct docker *d)
{
    http_drop(d->http, d->link.asking);
    for (struct docker_call *c = d->link.calls, *next; c; c = next) {
        next = c->next;
        docker_drop(d, c);
    }
    free(d->link.engine_version);
}

/* ---- negotiation ---- */

static struct docker_call *first_waiting(struct docker *d)
{
    struct docker_call *c = d->link.calls;

    while (c && c->http)
        c = c->next;
    return c;
}

static void link_failed(struct docker *d, const struct err *why)
{
    struct http_reply reply = {.err = *why};

    d->link.state = LINK_NONE;
    /* A callback that sends anew starts the next negotiation; its call is not one of these. */
    size_t n = 0;

    for (struct docker_call *c = d->link.calls; c; c = c->next)
        n += !c->http;
    while (n-- > 0) {
        struct docker_call *c = first_waiting(d);
        if (!c)
            return;
        call_done(c, &reply);
    }
}

static void link_ready(struct docker *d, int minor)
{
    char number[sizeof(d->link.version)];

    (void)snprintf(number, sizeof(number), "1.%d", minor);
    (void)snprintf(d->link.version, sizeof(d->link.version), "v1.%d", minor);
    mirror_set_engine(d->mirror, d->link.engine_version, number);
    http_set_version(d->http, d->link.version);
    d->link.state = LINK_READY;
    for (struct docker_call *c; (c = first_waiting(d));)
        call_launch(c);
}

/* "1.45" -> 45; another major version counts as far away. -1: no version at all. */
static int minor_of(const char *version)
{
    const char *dot = version ? strchr(version, '.') : NULL;
    int64_t major, minor;
    char head[8];

    if (!dot || (size_t)(dot - version) >= sizeof(head))
        return -1;
    memcpy(head, version, (size_t)(dot - version));
    head[dot - version] = '\0';
    if (parse_int64(head, 0, 1000, &major) < 0 || parse_int64(dot + 1, 0, 1000, &minor) < 0)
        return -1;
    if (major != 1)
        return major < 1 ? 0 : 100000;
    return (int)minor;
}

static void on_version(void *user, const struct http_reply *reply)
{
    struct docker *d = user;
    struct err e = reply->err;
    json_t *v = NULL;

    d->link.asking = NULL;
    if (!e.kind && reply->status >= 300)
        (void)docker_failure(reply, &e);
    if (!e.kind)
        v = js_parse(reply->body, reply->n, &e);
    const char *least = js_str(v, "MinAPIVersion", "1.0");

    if (v && minor_of(least) > NEWEST_MINOR)
        (void)err_set(
            &e, ERR_USER,
            "the engine at %s (%s) asks for API %.20s or newer, evenkeel speaks 1.%d to 1.%d: "
            "upgrade evenkeel",
            http_where(d->http), d->link.engine_version, least, OLDEST_MINOR, NEWEST_MINOR);
    json_decref(v);
    if (e.kind)
        link_failed(d, &e);
    else
        link_ready(d, NEWEST_MINOR);
}

static void ask_version(struct docker *d)
{
    d->link.asking = http_send(d->http, &(struct http_request){
                                            .method = "GET",
                                            .path = "/version",
                                            .unversioned = true,
                                            .timeout_ms = ASK_MS,
                                            .done = on_version,
                                            .user = d,
                                        });
}

/* "Docker/20.10.24 (linux)" -> "20.10.24" */
static char *engine_version_of(const char *server)
{
    const char *from = server ? strchr(server, '/') : NULL;

    if (!from)
        return xstrdup("unknown version");
    struct str s = STR_INIT;

    str_addn(&s, from + 1, strcspn(from + 1, " "));
    return str_steal(&s);
}

static int read_ping(struct docker *d, const struct http_reply *reply, int *ret_minor,
                     struct err *e)
{
    const char *offers = http_header(reply, "Api-Version"), *date = http_header(reply, "Date");
    int minor = minor_of(offers);
    time_t at = date ? curl_getdate(date, NULL) : -1;

    if (reply->status >= 300)
        return docker_failure(reply, e);
    if (minor < 0)
        return err_set(e, ERR_USER,
                       "what answers at %s is no Docker Engine (its /_ping names no API version)",
                       http_where(d->http));
    free(d->link.engine_version);
    d->link.engine_version = engine_version_of(http_header(reply, "Server"));
    d->link.engine_date_s = at > 0 ? (int64_t)at : 0;
    d->link.same_clock = at > 0 && time(NULL) == at;
    if (minor < OLDEST_MINOR)
        return err_set(
            e, ERR_USER,
            "the engine at %s (%s) speaks API %.20s at most, evenkeel needs 1.%d or newer: "
            "upgrade the engine to Docker 20.10 or later",
            http_where(d->http), d->link.engine_version, offers, OLDEST_MINOR);
    *ret_minor = minor;
    return 0;
}

static void on_ping(void *user, const struct http_reply *reply)
{
    struct docker *d = user;
    struct err e = reply->err;
    int minor = 0;

    d->link.asking = NULL;
    if (!e.kind)
        (void)read_ping(d, reply, &minor, &e);
    if (e.kind)
        link_failed(d, &e);
    else if (minor > NEWEST_MINOR)
        ask_version(d);
    else
        link_ready(d, minor);
}

static void ask_ping(struct docker *d)
{
    d->link.state = LINK_ASKING;
    d->link.asking = http_send(d->http, &(struct http_request){
                                            .method = "GET",
                                            .path = "/_ping",
                                            .unversioned = true,
                                            .timeout_ms = ASK_MS,
                                            .done = on_ping,
                                            .user = d,
                                        });
}

/* ---- words ---- */

static enum err_kind kind_of_status(int status)
{
    switch (status) {
    case 400: return ERR_USER;
    case 401:
    case 403: return ERR_DENIED;
    case 404: return ERR_MISSING;
    case 409: return ERR_CONFLICT;
    default: return ERR_RETRY;
    }
}

int docker_failure(const struct http_reply *reply, struct err *ret)
{
    CLEANUP(arena_freep) struct arena *a = NULL;

    if (reply->err.kind) {
        *ret = reply->err;
        return -1;
    }
    a = arena_new();
    const char *says = engine_decode_message(reply->body ? reply->body : "", reply->n, a);

    if (!says || !says[0])
        says = arena_printf(a, "the engine answered with status %d and no reason", reply->status);
    return err_set(ret, kind_of_status(reply->status), "%s", says);
}

void docker_escape(struct str *out, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/:@";

    for (; *text; text++) {
        if (strchr(plain, *text))
            str_addc(out, *text);
        else
            str_addf(out, "%%%02X", (unsigned)(unsigned char)*text);
    }
}

const char *docker_path(struct arena *a, const char *before, const char *name, const char *after)
{
    CLEANUP(str_release) struct str s = STR_INIT;

    str_add(&s, before);
    docker_escape(&s, name);
    str_add(&s, after);
    return arena_strdup(a, str_text(&s));
}
