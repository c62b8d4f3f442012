/* What would be done to an app, what somebody else changed of it, and the release of held removals.
 *
 * Comes in: an app's name. Goes out: the loop's own plan of it, as JSON, text, a graph or a page; or a file in STATE/confirm-removals. Plans are made and rendered on the loop, from what it knows
 * anyway: no question goes to the engine. */
#include "agent/conductor.h"
#include "agent/confirm.h"
#include "agent/core.h"
#include "agent/door_parts.h"
#include "agent/problem.h"
#include "agent/web_page.h"
#include "reconcile/drift_report.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"

enum { ANSWER_MS = 5000, PAGE_MAX = 1 << 20 };

/* ---- on the loop ---- */

enum shape { AS_JSON, AS_TEXT, AS_HTML, AS_JUNIT, AS_DOT };

struct asked {
    const char *app; /* "": of none, for what is held */
    enum shape shape;
    bool drift;
    bool narrowed; /* its caller may know of this app alone */
};

struct shown {
    const char *text;
    size_t n;
};

static void render_drift(const struct asked *q, const struct core *core, const struct core_pass *p,
                         struct arena *a, struct str *out)
{
    struct drift_item *items;
    size_t n = drift_items(p->plan, a, &items);
    const struct drift_report r = {.plan = p->plan,
                                   .items = items,
                                   .n = n,
                                   .now_ms = p->input.now_ms,
                                   .owner = core->options->settings.owner,
                                   .engine = p->input.observed->engine_version};

    switch (q->shape) {
    case AS_JSON: {
        json_auto_t *v = drift_to_json(items, n);

        js_pretty(v, out);
        break;
    }
    case AS_HTML: drift_html(&r, out); break;
    case AS_JUNIT: drift_junit(&r, out); break;
    case AS_TEXT:
    case AS_DOT: drift_print(&r, false, out); break;
    }
}

static void render_plan(const struct asked *q, const struct core_pass *p, struct str *out)
{
    const struct plan_style style = {.verbose = true};
    struct plan plan = *p->plan;

    if (q->narrowed)
        plan.n_held = 0; /* names of other apps */
    switch (q->shape) {
    case AS_JSON: {
        json_auto_t *v = plan_to_json(&plan);

        js_pretty(v, out);
        break;
    }
    case AS_DOT: plan_to_dot(&plan, out); break;
    case AS_TEXT:
    case AS_HTML:
    case AS_JUNIT: plan_print(&plan, &style, out); break;
    }
}

enum desk_end door_plan_now(const struct desk_world *w, const char *app, struct arena *pass,
                            struct core_pass *ret, struct err *e)
{
    struct strv scope = {0};

    if (!conductor_looked(w->conductor)) {
        (void)err_set(e, ERR_RETRY, "the engine was not seen yet");
        return DESK_DONE;
    }
    if (w->core->stale || !w->core->desired)
        return DESK_AGAIN;
    strv_push(pass, &scope, app);
    core_plan(w->core, &scope, NULL, NULL, pass, ret);
    return DESK_DONE;
}

static enum desk_end show_plan(struct desk_call *c, const struct desk_world *w, struct err *e)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    CLEANUP(arena_freep) struct arena *pass = arena_new();
    const struct asked *q = c->in;
    struct shown *ret = c->out;
    struct core_pass p;
    enum desk_end end = door_plan_now(w, q->app, pass, &p, e);

    if (end != DESK_DONE || e->kind != ERR_NONE)
        return end;
    if (q->drift)
        render_drift(q, w->core, &p, pass, &text);
    else
        render_plan(q, &p, &text);
    ret->text = arena_strndup(c->a, str_text(&text), text.len);
    ret->n = text.len;
    return DESK_DONE;
}

/* ---- plan, drift ---- */

static int shape_of(struct door_call *c, enum shape *ret)
{
    static const char *const words[] = {[AS_JSON] = "json",
                                        [AS_TEXT] = "text",
                                        [AS_HTML] = "html",
                                        [AS_JUNIT] = "junit",
                                        [AS_DOT] = "dot"};
    bool drift = strcmp(strrchr(c->r->path, '/'), "/drift") == 0;
    const char *word = door_form_value(c->r->query, "format", c->a);

    *ret = c->r->html ? AS_HTML : AS_JSON;
    if (!word)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(words[i], word) == 0 && i != (size_t)(drift ? AS_DOT : AS_JUNIT)) {
            *ret = (enum shape)i;
            return 0;
        }
    return -1;
}

static const char *type_of(enum shape shape)
{
    switch (shape) {
    case AS_JSON: return "application/json";
    case AS_HTML: return "text/html; charset=utf-8";
    case AS_JUNIT: return "application/xml";
    case AS_TEXT:
    case AS_DOT: break;
    }
    return "text/plain; charset=utf-8";
}

/* The plan has no page of its own: its text stands in one of ours. */
static void put_page(struct web_reply *ret, const struct asked *q, const char *text, size_t n)
{
    struct str *out = &ret->body;

    if (q->drift) {
        str_addn(out, text, n);
        str_add(&ret->headers, "Content-Security-Policy: ");
        web_page_policy_of(&ret->headers, str_text(out));
    } else {
        web_page_begin(out, "Plan");
        str_add(out, "<h1>Plan</h1>\n<pre>");
        for (const char *line = text; *line;) {
            size_t len = strcspn(line, "\n");
            CLEANUP(str_release) struct str one = STR_INIT;

            str_addn(&one, line, len);
            web_page_escape(out, str_text(&one), PAGE_MAX);
            str_add(out, "\n");
            line += len + (line[len] == '\n');
        }
        str_add(out, "</pre>\n");
        web_page_end(out);
        str_add(&ret->headers, "Content-Security-Policy: ");
        web_page_policy(&ret->headers, false);
    }
    str_add(&ret->headers, "\r\n");
}

