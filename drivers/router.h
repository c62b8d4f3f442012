/* router.h: the managed Traefik from the outside: the folder of route files that it watches, and what it says of them by its API.
 *
 * DIR/routes/APP.yaml holds one app's routers, middlewares and services (spec/route_file.h), 0640 for the group that Traefik runs
 * in, replaced whole by one rename. Each file names itself by a marker, a service APP-seen-DIGEST; when the API knows that name Traefik
 * routes by this very file. The API listens on an entrypoint of its own behind basic authentication (user ROUTER_USER, password
 * from DIR/api-password, read when it is needed and kept nowhere else).
 *
 * Loop thread only. Files are read and written at once (a few kilobytes); calls of the API go through `http` and come back from the
 * loop. Source: Traefik v3 API (doc.traefik.io/traefik/operations/api), file provider. */
#ifndef EK_ROUTER_H
#define EK_ROUTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/observed.h"
#include "spec/base/err.h"

struct http;
struct router;
struct router_wait;

#define ROUTER_USER "evenkeel"
#define ROUTER_GROUP 65532   /* that Traefik runs as; the files are readable for it */
#define ROUTER_API_PORT 8099 /* in its container */

/* dir: STATE/ingress. Nothing is read or made yet. http is borrowed and must outlive the router. */
struct router *router_new(struct http *http, const char *dir);
/* NULL is fine. Open waits and looks end without a callback. */
void router_free(struct router *r);

/* Where its API is now. instance tells one life of Traefik from the next (container id and start); port 0: it does not run. Another
 * instance has yet to be seen to have taken each file. host NULL: the API cannot be reached from here (why says it in words); then a file
 * counts as live some seconds after it was written. */
struct router_api {
    const char *instance, *host, *why;
    int port;
};
void router_at(struct router *r, const struct router_api *api);

/* Make one app's file hold exactly this text (sealed; NULL: no file). Text that is there already is left alone. */
int router_put(struct router *r, const char *app, const char *text, struct err *e);

/* Bring knowledge up to date: all files by their stat, read where that changed (everything), and one call of the API if there
 * are files that are not known to be live. done comes from the loop. What fails leaves knowledge as it was. */
typedef void router_looked_fn(void *user);
void router_look(struct router *r, bool everything, router_looked_fn *done, void *user);

/* Wait until Traefik has taken the app's file as it is now, or its absence: done with ERR_NONE; ERR_USER with Traefik's own words
 * if it refuses a part of it; ERR_RETRY if the deadline (on http_now_ms) passed. done comes once, from the loop. */
typedef void router_seen_fn(void *user, const struct err *why);
struct router_wait *router_see(struct router *r, const char *app, int64_t deadline_ms,
                               router_seen_fn *done, void *user);
void router_see_drop(struct router *r, struct router_wait *w); /* NULL is fine; no callback */

/* What is known of the files, sorted by app; for reading, and there as long as the arena, also when the router is gone. */
void router_observed(struct router *r, struct arena *a, struct obs_route **ret, size_t *ret_n);
/* Calls of the API sent since the beginning. */
uint64_t router_calls(const struct router *r);

/* ---- pure, for the tests and the engine in memory ---- */

/* What a sealed file says of itself: its digest if its marker is right, else ""; and the hosts of its servers, sorted, unique. */
void router_read_file(const char *text, size_t n, const char *app, struct arena *a,
                      const char **ret_digest, struct strv *ret_servers);

#endif
