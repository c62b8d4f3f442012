/* Readiness, figures for Prometheus, and the agent itself; who may come in, and the audit log.
 *
 * Comes in: the snapshot, accounts, tokens, the audit log. Goes out: JSON, or the text format of Prometheus (exposition format 0.0.4). A token's text is told once, by whoever makes it. */
#include <unistd.h>

#include "agent/audit_verify.h"
#include "agent/cli.h"
#include "agent/core.h"
#include "agent/door_parts.h"
#include "agent/problem.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"

#define DAY_MS INT64_C(86400000)

/* ---- probes and figures ---- */

void door_readyz(struct door_call *c, struct web_reply *ret)
{
    if (c->facts->looked && !c->facts->engine_trouble)
        web_reply_text(ret, 200, "ready");
    else
        web_reply_text(ret, 503,
                       c->facts->looked ? "the engine is away" : "the engine was not seen yet");
}

static void add_states(struct str *out, const struct door_facts *f)
{
    str_add(out, "# HELP evenkeel_app_state The state of each app: 1 for the one it is in.\n"
                 "# TYPE evenkeel_app_state gauge\n");
    for (size_t i = 0; i < f->n; i++)
        str_addf(out, "evenkeel_app_state{app=\"%s\",state=\"%s\"} 1\n", f->apps[i].name,
                 f->apps[i].state);
    str_add(out, "# HELP evenkeel_app_containers Containers of each app.\n"
                 "# TYPE evenkeel_app_containers gauge\n");
    for (size_t i = 0; i < f->n; i++)
        str_addf(out,
                 "evenkeel_app_containers{app=\"%s\",kind=\"wanted\"} %zu\n"
                 "evenkeel_app_containers{app=\"%s\",kind=\"running\"} %zu\n",
                 f->apps[i].name, f->apps[i].wanted, f->apps[i].name, f->apps[i].running);
}

/* utime, stime, rss of /proc/self/stat (proc(5)). */
static void add_process(struct str *out)
{
    char text[1024];
    const char *at;
    unsigned long user = 0, kernel = 0;
    long pages = 0;
    FILE *f = fopen("/proc/self/stat", "re");
    size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

    if (f)
        (void)fclose(f);
    text[n] = '\0';
    if (!(at = strrchr(text, ')')) ||
        sscanf(at + 2,
               "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %*u "
               "%*u %ld",
               &user, &kernel, &pages) != 3)
        return;
    str_addf(out,
             "# HELP process_cpu_seconds_total CPU time of the agent.\n"
             "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total %.2f\n"
             "# HELP process_resident_memory_bytes Memory of the agent.\n"
             "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes %lld\n",
             (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK),
             (long long)pages * sysconf(_SC_PAGESIZE));
}

void door_metrics(struct door_call *c, struct web_reply *ret)
{
    struct str *out = &ret->body;

    ret->status = 200;
    ret->type = "text/plain; version=0.0.4; charset=utf-8";
    str_addf(out,
             "# HELP evenkeel_info The agent's version and owner label.\n"
             "# TYPE evenkeel_info gauge\nevenkeel_info{version=\"%s\",owner=\"%s\"} 1\n"
             "# HELP evenkeel_engine_up The engine answers.\n"
             "# TYPE evenkeel_engine_up gauge\nevenkeel_engine_up %d\n"
             "# HELP evenkeel_sessions Browsers that are logged in.\n"
             "# TYPE evenkeel_sessions gauge\nevenkeel_sessions %zu\n",
             evenkeel_version(), c->door->o->settings.owner, c->facts->engine_trouble ? 0 : 1,
             sessions_count(c->door->sessions, c->mono_ms));
    add_states(out, c->facts);
    figures_write(c->door->figures, out);
    add_process(out);
}

void door_agent(struct door_call *c, struct web_reply *ret)
{
    json_t *roots = js_from_strv(&c->door->o->roots);

    door_reply_json(ret, 200,
                    json_pack("{s:s, s:s, s:o, s:s*, s:I, s:I, s:{s:s*, s:s*, s:s*}}", "version",
                              evenkeel_version(), "owner", c->door->o->settings.owner, "roots",
                              roots, "uploads", c->door->uploads, "apps", (json_int_t)c->facts->n,
                              "containers", (json_int_t)c->facts->containers, "engine", "version",
                              c->facts->engine, "platform", c->facts->platform, "trouble",
                              c->facts->engine_trouble));
}

/* ---- accounts ---- */

/* {name} is the last segment of the path. */
static const char *last_segment(const struct door_call *c)
{
    return strrchr(c->r->path, '/') + 1;
}

void door_accounts(struct door_call *c, struct web_reply *ret)
{
    json_t *list = json_array();
    size_t n;
    const struct auth_entry *v = auth_list(c->door->auth, c->a, &n);

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:b}", "account", v[i].name, "role",
                                              role_name(v[i].role), "disabled", v[i].disabled));
    door_reply_json(ret, 200, json_pack("{s:o}", "accounts", list));
}

