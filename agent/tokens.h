/* tokens.h: API tokens: what a machine shows instead of a password. STATE/tokens.json (0600), 256 random bits each, of which only the SHA-256 is kept.
 *
 * A token looks like `ek_0123456789ab_` and 43 letters; the first part is its id, which is no secret. It allows what its scope allows (role.h), to all apps or to some, until it ends or is revoked.
 * The file is read again when it differs, so `evenkeel token` works beside a running agent, and a revoked token is refused at once. Times are wall clock ms. Any thread. */
#ifndef EK_TOKENS_H
#define EK_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/credential.h"
#include "agent/role.h"
#include "spec/base/err.h"
#include "spec/base/str.h"
#include "spec/limits.h"

struct arena;
struct tokens;

enum {
    TOKENS_ID = 13,                             /* 12 hexadecimal digits, and the NUL */
    TOKENS_TEXT = 3 + 12 + 1 + CREDENTIAL_TEXT, /* the whole token */
};
#define TOKENS_KEEP_MS                                                                             \
    INT64_C(2592000000) /* 30 days, that ended and revoked ones stay in the list */

struct token {
    const char *id, *name, *by; /* by: who made it */
    enum role scope;
    struct strv apps; /* sorted; none: all apps, and what belongs to no app */
    int64_t created_ms;
    int64_t expires_ms; /* 0: never */
    int64_t revoked_ms; /* 0: not */
};

/* state is copied. -1 when the file cannot be read. */
int tokens_open(const char *state, struct tokens **ret, struct err *e);
void tokens_free(struct tokens *t); /* NULL is fine */

/* New token of this name, by, scope, apps and expires_ms (the rest is ignored). On disk when it returns 0; ret_text is the only place where it can ever be read. ERR_USER: names the field;
 * ERR_CONFLICT: a token of that name is good, or there are LIMIT_TOKENS. */
int tokens_create(struct tokens *t, const struct token *wanted, int64_t now_ms,
                  char ret_text[TOKENS_TEXT], struct err *e);
/* By id or by name (of one that is good). ERR_MISSING. Twice is fine by id. */
int tokens_revoke(struct tokens *t, const char *id_or_name, int64_t now_ms, struct err *e);
/* The id of what looks like a whole token; else false, ret untouched. For who finds one lying about, and for logs, where nothing more of it may appear. */
bool tokens_id_of(const char *text, char ret[TOKENS_ID]);
/* What does this text allow? Texts in the arena. -1: ERR_DENIED, saying whether it is unknown, revoked or ended; what is told of a token that is not known is the same for every text. */
int tokens_check(struct tokens *t, const char *text, int64_t now_ms, struct arena *a,
                 struct token *ret, struct err *e);
/* Is the token of this id good still? For what was opened with it and stays open. */
bool tokens_good(struct tokens *t, const char *id, int64_t now_ms);
/* In the order they were made; texts in the arena. */
const struct token *tokens_list(struct tokens *t, struct arena *a, size_t *ret_n);

#endif
