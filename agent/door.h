/* door.h: who may come in, and what they may do there: accounts, sessions, tokens, the audit log and the table of rows (access.h) behind the listeners.
 *
 * Everything that changes something ends in a file of a root or of STATE; the loop only sees the file. door_answer is called from threads of the listeners. */
#ifndef EK_DOOR_H
#define EK_DOOR_H

#include "agent/credential.h"
#include "agent/options.h"
#include "spec/base/err.h"

struct arena;
struct door;
struct core;
struct conductor;
struct door_facts;
struct figures;
struct stream;
struct web_reply;
struct web_request;

/* STATE is that of o (borrowed). The first account is made where there is none: given (or NULL) is its password; ret_show, if not "", is to be printed once. -1: accounts, tokens or the audit
 * log cannot be read: then nobody may come in. */
int door_open(const struct options *o, const char *given, bool terminal,
              char ret_show[CREDENTIAL_SPOKEN], struct door **ret, struct err *e);
void door_free(struct door *d); /* NULL is fine */

/* The loop's, before the first request: what the loop does for requests. stir is called when files are to be read and facts made anew. */
void door_join_loop(struct door *d, struct core *core, void (*stir)(void *ctx), void *ctx);
/* How often something was put into the first root: to be asked before files are read, for door_facts.read. */
uint64_t door_placed(struct door *d);
/* Somebody waits for an app: facts are wanted again soon. The loop's. */
bool door_waited_for(const struct door *d);
/* What happens is told to this; NULL: nobody listens. */
struct stream *door_stream(const struct door *d);
/* The loop's: what is known from now on; takes f over. */
void door_publish(struct door *d, struct door_facts *f);

/* The loop's: until door_close_desk, requests may ask it what belongs to it (desk.h). */
int door_open_desk(struct door *d, struct core *core, const struct conductor *c, struct err *e);
/* The folder of uploaded archives, in the arena; NULL: there is none, or no door. */
const char *door_bundles(const struct door *d, struct arena *a);
/* What the loop counts for /metrics (figures.h). NULL for NULL. */
struct figures *door_figures(struct door *d);
void door_close_desk(struct door *d); /* NULL is fine */

/* False: this path is none of the door's. */
bool door_answer(struct door *d, const struct web_request *r, struct web_reply *ret);

#endif
