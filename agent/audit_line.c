/* One record of the audit log as a line of text, and back.
 *
 * Comes in: a record, or the bytes of a line, whoever wrote them. Goes out: the other. It refuses a line whose bytes are not those that were hashed, however small the difference. */
#include "agent/audit_line.h"

#include "spec/base/arena.h"
#include "spec/base/err.h"
#include "spec/base/str.h"
#include "spec/limits.h"

#define HEX "0123456789abcdef"

enum { HASH_LEN = SHA256_HEX - 1 };

static const char *const text_names[] = {"by", "from", "did", "app", "what", "outcome", "detail"};

static const char **text_of(struct audit_record *r, size_t i)
{
    const char **const all[] = {&r->by,   &r->from,    &r->did,   &r->app,
                                &r->what, &r->outcome, &r->detail};

    _Static_assert(ARRAY_LEN(all) == ARRAY_LEN(text_names), "a name for each text");
    return all[i];
}

static void set_text(json_t *v, const char *name, const char *text)
{
    CLEANUP(str_release) struct str safe = STR_INIT;

    if (!*text)
        return;
    str_add_escaped(&safe, text);
    if (safe.len > LIMIT_AUDIT_TEXT) { /* never in the middle of a character */
        size_t n = LIMIT_AUDIT_TEXT - 3;

        while (n > 0 && ((unsigned char)safe.buf[n] & 0xc0) == 0x80)
            n--;
        safe.len = n;
        safe.buf[n] = '\0';
        str_add(&safe, "...");
    }
    (void)json_object_set_new(v, name, json_string(str_text(&safe)));
}

void audit_line_write(struct audit_record *r, struct str *out)
{
    CLEANUP(str_release) struct str at = STR_INIT, body = STR_INIT;

    str_add_time(&at, r->at_ms);
    json_auto_t *v = json_pack("{s:I, s:s, s:s}", "seq", (json_int_t)r->seq, "at", str_text(&at),
                               "prev", r->prev);

    if (r->re)
        (void)json_object_set_new(v, "re", json_integer(r->re));
    for (size_t i = 0; i < ARRAY_LEN(text_names); i++)
        set_text(v, text_names[i], *text_of(r, i));
    js_canonical(v, &body);
    sha256_hex(body.buf, body.len, r->hash);
    str_addf(out, "%s ", r->hash);
    str_addn(out, body.buf, body.len);
    str_addc(out, '\n');
}

int audit_line_read(const char *line, size_t n, struct arena *a, struct audit_record *ret,
                    const char **ret_why)
{
    struct audit_record r = {.seq = 0};
    struct err ignored = {0};
    char hash[SHA256_HEX];

    *ret_why = "it does not begin with a hash and a space";
    if (n <= HASH_LEN + 1 || line[HASH_LEN] != ' ')
        return -1;
    memcpy(r.hash, line, HASH_LEN);
    if (strspn(r.hash, HEX) != HASH_LEN)
        return -1;
    *ret_why = "its text is not the one that was written: the hash differs";
    sha256_hex(line + HASH_LEN + 1, n - HASH_LEN - 1, hash);
    if (strcmp(hash, r.hash) != 0)
        return -1;
    *ret_why = "it is no record";
    json_auto_t *v = js_parse(line + HASH_LEN + 1, n - HASH_LEN - 1, &ignored);
    const char *prev = js_str(v, "prev", "");

    r.seq = js_int(v, "seq", 0);
    r.re = js_int(v, "re", 0);
    if (!json_is_object(v) || r.seq < 1 || strlen(prev) != HASH_LEN ||
        parse_time_ms(js_str(v, "at", ""), &r.at_ms) < 0)
        return -1;
    memcpy(r.prev, prev, HASH_LEN);
    for (size_t i = 0; i < ARRAY_LEN(text_names); i++)
        *text_of(&r, i) = arena_strdup(a, js_str(v, text_names[i], ""));
    *ret = r;
    return 0;
}
