/* driver_probe.c: a hand on the Docker driver, for the engine tests.
 *
 *   driver_probe URL [AUTH_DIR [CERT_DIR]] <commands
 *
 * In: one command a line, each carried out to its end before the next is read. Out: one line per answer ("ok ...",
 * "err KIND text") after whatever it had to show, and "event ..." lines for what happened meanwhile, if `follow` was said.
 *
 *   follow                        events from now on
 *   until TEXT MS                 wait for an event line that holds TEXT, from the last `until` on
 *   look [all] [cold] [IMAGE...]  owner is "probe"
 *   show                          what is known
 *   create NAME IMAGE APP [ARG...]  a container with our labels; ARGs are its command
 *   network NAME APP | volume NAME APP
 *   pull REF | start X | stop X GRACE | restart X GRACE | unpause X | rename X NAME | remove X
 *   netremove X | volremove X | connect NET X | disconnect NET X
 *   running X SETTLE_MS MS | healthy X MS | exit X MS
 *   logs X TAIL | sleep MS | calls | storm N IMAGE (N containers at once: create, start, remove)
 *   passes N                      what passes see, that often, dropped each time; then the bytes of the process
 *   cancel KIND X MS              submit, cancel after MS */
#include <jansson.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "drivers/docker.h"
#include "drivers/engine_encode.h"
#include "drivers/http.h"
#include "spec/base/arena.h"
#include "spec/labels.h"

enum { WORDS = 32, MOST = 512 };

static struct http *http;
static struct driver *driver;
static struct arena *arena; /* of one command */
static struct str events;   /* lines, since the last `until` */

struct wait {
    size_t left;
    bool quiet, failed;
    int64_t since_ms;
};

static void loop(const bool *stop, const size_t *left, int64_t most_ms)
{
    int64_t end = http_now_ms() + most_ms;

    while ((!stop || !*stop) && (!left || *left > 0) && http_now_ms() < end)
        (void)http_poll(http, NULL, 0, (int)(end - http_now_ms()), NULL);
}

static void print_result(const struct op_result *r, int64_t ms)
{
    if (r->log_tail)
        printf("tail %s", r->log_tail);
    if (r->err.kind)
        printf("err %s %s", err_kind_name(r->err.kind), r->err.msg);
    else
        printf("ok %s", r->id ? r->id : "");
    printf(" [%lld ms]\n", (long long)ms);
    fflush(stdout);
}

static void on_done(void *user, const struct op_result *r)
{
    struct wait *w = user;

    w->left--;
    w->failed |= r->err.kind != ERR_NONE;
    if (!w->quiet || r->err.kind)
        print_result(r, http_now_ms() - w->since_ms);
}

static void on_progress(void *user, const char *text, double fraction)
{
    (void)user;
    printf("progress %s %.2f\n", text, fraction);
}

static void on_happening(void *user, const struct happening *h)
{
    static const char *const what[] = {"up", "away", "changed"};

    (void)user;
    str_addf(&events, "event %s app=%s %s %s %s\n", what[h->what], h->app ? h->app : "-",
             h->object ? h->object : "-", h->action ? h->action : "-", h->text ? h->text : "");
    printf("event %s app=%s %s %s %s\n", what[h->what], h->app ? h->app : "-",
           h->object ? h->object : "-", h->action ? h->action : "-", h->text ? h->text : "");
    fflush(stdout);
}

static void on_line(void *user, bool is_stderr, const char *line, size_t n)
{
    (void)user;
    printf("log %s %.*s\n", is_stderr ? "err" : "out", (int)n, line);
}

static void on_look(void *user, const struct err *e)
{
    struct wait *w = user;

    w->left--;
    if (e->kind)
        printf("err %s %s\n", err_kind_name(e->kind), e->msg);
    else
        printf("ok look, %lld calls so far [%lld ms]\n", (long long)http_calls(http),
               (long long)(http_now_ms() - w->since_ms));
    fflush(stdout);
}

static void run_op(const struct op *op)
{
    struct wait w = {.left = 1, .since_ms = http_now_ms()};

    (void)driver->ops->submit(driver, op, on_done, on_progress, &w);
    loop(NULL, &w.left, 600000);
}

/* ---- bodies ---- */

static const char *dump(json_t *v)
{
    CLEANUP(str_release) struct str s = STR_INIT;

    js_canonical(v, &s);
    json_decref(v);
    return arena_strdup(arena, str_text(&s));
}

