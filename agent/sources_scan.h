/* sources_scan.h: walks roots and says which files are there, without opening one. */
#ifndef EK_SOURCES_SCAN_H
#define EK_SOURCES_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "spec/base/str.h"

struct arena;

/* What tells a file from itself changed. */
struct file_print {
    dev_t dev;
    ino_t ino;
    mode_t mode;
    off_t size;
    struct timespec mtime, ctime;
};
struct file_print file_print_of(const struct stat *st);
bool file_print_eq(const struct file_print *a, const struct file_print *b);

struct found {
    size_t root;         /* index of the root */
    const char *path;    /* below the root; "": the root itself (only with trouble) */
    const char *trouble; /* NULL; else why nothing can be read here, and what helps */
    const char *hint;
    bool
        pending; /* what is here will be known in a moment: until then a broken file without a word */
    bool is_root; /* the root itself is this file */
    bool link;    /* a symbolic link; target is what it leads to */
    struct file_print target, link_print;
};

struct seen_folder { /* identity of a folder or file */
    dev_t dev;
    ino_t ino;
};

/* One walk over all roots. Zero but for the arena; everything in it lives there. */
struct scan {
    struct arena *arena;
    struct found *v;
    size_t n, cap;
    struct strv linked;       /* folders that were reached through a symbolic link, by that path */
    struct seen_folder *seen; /* hash table: each folder is walked once, whatever its name */
    size_t n_seen, seen_size;
    struct seen_folder *root_files; /* roots that are files */
    size_t n_root_files, cap_root_files;
};

/* Add the files of one root. A root that is a file is its own only entry, called by its base name. Returns false when it is missing or cannot be
 * listed; then, unless may_be_missing, one entry with trouble says why. */
bool scan_root(struct scan *s, size_t index, const char *path, bool may_be_missing);
/* A root that came back a moment ago: more of its files may be on their way. */
void scan_add_pending(struct scan *s, size_t index);
/* By root, then path. */
void scan_sort(struct scan *s);

#endif
