/* test_router.c: route files on a real disk, and a pretended API of Traefik that answers well, badly, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "drivers/fsx.h"
#include "drivers/http.h"
#include "drivers/router.h"
#include "spec/base/arena.h"
#include "spec/route_file.h"
#include "tests/unit/little_server.h"
#include "tests/unit/scratch.h"

enum mood { WELL, ANOTHER_PASSWORD, GARBAGE, BUSY, NO_SUCH_ROUTER };

struct api { /* under the server's lock */
    struct little *server;
    enum mood mood;
    char taken[64][64]; /* names of markers */
    size_t n_taken;
    const char *disabled, *error;
    size_t all, single, routers; /* questions */
};

struct fixture {
    char folder[64];
    struct arena *a;
    struct http *h;
    struct router *r;
    struct api api;
};

/* ---- the pretended API ---- */

static bool is_taken(const struct api *g, const char *name, size_t n)
{
    for (size_t i = 0; i < g->n_taken; i++)
        if (strlen(g->taken[i]) == n && strncmp(g->taken[i], name, n) == 0)
            return true;
    return false;
}

static void say_router(const struct api *g, bool with_name, char *out, size_t room)
{
    (void)snprintf(out, room, "%s%s%s{\"status\":\"disabled\",\"name\":\"%s\",\"error\":[\"%s\"]}",
                   with_name ? "\"" : "", with_name ? g->disabled : "", with_name ? "\":" : "",
                   g->disabled, g->error);
}

static bool answer_well(struct little_call *c, struct api *g)
{
    static const char one[] = "/api/http/middlewares/";
    char body[8192], router[512] = "";

    if (g->disabled)
        say_router(g, strcmp(c->path, "/api/rawdata") == 0, router, sizeof(router));
    if (strcmp(c->path, "/api/rawdata") == 0) {
        int n = snprintf(body, sizeof(body), "{\"routers\":{%s},\"middlewares\":{", router);

        g->all++;
        for (size_t i = 0; i < g->n_taken; i++)
            n += snprintf(body + n, sizeof(body) - (size_t)n, "%s\"%s@file\":{}", i ? "," : "",
                          g->taken[i]);
        (void)snprintf(body + n, sizeof(body) - (size_t)n, "}}");
        return little_answer(c, 200, "", body);
    }
    if (strncmp(c->path, "/api/http/routers?", 18) == 0) {
        g->routers++;
        (void)snprintf(body, sizeof(body), "[%s]", router);
        return little_answer(c, 200, "", body);
    }
    assert_int_equal(strncmp(c->path, one, sizeof(one) - 1), 0);
    const char *name = c->path + sizeof(one) - 1;

    g->single++;
    if (!is_taken(g, name, strcspn(name, "@")))
        return little_answer(c, 404, "", "{\"message\":\"middleware not found\"}");
    (void)snprintf(body, sizeof(body), "{\"status\":\"enabled\",\"name\":\"%s\"}", name);
    return little_answer(c, 200, "", body);
}

static bool serve(struct little_call *c)
{
    struct api *g = c->server->user;
    bool more = false;

    pthread_mutex_lock(&c->server->lock);
    switch (g->mood) {
    case WELL:
        /* evenkeel:geheim */
        if (!strstr(c->head, "\r\nAuthorization: Basic ZXZlbmtlZWw6Z2VoZWlt\r\n"))
            more = little_answer(c, 401, "", "401 Unauthorized\n");
        else
            more = answer_well(c, g);
        break;
    case ANOTHER_PASSWORD: more = little_answer(c, 401, "", "401 Unauthorized\n"); break;
    case GARBAGE: more = little_answer(c, 200, "", "\x01{[<html>"); break;
    case BUSY: more = little_answer(c, 503, "", "no available server\n"); break;
    case NO_SUCH_ROUTER: more = little_answer(c, 404, "", "404 page not found\n"); break;
    }
    pthread_mutex_unlock(&c->server->lock);
    return more;
}

/* ---- the fixture ---- */

static void set_mood(struct fixture *f, enum mood mood)
{
    pthread_mutex_lock(&f->api.server->lock);
    f->api.mood = mood;
    pthread_mutex_unlock(&f->api.server->lock);
}

