/* log.c: one line per thing worth knowing, in one write to standard error.
 *
 * In: level, app, message. Out, depending on who reads:
 *     a pipe or file   2026-11-22T10:00:00.123Z warning cannot pull nginx:1.27 app=blog
 *     a terminal       10:00:00 warning  blog: cannot pull nginx:1.27      (local time, coloured)
 *     journald         <4>cannot pull nginx:1.27 app=blog
 * One write(2) per line, so that threads and processes sharing the descriptor do not tear each other's lines. It
 * refuses to print control characters, to block a program whose log cannot be written, and to fail. */
#include "agent/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spec/base/str.h"

enum style { STYLE_PLAIN, STYLE_TERMINAL, STYLE_TERMINAL_COLOUR, STYLE_JOURNAL };

static atomic_int shown_level = LOG_INFO;
static atomic_int shown_style = STYLE_PLAIN;

/* clang-format off */
static const struct { const char *name; int syslog; const char *colour; } levels[] = {
    [LOG_ERROR]   = {"error",   3, "\033[31m"},
    [LOG_WARNING] = {"warning", 4, "\033[33m"},
    [LOG_INFO]    = {"info",    6, "\033[32m"},
    [LOG_DEBUG]   = {"debug",   7, "\033[2m"},
};
/* clang-format on */

/* systemd names device and inode of the stream it reads; a child whose stderr was redirected keeps the variable. */
static bool is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    char mine[64];

    if (!stream || fstat(STDERR_FILENO, &st) != 0)
        return false;
    (void)snprintf(mine, sizeof(mine), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return strcmp(stream, mine) == 0;
}

static enum style pick_style(void)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

    if (is_journal())
        return STYLE_JOURNAL;
    if (!isatty(STDERR_FILENO))
        return STYLE_PLAIN;
    if ((no_color && *no_color) || !term || strcmp(term, "dumb") == 0)
        return STYLE_TERMINAL;
    return STYLE_TERMINAL_COLOUR;
}

void log_init(enum log_level level)
{
    atomic_store(&shown_level, (int)level);
    atomic_store(&shown_style, (int)pick_style());
}

int log_level_parse(const char *word, enum log_level *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        if (strcasecmp(word, levels[i].name) == 0) {
            *ret = (enum log_level)i;
            return 0;
        }
    if (strcasecmp(word, "warn") == 0) {
        *ret = LOG_WARNING;
        return 0;
    }
    return -1;
}

static void add_utc_time(struct str *out)
{
    struct timespec now;
    struct tm tm;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &tm);
    str_addf(out, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ ", tm.tm_year + 1900, tm.tm_mon + 1,
             tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, now.tv_nsec / 1000000);
}

static void add_local_time(struct str *out)
{
    time_t now = time(NULL);
    struct tm tm;

    (void)localtime_r(&now, &tm);
    str_addf(out, "%02d:%02d:%02d ", tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void add_line(struct str *out, enum style style, enum log_level level, const char *app,
                     const char *message)
{
    bool terminal = style == STYLE_TERMINAL || style == STYLE_TERMINAL_COLOUR;
    bool colour = style == STYLE_TERMINAL_COLOUR;

    switch (style) {
    case STYLE_JOURNAL: str_addf(out, "<%d>", levels[level].syslog); break;
    case STYLE_PLAIN:
        add_utc_time(out);
        str_addf(out, "%s ", levels[level].name);
        break;
    case STYLE_TERMINAL:
    case STYLE_TERMINAL_COLOUR:
        add_local_time(out);
        str_addf(out, "%s%-8s%s ", colour ? levels[level].colour : "", levels[level].name,
                 colour ? "\033[0m" : "");
        break;
    }
    if (app && terminal) {
        str_add(out, colour ? "\033[1m" : "");
        str_add_escaped(out, app);
        str_add(out, colour ? "\033[0m: " : ": ");
    }
    str_add_escaped(out, message);
    if (app && !terminal) {
        str_add(out, " app=");
        str_add_escaped(out, app);
    }
    str_addc(out, '\n');
}

/* A full pipe that does not wait (EAGAIN) loses the line: a log is not worth standing still for. */
static void put(const char *text, size_t n)
{
    while (n > 0) {
        ssize_t done = write(STDERR_FILENO, text, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return;
        text += done;
        n -= (size_t)done;
    }
}

void log_line(enum log_level level, const char *app, const char *fmt, ...)
{
    CLEANUP(str_release) struct str line = STR_INIT;
    char message[4096];
    int keep = errno;
    va_list ap;

    if ((int)level > atomic_load(&shown_level))
        return;
    va_start(ap, fmt);
    (void)vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    add_line(&line, (enum style)atomic_load(&shown_style), level, app, message);
    put(line.buf, line.len);
    errno = keep;
}
