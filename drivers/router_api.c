/* router_api.c: what Traefik says of the route files, by its API.
 *
 * In: files that are not known to be live, and waits for single ones. Out: their states. A file is taken when the API knows its
 * marker (a middleware that bears its digest); then a router of it that Traefik has disabled is a failure, in Traefik's own words.
 * Waits ask for their one file, at first every 20 ms, then ever more seldom; when many wait, one call about everything serves them all. Whatever is no
 * proper answer (nobody there yet, 401, 404 of another kind, garbage) means: ask again until the deadline, and say it then.
 * The password is read for each call and stands in one header line, nowhere else. */
#include <stdlib.h>
#include <string.h>

#include "drivers/fsx.h"
#include "drivers/router_parts.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/route_file.h"

enum {
    QUICK_MS = 20,
    SLOW_MS = 250,
    CALL_MS = 1000,
    PAUSE_MS = 2000, /* after a question about everything that failed */
    TOGETHER = 4,    /* more waits than this share their calls */
    PASSWORD_MOST = 1024,
};

struct router_wait {
    struct router *r;
    struct router_wait *next;
    char *app;
    struct http_call *call;
    struct http_timer *timer;
    int64_t begun_ms, deadline_ms;
    bool taken; /* its marker is known; its routers are asked about */
    router_seen_fn *done;
    void *user;
};

/* ---- one call ---- */

static void add_base64(struct str *out, const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = strlen(text);

    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)(unsigned char)text[i] << 16;

        v |= i + 1 < n ? (uint32_t)(unsigned char)text[i + 1] << 8 : 0;
        v |= i + 2 < n ? (uint32_t)(unsigned char)text[i + 2] : 0;
        str_addc(out, digits[v >> 18]);
        str_addc(out, digits[v >> 12 & 63]);
        str_addc(out, i + 1 < n ? digits[v >> 6 & 63] : '=');
        str_addc(out, i + 2 < n ? digits[v & 63] : '=');
    }
}

/* "" when there is no password yet. */
static void authorization(const struct router *r, struct str *out)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(str_release) struct str pair = STR_INIT;
    const char *password;
    size_t n;

    if (fsx_read(fsx_join(r->dir, "api-password", a), PASSWORD_MOST, a, &password, &n, NULL, NULL) <
        0)
        return;
    str_addf(&pair, "%s:%.*s", ROUTER_USER, (int)strcspn(password, "\r\n"), password);
    str_add(out, "Authorization: Basic ");
    add_base64(out, str_text(&pair));
}

static struct http_call *ask(struct router *r, const char *path, http_done_fn *done, void *user)
{
    CLEANUP(str_release) struct str header = STR_INIT;

    authorization(r, &header);
    r->calls++;
    return http_send(r->http, &(struct http_request){
                                  .method = "GET",
                                  .path = path,
                                  .base = r->base,
                                  .header = header.len ? str_text(&header) : NULL,
                                  .unversioned = true,
                                  .slow = true,
                                  .timeout_ms = CALL_MS,
                                  .done = done,
                                  .user = user,
                              });
}

/* The reply's JSON, of any status that Traefik's API itself gives; NULL with the reason noted. */
static json_t *answer(struct router *r, const struct http_reply *reply)
{
    struct err *e = &r->last;
    json_t *v = NULL;

    if (reply->err.kind)
        (void)err_set(e, ERR_RETRY, "its API cannot be reached (%s)", reply->err.msg);
    else if (reply->status == 401 || reply->status == 403)
        (void)err_set(e, ERR_RETRY, "its API refuses the password of %s/api-password", r->dir);
    else if (reply->status != 200 && reply->status != 404)
        (void)err_set(e, ERR_RETRY, "its API answers with status %d", reply->status);
    else if (!(v = js_parse(reply->body, reply->n, NULL)))
        (void)err_set(e, ERR_RETRY, "what answers for its API does not speak like it (status %d)",
                      reply->status);
    return v;
}

/* ---- what an answer means ---- */

/* "the service \"x@file\" does not exist; and 1 more" of a disabled router; NULL when it is well. */
static const char *trouble(const json_t *router, struct arena *a)
{
    const json_t *errors = js_at(router, "error");
    const char *first = json_string_value(json_array_get(errors, 0));

    if (strcmp(js_str(router, "status", "enabled"), "disabled") != 0)
        return NULL;
    return arena_strdup(a, first ? first : "it is disabled, for no reason that Traefik would give");
}

