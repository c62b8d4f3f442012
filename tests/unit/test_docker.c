/* test_docker.c: the driver against a scripted engine: versions, looks that fail midway, events with resume, each operation's second
 * time, bounds, cancelling, and freeing it at any moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "drivers/docker.h"
#include "drivers/http.h"
#include "spec/base/arena.h"
#include "spec/labels.h"
#include "tests/unit/little_server.h"

/* ---- the engine: a table of answers ---- */

struct rule {
    const char *method, *path; /* without version; the query counts only if the route has one */
    int status;
    const char *body; /* NULL: no answer, ever */
    int times;        /* 0: always */
    int delay_ms;
};

enum { ROUTES = 64, LOG = 4096 };

struct engine {
    struct little *server;
    pthread_mutex_t lock;
    const char *api, *min_api;
    struct rule routes[ROUTES];
    size_t n_routes;
    char *log[LOG]; /* "GET /v1.41/containers/json?all=1" */
    size_t n_log;
    char events[8192]; /* what a subscriber is told */
};

static const char *unversioned(const char *path)
{
    return strncmp(path, "/v1.", 4) == 0 ? strchr(path + 1, '/') : path;
}

static bool matches(const struct rule *r, const struct little_call *c)
{
    const char *path = unversioned(c->path);
    size_t n = strlen(r->path);

    if (strcmp(r->method, c->method) != 0 || strncmp(path, r->path, n) != 0)
        return false;
    return path[n] == '\0' || (path[n] == '?' && !strchr(r->path, '?'));
}

/* Later routes override earlier ones. */
static bool find_route(struct engine *g, const struct little_call *c, struct rule *ret)
{
    for (size_t i = g->n_routes; i-- > 0;) {
        struct rule *r = &g->routes[i];
        if (!matches(r, c) || r->times < 0)
            continue;
        *ret = *r;
        if (r->times > 0 && --r->times == 0)
            r->times = -1;
        return true;
    }
    return false;
}

static bool tell_events(struct engine *g, struct little_call *c)
{
    char byte;

    pthread_mutex_lock(&g->lock);
    size_t told = strlen(g->events);
    bool stands = little_stream(c, 200);
    while (stands) {
        size_t n = strlen(g->events);
        if (n > told && !little_chunk(c, g->events + told, n - told))
            break;
        told = n;
        pthread_mutex_unlock(&g->lock);
        usleep(1000);
        ssize_t got = recv(c->fd, &byte, 1, MSG_DONTWAIT);
        pthread_mutex_lock(&g->lock);
        if (got == 0)
            break;
    }
    pthread_mutex_unlock(&g->lock);
    return false;
}

static bool answer_ping(struct engine *g, struct little_call *c)
{
    char headers[160];

    (void)snprintf(
        headers, sizeof(headers),
        "%s%s%sServer: Docker/20.10.24 (linux)\r\nDate: Sun, 22 Nov 2026 00:00:07 GMT\r\n",
        g->api ? "Api-Version: " : "", g->api ? g->api : "", g->api ? "\r\n" : "");
    return little_answer(c, 200, headers, "OK");
}

static bool serve(struct little_call *c)
{
    struct engine *g = c->server->user;
    const char *path = unversioned(c->path);
    struct rule r = {.status = 404, .body = "{\"message\":\"no such thing\"}"};
    char version[64];

    pthread_mutex_lock(&g->lock);
    if (g->n_log < LOG) {
        char *line = malloc(strlen(c->method) + strlen(c->path) + 2);
        (void)stpcpy(stpcpy(stpcpy(line, c->method), " "), c->path);
        g->log[g->n_log++] = line;
    }
    bool scripted = find_route(g, c, &r);
    pthread_mutex_unlock(&g->lock);
    if (scripted && r.delay_ms)
        usleep((useconds_t)r.delay_ms * 1000);
    if (scripted)
        return r.body ? little_answer(c, r.status, "", r.body) : little_hang(c);
    if (strcmp(path, "/_ping") == 0)
        return answer_ping(g, c);
    if (strncmp(path, "/events", 7) == 0)
        return tell_events(g, c);
    if (strcmp(path, "/version") == 0) {
        (void)snprintf(version, sizeof(version), "{\"MinAPIVersion\":\"%s\"}", g->min_api);
        return little_answer(c, 200, "", version);
    }
    return little_answer(c, r.status, "", r.body);
}

/* ---- fixture ---- */

struct happened {
    int up, away, changed;
    char last[256], away_text[400];
};

struct fixture {
    struct engine g;
    struct http *h;
    struct driver *d;
    struct arena *a;
    struct happened happened;
};

static void add_route(struct fixture *f, struct rule r)
{
    pthread_mutex_lock(&f->g.lock);
    assert_true(f->g.n_routes < ROUTES);
    f->g.routes[f->g.n_routes++] = r;
    pthread_mutex_unlock(&f->g.lock);
}

static void route(struct fixture *f, const char *method, const char *path, int status,
                  const char *text)
{
    add_route(f, (struct rule){.method = method, .path = path, .status = status, .body = text});
}

static void route_once(struct fixture *f, const char *method, const char *path, int status,
                       const char *text)
{
    add_route(f, (struct rule){
                     .method = method, .path = path, .status = status, .body = text, .times = 1});
}

/* Forget the last one. */
static void unroute(struct fixture *f)
{
    pthread_mutex_lock(&f->g.lock);
    f->g.n_routes--;
    pthread_mutex_unlock(&f->g.lock);
}

