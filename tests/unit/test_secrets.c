/* The secret store: names that lead nowhere else, modes, what is said of each secret, and what a second look reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "agent/secrets.h"
#include "scratch.h"
#include "spec/base/arena.h"
#include "spec/limits.h"

#define END_MS INT64_C(1800000000000) /* 2027-01-15T08:00:00Z */

static int set(const char *app, const char *name, const char *value)
{
    struct err e = {0};

    return secrets_set(".", app, name, value, strlen(value), &e) == 0 ? 0 : (int)e.kind;
}

static mode_t mode_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static const struct secret *find(const struct secrets *s, const char *name)
{
    size_t n;
    const struct secret *v = secrets_list(s, &n);

    for (size_t i = 0; i < n; i++)
        if (strcmp(v[i].name, name) == 0)
            return &v[i];
    return NULL;
}

/* A certificate that ends at END_MS, with its key, as PEM; heap texts. */
static void make_pem(char **ret_certificate, char **ret_key, bool passphrase)
{
    EVP_PKEY *k = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    BIO *b = BIO_new(BIO_s_mem()), *kb = BIO_new(BIO_s_mem());
    char *text;
    long n;

    assert_non_null(k);
    (void)X509_set_version(x, 2);
    (void)ASN1_TIME_set(X509_getm_notBefore(x), 1700000000);
    (void)ASN1_TIME_set(X509_getm_notAfter(x), END_MS / 1000);
    (void)X509_set_pubkey(x, k);
    assert_true(X509_sign(x, k, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_bio_X509(b, x), 1);
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(kb, k, passphrase ? EVP_aes_128_cbc() : NULL,
                                                   passphrase ? "pw" : NULL, passphrase ? 2 : 0,
                                                   NULL, NULL),
                     1);
    n = BIO_get_mem_data(b, &text);
    *ret_certificate = strndup(text, (size_t)n);
    n = BIO_get_mem_data(kb, &text);
    *ret_key = strndup(text, (size_t)n);
    (void)BIO_free(b);
    (void)BIO_free(kb);
    X509_free(x);
    EVP_PKEY_free(k);
}

static void test_set_and_modes(void **state)
{
    struct arena *a = arena_new();
    struct err e = {0};
    const char *value = NULL;
    size_t n = 7;

    (void)state;
    (void)umask(0);
    assert_int_equal(set(NULL, "users", "anna:x"), 0);
    assert_int_equal(set("blog", "users", "bert:y"), 0);
    assert_int_equal(mode_of("secrets"), 0700);
    assert_int_equal(mode_of("secrets/blog"), 0700);
    assert_int_equal(mode_of("secrets/users"), 0600);
    assert_int_equal(mode_of("secrets/blog/users"), 0600);
    assert_int_equal(secrets_read(".", "blog/users", a, &value, &n, &e), 0);
    assert_string_equal(value, "bert:y");
    assert_int_equal(set("blog", "users", "carl:z"), 0); /* replaced */
    assert_int_equal(secrets_read(".", "blog/users", a, &value, &n, &e), 0);
    assert_int_equal(n, 6);
    assert_string_equal(value, "carl:z");
    assert_int_equal(secrets_remove(".", "blog", "users", &e), 0);
    assert_int_not_equal(access("secrets/blog", F_OK), 0);
    assert_int_equal(secrets_remove(".", "blog", "users", &e), -1);
    assert_int_equal(e.kind, ERR_MISSING);
    value = "as it was";
    assert_int_equal(secrets_read(".", "blog/users", a, &value, &n, &e), -1);
    assert_string_equal(value, "as it was");
    arena_free(a);
}

