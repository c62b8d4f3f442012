/* docker_pull.c: pulls one image, with credentials and progress.
 *
 * In: a reference with tag or digest. Out: the image's id, which is asked for afterwards, or why it could not be had and
 * what to do about that.
 * The status of a pull says nothing: failures come in the stream. A pull that is silent for a minute or takes longer than
 * its deadline is given up; closing its connection ends it in the engine too. A credential helper runs beside the loop and
 * is looked at every few milliseconds, for at most 15 s; without its answer the pull goes on without credentials, and a
 * failure then says so. */
#include "drivers/docker_parts.h"

#include <string.h>

#include "drivers/registry.h"
#include "spec/base/arena.h"

enum {
    SILENCE_MS = 60 * 1000,
    HELPER_STEP_MS = 10,
    HELPER_MS = 15 * 1000,
    PROGRESS_EVERY_MS = 100,
};

struct pull {
    struct registry_login login;
    struct registry_helper *helper;
    int64_t helper_until_ms;
    const char *header;
    struct err no_login; /* why there are no credentials, if that is a failure */
    struct line_split lines;
    struct pull_progress *progress;
    struct arena *scratch;
    int64_t shown_ms;
    struct err failure; /* what the stream said */
};

void docker_pull_release(struct ticket *t)
{
    struct pull *p = t->pull;

    if (!p)
        return;
    registry_helper_free(p->helper);
    line_split_release(&p->lines);
    arena_free(p->scratch);
    free(TAKE(t->pull));
}

/* ---- words ---- */

static void explain(struct ticket *t, struct err *e)
{
    const struct pull *p = t->pull;
    const char *ref = t->op->object, *registry = p->login.registry;
    struct err engine = *e;

    switch (engine.kind) {
    case ERR_MISSING:
    case ERR_DENIED:
        (void)err_set(
            e, engine.kind,
            "image %s does not exist in its registry, or needs a login (docker login%s%s): %s", ref,
            strcmp(registry, "docker.io") == 0 ? "" : " ",
            strcmp(registry, "docker.io") == 0 ? "" : registry, engine.msg);
        break;
    case ERR_RETRY:
        (void)err_set(e, ERR_RETRY, "cannot pull %s from %s: %s", ref, registry, engine.msg);
        break;
    default: (void)err_wrap(e, "cannot pull %s", ref); break;
    }
    if (p->no_login.kind && engine.kind != ERR_RETRY)
        (void)err_set(e, e->kind, "%.230s; pulled without credentials, since %.120s", e->msg,
                      p->no_login.msg);
}

/* ---- after the pull ---- */

static void on_image(void *user, const struct http_reply *reply)
{
    struct ticket *t = user;
    struct obs_image image;
    struct err e = {0};

    t->call = NULL;
    if (reply->err.kind || reply->status >= 300)
        (void)docker_failure(reply, &e);
    else if (engine_decode_image(t->op->object, reply->body, reply->n, t->arena, &image, &e) == 0)
        t->result.id = image.id;
    if (e.kind)
        (void)err_wrap(&e, "%s was pulled, but is not there", t->op->object);
    ticket_end(t, &e);
}

static void on_pulled(void *user, const struct http_reply *reply)
{
    struct ticket *t = user;
    struct pull *p = t->pull;
    struct err e = {0};

    t->call = NULL;
    http_timer_cancel(t->d->http, TAKE(t->timer));
    if (p->failure.kind) {
        e = p->failure;
    } else if (reply->err.kind || reply->status >= 300) {
        (void)docker_failure(reply, &e);
        if (!reply->err.kind)
            e.kind = pull_error_kind(e.msg); /* the engine says 500 to what the registry refuses */
    }
    if (e.kind) {
        explain(t, &e);
        ticket_end(t, &e);
        return;
    }
    ticket_ask(t, "GET", docker_path(t->arena, "/images/", t->op->object, "/json"), NULL, on_image);
}

/* ---- the stream ---- */

