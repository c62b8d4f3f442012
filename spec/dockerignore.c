/* dockerignore.c: which files a build context leaves out.
 *
 * In: the text of a .dockerignore, then paths. Out: yes or no. A pattern is compiled once into steps; a path is matched against all
 * its steps side by side, so that no pattern takes longer than its length times the path's. That a pattern matches a
 * folder above a file counts for the file, and is seen in the same walk.
 *
 * Meaning and oddities are those of moby/patternmatcher and its ignorefile reader ("**file" matches any name that ends so, "a**" any
 * path that begins so); patterns that Go's filepath.Match calls malformed are errors. Bounded: lines, their length, their sum. */
#include "spec/dockerignore.h"

#include <ctype.h>

#include "spec/base/arena.h"
#include "spec/base/str.h"
#include "spec/limits.h"

enum { PATTERNS = 4096, PATTERN_BYTES = 1024 };

enum step_kind {
    STEP_CHAR,    /* this one */
    STEP_ONE,     /* ?: any but / */
    STEP_MANY,    /* *: any number of any but / */
    STEP_ALL,     /* any number of anything */
    STEP_FOLDERS, /* (anything /)?: nothing, or anything that ends with a / */
    STEP_CLASS,   /* [a-z], [^a-z] */
};

struct range {
    uint32_t first, last;
};

struct step {
    enum step_kind kind;
    uint32_t ch;
    bool negated;
    struct range *ranges;
    size_t n_ranges;
};

struct pattern {
    bool exception;
    struct step *steps;
    size_t n;
};

struct dockerignore {
    struct pattern *v;
    size_t n;
    bool exceptions;
};

/* ---- cleaning, as Go's path.Clean ---- */

/* Takes out "." and empty components, resolves ".." where there is something to go up from. */
static const char *clean(struct arena *a, const char *s)
{
    size_t n = strlen(s), out = 0, floor = 0;
    bool rooted = s[0] == '/';
    char *to = arena_alloc(a, n + 2);

    if (rooted)
        to[out++] = '/';
    floor = out;
    for (size_t i = 0; i < n;) {
        size_t part = strcspn(s + i, "/");

        if (part == 2 && s[i] == '.' && s[i + 1] == '.') {
            if (out > floor) {
                for (out--; out > floor && to[out] != '/'; out--)
                    ;
            } else if (!rooted) {
                if (out > 0)
                    to[out++] = '/';
                to[out++] = '.';
                to[out++] = '.';
                floor = out;
            }
        } else if (part > 0 && !(part == 1 && s[i] == '.')) {
            if (out > (size_t)rooted)
                to[out++] = '/';
            memcpy(to + out, s + i, part);
            out += part;
        }
        i += part + (s[i + part] == '/');
    }
    if (out == 0)
        to[out++] = '.';
    to[out] = '\0';
    return to;
}

/* ---- compiling ---- */

struct compiler {
    struct arena *a;
    const char *s;
    struct pattern *p;
    size_t cap;
    const char *complaint;
};

static struct step *add_step(struct compiler *c, enum step_kind kind, uint32_t ch)
{
    c->p->steps = arena_grow(c->a, c->p->steps, c->p->n, &c->cap, sizeof(*c->p->steps));
    c->p->steps[c->p->n] = (struct step){.kind = kind, .ch = ch};
    return &c->p->steps[c->p->n++];
}

static uint32_t take_char(struct compiler *c)
{
    uint32_t ch;
    size_t n = utf8_next(c->s, strlen(c->s), &ch);

    if (n == 0) {
        ch = (unsigned char)*c->s;
        n = 1;
    }
    c->s += n;
    return ch;
}

/* One end of a range. */
static bool class_char(struct compiler *c, uint32_t *ret)
{
    if (!*c->s || *c->s == '-' || *c->s == ']')
        return false;
    if (*c->s == '\\' && !*++c->s)
        return false;
    *ret = take_char(c);
    return *c->s != '\0';
}

static void take_class(struct compiler *c)
{
    struct step *step = add_step(c, STEP_CLASS, 0);
    size_t cap = 0;

    c->s++;
    step->negated = *c->s == '^';
    c->s += step->negated;
    while (*c->s != ']' || step->n_ranges == 0) {
        struct range r;

        if (!class_char(c, &r.first))
            goto malformed;
        r.last = r.first;
        if (*c->s == '-' && (c->s++, !class_char(c, &r.last)))
            goto malformed;
        step->ranges = arena_grow(c->a, step->ranges, step->n_ranges, &cap, sizeof(*step->ranges));
        step->ranges[step->n_ranges++] = r;
    }
    c->s++;
    return;
malformed:
    c->complaint = "[...] is not as it should be";
}

