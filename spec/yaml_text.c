/* yaml_text.c: encodings, lines and columns of a YAML file.
 *
 * In: the bytes of a file. Out: UTF-8 text, the place of its first forbidden character, and single
 * lines for diagnostics.
 * libyaml would read UTF-16 itself and find bad characters itself, but reports an offset only and could not show
 * the line; so that it never has to, the text is converted and checked before.
 * It refuses (through yaml_text_check) what YAML refuses: NUL, control characters, broken UTF-8 and UTF-16. */
#include "spec/yaml_text.h"

#include <stdint.h>
#include <string.h>

#include "spec/base/arena.h"
#include "spec/base/str.h"
#include "spec/yaml.h"

/* ---- UTF-16 ---- */

static uint32_t unit_at(const unsigned char *u, bool little)
{
    return little ? u[0] | (uint32_t)u[1] << 8 : (uint32_t)u[0] << 8 | u[1];
}

/* Lone halves of a pair are written like other characters, which is not valid UTF-8. */
static size_t put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    for (size_t i = n; i-- > 1; c >>= 6)
        to[i] = (char)(0x80 | (c & 0x3f));
    to[0] = (char)((0xf00U >> n & 0xf0) | c);
    return n;
}

static const char *from_utf16(const unsigned char *u, size_t n, bool little, struct arena *a,
                              size_t *ret_n)
{
    /* Two bytes become three at most, four become four, an odd last one becomes one. */
    char *text = arena_alloc(a, n / 2 * 3 + 2);
    size_t len = 0;

    for (size_t i = 0; i + 1 < n; i += 2) {
        uint32_t c = unit_at(u + i, little);
        uint32_t low = i + 3 < n ? unit_at(u + i + 2, little) : 0;

        if (c >= 0xd800 && c < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            i += 2;
        }
        len += put_utf8(text + len, c);
    }
    if (n % 2)
        text[len++] = '\xff';
    *ret_n = len;
    return text;
}

const char *yaml_text_utf8(const char *bytes, size_t n, struct arena *a, size_t *ret_n)
{
    const unsigned char *u = (const unsigned char *)bytes;

    if (n >= 2 && u[0] == 0xff && u[1] == 0xfe)
        return from_utf16(u + 2, n - 2, true, a, ret_n);
    if (n >= 2 && u[0] == 0xfe && u[1] == 0xff)
        return from_utf16(u + 2, n - 2, false, a, ret_n);
    if (n >= 3 && memcmp(u, "\xef\xbb\xbf", 3) == 0) {
        bytes += 3;
        n -= 3;
    }
    /* Not arena_strndup: a NUL inside must stay to be found. */
    char *text = arena_alloc(a, n + 1);

    if (n)
        memcpy(text, bytes, n);
    *ret_n = n;
    return text;
}

/* ---- places ---- */

/* Length of the line break at s: those of YAML 1.1, as libyaml counts them. */
static size_t break_at(const char *s, size_t n)
{
    if (*s == '\n')
        return 1;
    if (*s == '\r')
        return n > 1 && s[1] == '\n' ? 2 : 1;
    if (n >= 2 && memcmp(s, "\xc2\x85", 2) == 0)
        return 2;
    if (n >= 3 && (memcmp(s, "\xe2\x80\xa8", 3) == 0 || memcmp(s, "\xe2\x80\xa9", 3) == 0))
        return 3;
    return 0;
}

struct place yaml_text_place(const char *text, size_t n, size_t offset)
{
    struct place at = {.line = 1, .column = 1};

    for (size_t i = 0; i < offset && i < n;) {
        size_t len = break_at(text + i, n - i);
        uint32_t c;

        if (len) {
            at.line++;
            at.column = 1;
        } else {
            len = utf8_next(text + i, n - i, &c);
            at.column++;
        }
        i += len ? len : 1;
    }
    return at;
}

static bool allowed(uint32_t c)
{
    return (c >= 0x20 && c <= 0x7e) || c == '\t' || c == '\n' || c == '\r' || c == 0x85 ||
           (c >= 0xa0 && c <= 0xfffd) || c >= 0x10000;
}

const char *yaml_text_check(const char *text, size_t n, struct place *ret_at)
{
    for (size_t i = 0; i < n;) {
        uint32_t c = 0;
        size_t len = utf8_next(text + i, n - i, &c);

        if (len && allowed(c)) {
            i += len;
            continue;
        }
        *ret_at = yaml_text_place(text, n, i);
        if (len == 0)
            return "this byte is not valid UTF-8";
        return c == 0 ? "a NUL byte: is this a text file?" : "control characters are not allowed";
    }
    return NULL;
}

/* ---- lines ---- */

/* Split a copy of the text into l->v. What follows the last break counts only if it is not empty. */
static void split(const char *text, struct yaml_lines *l, struct arena *a)
{
    size_t n = strlen(text), cap = 0;
    char *copy = arena_alloc(a, n + 1), *line = copy;

    memcpy(copy, text, n);
    for (size_t i = 0; i <= n;) {
        size_t len = i < n ? break_at(text + i, n - i) : 1;

        if (len == 0) {
            i++;
            continue;
        }
        if (i < n || copy + i > line) {
            l->v = arena_grow(a, l->v, l->n, &cap, sizeof(*l->v));
            l->v[l->n++] = line;
        }
        copy[i] = '\0';
        i += len;
        line = copy + i;
    }
}

const char *yaml_source_line(const struct yaml_file *f, int line, struct arena *a)
{
    if (!f->lines->v)
        split(f->text, f->lines, a);
    return line > 0 && (size_t)line <= f->lines->n ? f->lines->v[line - 1] : NULL;
}
