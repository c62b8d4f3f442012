/* err.h: the two kinds of failure, never mixed.
 *
 * struct err is ours: one failure of one call, on the caller's stack, passed as the last argument. Functions
 * that can fail return 0, or -1 after filling it. kind steers behaviour (retry, give up); the text is for
 * people only and is never parsed.
 *
 * struct diag_list is the user's: every mistake found in what they wrote, with its place, collected in one run. */
#ifndef EK_ERR_H
#define EK_ERR_H

#include <stdbool.h>
#include <stddef.h>

#include "spec/base/attr.h"

struct arena;
struct str;

enum err_kind {
    ERR_NONE = 0,
    ERR_USER,     /* the input is wrong; the same input will fail again */
    ERR_RETRY,    /* the world is in the way (engine away, time-out); try again later */
    ERR_MISSING,  /* the object asked for does not exist (404) */
    ERR_CONFLICT, /* something else holds the name, port or object (409) */
    ERR_DENIED,   /* credentials or policy say no (401, 403) */
    ERR_STALE,    /* cancelled or superseded; nobody's fault */
    ERR_BUG,      /* must not happen; please report */
};

struct err {
    enum err_kind kind;
    char msg[400];
};

/* Fill e (which may be NULL) and return -1, so that callers write `return err_set(...)`. Over-long text is cut. */
int err_set(struct err *e, enum err_kind kind, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Put "context: " in front of what e says, keeping its kind. Returns -1. */
int err_wrap(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* err_set with ": strerror(errnum)" appended; ENOENT becomes ERR_MISSING, EACCES/EPERM ERR_DENIED,
 * ENOSPC/EDQUOT/EROFS/EIO/EBUSY/EAGAIN/ENOMEM/EMFILE/ENFILE ERR_RETRY, everything else ERR_USER. Returns -1. */
int err_errno(struct err *e, int errnum, const char *fmt, ...) PRINTF_LIKE(3, 4);

const char *err_kind_name(enum err_kind kind);

/* ---- the user's mistakes ---- */

enum diag_level { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE };

/* A place in a file. Lines and columns count from 1; 0 means unknown. file is borrowed. */
struct place {
    const char *file;
    int line, column;
};

struct diag {
    enum diag_level level;
    struct place at;
    const char *path;   /* "services.web.ports[0]", or NULL */
    const char *what;   /* "unknown key \"rout\"" */
    const char *hint;   /* "did you mean \"route\"?", or NULL */
    const char *source; /* the line of the file itself, for the caret; or NULL */
};

/* Entries and their texts live in the arena given at init. Never more than LIMIT_DIAGS are kept;
 * the counters go on counting. */
struct diag_list {
    struct arena *arena;
    struct diag *v;
    size_t n, cap;
    size_t errors, warnings;
};

void diag_init(struct diag_list *l, struct arena *a);
/* path, what and hint are copied (path and hint may be NULL); at.file and source are borrowed and must outlive the
 * list. In a full list an error displaces the last warning. */
void diag_add(struct diag_list *l, enum diag_level level, struct place at, const char *path,
              const char *source, const char *hint, const char *fmt, ...) PRINTF_LIKE(7, 8);
/* Sort by file, line, column (stable). */
void diag_sort(struct diag_list *l);
/* Append "file:line:column: error: what; hint" and, where known, the source line with a caret under the column. */
void diag_print(const struct diag *d, bool with_source, struct str *out);

#endif
