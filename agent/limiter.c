/* How often somebody may try to log in.
 *
 * Comes in: address and account of each attempt, and how it ended. Goes out: go on, or how long to wait. Three tables of fixed size: addresses, accounts, and pairs of both that have once been
 * right. A place is found by a keyed hash, eight to a row; the one that matters least makes room. It refuses rather than forget an attempt that is under way.
 *
 * Attempts under way count too: without that, a burst would be over before its first failure is known. */
#include "agent/limiter.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "agent/credential.h"
#include "spec/base/arena.h"

enum { WAYS = 8, ROWS = LIMITER_PLACES / WAYS, DIGEST = 16, FULL_MS = 1000 };

struct place {
    unsigned char who[DIGEST];
    bool used;
    int failures, pending;
    int64_t until_ms; /* no attempt before */
    int64_t last_ms;
};

struct table {
    struct place places[LIMITER_PLACES];
    int64_t longest_ms;
};

struct limiter {
    pthread_mutex_t lock;
    unsigned char key[crypto_generichash_KEYBYTES];
    struct table addresses, accounts, known;
};

struct limiter *limiter_new(void)
{
    struct limiter *l = xcalloc(1, sizeof(*l));

    credential_init();
    randombytes_buf(l->key, sizeof(l->key));
    l->addresses.longest_ms = LIMITER_ADDRESS_MS;
    l->accounts.longest_ms = LIMITER_ACCOUNT_MS;
    (void)pthread_mutex_init(&l->lock, NULL);
    return l;
}

void limiter_free(struct limiter *l)
{
    if (!l)
        return;
    (void)pthread_mutex_destroy(&l->lock);
    free(l);
}

/* ---- names of places ---- */

/* What stands for an address: 4 bytes, the first 8 of an IPv6 one, or the text itself. */
static size_t address_bytes(const char *address, unsigned char ret[64])
{
    struct in6_addr v6;

    if (inet_pton(AF_INET, address, ret) == 1)
        return 4;
    if (inet_pton(AF_INET6, address, &v6) == 1) {
        bool mapped = IN6_IS_ADDR_V4MAPPED(&v6);

        memcpy(ret, v6.s6_addr + (mapped ? 12 : 0), mapped ? 4 : 8);
        return mapped ? 4 : 8;
    }
    size_t n = strnlen(address, 63);

    memcpy(ret, address, n);
    ret[n] = 0; /* so that four letters are no address */
    return n + 1;
}

struct names {
    unsigned char address[DIGEST], account[DIGEST], pair[DIGEST];
};

static void name_all(const struct limiter *l, const char *address, const char *account,
                     struct names *ret)
{
    unsigned char bytes[64];
    size_t n = address_bytes(address, bytes);
    crypto_generichash_state h;

    (void)crypto_generichash(ret->address, DIGEST, bytes, n, l->key, sizeof(l->key));
    (void)crypto_generichash(ret->account, DIGEST, (const unsigned char *)account, strlen(account),
                             l->key, sizeof(l->key));
    (void)crypto_generichash_init(&h, l->key, sizeof(l->key), DIGEST);
    (void)crypto_generichash_update(&h, ret->address, DIGEST);
    (void)crypto_generichash_update(&h, ret->account, DIGEST);
    (void)crypto_generichash_final(&h, ret->pair, DIGEST);
}

/* ---- places ---- */

static struct place *row_of(struct table *t, const unsigned char who[DIGEST])
{
    size_t row = ((size_t)who[0] << 8 | who[1]) % ROWS;

    return &t->places[row * WAYS];
}

static bool stale(const struct place *p, int64_t now_ms)
{
    int64_t from = p->until_ms > p->last_ms ? p->until_ms : p->last_ms;

    return p->pending == 0 && now_ms - from >= LIMITER_FORGET_MS;
}

static struct place *find(struct table *t, const unsigned char who[DIGEST])
{
    struct place *row = row_of(t, who);

    for (int i = 0; i < WAYS; i++)
        if (row[i].used && memcmp(row[i].who, who, DIGEST) == 0)
            return &row[i];
    return NULL;
}

