/* context_pax.c: reads along while a tar goes by, and looks into its pax headers.
 *
 * In: the bytes of a tar in pieces of any size. Out: the first name with a NUL inside, which libarchive cuts off there in silence: whoever reads the
 * archive with another program sees another name. It follows headers only as far as it is sure of them (by their checksum); where it is not, it
 * says nothing more, and libarchive is the judge. */
#include "drivers/context_pax.h"

#define BLOCK 512
#define TEXT_MOST (1 << 20) /* libarchive takes no larger ones either */

void context_pax_release(struct context_pax *p)
{
    str_release(&p->text);
}

static bool number_of(const unsigned char *field, size_t n, int64_t *ret)
{
    int64_t v = 0;

    if (field[0] & 0x80) { /* base 256, as GNU writes large ones */
        if (field[0] != 0x80)
            return false;
        for (size_t i = 1; i < n; i++) {
            if (v > INT64_MAX >> 8)
                return false;
            v = v << 8 | field[i];
        }
    } else {
        while (n > 0 && *field == ' ')
            field++, n--;
        for (; n > 0 && *field >= '0' && *field <= '7'; field++, n--)
            v = v << 3 | (*field - '0');
        if (n > 0 && *field != ' ' && *field != '\0')
            return false;
    }
    *ret = v;
    return true;
}

static bool checksum_is_right(const unsigned char *head)
{
    int64_t said, sum = 0;

    for (size_t i = 0; i < BLOCK; i++)
        sum += i >= 148 && i < 156 ? ' ' : head[i];
    return number_of(head + 148, 8, &said) && said == sum;
}

static bool is_zero(const unsigned char *head)
{
    for (size_t i = 0; i < BLOCK; i++)
        if (head[i])
            return false;
    return true;
}

/* A header is whole: what follows it? */
static void take_head(struct context_pax *p)
{
    char type = (char)p->head[156];
    int64_t size;

    p->n_head = 0;
    if (is_zero(p->head))
        return;
    if (!checksum_is_right(p->head) || !number_of(p->head + 124, 12, &size)) {
        p->lost = true;
        return;
    }
    bool pax = type == 'x' || type == 'g' || type == 'X';

    if (!pax && type != 'L' && type != 'K') {
        if (p->sized)
            size = p->size;
        else if (type >= '1' && type <= '6')
            size = 0; /* links, devices and folders have no content, whatever is said */
        p->sized = false;
    }
    if (size < 0 || size > INT64_MAX - BLOCK || (pax && size > TEXT_MOST)) {
        p->lost = true;
        return;
    }
    str_clear(&p->text);
    p->take = pax ? size : 0;
    p->skip = (size + BLOCK - 1) / BLOCK * BLOCK;
}

static bool is_name(const char *key, size_t n)
{
    static const char *const names[] = {"path", "linkpath", "GNU.sparse.name"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strlen(names[i]) == n && memcmp(names[i], key, n) == 0)
            return true;
    return false;
}

/* "LENGTH KEY=VALUE\n", again and again. True: a name holds a NUL. */
static bool read_records(struct context_pax *p, const char **ret_name)
{
    char *at = p->text.buf, *end = at + p->text.len;

    while (at < end) {
        size_t digits = strspn(at, "0123456789");
        char number[20] = "";
        int64_t n;

        if (digits == 0 || digits >= sizeof(number) || at[digits] != ' ')
            return false;
        memcpy(number, at, digits);
        if (parse_int64(number, (int64_t)digits + 3, end - at, &n) < 0 || at[n - 1] != '\n')
            return false;
        char *key = at + digits + 1, *stop = at + n - 1;
        char *sign = memchr(key, '=', (size_t)(stop - key));

        if (!sign)
            return false;
        if (is_name(key, (size_t)(sign - key)) &&
            memchr(sign + 1, '\0', (size_t)(stop - sign - 1))) {
            *ret_name = sign + 1;
            return true;
        }
        if (sign - key == 4 && memcmp(key, "size", 4) == 0) {
            *stop = '\0';
            p->sized = parse_int64(sign + 1, 0, INT64_MAX, &p->size) == 0;
        }
        at += n;
    }
    return false;
}

static size_t least(size_t a, int64_t b)
{
    return (int64_t)a < b ? a : (size_t)b;
}

bool context_pax_feed(struct context_pax *p, const unsigned char *bytes, size_t n,
                      const char **ret_name)
{
    while (n > 0 && !p->lost) {
        size_t step;

        if (p->take > 0) {
            step = least(n, p->take);
            str_addn(&p->text, (const char *)bytes, step);
            p->take -= (int64_t)step;
            p->skip -= (int64_t)step;
            if (p->take == 0 && read_records(p, ret_name))
                return true;
        } else if (p->skip > 0) {
            step = least(n, p->skip);
            p->skip -= (int64_t)step;
        } else {
            step = least(n, (int64_t)(BLOCK - p->n_head));
            memcpy(p->head + p->n_head, bytes, step);
            p->n_head += step;
            if (p->n_head == BLOCK)
                take_head(p);
        }
        bytes += step;
        n -= step;
    }
    return false;
}