static json_t *labels(const char *app)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", LABEL_OWNER, "probe", LABEL_APP, app,
                     LABEL_SERVICE, "app", LABEL_INDEX, "1", LABEL_KEY, "default");
}

static const char *body_of(const char *app, char **args, size_t n)
{
    json_t *v = json_pack("{s:o}", "Labels", labels(app));

    if (n) {
        json_t *cmd = json_array();
        for (size_t i = 0; i < n; i++)
            json_array_append_new(cmd, json_string(args[i]));
        json_object_set_new(v, "Cmd", cmd);
    }
    if (n && strcmp(args[0], "sick") == 0)
        json_object_set_new(v, "Healthcheck",
                            json_pack("{s:[s,s], s:I, s:i, s:I}", "Test", "CMD-SHELL",
                                      "echo I am ill; exit 1", "Interval", (json_int_t)200000000,
                                      "Retries", 2, "Timeout", (json_int_t)1000000000));
    if (n && strcmp(args[0], "well") == 0)
        json_object_set_new(v, "Healthcheck",
                            json_pack("{s:[s,s], s:I, s:I}", "Test", "CMD-SHELL", "exit 0",
                                      "Interval", (json_int_t)200000000, "Timeout",
                                      (json_int_t)1000000000));
    if (n && (strcmp(args[0], "sick") == 0 || strcmp(args[0], "well") == 0))
        json_object_set_new(v, "Cmd", json_pack("[s,s]", "sleep", "1000"));
    if (n && strncmp(args[0], "port=", 5) == 0) {
        json_object_set_new(v, "Cmd", json_pack("[s,s]", "sleep", "1000"));
        json_object_set_new(v, "ExposedPorts", json_pack("{s:{}}", "80/tcp"));
        json_object_set_new(
            v, "HostConfig",
            json_pack("{s:{s:[{s:s}]}}", "PortBindings", "80/tcp", "HostPort", args[0] + 5));
    }
    return dump(v);
}

static void create(char **w, size_t n)
{
    run_op(&(struct op){.kind = OP_CONTAINER_CREATE,
                        .name = w[1],
                        .image = w[2],
                        .body = body_of(w[3], w + 4, n - 4),
                        .grace_s = -1});
}

/* ---- commands ---- */

static void look(char **w, size_t n)
{
    struct look scope = {.owner = "probe"};
    struct wait wait = {.left = 1, .since_ms = http_now_ms()};

    for (size_t i = 1; i < n; i++) {
        if (strcmp(w[i], "all") == 0)
            scope.everything = true;
        else if (strcmp(w[i], "cold") == 0)
            scope.everything = scope.inspect_owned = true;
        else
            strv_push(arena, &scope.images, w[i]);
    }
    driver->ops->look(driver, &scope, on_look, &wait);
    loop(NULL, &wait.left, 60000);
}

static void show(void)
{
    const struct observed *o = driver->ops->observed(driver, arena);

    printf("engine %s api %s\n", o->engine_version ? o->engine_version : "-",
           o->api_version ? o->api_version : "-");
    for (size_t i = 0; i < o->n_containers; i++) {
        const struct obs_container *c = &o->containers[i];
        printf("container %s app=%s %s %s exit=%d inspected=%d fields=%zu networks=%zu\n", c->name,
               c->app ? c->app : "-", container_state_name(c->state), health_name(c->health),
               c->exit_code, c->inspected, c->fields.n, c->n_networks);
    }
    for (size_t i = 0; i < o->n_networks; i++)
        printf("network %s app=%s\n", o->networks[i].name,
               o->networks[i].app ? o->networks[i].app : "-");
    for (size_t i = 0; i < o->n_volumes; i++)
        printf("volume %s app=%s\n", o->volumes[i].name,
               o->volumes[i].app ? o->volumes[i].app : "-");
    for (size_t i = 0; i < o->n_images; i++)
        printf("image %s %s\n", o->images[i].ref, o->images[i].id ? o->images[i].id : "absent");
    printf("ok show\n");
}