/* a matters less than b: fewer failures, then longer ago. */
static bool lesser(const struct place *a, const struct place *b)
{
    return a->failures != b->failures ? a->failures < b->failures : a->last_ms < b->last_ms;
}

/* The place of who, perhaps a new one; NULL when all of its row are under way. */
static struct place *take(struct table *t, const unsigned char who[DIGEST], int64_t now_ms)
{
    struct place *p = find(t, who), *row = row_of(t, who);

    if (p && !stale(p, now_ms))
        return p;
    for (int i = 0; i < WAYS && !p; i++)
        if (!row[i].used || stale(&row[i], now_ms))
            p = &row[i];
    for (int i = 0; i < WAYS; i++)
        if (row[i].pending == 0 && (!p || (p->used && !stale(p, now_ms) && lesser(&row[i], p))))
            p = &row[i];
    if (!p)
        return NULL;
    *p = (struct place){.used = true, .last_ms = now_ms};
    memcpy(p->who, who, DIGEST);
    return p;
}

/* ---- rules ---- */

static int64_t wait_of(const struct place *p, int64_t now_ms)
{
    int most = p->failures == 0             ? LIMITER_AT_ONCE
               : p->failures < LIMITER_FREE ? LIMITER_FREE - p->failures
                                            : 1;

    if (now_ms < p->until_ms)
        return p->until_ms - now_ms;
    return p->pending >= most ? LIMITER_FIRST_MS : 0;
}

static void fail(const struct table *t, struct place *p, int64_t now_ms)
{
    int beyond = p->failures++ - LIMITER_FREE + 1;
    int64_t wait = LIMITER_FIRST_MS;

    if (beyond < 0)
        return;
    while (beyond-- > 0 && wait < t->longest_ms)
        wait *= 2;
    p->until_ms = now_ms + (wait < t->longest_ms ? wait : t->longest_ms);
}

/* Nothing speaks against it: the place is free again. */
static void leave(struct place *p)
{
    if (p->pending == 0 && p->failures == 0)
        *p = (struct place){.used = false};
}

int64_t limiter_enter(struct limiter *l, const char *address, const char *account, int64_t now_ms)
{
    struct names who;
    int64_t wait = 0;

    name_all(l, address, account, &who);
    (void)pthread_mutex_lock(&l->lock);
    const struct place *known = find(&l->known, who.pair);
    struct place *from = take(&l->addresses, who.address, now_ms);
    struct place *on = take(&l->accounts, who.account, now_ms);

    if (!from || !on)
        wait = FULL_MS;
    if (from && wait == 0)
        wait = wait_of(from, now_ms);
    if (on && wait == 0 && !known)
        wait = wait_of(on, now_ms);
    if (wait == 0) {
        from->pending++;
        on->pending++;
    } else {
        if (from)
            leave(from);
        if (on)
            leave(on);
    }
    (void)pthread_mutex_unlock(&l->lock);
    return wait;
}

void limiter_leave(struct limiter *l, const char *address, const char *account,
                   enum limiter_end end, int64_t now_ms)
{
    struct names who;

    name_all(l, address, account, &who);
    (void)pthread_mutex_lock(&l->lock);
    struct place *from = find(&l->addresses, who.address), *on = find(&l->accounts, who.account);

    for (int i = 0; i < 2; i++) {
        struct place *p = i == 0 ? from : on;

        if (!p || p->pending == 0) /* without limiter_enter */
            continue;
        p->pending--;
        p->last_ms = now_ms;
        if (end == LIMITER_FAILED)
            fail(i == 0 ? &l->addresses : &l->accounts, p, now_ms);
    }
    if (end == LIMITER_PASSED) {
        struct place *known = take(&l->known, who.pair, now_ms);

        if (known)
            known->last_ms = now_ms;
        /* An address is not cleared by one password it knows: it may be after another account. */
        if (on)
            on->failures = 0, on->until_ms = 0;
    }
    if (from)
        leave(from);
    if (on)
        leave(on);
    (void)pthread_mutex_unlock(&l->lock);
}
