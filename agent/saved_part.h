/* saved_part.h: how much of the world goes into a saved pass. For saved.c.
 *
 * A pass over all apps is saved with all there is; one over a few with what concerns these, so that what a changed route costs does not
 * grow with the apps beside it. */
#ifndef EK_SAVED_PART_H
#define EK_SAVED_PART_H

#include "agent/core.h"

struct saved_part {
    bool everything;
    struct strv apps; /* sorted; the rest is about these, unless it is everything */
    struct strv files, facts, bundles; /* origins of files and overrides, keys, paths; sorted */
    struct kvs incumbents;
    struct history history;
    struct spec_set set; /* secrets, routed and served only */
    const struct observed *observed;
};

/* All there is; borrows. */
void saved_part_all(const struct core *c, const struct core_pass *p, struct saved_part *ret);
/* What concerns the apps of the pass's scope; in the arena, and borrows. False if a part would not do, or would hardly be smaller. */
bool saved_part_scope(const struct core *c, const struct core_pass *p, struct arena *a,
                      struct saved_part *ret);
/* For a file or override of the set, for archives, and for facts. */
bool saved_part_has_file(const struct saved_part *part, const char *root, const char *path);
bool saved_part_has_bundle(const struct saved_part *part, const char *path);
bool saved_part_has_facts(const struct saved_part *part, const char *key);

#endif
