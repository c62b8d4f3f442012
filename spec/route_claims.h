/* route_claims.h: what must hold before the routes of an app may be served: settings and secrets that they ask for. Who may have which host and path
 * is decided with all other claims (claims.h). */
#ifndef EK_ROUTE_CLAIMS_H
#define EK_ROUTE_CLAIMS_H

struct arena;
struct place;
struct settings;
struct spec_set;
struct want_app;

/* NULL, or why the app is refused, with the next thing to do; ret_at is then the route's place. In the arena. */
const char *route_refused(const struct spec_set *set, const struct settings *settings,
                          const struct want_app *app, struct arena *a, struct place *ret_at);

#endif
