/* units.c: numbers with units, read strictly and printed for people; the second half of str.h.
 *
 * In: text such as 1.5g, 1h30m, 0.5 or 2026-11-22T10:00:00Z. Out: bytes, nanoseconds, billionths of a CPU,
 * milliseconds since 1970; and the way back.
 * All arithmetic is exact on integers, so 0.1 means the same on every machine and under every locale.
 * It refuses signs, blanks, exponents, anything after the number, and whatever does not fit. */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "spec/base/arena.h"
#include "spec/base/str.h"

#define NS_PER_SECOND INT64_C(1000000000)

/* ---- reading ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int parse_int64(const char *s, int64_t min, int64_t max, int64_t *ret)
{
    if (!s)
        return -1;
    bool minus = *s == '-';
    int64_t v = 0;

    s += minus;
    if (!is_digit(*s))
        return -1;
    for (; is_digit(*s); s++)
        /* Counting downwards reaches INT64_MIN too. */
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, *s - '0', &v))
            return -1;
    if (*s || (!minus && v == INT64_MIN))
        return -1;
    if (!minus)
        v = -v;
    if (v < min || v > max)
        return -1;
    *ret = v;
    return 0;
}

/* A decimal number as it stands in the text: 12, 1.5, .5 */
struct decimal {
    int64_t whole;
    const char *fraction;
    size_t n_fraction;
};

/* Returns what follows the number, or NULL. */
static const char *read_decimal(const char *s, struct decimal *ret)
{
    struct decimal d = {0};
    bool any = is_digit(*s);

    for (; is_digit(*s); s++)
        if (__builtin_mul_overflow(d.whole, 10, &d.whole) ||
            __builtin_add_overflow(d.whole, *s - '0', &d.whole))
            return NULL;
    if (*s == '.') {
        d.fraction = ++s;
        while (is_digit(*s))
            s++;
        d.n_fraction = (size_t)(s - d.fraction);
        any = d.n_fraction > 0;
    }
    if (!any)
        return NULL;
    *ret = d;
    return s;
}

/* *total += d * unit, rounded down. */
static int add_scaled(const struct decimal *d, int64_t unit, int64_t *total)
{
    int64_t part = 0, whole;

    /* From the last digit to the first; since floor(floor(x) / 10) is floor(x / 10) nothing is lost on the way. */
    for (size_t i = d->n_fraction; i-- > 0;)
        part = ((d->fraction[i] - '0') * unit + part) / 10;
    if (__builtin_mul_overflow(d->whole, unit, &whole) ||
        __builtin_add_overflow(whole, part, &whole) || __builtin_add_overflow(*total, whole, total))
        return -1;
    return 0;
}

int parse_bytes(const char *s, int64_t *ret)
{
    static const char letters[] = "kmgtp";
    struct decimal d;
    int64_t unit = 1, total = 0;

    if (!s)
        return -1;
    if (strcmp(s, "-1") == 0) {
        *ret = -1;
        return 0;
    }
    const char *rest = read_decimal(s, &d);

    if (!rest)
        return -1;
    if (*rest == ' ' && rest[1])
        rest++;
    const char *letter = *rest ? strchr(letters, *rest | 0x20) : NULL;

    if (letter) {
        unit = INT64_C(1) << (10 * (letter - letters + 1));
        rest++;
        if (strcasecmp(rest, "ib") == 0)
            rest++;
    }
    if (*rest && strcasecmp(rest, "b") != 0)
        return -1;
    if (add_scaled(&d, unit, &total) < 0)
        return -1;
    *ret = total;
    return 0;
}

struct unit {
    const char *name;
    int64_t ns;
};

// clang-format off
static const struct unit duration_units[] = {
    {"ns", 1},
    {"us", 1000},
    {"\xc2\xb5s", 1000}, /* micro sign */
    {"\xce\xbcs", 1000}, /* Greek mu */
    {"ms", 1000000},
    {"s", NS_PER_SECOND},
    {"m", 60 * NS_PER_SECOND},
    {"h", 3600 * NS_PER_SECOND},
    {"d", 24 * 3600 * NS_PER_SECOND},
    {"w", 7 * 24 * 3600 * NS_PER_SECOND},
};
// clang-format on

/* The unit that s begins with and that ends where the next number begins, or NULL. */
static const struct unit *duration_unit(const char *s)
{
    size_t n = strcspn(s, "0123456789.");

    for (size_t i = 0; i < ARRAY_LEN(duration_units); i++)
        if (strlen(duration_units[i].name) == n && strncmp(s, duration_units[i].name, n) == 0)
            return &duration_units[i];
    return NULL;
}

int parse_duration_ns(const char *s, int64_t *ret)
{
    struct decimal d;
    int64_t total = 0;

    if (!s)
        return -1;
    const char *rest = read_decimal(s, &d);

    if (rest && !*rest) {
        if (add_scaled(&d, NS_PER_SECOND, &total) < 0)
            return -1;
        *ret = total;
        return 0;
    }
    while (rest) {
        const struct unit *u = duration_unit(rest);

        if (!u || add_scaled(&d, u->ns, &total) < 0)
            return -1;
        rest += strlen(u->name);
        if (!*rest) {
            *ret = total;
            return 0;
        }
        rest = read_decimal(rest, &d);
    }
    return -1;
}

int parse_nano_cpus(const char *s, int64_t *ret)
{
    struct decimal d;
    int64_t total = 0;
    const char *rest = s ? read_decimal(s, &d) : NULL;

    if (!rest || *rest || add_scaled(&d, NS_PER_SECOND, &total) < 0)
        return -1;
    *ret = total;
    return 0;
}