static bool narrowed(const struct door_call *c)
{
    return c->caller.apps && c->caller.apps->n > 0;
}

static void show(struct door_call *c, bool drift, struct web_reply *ret)
{
    enum shape shape;
    struct err e = {0};

    if (!door_facts_app(c->facts, c->v.app)) {
        problem_reply(ret, 404, arena_printf(c->a, "there is no app \"%s\"", c->v.app),
                      "GET /api/v1/apps lists them");
        return;
    }
    if (shape_of(c, &shape) < 0) {
        problem_reply(ret, 422,
                      drift ? "`format` is json, text, html or junit"
                            : "`format` is json, text, html or dot",
                      NULL);
        return;
    }
    struct desk_call *ask = desk_call_new(c->door->desk, show_plan);
    struct asked *q = ask->in = ARENA_NEW(ask->a, struct asked);
    const struct shown *got = ask->out = ARENA_NEW(ask->a, struct shown);

    *q = (struct asked){.app = arena_strdup(ask->a, c->v.app),
                        .shape = shape,
                        .drift = drift,
                        .narrowed = narrowed(c)};
    if (desk_ask(ask, ANSWER_MS, &e) < 0) {
        problem_error(ret, &e, NULL);
    } else {
        ret->status = 200;
        ret->type = type_of(shape);
        if (shape == AS_HTML)
            put_page(ret, q, got->text, got->n);
        else
            str_addn(&ret->body, got->text, got->n);
    }
    desk_drop(ask);
}

void door_app_plan(struct door_call *c, struct web_reply *ret)
{
    show(c, false, ret);
}

void door_app_drift(struct door_call *c, struct web_reply *ret)
{
    show(c, true, ret);
}

/* ---- held removals ---- */

struct held_set {
    const struct held_removals *v; /* copies */
    size_t n;
};

static enum desk_end list_held(struct desk_call *c, const struct desk_world *w, struct err *e)
{
    CLEANUP(arena_freep) struct arena *pass = arena_new();
    struct held_set *ret = c->out;
    struct core_pass p;
    enum desk_end end = door_plan_now(w, "", pass, &p, e);

    if (end != DESK_DONE || e->kind != ERR_NONE)
        return end;
    struct held_removals *v = ARENA_ARRAY(c->a, p.plan->n_held + 1, struct held_removals);

    for (size_t i = 0; i < p.plan->n_held; i++) {
        const struct held_removals *x = &p.plan->held[i];

        v[i] = (struct held_removals){
            .root = arena_strdup(c->a, x->root), .of = x->of, .hash = arena_strdup(c->a, x->hash)};
        for (size_t k = 0; k < x->apps.n; k++)
            strv_push(c->a, &v[i].apps, arena_strdup(c->a, x->apps.v[k]));
    }
    *ret = (struct held_set){v, p.plan->n_held};
    return DESK_DONE;
}

static struct desk_call *ask_held(struct door_call *c, const struct held_set **ret, struct err *e)
{
    struct desk_call *ask = desk_call_new(c->door->desk, list_held);

    *ret = ask->out = ARENA_NEW(ask->a, struct held_set);
    if (desk_ask(ask, ANSWER_MS, e) == 0)
        return ask;
    desk_drop(ask);
    return NULL;
}

void door_removals(struct door_call *c, struct web_reply *ret)
{
    const struct held_set *held;
    struct err e = {0};
    struct desk_call *ask = ask_held(c, &held, &e);

    if (!ask) {
        problem_error(ret, &e, NULL);
        return;
    }
    json_t *list = json_array();

    for (size_t i = 0; i < held->n; i++)
        json_array_append_new(list, json_pack("{s:s, s:o, s:I, s:s}", "root", held->v[i].root,
                                              "apps", js_from_strv(&held->v[i].apps), "of",
                                              (json_int_t)held->v[i].of, "hash", held->v[i].hash));
    door_reply_json(ret, 200, json_pack("{s:o}", "held", list));
    desk_drop(ask);
}

static int release(struct door_call *c, const struct held_set *held, const char *hash,
                   struct web_reply *ret)
{
    struct err e = {0};

    for (size_t i = 0; i < held->n; i++) {
        if (strcmp(held->v[i].hash, hash) != 0)
            continue;
        if (confirm_write(c->door->o->state, held->v[i].root, &held->v[i].apps, &e) < 0) {
            problem_error(ret, &e, NULL);
            return -1;
        }
        c->detail =
            arena_printf(c->a, "%s: %zu apps of %s", hash, held->v[i].apps.n, held->v[i].root);
        door_reply_json(ret, 202,
                        json_pack("{s:s, s:s, s:o}", "hash", hash, "root", held->v[i].root, "apps",
                                  js_from_strv(&held->v[i].apps)));
        return 0;
    }
    problem_reply(ret, 409, "no held removals have this hash: what is held has changed since",
                  "GET /api/v1/removals says what is held now");
    return -1;
}

void door_removal_confirm(struct door_call *c, struct web_reply *ret)
{
    const struct held_set *held;
    struct err e = {0};
    json_auto_t *v = NULL;
    const char *hash;

    if (door_json(c, &v, ret) < 0)
        return;
    hash = js_str(v, "hash", "");
    if (strlen(hash) != 12 || strspn(hash, "0123456789abcdef") != 12) {
        problem_reply(ret, 422,
                      "`hash` is the 12 digits that the plan and GET /api/v1/removals show", NULL);
        return;
    }
    struct desk_call *ask = ask_held(c, &held, &e);

    if (!ask) {
        problem_error(ret, &e, NULL);
        return;
    }
    (void)release(c, held, arena_strdup(c->a, hash), ret);
    desk_drop(ask);
}
