/* raw.c: calls to the engine, as directly as they can be made.
 *
 * In: chains of requests and how many of them may be in flight. Out: nothing but the time it took, which the caller measures.
 * Replies are read to their end and not decoded. */
#include "tests/bench/raw.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/http.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/base/str.h"
#include "tests/bench/bench.h"

struct flight {
    struct http *http;
    const struct raw_chain *chains;
    size_t n, next, over;
};

struct link { /* one chain under way */
    struct flight *flight;
    const struct raw_chain *chain;
    size_t step;
};

static void link_send(struct link *l);

static void launch(struct flight *f)
{
    if (f->next == f->n)
        return;
    struct link *l = xcalloc(1, sizeof(*l));

    *l = (struct link){.flight = f, .chain = &f->chains[f->next++]};
    link_send(l);
}

static bool acceptable(const struct raw_step *s, int status)
{
    return status < 400 ||
           (strcmp(s->method, "DELETE") == 0 && (status == 403 || status == 404 || status == 409));
}

static void on_reply(void *user, const struct http_reply *reply)
{
    struct link *l = user;
    const struct raw_step *s = &l->chain->steps[l->step];
    struct flight *f = l->flight;

    if (reply->err.kind)
        bench_die("%s %s: %s", s->method, s->path, reply->err.msg);
    if (!acceptable(s, reply->status))
        bench_die("%s %s: %d %s", s->method, s->path, reply->status,
                  reply->body ? reply->body : "");
    if (++l->step < l->chain->n) {
        link_send(l);
        return;
    }
    free(l);
    f->over++;
    launch(f);
}

static void link_send(struct link *l)
{
    const struct raw_step *s = &l->chain->steps[l->step];

    (void)http_send(l->flight->http, &(struct http_request){
                                         .method = s->method,
                                         .path = s->path,
                                         .body = s->body,
                                         .unversioned = true,
                                         .slow = strcmp(s->method, "GET") != 0,
                                         .timeout_ms = 120000,
                                         .done = on_reply,
                                         .user = l,
                                     });
}

static void turn(struct http *h)
{
    struct err e = {0};

    if (http_poll(h, NULL, 0, -1, &e) < 0)
        bench_die("%s", e.msg);
}

void raw_run(struct http *h, const struct raw_chain *chains, size_t n, size_t in_flight)
{
    struct flight f = {.http = h, .chains = chains, .n = n};

    for (size_t i = 0; i < in_flight; i++)
        launch(&f);
    while (f.over < n)
        turn(h);
}

struct single {
    bool over;
    int status;
    struct str *body;
};

static void on_single(void *user, const struct http_reply *reply)
{
    struct single *s = user;

    if (reply->err.kind)
        bench_die("%s", reply->err.msg);
    s->over = true;
    s->status = reply->status;
    if (s->body)
        str_addn(s->body, reply->body ? reply->body : "", reply->n);
}

int raw_call(struct http *h, const char *method, const char *path, const char *body,
             struct str *ret)
{
    struct single s = {.body = ret};

    (void)http_send(h, &(struct http_request){
                           .method = method,
                           .path = path,
                           .body = body,
                           .unversioned = true,
                           .slow = true,
                           .timeout_ms = 120000,
                           .done = on_single,
                           .user = &s,
                       });
    while (!s.over)
        turn(h);
    return s.status;
}

struct http *raw_connect(const struct bench *b)
{
    struct http_target target = {.url = b->engine};
    struct err e = {0};
    struct http *h = http_new(&target, &e);

    if (!h)
        bench_die("%s", e.msg);
    return h;
}

/* ---- cleaning up ---- */

static bool is_ours(const json_t *object)
{
    const char *key;
    json_t *value;

    json_object_foreach(json_object_get(object, "Labels"), key, value)
    {
        if (strcmp(key, "evenkeel.owner") == 0 || strcmp(key, "evenbare.owner") == 0)
            return true;
    }
    return false;
}

static void wipe_kind(struct bench *b, const char *list, const char *member, const char *path,
                      const char *tail)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    struct raw_chain *chains;
    size_t n = 0, i;
    json_t *item;

    if (raw_call(b->http, "GET", list, NULL, &text) != 200)
        bench_die("GET %s: %s", list, str_text(&text));
    json_t *all = js_parse(text.buf, text.len, NULL);
    const json_t *items = member ? json_object_get(all, member) : all;

    chains = xcalloc(json_array_size(items) + 1, sizeof(*chains));
    json_array_foreach(items, i, item)
    {
        const char *id = js_str(item, "Id", js_str(item, "Name", NULL));
        if (is_ours(item))
            chains[n++] = (struct raw_chain){
                .steps = {{.method = "DELETE",
                           .path = arena_printf(b->arena, "%s/%s%s", path, id, tail)}},
                .n = 1};
    }
    raw_run(b->http, chains, n, 8);
    free(chains);
    json_decref(all);
}

void raw_wipe(struct bench *b)
{
    wipe_kind(b, "/containers/json?all=1", NULL, "/containers", "?force=1&v=1");
    wipe_kind(b, "/networks", NULL, "/networks", "");
    wipe_kind(b, "/volumes", "Volumes", "/volumes", "");
}
