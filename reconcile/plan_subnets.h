/* plan_subnets.h: a subnet of its own for every network: the first in the pool that nothing else uses. IPv4. Pure. */
#ifndef EK_PLAN_SUBNETS_H
#define EK_PLAN_SUBNETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct subnet { /* first and last address, host byte order, both inclusive */
    uint32_t first, last;
};

/* "10.213.0.0/16" -> the range, host bits ignored. -1 for what is not IPv4 in this form (IPv6 among it); *ret untouched. */
int subnet_parse(const char *text, struct subnet *ret);

/* Fill with subnet_pool_take for everything in use, then pick; what was picked is taken. */
struct subnet_pool {
    struct arena *arena;
    struct subnet pool;
    int prefix;
    bool valid;
    struct subnet *taken;
    size_t n_taken, cap_taken;
    bool sorted;
    size_t seen;   /* taken ranges that the search has passed */
    uint64_t next; /* no free subnet below this address */
};

/* pool "10.213.0.0/16", prefix 26: an invalid pair gives a pool that is always empty. */
void subnet_pool_init(struct subnet_pool *p, const char *pool, int prefix, struct arena *a);
/* Anything that is no IPv4 range, and the default route, is ignored. Only before the first pick. */
void subnet_pool_take(struct subnet_pool *p, const char *subnet);
/* "10.213.0.64/26" in the arena, or NULL when the pool is used up. n picks among m taken cost O((n + m) log m). */
const char *subnet_pool_pick(struct subnet_pool *p);

#endif
