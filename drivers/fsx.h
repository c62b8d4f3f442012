/* fsx.h: files, safely: bounded reads, atomic replacement, no waiting on what is not a file. */
#ifndef EK_FSX_H
#define EK_FSX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "spec/base/err.h"

struct arena;

/* Read a regular file of at most max bytes (symlinks are followed; FIFOs, sockets and devices are refused without blocking).
 * The text is NUL-terminated in the arena. ret_st may be NULL; it is of what was read. A file that changed while it was read is ERR_RETRY. */
int fsx_read(const char *path, size_t max, struct arena *a, const char **ret_text, size_t *ret_n,
             struct stat *ret_st, struct err *e);
/* Write to a temporary file beside it, fsync, rename, fsync the folder: afterwards path holds all of it or is as before. */
int fsx_replace(const char *path, const void *bytes, size_t n, mode_t mode, struct err *e);
/* The same with the temporary file in another folder of the same file system: who watches the folder of path sees one rename. */
int fsx_replace_through(const char *temp_folder, const char *path, const void *bytes, size_t n,
                        mode_t mode, struct err *e);
/* Remove and fsync the folder; absent is success. */
int fsx_remove(const char *path, struct err *e);
int fsx_mkdirs(const char *path, mode_t mode, struct err *e);
/* Absolute, "." and ".." folded by text, in the arena. Relative paths are taken from the working directory. */
const char *fsx_absolute(const char *path, struct arena *a);
/* dir + "/" + name */
const char *fsx_join(const char *dir, const char *name, struct arena *a);

#endif
