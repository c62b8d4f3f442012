/* forms_link.h: what services of an app take from each other. */
#ifndef EK_FORMS_LINK_H
#define EK_FORMS_LINK_H

struct app_draft;
struct decode_ctx;

/* Whoever has a link starts after it; volumes_from becomes mounts. Before validation. */
void links_join(struct decode_ctx *c, struct app_draft *d);

#endif
