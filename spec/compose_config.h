/* compose_config.h: an app as one Compose file that needs no other, the way `docker compose config` prints one. */
#ifndef EK_COMPOSE_CONFIG_H
#define EK_COMPOSE_CONFIG_H

#include "spec/document.h"

struct yaml_node;

/* The tree to print for a document that was decoded without errors, in the arena: variables filled in, every value in its long form, paths absolute, env files read, networks, volumes, configs and
 * secrets that nobody uses left out, names of the engine's objects written down, platform keys under x-evenkeel. dir: the folder of the file. Its `$` are doubled, so that it is read as it is meant. NULL when
 * the document is no app. Source: github.com/compose-spec/compose-spec. */
const struct yaml_node *compose_config(const struct document *d, const char *dir, struct arena *a);

#endif
