/* build_steps.c: the steps of one build and what they said, whichever builder tells it.
 *
 * In: a step is there, has a name, began, said something, ended; in any order and any number of times. Out: log lines, the progress, the
 * end of what the failing step printed. A step that has ended keeps its name and times only, so memory is bounded by BUILD_STEPS and by
 * the tails of those that run. It reads no clock: times are the builder's. */
#include "drivers/build_steps.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "spec/base/arena.h"

#define NS INT64_C(1000000000)
enum { NOTES = 64, TAILS = 64 };

struct tail {
    char *lines[BUILD_TAIL];
    size_t next; /* lines said so far */
};

struct step {
    uint64_t key;
    int number; /* given when it first says something, so that the log counts upward */
    char *name;
    int64_t started_ns, ended_ns;
    bool begun, ended, cached, failed;
    struct str partial; /* said, without a line end yet */
    int64_t partial_ns;
    struct tail *tail;
    uint64_t notes[NOTES]; /* told already */
    size_t n_notes;
};

struct build_steps {
    struct step **v;
    size_t n;
    int n_numbers;
    size_t n_tails;
    build_line_fn *fn;
    void *user;
    int current, failed;
    struct str progress;
};

struct build_steps *build_steps_new(void)
{
    struct build_steps *s = xcalloc(1, sizeof(*s));

    s->current = s->failed = -1;
    return s;
}

static void drop_tail(struct build_steps *s, struct step *step)
{
    if (!step->tail)
        return;
    for (size_t i = 0; i < BUILD_TAIL; i++)
        free(step->tail->lines[i]);
    free(step->tail);
    step->tail = NULL;
    s->n_tails--;
}

void build_steps_free(struct build_steps *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++) {
        drop_tail(s, s->v[i]);
        str_release(&s->v[i]->partial);
        free(s->v[i]->name);
        free(s->v[i]);
    }
    free(s->v);
    str_release(&s->progress);
    free(s);
}

void build_steps_to(struct build_steps *s, build_line_fn *fn, void *user)
{
    s->fn = fn;
    s->user = user;
}

int build_steps_find(struct build_steps *s, uint64_t key)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->v[i]->key == key)
            return (int)i;
    if (s->n == BUILD_STEPS)
        return -1;
    if ((s->n & (s->n - 1)) == 0)
        s->v = xrealloc(s->v, (s->n ? s->n * 2 : 1) * sizeof(struct step *));
    s->v[s->n] = xcalloc(1, sizeof(struct step));
    s->v[s->n]->key = key;
    return (int)s->n++;
}

/* ---- lines ---- */

static void say(struct build_steps *s, int index, const char *text)
{
    CLEANUP(str_release) struct str line = STR_INIT;
    struct step *step = s->v[index];

    if (!step->number)
        step->number = ++s->n_numbers;
    if (!s->fn)
        return;
    str_addf(&line, "#%d %s", step->number, text);
    s->fn(s->user, str_text(&line));
}

static void tell_progress(struct build_steps *s, int step, const char *text)
{
    str_clear(&s->progress);
    str_add(&s->progress, build_steps_name_of(s, step));
    if (text && *text)
        str_addf(&s->progress, "%s%s", s->progress.len ? ": " : "", text);
}

static void remember(struct build_steps *s, struct step *step, const char *text)
{
    CLEANUP(str_release) struct str line = STR_INIT;

    if (!step->tail && s->n_tails == TAILS)
        return;
    if (!step->tail) {
        step->tail = xcalloc(1, sizeof(*step->tail));
        s->n_tails++;
    }
    build_text_clean(&line, text, strlen(text), BUILD_TAIL_LINE);
    char **place = &step->tail->lines[step->tail->next++ % BUILD_TAIL];

    free(*place);
    *place = str_steal(&line);
}

