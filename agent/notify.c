/* Webhooks.
 *
 * Comes in: drift, verdicts, held removals. Goes out: one POST after another for each hook, from a queue of its own. The queue is bounded: when a
 * receiver is gone for long the oldest go, and the next body says how many. Bodies hold no secrets: differences are masked where they are made, and
 * the last words of containers are left out. */
#include "agent/notify.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/utsname.h>

#include "agent/core.h"
#include "agent/log.h"
#include "agent/secrets.h"
#include "agent/store.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"

#define QUEUE_MAX 100
#define PAUSE_FIRST_MS 1000
#define PAUSE_MAX_MS (5 * 60 * 1000)
#define TAIL_MARK "; its last lines: "

struct message {
    struct message *next;
    char *id;
    json_t *body;
};

struct hook {
    struct notify *n;
    struct arena *arena;
    const char *base, *path, *secret; /* base: for log lines, too */
    unsigned events;
    int64_t timeout_ms;
    struct message *first, **end;
    size_t waiting;
    uint64_t dropped;  /* since the last body that got through */
    unsigned failures; /* of the first message */
    struct http_call *call;
    struct http_timer *timer;
};

struct notify {
    struct notify_options o;
    struct hook *v;
    size_t n;
    char *host;
    struct arena *arena; /* of failing */
    struct strv failing; /* apps whose failure was told */
    char *held;          /* what was told of held removals */
    uint64_t last_id;
};

/* ---- pure parts ---- */

int64_t notify_pause_ms(unsigned failures)
{
    int64_t ms = PAUSE_FIRST_MS;

    for (unsigned i = 1; i < failures && ms < PAUSE_MAX_MS; i++)
        ms *= 2;
    return ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS;
}

void notify_sign(const char *secret, size_t n, const char *body, char ret[72])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    (void)HMAC(EVP_sha256(), secret, (int)n, (const unsigned char *)body, strlen(body), digest,
               &size);
    (void)snprintf(ret, 72, "sha256=");
    for (unsigned i = 0; i < size && i < 32; i++)
        (void)snprintf(ret + 7 + 2 * (size_t)i, 3, "%02x", digest[i]);
}

const char *notify_why(const char *why, struct arena *a)
{
    const char *tail = why ? strstr(why, TAIL_MARK) : NULL;

    return tail ? arena_strndup(a, why, (size_t)(tail - why)) : why;
}

/* ---- delivery ---- */

static void deliver(struct hook *h);

static void drop_first(struct hook *h)
{
    struct message *m = h->first;

    h->first = m->next;
    if (!h->first)
        h->end = &h->first;
    h->waiting--;
    h->failures = 0;
    json_decref(m->body);
    free(m->id);
    free(m);
}

static void again(void *user)
{
    struct hook *h = user;

    h->timer = NULL;
    deliver(h);
}

/* "POST /path: says" without the path, which may be a secret. */
static const char *reason(const struct http_reply *reply, struct arena *a)
{
    const char *at = reply->err.msg, *next;

    if (!reply->err.kind)
        return arena_printf(
            a, "HTTP %d%s", reply->status,
            reply->status >= 300 && reply->status < 400 ? " (redirects are not followed)" : "");
    while ((next = strstr(at, ": ")))
        at = next + 2;
    return arena_strdup(a, at);
}

/* A refusal will be one the next time, too. */
static bool worth_another(const struct http_reply *reply)
{
    int s = reply->status;

    return reply->err.kind || s >= 500 || s == 408 || s == 425 || s == 429 || s < 200;
}

static void failed(struct hook *h, const char *why, bool retry)
{
    h->failures++;
    if (retry && h->failures < NOTIFY_TRIES) {
        if (h->failures == 1)
            log_line(LOG_INFO, NULL, "notify %s: %s; it is tried again", h->base, why);
        h->timer = http_after(h->n->o.http, notify_pause_ms(h->failures), again, h);
        return;
    }
    log_line(LOG_WARNING, NULL, "notify %s: %s; given up after %u tr%s", h->base, why, h->failures,
             h->failures == 1 ? "y" : "ies");
    h->dropped++;
    drop_first(h);
    deliver(h);
}

