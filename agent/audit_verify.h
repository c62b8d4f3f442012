/* audit_verify.h: reading the audit log: is it whole, and what does it say? Needs no running agent and disturbs none. */
#ifndef EK_AUDIT_VERIFY_H
#define EK_AUDIT_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/audit_line.h"
#include "spec/base/err.h"

struct arena;

struct audit_report {
    int64_t records, first_seq, last_seq; /* of those that are whole, up to the first that is not */
    char head[SHA256_HEX];                /* hash of the last of them */
    size_t files;
    const char *
        file; /* the first line that is broken: its file, line (from 1; 0: the end of the log) and why; NULL: none is */
    size_t line;
    const char *why;
    bool unfinished; /* the last line has no end: a crash, or a record being written just now */
};

/* Texts in the arena. -1 only when the log cannot be read at all. */
int audit_verify(const char *state, struct arena *a, struct audit_report *ret, struct err *e);

struct audit_wanted {
    const char *app;  /* NULL: all */
    int64_t since_ms; /* 0: all */
    size_t limit;
};

/* The newest `limit` records that are wanted, newest first; lines that cannot be read are left out (that is audit_verify's business). Texts in the arena. */
int audit_read(const char *state, const struct audit_wanted *w, struct arena *a,
               const struct audit_record **ret, size_t *ret_n, struct err *e);

#endif