/* Five characters, as Docker's own client prints it: 0.123, 12.34, 123.4. */
static void add_offset(struct str *out, int64_t ns)
{
    char digits[40];

    if (ns < 0)
        ns = 0;
    if (ns >= 10000 * NS)
        (void)snprintf(digits, sizeof(digits), "%" PRId64, ns / NS);
    else
        (void)snprintf(digits, sizeof(digits), "%#.4g", (double)ns / (double)NS);
    if (ns < NS / 10000)
        (void)snprintf(digits, sizeof(digits), "0.000");
    str_addf(out, "%.5s ", digits);
}

static void say_output(struct build_steps *s, int index)
{
    struct step *step = s->v[index];
    CLEANUP(str_release) struct str line = STR_INIT, text = STR_INIT;

    build_text_clean(&text, str_text(&step->partial), step->partial.len, BUILD_LINE - 32);
    str_clear(&step->partial);
    /* Blank lines, and what was nothing but colours. */
    if (text.len == 0 || text.buf[strspn(text.buf, " ")] == '\0')
        return;
    if (step->started_ns && step->partial_ns)
        add_offset(&line, step->partial_ns - step->started_ns);
    str_add(&line, str_text(&text));
    say(s, index, str_text(&line));
    remember(s, step, str_text(&text));
    if (index == s->current)
        tell_progress(s, index, str_text(&text));
}

void build_steps_output(struct build_steps *s, int index, int64_t now_ns, const char *bytes,
                        size_t n)
{
    if (index < 0)
        return;
    struct step *step = s->v[index];

    while (n > 0) {
        const char *end = memchr(bytes, '\n', n);
        size_t part = end ? (size_t)(end - bytes) : n;
        size_t room = BUILD_LINE - step->partial.len;

        if (step->partial.len == 0)
            step->partial_ns = now_ns;
        if (part > room) {
            end = NULL;
            part = room;
        }
        str_addn(&step->partial, bytes, part);
        if (end || step->partial.len == BUILD_LINE)
            say_output(s, index);
        bytes += part + (end != NULL);
        n -= part + (end != NULL);
    }
}

void build_steps_end_line(struct build_steps *s, int index)
{
    if (index >= 0 && s->v[index]->partial.len > 0)
        say_output(s, index);
}

void build_steps_note(struct build_steps *s, int index, const char *text, uint64_t once)
{
    CLEANUP(str_release) struct str clean = STR_INIT;

    if (index < 0 || s->v[index]->n_notes == NOTES)
        return;
    struct step *step = s->v[index];

    for (size_t i = 0; i < step->n_notes; i++)
        if (step->notes[i] == once)
            return;
    step->notes[step->n_notes++] = once;
    build_text_clean(&clean, text, strlen(text), BUILD_NAME);
    say(s, index, str_text(&clean));
}

/* ---- the life of a step ---- */

void build_steps_name(struct build_steps *s, int index, const char *name, size_t n)
{
    CLEANUP(str_release) struct str clean = STR_INIT;

    if (index < 0 || s->v[index]->name || n == 0)
        return;
    build_text_clean(&clean, name, n, BUILD_NAME);
    s->v[index]->name = str_steal(&clean);
}

void build_steps_begin(struct build_steps *s, int index, int64_t started_ns)
{
    if (index < 0)
        return;
    struct step *step = s->v[index];

    if (!step->started_ns)
        step->started_ns = started_ns;
    if (step->begun || !step->name)
        return;
    step->begun = true;
    say(s, index, step->name);
    if (!step->ended) {
        s->current = index;
        tell_progress(s, index, NULL);
    }
}

static void say_failure(struct build_steps *s, int index, const char *error, size_t n)
{
    CLEANUP(str_release) struct str text = STR_INIT, line = STR_INIT;
    static const char cancelled[] = "context canceled";
    size_t tail = sizeof(cancelled) - 1;

    if (n >= tail && memcmp(error + n - tail, cancelled, tail) == 0) {
        say(s, index, "CANCELED");
        return;
    }
    build_text_clean(&text, error, n, BUILD_NAME);
    str_addf(&line, "ERROR: %s", str_text(&text));
    say(s, index, str_text(&line));
    if (s->failed < 0)
        s->failed = index;
}

