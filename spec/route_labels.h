/* route_labels.h: the labels by which any Traefik with the Docker provider finds an app.
 *
 * Complete by themselves: never a name of another provider. Every name ends in a hash of everything that shapes it, since Traefik drops both
 * of two different definitions under one name. Secrets never reach a label: a route behind basic_auth gets none at all. */
#ifndef EK_ROUTE_LABELS_H
#define EK_ROUTE_LABELS_H

#include "spec/base/str.h"

struct arena;
struct ingress_settings;
struct want_app;
struct want_service;

/* Adds to labels, whose texts live in the arena. A service without routes gets traefik.enable=false in external mode and nothing in managed mode;
 * mode none adds nothing. A port that is not known before the image is pulled is left out: Traefik then takes the lowest that the image exposes. */
void route_labels(const struct want_app *app, const struct want_service *s,
                  const struct ingress_settings *g, struct arena *a, struct kvs *labels);

#endif
