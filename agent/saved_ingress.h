/* saved_ingress.h: what routes depend on, as a part of a saved pass. For saved.c. */
#ifndef EK_SAVED_INGRESS_H
#define EK_SAVED_INGRESS_H

#include "spec/base/js.h"
#include "spec/desired.h"

json_t *saved_ingress_settings(const struct ingress_settings *g);
/* What is absent (a pass saved before there were routes) has its default; no folder, so no Traefik. */
void saved_ingress_settings_from(const json_t *v, struct arena *a, struct ingress_settings *ret);

/* Names, digests and ends of secrets, and which apps have a route file, into the pass. */
void saved_ingress_add(const struct spec_set *set, json_t *pass);
void saved_ingress_from(const json_t *pass, struct arena *a, struct spec_set *set);

#endif
