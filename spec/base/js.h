/* js.h: the little that we need around jansson: canonical text, SHA-256, and getters that never crash.
 *
 * json_t stays at the border (engine_encode, engine_decode, report, store); nothing behind it sees one. */
#ifndef EK_JS_H
#define EK_JS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct arena;
struct err;
struct kvs;
struct str;
struct strv;

#define SHA256_HEX 65 /* 64 digits and the NUL */

/* Compact, sorted keys: the same value gives the same bytes on every machine. */
void js_canonical(const json_t *v, struct str *out);
/* Two spaces of indentation, sorted keys, final newline: for people and for files under version control. */
void js_pretty(const json_t *v, struct str *out);
/* Parse any JSON value, at most 2048 deep (jansson's own bound); duplicate keys are refused. New reference, or NULL
 * with e set (ERR_USER; place and reason, but never a piece of the text, which may hold secrets). */
json_t *js_parse(const char *text, size_t n, struct err *e);

void sha256_hex(const void *data, size_t n, char ret[SHA256_HEX]);

/* Getters over possibly absent or mistyped members; the string ones borrow from v, the others copy into the arena.
 * path may be dotted: "HostConfig.RestartPolicy.Name" (so not for keys that hold dots); "" is v itself. v may be NULL. */
const json_t *js_at(const json_t *v, const char *path);
const char *js_str(const json_t *v, const char *path, const char *otherwise);
int64_t js_int(const json_t *v, const char *path, int64_t otherwise);
bool js_bool(const json_t *v, const char *path, bool otherwise);
/* These two always fill ret; members that are no strings are left out. */
void js_strv(const json_t *v, const char *path, struct arena *a, struct strv *ret);
void js_kvs(const json_t *v, const char *path, struct arena *a,
            struct kvs *ret); /* object of strings */
/* New value from a list; a NULL among the values becomes null, bytes that are not UTF-8 are escaped. */
json_t *js_from_kvs(const struct kvs *l);
json_t *js_from_strv(const struct strv *l);

#endif
