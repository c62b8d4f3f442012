/* The pages that the agent shows.
 *
 * Comes in: what a request asked for. Goes out: a page that stands alone, in text or HTML. No script, no image, nothing loaded from anywhere; the style is allowed by its hash. */
#include "agent/web_page.h"

#include <openssl/evp.h>

#define SHOWN_MAX 200

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1d2733;--soft:#5b6b7b;--line:#d5dde5;--back:#f6f8fa;"
    "--card:#fff}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e4eaf0;--soft:#93a3b3;--line:#32404e;"
    "--back:#12181f;--card:#1a222b}}"
    "*{box-sizing:border-box}"
    "body{margin:0;min-height:100vh;display:grid;grid-template-columns:minmax(0,1fr);"
    "place-items:center;padding:1.5rem;"
    "background:var(--back);color:var(--ink);font:16px/1.55 system-ui,sans-serif}"
    "main{width:100%;max-width:38rem;background:var(--card);border:1px solid var(--line);"
    "border-radius:10px;padding:2rem}"
    "p.code{margin:0;color:var(--soft);font-size:.9rem}"
    "h1{margin:.2rem 0 1rem;font-size:1.45rem;line-height:1.3;overflow-wrap:anywhere}"
    "code,pre{font:.9em/1.5 ui-monospace,monospace}"
    "pre{margin:1rem 0;padding:.9rem 1rem;background:var(--back);border:1px solid var(--line);"
    "border-radius:6px;overflow-x:auto}"
    "h2{margin:2rem 0 .5rem;font-size:1.1rem}"
    "input,button{font:inherit;padding:.45rem .6rem;border:1px solid var(--line);"
    "border-radius:6px;background:var(--back);color:var(--ink)}"
    "input{width:100%}button{cursor:pointer;padding:.45rem 1.2rem}"
    "input[type=file]{padding:.45rem}"
    "table{width:100%;border-collapse:collapse;font-size:.9rem}"
    "th,td{text-align:left;vertical-align:top;padding:.35rem .5rem .35rem 0;"
    "border-bottom:1px solid var(--line);overflow-wrap:anywhere}"
    "footer{margin-top:1.5rem;padding-top:1rem;border-top:1px solid var(--line);"
    "color:var(--soft);font-size:.9rem}";

static void escape_html(struct str *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&': str_add(out, "&amp;"); break;
        case '<': str_add(out, "&lt;"); break;
        case '>': str_add(out, "&gt;"); break;
        case '"': str_add(out, "&quot;"); break;
        case '\'': str_add(out, "&#39;"); break;
        default: str_addc(out, *text);
        }
    }
}

static void add_shown(struct str *out, const char *text, size_t max, bool html)
{
    CLEANUP(str_release) struct str cut = STR_INIT, plain = STR_INIT;
    size_t n = strnlen(text, max);

    /* not in the middle of a character */
    while (text[n] && n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
        n--;
    str_addn(&cut, text, n);
    str_add_escaped(&plain, str_text(&cut));
    if (html)
        escape_html(out, str_text(&plain));
    else
        str_add(out, str_text(&plain));
    if (text[n])
        str_add(out, "...");
}

void web_page_escape(struct str *out, const char *text, size_t max)
{
    add_shown(out, text, max, true);
}

void web_page_begin(struct str *out, const char *title)
{
    str_addf(out,
             "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
             "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
             "<title>%s</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n",
             title, style);
}

void web_page_end(struct str *out)
{
    str_add(out, "<footer>evenkeel keeps this server in the state that its files "
                 "describe.</footer>\n</main>\n</body>\n</html>\n");
}

static void add_html(struct str *out, const char *host, const char *path, bool behind)
{
    web_page_begin(out, "404: nothing answers here");
    str_add(out, "<p class=\"code\">404</p>\n<h1>Nothing answers at <code>");
    add_shown(out, host, SHOWN_MAX, true);
    add_shown(out, path, SHOWN_MAX, true);
    str_add(out, "</code></h1>\n");
    if (behind)
        str_add(out, "<p>No app on this server has a route that takes this address. It may be "
                     "misspelt, or its app is not there yet.</p>\n"
                     "<p>Do you run this server? An app gets an address by the key "
                     "<code>route</code> in its file:</p>\n"
                     "<pre>app: blog\nimage: nginx:1.27-alpine\nroute: /blog          # or a host: "
                     "blog.example.org</pre>\n"
                     "<p><code>evenkeel status</code> lists the address of each app.</p>\n");
    else
        str_add(out, "<p>This is the agent's own address, not that of an app. It answers at "
                     "<code>/healthz</code>.</p>\n"
                     "<p>Apps are reached through the ports of the ingress: <code>evenkeel "
                     "status</code> lists the address of each.</p>\n");
    web_page_end(out);
}

void web_page_missing(struct str *out, bool html, const char *host, const char *path, bool behind)
{
    if (html) {
        add_html(out, host, path, behind);
        return;
    }
    str_add(out, "404: nothing answers at ");
    add_shown(out, host, SHOWN_MAX, false);
    add_shown(out, path, SHOWN_MAX, false);
    str_add(out, behind ? "\n\nNo app on this server has a route that takes this address. An app "
                          "gets one by the key `route` in its file\n"
                          "(`route: /blog`, or `route: blog.example.org`); `evenkeel status` lists "
                          "the address of each app.\n"
                        : "\n\nThis is the address of the evenkeel agent itself. It answers at "
                          "/healthz; `evenkeel status` lists the address\nof each app.\n");
}

void web_page_unavailable(struct str *out, bool html)
{
    if (!html) {
        str_add(out, "503: the app that has this address does not answer just now\n\nIt is being "
                     "started, or was stopped. Try again in a moment. For who runs this server: "
                     "`evenkeel status`\nsays what it waits for.\n");
        return;
    }
    web_page_begin(out, "503: not available just now");
    str_add(out, "<p class=\"code\">503</p>\n<h1>This app does not answer just now</h1>\n"
                 "<p>The address is right. The app that has it is being started, or was stopped. "
                 "Try again in a moment.</p>\n"
                 "<p>Do you run this server? <code>evenkeel status</code> says what it waits "
                 "for.</p>\n");
    web_page_end(out);
}

static void add_policy(struct str *out, const char *css, size_t len, bool forms)
{
    unsigned char sum[EVP_MAX_MD_SIZE], text[2 * EVP_MAX_MD_SIZE];
    unsigned n = 0;

    if (EVP_Digest(css, len, sum, &n, EVP_sha256(), NULL) != 1)
        n = 0; /* then no style is taken: the page is plain, and as safe */
    (void)EVP_EncodeBlock(text, sum, (int)n);
    str_addf(out,
             "default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action %s; "
             "frame-ancestors 'none'",
             (const char *)text, forms ? "'self'" : "'none'");
}

void web_page_policy(struct str *out, bool forms)
{
    add_policy(out, style, sizeof(style) - 1, forms);
}

void web_page_policy_of(struct str *out, const char *html)
{
    const char *from = strstr(html, "<style>"), *to = from ? strstr(from, "</style>") : NULL;

    add_policy(out, from ? from + 7 : "", to ? (size_t)(to - from) - 7 : 0, false);
}
