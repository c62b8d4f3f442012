/* validate.h: the rules that need more than one value to be seen: within a service, and within an app. Rules across apps live in
 * desired.c, which sees them all. */
#ifndef EK_VALIDATE_H
#define EK_VALIDATE_H

struct app_draft;
struct decode_ctx;

/* In a flat app a short name declares itself: every network and volume that the one service uses becomes the app's. */
void draft_declare(struct decode_ctx *c, struct app_draft *d);

/* Complains about everything that is wrong; services, networks and volumes are sorted. */
void validate_app(struct decode_ctx *c, const struct app_draft *d);

#endif