static void be_at(struct fixture *f, const char *instance)
{
    router_at(f->r, &(struct router_api){
                        .instance = instance, .host = "127.0.0.1", .port = f->api.server->port});
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    struct err e;

    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/evenkeel-unit-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->a = arena_new();
    f->h = http_new(&(struct http_target){.url = "unix:///nonexistent/engine.sock"}, &e);
    f->r = router_new(f->h, f->folder);
    f->api.server = little_start_at(-1, serve, &f->api);
    assert_int_equal(
        fsx_replace(fsx_join(f->folder, "api-password", f->a), "geheim\n", 7, 0600, &e), 0);
    be_at(f, "one");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    router_free(f->r);
    http_free(f->h);
    little_stop(f->api.server);
    scratch_remove(f->folder);
    arena_free(f->a);
    free(f);
    return 0;
}

static const char *resolve(void *ctx, const char *name)
{
    (void)name;
    return ctx;
}

/* A sealed file of one server. */
static const char *file_of(struct fixture *f, const char *app, const char *server)
{
    CLEANUP(str_release) struct str out = STR_INIT;
    char digest[ROUTE_DIGEST];
    const char *text = arena_printf(
        f->a,
        "http:\n  middlewares:\n    \"%s_seen_{{DIGEST}}\":\n      headers: {}\n  services:\n"
        "    \"%s_app_1\":\n      loadBalancer:\n        servers:\n          - url: "
        "\"http://{{x}}:8000\"\n",
        app, app);

    assert_int_equal(route_file_seal(text, resolve, (void *)(uintptr_t)server, &out, digest, NULL),
                     0);
    return arena_strdup(f->a, str_text(&out));
}

static const char *path_of(struct fixture *f, const char *name)
{
    return arena_printf(f->a, "%s/routes/%s", f->folder, name);
}

static void file_put(struct fixture *f, const char *app, const char *text)
{
    struct err e = {0};

    if (router_put(f->r, app, text, &e) < 0)
        fail_msg("%s", e.msg);
}

static void over(void *user)
{
    *(bool *)user = true;
}

static void look(struct fixture *f, bool everything)
{
    bool done = false;

    router_look(f->r, everything, over, &done);
    assert_false(done); /* never from inside the call */
    while (!done)
        assert_int_equal(http_poll(f->h, NULL, 0, 1000, NULL), 0);
}

static const struct obs_route *seen_as(struct fixture *f, const char *app)
{
    struct observed o = {0};

    router_observed(f->r, f->a, &o.routes, &o.n_routes);
    return observed_route(&o, app);
}

struct outcome {
    bool over;
    struct err err;
};

static void ended(void *user, const struct err *why)
{
    *(struct outcome *)user = (struct outcome){true, *why};
}

static struct err see(struct fixture *f, const char *app, int ms)
{
    struct outcome o = {0};

    (void)router_see(f->r, app, http_now_ms() + ms, ended, &o);
    assert_false(o.over);
    while (!o.over)
        assert_int_equal(http_poll(f->h, NULL, 0, 1000, NULL), 0);
    return o.err;
}

/* Traefik takes what the app's file is now. */
static void take(struct fixture *f, const char *app)
{
    const char *marker = route_marker(app, seen_as(f, app)->digest, f->a);

    pthread_mutex_lock(&f->api.server->lock);
    (void)snprintf(f->api.taken[f->api.n_taken++], sizeof(f->api.taken[0]), "%s", marker);
    pthread_mutex_unlock(&f->api.server->lock);
}

static void *take_later(void *user)
{
    struct fixture *f = user;

    (void)usleep(150000);
    pthread_mutex_lock(&f->api.server->lock);
    f->api.n_taken++; /* its name stands there already */
    pthread_mutex_unlock(&f->api.server->lock);
    return NULL;
}

/* ---- files ---- */

