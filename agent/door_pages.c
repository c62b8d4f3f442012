/* The plain pages of the door: logging in, sending an archive, and how an app that was sent is doing.
 *
 * Comes in: who asks, and the snapshot. Goes out: HTML whose forms go nowhere but here. Referrer-Policy is same-origin: under no-referrer a browser would send `Origin: null` with a form. The page of an app
 * that is not done yet asks to be loaded again (`Refresh`, HTML Standard, document lifecycle); it holds no form, so nobody's typing is lost. */
#include "agent/door_pages.h"

#include "agent/door_loop.h"
#include "agent/door_parts.h"
#include "agent/multipart.h"
#include "agent/problem.h"
#include "agent/web_page.h"
#include "spec/base/arena.h"

#define TEXT_MAX 400
#define TYPED_MAX 32768
#define REFRESH "2"

static void begin(struct web_reply *ret, int status, const char *title, bool narrow)
{
    ret->status = status;
    ret->type = "text/html; charset=utf-8";
    str_clear(&ret->body);
    str_add(&ret->headers, "Referrer-Policy: same-origin\r\nContent-Security-Policy: ");
    web_page_policy(&ret->headers, true);
    str_add(&ret->headers, "\r\n");
    web_page_begin(&ret->body, title, narrow);
    str_add(&ret->body, "<p class=\"code\">evenkeel</p>\n");
}

static void add_said(struct str *out, bool bad, const char *text)
{
    if (!text)
        return;
    str_add(out,
            bad ? "<p class=\"said bad\" role=\"alert\">" : "<p class=\"said\" role=\"status\">");
    web_page_escape(out, text, TEXT_MAX);
    str_add(out, "</p>\n");
}

void door_page_login(struct web_reply *ret, int status, const char *trouble)
{
    struct str *out = &ret->body;

    begin(ret, status, "Log in", true);
    str_add(out, "<h1>Log in</h1>\n");
    add_said(out, true, trouble);
    str_add(out,
            "<form method=\"post\" action=\"/login\">\n"
            "<label>Account<input name=\"account\" value=\"admin\" autocomplete=\"username\" "
            "autocapitalize=\"none\" required></label>\n"
            "<label>Password<input name=\"password\" type=\"password\" "
            "autocomplete=\"current-password\" required autofocus></label>\n"
            "<button class=\"go\">Log in</button>\n</form>\n"
            "<footer>The first password was shown when the agent first started in a terminal; "
            "else it is in the file <code>initial-password</code> of the state directory until "
            "it has been used.</footer>\n");
    str_add(out, "</main>\n</body>\n</html>\n");
}

/* ---- apps ---- */

static const char *kind_of(enum app_state s)
{
    switch (s) {
    case APP_SYNCED:
    case APP_COMPLETED: return " good";
    case APP_OUT_OF_SYNC:
    case APP_PROGRESSING:
    case APP_MISSING:
    case APP_HELD: return " busy";
    case APP_DEGRADED:
    case APP_FROZEN:
    case APP_REFUSED: return " bad";
    case APP_STOPPED: return "";
    }
    return "";
}

static void add_state(struct str *out, const struct door_app *x)
{
    str_addf(out, "<span class=\"state%s\">%s</span>", kind_of(x->word), x->state);
}

static bool is_link(const char *address)
{
    return strncmp(address, "http://", 7) == 0 || strncmp(address, "https://", 8) == 0;
}

/* What is localhost to this machine is to who asks the host that they asked. */
static const char *seen_from(const struct door_call *c, const char *address)
{
    const char *host = strstr(address, "://localhost");
    const char *rest = host ? host + strlen("://localhost") : "";

    return host && *c->r->host && (*rest == ':' || *rest == '/' || !*rest)
               ? arena_printf(c->a, "%.*s://%s%s", (int)(host - address), address, c->r->host, rest)
               : address;
}

static void add_link(struct door_call *c, struct str *out, const char *address,
                     const char *attributes)
{
    const char *to = seen_from(c, address);

    str_addf(out, "<a%s href=\"", attributes);
    web_page_escape(out, to, TEXT_MAX);
    str_add(out, "\">");
    web_page_escape(out, to, TEXT_MAX);
    str_add(out, "</a>");
}

static void add_addresses(struct door_call *c, struct str *out, const struct door_app *x)
{
    for (size_t k = 0; k < x->addresses.n; k++) {
        str_add(out, k > 0 ? " " : "<br>");
        if (is_link(x->addresses.v[k]))
            add_link(c, out, x->addresses.v[k], "");
        else
            web_page_escape(out, x->addresses.v[k], TEXT_MAX);
    }
}

