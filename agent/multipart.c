/* A form with files, read as it comes in.
 *
 * Comes in: a Content-Type and a way to read. Goes out: one part after another. What it holds back from a reader are at most as many bytes as the boundary has, since they could be its beginning. */
#include "agent/multipart.h"

#include <string.h>
#include <strings.h>

#include "spec/base/arena.h"
#include "spec/base/str.h"

enum { BUFFER = 32768, HEAD_MAX = 4096, BOUNDARY_MAX = 70, PARTS_MAX = 64 };

struct multipart {
    multipart_read_fn *read;
    void *ctx;
    char mark[BOUNDARY_MAX + 5]; /* CR LF -- boundary */
    size_t mark_len;
    char buf[BUFFER];
    size_t from, to; /* what is unread of buf */
    bool in_part, over, ended;
    int parts;
};

/* boundary=abc or boundary="a b c", among other parameters */
static int find_boundary(const char *type, char ret[BOUNDARY_MAX + 1])
{
    const char *at = strcasestr(type, "boundary=");
    size_t n;

    if (strncasecmp(type, "multipart/form-data", 19) != 0 || !at)
        return -1;
    at += 9;
    if (*at == '"') {
        at++;
        n = strcspn(at, "\"");
        if (at[n] != '"')
            return -1;
    } else {
        n = strcspn(at, "; \t");
    }
    if (n == 0 || n > BOUNDARY_MAX)
        return -1;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)at[i] < ' ' || (unsigned char)at[i] > '~')
            return -1;
    memcpy(ret, at, n);
    ret[n] = '\0';
    return 0;
}

struct multipart *multipart_new(const char *content_type, multipart_read_fn *read, void *ctx,
                                struct err *e)
{
    char boundary[BOUNDARY_MAX + 1];

    if (find_boundary(content_type, boundary) < 0) {
        (void)err_set(e, ERR_USER, "the Content-Type is no multipart/form-data with a boundary");
        return NULL;
    }
    struct multipart *m = xcalloc(1, sizeof(*m));

    m->read = read;
    m->ctx = ctx;
    m->mark_len = (size_t)snprintf(m->mark, sizeof(m->mark), "\r\n--%s", boundary);
    /* The first boundary has no line before it; this is one. */
    memcpy(m->buf, "\r\n", 2);
    m->to = 2;
    m->in_part = true; /* what is before the first boundary is nobody's */
    return m;
}

void multipart_free(struct multipart *m)
{
    free(m);
}

/* More bytes behind those that are there. -1: broken off. */
static int fill(struct multipart *m, struct err *e)
{
    if (m->from > 0) {
        memmove(m->buf, m->buf + m->from, m->to - m->from);
        m->to -= m->from;
        m->from = 0;
    }
    long n = m->ended || m->to == BUFFER ? 0 : m->read(m->ctx, m->buf + m->to, BUFFER - m->to);

    if (n <= 0) {
        m->ended = true;
        return err_set(e, ERR_USER, "the form breaks off before its last boundary");
    }
    m->to += (size_t)n;
    return 0;
}

/* How many bytes of the part are there for certain; *ret_mark: and then comes its end. */
static size_t clear_bytes(const struct multipart *m, bool *ret_mark)
{
    size_t there = m->to - m->from;
    const char *at = m->buf + m->from;
    const char *mark = memmem(at, there, m->mark, m->mark_len);

    *ret_mark = mark != NULL;
    if (mark)
        return (size_t)(mark - at);
    return there >= m->mark_len ? there - (m->mark_len - 1) : 0;
}

long multipart_bytes(struct multipart *m, void *buf, size_t n, struct err *e)
{
    while (m->in_part) {
        bool mark;
        size_t clear = clear_bytes(m, &mark);

        if (clear > 0) {
            size_t take = clear < n ? clear : n;

            memcpy(buf, m->buf + m->from, take);
            m->from += take;
            return (long)take;
        }
        if (mark) {
            m->from += m->mark_len;
            m->in_part = false;
            return 0;
        }
        if (fill(m, e) < 0)
            return -1;
    }
    return 0;
}

