/* detect_pages.h: the last stage of a Dockerfile that serves pages; for the rooms of detection only. */
#ifndef EK_DETECT_PAGES_H
#define EK_DETECT_PAGES_H

#include <stdbool.h>

struct detect_app;

/* Serves folder (of the stage `from`, or of the context) with nginx. one_page: unknown paths show index.html, as applications that route in the browser
 * want. Both texts go into the Dockerfile as they are. */
void detect_pages(struct detect_app *app, const char *from, const char *folder, bool one_page);

#endif