static void add_apps(struct door_call *c, struct str *out)
{
    const struct door_facts *f = c->facts;

    str_add(out, "<h2>Apps</h2>\n");
    if (f->n == 0) {
        str_add(out, "<p>There are none yet.</p>\n");
        return;
    }
    str_add(out, "<ul class=\"apps\">\n");
    for (size_t i = 0; i < f->n; i++) {
        const struct door_app *x = &f->apps[i];

        str_addf(out, "<li><b>%s</b> ", x->name);
        add_state(out, x);
        if (x->running < x->wanted)
            str_addf(out, " %zu of %zu running", x->running, x->wanted);
        add_addresses(c, out, x);
        if (*x->why) {
            str_add(out, "<small>");
            web_page_escape(out, x->why, TEXT_MAX);
            str_add(out, "</small>");
        }
        str_add(out, "</li>\n");
    }
    str_add(out, "</ul>\n");
}

/* ---- the form ---- */

/* What stood in a field that was sent and refused. */
static const char *typed(const struct door_upload *u, const char *name)
{
    const char *text = kvs_get(&u->typed, name);

    return text ? text : "";
}

static void add_input(struct str *out, const struct door_upload *u, const char *name,
                      const char *label, const char *hint, const char *attributes)
{
    str_addf(out, "<label>%s<small>%s</small><input name=\"%s\" %s value=\"", label, hint, name,
             attributes);
    web_page_escape(out, typed(u, name), TYPED_MAX);
    str_add(out, "\"></label>\n");
}

/* A list: one a line. Character by character, since to a page the end of a line is a control sign. */
static void add_lines(struct str *out, const struct door_upload *u, const char *name,
                      const char *label, const char *hint, const char *example)
{
    str_addf(out,
             "<label>%s<small>%s</small><textarea name=\"%s\" rows=\"2\" spellcheck=\"false\" "
             "placeholder=\"%s\">\n",
             label, hint, name, example);
    for (const char *line = typed(u, name); *line;) {
        CLEANUP(str_release) struct str one = STR_INIT;
        size_t n = strcspn(line, "\r\n");

        str_addn(&one, line, n);
        web_page_escape(out, str_text(&one), TYPED_MAX);
        str_add(out, n > 0 ? "\n" : "");
        line += n + (line[n] != '\0');
    }
    str_add(out, "</textarea></label>\n");
}

static void add_more(struct str *out, const struct door_upload *u)
{
    bool said = *typed(u, "port") || *typed(u, "gpus") || *typed(u, "volume") || *typed(u, "env") ||
                *typed(u, "secret");

    str_addf(out,
             "<details%s>\n<summary>Port, volumes, variables, secrets, GPUs</summary>\n"
             "<div class=\"pair\">\n",
             said ? " open" : "");
    add_input(out, u, "port", "Port", "it listens on; else the image's",
              "inputmode=\"numeric\" pattern=\"[0-9]{1,5}\" placeholder=\"8000\"");
    add_input(out, u, "gpus", "GPUs", "a number, or all; if policy lets it",
              "pattern=\"[0-9]{1,2}|all\"");
    str_add(out, "</div>\n");
    add_lines(out, u, "volume", "Volumes",
              "what is in them stays when the app is replaced; one a line", "content:/srv/content");
    add_lines(out, u, "env", "Variables", "one a line", "LANG=en");
    add_lines(out, u, "secret", "Secrets",
              "names of its secrets, which it finds in /run/secrets; one a line", "db-password");
    str_add(out, "<label class=\"tick\"><input type=\"checkbox\" name=\"reset\" value=\"1\">Forget "
                 "what was said with earlier archives</label>\n</details>\n");
}

/* The archive last: what is wrong in a field is known before it comes in. */
static void add_form(struct str *out, const char *csrf, const struct door_upload *u)
{
    str_addf(out,
             "<form method=\"post\" action=\"/upload\" enctype=\"multipart/form-data\">\n"
             "<input type=\"hidden\" name=\"csrf\" value=\"%s\">\n<div class=\"pair\">\n",
             csrf);
    add_input(out, u, "app", "Name", "a-z, 0-9 and -",
              "required pattern=\"[a-z0-9]([a-z0-9\\-]*[a-z0-9])?\" maxlength=\"63\" "
              "autocapitalize=\"none\" placeholder=\"blog\"");
    add_input(out, u, "route", "Address", "a path or a host; else /NAME",
              "autocapitalize=\"none\" placeholder=\"/blog\"");
    str_add(out, "</div>\n");
    add_more(out, u);
    str_add(out, "<label>Archive<small>ZIP, tar.gz or tar.zst, at most 1 GiB</small><input "
                 "name=\"bundle\" type=\"file\" required accept=\".zip,.tgz,.gz,.zst\"></label>\n"
                 "<button class=\"go\">Upload</button>\n</form>\n");
}

