/* config_ingress.h: `ingress:` of the agent's configuration file, while it is decoded. */
#ifndef EK_CONFIG_INGRESS_H
#define EK_CONFIG_INGRESS_H

#include "spec/ingress.h"
#include "spec/value.h"

struct decode_ctx;
struct form;
struct table;
struct yaml_node;

struct ingress_draft {
    struct ingress_settings s;
    struct num http, https;
};

extern const struct form form_ingress; /* struct ingress_draft: a word, or a mapping */
extern const struct table fields_config_ingress, fields_config_acme;

/* Fills what was not said, and complains about what does not fit together. v: the configuration, or NULL for none. */
void config_ingress_finish(struct decode_ctx *c, const struct yaml_node *v,
                           const struct ingress_draft *d, struct ingress_settings *ret);

#endif
