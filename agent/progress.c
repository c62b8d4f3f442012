/* What is being done, for a person who watches.
 *
 * Comes in: the recorder's calls. Goes out: finished actions scroll up; below them, on a terminal, one live line per app at work, redrawn
 * in place at most ten times a second. A pipe gets the finished actions only. Text of strangers is escaped. */
#include "agent/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/core.h"
#include "drivers/driver.h"
#include "reconcile/run.h"
#include "spec/base/arena.h"

#define LIVE_MAX 12
#define REDRAW_MS 100

struct live {
    uint64_t run;
    char *app, *text;
    size_t done, total;
    int64_t since_ms;
    const struct action *of; /* whose the fraction is */
    double fraction;
};

struct progress {
    FILE *out;
    bool colour, terminal;
    struct live *v;
    size_t n, cap;
    size_t drawn; /* live lines now on the screen */
    int64_t drawn_ms;
};

bool terminal_colour(FILE *out)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fileno(out)) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

static const char *paint(const struct progress *p, const char *code)
{
    return p->colour ? code : "";
}

static size_t columns(const struct progress *p)
{
    struct winsize w;
    return p->terminal && ioctl(fileno(p->out), TIOCGWINSZ, &w) == 0 && w.ws_col > 20 ? w.ws_col
                                                                                      : 100;
}

static void erase(struct progress *p)
{
    if (p->drawn > 0)
        (void)fprintf(p->out, "\033[%zuF\033[J", p->drawn);
    p->drawn = 0;
}

static void draw(struct progress *p)
{
    size_t width = columns(p);
    if (!p->terminal)
        return;
    erase(p);
    for (size_t i = 0; i < p->n && i < LIVE_MAX; i++) {
        const struct live *l = &p->v[i];
        CLEANUP(str_release) struct str line = STR_INIT;
        str_addf(&line, "  … %-20s %zu/%zu  ", l->app, l->done, l->total);
        str_add_escaped(&line, l->text ? l->text : "");
        size_t fit = line.len < width ? line.len : width - 1;
        while (fit > 0 && ((unsigned char)str_text(&line)[fit] & 0xc0) == 0x80)
            fit--; /* never cut inside a UTF-8 character */
        (void)fprintf(p->out, "%s%.*s%s\n", paint(p, "\033[2m"), (int)fit, str_text(&line),
                      paint(p, "\033[0m"));
        p->drawn++;
    }
    if (p->n > LIVE_MAX) {
        (void)fprintf(p->out, "  … and %zu more\n", p->n - LIVE_MAX);
        p->drawn++;
    }
    (void)fflush(p->out);
    p->drawn_ms = core_monotonic_ms();
}

static struct live *live_of(struct progress *p, const struct run *r)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->v[i].run == run_id(r))
            return &p->v[i];
    return NULL;
}

static void set_text(struct live *l, const char *text)
{
    char *copy = xstrdup(text);
    free(l->text);
    l->text = copy;
}

static void progress_run_started(void *ctx, const struct run *r, const struct plan_app *part)
{
    struct progress *p = ctx;
    if (p->n == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 8;
        p->v = xrealloc(p->v, p->cap * sizeof(p->v[0]));
    }
    size_t total = 0;
    for (size_t i = 0; i < part->n_actions; i++)
        total += part->actions[i].when == WHEN_OK;
    p->v[p->n++] = (struct live){.run = run_id(r),
                                 .app = xstrdup(part->name),
                                 .total = total,
                                 .since_ms = core_monotonic_ms()};
    draw(p);
}

static void progress_action_started(void *ctx, const struct run *r, const struct action *a)
{
    struct progress *p = ctx;
    struct live *l = live_of(p, r);
    CLEANUP(str_release) struct str what = STR_INIT;
    if (!l)
        return;
    action_print(a, &what);
    set_text(l, str_text(&what));
    if (core_monotonic_ms() - p->drawn_ms >= REDRAW_MS)
        draw(p);
}