static void start_driver(struct fixture *f)
{
    struct err e;

    f->h = http_new(&(struct http_target){.url = f->g.server->url}, &e);
    assert_non_null(f->h);
    f->d = docker_new(f->h, 2, NULL, &e);
    assert_non_null(f->d);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    pthread_mutex_init(&f->g.lock, NULL);
    f->g.api = "1.41";
    f->g.min_api = "1.12";
    f->g.server = little_start(serve, &f->g);
    f->a = arena_new();
    route(f, "GET", "/containers/json", 200, "[]");
    route(f, "GET", "/networks", 200, "[]");
    route(f, "GET", "/volumes", 200, "{\"Volumes\":null}");
    start_driver(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    if (f->d)
        f->d->ops->free(f->d);
    http_free(f->h);
    little_stop(f->g.server);
    for (size_t i = 0; i < f->g.n_log; i++)
        free(f->g.log[i]);
    arena_free(f->a);
    free(f);
    return 0;
}

static size_t logged(struct fixture *f, const char *part)
{
    size_t n = 0;

    pthread_mutex_lock(&f->g.lock);
    for (size_t i = 0; i < f->g.n_log; i++)
        n += strstr(f->g.log[i], part) != NULL;
    pthread_mutex_unlock(&f->g.lock);
    return n;
}

static size_t count(struct fixture *f)
{
    return logged(f, "");
}

static void turn(struct fixture *f, int ms)
{
    assert_int_equal(http_poll(f->h, NULL, 0, ms, NULL), 0);
}

/* Waits for what a thread or the driver is about to do. */
#define UNTIL(f, condition)                                                                        \
    do {                                                                                           \
        int64_t until_ = http_now_ms() + 10000;                                                    \
        while (!(condition) && http_now_ms() < until_)                                             \
            turn((f), 5);                                                                          \
        assert_true(condition);                                                                    \
    } while (0)

/* ---- looks ---- */

struct looked {
    int done;
    struct err e;
};

static void on_look(void *user, const struct err *e)
{
    struct looked *l = user;

    l->done++;
    l->e = *e;
}

static struct err look(struct fixture *f, bool everything, bool cold, const char *image)
{
    struct looked l = {0};
    struct look scope = {.everything = everything, .inspect_owned = cold, .owner = "me"};

    if (image)
        strv_push(f->a, &scope.images, image);
    f->d->ops->look(f->d, &scope, on_look, &l);
    assert_int_equal(l.done, 0); /* never from inside the call */
    UNTIL(f, l.done);
    return l.e;
}

static const struct observed *seen(struct fixture *f)
{
    return f->d->ops->observed(f->d, f->a);
}

#define LABELS(app, hash)                                                                          \
    "{\"evenkeel.owner\":\"me\",\"evenkeel.app\":\"" app "\",\"evenkeel.service\":\"app\","        \
    "\"evenkeel.index\":\"1\",\"evenkeel.key\":\"default\",\"evenkeel.hash\":\"" hash "\"}"
#define LISTED(id, name, app, state)                                                               \
    "{\"Id\":\"" id "\",\"Names\":[\"/" name "\"],\"Image\":\"i:1\",\"ImageID\":\"sha256:1\","     \
    "\"Created\":1,\"State\":\"" state "\",\"Status\":\"\",\"Ports\":[],\"Labels\":" app           \
    ",\"NetworkSettings\":{\"Networks\":{}}}"
#define INSPECTED_MORE(id, name, labels, state, more, top)                                         \
    "{\"Id\":\"" id "\",\"Name\":\"/" name "\",\"Image\":\"sha256:1\",\"Created\":"                \
    "\"2026-11-22T00:00:00Z\",\"RestartCount\":0" top ",\"State\":{\"Status\":\"" state "\","      \
    "\"ExitCode\":0,\"StartedAt\":\"2026-11-22T00:00:01Z\",\"FinishedAt\":\"0001-01-01T00:00:"     \
    "00Z\"" more "},\"Config\":{\"Image\":\"i:1\",\"Tty\":false,\"Labels\":" labels                \
    "},\"HostConfig\":{},"                                                                         \
    "\"NetworkSettings\":{\"Networks\":{}}}"
#define INSPECTED(id, name, labels, state) INSPECTED_MORE(id, name, labels, state, "", "")

/* ---- versions ---- */

static void versions(void **state)
{
    static const struct {
        const char *api, *min, *prefix, *says;
    } cases[] = {
        {"1.41", "1.12", " /v1.41/", NULL},           {"1.45", "1.24", " /v1.45/", NULL},
        {"1.52", "1.44", " /v1.52/", NULL},           {"1.99", "1.44", " /v1.52/", NULL},
        {"1.99", "1.53", NULL, "upgrade evenkeel"},   {"2.0", "2.0", NULL, "upgrade evenkeel"},
        {"1.40", "1.12", NULL, "upgrade the engine"}, {"1.9", "1.1", NULL, "upgrade the engine"},
        {NULL, "", NULL, "is no Docker Engine"},      {"soon", "", NULL, "is no Docker Engine"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture *f;
        if (i > 0)
            set_up(state);
        f = *state;
        f->g.api = cases[i].api;
        f->g.min_api = cases[i].min;
        struct err e = look(f, true, false, NULL);
        if (cases[i].says) {
            assert_int_equal(e.kind, ERR_USER);
            if (!strstr(e.msg, cases[i].says))
                fail_msg("%s: %s", cases[i].api, e.msg);
            if (cases[i].api && cases[i].api[0] != 's') {
                assert_non_null(strstr(e.msg, i == 4 || i == 5 ? cases[i].min : cases[i].api));
                assert_non_null(strstr(e.msg, "1.41"));
            }
            assert_int_equal(logged(f, "/containers/json"), 0);
        } else {
            assert_int_equal(e.kind, ERR_NONE);
            assert_int_equal(logged(f, cases[i].prefix), 3);
            assert_string_equal(seen(f)->engine_version, "20.10.24");
            assert_int_equal(logged(f, "/version"), strcmp(cases[i].api, "1.99") == 0 ? 1 : 0);
        }
        assert_int_equal(logged(f, "/_ping"), 1);
        if (i + 1 < ARRAY_LEN(cases))
            tear_down(state);
    }
}

/* ---- looking ---- */

static void looks(void **state)
{
    struct fixture *f = *state;
    size_t calls;

    route(f, "GET", "/containers/json", 200,
          "[" LISTED("c1", "blog", LABELS("blog", "h1"), "running") "," LISTED("c2", "other", "{}",
                                                                               "running") "]");
    route(f, "GET", "/containers/c1/json", 200,
          INSPECTED("c1", "blog", LABELS("blog", "h1"), "running"));
    route(f, "GET", "/images/i:1/json", 200, "{\"Id\":\"sha256:1\",\"Config\":{}}");
    assert_int_equal(seen(f)->n_containers, 0);
    assert_int_equal(look(f, true, false, "i:1").kind, ERR_NONE);
    assert_true(observed_container(seen(f), "blog")->inspected);
    assert_false(
        observed_container(seen(f), "other")->inspected); /* not ours: the list is enough */
    assert_string_equal(observed_image(seen(f), "i:1")->id, "sha256:1");
    assert_int_equal(logged(f, "/containers/c2/json"), 0);

    /* Nothing changed: the three lists, and nothing else. Nothing marked: no call at all. */
    calls = count(f);
    assert_int_equal(look(f, true, false, "i:1").kind, ERR_NONE);
    assert_int_equal(count(f) - calls, 3);
    calls = count(f);
    assert_int_equal(look(f, false, false, "i:1").kind, ERR_NONE);
    assert_int_equal(count(f) - calls, 0);
    /* Only the new reference is asked for, and its absence is knowledge too. */
    assert_int_equal(look(f, false, false, "absent:1").kind, ERR_NONE);
    assert_int_equal(count(f) - calls, 1);
    assert_null(observed_image(seen(f), "absent:1")->id);
    assert_int_equal(look(f, false, false, "absent:1").kind, ERR_NONE);
    assert_int_equal(count(f) - calls, 1);

    /* A cold one inspects all of ours, and asks for images again. */
    calls = count(f);
    assert_int_equal(look(f, true, true, "i:1").kind, ERR_NONE);
    assert_int_equal(count(f) - calls, 5);
    assert_null(observed_image(seen(f), "absent:1")); /* nobody asks any more */

    /* The list shows a change: one inspect. */
    route(f, "GET", "/containers/json", 200,
          "[" LISTED("c1", "blog", LABELS("blog", "h1"), "exited") "]");
    route(f, "GET", "/containers/c1/json", 200,
          INSPECTED("c1", "blog", LABELS("blog", "h1"), "exited"));
    calls = count(f);
    assert_int_equal(look(f, true, false, NULL).kind, ERR_NONE);
    assert_int_equal(count(f) - calls, 4);
    assert_int_equal(observed_container(seen(f), "blog")->state, CS_EXITED);
    assert_null(observed_container(seen(f), "other"));
}

static void looks_merge(void **state)
{
    struct fixture *f = *state;
    struct looked l[3] = {0};
    struct look part = {.owner = "me"}, all = {.owner = "me", .everything = true};

    strv_push(f->a, &part.images, "x:1");
    strv_push(f->a, &all.images, "x:1");
    f->d->ops->look(f->d, &part, on_look, &l[0]);
    f->d->ops->look(f->d, &all, on_look, &l[1]);
    f->d->ops->look(f->d, &part, on_look, &l[2]);
    UNTIL(f, l[0].done && l[1].done && l[2].done);
    assert_int_equal(logged(f, "/containers/json"), 1);
    assert_int_equal(logged(f, "/images/x:1/json"), 1);
}

/* One call of a look fails: everything stays as it was known. */
static void looks_that_fail(void **state)
{
    static const char *const lists[] = {"/containers/json", "/networks", "/volumes"};
    struct fixture *f = *state;

    route(f, "GET", "/containers/json", 200,
          "[" LISTED("c1", "blog", LABELS("blog", "h1"), "running") "]");
    route(f, "GET", "/containers/c1/json", 200,
          INSPECTED("c1", "blog", LABELS("blog", "h1"), "running"));
    assert_int_equal(look(f, true, false, NULL).kind, ERR_NONE);
    route(f, "GET", "/containers/json", 200, "[]");
    /* Not routes for one request: the calls that a failed look gives up may still arrive. */
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        route(f, "GET", lists[i], 500, "{\"message\":\"disk on fire\"}");
        struct err e = look(f, true, false, NULL);
        assert_int_equal(e.kind, ERR_RETRY);
        assert_non_null(strstr(e.msg, "disk on fire"));
        assert_non_null(observed_container(seen(f), "blog"));
        unroute(f);
    }
    route(f, "GET", "/volumes", 200, "[not json");
    assert_int_equal(look(f, true, false, NULL).kind, ERR_RETRY);
    assert_non_null(observed_container(seen(f), "blog"));
    unroute(f);

    little_cut(f->g.server);
    struct err e = look(f, true, true, NULL);

    assert_int_equal(e.kind, ERR_RETRY);
    assert_non_null(strstr(e.msg, "nobody listens"));
    assert_non_null(observed_container(seen(f), "blog"));
    little_listen(f->g.server);
    assert_int_equal(look(f, true, false, NULL).kind, ERR_NONE); /* and negotiates anew */
    assert_int_equal(logged(f, "/_ping"), 2);
    assert_null(observed_container(seen(f), "blog"));
}

/* One object cannot be inspected: the others are not held up, it stays as known, and is tried again. */
static void one_bad_object(void **state)
{
    struct fixture *f = *state;

    route(f, "GET", "/containers/json", 200,
          "[" LISTED("c1", "blog", LABELS("blog", "h1"),
                     "running") "," LISTED("c2", "shop", LABELS("shop", "h2"), "exited") "]");
    route(f, "GET", "/containers/c1/json", 500, "{\"message\":\"confused\"}");
    route(f, "GET", "/containers/c2/json", 200,
          INSPECTED("c2", "shop", LABELS("shop", "h2"), "exited"));
    assert_int_equal(look(f, true, false, NULL).kind, ERR_NONE);
    assert_false(observed_container(seen(f), "blog")->inspected);
    assert_true(observed_container(seen(f), "shop")->inspected);
    route(f, "GET", "/containers/c1/json", 200,
          INSPECTED("c1", "blog", LABELS("blog", "h1"), "running"));
    assert_int_equal(look(f, false, false, NULL).kind, ERR_NONE);
    assert_true(observed_container(seen(f), "blog")->inspected);
}

/* ---- events ---- */

static void on_happening(void *user, const struct happening *h)
{
    struct fixture *f = user;
    struct happened *p = &f->happened;

    p->up += h->what == ENGINE_UP;
    p->changed += h->what == ENGINE_CHANGED;
    p->away += h->what == ENGINE_AWAY;
    if (h->what == ENGINE_AWAY)
        (void)snprintf(p->away_text, sizeof(p->away_text), "%s", h->text);
    if (h->what == ENGINE_CHANGED)
        (void)snprintf(p->last, sizeof(p->last), "%s|%s|%s", h->app ? h->app : "-", h->object,
                       h->action);
}

static void push_event(struct fixture *f, const char *text)
{
    pthread_mutex_lock(&f->g.lock);
    assert_true(strlen(f->g.events) + strlen(text) + 2 < sizeof(f->g.events));
    (void)stpcpy(stpcpy(f->g.events + strlen(f->g.events), text), "\n");
    pthread_mutex_unlock(&f->g.lock);
}

static void expect_event(struct fixture *f, const char *text, const char *want)
{
    int before = f->happened.changed;

    push_event(f, text);
    UNTIL(f, f->happened.changed > before);
    assert_string_equal(f->happened.last, want);
}

#define EVENT(type, action, id, attributes)                                                        \
    "{\"Type\":\"" type "\",\"Action\":\"" action "\",\"Actor\":{\"ID\":\"" id                     \
    "\",\"Attributes\":{" attributes "}},\"time\":1795305600,\"timeNano\":1795305600000000005}"

static void events(void **state)
{
    struct fixture *f = *state;
    size_t calls;

    route(f, "GET", "/containers/json", 200,
          "[" LISTED("c1", "blog-app-1", LABELS("blog", "h1"), "running") "]");
    route(f, "GET", "/containers/c1/json", 200,
          INSPECTED("c1", "blog-app-1", LABELS("blog", "h1"), "running"));
    route(f, "GET", "/networks", 200,
          "[{\"Id\":\"n1\",\"Name\":\"blog_default\",\"Driver\":\"bridge\",\"Labels\":" LABELS(
              "blog", "") "}]");
    f->d->ops->follow(f->d, on_happening, f);
    UNTIL(f, f->happened.up == 1);
    assert_int_equal(look(f, true, false, "i:1").kind, ERR_NONE);
    calls = count(f);

    expect_event(
        f, EVENT("container", "die", "c1", "\"name\":\"blog-app-1\",\"evenkeel.app\":\"blog\""),
        "blog|container blog-app-1|die");
    expect_event(
        f, EVENT("container", "stop", "c1", "\"name\":\"blog-app-1\",\"evenkeel.app\":\"blog\""),
        "blog|container blog-app-1|stop");
    assert_int_equal(count(f) - calls, 0); /* events are marks; looking is the agent's decision */
    route(f, "GET", "/containers/c1/json", 200,
          INSPECTED("c1", "blog-app-1", LABELS("blog", "h1"), "exited"));
    assert_int_equal(look(f, false, false, "i:1").kind, ERR_NONE);
    assert_int_equal(count(f) - calls, 1); /* two happenings, one inspect */
    assert_int_equal(observed_container(seen(f), "blog-app-1")->state, CS_EXITED);

    /* Whose network it is, is looked up; the container it is about is what is looked at. */
    expect_event(
        f, EVENT("network", "disconnect", "n1", "\"name\":\"blog_default\",\"container\":\"c1\""),
        "blog|network blog_default|disconnect");
    expect_event(f, EVENT("network", "destroy", "n1", "\"name\":\"blog_default\""),
                 "blog|network blog_default|destroy");
    assert_int_equal(look(f, false, false, "i:1").kind, ERR_NONE);
    assert_null(observed_network(seen(f), "blog_default"));
    assert_int_equal(count(f) - calls, 3);

    /* A container that is gone by now. */
    route(f, "GET", "/containers/c1/json", 404, "{\"message\":\"No such container\"}");
    push_event(f, "this is no event");
    push_event(f, "{\"Type\":\"daemon\",\"Action\":\"reload\",\"Actor\":{\"ID\":\"x\"}}");
    expect_event(f, EVENT("container", "destroy", "c1", "\"name\":\"blog-app-1\""),
                 "blog|container blog-app-1|destroy");
    assert_int_equal(look(f, false, false, "i:1").kind, ERR_NONE);
    assert_null(observed_container(seen(f), "blog-app-1"));
    assert_int_equal(logged(f, "/containers/json"), 1);
}

static void image_events(void **state)
{
    struct fixture *f = *state;
    size_t calls;

    route(f, "GET", "/images/i:1/json", 200, "{\"Id\":\"sha256:1\",\"Config\":{}}");
    f->d->ops->follow(f->d, on_happening, f);
    UNTIL(f, f->happened.up == 1);
    assert_int_equal(look(f, true, false, "i:1").kind, ERR_NONE);
    calls = count(f);
    push_event(f, EVENT("image", "pull", "other:1", "\"name\":\"other\"")); /* nobody's business */
    expect_event(f, EVENT("image", "tag", "sha256:2", "\"name\":\"docker.io/library/i:1\""),
                 "-|image docker.io/library/i:1|tag");
    route(f, "GET", "/images/i:1/json", 200, "{\"Id\":\"sha256:2\",\"Config\":{}}");
    assert_int_equal(look(f, false, false, "i:1").kind, ERR_NONE);
    assert_int_equal(count(f) - calls, 1);
    assert_string_equal(observed_image(seen(f), "i:1")->id, "sha256:2");
    assert_int_equal(f->happened.changed, 1);

    /* Deleted by id while nobody asks about it: not known any more, rather than known wrongly. */
    expect_event(f, EVENT("image", "delete", "sha256:2", "\"name\":\"sha256:2\""),
                 "-|image sha256:2|delete");
    assert_int_equal(look(f, false, false, NULL).kind, ERR_NONE);
    assert_null(observed_image(seen(f), "i:1"));
}

static void outage(void **state)
{
    struct fixture *f = *state;
    int64_t since;

    f->d->ops->follow(f->d, on_happening, f);
    UNTIL(f, f->happened.up == 1);
    /* Since the engine's clock when it was first asked: what comes before the subscription is replayed. */
    assert_int_equal(logged(f, "&since=1795305607"), 1);
    push_event(f, EVENT("container", "die", "c1", "\"name\":\"x\""));
    UNTIL(f, f->happened.changed == 1);

    little_cut(f->g.server);
    since = http_now_ms();
    while (http_now_ms() - since < 800)
        turn(f, 50);
    assert_int_equal(f->happened.away, 1); /* said once, tried several times */
    assert_non_null(strstr(f->happened.away_text, "closed its event stream"));
    assert_int_equal(f->happened.up, 1);
    f->g.api = "1.45"; /* and comes back newer */
    little_listen(f->g.server);
    UNTIL(f, f->happened.up == 2);
    assert_int_equal(f->happened.away, 1);
    assert_int_equal(logged(f, "/v1.45/events"), 1);
    assert_int_equal(logged(f, "&since=1795305600.000000006"), 1);

    /* The first look after it trusts nothing, though it is asked only for what was marked. */
    assert_int_equal(look(f, false, false, NULL).kind, ERR_NONE);
    assert_int_equal(logged(f, "/containers/json"), 1);
}

static void never_there(void **state)
{
    struct fixture *f = *state;
    int64_t since = http_now_ms();

    little_cut(f->g.server);
    f->d->ops->follow(f->d, on_happening, f);
    while (http_now_ms() - since < 500)
        turn(f, 50);
    assert_int_equal(f->happened.away, 1);
    assert_non_null(strstr(f->happened.away_text, "nobody listens"));
    f->g.api = "1.39";
    little_listen(f->g.server);
    since = http_now_ms();
    while (http_now_ms() - since < 1500)
        turn(f, 50);
    assert_int_equal(f->happened.up, 0);
    assert_int_equal(f->happened.away, 1);
    assert_true(logged(f, "/_ping") >= 1);
    assert_int_equal(logged(f, "/events"), 0);
}

/* ---- operations ---- */

struct ran {
    int done;
    struct err err;
    char id[128], tail[512];
    int exit_code;
    char lines[256]; /* of a log */
};

static void on_done(void *user, const struct op_result *r)
{
    struct ran *p = user;

    p->done++;
    p->err = r->err;
    p->exit_code = r->exit_code;
    (void)snprintf(p->id, sizeof(p->id), "%s", r->id ? r->id : "");
    (void)snprintf(p->tail, sizeof(p->tail), "%s", r->log_tail ? r->log_tail : "");
}

static struct ran run(struct fixture *f, struct op op)
{
    struct ran p = {0};

    if (!op.grace_s)
        op.grace_s = -1;
    (void)f->d->ops->submit(f->d, &op, on_done, NULL, &p);
    assert_int_equal(p.done, 0);
    UNTIL(f, p.done);
    assert_int_equal(p.done, 1);
    return p;
}

/* Of the body {"Labels":{}} sealed with image sha256:1. */
static const char *const body = "{\"Labels\":{}}";

static const struct op create = {.kind = OP_CONTAINER_CREATE,
                                 .name = "web",
                                 .image = "i:1",
                                 .image_id = "sha256:1",
                                 .hash = "h1",
                                 .body = body};

static void creating(void **state)
{
    struct fixture *f = *state;
    struct ran p;

    route_once(f, "POST", "/containers/create?name=web", 201, "{\"Id\":\"c1\",\"Warnings\":[]}");
    p = run(f, create);
    assert_int_equal(p.err.kind, ERR_NONE);
    assert_string_equal(p.id, "c1");

    /* Done before: the holder of the name is the very container. */
    route(f, "POST", "/containers/create", 409, "{\"message\":\"Conflict.\"}");
    route(f, "GET", "/containers/web/json", 200,
          INSPECTED("c1", "web", LABELS("web", "h1"), "created"));
    p = run(f, create);
    assert_int_equal(p.err.kind, ERR_NONE);
    assert_string_equal(p.id, "c1");

    /* Somebody else's, of ours and of nobody. */
    route(f, "GET", "/containers/web/json", 200,
          INSPECTED("c2", "web", LABELS("shop", "h2"), "running"));
    p = run(f, create);
    assert_int_equal(p.err.kind, ERR_CONFLICT);
    assert_string_equal(p.err.msg, "the name web is taken by container web of app shop");
    route(f, "GET", "/containers/web/json", 200, INSPECTED("c2", "web", "{}", "running"));
    p = run(f, create);
    assert_int_equal(p.err.kind, ERR_CONFLICT);
    assert_non_null(strstr(p.err.msg, "which evenkeel did not make"));

    /* It was on its way out: the second try succeeds. */
    route_once(f, "GET", "/containers/web/json", 404, "{\"message\":\"gone\"}");
    route_once(f, "POST", "/containers/create", 201, "{\"Id\":\"c3\"}");
    route_once(f, "POST", "/containers/create", 409, "{\"message\":\"Conflict.\"}");
    p = run(f, create);
    assert_int_equal(p.err.kind, ERR_NONE);
    assert_string_equal(p.id, "c3");

    /* Image not known at planning time. */
    struct op op = create;

    op.image_id = NULL;
    op.hash = NULL;
    p = run(f, op);
    assert_int_equal(p.err.kind, ERR_MISSING);
    assert_non_null(strstr(p.err.msg, "i:1"));
    route(f, "GET", "/images/i:1/json", 200, "{\"Id\":\"sha256:1\",\"Config\":{}}");
    route_once(f, "POST", "/containers/create", 201, "{\"Id\":\"c4\"}");
    p = run(f, op);
    assert_string_equal(p.id, "c4");
    op.body = "not json";
    op.image_id = "sha256:1";
    p = run(f, op);
    assert_int_equal(p.err.kind, ERR_BUG);
}

static void networks_and_volumes(void **state)
{
    struct fixture *f = *state;
    struct op network = {
        .kind = OP_NETWORK_CREATE, .name = "n", .body = "{\"Labels\":" LABELS("blog", "") "}"};
    struct op volume = {.kind = OP_VOLUME_CREATE, .name = "v", .body = network.body};

    route(f, "POST", "/networks/create", 409, "{\"message\":\"exists\"}");
    route(f, "GET", "/networks/n", 200,
          "{\"Id\":\"n1\",\"Name\":\"n\",\"Labels\":" LABELS("blog", "") "}");
    assert_string_equal(run(f, network).id, "n1");
    route(f, "GET", "/networks/n", 200,
          "{\"Id\":\"n1\",\"Name\":\"n\",\"Labels\":" LABELS("shop", "") "}");
    struct ran p = run(f, network);

    assert_int_equal(p.err.kind, ERR_CONFLICT);
    assert_non_null(strstr(p.err.msg, "belongs to app shop"));
    /* One that apps share has an owner, and no app. */
    route(f, "GET", "/networks/n", 200,
          "{\"Id\":\"n2\",\"Name\":\"n\",\"Labels\":{\"evenkeel.owner\":\"me\"}}");
    network.body = "{\"Labels\":{\"evenkeel.owner\":\"me\"}}";
    assert_string_equal(run(f, network).id, "n2");
    network.body = volume.body;
    route(f, "POST", "/networks/create", 403,
          "{\"message\":\"Pool overlaps with other one on this address space\"}");
    p = run(f, network);
    assert_int_equal(p.err.kind, ERR_CONFLICT);
    assert_non_null(strstr(p.err.msg, "Pool overlaps"));

    route(f, "POST", "/volumes/create", 201,
          "{\"Name\":\"v\",\"Driver\":\"local\",\"Labels\":" LABELS("blog", "") "}");
    assert_string_equal(run(f, volume).id, "v");
    /* 201 for one that was there, and is somebody's: taking it would hand over data. */
    route(f, "POST", "/volumes/create", 201,
          "{\"Name\":\"v\",\"Driver\":\"local\",\"Labels\":null}");
    p = run(f, volume);
    assert_int_equal(p.err.kind, ERR_CONFLICT);
    assert_non_null(strstr(p.err.msg, "not made by evenkeel"));
}

static void second_times(void **state)
{
    static const struct {
        struct op op;
        const char *method, *path;
        int status;
        enum err_kind kind;
    } cases[] = {
        {{.kind = OP_CONTAINER_START, .object = "c1"},
         "POST",
         "/containers/c1/start",
         204,
         ERR_NONE},
        {{.kind = OP_CONTAINER_START, .object = "c1"},
         "POST",
         "/containers/c1/start",
         304,
         ERR_NONE},
        {{.kind = OP_CONTAINER_START, .object = "c1"},
         "POST",
         "/containers/c1/start",
         404,
         ERR_MISSING},
        {{.kind = OP_CONTAINER_START, .object = "c1"},
         "POST",
         "/containers/c1/start",
         500,
         ERR_RETRY},
        {{.kind = OP_CONTAINER_START, .object = "c1"},
         "POST",
         "/containers/c1/start",
         400,
         ERR_USER},
        {{.kind = OP_CONTAINER_STOP, .object = "c1", .grace_s = 3},
         "POST",
         "/containers/c1/stop?t=3",
         204,
         ERR_NONE},
        {{.kind = OP_CONTAINER_STOP, .object = "c1"}, "POST", "/containers/c1/stop", 304, ERR_NONE},
        {{.kind = OP_CONTAINER_STOP, .object = "c1"}, "POST", "/containers/c1/stop", 404, ERR_NONE},
        {{.kind = OP_CONTAINER_RESTART, .object = "c1"},
         "POST",
         "/containers/c1/restart",
         404,
         ERR_MISSING},
        {{.kind = OP_CONTAINER_REMOVE, .object = "c1"},
         "DELETE",
         "/containers/c1?force=1",
         404,
         ERR_NONE},
        {{.kind = OP_CONTAINER_REMOVE, .object = "c1", .drop_volumes = true},
         "DELETE",
         "/containers/c1?v=1&force=1",
         404,
         ERR_NONE},
        {{.kind = OP_NETWORK_REMOVE, .object = "n1"}, "DELETE", "/networks/n1", 404, ERR_NONE},
        {{.kind = OP_NETWORK_REMOVE, .object = "n1"}, "DELETE", "/networks/n1", 403, ERR_CONFLICT},
        {{.kind = OP_VOLUME_REMOVE, .object = "v"}, "DELETE", "/volumes/v", 404, ERR_NONE},
        {{.kind = OP_VOLUME_REMOVE, .object = "v"}, "DELETE", "/volumes/v", 409, ERR_CONFLICT},
        {{.kind = OP_NETWORK_DISCONNECT, .network = "n1", .object = "c1"},
         "POST",
         "/networks/n1/disconnect",
         404,
         ERR_NONE},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        route_once(f, cases[i].method, cases[i].path, cases[i].status,
                   "{\"message\":\"so it is\"}");
        struct ran p = run(f, cases[i].op);
        if (p.err.kind != cases[i].kind)
            fail_msg("case %zu: %s %s", i, err_kind_name(p.err.kind), p.err.msg);
        assert_true(!p.err.kind || strcmp(p.err.msg, "so it is") == 0);
    }
}

/* Its last container has just gone, and the engine has not noticed yet. */
static void a_network_is_let_go_in_a_moment(void **state)
{
    struct fixture *f = *state;
    struct op remove = {.kind = OP_NETWORK_REMOVE, .object = "n1", .deadline_ms = 10000};

    route(f, "DELETE", "/networks/n1", 204, "");
    route_once(
        f, "DELETE", "/networks/n1", 403,
        "{\"message\":\"error while removing network: network n1 id 1 has active endpoints\"}");
    assert_int_equal(run(f, remove).err.kind, ERR_NONE);
    assert_int_equal(logged(f, "/networks/n1"), 2);

    int64_t since = http_now_ms();

    route(f, "DELETE", "/networks/n1", 403, "{\"message\":\"network n1 has active endpoints\"}");
    assert_int_equal(run(f, remove).err.kind, ERR_CONFLICT);
    assert_true(http_now_ms() - since >= 2500);
}

static void refusals(void **state)
{
    struct fixture *f = *state;
    const char *joined = "{\"Id\":\"c1\",\"Name\":\"/"
                         "web\",\"State\":{\"Status\":\"running\"},\"Config\":{},\"HostConfig\":{},"
                         "\"NetworkSettings\":{\"Networks\":{\"net\":{\"NetworkID\":\"n1\"}}}}";
    struct op unpause = {.kind = OP_CONTAINER_UNPAUSE, .object = "c1"};
    struct op connect = {.kind = OP_NETWORK_CONNECT, .network = "n1", .object = "c1", .body = "{}"};
    struct op disconnect = {.kind = OP_NETWORK_DISCONNECT, .network = "net", .object = "c1"};
    struct op move = {.kind = OP_CONTAINER_RENAME, .object = "c1", .name = "new"};

    route(f, "POST", "/containers/c1/unpause", 500, "{\"message\":\"not paused\"}");
    route(f, "POST", "/networks/n1/connect", 403, "{\"message\":\"already exists in network\"}");
    route(f, "POST", "/networks/net/disconnect", 500, "{\"message\":\"is not connected\"}");
    route(f, "POST", "/containers/c1/rename?name=new", 409, "{\"message\":\"Conflict\"}");

    route(f, "GET", "/containers/c1/json", 200, joined);
    assert_int_equal(run(f, unpause).err.kind, ERR_NONE);
    assert_int_equal(run(f, connect).err.kind, ERR_NONE);
    assert_int_equal(run(f, disconnect).err.kind, ERR_RETRY);
    route(f, "GET", "/containers/c1/json", 200, INSPECTED("c1", "web", "{}", "paused"));
    assert_int_equal(run(f, unpause).err.kind, ERR_RETRY);
    assert_int_equal(run(f, connect).err.kind, ERR_DENIED);
    assert_int_equal(run(f, disconnect).err.kind, ERR_NONE);

    route(f, "GET", "/containers/new/json", 200, INSPECTED("c1", "new", "{}", "running"));
    assert_int_equal(run(f, move).err.kind, ERR_NONE);
    route(f, "GET", "/containers/new/json", 200,
          INSPECTED("c9", "new", LABELS("shop", "h"), "running"));
    struct ran p = run(f, move);

    assert_int_equal(p.err.kind, ERR_CONFLICT);
    assert_string_equal(p.err.msg, "the name new is taken by container new of app shop");
}

static void removal_under_way(void **state)
{
    struct fixture *f = *state;
    struct op op = {.kind = OP_CONTAINER_REMOVE, .object = "c1"};

    route(f, "DELETE", "/containers/c1", 409,
          "{\"message\":\"removal of container c1 is already in progress\"}");
    route_once(f, "GET", "/containers/c1/json", 404, "{\"message\":\"gone\"}");
    route_once(f, "GET", "/containers/c1/json", 200, INSPECTED("c1", "web", "{}", "removing"));
    assert_int_equal(run(f, op).err.kind, ERR_NONE);
    assert_int_equal(logged(f, "/containers/c1/json"), 2);
    route(f, "GET", "/containers/c1/json", 200, INSPECTED("c1", "web", "{}", "running"));
    assert_int_equal(run(f, op).err.kind, ERR_CONFLICT);
}

static void taken_ports(void **state)
{
    static const char *const words[] = {
        "{\"message\":\"driver failed programming external connectivity on endpoint web (ab:1): "
        "Bind for 0.0.0.0:8080 failed: "
        "port is already allocated\"}",
        "{\"message\":\"driver failed: Error starting userland proxy: listen tcp4 0.0.0.0:8080: "
        "bind: address already in use\"}",
        "{\"message\":\"driver failed: listen tcp6 [::1]:8080: bind: address already in use\"}",
        "{\"message\":\"failed to bind host port for 0.0.0.0:8080:172.17.0.2:80/tcp: address "
        "already in use\"}",
    };
    struct fixture *f = *state;
    struct op op = {.kind = OP_CONTAINER_START, .object = "c1"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        route(f, "POST", "/containers/c1/start", 500, words[i]);
        struct ran p = run(f, op);
        assert_int_equal(p.err.kind, i == 0 ? ERR_CONFLICT : ERR_USER);
        assert_non_null(strstr(p.err.msg, i == 0 ? "port 8080 is just being taken or given up by "
                                                   "another container"
                                                 : "port 8080 is already taken by "));
        /* Who it is depends on the machine. */
        assert_non_null(strstr(p.err.msg, i == 0 ? "container" : "another process of the host"));
    }
    route(
        f, "GET", "/containers/json", 200,
        "[{\"Id\":\"c7\",\"Names\":[\"/"
        "holder\"],\"Image\":\"i:1\",\"ImageID\":\"sha256:1\",\"State\":\"running\",\"Labels\":{},"
        "\"Ports\":[{\"IP\":\"0.0.0.0\",\"PrivatePort\":80,\"PublicPort\":8080,\"Type\":\"tcp\"}]}"
        "]");
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        route(f, "POST", "/containers/c1/start", 500, words[i]);
        struct ran p = run(f, op);
        assert_int_equal(p.err.kind, ERR_CONFLICT);
        assert_true(logged(f, "filters=%7B%22publish%22:%5B%228080%22%5D%7D") > 0);
        assert_non_null(strstr(p.err.msg, "port 8080 is already taken by container holder"));
    }
}