static void writes_files_whole(void **state)
{
    struct fixture *f = *state;
    const char *one = file_of(f, "blog", "0123456789ab"), *text;
    struct stat first, again, other;
    size_t n;

    file_put(f, "blog", one);
    assert_int_equal(stat(path_of(f, "blog.yaml"), &first), 0);
    assert_int_equal(first.st_mode & 07777, 0640);
    assert_int_equal(fsx_read(path_of(f, "blog.yaml"), 9999, f->a, &text, &n, NULL, NULL), 0);
    assert_string_equal(text, one);
    file_put(f, "blog", one);
    assert_int_equal(stat(path_of(f, "blog.yaml"), &again), 0);
    assert_int_equal(again.st_ino, first.st_ino); /* left alone */
    file_put(f, "blog", file_of(f, "blog", "ba9876543210"));
    assert_int_equal(stat(path_of(f, "blog.yaml"), &other), 0);
    assert_string_equal(seen_as(f, "blog")->servers.v[0], "ba9876543210");
    assert_int_equal(rmdir(arena_printf(f->a, "%s/.tmp", f->folder)), 0); /* empty */
    file_put(f, "blog", NULL);
    assert_int_equal(access(path_of(f, "blog.yaml"), F_OK), -1);
    file_put(f, "blog", NULL); /* gone already */
    assert_null(seen_as(f, "blog"));
}

/* What one look was given stays as it is, and is given to the next one as long as nothing changed. */
static void shares_what_it_tells(void **state)
{
    struct fixture *f = *state;
    struct obs_route *first, *second, *third;
    struct arena *short_lived = arena_new();
    size_t n;

    file_put(f, "blog", file_of(f, "blog", "0123456789ab"));
    file_put(f, "shop", file_of(f, "shop", "111111111111"));
    router_observed(f->r, f->a, &first, &n);
    assert_int_equal(n, 2);
    router_observed(f->r, short_lived, &second, &n);
    assert_ptr_equal(first, second);
    arena_free(short_lived);
    file_put(f, "blog", file_of(f, "blog", "ba9876543210"));
    router_observed(f->r, f->a, &third, &n);
    assert_int_equal(n, 2);
    assert_string_equal(first[0].servers.v[0], "0123456789ab");
    assert_string_equal(third[0].servers.v[0], "ba9876543210");
    assert_ptr_equal(first[1].app, third[1].app); /* only one was copied */
    file_put(f, "blog", NULL);
    router_observed(f->r, f->a, &second, &n);
    assert_int_equal(n, 1);
    assert_string_equal(second[0].app, "shop");
    file_put(f, "zoo", file_of(f, "zoo", "222222222222"));
    router_observed(f->r, f->a, &second, &n);
    assert_int_equal(n, 2);
    router_free(TAKE(f->r));
    assert_string_equal(first[0].app, "blog");
    assert_string_equal(second[1].servers.v[0], "222222222222");
}

static void tells_what_files_say(void **state)
{
    struct fixture *f = *state;
    const char *good = file_of(f, "blog", "0123456789ab"), *digest;
    char *bad = arena_strdup(f->a, good);
    struct strv servers;

    router_read_file(good, strlen(good), "blog", f->a, &digest, &servers);
    assert_int_equal(strlen(digest), 12);
    assert_int_equal(servers.n, 1);
    assert_string_equal(servers.v[0], "0123456789ab");
    router_read_file(good, strlen(good), "other", f->a, &digest, &servers);
    assert_string_equal(digest, ""); /* another app's */
    *strstr(bad, "8000") = '9';
    router_read_file(bad, strlen(bad), "blog", f->a, &digest, &servers);
    assert_string_equal(digest, "");
    assert_int_equal(servers.n, 0);
    for (size_t n = 0; n < strlen(good); n++) { /* cut anywhere */
        const char *cut = arena_strndup(f->a, good, n);
        router_read_file(cut, n, "blog", f->a, &digest, &servers);
        assert_string_equal(digest, "");
    }
    router_read_file("a\0b", 3, "blog", f->a, &digest, &servers);
    assert_string_equal(digest, "");
}

static void sees_what_hands_do(void **state)
{
    struct fixture *f = *state;

    file_put(f, "blog", file_of(f, "blog", "0123456789ab"));
    file_put(f, "shop", file_of(f, "shop", "0123456789ac"));
    put(path_of(f, ".hidden.yaml"), "x");
    put(path_of(f, "notes.txt"), "x");
    put(path_of(f, "new.yaml"), file_of(f, "new", "0123456789ad"));
    assert_int_equal(unlink(path_of(f, "blog.yaml")), 0);
    look(f, false); /* what comes and goes is seen by any look */
    assert_null(seen_as(f, "blog"));
    assert_null(seen_as(f, ".hidden"));
    assert_string_equal(seen_as(f, "new")->servers.v[0], "0123456789ad");
    assert_int_not_equal(seen_as(f, "shop")->digest[0], '\0');
    put(path_of(f, "shop.yaml"), "http: {}\n");
    look(f, true); /* an edit in place by a look at everything */
    assert_string_equal(seen_as(f, "shop")->digest, "");
    assert_int_equal(seen_as(f, "shop")->state, ROUTE_WRITTEN);
    assert_int_equal(seen_as(f, "shop")->servers.n, 0);
}

