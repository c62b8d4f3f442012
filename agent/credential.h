/* credential.h: random texts that open something (session ids, tokens, passwords), and what is kept of them. */
#ifndef EK_CREDENTIAL_H
#define EK_CREDENTIAL_H

#include <stdbool.h>
#include <stddef.h>

enum {
    CREDENTIAL_TEXT = 44, /* 43 letters of base64url (RFC 4648, 5), and the NUL: 256 random bits */
    CREDENTIAL_DIGEST = 32, /* SHA-256 of the text; 256 random bits need no slow hash */
    CREDENTIAL_SPOKEN = 25, /* 24 letters for people: no 0, O, 1, l; 120 random bits */
};

/* Makes ready what the others use (libsodium); any number of times, from any thread. Aborts where the system gives no random bytes. */
void credential_init(void);
void credential_make(char ret[CREDENTIAL_TEXT]);
/* To be read off a screen and typed. */
void credential_make_spoken(char ret[CREDENTIAL_SPOKEN]);
void credential_digest(const char *text, size_t n, unsigned char ret[CREDENTIAL_DIGEST]);
/* In constant time. */
bool credential_same(const unsigned char a[CREDENTIAL_DIGEST],
                     const unsigned char b[CREDENTIAL_DIGEST]);
/* Has the form that credential_make gives: 43 letters of base64url. */
bool credential_shaped(const char *text);

#endif
