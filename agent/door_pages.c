/* The plain pages of the door: logging in, and sending an archive with the apps that there are.
 *
 * Comes in: who asks, and the snapshot. Goes out: HTML whose forms go nowhere but here. Referrer-Policy is same-origin: under no-referrer a browser would send `Origin: null` with a form. */
#include "agent/door_pages.h"

#include "agent/door_parts.h"
#include "agent/multipart.h"
#include "agent/problem.h"
#include "agent/web_page.h"
#include "spec/base/arena.h"

#define TEXT_MAX 400

static void begin(struct web_reply *ret, int status, const char *title)
{
    ret->status = status;
    ret->type = "text/html; charset=utf-8";
    str_clear(&ret->body);
    str_add(&ret->headers, "Referrer-Policy: same-origin\r\nContent-Security-Policy: ");
    web_page_policy(&ret->headers, true);
    str_add(&ret->headers, "\r\n");
    web_page_begin(&ret->body, title);
}

void door_page_login(struct web_reply *ret, int status, const char *trouble)
{
    begin(ret, status, "Log in");
    str_add(&ret->body, "<h1>Log in</h1>\n");
    if (trouble) {
        str_add(&ret->body, "<p role=\"alert\"><strong>");
        web_page_escape(&ret->body, trouble, TEXT_MAX);
        str_add(&ret->body, "</strong></p>\n");
    }
    str_add(&ret->body,
            "<form method=\"post\" action=\"/login\">\n"
            "<p><label>Account<br><input name=\"account\" value=\"admin\" "
            "autocomplete=\"username\" required></label></p>\n"
            "<p><label>Password<br><input name=\"password\" type=\"password\" "
            "autocomplete=\"current-password\" required autofocus></label></p>\n"
            "<p><button>Log in</button></p>\n</form>\n"
            "<p>The first password was shown when the agent first started in a terminal; else "
            "it is in the file <code>initial-password</code> of the state directory until it has "
            "been used.</p>\n");
    web_page_end(&ret->body);
}

static void add_apps(struct str *out, const struct door_facts *f)
{
    str_add(out, "<h2>Apps</h2>\n");
    if (f->n == 0) {
        str_add(out, "<p>There are none yet.</p>\n");
        return;
    }
    str_add(out, "<table><thead><tr><th>App<th>State<th>Running<th>Address</thead>\n<tbody>\n");
    for (size_t i = 0; i < f->n; i++) {
        const struct door_app *x = &f->apps[i];

        str_addf(out, "<tr><td>%s<td>%s<td>%zu/%zu<td>", x->name, x->state, x->running, x->wanted);
        for (size_t k = 0; k < x->addresses.n; k++) {
            const char *at = x->addresses.v[k];
            bool link = strncmp(at, "http", 4) == 0;

            str_add(out, link ? "<a href=\"" : "");
            if (link) {
                web_page_escape(out, at, TEXT_MAX);
                str_add(out, "\">");
            }
            web_page_escape(out, at, TEXT_MAX);
            str_add(out, link ? "</a> " : " ");
        }
        if (*x->why) {
            str_add(out, "<br><small>");
            web_page_escape(out, x->why, TEXT_MAX);
            str_add(out, "</small>");
        }
        str_add(out, "\n");
    }
    str_add(out, "</tbody></table>\n");
}

static void page_upload(struct door_call *c, struct web_reply *ret, int status, const char *said)
{
    struct str *out = &ret->body;

    begin(ret, status, "Upload");
    str_add(out, "<h1>Upload an app</h1>\n");
    if (said) {
        str_add(out, "<p role=\"status\"><strong>");
        web_page_escape(out, said, TEXT_MAX);
        str_add(out, "</strong></p>\n");
    }
    str_addf(
        out,
        "<form method=\"post\" action=\"/upload\" enctype=\"multipart/form-data\">\n"
        "<input type=\"hidden\" name=\"csrf\" value=\"%s\">\n"
        "<p><label>Name<br><input name=\"app\" required pattern=\"[a-z0-9]([a-z0-9-]*[a-z0-9])?\" "
        "maxlength=\"63\" placeholder=\"blog\"></label></p>\n"
        "<p><label>Address (a path or a host; empty: /NAME)<br><input name=\"route\" "
        "placeholder=\"/blog\"></label></p>\n"
        "<p><label>ZIP, tar.gz or tar.zst<br><input name=\"bundle\" type=\"file\" required "
        "accept=\".zip,.tgz,.gz,.zst,.tar\"></label></p>\n"
        "<p><button>Upload</button></p>\n</form>\n",
        c->session.csrf);
    add_apps(out, c->facts);
    str_addf(out,
             "<form method=\"post\" action=\"/logout\"><input type=\"hidden\" name=\"csrf\" "
             "value=\"%s\"><p><button>Log out</button></p></form>\n",
             c->session.csrf);
    web_page_end(out);
}

void door_upload_page(struct door_call *c, struct web_reply *ret)
{
    const char *app = door_form_value(c->r->query, "placed", c->a);

    page_upload(c, ret, 200,
                app ? arena_printf(c->a,
                                   "%s was taken; its state is below. Load this page again "
                                   "to see how it goes.",
                                   app)
                    : NULL);
}

/* ---- the form ---- */

static long part_read(void *ctx, void *buf, size_t n)
{
    struct err ignored = {0};

    return multipart_bytes(ctx, buf, n, &ignored);
}

/* Fields come before the file, as the page has them. */
static int take_form(struct door_call *c, struct door_upload *u, struct web_reply *ret,
                     struct err *e)
{
    struct multipart_part part;
    int rc;

    while ((rc = multipart_next(c->multipart, &part, e)) > 0) {
        if (strcmp(part.name, "bundle") == 0) {
            u->read = part_read;
            u->ctx = c->multipart;
            u->file = part.file;
            return door_place_bundle(c, u, ret, e);
        }
        if (strcmp(part.name, "app") == 0 &&
            multipart_text(c->multipart, LIMIT_APP_NAME, c->a, &u->app, e) < 0)
            return -1;
        if (strcmp(part.name, "route") == 0 &&
            multipart_text(c->multipart, LIMIT_ROUTE_PATH, c->a, &u->route, e) < 0)
            return -1;
    }
    return rc < 0 ? -1 : err_set(e, ERR_USER, "the form holds no file");
}

void door_upload_form(struct door_call *c, struct web_reply *ret)
{
    struct door_upload u = {.app = "", .route = "", .length = -1};
    struct err e = {0};

    if (!c->multipart && c->r->body) /* its token came in a header */
        c->multipart = multipart_new(c->r->content_type, c->r->body->read, c->r->body->ctx, &e);
    if (!c->multipart) {
        problem_reply(ret, 415, "the form must be sent as multipart/form-data", NULL);
        return;
    }
    int rc = take_form(c, &u, ret, &e);

    door_trial_release(&u.trial);
    if (rc < 0) {
        page_upload(c, ret,
                    u.full                   ? 507
                    : e.kind == ERR_CONFLICT ? 409
                    : e.kind == ERR_RETRY    ? 503
                                             : 422,
                    e.msg);
        return;
    }
    c->did_app = u.app;
    str_clear(&ret->headers);
    door_redirect(ret, arena_printf(c->a, "/upload?placed=%s", u.app));
}
