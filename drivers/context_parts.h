/* context_parts.h: what the rooms of a build context share. Nobody else includes it.
 *
 * context.c the door, digest, single files        context_bundle.c  archives: format by name and magic
 * context_name.c names: judged, ordered, shown    context_zip*.c    zips: their directory, their content
 * context_list.c the list, checked as a whole     context_tarball.c tars: spooled; context_unpack.c: unpacked
 * context_links.c finding, following links        context_tar.c     the tar that goes out
 * context_dir.c  directories, fingerprints        context_pax.c     reads along for NULs in names
 * context_memory.c digests kept between runs     context_extract.c on disk again
 * context_digest.c hashes of files, and of the list */
#ifndef EK_CONTEXT_PARTS_H
#define EK_CONTEXT_PARTS_H

#include <stdarg.h>
#include <sys/stat.h>

#include "drivers/context.h"

struct dockerignore;

#define CONTEXT_BLOCK_BYTES 65536

/* Times of files move in ticks of the kernel's clock, 1 to 10 ms: what changed within one of them may change once more without
 * a trace. */
#define CONTEXT_TICK_NS 20000000

/* What a file was when it was listed; anything else later means that it changed. */
struct stamp {
    dev_t dev;
    ino_t ino;
    int64_t bytes;
    struct timespec modified, changed;
};

struct zip_place { /* of the packed content */
    int64_t at, bytes;
    uint32_t crc;
    bool deflated;
};

struct item {
    struct context_entry e; /* first: context_entry() hands out its address */
    unsigned char hash[32]; /* of the content, if hashed; all are after context_digest */
    bool hashed;
    size_t order;     /* bundles: position in the archive */
    bool ignored;     /* .dockerignore excludes it; here since a builder may need it */
    bool implied;     /* a directory that only its children name */
    const char *hard; /* tars: the path it is a hard link to */
    union {
        struct stamp stamp;   /* directories */
        struct zip_place zip; /* zips */
        int64_t spool;        /* tars: where the content begins in the spool */
    } at;
};

/* Where content comes from: one file at a time. Only files are opened. */
struct context_source {
    int (*open)(struct context *c, const struct item *x, struct err *e);
    /* n > 0. Returns bytes; 0 at the end, when all that was promised came and was right; or -1. */
    long (*read)(struct context *c, void *buf, size_t n, struct err *e);
    void (*close)(struct context *c);
    void (*free)(struct context *c);
    /* A second `own`, to be read by another thread at the same time and freed by `free`. NULL: none to be had; the
     * function may be NULL too. */
    void *(*twin)(const struct context *c);
};

struct put { /* in the tar, not in the digest */
    char *path, *text;
    size_t n;
};

struct context {
    struct arena *arena;
    struct context_where where; /* with defaults filled in; texts in the arena */
    int fd;                     /* the folder or the archive itself */
    struct stamp stamp;         /* the archive's */
    bool bundle;                /* an archive, made by a stranger */
    const struct context_source *source;
    void *own;          /* of the source */
    struct item *items; /* heap */
    size_t n, cap;
    int64_t bytes, deadline_ms;
    int64_t opened_ns;  /* CLOCK_REALTIME, before anything was listed */
    int64_t read_bytes; /* by context_digest */
    unsigned char digest[32];
    bool digested;
    struct put *puts;
    size_t n_puts;
    bool withhold; /* context_tar_withhold */
    struct tar *tar;
};

/* context.c */
int context_check_time(const struct context *c, struct err *e);
/* `WHERE: entry "NAME" is refused: WHY`, ERR_USER. Returns -1. */
int context_refuse(const struct context *c, const char *name, struct err *e, const char *why, ...)
    PRINTF_LIKE(4, 5);
/* An archive that could not be read: if it is not what was opened, then e becomes ERR_RETRY. Returns -1. */
int context_failed(const struct context *c, struct err *e);
struct stamp context_stamp(const struct stat *st);
bool context_stamp_eq(const struct stamp *a, const struct stamp *b);
/* Unsigned inside: a file may claim to be of the year 3000. */
int64_t context_nanoseconds(const struct timespec *t);
/* What a fingerprint is made of. */
struct print {
    struct str text;
    int64_t now_ns; /* before the first file was looked at */
    bool lasts;     /* false: something changed only just now */
};
void context_print_stat(struct print *p, const struct stat *st);
/* At most max bytes of one file into the arena. */
int context_load(struct context *c, const struct item *x, size_t max, struct arena *a,
                 const char **ret, size_t *ret_n, struct err *e);
/* where->dockerfile, or what stands for it. */
const char *context_dockerfile(const struct context_where *where);

/* context_digest.c */
/* The hash of each file that has none; c->read_bytes grows by what was read. Until c->deadline_ms. */
int context_hash_files(struct context *c, struct err *e);
/* c->digest, when all files have theirs. */
int context_hash_list(struct context *c, struct err *e);

/* context_name.c; pure */
/* Without "." and empty components and the final slash; "" is the folder itself. A leading slash stays. */
const char *context_name_clean(const char *name, struct arena *a);
/* foreign: from an archive, where also what other systems would take for a path is refused. */
bool context_name_valid(const char *name, bool foreign, const struct context_limits *l,
                        const char **ret_why);
/* By component: what lies in a folder follows it directly. */
int context_name_order(const char *a, const char *b);
/* The same for two names that differ in case only. */
int context_name_fold_order(const char *a, const char *b);
/* Escaped, and cut when it is long. */
void context_name_shown(const char *name, struct str *out);

/* context_list.c: one entry at a time with its name and the limits checked, then the whole. */
/* Texts are copied; *ret stands until the next call. */
int context_add(struct context *c, const struct context_entry *x, struct item **ret, struct err *e);
/* Counts n bytes of content of an entry against the limits; context_add does. */
int context_count_bytes(struct context *c, const char *name, int64_t n, struct err *e);
/* Sort, add missing parents, refuse duplicates and clashes. Bundles: also names that differ in case only and bad links; what a Mac
 * puts beside the files is dropped, a single top folder and `sub` are taken away. */
int context_seal(struct context *c, struct err *e);
/* Leave out what .dockerignore excludes, after context_seal. */
int context_ignore(struct context *c, const struct dockerignore *ignore, struct err *e);
/* What .dockerignore cannot leave out. */
bool context_needs(const struct context_where *where, const char *path);

/* context_links.c; after context_seal, pure */
const struct item *context_find(const struct context *c, const char *path); /* NULL: none */
/* Follows links, as long as they stay inside. NULL: no entry, and *ret_why (may be NULL) says why. */
const struct item *context_follow(const struct context *c, const char *path, const char **ret_why);

/* context_dir.c, context_bundle.c, context_zip_list.c, context_zip.c, context_tarball.c */
int context_open_dir(struct context *c, struct err *e);
int context_dir_fingerprint(const struct context_where *where, int fd, struct print *p,
                            struct err *e);
int context_open_bundle(struct context *c, struct err *e);
bool context_is_junk(const char *path); /* .DS_Store, __MACOSX */
int context_zip_list(struct context *c, struct err *e);
int context_open_zip(struct context *c, struct err *e);
int context_open_tarball(struct context *c, struct err *e);

/* context_memory.c */
/* After listing: hashes of files (directories) or the digest (archives) that are known. */
void context_recall(struct context *c);
void context_memorize(const struct context *c); /* after context_digest read anything */

/* context_tar.c */
void context_tar_free(struct context *c);
bool context_tar_busy(const struct context *c); /* in the middle of a file */

#endif
