/* js_write.c: writes canonical JSON, since the body of each container is written once in every cold look.
 *
 * In: jansson's values. Out: the bytes that jansson's own dump gives with sorted keys and no space (see js_quick.c for
 * the other way). jansson allocates and merge-sorts a list for every object and looks at each character by itself; most
 * objects here have few members, in order already, and most strings nothing to escape. Numbers with a point are left to it.
 * It refuses nothing: what is in a json_t can be written. */
#include "spec/base/js_write.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "spec/base/arena.h"
#include "spec/base/attr.h"
#include "spec/base/str.h"

enum { FEW = 48 }; /* members that are sorted by insertion, on the stack */

struct member {
    const char *key;
    const json_t *value;
};

/* jansson's keys hold no NUL here: neither parser lets one in. */
static int compare_members(const void *a, const void *b)
{
    return strcmp(((const struct member *)a)->key, ((const struct member *)b)->key);
}

static void write_text(const char *text, size_t n, struct str *out)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *end = text + n, *plain = text;

    str_addc(out, '"');
    for (; text < end; text++) {
        unsigned char c = (unsigned char)*text;

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        const char *known = c ? strchr(from, c) : NULL;

        str_addn(out, plain, (size_t)(text - plain));
        plain = text + 1;
        if (known) {
            str_addc(out, '\\');
            str_addc(out, to[known - from]);
        } else {
            str_addf(out, "\\u%04X", c);
        }
    }
    str_addn(out, plain, (size_t)(end - plain));
    str_addc(out, '"');
}

static void sort_members(struct member *m, size_t n)
{
    if (n > FEW) {
        qsort(m, n, sizeof(*m), compare_members);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        struct member one = m[i];
        size_t at = i;

        for (; at > 0 && strcmp(m[at - 1].key, one.key) > 0; at--)
            m[at] = m[at - 1];
        m[at] = one;
    }
}

static void write_object(const json_t *v, struct str *out)
{
    size_t n = json_object_size(v), i = 0;
    struct member few[FEW], *members = n > FEW ? xcalloc(n, sizeof(*members)) : few;
    json_t *object = (json_t *)(uintptr_t)v,
           *value; /* iterating changes nothing, but is not const */
    const char *key;

    json_object_foreach(object, key, value) members[i++] =
        (struct member){.key = key, .value = value};
    sort_members(members, n);
    str_addc(out, '{');
    for (i = 0; i < n; i++) {
        if (i > 0)
            str_addc(out, ',');
        write_text(members[i].key, strlen(members[i].key), out);
        str_addc(out, ':');
        js_write(members[i].value, out);
    }
    str_addc(out, '}');
    if (members != few)
        free(members);
}

static void write_array(const json_t *v, struct str *out)
{
    str_addc(out, '[');
    for (size_t i = 0; i < json_array_size(v); i++) {
        if (i > 0)
            str_addc(out, ',');
        js_write(json_array_get(v, i), out);
    }
    str_addc(out, ']');
}

static int add_dumped(const char *bytes, size_t n, void *out)
{
    str_addn(out, bytes, n);
    return 0;
}

void js_write(const json_t *v, struct str *out)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT: write_object(v, out); break;
    case JSON_ARRAY: write_array(v, out); break;
    case JSON_STRING: write_text(json_string_value(v), json_string_length(v), out); break;
    case JSON_INTEGER: str_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(v)); break;
    case JSON_TRUE: str_add(out, "true"); break;
    case JSON_FALSE: str_add(out, "false"); break;
    case JSON_NULL: str_add(out, "null"); break;
    case JSON_REAL:
    default:
        if (json_dump_callback(v, add_dumped, out, JSON_COMPACT | JSON_ENCODE_ANY) < 0)
            abort(); /* not for a number */
    }
}
