/* web_route.h: which handler answers a request: a table of rows, each a method and a path. */
#ifndef EK_WEB_ROUTE_H
#define EK_WEB_ROUTE_H

#include <stdbool.h>

#include "spec/base/str.h"

struct stream_client;

/* The body of a request, as it comes in. */
struct web_body {
    /* As read(2): bytes, 0 at its end, -1 when the client broke off or was too slow. */
    long (*read)(void *ctx, void *buf, size_t n);
    void *ctx;
    int64_t length; /* -1: it ends where it ends (chunked) */
};

/* What a handler may know. Borrowed, for the time of the call. Headers are "" when absent. */
struct web_request {
    const char *method;
    const char *path;  /* as it was sent, without dot segments and double slashes; not decoded */
    const char *query; /* what follows the question mark, "" when nothing does */
    const char *host;  /* web_host_parse */
    const char *authority; /* the Host header, as it was sent */
    const char *peer;
    const char *client; /* who asks: the peer, or whom our Traefik says it asks for */
    bool behind;        /* came through our Traefik */
    bool secure;        /* by TLS, as our Traefik says */
    bool loopback;      /* from this machine itself, through nothing */
    bool html;          /* from a browser */
    bool chunks;        /* it understands a reply in chunks (HTTP/1.1) */
    bool sse;           /* it asks for Server-Sent Events */
    const char *authorization, *cookie, *origin, *fetch_site, *csrf, *content_type, *none_match,
        *last_event_id;
    struct web_body *body; /* NULL: none */
};

struct web_reply {
    int status;
    const char *type;             /* a literal */
    struct str body;              /* released by who called the handler */
    struct str headers;           /* "Name: value\r\n" each; likewise */
    struct stream_client *stream; /* or NULL: the body is none, this takes over the connection */
    int instead; /* with stream: the body is sent after all, with this status, as JSON, where the connection cannot be taken over; 0: there is none */
};

/* Runs on a thread of the listener, with some 70 KiB of stack; must not touch what belongs to the loop. */
typedef void web_handler(const struct web_request *r, struct web_reply *ret);

struct web_row {
    const char *method; /* GET rows answer HEAD too */
    const char *path;   /* the whole path, to the byte */
    web_handler *run;
};

/* Answer r by the row that fits; 404 with a page when no row has its path, 405 with Allow when one has it with other methods. */
void web_route(const struct web_row *rows, size_t n, const struct web_request *r,
               struct web_reply *ret);
/* The rows that this program has. */
const struct web_row *web_route_rows(size_t *ret_n);
/* One line of text. */
void web_reply_text(struct web_reply *ret, int status, const char *text);

#endif
