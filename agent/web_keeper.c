/* Keeps the agent's listeners open.
 *
 * Comes in: where to listen. Goes out: open listeners, and a line in the log when one opens or cannot. A port that is taken is no reason to
 * stop: the agent converges without it and tries again every half minute. */
#include "agent/web_keeper.h"

#include "agent/log.h"
#include "agent/web.h"
#include "drivers/http.h"
#include "spec/base/arena.h"
#include "spec/config.h"

#define RETRY_MS 30000

struct web_keeper {
    struct http *http;
    struct arena *arena; /* address */
    struct web *web;
    const char *address; /* NULL: nowhere */
    int port;
    struct http_timer *again;
    char *said; /* the last complaint */
};

static void complain(struct web_keeper *k, const struct err *e)
{
    if (k->said && strcmp(k->said, e->msg) == 0)
        return;
    free(k->said);
    k->said = xstrdup(e->msg);
    log_line(LOG_WARNING, NULL,
             "no HTTP on %s:%d: %s; trying again. `listen:` in the configuration, --listen or "
             "EVENKEEL_LISTEN names another port, or none",
             k->address, k->port, e->msg);
}

static void open_again(void *user)
{
    struct web_keeper *k = user;
    struct err e = {0};

    k->again = NULL;
    if (!k->address)
        return;
    if (web_open(k->web, k->address, k->port, &e) < 0) {
        complain(k, &e);
        k->again = http_after(k->http, RETRY_MS, open_again, k);
        return;
    }
    log_line(LOG_INFO, NULL, "HTTP on http://%s:%d", k->address, k->port);
    free(TAKE(k->said));
}

struct web_keeper *web_keeper_new(struct http *http, const char *listen)
{
    struct web_keeper *k = xcalloc(1, sizeof(*k));
    const char *why;

    k->http = http;
    k->arena = arena_new();
    k->web = web_new();
    if (strcmp(listen, "none") != 0)
        (void)listen_parse(listen, k->arena, &k->address, &k->port, &why);
    open_again(k);
    return k;
}

void web_keeper_leave(struct web_keeper *k)
{
    http_timer_cancel(k->http, TAKE(k->again));
    web_leave(k->web);
}

void web_keeper_free(struct web_keeper *k)
{
    if (!k)
        return;
    web_keeper_leave(k);
    web_free(k->web);
    arena_free(k->arena);
    free(k->said);
    free(k);
}