static void say_done(struct build_steps *s, int index)
{
    const struct step *step = s->v[index];
    CLEANUP(str_release) struct str line = STR_INIT;

    str_add(&line, step->cached ? "CACHED" : "DONE");
    if (!step->cached && step->started_ns && step->ended_ns >= step->started_ns)
        str_addf(&line, " %.1fs", (double)(step->ended_ns - step->started_ns) / (double)NS);
    say(s, index, str_text(&line));
}

/* After a step has ended, one that began before and still runs is what people look at. */
static void choose_current(struct build_steps *s)
{
    s->current = -1;
    for (size_t i = 0; i < s->n; i++)
        if (s->v[i]->begun && !s->v[i]->ended)
            s->current = (int)i;
    if (s->current >= 0)
        tell_progress(s, s->current, NULL);
}

void build_steps_end(struct build_steps *s, int index, int64_t ended_ns, bool cached,
                     const char *error, size_t error_n)
{
    if (index < 0 || s->v[index]->failed)
        return;
    struct step *step = s->v[index];
    bool failed = error_n > 0;

    /* A builder repeats itself; only that a step failed after all is news. */
    if (step->ended && !failed)
        return;
    build_steps_begin(s, index, 0);
    build_steps_end_line(s, index);
    if (!step->ended_ns)
        step->ended_ns = ended_ns;
    step->cached = cached && !failed;
    step->failed = failed;
    step->ended = true;
    if (failed) {
        say_failure(s, index, error, error_n);
    } else {
        say_done(s, index);
        drop_tail(s, step);
    }
    str_release(&step->partial);
    if (s->current == index)
        choose_current(s);
}

/* ---- what is known ---- */

int build_steps_failed(const struct build_steps *s)
{
    return s->failed;
}

int build_steps_current(const struct build_steps *s)
{
    return s->current;
}

const char *build_steps_name_of(const struct build_steps *s, int step)
{
    return step >= 0 && s->v[step]->name ? s->v[step]->name : "";
}

size_t build_steps_tail(const struct build_steps *s, int step, const char *ret[BUILD_TAIL])
{
    const struct tail *t = step >= 0 ? s->v[step]->tail : NULL;
    size_t n = !t ? 0 : t->next < BUILD_TAIL ? t->next : BUILD_TAIL;

    for (size_t i = 0; i < n; i++)
        ret[i] = t->lines[(t->next - n + i) % BUILD_TAIL];
    return n;
}

/* "[2/4] RUN ..." and "[build 2/4] COPY ..." come from the Dockerfile; "[internal] load ..." and the export do not. */
static bool counts(const struct step *step)
{
    const char *s = step->name;

    if (!s || *s != '[')
        return false;
    size_t n = strcspn(s, "]"), slash = strcspn(s, "/");

    return s[n] == ']' && slash < n && isdigit((unsigned char)s[slash - 1]) &&
           isdigit((unsigned char)s[n - 1]);
}

const char *build_steps_progress(const struct build_steps *s, double *ret_fraction)
{
    size_t all = 0, ended = 0;

    for (size_t i = 0; i < s->n; i++) {
        all += counts(s->v[i]);
        ended += counts(s->v[i]) && s->v[i]->ended && !s->v[i]->failed;
    }
    *ret_fraction = all ? (double)ended / (double)all : -1;
    return str_text(&s->progress);
}

void build_steps_summary(const struct build_steps *s, struct str *out)
{
    size_t all = 0, cached = 0;
    int64_t first = 0, last = 0;

    for (size_t i = 0; i < s->n; i++) {
        const struct step *step = s->v[i];

        all += counts(step);
        cached += counts(step) && step->cached;
        if (step->started_ns && (!first || step->started_ns < first))
            first = step->started_ns;
        if (step->ended_ns > last)
            last = step->ended_ns;
    }
    str_addf(out, "%zu step%s", all, all == 1 ? "" : "s");
    if (cached)
        str_addf(out, ", %zu cached", cached);
    if (first && last >= first)
        str_addf(out, ", %.1f s", (double)(last - first) / (double)NS);
}