void door_account_put(struct door_call *c, struct web_reply *ret)
{
    json_auto_t *v = NULL;
    struct err e = {0};
    const char *name = last_segment(c), *password;
    enum role role;

    if (door_json(c, &v, ret) < 0)
        return;
    if (role_parse(js_str(v, "role", ""), &role) < 0) {
        problem_reply(ret, 422, "`role` is viewer, deployer or admin", NULL);
        return;
    }
    password = js_str(v, "password", NULL);
    if (auth_set(c->door->auth, name, role, password, c->now_ms, &e) < 0) {
        problem_error(ret, &e, NULL);
        return;
    }
    (void)sessions_end_account(c->door->sessions, name,
                               strcmp(name, c->session.account) == 0 ? c->session_id : NULL);
    door_reply_json(ret, 200, json_pack("{s:s, s:s}", "account", name, "role", role_name(role)));
}

void door_account_delete(struct door_call *c, struct web_reply *ret)
{
    struct err e = {0};
    const char *name = last_segment(c);

    if (auth_remove(c->door->auth, name, &e) < 0) {
        problem_error(ret, &e, NULL);
        return;
    }
    (void)sessions_end_account(c->door->sessions, name, NULL);
    door_reply_json(ret, 200, json_pack("{s:s, s:b}", "account", name, "removed", 1));
}

/* ---- tokens ---- */

static json_t *token_json(const struct token *t)
{
    CLEANUP(str_release) struct str ends = STR_INIT;

    if (t->expires_ms)
        str_add_time(&ends, t->expires_ms);
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:s*, s:b}", "id", t->id, "name", t->name, "by",
                     t->by, "scope", role_scope(t->scope), "apps", js_from_strv(&t->apps),
                     "expires", ends.len > 0 ? str_text(&ends) : NULL, "revoked",
                     t->revoked_ms != 0);
}

void door_tokens(struct door_call *c, struct web_reply *ret)
{
    json_t *list = json_array();
    size_t n;
    const struct token *v = tokens_list(c->door->tokens, c->a, &n);

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, token_json(&v[i]));
    door_reply_json(ret, 200, json_pack("{s:o}", "tokens", list));
}

void door_token_create(struct door_call *c, struct web_reply *ret)
{
    json_auto_t *v = NULL;
    struct err e = {0};
    char text[TOKENS_TEXT];
    struct token t = {.by = c->by};

    if (door_json(c, &v, ret) < 0)
        return;
    int64_t days = js_int(v, "days", 90);

    t.name = js_str(v, "name", "");
    const json_t *apps = js_at(v, "apps");

    js_strv(v, "apps", c->a, &t.apps);
    strv_sort(&t.apps);
    if (apps && (!json_is_array(apps) || t.apps.n != json_array_size(apps))) {
        problem_reply(ret, 422, "`apps` is a list of names", NULL);
        return;
    }
    if (apps &&
        t.apps.n == 0) { /* as tokens_open has it: a list that holds nothing narrows to nothing */
        problem_reply(ret, 422, "`apps` is an empty list: name an app, or leave `apps` out for all",
                      NULL);
        return;
    }
    if (role_parse_scope(js_str(v, "scope", ""), &t.scope) < 0 || days < 1 || days > 3650) {
        problem_reply(ret, 422, "`scope` is read, deploy or admin; `days` 1 to 3650", NULL);
        return;
    }
    t.expires_ms = c->now_ms + days * DAY_MS;
    if (tokens_create(c->door->tokens, &t, c->now_ms, text, &e) < 0) {
        problem_error(ret, &e, NULL);
        return;
    }
    door_reply_json(ret, 201, json_pack("{s:s, s:s}", "name", t.name, "token", text));
}

void door_token_revoke(struct door_call *c, struct web_reply *ret)
{
    struct err e = {0};

    if (tokens_revoke(c->door->tokens, last_segment(c), c->now_ms, &e) < 0)
        problem_error(ret, &e, NULL);
    else
        door_reply_json(ret, 200, json_pack("{s:b}", "revoked", 1));
}

/* ---- the audit log ---- */

static json_t *record_json(const struct audit_record *r)
{
    CLEANUP(str_release) struct str at = STR_INIT;

    str_add_time(&at, r->at_ms);
    return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "seq", (json_int_t)r->seq, "at",
                     str_text(&at), "by", r->by, "from", r->from, "did", r->did, "app", r->app,
                     "outcome", r->outcome, "detail", r->detail);
}

void door_audit(struct door_call *c, struct web_reply *ret)
{
    struct audit_wanted w = {.app = door_form_value(c->r->query, "app", c->a), .limit = 200};
    const struct audit_record *v;
    struct err e = {0};
    size_t n;

    if (audit_read(c->door->o->state, &w, c->a, &v, &n, &e) < 0) {
        problem_error(ret, &e, NULL);
        return;
    }
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, record_json(&v[i]));
    door_reply_json(ret, 200, json_pack("{s:o}", "audit", list));
}

void door_audit_verify(struct door_call *c, struct web_reply *ret)
{
    struct audit_report r;
    struct err e = {0};

    if (audit_verify(c->door->o->state, c->a, &r, &e) < 0) {
        problem_error(ret, &e, NULL);
        return;
    }
    door_reply_json(ret, 200,
                    json_pack("{s:b, s:I, s:s, s:s*, s:s*}", "whole", r.file == NULL, "records",
                              (json_int_t)r.records, "head", r.head, "file", r.file, "why", r.why));
}