static void take_stars(struct compiler *c)
{
    if (c->s[1] != '*') {
        c->s++;
        add_step(c, STEP_MANY, 0);
        return;
    }
    c->s += 2;
    bool slash = *c->s == '/';

    c->s += slash;
    add_step(c, *c->s ? STEP_FOLDERS : STEP_ALL, 0);
}

/* "**file": with nothing special behind them, two stars at the front mean "ends with". */
static bool is_suffix_pattern(const char *s)
{
    return s[0] == '*' && s[1] == '*' && s[2] && s[2] != '/' && !strpbrk(s + 2, "*?[]\\");
}

static const char *compile(struct arena *a, const char *text, struct pattern *p)
{
    struct compiler c = {.a = a, .s = text, .p = p};

    if (is_suffix_pattern(text)) {
        add_step(&c, STEP_ALL, 0);
        c.s += 2;
    }
    while (*c.s && !c.complaint) {
        if (*c.s == '*') {
            take_stars(&c);
        } else if (*c.s == '?') {
            c.s++;
            add_step(&c, STEP_ONE, 0);
        } else if (*c.s == '[') {
            take_class(&c);
        } else if (*c.s == '\\' && !*++c.s) {
            c.complaint = "a backslash at the end escapes nothing";
        } else {
            add_step(&c, STEP_CHAR, take_char(&c));
        }
    }
    return c.complaint;
}

/* ---- reading ---- */

/* One line as a pattern, normalised; NULL for a comment or an empty one. */
static const char *pattern_of(const char *line, size_t n, struct arena *a, bool *ret_exception)
{
    if (n > 0 && line[0] == '#')
        return NULL;
    while (n > 0 && isspace((unsigned char)line[0])) {
        line++;
        n--;
    }
    while (n > 0 && isspace((unsigned char)line[n - 1]))
        n--;
    if (n == 0)
        return NULL;
    *ret_exception = line[0] == '!';
    if (*ret_exception)
        for (line++, n--; n > 0 && isspace((unsigned char)line[0]); n--)
            line++;
    if (n == 0)
        return "";
    const char *s = clean(a, arena_strndup(a, line, n));

    s += s[0] == '/';
    /* Docker trims once more what cleaning has laid bare ("a /"), but not behind a "!". */
    while (!*ret_exception && isspace((unsigned char)*s))
        s++;
    for (n = strlen(s); n > 0 && isspace((unsigned char)s[n - 1]);)
        n--;
    return arena_strndup(a, s, n);
}

static int read_line(struct dockerignore *d, size_t *cap, const char *line, size_t n, int number,
                     struct arena *a, struct err *e)
{
    struct pattern p = {0};

    if (n > PATTERN_BYTES)
        return err_set(e, ERR_USER, "line %d: a pattern of more than %d bytes", number,
                       PATTERN_BYTES);
    const char *text = pattern_of(line, n, a, &p.exception);

    if (!text)
        return 0;
    if (!*text && p.exception)
        return err_set(e, ERR_USER, "line %d: \"!\" names nothing to keep", number);
    if (!*text)
        return 0;
    const char *complaint = compile(a, text, &p);

    if (complaint)
        return err_set(e, ERR_USER, "line %d: \"%.80s\": %s", number, text, complaint);
    if (d->n == PATTERNS)
        return err_set(e, ERR_USER, "line %d: more than %d patterns", number, PATTERNS);
    d->v = arena_grow(a, d->v, d->n, cap, sizeof(*d->v));
    d->v[d->n++] = p;
    d->exceptions |= p.exception;
    return 0;
}

struct dockerignore *dockerignore_parse(const char *text, size_t n, struct arena *a, struct err *e)
{
    struct dockerignore *d = ARENA_NEW(a, struct dockerignore);
    const char *end = text + n;
    size_t cap = 0;
    int number = 0;

    if (n > LIMIT_TEXT) {
        (void)err_set(e, ERR_USER, "more than %d bytes", LIMIT_TEXT);
        return NULL;
    }
    if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    while (text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));

        if (!stop)
            stop = end;
        number++;
        if (memchr(text, '\0', (size_t)(stop - text))) {
            (void)err_set(e, ERR_USER, "line %d: a NUL byte", number);
            return NULL;
        }
        if (read_line(d, &cap, text, (size_t)(stop - text), number, a, e) < 0)
            return NULL;
        text = stop + 1;
    }
    return d;
}

