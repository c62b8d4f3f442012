/* ingress_words.h: what people are told of the way to their apps: addresses, certificates that end, and who can reach whom. Pure. */
#ifndef EK_INGRESS_WORDS_H
#define EK_INGRESS_WORDS_H

#include "spec/desired.h"

/* The addresses of an app's routes in one line, the first three of many; NULL when it has none. In the arena. */
const char *ingress_words_addresses(const struct want_app *app, struct arena *a);

struct
    ingress_certificate { /* of a route's own; those that Traefik gets by itself it renews by itself */
    const char *app, *name; /* of the secret, in full */
    int64_t not_after_ms;
};
/* Those that routes of these apps name, in the order of apps. */
void ingress_words_certificates(const struct desired *d, const struct spec_set *set,
                                struct arena *a, struct ingress_certificate **ret, size_t *ret_n);
/* One line for each that ends within three weeks, with what to do about it. In the arena. */
void ingress_words_ending(const struct ingress_certificate *v, size_t n, int64_t now_ms,
                          struct arena *a, struct strv *ret);
/* A line about the ingress mode that people should know, or NULL. In the arena. */
const char *ingress_words_mode(const struct desired *d, struct arena *a);

#endif
