/* The body of a request.
 *
 * Comes in: a connection of civetweb's. Goes out: bytes, as a handler reads them. Who sends has one of a few places, so that slow clients take no more than half of the threads; it is given back as soon
 * as all of it came, whatever is done with it then. Refuses to wait for those that are too slow (web_patience.h). */
#include "agent/web_body.h"

#include <civetweb.h>
#include <strings.h>
#include <time.h>

enum { DRAIN_BYTES = 1 << 20, DRAIN_S = 1 };

static void give_place_back(struct web_incoming *in)
{
    if (in->place)
        (void)atomic_fetch_sub(in->place, 1);
    in->place = NULL;
}

static void over(struct web_incoming *in)
{
    if (!in->ended)
        web_patience_end(in->patience, &in->wait);
    in->ended = true;
    give_place_back(in);
}

static long incoming_read(void *ctx, void *buf, size_t n)
{
    struct web_incoming *in = ctx;

    if (in->ended || n == 0)
        return 0;
    if (in->expected) {
        in->expected = false;
        (void)mg_write(in->conn, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    }
    int got = mg_read(in->conn, buf, n);

    if (got > 0) {
        in->came += got;
        web_patience_came(in->patience, &in->wait, in->came);
    }
    if (got <= 0 || in->came == in->body.length)
        over(in);
    return got;
}

void web_incoming_begin(struct web_incoming *in, struct mg_connection *conn, int own_port,
                        bool ended, struct web_patience *patience, atomic_int *place)
{
    const struct mg_request_info *ri = mg_get_request_info(conn);
    const char *expect = mg_get_header(conn, "Expect");

    *in = (struct web_incoming){
        .body = {.read = incoming_read, .ctx = in, .length = ri->content_length},
        .conn = conn,
        .patience = patience,
        .wait = {.peer = ri->remote_addr, .peer_port = ri->remote_port, .own_port = own_port},
        .place = place,
        .expected = expect && strcasecmp(expect, "100-continue") == 0,
        .ended = ended,
    };
    if (!ended)
        web_patience_begin(patience, &in->wait);
}

void web_incoming_drain(struct web_incoming *in)
{
    char buf[256];
    struct timespec now, begun;
    long left = DRAIN_BYTES;

    give_place_back(in); /* its reply is sent */
    if (!in->wanted || in->ended || in->expected)
        return;
    web_patience_hurry(in->patience, &in->wait, DRAIN_S * 1000);
    (void)clock_gettime(CLOCK_MONOTONIC, &begun);
    while (!in->ended && left > 0) {
        long n = incoming_read(in, buf, sizeof(buf));

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        if (n <= 0 || now.tv_sec - begun.tv_sec > DRAIN_S)
            break;
        left -= n;
    }
}

void web_incoming_end(struct web_incoming *in)
{
    over(in);
}
