/* Passwords as argon2id, a few at a time.
 *
 * Comes in: a password and perhaps the text to hold it against. Goes out: the text, or whether they belong together. The work is done in a bounded number of slots; waiting has an end. It
 * refuses texts that would make it spend more than its bounds. */
#include "agent/auth_hash.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <time.h>

#include "agent/credential.h"
#include "spec/base/arena.h"

#define MEMORY_MAX_KIB (64UL << 10)
#define PASSES_MAX 10UL

_Static_assert(AUTH_HASH_TEXT >= crypto_pwhash_argon2id_STRBYTES, "a text fits");

struct auth_hash {
    pthread_mutex_t lock;
    pthread_cond_t freed;
    int busy, waiting, peak;
};

struct auth_hash *auth_hash_new(void)
{
    struct auth_hash *h = xcalloc(1, sizeof(*h));

    credential_init();
    (void)pthread_mutex_init(&h->lock, NULL);
    (void)pthread_cond_init(&h->freed, NULL);
    return h;
}

void auth_hash_free(struct auth_hash *h)
{
    if (!h)
        return;
    (void)pthread_cond_destroy(&h->freed);
    (void)pthread_mutex_destroy(&h->lock);
    free(h);
}

/* ---- slots ---- */

static int slot_wait(struct auth_hash *h)
{
    struct timespec until;
    int rc = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += AUTH_HASH_WAIT_MS / 1000;
    h->waiting++;
    while (h->busy >= AUTH_HASHES && rc == 0)
        rc = pthread_cond_clockwait(&h->freed, &h->lock, CLOCK_MONOTONIC, &until);
    h->waiting--;
    return h->busy < AUTH_HASHES ? 0 : -1;
}

static int slot_take(struct auth_hash *h, struct err *e)
{
    int rc = 0;

    (void)pthread_mutex_lock(&h->lock);
    if (h->busy >= AUTH_HASHES)
        rc = h->waiting >= AUTH_HASH_WAITING ? -1 : slot_wait(h);
    if (rc == 0 && ++h->busy > h->peak)
        h->peak = h->busy;
    (void)pthread_mutex_unlock(&h->lock);
    return rc == 0 ? 0
                   : err_set(e, ERR_RETRY, "too many log in at once; try again in some seconds");
}

static void slot_give(struct auth_hash *h)
{
    (void)pthread_mutex_lock(&h->lock);
    h->busy--;
    (void)pthread_cond_signal(&h->freed);
    (void)pthread_mutex_unlock(&h->lock);
}

int auth_hash_peak(struct auth_hash *h)
{
    (void)pthread_mutex_lock(&h->lock);
    int peak = h->peak;

    (void)pthread_mutex_unlock(&h->lock);
    return peak;
}

/* ---- texts ---- */

/* "NAME=123": the number behind it, and where it goes on; NULL when there is none. */
static const char *parameter(const char *text, const char *name, unsigned long *ret)
{
    size_t n = strlen(name), digits;

    if (strncmp(text, name, n) != 0)
        return NULL;
    digits = strspn(text + n, "0123456789");
    if (digits == 0 || digits > 9)
        return NULL;
    *ret = strtoul(text + n, NULL, 10);
    return text + n + digits;
}

bool auth_hash_valid(const char *text)
{
    unsigned long memory = 0, passes = 0, lanes = 0;
    const char *at = text;

    if (strnlen(text, AUTH_HASH_TEXT) >= AUTH_HASH_TEXT)
        return false;
    if (!(at = parameter(at, "$argon2id$v=19$m=", &memory)) ||
        !(at = parameter(at, ",t=", &passes)) || !(at = parameter(at, ",p=", &lanes)) || *at != '$')
        return false;
    return memory >= 8 && memory <= MEMORY_MAX_KIB && passes >= 1 && passes <= PASSES_MAX &&
           lanes == 1 &&
           crypto_pwhash_str_needs_rehash(text, AUTH_HASH_PASSES, AUTH_HASH_BYTES) >= 0;
}

bool auth_hash_old(const char *text)
{
    return crypto_pwhash_str_needs_rehash(text, AUTH_HASH_PASSES, AUTH_HASH_BYTES) != 0;
}

/* ---- the work ---- */

int auth_hash_make(struct auth_hash *h, const char *password, size_t n, char ret[AUTH_HASH_TEXT],
                   struct err *e)
{
    char text[AUTH_HASH_TEXT] = "";

    if (slot_take(h, e) < 0)
        return -1;
    int rc = crypto_pwhash_str_alg(text, password, n, AUTH_HASH_PASSES, AUTH_HASH_BYTES,
                                   crypto_pwhash_ALG_ARGON2ID13);

    slot_give(h);
    if (rc != 0)
        return err_set(e, ERR_RETRY, "no memory to hash a password with (%zu MiB are needed)",
                       AUTH_HASH_BYTES >> 20);
    memcpy(ret, text, sizeof(text));
    return 0;
}

int auth_hash_check(struct auth_hash *h, const char *text, const char *password, size_t n,
                    bool *ret_same, struct err *e)
{
    if (!auth_hash_valid(text)) {
        *ret_same = false;
        return 0;
    }
    if (slot_take(h, e) < 0)
        return -1;
    errno = 0;
    int rc = crypto_pwhash_str_verify(text, password, n);
    bool starved = rc != 0 && errno == ENOMEM;

    slot_give(h);
    if (starved)
        return err_set(e, ERR_RETRY, "no memory to check a password with; try again");
    *ret_same = rc == 0;
    return 0;
}