static void test_names(void **state)
{
    static const char *const bad[] = {"",     ".",    "..",  ".a",   "a.",       "-a", "a/b",
                                      "../a", "a\nb", "a b", "a\\b", "\xc3\xa4", "a~"};
    static const char *const good[] = {"a", "A1", "blog.example.org", "a_b-c.pem", "0"};
    char longest[LIMIT_SECRET_NAME + 2];
    struct err e = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(set(NULL, bad[i], "v"), ERR_USER);
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_int_equal(set(NULL, good[i], "v"), 0);
    assert_int_equal(set("..", "a", "v"), ERR_USER);
    assert_int_equal(set("Not_App", "a", "v"), ERR_USER);
    assert_int_equal(secrets_remove(".", "../..", "a", &e), -1);
    assert_int_equal(e.kind, ERR_USER);
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(set(NULL, longest, "v"), ERR_USER);
    assert_int_equal(set(NULL, longest + 1, "v"), 0);
    assert_int_equal(set("blog", "x", "v"), 0);
    assert_int_equal(set(NULL, "blog", "v"), ERR_CONFLICT); /* an app's folder is there */
    assert_int_equal(set("a", "x", "v"), ERR_CONFLICT);     /* a secret is there */
    assert_int_equal(secrets_remove(".", NULL, "blog", &e), -1);
    assert_int_equal(access("secrets/blog/x", F_OK), 0);
}

static void test_sizes(void **state)
{
    char *big = calloc(LIMIT_SECRET_BYTES + 2, 1);
    struct err e = {0};

    (void)state;
    assert_int_equal(set(NULL, "a", ""), ERR_USER);
    assert_int_equal(secrets_set(".", NULL, "a", big, LIMIT_SECRET_BYTES + 1, &e), -1);
    assert_int_not_equal(access("secrets/a", F_OK), 0);
    assert_int_equal(secrets_set(".", NULL, "a", big, LIMIT_SECRET_BYTES, &e), 0);
    free(big);
}

/* Who may set secrets of one app must not be able to push others' out of the list. */
static void test_room(void **state)
{
    char name[16];

    (void)state;
    for (int i = 0; i < LIMIT_APP_SECRETS; i++) {
        (void)snprintf(name, sizeof(name), "s%d", i);
        assert_int_equal(set("blog", name, "x"), 0);
    }
    assert_int_equal(set("blog", "more", "x"), ERR_CONFLICT);
    assert_int_not_equal(access("secrets/blog/more", F_OK), 0);
    assert_int_equal(set("blog", "s7", "another"), 0); /* one that is there may change */
    assert_int_equal(set("shop", "more", "x"), 0);
    assert_int_equal(set(NULL, "more", "x"), 0);
}