/* ---- the API ---- */

static void waits_until_it_is_taken(void **state)
{
    struct fixture *f = *state;
    pthread_t later;

    file_put(f, "blog", file_of(f, "blog", "0123456789ab"));
    assert_int_equal(seen_as(f, "blog")->state, ROUTE_WRITTEN);
    take(f, "blog");
    f->api.n_taken = 0;
    assert_int_equal(pthread_create(&later, NULL, take_later, f), 0);
    struct err e = see(f, "blog", 5000);

    (void)pthread_join(later, NULL);
    assert_int_equal(e.kind, ERR_NONE);
    assert_int_equal(seen_as(f, "blog")->state, ROUTE_LIVE);
    assert_in_range(f->api.single, 3, 12); /* every 20 ms, for 150 ms */
    assert_int_equal(f->api.routers, 1);
    uint64_t calls = router_calls(f->r);

    look(f, true); /* nothing is open: nobody is asked */
    look(f, false);
    assert_int_equal(see(f, "blog", 5000).kind, ERR_NONE);
    assert_int_equal(router_calls(f->r), calls);
}

static void tells_why_a_route_is_refused(void **state)
{
    struct fixture *f = *state;

    file_put(f, "blog", file_of(f, "blog", "0123456789ab"));
    take(f, "blog");
    f->api.disabled = "blog_app_1@file";
    f->api.error = "middleware \\\"nix@file\\\" does not exist";
    struct err e = see(f, "blog", 5000);

    assert_int_equal(e.kind, ERR_USER);
    assert_non_null(strstr(e.msg, "middleware \"nix@file\" does not exist"));
    assert_int_equal(seen_as(f, "blog")->state, ROUTE_FAILED);
    assert_non_null(strstr(seen_as(f, "blog")->error, "nix@file"));
    uint64_t calls = router_calls(f->r);

    look(f, true); /* it will not change its mind */
    assert_int_equal(router_calls(f->r), calls);
    file_put(f, "shop", file_of(f, "shop", "0123456789ac"));
    take(f, "shop");
    assert_int_equal(see(f, "shop", 5000).kind, ERR_NONE); /* another's router is none of its */
    be_at(f, "two");                                       /* the same by the one big question */
    look(f, false);
    assert_int_equal(f->api.all, 1);
    assert_int_equal(seen_as(f, "blog")->state, ROUTE_FAILED);
    assert_int_equal(seen_as(f, "shop")->state, ROUTE_LIVE);
}

static void says_what_was_wrong_at_the_end(void **state)
{
    static const struct {
        enum mood mood;
        const char *words;
    } c[] = {
        {ANOTHER_PASSWORD, "refuses the password"},
        {GARBAGE, "does not speak like it"},
        {BUSY, "status 503"},
        {NO_SUCH_ROUTER, "does not speak like it"},
    };
    struct fixture *f = *state;

    file_put(f, "blog", file_of(f, "blog", "0123456789ab"));
    take(f, "blog");
    for (size_t i = 0; i < ARRAY_LEN(c); i++) {
        set_mood(f, c[i].mood);
        struct err e = see(f, "blog", 120);

        assert_int_equal(e.kind, ERR_RETRY);
        if (!strstr(e.msg, c[i].words))
            fail_msg("\"%s\" is not in: %s", c[i].words, e.msg);
        assert_null(strstr(e.msg, "geheim"));
        look(f, false);
        assert_int_equal(seen_as(f, "blog")->state, ROUTE_WRITTEN);
    }
    set_mood(f, WELL);
    assert_int_equal(see(f, "blog", 5000).kind, ERR_NONE);
    little_cut(f->api.server);
    file_put(f, "blog", file_of(f, "blog", "ba9876543210"));
    struct err e = see(f, "blog", 120);

    assert_non_null(strstr(e.msg, "cannot be reached"));
    router_at(f->r, &(struct router_api){0});
    e = see(f, "blog", 50);
    assert_non_null(strstr(e.msg, "it does not run"));
    little_listen(f->api.server);
}

