/* Names in a build context: cleaned, judged, ordered and shown. Pure.
 *
 * Comes in: whatever an archive or a directory calls its entries. Goes out: a relative path in UTF-8 without ".." or control
 * characters, or the reason why not. What only another system would take for a way out (backslash, drive letter) is refused in archives,
 * and allowed in directories, where such a file was made on purpose. */
#include <wctype.h>

#include "drivers/context_parts.h"
#include "spec/base/arena.h"

#define COMPONENT_BYTES 255
#define SHOWN_BYTES 120

const char *context_name_clean(const char *name, struct arena *a)
{
    size_t n = strlen(name), out = 0;
    char *to = arena_alloc(a, n + 2);

    if (name[0] == '/')
        to[out++] = '/';
    for (size_t i = 0; i < n;) {
        size_t part = strcspn(name + i, "/");

        if (part > 0 && !(part == 1 && name[i] == '.')) {
            if (out > 0 && to[out - 1] != '/')
                to[out++] = '/';
            memcpy(to + out, name + i, part);
            out += part;
        }
        i += part + 1;
    }
    to[out] = '\0';
    return to;
}

static const char *bad_characters(const char *name)
{
    for (size_t n = strlen(name); n > 0;) {
        uint32_t c;
        size_t step = utf8_next(name, n, &c);

        if (step == 0)
            return "its name is not UTF-8";
        if (c < 0x20 || (c >= 0x7f && c < 0xa0))
            return "its name holds a control character";
        name += step;
        n -= step;
    }
    return NULL;
}

static const char *bad_component(const char *at, size_t n)
{
    if (n == 0)
        return "its name has an empty component";
    if (n == 1 && at[0] == '.')
        return "its name has a \".\" component";
    if (n == 2 && at[0] == '.' && at[1] == '.')
        return "its name climbs out with \"..\"";
    if (n > COMPONENT_BYTES)
        return "a component of its name is longer than 255 bytes";
    return NULL;
}

static const char *bad_elsewhere(const char *name)
{
    char letter = (char)(name[0] | 0x20);

    if (letter >= 'a' && letter <= 'z' && name[1] == ':')
        return "its name begins with a drive letter";
    if (strchr(name, '\\'))
        return "its name holds a backslash";
    return NULL;
}

static const char *why_not(const char *name, bool foreign, const struct context_limits *l)
{
    const char *why = NULL;
    int depth = 1;

    if (name[0] == '/')
        return "its name is absolute";
    if (strlen(name) > (size_t)l->path_bytes)
        return "its name is too long";
    if (foreign)
        why = bad_elsewhere(name);
    for (const char *at = name; !why;) {
        size_t n = strcspn(at, "/");

        why = bad_component(at, n);
        if (!at[n])
            break;
        at += n + 1;
        if (++depth > l->depth)
            return "it lies too deep";
    }
    return why ? why : bad_characters(name);
}

bool context_name_valid(const char *name, bool foreign, const struct context_limits *l,
                        const char **ret_why)
{
    const char *why = why_not(name, foreign, l);

    if (why)
        *ret_why = why;
    return !why;
}

/* ---- order ---- */

/* The end of a name comes first, then the slash: "a", "a/b", "a-b". */
static int rank(char c)
{
    return c == '\0' ? 0 : c == '/' ? 1 : (unsigned char)c + 1;
}

int context_name_order(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return rank(*a) - rank(*b);
}

static uint32_t folded_next(const char **at)
{
    uint32_t c = (unsigned char)**at;
    size_t n = 1;

    if (c < 0x80) {
        *at += c != 0;
        return c >= 'A' && c <= 'Z' ? c + 0x20 : c;
    }
    n = utf8_next(*at, strlen(*at), &c);
    *at += n ? n : 1;
    /* by way of the capital: there are small letters with two forms and one capital */
    return (uint32_t)towlower(towupper((wint_t)c));
}

int context_name_fold_order(const char *a, const char *b)
{
    uint32_t x, y;

    do {
        x = folded_next(&a);
        y = folded_next(&b);
    } while (x && x == y);
    return x < y ? -1 : x > y;
}

/* ---- for people ---- */

void context_name_shown(const char *name, struct str *out)
{
    char head[SHOWN_BYTES + 1];
    size_t n = strlen(name);

    if (n <= SHOWN_BYTES) {
        str_add_escaped(out, name);
        return;
    }
    n = SHOWN_BYTES;
    while (n > 0 && ((unsigned char)name[n] & 0xc0) == 0x80)
        n--;
    memcpy(head, name, n);
    head[n] = '\0';
    str_add_escaped(out, head);
    str_add(out, "...");
}
