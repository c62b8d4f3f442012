/* str.c: text that grows, and the two lists everything else is made of.
 *
 * In: bytes, formats, borrowed texts. Out: NUL-terminated buffers, lists of strings, sorted key/value lists, and
 * the candidate a misspelt word most likely meant. Numbers, sizes and times are next door in units.c.
 * The lists keep no capacity: it follows from n (4, then powers of two), which is why only lists that were
 * built here may grow here.
 * It refuses nothing but running out of memory, which aborts. */
#include "spec/base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spec/base/arena.h"

/* ---- the buffer ---- */

static void reserve(struct str *s, size_t more)
{
    size_t need;

    if (__builtin_add_overflow(s->len, more, &need) || need > SIZE_MAX / 4)
        abort();
    need++; /* the NUL */
    if (need <= s->cap)
        return;
    size_t cap = s->cap ? s->cap * 2 : 64;

    if (cap < need)
        cap = need;
    s->buf = xrealloc(s->buf, cap);
    s->cap = cap;
}

void str_release(struct str *s)
{
    free(s->buf);
    *s = (struct str)STR_INIT;
}

void str_clear(struct str *s)
{
    s->len = 0;
    if (s->buf)
        s->buf[0] = '\0';
}

void str_addn(struct str *s, const char *bytes, size_t n)
{
    reserve(s, n);
    if (n)
        memcpy(s->buf + s->len, bytes, n);
    s->len += n;
    s->buf[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
    str_addn(s, text, strlen(text));
}

void str_addc(struct str *s, char c)
{
    str_addn(s, &c, 1);
}

void str_addf(struct str *s, const char *fmt, ...)
{
    va_list ap;

    reserve(s, 64);
    size_t room = s->cap - s->len;

    va_start(ap, fmt);
    int n = vsnprintf(s->buf + s->len, room, fmt, ap);
    va_end(ap);
    if (n < 0)
        abort();
    if ((size_t)n >= room) {
        reserve(s, (size_t)n);
        va_start(ap, fmt);
        (void)vsnprintf(s->buf + s->len, s->cap - s->len, fmt, ap);
        va_end(ap);
    }
    s->len += (size_t)n;
}

const char *str_text(const struct str *s)
{
    return s->buf ? s->buf : "";
}

char *str_steal(struct str *s)
{
    char *text = s->buf ? s->buf : xstrdup("");

    *s = (struct str)STR_INIT;
    return text;
}

/* ---- UTF-8 ---- */

size_t utf8_next(const char *s, size_t n, uint32_t *ret)
{
    const unsigned char *u = (const unsigned char *)s;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};

    if (n == 0)
        return 0;
    if (u[0] < 0x80) {
        *ret = u[0];
        return 1;
    }
    size_t len = u[0] >= 0xf0 ? 4 : u[0] >= 0xe0 ? 3 : 2;

    if (u[0] < 0xc2 || u[0] > 0xf4 || n < len)
        return 0;
    uint32_t c = u[0] & (0x7fU >> len);

    for (size_t i = 1; i < len; i++) {
        if ((u[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (u[i] & 0x3fU);
    }
    if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *ret = c;
    return len;
}

/* What moves the cursor, or turns the direction of the text that follows it. */
static bool unprintable(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

/* Bytes of printable ASCII that it begins with. */
static size_t plain_run(const char *text)
{
    size_t n = 0;

    while (text[n] >= 0x20 && text[n] < 0x7f)
        n++;
    return n;
}

bool str_is_plain(const char *text)
{
    return text[plain_run(text)] == '\0';
}

void str_add_escaped(struct str *s, const char *text)
{
    size_t left = strlen(text);

    while (left) {
        uint32_t c = 0;
        size_t run = plain_run(text);

        str_addn(s, text, run);
        text += run;
        left -= run;
        if (left == 0)
            return;
        size_t n = utf8_next(text, left, &c);
        bool plain = n && !unprintable(c);

        if (n == 0)
            n = 1;
        if (plain)
            str_addn(s, text, n);
        for (size_t i = 0; !plain && i < n; i++)
            str_addf(s, "\\x%02x", (unsigned)(unsigned char)text[i]);
        text += n;
        left -= n;
    }
}

/* ---- lists of strings ---- */

/* A list of n is full when n is nothing, 4, 8, 16, ...; see the top of this file. */
static bool list_full(size_t n)
{
    return n == 0 || (n >= 4 && (n & (n - 1)) == 0);
}

static void *list_grown(struct arena *a, const void *v, size_t n, size_t size)
{
    void *grown = arena_array(a, n ? n * 2 : 4, size);

    if (n)
        memcpy(grown, v, n * size);
    return grown;
}

void strv_push(struct arena *a, struct strv *l, const char *s)
{
    if (list_full(l->n))
        l->v = list_grown(a, l->v, l->n, sizeof(l->v[0]));
    l->v[l->n++] = s;
}

bool strv_has(const struct strv *l, const char *s)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->v[i], s) == 0)
            return true;
    return false;
}

bool strv_eq(const struct strv *a, const struct strv *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->v[i], b->v[i]) != 0)
            return false;
    return true;
}

