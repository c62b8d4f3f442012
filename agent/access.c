/* Who may ask for what: the decision.
 *
 * Comes in: a request's method and path, and what is known of its caller. Goes out: go on, or why not. It begins with "refused" and has to find a reason for everything else; it reads no clock, no
 * file and no header. */
#include "agent/access.h"

#include "spec/document.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define DIGITS "0123456789"

enum { NAME_MAX_BYTES = 100, NUMBER_MAX_DIGITS = 18 };

/* ---- paths ---- */

static bool segment_fits(const char *pattern, const char *segment)
{
    size_t n = strlen(segment);

    if (strcmp(pattern, "{app}") == 0)
        return app_name_valid(segment);
    if (strcmp(pattern, "{name}") == 0)
        return n > 0 && n <= NAME_MAX_BYTES && segment[0] != '.' &&
               strspn(segment, LETTERS "._@-") == n;
    if (strcmp(pattern, "{number}") == 0)
        return n > 0 && n <= NUMBER_MAX_DIGITS && strspn(segment, DIGITS) == n;
    return strcmp(pattern, segment) == 0;
}

/* The next segment, both being at a slash; false where one of them has none, or one too long to be any. */
static bool segment_of(const char **at, char ret[NAME_MAX_BYTES + 2])
{
    if (**at != '/')
        return false;
    size_t n = strcspn(*at + 1, "/");

    if (n > NAME_MAX_BYTES)
        return false;
    memcpy(ret, *at + 1, n);
    ret[n] = '\0';
    *at += 1 + n;
    return true;
}

bool access_fits(const char *pattern, const char *path, char *app)
{
    char want[NAME_MAX_BYTES + 2], have[NAME_MAX_BYTES + 2], found[LIMIT_APP_NAME + 1] = "";

    while (*pattern) {
        if (!segment_of(&pattern, want) || !segment_of(&path, have) || !segment_fits(want, have))
            return false;
        if (strcmp(want, "{app}") == 0)
            (void)snprintf(found, sizeof(found), "%.*s", LIMIT_APP_NAME, have);
    }
    if (*path)
        return false;
    if (app && *found)
        memcpy(app, found, sizeof(found));
    return true;
}

static bool takes(const struct access_row *row, const char *method)
{
    return strcmp(row->method, method) == 0 ||
           (strcmp(row->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

static bool changes(const char *method)
{
    return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
}

void access_methods(const char *path, struct str *out)
{
    size_t n, had = 0;
    const struct access_row *rows = access_rows(&n);

    for (size_t i = 0; i < n; i++) {
        if (!access_fits(rows[i].path, path, NULL))
            continue;
        str_addf(out, "%s%s%s", had++ > 0 ? ", " : "", rows[i].method,
                 strcmp(rows[i].method, "GET") == 0 ? ", HEAD" : "");
    }
}

/* ---- the decision ---- */

static void find_row(const struct access_request *r, struct access_verdict *v)
{
    size_t n;
    const struct access_row *rows = access_rows(&n);

    v->answer = ACCESS_UNKNOWN;
    v->why = "there is nothing at this address";
    for (size_t i = 0; i < n; i++) {
        if (!access_fits(rows[i].path, r->path, NULL))
            continue;
        if (takes(&rows[i], r->method)) {
            (void)access_fits(rows[i].path, r->path, v->app);
            v->row = &rows[i];
            return;
        }
        v->answer = ACCESS_METHOD;
        v->why = "this address does not take that method; the Allow header names those it takes";
    }
}

static bool narrowed(const struct access_request *r)
{
    return r->apps && r->apps->n > 0;
}

/* Everybody may; but no page elsewhere may log somebody in as somebody else. */
static const char *check_open(const struct access_request *r)
{
    return changes(r->method) && r->origin == SENT_BAD ? "a page of another origin sent this"
                                                       : NULL;
}

static const char *check_role(const struct access_request *r, const struct access_verdict *v)
{
    if (r->role < v->row->need)
        return v->row->need == ROLE_ADMIN ? "only admins may do this"
               : r->caller == CALLER_TOKEN
                   ? "this token may only read; it takes one of scope deploy"
                   : "viewers may only look; it takes a deployer";
    if (!narrowed(r) || v->row->reach == REACH_FILTER)
        return NULL;
    if (v->row->reach == REACH_WHOLE)
        return "this token is for some apps alone, and this is about the whole host";
    return strv_has(r->apps, v->app) ? NULL : "this token is for other apps";
}

/* What a browser must bring along. NULL with *ret_prove: it is still to come. */
static const char *check_browser(const struct access_request *r, const struct access_row *row,
                                 bool *ret_prove)
{
    if (r->origin == SENT_BAD)
        return "a page of another origin sent this";
    if (!changes(r->method))
        return NULL;
    if (r->origin != SENT_GOOD)
        return "a request of a browser that changes something names its Origin; programs use a "
               "token instead of a session";
    if (r->csrf == SENT_NOTHING && (row->flags & ACCESS_FORM)) {
        *ret_prove = true;
        return NULL;
    }
    return r->csrf == SENT_GOOD ? NULL
                                : "the session's token (X-CSRF-Token) is missing or of another "
                                  "session; load the page again";
}

static void settle(const struct access_request *r, struct access_verdict *v)
{
    bool prove = false;

    v->answer = ACCESS_REFUSED;
    if (v->row->need == ROLE_NONE || (r->loopback && (v->row->flags & ACCESS_LOOPBACK))) {
        v->why = check_open(r);
        v->answer = v->why ? ACCESS_REFUSED : ACCESS_ALLOWED;
        return;
    }
    if ((r->caller != CALLER_SESSION && r->caller != CALLER_TOKEN) || r->role == ROLE_NONE) {
        v->answer = ACCESS_LOGIN;
        v->why = r->caller == CALLER_NOBODY ? "log in, or send a token: Authorization: Bearer ek_…"
                                            : "this session or token is not, or no longer, good";
        return;
    }
    v->why = r->caller == CALLER_TOKEN && (v->row->flags & ACCESS_SESSION)
                 ? "tokens cannot do this; log in with a browser"
                 : check_role(r, v);
    if (!v->why && r->caller == CALLER_SESSION)
        v->why = check_browser(r, v->row, &prove);
    if (v->why)
        return;
    v->filtered = narrowed(r) && v->row->reach == REACH_FILTER;
    v->answer = prove ? ACCESS_PROVE : ACCESS_ALLOWED;
    v->why = prove ? "the form's token is missing; load the page again" : NULL;
}

void access_decide(const struct access_request *r, struct access_verdict *ret)
{
    struct access_verdict v = {.answer = ACCESS_REFUSED, .why = "refused"};

    find_row(r, &v);
    if (v.row)
        settle(r, &v);
    *ret = v;
}

int access_status(enum access_answer a)
{
    switch (a) {
    case ACCESS_ALLOWED: return 200;
    case ACCESS_LOGIN: return 401;
    case ACCESS_UNKNOWN: return 404;
    case ACCESS_METHOD: return 405;
    case ACCESS_REFUSED:
    case ACCESS_PROVE: return 403;
    }
    return 403;
}