/* Many at once: every step is submitted for all before the first has ended. */
static void storm(size_t n, const char *image)
{
    static const enum op_kind kinds[] = {OP_CONTAINER_CREATE, OP_CONTAINER_START,
                                         OP_CONTAINER_REMOVE};
    static struct op ops[MOST];
    char *args[] = {(char[]){"sleep"}, (char[]){"1000"}};
    bool bad = false;

    n = n > MOST ? MOST : n;
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        struct wait w = {.left = n, .quiet = true, .since_ms = http_now_ms()};
        for (size_t i = 0; i < n; i++) {
            const char *name = arena_printf(arena, "storm-app-%zu", i + 1);
            ops[i] = (struct op){.kind = kinds[k],
                                 .name = name,
                                 .object = name,
                                 .image = image,
                                 .body = body_of("storm", args, 2),
                                 .grace_s = -1};
            (void)driver->ops->submit(driver, &ops[i], on_done, NULL, &w);
        }
        loop(NULL, &w.left, 300000);
        bad |= w.failed || w.left;
        printf("storm %s of %zu [%lld ms]\n", op_kind_name(kinds[k]), n,
               (long long)(http_now_ms() - w.since_ms));
    }
    printf("%s storm\n", bad ? "err" : "ok");
}

static void follow(void)
{
    driver->ops->follow(driver, on_happening, NULL);
    printf("ok follow\n");
}

static void until(const char *text, int64_t ms)
{
    int64_t since = http_now_ms();

    while (!strstr(str_text(&events), text) && http_now_ms() - since < ms)
        (void)http_poll(http, NULL, 0, 20, NULL);
    printf("%s until %s [%lld ms]\n", strstr(str_text(&events), text) ? "ok" : "err", text,
           (long long)(http_now_ms() - since));
    str_clear(&events);
    fflush(stdout);
}

static const char *joined(char **w, size_t n)
{
    const char *text = w[0];

    for (size_t i = 1; i < n; i++)
        text = arena_printf(arena, "%s %s", text, w[i]);
    return text;
}

static void passes(size_t n)
{
    struct arena *a = arena_new();
    size_t before = mallinfo2().uordblks;

    for (size_t i = 0; i < n; i++) {
        (void)driver->ops->observed(driver, a);
        arena_clear(a);
    }
    printf("ok passes %zu grew %zd bytes, one copy has ", n,
           (ssize_t)(mallinfo2().uordblks - before));
    (void)driver->ops->observed(driver, a);
    printf("%zu\n", arena_used(a));
    arena_free(a);
}

static void cancel(const char *kind, const char *object, int64_t ms)
{
    struct wait w = {.left = 1, .since_ms = http_now_ms()};
    bool never = false;
    struct op op = {.kind = strcmp(kind, "pull") == 0   ? OP_PULL
                            : strcmp(kind, "exit") == 0 ? OP_WAIT_EXIT
                                                        : OP_CONTAINER_START,
                    .object = object,
                    .grace_s = -1};
    struct ticket *t = driver->ops->submit(driver, &op, on_done, NULL, &w);

    loop(&never, &w.left, ms);
    if (w.left)
        driver->ops->cancel(driver, t);
    loop(NULL, &w.left, 60000);
}

static void run_logs(char **w)
{
    struct wait wait = {.left = 1, .since_ms = http_now_ms()};
    struct logs want = {.container = w[1], .tail = (int)strtol(w[2], NULL, 10)};

    (void)driver->ops->logs(driver, &want, on_line, on_done, &wait);
    loop(NULL, &wait.left, 30000);
}

static const struct {
    const char *word;
    enum op_kind kind;
} simple[] = {
    {"pull", OP_PULL},
    {"start", OP_CONTAINER_START},
    {"stop", OP_CONTAINER_STOP},
    {"rename", OP_CONTAINER_RENAME},
    {"restart", OP_CONTAINER_RESTART},
    {"unpause", OP_CONTAINER_UNPAUSE},
    {"remove", OP_CONTAINER_REMOVE},
    {"netremove", OP_NETWORK_REMOVE},
    {"volremove", OP_VOLUME_REMOVE},
};

static bool run_simple(char **w, size_t n)
{
    for (size_t i = 0; i < ARRAY_LEN(simple); i++) {
        if (strcmp(w[0], simple[i].word) != 0)
            continue;
        struct op op = {.kind = simple[i].kind, .object = w[1], .grace_s = -1};
        if (op.kind == OP_CONTAINER_RENAME)
            op.name = w[2];
        else if (n > 2)
            op.grace_s = (int)strtol(w[2], NULL, 10);
        run_op(&op);
        return true;
    }
    return false;
}

