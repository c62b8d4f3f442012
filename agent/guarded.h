/* guarded.h: a small JSON file of STATE that the agent and the command line both change: read when it differs, written as a whole, by one process at a time. */
#ifndef EK_GUARDED_H
#define EK_GUARDED_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "spec/base/err.h"

enum {
    GUARDED_WAIT_MS = 3000
}; /* for another process; it needs milliseconds, unless somebody has suspended it */

/* Wait for PATH.lock (0600) and take it; the folder is made if need be (0700). A descriptor to close, or -1 (ERR_RETRY: another process has it for too long). The kernel drops it with the process. */
int guarded_lock(const char *path, struct err *e);
/* The same with a lock file that is open already; path is for the text. Released by closing it, or by F_UNLCK. */
int guarded_lock_fd(int fd, const char *path, struct err *e);
/* Differs from what was read (or from "absent", all zeros)? One stat(); fills *ret. */
bool guarded_changed(const char *path, const struct stat *known, struct stat *ret);
/* New reference. Absent: 0 with *ret NULL and *ret_st zeros. A file that is no JSON object, or larger than LIMIT_DOOR_FILE_BYTES: -1. */
int guarded_read(const char *path, json_t **ret, struct stat *ret_st, struct err *e);
/* Atomically, 0600; the caller has the lock. */
int guarded_write(const char *path, const json_t *v, struct err *e);
/* For CLEANUP(guarded_unlock) int fd = guarded_lock(...); -1 is fine. */
void guarded_unlock(int *fd);

#endif