static int skip_part(struct multipart *m, struct err *e)
{
    char nothing[4096];
    long n;

    while ((n = multipart_bytes(m, nothing, sizeof(nothing), e)) > 0)
        ;
    return n < 0 ? -1 : 0;
}

/* What follows a boundary: "--" ends the form, else a line's end and a head. */
static int after_boundary(struct multipart *m, struct err *e)
{
    while (m->to - m->from < 2)
        if (fill(m, e) < 0)
            return -1;
    if (memcmp(m->buf + m->from, "--", 2) == 0) {
        m->over = true;
        return 0;
    }
    if (memcmp(m->buf + m->from, "\r\n", 2) != 0)
        return err_set(e, ERR_USER, "a boundary of the form is followed by something else");
    return 0; /* the line's end stays: a head may be empty, and ends in an empty line */
}

/* name="..." or filename="..." of a Content-Disposition; quotes inside are sent as %22 (WHATWG). */
static int take_word(const char *line, const char *word, char *ret, size_t max)
{
    char key[32];
    int n = snprintf(key, sizeof(key), "; %s=\"", word);
    const char *at = strcasestr(line, key);
    size_t len;

    ret[0] = '\0';
    if (!at)
        return 0;
    at += n;
    len = strcspn(at, "\"");
    if (at[len] != '"' || len >= max)
        return -1;
    memcpy(ret, at, len);
    ret[len] = '\0';
    return 1;
}

static int read_head(struct multipart *m, struct multipart_part *ret, struct err *e)
{
    const char *end;
    char head[HEAD_MAX + 1], *save = NULL;
    bool named = false;

    while (!(end = memmem(m->buf + m->from, m->to - m->from, "\r\n\r\n", 4))) {
        if (m->to - m->from > HEAD_MAX)
            return err_set(e, ERR_USER, "the head of a part of the form is too large");
        if (fill(m, e) < 0)
            return -1;
    }
    size_t n = (size_t)(end - (m->buf + m->from));

    if (n > HEAD_MAX || memchr(m->buf + m->from, '\0', n))
        return err_set(e, ERR_USER, "the head of a part of the form is too large or no text");
    memcpy(head, m->buf + m->from, n);
    head[n] = '\0';
    m->from += n + 4;
    for (char *line = strtok_r(head, "\r\n", &save); line; line = strtok_r(NULL, "\r\n", &save)) {
        if (strncasecmp(line, "Content-Disposition:", 20) != 0)
            continue;
        if (named || take_word(line, "name", ret->name, sizeof(ret->name)) <= 0 ||
            take_word(line, "filename", ret->file, sizeof(ret->file)) < 0)
            return err_set(e, ERR_USER, "a part of the form has no name, or too long a one");
        named = true;
    }
    return named ? 0 : err_set(e, ERR_USER, "a part of the form has no Content-Disposition");
}

int multipart_next(struct multipart *m, struct multipart_part *ret, struct err *e)
{
    struct multipart_part part = {.name = ""};

    if (m->over)
        return 0;
    if (skip_part(m, e) < 0 || after_boundary(m, e) < 0)
        return -1;
    if (m->over)
        return 0;
    if (++m->parts > PARTS_MAX)
        return err_set(e, ERR_USER, "the form has more than %d parts", PARTS_MAX);
    if (read_head(m, &part, e) < 0)
        return -1;
    m->in_part = true;
    *ret = part;
    return 1;
}

int multipart_text(struct multipart *m, size_t max, struct arena *a, const char **ret,
                   struct err *e)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    char some[512];
    long n;

    while ((n = multipart_bytes(m, some, sizeof(some), e)) > 0) {
        if (text.len + (size_t)n > max)
            return err_set(e, ERR_USER, "a field of the form is longer than %zu bytes", max);
        if (memchr(some, '\0', (size_t)n))
            return err_set(e, ERR_USER, "a field of the form holds a NUL");
        str_addn(&text, some, (size_t)n);
    }
    if (n < 0)
        return -1;
    *ret = arena_strdup(a, str_text(&text));
    return 0;
}