static void test_list(void **state)
{
    struct secrets *s = secrets_new(".");
    size_t n = 7;

    (void)state;
    (void)secrets_scan(s);
    assert_false(secrets_scan(s));
    (void)secrets_list(s, &n);
    assert_int_equal(n, 0);
    assert_null(secrets_trouble(s)); /* no folder: no secrets, and nothing is wrong */
    assert_int_equal(set("blog", "users", "b"), 0);
    assert_int_equal(set(NULL, "zeta", "z"), 0);
    assert_int_equal(set(NULL, "Alpha", "abc"), 0);
    put("secrets/.hidden", "x");
    put("secrets/not a name", "x");
    put("secrets/empty", "");
    assert_int_equal(symlink("/nowhere", "secrets/dangling"), 0);
    assert_true(secrets_scan(s));
    assert_false(secrets_scan(s));
    const struct secret *v = secrets_list(s, &n);

    assert_int_equal(n, 4);
    assert_string_equal(v[0].name, "Alpha");
    assert_string_equal(v[1].name, "blog/users");
    assert_string_equal(v[2].name, "empty");
    assert_string_equal(v[3].name, "zeta");
    assert_string_equal(v[0].digest,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_null(v[0].problem);
    assert_non_null(strstr(v[2].problem, "secrets/empty is empty"));
    assert_int_equal(set(NULL, "Alpha", "abd"), 0);
    assert_true(secrets_scan(s));
    assert_string_not_equal(find(s, "Alpha")->digest,
                            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(unlink("secrets/zeta"), 0);
    assert_true(secrets_scan(s));
    assert_null(find(s, "zeta"));
    secrets_free(s);
}

/* A renewal writes where the link leads; the link itself does not change. */
static void test_links(void **state)
{
    struct secrets *s = secrets_new(".");
    char before[SHA256_HEX];

    (void)state;
    make_dir("live");
    put("live/cert.pem", "one");
    assert_int_equal(set(NULL, "other", "o"), 0);
    assert_int_equal(symlink("../live/cert.pem", "secrets/cert"), 0);
    assert_true(secrets_scan(s));
    memcpy(before, find(s, "cert")->digest, sizeof(before));
    save("live/cert.pem", "two");
    assert_true(secrets_scan(s));
    assert_string_not_equal(find(s, "cert")->digest, before);
    assert_int_equal(mkfifo("live/fifo", 0600), 0);
    assert_int_equal(symlink("../live/fifo", "secrets/fifo"), 0);
    assert_true(secrets_scan(s)); /* and does not wait for it */
    assert_non_null(find(s, "fifo")->problem);
    secrets_free(s);
}

static void test_certificates(void **state)
{
    struct secrets *s = secrets_new(".");
    char *certificate, *key, *second, *locked, *third, *other;

    (void)state;
    make_pem(&certificate, &key, false);
    make_pem(&second, &locked, true);
    char *both = malloc(strlen(certificate) + strlen(key) + 1);

    (void)stpcpy(stpcpy(both, certificate), key);
    assert_int_equal(set(NULL, "cert", certificate), 0);
    assert_int_equal(set(NULL, "key", key), 0);
    assert_int_equal(set(NULL, "both", both), 0);
    make_pem(&third, &other, false);
    char *wrong = malloc(strlen(certificate) + strlen(other) + 1);

    (void)stpcpy(stpcpy(wrong, certificate), other);
    assert_int_equal(set(NULL, "other", other), 0);
    assert_int_equal(set(NULL, "wrong", wrong), 0);
    assert_int_equal(set(NULL, "locked", locked), 0);
    certificate[strlen(certificate) / 2] = '\0';
    assert_int_equal(set(NULL, "cut", certificate), 0);
    assert_true(secrets_scan(s));
    assert_int_equal(find(s, "cert")->kind, SECRET_CERTIFICATE);
    assert_int_equal(find(s, "cert")->not_after_ms, END_MS);
    assert_null(find(s, "cert")->problem);
    assert_int_equal(find(s, "key")->kind, SECRET_KEY);
    assert_null(find(s, "key")->problem);
    assert_int_equal(find(s, "both")->kind, SECRET_CERTIFICATE);
    assert_int_equal(find(s, "both")->not_after_ms, END_MS);
    assert_null(find(s, "both")->problem);
    assert_int_equal(strlen(find(s, "cert")->pair), 64);
    assert_string_equal(find(s, "cert")->pair, find(s, "key")->pair);
    assert_string_equal(find(s, "cert")->pair, find(s, "both")->pair);
    assert_string_not_equal(find(s, "cert")->pair, find(s, "other")->pair);
    assert_non_null(strstr(find(s, "wrong")->problem, "does not belong"));
    assert_non_null(strstr(find(s, "locked")->problem, "passphrase"));
    assert_non_null(strstr(find(s, "cut")->problem, "cut off"));
    assert_int_equal(find(s, "cut")->not_after_ms, 0);
    free(certificate), free(key), free(second), free(locked), free(both);
    free(third), free(other), free(wrong);
    secrets_free(s);
}

static void test_no_access(void **state)
{
    struct secrets *s = secrets_new(".");
    size_t n = 7;

    (void)state;
    put("secrets", "a file where the folder should be");
    (void)secrets_scan(s);
    assert_non_null(secrets_trouble(s));
    assert_non_null(strstr(secrets_trouble(s), "secrets"));
    (void)secrets_list(s, &n);
    assert_int_equal(n, 0);
    assert_int_equal(set(NULL, "a", "v"), ERR_CONFLICT);
    assert_int_equal(unlink("secrets"), 0);
    assert_true(secrets_scan(s));
    assert_null(secrets_trouble(s));
    secrets_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_set_and_modes, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_names, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_sizes, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_room, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_list, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_links, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_certificates, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_no_access, scratch_setup, scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
