/* backoff.h: when a failed app is tried again. Pure. */
#ifndef EK_BACKOFF_H
#define EK_BACKOFF_H

#include <stdint.h>

/* Milliseconds to wait after the given number of failures in a row: 1 s, 2 s, 4 s … 5 min, each with up to 20 % taken off by
 * seed, so that many apps that failed together do not come back together. failures >= 1. */
int64_t backoff_ms(unsigned failures, uint32_t seed);

#endif
