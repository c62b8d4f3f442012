/* validate_service.h: the rules across the fields of one service. */
#ifndef EK_VALIDATE_SERVICE_H
#define EK_VALIDATE_SERVICE_H

struct decode_ctx;
struct service_draft;

/* Complains about values that contradict each other or that the engine would refuse together. */
void validate_service(struct decode_ctx *c, const struct service_draft *d);

#endif
