/* compose_main.h: the main service of a Compose file that came in an archive. */
#ifndef EK_COMPOSE_MAIN_H
#define EK_COMPOSE_MAIN_H

struct app_draft;
struct decode_ctx;
struct service;

/* In an archive whose Compose file has no route, the main service is served at /NAME: the one labelled evenkeel.main=true (or milkcrate.main_service=true), else the only one that has a port.
 * Elsewhere only the first of these labels is taken away, which is no container's. */
void compose_main(struct decode_ctx *c, struct app_draft *d);

/* The main service as above, with its port set where the file says plainly what it listens on; NULL when none is known. */
struct service *compose_main_of(struct app_draft *d);
/* Takes the label evenkeel.main away, which is no container's. */
void compose_main_strip(struct decode_ctx *c, struct app_draft *d);

#endif
