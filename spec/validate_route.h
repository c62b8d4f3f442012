/* validate_route.h: the rules across the routes of one app. */
#ifndef EK_VALIDATE_ROUTE_H
#define EK_VALIDATE_ROUTE_H

struct app_draft;
struct decode_ctx;

void validate_routes(struct decode_ctx *c, const struct app_draft *d);

#endif
