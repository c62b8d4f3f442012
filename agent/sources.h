/* sources.h: roots on disk in, one consistent set of parsed files out.
 *
 * Keeps what it parsed, by path and fingerprint (device, inode, size, mtime, ctime of the file and of every other file it reads), so a scan reads only what
 * changed. A file that is being written (changes while read) keeps its former version until it is stable. A root that vanishes or cannot be listed is
 * marked unreadable and its files are dropped from the set (law 6 freezes its apps). */
#ifndef EK_SOURCES_H
#define EK_SOURCES_H

#include <stdbool.h>

#include "spec/desired.h"

struct sources;

/* roots: as configured; relative ones are made absolute, but diagnostics name files as they were typed. A root may be a file. overrides: STATE/overrides (may
 * be missing), or NULL (validate). Nothing is read yet. */
struct sources *sources_new(const char *const *roots, size_t n_roots, const char *overrides);
void sources_free(struct sources *s);

/* Look at the disk. True if anything differs from the last scan (the first: always). Never fails: trouble is in the set and in the diags of its files. A root
 * or folder that cannot be listed is a broken file of the set, named like it (path "" for the root itself).
 * unstable says that something is in the middle of being written (its former version stays, at most 2 s), or is gone for less than half a second and may come
 * back (likewise): scan again in some 50 ms. A new file that is not whole yet is in the set as a broken one without documents or diagnostics. With unstable
 * NULL, for who cannot come back, it waits until all holds still. */
bool sources_scan(struct sources *s, bool *unstable);
/* Valid until the next scan that returns true. */
const struct spec_set *sources_set(const struct sources *s);
/* Folders outside the roots that hold files which specs read, or to which links in a root lead; absolute, not recursive; sorted, unique; valid until the next scan. */
void sources_extra_folders(const struct sources *s, struct arena *a, struct strv *ret);
/* Texts of files as parsed, for saved passes: calls fn for each file that takes() wants (text NULL if it cannot be read; overrides have the absolute path of their folder
 * as root), and for each file they read (root NULL, absolute path). */
typedef void sources_text_fn(void *user, const char *root, const char *path, const char *text,
                             size_t n);
typedef bool sources_takes_fn(void *user, const char *root, const char *path);
void sources_each_text(const struct sources *s, sources_takes_fn *takes, sources_text_fn *fn,
                       void *user);

/* The same for files of which only the digest was wanted (document.h), path absolute; "" for a folder. */
typedef void sources_digest_fn(void *user, const char *path, const char *digest);
void sources_each_digest(const struct sources *s, sources_takes_fn *takes, sources_digest_fn *fn,
                         void *user);

/* Which names in a root are specs at all: not hidden, not ending in '~' or '.tmp', ending in .yaml or .yml, or an archive (document.h).
 * An archive is not opened here: it stands for the app that bundle_text() gives. */
bool sources_takes(const char *name);

#endif
