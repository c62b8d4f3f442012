/* ingress_files.h: what Traefik reads besides its routes: STATE/ingress/files, each file named by the SHA-256 of its content, and what is made once and kept.
 *
 *   STATE/ingress/api-password    0600: by which the agent asks Traefik's API
 *   STATE/ingress/default.pem     0600: certificate and key for hosts that have none of their own
 *   STATE/ingress/files/SHA256    readable for Traefik's group: copies of secrets, and of the two above as Traefik wants them
 *   STATE/ingress-acme            Traefik's own, for certificates that it gets by itself
 *
 * A name that follows from the content makes each copy whole or absent, and a changed secret another file. */
#ifndef EK_INGRESS_FILES_H
#define EK_INGRESS_FILES_H

#include "spec/base/err.h"
#include "spec/base/str.h"

struct arena;

/* Make what is made once. ret_users, ret_pem: digests of the copies (htpasswd line of the API; certificate and key in one), in the arena. */
int ingress_files_own(const char *state, struct arena *a, const char **ret_users,
                      const char **ret_pem, struct err *e);
/* The folder that Traefik writes certificates to. */
int ingress_files_acme(const char *state, struct err *e);
/* Copy a secret ("NAME" or "APP/NAME"). The digest is that of what was copied, in the arena. */
int ingress_files_secret(const char *state, const char *name, struct arena *a,
                         const char **ret_digest, struct err *e);
/* Remove copies that are neither among these digests nor named by a route file, and are more than age_s old. */
void ingress_files_sweep(const char *state, const struct strv *digests, int64_t age_s);

#endif
