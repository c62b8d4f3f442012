/* engine_reply.h: reading the engine's JSON: absent is fine, another type is not. Shared by the decoders. */
#ifndef EK_ENGINE_REPLY_H
#define EK_ENGINE_REPLY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "spec/base/err.h"
#include "spec/base/str.h"

struct arena;

/* One reply being read. The first member of a wrong type is remembered in e and makes `bad`; getters go on with defaults. */
struct engine_reply {
    struct arena *arena;
    struct err *e;
    bool bad;
};

/* Parse, bounded by LIMIT_REPLY_BYTES. "\u0000" in strings (a health check's output may hold it) becomes U+FFFD. New reference, or
 * NULL with e set (ERR_RETRY). */
json_t *engine_reply_parse(const char *text, size_t n, struct err *e);

/* Members of an object v (which may be NULL): absent and null alike give the default. Texts and lists are copied to the arena.
 * Numbers must fit; list elements and map values that are null are skipped. */
const char *engine_reply_text(struct engine_reply *r, const json_t *v, const char *key,
                              const char *otherwise);
int64_t engine_reply_int(struct engine_reply *r, const json_t *v, const char *key, int64_t min,
                         int64_t max);
bool engine_reply_bool(struct engine_reply *r, const json_t *v, const char *key);
const json_t *engine_reply_object(struct engine_reply *r, const json_t *v, const char *key);
const json_t *engine_reply_array(struct engine_reply *r, const json_t *v, const char *key);
void engine_reply_strv(struct engine_reply *r, const json_t *v, const char *key, struct strv *ret);
void engine_reply_kvs(struct engine_reply *r, const json_t *v, const char *key, struct kvs *ret);
/* RFC 3339; absent, "" and the year 1 give 0. */
int64_t engine_reply_time(struct engine_reply *r, const json_t *v, const char *key);
/* Remember that `key` is not `wanted`. */
void engine_reply_refuse(struct engine_reply *r, const char *key, const char *wanted);

#endif
