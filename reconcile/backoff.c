/* backoff.c: how long a failed app is left alone before it is tried again.
 *
 * In: the number of failures in a row and a seed (the app's own, so that apps that failed together come back
 * apart). Out: milliseconds. It knows no clock and keeps nothing; who counts failures and when they are forgiven
 * is the caller's business. */
#include "reconcile/backoff.h"

enum {
    FIRST_MS = 1000,
    LAST_MS = 5 * 60 * 1000,
    OFF_PERCENT = 20, /* at most this much is taken off */
};

/* Spreads neighbouring seeds over the whole range (the finaliser of MurmurHash3). */
static uint32_t spread(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x85ebca6bU;
    x ^= x >> 13;
    x *= 0xc2b2ae35U;
    return x ^ x >> 16;
}

int64_t backoff_ms(unsigned failures, uint32_t seed)
{
    int64_t ms = FIRST_MS;

    for (unsigned i = 1; i < failures && ms < LAST_MS; i++)
        ms *= 2;
    if (ms > LAST_MS)
        ms = LAST_MS;
    int64_t most_off = ms * OFF_PERCENT / 100;

    return ms - (int64_t)(spread(seed ^ failures) % (uint32_t)(most_off + 1));
}
