/* store_job.h: one thing to be written, on its way from the loop to the writer. */
#ifndef EK_STORE_JOB_H
#define EK_STORE_JOB_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/base/err.h"

struct store;

enum store_job_kind {
    JOB_RUN_STARTED,
    JOB_ACTION_STARTED,
    JOB_ACTION_ENDED,
    JOB_RUN_ENDED,
    JOB_STATE,
    JOB_REVISION,
    JOB_HASH_SET,
    JOB_HASH_GONE,
    JOB_PASS,
    JOB_IMAGE_USED,
    JOB_IMAGE_GONE,
    JOB_HAND_SET,
    JOB_HANDS_GONE,
    JOB_DRIFT_BEGAN,
    JOB_DRIFT_ENDED,
};

struct store_job { /* one allocation, texts behind it */
    struct store_job *next;
    enum store_job_kind kind;
    size_t bytes;
    int64_t n[3];
    const char *text[7];
    const char *blob;
    size_t blob_n;
};

/* Takes the job over; NULL s frees it. Never blocks. */
void store_queue(struct store *s, struct store_job *job);

/* Each is one transaction and returns SQLite's code; on failure nothing was written. */
int store_write_batch(sqlite3 *db, const struct store_job *list);
int store_write_prune(sqlite3 *db);
/* Runs that an earlier process left open are closed as interrupted. */
int store_write_open_runs(sqlite3 *db);

#endif
