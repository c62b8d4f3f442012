/* detect_read.c: small looks into a stranger's files.
 *
 * In: texts of manifests and sources. Out: single values and yes or no. These are looks, not parsers: what is written in an unusual way is not
 * found, and then the usual default is taken; nothing found here is believed before it has been checked. */
#include <ctype.h>
#include <limits.h>

#include "spec/base/arena.h"
#include "spec/detect_parts.h"
#include "spec/limits.h"

static int by_path(const void *key, const void *entry)
{
    return strcmp(key, *(const char *const *)entry);
}

bool detect_has(const struct detect_app *app, const char *path)
{
    const struct strv *l = &app->in->paths;

    return l->n > 0 && bsearch(path, l->v, l->n, sizeof(*l->v), by_path);
}

bool detect_has_below(const struct detect_app *app, const char *folder)
{
    size_t n = strlen(folder);

    for (size_t i = 0; i < app->in->paths.n; i++)
        if (strncmp(app->in->paths.v[i], folder, n) == 0 && app->in->paths.v[i][n] == '/')
            return true;
    return false;
}

const char *detect_text(const struct detect_app *app, const char *path)
{
    size_t n = 0;

    if (!detect_has(app, path))
        return "";
    const char *text = app->in->read(app->in->ctx, path, app->a, &n);

    if (!text || n > LIMIT_SPEC_BYTES)
        return "";
    if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        n -= 3;
    }
    return arena_strndup(app->a, text, strnlen(text, n));
}

const char *detect_first(const struct detect_app *app, const char *const *names)
{
    for (; *names; names++)
        if (detect_has(app, *names))
            return *names;
    return NULL;
}

/* ---- texts ---- */

static const char *trimmed(struct arena *a, const char *s, size_t n)
{
    while (n > 0 && isspace((unsigned char)s[0])) {
        s++;
        n--;
    }
    while (n > 0 && isspace((unsigned char)s[n - 1]))
        n--;
    return arena_strndup(a, s, n);
}

const char *detect_first_line(const struct detect_app *app, const char *text)
{
    text += strspn(text, " \t\r\n");
    return trimmed(app->a, text, strcspn(text, "\r\n"));
}

/* The value behind "=": quoted, or up to a comment. */
static const char *value_of(const struct detect_app *app, const char *s, size_t n)
{
    const char *value = trimmed(app->a, s, n);

    if (*value == '"' || *value == '\'') {
        const char *end = strchr(value + 1, *value);

        return end ? arena_strndup(app->a, value + 1, (size_t)(end - value - 1)) : NULL;
    }
    return trimmed(app->a, value, strcspn(value, "#"));
}

const char *detect_setting(const struct detect_app *app, const char *text, const char *section,
                           const char *key)
{
    size_t key_n = strlen(key), section_n = strlen(section);
    bool inside = !*section;

    for (const char *s = text; *s;) {
        size_t n = strcspn(s, "\r\n"), skip = strspn(s, " \t");
        const char *line = s + (skip < n ? skip : n);
        size_t left = n - (size_t)(line - s);

        s += n;
        s += strspn(s, "\r\n");
        if (left > 0 && line[0] == '[') {
            /* [[bin]] counts as [bin]. */
            const char *name = line + strspn(line, "[ ");

            inside =
                strncmp(name, section, section_n) == 0 && section_n > 0 && name[section_n] == ']';
        } else if (inside && left > key_n && strncmp(line, key, key_n) == 0) {
            size_t gap = key_n + strspn(line + key_n, " \t");

            if (gap < left && line[gap] == '=')
                return value_of(app, line + gap + 1, left - gap - 1);
        }
    }
    return NULL;
}

const char *detect_between(const struct detect_app *app, const char *text, const char *before,
                           const char *after)
{
    const char *from = strstr(text, before);

    if (!from)
        return NULL;
    from += strlen(before);
    const char *to = strstr(from, after);

    return to ? trimmed(app->a, from, (size_t)(to - from)) : NULL;
}