/* ---- matching ---- */

static bool in_class(const struct step *s, uint32_t ch)
{
    for (size_t i = 0; i < s->n_ranges; i++)
        if (ch >= s->ranges[i].first && ch <= s->ranges[i].last)
            return !s->negated;
    return s->negated;
}

/* The places in a pattern that a walk along a path has reached: at[i] is before step i, at[n] is the end. A place inside
 * STEP_FOLDERS is one where a "/" must still come. */
struct walk {
    unsigned char at[PATTERN_BYTES + 2], inside[PATTERN_BYTES + 2];
    size_t first, last; /* all others are empty */
};

static void reach(const struct pattern *p, struct walk *w, size_t i)
{
    for (;; i++) {
        w->at[i] = 1;
        if (i < w->first)
            w->first = i;
        if (i > w->last)
            w->last = i;
        if (i == p->n)
            return;
        enum step_kind kind = p->steps[i].kind;

        if (kind != STEP_MANY && kind != STEP_ALL && kind != STEP_FOLDERS)
            return;
    }
}

static void begin_walk(const struct pattern *p, struct walk *w)
{
    memset(w->at, 0, p->n + 1);
    memset(w->inside, 0, p->n + 1);
    w->first = p->n + 1;
    w->last = 0;
    reach(p, w, 0);
}

/* Takes one character. The places are walked from the end, so that what is reached anew is not taken for old. */
static bool take_step(const struct pattern *p, struct walk *w, uint32_t ch)
{
    size_t first = w->first, last = w->last;

    w->first = p->n + 1;
    w->last = 0;
    for (size_t i = last + 1; i-- > first;) {
        bool at = w->at[i], inside = w->inside[i];

        w->at[i] = w->inside[i] = 0;
        if (i == p->n || (!at && !inside))
            continue;
        const struct step *s = &p->steps[i];

        switch (s->kind) {
        case STEP_CHAR:
            if (s->ch == ch)
                reach(p, w, i + 1);
            break;
        case STEP_ONE:
            if (ch != '/')
                reach(p, w, i + 1);
            break;
        case STEP_CLASS:
            if (in_class(s, ch))
                reach(p, w, i + 1);
            break;
        case STEP_MANY:
            if (ch != '/')
                reach(p, w, i);
            break;
        case STEP_ALL: reach(p, w, i); break;
        case STEP_FOLDERS:
            w->inside[i] = 1;
            if (i < w->first)
                w->first = i;
            if (i > w->last)
                w->last = i;
            if (ch == '/')
                reach(p, w, i + 1);
            break;
        }
    }
    return w->first <= p->n;
}

enum verdict {
    NO,      /* neither this path nor a folder above it, nor anything below */
    BELOW,   /* something below it may match */
    MATCHES, /* it, or a folder above it */
};

static enum verdict match(const struct pattern *p, const char *path)
{
    struct walk w;
    const char *end = path + strlen(path);

    begin_walk(p, &w);
    while (path < end) {
        uint32_t ch;
        size_t n = utf8_next(path, (size_t)(end - path), &ch);

        if (n == 0) {
            ch = (unsigned char)*path;
            n = 1;
        }
        if (ch == '/' && w.at[p->n])
            return MATCHES;
        if (!take_step(p, &w, ch))
            return NO;
        path += n;
    }
    if (w.at[p->n])
        return MATCHES;
    return take_step(p, &w, '/') ? BELOW : NO;
}

bool dockerignore_excludes(const struct dockerignore *d, const char *path)
{
    bool excluded = false;

    if (!*path || strcmp(path, ".") == 0)
        return false;
    for (size_t i = 0; i < d->n; i++)
        if (d->v[i].exception == excluded && match(&d->v[i], path) == MATCHES)
            excluded = !excluded;
    return excluded;
}

bool dockerignore_may_return(const struct dockerignore *d, const char *dir)
{
    if (!d->exceptions)
        return false;
    /* From the last line up: what is excluded below the last exception that could help stays out. */
    for (size_t i = d->n; i-- > 0;) {
        enum verdict v = match(&d->v[i], dir);

        if (d->v[i].exception && v != NO)
            return true;
        if (!d->v[i].exception && v == MATCHES)
            return false;
    }
    return false;
}
