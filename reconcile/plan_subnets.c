/* plan_subnets.c: a subnet of its own for every network.
 *
 * In: the pool and prefix of the settings, and every range in use: networks of the engine, routes of the host, subnets that
 * runs in flight reserved or that specs ask for by name. Out: the first subnet of the pool that touches none of them, in
 * ascending order, so that the same world gives the same answer.
 * Arithmetic is on numbers, never on text. It refuses IPv6: such ranges are simply never in the way. */
#include "reconcile/plan_subnets.h"

#include <stdlib.h>
#include <string.h>

#include "spec/base/arena.h"

/* One decimal number up to most; *s moves behind it. */
static int parse_part(const char **s, uint32_t most, uint32_t *ret)
{
    const char *from = *s;
    uint32_t v = 0;

    while (**s >= '0' && **s <= '9' && *s - from < 4)
        v = v * 10 + (uint32_t)(*(*s)++ - '0');
    if (*s == from || v > most)
        return -1;
    *ret = v;
    return 0;
}

int subnet_parse(const char *text, struct subnet *ret)
{
    const char *s = text;
    uint32_t address = 0, bits = 32, part = 0;

    for (int i = 0; s && i < 4; i++) {
        if ((i > 0 && *s++ != '.') || parse_part(&s, 255, &part) < 0)
            return -1;
        address = address << 8 | part;
    }
    if (!s || (*s == '/' && (s++, parse_part(&s, 32, &bits)) < 0) || *s)
        return -1;
    uint32_t mask = bits == 0 ? 0 : UINT32_MAX << (32 - bits);

    ret->first = address & mask;
    ret->last = ret->first | ~mask;
    return 0;
}

void subnet_pool_init(struct subnet_pool *p, const char *pool, int prefix, struct arena *a)
{
    *p = (struct subnet_pool){.arena = a, .prefix = prefix};
    p->valid = prefix > 0 && prefix <= 30 && subnet_parse(pool, &p->pool) == 0;
    if (!p->valid)
        return;
    uint64_t size = (uint64_t)1 << (32 - prefix);

    p->valid = (uint64_t)p->pool.last - p->pool.first + 1 >= size;
    p->next = p->pool.first;
}

void subnet_pool_take(struct subnet_pool *p, const char *subnet)
{
    struct subnet s;

    if (!p->valid || subnet_parse(subnet, &s) < 0 || (s.first == 0 && s.last == UINT32_MAX) ||
        s.last < p->pool.first || s.first > p->pool.last)
        return;
    p->taken = arena_grow(p->arena, p->taken, p->n_taken, &p->cap_taken, sizeof(p->taken[0]));
    p->taken[p->n_taken++] = s;
}

static int compare_subnets(const void *va, const void *vb)
{
    const struct subnet *a = va, *b = vb;

    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    return (a->last > b->last) - (a->last < b->last);
}

const char *subnet_pool_pick(struct subnet_pool *p)
{
    uint64_t size = p->valid ? (uint64_t)1 << (32 - p->prefix) : 0;

    if (!p->valid)
        return NULL;
    if (!p->sorted && p->n_taken > 1)
        qsort(p->taken, p->n_taken, sizeof(p->taken[0]), compare_subnets);
    p->sorted = true;
    /* Taken ranges in order: whichever begins before the candidate ends and does not end before it begins
     * pushes it on; those that were passed never matter again, because the candidate only grows. */
    for (; p->seen < p->n_taken && p->taken[p->seen].first < p->next + size; p->seen++)
        if (p->taken[p->seen].last >= p->next)
            p->next = ((uint64_t)p->taken[p->seen].last + size) / size * size;
    if (p->next + size - 1 > p->pool.last)
        return NULL;
    uint32_t at = (uint32_t)p->next;

    p->next += size;
    return arena_printf(p->arena, "%u.%u.%u.%u/%d", at >> 24, at >> 16 & 255, at >> 8 & 255,
                        at & 255, p->prefix);
}
