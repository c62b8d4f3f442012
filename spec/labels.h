/* labels.h: the labels on engine objects. They are the record of ownership and identity; the database is a diary.
 *
 * Identity labels say whose an object is; LABEL_HASH says from which create body it was made. Birth notes are written once
 * and never hashed, compared or repaired, because labels cannot be changed in place. */
#ifndef EK_LABELS_H
#define EK_LABELS_H

/* identity */
#define LABEL_OWNER "evenkeel.owner" /* the agent's `name:` */
#define LABEL_APP "evenkeel.app"
#define LABEL_SERVICE "evenkeel.service" /* "app" for a flat app */
#define LABEL_INDEX "evenkeel.index"     /* replica, from 1 */
#define LABEL_GPUS "evenkeel.gpus"
#define LABEL_HASH "evenkeel.hash"
#define LABEL_POST_START                                                                           \
    "evenkeel.post-start" /* digest of the hooks: others are for another container */

/* birth notes */
#define LABEL_ORIGIN "evenkeel.origin" /* ROOT//FILE */
#define LABEL_REVISION "evenkeel.revision"
#define LABEL_COMMIT "evenkeel.commit"
#define LABEL_HOOKS "evenkeel.hooks" /* hooks_note() */

/* On images that we built. Names of their own, because a container inherits its image's labels: who runs one of our images by hand must
 * not make a container that counts as ours. */
#define LABEL_BUILD_OWNER "evenkeel.build.owner"
#define LABEL_BUILD_APP "evenkeel.build.app"
#define LABEL_BUILD_SERVICE "evenkeel.build.service"

/* on networks and volumes beside OWNER and APP: the key under `networks:` or `volumes:` */
#define LABEL_KEY "evenkeel.key"

/* on nothing in the engine: laid over what is adopted when it is planned (adopt.h); the Compose project */
#define LABEL_ADOPTED "evenkeel.adopted"

/* Compose's, so that `docker compose ls` and its friends show an app as a project (never on volumes) */
#define LABEL_COMPOSE_PROJECT "com.docker.compose.project"
#define LABEL_COMPOSE_SERVICE "com.docker.compose.service"
#define LABEL_COMPOSE_NUMBER "com.docker.compose.container-number"
#define LABEL_COMPOSE_ONEOFF "com.docker.compose.oneoff"
#define LABEL_COMPOSE_HASH "com.docker.compose.config-hash"
#define LABEL_COMPOSE_FILES "com.docker.compose.project.config_files"
#define LABEL_COMPOSE_NETWORK "com.docker.compose.network"
#define LABEL_COMPOSE_VOLUME "com.docker.compose.volume"
#define LABEL_COMPOSE_PREFIX "com.docker.compose."

/* What a Traefik with the Docker provider reads; only evenkeel writes these. */
#define LABEL_TRAEFIK "traefik."

#endif
