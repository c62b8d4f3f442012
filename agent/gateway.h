/* gateway.h: what the agent does around the managed Traefik: makes its folders, hands it secrets and the platform's own routes.
 *
 * Only who converges has one (the agent, apply), and only when Traefik is managed; NULL is fine everywhere and does nothing. Loop thread. */
#ifndef EK_GATEWAY_H
#define EK_GATEWAY_H

#include <stdbool.h>

struct desired;
struct gateway;
struct router;

/* state: STATE; router borrowed. */
struct gateway *gateway_new(const char *state, struct router *router);
void gateway_free(struct gateway *g); /* NULL is fine */
/* Where Traefik finds the agent ("http://10.213.0.1:5001"), NULL: nowhere. Takes effect with the next gateway_keep. */
void gateway_agent_at(struct gateway *g, const char *url);
/* Before anything of this desired state is carried out: every file is there that its routes name. Costs nothing when it is the same as before. Trouble is logged
 * once; what it concerns then fails by itself and is told with the app. */
void gateway_keep(struct gateway *g, const struct desired *d);
/* Desired state was built anew: gateway_keep looks again. */
void gateway_stale(struct gateway *g);

#endif
