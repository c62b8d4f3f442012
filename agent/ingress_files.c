/* What Traefik reads besides its routes.
 *
 * Comes in: secrets by name. Goes out: copies that Traefik's group may read, under names that follow from their content. The password of Traefik's API is 256 random bits, so a plain
 * hash of it gives nothing away; the default certificate only saves Traefik from making a new key at each change. A copy stays as long as a route
 * file names it, whatever is desired by now. */
#include "agent/ingress_files.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <unistd.h>

#include "agent/secrets.h"
#include "drivers/fsx.h"
#include "spec/base/arena.h"
#include "spec/ingress.h"
#include "spec/limits.h"

#define API_USER "evenkeel"
#define PASSWORD_BYTES 32
#define DEFAULT_YEARS 20

/* ---- folders ---- */

/* Traefik runs in a group of its own. Who is not root cannot give files away: then everybody may read them, in a state folder that nobody else can enter. */
static mode_t folder_mode(void)
{
    return geteuid() == 0 ? 02750 : 0755;
}

static mode_t file_mode(void)
{
    return geteuid() == 0 ? 0640 : 0644;
}

static int make_folder(const char *path, struct err *e)
{
    struct stat st;

    if (fsx_mkdirs(path, 0700, e) < 0)
        return -1;
    if (stat(path, &st) == 0 && (st.st_mode & 07777) == folder_mode() &&
        (geteuid() != 0 || st.st_gid == INGRESS_UID))
        return 0;
    if ((geteuid() == 0 && chown(path, 0, INGRESS_UID) < 0) || chmod(path, folder_mode()) < 0)
        return err_errno(e, errno, "cannot give %s to group %d", path, INGRESS_UID);
    return 0;
}

static const char *folder(const char *state, struct arena *a)
{
    return fsx_join(state, "ingress/files", a);
}

static int make_folders(const char *state, struct arena *a, struct err *e)
{
    if (make_folder(fsx_join(state, "ingress", a), e) < 0)
        return -1;
    return make_folder(folder(state, a), e);
}

int ingress_files_acme(const char *state, struct err *e)
{
    struct arena *a = arena_new();
    const char *path = fsx_join(state, "ingress-acme", a);
    int rc = fsx_mkdirs(path, 0700, e);

    if (rc == 0 && geteuid() == 0 && chown(path, INGRESS_UID, INGRESS_UID) < 0)
        rc = err_errno(e, errno, "cannot give %s to user %d", path, INGRESS_UID);
    arena_free(a);
    return rc;
}

/* ---- copies ---- */

static int copy(const char *state, const void *bytes, size_t n, struct arena *a,
                const char **ret_digest, struct err *e)
{
    char digest[SHA256_HEX];
    struct stat st;

    sha256_hex(bytes, n, digest);
    const char *path = fsx_join(folder(state, a), digest, a);

    /* What has that name has that content: it came there by a rename. */
    if (stat(path, &st) == 0 && (size_t)st.st_size == n) {
        if ((st.st_mode & 07777) != file_mode() && chmod(path, file_mode()) < 0)
            return err_errno(e, errno, "cannot change %s", path);
    } else if (make_folders(state, a, e) < 0 || fsx_replace(path, bytes, n, file_mode(), e) < 0) {
        return -1;
    }
    *ret_digest = arena_strdup(a, digest);
    return 0;
}

int ingress_files_secret(const char *state, const char *name, struct arena *a,
                         const char **ret_digest, struct err *e)
{
    struct arena *own = arena_new();
    const char *text;
    size_t n;
    int rc = secrets_read(state, name, own, &text, &n, e);

    if (rc == 0) {
        rc = copy(state, text, n, a, ret_digest, e);
        OPENSSL_cleanse((char *)(uintptr_t)text, n);
    }
    arena_free(own);
    return rc;
}

/* All route files in one text. */
static void read_routes(const char *state, struct arena *a, struct str *out)
{
    const char *dir = fsx_join(state, "ingress/routes", a);
    DIR *d = opendir(dir);
    const struct dirent *entry;

    while (d && (entry = readdir(d))) {
        const char *text;
        size_t n;

        if (entry->d_name[0] != '.' && fsx_read(fsx_join(dir, entry->d_name, a), LIMIT_SPEC_BYTES,
                                                a, &text, &n, NULL, NULL) == 0)
            str_addn(out, text, n);
    }
    if (d)
        (void)closedir(d);
}

static void sweep(const char *state, const struct strv *digests, int64_t before_s, struct arena *a)
{
    CLEANUP(str_release) struct str routes = STR_INIT;
    const char *dir = folder(state, a);
    DIR *d = opendir(dir);
    const struct dirent *entry;
    bool read = false;

    while (d && (entry = readdir(d))) {
        const char *path = fsx_join(dir, entry->d_name, a);
        struct stat st;

        if (strlen(entry->d_name) != SHA256_HEX - 1 || strv_has(digests, entry->d_name) ||
            stat(path, &st) != 0 || st.st_mtim.tv_sec >= before_s)
            continue;
        if (!read)
            read_routes(state, a, &routes);
        read = true;
        if (!strstr(str_text(&routes), entry->d_name))
            (void)unlink(path);
    }
    if (d)
        (void)closedir(d);
}

