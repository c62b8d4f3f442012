/* err.c: fills the two kinds of failure and prints the user's.
 *
 * In: a kind and a format, or a place and a format. Out: struct err on the caller's stack; a bounded list of
 * diagnostics in an arena, and their text as
 *     apps/blog.yaml:4:3: error: unknown key "rout"; did you mean "route"?
 * Whatever a stranger wrote is escaped on the way out: a spec must not be able to steer a terminal.
 * It refuses to log, to print by itself, and to keep more than LIMIT_DIAGS entries. */
#include "spec/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "spec/base/arena.h"
#include "spec/base/str.h"
#include "spec/limits.h"

/* ---- ours ---- */

/* Append to text of size bytes with n used; returns the new n. Cut text ends at a whole character. */
static size_t append(char *text, size_t size, size_t n, const char *more)
{
    size_t len = strlen(more), room = size - 1 - n;

    if (len > room)
        for (len = room; len > 0 && ((unsigned char)more[len] & 0xc0) == 0x80;)
            len--;
    memcpy(text + n, more, len);
    text[n + len] = '\0';
    return n + len;
}

/* The formatted text goes through a copy everywhere: an argument may be e->msg itself. It is a little
 * longer than msg, so that append sees where a character ends. */
#define TEXT_BYTES (sizeof(((struct err *)0)->msg) + 8)
#define WHAT_BYTES 1024

int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
    char text[TEXT_BYTES];
    va_list ap;

    if (!e)
        return -1;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    e->kind = kind;
    (void)append(e->msg, sizeof(e->msg), 0, text);
    return -1;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
    char text[TEXT_BYTES], old[sizeof(e->msg)];
    va_list ap;

    if (!e)
        return -1;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    memcpy(old, e->msg, sizeof(old));
    size_t n = append(e->msg, sizeof(e->msg), 0, text);

    if (old[0]) {
        n = append(e->msg, sizeof(e->msg), n, ": ");
        (void)append(e->msg, sizeof(e->msg), n, old);
    }
    return -1;
}

static enum err_kind kind_of_errno(int errnum)
{
    switch (errnum) {
    case ENOENT: return ERR_MISSING;
    case EACCES:
    case EPERM: return ERR_DENIED;
    case ENOSPC:
    case EAGAIN:
    case ENOMEM:
    case EROFS:
    case EDQUOT:
    case EIO: /* a disk that fails may be mended, or come back */
    case EBUSY:
    case EMFILE:
    case ENFILE: return ERR_RETRY;
    default: return ERR_USER;
    }
}

int err_errno(struct err *e, int errnum, const char *fmt, ...)
{
    char text[TEXT_BYTES], reason[128];
    va_list ap;

    if (!e)
        return -1;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    e->kind = kind_of_errno(errnum);
    size_t n = append(e->msg, sizeof(e->msg), 0, text);

    n = append(e->msg, sizeof(e->msg), n, ": ");
    (void)append(e->msg, sizeof(e->msg), n, strerror_r(errnum, reason, sizeof(reason)));
    return -1;
}

const char *err_kind_name(enum err_kind kind)
{
    switch (kind) {
    case ERR_NONE: return "none";
    case ERR_USER: return "user";
    case ERR_RETRY: return "retry";
    case ERR_MISSING: return "missing";
    case ERR_CONFLICT: return "conflict";
    case ERR_DENIED: return "denied";
    case ERR_STALE: return "stale";
    case ERR_BUG: return "bug";
    }
    return "unknown";
}

/* ---- the user's ---- */

void diag_init(struct diag_list *l, struct arena *a)
{
    *l = (struct diag_list){.arena = a};
}

/* Where the next entry goes; NULL when the list is full. An error then takes the place of the last warning, for
 * a file that fails must say why. */
