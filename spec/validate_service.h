/* validate_service.h: the rules across the fields of one service. */
#ifndef EK_VALIDATE_SERVICE_H
#define EK_VALIDATE_SERVICE_H

struct decode_ctx;
struct service_draft;

/* Complains about values that contradict each other or that the engine would refuse together. Of several platforms of a build it takes the one. */
void validate_service(struct decode_ctx *c, struct service_draft *d);

#endif
