/* yaml_node.h: what yaml.c needs to know about single nodes: the types and tags of scalars.
 *
 * Only yaml.c includes this; yaml_get and yaml_kind_name in yaml.h are the public part. */
#ifndef EK_YAML_NODE_H
#define EK_YAML_NODE_H

#include "spec/yaml.h"

/* The kind of an unquoted scalar. */
enum yaml_kind yaml_scalar_kind(const char *text);

/* Apply a tag as libyaml delivers it: kept on the node (!reset, !override), changing its kind (!!str, !!int, !).
 * Returns 0, or -1 when the tag is unknown or does not fit. */
int yaml_node_set_tag(struct yaml_node *node, const char *tag);

/* After kind and tag are known: the text of null becomes "", of booleans "true" or "false". */
void yaml_scalar_settle(struct yaml_node *node);

#endif
