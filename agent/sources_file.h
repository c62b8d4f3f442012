/* sources_file.h: one file of a root: is it whole, what does it say, does it still say that. */
#ifndef EK_SOURCES_FILE_H
#define EK_SOURCES_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/sources_scan.h"
#include "spec/document.h"

struct arena;

struct source_dep { /* another file that was read for it */
    const char *path;
    bool present;
    bool racy;
    struct file_print print;
    const char *text;
    size_t n;
    const char *digest; /* instead of the text, where nobody needs to know it */
};

struct source_file {
    struct arena *arena; /* holds all of it, itself included */
    struct found found;
    const char *trouble; /* why it could not be read; NULL: it was */
    bool denied;         /* reading failed; tried again at each look */
    bool
        racy; /* changed so shortly before it was read that a change in the same clock tick may hide */
    int64_t gone_since_ms; /* 0: it is there */
    const char *text;
    size_t n;
    struct source_dep *deps;
    size_t n_deps, cap_deps;
    struct spec_file spec;
};

struct source_place { /* where a root stands in the world of its user */
    const char *root; /* absolute; the root's own path */
    const char
        *dir; /* absolute; what found.path is below (differs from root for a root that is a file) */
    const char *display;   /* what goes before path in diagnostics, "/" included; may be "" */
    const char *root_name; /* the root as the user typed it */
};

enum source_look {
    SOURCE_SAME,     /* nothing changed; *ret untouched */
    SOURCE_NEW,      /* *ret is its new version */
    SOURCE_UNSETTLED /* it, or a file it reads, is being written. *ret is set only if there is no former version: it stands for the file until it is whole,
                        broken and without a word, so that nobody takes it for gone */
};

/* Look at what was found. former may be NULL. waited_ms: how long it has been unsettled already (0: not). */
enum source_look source_file_look(const struct found *f, const struct source_place *at,
                                  struct source_file *former, int64_t waited_ms,
                                  struct source_file **ret);
void source_file_free(struct source_file *f); /* NULL is fine */

enum {
    SOURCE_PATIENCE_MS = 2000,
    SOURCE_GONE_MS = 500, /* editors and Git take a file away before they put the new one there */
    SOURCE_OVERRIDE_GONE_MS = 100 /* these are removed by us, in one step */
};

#endif
