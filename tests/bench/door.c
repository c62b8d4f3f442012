/* door.c: the door while nothing is sent through it: clients that only listen, and the list of apps asked for at a steady rate beside a converge.
 *
 * In: an agent with 300 stopped apps and a token of its own; nginx (BENCH_NGINX, or the reason why there is none). Out: memory with 500 listeners, the time until the last of them heard of a changed
 * file, how long the slowest of a hundred lists takes, and what a converge costs beside them: against the same converge beside nginx, which gives the same bytes at the same rate. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/tokens.h"
#include "spec/base/arena.h"
#include "spec/base/str.h"
#include "tests/bench/bench.h"
#include "tests/bench/gate.h"
#include "tests/bench/pacer.h"
#include "tests/bench/process.h"
#include "tests/bench/raw.h"
#include "tests/bench/seen.h"
#include "tests/bench/table.h"
#include "tests/bench/visit.h"

enum {
    LISTENERS = 500,
    CHANGES = 5,
    APPS = 300,
    RATE = 200,
    NGINX_PORT = 5081,
    COMING = 20,
    ROUNDS_MOST = 5,
    WORDS = 256
};

void gate_head(const struct gate *g, const char *method, const char *path, struct str *out)
{
    str_addf(out, "%s %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n", method, path,
             g->token);
}

double gate_anon_mb(const struct gate *g)
{
    return process_usage(g->agent).anon_kb / 1024;
}

/* ---- sockets ---- */

static int dial(void)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(GATE_PORT), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

/* Open, with a request sent. */
static int ask(const struct gate *g, const char *path)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    int fd = dial();

    gate_head(g, "GET", path, &text);
    str_add(&text, "\r\n");
    if (fd < 0 || send(fd, text.buf, text.len, MSG_NOSIGNAL) != (ssize_t)text.len)
        bench_die("the agent cannot be asked: %s", strerror(errno));
    return fd;
}

/* ---- listeners ---- */

struct listener {
    int fd;
    char last[WORDS * 2]; /* of what came: enough to find words that came in pieces */
    size_t n;
};

/* Everything that is there, kept as far as words may still be found in it. */
static bool heard(struct listener *l, const char *words)
{
    bool found = false;

    for (;;) {
        ssize_t n = recv(l->fd, l->last + l->n, sizeof(l->last) - 1 - l->n, MSG_DONTWAIT);

        if (n < 0 && errno == EAGAIN)
            return found;
        if (n <= 0)
            bench_die("a listener was dropped");
        l->n += (size_t)n;
        l->last[l->n] = '\0';
        found |= strstr(l->last, words) != NULL;
        if (l->n > WORDS) {
            memmove(l->last, l->last + l->n - WORDS, WORDS);
            l->n = WORDS;
        }
    }
}

/* The time at which the last of them had these words. */
static double all_hear(struct listener *v, size_t n, const char *words)
{
    struct pollfd *p = xcalloc(n, sizeof(*p));
    size_t had = 0;
    double end = bench_now_ms() + 60000, last = 0;

    for (size_t i = 0; i < n; i++)
        p[i] = (struct pollfd){.fd = v[i].fd, .events = POLLIN};
    while (had < n) {
        if (poll(p, n, 1000) < 0 || bench_now_ms() > end)
            bench_die("%zu of %zu listeners heard \"%s\"", had, n, words);
        for (size_t i = 0; i < n; i++) {
            if (p[i].fd < 0 || !p[i].revents || !heard(&v[i], words))
                continue;
            last = bench_now_ms();
            p[i].fd = -1;
            had++;
        }
    }
    free(p);
    return last;
}

/* ---- the world ---- */

static const char *app_path(const struct gate *g, const char *folder, const char *name)
{
    return arena_printf(g->b->arena, "%s/%s.yaml", folder, name);
}

static double write_app(const struct gate *g, const char *folder, const char *name,
                        const char *more)
{
    return bench_write(g->b, app_path(g, folder, name),
                       arena_printf(g->b->arena,
                                    "app: %s\nimage: " BENCH_IMAGE
                                    "\ncommand: [sleep, \"100000\"]\nstop_signal: SIGKILL\n"
                                    "network_mode: none\n%s",
                                    name, more));
}

static void open_gate(struct gate *g, struct bench *b)
{
    struct tokens *t;
    struct err e = {0};
    struct token wanted = {.name = "bench", .by = "bench", .scope = ROLE_ADMIN};
    char text[TOKENS_TEXT];

    *g = (struct gate){.b = b, .root = bench_path(b, "door"), .state = bench_path(b, "door.state")};
    bench_mkdir(g->root);
    bench_mkdir(g->state);
    if (tokens_open(g->state, &t, &e) < 0 || tokens_create(t, &wanted, 1, text, &e) < 0)
        bench_die("no token: %s", e.msg);
    tokens_free(t);
    g->token = arena_strdup(b->arena, text);
    for (int i = 0; i < APPS; i++)
        (void)write_app(g, g->root, arena_printf(b->arena, "st%03d", i), "state: stopped\n");
    (void)setenv("EVENKEEL_ADMIN_PASSWORD", GATE_PASSWORD, 1);
    g->agent = process_start(b, "agent", g->root, g->state, b->engine);
    for (int i = 0; i < 400 && visit("127.0.0.1", GATE_PORT, "/healthz") != 200; i++)
        bench_pause(b, 50);
    process_quiet(b, g->agent, 2000);
}

