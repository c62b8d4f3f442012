/* Who asks: a token, a session, or nobody; and what was sent along.
 *
 * Comes in: headers and bodies. Goes out: what access_decide needs. Refuses to believe two credentials at once: an Authorization header counts, and the cookie beside it does not. */
#include <ctype.h>

#include "agent/door_parts.h"
#include "agent/problem.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"

#define COOKIE "evenkeel_session"

enum { JSON_DEPTH = 16, STRANGERS_MAX = 6 };

/* ---- credentials ---- */

static void take_token(struct door_call *c)
{
    struct err e = {0};
    const char *text = c->r->authorization + 7;

    c->caller.caller = CALLER_BAD;
    if (strncasecmp(c->r->authorization, "Bearer ", 7) != 0 ||
        tokens_check(c->door->tokens, text, c->now_ms, c->a, &c->token, &e) < 0)
        return;
    c->caller.caller = CALLER_TOKEN;
    c->caller.role = c->token.scope;
    c->caller.apps = &c->token.apps;
    c->by = arena_printf(c->a, "token:%s", c->token.name);
}

/* The value of our cookie, if it is there once. */
const char *door_cookie_value(const char *header, struct arena *a)
{
    const char *found = NULL;
    size_t name = strlen(COOKIE);

    while (*header) {
        header += strspn(header, "; ");
        size_t n = strcspn(header, ";");

        if (n > name && strncmp(header, COOKIE, name) == 0 && header[name] == '=') {
            if (found)
                return NULL;
            found = arena_strndup(a, header + name + 1, n - name - 1);
        }
        header += n;
    }
    return found;
}

static void take_session(struct door_call *c)
{
    const char *id = door_cookie_value(c->r->cookie, c->a);

    if (!id)
        return;
    c->caller.caller = CALLER_BAD;
    if (strlen(id) >= sizeof(c->session_id) ||
        !sessions_find(c->door->sessions, id, c->mono_ms, &c->session))
        return;
    (void)snprintf(c->session_id, sizeof(c->session_id), "%s", id);
    c->caller.caller = CALLER_SESSION;
    c->caller.role = auth_role(c->door->auth, c->session.account);
    c->caller.csrf = *c->r->csrf == '\0'                           ? SENT_NOTHING
                     : sessions_csrf_good(&c->session, c->r->csrf) ? SENT_GOOD
                                                                   : SENT_BAD;
    c->by = c->session.account;
}

/* Ours is the one under which the page itself was asked for. */
static enum access_sent judge_origin(const struct web_request *r)
{
    CLEANUP(str_release) struct str ours = STR_INIT;

    if (strcmp(r->fetch_site, "cross-site") == 0 || strcmp(r->fetch_site, "same-site") == 0)
        return SENT_BAD;
    if (!*r->origin)
        return SENT_NOTHING;
    str_addf(&ours, "%s://%s", r->secure ? "https" : "http", r->authority);
    return strcasecmp(str_text(&ours), r->origin) == 0 ? SENT_GOOD : SENT_BAD;
}

void door_identify(struct door_call *c)
{
    c->caller = (struct access_request){
        .method = c->r->method,
        .path = c->r->path,
        .caller = CALLER_NOBODY,
        .origin = judge_origin(c->r),
        .loopback = c->r->loopback,
    };
    if (*c->r->authorization)
        take_token(c);
    else
        take_session(c);
}

void door_set_cookie(const struct door_call *c, const char *id, struct web_reply *ret)
{
    /* Behind managed Traefik apps live on the same host: they must never be sent it, so it goes to our own paths alone. */
    static const char *const paths[] = {"/api", "/upload", "/login", "/logout"};

    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        str_addf(&ret->headers,
                 "Set-Cookie: " COOKIE "=%s; Path=%s; HttpOnly; SameSite=Strict%s%s\r\n",
                 id ? id : "", paths[i], c->r->secure ? "; Secure" : "", id ? "" : "; Max-Age=0");
}

/* ---- bodies ---- */

static int read_body(struct door_call *c, size_t max, const char **ret_text, size_t *ret_n,
                     struct web_reply *ret)
{
    CLEANUP(str_release) struct str all = STR_INIT;
    char some[4096];
    long n = 0;

    if (c->r->body && c->r->body->length > (int64_t)max)
        all.len = max + 1;
    while (c->r->body && all.len <= max &&
           (n = c->r->body->read(c->r->body->ctx, some, sizeof(some))) > 0)
        str_addn(&all, some, (size_t)n);
    if (all.len > max) {
        all.len = 0; /* it may never have been there */
        problem_reply(
            ret, 413,
            arena_printf(c->a, "the body is larger than the %zu bytes that may be sent here", max),
            "send less");
        return -1;
    }
    if (n < 0 || (c->r->body && c->r->body->length >= 0 && (int64_t)all.len < c->r->body->length)) {
        problem_reply(ret, 400, "the body breaks off before its end, or comes too slowly",
                      "send it again");
        return -1;
    }
    char *copy = arena_alloc(c->a, all.len + 1); /* a body may hold NULs */

