/* drift_fields.h: a container that has the wanted hash, field by field: what a hand changed on it. */
#ifndef EK_DRIFT_FIELDS_H
#define EK_DRIFT_FIELDS_H

#include <stdbool.h>

struct app_work;
struct obs_container;
struct replica;

/* True if the container, which has the wanted hash, cannot stay: something differs that only a new one has right, and `drift:` neither ignores nor
 * only reports it. False all the same where a new one would lose what is in an anonymous volume, or run a finished job again: a hand's
 * change alone is no reason for that. */
bool drift_fields_replace(struct app_work *p, const struct replica *r,
                          const struct obs_container *c);
/* Note what differs on the keeper, and fill r->update and r->reconnect with what is to be put right in place. */
void drift_fields_judge(struct app_work *p, struct replica *r);
/* Note what differs on a container that is replaced because of it, with r->changes. */
void drift_fields_explain(struct app_work *p, struct replica *r, const struct obs_container *c);

#endif
