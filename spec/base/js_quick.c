/* js_quick.c: reads plain JSON into jansson's values, since reading is most of what a look at many containers costs.
 *
 * In: bytes of the engine, mostly. Out: the value that jansson would have made, or NULL. jansson reads byte by byte through
 * a function pointer and a growing buffer, about 200 instructions a byte; whole strings can be found and copied at once.
 * It accepts nothing that jansson refuses. Whatever is unusual or wrong it leaves to jansson, whose words about it are
 * then the only ones. */
#include "spec/base/js_quick.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "spec/base/str.h"

enum { DEEPEST = 64, DIGITS = 18 };

struct quick {
    const char *at, *end;
    struct str escaped; /* a string with escapes, unescaped */
    uint64_t seen;      /* every byte of the string so far, or'ed: tells whether it is ASCII */
};

static json_t *read_value(struct quick *q, int depth);

static void skip_space(struct quick *q)
{
    while (q->at < q->end && (*q->at == ' ' || *q->at == '\n' || *q->at == '\t' || *q->at == '\r'))
        q->at++;
}

/* After white space: true, and past it, if this character comes next. */
static bool take(struct quick *q, char c)
{
    skip_space(q);
    if (q->at == q->end || *q->at != c)
        return false;
    q->at++;
    return true;
}

/* ---- strings ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits after \u, where they are a character by themselves. */
static bool unescape_code(struct quick *q)
{
    uint32_t code = 0;

    if (q->end - q->at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(*q->at++);
        if (digit < 0)
            return false;
        code = code * 16 + (uint32_t)digit;
    }
    if (code == 0 || (code >= 0xd800 && code <= 0xdfff))
        return false;
    if (code >= 0x800) {
        str_addc(&q->escaped, (char)(0xe0 | code >> 12));
        str_addc(&q->escaped, (char)(0x80 | (code >> 6 & 0x3f)));
    } else if (code >= 0x80) {
        str_addc(&q->escaped, (char)(0xc0 | code >> 6));
    }
    str_addc(&q->escaped, (char)(code < 0x80 ? code : 0x80 | (code & 0x3f)));
    return true;
}

static bool unescape(struct quick *q)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";

    if (q->at == q->end)
        return false;
    char c = *q->at++;
    const char *known = c ? strchr(from, c) : NULL;

    if (c == 'u')
        return unescape_code(q);
    if (!known)
        return false;
    str_addc(&q->escaped, to[known - from]);
    return true;
}

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

#define EACH_BYTE(x) (UINT64_C(0x0101010101010101) * (x))

/* Which bytes of eight are 0: their top bits, and perhaps those of bytes above one that is. */
static uint64_t zeros(uint64_t x)
{
    return (x - EACH_BYTE(1)) & ~x & EACH_BYTE(0x80);
}

/* To the first byte that is not plain, eight at a time: half of a reply is inside of strings. */
static void skip_plain(struct quick *q)
{
    uint64_t x;

    for (; (size_t)(q->end - q->at) >= sizeof(x); q->at += sizeof(x)) {
        memcpy(&x, q->at, sizeof(x));
        if (zeros(x ^ EACH_BYTE('"')) | zeros(x ^ EACH_BYTE('\\')) |
            ((x - EACH_BYTE(0x20)) & ~x & EACH_BYTE(0x80)))
            break;
        q->seen |= x;
    }
    while (q->at < q->end && is_plain(*q->at))
        q->seen |= (unsigned char)*q->at++;
}

/* jansson looks at each byte once more, unless it is told that a text is UTF-8; ASCII is. */
static bool is_ascii(const struct quick *q)
{
    return !(q->seen & EACH_BYTE(0x80));
}