static void waits_until_a_removed_one_is_gone(void **state)
{
    struct fixture *f = *state;

    file_put(f, "blog", file_of(f, "blog", "0123456789ab"));
    take(f, "blog");
    assert_int_equal(see(f, "blog", 5000).kind, ERR_NONE);
    file_put(f, "blog", NULL);
    assert_null(seen_as(f, "blog"));
    assert_int_equal(see(f, "blog", 100).kind, ERR_RETRY); /* Traefik still has it */
    set_mood(f, NO_SUCH_ROUTER);
    assert_int_equal(see(f, "blog", 100).kind, ERR_RETRY); /* a 404 of somebody else */
    set_mood(f, WELL);
    f->api.n_taken = 0;
    assert_int_equal(see(f, "blog", 5000).kind, ERR_NONE);
    assert_int_equal(see(f, "never", 100).kind, ERR_NONE);
}

static void asks_once_for_all(void **state)
{
    enum { MANY = 30 };
    struct fixture *f = *state;
    struct outcome o[MANY] = {0};
    char app[MANY][16];
    size_t done = 0;

    for (int i = 0; i < MANY; i++) {
        (void)snprintf(app[i], sizeof(app[i]), "app%d", i);
        file_put(f, app[i], file_of(f, app[i], "0123456789ab"));
        take(f, app[i]);
    }
    for (int i = 0; i < MANY; i++)
        (void)router_see(f->r, app[i], http_now_ms() + 5000, ended, &o[i]);
    while (done < MANY) {
        assert_int_equal(http_poll(f->h, NULL, 0, 1000, NULL), 0);
        done = 0;
        for (int i = 0; i < MANY; i++)
            done += o[i].over && o[i].err.kind == ERR_NONE;
    }
    assert_in_range(router_calls(f->r), 1, 3);
    be_at(f, "two"); /* another Traefik: nothing is known of it */
    assert_int_equal(seen_as(f, "app7")->state, ROUTE_WRITTEN);
    f->api.all = 0;
    look(f, false);
    assert_int_equal(f->api.all, 1);
    assert_int_equal(seen_as(f, "app7")->state, ROUTE_LIVE);
    look(f, false);
    assert_int_equal(f->api.all, 1);
}

static void waits_may_be_dropped(void **state)
{
    struct fixture *f = *state;
    struct outcome o = {0};

    file_put(f, "blog", file_of(f, "blog", "0123456789ab"));
    struct router_wait *w = router_see(f->r, "blog", http_now_ms() + 5000, ended, &o);

    for (int i = 0; i < 5; i++)
        assert_int_equal(http_poll(f->h, NULL, 0, 10, NULL), 0);
    router_see_drop(f->r, w);
    router_see_drop(f->r, NULL);
    for (int i = 0; i < 5; i++)
        assert_int_equal(http_poll(f->h, NULL, 0, 10, NULL), 0);
    assert_false(o.over);
    (void)router_see(f->r, "blog", http_now_ms() + 5000, ended, &o); /* ends with the router */
}

/* Nobody can be asked: after a while it counts as live, and that is said. */
static void presumes_where_nobody_can_be_asked(void **state)
{
    struct fixture *f = *state;

    router_at(f->r, &(struct router_api){
                        .instance = "far", .port = 1, .why = "the engine is on another host"});
    file_put(f, "blog", file_of(f, "blog", "0123456789ab"));
    assert_int_equal(see(f, "blog", 6000).kind, ERR_NONE);
    assert_int_equal(seen_as(f, "blog")->state, ROUTE_LIVE);
    assert_string_equal(seen_as(f, "blog")->error, "the engine is on another host");
    assert_int_equal(router_calls(f->r), 0);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(writes_files_whole),
        CASE(shares_what_it_tells),
        CASE(tells_what_files_say),
        CASE(sees_what_hands_do),
        CASE(waits_until_it_is_taken),
        CASE(tells_why_a_route_is_refused),
        CASE(says_what_was_wrong_at_the_end),
        CASE(waits_until_a_removed_one_is_gone),
        CASE(asks_once_for_all),
        CASE(waits_may_be_dropped),
        CASE(presumes_where_nobody_can_be_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