static void progress_action_progress(void *ctx, const struct run *r, const struct action *a,
                                     const char *text, double fraction)
{
    struct progress *p = ctx;
    struct live *l = live_of(p, r);
    if (!l || !p->terminal)
        return;
    if (fraction > OP_PROGRESS_LOG || l->of != a) /* a line of the log leaves the bar as it was */
        l->fraction = fraction;
    l->of = a;
    fraction = l->fraction;
    if (core_monotonic_ms() - p->drawn_ms < REDRAW_MS)
        return;
    CLEANUP(str_release) struct str what = STR_INIT;
    action_print(a, &what);
    if (fraction >= 0) {
        str_add(&what, " [");
        for (int i = 0; i < 20; i++)
            str_addc(&what, i < (int)(fraction * 20 + 0.5) ? '=' : ' ');
        str_addf(&what, "] %3.0f %%", fraction * 100);
    }
    str_addf(&what, " %s", text ? text : "");
    set_text(l, str_text(&what));
    draw(p);
}

static void print_tail(struct progress *p, const char *tail)
{
    const char *at = tail;
    while (*at) {
        size_t n = strcspn(at, "\n");
        CLEANUP(str_release) struct str line = STR_INIT, raw = STR_INIT;
        str_addn(&raw, at, n);
        str_add_escaped(&line, str_text(&raw));
        (void)fprintf(p->out, "      %s| %s%s\n", paint(p, "\033[2m"), str_text(&line),
                      paint(p, "\033[0m"));
        at += n + (at[n] == '\n');
    }
}

static void progress_action_ended(void *ctx, const struct run *r, const struct action *a,
                                  const struct op_result *result, int64_t took_ms)
{
    struct progress *p = ctx;
    struct live *l = live_of(p, r);
    CLEANUP(str_release) struct str what = STR_INIT;
    if (result->err.kind == ERR_STALE)
        return;
    bool good = result->err.kind == ERR_NONE;
    if (l && good)
        l->done++;
    erase(p);
    action_print(a, &what);
    (void)fprintf(p->out, "  %s%s%s %-20s %s",
                  paint(p, good          ? "\033[32m"
                           : a->optional ? "\033[33m"
                                         : "\033[31m"),
                  good ? "✓" : "✗", paint(p, "\033[0m"), run_app(r), str_text(&what));
    if (took_ms >= 10)
        (void)fprintf(p->out, " %s(%.1f s)%s", paint(p, "\033[2m"), (double)took_ms / 1000,
                      paint(p, "\033[0m"));
    if (!good) {
        CLEANUP(str_release) struct str why = STR_INIT;
        str_add_escaped(&why, result->err.msg);
        (void)fprintf(p->out, ": %s", str_text(&why));
    }
    (void)fputc('\n', p->out);
    if (result->log_tail)
        print_tail(p, result->log_tail);
    draw(p);
    (void)fflush(p->out);
}

static void progress_run_ended(void *ctx, const struct run *r, enum run_end how,
                               const struct err *failure)
{
    struct progress *p = ctx;
    (void)how;
    (void)failure;
    struct live *l = live_of(p, r);
    if (!l)
        return;
    erase(p);
    free(l->app);
    free(l->text);
    *l = p->v[--p->n];
    draw(p);
}

struct progress *progress_new(FILE *out)
{
    struct progress *p = xcalloc(1, sizeof(*p));
    const char *term = getenv("TERM");
    p->out = out;
    p->terminal = isatty(fileno(out)) && !(term && strcmp(term, "dumb") == 0);
    p->colour = terminal_colour(out);
    return p;
}

void progress_free(struct progress *p)
{
    if (!p)
        return;
    erase(p);
    (void)fflush(p->out);
    for (size_t i = 0; i < p->n; i++) {
        free(p->v[i].app);
        free(p->v[i].text);
    }
    free(p->v);
    free(p);
}

void progress_say(struct progress *p, const char *text)
{
    erase(p);
    (void)fprintf(p->out, "%s\n", text);
    draw(p);
    (void)fflush(p->out);
}

struct recorder progress_recorder(struct progress *p)
{
    return (struct recorder){
        .run_started = progress_run_started,
        .action_started = progress_action_started,
        .action_progress = progress_action_progress,
        .action_ended = progress_action_ended,
        .run_ended = progress_run_ended,
        .ctx = p,
    };
}
