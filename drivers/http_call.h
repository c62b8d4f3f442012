/* http_call.h: one request as http.c carries it, where the engine is, and what a failure of curl means in words.
 * A room of http.c; others use http.h. */
#ifndef EK_HTTP_CALL_H
#define EK_HTTP_CALL_H

#include "drivers/http.h"
#include "spec/base/str.h"

struct call_list {
    struct http_call *first, *last;
};

struct http_call {
    struct http *h;
    struct call_list *list; /* the one it is in */
    struct http_call *prev, *next;
    CURL *easy;
    struct curl_slist *headers;
    bool counted, in_multi;
    bool elsewhere; /* not to the engine */
    bool opened;    /* a stream whose body goes to data */
    bool over;      /* ended by us; curl is not listened to any more */
    int64_t silence_ms, heard_ms;
    int64_t timeout_ms;
    int tries; /* that found the engine\'s backlog full */
    struct http_timer *watchdog;
    http_data_fn *data;
    http_done_fn *done;
    void *user;
    struct str body;
    http_feed_fn *feed;
    struct str head;            /* the header lines of the last reply, each ended by a NUL */
    struct err why;             /* our own reason for ending it */
    char what[96];              /* "GET /containers/json", cut */
    char says[CURL_ERROR_SIZE]; /* curl's words */
};

void call_list_add(struct call_list *l, struct http_call *c); /* at the end */
void call_list_remove(struct http_call *c);                   /* from whatever list it is in */

struct http_place {
    char *url;    /* as given */
    char *socket; /* NULL: tcp */
    char *base;   /* "http://engine", "https://host:2376" */
    char *prefix; /* base + "/v1.45" */
    char *ca, *cert, *key;
    bool tls, verify;
};

int http_place_parse(struct http_place *p, const struct http_target *target, struct err *e);
void http_place_version(struct http_place *p, const char *version);
void http_place_release(struct http_place *p);

/* Everything curl must know but the callbacks. */
void http_call_setup(struct http_call *c, const struct http_place *p, const struct http_request *r);
/* It could not connect because the engine's backlog is full. */
bool http_call_crowded(const struct http_call *c, const struct http_place *p);
/* A transport failure in words, with what to do about it. */
void http_call_explain(const struct http_call *c, const struct http_place *p, CURLcode code,
                       struct err *ret);

#endif