static void measure_listeners(struct gate *g)
{
    struct listener *v = xcalloc(LISTENERS, sizeof(*v));
    struct bench *b = g->b;
    double took[CHANGES];

    for (size_t i = 0; i < LISTENERS; i++)
        v[i].fd = ask(g, "/api/v1/events");
    (void)all_hear(v, LISTENERS, "event: hello");
    bench_pause(b, 3000); /* at rest: what their arrival took goes back */
    table_bound(b->table, "500 listeners at rest: RssAnon", "MB", gate_anon_mb(g), 48);
    for (int i = 0; i < CHANGES; i++) {
        const char *name = arena_printf(b->arena, "change%d", i);
        double at = write_app(g, g->root, name, "state: stopped\n");

        took[i] = all_hear(v, LISTENERS, arena_printf(b->arena, "\"app\":\"%s\"", name)) - at;
        bench_pause(b, 500);
    }
    table_bound(b->table, "500 listeners: from a file's rename until the last has heard", "ms",
                median(took, CHANGES), 250);
    for (size_t i = 0; i < LISTENERS; i++)
        (void)close(v[i].fd);
    free(v);
}

/* ---- the list, at a rate ---- */

/* What the list says, without its head. */
static void read_list(struct gate *g, struct str *out)
{
    CLEANUP(str_release) struct str all = STR_INIT;
    int fd = ask(g, "/api/v1/apps");
    char buf[16384];
    ssize_t n;

    while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
        str_addn(&all, buf, (size_t)n);
    (void)close(fd);
    const char *body = strstr(str_text(&all), "\r\n\r\n");

    if (!body || strncmp(str_text(&all), "HTTP/1.1 200", 12) != 0)
        bench_die("no list of apps: %.200s", str_text(&all));
    str_add(out, body + 4);
}

/* nginx as it comes: a process per processor, the file from the page cache. */
static pid_t start_nginx(struct gate *g, const char *program)
{
    CLEANUP(str_release) struct str list = STR_INIT;
    struct bench *b = g->b;
    const char *folder = bench_path(b, "nginx"), *conf = bench_path(b, "nginx/nginx.conf");

    bench_mkdir(folder);
    read_list(g, &list);
    (void)bench_write(b, bench_path(b, "nginx/apps"), str_text(&list));
    (void)bench_write(b, conf,
                      arena_printf(b->arena,
                                   "user root;\nworker_processes auto;\ndaemon off;\npid %s/pid;\n"
                                   "error_log %s/error.log;\nevents {}\nhttp {\n  access_log off;\n"
                                   "  sendfile on;\n  default_type application/json;\n"
                                   "  client_body_temp_path %s/t1;\n  proxy_temp_path %s/t2;\n"
                                   "  fastcgi_temp_path %s/t3;\n  uwsgi_temp_path %s/t4;\n"
                                   "  scgi_temp_path %s/t5;\n"
                                   "  server { listen 127.0.0.1:%d; root %s; }\n}\n",
                                   folder, folder, folder, folder, folder, folder, folder,
                                   NGINX_PORT, folder));
    const char *const argv[] = {program, "-c", conf, "-e", bench_path(b, "nginx/error.log"), NULL};
    pid_t pid = process_run(b, "nginx", argv);

    for (int i = 0; visit("127.0.0.1", NGINX_PORT, "/apps") != 200; i++) {
        if (i > 100)
            bench_die("nginx does not answer: see nginx.log");
        bench_pause(b, 50);
    }
    return pid;
}

static void write_list_request(void *ctx, size_t i, struct str *out)
{
    (void)i;
    gate_head(ctx, "GET", "/api/v1/apps", out);
    str_add(out, "\r\n");
}

static void write_nginx_request(void *ctx, size_t i, struct str *out)
{
    (void)i;
    gate_head(ctx, "GET", "/apps", out);
    str_add(out, "Connection: close\r\n\r\n");
}