static void on_answer(void *user, const struct http_reply *reply)
{
    struct hook *h = user;

    h->call = NULL;
    if (!reply->err.kind && reply->status >= 200 && reply->status < 300) {
        h->dropped = 0;
        drop_first(h);
        deliver(h);
        return;
    }
    struct arena *a = arena_new();

    failed(h, reason(reply, a), worth_another(reply));
    arena_free(a);
}

/* Read anew each time, so that a changed secret holds at once. NULL: unsigned, as asked for; -1: it cannot be read. */
static int signature(const struct hook *h, const char *body, struct arena *a,
                     const char **ret_header, struct err *e)
{
    const char *value;
    char sign[72];
    size_t n;

    *ret_header = NULL;
    if (!h->secret)
        return 0;
    if (secrets_read(h->n->o.state_dir, h->secret, a, &value, &n, e) < 0)
        return -1;
    while (n > 0 && (value[n - 1] == '\n' || value[n - 1] == '\r')) /* what an editor adds */
        n--;
    notify_sign(value, n, body, sign);
    *ret_header = arena_printf(a, "X-Hub-Signature-256: %s", sign);
    return 0;
}

static void deliver(struct hook *h)
{
    CLEANUP(str_release) struct str body = STR_INIT;
    const char *header;
    struct err e = {0};

    if (!h->first || h->call || h->timer)
        return;
    if (h->dropped > 0)
        json_object_set_new(h->first->body, "dropped", json_integer((json_int_t)h->dropped));
    js_canonical(h->first->body, &body);

    struct arena *a = arena_new();

    if (signature(h, str_text(&body), a, &header, &e) < 0)
        failed(h, e.msg, true);
    else
        h->call = http_send(h->n->o.http, &(struct http_request){
                                              .method = "POST",
                                              .base = h->base,
                                              .path = h->path,
                                              .unversioned = true,
                                              .slow = true, /* not one of the engine's 16 */
                                              .body = str_text(&body),
                                              .header = header,
                                              .timeout_ms = h->timeout_ms,
                                              .done = on_answer,
                                              .user = h,
                                          });
    arena_free(a);
}

static void enqueue(struct hook *h, const char *id, json_t *body)
{
    struct message *m = xcalloc(1, sizeof(*m));

    if (h->waiting >= QUEUE_MAX && h->first->next) { /* the first may be on its way */
        struct message *old = h->first->next;

        h->first->next = old->next;
        if (!old->next)
            h->end = &h->first->next;
        json_decref(old->body);
        free(old->id);
        free(old);
        h->waiting--;
        h->dropped++;
    }
    m->id = xstrdup(id);
    m->body = json_deep_copy(body);
    *h->end = m;
    h->end = &m->next;
    h->waiting++;
    deliver(h);
}

/* Takes the body over. */
static void tell(struct notify *n, enum notify_event event, int64_t ms, json_t *body)
{
    CLEANUP(str_release) struct str time = STR_INIT;
    char id[32];
    uint64_t now = (uint64_t)ms * 1000;

    if (!body)
        return;
    n->last_id = now > n->last_id ? now : n->last_id + 1;
    (void)snprintf(id, sizeof(id), "%llu", (unsigned long long)n->last_id);
    str_add_time(&time, ms);
    json_object_set_new(body, "event", json_string(notify_event_name(event)));
    json_object_set_new(body, "id", json_string(id));
    json_object_set_new(body, "time", json_string(str_text(&time)));
    json_object_set_new(body, "owner", json_string(n->o.owner));
    json_object_set_new(body, "host", json_string(n->host));
    for (size_t i = 0; i < n->n; i++)
        if (n->v[i].events & event)
            enqueue(&n->v[i], id, body);
    json_decref(body);
}

/* ---- what happens ---- */

void notify_drift(struct notify *n, const struct drift_item *items, size_t count, int64_t ms)
{
    if (!n || count == 0)
        return;
    json_t *doc = drift_to_json(items, count);

    tell(n, NOTIFY_DRIFT, ms,
         json_pack("{s:s, s:O}", "app", items[0].app, "drift", json_object_get(doc, "drift")));
    json_decref(doc);
}

