/* route_middlewares.c: the middlewares of one route, once, for both who write them down.
 *
 * In: a route with everything filled in. Out: Traefik's keys and values in one fixed order: who may not ask is turned away first, then who asks too
 * often, then who does not know the password; what changes the request comes last, and retries stand next to the containers. */
#include "spec/route_middlewares.h"

#include <inttypes.h>

#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/desired.h"

/* The list under construction. */
struct maker {
    struct arena *arena;
    struct route_middleware *v;
    size_t n;
};

static void begin(struct maker *m, const char *kind, size_t options)
{
    m->v[m->n++] = (struct route_middleware){
        .kind = kind, .options = ARENA_ARRAY(m->arena, options, struct route_option)};
}

static struct route_option *option(struct maker *m, const char *path, enum route_value kind)
{
    struct route_middleware *last = &m->v[m->n - 1];
    struct route_option *o = &last->options[last->n_options++];

    *o = (struct route_option){.path = path, .kind = kind};
    return o;
}

static void put(struct maker *m, const char *path, enum route_value kind, const char *value)
{
    option(m, path, kind)->value = value;
}

static void put_number(struct maker *m, const char *path, int64_t value)
{
    put(m, path, RV_NUMBER, arena_printf(m->arena, "%" PRId64, value));
}

static void put_headers(struct maker *m, const char *path, const struct kvs *headers)
{
    for (size_t i = 0; i < headers->n; i++) {
        struct route_option *o = option(m, path, RV_TEXT);

        o->key = headers->v[i].key;
        o->value = headers->v[i].value;
    }
}

/* ---- each kind ---- */

static void rate_limit(struct maker *m, const struct route_middlewares *mw)
{
    begin(m, "rate_limit", 3);
    put_number(m, "rateLimit.average", mw->rate_average.v);
    if (mw->rate_burst.set)
        put_number(m, "rateLimit.burst", mw->rate_burst.v);
    if (mw->rate_period_ns.set)
        put(m, "rateLimit.period", RV_TEXT,
            arena_printf(m->arena, "%" PRId64 "ns", mw->rate_period_ns.v));
}

static void strip(struct maker *m, const struct route *r)
{
    if (strcmp(r->path, "/") == 0)
        return;
    begin(m, "strip", 1);
    strv_push(m->arena, &option(m, "stripPrefix.prefixes", RV_LIST)->values, r->path);
}

/* The route's path is taken away first, so that the pattern need not know in which ways it can be written; what stands behind it is kept, and begins with
 * a single slash or a question mark, so that nobody's path can become a part of the host. */
static void redirect(struct maker *m, const struct route *r)
{
    bool root = strcmp(r->mw.redirect_to, "/") == 0;

    strip(m, r);
    begin(m, "redirect", 3);
    put(m, "redirectRegex.permanent", RV_FLAG,
        r->mw.redirect_permanent == TRI_YES ? "true" : "false");
    put(m, "redirectRegex.regex", RV_TEXT,
        root ? "^https?://[^/?]+/*(.*)$" : "^https?://[^/?]+/*(|[?].*|/[^/?].*)$");
    put(m, "redirectRegex.replacement", RV_TEXT,
        arena_printf(m->arena, "%s${1}", r->mw.redirect_to));
}

static void headers(struct maker *m, const struct route_middlewares *mw)
{
    if (mw->request_headers.n + mw->response_headers.n == 0)
        return;
    begin(m, "headers", mw->request_headers.n + mw->response_headers.n);
    put_headers(m, "headers.customRequestHeaders", &mw->request_headers);
    put_headers(m, "headers.customResponseHeaders", &mw->response_headers);
}

size_t route_middlewares(const struct want_route *r, const char *users_file, struct arena *a,
                         struct route_middleware *ret)
{
    const struct route_middlewares *mw = &r->spec->mw;
    struct maker m = {.arena = a, .v = ret};

    if (mw->ip_allow_list.n > 0) {
        begin(&m, "ip_allow_list", 1);
        option(&m, "ipAllowList.sourceRange", RV_LIST)->values = mw->ip_allow_list;
    }
    if (mw->rate_average.set)
        rate_limit(&m, mw);
    if (users_file) {
        begin(&m, "basic_auth", 2);
        /* The app has its own idea of who is who. */
        put(&m, "basicAuth.removeHeader", RV_FLAG, "true");
        put(&m, "basicAuth.usersFile", RV_TEXT, users_file);
    }
    if (mw->redirect_to)
        redirect(&m, r->spec);
    if (mw->max_body.set) {
        begin(&m, "max_body", 1);
        put_number(&m, "buffering.maxRequestBodyBytes", mw->max_body.v);
    }
    headers(&m, mw);
    if (mw->compress == TRI_YES) {
        begin(&m, "compress", 1);
        put(&m, "compress", RV_FLAG, "true");
    }
    if (r->spec->strip != TRI_NO && !mw->redirect_to)
        strip(&m, r->spec);
    /* A container that has just gone refuses connections until the file without it is read. */
    begin(&m, "retry", 1);
    put_number(&m, "retry.attempts", mw->retry_attempts.set ? mw->retry_attempts.v : ROUTE_RETRIES);
    return m.n;
}

const char *route_cookie(const struct want_route *r, struct arena *a)
{
    char hex[SHA256_HEX];

    if (r->spec->cookie)
        return r->spec->cookie;
    sha256_hex(r->name, strlen(r->name), hex);
    return arena_printf(a, "evenkeel_%.10s", hex);
}
