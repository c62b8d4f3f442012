/* What is said to a caller who may know of some apps alone.
 *
 * Comes in: an answer. Goes out: the same without who else there is: a refusal says who has the route or the port, and where that is written, which helps an operator and is none of a narrowed token's
 * business. It goes by the form of the words, the one that claims.c has, so that it holds wherever they get to. Refuses to guess: what has another form stays. */
#include "agent/narrow.h"

#include <ctype.h>

#include "spec/limits.h"

static const char *const quotes[] = {"\"", "\\\"", "&quot;"};

enum { PLACE_MOST = 4096 };

void narrow_list(const struct strv *apps, struct str *out)
{
    str_addc(out, ',');
    for (size_t i = 0; i < apps->n; i++)
        str_addf(out, "%s,", apps->v[i]);
}

static bool begins(const char *at, const char *end, const char *word)
{
    size_t n = strlen(word);

    return (size_t)(end - at) >= n && memcmp(at, word, n) == 0;
}

static const char *digits(const char *at, const char *end)
{
    while (at < end && isdigit((unsigned char)*at))
        at++;
    return at;
}

/* Behind `(FILE:LINE:COLUMN)`; NULL: that is not here. The file's name may hold anything but the end of a line. */
static const char *past_place(const char *at, const char *end)
{
    if (at == end || *at != '(')
        return NULL;
    const char *last = end - at > PLACE_MOST ? at + PLACE_MOST : end;

    for (const char *p = at + 1; p < last && *p != '\n'; p++) {
        const char *line = *p == ':' ? digits(p + 1, last) : p;

        if (line <= p + 1 || line == last || *line != ':')
            continue;
        const char *column = digits(line + 1, last);

        if (column > line + 1 && column < last && *column == ')')
            return column + 1;
    }
    return NULL;
}

static bool is_own(const char *list, const char *name, size_t n)
{
    char key[LIMIT_APP_NAME + 3];

    (void)snprintf(key, sizeof(key), ",%.*s,", (int)n, name);
    return strstr(list, key) != NULL;
}

/* Behind another app's name and place, or NULL. */
static const char *past_other(const char *list, const char *at, const char *end)
{
    for (size_t i = 0; i < ARRAY_LEN(quotes); i++) {
        if (!begins(at, end, quotes[i]))
            continue;
        const char *name = at + strlen(quotes[i]), *p = name;

        while (p < end && (islower((unsigned char)*p) || isdigit((unsigned char)*p) || *p == '-'))
            p++;
        size_t n = (size_t)(p - name);

        if (n == 0 || n > LIMIT_APP_NAME || !begins(p, end, quotes[i]))
            continue;
        p += strlen(quotes[i]);
        p = begins(p, end, " ") ? past_place(p + 1, end) : NULL;
        if (p && !is_own(list, name, n))
            return p;
    }
    return NULL;
}

bool narrow_text(const char *list, const char *text, size_t n, struct str *out)
{
    const char *end = text + n, *from = text;
    bool any = false;

    for (const char *p = text; p < end;) {
        const char *past = *p == '"' || *p == '\\' || *p == '&' ? past_other(list, p, end) : NULL;

        if (!past) {
            p++;
            continue;
        }
        str_addn(out, from, (size_t)(p - from));
        str_add(out, "another app");
        from = p = past;
        any = true;
    }
    if (any)
        str_addn(out, from, (size_t)(end - from));
    return any;
}