    if (all.len > 0)
        memcpy(copy, all.buf, all.len);
    copy[all.len] = '\0';
    *ret_text = copy;
    *ret_n = all.len;
    return 0;
}

int door_body(struct door_call *c, size_t max, const char **ret_text, size_t *ret_n,
              struct web_reply *ret)
{
    /* Who has not said yet who it is gets no more than half of the places of those who send. */
    bool stranger = c->r->body && c->v.row && c->v.row->need == ROLE_NONE;
    int rc = -1;

    if (stranger && atomic_fetch_add(&c->door->strangers, 1) >= STRANGERS_MAX) {
        problem_reply(ret, 503, "too many log in just now", "try again in a while");
        str_add(&ret->headers, "Retry-After: 5\r\n");
    } else {
        rc = read_body(c, max, ret_text, ret_n, ret);
    }
    if (stranger)
        (void)atomic_fetch_sub(&c->door->strangers, 1);
    return rc;
}

/* The parser recurses, and a listener's thread has some 70 KiB of stack. */
static bool too_deep(const char *s, size_t n)
{
    int depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < n; i++) {
        if (quoted && s[i] == '\\')
            i++;
        else if (s[i] == '"')
            quoted = !quoted;
        else if (!quoted && (s[i] == '[' || s[i] == '{') && ++depth > JSON_DEPTH)
            return true;
        else if (!quoted && (s[i] == ']' || s[i] == '}'))
            depth--;
    }
    return false;
}

int door_json(struct door_call *c, json_t **ret_json, struct web_reply *ret)
{
    struct err e = {0};
    const char *text;
    size_t n;

    if (strncasecmp(c->r->content_type, "application/json", 16) != 0) {
        problem_reply(ret, 415, "the body must be JSON", "send Content-Type: application/json");
        return -1;
    }
    if (door_body(c, 64 * 1024, &text, &n, ret) < 0)
        return -1;
    if (too_deep(text, n)) {
        problem_reply(ret, 400, "the JSON is nested too deeply", "send it flat");
        return -1;
    }
    json_t *v = js_parse(text, n, &e);

    if (!json_is_object(v)) {
        json_decref(v);
        problem_reply(ret, 400, e.kind ? e.msg : "the body must be a JSON object",
                      "send one object, as schemas/openapi.json describes it");
        return -1;
    }
    *ret_json = v;
    return 0;
}

/* ---- forms ---- */

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char *decode(const char *text, size_t n, struct arena *a)
{
    char *out = arena_alloc(a, n + 1);
    size_t k = 0;

    for (size_t i = 0; i < n; i++) {
        char c = text[i] == '+' ? ' ' : text[i];

        if (text[i] == '%') {
            if (n - i < 3 || hex(text[i + 1]) < 0 || hex(text[i + 2]) < 0)
                return NULL;
            c = (char)(hex(text[i + 1]) * 16 + hex(text[i + 2]));
            i += 2;
        }
        if (c == '\0')
            return NULL;
        out[k++] = c;
    }
    return out;
}

const char *door_form_value(const char *text, const char *name, struct arena *a)
{
    const char *found = NULL;
    size_t key = strlen(name);

    while (*text) {
        size_t n = strcspn(text, "&");

        if (n > key && strncmp(text, name, key) == 0 && text[key] == '=') {
            if (found)
                return NULL;
            found = decode(text + key + 1, n - key - 1, a);
            if (!found)
                return NULL;
        }
        text += n + (text[n] == '&');
    }
    return found;
}

int door_form_next(const char **at, struct arena *a, const char **ret_name, const char **ret_value)
{
    const char *text = *at + strspn(*at, "&");
    size_t n = strcspn(text, "&"), name = strcspn(text, "=&");

    if (n == 0)
        return 0;
    const char *key = decode(text, name, a);
    const char *value = name < n ? decode(text + name + 1, n - name - 1, a) : "";

    *at = text + n;
    if (!key || !value)
        return -1;
    *ret_name = key;
    *ret_value = value;
    return 1;
}

/* ---- answers ---- */

void door_reply_json(struct web_reply *ret, int status, json_t *v)
{
    if (!v) { /* something in it was no UTF-8 */
        problem_reply(ret, 500, "the answer is no valid text", NULL);
        return;
    }
    char *text = json_dumps(v, JSON_COMPACT);

    ret->status = status;
    ret->type = "application/json";
    str_clear(&ret->body);
    str_addf(&ret->body, "%s\n", text ? text : "null");
    free(text);
    json_decref(v);
}

const struct door_app *door_known(struct door_call *c, struct web_reply *ret)
{
    const struct door_app *x = door_facts_app(c->facts, c->v.app);

    if (!x)
        problem_reply(ret, 404, arena_printf(c->a, "there is no app \"%s\"", c->v.app),
                      "GET /api/v1/apps lists them");
    return x;
}

void door_redirect(struct web_reply *ret, const char *path)
{
    web_reply_text(ret, 303, path);
    str_addf(&ret->headers, "Location: %s\r\n", path);
}
