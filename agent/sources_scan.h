/* sources_scan.h: walks roots and says which files are there, without opening one. */
#ifndef EK_SOURCES_SCAN_H
#define EK_SOURCES_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "spec/base/str.h"

struct arena;
struct scan;

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
    struct scan *in; /* that found it; NULL in a copy that outlives the scan */
};

struct seen_folder { /* identity of a folder or file */
    dev_t dev;
    ino_t ino;
};

enum { SCAN_STATS = 4 };
struct seen_stat { /* of a file that specs read */
    const char *path;
    struct stat st;
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
    bool cut; /* some folder was not listed to its end */
    struct seen_stat stats[SCAN_STATS];
    size_t next_stat;
};

/* Add the files of one root. A root that is a file is its own only entry, called by its base name. Returns false when it is missing or cannot be
 * listed; then, unless may_be_missing, one entry with trouble says why. */
bool scan_root(struct scan *s, size_t index, const char *path, bool may_be_missing);
/* A root that came back a moment ago: more of its files may be on their way. */
void scan_add_pending(struct scan *s, size_t index);
/* By root, then path. */
void scan_sort(struct scan *s);

/* When it is sorted. stat() of a file that many specs may read, such as .env: asked once. -1: as errno says. */
int scan_stat(struct scan *s, const char *path, struct stat *ret);
/* The folder of f holds nothing that is called path (absolute; dir is what f->path is below), for all that the walk saw. False: it did not look for such a name, or in another folder. */
bool scan_lacks(const struct found *f, const char *dir, const char *path);

#endif
