/* web_keeper.h: keeps the agent's listeners open: tries again while a port is taken, says so once, and never keeps the agent from its work. */
#ifndef EK_WEB_KEEPER_H
#define EK_WEB_KEEPER_H

#include <stdbool.h>

struct desired;
struct door;
struct gateway;
struct http;
struct observed;
struct web_keeper;

/* listen: "ADDR:PORT" or "none", as options_parse let it pass. Opens what can be opened now; the rest when it can be. door (borrowed) may be NULL: then
 * what is not for everybody is not there, and nothing listens beyond this machine. */
struct web_keeper *web_keeper_new(struct http *http, const char *listen, struct door *door);
/* NULL is fine; at most some 6 s after web_keeper_leave; false: the door must stay (web_free). */
bool web_keeper_free(struct web_keeper *k);
/* Requests may name the hosts of these apps' routes. */
void web_keeper_desired(struct web_keeper *k, const struct desired *d);
/* Traefik reaches the agent by the network of the builtin app `app` of this owner, as far as there is one: stand there, for it alone, and tell the gateway where. */
void web_keeper_observed(struct web_keeper *k, const struct observed *o, const char *owner,
                         const char *app, struct gateway *gateway);
/* New requests are refused from now on, those in hand go on. */
void web_keeper_leave(struct web_keeper *k);

#endif
