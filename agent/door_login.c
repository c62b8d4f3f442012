/* Logging in and out, by page and by API; one's own password.
 *
 * Comes in: a name and a password. Goes out: a session's cookie, and the token that its pages carry. Refuses to say which of the two was wrong, and to be asked too often. */
#include "agent/door_pages.h"
#include "agent/door_parts.h"
#include "agent/problem.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"

#define FORM_MAX 8192

/* 0: it is theirs; else the status, with e and how long to wait. Whoever asks, every guess counts. */
static int try_password(struct door_call *c, const char *name, const char *password,
                        enum role *ret_role, int64_t *ret_wait, struct err *e)
{
    *ret_wait = limiter_enter(c->door->limiter, c->r->client, name, c->mono_ms);
    if (*ret_wait > 0) {
        (void)err_set(e, ERR_RETRY, "too many attempts: wait %lld s",
                      (long long)((*ret_wait + 999) / 1000));
        return 429;
    }
    int rc = auth_login(c->door->auth, name, password, ret_role, e);

    limiter_leave(c->door->limiter, c->r->client, name,
                  rc == 0                ? LIMITER_PASSED
                  : e->kind == ERR_RETRY ? LIMITER_UNDECIDED
                                         : LIMITER_FAILED,
                  c->mono_ms);
    return rc == 0 ? 0 : e->kind == ERR_RETRY ? 503 : 401;
}

static int log_in(struct door_call *c, const char *name, const char *password,
                  struct web_reply *ret, int64_t *ret_wait, struct err *e)
{
    char id[CREDENTIAL_TEXT];
    enum role role;
    int status = try_password(c, name, password, &role, ret_wait, e);

    /* What is no account may be a password in the wrong field: the audit log does not get it. */
    if (status == 0 || auth_role(c->door->auth, name) != ROLE_NONE)
        c->by = arena_strdup(c->a, name);
    if (status != 0)
        return status;
    sessions_start(c->door->sessions, name, *c->session_id ? c->session_id : NULL, c->mono_ms, id,
                   &c->session);
    door_set_cookie(c, id, ret);
    c->caller.role = role;
    return 0;
}

static void add_wait(struct web_reply *ret, int64_t wait_ms)
{
    if (wait_ms > 0)
        str_addf(&ret->headers, "Retry-After: %lld\r\n", (long long)((wait_ms + 999) / 1000));
}

/* ---- pages ---- */

void door_login_page(struct door_call *c, struct web_reply *ret)
{
    if (c->caller.caller == CALLER_SESSION && c->caller.role != ROLE_NONE)
        door_redirect(ret, "/upload");
    else
        door_page_login(ret, 200, NULL);
}

void door_login_form(struct door_call *c, struct web_reply *ret)
{
    struct err e = {0};
    const char *text = "", *name, *password;
    int64_t wait = 0;
    size_t n;

    if (strncasecmp(c->r->content_type, "application/x-www-form-urlencoded", 33) != 0) {
        problem_reply(ret, 415, "the form must be sent as application/x-www-form-urlencoded", NULL);
        return;
    }
    if (door_body(c, FORM_MAX, &text, &n, ret) < 0)
        return;
    name = door_form_value(text, "account", c->a);
    password = door_form_value(text, "password", c->a);
    int status = log_in(c, name ? name : "", password ? password : "", ret, &wait, &e);

    if (status != 0) {
        door_page_login(ret, status, e.msg);
        add_wait(ret, wait);
        return;
    }
    door_redirect(ret, "/upload");
}

void door_logout_form(struct door_call *c, struct web_reply *ret)
{
    (void)sessions_end(c->door->sessions, c->session_id);
    door_set_cookie(c, NULL, ret);
    door_redirect(ret, "/login");
}

/* ---- API ---- */

static json_t *session_json(const struct door_call *c)
{
    json_t *v = json_pack("{s:s, s:s}", "by", c->by, "role", role_name(c->caller.role));

    if (*c->session.csrf)
        json_object_set_new(v, "csrf", json_string(c->session.csrf));
    if (c->caller.apps && c->caller.apps->n > 0)
        json_object_set_new(v, "apps", js_from_strv(c->caller.apps));
    return v;
}

void door_api_login(struct door_call *c, struct web_reply *ret)
{
    json_auto_t *v = NULL;
    struct err e = {0};
    int64_t wait = 0;

    if (door_json(c, &v, ret) < 0)
        return;
    int status = log_in(c, js_str(v, "account", ""), js_str(v, "password", ""), ret, &wait, &e);

    if (status != 0) {
        problem_reply(ret, status, e.msg, NULL);
        add_wait(ret, wait);
        return;
    }
    door_reply_json(ret, 200, session_json(c));
}

void door_api_session(struct door_call *c, struct web_reply *ret)
{
    door_reply_json(ret, 200, session_json(c));
}

void door_api_logout(struct door_call *c, struct web_reply *ret)
{
    (void)sessions_end(c->door->sessions, c->session_id);
    door_set_cookie(c, NULL, ret);
    door_reply_json(ret, 200, json_pack("{s:i}", "ended", 1));
}

void door_api_logout_everywhere(struct door_call *c, struct web_reply *ret)
{
    size_t n = sessions_end_account(c->door->sessions, c->session.account, NULL);

    door_set_cookie(c, NULL, ret);
    door_reply_json(ret, 200, json_pack("{s:I}", "ended", (json_int_t)n));
}

void door_api_password(struct door_call *c, struct web_reply *ret)
{
    json_auto_t *v = NULL;
    struct err e = {0};
    enum role role;
    int64_t wait = 0;

    if (door_json(c, &v, ret) < 0)
        return;
    /* who sits before somebody else's open browser does not know the old one */
    int status = try_password(c, c->session.account, js_str(v, "password", ""), &role, &wait, &e);

    if (status != 0) {
        problem_reply(ret, status, e.msg, NULL);
        add_wait(ret, wait);
        return;
    }
    if (auth_set(c->door->auth, c->session.account, role, js_str(v, "new_password", ""), c->now_ms,
                 &e) < 0) {
        problem_error(ret, &e, NULL);
        return;
    }
    size_t n = sessions_end_account(c->door->sessions, c->session.account, c->session_id);

    door_reply_json(ret, 200, json_pack("{s:I}", "ended", (json_int_t)n));
}
