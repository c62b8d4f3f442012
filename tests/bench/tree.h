/* tree.h: what a web app's folder looks like: many small texts, some larger files that are packed already, the same on every machine. */
#ifndef EK_BENCH_TREE_H
#define EK_BENCH_TREE_H

#include <stddef.h>

struct tree {
    size_t files;       /* in all, with its Dockerfile and version.txt */
    size_t large;       /* so many of them are of large_bytes, and nothing packs them further */
    size_t large_bytes; /* the others are texts of 1 to 9 kB */
    const char *token;  /* the one line of version.txt: another token, another image */
};

#define TREE_VERSION "version.txt"

/* All die when something cannot be written. */
void tree_write_dir(const struct tree *t, const char *path); /* made by it */
void tree_write_zip(const struct tree *t, const char *path); /* deflated */
void tree_write_tar(const struct tree *t, const char *path);

#endif
