/* quarantine_folder.h: the folder of quarantine records (spec/quarantine.h), one file a volume.
 *
 * Loop thread only; files are a few lines and are read and written at once. */
#ifndef EK_QUARANTINE_FOLDER_H
#define EK_QUARANTINE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "spec/base/err.h"
#include "spec/quarantine.h"

struct quarantine_folder;

/* dir: STATE/quarantine; it need not exist. Nothing is read yet. */
struct quarantine_folder *quarantine_folder_new(const char *dir);
void quarantine_folder_free(struct quarantine_folder *q); /* NULL is fine */

/* Read all files anew. When the folder cannot be read (other than that it is not there) what was known stays. */
void quarantine_folder_look(struct quarantine_folder *q);
/* The same; true if any look since the last call of this found another set of records. */
bool quarantine_folder_news(struct quarantine_folder *q);
bool quarantine_folder_empty(const struct quarantine_folder *q); /* as far as is known */
/* What is known, sorted by volume; files that cannot be read have their problem. Copied to the arena. */
void quarantine_folder_observed(const struct quarantine_folder *q, struct arena *a,
                                struct quarantine_record **ret, size_t *ret_n);

/* Write the record of a volume, whole and durable. */
int quarantine_folder_put(struct quarantine_folder *q, const char *volume, const char *text,
                          struct err *e);
/* Remove it; absent is success. */
int quarantine_folder_drop(struct quarantine_folder *q, const char *volume, struct err *e);
/* 0 if the file says, at this moment, just what text (of quarantine_print) says; else -1, ERR_STALE if it says something else. */
int quarantine_folder_check(const struct quarantine_folder *q, const char *volume, const char *text,
                            struct err *e);

#endif