static struct diag *next_slot(struct diag_list *l, enum diag_level level)
{
    if (l->n < LIMIT_DIAGS) {
        l->v = arena_grow(l->arena, l->v, l->n, &l->cap, sizeof(l->v[0]));
        return &l->v[l->n++];
    }
    for (size_t i = l->n; level == DIAG_ERROR && i-- > 0;) {
        if (l->v[i].level == DIAG_ERROR)
            continue;
        memmove(&l->v[i], &l->v[i + 1], (l->n - i - 1) * sizeof(l->v[0]));
        return &l->v[l->n - 1];
    }
    return NULL;
}

void diag_add(struct diag_list *l, enum diag_level level, struct place at, const char *path,
              const char *source, const char *hint, const char *fmt, ...)
{
    struct diag *d = next_slot(l, level);
    char text[WHAT_BYTES + 8], what[WHAT_BYTES];
    va_list ap;

    l->errors += level == DIAG_ERROR;
    l->warnings += level == DIAG_WARNING;
    if (!d)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    (void)append(what, sizeof(what), 0, text);
    *d = (struct diag){
        .level = level,
        .at = at,
        .path = arena_strdup(l->arena, path),
        .what = arena_strdup(l->arena, what),
        .hint = arena_strdup(l->arena, hint),
        .source = source,
    };
}

static int cmp_place(const struct place *a, const struct place *b)
{
    int by_file = strcmp(a->file ? a->file : "", b->file ? b->file : "");

    if (by_file != 0)
        return by_file;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return (a->column > b->column) - (a->column < b->column);
}

void diag_sort(struct diag_list *l)
{
    /* By insertion: stable, which qsort does not promise, and the list is short. */
    for (size_t i = 1; i < l->n; i++) {
        struct diag d = l->v[i];
        size_t at = i;

        for (; at > 0 && cmp_place(&l->v[at - 1].at, &d.at) > 0; at--)
            l->v[at] = l->v[at - 1];
        l->v[at] = d;
    }
}

static const char *level_name(enum diag_level level)
{
    switch (level) {
    case DIAG_ERROR: return "error";
    case DIAG_WARNING: return "warning";
    case DIAG_NOTE: return "note";
    }
    return "unknown";
}

/* The line of the file, escaped, and a caret under the column. Of long lines only the part around it. */
static void print_source(const char *source, int column, struct str *out)
{
    enum { AROUND = 60, WIDTH = 120 };
    struct str shown = STR_INIT;
    size_t left = strlen(source), caret = 0;
    int from = column > WIDTH ? column - AROUND : 1;

    for (int at = 1; left > 0 && at < from + WIDTH; at++) {
        uint32_t c = 0;
        size_t n = utf8_next(source, left, &c);
        char one[5] = {0};

        if (n == 0)
            n = 1;
        memcpy(one, c == '\t' ? " " : source, n);
        if (at >= from) {
            size_t before = shown.len;
            str_add_escaped(&shown, one);
            /* A character takes one place, its escape as many as it has bytes. */
            if (at < column)
                caret += n > 1 && shown.len - before == n ? 1 : shown.len - before;
        }
        source += n;
        left -= n;
    }
    str_addf(out, "    %s%s%s\n    %s", from > 1 ? "..." : "", str_text(&shown), left ? "..." : "",
             from > 1 ? "   " : "");
    for (size_t i = 0; i < caret; i++)
        str_addc(out, ' ');
    str_add(out, "^\n");
    str_release(&shown);
}

void diag_print(const struct diag *d, bool with_source, struct str *out)
{
    if (d->at.file) {
        str_add_escaped(out, d->at.file);
        if (d->at.line > 0)
            str_addf(out, ":%d", d->at.line);
        if (d->at.line > 0 && d->at.column > 0)
            str_addf(out, ":%d", d->at.column);
        str_add(out, ": ");
    }
    str_addf(out, "%s: ", level_name(d->level));
    str_add_escaped(out, d->what);
    if (d->hint) {
        str_add(out, "; ");
        str_add_escaped(out, d->hint);
    }
    str_addc(out, '\n');
    if (with_source && d->source && d->at.column > 0)
        print_source(d->source, d->at.column, out);
}
