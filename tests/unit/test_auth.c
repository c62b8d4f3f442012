/* Accounts: the first start, logging in, changes that must not lock everybody out, files that are not whole, and what a crowd costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sodium.h>

#include "agent/auth.h"
#include "agent/auth_accounts.h"
#include "scratch.h"
#include "spec/base/arena.h"

#define NOW INT64_C(1800000000000)
#define GOOD "correct horse"
#define POISON ((enum role)77)

static int login(struct auth *a, const char *name, const char *password)
{
    struct err e = {0};
    enum role role = POISON;
    int rc = auth_login(a, name, password, &role, &e);

    assert_true(rc == 0 ? role != POISON : role == POISON);
    if (rc != 0)
        assert_true(e.kind != ERR_NONE && *e.msg);
    return rc == 0 ? (int)role : -(int)e.kind;
}

static struct auth *open_at(const char *state)
{
    struct auth *a = NULL;
    struct err e = {0};

    if (auth_open(state, &a, &e) < 0)
        fail_msg("%s", e.msg);
    return a;
}

static struct auth *with_admin(void)
{
    struct auth *a = open_at(".");
    char show[CREDENTIAL_SPOKEN];
    struct err e = {0};

    assert_int_equal(auth_first(a, GOOD, false, NOW, show, &e), 0);
    return a;
}

static int set(struct auth *a, const char *name, enum role role, const char *password)
{
    struct err e = {0};

    return auth_set(a, name, role, password, NOW, &e) == 0 ? 0 : (int)e.kind;
}

static mode_t mode_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void slurp(const char *path, char *ret, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, ret, size - 1);

    assert_true(n >= 0);
    ret[n] = '\0';
    (void)close(fd);
}

/* ---- the first start ---- */

static void test_first_without_terminal(void **state)
{
    struct auth *a = open_at(".");
    char show[CREDENTIAL_SPOKEN] = "poison", text[64], again[64];
    struct err e = {0};

    (void)state;
    assert_false(auth_ready(a));
    assert_int_equal(auth_first(a, NULL, false, NOW, show, &e), 0);
    assert_string_equal(show, "");
    assert_true(auth_ready(a));
    assert_int_equal(mode_of("initial-password"), 0600);
    assert_int_equal(mode_of("accounts.json"), 0600);
    slurp("initial-password", text, sizeof(text));
    assert_int_equal(strlen(text), CREDENTIAL_SPOKEN); /* and a line's end */
    text[strcspn(text, "\n")] = '\0';

    /* The next start makes nothing anew. */
    auth_free(a);
    a = open_at(".");
    assert_int_equal(auth_first(a, "another password", true, NOW, show, &e), 0);
    assert_string_equal(show, "");
    slurp("initial-password", again, sizeof(again));
    assert_memory_equal(again, text, strlen(text));

    /* Wrong ones leave the file, the right one takes it away. */
    assert_int_equal(login(a, "admin", "another password"), -ERR_DENIED);
    assert_int_equal(mode_of("initial-password"), 0600);
    assert_int_equal(login(a, "admin", text), ROLE_ADMIN);
    assert_int_equal(access("initial-password", F_OK), -1);
    auth_free(a);
}

static void test_first_on_terminal(void **state)
{
    struct auth *a = open_at("fresh/state");
    char show[CREDENTIAL_SPOKEN] = "", other[CREDENTIAL_SPOKEN] = "";
    struct err e = {0};

    (void)state;
    assert_int_equal(auth_first(a, "", true, NOW, show, &e), 0);
    assert_int_equal(strlen(show), CREDENTIAL_SPOKEN - 1);
    assert_int_equal(access("fresh/state/initial-password", F_OK), -1);
    assert_int_equal(login(a, "admin", show), ROLE_ADMIN);
    assert_int_equal(unlink("fresh/state/accounts.json"), 0);
    assert_false(auth_ready(a)); /* seen without a restart */
    assert_int_equal(login(a, "admin", show), -ERR_DENIED);
    assert_int_equal(auth_first(a, NULL, true, NOW, other, &e), 0);
    assert_string_not_equal(show, other);
    auth_free(a);
}

