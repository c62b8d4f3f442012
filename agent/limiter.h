/* limiter.h: how often somebody may try to log in.
 *
 * Failures are counted by address (an IPv6 one by its /64) and by account. After LIMITER_FREE of them there is a wait, which each further one doubles: up to LIMITER_ADDRESS_MS for an address, and only up to
 * LIMITER_ACCOUNT_MS for an account, or strangers could keep its owner out; an address from which the account has logged in before does not wait for the account at all. What has been quiet for
 * LIMITER_FORGET_MS is forgotten. The table has a fixed size; its places are chosen by a secret key, so nobody can aim at somebody else's.
 *
 * Times are ms of a clock that never goes back, given by the caller. Any thread. */
#ifndef EK_LIMITER_H
#define EK_LIMITER_H

#include <stddef.h>
#include <stdint.h>

enum {
    LIMITER_FREE = 5,     /* failures without a wait */
    LIMITER_AT_ONCE = 64, /* attempts under way, where none has failed */
    LIMITER_FIRST_MS = 1000,
    LIMITER_ACCOUNT_MS = 30 * 1000,
    LIMITER_ADDRESS_MS = 15 * 60 * 1000,
    LIMITER_FORGET_MS = 15 * 60 * 1000,
    LIMITER_PLACES = 4096, /* of addresses; as many again of accounts, and of what is known */
};

enum limiter_end {
    LIMITER_PASSED,
    LIMITER_FAILED,
    LIMITER_UNDECIDED, /* it was not looked at: too many at once, or the client left */
};

struct limiter;

struct limiter *limiter_new(void);
void limiter_free(struct limiter *l); /* NULL is fine */

/* May this attempt be made? 0: yes, and limiter_leave must follow; else how long to wait in ms (Retry-After), and nothing must. address is a textual IPv4 or IPv6 address (anything else is one address
 * of its own), account whatever the client wrote. */
int64_t limiter_enter(struct limiter *l, const char *address, const char *account, int64_t now_ms);
void limiter_leave(struct limiter *l, const char *address, const char *account,
                   enum limiter_end end, int64_t now_ms);

#endif
