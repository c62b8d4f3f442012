/* sessions.h: who is logged in: a table in memory that dies with the agent.
 *
 * A session is 256 random bits in a cookie; kept is their digest. It ends when nobody used it for a while, at the latest after a while, at logout, and when a newer one of the same account needs
 * its place. All times are ms of a clock that never goes back (CLOCK_MONOTONIC), given by the caller. Any thread. */
#ifndef EK_SESSIONS_H
#define EK_SESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/credential.h"
#include "spec/limits.h"

struct sessions;

struct sessions_rules {
    int64_t idle_ms, absolute_ms;
    size_t most, most_of_account; /* when there are more, the one that was unused longest goes */
};
#define SESSIONS_RULES                                                                             \
    ((struct sessions_rules){.idle_ms = 3600 * 1000,                                               \
                             .absolute_ms = 12 * 3600 * 1000,                                      \
                             .most = 1024,                                                         \
                             .most_of_account = 16})

struct session {
    char account[LIMIT_ACCOUNT_NAME + 1];
    char csrf[CREDENTIAL_TEXT]; /* to be put into this session's pages */
    int64_t started_ms, seen_ms;
};

struct sessions *sessions_new(const struct sessions_rules *rules);
void sessions_free(struct sessions *s); /* wipes; NULL is fine */

/* After a login: a new session, whose id goes into the cookie. old: the id that the request came with, which ends (an id from before the login must not become worth anything), or NULL. */
void sessions_start(struct sessions *s, const char *account, const char *old, int64_t now_ms,
                    char ret_id[CREDENTIAL_TEXT], struct session *ret);
/* Whose id is this? True marks it as used; false leaves *ret alone. id may be anything, and NULL. */
bool sessions_find(struct sessions *s, const char *id, int64_t now_ms, struct session *ret);
/* Whose id is this, without marking it as used: for what stays open by itself. ret_account as in struct session. */
bool sessions_peek(struct sessions *s, const char *id, int64_t now_ms,
                   char ret_account[LIMIT_ACCOUNT_NAME + 1]);
/* Does a request of this session carry its token? In constant time; sent may be anything, and NULL. */
bool sessions_csrf_good(const struct session *x, const char *sent);
/* Logout. False: there was none. */
bool sessions_end(struct sessions *s, const char *id);
/* Logout everywhere, or after a change of the account: all of its sessions but the one of this id (NULL: that too). Returns how many. */
size_t sessions_end_account(struct sessions *s, const char *account, const char *except);
/* That are good now. */
size_t sessions_count(struct sessions *s, int64_t now_ms);

#endif
