/* ingress.c: what holds for the ingress when the configuration says nothing. */
#include "spec/ingress.h"

#include "spec/base/arena.h"

void ingress_defaults(struct ingress_settings *ret)
{
    *ret = (struct ingress_settings){.mode = INGRESS_MANAGED,
                                     .http = 80,
                                     .https = 443,
                                     .image = INGRESS_DEFAULT_IMAGE,
                                     .network = INGRESS_DEFAULT_NETWORK};
}

const char *ingress_app_name(const char *owner, struct arena *a)
{
    return strcmp(owner, "default") == 0 ? "evenkeel" : arena_printf(a, "evenkeel-%s", owner);
}

const char *ingress_network_name(const char *owner, struct arena *a)
{
    return arena_printf(a, "0--%s", ingress_app_name(owner, a));
}
