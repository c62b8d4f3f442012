/* str.h: text. A growable buffer, sorted key/value lists, and the bounded parsers of numbers, sizes and times.
 *
 * struct str owns its buffer; buf is never NULL after the first use through str_text() and is always
 * NUL-terminated. struct kv lists are plain sorted arrays in an arena, so that equality, difference and output
 * order come free. */
#ifndef EK_STR_H
#define EK_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/base/attr.h"

struct arena;

struct str {
    char *buf;
    size_t len, cap;
};
#define STR_INIT                                                                                   \
    {                                                                                              \
        0                                                                                          \
    }

void str_release(struct str *s); /* for CLEANUP(str_release) struct str s = STR_INIT; */
void str_clear(struct str *s);
void str_add(struct str *s, const char *text);
void str_addn(struct str *s, const char *bytes, size_t n);
void str_addc(struct str *s, char c);
void str_addf(struct str *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
const char *str_text(const struct str *s); /* "" when empty, never NULL */
char *str_steal(struct str *s);            /* heap text, caller frees; the str is empty again */
/* Text of strangers for a terminal, a log or a label: control characters, those that turn the direction of
 * writing, and invalid UTF-8 become \xNN, byte by byte. */
void str_add_escaped(struct str *s, const char *text);
bool str_is_plain(const char *text); /* printable ASCII alone: nothing of it would be escaped */
/* The character s begins with, n bytes being there: returns its length in bytes, or 0 (and *ret untouched) where
 * that is not valid UTF-8 or n is 0. */
size_t utf8_next(const char *s, size_t n, uint32_t *ret);

/* ---- lists of strings ----
 * A list knows its capacity from n alone: grow only what strv_push, kvs_set or js_* built, and of two copies of
 * one struct at most one. */
struct strv {
    const char **v;
    size_t n;
};
void strv_push(struct arena *a, struct strv *l,
               const char *s); /* s borrowed; capacity grows by powers of two */
bool strv_has(const struct strv *l, const char *s);
bool strv_eq(const struct strv *a, const struct strv *b);
void strv_sort(struct strv *l);
/* qsort() for what is mostly in order already: n comparisons then. */
void sort_rows(void *v, size_t n, size_t size, int (*compare)(const void *a, const void *b));
/* Nearest entry by edit distance, or NULL if none is near (distance <= 1 + strlen/4, and never all
 * letters of it). A swap of neighbours counts as one edit; words over 64 bytes have no neighbours. */
const char *str_nearest(const char *word, const char *const *candidates, size_t n);

/* ---- sorted key/value lists ---- */
struct kv {
    const char *key, *value;
};
struct kvs {
    struct kv *v;
    size_t n;
};
/* Insert keeping the order by strcmp(key); an equal key is overwritten. Texts are borrowed. O(n) per insert at worst,
 * O(1) when keys arrive in order. */
void kvs_set(struct arena *a, struct kvs *l, const char *key, const char *value);
const char *kvs_get(const struct kvs *l, const char *key); /* NULL when absent */
bool kvs_eq(const struct kvs *a, const struct kvs *b);

/* ---- parsing; each returns 0, or -1 and leaves *ret alone ---- */
int parse_int64(const char *s, int64_t min, int64_t max, int64_t *ret); /* decimal, whole string */
/* Compose byte sizes: 512, 512b, 64k, 512M, 1.5g, 1GiB, 2tb; binary multiples, case-insensitive. -1 only as "-1". */
int parse_bytes(const char *s, int64_t *ret);
/* Compose/Go durations: 30s, 1h30m, 1.5s, 500ms, 10us, also d and w; a bare number is seconds. Result in nanoseconds. */
int parse_duration_ns(const char *s, int64_t *ret);
/* CPU counts: 0.5, 2, 1.25 -> billionths of a CPU. */
int parse_nano_cpus(const char *s, int64_t *ret);
/* RFC 3339 time (2026-11-22T10:00:00Z, fractions and offsets allowed) -> milliseconds since 1970. The engine's
 * "0001-01-01T00:00:00Z" gives 0. */
int parse_time_ms(const char *s, int64_t *ret);

/* ---- printing the same units for people ---- */
void str_add_bytes(struct str *s,
                   int64_t bytes); /* 512M, 1.5G, 12B; one digit after the point, rounded down */
void str_add_duration(struct str *s,
                      int64_t ns); /* 1h30m, 1.5s, 250ms; from a minute on without fractions */
void str_add_time(struct str *s, int64_t ms); /* 2026-11-22T10:00:00Z */

#endif
