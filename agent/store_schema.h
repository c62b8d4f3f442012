/* store_schema.h: the diary's file: opened, brought to the present form, set aside when it is beyond use. */
#ifndef EK_STORE_SCHEMA_H
#define EK_STORE_SCHEMA_H

#include <sqlite3.h>
#include <stdbool.h>

#include "spec/base/err.h"

#define STORE_FILE "evenkeel.db"

/* Open for writing, made if missing, migrated. What is corrupt or of a newer version is set aside with a warning first. */
int store_schema_open(const char *state_dir, sqlite3 **ret, struct err *e);
/* Open for reading: ERR_MISSING when there is none. */
int store_schema_read(const char *state_dir, sqlite3 **ret, struct err *e);
/* Rename the file (and its log) to evenkeel.db.broken-TIME. */
int store_schema_set_aside(const char *state_dir, const char *why, struct err *e);
/* The file itself is damaged, rather than the disk full or somebody else writing. */
bool store_schema_damaged(int sqlite_code);
/* err_set from what SQLite says. */
int store_schema_fail(sqlite3 *db, int code, struct err *e);

#endif