static void a_port_that_is_given_up_is_waited_for(void **state)
{
    static const char held[] =
        "[{\"Id\":\"c7\",\"Names\":[\"/"
        "holder\"],\"Image\":\"i:1\",\"ImageID\":\"sha256:1\",\"State\":\"running\","
        "\"Labels\":{},\"Ports\":[{\"IP\":\"0.0.0.0\",\"PrivatePort\":80,\"PublicPort\":8080,"
        "\"Type\":\"tcp\"}]}]";
    static const char taken[] =
        "{\"message\":\"Bind for 0.0.0.0:8080 failed: port is already allocated\"}";
    struct fixture *f = *state;
    struct op op = {.kind = OP_CONTAINER_START, .object = "c1", .port_wait_ms = 5000};

    route(f, "POST", "/containers/c1/start", 204, "");
    route_once(f, "POST", "/containers/c1/start", 500, taken);
    route(f, "GET", "/containers/json", 200, "[]");
    route_once(f, "GET", "/containers/json", 200, held);
    route_once(f, "GET", "/containers/json", 200, held);
    assert_int_equal(run(f, op).err.kind, ERR_NONE);
    assert_int_equal(logged(f, "/containers/c1/start"), 2);
    /* Not for ever. */
    op.port_wait_ms = 250;
    route(f, "POST", "/containers/c1/start", 500, taken);
    route(f, "GET", "/containers/json", 200, held);
    int64_t since = http_now_ms();
    struct ran p = run(f, op);
    assert_int_equal(p.err.kind, ERR_CONFLICT);
    assert_non_null(strstr(p.err.msg, "container holder"));
    assert_in_range(http_now_ms() - since, 250, 2000);
}