static bool is_name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-';
}

bool detect_has_word(const char *text, const char *word)
{
    size_t n = strlen(word);

    for (const char *at = text; (at = strstr(at, word)); at += n)
        if ((at == text || !is_name_char(at[-1])) && !is_name_char(at[n]))
            return true;
    return false;
}

/* ---- versions ---- */

/* The versions that a range admits, as far as one number of them goes: between low and high, or exactly those named. */
struct bounds {
    int low, high; /* high is the last that fits */
    int exact[16]; /* of alternatives */
    size_t n_exact;
};

static bool is_number(const char *s)
{
    return isdigit((unsigned char)*s);
}

static int take_number(const char **s)
{
    long n = 0;

    for (; is_number(*s); (*s)++)
        n = n < 100000 ? n * 10 + (**s - '0') : n;
    return (int)(n < 100000 ? n : 100000);
}

/* One comparison of a range: its operator, and the number that counts: the major version, or (major given) the minor one. */
static void take_bound(const char *op, size_t op_n, int number, bool more, struct bounds *b)
{
    char first = op_n ? op[0] : '=';

    if (first == '>' && number + (op_n == 1 && !more) > b->low) {
        b->low = number + (op_n == 1 && !more);
    } else if (first == '<') {
        int last = op_n > 1 || more ? number : number - 1;

        if (last < b->high)
            b->high = last;
    } else if (first == '=' || first == '~' || first == '^') {
        if (b->n_exact < ARRAY_LEN(b->exact))
            b->exact[b->n_exact++] = number;
    }
}

/* The number nearest to the preferred one that fits; 0 for none. */
static int choose(const struct bounds *b, int preferred)
{
    int best = 0;

    for (size_t i = 0; i < b->n_exact; i++) {
        int n = b->exact[i];

        if (best == 0 || (n <= preferred && (best > preferred || n > best)) ||
            (n > preferred && best > preferred && n < best))
            best = n;
    }
    /* ">=22" beside alternatives. */
    if (b->n_exact > 0 && !(b->low > 0 && preferred >= b->low && preferred <= b->high))
        return best;
    if (b->low == 0 && b->high == INT_MAX)
        return 0;
    return b->low > preferred ? b->low : b->high < preferred ? b->high : preferred;
}

/* major < 0: the first number of each version counts. Else the second of those whose first is major; "^3.8" and ">=3.8" then go up to
 * the next major, as in Python's tools, and "~=3.8" does too. */
static int choose_number(const char *range, int major, int preferred)
{
    struct bounds b = {.high = INT_MAX};

    for (const char *s = range; *s;) {
        if (!is_number(s)) {
            s++;
            continue;
        }
        const char *op = s;

        while (op > range && strchr("<>=~^! v", op[-1]))
            op--;
        op += strspn(op, " ");
        size_t op_n = strspn(op, "<>=~^!");
        int number = take_number(&s);
        bool minor = false;

        if (major >= 0) {
            bool same = number == major;

            if (*s == '.' && is_number(s + 1)) {
                s++;
                number = take_number(&s);
                minor = same;
            }
            if (op_n && op[0] == '^')
                op = ">=", op_n = 2;
            if (op_n == 2 && strncmp(op, "~=", 2) == 0 && !(*s == '.' && is_number(s + 1)))
                op = ">=", op_n = 2;
        }
        /* Whether the rest of the version names something after this number: "<18.5" admits 18. */
        bool more = false;

        while (*s == '.' || is_number(s) || *s == '*' || *s == 'x') {
            more |= is_number(s) && *s != '0';
            s++;
        }
        if (op_n == 2 && strncmp(op, "!=", 2) == 0)
            continue;
        if (major < 0 || minor)
            take_bound(op, op_n, number, more, &b);
    }
    return choose(&b, preferred);
}

int detect_major(const char *range, int preferred)
{
    return choose_number(range, -1, preferred);
}

int detect_minor(const char *range, int major, int preferred)
{
    return choose_number(range, major, preferred);
}
