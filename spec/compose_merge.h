/* compose_merge.h: one Compose file over another, as trees.
 *
 * Mappings merge, lists append, single values are replaced; null changes nothing. command, entrypoint and healthcheck.test are replaced whole; what may be written as a
 * list or as a mapping (environment, labels, networks, ...) merges by name; volumes, secrets and configs are one per target in the container, ports one per address, both
 * ports and protocol. `!override` replaces whatever was there, `!reset` takes it away. Every value keeps the place it came from. The trees given are not changed, and
 * the result shares their nodes. Source: github.com/compose-spec/compose-spec, 13-merge.md. */
#ifndef EK_COMPOSE_MERGE_H
#define EK_COMPOSE_MERGE_H

#include "spec/compose_vars.h"

/* Both are documents. What does not fit together is complained about, and over's stands. */
const struct yaml_node *compose_merge(struct compose_fill *f, const struct yaml_node *base,
                                      const struct yaml_node *over);
/* Both are services called name; the result has over's place. */
const struct yaml_node *compose_merge_service(struct compose_fill *f, const char *name,
                                              const struct yaml_node *base,
                                              const struct yaml_node *over);
/* Without `!reset` (and the keys that bear it) and `!override`. */
const struct yaml_node *compose_strip(struct compose_fill *f, const struct yaml_node *v);

/* ---- for whoever builds trees ---- */

/* A mapping like v with room for n pairs, and none in it yet. */
struct yaml_node *compose_map_like(struct compose_fill *f, const struct yaml_node *v, size_t n);
/* The value of key replaced by value, or added (at value's place); a copy of map. */
const struct yaml_node *compose_with(struct compose_fill *f, const struct yaml_node *map,
                                     const char *key, const struct yaml_node *value);
const struct yaml_node *compose_without(struct compose_fill *f, const struct yaml_node *map,
                                        const char *key);

#endif
