/* web_page.h: the pages that the agent shows, as text or HTML. Pure; everything that comes from a request is escaped here. */
#ifndef EK_WEB_PAGE_H
#define EK_WEB_PAGE_H

#include <stdbool.h>

#include "spec/base/str.h"

/* Text for HTML, inside an element or a quoted attribute: the five special characters as references; control characters, those that turn the direction of writing
 * and invalid UTF-8 as \xNN. At most max bytes of text, then an ellipsis. */
void web_page_escape(struct str *out, const char *text, size_t max);
/* Nobody answers here. host as web_host_parse gives it; path as it was sent. behind: the request came through Traefik, so a route could have taken it. */
void web_page_missing(struct str *out, bool html, const char *host, const char *path, bool behind);
/* The app that has this address does not answer: it is being started, or was stopped. */
void web_page_unavailable(struct str *out, bool html);
/* The frame of each page, with its style; between them what is inside <main>. */
void web_page_begin(struct str *out, const char *title);
void web_page_end(struct str *out);
/* The Content-Security-Policy under which the pages' own style, and nothing else, is taken; forms, if there are any, go to where they came from. */
void web_page_policy(struct str *out, bool forms);

/* The same for a page whose style is not ours: only what stands in its one <style>. */
void web_page_policy_of(struct str *out, const char *html);

#endif
