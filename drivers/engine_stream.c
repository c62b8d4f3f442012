/* engine_stream.c: the engine's streams into messages: lines, log frames, pull progress.
 *
 * In: bytes as they arrive, cut anywhere. Out: whole lines, log lines with their stream, and how far a pull is. What is kept
 * between two pieces is bounded, whatever is sent. It reads no clock: how often progress is shown is the caller's
 * business.
 *
 * Source: Docker Engine API, ContainerAttach (stream format), ImageCreate. */
#include "drivers/engine_stream.h"

#include <string.h>

#include "spec/base/arena.h"
#include "spec/base/attr.h"
#include "spec/limits.h"

/* ---- lines ---- */

static int give_line(struct line_split *s, line_fn *fn, void *user)
{
    int answer = 0;

    if (s->buf.len > 0 && s->buf.buf[s->buf.len - 1] == '\r')
        s->buf.buf[--s->buf.len] = '\0';
    if (s->buf.len > 0)
        answer = fn(user, str_text(&s->buf), s->buf.len);
    str_clear(&s->buf);
    return answer;
}

int line_split_feed(struct line_split *s, const char *bytes, size_t n, line_fn *fn, void *user)
{
    while (n > 0) {
        const char *end = memchr(bytes, '\n', n);
        size_t part = end ? (size_t)(end - bytes) : n;

        if (part > LIMIT_STREAM_LINE - s->buf.len)
            return -1;
        str_addn(&s->buf, bytes, part);
        if (!end)
            return 0;
        int answer = give_line(s, fn, user);

        if (answer)
            return answer;
        bytes += part + 1;
        n -= part + 1;
    }
    return 0;
}

int line_split_end(struct line_split *s, line_fn *fn, void *user)
{
    return give_line(s, fn, user);
}

void line_split_release(struct line_split *s)
{
    str_release(&s->buf);
}

/* ---- logs ---- */

static void give_log_line(struct log_frames *f, bool is_stderr, log_frame_fn *fn, void *user)
{
    struct str *line = &f->line[is_stderr];

    /* A terminal ends its lines with both. */
    if (f->tty && line->len > 0 && line->buf[line->len - 1] == '\r')
        line->buf[--line->len] = '\0';
    fn(user, is_stderr, str_text(line), line->len);
    str_clear(line);
}

static void add_log_bytes(struct log_frames *f, bool is_stderr, const char *bytes, size_t n,
                          log_frame_fn *fn, void *user)
{
    struct str *line = &f->line[is_stderr];

    while (n > 0) {
        const char *end = memchr(bytes, '\n', n);
        size_t part = end ? (size_t)(end - bytes) : n;
        size_t room = LIMIT_STREAM_LINE - line->len;

        if (part > room) {
            end = NULL;
            part = room;
        }
        str_addn(line, bytes, part);
        if (end || line->len == LIMIT_STREAM_LINE)
            give_log_line(f, is_stderr, fn, user);
        bytes += part + (end != NULL);
        n -= part + (end != NULL);
    }
}

static size_t take_header(struct log_frames *f, const char *bytes, size_t n)
{
    size_t part = sizeof(f->header) - f->have;

    if (part > n)
        part = n;
    memcpy(f->header + f->have, bytes, part);
    f->have += part;
    return part;
}

/* 0 stdin, 1 stdout, 2 stderr, 3 an error of the engine itself; then three zeros. */
static bool header_plausible(const unsigned char *h)
{
    return h[0] <= 3 && h[1] == 0 && h[2] == 0 && h[3] == 0;
}

void log_frames_feed(struct log_frames *f, const char *bytes, size_t n, log_frame_fn *fn,
                     void *user)
{
    while (n > 0 && !f->tty) {
        if (f->left == 0) {
            size_t part = take_header(f, bytes, n);

            bytes += part;
            n -= part;
            if (f->have < sizeof(f->header))
                return;
            const unsigned char *h = f->header;

            f->have = 0;
            f->left = (size_t)h[4] << 24 | (size_t)h[5] << 16 | (size_t)h[6] << 8 | h[7];
            if (!header_plausible(h)) {
                f->tty = true;
                add_log_bytes(f, false, (const char *)h, sizeof(f->header), fn, user);
            }
            continue;
        }
        size_t part = f->left < n ? f->left : n;

        add_log_bytes(f, f->header[0] >= 2, bytes, part, fn, user);
        f->left -= part;
        bytes += part;
        n -= part;
    }
    if (n > 0)
        add_log_bytes(f, false, bytes, n, fn, user);
}

void log_frames_end(struct log_frames *f, log_frame_fn *fn, void *user)
{
    for (int i = 0; i < 2; i++)
        if (f->line[i].len > 0)
            give_log_line(f, i == 1, fn, user);
}

void log_frames_release(struct log_frames *f)
{
    str_release(&f->line[0]);
    str_release(&f->line[1]);
}