static void add_top(struct str *out, const char *title, const char *csrf)
{
    str_addf(out,
             "<div class=\"top\"><h1>%s</h1>\n<form method=\"post\" action=\"/logout\"><input "
             "type=\"hidden\" name=\"csrf\" value=\"%s\"><button>Log out</button></form></div>\n",
             title, csrf);
}

/* u: what was sent and refused, so that it need not be typed again. */
static void page_upload(struct door_call *c, struct web_reply *ret, int status,
                        const struct door_upload *u, const char *trouble)
{
    struct str *out = &ret->body;

    begin(ret, status, "Upload", false);
    add_top(out, "Upload an app", c->session.csrf);
    add_said(out, true, trouble);
    add_form(out, c->session.csrf, u);
    add_apps(c, out);
    web_page_end(out);
}

/* ---- how it is doing ---- */

/* One sentence; *ret_busy: it will be another one soon. */
static const char *words_of(const struct door_app *x, bool read, bool *ret_busy)
{
    *ret_busy = !read || !x || !x->settled || x->word == APP_PROGRESSING;
    if (!read || !x)
        return "It was taken, and is being read.";
    if (*ret_busy)
        return "It is being built and started.";
    switch (x->word) {
    case APP_SYNCED: return "It is up, as its archive says.";
    case APP_COMPLETED: return "It ran to its end, and ended well.";
    case APP_STOPPED: return "It is stopped, on request.";
    case APP_HELD: return "It is left alone, on request.";
    case APP_REFUSED: return "It is refused; nothing of it was changed.";
    case APP_FROZEN: return "It is left as it is.";
    case APP_OUT_OF_SYNC:
    case APP_PROGRESSING:
    case APP_MISSING:
    case APP_DEGRADED: return "It is not well.";
    }
    return "";
}

static void page_placed(struct door_call *c, struct web_reply *ret, const char *app)
{
    const struct door_app *x = door_facts_app(c->facts, app);
    bool busy, read = c->facts->read >= atomic_load(&c->door->placed);
    const char *words = words_of(x, read, &busy);
    struct str *out = &ret->body;

    begin(ret, 200, app, false);
    if (busy)
        str_add(&ret->headers, "Refresh: " REFRESH "\r\n");
    add_top(out, app, c->session.csrf);
    str_addf(out, "<p role=\"status\">%s ", words);
    if (x && read)
        add_state(out, x);
    str_add(out, "</p>\n");
    if (x && *x->why && !busy)
        add_said(out, strcmp(kind_of(x->word), " bad") == 0, x->why);
    str_add(out, "<p>");
    for (size_t k = 0; x && !busy && k < x->addresses.n; k++)
        if (is_link(x->addresses.v[k])) {
            add_link(c, out, x->addresses.v[k], " class=\"button\"");
            str_add(out, " ");
        }
    str_addf(
        out,
        "</p>\n<p><a href=\"/api/v1/apps/%s/builds\">What was said while it was built</a><br>\n"
        "<a href=\"/upload\">All apps, and another upload</a></p>\n",
        app);
    web_page_end(out);
}

void door_upload_page(struct door_call *c, struct web_reply *ret)
{
    const char *app = door_form_value(c->r->query, "placed", c->a);

    if (app && app_name_valid(app))
        page_placed(c, ret, app);
    else
        page_upload(c, ret, 200, &(struct door_upload){.app = ""}, NULL);
}

void door_upload_form(struct door_call *c, struct web_reply *ret)
{
    struct door_upload u = {.app = ""};
    struct err e = {0};

    if (!c->multipart && c->r->body) /* its token came in a header */
        c->multipart = multipart_new(c->r->content_type, c->r->body->read, c->r->body->ctx, &e);
    if (!c->multipart) {
        problem_reply(ret, 415, "the form must be sent as multipart/form-data", NULL);
        return;
    }
    int rc = door_take_form(c, &u, true, ret, &e);

    door_trial_release(&u.trial);
    if (rc < 0) {
        page_upload(c, ret,
                    u.full                   ? 507
                    : e.kind == ERR_CONFLICT ? 409
                    : e.kind == ERR_RETRY    ? 503
                                             : 422,
                    &u, e.msg);
        return;
    }
    c->did_app = u.app;
    (void)atomic_fetch_add(&c->door->placed, 1);
    door_loop_stir(c->door->loop);
    str_clear(&ret->headers);
    door_redirect(ret, arena_printf(c->a, "/upload?placed=%s", u.app));
}
