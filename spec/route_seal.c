/* route_seal.c: the last step of a generated file: names of containers become ids, and the text gets its digest.
 *
 * In: a text of route_file.c, and who knows the ids. Out: the file as Traefik reads it, and the digest that stands in it. It knows nothing of
 * YAML: placeholders are the only braces in such a text. */
#include "spec/route_file.h"

#include "spec/base/arena.h"
#include "spec/base/err.h"
#include "spec/base/js.h"

static const char digest_mark[] = "{{DIGEST}}";
static const char marker_word[] = "_seen_";

enum { SHORT_ID = 12 };

/* A server's placeholder at s, which begins with "{{": its name, and what follows. NULL when it does not end. */
static const char *placeholder_end(const char *s)
{
    const char *end = strstr(s + 2, "}}");

    return end && strcspn(s, "\n") > (size_t)(end - s) ? end : NULL;
}

static int fill_in(const char *text, route_resolve_fn *resolve, void *ctx, struct str *out,
                   struct err *e)
{
    for (const char *s = text; *s;) {
        const char *mark = strstr(s, "{{");

        if (!mark) {
            str_add(out, s);
            return 0;
        }
        const char *end = placeholder_end(mark);

        if (!end)
            return err_set(e, ERR_BUG, "a placeholder in the routes does not end");
        str_addn(out, s, (size_t)(mark - s));
        s = end + 2;
        if (strncmp(mark, digest_mark, sizeof(digest_mark) - 1) == 0) {
            str_add(out, digest_mark);
            continue;
        }
        CLEANUP(xfreep) char *name = xcalloc(1, (size_t)(end - mark));

        memcpy(name, mark + 2, (size_t)(end - mark - 2));
        const char *id = resolve(ctx, name);

        if (!id || strlen(id) < SHORT_ID)
            return err_set(e, ERR_MISSING, "there is no container \"%s\" to route to", name);
        str_addn(out, id, SHORT_ID);
    }
    return 0;
}

/* The digest is that of the text around it. */
static int put_digest(struct str *text, char ret[ROUTE_DIGEST])
{
    char *mark = strstr(text->buf, digest_mark), hex[SHA256_HEX];

    if (!mark || strstr(mark + 1, digest_mark))
        return -1;
    sha256_hex(text->buf, text->len, hex);
    CLEANUP(str_release) struct str out = STR_INIT;

    str_addn(&out, text->buf, (size_t)(mark - text->buf));
    str_addn(&out, hex, ROUTE_DIGEST - 1);
    str_add(&out, mark + sizeof(digest_mark) - 1);
    str_clear(text);
    str_add(text, str_text(&out));
    memcpy(ret, hex, ROUTE_DIGEST - 1);
    ret[ROUTE_DIGEST - 1] = '\0';
    return 0;
}

int route_file_seal(const char *text, route_resolve_fn *resolve, void *ctx, struct str *out,
                    char ret_digest[ROUTE_DIGEST], struct err *e)
{
    CLEANUP(str_release) struct str filled = STR_INIT;

    if (fill_in(text, resolve, ctx, &filled, e) < 0)
        return -1;
    if (filled.len == 0 || put_digest(&filled, ret_digest) < 0)
        return err_set(e, ERR_BUG, "the routes have no place for their digest");
    str_add(out, str_text(&filled));
    return 0;
}

/* Is digest, 12 digits at a marker of sealed, that of the text around it? */
static bool digest_holds(const char *sealed, const char *digest)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    char hex[SHA256_HEX];

    if (strspn(digest, "0123456789abcdef") < ROUTE_DIGEST - 1)
        return false;
    str_addn(&text, sealed, (size_t)(digest - sealed));
    str_add(&text, digest_mark);
    str_add(&text, digest + ROUTE_DIGEST - 1);
    sha256_hex(text.buf, text.len, hex);
    return strncmp(hex, digest, ROUTE_DIGEST - 1) == 0;
}

int route_file_digest(const char *sealed, char ret_digest[ROUTE_DIGEST])
{
    /* A service may be called seen: its routes look like a marker, but no digest fits there. */
    for (const char *s = sealed; (s = strstr(s, marker_word));) {
        s += sizeof(marker_word) - 1;
        if (!digest_holds(sealed, s))
            continue;
        memcpy(ret_digest, s, ROUTE_DIGEST - 1);
        ret_digest[ROUTE_DIGEST - 1] = '\0';
        return 0;
    }
    return -1;
}
