/* What went wrong, as a document.
 *
 * Comes in: a status and a reason. Goes out: an RFC 9457 document whose `next` says what to do. Refuses to say more than its caller does: no internals of the agent. */
#include "agent/problem.h"

#include "agent/web_route.h"
#include "spec/base/err.h"
#include "spec/base/js.h"
#include "spec/base/str.h"

static const char *title(int status)
{
    switch (status) {
    case 400: return "The request is malformed";
    case 401: return "Who are you?";
    case 403: return "This may not be";
    case 404: return "There is no such thing";
    case 405: return "Not by this method";
    case 409: return "Something else is in the way";
    case 413: return "Too large";
    case 415: return "Not of a kind that is taken";
    case 421: return "This is not asked here";
    case 422: return "It was understood, and is wrong";
    case 429: return "Too often";
    case 501: return "Not yet";
    case 503: return "Not now";
    case 507: return "No space";
    default: return "It did not work";
    }
}

/* Words of strangers (a name in an archive, a line of a file) need not be UTF-8, and JSON has no other. */
static json_t *said(const char *text)
{
    CLEANUP(str_release) struct str plain = STR_INIT;
    json_t *v = text ? json_string(text) : NULL;

    if (v || !text)
        return v;
    str_add_escaped(&plain, text);
    return json_string(str_text(&plain));
}

void problem_reply(struct web_reply *ret, int status, const char *detail, const char *next)
{
    json_auto_t *v =
        json_pack("{s:s, s:s, s:i, s:o*, s:o*}", "type", "about:blank", "title", title(status),
                  "status", status, "detail", said(detail), "next", said(next));
    char *text = json_dumps(v, JSON_COMPACT);

    ret->status = status;
    ret->type = "application/problem+json";
    str_clear(&ret->body);
    str_addf(&ret->body, "%s\n", text ? text : "{}");
    free(text);
}

/* What helps where nobody knows better. */
static const char *usual(enum err_kind kind)
{
    switch (kind) {
    case ERR_USER: return "mend what it says, and send it again";
    case ERR_RETRY:
    case ERR_STALE: return "try again in a while";
    case ERR_CONFLICT: return "change what is in the way, or take another name";
    case ERR_BUG: return "see the agent's log";
    case ERR_NONE:
    case ERR_MISSING:
    case ERR_DENIED: return NULL;
    }
    return NULL;
}

void problem_error(struct web_reply *ret, const struct err *e, const char *next)
{
    static const int status[] = {
        [ERR_NONE] = 500,     [ERR_USER] = 422,   [ERR_RETRY] = 503, [ERR_MISSING] = 404,
        [ERR_CONFLICT] = 409, [ERR_DENIED] = 403, [ERR_STALE] = 503, [ERR_BUG] = 500,
    };

    problem_reply(ret, status[e->kind], e->msg, next ? next : usual(e->kind));
}
