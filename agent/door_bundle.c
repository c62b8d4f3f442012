/* Archives that are sent, with what is said of them: port, volumes, variables, secrets, GPUs.
 *
 * Comes in: an archive as the body, with a query; or a form with the archive as a file. Goes out: what is checked and placed (door_place.c). Refuses fields that it does not know, before
 * anything is placed. */
#include "agent/door_parts.h"
#include "agent/multipart.h"
#include "agent/problem.h"
#include "spec/base/arena.h"

enum { FIELD_MAX = 32 << 10 };

static const char *const others[] = {"dry_run", "wait", "timeout"}; /* of the query */

static int unknown(const char *name, struct err *e)
{
    return err_set(e, ERR_USER, "`%.60s` is no field of an upload: there are %s", name,
                   upload_spec_fields);
}

static int take_query(struct door_call *c, struct upload_spec *u, struct err *e)
{
    const char *at = c->r->query, *name, *value;
    int rc;

    while ((rc = door_form_next(&at, c->a, &name, &value)) > 0) {
        bool known = false;

        for (size_t i = 0; i < ARRAY_LEN(others); i++)
            known |= strcmp(name, others[i]) == 0;
        if (known)
            continue;
        rc = upload_spec_take(u, name, value, c->a, e);
        if (rc <= 0)
            return rc < 0 ? -1 : unknown(name, e);
    }
    return rc < 0 ? err_set(e, ERR_USER, "the query is not to be read") : 0;
}

/* ---- forms ---- */

struct bundle_form {
    struct door_call *c;
    struct door_upload *u;
    bool page, had_file;
    struct err *e;
};

/* One field. A page's are kept as they were typed, to be shown again. */
static int take_field(struct bundle_form *f, const char *name, const char *text, struct err *e)
{
    if (f->page)
        kvs_set(f->c->a, &f->u->typed, arena_strdup(f->c->a, name), text);
    if (f->page && strcmp(name, "csrf") == 0)
        return 0; /* it was asked for before */
    if (f->page && !f->had_file && strcmp(name, "app") == 0) {
        f->u->app = text;
        return 0;
    }
    int rc = upload_spec_take(&f->u->spec, name, text, f->c->a, e);

    return rc == 0 ? unknown(name, e) : rc > 0 ? 0 : -1;
}

/* Fields up to the archive, or to the end. 1: here it is; 0: the end; -1, and the first that is wrong is told. */
static int take_fields(struct bundle_form *f, struct err *e)
{
    struct multipart_part part;
    struct err first = {0}, later = {0};
    const char *text;
    int rc;

    while ((rc = multipart_next(f->c->multipart, &part, e)) > 0) {
        if (strcmp(part.name, "bundle") == 0)
            break;
        if (multipart_text(f->c->multipart, FIELD_MAX, f->c->a, &text, e) < 0)
            return -1;
        (void)take_field(f, part.name, text, first.kind == ERR_NONE ? &first : &later);
        if (first.kind != ERR_NONE && !f->page)
            break;
    }
    if (rc < 0)
        return -1;
    if (first.kind != ERR_NONE) {
        *e = first;
        return -1;
    }
    if (rc > 0 && f->had_file)
        return err_set(e, ERR_USER, "the form holds two archives");
    return rc;
}

/* The archive. At its end what else is said of it, as long as nothing is placed. */
static long file_read(void *ctx, void *buf, size_t n)
{
    struct bundle_form *f = ctx;
    struct err ignored = {0};
    long got = multipart_bytes(f->c->multipart, buf, n, &ignored);

    if (got == 0 && !f->had_file) {
        f->had_file = true;
        if (take_fields(f, f->e) < 0)
            return -1;
    }
    return got;
}

int door_take_form(struct door_call *c, struct door_upload *u, bool page, struct web_reply *ret,
                   struct err *e)
{
    struct err late = {0};
    struct bundle_form f = {.c = c, .u = u, .page = page, .e = &late};
    int rc = take_fields(&f, e);

    if (rc <= 0)
        return rc < 0 ? -1
                      : err_set(e, ERR_USER, "the form holds no archive: a file called `bundle`");
    u->read = file_read;
    u->ctx = &f;
    u->length = -1;
    rc = door_place_bundle(c, u, ret, e);
    if (rc < 0 && late.kind != ERR_NONE)
        *e = late;
    return rc;
}

/* ---- the handler ---- */

static int take(struct door_call *c, struct door_upload *u, struct web_reply *ret, struct err *e)
{
    if (strncasecmp(c->r->content_type, "multipart/form-data", 19) == 0) {
        c->multipart = multipart_new(c->r->content_type, c->r->body->read, c->r->body->ctx, e);
        return c->multipart ? door_take_form(c, u, false, ret, e) : -1;
    }
    u->read = c->r->body->read;
    u->ctx = c->r->body->ctx;
    u->length = c->r->body->length;
    return door_place_bundle(c, u, ret, e);
}

void door_bundle_put(struct door_call *c, struct web_reply *ret)
{
    struct door_upload u = {.app = c->v.app, .trial = {.dry_run = door_flag(c, "dry_run")}};
    struct err e = {0};

    if (door_stream_check_wait(c, ret) < 0)
        return;
    if (!c->r->body) {
        problem_reply(ret, 400, "an archive is the body",
                      "curl --data-binary @app.zip -H 'Authorization: Bearer …' URL");
        return;
    }
    if (c->r->body->length > LIMIT_UPLOAD_BYTES) {
        problem_reply(
            ret, 413, "the archive is larger than 1 GiB",
            "send a smaller one; what an app only reads at run time belongs into a volume");
        return;
    }
    if (take_query(c, &u.spec, &e) == 0 && take(c, &u, ret, &e) == 0)
        door_tell_placed(c, u.app, u.sha256, u.unchanged, &u.trial, ret);
    else if (u.full)
        problem_reply(ret, 507, e.msg,
                      "make room on the disk that has `uploads/`; what was sent is gone");
    else
        problem_error(ret, &e, NULL);
    door_trial_release(&u.trial);
}