/* A port of this very process: what is to be replaced must not be stopped for it. */
static void a_port_is_asked_for_first(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t n = sizeof(at);
    char text[256], want[64];
    struct op op = create;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&at, n), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    route(f, "POST", "/containers/create", 201, "{\"Id\":\"c1\"}");
    (void)snprintf(text, sizeof(text),
                   "{\"HostConfig\":{\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"%d\"}]}}}",
                   ntohs(at.sin_port));
    op.body = text;
    assert_int_equal(run(f, op).err.kind, ERR_NONE); /* it takes nobody's place */
    op.asks_ports = true;
    size_t before = logged(f, "/containers/create");
    struct ran p = run(f, op);

    assert_int_equal(p.err.kind, ERR_USER);
    (void)snprintf(want, sizeof(want), "port %d is already taken by test_docker (pid %d)",
                   ntohs(at.sin_port), (int)getpid());
    assert_non_null(strstr(p.err.msg, want));
    assert_int_equal(logged(f, "/containers/create"), before);
    /* Of one address it says nothing, and of a port that is free there is nothing to say. */
    (void)snprintf(text, sizeof(text),
                   "{\"HostConfig\":{\"PortBindings\":{\"80/tcp\":[{\"HostIp\":\"10.9.8.7\","
                   "\"HostPort\":\"%d\"}]}}}",
                   ntohs(at.sin_port));
    assert_int_equal(run(f, op).err.kind, ERR_NONE);
    (void)close(fd);
    (void)snprintf(text, sizeof(text),
                   "{\"HostConfig\":{\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"%d\"}]}}}",
                   ntohs(at.sin_port));
    assert_int_equal(run(f, op).err.kind, ERR_NONE);
}