static void forget_failing(struct notify *n, const char *app)
{
    struct arena *a = arena_new();
    struct strv left = {0};

    for (size_t i = 0; i < n->failing.n; i++)
        if (strcmp(n->failing.v[i], app) != 0)
            strv_push(a, &left, arena_strdup(a, n->failing.v[i]));
    arena_free(n->arena);
    n->arena = a;
    n->failing = left;
}

void notify_state(struct notify *n, const char *app, enum app_state state, const char *why,
                  int64_t ms)
{
    if (!n)
        return;
    bool bad = state == APP_DEGRADED || state == APP_REFUSED;
    bool well = state == APP_SYNCED || state == APP_COMPLETED || state == APP_STOPPED;
    bool told = strv_has(&n->failing, app);

    if (!(bad && !told) && !(well && told))
        return;
    struct arena *a = arena_new();

    if (bad)
        strv_push(n->arena, &n->failing, arena_strdup(n->arena, app));
    else
        forget_failing(n, app);
    tell(n, bad ? NOTIFY_FAILURE : NOTIFY_RECOVERY, ms,
         json_pack("{s:s, s:s, s:s*}", "app", app, "state", app_state_name(state), "why",
                   notify_why(why, a)));
    arena_free(a);
}

void notify_held(struct notify *n, const struct plan *plan, int64_t ms)
{
    CLEANUP(str_release) struct str now = STR_INIT;

    if (!n)
        return;
    for (size_t i = 0; i < plan->n_held; i++)
        str_addf(&now, "%s\n", plan->held[i].hash);
    for (size_t i = 0; i < plan->n_held; i++) {
        const struct held_removals *h = &plan->held[i];

        if (!n->held || !strstr(n->held, h->hash))
            tell(n, NOTIFY_HELD, ms,
                 json_pack("{s:{s:s, s:o, s:i, s:s}}", "held", "root", h->root, "apps",
                           js_from_strv(&h->apps), "of", (int)h->of, "hash", h->hash));
    }
    free(n->held);
    n->held = xstrdup(str_text(&now));
}

/* ---- the door ---- */

static void take_failing(struct notify *n)
{
    struct err none = {0};
    struct arena *a = arena_new();
    struct kvs states = {0};

    if (store_app_states(n->o.state_dir, a, &states, &none) == 0)
        for (size_t i = 0; i < states.n; i++)
            if (strncmp(states.v[i].value, "Degraded\t", 9) == 0 ||
                strncmp(states.v[i].value, "Refused\t", 8) == 0)
                strv_push(n->arena, &n->failing, arena_strdup(n->arena, states.v[i].key));
    arena_free(a);
}

struct notify *notify_new(const struct notify_options *o)
{
    const char *why;

    if (o->hooks->n == 0)
        return NULL;
    struct notify *n = xcalloc(1, sizeof(*n));
    struct utsname machine;

    n->o = *o;
    n->arena = arena_new();
    n->host = xstrdup(uname(&machine) == 0 ? machine.nodename : "");
    n->v = xcalloc(o->hooks->n, sizeof(n->v[0]));
    for (size_t i = 0; i < o->hooks->n; i++) {
        const struct notify_hook *from = &o->hooks->v[i];
        struct hook *h = &n->v[n->n];

        *h = (struct hook){.n = n,
                           .arena = arena_new(),
                           .events = from->events,
                           .timeout_ms = from->timeout_ns / 1000000};
        h->secret = arena_strdup(h->arena, from->secret);
        h->end = &h->first;
        if (notify_url_split(from->url, h->arena, &h->base, &h->path, &why) == 0)
            n->n++;
        else
            arena_free(h->arena);
    }
    take_failing(n);
    return n;
}

void notify_free(struct notify *n)
{
    if (!n)
        return;
    for (size_t i = 0; i < n->n; i++) {
        struct hook *h = &n->v[i];

        http_drop(n->o.http, h->call);
        http_timer_cancel(n->o.http, h->timer);
        while (h->first)
            drop_first(h);
        arena_free(h->arena);
    }
    arena_free(n->arena);
    free(n->v);
    free(n->host);
    free(n->held);
    free(n);
}
