/* context_parts.h: what the rooms of a build context share: context.c (the door, digest), context_list.c (checking and sorting), context_dir.c and
 * context_bundle.c (where entries and content come from), context_tar.c (the stream). Nobody else includes it. */
#ifndef EK_CONTEXT_PARTS_H
#define EK_CONTEXT_PARTS_H

#include <sys/stat.h>

#include "drivers/context.h"

struct archive;
struct archive_entry;
struct dockerignore;

struct item {
    struct context_entry e; /* first: context_entry() hands out its address */
    char hash[SHA256_HEX];  /* of the content, after context_digest */
    size_t order;           /* bundles: position in the archive */
    int64_t offset;         /* spooled bundles: where the content stands in the spool */
    const char *link;       /* spooled bundles: hard link to this path */
    bool implied;           /* a directory that only its children name */
};

struct put { /* in the tar, not in the digest */
    char *path, *text;
    size_t n;
};

struct context;

/* Where content comes from. `open` positions on one item, `read` gives its bytes in order, `close` ends it. */
struct context_source {
    int (*open)(struct context *c, size_t item, struct err *e);
    long (*read)(struct context *c, void *buf, size_t n, struct err *e);
    void (*close)(struct context *c);
    /* Reads every file once, in whatever order is cheap, and gives the bytes to `piece` (n == 0: the end of that item). */
    int (*each)(struct context *c, int (*piece)(void *user, size_t item, const void *bytes, size_t n), void *user,
                struct err *e);
    void (*free)(struct context *c);
};

struct context {
    struct arena *arena;
    struct context_where where; /* with defaults filled in */
    const struct context_source *source;
    struct item *items;
    size_t n, cap;
    int64_t bytes, deadline_ms, packed_bytes;
    char digest[SHA256_HEX]; /* "" before context_digest */
    struct put *puts;
    size_t n_puts;
    void *own; /* of the source */
    struct tar *tar;
};

/* context_list.c: add one entry after checking its name, type and the limits; seal when all are there. */
int context_add(struct context *c, const char *path, char type, bool executable, int64_t bytes, const char *target,
                struct item **ret, struct err *e);
/* Sort, add missing parents, refuse duplicates and clashes; strict (bundles): also names that differ in case only and bad links,
 * and take a single top folder and `sub` away. */
int context_seal(struct context *c, bool strict, struct err *e);
/* Leave out what .dockerignore excludes, after context_seal. Returns 0. */
int context_ignore(struct context *c, const struct dockerignore *ignore);
/* Index of a path, or SIZE_MAX. After context_seal. */
size_t context_find(const struct context *c, const char *path);
/* Also counts the bytes of content that really came. */
int context_check_time(const struct context *c, struct err *e);
bool context_path_valid(const char *path, const struct context_limits *l, const char **ret_why);

/* context_dir.c, context_bundle.c */
int context_open_dir(struct context *c, struct err *e);
int context_open_bundle(struct context *c, struct err *e);
int context_dir_fingerprint(const struct context_where *where, char ret[SHA256_HEX], struct err *e);

/* context_tar.c */
void context_tar_free(struct context *c);

#endif
