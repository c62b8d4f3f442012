/* audit_files.h: where the audit log is: STATE/audit/audit-000000000001.log and so on, each named after its first record; and STATE/audit/head, the last record that is known to be on disk. */
#ifndef EK_AUDIT_FILES_H
#define EK_AUDIT_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "agent/audit_line.h"
#include "spec/base/err.h"

struct arena;

struct audit_file {
    const char *path;
    int64_t first; /* seq of its first record, by its name */
};

struct audit_head {
    int64_t seq; /* 0: there is none */
    char hash[SHA256_HEX];
};

const char *audit_files_folder(const char *state, struct arena *a);
const char *audit_files_path(const char *folder, int64_t first, struct arena *a);
/* In order. A folder that is not there has none. */
int audit_files_list(const char *folder, struct arena *a, const struct audit_file **ret,
                     size_t *ret_n, struct err *e);

/* Absent or cut off: seq 0. */
void audit_files_read_head(const char *folder, struct audit_head *ret);
/* In place, in one write; it is never ahead of what was synced. */
int audit_files_write_head(const char *folder, const struct audit_head *h, struct err *e);

/* The next line into buf (LIMIT_AUDIT_LINE + 1 bytes), without its end. Its length; -1 at the end of the file; -2 when it is longer than a line may be (the rest of it was skipped). *ret_whole: it
 * had an end. */
long audit_files_line(FILE *f, char *buf, bool *ret_whole);

#endif
