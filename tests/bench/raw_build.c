/* raw_build.c: one build as directly as it can be asked for.
 *
 * In: a tar file, or a folder that tar(1) packs into a pipe. Out: the time from the request to the event that gives the image its name, which is the
 * last thing that a build does. The reply is read to its end and not decoded: an image without a name is an error enough. */
#include "tests/bench/raw_build.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drivers/http.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/base/str.h"
#include "tests/bench/bench.h"
#include "tests/bench/raw.h"
#include "tests/bench/seen.h"

struct post {
    int fd;
    bool over;
    struct str said; /* the end of the reply */
};

static long on_feed(void *user, void *buf, size_t n)
{
    struct post *p = user;
    ssize_t got;

    do
        got = read(p->fd, buf, n);
    while (got < 0 && errno == EINTR);
    return got;
}

static bool on_data(void *user, const char *bytes, size_t n)
{
    struct post *p = user;

    str_clear(&p->said);
    str_addn(&p->said, bytes, n);
    return true;
}

static void on_done(void *user, const struct http_reply *reply)
{
    struct post *p = user;

    if (reply->err.kind || reply->status >= 300)
        bench_die("a direct build: %d %s", reply->status,
                  reply->err.kind ? reply->err.msg : reply->body);
    p->over = true;
}

/* Takes the descriptor. */
static double post(struct bench *b, const char *name, int fd, double from)
{
    size_t mark = seen_mark(b->seen);
    struct post p = {.fd = fd};
    struct err e = {0};

    (void)http_send(
        b->http, &(struct http_request){
                     .method = "POST",
                     .path = arena_printf(b->arena, "/build?version=2&rm=1&forcerm=1&t=%s", name),
                     .unversioned = true,
                     .stream = true,
                     .data = on_data,
                     .feed = on_feed,
                     .done = on_done,
                     .user = &p,
                 });
    while (!p.over)
        if (http_poll(b->http, NULL, 0, -1, &e) < 0)
            bench_die("%s", e.msg);
    (void)close(fd);
    if (strstr(str_text(&p.said), "errorDetail"))
        bench_die("a direct build: %s", str_text(&p.said));
    str_release(&p.said);
    return seen_wait(b->seen, mark, "image", "tag", name, 1) - from;
}

double raw_build_file(struct bench *b, const char *name, const char *tar)
{
    int fd = open(tar, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        bench_die("%s: %s", tar, strerror(errno));
    return post(b, name, fd, bench_now_ms());
}

double raw_build_folder(struct bench *b, const char *name, const char *folder)
{
    const char *const argv[] = {"tar", "-C", folder, "-c", ".", NULL};
    posix_spawn_file_actions_t actions;
    double from = bench_now_ms();
    int ends[2], status;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0)
        bench_die("no pipe: %s", strerror(errno));
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    if (posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ) != 0)
        bench_die("cannot start tar");
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    double took = post(b, name, ends[0], from);

    if (waitpid(pid, &status, 0) < 0 || status != 0)
        bench_die("tar failed");
    return took;
}

/* ---- cleaning up ---- */

void raw_build_wipe(struct bench *b)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    json_t *item, *name;
    size_t i, k;

    if (raw_call(b->http, "GET", "/images/json", NULL, &text) != 200)
        bench_die("GET /images/json: %s", str_text(&text));
    json_t *all = js_parse(text.buf, text.len, NULL);

    json_array_foreach(all, i, item) json_array_foreach(json_object_get(item, "RepoTags"), k, name)
    {
        const char *ref = json_string_value(name);

        if (strncmp(ref, "evenkeel/", 9) == 0 || strncmp(ref, "rawbuild/", 9) == 0)
            (void)raw_call(b->http, "DELETE", arena_printf(b->arena, "/images/%s?force=1", ref),
                           NULL, NULL);
    }
    json_decref(all);
    (void)raw_call(b->http, "POST", "/build/prune?all=1", NULL, NULL);
}
