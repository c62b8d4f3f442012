/* drift_html.c: what somebody else changed, as one page.
 *
 * In: a report. Out: HTML that stands by itself: no script, no picture, nothing loaded, and a policy that says so; light or dark as
 * the reader's system is. Each text of a stranger goes through markup_add. */
#include "reconcile/drift_report.h"

#include <string.h>

#include "spec/base/str.h"

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n<title>Drift</title>\n<style>\n"
    ":root{--ink:#1b2530;--soft:#5c6b7a;--line:#d8dfe6;--back:#fff;--card:#f6f8fa;--want:#17692f;"
    "--have:#9a4d00;--bad:#b3261e;--good:#17692f}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e4eaf0;--soft:#9aa8b5;--line:#33404d;"
    "--back:#11171d;--card:#1a222b;--want:#6fd08c;--have:#f0b26b;--bad:#ff8a80;--good:#6fd08c}}\n"
    "body{margin:0 auto;max-width:72rem;padding:2rem "
    "1.25rem;background:var(--back);color:var(--ink)"
    ";font:15px/1.5 system-ui,sans-serif}\n"
    "h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .5rem}\n"
    "p.sub{color:var(--soft);margin:.25rem 0 1.5rem}\n"
    "ul.sum{display:flex;flex-wrap:wrap;gap:.75rem;list-style:none;padding:0;margin:0}\n"
    "ul.sum li{background:var(--card);border:1px solid "
    "var(--line);border-radius:.5rem;padding:.6rem "
    "1rem;min-width:7rem}ul.sum b{display:block;font-size:1.5rem}\n"
    ".bad{color:var(--bad)}.good{color:var(--good)}.soft{color:var(--soft)}\n"
    ".wide{overflow-x:auto}table{border-collapse:collapse;table-layout:fixed;width:100%;min-width:"
    "60rem}\n"
    "th,td{text-align:left;vertical-align:top;padding:.45rem .75rem .45rem 0;border-bottom:1px "
    "solid "
    "var(--line)}th{color:var(--soft);font-weight:600;font-size:.85rem}\n"
    "code{font:13px/1.45 ui-monospace,monospace;overflow-wrap:anywhere}\n"
    ".want code{color:var(--want)}.have code{color:var(--have)}\n"
    "span.state{font-size:.8rem;border:1px solid var(--line);border-radius:1rem;padding:.05rem "
    ".6rem;margin-left:.5rem;font-weight:400;color:var(--soft)}\n"
    "footer{margin-top:2.5rem;color:var(--soft);font-size:.85rem}\n"
    "</style>\n</head>\n<body>\n";

static void count(struct str *out, size_t n, const char *what, const char *paint)
{
    str_addf(out, "<li><b class=\"%s\">%zu</b>%s</li>\n", paint, n, what);
}

static void value_cell(struct str *out, const char *class, const char *value)
{
    str_addf(out, "<td class=\"%s\">", class);
    if (value) {
        str_add(out, "<code>");
        markup_add(out, value);
        str_add(out, "</code>");
    } else {
        str_add(out, "<span class=\"soft\">none</span>");
    }
    str_add(out, "</td>");
}

static void add_row(const struct drift_item *item, struct str *out)
{
    const struct difference *d = item->found;

    str_add(out, "<tr><td>");
    markup_add(out, d->object);
    str_add(out, "</td><td><code>");
    markup_add(out, d->change.field);
    str_add(out, "</code></td>");
    value_cell(out, "want", d->change.want);
    value_cell(out, "have", d->change.have);
    str_add(out, "<td>");
    markup_add(out, d->cause ? d->cause : "");
    str_addf(out, "</td><td%s>%s</td></tr>\n", d->left == LEFT_NOT ? "" : " class=\"soft\"",
             drift_fate(d));
}

static void add_app(const struct drift_report *r, const struct plan_app *app, size_t from,
                    size_t to, struct str *out)
{
    str_add(out, "<h2>");
    markup_add(out, app->name);
    str_addf(out, "<span class=\"state\">%s</span></h2>\n", app_state_name(app->state));
    if (app->origin) {
        str_add(out, "<p class=\"sub\"><code>");
        markup_add(out, app->origin);
        str_add(out, "</code></p>\n");
    }
    str_add(out, "<div class=\"wide\"><table>\n<thead><tr><th>Object</th><th>Field</th><th>Wanted"
                 "</th><th>Found</th><th>Cause</th><th>What becomes of it</th></tr></thead>\n"
                 "<tbody>\n");
    for (size_t i = from; i < to; i++)
        add_row(&r->items[i], out);
    str_add(out, "</tbody></table></div>\n");
}

void drift_html(const struct drift_report *r, struct str *out)
{
    size_t found = drift_count(r->items, r->n), apps = drift_apps(r), at = 0;
    CLEANUP(str_release) struct str time = STR_INIT;

    str_add_time(&time, r->now_ms);
    str_add(out, head);
    str_add(
        out,
        "<h1>Drift</h1>\n<p class=\"sub\">What somebody else changed, as evenkeel \xe2\x80\x9c");
    markup_add(out, r->owner);
    str_addf(out, "\xe2\x80\x9d saw it at %s</p>\n<ul class=\"sum\">\n", str_text(&time));
    count(out, found, found == 1 ? "difference" : "differences", found ? "bad" : "good");
    count(out, apps, apps == 1 ? "app drifted" : "apps drifted", apps ? "bad" : "good");
    count(out, r->plan->n_apps - apps, "as brought up", "good");
    if (r->n > found)
        count(out, r->n - found, "ignored", "soft");
    str_add(out, "</ul>\n");
    for (size_t i = 0; i < r->plan->n_apps; i++) {
        size_t from = at;

        while (at < r->n && strcmp(r->items[at].app, r->plan->apps[i].name) == 0)
            at++;
        if (at > from)
            add_app(r, &r->plan->apps[i], from, at, out);
    }
    if (r->n == 0)
        str_add(out, "<p>No drift: what runs is what was brought up.</p>\n");
    str_add(out, "<footer>");
    if (r->engine) {
        str_add(out, "Docker Engine ");
        markup_add(out, r->engine);
        str_add(out, ". ");
    }
    str_add(out, "Values that may be secret are not shown.</footer>\n</body>\n</html>\n");
}