static void an_image_that_brings_labels(void **state)
{
    struct fixture *f = *state;
    struct op op = create;

    op.image_id = NULL;
    op.hash = NULL;
    op.no_label = "traefik.";
    route(f, "GET", "/images/i:1/json", 200,
          "{\"Id\":\"sha256:1\",\"Config\":{\"Labels\":{\"Traefik.enable\":\"true\"}}}");
    struct ran p = run(f, op);
    assert_int_equal(p.err.kind, ERR_USER);
    assert_non_null(strstr(p.err.msg, "image i:1 carries the label Traefik.enable"));
    assert_int_equal(logged(f, "/containers/create"), 0);
}

/* What cannot begin ends later, too: run() asserts that nothing ends inside submit. */
static void a_build_that_cannot_begin(void **state)
{
    struct fixture *f = *state;
    const struct build_order order = {.path = "/nonexistent/context"};
    struct ran p = run(f, (struct op){.kind = OP_BUILD, .object = "web:1", .build = &order});

    assert_int_not_equal(p.err.kind, ERR_NONE);
    assert_non_null(strstr(p.err.msg, "/nonexistent/context"));
}

/* ---- waits ---- */

static void waiting(void **state)
{
    struct fixture *f = *state;
    struct op running = {
        .kind = OP_WAIT_RUNNING, .object = "c1", .settle_ms = 100, .deadline_ms = 3000};
    struct op healthy = {.kind = OP_WAIT_HEALTHY, .object = "c1", .deadline_ms = 400};
    struct op ended = {.kind = OP_WAIT_EXIT, .object = "c1", .deadline_ms = 3000};
    int64_t since = http_now_ms();
    struct ran p;

    /* The words of the framed log, one of them on standard error. */
    route(f, "GET", "/containers/c1/logs", 200, "");
    route(f, "GET", "/containers/c1/json", 200, INSPECTED("c1", "web", "{}", "running"));
    assert_int_equal(run(f, running).err.kind, ERR_NONE);
    assert_in_range(http_now_ms() - since, 95, 1000);

    assert_int_equal(run(f, healthy).err.kind,
                     ERR_NONE); /* no check: running is all there is to know */
    route(f, "GET", "/containers/c1/json", 200,
          INSPECTED_MORE(
              "c1", "web", "{}", "running",
              ",\"Health\":{\"Status\":\"starting\",\"Log\":[{\"Output\":\"not yet\\n\"}]}", ""));
    p = run(f, healthy);
    assert_int_equal(p.err.kind, ERR_RETRY);
    assert_non_null(strstr(p.err.msg, "container web: waited in vain"));
    assert_non_null(strstr(p.err.msg, "not yet"));
    route(f, "GET", "/containers/c1/json", 200,
          INSPECTED_MORE("c1", "web", "{}", "running",
                         ",\"Health\":{\"Status\":\"unhealthy\",\"Log\":[{\"Output\":\"ill\"}]}",
                         ""));
    p = run(f, healthy);
    assert_int_equal(p.err.kind, ERR_USER);
    assert_string_equal(p.err.msg, "container web: its health check fails: ill");

    route(
        f, "GET", "/containers/c1/json", 200,
        "{\"Id\":\"c1\",\"Name\":\"/"
        "web\",\"State\":{\"Status\":\"exited\",\"ExitCode\":3,\"OOMKilled\":true},\"Config\":{}}");
    p = run(f, ended);
    assert_int_equal(p.err.kind, ERR_USER);
    assert_int_equal(p.exit_code, 3);
    assert_non_null(strstr(p.err.msg, "more memory than its limit"));
    assert_int_equal(run(f, running).err.kind, ERR_USER);
    route(f, "GET", "/containers/c1/json", 200, INSPECTED("c1", "web", "{}", "exited"));
    assert_int_equal(run(f, ended).err.kind, ERR_NONE);
    route(f, "GET", "/containers/c1/json", 404, "{\"message\":\"No such container\"}");
    assert_int_equal(run(f, ended).err.kind, ERR_MISSING);
}