/* From the rename of a folder of new apps to the last of them having started, while somebody asks. */
static double converge(struct gate *g, int turn, const struct pace *pace, struct paced *ret)
{
    struct bench *b = g->b;
    const char *aside = bench_path(b, "coming%d", turn);
    const char *folder = arena_printf(b->arena, "%s/coming", g->root);
    const char *gone = bench_path(b, "gone%d", turn),
               *prefix = arena_printf(b->arena, "up%d", turn);
    size_t mark;

    bench_mkdir(aside);
    for (int i = 0; i < COMING; i++)
        (void)write_app(g, aside, arena_printf(b->arena, "%s-%02d", prefix, i), "");
    struct pacer *p = pace ? pacer_start(pace) : NULL;

    bench_pause(b, 500); /* it has its pace */
    mark = seen_mark(b->seen);
    double from = bench_now_ms();

    if (rename(aside, folder) < 0)
        bench_die("%s: %s", aside, strerror(errno));
    double took = seen_wait(b->seen, mark, "container", "start", prefix, COMING) - from;

    if (p)
        *ret = pacer_end(p);
    process_quiet(b, g->agent, 1000);
    if (rename(folder, gone) < 0)
        bench_die("%s: %s", folder, strerror(errno));
    raw_wipe(b); /* so many removals at once would be held */
    process_quiet(b, g->agent, 1000);
    return took;
}

/* With nothing else to do: what one list costs. */
static void measure_list_at_rest(struct gate *g, const struct pace *at_rate)
{
    struct bench *b = g->b;
    struct pace pace = *at_rate;

    pace.most = RATE * 3;
    double before = process_usage(g->agent).cpu_ms;
    struct pacer *p = pacer_start(&pace);

    while (!pacer_done(p))
        bench_pause(b, 50);
    struct paced x = pacer_end(p);

    table_note(b->table, "list of 300 apps, 200/s: CPU of each", "ms",
               (process_usage(g->agent).cpu_ms - before) / (double)pace.most);
    table_note(b->table, "  p99", "ms", paced_share(&x, 0.99));
    free(x.took_ms);
}

static void measure_list(struct gate *g)
{
    struct bench *b = g->b;
    const char *program = getenv("BENCH_NGINX");
    const struct pace ours = {
        .port = GATE_PORT, .rate = RATE, .write = write_list_request, .ctx = g};
    const struct pace theirs = {
        .port = NGINX_PORT, .rate = RATE, .write = write_nginx_request, .ctx = g};
    double p99[ROUNDS_MOST], middle[ROUNDS_MOST], door[ROUNDS_MOST], beside[ROUNDS_MOST],
        alone[ROUNDS_MOST], nginx99[ROUNDS_MOST];
    size_t rounds = b->quick ? 1 : ROUNDS_MOST, lost = 0;
    pid_t nginx = program && *program ? start_nginx(g, program) : 0;

    measure_list_at_rest(g, &ours);
    for (size_t i = 0; i < rounds; i++) {
        struct paced x = {0};
        int turn = (int)i * 3;

        alone[i] = converge(g, turn, NULL, NULL);
        door[i] = converge(g, turn + 1, &ours, &x);
        p99[i] = paced_share(&x, 0.99);
        middle[i] = paced_share(&x, 0.5);
        lost += x.lost + x.n - x.good;
        free(x.took_ms);
        beside[i] = nginx ? converge(g, turn + 2, &theirs, &x) : 0;
        nginx99[i] = nginx ? paced_share(&x, 0.99) : 0;
        lost += nginx ? x.lost + x.n - x.good : 0;
        if (nginx)
            free(x.took_ms);
        bench_say("    alone %.0f ms, beside the door %.0f, beside nginx %.0f; p99 %.1f, %.1f ms",
                  alone[i], door[i], beside[i], p99[i], nginx99[i]);
    }
    table_bound(b->table, "list of 300 apps, 200/s beside a converge: p99", "ms",
                median(p99, rounds), 20);
    table_note(b->table, "  median", "ms", median(middle, rounds));
    table_bound(b->table, "  of these without an answer", "", (double)lost, 0);
    if (nginx) {
        table_note(b->table, "  nginx at the same rate: p99", "ms", median(nginx99, rounds));
        table_ratio(b->table, "20 apps coming up beside the lists (raw: beside nginx's)", "ms",
                    median(door, rounds), median(beside, rounds), 1.25, 0);
        (void)kill(nginx, SIGTERM);
        (void)process_wait(b, nginx);
    } else {
        table_skip(b->table, "20 apps coming up beside the lists", getenv("BENCH_NO_NGINX"));
    }
    table_note(b->table, "  the same with nobody asking", "ms", median(alone, rounds));
}

void measure_door(struct bench *b)
{
    struct gate g;
    struct rlimit l;

    if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
        l.rlim_cur = l.rlim_max; /* a thousand clients at once */
        (void)setrlimit(RLIMIT_NOFILE, &l);
    }
    open_gate(&g, b);
    measure_listeners(&g);
    measure_list(&g);
    measure_gate_logins(&g);
    measure_gate_uploads(&g);
    process_stop(b, g.agent);
}
