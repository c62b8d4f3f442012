/* watch_spots.h: which folders must be watched, and for what, so that no change of a root goes unseen. */
#ifndef EK_WATCH_SPOTS_H
#define EK_WATCH_SPOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "spec/base/str.h"

struct arena;

struct watch_spot {
    const char *path; /* ends in '/' */
    dev_t dev;
    ino_t ino;
    uint32_t mask; /* inotify's */
    bool all;      /* every name in it counts; else only those in names, and its own fate */
    struct strv names;
};

/* One spot for each folder, whatever the number of reasons to watch it. */
struct watch_spots {
    struct arena *arena;
    struct watch_spot *v;
    size_t n, cap;
    size_t *slots; /* hash table by device and inode: index + 1 */
    size_t n_slots;
    bool full; /* there are more than LIMIT_ROOT_FILES */
};

/* Everything below path; path may be missing, a file, or reached through links: then also what would bring or change it. */
void spots_add_root(struct watch_spots *s, const char *path);
/* A single folder, not what is below it. */
void spots_add_folder(struct watch_spots *s, const char *path);

bool spots_same(const struct watch_spots *a, const struct watch_spots *b);

/* Names that never hold a spec or what one reads: editors' and our own temporary files. */
bool spots_junk(const char *name);
/* Folders that are not entered. */
bool spots_ignored_folder(const char *name);

#endif
