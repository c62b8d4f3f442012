/* access.h: who may ask for what: one row per method and path, and the one function that decides. Pure.
 *
 * What has no row is refused. A handler is reached only through a row, so a route that nobody thought about cannot be open by mistake.
 *
 * A session is a browser: what changes something needs its Origin to be ours and the session's token (CSRF). A page with a form must therefore be sent with `Referrer-Policy: same-origin`: under
 * `no-referrer` browsers send `Origin: null` with it (Fetch Standard, `Origin` header). A token in an Authorization header is sent by no browser of its own accord and needs neither. When a request brings both, the
 * header counts and the session does not. */
#ifndef EK_ACCESS_H
#define EK_ACCESS_H

#include <stdbool.h>

#include "agent/role.h"
#include "spec/base/str.h"
#include "spec/limits.h"

/* How far a row reaches, for callers that are narrowed to some apps. */
enum access_reach {
    REACH_WHOLE,  /* the whole host: they are refused */
    REACH_APP,    /* the {app} of the path: it must be one of theirs */
    REACH_FILTER, /* many apps: they are let in, and the handler shows only theirs */
};

enum access_flag {
    ACCESS_SESSION = 1 << 0,  /* for people alone: a token must not make what outlives it */
    ACCESS_FORM = 1 << 1,     /* a page's form: the CSRF token is in the body (ACCESS_PROVE) */
    ACCESS_LOOPBACK = 1 << 2, /* open to this machine itself */
};

struct access_row {
    const char *method; /* GET rows take HEAD too */
    /* Segments: a word to the byte; {app}, a name of an app; {name}, 1-100 of A-Z a-z 0-9 . _ @ - that do not begin with a dot; {number}, 1-18 digits. Nothing is decoded: what is written with % fits none. */
    const char *path;
    enum role need; /* ROLE_NONE: everybody */
    enum access_reach reach;
    unsigned flags; /* access_flag */
};

/* All rows. No two of one method fit the same path. */
const struct access_row *access_rows(size_t *ret_n);

enum access_caller {
    CALLER_NOBODY,
    CALLER_BAD, /* a credential that is none: forged, ended, revoked */
    CALLER_SESSION,
    CALLER_TOKEN,
};

enum access_sent { SENT_NOTHING, SENT_GOOD, SENT_BAD }; /* Origin: ours, or not; CSRF token */

struct access_request {
    const char *method, *path; /* path without query, as it was sent */
    enum access_caller caller;
    enum role role;
    const struct strv *apps; /* the caller is narrowed to; NULL, or none: it is not */
    enum access_sent origin, csrf;
    bool loopback; /* from this machine itself, through nothing */
};

enum access_answer {
    ACCESS_REFUSED = 0, /* 403 */
    ACCESS_UNKNOWN,     /* 404: no row has this path */
    ACCESS_METHOD,      /* 405: rows have this path, none this method */
    ACCESS_LOGIN,       /* 401: say who you are */
    ACCESS_PROVE, /* read the form's first field, the CSRF token, and ask again with it, before anything is done */
    ACCESS_ALLOWED,
};

struct access_verdict {
    enum access_answer answer;
    const struct access_row *row; /* NULL: ACCESS_UNKNOWN, ACCESS_METHOD */
    const char *why;              /* for the client; a literal; NULL: allowed */
    bool filtered;                /* show only the caller's apps */
    char app[LIMIT_APP_NAME + 1]; /* {app} of the path, or "" */
};

void access_decide(const struct access_request *r, struct access_verdict *ret);
/* "GET, HEAD, PUT": what rows have this path, for the Allow header; nothing when none has. */
void access_methods(const char *path, struct str *out);
/* 200, 401, 403, 404, 405; ACCESS_PROVE is 403, if nothing more can be read. */
int access_status(enum access_answer a);

/* Does a path fit a row's? app (or NULL): LIMIT_APP_NAME + 1 bytes for its {app}, untouched when it does not fit or has none. */
bool access_fits(const char *pattern, const char *path, char *app);

#endif
