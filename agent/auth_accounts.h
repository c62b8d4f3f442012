/* auth_accounts.h: the file of accounts, STATE/accounts.json (0600): names, roles, argon2id texts. Reading and writing it, and nothing else. */
#ifndef EK_AUTH_ACCOUNTS_H
#define EK_AUTH_ACCOUNTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "agent/auth_hash.h"
#include "agent/role.h"
#include "spec/base/err.h"
#include "spec/limits.h"

struct auth_account {
    char name[LIMIT_ACCOUNT_NAME + 1];
    char hash[AUTH_HASH_TEXT];
    enum role role;
    bool disabled;
    int64_t changed_ms; /* wall clock; of the password */
};

struct auth_accounts {
    struct auth_account *v; /* heap; sorted by name */
    size_t n;
    struct stat st; /* of the file they were read from; zeros: there was none */
};

/* 1-64 of A-Z a-z 0-9 . _ @ -, beginning with a letter or digit. */
bool auth_accounts_name_valid(const char *name);
/* Absent file: no accounts. A file with anything wrong in it is refused as a whole, naming it and the account. */
int auth_accounts_read(const char *path, struct auth_accounts *ret, struct err *e);
int auth_accounts_write(const char *path, const struct auth_accounts *l, struct err *e);
/* Wipes and frees. */
void auth_accounts_clear(struct auth_accounts *l);
/* Looks at every account whichever is wanted. NULL: none. */
struct auth_account *auth_accounts_find(const struct auth_accounts *l, const char *name);
/* New entry in its place, all zeros but for the name; NULL when there are LIMIT_ACCOUNTS. */
struct auth_account *auth_accounts_add(struct auth_accounts *l, const char *name);
void auth_accounts_drop(struct auth_accounts *l, struct auth_account *x);
/* Accounts that can log in and are admins. */
size_t auth_accounts_admins(const struct auth_accounts *l);

#endif