static int on_line(void *user, const char *line, size_t n)
{
    struct ticket *t = user;
    struct pull *p = t->pull;

    if (!p->failure.kind)
        (void)pull_progress_line(p->progress, line, n, &p->failure);
    return 0;
}

static bool on_data(void *user, const char *bytes, size_t n)
{
    struct ticket *t = user;
    struct pull *p = t->pull;
    double fraction = -1;
    const char *text;

    if (line_split_feed(&p->lines, bytes, n, on_line, t) < 0)
        return false;
    if (!t->progress || n == 0 || http_now_ms() - p->shown_ms < PROGRESS_EVERY_MS)
        return true;
    p->shown_ms = http_now_ms();
    arena_clear(p->scratch);
    text = pull_progress_text(p->progress, p->scratch, &fraction);
    t->progress(t->user, text, fraction);
    return true;
}

static void on_deadline(void *user)
{
    struct ticket *t = user;

    t->timer = NULL;
    ticket_end(
        t, &(struct err){.kind = ERR_RETRY, .msg = "the pull did not finish within its deadline"});
}

/* "repo:tag" or "repo@sha256:..." -> query; without a tag the engine would pull all of them. */
static const char *path_of(struct ticket *t)
{
    CLEANUP(str_release) struct str s = STR_INIT;
    const char *ref = t->op->object, *slash = strrchr(ref, '/');
    const char *at = strchr(ref, '@'), *colon = strchr(slash ? slash : ref, ':');
    const char *end = at ? at : colon;
    const char *name = end ? arena_strndup(t->arena, ref, (size_t)(end - ref)) : ref;

    /* Of "repo:tag@digest" only the digest counts. */
    if (at && colon && colon < at)
        name = arena_strndup(t->arena, ref, (size_t)(colon - ref));
    str_add(&s, "/images/create?fromImage=");
    docker_escape(&s, name);
    str_add(&s, "&tag=");
    docker_escape(&s, end ? end + 1 : "latest");
    if (t->op->platform) {
        str_add(&s, "&platform=");
        docker_escape(&s, t->op->platform);
    }
    return arena_strdup(t->arena, str_text(&s));
}

static void send_pull(struct ticket *t)
{
    struct pull *p = t->pull;

    p->progress = pull_progress_new(t->arena);
    t->call = docker_send(
        t->d,
        &(struct http_request){
            .method = "POST",
            .path = path_of(t),
            .header = p->header ? arena_printf(t->arena, "X-Registry-Auth: %s", p->header) : NULL,
            .stream = true,
            .timeout_ms = SILENCE_MS,
            .data = on_data,
            .done = on_pulled,
            .user = t,
        });
    ticket_after(t, ticket_left_ms(t), on_deadline);
}

/* ---- credentials ---- */

static void step_helper(void *user)
{
    struct ticket *t = user;
    struct pull *p = t->pull;

    t->timer = NULL;
    switch (registry_helper_step(p->helper, t->arena, &p->header, &p->no_login)) {
    case HELPER_RUNNING:
        if (http_now_ms() < p->helper_until_ms) {
            ticket_after(t, HELPER_STEP_MS, step_helper);
            return;
        }
        (void)err_set(&p->no_login, ERR_RETRY, "%s did not answer within %d s", p->login.helper,
                      HELPER_MS / 1000);
        break;
    case HELPER_KNOWS:
    case HELPER_KNOWS_NOTHING:
    case HELPER_FAILED: break;
    }
    registry_helper_free(TAKE(p->helper));
    send_pull(t);
}

void docker_pull_begin(struct ticket *t)
{
    struct pull *p = t->pull = xcalloc(1, sizeof(*p));

    p->scratch = arena_new();
    (void)registry_find(t->d->auth_dir, t->op->object, t->arena, &p->login, &p->no_login);
    p->header = p->login.header;
    if (p->login.helper)
        p->helper = registry_helper_start(p->login.helper, p->login.server, &p->no_login);
    if (!p->helper) {
        send_pull(t);
        return;
    }
    p->helper_until_ms = http_now_ms() + HELPER_MS;
    ticket_after(t, HELPER_STEP_MS, step_helper);
}
