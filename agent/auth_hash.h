/* auth_hash.h: passwords as argon2id (RFC 9106), a few at a time.
 *
 * One hash takes AUTH_HASH_BYTES of memory and some 20 ms of a processor. At most AUTH_HASHES are made at once and AUTH_HASH_WAITING wait for their turn; who comes beyond that, or waits longer
 * than AUTH_HASH_WAIT_MS, is sent away. So a thousand bad logins at once cost AUTH_HASHES * AUTH_HASH_BYTES and no more. Any thread. */
#ifndef EK_AUTH_HASH_H
#define EK_AUTH_HASH_H

#include <stdbool.h>
#include <stddef.h>

#include "spec/base/err.h"

#define AUTH_HASH_BYTES                                                                            \
    ((size_t)19 << 20) /* OWASP's m=19456 KiB, with one pass more than its two */
enum {
    AUTH_HASH_PASSES = 3,
    AUTH_HASH_TEXT = 128,
    AUTH_HASHES = 2,
    AUTH_HASH_WAITING = 12, /* with those at work fewer than a listener has threads */
    AUTH_HASH_WAIT_MS = 3000,
};

struct auth_hash;

struct auth_hash *auth_hash_new(void);
void auth_hash_free(struct auth_hash *h); /* nobody may be in it; NULL is fine */

/* "$argon2id$v=19$m=19456,t=3,p=1$..." -1: ERR_RETRY, too many at once. */
int auth_hash_make(struct auth_hash *h, const char *password, size_t n, char ret[AUTH_HASH_TEXT],
                   struct err *e);
/* Is it the password of this text? -1 as above. A text that auth_hash_valid refuses is the password of nothing. */
int auth_hash_check(struct auth_hash *h, const char *text, const char *password, size_t n,
                    bool *ret_same, struct err *e);
/* Is text one that auth_hash_check may work on: argon2id, and no more memory or passes than 64 MiB and 10? (The text says how much is spent on it.) */
bool auth_hash_valid(const char *text);
/* Was it made with other parameters than ours? */
bool auth_hash_old(const char *text);
/* The most that were ever at work at once. */
int auth_hash_peak(struct auth_hash *h);

#endif