/* A crash is forgiven while the engine restarts it, three are not. */
static void crash_loop(void **state)
{
    struct fixture *f = *state;
    struct op running = {
        .kind = OP_WAIT_RUNNING, .object = "c1", .settle_ms = 1000, .deadline_ms = 20000};
    struct ran p = {0};

    route(f, "GET", "/containers/c1/logs", 200, "");
    route(f, "GET", "/containers/c1/json", 200, INSPECTED("c1", "web", "{}", "running"));
    (void)f->d->ops->submit(f->d, &running, on_done, NULL, &p);
    UNTIL(f, logged(f, "/containers/c1/json") >= 2);
    route(f, "GET", "/containers/c1/json", 200,
          "{\"Id\":\"c1\",\"Name\":\"/"
          "web\",\"RestartCount\":2,\"State\":{\"Status\":\"restarting\",\"ExitCode\":1},"
          "\"Config\":{}}");
    size_t n = logged(f, "/containers/c1/json");

    UNTIL(f, logged(f, "/containers/c1/json") >= n + 2);
    assert_int_equal(p.done, 0);
    route(f, "GET", "/containers/c1/json", 200,
          "{\"Id\":\"c1\",\"Name\":\"/"
          "web\",\"RestartCount\":3,\"State\":{\"Status\":\"running\",\"ExitCode\":0},\"Config\":{}"
          "}");
    UNTIL(f, p.done);
    assert_int_equal(p.err.kind, ERR_USER);
    assert_non_null(strstr(p.err.msg, "keeps ending (3 times"));
}