static bool run_wait(char **w, size_t n)
{
    int64_t last = strtoll(w[n - 1], NULL, 10);

    if (strcmp(w[0], "running") == 0)
        run_op(&(struct op){.kind = OP_WAIT_RUNNING,
                            .object = w[1],
                            .settle_ms = strtoll(w[2], NULL, 10),
                            .deadline_ms = last});
    else if (strcmp(w[0], "healthy") == 0)
        run_op(&(struct op){.kind = OP_WAIT_HEALTHY, .object = w[1], .deadline_ms = last});
    else if (strcmp(w[0], "exit") == 0)
        run_op(&(struct op){.kind = OP_WAIT_EXIT, .object = w[1], .deadline_ms = last});
    else
        return false;
    return true;
}

static bool run_network(char **w)
{
    if (strcmp(w[0], "network") == 0)
        run_op(&(struct op){.kind = OP_NETWORK_CREATE,
                            .name = w[1],
                            .body = dump(json_pack("{s:s, s:b, s:o}", "Name", w[1],
                                                   "CheckDuplicate", 1, "Labels", labels(w[2])))});
    else if (strcmp(w[0], "volume") == 0)
        run_op(&(struct op){
            .kind = OP_VOLUME_CREATE,
            .name = w[1],
            .body = dump(json_pack("{s:s, s:o}", "Name", w[1], "Labels", labels(w[2])))});
    else if (strcmp(w[0], "connect") == 0)
        run_op(&(struct op){
            .kind = OP_NETWORK_CONNECT,
            .network = w[1],
            .object = w[2],
            .body = dump(json_pack("{s:s, s:{}}", "Container", w[2], "EndpointConfig"))});
    else if (strcmp(w[0], "disconnect") == 0)
        run_op(&(struct op){.kind = OP_NETWORK_DISCONNECT, .network = w[1], .object = w[2]});
    else
        return false;
    return true;
}

static void run(char **w, size_t n)
{
    if (strcmp(w[0], "follow") == 0)
        follow();
    else if (strcmp(w[0], "until") == 0)
        until(joined(w + 1, n - 2), strtoll(w[n - 1], NULL, 10));
    else if (strcmp(w[0], "look") == 0)
        look(w, n);
    else if (strcmp(w[0], "show") == 0)
        show();
    else if (strcmp(w[0], "create") == 0)
        create(w, n);
    else if (strcmp(w[0], "logs") == 0)
        run_logs(w);
    else if (strcmp(w[0], "sleep") == 0)
        loop(NULL, NULL, strtoll(w[1], NULL, 10));
    else if (strcmp(w[0], "calls") == 0)
        printf("ok %llu calls\n", (unsigned long long)http_calls(http));
    else if (strcmp(w[0], "storm") == 0)
        storm((size_t)strtoll(w[1], NULL, 10), w[2]);
    else if (strcmp(w[0], "passes") == 0)
        passes((size_t)strtoll(w[1], NULL, 10));
    else if (strcmp(w[0], "cancel") == 0)
        cancel(w[1], w[2], strtoll(w[3], NULL, 10));
    else if (!run_simple(w, n) && !run_wait(w, n) && !run_network(w))
        printf("err unknown command %s\n", w[0]);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct err e = {0};
    char line[1024];

    if (argc < 2)
        return 2;
    struct http_target target = {.url = argv[1]};

    if (argc > 3)
        target = (struct http_target){argv[1], argv[3], true, true};
    http = http_new(&target, &e);
    driver = http ? docker_new(http, 2, argc > 2 ? argv[2] : NULL, &e) : NULL;
    if (!driver) {
        printf("err %s %s\n", err_kind_name(e.kind), e.msg);
        return 1;
    }
    arena = arena_new();
    while (fgets(line, sizeof(line), stdin)) {
        char *words[WORDS], *rest = NULL;
        size_t n = 0;
        for (char *w = strtok_r(line, " \n", &rest); w && n < WORDS;
             w = strtok_r(NULL, " \n", &rest))
            words[n++] = w;
        if (n > 0 && words[0][0] != '#')
            run(words, n);
        arena_clear(arena);
    }
    driver->ops->free(driver);
    http_free(http);
    arena_free(arena);
    str_release(&events);
    return 0;
}
