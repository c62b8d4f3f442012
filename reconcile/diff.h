/* diff.h: why a container is not the one that is wanted, in words. */
#ifndef EK_DIFF_H
#define EK_DIFF_H

struct app_work;
struct obs_container;
struct replica;

/* Fill r->changes and r->cause with the fields in which the container differs from what is wanted in its place. */
void diff_container(struct app_work *p, struct replica *r, const struct obs_container *c);

#endif