static bool is_of(const char *name, const struct route_entry *f, struct arena *a)
{
    const char *prefix = route_prefix(f->app, a);
    size_t n = strlen(name), cut = strlen("@file");

    return strncmp(name, prefix, strlen(prefix)) == 0 && n > cut &&
           strcmp(name + n - cut, "@file") == 0;
}

static void settle_taken(struct route_entry *f, const char *error)
{
    router_settle(f, error ? ROUTE_FAILED : ROUTE_LIVE, error);
}

/* ---- about everything ---- */

/* The routers as /api/rawdata has them: {"NAME@file": {...}}. */
static const char *trouble_of_app(const json_t *routers, const struct route_entry *f,
                                  struct arena *a)
{
    json_t *v = (json_t *)(uintptr_t)routers, *router;
    const char *name;

    json_object_foreach(v, name, router)
    {
        const char *why = is_of(name, f, a) ? trouble(router, a) : NULL;

        if (why)
            return why;
    }
    return NULL;
}

static bool is_open(const struct route_entry *f)
{
    return f->state == ROUTE_WRITTEN && f->digest[0];
}

static void take_rawdata(struct router *r, const json_t *v)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const json_t *middlewares = js_at(v, "middlewares"), *routers = js_at(v, "routers");

    for (size_t i = r->n; i-- > 0;) {
        struct route_entry *f = r->v[i];
        bool known = is_open(f) &&
                     json_object_get(middlewares, arena_printf(a, "%s@file",
                                                               route_marker(f->app, f->digest, a)));

        if (f->gone && !known)
            router_forget(r, f->app);
        else if (known && !f->gone)
            settle_taken(f, trouble_of_app(routers, f, a));
    }
    r->last.kind = ERR_NONE;
}

static void waits_go_on(struct router *r);

static void on_rawdata(void *user, const struct http_reply *reply)
{
    struct router *r = user;

    r->asking = NULL;
    json_auto_t *v = answer(r, reply);

    if (v && reply->status == 200 && json_is_object(js_at(v, "routers")))
        take_rawdata(r, v);
    else
        r->not_before_ms = http_now_ms() + PAUSE_MS;
    if (v && r->not_before_ms > http_now_ms())
        (void)err_set(&r->last, ERR_RETRY, "its API has no answer yet (status %d)", reply->status);
    waits_go_on(r);
    router_api_answered(r);
}

void router_api_ask(struct router *r)
{
    bool any = false;

    for (size_t i = 0; i < r->n && !any; i++)
        any = is_open(r->v[i]);
    if (!any || !r->base || r->asking || http_now_ms() < r->not_before_ms)
        return;
    r->asking = ask(r, "/api/rawdata", on_rawdata, r);
}

/* ---- about one file ---- */

static void wait_tick(void *user);

static void wait_free(struct router_wait *w)
{
    struct router *r = w->r;
    struct router_wait **at = &r->waits;

    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    r->n_waits--;
    http_drop(r->http, w->call);
    http_timer_cancel(r->http, w->timer);
    free(w->app);
    free(w);
}

static void wait_end(struct router_wait *w, const struct err *why)
{
    router_seen_fn *done = w->done;
    void *user = w->user;
    struct err e = why ? *why : (struct err){0};

    wait_free(w);
    done(user, &e);
}

/* A slow Traefik is not asked the more for being slow: a tenth of the time that it took is what an answer may come late. */
static int64_t pace(const struct router_wait *w)
{
    int64_t ms = (http_now_ms() - w->begun_ms) / 10;

    return ms < QUICK_MS ? QUICK_MS : ms < SLOW_MS ? ms : SLOW_MS;
}

static void in_vain(struct router_wait *w)
{
    const struct router *r = w->r;
    struct err e;

    (void)err_set(
        &e, ERR_RETRY,
        "Traefik has not taken the route file of %s within %.1f s%s%s; its own log (evenkeel "
        "logs %s) may say why",
        w->app, (double)(http_now_ms() - w->begun_ms) / 1000,
        r->last.kind || !r->instance ? ": " : "",
        !r->instance   ? "it does not run"
        : r->last.kind ? r->last.msg
                       : "",
        ROUTER_USER);
    wait_end(w, &e);
}

