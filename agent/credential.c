/* Random texts that open something.
 *
 * Comes in: nothing, or such a text from a stranger. Goes out: a new one, or its digest, which is all that is ever kept. It compares in constant time and never says where two differ. */
#include "agent/credential.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define BASE64URL "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

_Static_assert(CREDENTIAL_DIGEST == crypto_hash_sha256_BYTES, "SHA-256");
_Static_assert(CREDENTIAL_TEXT ==
                   sodium_base64_ENCODED_LEN(32, sodium_base64_VARIANT_URLSAFE_NO_PADDING),
               "32 bytes as base64url");

void credential_init(void)
{
    if (sodium_init() < 0)
        abort();
}

void credential_make(char ret[CREDENTIAL_TEXT])
{
    unsigned char bytes[32];

    credential_init();
    randombytes_buf(bytes, sizeof(bytes));
    (void)sodium_bin2base64(ret, CREDENTIAL_TEXT, bytes, sizeof(bytes),
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bytes, sizeof(bytes));
}

void credential_make_spoken(char ret[CREDENTIAL_SPOKEN])
{
    static const char letters[32 + 1] = "abcdefghijkmnpqrstuvwxyz23456789";

    credential_init();
    for (int i = 0; i < CREDENTIAL_SPOKEN - 1; i++)
        ret[i] = letters[randombytes_uniform(32)];
    ret[CREDENTIAL_SPOKEN - 1] = '\0';
}

void credential_digest(const char *text, size_t n, unsigned char ret[CREDENTIAL_DIGEST])
{
    (void)crypto_hash_sha256(ret, (const unsigned char *)text, n);
}

bool credential_same(const unsigned char a[CREDENTIAL_DIGEST],
                     const unsigned char b[CREDENTIAL_DIGEST])
{
    return sodium_memcmp(a, b, CREDENTIAL_DIGEST) == 0;
}

bool credential_shaped(const char *text)
{
    return strnlen(text, CREDENTIAL_TEXT) == CREDENTIAL_TEXT - 1 &&
           strspn(text, BASE64URL) == CREDENTIAL_TEXT - 1;
}
