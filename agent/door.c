/* The way from a request to its handler.
 *
 * Comes in: a request. Goes out: what its handler says, after the table of rows let it through and the audit log has what is to be done. Refuses what has no row, and does nothing that could not be
 * written into the audit log first. */
#include "agent/door.h"

#include "agent/core.h"
#include "agent/door_loop.h"
#include "agent/door_parts.h"
#include "agent/multipart.h"
#include "agent/narrow.h"
#include "agent/problem.h"
#include "agent/stream.h"
#include "agent/stream_feed.h"
#include "drivers/fsx.h"
#include "spec/base/arena.h"

#define FORM_MAX 8192

/* ---- what requests may know ---- */

static struct door_facts *facts_hold(struct door *d)
{
    (void)pthread_mutex_lock(&d->lock);
    struct door_facts *f = d->facts;

    if (f)
        (void)atomic_fetch_add(&f->refs, 1);
    (void)pthread_mutex_unlock(&d->lock);
    return f;
}

void door_join_loop(struct door *d, struct core *core, void (*stir)(void *ctx), void *ctx)
{
    if (d->stream)
        d->loop = door_loop_new(d->stream, core, stir, ctx);
}

uint64_t door_placed(struct door *d)
{
    return atomic_load(&d->placed);
}

bool door_waited_for(const struct door *d)
{
    return d->loop && door_loop_waits(d->loop);
}

struct stream *door_stream(const struct door *d)
{
    return d->stream;
}

void door_publish(struct door *d, struct door_facts *f)
{
    if (d->loop)
        door_loop_known(d->loop, f);
    (void)pthread_mutex_lock(&d->lock);
    struct door_facts *old = d->facts;

    d->facts = f;
    (void)pthread_mutex_unlock(&d->lock);
    door_facts_drop(old);
}

/* ---- the audit log ---- */

static bool changes(const struct web_request *r)
{
    return strcmp(r->method, "GET") != 0 && strcmp(r->method, "HEAD") != 0;
}

static int record(const struct door_call *c, const char *outcome, const char *detail, int64_t re,
                  bool lazy, int64_t *ret_seq, struct err *e)
{
    CLEANUP(str_release) struct str did = STR_INIT;
    const char *app = c->did_app ? c->did_app : c->v.app;

    str_addf(&did, "%s %s", c->r->method, c->r->path);
    const struct audit_entry x = {.by = c->by,
                                  .from = c->r->client,
                                  .did = str_text(&did),
                                  .app = app,
                                  .outcome = outcome,
                                  .detail = detail,
                                  .re = re,
                                  .lazy = lazy};
    if (audit_append(c->door->audit, &x, c->now_ms, ret_seq, e) < 0)
        return -1;
    if (c->door->stream)
        stream_feed_audit(c->door->stream, &x);
    return 0;
}

static void audited(struct door_call *c, door_handler *run, struct web_reply *ret)
{
    struct err e = {0}, ignored = {0};
    int64_t seq = 0;

    /* What strangers can cause at will is written down once, and only if it was an attempt. */
    bool open = c->v.row->need == ROLE_NONE;

    if (!open && record(c, "asked", NULL, 0, false, &seq, &e) < 0) {
        problem_reply(ret, 503, "the audit log cannot be written, so nothing is done",
                      "see the agent's log; the disk may be full");
        return;
    }
    run(c, ret);
    if (!open || ret->status < 400 || ret->status == 401)
        (void)record(c, ret->status < 400 ? "done" : "failed", c->detail, seq,
                     open && ret->status >= 400, NULL, &ignored);
    if (c->door->stream && c->v.row->reach == REACH_WHOLE)
        stream_check(c->door->stream); /* a credential may be one less */
}

/* ---- from the table to the handler ---- */

static void refuse(struct door_call *c, struct web_reply *ret)
{
    CLEANUP(str_release) struct str allow = STR_INIT;
    int status = access_status(c->v.answer);

    if (c->r->html && c->v.answer == ACCESS_LOGIN && !changes(c->r)) {
        door_redirect(ret, "/login");
        return;
    }
    problem_reply(ret, status, c->v.why, NULL);
    if (status == 401)
        str_add(&ret->headers, "WWW-Authenticate: Bearer realm=\"evenkeel\"\r\n");
    if (status == 405) {
        access_methods(c->r->path, &allow);
        str_addf(&ret->headers, "Allow: %s\r\n", str_text(&allow));
    }
    if (status == 403 && changes(c->r) && c->v.row && c->v.row->need != ROLE_NONE) {
        struct err ignored = {0};

        (void)record(c, "refused", c->v.why, 0, true, NULL, &ignored);
    }
}

/* The form's token comes in its body: read that far, and ask again. -1 with ret filled. */
static int prove(struct door_call *c, struct web_reply *ret)
{
    const char *token = NULL;
    size_t n;

    if (c->r->body && strncasecmp(c->r->content_type, "multipart/form-data", 19) == 0) {
        struct err e = {0};
        struct multipart_part part;

        c->multipart = multipart_new(c->r->content_type, c->r->body->read, c->r->body->ctx, &e);
        if (!c->multipart || multipart_next(c->multipart, &part, &e) <= 0) {
            problem_reply(ret, 400, e.kind ? e.msg : "the form is empty",
                          "send the form as the page makes it");
            return -1;
        }
        if (strcmp(part.name, "csrf") == 0 &&
            multipart_text(c->multipart, CREDENTIAL_TEXT, c->a, &token, &e) < 0)
            token = NULL;
    } else {
        if (c->r->body && door_body(c, FORM_MAX, &c->form, &n, ret) < 0)
            return -1;
        token = c->form ? door_form_value(c->form, "csrf", c->a) : NULL;
    }
    c->caller.csrf = token && sessions_csrf_good(&c->session, token) ? SENT_GOOD : SENT_BAD;
    access_decide(&c->caller, &c->v);
    return 0;
}

