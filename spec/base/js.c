/* js.c: what the border to JSON needs beyond jansson.
 *
 * In: bytes from the engine, a registry or a browser; json_t values. Out: parsed values, canonical text and its
 * SHA-256, and plain C values copied into an arena.
 * A getter asked for something absent or of another type answers with the default: foreign replies vary with
 * every engine version, and a missing member must never be a crash.
 * It refuses duplicate keys, and to repeat any of a text that it could not parse. */
#include "spec/base/js.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spec/base/arena.h"
#include "spec/base/err.h"
#include "spec/base/js_quick.h"
#include "spec/base/js_write.h"
#include "spec/base/str.h"

/* ---- text ---- */

static int add_dumped(const char *bytes, size_t n, void *out)
{
    str_addn(out, bytes, n);
    return 0;
}

static void dump(const json_t *v, size_t flags, struct str *out)
{
    if (!v)
        str_add(out, "null");
    else if (json_dump_callback(v, add_dumped, out, flags | JSON_SORT_KEYS | JSON_ENCODE_ANY) < 0)
        abort(); /* a value that holds itself: a bug of the caller */
}

void js_canonical(const json_t *v, struct str *out)
{
    if (v)
        js_write(v, out);
    else
        str_add(out, "null");
}

void js_pretty(const json_t *v, struct str *out)
{
    dump(v, JSON_INDENT(2), out);
    str_addc(out, '\n');
}

json_t *js_parse(const char *text, size_t n, struct err *e)
{
    json_error_t why;
    json_t *v = js_quick(text, n);

    if (!v)
        v = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (!v) {
        /* jansson quotes what it stumbled over; that may be part of a password. */
        const char *quote = strstr(why.text, " near '");
        int len = quote ? (int)(quote - why.text) : (int)strlen(why.text);

        (void)err_set(e, ERR_USER, "not valid JSON at line %d, column %d: %.*s", why.line,
                      why.column, len, why.text);
    }
    return v;
}

void sha256_hex(const void *data, size_t n, char ret[SHA256_HEX])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (EVP_Digest(n ? data : "", n, sum, &len, EVP_sha256(), NULL) != 1 ||
        len != (SHA256_HEX - 1) / 2)
        abort();
    for (unsigned i = 0; i < len; i++) {
        ret[2 * i] = digits[sum[i] >> 4];
        ret[2 * i + 1] = digits[sum[i] & 15];
    }
    ret[SHA256_HEX - 1] = '\0';
}

/* ---- getters ---- */

const json_t *js_at(const json_t *v, const char *path)
{
    while (v && *path) {
        size_t n = strcspn(path, ".");

        v = json_object_getn(v, path, n);
        path += n;
        path += *path == '.';
    }
    return v;
}

const char *js_str(const json_t *v, const char *path, const char *otherwise)
{
    const json_t *at = js_at(v, path);

    return json_is_string(at) ? json_string_value(at) : otherwise;
}

int64_t js_int(const json_t *v, const char *path, int64_t otherwise)
{
    const json_t *at = js_at(v, path);

    return json_is_integer(at) ? (int64_t)json_integer_value(at) : otherwise;
}

bool js_bool(const json_t *v, const char *path, bool otherwise)
{
    const json_t *at = js_at(v, path);

    return json_is_boolean(at) ? json_is_true(at) : otherwise;
}

void js_strv(const json_t *v, const char *path, struct arena *a, struct strv *ret)
{
    const json_t *at = js_at(v, path);

    *ret = (struct strv){0};
    for (size_t i = 0; i < json_array_size(at); i++) {
        const char *s = json_string_value(json_array_get(at, i));
        if (s)
            strv_push(a, ret, arena_strdup(a, s));
    }
}

static int cmp_key(const void *a, const void *b)
{
    return strcmp(((const struct kv *)a)->key, ((const struct kv *)b)->key);
}

void js_kvs(const json_t *v, const char *path, struct arena *a, struct kvs *ret)
{
    /* jansson's iterators take no const, though reading changes nothing. */
    json_t *at = (json_t *)(uintptr_t)js_at(v, path);
    CLEANUP(xfreep) struct kv *found = xcalloc(json_object_size(at), sizeof(*found));
    size_t n = 0;
    const char *key;
    json_t *value;

    *ret = (struct kvs){0};
    json_object_foreach(at, key, value)
    {
        if (json_is_string(value))
            found[n++] = (struct kv){key, json_string_value(value)};
    }
    /* Sorted first, since a stranger who chose the order could make every insertion the slowest. */
    if (n > 1)
        qsort(found, n, sizeof(*found), cmp_key);
    for (size_t i = 0; i < n; i++)
        kvs_set(a, ret, arena_strdup(a, found[i].key), arena_strdup(a, found[i].value));
}

/* ---- building ---- */

/* JSON is UTF-8 only. Other bytes are escaped: an odd file name must not stop the agent. */
static json_t *text_value(const char *text)
{
    if (!text)
        return json_null();
    json_t *v = json_string(text);

    if (!v) {
        CLEANUP(str_release) struct str escaped = STR_INIT;
        str_add_escaped(&escaped, text);
        v = json_string(str_text(&escaped));
    }
    return v;
}

static void set_member(json_t *object, const char *key, const char *value)
{
    if (json_object_set_new(object, key, text_value(value)) == 0)
        return;
    CLEANUP(str_release) struct str escaped = STR_INIT;

    str_add_escaped(&escaped, key);
    if (json_object_set_new(object, str_text(&escaped), text_value(value)) < 0)
        abort();
}

json_t *js_from_kvs(const struct kvs *l)
{
    json_t *v = json_object();

    for (size_t i = 0; i < l->n; i++)
        set_member(v, l->v[i].key, l->v[i].value);
    return v;
}

json_t *js_from_strv(const struct strv *l)
{
    json_t *v = json_array();

    for (size_t i = 0; i < l->n; i++)
        if (json_array_append_new(v, text_value(l->v[i])) < 0)
            abort();
    return v;
}
