/* auth.h: accounts: who may log in with a password, and as what.
 *
 * Accounts live in STATE/accounts.json and are read again when that file differs, so a command line may change them beside a running agent. All functions may be called from any thread; only
 * those that hash (login, first, set with a password) take time, see auth_hash.h. Nothing here logs, waits for the network or knows of sessions: who changes, disables or removes an account
 * ends its sessions (sessions_end_account), and asks auth_role at each request, so that a lost role is lost at once. */
#ifndef EK_AUTH_H
#define EK_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/credential.h"
#include "agent/role.h"
#include "spec/base/err.h"

struct arena;
struct auth;

#define AUTH_FIRST_ACCOUNT "admin"
enum { AUTH_PASSWORD_MIN = 10 }; /* bytes; at most LIMIT_PASSWORD */

struct auth_entry { /* an account, without what opens it */
    const char *name;
    enum role role;
    bool disabled;
    int64_t changed_ms;
};

/* state is copied. -1 when the file of accounts cannot be read: then nobody may come in, and it must not be replaced by a new one. Costs one hash. */
int auth_open(const char *state, struct auth **ret, struct err *e);
void auth_free(struct auth *a); /* NULL is fine */

/* First start: where there is no account yet, make "admin". given (or NULL, or "") is its password, else one is made: with terminal it is only put into ret_show, for the caller to print once;
 * without, it is in STATE/initial-password (0600) until that account logs in or gets another. ret_show is "" when there is nothing to print. Lost it? Remove STATE/accounts.json and start anew. */
int auth_first(struct auth *a, const char *given, bool terminal, int64_t now_ms,
               char ret_show[CREDENTIAL_SPOKEN], struct err *e);
/* There is an account that can do everything: the agent may listen beyond loopback. */
bool auth_ready(struct auth *a);

/* 0 and the role, or -1: ERR_DENIED (one text for a wrong password, an unknown and a disabled account, and the same work for all), ERR_RETRY (too many at once). The text is for the client. */
int auth_login(struct auth *a, const char *name, const char *password, enum role *ret_role,
               struct err *e);
/* ROLE_NONE: unknown, disabled. */
enum role auth_role(struct auth *a, const char *name);

/* ---- changes; each is on disk when it returns 0 ---- */

/* Make an account, or give it another role and (password not NULL) another password. ERR_CONFLICT: it would leave no admin. */
int auth_set(struct auth *a, const char *name, enum role role, const char *password, int64_t now_ms,
             struct err *e);
int auth_disable(struct auth *a, const char *name, bool disabled, struct err *e);
int auth_remove(struct auth *a, const char *name, struct err *e);
/* Sorted by name; texts in the arena. */
const struct auth_entry *auth_list(struct auth *a, struct arena *arena, size_t *ret_n);

/* Why a password cannot be taken, or NULL. */
const char *auth_password_problem(const char *password);

#endif
