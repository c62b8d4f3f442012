/* mirror.h: what is known of the engine between looks: the objects behind `observed()`.
 *
 * Each object is one heap block of exactly its size. Looks stage what they found in a change; only a commit makes it
 * known, so a look that fails midway changes nothing. Keys are ids (containers, networks), names (volumes) and
 * references (images). Not thread-safe: the loop's. */
#ifndef EK_MIRROR_H
#define EK_MIRROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/observed.h"

struct mirror;
struct mirror_change;

enum mirror_kind { MIRROR_CONTAINER, MIRROR_NETWORK, MIRROR_VOLUME, MIRROR_IMAGE };

struct mirror *mirror_new(void);
void mirror_free(struct mirror *m); /* NULL is fine */
void mirror_set_engine(struct mirror *m, const char *engine_version, const char *api_version);
/* "linux/amd64"; forgotten by mirror_set_engine. */
void mirror_set_platform(struct mirror *m, const char *platform);
const char *mirror_platform(const struct mirror *m); /* or NULL */

/* everything: what the change does not mention is gone after the commit; else it stays as it is. */
struct mirror_change *mirror_change_new(bool everything);
void mirror_change_free(struct mirror_change *ch); /* NULL is fine */
/* Each replaces what the change had under that key. Objects are copied. `listed` is a fingerprint of the object's
 * entry in a list, 0 if it was not seen in one. */
void mirror_change_container(struct mirror_change *ch, const struct obs_container *c,
                             uint64_t listed);
void mirror_change_network(struct mirror_change *ch, const struct obs_network *n);
void mirror_change_volume(struct mirror_change *ch, const struct obs_volume *v);
void mirror_change_image(struct mirror_change *ch, const struct obs_image *i);
void mirror_change_gone(struct mirror_change *ch, enum mirror_kind kind, const char *key);
/* It stays as it is known; nothing happens if it is not. */
void mirror_change_keep(struct mirror_change *ch, enum mirror_kind kind, const char *key);
/* Make it known; the change is freed. */
void mirror_commit(struct mirror *m, struct mirror_change *ch);

/* What is known now, sealed and frozen: it stays as it is, whatever becomes of the mirror, until the arena is cleared or freed. Made once between two
 * changes, then shown again. */
const struct observed *mirror_observed(struct mirror *m, struct arena *a);

/* What is known, borrowed until the next commit; NULL when it is not. sealed. */
const struct obs_container *mirror_container(const struct mirror *m, const char *id_or_name);
const struct obs_network *mirror_network(const struct mirror *m, const char *id_or_name);
const struct obs_volume *mirror_volume(const struct mirror *m, const char *name);
const struct obs_image *mirror_image(const struct mirror *m, const char *ref);
uint64_t mirror_listed(const struct mirror *m, const char *container_id); /* 0: not known */
/* The i-th container by id, NULL past the end. */
const struct obs_container *mirror_container_at(const struct mirror *m, size_t i);
/* The i-th image by reference, NULL past the end. */
const struct obs_image *mirror_image_at(const struct mirror *m, size_t i);
size_t mirror_bytes(const struct mirror *m); /* of all objects */

#endif