/* Who may know of some apps alone reads nothing of others, whatever it was that said it. A spec goes out to the byte. */
static void narrow_reply(const struct door_call *c, struct web_reply *ret)
{
    CLEANUP(str_release) struct str list = STR_INIT, text = STR_INIT;

    if (!c->caller.apps || c->caller.apps->n == 0 || ret->body.len == 0 ||
        (ret->type && strcmp(ret->type, "application/yaml") == 0))
        return;
    narrow_list(c->caller.apps, &list);
    if (!narrow_text(str_text(&list), ret->body.buf, ret->body.len, &text))
        return;
    str_clear(&ret->body);
    str_addn(&ret->body, text.buf, text.len);
}

static void run_call(struct door_call *c, struct web_reply *ret)
{
    door_identify(c);
    access_decide(&c->caller, &c->v);
    if (c->v.answer == ACCESS_PROVE && prove(c, ret) < 0)
        return;
    if (c->v.answer != ACCESS_ALLOWED) {
        refuse(c, ret);
        return;
    }
    door_handler *run = door_handler_of(c->v.row);

    if (!run)
        problem_reply(ret, 404, "nothing answers here", NULL);
    else if (changes(c->r) && strcmp(c->v.row->path, "/api/v1/validate") != 0)
        audited(c, run, ret);
    else
        run(c, ret);
}

bool door_answer(struct door *d, const struct web_request *r, struct web_reply *ret)
{
    CLEANUP(str_release) struct str methods = STR_INIT;

    access_methods(r->path, &methods);
    if ((methods.len == 0 && strncmp(r->path, "/api/", 5) != 0) || strcmp(r->path, "/healthz") == 0)
        return false;

    struct door_call c = {.door = d,
                          .r = r,
                          .by = "",
                          .facts = facts_hold(d),
                          .a = arena_new(),
                          .now_ms = core_now_ms(),
                          .mono_ms = core_monotonic_ms(),
                          .heard = d->stream ? stream_last(d->stream) : 0};

    if (c.facts) {
        run_call(&c, ret);
        narrow_reply(&c, ret);
    } else
        problem_reply(ret, 503, "the agent is starting", "ask again in a moment");
    door_stream_leave_wait(&c);
    multipart_free(c.multipart);
    door_facts_drop(c.facts);
    arena_free(c.a);
    return true;
}

/* ---- what requests may ask the loop ---- */

int door_open_desk(struct door *d, struct core *core, const struct conductor *c, struct err *e)
{
    return desk_open(d->desk, &(struct desk_world){core, c}, e);
}

const char *door_bundles(const struct door *d, struct arena *a)
{
    return d && d->uploads ? fsx_join(d->uploads, ".bundles", a) : NULL;
}

struct figures *door_figures(struct door *d)
{
    return d ? d->figures : NULL;
}

void door_close_desk(struct door *d)
{
    if (d)
        desk_close(d->desk);
}

/* ---- opening ---- */

static const char *uploads_of(const struct options *o, struct arena *a)
{
    struct stat st;
    const char *root = o->roots.n > 0 ? fsx_absolute(o->roots.v[0], a) : NULL;

    return root && (stat(root, &st) != 0 || S_ISDIR(st.st_mode)) ? fsx_join(root, "uploads", a)
                                                                 : NULL;
}

int door_open(const struct options *o, const char *given, bool terminal,
              char ret_show[CREDENTIAL_SPOKEN], struct door **ret, struct err *e)
{
    struct door *d = xcalloc(1, sizeof(*d));

    d->o = o;
    d->arena = arena_new();
    d->uploads = uploads_of(o, d->arena);
    (void)pthread_mutex_init(&d->lock, NULL);
    (void)pthread_mutex_init(&d->placing, NULL);
    (void)pthread_mutex_init(&d->trying, NULL);
    door_place_sweep(d);
    d->stream = stream_new(
        &(struct stream_rules){.good = door_stream_good, .gone = door_stream_gone, .ctx = d});
    d->sessions = sessions_new(&SESSIONS_RULES);
    d->limiter = limiter_new();
    d->desk = desk_new();
    d->figures = figures_new();
    if (auth_open(o->state, &d->auth, e) < 0 || tokens_open(o->state, &d->tokens, e) < 0 ||
        audit_open(o->state, &AUDIT_RULES, &d->audit, e) < 0 ||
        auth_first(d->auth, given, terminal, core_now_ms(), ret_show, e) < 0) {
        door_free(d);
        return -1;
    }
    *ret = d;
    return 0;
}

void door_free(struct door *d)
{
    if (!d)
        return;
    stream_free(d->stream);
    door_loop_free(d->loop);
    door_facts_drop(d->facts);
    auth_free(d->auth);
    sessions_free(d->sessions);
    tokens_free(d->tokens);
    limiter_free(d->limiter);
    audit_free(d->audit);
    desk_free(d->desk);
    figures_free(d->figures);
    (void)pthread_mutex_destroy(&d->lock);
    (void)pthread_mutex_destroy(&d->placing);
    (void)pthread_mutex_destroy(&d->trying);
    arena_free(d->arena);
    free(d);
}
