/* web_route.h: which handler answers a request: a table of rows, each a method and a path. */
#ifndef EK_WEB_ROUTE_H
#define EK_WEB_ROUTE_H

#include <stdbool.h>

#include "spec/base/str.h"

/* What a handler may know. Borrowed, for the time of the call. */
struct web_request {
    const char *method;
    const char *path; /* as it was sent, without dot segments and double slashes; not decoded */
    const char *host; /* web_host_parse */
    const char *peer;
    bool behind; /* came through our Traefik */
    bool html;   /* from a browser */
};

struct web_reply {
    int status;
    const char *type;   /* a literal */
    struct str body;    /* released by who called the handler */
    struct str headers; /* "Name: value\r\n" each; likewise */
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