static int cmp_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void sort_rows(void *v, size_t n, size_t size, int (*compare)(const void *a, const void *b))
{
    const char *row = v;

    for (size_t i = 1; i < n; i++, row += size)
        if (compare(row, row + size) > 0) {
            qsort(v, n, size, compare);
            return;
        }
}

void strv_sort(struct strv *l)
{
    sort_rows((void *)l->v, l->n, sizeof(l->v[0]), cmp_text);
}

/* ---- the nearest word ---- */

enum { NEAREST_MAX = 64 }; /* bytes; nobody misspells longer words than these in a spec */

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* Insertions, deletions, substitutions and swaps of neighbours that turn a into b (Damerau-Levenshtein with
 * every byte edited once), or most + 1 as soon as it must be more. */
static size_t edit_distance(const char *a, size_t na, const char *b, size_t nb, size_t most)
{
    unsigned char rows[3][NEAREST_MAX + 1];
    unsigned char *older = rows[0], *old = rows[1], *row = rows[2];

    if ((na > nb ? na - nb : nb - na) > most)
        return most + 1;
    for (size_t j = 0; j <= nb; j++)
        old[j] = (unsigned char)j;
    for (size_t i = 1; i <= na; i++) {
        size_t least = row[0] = (unsigned char)i;

        for (size_t j = 1; j <= nb; j++) {
            size_t d = min3(old[j] + 1U, row[j - 1] + 1U, old[j - 1] + (a[i - 1] != b[j - 1]));

            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d = min3(d, older[j - 2] + 1U, d);
            row[j] = (unsigned char)d;
            least = d < least ? d : least;
        }
        if (least > most)
            return most + 1;
        unsigned char *spare = older;
        older = old;
        old = row;
        row = spare;
    }
    return old[nb];
}

const char *str_nearest(const char *word, const char *const *candidates, size_t n)
{
    size_t len = strlen(word);
    size_t most = 1 + len / 4;
    const char *best = NULL;

    if (len > NEAREST_MAX)
        return NULL;
    /* A one-letter word is one edit from every other: that is no likeness. */
    if (most >= len)
        most = len ? len - 1 : 0;
    for (size_t i = 0; i < n && most > 0; i++) {
        size_t nc = strlen(candidates[i]);

        if (nc > NEAREST_MAX)
            continue;
        size_t d = edit_distance(word, len, candidates[i], nc, most);
        if (d <= most) {
            best = candidates[i];
            if (d == 0)
                break;
            most = d - 1; /* among equals the first wins */
        }
    }
    return best;
}

/* ---- sorted key/value lists ---- */

/* Index of the first entry whose key is not less than key. */
static size_t lower_bound(const struct kvs *l, const char *key)
{
    size_t lo = 0, hi = l->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (strcmp(l->v[mid].key, key) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

void kvs_set(struct arena *a, struct kvs *l, const char *key, const char *value)
{
    bool last = l->n == 0 || strcmp(l->v[l->n - 1].key, key) < 0;
    size_t at = last ? l->n : lower_bound(l, key);

    if (at < l->n && strcmp(l->v[at].key, key) == 0) {
        l->v[at].value = value;
        return;
    }
    if (list_full(l->n))
        l->v = list_grown(a, l->v, l->n, sizeof(l->v[0]));
    if (at < l->n)
        memmove(l->v + at + 1, l->v + at, (l->n - at) * sizeof(l->v[0]));
    l->v[at] = (struct kv){key, value};
    l->n++;
}

const char *kvs_get(const struct kvs *l, const char *key)
{
    size_t at = lower_bound(l, key);

    return at < l->n && strcmp(l->v[at].key, key) == 0 ? l->v[at].value : NULL;
}

static bool text_eq(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool kvs_eq(const struct kvs *a, const struct kvs *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->v[i].key, b->v[i].key) != 0 || !text_eq(a->v[i].value, b->v[i].value))
            return false;
    return true;
}
