/* What the bytes of a secret are.
 *
 * Comes in: the whole text. Goes out: its kind, when a certificate ends, and why PEM cannot be used. A file may hold a certificate with its chain (the first one counts), a private
 * key, or both. It never quotes what it read, not even in a problem, and never asks anybody for a passphrase. */
#include "agent/secret_kind.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "spec/base/attr.h"

static void free_bio(BIO **b)
{
    (void)BIO_free(*b);
}

static void free_certificate(X509 **x)
{
    X509_free(*x);
}

static void free_key(EVP_PKEY **k)
{
    EVP_PKEY_free(*k);
}

static bool has(const char *text, size_t n, const char *word)
{
    return memmem(text, n, word, strlen(word)) != NULL;
}

static int no_passphrase(char *buf, int size, int writing, void *user)
{
    (void)buf, (void)size, (void)writing, (void)user;
    return -1;
}

/* SHA-256 of the public key as DER (RFC 5280, SubjectPublicKeyInfo). */
static void print_of(EVP_PKEY *k, char ret[SHA256_HEX])
{
    unsigned char *der = NULL;
    int n = k ? i2d_PUBKEY(k, &der) : 0;

    if (n > 0)
        sha256_hex((const char *)der, (size_t)n, ret);
    OPENSSL_free(der);
}

static int64_t time_ms(const ASN1_TIME *t)
{
    struct tm tm = {0};

    if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
        return 0;
    return (int64_t)timegm(&tm) * 1000;
}

static void look_at_certificate(const char *text, int n, struct secret_nature *ret)
{
    CLEANUP(free_bio) BIO *b = BIO_new_mem_buf(text, n);
    CLEANUP(free_certificate) X509 *x = PEM_read_bio_X509(b, NULL, no_passphrase, NULL);

    ret->kind = SECRET_CERTIFICATE;
    if (!x) {
        (void)snprintf(ret->problem, sizeof(ret->problem),
                       "it begins like a PEM certificate and is none; was it cut off?");
        return;
    }
    ret->not_after_ms = time_ms(X509_get0_notAfter(x));
    print_of(X509_get0_pubkey(x), ret->pair);
}

static void look_at_key(const char *text, int n, struct secret_nature *ret)
{
    CLEANUP(free_bio) BIO *b = BIO_new_mem_buf(text, n);
    CLEANUP(free_key) EVP_PKEY *k = PEM_read_bio_PrivateKey(b, NULL, no_passphrase, NULL);

    char pair[SHA256_HEX] = "";

    if (ret->kind != SECRET_CERTIFICATE)
        ret->kind = SECRET_KEY;
    print_of(k, pair);
    if (!k)
        (void)snprintf(ret->problem, sizeof(ret->problem), "%s",
                       has(text, (size_t)n, "ENCRYPTED")
                           ? "its private key is protected by a passphrase; take it off with "
                             "`openssl pkey -in KEY -out PLAIN`"
                           : "it begins like a PEM private key and is none; was it cut off?");
    else if (*ret->pair && strcmp(ret->pair, pair) != 0)
        (void)snprintf(ret->problem, sizeof(ret->problem),
                       "its private key does not belong to its certificate");
    else
        memcpy(ret->pair, pair, sizeof(pair));
}

struct secret_nature secret_nature_of(const char *text, size_t n)
{
    struct secret_nature r = {0};

    if (n > INT32_MAX)
        return r;
    if (has(text, n, "-----BEGIN CERTIFICATE-----"))
        look_at_certificate(text, (int)n, &r);
    if (has(text, n, "PRIVATE KEY-----") && !*r.problem)
        look_at_key(text, (int)n, &r);
    ERR_clear_error();
    return r;
}
