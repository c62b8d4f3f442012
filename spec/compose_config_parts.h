/* compose_config_parts.h: what the rooms behind compose_config.h share. Nobody else includes this. */
#ifndef EK_COMPOSE_CONFIG_PARTS_H
#define EK_COMPOSE_CONFIG_PARTS_H

#include "spec/compose_vars.h"
#include "spec/decode.h"

struct config_run {
    struct decode_ctx c;
    struct compose_fill fill;
    struct yaml_file file;
    struct strv reads;
    const char *name; /* of the app */
    const struct yaml_node *tree;
};

/* Keys of the top-level sections that some service uses. */
struct config_used {
    struct strv networks, volumes, configs, secrets;
};

/* How the value of a key is written; NULL: it is left out. */
struct config_rule {
    const char *key;
    const struct yaml_node *(*rewrite)(struct config_run *g, const struct yaml_node *v);
};

struct yaml_node *config_node(struct config_run *g, enum yaml_kind kind, const char *text);
struct yaml_node *config_map(struct config_run *g, size_t room);
struct yaml_node *config_list(struct config_run *g, size_t room);
/* Replaces, or adds; nothing when value (or text) is NULL. */
void config_put(struct yaml_node *map, const char *key, const struct yaml_node *value);
void config_put_text(struct config_run *g, struct yaml_node *map, const char *key,
                     const char *text);
void config_put_true(struct config_run *g, struct yaml_node *map, const char *key, bool yes);
void config_push(struct yaml_node *list, const struct yaml_node *item);

/* A mapping with each value written by its key's rule; other values stay. There is room for n more keys. */
const struct yaml_node *config_members(struct config_run *g, const struct yaml_node *v,
                                       const struct config_rule *rules, size_t n);
const struct yaml_node *config_strings(struct config_run *g, const struct strv *l);
const struct yaml_node *config_bytes(struct config_run *g, const struct yaml_node *v);
const struct yaml_node *config_duration(struct config_run *g, const struct yaml_node *v);
const struct yaml_node *config_hosts(struct config_run *g, const struct yaml_node *v);
const struct yaml_node *config_labels(struct config_run *g, const struct yaml_node *v);
const struct yaml_node *config_pairs(struct config_run *g, const struct yaml_node *v);
const struct yaml_node *config_path(struct config_run *g, const struct yaml_node *v);
const struct yaml_node *config_text(struct config_run *g, const struct yaml_node *v);
const struct yaml_node *config_texts(struct config_run *g, const struct yaml_node *v);
const struct yaml_node *config_words(struct config_run *g, const struct yaml_node *v);
/* A list of names or a mapping as a mapping; one is called with NULL for a name of a list. */
const struct yaml_node *config_names(struct config_run *g, const struct yaml_node *v,
                                     const struct yaml_node *(*one)(struct config_run *g,
                                                                    const struct yaml_node *v));

/* ---- compose_config_service.c ---- */

/* Adds to v, a service, the dependencies that follow from other keys of it, such as `network_mode: service:NAME`. There must be room for one more key. */
void config_implied(struct config_run *g, struct yaml_node *v);
/* The value of a service's key, not null. */
const struct yaml_node *config_service_value(struct config_run *g, const char *key,
                                             const struct yaml_node *v);

#endif
