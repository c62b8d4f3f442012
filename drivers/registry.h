/* registry.h: who we are to a registry, as `docker login` left it in config.json.
 *
 * Source: docker/cli config file and docker-credential-helpers; Engine API "Authentication" (X-Registry-Auth). */
#ifndef EK_REGISTRY_H
#define EK_REGISTRY_H

#include "spec/base/err.h"

struct arena;

struct registry_login {
    const char *registry; /* "docker.io", "registry.example:5000": for messages */
    const char *server;   /* the key that config.json and helpers know it by */
    const char *header;   /* value of X-Registry-Auth from the file itself, or NULL */
    const char *helper;   /* "docker-credential-pass", to be asked before header is used, or NULL */
};

/* Registry of an image reference, in the arena: what stands before the first slash if it looks like a host. */
const char *registry_of(const char *reference, struct arena *a);
/* What DIR/config.json says about the reference's registry. dir may be NULL and the file may be absent: nothing is known then.
 * -1: the file is there and cannot be read (its content is never in the message); ret then only has registry and server. */
int registry_find(const char *dir, const char *reference, struct arena *a,
                  struct registry_login *ret, struct err *e);

struct registry_helper; /* a running credential helper */
enum registry_helper_state { HELPER_RUNNING, HELPER_KNOWS, HELPER_KNOWS_NOTHING, HELPER_FAILED };

/* Run `PROGRAM get` (by PATH, without a shell) with server on its standard input. NULL: it cannot be run. */
struct registry_helper *registry_helper_start(const char *program, const char *server,
                                              struct err *e);
/* Never blocks; ask again after some milliseconds while it runs. HELPER_KNOWS: *ret_header is in the arena. HELPER_FAILED: e says
 * how, without anything that the helper wrote. */
enum registry_helper_state registry_helper_step(struct registry_helper *h, struct arena *a,
                                                const char **ret_header, struct err *e);
void registry_helper_free(
    struct registry_helper *h); /* NULL is fine; one still running is killed */

#endif