static void test_first_given(void **state)
{
    struct auth *a = open_at(".");
    char show[CREDENTIAL_SPOKEN] = "poison";
    struct err e = {0};

    (void)state;
    assert_int_equal(auth_first(a, "short", false, NOW, show, &e), -1);
    assert_int_equal(e.kind, ERR_USER);
    assert_non_null(strstr(e.msg, "EVENKEEL_ADMIN_PASSWORD"));
    assert_string_equal(show, "poison");
    assert_false(auth_ready(a));
    assert_int_equal(auth_first(a, GOOD, true, NOW, show, &e), 0);
    assert_string_equal(show, "");
    assert_int_equal(access("initial-password", F_OK), -1);
    assert_int_equal(login(a, "admin", GOOD), ROLE_ADMIN);
    auth_free(a);
}

static void test_initial_goes_with_a_new_password(void **state)
{
    struct auth *a = open_at(".");
    char show[CREDENTIAL_SPOKEN];
    struct err e = {0};

    (void)state;
    assert_int_equal(auth_first(a, NULL, false, NOW, show, &e), 0);
    assert_int_equal(set(a, "bob", ROLE_VIEWER, GOOD), 0);
    assert_int_equal(login(a, "bob", GOOD), ROLE_VIEWER);
    assert_int_equal(access("initial-password", F_OK), 0); /* not bob's business */
    assert_int_equal(set(a, "admin", ROLE_ADMIN, "quite another"), 0);
    assert_int_equal(access("initial-password", F_OK), -1);
    auth_free(a);
}

/* ---- logging in ---- */

static void test_one_refusal_for_all(void **state)
{
    struct auth *a = with_admin();
    struct err wrong = {0}, unknown = {0}, disabled = {0}, e = {0};
    enum role role = POISON;
    char huge[LIMIT_PASSWORD + 100];

    (void)state;
    memset(huge, 'x', sizeof(huge) - 1);
    huge[sizeof(huge) - 1] = '\0';
    assert_int_equal(set(a, "eve", ROLE_DEPLOYER, GOOD), 0);
    assert_int_equal(auth_disable(a, "eve", true, &e), 0);
    assert_int_equal(auth_login(a, "admin", "wrong horse", &role, &wrong), -1);
    assert_int_equal(auth_login(a, "nobody", GOOD, &role, &unknown), -1);
    assert_int_equal(auth_login(a, "eve", GOOD, &role, &disabled), -1);
    assert_int_equal(role, POISON);
    assert_int_equal(wrong.kind, ERR_DENIED);
    assert_memory_equal(&wrong, &unknown, sizeof(wrong));
    assert_memory_equal(&wrong, &disabled, sizeof(wrong));
    assert_int_equal(login(a, "admin", huge), -ERR_DENIED);
    assert_int_equal(login(a, "admin", ""), -ERR_DENIED);
    assert_int_equal(login(a, "", ""), -ERR_DENIED);
    assert_int_equal(login(a, "../admin", GOOD), -ERR_DENIED);
    assert_int_equal(login(a, huge, GOOD), -ERR_DENIED);
    assert_int_equal(login(a, "admin\n", GOOD), -ERR_DENIED);
    assert_int_equal(login(a, "Admin", GOOD), -ERR_DENIED);
    assert_int_equal(auth_disable(a, "eve", false, &e), 0);
    assert_int_equal(login(a, "eve", GOOD), ROLE_DEPLOYER);
    auth_free(a);
}

/* Processor time of this thread, which is what a hash is made of. */
static double work_of(struct auth *a, const char *name)
{
    struct timespec t0, t1;
    double best = 1e9;

    for (int i = 0; i < 5; i++) {
        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t0);
        assert_int_equal(login(a, name, "wrong horse"), -ERR_DENIED);
        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t1);
        double ms = (double)(t1.tv_sec - t0.tv_sec) * 1e3 + (double)(t1.tv_nsec - t0.tv_nsec) / 1e6;

        best = ms < best ? ms : best;
    }
    return best;
}

static void test_unknown_costs_the_same(void **state)
{
    struct auth *a = with_admin();
    double known = work_of(a, "admin"), unknown = work_of(a, "nobody");

    (void)state;
    assert_true(known > 2); /* or it is no argon2id of ours */
    assert_true(unknown > known * 0.5 && unknown < known * 2);
    auth_free(a);
}

struct crowd {
    struct auth *a;
    int denied, busy, other;
    pthread_mutex_t lock;
};

static void *one_of_crowd(void *arg)
{
    struct crowd *c = arg;
    int got = login(c->a, "admin", "wrong horse");

    (void)pthread_mutex_lock(&c->lock);
    *(got == -ERR_DENIED ? &c->denied : got == -ERR_RETRY ? &c->busy : &c->other) += 1;
    (void)pthread_mutex_unlock(&c->lock);
    return NULL;
}