void ingress_files_sweep(const char *state, const struct strv *digests, int64_t age_s)
{
    struct arena *a = arena_new();
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    sweep(state, digests, now.tv_sec - age_s, a);
    arena_free(a);
}

/* ---- what is made once ---- */

static int read_or_make(const char *path, int (*make)(struct str *out), struct arena *a,
                        const char **ret_text, size_t *ret_n, struct err *e)
{
    CLEANUP(str_release) struct str made = STR_INIT;

    if (fsx_read(path, LIMIT_SECRET_BYTES, a, ret_text, ret_n, NULL, e) == 0 && *ret_n > 0)
        return 0;
    if (make(&made) < 0)
        return err_set(e, ERR_BUG, "cannot make %s", path);
    if (fsx_replace(path, made.buf, made.len, 0600, e) < 0)
        return -1;
    *ret_text = arena_strndup(a, made.buf, made.len);
    *ret_n = made.len;
    OPENSSL_cleanse(made.buf, made.len);
    e->kind = ERR_NONE;
    return 0;
}

static int make_password(struct str *out)
{
    unsigned char bytes[PASSWORD_BYTES];

    if (RAND_bytes(bytes, sizeof(bytes)) != 1)
        return -1;
    for (size_t i = 0; i < sizeof(bytes); i++)
        str_addf(out, "%02x", bytes[i]);
    str_addc(out, '\n');
    return 0;
}

static int add_pem(struct str *out, X509 *x, EVP_PKEY *key)
{
    BIO *b = BIO_new(BIO_s_mem());
    char *text;

    if (!b || PEM_write_bio_X509(b, x) != 1 ||
        PEM_write_bio_PKCS8PrivateKey(b, key, NULL, NULL, 0, NULL, NULL) != 1) {
        (void)BIO_free(b);
        return -1;
    }
    long n = BIO_get_mem_data(b, &text);

    str_addn(out, text, (size_t)n);
    (void)BIO_free(b);
    return 0;
}

static int sign(X509 *x, EVP_PKEY *key)
{
    X509_NAME *name = X509_get_subject_name(x);
    int ok = X509_set_version(x, 2) && ASN1_INTEGER_set(X509_get_serialNumber(x), 1) &&
             X509_gmtime_adj(X509_getm_notBefore(x), -3600) &&
             X509_time_adj_ex(X509_getm_notAfter(x), DEFAULT_YEARS * 365, 0, NULL) &&
             X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                        (const unsigned char *)"no certificate for this host", -1,
                                        -1, 0) &&
             X509_set_issuer_name(x, name) && X509_set_pubkey(x, key) &&
             X509_sign(x, key, EVP_sha256()) > 0;

    return ok ? 0 : -1;
}

static int make_certificate(struct str *out)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    int rc = key && x && sign(x, key) == 0 ? add_pem(out, x, key) : -1;

    X509_free(x);
    EVP_PKEY_free(key);
    return rc;
}

/* Apache's {SHA}: enough for a password that nobody can guess, and checked in no time. */
static void add_user_line(const char *password, size_t n, struct str *out)
{
    unsigned char sum[EVP_MAX_MD_SIZE], text[2 * EVP_MAX_MD_SIZE];
    unsigned length = 0;

    (void)EVP_Digest(password, n, sum, &length, EVP_sha1(), NULL);
    (void)EVP_EncodeBlock(text, sum, (int)length);
    str_addf(out, API_USER ":{SHA}%s\n", (const char *)text);
}

int ingress_files_own(const char *state, struct arena *a, const char **ret_users,
                      const char **ret_pem, struct err *e)
{
    CLEANUP(str_release) struct str users = STR_INIT;
    const char *password, *pem, *users_digest;
    size_t password_n, pem_n;

    if (make_folders(state, a, e) < 0 ||
        read_or_make(fsx_join(state, "ingress/api-password", a), make_password, a, &password,
                     &password_n, e) < 0 ||
        read_or_make(fsx_join(state, "ingress/default.pem", a), make_certificate, a, &pem, &pem_n,
                     e) < 0)
        return -1;
    add_user_line(password, strcspn(password, "\r\n"), &users);
    OPENSSL_cleanse((char *)(uintptr_t)password, password_n);
    if (copy(state, users.buf, users.len, a, &users_digest, e) < 0 ||
        copy(state, pem, pem_n, a, ret_pem, e) < 0)
        return -1;
    *ret_users = users_digest;
    return 0;
}
