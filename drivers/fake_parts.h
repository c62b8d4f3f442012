/* fake_parts.h: what the rooms of the pretended engine share: finding and adding objects, and one function per kind of operation.
 * Private to fake_world.c, fake_net.c and fake_container.c. Operations return 0, or -1 with ret->err set. */
#ifndef EK_FAKE_PARTS_H
#define EK_FAKE_PARTS_H

#include <jansson.h>

#include "drivers/fake_world.h"

/* By id or name; NULL when there is none. Valid until something is added or removed. */
struct fake_container *fake_container_of(const struct fake_world *w, const char *object);
struct obs_network *fake_network_of(const struct fake_world *w, const char *object);
struct obs_volume *fake_volume_of(const struct fake_world *w, const char *name);
struct obs_image *fake_image(struct fake_world *w,
                             const char *ref); /* never NULL; id NULL: not there */
void fake_add_network(struct fake_world *w, struct obs_network n);
void fake_add_volume(struct fake_world *w, struct obs_volume v);
bool fake_same_owner(const struct kvs *a, const struct kvs *b);
bool fake_ends_by_itself(const char *restart); /* restart policy; NULL: the engine's default */
int fake_no_such(struct err *e, const char *what, const char *object);

/* fake_net.c */
void fake_attach(struct fake_world *w, struct fake_container *c, const struct obs_network *n,
                 const json_t *endpoint);
int fake_network_create(struct fake_world *w, const struct op *op, struct op_result *ret);
int fake_network_remove(struct fake_world *w, const struct op *op, struct op_result *ret);
int fake_network_connect(struct fake_world *w, const struct op *op, struct op_result *ret);
int fake_network_disconnect(struct fake_world *w, const struct op *op, struct op_result *ret);
int fake_volume_create(struct fake_world *w, const struct op *op, struct op_result *ret);
int fake_volume_remove(struct fake_world *w, const struct op *op, struct op_result *ret);
void fake_add_record(struct fake_world *w, struct quarantine_record r);
int fake_volume_quarantine(struct fake_world *w, const struct op *op, struct op_result *ret);
int fake_volume_release(struct fake_world *w, const struct op *op, struct op_result *ret);

/* fake_container.c */
void fake_hook_ran(struct fake_world *w, const struct obs_hook *h);
int fake_container_create(struct fake_world *w, const struct op *op, struct op_result *ret);
/* fake_route.c */
void fake_route_take(struct fake_world *w, const struct obs_route *r);
int fake_route_write(struct fake_world *w, const struct op *op, struct op_result *ret);
int fake_route_see(struct fake_world *w, const struct op *op, struct op_result *ret);
void fake_route_started(struct fake_world *w,
                        const struct fake_container *c); /* Traefik reads all files */
void fake_route_observed(const struct fake_world *w, struct obs_route *ret); /* room for all */

/* Everything that is done to a container that exists. */
int fake_container_live(struct fake_world *w, const struct op *op, struct op_result *ret);

#endif
