/* compose_list.h: lists of Compose that are more than lists: those that may also be written as mappings, and those with one entry per key. Only compose_merge.c
 * includes this, and compose_service.c for the environment. */
#ifndef EK_COMPOSE_LIST_H
#define EK_COMPOSE_LIST_H

#include "spec/compose_vars.h"

/* KEY=VALUE entries as a mapping, later ones winning; names alone become null. Anything else is returned as it is. */
const struct yaml_node *compose_pairs(struct compose_fill *f, const struct yaml_node *v);
/* HOST=ADDRESS and HOST:ADDRESS, a mapping HOST: ADDRESS or HOST: [ADDRESS], as a list HOST=ADDRESS. */
const struct yaml_node *compose_hosts(struct compose_fill *f, const struct yaml_node *v);
/* A text as a list of one. */
const struct yaml_node *compose_texts(struct compose_fill *f, const struct yaml_node *v);

/* What must be unique in a list, in the arena; NULL: nothing. */
typedef const char *compose_key_fn(struct arena *a, const struct yaml_node *item);
const char *compose_key_text(struct arena *a, const struct yaml_node *item);   /* the text itself */
const char *compose_key_volume(struct arena *a, const struct yaml_node *item); /* target */
const char *compose_key_secret(struct arena *a,
                               const struct yaml_node *item); /* path in the container */
const char *compose_key_config(struct arena *a, const struct yaml_node *item); /* the same */
const char *compose_key_port(struct arena *a,
                             const struct yaml_node *item); /* ip, ports, protocol */
const char *compose_key_device(struct arena *a,
                               const struct yaml_node *item); /* path in the container */
const char *compose_key_path(struct arena *a, const struct yaml_node *item); /* path of env_file */
const char *compose_key_subnet(struct arena *a, const struct yaml_node *item); /* of ipam */

/* base's entries, then over's; an entry whose key was there already takes the earlier one's position. */
const struct yaml_node *compose_append(struct compose_fill *f, const struct yaml_node *base,
                                       const struct yaml_node *over, compose_key_fn *key);

#endif
