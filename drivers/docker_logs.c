/* docker_logs.c: a container's log, followed or only its last lines.
 *
 * In: which container, from when, how much. Out: lines, with the stream they were written to.
 * Whether the bytes are framed depends on the container's terminal, which only inspect tells reliably (20.10 sends no
 * content type), so that is asked first. Lines for a verdict are cut and counted; those for a reader are not. */
#include "drivers/docker_parts.h"

#include <string.h>

#include "spec/base/arena.h"

enum {
    TAIL_LINES = 10,
    TAIL_LINE_BYTES = 300,
    TAIL_SILENCE_MS = 5000,
    READ_SILENCE_MS = 60 * 1000,
};

struct log_reader {
    struct log_frames frames;
    struct logs want;
    log_line_fn *line;
    void *user;
    struct err why; /* of a tail: what the ticket ends with */
};

void docker_logs_release(struct ticket *t)
{
    if (!t->reader)
        return;
    log_frames_release(&t->reader->frames);
    free(TAKE(t->reader));
}

static const char *path_of(struct ticket *t, const struct logs *want)
{
    const char *path =
        docker_path(t->arena, "/containers/", want->container, "/logs?stdout=1&stderr=1");

    if (want->follow)
        path = arena_printf(t->arena, "%s&follow=1", path);
    if (want->timestamps)
        path = arena_printf(t->arena, "%s&timestamps=1", path);
    if (want->tail >= 0)
        path = arena_printf(t->arena, "%s&tail=%d", path, want->tail);
    if (want->since_ms > 0)
        path = arena_printf(t->arena, "%s&since=%lld.%03lld", path,
                            (long long)want->since_ms / 1000, (long long)want->since_ms % 1000);
    return path;
}

static void give_line(void *user, bool is_stderr, const char *line, size_t n)
{
    struct ticket *t = user;

    /* A reader may cancel from inside its own callback. */
    if (!t->cancelled)
        t->reader->line(t->reader->user, is_stderr, line, n);
}

static bool on_bytes(void *user, const char *bytes, size_t n)
{
    struct ticket *t = user;

    log_frames_feed(&t->reader->frames, bytes, n, give_line, t);
    return true;
}

static void read_log(struct ticket *t, int64_t silence_ms, http_done_fn *done)
{
    t->call = docker_send(t->d, &(struct http_request){
                                    .method = "GET",
                                    .path = path_of(t, &t->reader->want),
                                    .stream = true,
                                    .timeout_ms = silence_ms,
                                    .data = on_bytes,
                                    .done = done,
                                    .user = t,
                                });
}

/* ---- for readers ---- */

static void on_read(void *user, const struct http_reply *reply)
{
    struct ticket *t = user;
    struct err e = {0};

    t->call = NULL;
    log_frames_end(&t->reader->frames, give_line, t);
    if (reply->err.kind || reply->status >= 300)
        (void)docker_failure(reply, &e);
    ticket_end(t, &e);
}

static void on_terminal(void *user, const struct http_reply *reply)
{
    struct ticket *t = user;
    struct err e = {0};
    json_t *v = NULL;

    t->call = NULL;
    if (reply->err.kind || reply->status >= 300)
        (void)docker_failure(reply, &e);
    else
        v = js_parse(reply->body, reply->n, &e);
    t->reader->frames.tty = js_bool(v, "Config.Tty", false);
    json_decref(v);
    if (e.kind)
        ticket_end(t, &e);
    else
        read_log(t, t->reader->want.follow ? 0 : READ_SILENCE_MS, on_read);
}

struct ticket *docker_logs(struct driver *driver, const struct logs *want, log_line_fn *line,
                           op_done_fn *done, void *user)
{
    struct ticket *t = ticket_new((struct docker *)driver, LANE_WAIT, done, user);

    t->reader = xcalloc(1, sizeof(*t->reader));
    t->reader->want = *want;
    t->reader->want.container = arena_strdup(t->arena, want->container);
    t->reader->line = line;
    t->reader->user = user;
    ticket_begin(t);
    ticket_ask(t, "GET", docker_path(t->arena, "/containers/", want->container, "/json"), NULL,
               on_terminal);
    return t;
}

/* ---- for verdicts ---- */

static void keep_line(void *user, bool is_stderr, const char *line, size_t n)
{
    struct ticket *t = user;
    size_t end = n;

    (void)is_stderr;
    if (n > TAIL_LINE_BYTES)
        for (end = TAIL_LINE_BYTES; end > 0 && ((unsigned char)line[end] & 0xc0) == 0x80;)
            end--;
    str_addn(&t->tail, line, end);
    str_add(&t->tail, end < n ? "...\n" : "\n");
}

static void on_tail(void *user, const struct http_reply *reply)
{
    struct ticket *t = user;
    struct err why = t->reader->why;

    (void)reply; /* without a log the verdict stands all the same */
    t->call = NULL;
    log_frames_end(&t->reader->frames, give_line, t);
    if (t->tail.len > 0)
        t->result.log_tail = str_text(&t->tail);
    ticket_end(t, &why);
}

void docker_end_with_tail(struct ticket *t, bool tty, const struct err *why)
{
    t->reader = xcalloc(1, sizeof(*t->reader));
    t->reader->want = (struct logs){.container = t->op->object, .tail = TAIL_LINES};
    t->reader->frames.tty = tty;
    t->reader->line = keep_line;
    t->reader->user = t;
    t->reader->why = *why;
    read_log(t, TAIL_SILENCE_MS, on_tail);
}
