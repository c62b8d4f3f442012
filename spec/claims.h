/* claims.h: what only one app can have: host ports, routes, container names, names of networks and volumes. First come, first served. */
#ifndef EK_CLAIMS_H
#define EK_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct claims;
struct place;
struct want_app;

struct claims *claims_new(struct arena *a, size_t expected);

/* Claim everything that app needs, or nothing: returns NULL, or why not ("host port 8080/tcp is published by "shop"
 * (apps/shop.yaml:3:5)"), in the arena, with the place of what app asks for. Names within one app are the business of validate.c. */
const char *claims_take(struct claims *c, const struct want_app *app, struct place *ret_at);

/* The route of that key is served by app already: others are refused it, whoever comes first. */
void claims_keep_route(struct claims *c, const char *key, const struct want_app *app,
                       struct place at);

/* Would the engine refuse to listen on both addresses with one port? NULL is every address. */
bool claim_ips_meet(const char *a, const char *b);

#endif
