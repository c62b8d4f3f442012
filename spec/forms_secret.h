/* forms_secret.h: configs and secrets, where services use them and where they are declared. */
#ifndef EK_FORMS_SECRET_H
#define EK_FORMS_SECRET_H

#include "spec/forms.h"

struct app_draft;

extern const struct form form_use_configs; /* struct service_draft: uses */
extern const struct form form_use_secrets;
extern const struct form form_config_map; /* struct app_draft: configs, secrets */
extern const struct form form_secret_map;
extern const struct table fields_use, fields_secret, fields_config_entry;

/* Every config and secret that a service uses becomes a read-only mount of its file. Before validation. */
void secrets_join(struct decode_ctx *c, struct app_draft *d);

#endif