/* ---- the calendar ---- */

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar. Years begin in March here, so that the
 * leap day is the last of its year, and come in eras of 400 (146097 days). */
static int64_t days_of_date(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    return month == 12 ? 31 : days_of_date(year, month + 1, 1) - days_of_date(year, month, 1);
}

/* n digits within bounds; moves *s past them. */
static bool read_digits(const char **s, int n, int64_t min, int64_t max, int64_t *ret)
{
    int64_t v = 0;

    for (int i = 0; i < n; i++, (*s)++) {
        if (!is_digit(**s))
            return false;
        v = v * 10 + (**s - '0');
    }
    *ret = v;
    return v >= min && v <= max;
}

static bool read_mark(const char **s, const char *any_of)
{
    if (!**s || !strchr(any_of, **s))
        return false;
    (*s)++;
    return true;
}

/* Z, or the distance from Greenwich in minutes. */
static bool read_zone(const char **s, int64_t *ret_minutes)
{
    int64_t hours, minutes;

    *ret_minutes = 0;
    if (read_mark(s, "Zz"))
        return true;
    bool west = **s == '-';

    if (!read_mark(s, "+-") || !read_digits(s, 2, 0, 23, &hours) || !read_mark(s, ":") ||
        !read_digits(s, 2, 0, 59, &minutes))
        return false;
    *ret_minutes = (hours * 60 + minutes) * (west ? -1 : 1);
    return true;
}

int parse_time_ms(const char *s, int64_t *ret)
{
    int64_t year, month, day, hour, minute, second, zone;
    struct decimal fraction = {0};
    int64_t ms = 0;

    if (!s)
        return -1;
    if (!read_digits(&s, 4, 0, 9999, &year) || !read_mark(&s, "-") ||
        !read_digits(&s, 2, 1, 12, &month) || !read_mark(&s, "-") ||
        !read_digits(&s, 2, 1, days_in_month(year, month), &day) || !read_mark(&s, "Tt "))
        return -1;
    /* 60 is a leap second. */
    if (!read_digits(&s, 2, 0, 23, &hour) || !read_mark(&s, ":") ||
        !read_digits(&s, 2, 0, 59, &minute) || !read_mark(&s, ":") ||
        !read_digits(&s, 2, 0, 60, &second))
        return -1;
    if (*s == '.' && !(s = read_decimal(s, &fraction)))
        return -1;
    if (!read_zone(&s, &zone) || *s)
        return -1;
    (void)add_scaled(&fraction, 1000, &ms); /* less than a second: always fits */
    int64_t minutes = (days_of_date(year, month, day) * 24 + hour) * 60 + minute - zone;

    *ret = year == 1 ? 0 : (minutes * 60 + second) * 1000 + ms;
    return 0;
}

/* ---- printing ---- */

static uint64_t magnitude(int64_t v)
{
    return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

/* part / 1000 after the point, without zeros at the end. */
static void add_thousandths(struct str *s, unsigned part)
{
    if (part == 0)
        return;
    str_addf(s, ".%03u", part);
    while (s->buf[s->len - 1] == '0')
        s->buf[--s->len] = '\0';
}

void str_add_bytes(struct str *s, int64_t bytes)
{
    static const char letters[] = "BKMGTPE";
    uint64_t v = magnitude(bytes), unit = 1;
    size_t i = 0;

    for (; v / unit >= 1024; i++)
        unit *= 1024;
    /* The rest is divided first where ten times it would not fit. */
    uint64_t rest = v % unit, tenth = unit >= 1024 ? rest / (unit / 1024) * 10 / 1024 : 0;

    str_addf(s, "%s%" PRIu64, bytes < 0 ? "-" : "", v / unit);
    if (tenth)
        str_addf(s, ".%" PRIu64, tenth);
    str_addc(s, letters[i]);
}

void str_add_duration(struct str *s, int64_t ns)
{
    uint64_t v = magnitude(ns), second = (uint64_t)NS_PER_SECOND;

    if (ns < 0)
        str_addc(s, '-');
    if (v < second) {
        uint64_t unit = v >= 1000000 ? 1000000 : v >= 1000 ? 1000 : 1;

        str_addf(s, "%" PRIu64, v / unit);
        add_thousandths(s, (unsigned)(v % unit * 1000 / unit));
        str_add(s, v == 0 ? "s" : unit == 1 ? "ns" : unit == 1000 ? "us" : "ms");
        return;
    }
    uint64_t hours = v / second / 3600, minutes = v / second / 60 % 60, seconds = v / second % 60;

    if (hours)
        str_addf(s, "%" PRIu64 "h", hours);
    if (minutes)
        str_addf(s, "%" PRIu64 "m", minutes);
    if (seconds || v < 60 * second) {
        str_addf(s, "%" PRIu64, seconds);
        if (v < 60 * second)
            add_thousandths(s, (unsigned)(v % second / 1000000));
        str_addc(s, 's');
    }
}

void str_add_time(struct str *s, int64_t ms)
{
    int64_t seconds = ms / 1000 - (ms % 1000 < 0);
    int64_t days = seconds / 86400 - (seconds % 86400 < 0);
    int64_t of_day = seconds - days * 86400;
    /* days_of_date backwards */
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t m = (5 * doy + 2) / 153;
    int64_t month = m < 10 ? m + 3 : m - 9;

    str_addf(s,
             "%04" PRId64 "-%02" PRId64 "-%02" PRId64 "T%02" PRId64 ":%02" PRId64 ":%02" PRId64 "Z",
             yoe + era * 400 + (month <= 2), month, doy - (153 * m + 2) / 5 + 1, of_day / 3600,
             of_day / 60 % 60, of_day % 60);
}
