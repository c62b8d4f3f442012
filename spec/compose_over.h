/* compose_over.h: an `app:` document whose source is a Compose file. */
#ifndef EK_COMPOSE_OVER_H
#define EK_COMPOSE_OVER_H

struct app;
struct app_draft;
struct decode_ctx;

/* d is what the Compose file holds, over the one service of the document. What the document says of the app as a whole holds; its routes (instead of all in the file),
 * port, named volumes, secrets, variables and GPUs go to the main service (compose_main.h). Complains about other keys, and when no service is the main one. */
void compose_over(struct decode_ctx *c, const struct app *over, struct app_draft *d);

#endif
