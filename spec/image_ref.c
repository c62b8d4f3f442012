/* image_ref.c: names of images.
 *
 * In: what a user wrote after `image:`. Out: the same with `:latest` added where neither tag nor digest is given, or NULL
 * where the engine would refuse it. Grammar: distribution/reference (github.com/distribution/reference, reference.go). */
#include "spec/desired.h"

#include "spec/base/arena.h"

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
}

/* a-z0-9 with single '.', one or two '_', or any number of '-' between. */
static bool component_valid(const char *s, size_t n)
{
    bool after_word = false;

    for (size_t i = 0; i < n;) {
        if (is_lower(s[i]) || is_digit(s[i])) {
            after_word = true;
            i++;
            continue;
        }
        size_t same = 1;

        while (i + same < n && s[i + same] == s[i])
            same++;
        bool separator = (s[i] == '.' && same == 1) || (s[i] == '_' && same <= 2) || s[i] == '-';

        if (!separator || !after_word || i + same == n)
            return false;
        after_word = false;
        i += same;
    }
    return n > 0;
}

static bool domain_valid(const char *s, size_t n)
{
    const char *colon = memchr(s, ':', n);
    size_t host = colon ? (size_t)(colon - s) : n;

    if (host == 0 || (colon && host + 1 == n))
        return false;
    for (size_t i = 0; i < host; i++)
        if (!is_alnum(s[i]) && !((s[i] == '-' || s[i] == '.') && i > 0 && i + 1 < host))
            return false;
    for (size_t i = host + 1; i < n; i++)
        if (!is_digit(s[i]))
            return false;
    return true;
}

/* The first component is a registry if it looks like a host rather than a folder. */
static bool is_domain(const char *s, size_t n)
{
    if (memchr(s, '.', n) || memchr(s, ':', n) || (n == 9 && strncmp(s, "localhost", 9) == 0))
        return true;
    for (size_t i = 0; i < n; i++)
        if (s[i] >= 'A' && s[i] <= 'Z')
            return true;
    return false;
}

static bool name_valid(const char *s, size_t n)
{
    const char *end = s + n, *slash = memchr(s, '/', n);

    if (slash && is_domain(s, (size_t)(slash - s))) {
        if (!domain_valid(s, (size_t)(slash - s)))
            return false;
        s = slash + 1;
    }
    for (;;) {
        slash = memchr(s, '/', (size_t)(end - s));
        if (!component_valid(s, (size_t)((slash ? slash : end) - s)))
            return false;
        if (!slash)
            return true;
        s = slash + 1;
    }
}

static bool tag_valid(const char *s, size_t n)
{
    if (n == 0 || n > 128 || (!is_alnum(*s) && *s != '_'))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!is_alnum(s[i]) && s[i] != '_' && s[i] != '.' && s[i] != '-')
            return false;
    return true;
}

static bool digest_valid(const char *s)
{
    size_t algorithm = strcspn(s, ":");
    const char *hex = s + algorithm + (s[algorithm] == ':');

    return algorithm > 0 && is_alnum(*s) && strspn(hex, "0123456789abcdefABCDEF") == strlen(hex) &&
           strlen(hex) >= 32;
}

const char *image_reference(const char *image, struct arena *a)
{
    size_t whole = strlen(image), name = strcspn(image, "@");
    bool digest = image[name] == '@';

    if (whole == 0 || whole > 512 || (digest && !digest_valid(image + name + 1)))
        return NULL;
    size_t end = name;

    /* A colon behind the last slash begins a tag; one before belongs to a registry's port. */
    while (end > 0 && image[end - 1] != ':' && image[end - 1] != '/')
        end--;
    bool tag = end > 0 && image[end - 1] == ':';

    if (tag && !tag_valid(image + end, name - end))
        return NULL;
    if (!name_valid(image, tag ? end - 1 : name))
        return NULL;
    return tag || digest ? image : arena_printf(a, "%s:latest", image);
}
