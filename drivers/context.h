/* context.h: a build context: a directory or a bundle as one checked, sorted list of entries, with its digest, single files
 * out of it, and its tar, streamed. Nothing is unpacked to disk but for tools of the host (context_extract).
 *
 * The same content gives the same digest and the same tar bytes on every machine, whether it came as a directory, a zip or a
 * tar: entries sorted by path, mtime 0, owner 0, modes 0644 or 0755 (any x bit; directories 0755), links as they are.
 *
 * Blocking: everything here reads the disk. Opening and digesting belong on a worker thread; context_tar_read is called from
 * the loop in pieces of at most 64 KiB. A struct context is used by one thread at a time. Names and links are UTF-8: main calls
 * setlocale(LC_CTYPE, "C.UTF-8") first. */
#ifndef EK_CONTEXT_H
#define EK_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/app.h"
#include "spec/base/err.h"
#include "spec/base/js.h"
#include "spec/base/str.h"

struct arena;
struct context;

struct context_limits {  /* 0: the default of limits.h */
    int64_t total_bytes; /* unpacked, 1 GiB */
    int64_t file_bytes;  /* one entry, 512 MiB */
    int64_t time_ms;     /* to read it all, 60 s */
    int entries;         /* 10 000 */
    int path_bytes;      /* 1024; one component 255 */
    int depth;           /* 32 */
    int ratio;           /* unpacked to packed, judged after the first 10 MiB: 200 */
};

/* What the agent's configuration says about them; the rest are defaults. */
struct context_limits context_limits_of(const struct build_limits *l);

struct context_where {
    const char *path; /* absolute: a directory, or a .zip, .tar.gz, .tgz, .tar.zst, .tar file */
    const char *sub;  /* only what is below this folder of it, or NULL */
    /* Its own ignore file (NAME.dockerignore) goes before .dockerignore; NULL: "Dockerfile". */
    const char *dockerfile;
    /* Honour the ignore file. The Dockerfile and the ignore files themselves are never left out: the engine needs them, and
     * Docker's own client sends them, too. */
    bool use_ignore;
    struct context_limits limits;
    /* A folder where context_digest keeps hashes with the stats of the files they are of, so that it reads only what changed since; made
     * when it is missing, and of no consequence when it cannot be written or is removed. NULL: none. */
    const char *memory;
};

struct context_entry {
    const char *path; /* relative, UTF-8, no trailing slash */
    char type;        /* 'f', 'd', 'l' */
    bool executable;
    int64_t bytes;
    const char *target; /* of a symlink */
};

/* Open, list, check. Every refusal (ERR_USER) names the entry at fault and the reason: "..", absolute, NUL, control character, invalid
 * UTF-8, over-long or too deep; hard link out, device, FIFO; twice, both file and directory, a limit. In bundles also: backslash,
 * drive letter, names that differ in case only, escaping or dangling link, encrypted, bad CRC, truncation, bytes before or after the
 * archive, two readings of one zip, a format that the name disguises. In directories links stay as they are, and sockets are left
 * out, as Docker does.
 *
 * A bundle whose entries all lie in one top folder is taken without that folder (as made by "zip -r app.zip app/"); what a Mac
 * puts beside the files (__MACOSX, .DS_Store, ._NAME) is dropped. What changes while it is read is ERR_RETRY, here and below. */
struct context *context_open(const struct context_where *where, struct err *e);
void context_free(struct context *c);

size_t context_n(const struct context *c);
/* Sorted by path, a folder right before what lies in it. */
const struct context_entry *context_entry(const struct context *c, size_t i);
bool context_has(const struct context *c, const char *path); /* a file, or a link to one in it */

/* A cheap proof that nothing changed, without reading content: SHA-256 over path, type, mode, size, inode and times of everything
 * that counts (directories), or of the archive file (bundles). Needs no context_open; a directory of 5000 files takes some 10 ms. What changed within
 * the last 20 ms gives a fingerprint that never comes again, since the next change could leave the times as they are. */
int context_fingerprint(const struct context_where *where, char ret[SHA256_HEX], struct err *e);
/* The same, after waiting until it is one that lasts; at most 100 ms, for what changes all the time. */
int context_fingerprint_settled(const struct context_where *where, char ret[SHA256_HEX],
                                struct err *e);
/* SHA-256 of paths, types, modes, targets and contents. Reads once what where.memory does not know; the result is kept in c. Not, the first
 * time, and like context_file, in the middle of a tar. */
int context_digest(struct context *c, char ret[SHA256_HEX], struct err *e);
/* What context_digest had to read. */
int64_t context_read_bytes(const struct context *c);
/* One file's content (at most max bytes), in the arena, also by way of a link. ERR_MISSING when there is none. */
int context_file(struct context *c, const char *path, size_t max, struct arena *a, const char **ret,
                 size_t *ret_n, struct err *e);

/* The tar, from its start after each context_tar_rewind. A file put in with context_tar_put (copied) replaces or adds an entry (a
 * generated Dockerfile, one whose syntax line was replaced) from the next rewind on; the digest does not know it; -1: that path is no place
 * for a file. Returns bytes written to buf (less than n, or 0: end), or -1, then and ever after. */
int context_tar_put(struct context *c, const char *path, const char *text, size_t n);
int context_tar_rewind(struct context *c, struct err *e);
/* For BuildKit, from the next rewind on: ignore files that .dockerignore excludes itself are left out. The classic builder reads .dockerignore and keeps
 * it, and an excluded Dockerfile, from COPY by itself; BuildKit reads none in a tar and copies what is there. (The Dockerfile has to be there.) */
void context_tar_withhold(struct context *c, bool withhold);
long context_tar_read(struct context *c, void *buf, size_t n, struct err *e);
int64_t context_bytes(const struct context *c); /* of all files, for progress */
/* Unpack it into this empty folder that nobody else can change. Links that lead out of it or point at nothing stay behind: *ret_left, in the arena. On failure
 * what was unpacked so far is there. Not in the middle of a tar. */
int context_extract(struct context *c, const char *folder, struct arena *a, struct strv *ret_left,
                    struct err *e);

#endif
