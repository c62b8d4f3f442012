/* desired_ingress.h: Traefik as an app that no file holds. */
#ifndef EK_DESIRED_INGRESS_H
#define EK_DESIRED_INGRESS_H

#include <stdbool.h>

struct arena;
struct desired;
struct kvs;
struct settings;
struct spec_set;
struct str;
struct want_app;

#define INGRESS_ORIGIN_ROOT                                                                        \
    "evenkeel" /* the origin label of the builtin app is evenkeel//ingress */
#define INGRESS_ORIGIN_FILE "ingress"

/* Is the managed Traefik needed? Yes while an app has a route, and while one that had one is still there (set->routed). */
bool desired_ingress_needed(const struct spec_set *set, const struct settings *settings,
                            const struct desired *d, const struct kvs *incumbents);

/* The builtin app, through the same defaults as every other. ret must stay where it is. */
void desired_ingress_build(const struct spec_set *set, const struct settings *settings,
                           struct arena *a, struct str *scratch, struct want_app *ret);

#endif