/* With events a wait sleeps until one comes. */
static void waiting_by_events(void **state)
{
    struct fixture *f = *state;
    struct op healthy = {.kind = OP_WAIT_HEALTHY, .object = "c1", .deadline_ms = 20000};
    struct ran p = {0};

    f->d->ops->follow(f->d, on_happening, f);
    UNTIL(f, f->happened.up == 1);
    route(
        f, "GET", "/containers/c1/json", 200,
        INSPECTED_MORE("c1", "web", "{}", "running", ",\"Health\":{\"Status\":\"starting\"}", ""));
    (void)f->d->ops->submit(f->d, &healthy, on_done, NULL, &p);
    int64_t since = http_now_ms();

    while (http_now_ms() - since < 300)
        turn(f, 50);
    assert_int_equal(logged(f, "/containers/c1/json"), 1);
    route(f, "GET", "/containers/c1/json", 200,
          INSPECTED_MORE("c1", "web", "{}", "running", ",\"Health\":{\"Status\":\"healthy\"}", ""));
    push_event(f, EVENT("container", "health_status: healthy", "c1", "\"name\":\"web\""));
    UNTIL(f, p.done);
    assert_int_equal(p.err.kind, ERR_NONE);
    assert_int_equal(logged(f, "/containers/c1/json"), 2);
}

/* ---- pulls ---- */

static void pulling(void **state)
{
    struct fixture *f = *state;
    struct op op = {.kind = OP_PULL, .object = "reg.example:5000/a/b:1", .platform = "linux/arm64"};
    struct ran p;

    route(f, "POST", "/images/create?fromImage=reg.example:5000/a/b&tag=1&platform=linux/arm64",
          200,
          "{\"status\":\"Pulling fs layer\",\"id\":\"l1\"}\n{\"status\":\"Pull "
          "complete\",\"id\":\"l1\"}\n");
    route(f, "GET", "/images/reg.example:5000/a/b:1/json", 200,
          "{\"Id\":\"sha256:9\",\"Config\":{}}");
    p = run(f, op);
    assert_int_equal(p.err.kind, ERR_NONE);
    assert_string_equal(p.id, "sha256:9");

    op = (struct op){.kind = OP_PULL, .object = "b:2"};
    route(f, "POST", "/images/create?fromImage=b&tag=2", 200,
          "{\"errorDetail\":{\"message\":\"manifest for b:2 not found: manifest "
          "unknown\"},\"error\":\"x\"}\n");
    p = run(f, op);
    assert_int_equal(p.err.kind, ERR_MISSING);
    assert_non_null(strstr(
        p.err.msg, "image b:2 does not exist in its registry, or needs a login (docker login)"));
    route(f, "POST", "/images/create?fromImage=b&tag=2", 500,
          "{\"message\":\"dial tcp: connection refused\"}");
    p = run(f, op);
    assert_int_equal(p.err.kind, ERR_RETRY);
    assert_non_null(strstr(p.err.msg, "cannot pull b:2 from docker.io"));
    route(f, "POST", "/images/create?fromImage=b&tag=2", 404,
          "{\"message\":\"pull access denied for b\"}");
    assert_int_equal(run(f, op).err.kind, ERR_DENIED);

    op.object = "b:3@sha256:00";
    route(f, "POST", "/images/create?fromImage=b&tag=sha256:00", 200, "");
    route(f, "GET", "/images/b:3@sha256:00/json", 200, "{\"Id\":\"sha256:8\",\"Config\":{}}");
    assert_string_equal(run(f, op).id, "sha256:8");

    op.object = "b:4";
    op.deadline_ms = 200;
    route(f, "POST", "/images/create?fromImage=b&tag=4", 200, NULL);
    p = run(f, op);
    assert_int_equal(p.err.kind, ERR_RETRY);
    assert_non_null(strstr(p.err.msg, "within its deadline"));
}

/* ---- logs ---- */

static void on_line(void *user, bool is_stderr, const char *line, size_t n)
{
    struct ran *p = user;
    size_t at = strlen(p->lines);

    (void)snprintf(p->lines + at, sizeof(p->lines) - at, "%s:%.*s;", is_stderr ? "err" : "out",
                   (int)n, line);
}