/* True: the wait is over. */
static bool wait_judge(struct router_wait *w)
{
    const struct route_entry *f = router_entry(w->r, w->app);
    struct err e;

    if (!f || (!f->gone && f->state == ROUTE_LIVE) || router_presumed_live(w->r, f)) {
        if (f && f->gone)
            router_forget(w->r, w->app);
        wait_end(w, NULL);
        return true;
    }
    if (!f->gone && f->state == ROUTE_FAILED) {
        (void)err_set(&e, ERR_USER, "Traefik refuses a route of %s: %s", w->app, f->error);
        wait_end(w, &e);
        return true;
    }
    if (http_now_ms() >= w->deadline_ms) {
        in_vain(w);
        return true;
    }
    return false;
}

static void wait_again(struct router_wait *w)
{
    int64_t left = w->deadline_ms - http_now_ms(), ms = pace(w);

    if (wait_judge(w))
        return;
    http_timer_cancel(w->r->http, w->timer);
    w->timer = http_after(w->r->http, left < ms ? left : ms, wait_tick, w);
}

/* Those that share a call with others. */
static void waits_go_on(struct router *r)
{
    for (struct router_wait *w = r->waits, *next; w; w = next) {
        next = w->next;
        if (!w->call && !w->timer)
            wait_again(w);
    }
}

static void on_routers(void *user, const struct http_reply *reply)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct router_wait *w = user;
    struct route_entry *f = router_entry(w->r, w->app);
    const char *why = NULL;

    w->call = NULL;
    json_auto_t *v = answer(w->r, reply);

    if (v && reply->status == 200 && json_is_array(v) && f && !f->gone) {
        for (size_t i = 0; i < json_array_size(v) && !why; i++) {
            const json_t *router = json_array_get(v, i);

            if (is_of(js_str(router, "name", ""), f, a))
                why = trouble(router, a);
        }
        settle_taken(f, why);
    }
    wait_again(w);
}

/* 404 in the API's own words, not of a router that is not there yet. */
static bool says_unknown(const json_t *v, int status)
{
    return status == 404 && js_str(v, "message", NULL);
}

static void on_marker(void *user, const struct http_reply *reply)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct router_wait *w = user;
    struct router *r = w->r;
    struct route_entry *f = router_entry(r, w->app);

    w->call = NULL;
    json_auto_t *v = answer(r, reply);

    if (v && f && f->gone && says_unknown(v, reply->status)) {
        router_forget(r, w->app);
    } else if (v && f && !f->gone && reply->status == 200 &&
               strcmp(js_str(v, "name", ""),
                      arena_printf(a, "%s@file", route_marker(f->app, f->digest, a))) == 0) {
        w->call = ask(r,
                      arena_printf(a, "/api/http/routers?status=disabled&search=%s&per_page=1000",
                                   route_prefix(f->app, a)),
                      on_routers, w);
        return;
    } else if (v) {
        r->last.kind = ERR_NONE;
    }
    wait_again(w);
}

static void wait_tick(void *user)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct router_wait *w = user;
    struct router *r = w->r;
    const struct route_entry *f = router_entry(r, w->app);

    w->timer = NULL;
    if (wait_judge(w))
        return;
    if (!r->base || !f->digest[0]) {
        wait_again(w);
    } else if (r->n_waits > TOGETHER) {
        r->not_before_ms = 0;
        router_api_ask(r);
        if (!r->asking)
            wait_again(w);
    } else {
        w->call = ask(
            r, arena_printf(a, "/api/http/middlewares/%s@file", route_marker(f->app, f->digest, a)),
            on_marker, w);
    }
}

struct router_wait *router_see(struct router *r, const char *app, int64_t deadline_ms,
                               router_seen_fn *done, void *user)
{
    struct router_wait *w = xcalloc(1, sizeof(*w));

    *w = (struct router_wait){
        .r = r,
        .next = r->waits,
        .app = xstrdup(app),
        .begun_ms = http_now_ms(),
        .deadline_ms = deadline_ms,
        .done = done,
        .user = user,
    };
    r->waits = w;
    r->n_waits++;
    w->timer = http_after(r->http, 0, wait_tick, w);
    return w;
}

void router_see_drop(struct router *r, struct router_wait *w)
{
    (void)r;
    if (w)
        wait_free(w);
}

void router_api_release(struct router *r)
{
    while (r->waits)
        wait_free(r->waits);
    http_drop(r->http, TAKE(r->asking));
}