/* After the opening quote. The text is borrowed until the next string. */
static bool read_text(struct quick *q, const char **ret, size_t *ret_n)
{
    const char *from = q->at;

    q->seen = 0;
    skip_plain(q);
    if (q->at < q->end && *q->at == '"') {
        *ret = from;
        *ret_n = (size_t)(q->at++ - from);
        return true;
    }
    q->seen = EACH_BYTE(0x80); /* not looked at any closer */
    str_clear(&q->escaped);
    str_addn(&q->escaped, from, (size_t)(q->at - from));
    while (q->at < q->end && *q->at != '"') {
        if (is_plain(*q->at)) {
            str_addc(&q->escaped, *q->at++);
            continue;
        }
        if (*q->at++ != '\\' || !unescape(q))
            return false;
    }
    if (q->at == q->end)
        return false;
    q->at++;
    *ret = str_text(&q->escaped);
    *ret_n = q->escaped.len;
    return true;
}

static json_t *read_string(struct quick *q)
{
    const char *text;
    size_t n;

    if (!read_text(q, &text, &n))
        return NULL;
    return is_ascii(q) ? json_stringn_nocheck(text, n)
                       : json_stringn(text, n); /* NULL where it is not UTF-8 */
}

/* ---- the rest ---- */

static json_t *read_number(struct quick *q)
{
    bool negative = *q->at == '-';
    const char *from = q->at += negative;
    json_int_t v = 0;

    while (q->at < q->end && *q->at >= '0' && *q->at <= '9' && q->at - from < DIGITS)
        v = v * 10 + (*q->at++ - '0');
    if (q->at == from || (*from == '0' && q->at - from > 1))
        return NULL;
    if (q->at < q->end && ((*q->at >= '0' && *q->at <= '9') || strchr(".eE", *q->at)))
        return NULL;
    return json_integer(negative ? -v : v);
}

static json_t *read_word(struct quick *q, const char *word, json_t *v)
{
    size_t n = strlen(word);

    if ((size_t)(q->end - q->at) < n || memcmp(q->at, word, n) != 0)
        return NULL;
    q->at += n;
    return v;
}

/* After the opening bracket. */
static bool fill_array(struct quick *q, json_t *array, int depth)
{
    if (take(q, ']'))
        return true;
    do {
        if (json_array_append_new(array, read_value(q, depth)) < 0)
            return false;
    } while (take(q, ','));
    return take(q, ']');
}

static bool read_member(struct quick *q, json_t *object, int depth)
{
    const char *key;
    size_t n, before = json_object_size(object);

    if (!take(q, '"') || !read_text(q, &key, &n) || n == 0)
        return false;
    bool ascii = is_ascii(q);
    /* Reading the value may need the buffer that the key is in. */
    CLEANUP(str_release) struct str copy = STR_INIT;

    if (key == q->escaped.buf) {
        str_addn(&copy, key, n);
        key = str_text(&copy);
    }
    if (!take(q, ':'))
        return false;
    json_t *v = read_value(q, depth);
    int set = ascii ? json_object_setn_new_nocheck(object, key, n, v)
                    : json_object_setn_new(object, key, n, v);

    return set == 0 && json_object_size(object) == before + 1;
}

/* After the opening brace. */
static bool fill_object(struct quick *q, json_t *object, int depth)
{
    if (take(q, '}'))
        return true;
    do {
        if (!read_member(q, object, depth))
            return false;
    } while (take(q, ','));
    return take(q, '}');
}

static json_t *read_value(struct quick *q, int depth)
{
    json_t *v;

    skip_space(q);
    if (q->at == q->end || depth == DEEPEST)
        return NULL;
    switch (*q->at) {
    case '"': q->at++; return read_string(q);
    case 't': return read_word(q, "true", json_true());
    case 'f': return read_word(q, "false", json_false());
    case 'n': return read_word(q, "null", json_null());
    case '{':
        q->at++;
        v = json_object();
        if (fill_object(q, v, depth + 1))
            return v;
        break;
    case '[':
        q->at++;
        v = json_array();
        if (fill_array(q, v, depth + 1))
            return v;
        break;
    default: return *q->at == '-' || (*q->at >= '0' && *q->at <= '9') ? read_number(q) : NULL;
    }
    json_decref(v);
    return NULL;
}

json_t *js_quick(const char *text, size_t n)
{
    struct quick q = {.at = text, .end = text + n};
    json_t *v = read_value(&q, 0);

    skip_space(&q);
    str_release(&q.escaped);
    if (v && q.at == q.end)
        return v;
    json_decref(v);
    return NULL;
}
