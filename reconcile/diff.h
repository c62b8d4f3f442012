/* diff.h: why a container is not the one that is wanted, in words. */
#ifndef EK_DIFF_H
#define EK_DIFF_H

#include <stdbool.h>

struct app_work;
struct obs_container;
struct replica;

/* Fill r->changes and r->cause with the fields in which the container differs from what is wanted in its place. */
void diff_container(struct app_work *p, struct replica *r, const struct obs_container *c);
/* Labels that noted the routes at birth say what held then. Where labels are what a router goes by, they are wanted like any other. */
bool diff_is_route_note(const struct replica *r, const char *field);

/* Nothing that the file asks for differs on a container that was adopted (adopt.h). */
bool diff_adopted_matches(struct app_work *p, const struct replica *r,
                          const struct obs_container *c);

#endif
