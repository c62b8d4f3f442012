/* Which handler answers a request.
 *
 * Comes in: method and path. Goes out: a reply. Paths are compared to the byte, undecoded, so that no spelling of a path slips past a rule in front of us (Traefik's, a firewall's). */
#include "agent/web_route.h"

#include "agent/web_page.h"
#include "spec/ingress.h"

void web_reply_text(struct web_reply *ret, int status, const char *text)
{
    ret->status = status;
    ret->type = "text/plain; charset=utf-8";
    str_clear(&ret->body);
    str_addf(&ret->body, "%s\n", text);
}

/* What is in the body is a page. */
static void reply_page(const struct web_request *r, int status, struct web_reply *ret)
{
    ret->status = status;
    ret->type = r->html ? "text/html; charset=utf-8" : "text/plain; charset=utf-8";
    if (r->html) {
        str_add(&ret->headers, "Content-Security-Policy: ");
        web_page_policy(&ret->headers, false);
        str_add(&ret->headers, "\r\n");
    }
}

static void reply_missing(const struct web_request *r, struct web_reply *ret)
{
    web_page_missing(&ret->body, r->html, r->host, r->path, r->behind);
    reply_page(r, 404, ret);
}

static bool takes(const struct web_row *row, const char *method)
{
    return strcmp(row->method, method) == 0 ||
           (strcmp(row->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

void web_route(const struct web_row *rows, size_t n, const struct web_request *r,
               struct web_reply *ret)
{
    CLEANUP(str_release) struct str allow = STR_INIT;

    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].path, r->path) != 0)
            continue;
        if (takes(&rows[i], r->method)) {
            rows[i].run(r, ret);
            return;
        }
        str_addf(&allow, "%s%s%s", allow.len > 0 ? ", " : "", rows[i].method,
                 strcmp(rows[i].method, "GET") == 0 ? ", HEAD" : "");
    }
    if (allow.len == 0) {
        reply_missing(r, ret);
        return;
    }
    web_reply_text(ret, 405, "405: this address does not take that method");
    str_addf(&ret->headers, "Allow: %s\r\n", str_text(&allow));
}

static void answer_healthz(const struct web_request *r, struct web_reply *ret)
{
    (void)r;
    web_reply_text(ret, 200, "ok");
}

/* Traefik shows it in place of an app that nobody serves. */
static void answer_unavailable(const struct web_request *r, struct web_reply *ret)
{
    web_page_unavailable(&ret->body, r->html);
    reply_page(r, 503, ret);
    str_add(&ret->headers, "Retry-After: 5\r\n");
}

const struct web_row *web_route_rows(size_t *ret_n)
{
    static const struct web_row rows[] = {
        {"GET", "/healthz", answer_healthz},
        {"GET", INGRESS_UNAVAILABLE, answer_unavailable},
    };

    *ret_n = ARRAY_LEN(rows);
    return rows;
}