static void reading_logs(void **state)
{
    struct fixture *f = *state;
    struct logs want = {.container = "c1", .tail = 5, .since_ms = 1500, .timestamps = true};
    struct ran p = {0};

    route(f, "GET", "/containers/c1/json", 200,
          "{\"Id\":\"c1\",\"Name\":\"/web\",\"Config\":{\"Tty\":true}}");
    route(f, "GET", "/containers/c1/logs?stdout=1&stderr=1&timestamps=1&tail=5&since=1.500", 200,
          "one\r\ntwo");
    (void)f->d->ops->logs(f->d, &want, on_line, on_done, &p);
    UNTIL(f, p.done);
    assert_int_equal(p.err.kind, ERR_NONE);
    assert_string_equal(p.lines, "out:one;out:two;");

    p = (struct ran){0};
    want = (struct logs){.container = "c2", .tail = -1};
    (void)f->d->ops->logs(f->d, &want, on_line, on_done, &p);
    UNTIL(f, p.done);
    assert_int_equal(p.err.kind, ERR_MISSING);

    /* A follower that had enough. */
    p = (struct ran){0};
    want = (struct logs){.container = "c1", .tail = -1, .follow = true};
    route(f, "GET", "/containers/c1/logs?stdout=1&stderr=1&follow=1", 200, NULL);
    struct ticket *t = f->d->ops->logs(f->d, &want, on_line, on_done, &p);

    UNTIL(f, logged(f, "follow=1") == 1);
    f->d->ops->cancel(f->d, t);
    UNTIL(f, p.done);
    assert_int_equal(p.err.kind, ERR_STALE);
}

/* ---- bounds, cancelling, freeing ---- */

static void bounds(void **state)
{
    struct fixture *f = *state;
    struct ran p[20] = {0};
    struct op op = {.kind = OP_CONTAINER_START, .object = "c1", .grace_s = -1};
    int done = 0;

    assert_int_equal(look(f, true, false, NULL).kind, ERR_NONE);
    f->g.server->most_at_once = 0;
    add_route(f, (struct rule){"POST", "/containers/c1/start", 204, "", 0, 10});
    for (size_t i = 0; i < 20; i++)
        (void)f->d->ops->submit(f->d, &op, on_done, NULL, &p[i]);
    for (int64_t end = http_now_ms() + 10000; done < 20 && http_now_ms() < end;) {
        turn(f, 50);
        done = 0;
        for (size_t i = 0; i < 20; i++)
            done += p[i].done;
    }
    assert_int_equal(done, 20);
    assert_int_equal(f->g.server->most_at_once, 4); /* twice the cores */
}

static void cancelling(void **state)
{
    struct fixture *f = *state;
    struct op stop = {.kind = OP_CONTAINER_STOP, .object = "c1", .grace_s = -1};
    struct op pull = {.kind = OP_PULL, .object = "b:4"};
    struct op ended = {.kind = OP_WAIT_EXIT, .object = "c1"};
    struct op start = {.kind = OP_CONTAINER_START, .object = "c2"};
    struct ran p[10] = {0};
    struct ticket *t[10];
    int64_t since;

    route(f, "POST", "/images/create", 200, NULL);
    route(f, "GET", "/containers/c1/json", 200, INSPECTED("c1", "web", "{}", "running"));
    add_route(f, (struct rule){"POST", "/containers/c1/stop", 204, "", 0, 200});
    route(f, "POST", "/containers/c2/start", 204, NULL);
    t[0] = f->d->ops->submit(f->d, &stop, on_done, NULL, &p[0]);
    t[1] = f->d->ops->submit(f->d, &pull, on_done, NULL, &p[1]);
    t[2] = f->d->ops->submit(f->d, &ended, on_done, NULL, &p[2]);
    for (size_t i = 3; i < 8; i++) /* the last has to wait for room */
        t[i] = f->d->ops->submit(f->d, &start, on_done, NULL, &p[i]);
    UNTIL(f,
          logged(f, "/stop") == 1 && logged(f, "/images/create") == 1 && logged(f, "/start") == 4);
    since = http_now_ms();
    for (size_t i = 0; i < 3; i++)
        f->d->ops->cancel(f->d, t[i]);
    f->d->ops->cancel(f->d, t[7]);
    f->d->ops->cancel(f->d, t[7]);
    assert_int_equal(p[1].done + p[2].done + p[7].done, 0);
    UNTIL(f, p[1].done && p[2].done && p[7].done);
    assert_true(http_now_ms() - since < 150);
    UNTIL(f, p[0].done); /* runs to its end, and says that nobody wants it any more */
    assert_true(http_now_ms() - since >= 100);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(p[i].err.kind, ERR_STALE);
    assert_int_equal(p[7].err.kind, ERR_STALE);
    assert_int_equal(logged(f, "/start"), 4);
}

/* Everything at once, and freed after each number of turns. */
static void free_at_any_moment(void **state)
{
    static const struct op ops[] = {
        {.kind = OP_PULL, .object = "b:4"},
        {.kind = OP_CONTAINER_CREATE, .name = "web", .image = "i:1", .body = "{\"Labels\":{}}"},
        {.kind = OP_CONTAINER_START, .object = "c1"},
        {.kind = OP_CONTAINER_REMOVE, .object = "c1"},
        {.kind = OP_WAIT_EXIT, .object = "c1", .deadline_ms = 100},
        {.kind = OP_WAIT_RUNNING, .object = "c1", .settle_ms = 20},
        {.kind = OP_NETWORK_CREATE, .name = "n", .body = "{}"},
    };
    struct fixture *f = *state;
    struct look scope = {.everything = true, .inspect_owned = true, .owner = "me"};
    struct logs want = {.container = "c1", .follow = true, .tail = -1};
    struct ran p = {0};
    struct looked looked = {0};

    route(f, "GET", "/containers/json", 200,
          "[" LISTED("c1", "blog", LABELS("blog", "h1"), "running") "]");
    route(f, "GET", "/containers/c1/json", 200,
          INSPECTED("c1", "blog", LABELS("blog", "h1"), "running"));
    route(f, "POST", "/containers/c1/start", 500, "{\"message\":\"no\"}");
    route(f, "DELETE", "/containers/c1", 409, "{\"message\":\"in progress\"}");
    f->d->ops->free(f->d);
    for (int turns = 0; turns < 40; turns++) {
        f->d = docker_new(f->h, 2, NULL, NULL);
        f->d->ops->follow(f->d, on_happening, f);
        f->d->ops->look(f->d, &scope, on_look, &looked);
        for (size_t i = 0; i < ARRAY_LEN(ops); i++)
            (void)f->d->ops->submit(f->d, &ops[i], on_done, NULL, &p);
        (void)f->d->ops->logs(f->d, &want, on_line, on_done, &p);
        if (turns % 3 == 0)
            f->d->ops->look(f->d, &scope, on_look, &looked);
        for (int i = 0; i < turns; i++)
            turn(f, 2);
        f->d->ops->free(f->d);
        turn(f, 0);
    }
    f->d = NULL;
}

#define DOCKER_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DOCKER_TEST(versions),
        DOCKER_TEST(looks),
        DOCKER_TEST(looks_merge),
        DOCKER_TEST(looks_that_fail),
        DOCKER_TEST(one_bad_object),
        DOCKER_TEST(events),
        DOCKER_TEST(image_events),
        DOCKER_TEST(outage),
        DOCKER_TEST(never_there),
        DOCKER_TEST(creating),
        DOCKER_TEST(networks_and_volumes),
        DOCKER_TEST(second_times),
        DOCKER_TEST(a_network_is_let_go_in_a_moment),
        DOCKER_TEST(refusals),
        DOCKER_TEST(removal_under_way),
        DOCKER_TEST(taken_ports),
        DOCKER_TEST(a_port_that_is_given_up_is_waited_for),
        DOCKER_TEST(a_port_is_asked_for_first),
        DOCKER_TEST(an_image_that_brings_labels),
        DOCKER_TEST(a_build_that_cannot_begin),
        DOCKER_TEST(waiting),
        DOCKER_TEST(crash_loop),
        DOCKER_TEST(waiting_by_events),
        DOCKER_TEST(pulling),
        DOCKER_TEST(reading_logs),
        DOCKER_TEST(bounds),
        DOCKER_TEST(cancelling),
        DOCKER_TEST(free_at_any_moment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
