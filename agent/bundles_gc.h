/* bundles_gc.h: archives that were uploaded and that no spec names any more.
 *
 * One that nobody names is marked by an empty file beside it (APP.SHA256.zip.unnamed); a week after that it goes, if nobody has named it since. So it can be gone back to for a week, over any restart. */
#ifndef EK_BUNDLES_GC_H
#define EK_BUNDLES_GC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sources;

/* Behind the archive's own name. Who sends it again takes the mark away, under a lock (flock) on the folder; it is removed under the same lock, while the mark is there. */
#define BUNDLES_MARK ".unnamed"
#define BUNDLES_GRACE_MS (INT64_C(7) * 24 * 3600 * 1000)

struct bundles_gc {
    size_t removed, waiting; /* waiting: unnamed, and their week is not over */
    int64_t bytes;           /* of the removed ones */
};

/* Bytes of all archives in the folder that were sent for this app. */
int64_t bundles_of_app(const char *folder, const char *app);

/* folder: uploads/.bundles; it need not be there. s has been scanned. Nothing is judged while a root or a file cannot be read: it may name any of them. dry_run: only counted, nothing is marked. */
void bundles_gc(const struct sources *s, const char *folder, int64_t now_ms, bool dry_run,
                struct bundles_gc *ret);

#endif
