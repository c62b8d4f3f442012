/* Who is logged in.
 *
 * Comes in: ids from cookies. Goes out: the account behind one, and the token that its pages carry. Ids are looked up by their digest, so neither this memory nor the time a look takes gives one away;
 * the token follows from the id by a key of this process, so it is kept nowhere. It refuses to grow: the table has a fixed number of places. */
#include "agent/sessions.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spec/base/arena.h"

struct place {
    bool used;
    unsigned char digest[CREDENTIAL_DIGEST];
    struct session session; /* without csrf */
};

struct sessions {
    struct sessions_rules rules;
    unsigned char key[crypto_generichash_KEYBYTES];
    pthread_mutex_t lock; /* guards places */
    struct place *places; /* rules.most */
};

struct sessions *sessions_new(const struct sessions_rules *rules)
{
    struct sessions *s = xcalloc(1, sizeof(*s));

    assert(rules->most > 0 && rules->most_of_account > 0);
    credential_init();
    s->rules = *rules;
    s->places = xcalloc(rules->most, sizeof(*s->places));
    randombytes_buf(s->key, sizeof(s->key));
    (void)pthread_mutex_init(&s->lock, NULL);
    return s;
}

void sessions_free(struct sessions *s)
{
    if (!s)
        return;
    sodium_memzero(s->places, s->rules.most * sizeof(*s->places));
    sodium_memzero(s->key, sizeof(s->key));
    (void)pthread_mutex_destroy(&s->lock);
    free(s->places);
    free(s);
}

static void clear(struct place *p)
{
    sodium_memzero(p, sizeof(*p));
}

static bool over(const struct sessions *s, const struct session *x, int64_t now_ms)
{
    return now_ms - x->seen_ms >= s->rules.idle_ms ||
           now_ms - x->started_ms >= s->rules.absolute_ms;
}

static void add_csrf(const struct sessions *s, const char *id, struct session *x)
{
    unsigned char sum[32];

    (void)crypto_generichash(sum, sizeof(sum), (const unsigned char *)id, strlen(id), s->key,
                             sizeof(s->key));
    (void)sodium_bin2base64(x->csrf, sizeof(x->csrf), sum, sizeof(sum),
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* Locked. */
static struct place *place_of(struct sessions *s, const char *id)
{
    unsigned char digest[CREDENTIAL_DIGEST];

    if (!id || !credential_shaped(id))
        return NULL;
    credential_digest(id, strlen(id), digest);
    for (size_t i = 0; i < s->rules.most; i++)
        if (s->places[i].used && credential_same(s->places[i].digest, digest))
            return &s->places[i];
    return NULL;
}

/* Locked: a free place, after those that are over and, if the account or the table is full, the longest unused have made room. */
static struct place *make_room(struct sessions *s, const char *account, int64_t now_ms)
{
    struct place *empty = NULL, *idlest = &s->places[0], *own = NULL;
    size_t n = 0;

    for (size_t i = 0; i < s->rules.most; i++) {
        struct place *p = &s->places[i];

        if (p->used && over(s, &p->session, now_ms))
            clear(p);
        if (!p->used) {
            empty = empty ? empty : p;
            continue;
        }
        if (p->session.seen_ms < idlest->session.seen_ms)
            idlest = p;
        if (strcmp(p->session.account, account) != 0)
            continue;
        n++;
        if (!own || p->session.seen_ms < own->session.seen_ms)
            own = p;
    }
    if (own && n >= s->rules.most_of_account)
        empty = own;
    else if (!empty)
        empty = idlest;
    clear(empty);
    return empty;
}

void sessions_start(struct sessions *s, const char *account, const char *old, int64_t now_ms,
                    char ret_id[CREDENTIAL_TEXT], struct session *ret)
{
    struct session x = {.started_ms = now_ms, .seen_ms = now_ms};
    char id[CREDENTIAL_TEXT];

    credential_make(id);
    (void)snprintf(x.account, sizeof(x.account), "%s", account);
    (void)sessions_end(s, old);
    (void)pthread_mutex_lock(&s->lock);
    struct place *p = make_room(s, x.account, now_ms);

    p->used = true;
    p->session = x;
    credential_digest(id, strlen(id), p->digest);
    (void)pthread_mutex_unlock(&s->lock);
    add_csrf(s, id, &x);
    memcpy(ret_id, id, sizeof(id));
    *ret = x;
    sodium_memzero(id, sizeof(id));
}

bool sessions_find(struct sessions *s, const char *id, int64_t now_ms, struct session *ret)
{
    struct session x;
    bool found = false;

    (void)pthread_mutex_lock(&s->lock);
    struct place *p = place_of(s, id);

    if (p && over(s, &p->session, now_ms)) {
        clear(p);
    } else if (p) {
        p->session.seen_ms = now_ms;
        x = p->session;
        found = true;
    }
    (void)pthread_mutex_unlock(&s->lock);
    if (!found)
        return false;
    add_csrf(s, id, &x);
    *ret = x;
    return true;
}

bool sessions_peek(struct sessions *s, const char *id, int64_t now_ms,
                   char ret_account[LIMIT_ACCOUNT_NAME + 1])
{
    (void)pthread_mutex_lock(&s->lock);
    const struct place *p = place_of(s, id);
    bool found = p && !over(s, &p->session, now_ms);

    if (found)
        memcpy(ret_account, p->session.account, sizeof(p->session.account));
    (void)pthread_mutex_unlock(&s->lock);
    return found;
}

bool sessions_csrf_good(const struct session *x, const char *sent)
{
    return sent && credential_shaped(sent) && credential_shaped(x->csrf) &&
           sodium_memcmp(x->csrf, sent, CREDENTIAL_TEXT) == 0;
}

bool sessions_end(struct sessions *s, const char *id)
{
    (void)pthread_mutex_lock(&s->lock);
    struct place *p = place_of(s, id);

    if (p)
        clear(p);
    (void)pthread_mutex_unlock(&s->lock);
    return p != NULL;
}

size_t sessions_end_account(struct sessions *s, const char *account, const char *except)
{
    size_t n = 0;

    (void)pthread_mutex_lock(&s->lock);
    const struct place *keep = place_of(s, except);

    for (size_t i = 0; i < s->rules.most; i++) {
        struct place *p = &s->places[i];

        if (!p->used || p == keep || strcmp(p->session.account, account) != 0)
            continue;
        clear(p);
        n++;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return n;
}

size_t sessions_count(struct sessions *s, int64_t now_ms)
{
    size_t n = 0;

    (void)pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->rules.most; i++)
        if (s->places[i].used && !over(s, &s->places[i].session, now_ms))
            n++;
    (void)pthread_mutex_unlock(&s->lock);
    return n;
}
