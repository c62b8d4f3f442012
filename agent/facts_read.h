/* facts_read.h: reads one source: everything that the planner must know before it is built. Blocks; for a worker thread. */
#ifndef EK_FACTS_READ_H
#define EK_FACTS_READ_H

#include "spec/facts.h"

struct facts_order { /* what to read */
    struct build build;
    const char *start, *requirements;
    const char *platform; /* the service's, or NULL */
    const char *engine;   /* the engine's platform; NULL or "": not known yet */
    int port;
    struct build_limits limits;
    const char *memory; /* folder of what is known of contents (drivers/context.h), or NULL */
    int stop_fd;        /* readable: give up on programs that are run for it; 0: nobody says so */
};

/* What is read for a service that is built. Borrows from it. */
struct facts_order facts_order_of(const struct service *s);

/* Fills ret in the arena; what goes wrong is FACTS_FAILED with one line of text. What needs the engine's platform while that is not known stays
 * FACTS_WORKING, with asks_platform. */
void facts_read(const struct facts_order *o, struct arena *a, struct context_facts *ret);
/* The same, and the text of the Dockerfile that will be sent, in the arena; NULL when it came to none. */
void facts_read_text(const struct facts_order *o, struct arena *a, struct context_facts *ret,
                     const char **ret_text);
/* Proof that nothing changed since, one that lasts; "" when it cannot be had. */
void facts_fingerprint(const struct facts_order *o, char ret[SHA256_HEX]);
/* It is read by running a program of the host, which may take its time. */
bool facts_need_tool(const struct facts_order *o);
/* Of everything that the facts follow from: the fingerprint, and the program where one is run. "" when there is no fingerprint. */
void facts_print(const struct facts_order *o, const char *fingerprint, char ret[SHA256_HEX]);

#endif