static void test_crowd(void **state)
{
    struct crowd c = {.a = with_admin(), .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t t[100];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        assert_int_equal(pthread_create(&t[i], NULL, one_of_crowd, &c), 0);
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        (void)pthread_join(t[i], NULL);
    assert_int_equal(c.other, 0);
    assert_int_equal(c.denied + c.busy, (int)ARRAY_LEN(t));
    assert_true(c.denied >= AUTH_HASHES);
    assert_int_equal(login(c.a, "admin", GOOD), ROLE_ADMIN);
    auth_free(c.a);
}

struct hashing {
    struct auth_hash *h;
    char text[AUTH_HASH_TEXT];
};

static void *one_hash(void *arg)
{
    struct hashing *w = arg;
    struct err e = {0};
    bool same = true;

    if (auth_hash_check(w->h, w->text, "wrong", 5, &same, &e) == 0)
        assert_false(same);
    return NULL;
}

static void test_slots(void **state)
{
    struct hashing w = {.h = auth_hash_new()};
    pthread_t t[40];
    struct err e = {0};

    (void)state;
    assert_int_equal(auth_hash_make(w.h, GOOD, strlen(GOOD), w.text, &e), 0);
    assert_int_equal(auth_hash_peak(w.h), 1);
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        assert_int_equal(pthread_create(&t[i], NULL, one_hash, &w), 0);
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        (void)pthread_join(t[i], NULL);
    assert_in_range(auth_hash_peak(w.h), 1, AUTH_HASHES);
    auth_hash_free(w.h);
}

/* ---- hashes ---- */

static void test_hash_bounds(void **state)
{
#define SALT "$c29tZXNhbHRzb21lc2FsdA$"
#define SUM "R2/OXwG3lqCxdJ6jQ/6LTjJcYXQZ3fjGFRZGRg5VDbg"
    static const struct {
        const char *text;
        bool valid;
    } rows[] = {
        {"$argon2id$v=19$m=19456,t=3,p=1" SALT SUM, true},
        {"$argon2id$v=19$m=65536,t=10,p=1" SALT SUM, true},
        {"$argon2id$v=19$m=65537,t=3,p=1" SALT SUM, false},
        {"$argon2id$v=19$m=4194304,t=3,p=1" SALT SUM, false},
        {"$argon2id$v=19$m=99999999999999999999,t=3,p=1" SALT SUM, false},
        {"$argon2id$v=19$m=19456,t=11,p=1" SALT SUM, false},
        {"$argon2id$v=19$m=19456,t=0,p=1" SALT SUM, false},
        {"$argon2id$v=19$m=1,t=3,p=1" SALT SUM, false},
        {"$argon2id$v=19$m=19456,t=3,p=4" SALT SUM, false},
        {"$argon2id$v=19$m=-1,t=3,p=1" SALT SUM, false},
        {"$argon2id$v=19$m= 19456,t=3,p=1" SALT SUM, false},
        {"$argon2i$v=19$m=19456,t=3,p=1" SALT SUM, false},
        {"$argon2id$v=19$m=19456,t=3,p=1", false},
        {"$argon2id$v=19$m=19456,t=3,p=1$!!!$???", false},
        {"$6$salt$hash", false},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (auth_hash_valid(rows[i].text) != rows[i].valid)
            fail_msg("%s", rows[i].text);
}

static void test_old_hash_is_renewed(void **state)
{
    char cheap[AUTH_HASH_TEXT] = "", file[1024], text[1024];
    struct auth *a;

    (void)state;
    credential_init();
    assert_int_equal(crypto_pwhash_str_alg(cheap, GOOD, strlen(GOOD), 1, 8192 << 10,
                                           crypto_pwhash_ALG_ARGON2ID13),
                     0);
    (void)snprintf(file, sizeof(file),
                   "{\"version\":1,\"accounts\":[{\"name\":\"ann\",\"role\":\"admin\",\"hash\":"
                   "\"%s\",\"changed_ms\":5}]}",
                   cheap);
    put("accounts.json", file);
    a = open_at(".");
    assert_int_equal(login(a, "ann", "wrong horse"), -ERR_DENIED);
    slurp("accounts.json", text, sizeof(text));
    assert_non_null(strstr(text, cheap));
    assert_int_equal(login(a, "ann", GOOD), ROLE_ADMIN);
    slurp("accounts.json", text, sizeof(text));
    assert_null(strstr(text, cheap));
    assert_non_null(strstr(text, "m=19456,t=3"));
    assert_int_equal(login(a, "ann", GOOD), ROLE_ADMIN);
    auth_free(a);
}

/* ---- changes ---- */

static void test_changes(void **state)
{
    struct auth *a = with_admin(), *other = open_at(".");
    struct arena *arena = arena_new();
    struct err e = {0};
    size_t n = 99;

    (void)state;
    assert_int_equal(set(a, "zoe", ROLE_VIEWER, GOOD), 0);
    assert_int_equal(set(a, "bob@example.org", ROLE_DEPLOYER, GOOD), 0);
    assert_int_equal(auth_role(a, "bob@example.org"), ROLE_DEPLOYER);
    assert_int_equal(auth_role(a, "nobody"), ROLE_NONE);
    /* Another process sees it, and the other way round. */
    assert_int_equal(auth_role(other, "zoe"), ROLE_VIEWER);
    assert_int_equal(set(other, "zoe", ROLE_DEPLOYER, NULL), 0);
    assert_int_equal(auth_role(a, "zoe"), ROLE_DEPLOYER);
    assert_int_equal(login(a, "zoe", GOOD), ROLE_DEPLOYER); /* its password stayed */
    assert_int_equal(set(a, "zoe", ROLE_VIEWER, "other password"), 0);
    assert_int_equal(login(other, "zoe", GOOD), -ERR_DENIED);
    assert_int_equal(login(other, "zoe", "other password"), ROLE_VIEWER);

    const struct auth_entry *v = auth_list(a, arena, &n);

    assert_int_equal(n, 3);
    assert_string_equal(v[0].name, "admin");
    assert_string_equal(v[1].name, "bob@example.org");
    assert_string_equal(v[2].name, "zoe");
    assert_int_equal(v[2].changed_ms, NOW);
    assert_int_equal(auth_remove(a, "zoe", &e), 0);
    assert_int_equal(auth_role(other, "zoe"), ROLE_NONE);
    assert_int_equal(auth_remove(a, "zoe", &e), -1);
    assert_int_equal(e.kind, ERR_MISSING);
    assert_int_equal(mode_of("accounts.json"), 0600);
    arena_free(arena);
    auth_free(a);
    auth_free(other);
}

static void test_never_nobody_in_charge(void **state)
{
    struct auth *a = with_admin();
    struct err e = {0};

    (void)state;
    assert_int_equal(auth_remove(a, "admin", &e), -1);
    assert_int_equal(e.kind, ERR_CONFLICT);
    assert_int_equal(set(a, "bob", ROLE_DEPLOYER, GOOD), 0);
    assert_int_equal(set(a, "admin", ROLE_VIEWER, NULL), ERR_CONFLICT);
    assert_int_equal(auth_disable(a, "admin", true, &e), -1);
    assert_int_equal(auth_remove(a, "admin", &e), -1);
    assert_int_equal(auth_role(a, "admin"), ROLE_ADMIN); /* nothing of it stuck */
    assert_int_equal(set(a, "bob", ROLE_ADMIN, NULL), 0);
    assert_int_equal(auth_remove(a, "admin", &e), 0);
    assert_int_equal(login(a, "bob", GOOD), ROLE_ADMIN);
    auth_free(a);
}

static void test_bad_requests(void **state)
{
    struct auth *a = with_admin();

    (void)state;
    assert_int_equal(set(a, "", ROLE_VIEWER, GOOD), ERR_USER);
    assert_int_equal(set(a, "a b", ROLE_VIEWER, GOOD), ERR_USER);
    assert_int_equal(set(a, "..", ROLE_VIEWER, GOOD), ERR_USER);
    assert_int_equal(set(a, "a/b", ROLE_VIEWER, GOOD), ERR_USER);
    assert_int_equal(set(a, "bob", ROLE_NONE, GOOD), ERR_USER);
    assert_int_equal(set(a, "bob", ROLE_VIEWER, NULL), ERR_USER);
    assert_int_equal(set(a, "bob", ROLE_VIEWER, "123456789"), ERR_USER);
    assert_int_equal(set(a, "bob", ROLE_VIEWER, "1234567890\n"), ERR_USER);
    assert_int_equal(auth_role(a, "bob"), ROLE_NONE);
    auth_free(a);
}

/* ---- files that are not whole ---- */

#define HASH "$argon2id$v=19$m=19456,t=3,p=1" SALT SUM

static void test_broken_files(void **state)
{
    static const struct {
        const char *text, *say;
    } rows[] = {
        {"", "accounts.json"},
        {"[]", "not a JSON object"},
        {"{\"version\":2,\"accounts\":[]}", "another version"},
        {"{\"version\":1}", "no list"},
        {"{\"version\":1,\"accounts\":[{}]}", "no name"},
        {"{\"version\":1,\"accounts\":[{\"name\":\"a\",\"role\":\"root\",\"hash\":\"" HASH "\"}]}",
         "role"},
        {"{\"version\":1,\"accounts\":[{\"name\":\"a\",\"role\":\"none\",\"hash\":\"" HASH "\"}]}",
         "role"},
        {"{\"version\":1,\"accounts\":[{\"name\":\"a\",\"role\":\"admin\",\"hash\":\"x\"}]}",
         "hash"},
        {"{\"version\":1,\"accounts\":[{\"name\":\"a\",\"role\":\"admin\",\"hash\":\"" HASH
         "\",\"disabled\":1}]}",
         "disabled"},
        {"{\"version\":1,\"accounts\":[{\"name\":\"a\",\"role\":\"admin\",\"hash\":\"" HASH
         "\"},{\"name\":\"a\",\"role\":\"viewer\",\"hash\":\"" HASH "\"}]}",
         "twice"},
        {"{\"version\":1,\"version\":1,\"accounts\":[]}", "accounts.json"},
    };
    struct auth *const poison = (struct auth *)(uintptr_t)8;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct auth *a = poison;
        struct err e = {0};

        put("accounts.json", rows[i].text);
        assert_int_equal(auth_open(".", &a, &e), -1);
        assert_ptr_equal(a, poison);
        if (!strstr(e.msg, rows[i].say))
            fail_msg("row %zu: %s", i, e.msg);
    }
}

/* Broken under a running agent: who may come in stays, changes are refused, and nothing is written over. */
static void test_breaks_while_running(void **state)
{
    struct auth *a = with_admin();
    char show[CREDENTIAL_SPOKEN] = "poison", text[64];
    struct err e = {0};

    (void)state;
    put("accounts.json", "{");
    assert_int_equal(login(a, "admin", GOOD), ROLE_ADMIN);
    assert_int_equal(set(a, "bob", ROLE_VIEWER, GOOD), ERR_USER);
    assert_int_equal(auth_first(a, GOOD, true, NOW, show, &e), -1);
    assert_string_equal(show, "poison");
    slurp("accounts.json", text, sizeof(text));
    assert_string_equal(text, "{");
    auth_free(a);
}

/* A full disk, say: the change is not there in memory either. */
static void test_cannot_write(void **state)
{
    struct auth *a = with_admin();

    (void)state;
    assert_int_equal(unlink("accounts.json.lock"), 0);
    assert_int_equal(mkdir("accounts.json.lock", 0700), 0);
    assert_int_not_equal(set(a, "bob", ROLE_VIEWER, GOOD), 0);
    assert_int_equal(auth_role(a, "bob"), ROLE_NONE);
    assert_int_equal(rmdir("accounts.json.lock"), 0);
    assert_int_equal(set(a, "bob", ROLE_VIEWER, GOOD), 0);
    auth_free(a);
}

static void test_roles(void **state)
{
    enum role r = POISON;

    (void)state;
    assert_int_equal(role_parse("none", &r), -1);
    assert_int_equal(role_parse("Admin", &r), -1);
    assert_int_equal(role_parse("read", &r), -1);
    assert_int_equal(role_parse_scope("viewer", &r), -1);
    assert_int_equal(r, POISON);
    for (enum role want = ROLE_VIEWER; want <= ROLE_ADMIN; want++) {
        assert_int_equal(role_parse(role_name(want), &r), 0);
        assert_int_equal(r, want);
        r = POISON;
        assert_int_equal(role_parse_scope(role_scope(want), &r), 0);
        assert_int_equal(r, want);
    }
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_first_without_terminal),
        CASE(test_first_on_terminal),
        CASE(test_first_given),
        CASE(test_initial_goes_with_a_new_password),
        CASE(test_one_refusal_for_all),
        CASE(test_unknown_costs_the_same),
        CASE(test_crowd),
        CASE(test_slots),
        CASE(test_hash_bounds),
        CASE(test_old_hash_is_renewed),
        CASE(test_changes),
        CASE(test_never_nobody_in_charge),
        CASE(test_bad_requests),
        CASE(test_broken_files),
        CASE(test_breaks_while_running),
        CASE(test_cannot_write),
        CASE(test_roles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
