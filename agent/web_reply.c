/* The head of a reply.
 *
 * Comes in: a reply. Goes out: its status line and headers (RFC 9112). What keeps browsers from being too clever (no sniffing, no framing, nothing stored) is in each of them, unless the handler said
 * otherwise. */
#include "agent/web_reply.h"

#include "agent/web_route.h"
#include "spec/base/str.h"

static const char *status_words(int status)
{
    switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 507: return "Insufficient Storage";
    default: return "Error";
    }
}

void web_reply_head(const struct web_reply *r, const char *framing, struct str *out)
{
    struct tm tm;
    time_t now = time(NULL);
    char date[40];

    (void)gmtime_r(&now, &tm);
    (void)strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
    str_addf(out,
             "HTTP/1.1 %d %s\r\nDate: %s\r\nServer: evenkeel\r\nConnection: close\r\n"
             "Content-Type: %s\r\n%sCache-Control: no-store\r\n"
             "X-Content-Type-Options: nosniff\r\n",
             r->status, status_words(r->status), date, r->type, framing);
    str_add(out, str_text(&r->headers));
    if (!strstr(str_text(&r->headers), "Referrer-Policy:"))
        str_add(out, "Referrer-Policy: no-referrer\r\n");
    if (!strstr(str_text(&r->headers), "Content-Security-Policy:"))
        str_add(out, "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n");
    str_add(out, "\r\n");
}
